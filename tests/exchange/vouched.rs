//! The CA certificates that a host trusts: those with the user's fingerprints, and those that a
//! link certificate vouches for.

use std::{fs, path::PathBuf};

use super::host::apply;
use etcd_pki_core::Certificate;
use etcd_pki_tests::{
    machines::{Machines, SPECIFICATION},
    openssl,
};

/// A folder in which openssl creates CAs.
struct Openssl<'a> {
    machines: &'a Machines,
    folder: PathBuf,
}

impl<'a> Openssl<'a> {
    fn new(machines: &'a Machines) -> Self {
        let folder = machines.path("openssl");
        fs::create_dir(&folder).unwrap();
        for (file, name) in [("ca.pem", "old.pem"), ("ca-key.pem", "old-key.pem")] {
            fs::copy(machines.path("ca").join(file), folder.join(name)).unwrap();
        }
        Self { machines, folder }
    }

    fn call(&self, line: &str) {
        openssl::call(&self.folder, line);
    }

    fn text(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).unwrap()
    }

    /// A self-signed CA with the common name `etcd-ca` and further extensions.
    fn ca(&self, name: &str, extensions: &str) -> String {
        self.call(&format!(
            "ecparam -name prime256v1 -genkey -noout -out {name}-key.pem"
        ));
        self.call(&format!(
            "req -new -key {name}-key.pem -subj /CN=etcd-ca -out {name}.csr"
        ));
        self.sign(
            name,
            "-signkey",
            &format!("{name}-key.pem"),
            extensions,
            name,
        )
    }

    /// A link certificate for the name and key of a CA, signed by another CA.
    fn link(&self, new: &str, signer: &str, extensions: &str) -> String {
        let how = format!("-CA {signer}.pem -CAkey");
        self.sign(new, &how, &format!("{signer}-key.pem"), extensions, "link")
    }

    fn sign(&self, name: &str, how: &str, key: &str, extensions: &str, output: &str) -> String {
        let usual = "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\n";
        fs::write(
            self.folder.join("extensions"),
            format!("{usual}{extensions}\n"),
        )
        .unwrap();
        self.call(&format!(
            "x509 -req -in {name}.csr {how} {key} -days 9 -extfile extensions -out {output}.pem"
        ));
        self.text(&format!("{output}.pem"))
    }

    /// Puts the CAs and the link into the folder of etcd-1.
    fn arrive(&self, cas: &[&str], link: &str) {
        let folder = self.machines.path("travel/etcd-1");
        fs::write(folder.join("ca.pem"), cas.concat()).unwrap();
        fs::write(folder.join("ca-link.pem"), link).unwrap();
    }
}

const RESTRICTIONS: [&str; 5] = [
    "nameConstraints=critical,permitted;DNS:lan",
    "nameConstraints=excluded;DNS:lan",
    "extendedKeyUsage=clientAuth,serverAuth",
    "policyConstraints=requireExplicitPolicy:3",
    "inhibitAnyPolicy=3",
];

/// A root would have none of these restrictions, so the owner of the link's key would be free of
/// them.
#[test]
fn a_restricted_link_vouches_for_nothing() {
    let machines = Machines::installed(SPECIFICATION);
    let openssl = Openssl::new(&machines);
    let new = openssl.ca("new", "");
    let old = openssl.text("old.pem");
    let ca = machines.path("etcd-1/ca.pem");
    for restriction in RESTRICTIONS {
        openssl.arrive(&[&old, &new], &openssl.link("new", "old", restriction));
        let (code, done, refused) = apply(&machines, &[]);
        assert_eq!(
            (code, &done["trusted"]),
            (1, &0.into()),
            "{restriction}: {refused:?}"
        );
        assert!(
            refused.len() == 1 && refused[0].contains("no trusted CA vouches for it"),
            "{refused:?}"
        );
        assert_eq!(fs::read_to_string(&ca).unwrap(), old, "{restriction}");
    }
    openssl.arrive(&[&old, &new], &openssl.link("new", "old", ""));
    let (code, done, refused) = apply(&machines, &[]);
    assert_eq!((code, &done["trusted"]), (0, &1.into()), "{refused:?}");
    assert_eq!(fs::read_to_string(&ca).unwrap(), old + &new);
}

/// The owner of a restricted CA could otherwise use a link to another of their own keys to be free
/// of the restrictions.
#[test]
fn a_restricted_ca_vouches_for_no_other() {
    for restriction in RESTRICTIONS {
        let machines = Machines::installed(SPECIFICATION);
        let openssl = Openssl::new(&machines);
        let (restricted, new) = (openssl.ca("restricted", restriction), openssl.ca("new", ""));
        let old = openssl.text("old.pem");
        let ca = machines.path("etcd-1/ca.pem");
        openssl.arrive(&[&old, &restricted], "");
        let given = Certificate::from_pem(&restricted)
            .unwrap()
            .fingerprint_sha256();
        let (code, _, refused) = apply(&machines, &[given]);
        assert_eq!(code, 0, "{restriction}: {refused:?}");
        let link = openssl.link("new", "restricted", "");
        openssl.arrive(&[&old, &restricted, &new], &link);
        let (code, done, refused) = apply(&machines, &[]);
        assert_eq!(
            (code, &done["trusted"]),
            (1, &0.into()),
            "{restriction}: {refused:?}"
        );
        assert_eq!(fs::read_to_string(&ca).unwrap(), old + &restricted);
    }
}

/// It may be misspelled, or the fingerprint of another CA.
#[test]
fn a_fingerprint_of_no_certificate_is_refused() {
    let machines = Machines::installed(SPECIFICATION);
    let own = Certificate::from_bytes(&fs::read(machines.path("ca/ca.pem")).unwrap()).unwrap();
    let own = own.fingerprint_sha256();
    let others = ["0".repeat(64), "F".repeat(64)];
    let (code, _, refused) = apply(&machines, std::slice::from_ref(&own));
    assert_eq!(code, 0, "{refused:?}");
    // Due changes are done
    machines.specify(&SPECIFICATION.replace("10.0.0.11", "10.0.0.11, 10.0.1.1"));
    let given = [others[0].clone(), own, others[1].clone()];
    let (code, done, refused) = apply(&machines, &given);
    assert_eq!((code, &done["requested"]), (1, &1.into()));
    assert_eq!(refused.len(), 2, "{refused:?}");
    for (reason, other) in refused.iter().zip(&others) {
        assert!(reason.contains(other), "{reason}");
    }
    // The installed CA counts even if nothing has arrived, or a damaged file
    let arrived = machines.path("travel/etcd-1/ca.pem");
    let remove = || fs::remove_file(&arrived).unwrap();
    let damage = || fs::write(&arrived, "nonsense").unwrap();
    for change in [&damage as &dyn Fn(), &remove] {
        change();
        let (code, _, refused) = apply(&machines, &given);
        assert_eq!(code, 1);
        assert!(
            others
                .iter()
                .all(|other| refused.iter().any(|one| one.contains(other)))
        );
    }
}

/// The request comes first, and the CA's certificate later.
#[test]
fn a_fingerprint_may_be_given_before_a_ca_arrives() {
    let machines = Machines::new(SPECIFICATION);
    let (code, done, refused) = apply(&machines, &["0".repeat(64)]);
    assert_eq!((code, &done["requested"]), (0, &2.into()), "{refused:?}");
}

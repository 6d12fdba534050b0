//! CA certificates that a host trusts and that are missing in the files that arrive: when they
//! stay, and when they are removed.

use std::{fs, path::Path};

use super::host::apply;
use etcd_pki_core::{
    Bundle, Certificate, CertificateAuthority, Identity, PrivateKey, Profile, Role,
};
use etcd_pki_tests::{
    machines::{Machines, SPECIFICATION},
    openssl,
};

fn fingerprints(path: &Path) -> Vec<String> {
    let all = Certificate::all_from_bytes(&fs::read(path).unwrap()).unwrap();
    all.iter().map(Certificate::fingerprint_sha256).collect()
}

/// Writes the files of a client that another CA issued.
fn put(machines: &Machines, name: &str, client: &Bundle) {
    let folder = machines.path("etcd-1");
    let certificate = folder.join(format!("client-{name}.pem"));
    fs::write(certificate, client.to_pem()).unwrap();
    let key = folder.join(format!("client-{name}-key.pem"));
    fs::write(key, &*client.to_secret_pem()).unwrap();
}

/// A CA below another one.
fn intermediate(machines: &Machines, ca: &CertificateAuthority) -> CertificateAuthority {
    let folder = machines.path("partner");
    fs::create_dir(&folder).unwrap();
    let root = ca.certificate().to_pem();
    fs::write(folder.join("root.pem"), &root).unwrap();
    let key = ca.key().unwrap().to_secret_pem();
    fs::write(folder.join("root-key.pem"), &*key).unwrap();
    let extensions = "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\n";
    fs::write(folder.join("extensions"), extensions).unwrap();
    for line in [
        "ecparam -name prime256v1 -genkey -noout -out key.pem",
        "req -new -key key.pem -subj /CN=partner-2 -out csr.pem",
        "x509 -req -in csr.pem -CA root.pem -CAkey root-key.pem -days 9 -extfile extensions -out ca.pem",
    ] {
        openssl::call(&folder, line);
    }
    let own = fs::read_to_string(folder.join("ca.pem")).unwrap();
    let key = fs::read(folder.join("key.pem")).unwrap();
    CertificateAuthority::from_pem(own + &root, key).unwrap()
}

/// The specification does not contain this client, and its server may be on this host.
#[test]
fn a_ca_stays_while_any_certificate_here_needs_it() {
    for is_below_another in [false, true] {
        let machines = Machines::installed(SPECIFICATION);
        let partner = CertificateAuthority::create("partner").unwrap();
        let below = is_below_another.then(|| intermediate(&machines, &partner));
        let issuer = below.as_ref().unwrap_or(&partner);
        let identity = Identity::new("backup").unwrap();
        put(
            &machines,
            "backup",
            &issuer.issue(Role::Client, identity).unwrap(),
        );
        let ca = machines.path("etcd-1/ca.pem");
        let own = fs::read_to_string(&ca).unwrap();
        let both = own.clone() + &partner.certificate().to_pem();
        fs::write(&ca, &both).unwrap();
        // A change is due at the same time, and the CA's machine writes the bundle without the
        // partner
        machines.specify(&SPECIFICATION.replace("10.0.0.11", "10.0.0.11, 10.0.1.1"));
        let (_, requested, _) = apply(&machines, &[]);
        assert_eq!(requested["requested"], 1);
        let _ = machines.quietly("ca");
        let arrived = machines.path("travel/etcd-1/ca.pem");
        assert_eq!(fs::read_to_string(arrived).unwrap(), own);
        let (code, done, reasons) = apply(&machines, &[]);
        assert_eq!((code, &done["installed"]), (1, &1.into()), "{reasons:?}");
        let expected = "it lacks CN=partner, SHA-256 ";
        assert!(
            reasons.len() == 1
                && reasons[0].starts_with(expected)
                && reasons[0].contains("client-backup.pem is not valid"),
            "{reasons:?}"
        );
        assert_eq!(fs::read_to_string(&ca).unwrap(), both);
        // Without the client the CA is unnecessary
        fs::remove_file(machines.path("etcd-1/client-backup.pem")).unwrap();
        let (code, done, reasons) = apply(&machines, &[]);
        assert_eq!((code, &done["trusted"]), (0, &1.into()), "{reasons:?}");
        assert_eq!(fs::read_to_string(&ca).unwrap(), own);
    }
}

/// A CA that the operator put there before the host has a certificate.
#[test]
fn a_ca_stays_while_no_certificate_is_installed() {
    let machines = Machines::new(SPECIFICATION);
    for machine in ["etcd-1", "etcd-2", "ca"] {
        let _ = machines.quietly(machine);
    }
    let partner = CertificateAuthority::create("partner").unwrap();
    let own = fs::read_to_string(machines.path("ca/ca.pem")).unwrap();
    let both = own + &partner.certificate().to_pem();
    let ca = machines.path("etcd-1/ca.pem");
    fs::write(&ca, &both).unwrap();
    let (code, done, reasons) = apply(&machines, &[]);
    assert_eq!((code, &done["installed"]), (1, &2.into()), "{reasons:?}");
    assert!(
        reasons.len() == 1
            && reasons[0].starts_with("it lacks CN=partner, SHA-256 ")
            && reasons[0].contains("no certificate here"),
        "{reasons:?}"
    );
    assert_eq!(fs::read_to_string(&ca).unwrap(), both);
}

/// A certificate with the key and name of another one, valid from the same second on.
fn twin(of: &Certificate, key: &Path) -> Certificate {
    let identity = Identity::from_common_name("etcd-ca").unwrap();
    let make = |at| {
        let key = PrivateKey::from_pem(fs::read(key).unwrap()).unwrap();
        CertificateAuthority::create_for(key, &identity, Profile::ca(), at).unwrap()
    };
    let begin = of.not_before();
    let head_start = begin
        .duration_since(make(begin).certificate().not_before())
        .unwrap();
    make(begin + head_start).certificate().clone()
}

#[test]
fn of_two_certificates_from_the_same_second_the_existing_one_stays() {
    let machines = Machines::installed(SPECIFICATION);
    let ca = machines.path("etcd-1/ca.pem");
    let arrived = machines.path("travel/etcd-1/ca.pem");
    let before = fs::read_to_string(&ca).unwrap();
    let own = Certificate::from_pem(&before).unwrap();
    let twin = twin(&own, &machines.path("ca/ca-key.pem"));
    assert_eq!(twin.not_before(), own.not_before());
    let text = twin.to_pem();
    for file in [&text, &(text.clone() + &before), &(before.clone() + &text)] {
        fs::write(&arrived, file).unwrap();
        let (code, done, reasons) = apply(&machines, &[]);
        assert_eq!((code, &done["trusted"]), (0, &0.into()), "{reasons:?}");
        assert_eq!(fs::read_to_string(&ca).unwrap(), before);
    }
    // It is trusted if the user gives its fingerprint
    fs::write(&arrived, &text).unwrap();
    let (code, done, reasons) = apply(&machines, &[twin.fingerprint_sha256()]);
    assert_eq!((code, &done["trusted"]), (0, &1.into()), "{reasons:?}");
    assert_eq!(fingerprints(&ca), [twin.fingerprint_sha256()]);
}

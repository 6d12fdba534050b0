//! Renewals of CAs: their properties stay, and the rest of their trust bundle stays too.
mod chains;
mod forms;

use std::{
    fs,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use etcd_pki_core::{
    CaKind, Certificate, CertificateAuthority, Identity, Layout, PrivateKey, Profile, Store,
    Validity, internal::rfc3339,
};
use etcd_pki_tests::{
    Output, Scratch,
    command::etcd_pki_in,
    go,
    openssl::{self, Extension, Purpose},
};

const CA: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n\
    subjectKeyIdentifier=hash\n";
const MEMBER: &str = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n\
    extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=DNS:node1.lan,DNS:node1,DNS:localhost,\
    IP:10.0.0.1,IP:127.0.0.1,IP:::1\n";

/// A place for certificates of openssl, with the directory `p`.
struct Place(Scratch);

impl Place {
    fn new() -> Self {
        let place = Self(Scratch::new("ca-renewal"));
        fs::create_dir(place.0.path().join("p")).unwrap();
        place
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    fn write(&self, name: &str, contents: &str) {
        fs::write(self.file(name), contents).unwrap();
    }

    fn openssl(&self, line: &str) {
        let _ = openssl::call(self.0.path(), line);
    }

    #[track_caller]
    fn pki(&self, line: &str) -> Output {
        etcd_pki_in(self.0.path(), line)
    }

    fn request(&self, name: &str, subject: &str) {
        self.openssl(&format!(
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out {name}-key.pem"
        ));
        self.openssl(&format!(
            "req -new -key {name}-key.pem -subj {subject} -out {name}.csr"
        ));
    }

    /// A root with these extensions.
    fn root(&self, name: &str, subject: &str, extensions: &str) {
        self.request(name, subject);
        self.write("extensions", extensions);
        let extensions = if extensions.is_empty() {
            ""
        } else {
            "-extfile extensions"
        };
        self.openssl(&format!(
            "x509 -req -in {name}.csr -signkey {name}-key.pem -days 400 {extensions} -out {name}.pem"
        ));
    }

    /// Creates a certificate that another one signs.
    fn signed(&self, name: &str, subject: &str, issuer: &str, extensions: &str, days: u32) {
        self.request(name, subject);
        self.write("extensions", extensions);
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA {issuer}.pem -CAkey {issuer}-key.pem -CAcreateserial \
             -days {days} -extfile extensions -out {name}.pem"
        ));
    }

    /// Creates a certificate that another one signs, with the start of its validity and its length
    /// in days.
    fn dated(&self, name: &str, issuer: &str, extensions: &str, since: u64, days: u64) {
        let instant = |moment: SystemTime| {
            let text = rfc3339(moment).replace(['-', ':', 'T'], "");
            text[2..].to_owned()
        };
        let day = Duration::from_secs(86_400);
        let now = SystemTime::now();
        let (begin, end) = (now - day * since as u32, now + day * days as u32);
        fs::write(self.file("index"), "").unwrap();
        self.write(
            "config",
            &format!(
                "[ca]\ndefault_ca=own\n[own]\ndatabase=index\nrand_serial=yes\nnew_certs_dir=.\n\
                 default_md=sha256\npolicy=any\nemail_in_dn=no\n[any]\ncommonName=supplied\n\
                 [extensions]\n{extensions}"
            ),
        );
        self.openssl(&format!(
            "ca -batch -notext -config config -extensions extensions -in {name}.csr -out {name}.pem \
             -startdate {} -enddate {} -cert {issuer}.pem -keyfile {issuer}-key.pem",
            instant(begin),
            instant(end),
        ));
    }

    /// Copies pairs into `p`.
    fn copy(&self, names: &[&str]) {
        for name in names {
            let certificate = self.file(&format!("{name}.pem"));
            fs::copy(certificate, self.file(&format!("p/{name}.pem"))).unwrap();
            self.copy_key(name, name);
        }
    }

    fn copy_key(&self, from: &str, to: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.file(&format!("p/{to}-key.pem"));
        fs::copy(self.file(&format!("{from}-key.pem")), &path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Asserts that openssl and Go accept a leaf below this CA file.
    #[track_caller]
    fn assert_accepted(&self, ca: &str, leaf: &str) {
        let (ca, leaf) = (self.file(ca), self.file(leaf));
        openssl::verify(&ca, &leaf, Purpose::Server).assert_accepted("openssl");
        let verify = go::verify(&ca, &leaf).host("node1.lan");
        verify.server().assert_accepted("Go");
    }

    fn extensions(&self, name: &str) -> Vec<Extension> {
        openssl::asn1parse_extensions(&self.file(name))
    }

    /// The output of `openssl x509` about the first certificate of a file.
    fn shown(&self, name: &str, options: &str) -> String {
        let line = format!("x509 -in {name} -noout {options}");
        let shown = openssl::call(self.0.path(), &line);
        shown.stdout().to_owned()
    }
}

/// OpenSSL's names for the extensions that a CA must have, and for those that may be missing.
const NECESSARY: [&str; 3] = [
    "X509v3 Basic Constraints",
    "X509v3 Key Usage",
    "X509v3 Subject Key Identifier",
];

#[test]
fn every_extension_is_kept() {
    for extensions in [
        CA.to_owned(),
        format!(
            "{CA}nameConstraints=critical,permitted;DNS:lan,permitted;DNS:node1,\
                 permitted;DNS:localhost,permitted;IP:10.0.0.0/255.0.0.0,\
                 permitted;IP:127.0.0.0/255.0.0.0,permitted;IP:::/::\n\
                 extendedKeyUsage=serverAuth,clientAuth\n\
                 certificatePolicies=1.2.3.4,1.2.3.5\n\
                 crlDistributionPoints=URI:http://crl.example/a.crl\n\
                 1.3.6.1.4.1.55555.7=ASN1:UTF8String:ours\n\
                 subjectAltName=DNS:etcd-ca\nissuerAltName=issuer:copy\n"
        ),
        // Another tool's extensions: not critical, with more usages, in another order
        "keyUsage=digitalSignature,keyEncipherment,keyCertSign\nsubjectKeyIdentifier=hash\n\
             authorityKeyIdentifier=keyid:always\nbasicConstraints=CA:TRUE,pathlen:0\n"
            .to_owned(),
        // The extensions of Kubespray's CA
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always\n\
             basicConstraints=critical,CA:TRUE\n"
            .to_owned(),
        "basicConstraints=CA:TRUE\nsubjectKeyIdentifier=none\n".to_owned(),
    ] {
        let place = Place::new();
        place.root("ca", "/O=corp/OU=etcd/CN=etcd-ca", &extensions);
        // Without a key identifier openssl would name the CA by its serial number
        let leaf = format!("{MEMBER}authorityKeyIdentifier=none\n");
        place.signed("leaf", "/CN=node1", "ca", &leaf, 30);
        place.assert_accepted("ca.pem", "leaf.pem");
        place.copy(&["ca"]);
        let _ = place.pki("ca renew -d p").expect_success();
        let (old, new) = (place.extensions("ca.pem"), place.extensions("p/ca.pem"));
        let added = new.iter().filter(|one| !old.contains(one));
        let added: Vec<&str> = added.map(|one| &*one.name).collect();
        let is_missing = |name: &&str| old.iter().all(|one| one.name != *name);
        let missing: Vec<&str> = NECESSARY.into_iter().filter(is_missing).collect();
        assert_eq!(added, missing);
        let kept: Vec<_> = new.iter().filter(|one| old.contains(one)).collect();
        assert_eq!(kept, old.iter().collect::<Vec<_>>());
        for field in ["-subject", "-issuer", "-pubkey"] {
            assert_eq!(place.shown("ca.pem", field), place.shown("p/ca.pem", field));
        }
        for field in ["-serial", "-startdate"] {
            assert_ne!(place.shown("ca.pem", field), place.shown("p/ca.pem", field));
        }
        place.assert_accepted("p/ca.pem", "leaf.pem");
    }
}

/// A root that identifies itself by its serial number stays a root for OpenSSL after the renewal.
#[test]
fn a_root_that_names_its_own_serial_number() {
    for leaf_names_serial in [false, true] {
        let place = Place::new();
        place.request("ca", "/CN=etcd-ca");
        place.write(
            "config",
            "[req]\ndistinguished_name=name\nx509_extensions=ca\n[name]\n[ca]\n\
             basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n\
             subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid:always,issuer:always\n",
        );
        place.openssl(
            "req -x509 -new -config config -key ca-key.pem -days 400 -subj /CN=etcd-ca -out ca.pem",
        );
        let names = if leaf_names_serial {
            "authorityKeyIdentifier=keyid:always,issuer:always\n"
        } else {
            "authorityKeyIdentifier=keyid:always\n"
        };
        place.signed("leaf", "/CN=node1", "ca", &format!("{MEMBER}{names}"), 30);
        place.copy(&["ca"]);
        if leaf_names_serial {
            fs::copy(place.file("leaf.pem"), place.file("p/member-node1.pem")).unwrap();
        }
        let _ = place.pki("ca renew -d p").expect_success();
        place.assert_accepted("p/ca.pem", "leaf.pem");
        place.openssl("verify -CAfile p/ca.pem -check_ss_sig p/ca.pem");
        let kept = place.shown("ca.pem", "-serial") == place.shown("p/ca.pem", "-serial");
        assert_eq!(kept, leaf_names_serial);
    }
}

/// Text and certificates around the renewed entry stay as they are.
#[test]
fn a_trust_bundle_keeps_its_other_entries_in_their_places() {
    for place_of_own in 0..3 {
        for (how, due) in [("ca renew -d p", false), ("apply -f s.yaml", true)] {
            let place = Place::new();
            // A plan renews it if it has no keyUsage
            let extensions = if due {
                "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\n"
            } else {
                CA
            };
            place.root("ca", "/CN=etcd-ca", extensions);
            // With the same name, and with another one
            place.root("old", "/CN=etcd-ca", CA);
            place.root("other", "/CN=other-ca", CA);
            place.signed("leaf", "/CN=etcd-member-node1", "ca", MEMBER, 300);
            place.signed("of-old", "/CN=node1", "old", MEMBER, 300);
            place.copy(&["ca"]);
            let mut entries = vec![place.read("old.pem"), place.read("other.pem")];
            entries.insert(place_of_own, place.read("ca.pem"));
            let texts = ["# trusted since 2019\r\n", "\n# and since\n\n", "", "# end"];
            let bundle: String = texts
                .iter()
                .zip(entries.iter().map(String::as_str).chain([""]))
                .map(|(text, entry)| [*text, entry].concat())
                .collect();
            place.write("p/ca.pem", &bundle);
            fs::copy(place.file("leaf.pem"), place.file("p/member-node1.pem")).unwrap();
            place.copy_key("leaf", "member-node1");
            if due {
                let adopted = place.pki("adopt p").expect_success();
                place.write("s.yaml", adopted.stdout());
            }
            let _ = place.pki(how).expect_success();

            let all = Certificate::all_from_bytes(&fs::read(place.file("p/ca.pem")).unwrap());
            let own = all.unwrap().swap_remove(place_of_own);
            let expected = bundle.replace(&place.read("ca.pem"), &own.to_pem());
            assert_eq!(place.read("p/ca.pem"), expected, "{how} {place_of_own}");
            assert_ne!(expected, bundle, "{how} {place_of_own}");
            let own_pem = own.to_pem();
            place.write("own.pem", &own_pem);
            for (ca, leaf) in [
                ("p/ca.pem", "leaf.pem"),
                ("own.pem", "leaf.pem"),
                ("p/ca.pem", "of-old.pem"),
            ] {
                place.assert_accepted(ca, leaf);
            }
        }
    }
}

/// Creates an intermediate CA, with its issuer's name or another, and the root in its file.
fn intermediate(name: &str, is_due: bool) -> Place {
    let place = Place::new();
    place.root("top", "/CN=corp-root", CA);
    let extensions = format!(
        "{CA}authorityKeyIdentifier=keyid\nnameConstraints=critical,excluded;DNS:example\n\
         1.3.6.1.4.1.55555.7=ASN1:UTF8String:ours\n"
    );
    place.request("ca", &format!("/CN={name}"));
    let begins = if is_due { 300 } else { 1 };
    place.dated("ca", "top", &extensions, begins, 10);
    let days = 10;
    let leaf = format!("{MEMBER}authorityKeyIdentifier=keyid\n");
    place.signed("member-node1", "/CN=etcd-member-node1", "ca", &leaf, days);
    place.copy(&["member-node1"]);
    place.copy_key("ca", "ca");
    place.write("p/ca.pem", &(place.read("ca.pem") + &place.read("top.pem")));
    place
}

#[test]
fn an_intermediate_ca_is_never_made_a_root() {
    for name in ["etcd-server-ca", "corp-root"] {
        let place = intermediate(name, false);
        let before = place.read("p/ca.pem");
        for line in ["ca renew -d p", "ca renew -d p --path-length 3 --days 9"] {
            let refused = place.pki(line).expect_code(1);
            assert!(refused.stderr().contains("is no root"), "{refused:?}");
            assert!(refused.stderr().contains("--csr"), "{refused:?}");
            assert_eq!(place.read("p/ca.pem"), before);
        }

        let _ = place.pki("ca renew -d p --csr r.csr").expect_success();
        assert_eq!(place.read("p/ca.pem"), before);
        openssl::request_verify(&place.file("r.csr")).assert_accepted("the request");
        go::request(&place.file("r.csr")).assert_accepted("the request");
        let again = place.pki("ca renew -d p --csr r.csr").expect_code(1);
        assert!(again.stderr().contains("r.csr"), "{again:?}");
        // The issuer copies the requested extensions
        place.openssl(
            "x509 -req -in r.csr -CA top.pem -CAkey top-key.pem -days 300 -copy_extensions copyall \
             -out new.pem",
        );
        let new = place.extensions("new.pem");
        let named = |one: &&Extension| one.name != "X509v3 Authority Key Identifier";
        let old = place.extensions("ca.pem");
        let old: Vec<_> = old.iter().filter(named).collect();
        assert_eq!(new.iter().filter(named).collect::<Vec<_>>(), old);
        for field in ["-subject", "-pubkey"] {
            assert_eq!(place.shown("ca.pem", field), place.shown("new.pem", field));
        }
        place.write(
            "p/ca.pem",
            &(place.read("new.pem") + &place.read("top.pem")),
        );
        place.assert_accepted("p/ca.pem", "member-node1.pem");
        let _ = place.pki("cert issue client backup -d p").expect_success();
        // A host that trusts only the root gets the CA's certificate with the leaf
        go::verify(&place.file("top.pem"), &place.file("p/client-backup.pem"))
            .client()
            .assert_accepted("Go");
    }
}

/// A plan blocks an intermediate CA that expires soon, and does everything else.
#[test]
fn a_plan_shows_an_intermediate_ca_as_blocked() {
    for name in ["etcd-server-ca", "corp-root"] {
        let place = intermediate(name, true);
        let specification = format!(
            "directory: p\nca: {{common_name: {name}}}\nmembers: [{{name: node1, names: [node1.lan], \
             addresses: [10.0.0.1]}}]\nclients: [backup]\n"
        );
        place.write("s.yaml", &specification);
        let before = place.read("p/ca.pem");
        let plan = place.pki("plan --check -f s.yaml").expect_code(3);
        let line = plan.stdout().lines().find(|line| line.contains(" ca.pem "));
        let line = line.unwrap_or_else(|| panic!("{plan:?}"));
        assert!(line.starts_with("  blocked "), "{plan:?}");
        assert!(line.contains("only that CA can renew it"), "{plan:?}");
        let applied = place.pki("apply -f s.yaml").expect_code(1);
        assert_eq!(place.read("p/ca.pem"), before);
        assert!(place.file("p/client-backup.pem").exists(), "{applied:?}");
        let plan = place.pki("plan --json -f s.yaml").expect_success();
        let plan: serde_json::Value = serde_json::from_str(plan.stdout()).unwrap();
        assert!(plan.to_string().contains("EP043"), "{plan}");
    }
}

#[test]
fn path_lengths() {
    let place = Place::new();
    let _ = place.pki("ca new -d p").expect_success();
    let constraints = |name: &str| place.shown(name, "-ext basicConstraints");
    assert!(constraints("p/ca.pem").contains("CA:TRUE, pathlen:1"));
    let _ = place.pki("cert issue client backup -d p").expect_success();
    for length in [0, 3, 255] {
        let line = format!("ca renew -d p --path-length {length}");
        let _ = place.pki(&line).expect_success();
        let expected = format!("CA:TRUE, pathlen:{length}\n");
        assert!(constraints("p/ca.pem").contains(&expected));
        let _ = place.pki("ca renew -d p").expect_success();
        assert!(constraints("p/ca.pem").contains(&expected));
        openssl::verify_strict(
            &place.file("p/ca.pem"),
            &place.file("p/client-backup.pem"),
            Purpose::Client,
        )
        .assert_accepted("a leaf of before");
    }
    for wrong in ["-1", "256", "x"] {
        let _ = place
            .pki(&format!("ca renew -d p --path-length={wrong}"))
            .expect_code(2);
    }
    // The path length of another tool's CA is no reason for a change
    for (length, constraints) in [(":0", ",pathlen:0"), ("", ""), (":7", ",pathlen:7")] {
        let place = Place::new();
        place.root(
            "ca",
            "/CN=etcd-ca",
            &CA.replace("CA:TRUE", &format!("CA:TRUE{constraints}")),
        );
        place.copy(&["ca"]);
        place.write(
            "s.yaml",
            "directory: p\nca: {validity: 400d}\nclients: [backup]\n",
        );
        let _ = place.pki("apply -f s.yaml").expect_success();
        let _ = place.pki("plan --check -f s.yaml").expect_success();
        assert_eq!(place.read("p/ca.pem"), place.read("ca.pem"), "{length}");
    }
}

/// A CA of X.509 version 1 signs as it is, and becomes one of version 3 when it is renewed.
#[test]
fn a_version_1_ca() {
    let place = Place::new();
    place.root("ca", "/CN=etcd-ca", "");
    assert!(place.shown("ca.pem", "-text").contains("Version: 1"));
    place.signed("member-node1", "/CN=etcd-member-node1", "ca", MEMBER, 300);
    place.copy(&["ca", "member-node1"]);
    let _ = place.pki("cert issue client backup -d p").expect_success();
    place.assert_accepted("p/ca.pem", "p/member-node1.pem");
    let shown = place.pki("ca show -d p").expect_success();
    assert!(shown.stdout().contains("etcd-ca"), "{shown:?}");

    let adopted = place.pki("adopt p").expect_success();
    place.write("s.yaml", adopted.stdout());
    let _ = place.pki("apply -f s.yaml").expect_success();
    let text = place.shown("p/ca.pem", "-text");
    assert!(text.contains("Version: 3"), "{text}");
    assert!(text.contains("CA:TRUE\n"), "{text}");
    for field in ["-subject", "-pubkey"] {
        assert_eq!(place.shown("ca.pem", field), place.shown("p/ca.pem", field));
    }
    for leaf in ["member-node1", "client-backup"] {
        let leaf = place.file(&format!("p/{leaf}.pem"));
        openssl::verify(&place.file("p/ca.pem"), &leaf, Purpose::Client).assert_accepted("a leaf");
    }
    let _ = place.pki("plan --check -f s.yaml").expect_success();
}

/// A CA without a common name can be adopted and renewed, and nothing else changes.
#[test]
fn a_ca_without_a_common_name() {
    for (subject, peer_subject) in [("/O=etcd", "/CN=peers"), ("/OU=etcd", "/O=peers")] {
        let place = Place::new();
        place.root("ca", subject, CA);
        place.root("peer-ca", peer_subject, CA);
        place.signed("member-node1", "/CN=etcd-member-node1", "ca", MEMBER, 300);
        place.signed(
            "peer-node1",
            "/CN=etcd-member-node1",
            "peer-ca",
            MEMBER,
            300,
        );
        let names = ["ca", "peer-ca", "member-node1", "peer-node1"];
        place.copy(&names);
        let adopted = place.pki("adopt p").expect_success();
        assert!(
            adopted.stdout().contains("\n  common_name: null\n"),
            "{adopted:?}"
        );
        place.write("s.yaml", adopted.stdout());
        let _ = place.pki("apply -f s.yaml").expect_success();
        let _ = place.pki("plan --check -f s.yaml").expect_success();
        for name in names {
            assert_eq!(
                place.read(&format!("p/{name}.pem")),
                place.read(&format!("{name}.pem"))
            );
        }
        for (options, name) in [("", "ca"), ("--peers", "peer-ca")] {
            let _ = place
                .pki(&format!("ca renew -d p {options}"))
                .expect_success();
            let (old, new) = (format!("{name}.pem"), format!("p/{name}.pem"));
            assert_eq!(place.shown(&old, "-subject"), place.shown(&new, "-subject"));
        }
        place.assert_accepted("p/ca.pem", "member-node1.pem");
        place.assert_accepted("p/peer-ca.pem", "peer-node1.pem");
        let _ = place.pki("plan --check -f s.yaml").expect_success();
    }
}

#[test]
fn a_specification_of_a_ca_without_a_common_name() {
    let place = Place::new();
    let specify =
        |ca: &str| place.write("s.yaml", &format!("directory: p\nca: {ca}\nclients: [a]\n"));
    specify("{common_name: null}");
    let refused = place.pki("apply -f s.yaml").expect_code(1);
    assert!(
        refused.stderr().contains("subject would be empty"),
        "{refused:?}"
    );
    specify("{common_name: null, organization: corp}");
    let _ = place.pki("apply -f s.yaml").expect_success();
    assert_eq!(place.shown("p/ca.pem", "-subject"), "subject=O = corp\n");
    let _ = place.pki("plan --check -f s.yaml").expect_success();
    // It is not the CA of another specification
    specify("{common_name: etcd-ca}");
    let refused = place.pki("plan -f s.yaml").expect_code(1);
    assert!(refused.stderr().contains("O=corp"), "{refused:?}");
}

/// A version 1 certificate that another key signed is no CA, whatever its name is.
#[test]
fn a_version_1_leaf_with_its_issuers_name() {
    let place = Place::new();
    place.root("ca", "/CN=localhost", CA);
    place.request("leaf", "/CN=localhost");
    place.openssl(
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 9 -out leaf.pem",
    );
    assert!(place.shown("leaf.pem", "-text").contains("Version: 1"));
    let leaf = Certificate::from_pem(place.read("leaf.pem")).unwrap();
    assert!(leaf.is_self_issued() && !leaf.is_ca());
}

/// Old roots have SHA-1 signatures, which are not checked for a trusted root.
#[test]
fn a_root_with_a_signature_that_is_not_checked() {
    let place = Place::new();
    place.openssl("genrsa -out ca-key.pem 2048");
    place.openssl(
        "req -x509 -new -sha1 -key ca-key.pem -days 400 -subj /CN=etcd-ca -out ca.pem \
         -addext keyUsage=critical,keyCertSign",
    );
    place.copy(&["ca"]);
    let _ = place.pki("ca renew -d p").expect_success();
    assert!(place.shown("p/ca.pem", "-text").contains("sha256With"));
    place.openssl("verify -CAfile p/ca.pem -check_ss_sig p/ca.pem");
}

/// An expired CA without its key is a finding of each plan, and nothing is signed.
#[test]
fn an_expired_ca_without_its_key() {
    let place = Place::new();
    let store = Store::new(place.file("p"), Layout::Kubespray);
    let past = SystemTime::now() - Duration::from_secs(400 * 86_400);
    let ca = CertificateAuthority::create_for(
        PrivateKey::generate().unwrap(),
        &Identity::from_common_name("etcd-ca").unwrap(),
        Profile::ca().with_validity(Validity::days(380)),
        past,
    )
    .unwrap();
    store
        .lock()
        .unwrap()
        .write_ca(CaKind::Client, &ca, None)
        .unwrap();
    fs::rename(place.file("p/ca-key.pem"), place.file("ca-key.pem")).unwrap();
    place.write("s.yaml", "directory: p\nmembers: [a]\n");
    place.write("empty.yaml", "directory: p\nmembers: []\nclients: []\n");
    for (options, is_signed) in [
        ("-f s.yaml", true),
        ("-f s.yaml --only a", true),
        ("-f s.yaml --requests e", false),
        ("-f s.yaml --requests e --host a", false),
    ] {
        let _ = fs::create_dir(place.file("e"));
        let plan = place.pki(&format!("plan --check {options}")).expect_code(3);
        let blocked: Vec<_> = plan
            .stdout()
            .lines()
            .filter(|line| line.starts_with("  blocked "))
            .collect();
        assert!(blocked[0].contains("ca.pem"), "{options}: {plan:?}");
        assert!(blocked[0].contains("expired"), "{options}: {plan:?}");
        if is_signed {
            assert!(blocked[1].contains("member-a.pem"), "{plan:?}");
        }
        let applied = place.pki(&format!("apply {options}")).expect_code(1);
        assert!(applied.stderr().contains("the CA CN=etcd-ca expired"));
        assert!(!place.file("p/member-a.pem").exists());
    }
    // With its key it is renewed, and all certificates are issued
    fs::rename(place.file("ca-key.pem"), place.file("p/ca-key.pem")).unwrap();
    let _ = place.pki("apply -f s.yaml").expect_success();
    let _ = place.pki("plan --check -f s.yaml").expect_success();
}

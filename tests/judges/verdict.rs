//! Our verdict is Go's: both agree about good and bad chains, for both usages and for hosts.
mod limits;
mod names;

use std::{fs, path::PathBuf, time::SystemTime};

use etcd_pki_core::{Certificate, Role, Validity, internal::rfc3339, verify::Verifier};
use etcd_pki_tests::{Scratch, Verdict, go, openssl};

/// Certificates that openssl created with given extensions.
struct Chains {
    scratch: Scratch,
}

const CA: &str = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash";
const LEAF: &str = "basicConstraints=critical,CA:FALSE\nsubjectKeyIdentifier=hash\nsubjectAltName=DNS:etcd-1,IP:10.0.0.1";

impl Chains {
    fn new() -> Self {
        Self {
            scratch: Scratch::new("verdict"),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn call(&self, line: &str) {
        openssl::call(self.scratch.path(), line);
    }

    /// Creates NAME.pem, signed by ISSUER (or self-signed, if ISSUER is NAME), with the lines of an
    /// extension file.
    fn make(&self, name: &str, subject: &str, issuer: &str, extensions: &str, days: &str) {
        if !self.file(&format!("{name}-key.pem")).exists() {
            self.call(&format!(
                "ecparam -name prime256v1 -genkey -noout -out {name}-key.pem"
            ));
        }
        self.call(&format!(
            "req -new -key {name}-key.pem -subj /CN={subject} -out request"
        ));
        fs::write(self.file("extensions"), extensions).unwrap();
        // Without extensions, the certificate is of X.509's first version
        let with = if extensions.is_empty() {
            ""
        } else {
            "-extfile extensions"
        };
        let by = if name == issuer {
            format!("-signkey {name}-key.pem")
        } else {
            format!("-CA {issuer}.pem -CAkey {issuer}-key.pem -CAcreateserial")
        };
        self.call(&format!(
            "x509 -req -in request -out {name}.pem -days {days} {with} {by}"
        ));
    }

    /// A certificate file as etcd has it: the leaf, followed by its intermediates.
    fn bundle(&self, names: &[&str]) -> PathBuf {
        let certificates = names
            .iter()
            .map(|name| fs::read_to_string(self.file(&format!("{name}.pem"))).unwrap());
        let path = self.file(&format!("{}-chain.pem", names.join("-")));
        fs::write(&path, certificates.collect::<String>()).unwrap();
        path
    }

    /// Asks both once whether they accept a client's certificate.
    #[track_caller]
    fn agree(
        &self,
        what: &str,
        root: &str,
        chain: &[&str],
        host: Option<&str>,
        at: Option<SystemTime>,
    ) -> bool {
        let (ca, file) = (self.file(&format!("{root}.pem")), self.bundle(chain));
        let roots = Certificate::all_from_bytes(&fs::read(&ca).unwrap()).unwrap();
        let mut certificates = Certificate::all_from_bytes(&fs::read(&file).unwrap()).unwrap();
        let leaf = certificates.remove(0);
        let mut go = go::verify(&ca, &file);
        let mut ours = Verifier::new(roots)
            .with_intermediates(certificates)
            .with_role(Role::Client);
        if let Some(host) = host {
            go = go.host(host);
            ours = ours.with_host(host.parse().unwrap());
        }
        let instant = at.map(rfc3339);
        if let (Some(at), Some(instant)) = (at, &instant) {
            go = go.at(instant);
            ours = ours.at(at);
        }
        let (ours, go) = (ours.verify(&leaf), go.client());
        let accepted = go == Verdict::Accepted;
        assert_eq!(
            ours.is_accepted(),
            accepted,
            "{what}, {host:?}: ours {:?}, Go {go:?}",
            ours.reasons()
        );
        accepted
    }

    /// Writes a file of several certificates, in this order.
    fn join(&self, name: &str, parts: &[String]) {
        let texts = parts
            .iter()
            .map(|part| fs::read_to_string(self.file(&format!("{part}.pem"))).unwrap());
        fs::write(self.file(&format!("{name}.pem")), texts.collect::<String>()).unwrap();
    }

    /// Asks both about a chain, for both usages and for hosts.
    fn compare(&self, what: &str, root: &str, chain: &[&str], at: Option<SystemTime>) -> bool {
        let (ca, file) = (self.file(&format!("{root}.pem")), self.bundle(chain));
        let roots = Certificate::all_from_bytes(&fs::read(&ca).unwrap()).unwrap();
        let mut certificates = Certificate::all_from_bytes(&fs::read(&file).unwrap()).unwrap();
        let leaf = certificates.remove(0);
        let instant = at.map(rfc3339);
        let mut accepted = true;
        for host in [
            None,
            Some("etcd-1"),
            Some("10.0.0.1"),
            Some("10.0.0.2"),
            Some("a.etcd.svc"),
            Some("etcd"),
        ] {
            let mut go = go::verify(&ca, &file);
            let mut ours = Verifier::new(roots.clone()).with_intermediates(certificates.clone());
            if let Some(host) = host {
                go = go.host(host);
                ours = ours.with_host(host.parse().unwrap());
            }
            if let (Some(at), Some(instant)) = (at, &instant) {
                go = go.at(instant);
                ours = ours.at(at);
            }
            // The role of a member requires both usages, and the role of a client one of them
            let client = ours.clone().with_role(Role::Client).verify(&leaf);
            let member = ours.with_role(Role::Member).verify(&leaf);
            let (go_client, go_server) = (go.client(), go.server());
            let go_member = go_client == Verdict::Accepted && go_server == Verdict::Accepted;
            assert_eq!(
                client.is_accepted(),
                go_client == Verdict::Accepted,
                "{what}, client, {host:?}: ours {:?}, Go {go_client:?}",
                client.reasons()
            );
            assert_eq!(
                member.is_accepted(),
                go_member,
                "{what}, member, {host:?}: ours {:?}, Go {go_client:?} and {go_server:?}",
                member.reasons()
            );
            if host.is_none() {
                accepted = client.is_accepted();
            }
        }
        accepted
    }
}

#[test]
fn leaves() {
    let chains = Chains::new();
    chains.make("root", "etcd-ca", "root", CA, "3650");
    for (what, extensions, accepted) in [
        ("no usages", LEAF.to_owned(), true),
        (
            "both usages",
            format!("{LEAF}\nextendedKeyUsage=serverAuth,clientAuth"),
            true,
        ),
        (
            "clientAuth alone",
            format!("{LEAF}\nextendedKeyUsage=clientAuth"),
            true,
        ),
        (
            "serverAuth alone",
            format!("{LEAF}\nextendedKeyUsage=serverAuth"),
            false,
        ),
        (
            "any usage",
            format!("{LEAF}\nextendedKeyUsage=anyExtendedKeyUsage"),
            true,
        ),
        (
            "another usage",
            format!("{LEAF}\nextendedKeyUsage=codeSigning"),
            false,
        ),
        ("a common name alone", String::new(), true),
        (
            "a wildcard",
            LEAF.replace("DNS:etcd-1", "DNS:*.etcd.svc"),
            true,
        ),
        (
            "an unknown critical extension",
            format!("{LEAF}\n1.2.3.4=critical,ASN1:NULL"),
            false,
        ),
        (
            "an unknown extension",
            format!("{LEAF}\n1.2.3.4=ASN1:NULL"),
            true,
        ),
    ] {
        chains.make("leaf", "etcd-1", "root", &extensions, "365");
        assert_eq!(
            chains.compare(what, "root", &["leaf"], None),
            accepted,
            "{what}"
        );
    }
}

#[test]
fn time() {
    let chains = Chains::new();
    chains.make("root", "etcd-ca", "root", CA, "20");
    chains.make("leaf", "etcd-1", "root", LEAF, "10");
    let now = SystemTime::now();
    let in_days = |days| Validity::days(days).end(now).unwrap();
    assert!(chains.compare("now", "root", &["leaf"], None));
    assert!(chains.compare("nine days on", "root", &["leaf"], Some(in_days(9))));
    assert!(!chains.compare("an expired leaf", "root", &["leaf"], Some(in_days(11))));
    assert!(!chains.compare("an expired CA", "root", &["leaf"], Some(in_days(21))));
    let yesterday = now - std::time::Duration::from_secs(86_400);
    assert!(!chains.compare("too early", "root", &["leaf"], Some(yesterday)));
}

#[test]
fn cas() {
    for (what, extensions, accepted) in [
        ("a CA", CA, true),
        (
            "a CA without keyUsage",
            "basicConstraints=critical,CA:TRUE",
            true,
        ),
        (
            "a CA that may not sign",
            "basicConstraints=critical,CA:TRUE\nkeyUsage=digitalSignature",
            false,
        ),
        ("no CA", "basicConstraints=critical,CA:FALSE", false),
        ("a CA of X.509's first version", "", true),
        ("no basicConstraints", "subjectKeyIdentifier=hash", false),
        (
            "a CA for clients",
            "basicConstraints=critical,CA:TRUE\nextendedKeyUsage=clientAuth",
            true,
        ),
        (
            "a CA for servers",
            "basicConstraints=critical,CA:TRUE\nextendedKeyUsage=serverAuth",
            false,
        ),
        (
            "names that are permitted",
            "basicConstraints=critical,CA:TRUE\nnameConstraints=critical,permitted;DNS:etcd-1,permitted;IP:10.0.0.0/255.0.0.0",
            true,
        ),
        (
            "names that are not",
            "basicConstraints=critical,CA:TRUE\nnameConstraints=critical,permitted;DNS:example.com",
            false,
        ),
        (
            "names below, and not the name itself",
            "basicConstraints=critical,CA:TRUE\nnameConstraints=critical,permitted;DNS:.etcd-1",
            false,
        ),
        (
            "critical policies",
            "basicConstraints=critical,CA:TRUE\ncertificatePolicies=critical,1.2.3.4",
            true,
        ),
        (
            "a key identifier that is critical",
            "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=critical,hash",
            false,
        ),
        (
            "an excluded network",
            "basicConstraints=critical,CA:TRUE\nnameConstraints=critical,excluded;IP:10.0.0.0/255.0.0.0",
            false,
        ),
    ] {
        let chains = Chains::new();
        chains.make("root", "etcd-ca", "root", extensions, "3650");
        chains.make("leaf", "etcd-1", "root", LEAF, "365");
        assert_eq!(
            chains.compare(what, "root", &["leaf"], None),
            accepted,
            "{what}"
        );
    }
}

#[test]
fn chains() {
    for (what, root, middle, accepted) in [
        ("an intermediate", CA, CA, true),
        (
            "too many CAs",
            "basicConstraints=critical,CA:TRUE,pathlen:0",
            CA,
            false,
        ),
        (
            "just enough CAs",
            "basicConstraints=critical,CA:TRUE,pathlen:1",
            "basicConstraints=critical,CA:TRUE,pathlen:0",
            true,
        ),
        (
            "an intermediate that is no CA",
            CA,
            "basicConstraints=critical,CA:FALSE",
            false,
        ),
        ("an intermediate of X.509's first version", CA, "", false),
        (
            "an intermediate for servers",
            CA,
            "basicConstraints=critical,CA:TRUE\nextendedKeyUsage=serverAuth",
            false,
        ),
        (
            "an intermediate of other names",
            CA,
            "basicConstraints=critical,CA:TRUE\nnameConstraints=permitted;DNS:example.com",
            false,
        ),
    ] {
        let chains = Chains::new();
        chains.make("root", "etcd-root", "root", root, "3650");
        chains.make("middle", "etcd-middle", "root", middle, "3650");
        chains.make("leaf", "etcd-1", "middle", LEAF, "365");
        assert_eq!(
            chains.compare(what, "root", &["leaf", "middle"], None),
            accepted,
            "{what}"
        );
        // Without the intermediate there is no chain, unless the intermediate itself is trusted
        assert!(!chains.compare(what, "root", &["leaf"], None), "{what}");
        chains.compare(&format!("{what}, trusted"), "middle", &["leaf"], None);
    }
}

#[test]
fn another_ca_of_the_same_name() {
    let chains = Chains::new();
    chains.make("root", "etcd-ca", "root", CA, "3650");
    chains.make("other", "etcd-ca", "other", CA, "3650");
    chains.make(
        "leaf",
        "etcd-1",
        "other",
        &format!("{LEAF}\nauthorityKeyIdentifier=keyid"),
        "365",
    );
    assert!(!chains.compare("another CA", "root", &["leaf"], None));
    let both = chains.bundle(&["root", "other"]);
    fs::rename(both, chains.file("both.pem")).unwrap();
    assert!(chains.compare("both CAs trusted", "both", &["leaf"], None));
    assert!(chains.compare("the leaf itself trusted", "leaf", &["leaf"], None));
}

#[test]
fn a_wildcard_may_stand_for_a_name_that_is_excluded() {
    let chains = Chains::new();
    let limits = "nameConstraints=critical,excluded;DNS:a.etcd.svc";
    chains.make(
        "root",
        "etcd-ca",
        "root",
        &format!("basicConstraints=critical,CA:TRUE\n{limits}"),
        "3650",
    );
    chains.make(
        "leaf",
        "etcd-1",
        "root",
        &LEAF.replace("DNS:etcd-1", "DNS:*.etcd.svc"),
        "365",
    );
    assert!(!chains.compare("a wildcard", "root", &["leaf"], None));
}

/// If one trusted certificate does not allow the chain, another one with the same key may allow it.
#[test]
fn every_way_up_is_tried() {
    let chains = Chains::new();
    let limited = "basicConstraints=critical,CA:TRUE\nextendedKeyUsage=codeSigning";
    chains.make("root", "etcd-ca", "root", limited, "3650");
    fs::copy(chains.file("root.pem"), chains.file("limited.pem")).unwrap();
    chains.make("root", "etcd-ca", "root", CA, "3650");
    chains.make("leaf", "etcd-1", "root", LEAF, "365");
    fs::rename(chains.bundle(&["limited", "root"]), chains.file("both.pem")).unwrap();
    assert!(!chains.compare("the limited one", "limited", &["leaf"], None));
    assert!(chains.compare("both", "both", &["leaf"], None));
}

/// Go requires policies if policyConstraints do, but not if those of the trusted CA do. We do not
/// check policies, and never call such a chain accepted.
#[test]
fn policy_constraints() {
    let explicit = "policyConstraints=critical,requireExplicitPolicy:0";
    let ca = |more: &str| format!("{CA}\n{more}");
    let chains = Chains::new();
    chains.make("root", "root", "root", &ca(explicit), "90");
    chains.make("middle", "middle", "root", &ca(explicit), "90");
    chains.make("plain", "plain", "root", CA, "90");
    chains.make("below", "below", "middle", LEAF, "90");
    chains.make("beside", "beside", "plain", LEAF, "90");
    let limited = format!("{LEAF}\n{explicit}");
    chains.make("leaf", "leaf", "plain", &limited, "90");
    assert!(chains.agree("a trusted CA", "root", &["beside", "plain"], None, None));
    assert!(!chains.agree("an intermediate", "root", &["below", "middle"], None, None));
    assert!(!chains.agree("a leaf", "root", &["leaf", "plain"], None, None));
}

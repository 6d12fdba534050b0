//! Files of other tools, and damaged files: `check` names what etcd and its clients refuse, a plan
//! repairs what it safely can, and Go decides who is right.
use std::{fs, path::PathBuf};

use etcd_pki_core::{
    CaKind, Certificate, CertificateAuthority, Cluster, Identity, Layout, Role, Store,
    finding::{Finding, Severity},
    inspect::{Check, Checked},
    plan::{Action, Step},
    verify::{self, Verifier},
};
use etcd_pki_tests::{
    Credentials, Scratch, Verdict,
    command::etcd_pki_in,
    go::{self, Files},
    openssl,
};

use super::trust::codes;

const SPECIFICATION: &str =
    "members: [{name: m, addresses: [10.0.0.1]}]\nclients: [app]\nadmin: none\n";

/// A directory that etcd-pki created and others changed.
struct Directory {
    scratch: Scratch,
    cluster: Cluster,
}

impl Directory {
    fn new() -> Self {
        let scratch = Scratch::new("others");
        let cluster = Cluster::from_yaml(SPECIFICATION).unwrap();
        let made = Self { scratch, cluster };
        assert!(made.plan().apply().unwrap().is_complete());
        made
    }

    fn store(&self) -> Store {
        Store::new(self.scratch.path().join("ssl"), Layout::Kubespray)
    }

    fn plan(&self) -> etcd_pki_core::plan::Plan {
        self.cluster.plan(&self.store()).unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.scratch.path().join("ssl").join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.file(name)).unwrap()
    }

    /// The codes of the findings about each file.
    fn codes(&self) -> Vec<(String, &'static str)> {
        codes(&self.scratch.path().join("ssl"))
    }

    /// The planned action for a pair, and the codes of its reasons.
    fn step(&self, certificate: &str) -> (Action, Vec<&'static str>) {
        let plan = self.plan();
        let is_it = |step: &&Step| step.file().ends_with(certificate);
        let step = plan.steps().iter().find(is_it).unwrap();
        let codes = step.reasons().iter().map(|reason| reason.code());
        (step.action(), codes.collect())
    }

    /// Signs a request of openssl with the CA.
    fn sign(&self, name: &str, extensions: Option<&str>) {
        let folder = self.scratch.path();
        fs::write(folder.join("x.cnf"), extensions.unwrap_or_default()).unwrap();
        let _ = openssl::call(
            folder,
            &format!(
                "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} \
                 -keyout ssl/{name}-key.pem -out x.csr"
            ),
        );
        let file = extensions.map_or("", |_| "-extfile x.cnf");
        let _ = openssl::call(
            folder,
            &format!(
                "x509 -req -in x.csr -CA ssl/ca.pem -CAkey ssl/ca-key.pem -days 90 {file} \
                 -out ssl/{name}.pem"
            ),
        );
    }
}

/// The key belongs to the first certificate of a file, whatever follows.
#[test]
fn a_ca_before_its_leaf() {
    let directory = Directory::new();
    let [certificate, key] = ["member-m.pem", "member-m-key.pem"].map(|name| directory.file(name));
    let (leaf, ca) = (directory.read("member-m.pem"), directory.read("ca.pem"));
    fs::write(&certificate, [&*leaf, &*ca].concat()).unwrap();
    assert_eq!(go::key_pair(&certificate, &key), Verdict::Accepted);
    assert_eq!(directory.codes(), []);

    fs::write(&certificate, [ca, leaf].concat()).unwrap();
    assert!(matches!(
        go::key_pair(&certificate, &key),
        Verdict::Refused(_)
    ));
    let of_member = |code| ("member-m.pem".to_owned(), code);
    assert_eq!(directory.codes(), ["EP005", "EP041"].map(of_member));
    let ca = directory.file("ca.pem");
    let trusting = Verifier::trusting(&ca, &directory.read("ca.pem")).unwrap();
    let verdict = trusting.verify_file(&certificate, &directory.read("member-m.pem"));
    assert_eq!(verdict.unwrap().reasons()[0].code(), "EP041");
    // The order is wrong whether the key is here or not
    fs::rename(&key, directory.file("elsewhere")).unwrap();
    assert_eq!(directory.codes(), [of_member("EP041")]);
    fs::rename(directory.file("elsewhere"), &key).unwrap();
    let (action, _) = directory.step("member-m.pem");
    assert_eq!(action, Action::Blocked);
}

/// The DER of a certificate's block, as PEM.
fn pem(der: &[u8]) -> String {
    Certificate::from_der(der).unwrap().to_pem()
}

/// Go accepts up to 256 KiB of certificates in a handshake, and not one byte more.
#[test]
fn certificates_that_no_handshake_takes() {
    const GO_READS: usize = 256 * 1024;
    let directory = Directory::new();
    let [certificate, key] = ["member-m.pem", "member-m-key.pem"].map(|name| directory.file(name));
    let [leaf, ca] = ["member-m.pem", "ca.pem"].map(|name| {
        let one = Certificate::from_bytes(&directory.read(name)).unwrap();
        one.as_der().to_owned()
    });
    let (leaf_size, ca_size) = (leaf.len() + 5, ca.len() + 5);
    let fits = (GO_READS - 4 - leaf_size) / ca_size;
    for (count, code) in [(fits, None), (fits + 1, Some("EP041"))] {
        let file = pem(&leaf) + &pem(&ca).repeat(count);
        fs::write(&certificate, &file).unwrap();
        let found: Vec<_> = directory
            .codes()
            .into_iter()
            .map(|(_, code)| code)
            .collect();
        assert_eq!(found, code.into_iter().collect::<Vec<_>>(), "{count}");
        let trusting = Verifier::trusting("ca.pem", &directory.read("ca.pem")).unwrap();
        let verdict = trusting.verify_file(&certificate, file.as_bytes()).unwrap();
        assert_eq!(verdict.is_accepted(), code.is_none(), "{count}");

        let chain = directory.scratch.path().join("chain.pem");
        fs::write(&chain, pem(&ca).repeat(count)).unwrap();
        let server = openssl::serve(&certificate, &chain, &key);
        let trusted = Credentials::without_certificate(directory.file("ca.pem"));
        let answer = go::dial(server.url(), &trusted, Some("m"));
        match (answer.verdict, code) {
            (Verdict::Accepted, None) => {}
            (Verdict::Refused(why), Some(_)) => {
                assert!(why.contains("exceeds maximum of 262144"), "{why}");
            }
            (verdict, _) => panic!("{count}: {verdict:?}"),
        }
    }
}

/// Neither issuing nor planning writes certificates that no handshake takes.
#[test]
fn certificates_that_are_too_large_are_not_written() {
    const GO_READS: usize = 256 * 1024;
    let ca = CertificateAuthority::create("etcd-ca").unwrap();
    let identity = |count: usize| {
        let names = (0..count).map(|number| format!("{number:05}.{}.lan", "a".repeat(60)));
        let identity = Identity::new("m").unwrap();
        identity.with_names(names).unwrap()
    };
    let issue = |count| ca.issue(Role::Member, identity(count));
    let (mut good, mut bad) = (3000, 4000);
    while good + 1 < bad {
        let count = usize::midpoint(good, bad);
        if issue(count).is_ok() {
            good = count;
        } else {
            bad = count;
        }
    }
    let refused = issue(bad).unwrap_err();
    assert!(refused.to_string().contains("TLS handshake"), "{refused}");
    let largest = issue(good).unwrap();
    let bytes = largest.certificate().as_der().len();
    assert!((GO_READS - 100..GO_READS).contains(&bytes), "{bytes}");

    let directory = Directory::new();
    let [trusted, certificate, key] =
        ["ca.pem", "member-m.pem", "member-m-key.pem"].map(|name| directory.file(name));
    fs::write(&trusted, ca.certificate().to_pem()).unwrap();
    // The server also sends the CA
    let large = issue(good - 10).unwrap();
    fs::write(&certificate, large.to_pem()).unwrap();
    fs::write(&key, large.key().to_secret_pem()).unwrap();
    let chain = directory.scratch.path().join("chain.pem");
    fs::copy(&trusted, &chain).unwrap();
    let server = openssl::serve(&certificate, &chain, &key);
    let credentials = Credentials::without_certificate(trusted.clone());
    let answer = go::dial(server.url(), &credentials, Some("m"));
    assert_eq!(answer.verdict, Verdict::Accepted);

    // A plan blocks such a pair, and does the rest
    let folder = directory.scratch.path();
    for (count, code) in [(good, 0), (bad + 10, 1)] {
        let names: Vec<_> = (0..count)
            .map(|number| format!("{number:05}.{}.lan", "a".repeat(60)))
            .collect();
        let text = format!(
            "members: [{{name: m, names: [{}]}}]\nclients: [c]\n",
            names.join(", ")
        );
        fs::write(folder.join("cluster.yaml"), text).unwrap();
        let line = format!("apply -f cluster.yaml -d new-{code}");
        let output = etcd_pki_in(folder, &line).expect_code(code);
        let new = folder.join(format!("new-{code}"));
        assert!(new.join("client-c.pem").exists());
        assert_eq!(new.join("member-m.pem").exists(), code == 0);
        assert_eq!(new.join("member-m-key.pem").exists(), code == 0);
        if code == 1 {
            assert!(output.stderr().contains("TLS handshake"), "{output:?}");
            let line = format!("plan --check -f cluster.yaml -d new-{code}");
            let planned = etcd_pki_in(folder, &line).expect_code(3);
            assert!(planned.stdout().contains("blocked"), "{planned:?}");
        }
    }
}

/// A plan repairs a file with too many certificates, with the same key.
#[test]
fn a_chain_that_is_too_large_is_repaired() {
    let scratch = Scratch::new("large");
    let run = |line: &str, code| etcd_pki_in(scratch.path(), line).expect_code(code);
    fs::write(
        scratch.path().join("cluster.yaml"),
        "members: [{name: m, addresses: [10.0.0.1]}]\n",
    )
    .unwrap();
    let _ = run("apply -f cluster.yaml -d pki", 0);
    let file = |name: &str| scratch.path().join("pki").join(name);
    let read = |name: &str| fs::read_to_string(file(name)).unwrap();
    let (key, good) = (read("member-m-key.pem"), read("member-m.pem"));
    let large = good + &read("ca.pem").repeat(1000);
    for line in [
        "apply -f cluster.yaml -d pki",
        "cert renew pki/member-m.pem",
    ] {
        fs::write(file("member-m.pem"), &large).unwrap();
        assert!(run("check pki", 2).stdout().contains("EP041"));
        let _ = run("export -f cluster.yaml --host m -d pki -o out", 1);
        assert!(!scratch.path().join("out").join("member-m.pem").exists());
        let planned = run("plan --check -f cluster.yaml -d pki", 3);
        assert!(planned.stdout().contains("TLS handshake"), "{planned:?}");
        let _ = run(line, 0);
        let _ = run("check pki", 0);
        let _ = run("plan --check -f cluster.yaml -d pki", 0);
        assert_eq!(read("member-m-key.pem"), key);
    }
    let _ = run("export -f cluster.yaml --host m -d pki -o out", 0);
}

/// No file has more blocks than a limit, and every command refuses the same files.
#[test]
fn a_trust_bundle_of_more_certificates_than_are_read() {
    const LIMIT: usize = 10_000;
    let directory = Directory::new();
    let ca = String::from_utf8(directory.read("ca.pem")).unwrap();
    assert!(verify::trusted_ca(ca.repeat(LIMIT).as_bytes()).is_ok());
    let bundle = ca.repeat(LIMIT + 1);
    assert!(verify::trusted_ca(bundle.as_bytes()).is_err());
    assert!(Certificate::all_from_bytes(bundle.as_bytes()).is_err());
    assert!(Verifier::trusting("ca.pem", bundle.as_bytes()).is_err());
    fs::write(directory.file("ca.pem"), &bundle).unwrap();
    assert_eq!(directory.codes(), [("ca.pem".to_owned(), "EP012")]);
    assert!(directory.cluster.plan(&directory.store()).is_err());
    fs::write(directory.file("ca.pem"), &ca).unwrap();
    let leaf = String::from_utf8(directory.read("member-m.pem")).unwrap();
    fs::write(directory.file("member-m.pem"), leaf + &ca.repeat(LIMIT)).unwrap();
    assert_eq!(directory.codes(), [("member-m.pem".to_owned(), "EP012")]);
}

/// A certificate with a damaged signature, in PEM.
fn damaged(certificate: &Certificate) -> String {
    let mut der = certificate.as_der().to_owned();
    *der.last_mut().unwrap() ^= 1;
    pem(&der)
}

/// A leaf that the CA of its layout did not sign is a finding. It may be signed by itself, a CA of
/// the same name, an unknown CA, or a signer that uses the name of the CA. Go decides, and `cert
/// verify` agrees.
#[test]
fn leaves_that_the_ca_did_not_sign() {
    let directory = Directory::new();
    let ca = directory.store().ca(CaKind::Client, None).unwrap();
    let [namesake, stranger] =
        ["etcd-ca", "x"].map(|name| CertificateAuthority::create(name).unwrap());
    let identity = || {
        Identity::new("m")
            .unwrap()
            .with_names(["10.0.0.1"])
            .unwrap()
    };
    let by = |ca: &CertificateAuthority| {
        let issued = ca.issue(Role::Member, identity()).unwrap();
        issued.certificate().clone()
    };
    let own = by(&ca);
    let self_signed = |is_ca: &str| {
        let line = format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=m -days 90 \
             -addext subjectAltName=IP:10.0.0.1 -addext basicConstraints=critical,CA:{is_ca} \
             -addext extendedKeyUsage=serverAuth,clientAuth -keyout x-key -out x.crt"
        );
        let _ = openssl::call(directory.scratch.path(), &line);
        fs::read_to_string(directory.scratch.path().join("x.crt")).unwrap()
    };
    let issued = ca.issue(
        Role::Member,
        Identity::new("etcd-ca")
            .unwrap()
            .with_common_name("etcd-ca")
            .unwrap(),
    );
    let named_as_ca = issued.unwrap().certificate().to_pem();
    let leaf = self_signed("FALSE");
    let ca_file = directory.file("ca.pem");
    let trusted = ca.certificate().to_pem();
    for (what, file, trusted, code) in [
        ("its own CA", own.to_pem(), trusted.clone(), None),
        ("itself", leaf.clone(), trusted.clone(), Some("EP007")),
        (
            "itself, as a CA",
            self_signed("TRUE"),
            trusted.clone(),
            Some("EP007"),
        ),
        (
            "itself, and is trusted",
            leaf.clone(),
            trusted.clone() + &leaf,
            None,
        ),
        ("its namesake, the CA", named_as_ca, trusted.clone(), None),
        (
            "a CA of the same name",
            by(&namesake).to_pem(),
            trusted.clone(),
            Some("EP007"),
        ),
        (
            "a stranger",
            by(&stranger).to_pem(),
            trusted.clone(),
            Some("EP007"),
        ),
        ("nobody", damaged(&own), trusted.clone(), Some("EP031")),
    ] {
        fs::write(&ca_file, &trusted).unwrap();
        // A name of the layout, and a name of no layout
        for name in ["member-m.pem", "m.pem"] {
            if name == "m.pem" && what == "itself, as a CA" {
                // It may be a CA that the user keeps here
                continue;
            }
            let certificate = directory.file(name);
            fs::write(&certificate, &file).unwrap();
            let found = directory.codes().into_iter();
            let found =
                found.filter(|(path, code)| path == name && ["EP007", "EP031"].contains(code));
            let codes: Vec<_> = found.map(|(_, code)| code).collect();
            assert_eq!(
                codes,
                code.into_iter().collect::<Vec<_>>(),
                "{name}: {what}"
            );
            let go = go::verify(&ca_file, &certificate).client();
            assert_eq!(
                go == Verdict::Accepted,
                code.is_none(),
                "{name}: {what}: {go:?}"
            );
            let verifier = Verifier::trusting(&ca_file, trusted.as_bytes()).unwrap();
            let verdict = verifier.verify_file(&certificate, file.as_bytes()).unwrap();
            let reasons: Vec<_> = verdict.reasons().iter().map(Finding::code).collect();
            assert_eq!(
                reasons,
                code.into_iter().collect::<Vec<_>>(),
                "{name}: {what}"
            );
            fs::remove_file(&certificate).unwrap();
        }
    }
}

/// A file that is empty, or has only zero bytes after a crash, is critical, and the plan names it.
#[test]
fn empty_files() {
    let directory = Directory::new();
    for (file, contents) in [
        ("member-m-key.pem", &b""[..]),
        ("member-m-key.pem", &[0; 227]),
        ("member-m.pem", b""),
        ("member-m.pem", &[0; 700]),
        ("client-app-key.pem", b""),
    ] {
        fs::write(directory.file(file), contents).unwrap();
        let codes = directory.codes();
        let certificate = file.replace("-key.pem", ".pem");
        assert_eq!(codes, [(certificate.clone(), "EP047")], "{file}");
        let key = file.replace(".pem", "-key.pem").replace("-key-key", "-key");
        let pair = Files::Pair(directory.read(&certificate), directory.read(&key));
        assert_ne!(go::files(&[pair])[0], Verdict::Accepted, "{file}");

        let (action, reasons) = directory.step(&certificate);
        let is_key = file.ends_with("-key.pem");
        let expected = if is_key {
            Action::Reissue
        } else {
            Action::Renew
        };
        assert_eq!((action, &*reasons), (expected, &["EP047"][..]), "{file}");
        assert!(directory.plan().apply().unwrap().is_complete());
        assert_eq!(directory.codes(), [], "{file}");
    }
}

/// A key in place of a certificate, and the certificate in place of the key: both files have a
/// finding, and neither is written.
#[test]
fn swapped_files() {
    let directory = Directory::new();
    let (certificate, key) = (
        directory.file("client-app.pem"),
        directory.file("client-app-key.pem"),
    );
    let before = (fs::read(&certificate).unwrap(), fs::read(&key).unwrap());
    for (left, right) in [
        (&before.1, &before.0),
        (&before.1, &before.1),
        (&before.0, &before.0),
    ] {
        fs::write(&certificate, left).unwrap();
        fs::write(&key, right).unwrap();
        let pair = Files::Pair(left.clone(), right.clone());
        assert_ne!(go::files(&[pair])[0], Verdict::Accepted);
        let found = directory.codes();
        // The mode of a certificate's file is too open for a key
        let is_expected = |code: &str| matches!(code, "EP006" | "EP048");
        assert!(found.iter().all(|(_, code)| is_expected(code)), "{found:?}");
        assert!(!found.is_empty());
        let checked = Check::new().run([directory.scratch.path().join("ssl")]);
        assert_eq!(
            checked.iter().map(|one| one.severity()).max(),
            Some(Severity::Critical)
        );
        let (action, reasons) = directory.step("client-app.pem");
        assert_eq!(action, Action::Blocked);
        assert!(reasons.iter().all(|code| *code == "EP048"), "{reasons:?}");
        let _ = directory.plan().apply().unwrap();
        assert_eq!(&fs::read(&certificate).unwrap(), left);
        assert_eq!(&fs::read(&key).unwrap(), right);
    }
}

/// Names that are missing or of the wrong kind, as Go judges them.
#[test]
fn names_that_no_client_accepts() {
    const MEMBER: &str =
        "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n";
    const CLIENT: &str = "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=clientAuth\n";
    let directory = Directory::new();
    let san = |usages: &str, names: &str| format!("{usages}subjectAltName={names}\n");
    for (file, extensions, codes) in [
        ("member-x", Some(MEMBER.to_owned()), &["EP049"][..]),
        (
            "member-x",
            Some(san(MEMBER, "URI:spiffe://x,email:a@b.c")),
            &["EP049"],
        ),
        ("member-x", Some(san(MEMBER, "IP:10.0.0.1")), &[]),
        ("member-x", Some(san(MEMBER, "DNS:m.lan")), &[]),
        ("member-x", Some(san(MEMBER, "DNS:10.0.0.1")), &["EP050"]),
        (
            "member-x",
            Some(san(MEMBER, "DNS:m,DNS:fd00::1")),
            &["EP050"],
        ),
        (
            "member-x",
            Some(san(MEMBER, "DNS:10.0.0.1,IP:10.0.0.1")),
            &[],
        ),
        // Names that no host can have
        (
            "member-x",
            Some(san(MEMBER, "DNS:https://m.lan:2379")),
            &["EP049"],
        ),
        ("member-x", Some(san(MEMBER, "DNS:m.lan:2379")), &["EP049"]),
        ("member-x", Some(san(MEMBER, "DNS:m*.lan")), &["EP049"]),
        ("member-x", Some(san(MEMBER, "DER:30:02:82:00")), &["EP049"]),
        ("member-x", Some(san(MEMBER, "IP:0.0.0.0")), &["EP049"]),
        ("member-x", Some(san(MEMBER, "IP:::")), &["EP049"]),
        ("member-x", Some(san(MEMBER, "IP:0.0.0.0,DNS:m.lan")), &[]),
        ("member-x", Some(san(MEMBER, "DNS:*.lan")), &[]),
        (
            "member-x",
            Some(san(MEMBER, "DNS:10.0.0.1:2379")),
            &["EP050"],
        ),
        (
            "member-x",
            Some(san(MEMBER, "DNS:[fd00::1]:2379")),
            &["EP050"],
        ),
        ("member-x", Some(san(MEMBER, "DNS:[fd00::1]")), &["EP050"]),
        (
            "member-x",
            Some("basicConstraints=CA:FALSE\n".to_owned()),
            &["EP049"],
        ),
        ("server", Some(MEMBER.to_owned()), &["EP011", "EP049"]),
        ("anything", Some(MEMBER.to_owned()), &["EP011", "EP049"]),
        ("client-x", Some(CLIENT.to_owned()), &["EP011"]),
        ("client-x", Some(san(CLIENT, "URI:spiffe://x")), &["EP011"]),
        ("client-x", Some(san(CLIENT, "IP:0.0.0.0")), &[]),
        ("admin-x", Some(MEMBER.to_owned()), &["EP011"]),
        // Without extensions: version 1, or version 3 with a newer openssl
        ("client-x", None, &["EP011"]),
        ("app", None, &["EP011"]),
    ] {
        directory.sign(file, extensions.as_deref());
        let path = directory.file(&format!("{file}.pem"));
        let checked = Check::new().run([&path]);
        let found: Vec<_> = checked[0].findings().iter().map(|one| one.code()).collect();
        assert_eq!(found, codes, "{file} {extensions:?}");
        let ca = directory.file("ca.pem");
        let accepts = |name| go::verify(&ca, &path).host(name).server() == Verdict::Accepted;
        let is_accepted = ["10.0.0.1", "fd00::1", "m.lan", "x", "server"]
            .into_iter()
            .any(accepts);
        if codes.contains(&"EP049") {
            assert!(!is_accepted, "{file} {extensions:?}");
        }
        if codes == ["EP050"] {
            assert!(
                !accepts("10.0.0.1") && !accepts("fd00::1"),
                "{file} {extensions:?}"
            );
        }
        if file == "member-x" && codes.is_empty() {
            assert!(is_accepted, "{file} {extensions:?}");
        }
        fs::remove_file(&path).unwrap();
        fs::remove_file(directory.file(&format!("{file}-key.pem"))).unwrap();
    }
}

/// The name of a file shows whether it is a member's, whatever its usages are: the peer port
/// accepts a client with its own names, and no client accepts a member without serverAuth.
#[test]
fn usages_that_do_not_fit_the_name() {
    let directory = Directory::new();
    let extensions = |usages: &str, names: &str| {
        let usages = match usages {
            "" => String::new(),
            usages => format!("extendedKeyUsage={usages}\n"),
        };
        format!("basicConstraints=critical,CA:FALSE\n{usages}subjectAltName={names}\n")
    };
    for (file, usages, names, codes) in [
        ("client-x", "", "IP:10.0.0.7", &["EP044"][..]),
        ("client-x", "", "DNS:a", &["EP044"]),
        ("client-x", "", "IP:0.0.0.0", &[]),
        ("node-x", "", "DNS:a", &["EP044"]),
        ("app", "", "IP:10.0.0.7", &["EP044"]),
        ("client-x", "serverAuth,clientAuth", "DNS:a", &["EP044"]),
        ("client-x", "anyExtendedKeyUsage", "DNS:a", &["EP044"]),
        (
            "client-x",
            "anyExtendedKeyUsage,codeSigning",
            "DNS:a",
            &["EP044"],
        ),
        // As Kubespray issues them
        (
            "client-x",
            "serverAuth,clientAuth",
            "DNS:localhost,DNS:a,IP:127.0.0.1",
            &[],
        ),
        ("client-x", "serverAuth", "DNS:a", &["EP010"]),
        ("client-x", "codeSigning", "IP:0.0.0.0", &["EP037"]),
        ("member-x", "", "DNS:m.lan", &[]),
        ("member-x", "serverAuth,clientAuth", "DNS:m.lan", &[]),
        ("member-x", "codeSigning", "DNS:m.lan", &["EP037"]),
        ("member-x", "clientAuth", "DNS:m.lan", &["EP037"]),
        ("peer-x", "clientAuth", "DNS:m.lan", &["EP037"]),
        ("member-x", "serverAuth", "DNS:m.lan", &["EP010"]),
        ("app", "clientAuth", "IP:0.0.0.0", &[]),
    ] {
        directory.sign(file, Some(&extensions(usages, names)));
        let path = directory.file(&format!("{file}.pem"));
        let checked = Check::new().run([&path]);
        let found: Vec<_> = checked[0].findings().iter().map(|one| one.code()).collect();
        assert_eq!(found, codes, "{file} {usages} {names}");
        let verify = go::verify(&directory.file("ca.pem"), &path).server();
        if file == "member-x" || file == "peer-x" {
            let is_refused = codes.contains(&"EP037");
            assert_eq!(verify != Verdict::Accepted, is_refused, "{usages}");
        } else if codes.contains(&"EP044") {
            let ca = directory.file("ca.pem");
            assert_eq!(go::verify(&ca, &path).client(), Verdict::Accepted);
        }
        fs::remove_file(&path).unwrap();
        fs::remove_file(directory.file(&format!("{file}-key.pem"))).unwrap();
    }
}

/// A plan repairs the certificate of a member: the address becomes an IP name, and the key stays.
#[test]
fn an_address_among_dns_names_is_repaired() {
    let directory = Directory::new();
    let extensions = "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n\
        extendedKeyUsage=serverAuth,clientAuth\n\
        subjectAltName=DNS:m,DNS:localhost,DNS:10.0.0.1,IP:127.0.0.1,IP:::1\n";
    directory.sign("member-m", Some(extensions));
    let key = directory.read("member-m-key.pem");
    let (ca, path) = (directory.file("ca.pem"), directory.file("member-m.pem"));
    let judge = || go::verify(&ca, &path).host("10.0.0.1").server();
    assert_ne!(judge(), Verdict::Accepted);
    let (action, reasons) = directory.step("member-m.pem");
    assert_eq!(action, Action::Renew);
    assert!(reasons.contains(&"EP025"), "{reasons:?}");
    assert!(directory.plan().apply().unwrap().is_complete());
    assert_eq!(judge(), Verdict::Accepted);
    assert_eq!(directory.read("member-m-key.pem"), key);
    assert_eq!(directory.step("member-m.pem").0, Action::Keep);
}

/// A CA that is kept next to the trusted one does not make a leaf valid: etcd reads only the
/// trusted file.
#[test]
fn an_old_ca_nearby() {
    const KEYS: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    const CA: &str = "-addext keyUsage=critical,keyCertSign,cRLSign";
    let directory = Directory::new();
    let folder = directory.scratch.path();
    let call = |line: &str| {
        let _ = openssl::call(folder, line);
    };
    call(&format!(
        "req -x509 {KEYS} -keyout old-key.pem -out old.pem -days 900 -subj /CN=old {CA}"
    ));
    call(&format!(
        "req {KEYS} -keyout mid-key.pem -out mid.csr -subj /CN=mid"
    ));
    fs::write(
        folder.join("mid.cnf"),
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n",
    )
    .unwrap();
    let extensions = "extendedKeyUsage=clientAuth\nsubjectAltName=IP:0.0.0.0\n";
    fs::write(folder.join("leaf.cnf"), extensions).unwrap();
    call(&format!(
        "req {KEYS} -keyout ssl/client-app-key.pem -out leaf.csr -subj /CN=app"
    ));
    let sign = |csr: &str, ca: &str, more: &str| {
        call(&format!(
            "x509 -req -in {csr} -CA {ca}.pem -CAkey {ca}-key.pem {more}"
        ));
    };
    let leaf = |ca: &str| {
        sign(
            "leaf.csr",
            ca,
            "-days 90 -extfile leaf.cnf -out ssl/client-app.pem",
        );
    };
    let text = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    // The CA allows one CA below it
    call(&format!(
        "req -x509 -key ssl/ca-key.pem -out ssl/ca.pem -days 900 -subj /CN=etcd-ca {CA} \
         -addext basicConstraints=critical,CA:TRUE,pathlen:1"
    ));
    let find = |path: &str| {
        let checked = Check::new().run([folder.join(path)]);
        let is_it = |one: &&Checked| one.path().ends_with("client-app.pem");
        let checked = checked.iter().find(is_it).unwrap();
        let findings = checked.findings().iter();
        let codes: Vec<_> = findings.map(|finding| finding.code()).collect();
        let (ca, leaf) = (directory.file("ca.pem"), directory.file("client-app.pem"));
        let is_accepted = go::verify(&ca, &leaf).client() == Verdict::Accepted;
        let is_refused = codes.iter().any(|code| matches!(*code, "EP007" | "EP033"));
        assert_eq!(is_refused, !is_accepted, "{path}: {codes:?}");
        codes
    };
    leaf("old");
    let refused = ["EP007"];
    for place in ["ssl/old-ca.pem", "ca.pem", "ssl/zzz.pem", "etcd/ca.pem"] {
        fs::create_dir_all(folder.join("etcd")).unwrap();
        fs::copy(folder.join("old.pem"), folder.join(place)).unwrap();
        for path in ["ssl", "ssl/client-app.pem", "."] {
            assert_eq!(find(path), refused, "{place}");
        }
        fs::remove_file(folder.join(place)).unwrap();
    }
    // In its own file
    fs::write(
        folder.join("ssl/client-app.pem"),
        text("ssl/client-app.pem") + &text("old.pem"),
    )
    .unwrap();
    assert_eq!(find("ssl"), refused);

    // An intermediate CA in its own file is good if the trusted one signed it
    for (ca, expected) in [("ssl/ca", &[][..]), ("old", &refused)] {
        sign("mid.csr", ca, "-days 80 -extfile mid.cnf -out mid.pem");
        sign(
            "leaf.csr",
            "mid",
            "-days 70 -extfile leaf.cnf -out leaf.pem",
        );
        fs::write(
            folder.join("ssl/client-app.pem"),
            text("leaf.pem") + &text("mid.pem"),
        )
        .unwrap();
        assert_eq!(find("ssl"), expected, "{ca}");
    }

    call(&format!(
        "req -x509 -key ssl/ca-key.pem -out ssl/ca.pem -days 900 -subj /CN=etcd-ca {CA} \
         -addext basicConstraints=critical,CA:TRUE,pathlen:0"
    ));
    sign(
        "mid.csr",
        "ssl/ca",
        "-days 80 -extfile mid.cnf -out mid.pem",
    );
    sign(
        "leaf.csr",
        "mid",
        "-days 70 -extfile leaf.cnf -out leaf.pem",
    );
    fs::write(
        folder.join("ssl/client-app.pem"),
        text("leaf.pem") + &text("mid.pem"),
    )
    .unwrap();
    assert_eq!(find("ssl"), ["EP033"]);

    // The trusted certificate of the CA expires before the leaf. A renewed one elsewhere does not
    call(&format!(
        "req -x509 -key ssl/ca-key.pem -out short.pem -days 60 -subj /CN=etcd-ca {CA}"
    ));
    leaf("ssl/ca");
    assert_eq!(find("ssl"), Vec::<&str>::new());
    fs::rename(folder.join("ssl/ca.pem"), folder.join("ca.pem")).unwrap();
    fs::copy(folder.join("short.pem"), folder.join("ssl/ca.pem")).unwrap();
    assert_eq!(find("ssl"), ["EP009"]);
    assert_eq!(find("."), ["EP009"]);
    // Without a trusted file, every CA counts
    fs::remove_file(folder.join("ssl/ca.pem")).unwrap();
    leaf("old");
    fs::copy(folder.join("old.pem"), folder.join("ssl/zzz-ca.pem")).unwrap();
    assert_eq!(codes(&directory.file("client-app.pem")), []);
}

/// An address that two of three members share is not added to the third.
#[test]
fn an_address_that_two_members_share() {
    let scratch = Scratch::new("shared");
    let specification = "members:\n\
        - {name: a, addresses: [10.0.0.1, 10.0.0.9]}\n\
        - {name: b, addresses: [10.0.0.2, 10.0.0.9]}\n\
        - {name: c, addresses: [10.0.0.3]}\n\
        admin: none\n";
    let cluster = Cluster::from_yaml(specification).unwrap();
    let store = Store::new(scratch.path().join("ssl"), Layout::Kubespray);
    assert!(cluster.plan(&store).unwrap().apply().unwrap().is_complete());
    let adoption = etcd_pki_core::adopt::Adoption::read(store.directory(), None).unwrap();
    let adopted = adoption.cluster();
    assert!(
        adopted.spec().shared_names.is_empty(),
        "{}",
        adopted.to_yaml()
    );
    let plan = adopted.plan(&store).unwrap();
    assert_eq!(plan.changes().count(), 0, "{}", adopted.to_yaml());
    // If one of them has no address of its own, it is a copy of the other
    let copied = "members: [{name: a, addresses: [10.0.0.1]}, {name: b, addresses: [10.0.0.1]}]";
    assert!(Cluster::from_yaml(copied).is_err());
    let copied =
        "members: [{name: a, addresses: [10.0.0.1, 10.0.0.2]}, {name: b, addresses: [10.0.0.1]}]";
    assert!(Cluster::from_yaml(copied).is_err());
}

/// Files of other tools with names that match a layout by chance.
#[test]
fn the_files_of_other_tools() {
    for (files, tool) in [
        (
            &[
                "ca.crt",
                "private/ca.key",
                "issued/server.crt",
                "private/server.key",
            ][..],
            "easy-rsa",
        ),
        (
            &[
                "kube-ca.pem",
                "kube-etcd-10-0-0-1.pem",
                "kube-etcd-10-0-0-1-key.pem",
            ],
            "RKE",
        ),
        (&["root_ca.crt", "intermediate_ca.crt"], "step-ca"),
        (
            &["etcd-clients-ca.crt", "etcd-peers-ca.crt", "me.crt"],
            "kops",
        ),
    ] {
        let made = Directory::new();
        let folder = made.scratch.path().join("other");
        for file in files {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let is_key = file.ends_with("key") || file.ends_with("-key.pem");
            let from = match (is_key, file.contains("ca")) {
                (true, true) => "ca-key.pem",
                (true, false) => "member-m-key.pem",
                (false, true) => "ca.pem",
                (false, false) => "member-m.pem",
            };
            fs::copy(made.file(from), path).unwrap();
        }
        let refused = etcd_pki_core::adopt::Adoption::read(&folder, None).unwrap_err();
        assert!(refused.to_string().contains(tool), "{tool}: {refused}");
        assert!(refused.hint().is_some());
    }
}

/// Keys that Go loads but cannot use for a connection.
#[test]
fn keys_that_no_connection_uses() {
    let scratch = Scratch::new("keys");
    let folder = scratch.path();
    let call = |line: &str| drop(openssl::call(folder, line));
    let _ = etcd_pki_in(folder, "ca new -d pki").expect_success();
    fs::write(
        folder.join("x.cnf"),
        "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n\
         subjectAltName=DNS:localhost,IP:127.0.0.1\n",
    )
    .unwrap();
    for (key, is_usable) in [
        ("ec -pkeyopt ec_paramgen_curve:P-224", false),
        ("ec -pkeyopt ec_paramgen_curve:P-256", true),
        ("ec -pkeyopt ec_paramgen_curve:P-521", true),
        ("rsa:512", false),
        ("rsa:1023", false),
        ("rsa:1024", true),
        ("rsa:2048", true),
    ] {
        call(&format!(
            "req -newkey {key} -nodes -keyout pki/member-m-key.pem -subj /CN=m -out m.csr"
        ));
        call(
            "x509 -req -in m.csr -CA pki/ca.pem -CAkey pki/ca-key.pem -days 90 -extfile x.cnf \
             -out pki/member-m.pem",
        );
        let checked = Check::new().run([folder.join("pki")]);
        let is_it = |one: &&Checked| one.path().ends_with("member-m.pem");
        let findings = checked.iter().find(is_it).unwrap().findings();
        let codes: Vec<_> = findings.iter().map(Finding::code).collect();
        let expected: &[&str] = if is_usable { &[] } else { &["EP041"] };
        assert_eq!(codes, expected, "{key}: {findings:?}");
    }
}

/// A key in OpenSSH's format is named, with the command that converts it.
#[test]
fn a_key_in_the_format_of_openssh() {
    let scratch = Scratch::new("keys");
    let folder = scratch.path();
    for line in ["ca new -d pki", "cert issue client app -d pki"] {
        let _ = etcd_pki_in(folder, line).expect_success();
    }
    let key = folder.join("pki/client-app-key.pem");
    // The beginning of a file that `ssh-keygen` writes
    let contents =
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQyNTUxOQ==";
    let pem = format!(
        "-----BEGIN OPENSSH PRIVATE KEY-----\n{contents}\n-----END OPENSSH PRIVATE KEY-----\n"
    );
    fs::write(&key, &pem).unwrap();
    let certificate = fs::read(folder.join("pki/client-app.pem")).unwrap();
    let pair = Files::Pair(certificate, pem.into_bytes());
    assert_ne!(go::files(&[pair])[0], Verdict::Accepted);
    fs::write(folder.join("s.yaml"), "clients: [app]\n").unwrap();
    let checked = Check::new().run([folder.join("pki/client-app.pem")]);
    let fixes: Vec<_> = checked[0].findings().iter().map(Finding::fix).collect();
    assert!(
        fixes.len() == 1 && fixes[0].contains("ssh-keygen -p -m PKCS8"),
        "{fixes:?}"
    );
    for line in ["check pki", "plan -f s.yaml -d pki"] {
        let output = etcd_pki_in(folder, line);
        let text = format!("{}{}", output.stdout(), output.stderr());
        assert!(text.contains("OpenSSH's format"), "{line}: {text}");
    }
}

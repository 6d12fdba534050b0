//! The CAs that a host trusts, if their certificates arrive in an exchange directory that attackers
//! can write to.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, SystemTime},
};

use etcd_pki_core::{
    Certificate, CertificateAuthority, Identity, PrivateKey, Profile, Role, layout::PairPaths,
};
use etcd_pki_tests::{
    Credentials,
    command::{etcd_pki, etcd_pki_in},
    etcd::{Cluster, Member, Version},
    machines::{Machines, SPECIFICATION},
    openssl::{self, Purpose},
    run,
};
use serde_json::Value;

/// The result of a run on etcd-1.
struct Outcome {
    code: i32,
    facts: Value,
    said: String,
}

impl Outcome {
    fn done(&self, what: &str) -> u64 {
        self.facts["done"][what].as_u64().unwrap()
    }

    /// The reasons why files are refused.
    fn refused(&self) -> Vec<String> {
        let refused = self.facts["refused"].as_array().unwrap().iter();
        refused
            .map(|one| {
                format!(
                    "{}: {}",
                    one["file"].as_str().unwrap(),
                    one["reason"].as_str().unwrap()
                )
            })
            .collect()
    }
}

fn apply(machines: &Machines, trust: &[String]) -> Outcome {
    let mut command = machines.command_trusting("apply", "etcd-1", trust);
    let output = command.arg("--json").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    Outcome {
        code: output.status.code().unwrap(),
        facts: serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}")),
        said,
    }
}

/// Machines with signed requests, before etcd-1 has installed its certificates.
fn signed(specification: &str) -> Machines {
    let machines = Machines::new(specification);
    for machine in ["etcd-1", "etcd-2", "ca"] {
        let _ = machines.quietly(machine);
    }
    machines
}

fn fingerprint(path: &Path) -> String {
    Certificate::from_bytes(&fs::read(path).unwrap())
        .unwrap()
        .fingerprint_sha256()
}

fn bundle(path: &Path) -> Vec<String> {
    let all = Certificate::all_from_bytes(&fs::read(path).unwrap()).unwrap();
    all.iter().map(Certificate::fingerprint_sha256).collect()
}

/// An unrelated CA, with a client.
struct Foreign {
    ca: CertificateAuthority,
    pem: String,
    root: PairPaths,
}

impl Foreign {
    fn new(machines: &Machines, common_name: &str) -> Self {
        let ca = CertificateAuthority::create(common_name).unwrap();
        let root = ca
            .issue(Role::Client, Identity::new("root").unwrap())
            .unwrap();
        let folder = machines.path(&format!("foreign-{common_name}"));
        fs::create_dir(&folder).unwrap();
        let paths = PairPaths {
            certificate: folder.join("root.pem"),
            key: folder.join("root-key.pem"),
        };
        fs::write(&paths.certificate, root.to_pem()).unwrap();
        fs::write(&paths.key, &*root.to_secret_pem()).unwrap();
        Self {
            pem: ca.certificate().to_pem(),
            ca,
            root: paths,
        }
    }

    fn fingerprint(&self) -> String {
        self.ca.certificate().fingerprint_sha256()
    }

    /// Checks that a client of the foreign CA is not valid with this trusted file.
    fn assert_not_trusted_by(&self, ca: &Path) {
        openssl::verify(ca, &self.root.certificate, Purpose::Client).assert_refused_for_one_of(
            "a foreign client",
            &["unable to get local issuer", "signature failure"],
        );
    }
}

#[test]
fn nothing_of_a_ca_is_installed_before_its_fingerprint_is_given() {
    for (layout, ca) in [("kubespray", "ca.pem"), ("kubeadm", "etcd/ca.crt")] {
        let machines = signed(&format!("layout: {layout}\n{SPECIFICATION}"));
        let shown = fingerprint(&machines.path("ca").join(ca));
        let before = machines.files("etcd-1");
        let other = "0".repeat(64);
        for trust in [&[][..], &[other]] {
            let blocked = apply(&machines, trust);
            assert_eq!(blocked.code, 1);
            let failure = &blocked.facts["unfinished"]["failures"][0];
            let reason = &failure["reasons"][0];
            assert_eq!(
                (&reason["code"], &reason["subject"]),
                (&"EP046".into(), &"CN=etcd-ca".into())
            );
            assert_eq!(reason["current"][0], *shown);
            assert!(
                blocked.said.contains(&shown) && blocked.said.contains("etcd-pki ca show"),
                "{}",
                blocked.said
            );
            assert!(blocked.said.contains("--trust SHA256"), "{}", blocked.said);
            assert_eq!(machines.files("etcd-1"), before);
            let mut plan = machines.command_trusting("plan", "etcd-1", trust);
            let planned = plan.arg("--check").output().unwrap();
            assert!(String::from_utf8(planned.stdout).unwrap().contains(&shown));
            assert_eq!(machines.files("etcd-1"), before);
        }
        let installed = apply(&machines, &[format!("sha256:{}", shown.to_lowercase())]);
        assert_eq!(
            (installed.code, installed.done("trusted")),
            (0, 1),
            "{}",
            installed.said
        );
        assert!(installed.done("installed") >= 2);
        assert_eq!(bundle(&machines.path("etcd-1").join(ca)), [shown]);
    }
}

#[test]
fn a_fingerprint_is_read_in_the_usual_spellings() {
    let machines = signed(SPECIFICATION);
    let shown = fingerprint(&machines.path("ca/ca.pem"));
    let openssl = openssl::call(
        &machines.path("ca"),
        "x509 -in ca.pem -noout -fingerprint -sha256",
    );
    let openssl = openssl.stdout().trim().to_owned();
    let colons = openssl.rsplit_once('=').unwrap().1.to_owned();
    for spelled in [
        &colons.to_lowercase(),
        &openssl,
        &format!("SHA256:{colons}"),
        &shown,
    ] {
        let _ = fs::remove_file(machines.path("etcd-1/ca.pem"));
        let trusted = apply(&machines, std::slice::from_ref(spelled));
        assert_eq!(trusted.code, 0, "{spelled}: {}", trusted.said);
    }
    for (wrong, reason) in [
        (&colons[..59], "it has 40 digits"),
        ("etcd-ca", "is no hexadecimal digit"),
    ] {
        let mut command = machines.command_trusting("apply", "etcd-1", &[wrong.to_owned()]);
        let output = run(&mut command);
        assert_eq!(output.code(), Some(2));
        assert!(output.stderr().contains(reason), "{}", output.stderr());
    }
    // The option is for a host, for the files that arrive
    let output = run(&mut machines.command_trusting("apply", "ca", &[shown]));
    assert_eq!(output.code(), Some(2), "{}", output.stderr());
}

/// The other certificates in the file are not trusted, wherever they are, and the CA that the user
/// trusts is installed.
#[test]
fn a_foreign_ca_at_the_first_trust_is_refused_by_name() {
    let places: [fn(&str, &str) -> String; 2] = [
        |own, other| own.to_owned() + other,
        |own, other| other.to_owned() + own,
    ];
    for name in ["evil", "etcd-ca"] {
        for place in places {
            let machines = signed(SPECIFICATION);
            let foreign = Foreign::new(&machines, name);
            let shown = fingerprint(&machines.path("ca/ca.pem"));
            let arrived = machines.path("travel/etcd-1/ca.pem");
            let own = fs::read_to_string(&arrived).unwrap();
            fs::write(&arrived, place(&own, &foreign.pem)).unwrap();
            let none = apply(&machines, &[]);
            // The message shows each fingerprint, so that the user can compare it
            assert!(
                none.said.contains(&shown) && none.said.contains(&foreign.fingerprint()),
                "{}",
                none.said
            );
            assert!(!machines.path("etcd-1/ca.pem").exists());
            let trusted = apply(&machines, std::slice::from_ref(&shown));
            assert_eq!(
                (trusted.code, trusted.done("installed")),
                (1, 2),
                "{}",
                trusted.said
            );
            let refused = trusted.refused();
            let expected = format!(
                "travel/etcd-1/ca.pem: CN={name}, SHA-256 {}, is not trusted here",
                foreign.fingerprint()
            );
            assert!(
                refused.len() == 1 && refused[0].starts_with(&expected),
                "{refused:?}"
            );
            let ca = machines.path("etcd-1/ca.pem");
            assert_eq!(bundle(&ca), [shown]);
            foreign.assert_not_trusted_by(&ca);
        }
    }
}

/// A certificate for the CA's key, signed by a foreign CA.
fn cross_signed(machines: &Machines, foreign: &Foreign) -> String {
    let folder = machines.path("cross");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("foreign.pem"), &foreign.pem).unwrap();
    let key = foreign.ca.key().unwrap().to_secret_pem();
    fs::write(folder.join("foreign-key.pem"), &*key).unwrap();
    fs::copy(machines.path("ca/ca-key.pem"), folder.join("key.pem")).unwrap();
    fs::write(
        folder.join("extensions"),
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n",
    )
    .unwrap();
    openssl::call(
        &folder,
        "req -new -key key.pem -subj /CN=etcd-ca -out csr.pem",
    );
    openssl::call(
        &folder,
        "x509 -req -in csr.pem -CA foreign.pem -CAkey foreign-key.pem -days 3660 -extfile extensions -out cross.pem",
    );
    fs::read_to_string(folder.join("cross.pem")).unwrap()
}

#[test]
fn a_foreign_ca_is_refused_later_and_does_not_stop_the_rest() {
    type Change = fn(&str, &str, &str) -> String;
    let changes: [(&str, Change, usize); 7] = [
        ("appended", |own, evil, _| own.to_owned() + evil, 1),
        ("prepended", |own, evil, _| evil.to_owned() + own, 1),
        ("alone", |_, evil, _| evil.to_owned(), 1),
        (
            "the same key, signed by another CA",
            |_, _, cross| cross.to_owned(),
            1,
        ),
        (
            "with its signer",
            |_, evil, cross| cross.to_owned() + evil,
            2,
        ),
        (
            "after the own one",
            |own, evil, cross| own.to_owned() + cross + evil,
            2,
        ),
        (
            "with a damaged block",
            |own, evil, _| {
                let middle = evil.len() / 2;
                let damaged = format!("{}AAAA{}", &evil[..middle], &evil[middle + 4..]);
                format!("{own}{damaged}{evil}")
            },
            2,
        ),
    ];
    let machines = Machines::installed(SPECIFICATION);
    let foreign = Foreign::new(&machines, "evil");
    let cross = cross_signed(&machines, &foreign);
    let (ca, arrived) = (
        machines.path("etcd-1/ca.pem"),
        machines.path("travel/etcd-1/ca.pem"),
    );
    let own = fs::read_to_string(&ca).unwrap();
    for (number, (what, change, refusals)) in changes.into_iter().enumerate() {
        // A change is due at the same time
        let addresses = format!("10.0.0.11, 10.0.1.{number}");
        machines.specify(&SPECIFICATION.replace("10.0.0.11", &addresses));
        assert_eq!(apply(&machines, &[]).done("requested"), 1, "{what}");
        let _ = machines.quietly("ca");
        fs::write(&arrived, change(&own, &foreign.pem, &cross)).unwrap();
        let outcome = apply(&machines, &[]);
        assert_eq!(
            (outcome.code, outcome.done("installed")),
            (1, 1),
            "{what}: {}",
            outcome.said
        );
        let refused = outcome.refused();
        assert_eq!(refused.len(), refusals, "{what}: {refused:?}");
        assert!(
            refused
                .iter()
                .any(|one| one.contains("SHA-256 ") || one.contains("valid certificate")),
            "{refused:?}"
        );
        assert_eq!(fs::read_to_string(&ca).unwrap(), own, "{what}");
        foreign.assert_not_trusted_by(&ca);
        fs::write(&arrived, &own).unwrap();
    }
}

/// The key of the CA itself may sign another certificate for the CA.
#[test]
fn a_later_certificate_is_trusted_if_the_trusted_key_signed_it_for_itself() {
    let machines = Machines::installed(SPECIFICATION);
    let (ca, arrived) = (
        machines.path("etcd-1/ca.pem"),
        machines.path("travel/etcd-1/ca.pem"),
    );
    let foreign = Foreign::new(&machines, "evil");
    let old = fs::read_to_string(&ca).unwrap();
    let key = PrivateKey::from_pem(fs::read(machines.path("ca/ca-key.pem")).unwrap()).unwrap();
    let later = SystemTime::now() + Duration::from_secs(2);
    let identity = Identity::from_common_name("etcd-ca").unwrap();
    let renewed = CertificateAuthority::create_for(key, &identity, Profile::ca(), later).unwrap();
    let renewed = renewed.certificate();
    fs::write(&arrived, renewed.to_pem() + &foreign.pem).unwrap();
    let outcome = apply(&machines, &[]);
    assert_eq!(
        (outcome.code, outcome.done("trusted")),
        (1, 1),
        "{}",
        outcome.said
    );
    let step = &outcome.facts["trusted"][0];
    assert_eq!(step["sha256"], *renewed.fingerprint_sha256());
    assert_eq!(
        step["trusted_sha256"],
        serde_json::json!([renewed.fingerprint_sha256()])
    );
    assert_eq!(bundle(&ca), [renewed.fingerprint_sha256()]);
    foreign.assert_not_trusted_by(&ca);
    // The earlier file is not restored, and removes nothing
    fs::write(&arrived, old).unwrap();
    let outcome = apply(&machines, &[]);
    assert_eq!(
        (outcome.code, outcome.done("trusted")),
        (0, 0),
        "{}",
        outcome.said
    );
    assert_eq!(bundle(&ca), [renewed.fingerprint_sha256()]);
}

/// etcd-1 trusts its CA and another one, for which the user gave the fingerprint.
fn with_two_cas() -> (Machines, Foreign, String) {
    let machines = Machines::installed(SPECIFICATION);
    let next = Foreign::new(&machines, "next-ca");
    let own = fs::read_to_string(machines.path("ca/ca.pem")).unwrap();
    fs::write(
        machines.path("travel/etcd-1/ca.pem"),
        own.clone() + &next.pem,
    )
    .unwrap();
    let trusted = apply(&machines, &[next.fingerprint()]);
    assert_eq!(
        (trusted.code, trusted.done("trusted")),
        (0, 1),
        "{}",
        trusted.said
    );
    let own_fingerprint = fingerprint(&machines.path("ca/ca.pem"));
    assert_eq!(
        bundle(&machines.path("etcd-1/ca.pem")),
        [own_fingerprint, next.fingerprint()]
    );
    assert_eq!(
        trusted.facts["trusted"][0]["trusted_sha256"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    (machines, next, own)
}

#[test]
fn a_ca_is_removed_if_every_leaf_here_verifies_without_it() {
    let (machines, next, own) = with_two_cas();
    let (ca, arrived) = (
        machines.path("etcd-1/ca.pem"),
        machines.path("travel/etcd-1/ca.pem"),
    );
    let before = fs::read(&ca).unwrap();
    // A file with any fault removes nothing
    let foreign = Foreign::new(&machines, "evil");
    fs::write(&arrived, own.clone() + &foreign.pem).unwrap();
    assert_eq!(apply(&machines, &[]).code, 1);
    assert_eq!(fs::read(&ca).unwrap(), before);
    // The leaves need the other one
    fs::write(&arrived, &next.pem).unwrap();
    let kept = apply(&machines, &[]);
    assert_eq!(kept.code, 1);
    let refused = kept.refused();
    assert!(
        refused
            .iter()
            .any(|one| one.contains("it lacks CN=etcd-ca") && one.contains("stays trusted")),
        "{refused:?}"
    );
    assert!(bundle(&ca).contains(&fingerprint(&machines.path("ca/ca.pem"))));
    fs::write(&arrived, &own).unwrap();
    let removed = apply(&machines, &[]);
    assert_eq!(
        (removed.code, removed.done("trusted")),
        (0, 1),
        "{}",
        removed.said
    );
    assert_eq!(
        removed.facts["trusted"][0]["untrusted_sha256"],
        serde_json::json!([next.fingerprint()])
    );
    assert_eq!(fs::read_to_string(&ca).unwrap(), own);
    next.assert_not_trusted_by(&ca);
}

/// A certificate for the name and key of a new CA, signed by another CA.
fn link(machines: &Machines, new: &PairPaths, signer: &PairPaths, days: i32) -> String {
    let folder = machines.path("link");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).unwrap();
    fs::write(
        folder.join("extensions"),
        "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\n",
    )
    .unwrap();
    let (key, ca, ca_key) = (
        new.key.display(),
        signer.certificate.display(),
        signer.key.display(),
    );
    openssl::call(
        &folder,
        &format!("req -new -key {key} -subj /CN=etcd-ca -out csr.pem"),
    );
    openssl::call(
        &folder,
        &format!(
            "x509 -req -in csr.pem -CA {ca} -CAkey {ca_key} -days {days} -extfile extensions -out link.pem"
        ),
    );
    fs::read_to_string(folder.join("link.pem")).unwrap()
}

/// Creates a CA in a separate directory.
fn ca(machines: &Machines, directory: &str) -> PairPaths {
    let path = machines.path(directory);
    let made = etcd_pki_in(&machines.path("."), &format!("ca new -d {directory}"));
    let _ = made.expect_success();
    PairPaths {
        certificate: path.join("ca.pem"),
        key: path.join("ca-key.pem"),
    }
}

#[test]
fn a_link_certificate_of_a_trusted_key_vouches_for_a_new_ca() {
    let machines = Machines::installed(SPECIFICATION);
    let old = PairPaths {
        certificate: machines.path("ca/ca.pem"),
        key: machines.path("ca/ca-key.pem"),
    };
    let [new, other] = ["new", "other"].map(|directory| ca(&machines, directory));
    let (ca, arrived) = (
        machines.path("etcd-1/ca.pem"),
        machines.path("travel/etcd-1/ca.pem"),
    );
    let own = fs::read_to_string(&ca).unwrap();
    let file = own.clone() + &fs::read_to_string(&new.certificate).unwrap();
    fs::write(&arrived, file).unwrap();
    let links = machines.path("travel/etcd-1/ca-link.pem");
    for (what, text) in [
        ("by another CA", link(&machines, &new, &other, 9)),
        ("by itself", link(&machines, &new, &new, 9)),
        ("of another key", link(&machines, &other, &old, 9)),
        ("that has expired", link(&machines, &new, &old, -1)),
        ("that is none", "nonsense".to_owned()),
    ] {
        fs::write(&links, text).unwrap();
        let refused = apply(&machines, &[]);
        assert_eq!(
            (refused.code, refused.done("trusted")),
            (1, 0),
            "{what}: {}",
            refused.said
        );
        assert_eq!(fs::read_to_string(&ca).unwrap(), own, "{what}");
    }
    fs::write(&links, link(&machines, &new, &old, 9)).unwrap();
    let trusted = apply(&machines, &[]);
    assert_eq!(
        (trusted.code, trusted.done("trusted")),
        (0, 1),
        "{}",
        trusted.said
    );
    assert_eq!(
        bundle(&ca),
        [fingerprint(&old.certificate), fingerprint(&new.certificate)]
    );
}

#[test]
fn a_file_of_thousands_of_certificates_is_refused_in_time() {
    let machines = Machines::installed(SPECIFICATION);
    let foreign = Foreign::new(&machines, "etcd-ca");
    let (ca, arrived) = (
        machines.path("etcd-1/ca.pem"),
        machines.path("travel/etcd-1/ca.pem"),
    );
    let own = fs::read_to_string(&ca).unwrap();
    fs::write(&arrived, own.clone() + &foreign.pem.repeat(5000)).unwrap();
    let began = SystemTime::now();
    let outcome = apply(&machines, &[]);
    assert!(began.elapsed().unwrap() < Duration::from_secs(20));
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.refused()[0].contains("more than 200 certificates"),
        "{}",
        outcome.said
    );
    assert_eq!(fs::read_to_string(&ca).unwrap(), own);
}

/// The members of a real cluster run with the files that arrived, and refuse a client of the CA
/// that an attacker added.
#[test]
fn etcd_refuses_the_client_of_a_ca_that_was_put_into_the_folder() {
    let specification =
        "members: [{name: etcd-1, addresses: [127.0.0.1]}, {name: etcd-2}]\nclients: [root]\n";
    for later in [false, true] {
        let machines = signed(specification);
        let evil = Foreign::new(&machines, "evil");
        let (ca, arrived) = (
            machines.path("etcd-1/ca.pem"),
            machines.path("travel/etcd-1/ca.pem"),
        );
        let trust = [fingerprint(&machines.path("ca/ca.pem"))];
        if later {
            assert_eq!(apply(&machines, &trust).code, 0);
            // The times in certificates are whole seconds
            thread::sleep(Duration::from_millis(1100));
            let renewed = etcd_pki_in(&machines.path("."), "ca renew -d ca");
            let _ = renewed.expect_success();
            let _ = machines.quietly("ca");
        }
        let own = fs::read_to_string(&arrived).unwrap();
        fs::write(&arrived, evil.pem.clone() + &own).unwrap();
        assert_eq!(apply(&machines, &trust).code, 1);
        let own_client = run(Command::new(etcd_pki())
            .current_dir(machines.path("."))
            .args(["apply", "-f", "cluster.yaml", "-d", "ca", "--only", "root"]));
        let _ = own_client.expect_success();

        let pair = |folder: PathBuf, stem: &str| PairPaths {
            certificate: folder.join(format!("{stem}.pem")),
            key: folder.join(format!("{stem}-key.pem")),
        };
        let member = Credentials::new(&ca, pair(machines.path("etcd-1"), "member-etcd-1"));
        let root = Credentials::new(&ca, pair(machines.path("ca"), "client-root"));
        let member = Member::with_pair("etcd-1", &member);
        let cluster = Cluster::start(Version::Newest, &[member], &root);
        let _ = cluster
            .etcdctl(&root, &["put", "key", "value"])
            .expect_success();
        let intruder = Credentials::new(&ca, evil.root.clone());
        let get = cluster.etcdctl(&intruder, &["get", "key"]);
        assert!(
            !get.success(),
            "later {later}: the intruder gets {}",
            get.stdout()
        );
        cluster.wait_for_log(0, "unknown authority");
    }
}

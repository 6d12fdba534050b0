//! A cluster's directory, planned and applied: what is due, and nothing else, whatever happens meanwhile.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that cannot go on fails where it stands"
)]

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use etcd_pki_core::{Bundle, Certificate, Error, Progress, Store};
use etcd_pki_tests::{
    Scratch,
    command::etcd_pki,
    kubespray::Kubespray,
    openssl::{self, Purpose},
    run,
};
use serde_json::Value;

const SPECIFICATION: &str = "\
directory: ssl
members:
  - {name: etcd-1, addresses: [10.0.0.11]}
  - {name: etcd-2, addresses: [10.0.0.12]}
nodes: [kube-1]
clients: [root, {name: backup, validity: 90d}]
";
/// The authority, two members with their admins, a node, two clients
const PAIRS: usize = 8;

struct Cluster(Scratch);

impl Cluster {
    fn new(specification: &str) -> Self {
        let cluster = Self(Scratch::new("cluster"));
        cluster.specify(specification);
        cluster
    }

    /// One that is as its specification says.
    fn applied() -> Self {
        let cluster = Self::new(SPECIFICATION);
        assert_eq!(cluster.apply()["created"], PAIRS);
        cluster
    }

    fn specify(&self, specification: &str) {
        fs::write(self.0.path().join("cluster.yaml"), specification).unwrap();
    }

    fn directory(&self) -> PathBuf {
        self.0.path().join("ssl")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(etcd_pki());
        command
            .current_dir(self.0.path())
            .args([verb, "-f", "cluster.yaml"]);
        command
    }

    fn json(&self, verb: &str) -> Value {
        let output = run(self.command(verb).arg("--json")).expect_success();
        serde_json::from_str(output.stdout()).unwrap()
    }

    fn apply(&self) -> Value {
        self.json("apply")
    }

    /// What is due: each certificate's file, the action, and the reasons.
    fn due(&self) -> BTreeMap<String, String> {
        let plan = self.json("plan");
        let changes = plan["changes"].as_array().unwrap().iter();
        changes
            .map(|change| {
                let file = Path::new(change["certificate"].as_str().unwrap())
                    .file_name()
                    .unwrap();
                let reasons: Vec<_> = change["reasons"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|reason| reason.as_str().unwrap())
                    .collect();
                let what = format!(
                    "{}: {}",
                    change["action"].as_str().unwrap(),
                    reasons.join("; ")
                );
                (file.to_str().unwrap().to_owned(), what)
            })
            .collect()
    }

    fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.directory()).unwrap();
        entries
            .map(|entry| {
                let path = entry.unwrap().path();
                (
                    path.file_name().unwrap().to_str().unwrap().to_owned(),
                    fs::read(&path).unwrap(),
                )
            })
            .collect()
    }

    /// Applies, checks that this changed just these files, and that nothing is due any more.
    fn assert_mended(&self, files: &[&str]) {
        let before = self.contents();
        let _ = self.apply();
        let after = self.contents();
        let changed: Vec<_> = after
            .iter()
            .filter(|(name, now)| before.get(*name) != Some(now))
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(changed, files);
        self.assert_whole();
    }

    /// Nothing is due, every pair belongs together, and OpenSSL takes each certificate.
    fn assert_whole(&self) {
        assert_eq!(self.due(), BTreeMap::new());
        let names: Vec<String> = self.contents().into_keys().collect();
        assert_eq!(names.len(), 2 * PAIRS, "{names:?}");
        for name in names.iter().filter(|name| !name.ends_with("-key.pem")) {
            let stem = name.strip_suffix(".pem").unwrap();
            let read = |file: String| fs::read(self.file(&file)).unwrap();
            Bundle::from_pem(read(name.clone()), read(format!("{stem}-key.pem"))).unwrap();
            if stem != "ca" {
                openssl::verify_strict(&self.file("ca.pem"), &self.file(name), Purpose::Client)
                    .assert_accepted(name);
            }
        }
    }
}

fn failed(output: &Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}

#[test]
fn a_second_time_there_is_nothing_to_do() {
    let cluster = Cluster::applied();
    cluster.assert_whole();
    let before = cluster.contents();
    let again = cluster.apply();
    assert_eq!(
        (&again["created"], &again["kept"]),
        (&0.into(), &PAIRS.into())
    );
    assert_eq!(cluster.contents(), before);
    assert!(run(cluster.command("plan").arg("--check")).success());
}

#[test]
fn plan_writes_nothing_and_says_whether_something_is_due() {
    let cluster = Cluster::new(SPECIFICATION);
    let output = cluster.command("plan").arg("--check").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(!cluster.directory().exists());
}

#[test]
fn each_fault_is_named_and_mended_alone() {
    let cluster = Cluster::applied();

    fs::remove_file(cluster.file("client-root.pem")).unwrap();
    assert_eq!(
        cluster.due()["client-root.pem"],
        "renew: the certificate is missing"
    );
    cluster.assert_mended(&["client-root.pem"]);

    fs::remove_file(cluster.file("client-root-key.pem")).unwrap();
    assert_eq!(
        cluster.due()["client-root.pem"],
        "re-issue: the key is missing"
    );
    cluster.assert_mended(&["client-root-key.pem", "client-root.pem"]);

    // An exchange of both files that was cut off between the two
    fs::copy(
        cluster.file("client-backup.pem"),
        cluster.file("client-root.pem"),
    )
    .unwrap();
    let due = cluster.due();
    assert!(
        due["client-root.pem"].starts_with("renew: the certificate is of another key"),
        "{due:?}"
    );
    cluster.assert_mended(&["client-root.pem"]);

    // A key that two pairs have
    fs::copy(
        cluster.file("node-kube-1-key.pem"),
        cluster.file("client-root-key.pem"),
    )
    .unwrap();
    let due = cluster.due();
    assert!(
        due["client-root.pem"].starts_with("re-issue: another pair has the same key"),
        "{due:?}"
    );
    let _ = cluster.apply();
    cluster.assert_whole();

    fs::write(cluster.file("client-root.pem"), "nonsense").unwrap();
    assert!(cluster.due()["client-root.pem"].starts_with("renew: unreadable: "));
    cluster.assert_mended(&["client-root.pem"]);

    fs::write(cluster.file("client-root-key.pem"), "nonsense").unwrap();
    assert!(cluster.due()["client-root.pem"].starts_with("re-issue: unreadable: "));
    cluster.assert_mended(&["client-root-key.pem", "client-root.pem"]);

    let key = cluster.file("node-kube-1-key.pem");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    assert_eq!(
        cluster.due()["node-kube-1.pem"],
        "mode: node-kube-1-key.pem has mode 0644, should be 0600"
    );
    cluster.assert_mended(&[]);
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    // As Kubespray's copies have
    fs::set_permissions(&key, Permissions::from_mode(0o640)).unwrap();
    cluster.assert_whole();
}

#[test]
fn another_specification_changes_what_it_must() {
    let cluster = Cluster::applied();
    let edit = |from: &str, to: &str| {
        assert!(SPECIFICATION.contains(from));
        cluster.specify(&SPECIFICATION.replace(from, to));
    };
    edit("10.0.0.12", "10.0.0.99");
    assert_eq!(
        cluster.due()["member-etcd-2.pem"],
        "renew: 10.0.0.99 is missing; 10.0.0.12 is surplus"
    );
    cluster.assert_mended(&["member-etcd-2.pem"]);
    edit(
        "root, ",
        "{name: root, common_name: administrator, organization: operators}, ",
    );
    assert_eq!(
        cluster.due()["client-root.pem"],
        "renew: common name root, should be administrator; organization none, should be operators"
    );
    let _ = cluster.apply();
    edit("[root, ", "[{name: root, algorithm: ed25519}, ");
    assert!(
        cluster.due()["client-root.pem"]
            .starts_with("re-issue: the key is ec-p256, should be ed25519")
    );
    let _ = cluster.apply();
    cluster.assert_whole();
    cluster.specify(SPECIFICATION);
    let _ = cluster.apply();
    // One that is due from its first day would be made anew each time: never before the last third of its life
    cluster.specify(&format!(
        "defaults: {{renew_before: 300d}}\n{SPECIFICATION}"
    ));
    assert!(cluster.due().is_empty());
}

#[test]
fn one_name_alone_and_new_keys_when_asked_for() {
    let cluster = Cluster::applied();
    cluster.specify(&SPECIFICATION.replace("10.0.0.1", "10.0.9.1"));
    let before = cluster.contents();
    let _ = run(cluster
        .command("apply")
        .args(["--only", "etcd-2", "--rekey"]))
    .expect_success();
    let after = cluster.contents();
    let changed: Vec<_> = after
        .keys()
        .filter(|name| before[*name] != after[*name])
        .collect();
    assert_eq!(changed, ["member-etcd-2-key.pem", "member-etcd-2.pem"]);
    assert_eq!(
        cluster.due().keys().collect::<Vec<_>>(),
        ["member-etcd-1.pem"]
    );
    let said = failed(
        &cluster
            .command("apply")
            .args(["--only", "etcd"])
            .output()
            .unwrap(),
        1,
    );
    assert!(said.contains("\"etcd\" is no host and no user"), "{said}");
}

#[test]
fn who_is_gone_stays_until_it_is_pruned() {
    let cluster = Cluster::applied();
    cluster.specify(&SPECIFICATION.replace("root, ", ""));
    let plan = cluster.command("plan").output().unwrap();
    let said = failed(&plan, 0);
    assert!(said.contains("client-root.pem is surplus"), "{said}");
    let _ = cluster.apply();
    let secret = fs::read(cluster.file("client-root-key.pem")).unwrap();
    // Somebody else's file, and another authority's, are nobody's surplus
    fs::write(cluster.file("notes.pem"), "mine").unwrap();
    fs::write(
        cluster.file("client-other.pem"),
        include_str!("python/requirements.txt"),
    )
    .unwrap();
    let _ = run(cluster.command("apply").args(["--prune", "--backup"])).expect_success();
    let left = cluster.contents();
    assert!(!left.contains_key("client-root.pem") && !left.contains_key("client-root-key.pem"));
    assert!(left.contains_key("notes.pem") && left.contains_key("client-other.pem"));
    let backups: Vec<_> = left
        .iter()
        .filter(|(name, _)| name.ends_with(".bak"))
        .collect();
    assert_eq!(backups.len(), 2);
    assert!(
        backups
            .iter()
            .any(|(name, contents)| name.starts_with(".client-root-key.pem.")
                && **contents == secret)
    );
    let (name, _) = backups[0];
    assert_eq!(
        cluster.file(name).metadata().unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn an_authority_is_never_made_beside_another() {
    let cluster = Cluster::applied();
    let apply = || cluster.command("apply").output().unwrap();
    for files in [&["ca.pem", "ca-key.pem"][..], &["ca.pem"]] {
        let saved: Vec<_> = files
            .iter()
            .map(|file| (file, fs::read(cluster.file(file)).unwrap()))
            .collect();
        files
            .iter()
            .for_each(|file| fs::remove_file(cluster.file(file)).unwrap());
        let before = cluster.contents();
        let said = failed(&apply(), 1);
        assert!(said.contains("no new authority was made"), "{said}");
        assert_eq!(cluster.contents(), before);
        saved
            .into_iter()
            .for_each(|(file, bytes)| fs::write(cluster.file(file), bytes).unwrap());
    }
    // Without its key it goes on serving, and signs nothing
    let key = fs::read(cluster.file("ca-key.pem")).unwrap();
    fs::remove_file(cluster.file("ca-key.pem")).unwrap();
    assert!(apply().status.success());
    fs::remove_file(cluster.file("client-root.pem")).unwrap();
    let said = failed(&apply(), 1);
    assert!(
        said.contains("ca-key.pem") && said.contains("--requests"),
        "{said}"
    );
    fs::write(cluster.file("ca-key.pem"), key).unwrap();
    // Somebody else's
    cluster.specify(&format!("ca: {{common_name: other-ca}}\n{SPECIFICATION}"));
    let said = failed(&apply(), 1);
    assert!(said.contains("the specification says other-ca"), "{said}");
}

#[test]
fn a_ca_without_key_usage_is_renewed_and_its_leaves_stay() {
    let kubespray = Kubespray::create(&["etcd-1"], &["kube-1"]);
    let cluster = Cluster::new("directory: ssl\n");
    fs::rename(kubespray.path(), cluster.directory()).unwrap();
    fs::remove_file(cluster.file("openssl.conf")).unwrap();
    let leaf = cluster.file("member-etcd-1.pem");
    openssl::verify_strict(&cluster.file("ca.pem"), &leaf, Purpose::Server)
        .assert_refused("Kubespray's", "key usage");
    let old = Certificate::from_pem(fs::read(cluster.file("ca.pem")).unwrap()).unwrap();
    assert_eq!(cluster.due()["ca.pem"], "renew: the CA has no keyUsage");
    let _ = cluster.apply();
    let new = Certificate::from_pem(fs::read(cluster.file("ca.pem")).unwrap()).unwrap();
    assert_eq!(
        (new.subject(), new.public_key()),
        (old.subject(), old.public_key())
    );
    openssl::verify_strict(&cluster.file("ca.pem"), &leaf, Purpose::Server)
        .assert_accepted("Kubespray's leaf");
    assert!(cluster.due().is_empty());
}

/// Somebody renews the authority with OpenSSL, and with it goes the serial number, or the key identifier, that some leaves name.
#[test]
fn leaves_that_name_an_earlier_certificate_of_their_authority() {
    let cluster = Cluster::applied();
    let at = |line: &str| openssl::call(&cluster.directory(), line);
    let leaf = "[v3]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n\
        extendedKeyUsage=clientAuth\nsubjectAltName=IP:0.0.0.0\nauthorityKeyIdentifier=keyid,issuer:always\n";
    fs::write(cluster.file(".leaf.cnf"), leaf).unwrap();
    at("req -new -key client-root-key.pem -subj /CN=root -out .leaf.csr");
    at(
        "x509 -req -in .leaf.csr -CA ca.pem -CAkey ca-key.pem -days 300 -extfile .leaf.cnf -extensions v3 -out client-root.pem",
    );
    assert_eq!(cluster.due(), BTreeMap::new());

    let ca = "req -x509 -new -key ca-key.pem -subj /CN=etcd-ca -days 3650 -addext keyUsage=critical,keyCertSign,cRLSign -out ca.pem";
    at(ca);
    let refused = |name: &str| {
        openssl::verify(
            &cluster.file("ca.pem"),
            &cluster.file(name),
            Purpose::Client,
        )
        .assert_refused(name, "issuer");
    };
    refused("client-root.pem");
    let why = "renew: signed by the CA's earlier certificate";
    let due = cluster.due();
    assert_eq!(
        (due.len(), due["client-root.pem"].as_str()),
        (1, why),
        "{due:?}"
    );
    for made in [".leaf.cnf", ".leaf.csr"] {
        fs::remove_file(cluster.file(made)).unwrap();
    }
    cluster.assert_mended(&["client-root.pem"]);

    at(&format!(
        "{ca} -addext subjectKeyIdentifier=01:02:03 -addext authorityKeyIdentifier=none"
    ));
    refused("client-root.pem");
    let due = cluster.due();
    assert_eq!(due.len(), PAIRS - 1, "{due:?}");
    assert!(due.values().all(|what| what == why), "{due:?}");
    let _ = cluster.apply();
    assert_eq!(cluster.due(), BTreeMap::new());
    openssl::verify(
        &cluster.file("ca.pem"),
        &cluster.file("client-root.pem"),
        Purpose::Client,
    )
    .assert_accepted("client-root.pem");
}

#[test]
fn never_through_a_symbolic_link() {
    let cluster = Cluster::applied();
    let outside = cluster.0.path().join("outside");
    // A link whose target fits is kept, as Kubespray's own
    fs::rename(cluster.file("node-kube-1.pem"), &outside).unwrap();
    symlink(&outside, cluster.file("node-kube-1.pem")).unwrap();
    assert!(cluster.due().is_empty());
    fs::write(&outside, "precious").unwrap();
    let said = failed(&cluster.command("apply").output().unwrap(), 1);
    assert!(said.contains("symbolic link"), "{said}");
    assert_eq!(fs::read(&outside).unwrap(), b"precious");
}

#[test]
fn hard_links_are_named() {
    let cluster = Cluster::applied();
    fs::hard_link(
        cluster.file("node-kube-1.pem"),
        cluster.0.path().join("cert.crt"),
    )
    .unwrap();
    cluster.specify(&SPECIFICATION.replace("[kube-1]", "[{name: kube-1, organization: hosts}]"));
    let output = cluster.command("apply").output().unwrap();
    let said = failed(&output, 0);
    assert!(said.contains("node-kube-1.pem has further names"), "{said}");
}

#[test]
fn a_full_disk_changes_nothing_that_was_there() {
    let cluster = Cluster::applied();
    fs::remove_file(cluster.file("client-root.pem")).unwrap();
    let before = cluster.contents();
    let output = Command::new("sh")
        .current_dir(cluster.0.path())
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 0; exec \"$0\" apply -f cluster.yaml",
        ])
        .arg(etcd_pki())
        .output()
        .unwrap();
    failed(&output, 1);
    assert_eq!(cluster.contents(), before);
    cluster.assert_mended(&["client-root.pem"]);
}

/// A file system that fills up in the middle: what was written is whole, and with room again the next run finishes.
#[test]
fn a_small_file_system() {
    let cluster = Cluster::new(SPECIFICATION);
    fs::create_dir(cluster.directory()).unwrap();
    // A mount of its own, which ends with the shell
    let script = "\
        mount -t tmpfs -o size=40k,mode=0700 tmpfs ssl || exit 90
        \"$0\" apply -f cluster.yaml && exit 91
        for file in ssl/*.pem; do tail -c 6 \"$file\" | grep -q -- ----- || exit 92; done
        cksum ssl/ca-key.pem > before
        mount -o remount,size=1m ssl || exit 93
        \"$0\" apply -f cluster.yaml || exit 94
        cksum ssl/ca-key.pem | cmp - before || exit 95
        \"$0\" plan -f cluster.yaml --check || exit 96
        cp -a ssl whole";
    let output = Command::new("unshare")
        .current_dir(cluster.0.path())
        .args(["--mount", "sh", "-c", script])
        .arg(etcd_pki())
        .output()
        .unwrap();
    let said = failed(&output, 0);
    assert!(said.contains("No space left on device"), "{said}");
    fs::remove_dir(cluster.directory()).unwrap();
    fs::rename(cluster.0.path().join("whole"), cluster.directory()).unwrap();
    cluster.assert_whole();
}

/// A clock that is set back makes nothing due, and an authority from its future signs nothing.
#[test]
fn a_clock_that_jumps_back() {
    let cluster = Cluster::applied();
    let yesterday = std::time::SystemTime::now() - Duration::from_secs(86_400);
    let specification = etcd_pki_core::Cluster::from_yaml(SPECIFICATION).unwrap();
    let store = Store::open(cluster.directory(), specification.layout());
    let plan = specification.plan_for(&store, None, yesterday).unwrap();
    assert_eq!(plan.changes().count(), 0);
    let ca = store.authority(None).unwrap();
    let identity = etcd_pki_core::Identity::new("x").unwrap();
    let early = ca.issue_at(etcd_pki_core::Role::Client, identity, yesterday);
    assert!(
        early
            .unwrap_err()
            .to_string()
            .contains("is not valid before")
    );
}

#[test]
fn a_directory_that_may_not_be_written_to() {
    let cluster = Cluster::new(SPECIFICATION);
    // /proc takes no directories, from root either
    let output = cluster
        .command("apply")
        .args(["-d", "/proc/ssl"])
        .output()
        .unwrap();
    let said = failed(&output, 1);
    assert!(said.contains("/proc/ssl"), "{said}");
}

#[test]
fn a_directory_that_vanishes() {
    let cluster = Cluster::applied();
    fs::remove_dir_all(cluster.directory()).unwrap();
    assert_eq!(cluster.apply()["created"], PAIRS);
    cluster.assert_whole();
}

/// Files keep whose they are, and the specification can say whose they should be.
#[test]
fn files_of_another_user() {
    use std::os::unix::fs::{MetadataExt as _, chown};
    let cluster = Cluster::applied();
    let owner = |name: &str| {
        let metadata = cluster.file(name).metadata().unwrap();
        (metadata.uid(), metadata.gid())
    };
    chown(cluster.file("client-root.pem"), Some(65_534), Some(65_534)).unwrap();
    cluster.specify(&SPECIFICATION.replace("root, ", "{name: root, organization: operators}, "));
    let _ = cluster.apply();
    assert_eq!(owner("client-root.pem"), (65_534, 65_534));

    cluster.specify(&format!(
        "{SPECIFICATION}files: {{owner: nobody, group: nogroup, key_mode: '0640'}}\n"
    ));
    let due = cluster.due();
    assert_eq!(due.len(), PAIRS, "{due:?}");
    let _ = cluster.apply();
    for name in cluster.contents().keys() {
        assert_eq!(owner(name), (65_534, 65_534), "{name}");
    }
    assert_eq!(
        cluster
            .file("client-root-key.pem")
            .metadata()
            .unwrap()
            .mode()
            & 0o777,
        0o640
    );
    cluster.assert_whole();
    cluster.specify(&format!(
        "{SPECIFICATION}files: {{owner: nobody-of-this-name}}\n"
    ));
    let said = failed(&cluster.command("plan").output().unwrap(), 1);
    assert!(said.contains("is no user of this host"), "{said}");
}

#[test]
fn sixteen_at_once_make_each_certificate_once() {
    let cluster = Cluster::new(SPECIFICATION);
    let spawn = |_| {
        cluster
            .command("apply")
            .arg("--json")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..16).map(spawn).collect();
    let mut created = 0;
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        created += report["created"].as_u64().unwrap();
    }
    assert_eq!(created, PAIRS as u64);
    cluster.assert_whole();
}

/// Killed while keys and certificates are exchanged: a pair that is torn is mended by the next apply.
#[test]
fn ended_between_two_changes() {
    /// Has enough after three.
    struct Three(AtomicUsize);

    impl Progress for Three {
        fn done(&self, done: usize, _all: usize) {
            self.0.fetch_max(done, Ordering::Relaxed);
        }

        fn is_interrupted(&self) -> bool {
            self.0.load(Ordering::Relaxed) >= 3
        }
    }

    let cluster = Cluster::new(SPECIFICATION);
    let specification = etcd_pki_core::Cluster::from_yaml(SPECIFICATION).unwrap();
    let store = Store::open(cluster.directory(), specification.layout());
    let plan = specification.plan(&store).unwrap();
    let ended = plan.apply(&store.lock().unwrap(), None, Three(AtomicUsize::new(0)));
    assert!(matches!(ended, Err(Error::Interrupted)), "{ended:?}");
    let left = specification.plan(&store).unwrap().changes().count();
    assert!((1..=PAIRS - 3).contains(&left), "{left}");

    cluster.apply();
    cluster.assert_whole();
}

#[test]
fn killed_while_renewing() {
    let cluster = Cluster::applied();
    let authority = fs::read(cluster.file("ca-key.pem")).unwrap();
    for round in 0..100_u64 {
        let mut child = Command::new(etcd_pki())
            .current_dir(cluster.directory())
            .args([
                "cert",
                "renew",
                "member-etcd-1.pem",
                "client-root.pem",
                "-d",
                ".",
            ])
            .args((round % 2 == 0).then_some("--rekey"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_micros(1_000 + 83 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(fs::read(cluster.file("ca-key.pem")).unwrap(), authority);
        let _ = cluster.apply();
        assert_eq!(cluster.due(), BTreeMap::new(), "after kill {round}");
    }
    // What was left behind goes with the next change
    fs::remove_file(cluster.file("client-root.pem")).unwrap();
    let _ = cluster.apply();
    cluster.assert_whole();
}

/// Killed at any instant, apply loses no authority and no pair beyond repair, and the next one finishes.
#[test]
fn killed_three_hundred_times() {
    let cluster = Cluster::applied();
    let authority = fs::read(cluster.file("ca-key.pem")).unwrap();
    let kills = std::env::var("ETCD_PKI_TEST_KILLS")
        .ok()
        .and_then(|kills| kills.parse().ok());
    for round in 0..kills.unwrap_or(300_u64) {
        // Something is always due: all names change, and some keys are gone
        let address = round % 250;
        cluster.specify(&SPECIFICATION.replace("10.0.0.1", &format!("10.0.{address}.1")));
        if round % 3 == 0 {
            let _ = fs::remove_file(cluster.file("client-root-key.pem"));
        }
        let mut child = cluster
            .command("apply")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_micros(1_000 + 97 * round % 14_000));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(fs::read(cluster.file("ca-key.pem")).unwrap(), authority);
        for (name, contents) in cluster.contents() {
            let is_cut = !name.starts_with('.') && !contents.ends_with(b"-----\n");
            assert!(!is_cut, "{name} after kill {round}");
        }
        if round % 25 == 0 {
            let _ = cluster.apply();
            cluster.assert_whole();
        }
    }
    let _ = cluster.apply();
    cluster.assert_whole();
}

//! Plans that are interrupted, or applied by several processes in parallel: no key is lost, no file
//! is truncated, and the next run finishes.
use std::{
    collections::BTreeMap,
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use etcd_pki_core::{
    Error, Store,
    plan::{Action, ApplyOptions, Progress},
};
use etcd_pki_tests::{
    cluster::{Cluster, PAIRS, SPECIFICATION},
    command::etcd_pki,
    machines::{self, Machines},
    openssl::{self, Purpose},
    run, stderr_of,
};
use serde_json::Value;

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

/// Interrupted while keys and certificates are replaced: the next apply repairs a pair that does
/// not match.
#[test]
fn ended_between_two_changes() {
    /// Interrupts the work after three changes.
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
    let store = Store::new(cluster.directory(), specification.layout());
    let three = Three(AtomicUsize::new(0));
    let plan = specification.plan(&store).unwrap();
    let ended = plan
        .apply_with(&ApplyOptions::new().with_progress(&three))
        .unwrap();
    assert!(ended.is_interrupted() && !ended.is_complete());
    let plan = specification.plan(&store).unwrap();
    let left: Vec<PathBuf> = plan
        .changes()
        .map(|step| step.paths().certificate)
        .collect();
    assert!((1..=PAIRS - 3).contains(&left.len()), "{left:?}");
    // The report contains the finished steps
    assert_eq!(ended.changed(), PAIRS - left.len());
    assert!(ended.done().all(|done| !left.contains(&done.path())));
    assert_eq!(ended.steps().count(), PAIRS);
    assert_eq!(ended.count(Action::Create), ended.changed());
    assert!(matches!(ended.into_result(), Err(Error::Interrupted)));

    cluster.apply();
    cluster.assert_whole();
}

#[test]
fn killed_while_renewing() {
    let cluster = Cluster::applied();
    let ca = fs::read(cluster.file("ca-key.pem")).unwrap();
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
        assert_eq!(fs::read(cluster.file("ca-key.pem")).unwrap(), ca);
        let _ = cluster.apply();
        assert_eq!(cluster.due(), BTreeMap::new(), "after kill {round}");
    }
    // Temporary files are removed with the next change
    fs::remove_file(cluster.file("client-root.pem")).unwrap();
    let _ = cluster.apply();
    cluster.assert_whole();
}

/// If apply is killed at any time, no CA is lost, every pair can be repaired, and the next apply
/// finishes.
#[test]
fn killed_three_hundred_times() {
    let cluster = Cluster::applied();
    let ca = fs::read(cluster.file("ca-key.pem")).unwrap();
    let kills = std::env::var("ETCD_PKI_TEST_KILLS")
        .ok()
        .and_then(|kills| kills.parse().ok());
    for round in 0..kills.unwrap_or(300_u64) {
        // Something is always due: all names change, and some keys are missing
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
        assert_eq!(fs::read(cluster.file("ca-key.pem")).unwrap(), ca);
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

/// A run that was interrupted while it created a CA leaves only the key, and no certificate of that
/// CA.
#[test]
fn a_ca_that_was_not_finished() {
    let separate = format!("{SPECIFICATION}ca: {{peers: separate}}\n");
    for (specification, ca) in [
        (SPECIFICATION, "ca"),
        (&*separate, "ca"),
        (&*separate, "peer-ca"),
    ] {
        let cluster = Cluster::new(specification);
        let _ = cluster.apply();
        let key = fs::read(cluster.file(&format!("{ca}-key.pem"))).unwrap();
        let certificate = format!("{ca}.pem");
        for name in cluster.contents().keys() {
            let stays = match ca {
                "ca" => name == "ca-key.pem",
                _ => !name.starts_with("peer-") || name == "peer-ca-key.pem",
            };
            if !stays {
                fs::remove_file(cluster.file(name)).unwrap();
            }
        }
        let due = cluster.due();
        assert_eq!(
            due[&certificate], "create: the certificate is missing",
            "{due:?}"
        );
        let planned = run(&mut cluster.command("plan")).expect_success();
        assert!(
            planned.stdout().contains("ca, for the existing key"),
            "{}",
            planned.stdout()
        );
        let _ = cluster.apply();
        assert_eq!(cluster.due(), BTreeMap::new());
        assert_eq!(
            fs::read(cluster.file(&format!("{ca}-key.pem"))).unwrap(),
            key
        );
        for leaf in ["member-etcd-1.pem", "node-kube-1.pem"] {
            openssl::verify_strict(
                &cluster.file("ca.pem"),
                &cluster.file(leaf),
                Purpose::Client,
            )
            .assert_accepted(leaf);
        }
    }
}

/// The key decides the algorithm, not the present specification.
#[test]
fn a_ca_of_another_algorithm_that_was_not_finished() {
    let cluster = Cluster::applied();
    for name in cluster.contents().keys() {
        fs::remove_file(cluster.file(name)).unwrap();
    }
    let line = ["key", "new", "--algorithm", "ed25519", "--out"];
    let made = Command::new(etcd_pki())
        .args(line)
        .arg(cluster.file("ca-key.pem"))
        .output()
        .unwrap();
    let _ = stderr_of(&made, 0);
    cluster.specify(&format!("{SPECIFICATION}ca: {{algorithm: ec-p256}}\n"));
    let planned = run(&mut cluster.command("plan")).expect_success();
    let line = "create    ca.pem                        etcd-ca, for the existing key\n";
    assert!(planned.stdout().contains(line), "{}", planned.stdout());
    let note = "note: ca.pem: the key is ed25519, should be ec-p256; it stays as it is";
    assert!(planned.stderr().starts_with(note), "{}", planned.stderr());
    let _ = cluster.apply();
    cluster.assert_whole();
}

/// The same if requests are exchanged: the hosts have the CA's certificates, and its own directory
/// has only the key.
#[test]
fn a_ca_of_requests_that_was_not_finished() {
    let separate = format!("{}ca: {{peers: separate}}\n", machines::SPECIFICATION);
    for (specification, ca) in [
        (machines::SPECIFICATION, "ca"),
        (&*separate, "ca"),
        (&*separate, "peer-ca"),
    ] {
        let machines = Machines::installed(specification);
        let file = |end: &str| machines.path(&format!("ca/{ca}{end}.pem"));
        let key = fs::read(file("-key")).unwrap();
        fs::remove_file(file("")).unwrap();
        let planned: Value = serde_json::from_slice(&machines.output("plan", "ca").stdout).unwrap();
        assert_eq!(planned["create"], serde_json::json!([format!("{ca}.pem")]));
        // The certificates of the hosts were signed with its key, and stay
        machines.answer();
        assert_eq!(fs::read(file("-key")).unwrap(), key);
        for host in machines::HOSTS {
            let stem = if ca == "ca" { "member" } else { "peer" };
            let leaf = machines.path(&format!("{host}/{stem}-{host}.pem"));
            openssl::verify_strict(&file(""), &leaf, Purpose::Server).assert_accepted(stem);
            let plan = machines
                .command("plan", host)
                .arg("--check")
                .output()
                .unwrap();
            let _ = stderr_of(&plan, 0);
        }

        // If certificates of the CA exist, it is not created again
        let leaf = match ca {
            "ca" => "client-root.pem",
            _ => "peer-etcd-1.pem",
        };
        let of_host = match ca {
            "ca" => "etcd-1/member-etcd-1.pem",
            _ => "etcd-1/peer-etcd-1.pem",
        };
        fs::copy(machines.path(of_host), machines.path("ca").join(leaf)).unwrap();
        fs::remove_file(file("")).unwrap();
        let told = stderr_of(&machines.command("apply", "ca").output().unwrap(), 1);
        let found = format!("{ca}-key.pem without its certificate, and {leaf}");
        assert!(told.contains(&found), "{told}");
        assert!(!file("").exists());
    }
}

/// The same if the key has a passphrase. Without the passphrase it is neither used nor replaced.
#[test]
fn an_encrypted_ca_that_was_not_finished() {
    let cluster = Cluster::new(SPECIFICATION);
    let apply = |passphrase: &str| {
        let mut apply = cluster.command("apply");
        apply
            .arg("--passphrase-env")
            .arg("PASSPHRASE")
            .env("PASSPHRASE", passphrase);
        apply.output().unwrap()
    };
    let _ = stderr_of(&apply("a passphrase"), 0);
    for name in cluster
        .contents()
        .keys()
        .filter(|name| *name != "ca-key.pem")
    {
        fs::remove_file(cluster.file(name)).unwrap();
    }
    let before = cluster.contents();
    let _ = stderr_of(&apply("another"), 1);
    assert_eq!(
        cluster.contents().keys().collect::<Vec<_>>(),
        ["ca-key.pem"]
    );
    let _ = stderr_of(&apply("a passphrase"), 0);
    assert_eq!(cluster.contents()["ca-key.pem"], before["ca-key.pem"]);
    assert_eq!(cluster.due(), BTreeMap::new());
}

/// If the first apply of a directory is killed at any time, the next one finishes.
#[test]
fn killed_a_hundred_times_while_all_is_made() {
    let cluster = Cluster::new(SPECIFICATION);
    let mut in_the_middle = 0;
    for round in 0..100_u64 {
        let _ = fs::remove_dir_all(cluster.directory());
        let mut child = cluster
            .command("apply")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_micros(1_000 + 151 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let files = fs::read_dir(cluster.directory()).map_or(0, Iterator::count);
        in_the_middle += u32::from((1..2 * PAIRS).contains(&files));
        let _ = cluster.apply();
        cluster.assert_whole();
    }
    assert_ne!(in_the_middle, 0, "no kill came in time");
}

/// A run is killed at any time, on a host or on the CA's machine: no key is lost, no secret reaches
/// the exchange directory, no file is truncated, and the next round delivers the certificates.
#[test]
fn killed_while_requests_travel() {
    let machines = Machines::installed(machines::SPECIFICATION);
    let ca = fs::read(machines.path("ca/ca-key.pem")).unwrap();
    for round in 0..40_u64 {
        // New names each time, and sometimes another algorithm, for which new keys wait next to the
        // keys in use
        let address = format!("10.0.{round}.1");
        let mut specification = machines::SPECIFICATION.replace("10.0.0.1", &address);
        if round / 4 % 2 == 1 {
            specification = specification.replace("{validity", "{algorithm: ed25519, validity");
        }
        machines.specify(&specification);
        for (step, machine) in ["etcd-1", "ca", "etcd-1"].into_iter().enumerate() {
            let mut child = machines
                .command("apply", machine)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let late = (197 * round + 1_300 * step as u64) % 8_000;
            thread::sleep(Duration::from_micros(1_000 + late));
            child.kill().unwrap();
            child.wait().unwrap();
            machines.assert_nothing_secret();
            assert_eq!(fs::read(machines.path("ca/ca-key.pem")).unwrap(), ca);
            for (name, contents) in ["etcd-1", "travel"]
                .iter()
                .flat_map(|at| machines.files(at))
            {
                let is_temporary = name.extension().is_some_and(|end| end == "tmp");
                let is_cut = !is_temporary && !contents.ends_with(b"-----\n");
                assert!(!is_cut, "{} after kill {round}", name.display());
            }
        }
        if round % 4 == 3 {
            // Certificates that were signed for earlier names and never installed are refused, and
            // requested again
            for host in machines::HOSTS {
                let _ = machines.apply(host);
            }
            machines.answer();
            machines.assert_whole();
        }
    }
}

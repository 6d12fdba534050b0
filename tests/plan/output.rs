//! The output of `plan` and `apply` for a cluster: removals, restarts, and the changes that were
//! made.
use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use etcd_pki_core::{Certificate, internal::rfc3339};
use etcd_pki_tests::{
    Scratch,
    command::{etcd_pki, etcd_pki_in},
    openssl,
};
use serde_json::Value;

const SPECIFICATION: &str = "\
directory: ssl
members:
  - {name: etcd-1, addresses: [10.0.0.11]}
  - {name: etcd-2, addresses: [10.0.0.12]}
clients: [root, app]
";
const PAIR_READ_AGAIN: &str = "etcd reads a pair again by itself";

struct Cluster(Scratch);

impl Cluster {
    fn applied() -> Self {
        let cluster = Self(Scratch::new("output"));
        cluster.specify(SPECIFICATION);
        cluster.stdout("apply", &[]);
        cluster
    }

    fn specify(&self, specification: &str) {
        fs::write(self.0.path().join("cluster.yaml"), specification).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join("ssl").join(name)
    }

    fn run(&self, verb: &str, options: &[&str]) -> Output {
        let mut command = Command::new(etcd_pki());
        command.current_dir(self.0.path());
        command.args([verb, "-f", "cluster.yaml"]).args(options);
        command.output().unwrap()
    }

    /// The standard output of a command that succeeds.
    fn stdout(&self, verb: &str, options: &[&str]) -> String {
        let output = self.run(verb, options);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, verb: &str, options: &[&str]) -> Value {
        let options = [&["--json"], options].concat();
        serde_json::from_str(&self.stdout(verb, &options)).unwrap()
    }
}

/// The lines about changes, without the summary at the end.
fn steps(stdout: &str) -> Vec<&str> {
    stdout
        .lines()
        .filter(|line| line.starts_with("  "))
        .collect()
}

#[test]
fn plan_shows_what_apply_with_the_same_options_does() {
    let cluster = Cluster::applied();
    cluster.specify(
        &SPECIFICATION
            .replace("10.0.0.1", "10.0.9.1")
            .replace(", app", ""),
    );
    for options in [
        &["--only", "etcd-2"][..],
        &["--only", "etcd-1", "--rekey"],
        &["--prune"],
    ] {
        let planned = cluster.stdout("plan", options);
        assert_eq!(steps(&planned).len(), 1, "{planned}");
        let applied = cluster.stdout("apply", options);
        assert_eq!(steps(&planned), steps(&applied));
        assert!(
            cluster
                .run("plan", &[options, &["--check"]].concat())
                .status
                .success()
        );
    }
    let nobody = cluster.run("plan", &["--only", "etcd"]);
    let stderr = String::from_utf8_lossy(&nobody.stderr);
    assert_eq!(nobody.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("\"etcd\" is no host and no user of the cluster"),
        "{stderr}"
    );
    let both = cluster.run("plan", &["--only", "root", "--requests", "travel"]);
    assert_eq!(both.status.code(), Some(2));
}

#[test]
fn what_goes_is_named() {
    let cluster = Cluster::applied();
    cluster.specify(&SPECIFICATION.replace(", app", ""));
    assert!(cluster.run("plan", &["--check"]).status.success());
    assert_eq!(
        cluster.run("plan", &["--check", "--prune"]).status.code(),
        Some(3)
    );
    let line = "  remove    client-app.pem                and client-app-key.pem";
    let planned = cluster.stdout("plan", &["--prune"]);
    assert_eq!(steps(&planned), [line]);
    assert!(planned.contains("1 change, 6 up to date"), "{planned}");
    let json = cluster.json("plan", &["--prune"]);
    let pair = &json["remove"][0];
    for (field, name) in [
        ("certificate", "client-app.pem"),
        ("key", "client-app-key.pem"),
    ] {
        assert!(
            pair[field].as_str().unwrap().ends_with(&format!("/{name}")),
            "{json}"
        );
    }
    assert_eq!(
        cluster.json("plan", &[])["remove"],
        Value::Array(Vec::new())
    );
    let applied = cluster.stdout("apply", &["--prune"]);
    assert_eq!(steps(&applied), [line]);
    assert!(applied.contains("\n1 removed in "), "{applied}");
    assert!(!applied.contains(PAIR_READ_AGAIN), "{applied}");
    assert!(!cluster.file("client-app-key.pem").exists());
}

#[test]
fn what_must_be_restarted() {
    let cluster = Cluster::applied();
    // Only one pair
    fs::remove_file(cluster.file("client-root.pem")).unwrap();
    assert!(cluster.stdout("apply", &[]).contains(PAIR_READ_AGAIN));
    // A run that was interrupted after it had created the CA and the first member
    for pair in ["member-etcd-2", "admin-etcd-2", "client-root", "client-app"] {
        fs::remove_file(cluster.file(&format!("{pair}.pem"))).unwrap();
        fs::remove_file(cluster.file(&format!("{pair}-key.pem"))).unwrap();
    }
    let stdout = cluster.stdout("apply", &[]);
    assert!(
        stdout.contains("start etcd with the settings of `etcd-pki env etcd --host etcd-2 -d ssl`"),
        "{stdout}"
    );
    // A separate peer CA, after the other CA signed the peer certificates
    let apart = format!("ca: {{peers: separate}}\n{SPECIFICATION}");
    cluster.specify(&apart);
    let stdout = cluster.stdout("apply", &[]);
    let peers = "restart all of them together";
    assert!(
        stdout.contains(peers) && stdout.contains("peer-ca.pem that holds both"),
        "{stdout}"
    );
    assert!(
        stdout.contains("`etcd-pki env etcd --host etcd-1 -d ssl`"),
        "{stdout}"
    );
    // The same, interrupted after the CA
    for file in ["peer-etcd-2.pem", "peer-etcd-2-key.pem"] {
        fs::remove_file(cluster.file(file)).unwrap();
    }
    let stdout = cluster.stdout("apply", &[]);
    assert!(
        stdout.contains(peers) && !stdout.contains("start etcd with"),
        "{stdout}"
    );
    // A CA that is renewed
    openssl::call(
        &cluster.0.path().join("ssl"),
        "req -x509 -new -key ca-key.pem -subj /CN=etcd-ca -days 3650 -out ca.pem",
    );
    let stdout = cluster.stdout("apply", &[]);
    assert!(
        stdout.contains("; copy ca.pem to every host, then restart etcd on etcd-1 and etcd-2, one after the other: etcd reads the CA only when it starts\n"),
        "{stdout}"
    );
}

/// If members use one pair for both ports, the pair moves from one CA to the other.
#[test]
fn members_restart_when_their_peer_pairs_move_to_another_ca() {
    for layout in ["kubeadm", "cfssl", "etcdadm"] {
        let cluster = Cluster(Scratch::new("output"));
        let specify = |peers: &str| {
            cluster.specify(&format!(
                "layout: {layout}\ndirectory: ssl\nca: {{peers: {peers}}}\nmembers: [etcd-1, etcd-2]\n"
            ));
        };
        specify("separate");
        assert!(cluster.stdout("apply", &[]).contains("start etcd with"));
        specify("shared");
        let stdout = cluster.stdout("apply", &[]);
        assert!(
            stdout
                .contains("; peers have the CA of the clients now: give every member its settings")
                && stdout
                    .contains("restart etcd on etcd-1 and etcd-2: restart all of them together"),
            "{layout}: {stdout}"
        );
        // The next run renews nothing
        assert_eq!(
            cluster.json("apply", &[])["restart"],
            Value::Array(Vec::new())
        );
    }
}

/// A CA that was replaced is not a separate peer CA.
#[test]
fn peers_do_not_move_when_a_ca_is_replaced() {
    for layout in ["kubespray", "kubeadm", "cfssl"] {
        for peers in ["shared", "separate"] {
            let cluster = Cluster(Scratch::new("output"));
            cluster.specify(&format!(
                "layout: {layout}\ndirectory: ssl\nca: {{peers: {peers}}}\nmembers: [etcd-1, etcd-2]\n"
            ));
            let _ = cluster.stdout("apply", &[]);
            let line = format!("ca new -d ssl --layout {layout} --replace-ca");
            let _ = etcd_pki_in(cluster.0.path(), &line).expect_success();
            let stdout = cluster.stdout("apply", &[]);
            assert!(stdout.contains("renewed"), "{layout}: {stdout}");
            assert!(!stdout.contains("peers have"), "{layout}: {stdout}");
            assert!(
                !stdout.contains("restart all of them together"),
                "{layout}: {stdout}"
            );
        }
    }
}

#[test]
fn a_validity_that_ends_with_the_ca_is_told_where_one_was_asked_for() {
    let cluster = Cluster(Scratch::new("output"));
    let short = format!("ca: {{validity: 60d}}\n{SPECIFICATION}");
    cluster.specify(&short);
    // The specification does not request a year here
    assert_eq!(
        cluster.json("apply", &[])["validity_cut"],
        Value::Array(Vec::new())
    );
    cluster.specify(&short.replace("root, app", "root, app, {name: backup, validity: 90d}"));
    let output = cluster.run("apply", &["--json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let cut = &json["validity_cut"];
    assert_eq!(cut.as_array().unwrap().len(), 1, "{json}");
    let backup = cluster.file("client-backup.pem");
    let end = Certificate::from_pem(fs::read(&backup).unwrap())
        .unwrap()
        .not_after();
    assert_eq!(cut[0]["not_after"], rfc3339(end));
    assert!(
        cut[0]["asked"].as_str() > cut[0]["not_after"].as_str(),
        "{json}"
    );
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("client-backup.pem expires with its CA on")
            && stderr.contains("as requested\n"),
        "{stderr}"
    );
    // A renewed one too, and only the number of the rest
    fs::remove_file(&backup).unwrap();
    fs::remove_file(cluster.file("client-root.pem")).unwrap();
    cluster
        .specify(&format!("defaults: {{validity: 1y}}\n{short}").replace("app]", "app, backup]"));
    let output = cluster.run("apply", &[]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("as requested; 1 more expires before its requested end"),
        "{stderr}"
    );
}

/// The present usages of a certificate and the desired ones, as for names.
#[test]
fn usages_that_are_others() {
    let cluster = Cluster::applied();
    let wide = "defaults: {profile: kubespray, algorithm: ec-p256, validity: 1y}\n";
    cluster.specify(&format!("{wide}{SPECIFICATION}"));
    let stdout = cluster.stdout("plan", &[]);
    let line = stdout.lines().find(|line| line.contains("client-root.pem"));
    let reason =
        "usages digitalSignature, clientAuth, should be digitalSignature, serverAuth, clientAuth";
    assert!(line.unwrap().contains(reason), "{stdout}");
}

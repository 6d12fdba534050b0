//! Items that a plan reports but does not change: unmanaged CAs, keys that are elsewhere, files
//! that are up to date.
use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::PathBuf,
    process::{Command, Output},
};

use etcd_pki_tests::{Scratch, command::etcd_pki, run};
use serde_json::{Value, json};

struct Cluster(Scratch);

impl Cluster {
    /// A cluster that is up to date with its specification.
    fn applied(specification: &str) -> Self {
        let cluster = Self(Scratch::new("cluster"));
        cluster.specify(specification);
        let _ = run(&mut cluster.command("apply")).expect_success();
        cluster
    }

    fn specify(&self, specification: &str) {
        let specification = format!("directory: pki\n{specification}");
        fs::write(self.0.path().join("cluster.yaml"), specification).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join("pki").join(name)
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(etcd_pki());
        let arguments = [verb, "-f", "cluster.yaml"];
        command.current_dir(self.0.path()).args(arguments);
        command
    }

    fn output(&self, verb: &str, options: &[&str]) -> Output {
        self.command(verb).args(options).output().unwrap()
    }

    fn plan(&self) -> Value {
        let output = run(self.command("plan").arg("--json")).expect_success();
        serde_json::from_str(output.stdout()).unwrap()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// If a key file has the wrong mode, the plan names the key file, and does not change its
/// certificate, which may belong to another user.
#[test]
fn the_file_with_the_wrong_mode_is_named_and_mended_alone() {
    let cluster = Cluster::applied("members: [a]\n");
    let changed = |name: &str| {
        let metadata = cluster.file(name).metadata().unwrap();
        (metadata.ctime(), metadata.ctime_nsec())
    };
    for (certificate, key) in [
        ("ca.pem", "ca-key.pem"),
        ("member-a.pem", "member-a-key.pem"),
    ] {
        fs::set_permissions(cluster.file(key), Permissions::from_mode(0o604)).unwrap();
        let plan = cluster.output("plan", &[]);
        let plan = String::from_utf8_lossy(&plan.stdout);
        let row = format!(
            "chmod     {key:<28}  {key} has mode 0604, should be 0600: everyone can read it"
        );
        assert!(plan.contains(&row), "{plan}");

        let before = changed(certificate);
        assert!(cluster.output("apply", &[]).status.success());
        assert_eq!(changed(certificate), before);
        let mode = cluster.file(key).metadata().unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

/// Members had a separate peer CA, and the specification no longer has one: `--prune` removes the
/// peer pairs; the CA is reported and stays, because its key could not be restored.
#[test]
fn a_peer_ca_that_is_not_specified_any_more() {
    for (layout, ca, pairs) in [
        (
            "kubespray",
            ["peer-ca.pem", "peer-ca-key.pem"],
            &["peer-a", "peer-b"][..],
        ),
        ("cfssl", ["peer-ca.pem", "peer-ca-key.pem"], &[]),
        ("kubeadm", ["etcd/peer-ca.crt", "etcd/peer-ca.key"], &[]),
        ("etcdadm", ["peer-ca.crt", "peer-ca.key"], &[]),
    ] {
        let of_peers =
            |peers: &str| format!("layout: {layout}\nca: {{peers: {peers}}}\nmembers: [a, b]\n");
        let cluster = Cluster::applied(&of_peers("separate"));
        assert_eq!(cluster.plan()["unmanaged_ca"], json!(null), "{layout}");
        let before = ca.map(|name| fs::read(cluster.file(name)).unwrap());

        cluster.specify(&of_peers("shared"));
        let plan = cluster.plan();
        let certificates: Vec<String> = pairs.iter().map(|stem| format!("{stem}.pem")).collect();
        assert_eq!(plan["unmanaged"], json!(certificates), "{layout}");
        assert_eq!(plan["unmanaged_ca"], ca[0], "{layout}");
        // It does not belong to one member
        let one = run(cluster.command("plan").args(["--only", "a"])).expect_success();
        assert_eq!(one.stderr(), "", "{layout}");
        for options in [&["--prune"][..], &["--prune"], &[]] {
            let output = cluster.output("apply", options);
            let stderr = stderr(&output);
            assert!(output.status.success(), "{layout}: {stderr}");
            assert!(
                stderr.contains(&format!(
                    "{} is not in the specification, which has no separate peer CA",
                    ca[0]
                )),
                "{stderr}"
            );
            assert!(
                stderr.contains(&format!("leaves it and {}", ca[1])),
                "{stderr}"
            );
        }
        for stem in pairs {
            for name in [format!("{stem}.pem"), format!("{stem}-key.pem")] {
                assert!(!cluster.file(&name).exists(), "{layout} {name}");
            }
        }
        let after = ca.map(|name| fs::read(cluster.file(name)).unwrap());
        assert_eq!(after, before, "{layout}");
        let plan = cluster.plan();
        assert_eq!(plan["changes"], json!([]), "{layout}");
        assert_eq!(plan["unmanaged"], json!([]), "{layout}");

        // A key alone is reported too; without it there is nothing to report
        fs::remove_file(cluster.file(ca[0])).unwrap();
        assert_eq!(cluster.plan()["unmanaged_ca"], ca[0], "{layout}");
        fs::remove_file(cluster.file(ca[1])).unwrap();
        assert_eq!(cluster.plan()["unmanaged_ca"], json!(null), "{layout}");
        assert_eq!(stderr(&cluster.output("plan", &[])), "", "{layout}");
    }
}

/// A certificate with the file name of a CA is not a CA because of its name.
#[test]
fn a_file_with_the_name_of_a_peer_ca() {
    let cluster = Cluster::applied("members: [a]\n");
    for contents in [
        b"notes".to_vec(),
        fs::read(cluster.file("member-a.pem")).unwrap(),
    ] {
        fs::write(cluster.file("peer-ca.pem"), contents).unwrap();
        assert_eq!(cluster.plan()["unmanaged_ca"], json!(null));
    }
}

/// A plan that cannot be applied here reports that, and does not fail: the key may be elsewhere on
/// purpose.
#[test]
fn a_plan_names_the_key_that_it_would_miss() {
    let cluster = Cluster::applied("ca: {peers: separate}\nmembers: [a]\nclients: [x]\n");
    fs::rename(
        cluster.file("ca-key.pem"),
        cluster.0.path().join("elsewhere"),
    )
    .unwrap();
    // Nothing must be signed, so no key is missing
    assert_eq!(cluster.plan()["missing_ca_keys"], json!([]));
    assert_eq!(stderr(&cluster.output("plan", &[])), "");
    let key = cluster.file("member-a-key.pem");
    fs::set_permissions(key, Permissions::from_mode(0o644)).unwrap();
    fs::remove_file(cluster.file("peer-a.pem")).unwrap();
    assert_eq!(cluster.plan()["missing_ca_keys"], json!([]));
    assert!(cluster.output("apply", &[]).status.success());

    fs::remove_file(cluster.file("client-x.pem")).unwrap();
    assert_eq!(cluster.plan()["missing_ca_keys"], json!(["pki/ca-key.pem"]));
    let output = cluster.output("plan", &["--check"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        stderr(&output).contains("ca-key.pem is not there"),
        "{}",
        stderr(&output)
    );
    assert!(
        stderr(&output).contains("--requests"),
        "{}",
        stderr(&output)
    );
    assert!(!cluster.output("apply", &[]).status.success());

    fs::rename(
        cluster.0.path().join("elsewhere"),
        cluster.file("ca-key.pem"),
    )
    .unwrap();
    assert_eq!(cluster.plan()["missing_ca_keys"], json!([]));
    assert_eq!(stderr(&cluster.output("plan", &["--check"])), "");
    assert!(cluster.output("apply", &[]).status.success());
}

//! What a plan names and does not do by itself: authorities that nobody wants, keys that are elsewhere, files that are in order.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that cannot go on fails where it stands"
)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::PathBuf,
    process::{Command, Output},
};

use etcd_pki_tests::{Scratch, command::etcd_pki, run};

struct Cluster(Scratch);

impl Cluster {
    /// One that is as its specification says.
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
}

/// A key whose file has the wrong mode is the file that is named, and its certificate is not touched: it may be another user's.
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
        let row = format!("mode      {key:<28}  {key} has mode 0604, should be 0600");
        assert!(plan.contains(&row), "{plan}");

        let before = changed(certificate);
        assert!(cluster.output("apply", &[]).status.success());
        assert_eq!(changed(certificate), before);
        let mode = cluster.file(key).metadata().unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

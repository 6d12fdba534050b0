//! What `plan` and `apply` tell of a cluster's directory: what goes, what is to be restarted, and what was done.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that cannot go on fails where it stands"
)]

use std::{
    fs,
    process::{Command, Output},
};

use etcd_pki_tests::{Scratch, command::etcd_pki};

const SPECIFICATION: &str = "\
directory: ssl
members:
  - {name: etcd-1, addresses: [10.0.0.11]}
  - {name: etcd-2, addresses: [10.0.0.12]}
clients: [root, app]
";

struct Cluster(Scratch);

impl Cluster {
    fn applied() -> Self {
        let cluster = Self(Scratch::new("told"));
        cluster.specify(SPECIFICATION);
        cluster.told("apply", &[]);
        cluster
    }

    fn specify(&self, specification: &str) {
        fs::write(self.0.path().join("cluster.yaml"), specification).unwrap();
    }

    fn run(&self, verb: &str, options: &[&str]) -> Output {
        let mut command = Command::new(etcd_pki());
        command.current_dir(self.0.path());
        command.args([verb, "-f", "cluster.yaml"]).args(options);
        command.output().unwrap()
    }

    /// What is said on standard output by what succeeds.
    fn told(&self, verb: &str, options: &[&str]) -> String {
        let output = self.run(verb, options);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// The lines of what is to be done, or was done, without the one that closes them.
fn steps(told: &str) -> Vec<&str> {
    told.lines().filter(|line| line.starts_with("  ")).collect()
}

#[test]
fn plan_shows_what_apply_with_the_same_options_does() {
    let cluster = Cluster::applied();
    cluster.specify(&SPECIFICATION.replace("10.0.0.1", "10.0.9.1"));
    for options in [&["--only", "etcd-2"][..], &["--only", "etcd-1", "--rekey"]] {
        let planned = cluster.told("plan", options);
        assert_eq!(steps(&planned).len(), 1, "{planned}");
        let applied = cluster.told("apply", options);
        assert_eq!(steps(&planned), steps(&applied));
        assert!(
            cluster
                .run("plan", &[options, &["--check"]].concat())
                .status
                .success()
        );
    }
    let nobody = cluster.run("plan", &["--only", "etcd"]);
    let said = String::from_utf8_lossy(&nobody.stderr);
    assert_eq!(nobody.status.code(), Some(1), "{said}");
    assert!(
        said.contains("\"etcd\" is no host and no user of the cluster"),
        "{said}"
    );
    let both = cluster.run("plan", &["--only", "root", "--requests", "travel"]);
    assert_eq!(both.status.code(), Some(2));
}

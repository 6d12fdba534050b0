//! A cluster's directory, which the command plans and applies.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use etcd_pki_core::Bundle;
use serde_json::Value;

use crate::{
    LOCK_FILE, Scratch,
    command::etcd_pki,
    is_own_file,
    openssl::{self, Purpose},
    record::RECORD_FILE,
    run,
};

/// Two members, a node and two clients.
pub const SPECIFICATION: &str = "\
directory: ssl
members:
  - {name: etcd-1, addresses: [10.0.0.11]}
  - {name: etcd-2, addresses: [10.0.0.12]}
nodes: [kube-1]
clients: [root, {name: backup, validity: 90d}]
";
/// The CA, two members with their admins, a node, two clients
pub const PAIRS: usize = 8;

const NOBODY: u32 = 65_534;

/// A folder with a specification and its directory, `ssl`.
pub struct Cluster(Scratch);

impl Cluster {
    /// A cluster without any file yet.
    pub fn new(specification: &str) -> Self {
        let cluster = Self(Scratch::new("cluster"));
        cluster.specify(specification);
        cluster
    }

    /// A cluster that is up to date with its specification.
    pub fn applied() -> Self {
        let cluster = Self::new(SPECIFICATION);
        assert_eq!(cluster.apply()["created"], PAIRS);
        cluster
    }

    /// Replaces the specification.
    pub fn specify(&self, specification: &str) {
        fs::write(self.0.path().join("cluster.yaml"), specification).unwrap();
    }

    /// The folder of the specification.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The directory of its files.
    pub fn directory(&self) -> PathBuf {
        self.0.path().join("ssl")
    }

    /// The path of one of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    /// A subcommand of `etcd-pki` on the specification.
    pub fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(etcd_pki());
        command
            .current_dir(self.0.path())
            .args([verb, "-f", "cluster.yaml"]);
        command
    }

    /// Gives everything to the user `nobody`. Returns a function that runs the command as this user
    /// with the specification and these arguments.
    pub fn given_to_nobody(&self) -> impl Fn(&[&str]) -> Output {
        // Other users may have no access to the build directory. A separate process copies the
        // program, so that no other test inherits the file open for writing
        let program = self.path().join("etcd-pki");
        let _ = run(Command::new("cp").arg(etcd_pki()).arg(&program)).expect_success();
        let names = self.contents().into_keys();
        let files = names.map(|name| self.file(&name));
        let others = [
            self.file(LOCK_FILE),
            self.directory(),
            self.path().to_owned(),
        ];
        let record = Some(self.file(RECORD_FILE)).filter(|path| path.exists());
        for path in files.chain(others).chain(record) {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let directory = self.path().to_owned();
        move |words| {
            let mut command = Command::new(&program);
            command.current_dir(&directory).args(words);
            command.args(["-f", "cluster.yaml"]).uid(NOBODY).gid(NOBODY);
            command.output().unwrap()
        }
    }

    /// The JSON output of a subcommand that succeeds.
    pub fn json(&self, verb: &str) -> Value {
        let output = run(self.command(verb).arg("--json")).expect_success();
        serde_json::from_str(output.stdout()).unwrap()
    }

    /// Applies the specification, and returns the changes.
    pub fn apply(&self) -> Value {
        self.json("apply")
    }

    /// The due changes: the file of each certificate, the action, and the reasons.
    pub fn due(&self) -> BTreeMap<String, String> {
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
                    .map(|reason| reason["message"].as_str().unwrap())
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

    /// The files by their names, without the lock file.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.directory()).unwrap();
        entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| !is_own_file(path))
            .map(|path| {
                (
                    path.file_name().unwrap().to_str().unwrap().to_owned(),
                    fs::read(&path).unwrap(),
                )
            })
            .collect()
    }

    /// Applies, and asserts that exactly these files have changed, and that nothing is due
    /// afterwards.
    pub fn assert_mended(&self, files: &[&str]) {
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

    /// Asserts that nothing is due, every pair matches, and OpenSSL accepts each certificate.
    pub fn assert_whole(&self) {
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

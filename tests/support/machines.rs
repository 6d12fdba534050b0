//! Keys that stay on their hosts: two hosts and the machine of the CA, each with its own directory,
//! and an exchange directory between them.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use etcd_pki_core::{Bundle, Certificate, CertificateRequest, Identity, PrivateKey, Role};
use serde_json::Value;

use crate::{
    Scratch,
    command::etcd_pki,
    is_own_file,
    openssl::{self, Purpose},
};

/// Two hosts and a client. The client's key is generated on the machine of the CA.
pub const SPECIFICATION: &str = "\
defaults: {validity: 200d}
members:
  - {name: etcd-1, addresses: [10.0.0.11]}
  - {name: etcd-2, addresses: [10.0.0.12]}
nodes: [etcd-2]
clients: [root]
";
/// The hosts.
pub const HOSTS: [&str; 2] = ["etcd-1", "etcd-2"];

/// The CA files in the layouts of the tests
const CA_FILES: [&str; 4] = ["ca.pem", "peer-ca.pem", "etcd/ca.crt", "etcd/peer-ca.crt"];

/// Files by their paths.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// The machines, below one folder: `ca`, `etcd-1`, `etcd-2`; and the exchange directory `travel`.
pub struct Machines(Scratch);

impl Machines {
    /// Creates machines without any files.
    pub fn new(specification: &str) -> Self {
        let machines = Self(Scratch::new("travel"));
        machines.specify(specification);
        machines
    }

    /// Creates machines on which both hosts have their certificates.
    pub fn installed(specification: &str) -> Self {
        let machines = Self::new(specification);
        machines.round();
        machines
    }

    /// Replaces the specification.
    pub fn specify(&self, specification: &str) {
        fs::write(self.path("cluster.yaml"), specification).unwrap();
    }

    /// The path of one of their files or directories.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A subcommand on a machine. A host gets the fingerprints of the CAs that it does not have
    /// yet.
    pub fn command(&self, verb: &str, machine: &str) -> Command {
        let trust = if machine == "ca" {
            Vec::new()
        } else {
            self.first_trust(machine)
        };
        self.command_trusting(verb, machine, &trust)
    }

    /// A subcommand on a machine, with these fingerprints.
    pub fn command_trusting(&self, verb: &str, machine: &str, trust: &[String]) -> Command {
        let mut command = Command::new(etcd_pki());
        command
            .current_dir(self.0.path())
            .args([verb, "-f", "cluster.yaml", "--requests", "travel"])
            .args(["-d", machine]);
        if machine != "ca" {
            command.args(["--host", machine]);
        }
        command.args(
            trust
                .iter()
                .flat_map(|fingerprint| ["--trust", fingerprint]),
        );
        command
    }

    /// The fingerprints of the CAs that a host does not have yet, which the operator reads on the
    /// machine of the CA.
    #[must_use]
    pub fn first_trust(&self, host: &str) -> Vec<String> {
        let missing = CA_FILES
            .iter()
            .filter(|file| !self.path(host).join(file).exists());
        let files = missing.filter_map(|file| fs::read(self.path("ca").join(file)).ok());
        files
            .flat_map(|file| Certificate::all_from_bytes(&file).unwrap())
            .map(|certificate| certificate.fingerprint_sha256())
            .collect()
    }

    /// Runs a subcommand on a machine.
    pub fn output(&self, verb: &str, machine: &str) -> Output {
        self.command(verb, machine).arg("--json").output().unwrap()
    }

    /// Applies on a machine, and returns the changes and the messages about refusals and claims
    /// that were not granted. The note about hosts without requests is compared with the JSON
    /// output and removed.
    pub fn apply(&self, machine: &str) -> (Value, String) {
        let output = self.output("apply", machine);
        let stderr = String::from_utf8(output.stderr).unwrap();
        let facts: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{machine}: {error}: {stderr}"));
        let is_refused = !facts["refused"].as_array().unwrap().is_empty();
        assert_eq!(
            output.status.code(),
            Some(i32::from(is_refused)),
            "{stderr}"
        );
        let stderr = without_note(&facts, stderr);
        (facts, stderr)
    }

    /// The same as [`Machines::apply`], but fails if there is a message.
    pub fn quietly(&self, machine: &str) -> Value {
        let (facts, stderr) = self.apply(machine);
        assert_eq!(stderr, "", "{machine}");
        facts["done"].clone()
    }

    /// Writes requests, signs them, and installs the certificates.
    pub fn round(&self) {
        for host in HOSTS {
            let _ = self.quietly(host);
        }
        self.answer();
    }

    /// Signs the existing requests, and installs the certificates.
    pub fn answer(&self) {
        for machine in ["ca", HOSTS[0], HOSTS[1]] {
            let _ = self.quietly(machine);
        }
    }

    /// The files below a directory, without lock files.
    pub fn files(&self, below: &str) -> Files {
        let mut files = Files::new();
        let mut directories = vec![self.path(below)];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else if !is_own_file(&path) {
                    let name = path.strip_prefix(self.path(below)).unwrap().to_owned();
                    files.insert(name, fs::read(&path).unwrap());
                }
            }
        }
        files
    }

    /// Asserts that each pair matches, that only its host has it, that OpenSSL accepts it, and that
    /// the exchange directory contains no secret.
    pub fn assert_whole(&self) {
        for host in HOSTS {
            let directory = self.path(host);
            let names: Vec<String> = self
                .files(host)
                .into_keys()
                .map(|name| name.to_str().unwrap().to_owned())
                .collect();
            assert!(
                !names.iter().any(|name| name.ends_with(".next")),
                "{names:?}"
            );
            for stem in names
                .iter()
                .filter_map(|name| name.strip_suffix("-key.pem"))
            {
                let (certificate, key) = (
                    directory.join(format!("{stem}.pem")),
                    directory.join(format!("{stem}-key.pem")),
                );
                assert!(stem.ends_with(host), "{stem} on {host}");
                assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
                let read = |path: &Path| fs::read(path).unwrap();
                Bundle::from_pem(read(&certificate), read(&key)).unwrap();
                let purpose = match stem.starts_with("member") {
                    true => Purpose::Server,
                    false => Purpose::Client,
                };
                openssl::verify_strict(&directory.join("ca.pem"), &certificate, purpose)
                    .assert_accepted(stem);
            }
            assert_eq!(self.output("plan", host).status.code(), Some(0));
        }
        self.assert_nothing_secret();
    }

    /// Asserts that the exchange directory contains no key.
    pub fn assert_nothing_secret(&self) {
        for (name, contents) in self.files("travel") {
            let text = String::from_utf8_lossy(&contents).into_owned();
            assert!(!text.contains("PRIVATE KEY"), "{}", name.display());
        }
    }

    /// Writes another request in place of a host's request.
    pub fn plant(&self, path: &str, request: &CertificateRequest) {
        let path = self.path("travel").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, request.to_pem()).unwrap();
    }
}

/// The files that are new or changed.
pub fn changed(before: &Files, after: &Files) -> Vec<String> {
    let names = after
        .iter()
        .filter(|(name, now)| before.get(*name) != Some(now))
        .map(|(name, _)| name.display().to_string());
    names.collect()
}

/// The messages without the note about hosts that have sent no request. That note must name the
/// same hosts as the JSON output.
fn without_note(facts: &Value, stderr: String) -> String {
    let hosts: Vec<&str> = facts["without_request"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|host| host.as_str().unwrap())
        .collect();
    if hosts.is_empty() {
        assert!(!stderr.contains("no request has come"), "{stderr}");
        return stderr;
    }
    let note = format!("note: no request has come from {}\n", hosts.join(", "));
    assert!(stderr.contains(&note), "{stderr}");
    stderr.replace(&note, "")
}

/// A request that does not show its host.
#[must_use]
pub fn anybody() -> CertificateRequest {
    let key = PrivateKey::generate().expect("a key");
    let identity = Identity::new("anybody").expect("a name");
    CertificateRequest::create(&key, Role::Client, &identity).expect("a request")
}

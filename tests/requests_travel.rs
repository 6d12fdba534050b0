//! Keys that stay on their hosts: two hosts and an authority, each with a directory of its own as its machine, and between them
//! a directory that travels.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that cannot go on fails where it stands"
)]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use etcd_pki_core::{Bundle, CertificateRequest, Identity, KeyAlgorithm, PrivateKey, Role};
use etcd_pki_tests::{
    Scratch,
    command::etcd_pki,
    openssl::{self, Purpose},
};
use serde_json::Value;

const SPECIFICATION: &str = "\
defaults: {validity: 200d}
members:
  - {name: etcd-1, addresses: [10.0.0.11]}
  - {name: etcd-2, addresses: [10.0.0.12]}
nodes: [etcd-2]
clients: [root]
";
const HOSTS: [&str; 2] = ["etcd-1", "etcd-2"];

type Files = BTreeMap<PathBuf, Vec<u8>>;

/// The machines, below one folder: `ca`, `etcd-1`, `etcd-2`; and `travel`
struct Machines(Scratch);

impl Machines {
    fn new(specification: &str) -> Self {
        let machines = Self(Scratch::new("travel"));
        machines.specify(specification);
        machines
    }

    /// Both hosts have their certificates.
    fn installed(specification: &str) -> Self {
        let machines = Self::new(specification);
        machines.round();
        machines
    }

    fn specify(&self, specification: &str) {
        fs::write(self.path("cluster.yaml"), specification).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, verb: &str, machine: &str) -> Command {
        let mut command = Command::new(etcd_pki());
        command
            .current_dir(self.0.path())
            .args([verb, "-f", "cluster.yaml", "--requests", "travel", "--json"])
            .args(["-d", machine]);
        if machine != "ca" {
            command.args(["--host", machine]);
        }
        command
    }

    fn output(&self, verb: &str, machine: &str) -> Output {
        self.command(verb, machine).output().unwrap()
    }

    /// What was done; and, if something was refused or not granted, what was said.
    fn apply(&self, machine: &str) -> (Value, String) {
        let output = self.output("apply", machine);
        let said = String::from_utf8(output.stderr).unwrap();
        let facts: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{machine}: {error}: {said}"));
        let is_refused = !facts["refused"].as_array().unwrap().is_empty();
        assert_eq!(output.status.code(), Some(i32::from(is_refused)), "{said}");
        (facts, said)
    }

    /// As [`Machines::apply`], where nothing is to be said.
    fn quietly(&self, machine: &str) -> Value {
        let (facts, said) = self.apply(machine);
        assert_eq!(said, "", "{machine}");
        facts["done"].clone()
    }

    /// Requests, signatures, installation.
    fn round(&self) {
        for machine in [HOSTS[0], HOSTS[1], "ca", HOSTS[0], HOSTS[1]] {
            let _ = self.quietly(machine);
        }
    }

    fn files(&self, below: &str) -> Files {
        let mut files = Files::new();
        let mut directories = vec![self.path(below)];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else {
                    let name = path.strip_prefix(self.path(below)).unwrap().to_owned();
                    files.insert(name, fs::read(&path).unwrap());
                }
            }
        }
        files
    }

    /// Each pair belongs together, is its host's alone, and is taken by OpenSSL; nothing secret has travelled.
    fn assert_whole(&self) {
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

    fn assert_nothing_secret(&self) {
        for (name, contents) in self.files("travel") {
            let text = String::from_utf8_lossy(&contents).into_owned();
            assert!(!text.contains("PRIVATE KEY"), "{}", name.display());
        }
    }

    /// Puts somebody's request where a host's would be.
    fn plant(&self, path: &str, request: &CertificateRequest) {
        let path = self.path("travel").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, request.to_pem().unwrap()).unwrap();
    }
}

fn changed(before: &Files, after: &Files) -> Vec<String> {
    let names = after
        .iter()
        .filter(|(name, now)| before.get(*name) != Some(now))
        .map(|(name, _)| name.display().to_string());
    names.collect()
}

fn request(algorithm: KeyAlgorithm, identity: &Identity) -> CertificateRequest {
    let key = PrivateKey::generate_with(algorithm).unwrap();
    CertificateRequest::create(&key, Role::Client, identity).unwrap()
}

fn anybody() -> CertificateRequest {
    request(KeyAlgorithm::EcP256, &Identity::new("anybody").unwrap())
}

#[test]
fn there_and_back() {
    let machines = Machines::new(SPECIFICATION);
    let first = machines.quietly("etcd-1");
    assert_eq!(
        (&first["keys"], &first["requested"]),
        (&2.into(), &2.into())
    );
    let second = machines.quietly("etcd-2");
    assert_eq!(
        (&second["keys"], &second["requested"]),
        (&3.into(), &3.into())
    );
    assert_eq!(machines.output("plan", "etcd-1").status.code(), Some(0));
    // Before they are signed, nothing more is to be done
    let waiting = (machines.files("etcd-1"), machines.files("travel"));
    assert_eq!(machines.quietly("etcd-1")["requested"], 0);
    assert_eq!(
        (machines.files("etcd-1"), machines.files("travel")),
        waiting
    );
    machines.assert_nothing_secret();

    let signed = machines.quietly("ca");
    assert_eq!(
        (&signed["created"], &signed["signed"]),
        (&1.into(), &5.into())
    );
    let names: Vec<_> = machines.files("ca").into_keys().collect();
    assert_eq!(names, [Path::new("ca-key.pem"), Path::new("ca.pem")]);
    let (ca, travel) = (machines.files("ca"), machines.files("travel"));
    assert_eq!(machines.quietly("ca")["signed"], 0);
    assert_eq!(
        (machines.files("ca"), machines.files("travel")),
        (ca, travel)
    );

    assert_eq!(machines.quietly("etcd-1")["installed"], 2);
    assert_eq!(machines.quietly("etcd-2")["installed"], 3);
    machines.assert_whole();
    let before = machines.files(".");
    machines.round();
    assert_eq!(machines.files("."), before);
}

#[test]
fn plan_writes_nothing_and_tells_what_is_due() {
    let machines = Machines::new(SPECIFICATION);
    let check = |machine: &str| {
        let mut command = Command::new(etcd_pki());
        command
            .current_dir(machines.0.path())
            .args([
                "plan",
                "-f",
                "cluster.yaml",
                "--requests",
                "travel",
                "--check",
            ])
            .args(["-d", machine]);
        if machine != "ca" {
            command.args(["--host", machine]);
        }
        command.output().unwrap().status.code()
    };
    assert_eq!(check("etcd-1"), Some(3));
    assert!(!machines.path("etcd-1").exists() && !machines.path("travel").exists());
    let _ = machines.quietly("etcd-1");
    assert_eq!(check("etcd-1"), Some(3));
    assert_eq!(check("ca"), Some(3));
    assert!(!machines.path("ca").exists());
    let _ = machines.quietly("ca");
    assert_eq!(check("ca"), Some(0));
    assert_eq!(check("etcd-1"), Some(3));
    let _ = machines.quietly("etcd-1");
    assert_eq!(check("etcd-1"), Some(0));
}

#[test]
fn an_added_address_touches_one_certificate_and_no_key() {
    let machines = Machines::installed(SPECIFICATION);
    let before: Vec<_> = HOSTS.map(|host| machines.files(host)).into();
    machines.specify(&SPECIFICATION.replace("10.0.0.11", "10.0.0.11, 10.0.0.99"));
    machines.round();
    machines.assert_whole();
    let after: Vec<_> = HOSTS.map(|host| machines.files(host)).into();
    assert_eq!(changed(&before[0], &after[0]), ["member-etcd-1.pem"]);
    assert_eq!(changed(&before[1], &after[1]), [""; 0]);
    openssl::verify_host(
        &machines.path("etcd-1/ca.pem"),
        &machines.path("etcd-1/member-etcd-1.pem"),
        "10.0.0.99",
    )
    .assert_accepted("the new address");
}

/// The pair that is there serves until both files of the next one are.
#[test]
fn another_algorithm_replaces_a_pair_when_its_certificate_has_come() {
    let machines = Machines::installed(SPECIFICATION);
    let before = machines.files("etcd-1");
    machines.specify(&SPECIFICATION.replace("{validity", "{algorithm: ed25519, validity"));
    assert_eq!(machines.quietly("etcd-1")["keys"], 2);
    let waiting = machines.files("etcd-1");
    let next = [".admin-etcd-1-key.pem.next", ".member-etcd-1-key.pem.next"];
    assert_eq!(changed(&before, &waiting), next);
    for name in next {
        let path = machines.path("etcd-1").join(name);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(machines.quietly("etcd-1")["keys"], 0);
    machines.round();
    machines.assert_whole();
    let after = machines.files("etcd-1");
    assert_eq!(changed(&before, &after).len(), 4, "both files of two pairs");
}

#[test]
fn names_that_the_specification_lacks_are_not_granted() {
    let machines = Machines::new(SPECIFICATION);
    let _ = machines.quietly("etcd-1");
    let greedy = Identity::from_common_name("root")
        .unwrap()
        .with_organization("system:masters")
        .unwrap()
        .with_names(["10.6.6.6"])
        .unwrap();
    let greedy = request(KeyAlgorithm::EcP256, &greedy);
    machines.plant("etcd-1/member-etcd-1.csr", &greedy);
    let (facts, said) = machines.apply("ca");
    assert_eq!(facts["done"]["signed"], 2);
    assert_eq!(
        said,
        "not granted: travel/etcd-1/member-etcd-1.csr: organization system:masters, common name root, address 10.6.6.6\n"
    );
    let certificate = fs::read(machines.path("travel/etcd-1/member-etcd-1.pem")).unwrap();
    let certificate = etcd_pki_core::Certificate::from_pem(certificate).unwrap();
    assert_eq!(certificate.subject(), "CN=etcd-member-etcd-1");
    assert_eq!(certificate.organizations(), [""; 0]);
    assert!(
        !certificate
            .ip_addresses()
            .contains(&"10.6.6.6".parse().unwrap())
    );
    let life = certificate
        .not_after()
        .duration_since(certificate.not_before());
    assert_eq!(life.unwrap().as_secs() / 86_400, 200);
    // The key is not the host's: what came is not installed, and the host asks again
    let (facts, said) = machines.apply("etcd-1");
    assert_eq!(facts["done"]["installed"], 1);
    assert_eq!(facts["done"]["requested"], 1);
    assert_eq!(
        said,
        "refused: travel/etcd-1/member-etcd-1.pem: the certificate is of another key\n"
    );
    let _ = machines.quietly("ca");
    machines.round();
    machines.assert_whole();
}

#[test]
fn what_is_not_as_it_should_be_is_refused_and_told() {
    let machines = Machines::new(SPECIFICATION);
    let _ = machines.quietly("etcd-1");
    machines.plant("etcd-1/client-root.csr", &anybody());
    machines.plant("etcd-1/ca.csr", &anybody());
    machines.plant("etcd-1/member-etcd-2.csr", &anybody());
    machines.plant("etcd-9/member-etcd-9.csr", &anybody());
    let rsa = request(KeyAlgorithm::Rsa2048, &Identity::new("rsa").unwrap());
    machines.plant("etcd-2/node-etcd-2.csr", &rsa);
    // A signature that is not by its key
    let mut torn = anybody().as_der().to_vec();
    let last = torn.len() - 1;
    torn[last] ^= 1;
    fs::write(machines.path("travel/etcd-2/member-etcd-2.csr"), torn).unwrap();
    // A copy of another host's
    fs::copy(
        machines.path("travel/etcd-1/admin-etcd-1.csr"),
        machines.path("travel/etcd-2/admin-etcd-2.csr"),
    )
    .unwrap();

    let (facts, said) = machines.apply("ca");
    assert_eq!(facts["done"]["signed"], 1, "the member of etcd-1");
    for refused in [
        "etcd-1/client-root.csr: no pair of etcd-1 has this name in the specification",
        "etcd-1/ca.csr: no pair of etcd-1 has this name in the specification",
        "etcd-1/member-etcd-2.csr: no pair of etcd-1 has this name in the specification",
        "etcd-9/member-etcd-9.csr: etcd-9 is no host of the specification",
        "etcd-2/node-etcd-2.csr: its key is rsa-2048, should be ec-p256",
        "etcd-2/member-etcd-2.csr: the signature of the certificate request does not hold",
        "etcd-1/admin-etcd-1.csr: another request has the same key",
        "etcd-2/admin-etcd-2.csr: another request has the same key",
    ] {
        assert!(
            said.contains(&format!("refused: travel/{refused}")),
            "{refused}\n{said}"
        );
    }
    assert_eq!(said.lines().count(), 8, "{said}");
    let pems = machines.files("travel").into_keys();
    let pems: Vec<_> = pems
        .filter(|name| name.extension().unwrap() == "pem")
        .collect();
    assert_eq!(
        pems,
        ["etcd-1/ca.pem", "etcd-1/member-etcd-1.pem", "etcd-2/ca.pem"].map(PathBuf::from)
    );
}

#[test]
fn a_host_installs_only_what_it_can_check() {
    let machines = Machines::new(SPECIFICATION);
    let _ = machines.quietly("etcd-1");
    let _ = machines.quietly("ca");
    let (own, admin) = (
        machines.path("travel/etcd-1/member-etcd-1.pem"),
        machines.path("travel/etcd-1/admin-etcd-1.pem"),
    );
    let good = fs::read(&own).unwrap();
    fs::copy(&admin, &own).unwrap();
    fs::write(&admin, "nonsense").unwrap();
    let (facts, said) = machines.apply("etcd-1");
    assert_eq!(
        (&facts["done"]["trusted"], &facts["done"]["installed"]),
        (&1.into(), &0.into())
    );
    assert!(
        said.contains("member-etcd-1.pem: the certificate is of another key; common name"),
        "{said}"
    );
    assert!(said.contains("admin-etcd-1.pem: "), "{said}");
    fs::write(&own, good).unwrap();

    // Another authority of the same name is not believed from now on, and neither is what it signs
    fs::rename(machines.path("ca"), machines.path("lost")).unwrap();
    fs::remove_file(&admin).unwrap();
    let _ = machines.quietly("ca");
    let (facts, said) = machines.apply("etcd-1");
    assert_eq!(facts["done"]["installed"], 0, "{said}");
    assert!(
        said.contains("ca.pem: another authority than etcd-1/ca.pem, which is trusted here"),
        "{said}"
    );
    assert!(
        said.contains("member-etcd-1.pem: signed by another authority"),
        "{said}"
    );
}

#[test]
fn never_through_a_symbolic_link() {
    let machines = Machines::new(SPECIFICATION);
    let _ = machines.quietly("etcd-1");
    let _ = machines.quietly("etcd-2");
    let outside = machines.path("outside");
    fs::create_dir(&outside).unwrap();
    // A folder of another place, and a certificate's name that leads to a file there
    fs::rename(machines.path("travel/etcd-2"), machines.path("real")).unwrap();
    symlink(machines.path("real"), machines.path("travel/etcd-2")).unwrap();
    fs::write(outside.join("precious"), "precious").unwrap();
    symlink(
        outside.join("precious"),
        machines.path("travel/etcd-1/member-etcd-1.pem"),
    )
    .unwrap();
    let (facts, said) = machines.apply("ca");
    assert_eq!(facts["done"]["signed"], 1, "{said}");
    assert!(
        said.contains("refused: travel/etcd-2: it is a symbolic link"),
        "{said}"
    );
    assert!(
        said.contains("member-etcd-1.pem is a symbolic link"),
        "{said}"
    );
    assert_eq!(fs::read(outside.join("precious")).unwrap(), b"precious");
    assert!(!machines.path("real/ca.pem").exists());
}

#[test]
fn the_directory_of_the_keys_does_not_travel() {
    let machines = Machines::installed(SPECIFICATION);
    for (directory, host) in [("travel", None), ("travel/etcd-1", Some("etcd-1"))] {
        let mut command = Command::new(etcd_pki());
        command.current_dir(machines.0.path()).args([
            "apply",
            "-f",
            "cluster.yaml",
            "--requests",
            "travel",
            "-d",
            directory,
        ]);
        command.args(host.into_iter().flat_map(|host| ["--host", host]));
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("the cluster's own directory"), "{said}");
        assert_eq!(output.status.code(), Some(1));
    }
}

/// In a layout whose files carry no host, with an authority of peers apart.
#[test]
fn kubeadm_with_peers_apart() {
    let specification = format!("layout: kubeadm\nca: {{peers: separate}}\n{SPECIFICATION}");
    let machines = Machines::installed(&specification);
    machines.assert_nothing_secret();
    for host in HOSTS {
        let etcd = machines.path(host).join("etcd");
        for (ca, certificate) in [("ca.crt", "server.crt"), ("peer-ca.crt", "peer.crt")] {
            openssl::verify_strict(&etcd.join(ca), &etcd.join(certificate), Purpose::Server)
                .assert_accepted(certificate);
        }
        assert!(!etcd.join("ca.key").exists() && !etcd.join("peer-ca.key").exists());
    }
    let before = machines.files(".");
    machines.round();
    assert_eq!(machines.files("."), before);
}

/// A renewed authority of the same key reaches the hosts by the same way.
#[test]
fn a_renewed_authority_travels() {
    let machines = Machines::installed(SPECIFICATION);
    let before = fs::read(machines.path("etcd-1/ca.pem")).unwrap();
    let renewed = {
        let key = fs::read(machines.path("ca/ca-key.pem")).unwrap();
        let later = std::time::SystemTime::now() + Duration::from_secs(2);
        etcd_pki_core::CertificateAuthority::create_for(
            PrivateKey::from_pem(key).unwrap(),
            &Identity::from_common_name("etcd-ca").unwrap(),
            etcd_pki_core::Profile::authority(),
            later,
        )
        .unwrap()
    };
    let pem = renewed.certificate().to_pem().unwrap();
    fs::write(machines.path("ca/ca.pem"), &pem).unwrap();
    assert_eq!(machines.quietly("ca")["trusted"], 2);
    let done = machines.quietly("etcd-1");
    assert_eq!(
        (&done["trusted"], &done["installed"]),
        (&1.into(), &0.into())
    );
    assert_eq!(
        fs::read(machines.path("etcd-1/ca.pem")).unwrap(),
        pem.as_bytes()
    );
    // The old one that a slow courier brings is not put back
    fs::write(machines.path("travel/etcd-1/ca.pem"), before).unwrap();
    assert_eq!(machines.quietly("etcd-1")["trusted"], 0);
}

/// Killed at any instant, on a host or where the authority is: no key is lost, nothing secret travels, no file is cut, and the next
/// round brings the certificates.
#[test]
fn killed_while_requests_travel() {
    let machines = Machines::installed(SPECIFICATION);
    let authority = fs::read(machines.path("ca/ca-key.pem")).unwrap();
    for round in 0..40_u64 {
        // New names each time, and now and then another algorithm, for which keys wait beside those that serve
        let address = format!("10.0.{round}.1");
        let mut specification = SPECIFICATION.replace("10.0.0.1", &address);
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
            assert_eq!(fs::read(machines.path("ca/ca-key.pem")).unwrap(), authority);
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
            machines.round();
            machines.assert_whole();
        }
    }
}

/// For who makes all keys in one place.
#[test]
fn an_exported_host_has_its_own_files_alone() {
    for (layout, pairs, ca_key) in [
        ("kubespray", 3, "ca-key.pem"),
        ("kubeadm", 4, "etcd/ca.key"),
    ] {
        let machines = Machines::new(&format!("layout: {layout}\n{SPECIFICATION}"));
        let run = |words: &[&str]| {
            let mut command = Command::new(etcd_pki());
            let words = command.current_dir(machines.0.path()).args(words);
            words
                .args(["-f", "cluster.yaml", "-d", "ca"])
                .output()
                .unwrap()
        };
        assert!(run(&["apply"]).status.success());
        let export = ["export", "--host", "etcd-2", "-o", "out"];
        let output = run(&export);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let files = machines.files("out");
        assert_eq!(files.len(), 2 * pairs + 1, "{:?}", files.keys());
        let ca_key = fs::read(machines.path("ca").join(ca_key)).unwrap();
        for (name, contents) in &files {
            assert_ne!(contents, &ca_key);
            let path = machines.path("out").join(name);
            let is_key = String::from_utf8_lossy(contents).contains("PRIVATE KEY");
            let mode = if is_key { 0o600 } else { 0o644 };
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, mode);
        }
        // It is what the host's own plan wants
        let mut command = Command::new(etcd_pki());
        let plan = command
            .current_dir(machines.0.path())
            .args([
                "plan",
                "--check",
                "-f",
                "cluster.yaml",
                "-d",
                "out",
                "--host",
                "etcd-2",
            ])
            .output()
            .unwrap();
        assert_eq!(
            plan.status.code(),
            Some(0),
            "{}",
            String::from_utf8_lossy(&plan.stdout)
        );

        let again = run(&export);
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        assert!(said.contains("out has something in it"), "{said}");
        assert!(run(&[&export[..], &["--force"]].concat()).status.success());
        assert_eq!(machines.files("out"), files);
        assert_eq!(run(&["export", "-o", "new"]).status.code(), Some(2));
        assert_eq!(
            run(&["export", "--host", "root", "-o", "new"])
                .status
                .code(),
            Some(1)
        );
        assert!(!machines.path("new").exists());
    }
}

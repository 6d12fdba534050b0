//! `etcd-pki` in place of Kubespray's script: the tests call it as the role does, and compare the
//! result with that of the script's openssl commands.
use std::{
    collections::BTreeMap,
    fs,
    net::IpAddr,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use etcd_pki_core::{Certificate, KeyAlgorithm, Layout, PrivateKey, Role, x509::ExtendedKeyUsage};
use etcd_pki_tests::{
    Credentials, Scratch, apiserver,
    command::etcd_pki,
    etcd::{Cluster, Member, Version},
    kubespray::Kubespray,
    openssl::{self, Purpose},
    stderr_of,
};

const MEMBERS: [&str; 3] = ["etcd-1.lan", "etcd-2.lan", "etcd-3"];
const NODES: [&str; 2] = ["etcd-1.lan", "kube-1.lan"];

/// The first etcd host as Kubespray prepares it: /etc/ssl/etcd with the openssl.conf and the folder
/// ssl.
struct Host(Scratch);

impl Host {
    /// A host with the openssl.conf of a directory that openssl created.
    fn like(kubespray: &Kubespray) -> Self {
        let host = Self(Scratch::new("dropin"));
        fs::copy(kubespray.path().join("openssl.conf"), host.config()).unwrap();
        host
    }

    /// A host that takes over such a directory.
    fn taking_over(kubespray: &Kubespray) -> Self {
        let host = Self::like(kubespray);
        fs::rename(kubespray.path(), host.directory()).unwrap();
        fs::remove_file(host.file("openssl.conf")).unwrap();
        host
    }

    fn config(&self) -> PathBuf {
        self.0.path().join("openssl.conf")
    }

    fn directory(&self) -> PathBuf {
        self.0.path().join("ssl")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    /// Runs the role's command, with `bash -x make-ssl-etcd.sh` replaced.
    fn output(&self, masters: &[&str], hosts: &[&str]) -> Output {
        self.command(masters, hosts).output().unwrap()
    }

    fn command(&self, masters: &[&str], hosts: &[&str]) -> Command {
        let mut command = Command::new(etcd_pki());
        let _ = command
            .args(["kubespray", "-f"])
            .arg(self.config())
            .arg("-d")
            .arg(self.directory())
            .env("MASTERS", masters.join(" "))
            .env("HOSTS", hosts.join(" "));
        command
    }

    /// The standard output and the standard error.
    #[track_caller]
    fn run(&self, masters: &[&str], hosts: &[&str]) -> (String, String) {
        let output = self.output(masters, hosts);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let (printed, said) = (text(output.stdout), text(output.stderr));
        assert!(output.status.success(), "{said}");
        (printed, said)
    }

    fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let names = file_names(&self.directory()).into_iter();
        names
            .map(|name| (name.clone(), fs::read(self.file(&name)).unwrap()))
            .collect()
    }

    /// The files that have changed.
    fn changed(&self, before: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
        let after = self.contents().into_iter();
        after
            .filter(|(name, now)| before.get(name) != Some(now))
            .map(|(name, _)| name)
            .collect()
    }

    fn credentials(&self, stem: &str) -> Credentials {
        let (role, name) = stem.split_once('-').unwrap();
        let pair = match role {
            "admin" => Layout::Kubespray.member_client(name).unwrap().unwrap(),
            role => {
                let role: Role = role.parse().unwrap();
                Layout::Kubespray.pairs(role, name).unwrap().swap_remove(0)
            }
        };
        Credentials::new(self.file("ca.pem"), pair.below(&self.directory()))
    }
}

fn file_names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".pem"))
        .collect();
    names.sort();
    names
}

fn certificate(path: &Path) -> Certificate {
    Certificate::from_pem(fs::read(path).unwrap()).unwrap()
}

/// The properties of a file that another program sees: the mode; for a certificate the common name,
/// names, usages and days; for a key its kind.
fn seen(path: &Path) -> String {
    let mode = path.metadata().unwrap().permissions().mode() & 0o777;
    if path.to_str().unwrap().ends_with("-key.pem") {
        let key = PrivateKey::from_pem(fs::read(path).unwrap()).unwrap();
        return format!(
            "{mode:o} {}",
            key.public_key().algorithm().map_or("", KeyAlgorithm::name)
        );
    }
    let certificate = certificate(path);
    let mut names = certificate.dns_names().to_vec();
    names.extend(certificate.ip_addresses().iter().map(ToString::to_string));
    let usages = certificate.extended_key_usages().unwrap_or_default();
    let both = [ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth];
    // Ours is valid from five minutes before its creation, and expires with the CA
    let life = certificate
        .not_after()
        .duration_since(certificate.not_before())
        .unwrap();
    let days = (life + Duration::from_secs(600)).as_secs() / 86_400;
    format!(
        "{mode:o} {} {names:?} both usages: {} {days} days",
        certificate.subject(),
        both.iter().all(|usage| usages.contains(usage))
    )
}

#[test]
fn it_makes_what_the_script_makes() {
    let theirs = Kubespray::create(&MEMBERS, &NODES);
    let ours = Host::like(&theirs);
    // First the members and the control plane, then every host
    let (printed, said) = ours.run(&MEMBERS, &NODES[..1]);
    assert!(
        printed.contains("create    member-etcd-1.lan.pem"),
        "{printed}"
    );
    assert_eq!(said, "");
    let _ = ours.run(&[], &NODES);

    let names = file_names(theirs.path());
    assert_eq!(file_names(&ours.directory()), names);
    for name in &names {
        let path = ours.file(name);
        assert_eq!(seen(&path), seen(&theirs.path().join(name)), "{name}");
        if !name.ends_with("-key.pem") && name != "ca.pem" {
            for purpose in [Purpose::Server, Purpose::Client] {
                openssl::verify_strict(&ours.file("ca.pem"), &path, purpose).assert_accepted(name);
            }
        }
    }
}

#[test]
fn a_second_time_nothing_changes() {
    let theirs = Kubespray::create(&["etcd-1"], &[]);
    let host = Host::like(&theirs);
    let _ = host.run(&["etcd-1"], &["kube-1"]);
    let before = host.contents();
    let (printed, _) = host.run(&["etcd-1"], &["kube-1"]);
    assert!(printed.contains("4 certificates up to date"), "{printed}");
    // Certificates that the call does not name are not reported as unmanaged
    let (_, said) = host.run(&[], &["kube-1"]);
    assert_eq!(said, "");
    assert_eq!(host.contents(), before);

    let _ = host.run(&[], &["kube-2"]);
    let new = ["node-kube-2-key.pem", "node-kube-2.pem"];
    assert_eq!(host.changed(&before), new);
}

/// RSA with 2048 bits is a default, and a default never replaces a key.
#[test]
fn keys_of_other_algorithms_stay() {
    let theirs = Kubespray::create(&["etcd-1"], &[]);
    for algorithm in ["rsa-4096", "ec-p256", "ec-p384", "ed25519"] {
        let host = Host::like(&theirs);
        let mut first = host.command(&["etcd-1"], &[]);
        let made = first.args(["--algorithm", algorithm]).output().unwrap();
        assert_eq!(stderr_of(&made, 0), "");
        let keys = [
            "member-etcd-1-key.pem",
            "admin-etcd-1-key.pem",
            "ca-key.pem",
        ];
        let read = || keys.map(|key| fs::read(host.file(key)).unwrap());
        let before = read();
        let (printed, _) = host.run(&["etcd-1"], &[]);
        assert!(printed.contains("3 certificates up to date"), "{printed}");
        fs::remove_file(host.file("member-etcd-1.pem")).unwrap();
        let (printed, _) = host.run(&["etcd-1"], &[]);
        assert!(printed.contains("1 renewed"), "{printed}");
        assert_eq!(read(), before, "{algorithm}");
    }
}

#[test]
fn a_new_address_renews_with_the_same_keys() {
    let theirs = Kubespray::create(&["etcd-1"], &[]);
    let host = Host::like(&theirs);
    let _ = host.run(&["etcd-1"], &["kube-1"]);
    let before = host.contents();
    let config = fs::read_to_string(host.config()).unwrap();
    fs::write(host.config(), config + "IP.3 = 10.0.0.11\n").unwrap();

    // Only nodes, as in the role's second call
    let (printed, _) = host.run(&[], &["kube-1"]);
    assert!(printed.contains("10.0.0.11 is missing"), "{printed}");
    assert_eq!(host.changed(&before), ["node-kube-1.pem"]);
    let _ = host.run(&["etcd-1"], &["kube-1"]);
    let renewed = ["admin-etcd-1.pem", "member-etcd-1.pem", "node-kube-1.pem"];
    assert_eq!(host.changed(&before), renewed);
    for name in renewed {
        let addresses = certificate(&host.file(name)).ip_addresses().to_vec();
        assert!(addresses.contains(&"10.0.0.11".parse().unwrap()), "{name}");
    }
}

#[test]
fn a_directory_of_the_script_is_taken_over() {
    let host = Host::taking_over(&Kubespray::create(&["etcd-1"], &["kube-1"]));
    let before = host.contents();
    let (printed, said) = host.run(&["etcd-1"], &["kube-1"]);
    assert!(printed.contains("renew     ca.pem"), "{printed}");
    assert!(
        said.contains("warning: ca.pem: the CA has no keyUsage: Python 3.13"),
        "{said}"
    );
    assert_eq!(host.changed(&before), ["ca.pem"]);
    let leaf = host.file("member-etcd-1.pem");
    openssl::verify_strict(&host.file("ca.pem"), &leaf, Purpose::Server)
        .assert_accepted("the script's certificate under the renewed CA");
    let (printed, said) = host.run(&["etcd-1"], &["kube-1"]);
    assert!(printed.contains("up to date"), "{printed}");
    assert_eq!(said, "");
}

/// The role links the pair of another control plane to the host's own pair. The command replaces
/// the links by separate files, as the script's `mv` does, and keeps the files that they lead to.
#[test]
fn links_of_control_planes_are_replaced_and_what_they_lead_to_stays() {
    let host = Host::taking_over(&Kubespray::create(&["node1"], &["node1"]));
    let pair = ["node-node2.pem", "node-node2-key.pem"];
    for link in pair {
        symlink(link.replace("node2", "node1"), host.file(link)).unwrap();
    }
    // A renewal of the CA
    let _ = host.run(&["node1"], &["node1"]);
    let before = host.contents();

    let (printed, said) = host.run(&["node1"], &["node1", "node2"]);
    assert!(
        printed.contains("re-issue  node-node2.pem"),
        "{printed}{said}"
    );
    assert!(
        printed.contains("node-node2.pem is a link to node-node1.pem"),
        "{printed}"
    );
    assert_eq!(
        host.changed(&before),
        ["node-node2-key.pem", "node-node2.pem"]
    );
    for (name, mode) in pair.into_iter().zip(["644", "600"]) {
        assert!(!host.file(name).is_symlink());
        assert!(seen(&host.file(name)).starts_with(mode), "{name}");
    }
    let (printed, _) = host.run(&["node1"], &["node1", "node2"]);
    assert!(printed.contains("5 certificates up to date"), "{printed}");
}

/// A plan reports links within the directory. Unless the user requests it, `apply` replaces no link
/// and changes no file that a link leads to: that pair is blocked, and the others are done.
#[test]
fn a_plan_foresees_links_within_the_directory() {
    let host = Host::taking_over(&Kubespray::create(&["node1"], &["node1"]));
    for link in ["node-node2.pem", "node-node2-key.pem"] {
        symlink(link.replace("node2", "node1"), host.file(link)).unwrap();
    }
    let specification = host.0.path().join("cluster.yaml");
    let text = "directory: ssl\ndefaults: {profile: kubespray}\nmembers: [{name: node1}]\nnodes: [node1, node2, node3]\n";
    fs::write(&specification, text).unwrap();
    let before = host.contents();
    let call = |verb| {
        let mut command = Command::new(etcd_pki());
        command.current_dir(host.0.path());
        command.args([verb, "-f", "cluster.yaml"]).output().unwrap()
    };
    let text = |bytes| String::from_utf8(bytes).unwrap();
    // The link leads to the certificate of node1, which keeps its key
    let done = [
        "admin-node1.pem",
        "ca.pem",
        "member-node1.pem",
        "node-node1.pem",
        "node-node2.pem",
        "node-node3-key.pem",
        "node-node3.pem",
    ];
    for _ in 0..2 {
        let planned = call("plan");
        let printed = text(planned.stdout);
        let of = |file: &str| {
            let mut lines = printed.lines();
            let line = lines.find(|line| line.split_whitespace().nth(1) == Some(file));
            line.unwrap_or_default().to_owned()
        };
        let link = of("node-node2.pem");
        assert!(
            link.contains("node-node2-key.pem is a link to node-node1-key.pem"),
            "{printed}"
        );
        assert!(!of("node-node1.pem").contains("same key"), "{printed}");
        assert!(!of("node-node1.pem").contains("re-issue"), "{printed}");
        assert!(text(planned.stderr).contains("remove the link"));

        let applied = call("apply");
        assert_eq!(applied.status.code(), Some(1));
        let said = text(applied.stderr);
        assert!(said.contains("node-node2.pem is a symbolic link"), "{said}");
        assert!(said.contains("remove the link"), "{said}");
        assert_eq!(host.changed(&before), done);
        for link in ["node-node2.pem", "node-node2-key.pem"] {
            let target = host.file(link).read_link().unwrap();
            assert_eq!(target, Path::new(&link.replace("node2", "node1")));
        }
    }

    for link in ["node-node2.pem", "node-node2-key.pem"] {
        fs::remove_file(host.file(link)).unwrap();
    }
    assert!(call("apply").status.success());
    let key = "node-node1-key.pem";
    assert_eq!(fs::read(host.file(key)).unwrap(), before[key]);
}

#[test]
fn it_succeeds_and_fails_as_the_script_does() {
    let theirs = Kubespray::create(&["etcd-1"], &[]);
    let host = Host::like(&theirs);
    let _ = host.run(&[], &[]);
    assert!(!host.directory().exists());

    let refused = |output: Output, code: i32, text: &str| {
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(text), "{said}");
        assert!(!host.directory().exists());
    };
    let unknown = Command::new(etcd_pki()).args(["kubespray", "-x"]).output();
    refused(unknown.unwrap(), 2, "unexpected argument '-x'");
    refused(host.output(&["a/b"], &[]), 1, "MASTERS: the name \"a/b\"");
    let config = fs::read_to_string(host.config()).unwrap();
    fs::write(host.config(), config + "DNS.9 = 10.0.0.300\n").unwrap();
    let output = host.output(&["a"], &[]);
    refused(output.clone(), 1, "DNS.9: \"10.0.0.300\" is not one");
    // The caller wrote no specification, so no message mentions one
    assert!(
        !String::from_utf8(output.stderr)
            .unwrap()
            .contains("specification")
    );
    fs::write(host.config(), b"[alt_names]\nDNS.1 = \xff\n").unwrap();
    refused(
        host.output(&["a"], &[]),
        1,
        "hint: nothing was changed; it is text in UTF-8",
    );
    fs::remove_file(host.config()).unwrap();
    refused(host.output(&["a"], &[]), 1, "openssl.conf");
}

/// Hosts that the inventory names by their addresses: the role writes these addresses among the DNS
/// names too, and openssl accepts them.
#[test]
fn hosts_named_by_their_addresses() {
    let members = ["10.0.0.11", "10.0.0.12"];
    let names = [
        "DNS:10.0.0.11",
        "DNS:10.0.0.12",
        "IP:10.0.0.11",
        "IP:10.0.0.12",
    ];
    let theirs = Kubespray::create_with(&members, &members[..1], &names);
    let ours = Host::like(&theirs);
    let (_, said) = ours.run(&members, &members[..1]);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    for (line, address) in lines.iter().zip(members) {
        assert!(line.starts_with("note: "), "{said}");
        assert!(line.contains(&format!("{address} is an address")), "{said}");
    }
    assert_eq!(file_names(&ours.directory()), file_names(theirs.path()));
    let leaf = certificate(&ours.file("member-10.0.0.11.pem"));
    let addresses = members.map(|address| address.parse::<IpAddr>().unwrap());
    for address in addresses {
        let times = leaf.ip_addresses().iter().filter(|one| **one == address);
        assert_eq!(times.count(), 1, "{:?}", leaf.ip_addresses());
    }
    assert!(!leaf.dns_names().iter().any(|name| name.starts_with("10.")));
    let (printed, _) = ours.run(&members, &members[..1]);
    assert!(printed.contains("up to date"), "{printed}");

    // A directory of the script with such hosts gives the same result
    let taken = Host::taking_over(&theirs);
    let (printed, _) = taken.run(&members, &members[..1]);
    assert!(!printed.contains("re-issue"), "{printed}");
    let (printed, _) = taken.run(&members, &members[..1]);
    assert!(printed.contains("up to date"), "{printed}");
}

/// A host that lost its CA must not get another one with the same name, even if the call names no
/// host that has certificates.
#[test]
fn no_new_ca_beside_certificates_of_another() {
    let host = Host::taking_over(&Kubespray::create(&["etcd-1"], &[]));
    for name in ["ca.pem", "ca-key.pem"] {
        fs::remove_file(host.file(name)).unwrap();
    }
    let before = host.contents();
    let output = host.output(&[], &["kube-1"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(host.contents(), before);
}

/// The user can follow the hint about a missing CA key with this command.
#[test]
fn a_missing_ca_key() {
    let host = Host::taking_over(&Kubespray::create(&["etcd-1"], &[]));
    fs::remove_file(host.file("ca-key.pem")).unwrap();
    let output = host.output(&["etcd-1"], &["kube-1"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("ca-key.pem"), "{said}");
    assert!(said.contains("first host of etcd"), "{said}");
    assert!(!said.contains("--requests"), "{said}");
}

#[test]
fn etcd_runs_on_it() {
    let theirs = Kubespray::create(&["etcd-1"], &[]);
    let host = Host::like(&theirs);
    let _ = host.run(&MEMBERS, &["kube-1.lan"]);
    let admin = host.credentials("admin-etcd-1.lan");
    let members =
        MEMBERS.map(|name| Member::with_pair(name, &host.credentials(&format!("member-{name}"))));
    let cluster = Cluster::start(Version::Newest, &members, &admin);
    let listed = cluster
        .etcdctl(&admin, &["member", "list"])
        .expect_success();
    assert_eq!(listed.stdout().lines().count(), 3);
    let node = host.credentials("node-kube-1.lan");
    apiserver::write_and_read(&cluster.endpoints(), &node).assert_accepted("the node's pair");
}

//! `adopt` on directories of other tools: the printed specification shows their faults and nothing
//! else.
use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Command,
    time::Duration,
};

use etcd_pki_core::{Certificate, PrivateKey, layout::PairPaths};
use etcd_pki_tests::{
    Scratch,
    adopted::Adopted,
    command::etcd_pki,
    foreign::{Foreign, Leaf},
    kubespray::Kubespray,
    openssl, run,
};
use serde_json::Value;

/// The error message of an `etcd-pki adopt` that fails.
#[track_caller]
fn refused(directory: &Path) -> String {
    let output = Command::new(etcd_pki())
        .arg("adopt")
        .arg(directory)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

const NO_KEY_USAGE: &str = "renew: the CA has no keyUsage";
const HOSTS: &[&str] = &["DNS:node1", "DNS:node2.lan", "IP:10.0.0.1", "IP:10.0.0.2"];

#[test]
fn kubespray() {
    let kubespray = Kubespray::create_with(&["node1", "node2.lan"], &["node1", "worker"], HOSTS);
    let adopted = Adopted::of(kubespray.path());
    let expected = format!(
        "\
layout: kubespray
directory: {}
ca:
  common_name: etcd-ca
defaults:
  profile: kubespray
shared_names:
  - etcd.kube-system.svc.cluster.local
  - etcd.kube-system.svc
  - etcd.kube-system
  - etcd
  - 10.0.0.1
  - 10.0.0.2
members:
  - node1
  - node2.lan
nodes:
  - node1
  - worker
",
        kubespray.path().display()
    );
    assert_eq!(adopted.specification, expected);
    assert!(adopted.notes.is_empty(), "{:?}", adopted.notes);
    adopted.assert_due(&[("ca.pem", NO_KEY_USAGE)]);
    adopted.assert_mended(&["ca.pem"]);
}

/// The certificates that replace those of Kubespray's script have exactly the names of its
/// openssl.conf, whether these include the names of the host and the loopback names or not.
#[test]
fn what_the_command_makes_in_the_place_of_kubesprays_script() {
    for (alt_names, shared, given) in [
        (
            "DNS.1 = localhost\nDNS.2 = node1\nDNS.3 = node2\nDNS.4 = etcd\nIP.1 = 127.0.0.1\nIP.2 = ::1\nIP.3 = 10.0.0.1\n",
            "shared_names:\n  - etcd\n  - 10.0.0.1\n",
            false,
        ),
        (
            "DNS.1 = localhost\nDNS.2 = node1\nDNS.3 = etcd\nIP.1 = 127.0.0.1\nIP.2 = ::1\n",
            "shared_names:\n  - localhost\n  - 127.0.0.1\n  - \"::1\"\n  - node1\n  - etcd\n",
            true,
        ),
        (
            "DNS.1 = node1\nDNS.2 = node2\nIP.1 = 10.0.0.1\n",
            "shared_names:\n  - node1\n  - node2\n  - 10.0.0.1\n",
            true,
        ),
        ("IP.1 = 10.0.0.1\n", "shared_names:\n  - 10.0.0.1\n", true),
    ] {
        let place = Scratch::new("script");
        let (config, directory) = (place.path().join("openssl.conf"), place.path().join("ssl"));
        fs::write(&config, format!("[alt_names]\n{alt_names}")).unwrap();
        let script = || {
            let mut command = Command::new(etcd_pki());
            command.arg("kubespray").arg("-f").arg(&config).arg("-d");
            command.arg(&directory).args(["--algorithm", "ec-p256"]);
            command.env("MASTERS", "node1 node2");
            run(command.env("HOSTS", "node1 worker.lan")).expect_success()
        };
        let _ = script();
        // A client as the command creates it there: without the address of a host
        let mut command = Command::new(etcd_pki());
        let command = command.args([
            "cert",
            "issue",
            "client",
            "x",
            "--profile",
            "kubespray",
            "-d",
        ]);
        let _ = run(command.arg(&directory)).expect_success();

        let adopted = Adopted::of(&directory);
        adopted.assert_due(&[]);
        let specification = &adopted.specification;
        assert!(specification.contains(shared), "{specification}");
        let says = specification.contains("  san: given\n");
        assert_eq!(says, given, "{specification}");
        assert!(specification.contains("nodes:\n  - node1\n  - worker.lan\n"));
        // Neither command undoes the changes of the other
        let _ = adopted.json("apply");
        assert!(script().stdout().contains("up to date"));
        adopted.assert_due(&[]);

        // A member that is missing in the openssl.conf gets the certificate that the script would
        // create
        let more = specification.replace("  - node2\nnodes", "  - node2\n  - node3\nnodes");
        assert_ne!(&more, specification);
        adopted.specify(&more);
        if given {
            let due = adopted.due().into_keys().collect::<Vec<_>>();
            assert_eq!(due, ["admin-node3.pem", "member-node3.pem"]);
            let _ = adopted.json("apply");
            let names = |host: &str| {
                let file = directory.join(format!("member-{host}.pem"));
                let certificate = Certificate::from_pem(fs::read(file).unwrap()).unwrap();
                (
                    certificate.dns_names().to_vec(),
                    certificate.ip_addresses().to_vec(),
                )
            };
            assert_eq!(names("node3"), names("node1"));
        }
    }
}

#[test]
fn faults_of_a_kubespray_directory_are_named() {
    let kubespray = Kubespray::create_with(&["node1", "node2.lan"], &["node1"], HOSTS);
    let mode = Permissions::from_mode(0o644);
    fs::set_permissions(kubespray.admin("node1").key, mode).unwrap();
    // A new key next to the old certificate, as after an interrupted run
    let torn = PrivateKey::generate_with(etcd_pki_core::KeyAlgorithm::Rsa2048).unwrap();
    fs::write(kubespray.node("node1").key, torn.to_secret_pem()).unwrap();
    // A certificate of another CA
    let other = Kubespray::create_with(&["node2.lan"], &[], HOSTS);
    for (from, to) in [
        (
            other.member("node2.lan").certificate,
            kubespray.member("node2.lan").certificate,
        ),
        (
            other.member("node2.lan").key,
            kubespray.member("node2.lan").key,
        ),
    ] {
        fs::copy(from, to).unwrap();
    }
    let adopted = Adopted::of(kubespray.path());
    adopted.assert_due(&[
        ("ca.pem", NO_KEY_USAGE),
        (
            "admin-node1.pem",
            "chmod: admin-node1-key.pem has mode 0644, should be 0600: everyone can read it",
        ),
        (
            "member-node2.lan.pem",
            "renew: not signed by ca.pem, which has the name CN=etcd-ca and another key",
        ),
        (
            "node-node1.pem",
            "renew: node-node1-key.pem does not match the certificate",
        ),
    ]);
    adopted.assert_mended(&["ca.pem", "member-node2.lan.pem", "node-node1.pem"]);
}

#[test]
fn kubeadm() {
    let kubeadm = Foreign::kubeadm("master-1", "10.0.0.1");
    let adopted = Adopted::of(kubeadm.path());
    let expected = format!(
        "\
layout: kubeadm
directory: {}
ca:
  common_name: etcd-ca
defaults:
  algorithm: rsa-2048
members:
  - name: master-1
    common_name: master-1
    addresses:
      - 10.0.0.1
nodes:
  - name: master-1
    common_name: kube-apiserver-etcd-client
    organization: \"system:masters\"
    san: none
admin:
  organization: \"system:masters\"
  san: none
",
        kubeadm.path().display()
    );
    assert_eq!(adopted.specification, expected);
    assert!(adopted.notes.is_empty(), "{:?}", adopted.notes);
    adopted.assert_due(&[]);

    // A certificate that expires in the second in which it is issued
    let pair = PairPaths {
        certificate: "etcd/healthcheck-client.crt".into(),
        key: "etcd/healthcheck-client.key".into(),
    };
    kubeadm.make(
        &pair,
        Leaf {
            subject: "/O=system:masters/CN=kube-etcd-healthcheck-client",
            usages: "clientAuth",
            names: "",
            days: 0,
        },
    );
    std::thread::sleep(Duration::from_secs(1));
    let adopted = Adopted::of(kubeadm.path());
    let due = adopted.due();
    assert_eq!(due.len(), 1);
    assert!(
        due["etcd/healthcheck-client.crt"].starts_with("renew: expired on "),
        "{due:?}"
    );
    let _ = adopted.json("apply");
    adopted.assert_due(&[]);
    let renewed = fs::read(kubeadm.path().join("etcd/healthcheck-client.crt")).unwrap();
    let renewed = Certificate::from_pem(renewed).unwrap();
    assert_eq!(renewed.organizations(), ["system:masters"]);
    assert!(renewed.ip_addresses().is_empty());
}

#[test]
fn etcdadm() {
    let etcdadm = Foreign::etcdadm("etcd-1", "10.0.0.1");
    let adopted = Adopted::of(etcdadm.path());
    let expected = format!(
        "\
layout: etcdadm
directory: {}
ca:
  common_name: etcd
defaults:
  algorithm: rsa-2048
members:
  - name: etcd-1
    common_name: etcd-1
    addresses:
      - 10.0.0.1
nodes:
  - name: etcd-1
    common_name: etcd-1-kube-apiserver-etcd-client
    organization: \"system:masters\"
    san: none
admin:
  organization: \"system:masters\"
  san: none
",
        etcdadm.path().display()
    );
    assert_eq!(adopted.specification, expected);
    assert!(adopted.notes.is_empty(), "{:?}", adopted.notes);
    // Clients on the same host connect to a member by these names
    let missing = "renew: localhost is missing; ::1 is missing";
    adopted.assert_due(&[("peer.crt", missing), ("server.crt", missing)]);
    adopted.assert_mended(&["peer.crt", "server.crt"]);
}

#[test]
fn cfssl() {
    let cfssl = Foreign::cfssl(&["10.0.0.1", "10.0.0.2"]);
    let adopted = Adopted::of(cfssl.path());
    let expected = format!(
        "\
layout: cfssl
directory: {}
ca:
  common_name: \"Autogenerated CA\"
  organization: \"the internet\"
  validity: 5y
defaults:
  algorithm: rsa-2048
  validity: 1000d
shared_names:
  - 10.0.0.1
  - 10.0.0.2
members:
  - name: 10.0.0.1
    common_name: etcd
    organization: autogenerated
  - name: 10.0.0.2
    common_name: etcd
    organization: autogenerated
admin: none
",
        cfssl.path().display()
    );
    assert_eq!(adopted.specification, expected);
    assert!(
        adopted.notes[0].contains("OU=etcd cluster"),
        "{:?}",
        adopted.notes
    );
    let missing = "renew: ::1 is missing";
    adopted.assert_due(&[
        ("10.0.0.1.pem", missing),
        ("10.0.0.2.pem", missing),
        ("peer-10.0.0.1.pem", missing),
        ("peer-10.0.0.2.pem", missing),
    ]);
    let _ = adopted.json("apply");
    adopted.assert_due(&[]);
}

const OWN: &str = "\
directory: ssl
ca: {common_name: a-ca, organization: A, peers: separate}
shared_names: [etcd, 10.0.0.9]
members:
  - {name: etcd-1, names: [etcd-1.lan, \"*.etcd.lan\"], addresses: [10.0.0.11, \"fd00::11\"]}
  - {name: etcd-2.lan, addresses: [10.0.0.12], common_name: two, organization: O, algorithm: ed25519}
nodes: [etcd-1, {name: kube-1, names: [kube-1.lan]}, {name: kube-2, san: none}]
clients: [root, {name: backup, validity: 90d}, {name: proxy, common_name: null, organization: O}, {name: two}]
";

#[test]
fn our_own() {
    let cases = ["strict", "kubespray"]
        .into_iter()
        .flat_map(|profile| ["kubespray", "kubeadm", "cfssl"].map(|layout| (profile, layout)));
    for (profile, layout) in cases {
        let place = Scratch::new("own");
        let specification =
            OWN.replace("{name: two}", "{name: two, allow_member_common_name: true}");
        let specification = format!(
            "layout: {layout}\ndefaults: {{profile: {profile}, algorithm: ec-p256}}\n{specification}"
        );
        let file = place.path().join("made.yaml");
        fs::write(&file, &specification).unwrap();
        let _ = run(Command::new(etcd_pki()).args(["apply", "-f"]).arg(&file)).expect_success();
        let adopted = Adopted::of(&place.path().join("ssl"));
        assert!(
            adopted.notes.is_empty(),
            "{layout} {profile}: {:?}",
            adopted.notes
        );
        adopted.assert_due(&[]);
        assert!(adopted.specification.contains("peers: separate"));
    }
}

#[test]
fn what_a_specification_cannot_say_is_told() {
    let kubespray = Kubespray::create(&["node1"], &["node1"]);
    let path = |name: &str| kubespray.path().join(name);
    // Kubespray links the pair of another control plane to a host's own
    for ending in [".pem", "-key.pem"] {
        symlink(
            format!("node-node1{ending}"),
            path(&format!("node-node2{ending}")),
        )
        .unwrap();
    }
    fs::copy(path("ca.pem"), path("old-ca.pem")).unwrap();
    fs::write(path("notes.pem"), "nothing").unwrap();
    fs::write(path("client-x.pem"), "garbage").unwrap();
    fs::remove_file(path("ca-key.pem")).unwrap();
    let adopted = Adopted::of(kubespray.path());
    assert_eq!(
        adopted.notes,
        [
            "ca-key.pem: is not here, or cannot be read: without it nothing can be renewed",
            "client-x.pem: cannot be read, so its names are not known: write them before the next apply",
            "node-node2-key.pem: is a link to another file here, so it is left out",
            "node-node2.pem: is a link to another file here, so it is left out",
            "old-ca.pem: a CA, CN=etcd-ca, with a name that the kubespray layout does not have, so it is left out",
        ]
    );
    assert!(adopted.specification.contains("clients:\n  - x\n"));
}

/// A named pipe without a writer does not block the command, whatever its name is.
#[test]
fn pipes_in_the_places_of_files() {
    let kubespray = Kubespray::create(&["node1"], &[]);
    let keys = ["ca-key.pem", "member-node1-key.pem"];
    for key in keys {
        let path = kubespray.path().join(key);
        fs::remove_file(&path).unwrap();
        let _ = run(Command::new("mkfifo").arg(path)).expect_success();
    }
    let mut command = Command::new("timeout");
    command.arg("20").arg(etcd_pki()).arg("adopt");
    let output = run(command.arg(kubespray.path())).expect_success();
    assert!(
        output
            .stderr()
            .contains("ca-key.pem: is not here, or cannot be read")
    );
    assert!(output.stdout().contains("- node1"), "{}", output.stdout());

    let certificate = kubespray.ca().certificate;
    fs::remove_file(&certificate).unwrap();
    let _ = run(Command::new("mkfifo").arg(&certificate)).expect_success();
    let mut command = Command::new("timeout");
    let output = command
        .arg("20")
        .arg(etcd_pki())
        .arg("adopt")
        .arg(kubespray.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_cannot_be_adopted() {
    let scratch = Scratch::new("odd");
    let path = |name: &str| scratch.path().join(name);
    assert!(refused(scratch.path()).contains("no layout has its file names"));
    assert!(refused(&path("nowhere")).contains("No such file"));
    fs::write(path("member-a.pem"), "garbage").unwrap();
    assert!(refused(scratch.path()).contains("ca.pem is missing"));
    assert!(refused(&path("member-a.pem")).contains("it is no directory"));
    fs::write(path("ca.pem"), [0, 159, 146, 150]).unwrap();
    assert!(refused(scratch.path()).contains("ca.pem"));
    // A leaf in place of the CA
    let kubespray = Kubespray::create(&["node1"], &[]);
    fs::copy(kubespray.member("node1").certificate, path("ca.pem")).unwrap();
    assert!(refused(scratch.path()).contains("CA:TRUE"));
    // Two CAs: the specification describes the first
    let mut two = fs::read(kubespray.ca().certificate).unwrap();
    let _ = openssl::call(
        scratch.path(),
        "req -x509 -newkey rsa:2048 -nodes -keyout x -out other.crt -subj /CN=b",
    );
    two.extend(fs::read(path("other.crt")).unwrap());
    fs::write(path("ca.pem"), two).unwrap();
    let adopted = Adopted::of(scratch.path());
    assert!(
        adopted
            .notes
            .iter()
            .any(|note| note.contains("2 certificates")),
        "{:?}",
        adopted.notes
    );
    assert!(adopted.specification.contains("common_name: etcd-ca"));
}

#[test]
fn json_and_files() {
    let kubespray = Kubespray::create(&["node1"], &[]);
    let place = Scratch::new("json");
    let file = place.path().join("cluster.yaml");
    let adopt = |more: &[&str]| {
        let mut command = Command::new(etcd_pki());
        command
            .arg("adopt")
            .arg(kubespray.path())
            .args(more)
            .arg("-o")
            .arg(&file);
        command
    };
    let output = run(&mut adopt(&["--json", "--layout", "kubespray"])).expect_success();
    let facts: Value = serde_json::from_str(output.stdout()).unwrap();
    assert_eq!(facts["layout"], "kubespray");
    assert_eq!(facts["specification"], fs::read_to_string(&file).unwrap());
    assert!(!run(&mut adopt(&[])).success());
    let _ = run(&mut adopt(&["--force"])).expect_success();
}

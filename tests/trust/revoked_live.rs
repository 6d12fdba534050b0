//! Real clusters refuse revoked clients and members, and read the list again without a restart.

use std::{fs, path::Path};

use etcd_pki_core::{Layout, Role};
use etcd_pki_tests::{
    Credentials, Scratch, Verdict,
    command::etcd_pki_in,
    etcd::{Cluster, Member, Version},
    go,
};

const HOSTS: [&str; 3] = ["etcd-1", "etcd-2", "etcd-3"];
const SPECIFICATION: &str = "\
directory: pki
ca: {peers: separate}
members: [etcd-1, etcd-2, etcd-3]
clients: [root, alice, bob]
";

fn client(directory: &Path, name: &str) -> Credentials {
    let pair = Layout::Kubespray.pairs(Role::Client, name).unwrap();
    Credentials::new(directory.join("ca.pem"), pair[0].below(directory))
}

fn peer(directory: &Path, name: &str) -> Credentials {
    let pair = Layout::Kubespray.peer_pair(name).unwrap();
    Credentials::new(directory.join("peer-ca.pem"), pair.below(directory))
}

/// One list over two CAs: a revoked client and a revoked member are refused, and nobody else is.
fn refused_without_restart(version: Version) {
    let scratch = Scratch::new("revoked");
    let at = scratch.path();
    fs::write(at.join("cluster.yaml"), SPECIFICATION).unwrap();
    let run = |line: &str| etcd_pki_in(at, line).expect_success();
    run("apply -f cluster.yaml");
    run("crl new -d pki");
    let members = HOSTS.map(|host| {
        let settings = run(&format!("env etcd --host {host} -f cluster.yaml"));
        assert!(settings.stdout().contains("ETCD_PEER_CRL_FILE="));
        Member::new(host).with_environment_file(settings.stdout())
    });
    let pki = at.join("pki");
    // An empty list refuses no certificate
    let cluster = Cluster::start(version, &members, &client(&pki, "root"));
    let accepts = |name: &str| {
        let got = cluster.etcdctl_at(cluster.client_url(0), &client(&pki, name), &["get", "x"]);
        got.success()
    };
    let url = format!("{}/version", cluster.peer_url(0));
    let answers = |name: &str| go::dial(&url, &peer(&pki, name), None).verdict;
    assert!(accepts("alice") && accepts("bob"));
    answers("etcd-3").assert_accepted("a member before its revocation");

    let said = run("crl revoke --client alice -d pki");
    assert!(said.stderr().contains("refused from now on: alice"));
    assert!(!accepts("alice"), "{version:?}");
    assert!(accepts("bob") && accepts("root"), "{version:?}");

    let said = run("crl revoke --host etcd-3 -d pki");
    assert!(said.stderr().contains("etcdctl member remove"));
    assert!(
        !matches!(answers("etcd-3"), Verdict::Accepted),
        "{version:?}"
    );
    answers("etcd-2").assert_accepted("another member");
    assert!(!accepts("alice") && accepts("bob"), "{version:?}");

    // What the list refuses, `verify` and `check` refuse too
    for (file, is_accepted) in [
        ("client-alice", false),
        ("client-bob", true),
        ("peer-etcd-3", false),
    ] {
        let verified = etcd_pki_in(at, &format!("cert verify pki/{file}.pem"));
        assert_eq!(verified.success(), is_accepted, "{file}");
    }
    assert!(etcd_pki_in(at, "check pki").stdout().contains("EP055"));

    // A renewed list refuses the same
    run("crl renew -d pki");
    assert!(!accepts("alice") && accepts("bob"), "{version:?}");
}

#[test]
fn oldest_etcd() {
    refused_without_restart(Version::Oldest);
}

#[test]
fn etcd_3_5() {
    refused_without_restart(Version::V3_5);
}

#[test]
fn newest_etcd() {
    refused_without_restart(Version::Newest);
}

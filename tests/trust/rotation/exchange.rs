//! Keys that stay on their hosts, through a whole rotation.
use std::fs;

use etcd_pki_core::Certificate;
use etcd_pki_tests::{
    command::etcd_pki_in,
    go,
    machines::{HOSTS, Machines, SPECIFICATION},
};

const CONFIRMED: &str = "--confirm-restarted etcd-1 --confirm-restarted etcd-2 --confirm-clients";

fn rotate(machines: &Machines, options: &str) {
    let line = format!("ca rotate -f cluster.yaml -d ca {options}");
    let _ = etcd_pki_in(&machines.path(""), &line).expect_success();
}

/// The certificates of a file.
fn all(machines: &Machines, file: &str) -> Vec<Certificate> {
    Certificate::all_from_bytes(&fs::read(machines.path(file)).unwrap()).unwrap()
}

/// Each host gets the trust bundle of the CA's machine, and its leaf is accepted by verifiers that
/// trust one of these CAs.
#[track_caller]
fn assert_hosts(machines: &Machines, trusted: &[&Certificate], chain: usize) {
    let bundle = all(machines, "ca/ca.pem");
    for host in HOSTS {
        assert_eq!(all(machines, &format!("{host}/ca.pem")), bundle, "{host}");
        let leaf = format!("{host}/member-{host}.pem");
        assert_eq!(all(machines, &leaf).len(), 1 + chain, "{host}");
        for ca in trusted {
            let file = machines.path("trusted.pem");
            fs::write(&file, ca.to_pem()).unwrap();
            go::verify(&file, &machines.path(&leaf))
                .server()
                .assert_accepted(host);
        }
    }
}

#[test]
fn a_whole_rotation() {
    let machines = Machines::installed(SPECIFICATION);
    let keys = || {
        HOSTS.map(|host| fs::read(machines.path(&format!("{host}/member-{host}-key.pem"))).unwrap())
    };
    let before = keys();
    let old = all(&machines, "ca/ca.pem").remove(0);
    // Trust first: no fingerprint is needed, because the old CA vouches for the new one
    rotate(&machines, "--prepare");
    machines.round();
    let new = all(&machines, "ca/ca.pem").remove(1);
    assert_hosts(&machines, &[&old], 0);
    rotate(&machines, &format!("--strategy link {CONFIRMED}"));
    let _ = etcd_pki_in(
        &machines.path(""),
        "apply -f cluster.yaml -d ca --only root",
    )
    .expect_success();
    machines.round();
    machines.round();
    assert_hosts(&machines, &[&old, &new], 1);
    // Without the specification, no member is known
    let refused = etcd_pki_in(&machines.path(""), "ca rotate -d ca --confirm-clients");
    let refused = refused.expect_code(3);
    assert!(
        refused.stdout().contains("no member is known"),
        "{refused:?}"
    );
    rotate(&machines, CONFIRMED);
    machines.round();
    machines.round();
    assert_hosts(&machines, &[&new], 0);
    assert_eq!(keys(), before);
}

//! Certificates of other CAs in the directory: `apply` never signs one of them, and says whose it is.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that cannot go on fails where it is"
)]

use std::fs;

use etcd_pki_core::{CertificateAuthority, Identity, Role};
use etcd_pki_tests::{cluster::Cluster, stderr_of};

const CERTIFICATE: &str = "client-root.pem";
const KEY: &str = "client-root-key.pem";

/// A CA of the directory that is not the cluster's own.
fn third() -> CertificateAuthority {
    CertificateAuthority::create("third").unwrap()
}

/// Writes what a CA signs in place of the pair of `root`.
fn sign_root(cluster: &Cluster, ca: &CertificateAuthority) {
    let bundle = ca.issue(Role::Client, Identity::new("root").unwrap());
    let bundle = bundle.unwrap();
    fs::write(cluster.file(CERTIFICATE), bundle.certificate_pem().unwrap()).unwrap();
    fs::write(cluster.file(KEY), bundle.secret_key_pem().unwrap()).unwrap();
}

/// Expects that neither `apply` nor `apply --rekey` writes the pair of `root`; returns why.
fn assert_left_alone(cluster: &Cluster) -> String {
    let files = [CERTIFICATE, KEY].map(|file| cluster.file(file));
    let before = files.clone().map(|file| fs::read(file).unwrap());
    let due = cluster.due()[CERTIFICATE].clone();
    assert!(due.starts_with("blocked: "), "{due}");
    for options in [&[][..], &["--rekey"]] {
        let output = cluster.command("apply").args(options).output().unwrap();
        let printed = stderr_of(&output, 1);
        assert!(printed.contains(CERTIFICATE), "{printed}");
        let after = files.clone().map(|file| fs::read(file).unwrap());
        assert!(before == after, "{due}");
    }
    due
}

/// The reason names the CA that signed it, and the way out is one for that reason.
#[test]
fn the_reason_names_the_ca_that_signed_it() {
    let cluster = Cluster::applied();
    let third = third();
    sign_root(&cluster, &third);
    let pem = third.certificate().to_pem().unwrap();
    fs::write(cluster.file("third.pem"), pem).unwrap();
    let reason =
        "signed by CN=third (third.pem), another CA of this directory; etcd-pki leaves it alone";
    assert_eq!(assert_left_alone(&cluster), format!("blocked: {reason}"));

    let output = cluster.command("apply").output().unwrap();
    let printed = stderr_of(&output, 1);
    assert!(printed.contains(reason), "{printed}");
    assert!(
        printed.contains("hint: renew it with the CA that signed it"),
        "{printed}"
    );
    assert!(!printed.contains("--rekey"), "{printed}");
    assert!(!printed.contains("not by third.pem"), "{printed}");
    let output = cluster.command("plan").output().unwrap();
    let printed = stderr_of(&output, 0);
    assert!(
        printed.contains("renew it with the CA that signed it"),
        "{printed}"
    );
    assert!(!printed.contains("bring back"), "{printed}");

    let plan = cluster.json("plan");
    let changes = plan["changes"].as_array().unwrap();
    let [change] = &changes[..] else {
        panic!("{plan}")
    };
    let reasons = change["reasons"].as_array().unwrap();
    assert_eq!(reasons[0]["code"], "EP053");
    assert_eq!(reasons[0]["target"], "third.pem");
    assert_eq!(reasons[0]["subject"], "CN=third");
}

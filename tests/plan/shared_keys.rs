//! A key of two pairs, or of a pair and a CA: it may be the only copy, so only a request for new
//! keys replaces it.
use std::{fs, os::unix::fs::symlink, path::Path};

use etcd_pki_core::{CertificateAuthority, PrivateKey};
use etcd_pki_tests::{
    cluster::{Cluster, SPECIFICATION},
    command::etcd_pki_in,
    run, stderr_of,
};

const KEY: &str = "client-root-key.pem";
const CERTIFICATE: &str = "client-root.pem";

/// A CA that is not the cluster's own.
fn third() -> (String, String) {
    let ca = CertificateAuthority::create("third").unwrap();
    let key = ca.key().unwrap().to_secret_pem();
    (ca.certificate().to_pem(), key.to_string())
}

fn append(path: &Path, text: &str) {
    let before = fs::read_to_string(path).unwrap();
    fs::write(path, before + text).unwrap();
}

/// Applies with these options, and checks that the pair of `root` is blocked and unchanged.
fn assert_blocked(cluster: &Cluster, options: &[&str], reason: &str) {
    let due = cluster.due()[CERTIFICATE].clone();
    assert!(due.starts_with(&format!("blocked: {reason}")), "{due}");
    let before = cluster.contents();
    let output = cluster.command("apply").args(options).output().unwrap();
    let printed = stderr_of(&output, 1);
    assert!(printed.contains(reason), "{printed}");
    assert!(!printed.contains("cannot be read"), "{printed}");
    let after = cluster.contents();
    for file in [KEY, CERTIFICATE] {
        assert_eq!(after.get(file), before.get(file), "{file}");
    }
}

#[test]
fn the_key_of_a_ca_is_neither_replaced_nor_certified() {
    let (certificate, key) = third();
    for (place, keeps_certificate) in [
        // In the bundle, in a separate file, in a directory, and as a replaced CA
        ("ca.pem", false),
        ("ca.pem", true),
        ("third.pem", false),
        ("third.crt", true),
        ("old/third.pem", false),
        ("ca-replaced-1.pem", false),
    ] {
        for options in [&[][..], &["--rekey"], &["--only", "root", "--rekey"]] {
            let cluster = Cluster::applied();
            fs::create_dir(cluster.file("old")).unwrap();
            match place {
                "ca.pem" => append(&cluster.file(place), &certificate),
                place => fs::write(cluster.file(place), &certificate).unwrap(),
            }
            fs::write(cluster.file(KEY), &key).unwrap();
            if !keeps_certificate {
                fs::remove_file(cluster.file(CERTIFICATE)).unwrap();
            }
            let before = fs::read(cluster.file(KEY)).unwrap();
            let output = cluster.command("apply").args(options).output().unwrap();
            let printed = stderr_of(&output, 1);
            assert!(printed.contains(place), "{printed}");
            assert_eq!(fs::read(cluster.file(KEY)).unwrap(), before, "{place}");
            assert_eq!(cluster.file(CERTIFICATE).exists(), keeps_certificate);
        }
    }
}

/// A named algorithm is blocked too: it requests other keys for pairs, not the loss of a CA.
#[test]
fn a_named_algorithm_does_not_replace_the_key_of_a_ca() {
    let (certificate, key) = third();
    let cluster = Cluster::applied();
    append(&cluster.file("ca.pem"), &certificate);
    fs::write(cluster.file(KEY), &key).unwrap();
    cluster.specify(&format!(
        "{SPECIFICATION}defaults: {{algorithm: ed25519}}\n"
    ));
    let _ = stderr_of(&cluster.command("apply").output().unwrap(), 1);
    assert_eq!(fs::read_to_string(cluster.file(KEY)).unwrap(), key);
}

/// The cluster's own CA also has its key in its own file, so a request for new keys replaces the
/// copy.
#[test]
fn a_copy_of_the_own_cas_key_is_replaced_on_request() {
    let cluster = Cluster::applied();
    let ca_key = fs::read(cluster.file("ca-key.pem")).unwrap();
    fs::write(cluster.file(KEY), &ca_key).unwrap();
    assert_blocked(&cluster, &[], "its key is the key of");
    let _ = run(cluster.command("apply").arg("--rekey")).expect_success();
    assert_ne!(fs::read(cluster.file(KEY)).unwrap(), ca_key);
    assert_eq!(fs::read(cluster.file("ca-key.pem")).unwrap(), ca_key);
    cluster.assert_whole();

    // Without its own file, the copy is the CA's only key
    fs::rename(cluster.file("ca-key.pem"), cluster.file(KEY)).unwrap();
    fs::remove_file(cluster.file(CERTIFICATE)).unwrap();
    assert_blocked(&cluster, &["--rekey"], "its key is the key of");
}

#[test]
fn a_key_of_two_pairs_is_replaced_on_request() {
    let cluster = Cluster::applied();
    let node = "node-kube-1-key.pem";
    fs::copy(cluster.file(node), cluster.file(KEY)).unwrap();
    let shared = fs::read(cluster.file(node)).unwrap();
    assert_blocked(&cluster, &[], "another pair has the same key");
    assert!(cluster.due()["node-kube-1.pem"].starts_with("blocked: another pair"));
    assert_eq!(fs::read(cluster.file(node)).unwrap(), shared);

    let _ = run(cluster.command("apply").arg("--rekey")).expect_success();
    let [one, other] = [node, KEY].map(|file| fs::read(cluster.file(file)).unwrap());
    assert!(one != shared && other != shared && one != other);
    cluster.assert_whole();

    // Two certificates with one key, both as the specification requires
    let line =
        format!("cert issue client root -d ssl --key ssl/{node} -o ssl/{CERTIFICATE} --force");
    let _ = etcd_pki_in(cluster.path(), &line).expect_success();
    fs::copy(cluster.file(node), cluster.file(KEY)).unwrap();
    assert_blocked(&cluster, &[], "another pair has the same key");
    // The copy is removed, and its pair gets a new key
    fs::remove_file(cluster.file(KEY)).unwrap();
    let _ = cluster.apply();
    assert_eq!(fs::read(cluster.file(node)).unwrap(), one);
    cluster.assert_whole();
}

/// The specification requests new keys, like `--rekey`.
#[test]
fn a_named_algorithm_replaces_a_key_of_two_pairs() {
    let cluster = Cluster::applied();
    fs::copy(cluster.file("node-kube-1-key.pem"), cluster.file(KEY)).unwrap();
    cluster.specify(&format!(
        "{SPECIFICATION}defaults: {{algorithm: ed25519}}\n"
    ));
    let _ = cluster.apply();
    cluster.assert_whole();
    let text = fs::read_to_string(cluster.file(KEY)).unwrap();
    let key = PrivateKey::from_pem(&text).unwrap();
    assert_eq!(key.algorithm().name(), "ed25519");
}

/// The link is replaced, and the key that it leads to stays.
#[test]
fn a_link_to_another_pairs_key() {
    let cluster = Cluster::applied();
    let node = "node-kube-1-key.pem";
    let before = fs::read(cluster.file(node)).unwrap();
    fs::remove_file(cluster.file(KEY)).unwrap();
    symlink(node, cluster.file(KEY)).unwrap();
    let due = cluster.due();
    assert!(due[CERTIFICATE].starts_with("blocked: "), "{due:?}");
    assert!(!due.contains_key("node-kube-1.pem"), "{due:?}");
    assert_eq!(fs::read(cluster.file(node)).unwrap(), before);
}

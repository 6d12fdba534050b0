//! The other commands in each stage of a rotation.
use std::fs;

use etcd_pki_core::{CaKind, Certificate, Layout};

use super::place::{CONFIRMED, Place, assert_signed, first};

/// The number of certificates in a file.
fn count(place: &Place, name: &str) -> usize {
    let file = fs::read(place.path().join(name)).unwrap();
    Certificate::all_from_bytes(&file).unwrap().len()
}

/// Certificates of other commands have the right signer and chain, and every command reads the
/// directory.
fn check_commands(place: &Place, signing: &Certificate, length: usize) {
    let _ = place
        .done("csr new --role client --name asked -o asked.csr --key-out asked-key.pem --force");
    let _ = place.done("cert sign asked.csr --role client --name asked -d p -o asked.pem --force");
    let _ = place.done("cert issue client issued -d p --force");
    for name in ["asked.pem", "p/client-issued.pem"] {
        assert_signed(place.path(), signing, &place.path().join(name));
        assert_eq!(count(place, name), length, "{name}");
    }
    let _ = place.done("cert renew p/client-root.pem -d p");
    assert_signed(place.path(), signing, &place.file("client-root.pem"));
    assert_eq!(count(place, "p/client-root.pem"), length);
    let _ = place.done("apply -f cluster.yaml");
    let _ = place.done("check p");
    let _ = place.done("export -f cluster.yaml --host etcd-1 -o out --force");
    let _ = place.done("check out");
    let _ = place.done("cert verify out/member-etcd-1.pem --host 10.0.0.11");
    let _ = place.done("env etcd -d p --host etcd-1");
    // A specification of the directory stays valid, because it has no name with a time
    let adopted = place.done("adopt p");
    assert!(!adopted.stdout().contains("etcd-ca@"), "{adopted:?}");
    fs::write(place.path().join("adopted.yaml"), adopted.stdout()).unwrap();
    let _ = place.done("plan -f adopted.yaml -d p --check");
    let listed = place.done("plan -f cluster.yaml --json");
    assert!(!listed.stdout().contains("ca-link"), "{listed:?}");
    fs::remove_file(place.file("client-issued.pem")).unwrap();
    fs::remove_file(place.file("client-issued-key.pem")).unwrap();
}

#[test]
fn in_each_stage() {
    let place = Place::new(Layout::Kubespray, "");
    let old = place.bundle(CaKind::Client)[0].clone();
    check_commands(&place, &old, 1);
    let _ = place.rotate("--prepare").expect_success();
    let bundle = place.bundle(CaKind::Client);
    check_commands(&place, &old, 1);
    assert_eq!(place.bundle(CaKind::Client), bundle);
    let _ = place
        .rotate(&format!("--strategy link {CONFIRMED}"))
        .expect_success();
    let new = place.bundle(CaKind::Client)[0].clone();
    // A directory in the middle of a rotation can be adopted too
    let adopted = place.done("adopt p");
    assert!(adopted.stdout().contains("kube-1"), "{adopted:?}");
    check_commands(&place, &new, 2);
    let _ = place.done("apply -f cluster.yaml --prune");
    let _ = place.rotate(CONFIRMED).expect_success();
    check_commands(&place, &new, 1);
    assert_eq!(place.bundle(CaKind::Client), [new]);
}

/// A renewed CA keeps its place in the trust bundle and its rotation.
#[test]
fn a_ca_is_renewed_during_a_rotation() {
    let place = Place::new(Layout::Kubespray, "");
    let _ = place.rotate("--prepare").expect_success();
    let _ = place.done("ca renew -d p");
    assert_eq!(place.stage(""), "trusted");
    let _ = place
        .rotate(&format!("--strategy link {CONFIRMED}"))
        .expect_success();
    let _ = place.done("ca renew -d p");
    assert_eq!(place.stage(""), "switched");
    let _ = place.done("apply -f cluster.yaml");
    let bundle = place.bundle(CaKind::Client);
    for ca in &bundle {
        place.assert_accepted(CaKind::Client, &[ca], true);
    }
}

/// A host that is added during a rotation gets the right files.
#[test]
fn a_new_host_in_each_stage() {
    let place = Place::new(Layout::Kubespray, "");
    let specification = fs::read_to_string(place.path().join("cluster.yaml")).unwrap();
    let add = |name: &str, address: &str| {
        let line = format!("members:\n  - {{name: {name}, addresses: [{address}]}}\n");
        let more = specification.replace("members:\n", &line);
        fs::write(place.path().join("more.yaml"), more).unwrap();
        let _ = place.done("apply -f more.yaml");
        first(place.file(format!("member-{name}.pem")))
    };
    let _ = place.rotate("--prepare").expect_success();
    let trusted = add("etcd-3", "10.0.0.13");
    let bundle = place.bundle(CaKind::Client);
    assert_eq!(trusted.issuer(), bundle[0].subject());
    let all = format!("{CONFIRMED} --confirm-restarted etcd-3");
    let _ = place
        .rotate(&format!("--strategy link {all}"))
        .expect_success();
    let switched = add("etcd-4", "10.0.0.14");
    assert_eq!(switched.issuer(), bundle[1].subject());
    assert_eq!(count(&place, "p/member-etcd-4.pem"), 2);
}

/// A CA is not replaced in the middle of its rotation.
#[test]
fn a_rotation_is_not_replaced() {
    let place = Place::new(Layout::Kubespray, "");
    let _ = place.rotate("--prepare").expect_success();
    let before = fs::read(place.file("ca.pem")).unwrap();
    let refused = place.pki("ca new -d p --replace-ca").expect_code(1);
    assert!(refused.stderr().contains("rotation"), "{refused:?}");
    assert_eq!(fs::read(place.file("ca.pem")).unwrap(), before);
}

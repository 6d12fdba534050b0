//! Whole rotations.
use std::fs;

use etcd_pki_core::{CaKind, Certificate, Layout, x509::RevocationList};
use etcd_pki_tests::openssl;

use super::place::{CONFIRMED, Place, first};

/// The keys, and the CA certificates of the two CAs of a rotation.
fn public_keys(place: &Place, kind: CaKind) -> Vec<String> {
    let leaves = place.leaves(kind).into_iter();
    let keys = leaves.map(|leaf| first(leaf).public_key().fingerprint_sha256());
    keys.collect()
}

/// With a link certificate, verifiers with the old or the new CA accept the new leaves.
fn rotate_with_link(place: &Place, kind: CaKind, options: &str) {
    let [old] = &place.bundle(kind)[..] else {
        panic!("one CA")
    };
    let keys = public_keys(place, kind);
    let _ = place
        .rotate(&format!("{options} --strategy link {CONFIRMED}"))
        .expect_success();
    assert_eq!(place.stage(options), "switched");
    let [new, still] = &place.bundle(kind)[..] else {
        panic!("two CAs")
    };
    assert_eq!(still, old);
    // The canary: the other members still have certificates of the old CA
    let _ = place.done("apply -f cluster.yaml --only etcd-1");
    place.assert_accepted(kind, &[old], true);
    let refused = place
        .rotate(&format!("{options} {CONFIRMED}"))
        .expect_code(3);
    assert!(refused.stdout().contains("signed"), "{refused:?}");
    let _ = place.done("apply -f cluster.yaml");
    for trusted in [&[old][..], &[new], &[old, new], &[new, old]] {
        place.assert_accepted(kind, trusted, true);
    }
    assert_eq!(public_keys(place, kind), keys);
    let _ = place.done("check p");
    let _ = place.done("plan -f cluster.yaml --check");
    // The gate is closed until every member is known to trust the new CA
    for missing in [
        "--confirm-clients",
        "--confirm-restarted etcd-1 --confirm-clients",
    ] {
        let _ = place.rotate(&format!("{options} {missing}")).expect_code(3);
    }
    let before: Vec<Certificate> = place.leaves(kind).iter().map(first).collect();
    let _ = place
        .rotate(&format!("{options} {CONFIRMED}"))
        .expect_success();
    assert_eq!(place.stage(options), "steady");
    assert_eq!(place.bundle(kind), std::slice::from_ref(new));
    let _ = place.done("apply -f cluster.yaml");
    for (leaf, before) in place.leaves(kind).iter().zip(before) {
        let file = fs::read(leaf).unwrap();
        assert_eq!(Certificate::all_from_bytes(&file).unwrap(), [before]);
    }
    place.assert_accepted(kind, &[new], true);
    place.assert_accepted(kind, &[old], false);
    let _ = place.rotate(options).expect_code(3);
    let _ = place
        .rotate(&format!("{options} --forget"))
        .expect_success();
    let _ = place.done("check p");
    let _ = place.done("plan -f cluster.yaml --check");
}

/// The CA that signs signs the revocation lists too, and no entry is lost.
#[test]
fn revocation_lists() {
    let place = Place::new(Layout::Kubespray, "");
    for name in ["alice", "bob"] {
        let _ = place.done(&format!("cert issue client {name} -d p"));
        let _ = place.done(&format!("crl revoke p/client-{name}.pem -d p"));
    }
    let list = || RevocationList::from_der(&fs::read(place.file("revoked.crl")).unwrap()).unwrap();
    let [old] = &place.bundle(CaKind::Client)[..] else {
        panic!("one CA")
    };
    assert!(list().check_issued_by(old).is_ok());
    let _ = place
        .rotate(&format!("--strategy link {CONFIRMED}"))
        .expect_success();
    let new = place.bundle(CaKind::Client).swap_remove(0);
    assert!(list().check_issued_by(&new).is_ok());
    let _ = place.rotate("--back").expect_success();
    assert!(list().check_issued_by(old).is_ok());
    let _ = place.rotate("--back").expect_success();
    let _ = place
        .rotate(&format!("--strategy link {CONFIRMED}"))
        .expect_success();
    let _ = place.done("apply -f cluster.yaml --prune");
    let _ = place.rotate(CONFIRMED).expect_success();
    let _ = place.rotate("--forget").expect_success();
    let [new] = &place.bundle(CaKind::Client)[..] else {
        panic!("one CA")
    };
    assert!(list().check_issued_by(new).is_ok());
    assert_eq!(list().entries().len(), 2);
    let _ = place.done("crl show -d p");
    let _ = place.done("apply -f cluster.yaml");
}

/// The old CA is not dropped while the record has a certificate of it that nobody has replaced or
/// revoked, unless the user states that it is unused.
#[test]
fn recorded_certificates_close_the_last_gate() {
    for answer in ["revoke", "state", "issue again"] {
        let place = Place::new(Layout::Kubespray, "");
        let _ = place.done("cert issue client elsewhere -d p --out elsewhere.pem");
        let serial = first(place.path().join("elsewhere.pem"))
            .serial_number()
            .to_string();
        let _ = place
            .rotate(&format!("--strategy link {CONFIRMED}"))
            .expect_success();
        let _ = place.done("apply -f cluster.yaml");
        let refused = place.rotate(CONFIRMED).expect_code(3);
        assert!(refused.stdout().contains(&serial), "{refused:?}");
        let mut unused = String::new();
        match answer {
            "revoke" => {
                let _ = place.done(&format!("crl revoke {serial} -d p"));
            }
            "state" => unused = format!("--confirm-issued {serial}"),
            _ => {
                let _ = place.done("cert issue client elsewhere -d p --out elsewhere.pem --force");
            }
        }
        let _ = place
            .rotate(&format!("{CONFIRMED} {unused}"))
            .expect_success();
        assert_eq!(place.stage(""), "steady");
    }
}

#[test]
fn with_a_link_in_each_layout() {
    for layout in Layout::ALL {
        let place = Place::new(layout, "");
        rotate_with_link(&place, CaKind::Client, "");
        if layout.separates_peers() {
            rotate_with_link(&place, CaKind::Peer, "--peers");
        }
    }
}

/// Both CAs of a cluster with a separate peer CA, one after the other.
#[test]
fn separate_peers() {
    let place = Place::new(Layout::Kubespray, "ca: {peers: separate}\n");
    let peers = place.bundle(CaKind::Peer);
    rotate_with_link(&place, CaKind::Client, "");
    assert_eq!(place.bundle(CaKind::Peer), peers);
    let client = place.bundle(CaKind::Client);
    rotate_with_link(&place, CaKind::Peer, "--peers");
    assert_eq!(place.bundle(CaKind::Client), client);
}

/// A CA with path length 0 cannot vouch for another one.
#[test]
fn with_a_bundle() {
    let place = Place::new(Layout::Kubespray, "");
    let _ = place.done("ca renew -d p --path-length 0");
    let old = &place.bundle(CaKind::Client)[0];
    let refused = place
        .rotate(&format!("--strategy link {CONFIRMED}"))
        .expect_code(3);
    assert!(refused.stdout().contains("path length 0"), "{refused:?}");
    let _ = place.rotate("").expect_success();
    assert_eq!(place.stage(""), "trusted");
    let new = &place.bundle(CaKind::Client)[1];
    // Nothing is signed by the new CA yet
    let _ = place.done("plan -f cluster.yaml --check");
    let _ = place.done("check p");
    place.assert_accepted(CaKind::Client, &[old], true);
    for closed in [
        "",
        "--confirm-clients",
        "--confirm-restarted etcd-1 --confirm-clients",
    ] {
        let _ = place.rotate(closed).expect_code(3);
    }
    let _ = place.rotate(CONFIRMED).expect_success();
    assert_eq!(place.stage(""), "switched");
    let _ = place.done("apply -f cluster.yaml");
    place.assert_accepted(CaKind::Client, &[old], false);
    for trusted in [&[new][..], &[old, new], &[new, old]] {
        place.assert_accepted(CaKind::Client, trusted, true);
    }
    let _ = place.rotate(CONFIRMED).expect_success();
    let _ = place.rotate("--forget").expect_success();
    assert_eq!(place.bundle(CaKind::Client), std::slice::from_ref(new));
}

/// The CA of Kubespray's script has no keyUsage and no path length.
#[test]
fn from_the_ca_of_kubespray() {
    let place = Place::empty(Layout::Kubespray, "");
    fs::create_dir(place.file("")).unwrap();
    for line in [
        "genrsa -out p/ca-key.pem 2048",
        "req -x509 -new -nodes -key p/ca-key.pem -days 3650 -out p/ca.pem -subj /CN=etcd-ca \
         -addext basicConstraints=critical,CA:TRUE",
    ] {
        let _ = openssl::call(place.path(), line);
    }
    let _ = place.done("ca renew -d p");
    let _ = place.done("apply -f cluster.yaml");
    rotate_with_link(&place, CaKind::Client, "");
    let [ca] = &place.bundle(CaKind::Client)[..] else {
        panic!("one CA")
    };
    assert_eq!(ca.path_length(), Some(1));
}

/// The way back from each stage, and again forward.
#[test]
fn back() {
    let place = Place::new(Layout::Kubeadm, "");
    let old = place.bundle(CaKind::Client);
    let nothing = place.rotate("--back").expect_code(1);
    assert!(nothing.stderr().contains("no rotation"), "{nothing:?}");
    let _ = place.rotate("--prepare").expect_success();
    let _ = place.rotate("--back").expect_success();
    assert_eq!(place.bundle(CaKind::Client), old);
    let _ = place
        .rotate(&format!("--strategy link {CONFIRMED}"))
        .expect_success();
    let _ = place.done("apply -f cluster.yaml");
    let _ = place.rotate("--back").expect_success();
    assert_eq!(place.stage(""), "trusted");
    // Certificates of the new CA must be signed again first
    let refused = place.rotate("--back").expect_code(3);
    assert!(refused.stderr().contains("server.crt"), "{refused:?}");
    let _ = place.done("apply -f cluster.yaml");
    place.assert_accepted(CaKind::Client, &[&old[0]], true);
    let _ = place.rotate("--back").expect_success();
    assert_eq!(place.bundle(CaKind::Client), old);
    let _ = place.done("plan -f cluster.yaml --check");
    // After the end, as long as the key is kept
    let _ = place
        .rotate(&format!("--strategy link {CONFIRMED}"))
        .expect_success();
    let _ = place.done("apply -f cluster.yaml");
    let _ = place.rotate(CONFIRMED).expect_success();
    let _ = place.rotate("--back").expect_success();
    assert_eq!(place.stage(""), "switched");
    let _ = place.done("apply -f cluster.yaml");
    place.assert_accepted(CaKind::Client, &[&old[0]], true);
}

/// A leaked key: the old CA is not trusted any more at once.
#[test]
fn emergency() {
    for prepares in [false, true] {
        let place = Place::new(Layout::Kubespray, "");
        let old = place.bundle(CaKind::Client);
        if prepares {
            let _ = place.rotate("--prepare").expect_success();
        }
        let done = place.rotate("--emergency").expect_success();
        assert!(done.stderr().contains("warning: only etcd-ca@"), "{done:?}");
        let [new] = &place.bundle(CaKind::Client)[..] else {
            panic!("one CA")
        };
        let _ = place.done("apply -f cluster.yaml");
        place.assert_accepted(CaKind::Client, &[new], true);
        place.assert_accepted(CaKind::Client, &[&old[0]], false);
    }
}

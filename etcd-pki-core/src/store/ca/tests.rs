//! Tests reading and writing of CAs.

use std::fs;

use super::*;
use crate::{
    layout::Layout,
    test_certificates::{self, Made},
};

/// A store trusts a CA with the name and the key of one of its CAs, and a CA below one of them.
#[test]
fn whom_a_store_trusts() {
    let root = Made::root(test_certificates::ca("root", None));
    let renewed = root.again(|params| params.not_after = rcgen::date_time_ymd(2090, 1, 1));
    let other_name = root.again(|params| *params = test_certificates::ca("other", None));
    let namesake = Made::root(test_certificates::ca("root", None));
    let middle = root.sign(test_certificates::ca("middle", None));
    let stranger = Made::root(test_certificates::ca("stranger", None));
    let scratch = tempfile::tempdir().unwrap();
    let store = Store::new(scratch.path(), Layout::Kubespray);
    let trusts = |chain: &[&Made]| {
        let certificates = chain.iter().map(|made| made.certificate.clone());
        let ca = CertificateAuthority::load(certificates.collect(), chain[0].private_key());
        store.trusts(&ca.unwrap()).unwrap()
    };
    assert_eq!(trusts(&[&root]), None);
    let texts = [&stranger, &root].map(|made| made.certificate.to_pem());
    fs::write(scratch.path().join("ca.pem"), texts.concat()).unwrap();
    for (what, chain, expected) in [
        ("the same", &[&root][..], true),
        ("a renewed one", &[&renewed], true),
        ("one below", &[&middle], true),
        ("one below, with its root", &[&middle, &renewed], true),
        ("one of another name", &[&other_name], false),
        ("one of another key", &[&namesake], false),
    ] {
        assert_eq!(trusts(chain), Some(expected), "{what}");
    }
}

/// Replaces a CA of this layout although other layouts have files in the directory.
#[test]
fn files_of_another_layout_do_not_keep_a_ca() {
    let create = |name| CertificateAuthority::create(name).unwrap();
    for without in [None, Some("ca.pem"), Some("ca-key.pem")] {
        let scratch = tempfile::tempdir().unwrap();
        let store = Store::new(scratch.path(), Layout::Kubespray);
        let locked = store.lock().unwrap();
        locked
            .write_ca(CaKind::Client, &create("ca"), None)
            .unwrap();
        let other = Made::root(test_certificates::ca("ca", None));
        fs::create_dir(scratch.path().join("etcd")).unwrap();
        for (file, made) in [
            ("etcd/ca.crt", &other),
            (
                "etcd/server.crt",
                &other.sign(test_certificates::member("a")),
            ),
            ("etcd/peer.crt", &other.sign(test_certificates::member("a"))),
        ] {
            let text = made.certificate.to_pem();
            fs::write(scratch.path().join(file), text).unwrap();
        }
        if let Some(file) = without {
            fs::remove_file(scratch.path().join(file)).unwrap();
        }
        let replaced = locked.replace_ca(CaKind::Client, &create("ca"), None);
        assert!(replaced.is_ok(), "{without:?}: {replaced:?}");
        // Without either file there is nothing to replace
        for file in ["ca.pem", "ca-key.pem"] {
            fs::remove_file(scratch.path().join(file)).unwrap();
        }
        let replaced = locked.replace_ca(CaKind::Client, &create("ca"), None);
        assert!(matches!(replaced, Err(Error::ExistingCa { .. })));
    }
}

/// A CA is not renewed with a path length that would make etcd refuse a leaf below an
/// intermediate CA. Certificates of CAs are no leaves.
#[test]
fn leaves_below_a_renewed_ca() {
    let root = Made::root(test_certificates::ca("root", None));
    let middle = root.sign(test_certificates::ca("middle", None));
    let below_middle = middle.sign(test_certificates::ca("lower", None));
    // Another CA with the key of the root is between them
    let same_key = root.again(|params| *params = test_certificates::ca("other", None));
    let same_key = root.sign_again(&same_key);
    let below = same_key.sign(test_certificates::ca("below", None));
    let leaf = |ca: &Made| ca.sign(test_certificates::member("a"));
    let renewed = |length| {
        let renewed = root.again(|params| *params = test_certificates::ca("root", length));
        renewed.certificate
    };
    for (what, all, length, expected) in [
        ("a direct leaf", &[&leaf(&root)][..], Some(0), true),
        ("one CA", &[&leaf(&middle), &middle], Some(0), false),
        ("one CA", &[&leaf(&middle), &middle], Some(1), true),
        ("one CA", &[&leaf(&middle), &middle], None, true),
        ("a CA", &[&below_middle, &middle], Some(0), true),
        (
            "two CAs",
            &[&leaf(&below), &below, &same_key],
            Some(1),
            false,
        ),
        (
            "two CAs",
            &[&leaf(&below), &below, &same_key],
            Some(2),
            true,
        ),
    ] {
        let scratch = tempfile::tempdir().unwrap();
        let store = Store::new(scratch.path(), Layout::Kubespray);
        let paths = store.layout().ca(CaKind::Client);
        let texts: Vec<_> = all.iter().map(|made| made.certificate.to_pem()).collect();
        fs::write(scratch.path().join("member-a.pem"), texts.concat()).unwrap();
        fs::write(scratch.path().join("ca.pem"), root.certificate.to_pem()).unwrap();
        let locked = store.lock().unwrap();
        let checked = locked.check_leaves(&paths, &renewed(length));
        assert_eq!(checked.is_ok(), expected, "{what} {length:?}: {checked:?}");
    }
}

/// A CA is only created in a directory without signs of another CA. What an interrupted run or
/// a crash of the system left is no such sign.
#[test]
fn signs_of_a_ca() {
    use crate::{role::Role, x509::identity::Identity};

    let [one, other] = ["ca", "ca"].map(|name| CertificateAuthority::create(name).unwrap());
    let leaf = |ca: &CertificateAuthority| {
        let leaf = ca.issue(Role::Client, Identity::new("a").unwrap());
        leaf.unwrap().certificate().to_pem()
    };
    let text = |ca: &CertificateAuthority| ca.certificate().to_pem();
    let key = |ca: &CertificateAuthority| ca.key().unwrap().to_secret_pem().to_string();
    let blank = || "\0".repeat(9);
    for (what, files, expected) in [
        ("nothing", vec![], true),
        (
            "blank files",
            vec![("ca.pem", blank()), ("ca-key.pem", blank())],
            true,
        ),
        (
            "a CA",
            vec![("ca.pem", text(&other)), ("ca-key.pem", key(&other))],
            false,
        ),
        (
            "only its certificate",
            vec![("ca.pem", text(&other))],
            false,
        ),
        ("the same certificate", vec![("ca.pem", text(&one))], false),
        ("the key", vec![("ca-key.pem", key(&one))], true),
        (
            "the key and a blank file",
            vec![("ca-key.pem", key(&one)), ("ca.pem", blank())],
            true,
        ),
        ("another key", vec![("ca-key.pem", key(&other))], false),
        (
            "its leaf without a key",
            vec![("client-a.pem", leaf(&one))],
            false,
        ),
        (
            "a leaf of another CA",
            vec![("client-a.pem", leaf(&other))],
            false,
        ),
        (
            "the key and its leaf",
            vec![("ca-key.pem", key(&one)), ("client-a.pem", leaf(&one))],
            true,
        ),
        (
            "the key and a leaf of another CA",
            vec![("ca-key.pem", key(&one)), ("client-a.pem", leaf(&other))],
            false,
        ),
        (
            "a replaced CA",
            vec![("ca-replaced-1.pem", text(&other))],
            true,
        ),
    ] {
        let scratch = tempfile::tempdir().unwrap();
        for (file, text) in files {
            fs::write(scratch.path().join(file), text).unwrap();
        }
        let store = Store::new(scratch.path(), Layout::Kubespray);
        let written = store.lock().unwrap().write_ca(CaKind::Client, &one, None);
        assert_eq!(written.is_ok(), expected, "{what}: {written:?}");
        if expected {
            let loaded = store.ca(CaKind::Client, None).unwrap();
            assert_eq!(loaded.certificate(), one.certificate(), "{what}");
        }
    }
}

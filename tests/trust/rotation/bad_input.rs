//! Files that fit no stage: the error has a hint, and nothing is written.
use std::{collections::BTreeMap, fs};

use etcd_pki_core::{CaKind, Layout};
use etcd_pki_tests::LOCK_FILE;

use super::place::{CONFIRMED, Place};

fn files(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(place.file("")).unwrap().map(Result::unwrap);
    let files = entries.map(|entry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    });
    files.filter(|(name, _)| name != LOCK_FILE).collect()
}

/// Damages a place, with the files of another place.
type Damage = fn(&Place, &Place);

/// A cluster in the stage trusted.
fn trusted() -> Place {
    let place = Place::new(Layout::Kubespray, "");
    let _ = place.rotate("--prepare").expect_success();
    place
}

#[test]
fn files_that_fit_no_stage() {
    let other = trusted();
    let cases: [(&str, Damage, &str); 6] = [
        (
            "no link",
            |place, _| fs::remove_file(place.file("ca-link.pem")).unwrap(),
            "ca-link.pem is missing",
        ),
        (
            "the link of another rotation",
            |place, other| {
                fs::copy(other.file("ca-link.pem"), place.file("ca-link.pem")).unwrap();
            },
            "ca-link.pem",
        ),
        (
            "another key",
            |place, other| {
                fs::copy(other.file("ca-key.pem"), place.file("ca-key.pem")).unwrap();
            },
            "ca-key.pem",
        ),
        (
            "the key of another next CA",
            |place, other| {
                fs::copy(other.file("ca-next-key.pem"), place.file("ca-next-key.pem")).unwrap();
            },
            "ca-next-key.pem is not the key",
        ),
        (
            "no next key",
            |place, _| fs::remove_file(place.file("ca-next-key.pem")).unwrap(),
            "ca-next-key.pem",
        ),
        (
            "a damaged link",
            |place, _| fs::write(place.file("ca-link.pem"), "damaged").unwrap(),
            "ca-link.pem",
        ),
    ];
    for (what, damage, expected) in cases {
        let place = trusted();
        damage(&place, &other);
        let before = files(&place);
        for action in [
            "",
            "--status",
            "--back",
            "--prepare",
            "--emergency",
            "--forget",
        ] {
            let refused = place.rotate(&format!("{action} {CONFIRMED}"));
            let refused = refused.expect_code(1);
            assert!(refused.stderr().contains(expected), "{what}: {refused:?}");
            assert!(refused.stderr().contains("hint: "), "{what}: {refused:?}");
        }
        assert_eq!(files(&place), before, "{what}");
        let checked = place.pki("check p");
        let found = checked.stdout();
        assert!(
            found.contains("EP061") || found.contains(expected),
            "{what}: {found}"
        );
    }
}

/// A trust bundle that somebody cut to the old CA while the new one signs. The only key of the new
/// CA stays, and also that of the old CA.
#[test]
fn a_trust_bundle_that_was_cut() {
    let place = Place::new(Layout::Kubespray, "");
    let _ = place
        .rotate(&format!("--strategy link {CONFIRMED}"))
        .expect_success();
    let _ = place.done("apply -f cluster.yaml");
    fs::copy(place.file("ca-previous.pem"), place.file("ca.pem")).unwrap();
    let before = files(&place);
    for action in ["", "--status", "--back", "--emergency", "--forget"] {
        let refused = place.rotate(&format!("{action} {CONFIRMED}"));
        let refused = refused.expect_code(1);
        assert!(
            refused.stderr().contains("lacks one of the two CAs"),
            "{refused:?}"
        );
    }
    assert_eq!(files(&place), before);
}

/// A plan neither signs nor takes link certificates out of files while the files of the rotation
/// fit no stage.
#[test]
fn plans_without_a_stage() {
    let place = Place::new(Layout::Kubespray, "");
    let _ = place
        .rotate(&format!("--strategy link {CONFIRMED}"))
        .expect_success();
    let _ = place.done("apply -f cluster.yaml");
    fs::remove_file(place.file("ca-link.pem")).unwrap();
    let before = files(&place);
    let blocked = place.pki("apply -f cluster.yaml").expect_code(1);
    assert!(
        blocked.stderr().contains("ca-link.pem is missing"),
        "{blocked:?}"
    );
    assert_eq!(files(&place), before);
}

/// The previous CA is forgotten only if a new one can be created.
#[test]
fn an_emergency_that_fails() {
    let place = Place::new(Layout::Kubespray, "");
    let _ = place
        .rotate(&format!("--strategy link {CONFIRMED}"))
        .expect_success();
    let _ = place.done("apply -f cluster.yaml");
    let _ = place.rotate(CONFIRMED).expect_success();
    let _ = place.done("apply -f cluster.yaml");
    fs::copy(
        place.file("client-root-key.pem"),
        place.file("ca-next-key.pem"),
    )
    .unwrap();
    let before = files(&place);
    let refused = place.rotate("--emergency").expect_code(1);
    assert!(
        refused
            .stderr()
            .contains("is the key of another certificate"),
        "{refused:?}"
    );
    assert_eq!(files(&place), before);
    fs::remove_file(place.file("ca-next-key.pem")).unwrap();
    let _ = place.rotate("--emergency").expect_success();
    assert!(place.file("ca-previous-key.pem").exists());
}

/// The key of another certificate is not the key of a new CA.
#[test]
fn a_next_key_of_another_certificate() {
    for (key, expected) in [
        ("ca-key.pem", "ca-link.pem is missing"),
        ("client-root-key.pem", "is the key of another certificate"),
    ] {
        let place = Place::new(Layout::Kubespray, "");
        fs::copy(place.file(key), place.file("ca-next-key.pem")).unwrap();
        let before = files(&place);
        let refused = place.rotate("--prepare").expect_code(1);
        assert!(refused.stderr().contains(expected), "{refused:?}");
        assert_eq!(files(&place), before);
    }
}

/// What members advertise does not distinguish two CAs of one name.
#[test]
fn two_cas_of_one_name() {
    let (place, other) = (
        Place::new(Layout::Kubespray, ""),
        Place::new(Layout::Kubespray, ""),
    );
    let both = [&place, &other].map(|place| fs::read_to_string(place.file("ca.pem")).unwrap());
    fs::write(place.file("ca.pem"), both.concat()).unwrap();
    let before = files(&place);
    for action in ["", "--prepare", "--emergency"] {
        let refused = place.rotate(action).expect_code(1);
        assert!(
            refused.stderr().contains("two CAs with the name"),
            "{refused:?}"
        );
    }
    assert_eq!(files(&place), before);
    assert_eq!(place.bundle(CaKind::Client).len(), 2);
}

#[test]
fn names_of_no_member() {
    let place = trusted();
    for option in [
        "--confirm-restarted etcd-9",
        "--endpoint etcd-9=10.0.0.19:2379:2380",
    ] {
        let refused = place.rotate(option).expect_code(2);
        assert!(
            refused.stderr().contains("etcd-9 is no member"),
            "{refused:?}"
        );
    }
    for endpoint in [
        "etcd-1",
        "etcd-1=10.0.0.11",
        "etcd-1=10.0.0.11:0:1",
        "etcd-1=a b:1:2",
    ] {
        let _ = place.rotate(&format!("--endpoint={endpoint}"));
    }
    let refused = place
        .rotate("--endpoint etcd-1=10.0.0.11:2379")
        .expect_code(2);
    assert!(refused.stderr().contains("--endpoint"), "{refused:?}");
}

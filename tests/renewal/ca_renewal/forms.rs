//! Trust bundles in forms that etcd does not read, or reads only in part.

use std::fs;

use etcd_pki_core::{Certificate, verify};

use super::{CA, MEMBER, Place};

/// A directory with a CA, a second CA that is only in its trust bundle, and a leaf.
fn place() -> Place {
    let place = Place::new();
    place.root("ca", "/CN=etcd-ca", CA);
    place.root("other", "/CN=other", CA);
    place.signed("leaf", "/CN=node1", "ca", MEMBER, 30);
    place.copy(&["ca"]);
    place
}

/// Faulty forms of a file, with its text.
fn forms(place: &Place) -> Vec<(&'static str, Vec<u8>)> {
    let (own, other) = (place.read("ca.pem"), place.read("other.pem"));
    let indented: String = own.lines().map(|line| format!(" {line}\n")).collect();
    place.openssl("x509 -in ca.pem -outform DER -out der");
    place.openssl("x509 -in ca.pem -trustout -out trusted");
    assert!(place.read("trusted").contains("TRUSTED CERTIFICATE"));
    vec![
        ("as etcd reads it", own.clone().into_bytes()),
        ("indented", indented.clone().into_bytes()),
        ("a byte order mark", format!("\u{feff}{own}").into_bytes()),
        ("DER", fs::read(place.file("der")).unwrap()),
        ("trusted", place.read("trusted").into_bytes()),
        (
            "indented, then another",
            format!("{indented}{other}").into_bytes(),
        ),
        (
            "another, then indented",
            format!("{other}{indented}").into_bytes(),
        ),
        (
            "trusted and another",
            (place.read("trusted") + &other).into_bytes(),
        ),
        ("carriage returns", own.replace('\n', "\r\n").into_bytes()),
    ]
}

#[test]
fn what_is_renewed_is_read_by_etcd() {
    let place = place();
    for (form, text) in forms(&place) {
        fs::write(place.file("p/ca.pem"), &text).unwrap();
        let _ = place.pki("ca renew -d p").expect_success();
        let renewed = fs::read(place.file("p/ca.pem")).unwrap();
        let trusted = verify::trusted_ca(&renewed).unwrap();
        let names: Vec<_> = trusted
            .iter()
            .filter_map(Certificate::common_name)
            .collect();
        let mut expected = vec!["etcd-ca"];
        if form.contains("another") {
            expected.push("other");
        }
        if form.starts_with("another") {
            expected.reverse();
        }
        assert_eq!(names.len(), expected.len(), "{form}: {names:?}");
        assert!(
            expected
                .iter()
                .all(|name| names.contains(&(*name).to_owned())),
            "{form}"
        );
        assert_ne!(renewed, text, "{form}");
        place.assert_accepted("p/ca.pem", "leaf.pem");
        let checked = place.pki("check p").expect_success();
        assert!(!checked.stdout().contains("EP041"), "{form}: {checked:?}");
    }
}

/// Contents that are not a certificate may be the only copy: the file stays, and the error contains
/// the reason.
#[test]
fn a_form_that_cannot_be_changed() {
    let place = place();
    place.write("extensions", "");
    place.openssl("req -new -key ca-key.pem -subj /CN=x -out request.csr");
    let text = format!(
        "\u{feff}{}{}",
        place.read("ca.pem"),
        place.read("request.csr")
    );
    place.write("p/ca.pem", &text);
    let refused = place.pki("ca renew -d p").expect_code(1);
    assert!(
        refused.stderr().contains("etcd does not read it"),
        "{refused:?}"
    );
    assert_eq!(place.read("p/ca.pem"), text);
}

/// If the key of a CA is in the directory, this CA counts as the CA of the directory, even if etcd
/// skips its certificate.
#[test]
fn a_plan_for_a_certificate_that_etcd_skips() {
    let place = place();
    place.write(
        "s.yaml",
        "directory: p\nadmin: none\nmembers: [{name: node1, addresses: [10.0.0.1]}]\n",
    );
    let _ = place.pki("apply -f s.yaml").expect_success();
    for (form, text) in forms(&place) {
        if !form.contains("indented") {
            continue;
        }
        fs::write(place.file("p/ca.pem"), &text).unwrap();
        let planned = place.pki("plan -f s.yaml").expect_success();
        assert!(planned.stdout().contains("ca.pem"), "{form}: {planned:?}");
        let _ = place.pki("apply -f s.yaml").expect_success();
        let written = fs::read(place.file("p/ca.pem")).unwrap();
        let names: Vec<_> = verify::trusted_ca(&written).unwrap();
        let names: Vec<_> = names.iter().filter_map(Certificate::common_name).collect();
        assert!(names.contains(&"etcd-ca".to_owned()), "{form}: {names:?}");
        assert_eq!(
            names.contains(&"other".to_owned()),
            form.contains("another"),
            "{form}"
        );
        place.assert_accepted("p/ca.pem", "leaf.pem");
        let _ = place.pki("check p").expect_success();
    }
}

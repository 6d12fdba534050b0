//! Chains: where the root and the intermediate CAs are, and which of them a renewal keeps.

use std::fs;

use etcd_pki_core::Certificate;
use etcd_pki_tests::{
    go,
    openssl::{self, Purpose},
};
use serde_json::Value;

use super::{CA, MEMBER, Place};

const BELOW: &str = "authorityKeyIdentifier=keyid\n";

/// The root `top`, the CAs `upper` and `lower`, and the member that `lower` signed, which is due if
/// `is_due`.
fn chain(is_due: bool) -> Place {
    let place = Place::new();
    place.root("top", "/CN=top", CA);
    let ca = format!("{CA}{BELOW}");
    place.signed("upper", "/CN=upper", "top", &ca, 390);
    place.signed("lower", "/CN=lower", "upper", &ca, 380);
    place.request("member-node1", "/CN=etcd-member-node1");
    let leaf = format!("{MEMBER}{BELOW}");
    let (since, days) = if is_due { (300, 10) } else { (1, 360) };
    place.dated("member-node1", "lower", &leaf, since, days);
    place.copy_key("member-node1", "member-node1");
    place
}

impl Place {
    /// Writes several certificates into a file.
    fn join(&self, file: &str, names: &[&str]) {
        let all = names.iter().map(|name| self.read(&format!("{name}.pem")));
        self.write(file, &all.collect::<String>());
    }

    fn certificates(&self, file: &str) -> Vec<Certificate> {
        Certificate::all_from_bytes(&fs::read(self.file(file)).unwrap()).unwrap()
    }

    fn check(&self) -> Vec<Value> {
        let output = self.pki("check p --json").expect_success();
        let json: Value = serde_json::from_str(output.stdout()).unwrap();
        json["items"].as_array().unwrap().clone()
    }
}

/// A chain is valid wherever its intermediate CAs are, and stays valid when the leaf is renewed.
#[test]
fn a_chain_in_two_files() {
    for (trusted, following, key) in [
        (&["top"][..], &["lower", "upper"][..], None),
        (&["top"], &["lower", "upper", "top"], None),
        (&["upper", "top"], &["lower"], None),
        (&["top", "lower"], &["lower", "upper"], Some("lower")),
        (&["lower", "upper", "top"], &[], Some("lower")),
        (
            &["top", "upper", "lower"],
            &["lower", "upper"],
            Some("lower"),
        ),
        (&["lower"], &[], Some("lower")),
        (&["lower"], &["lower", "upper", "top"], Some("lower")),
    ] {
        let place = chain(false);
        place.join("p/ca.pem", trusted);
        place.join(
            "p/member-node1.pem",
            &[&["member-node1"], following].concat(),
        );
        if let Some(key) = key {
            place.copy_key(key, "ca");
        }
        let codes: Vec<_> = place.check();
        let has_findings = |item: &Value| item["findings"] != Value::Array(Vec::new());
        assert!(!codes.iter().any(has_findings), "{trusted:?} {following:?}");
        let adopted = place.pki("adopt p").expect_success();
        place.write("s.yaml", adopted.stdout());
        let _ = place.pki("plan --check -f s.yaml").expect_success();

        let by_path = match key {
            Some(_) => "cert renew p/member-node1.pem -d p",
            None => {
                place.join("lower-and-above.pem", &["lower", "upper"]);
                "cert renew p/member-node1.pem --ca lower-and-above.pem --ca-key lower-key.pem"
            }
        };
        let before = place.certificates("p/member-node1.pem");
        let _ = place.pki(by_path).expect_success();
        let after = place.certificates("p/member-node1.pem");
        assert_ne!(before[0], after[0]);
        if !following.is_empty() {
            assert_eq!(before[1..], after[1..], "{trusted:?} {following:?}");
        }
        place.assert_chain();
        let _ = place.pki("plan --check -f s.yaml").expect_success();
        let bundle = place.certificates("p/ca.pem");
        assert_eq!(bundle.len(), trusted.len());
    }
}

impl Place {
    /// Checks that Go accepts the member with the two files, and openssl with the root.
    #[track_caller]
    fn assert_chain(&self) {
        let (ca, leaf) = (self.file("p/ca.pem"), self.file("p/member-node1.pem"));
        let verify = go::verify(&ca, &leaf).host("node1.lan");
        verify.server().assert_accepted("Go");
        self.write(
            "all.pem",
            &(self.read("p/ca.pem")
                + &self.read("p/member-node1.pem")
                + &self.read("upper.pem")
                + &self.read("top.pem")),
        );
        openssl::verify(&self.file("all.pem"), &leaf, Purpose::Server).assert_accepted("openssl");
    }
}

/// A plan that renews a leaf, or replaces its key, keeps the certificates after the leaf.
#[test]
fn a_plan_keeps_the_chain_of_a_leaf() {
    for (following, options) in [
        (&["lower", "upper"][..], ""),
        (&["lower", "upper", "top"], ""),
        (&["lower", "upper"], "--rekey"),
    ] {
        let place = chain(true);
        place.join("p/ca.pem", &["top", "lower"]);
        place.join(
            "p/member-node1.pem",
            &[&["member-node1"], following].concat(),
        );
        place.copy_key("lower", "ca");
        let adopted = place.pki("adopt p").expect_success();
        place.write("s.yaml", adopted.stdout());
        let before = place.certificates("p/member-node1.pem");
        let _ = place
            .pki(&format!("apply -f s.yaml {options}"))
            .expect_success();
        let after = place.certificates("p/member-node1.pem");
        assert_ne!(before[0], after[0]);
        let is_same_key = before[0].public_key() == after[0].public_key();
        assert_eq!(is_same_key, options.is_empty());
        assert_eq!(before[1..], after[1..]);
        place.assert_chain();
        let _ = place.pki("plan --check -f s.yaml").expect_success();
    }
}

/// The CA's present certificate replaces its old one after a leaf. The chain of another CA is not
/// kept.
#[test]
fn a_chain_that_is_not_kept_as_it_is() {
    let place = chain(false);
    place.join("p/ca.pem", &["lower", "top"]);
    place.join("p/member-node1.pem", &["member-node1", "lower", "upper"]);
    place.copy_key("lower", "ca");
    // The issuer renewed the CA
    let _ = place.pki("ca renew -d p --csr r.csr").expect_success();
    place.openssl(
        "x509 -req -in r.csr -CA upper.pem -CAkey upper-key.pem -days 385 -copy_extensions copyall \
         -out new.pem",
    );
    place.join("p/ca.pem", &["new", "top"]);
    let _ = place
        .pki("cert renew p/member-node1.pem -d p")
        .expect_success();
    let [_, ca, upper] = &place.certificates("p/member-node1.pem")[..] else {
        panic!("another chain");
    };
    assert_eq!(
        [ca],
        &place.certificates("new.pem").iter().collect::<Vec<_>>()[..]
    );
    assert_eq!(
        [upper],
        &place.certificates("upper.pem").iter().collect::<Vec<_>>()[..]
    );

    place.root("other", "/CN=other", CA);
    let _ = place
        .pki("cert renew p/member-node1.pem --ca other.pem --ca-key other-key.pem")
        .expect_success();
    assert_eq!(place.certificates("p/member-node1.pem").len(), 1);
}

/// `check` and `adopt` show each entry of a trust bundle.
#[test]
fn the_entries_of_a_trust_bundle() {
    let place = Place::new();
    for name in ["ca", "old", "idle"] {
        place.root(name, &format!("/CN={name}"), CA);
    }
    place.signed("member-node1", "/CN=etcd-member-node1", "ca", MEMBER, 300);
    place.signed("client-a", "/CN=a", "old", MEMBER, 300);
    place.copy(&["ca", "member-node1", "client-a"]);
    // The certificate of the CA before its last renewal is kept
    place.join("p/ca.pem", &["ca"]);
    let _ = place.pki("ca renew -d p --days 500").expect_success();
    fs::rename(place.file("p/ca.pem"), place.file("new.pem")).unwrap();
    place.join("p/ca.pem", &["idle", "old", "ca", "new"]);
    let items = place.check();
    let entries: Vec<_> = items
        .iter()
        .filter(|item| item["file"] == "p/ca.pem")
        .map(|item| {
            let certificate = &item["certificate"];
            let number = item["number"].as_u64().unwrap();
            assert!(certificate["serial"].is_string() && certificate["not_after"].is_string());
            let subject = certificate["subject"].as_str().unwrap();
            let key = item["key_file"].is_string();
            (number, subject, item["signed_here"].as_bool().unwrap(), key)
        })
        .collect();
    assert_eq!(
        entries,
        [
            (1, "CN=idle", false, false),
            (2, "CN=old", true, false),
            (3, "CN=ca", true, true),
            (4, "CN=ca", true, true)
        ]
    );
    let leaves = items.iter().filter(|item| item["file"] != "p/ca.pem");
    assert!(leaves.into_iter().all(|item| item["signed_here"].is_null()));

    let table = place.pki("check p").expect_success();
    for (subject, words) in [
        ("idle", "has signed nothing here, its key is elsewhere"),
        ("old", "has signed here, its key is elsewhere"),
        ("ca", "has signed here, its key is here"),
    ] {
        let line = table
            .stdout()
            .lines()
            .find(|line| line.contains(&format!("CN={subject},")));
        assert!(line.is_some_and(|line| line.contains(words)), "{table:?}");
    }

    let adopted = place.pki("adopt p").expect_success();
    let idle: Vec<&str> = adopted
        .stderr()
        .lines()
        .filter(|line| line.contains("has signed nothing here"))
        .collect();
    assert_eq!(idle.len(), 1, "{adopted:?}");
    assert!(idle[0].contains("CN=idle, serial "), "{adopted:?}");
    assert!(adopted.stdout().contains("common_name: ca\n"));
}

/// A CA that is a root here, and that another CA also signed, is renewed as a root.
#[test]
fn a_root_that_another_ca_signed_too() {
    let place = Place::new();
    place.root("ca", "/CN=etcd-ca", CA);
    place.root("other", "/CN=other", CA);
    place.signed("leaf", "/CN=node1", "ca", MEMBER, 30);
    place.write("extensions", CA);
    place.openssl(
        "x509 -req -in ca.csr -CA other.pem -CAkey other-key.pem -CAcreateserial -days 4000 \
         -extfile extensions -out crossed.pem",
    );
    place.copy(&["ca"]);
    for order in [["ca", "crossed"], ["crossed", "ca"]] {
        let read = |name: &str| place.read(&format!("{name}.pem"));
        place.write("p/ca.pem", &order.map(read).concat());
        let _ = place.pki("ca renew -d p").expect_success();
        let renewed = place.read("p/ca.pem");
        assert!(renewed.contains(read("crossed").trim()), "{order:?}");
        assert!(!renewed.contains(read("ca").trim()), "{order:?}");
        // openssl uses the first of the two, and has no issuer for it
        let (ca, leaf) = (place.file("p/ca.pem"), place.file("leaf.pem"));
        let verify = go::verify(&ca, &leaf).host("node1.lan");
        verify.server().assert_accepted("Go");
        let issued = "cert issue client x -d p --force";
        let _ = place.pki(issued).expect_success();
        assert_eq!(
            place.read("p/client-x.pem").matches("BEGIN CERT").count(),
            1
        );
    }
}

/// A path length that does not allow the intermediate CA is refused before anything is written.
#[test]
fn a_path_length_that_cuts_leaves_off() {
    for sub_is_in_bundle in [false, true] {
        let place = Place::new();
        place.root("ca", "/CN=etcd-ca", CA);
        place.signed("sub", "/CN=sub", "ca", CA, 300);
        place.signed("leaf", "/CN=node1", "sub", MEMBER, 30);
        place.signed("direct", "/CN=node2", "ca", MEMBER, 30);
        place.copy(&["ca", "leaf", "direct"]);
        let (sub, chain) = if sub_is_in_bundle {
            ("p/ca.pem", place.read("ca.pem") + &place.read("sub.pem"))
        } else {
            (
                "p/leaf.pem",
                place.read("leaf.pem") + &place.read("sub.pem"),
            )
        };
        place.write(sub, &chain);
        let before = place.read("p/ca.pem");
        let refused = place.pki("ca renew -d p --path-length 0").expect_code(1);
        assert!(refused.stderr().contains("leaf.pem"), "{refused:?}");
        assert!(
            refused.stderr().contains("allows 0 CAs below it"),
            "{refused:?}"
        );
        assert_eq!(place.read("p/ca.pem"), before);
        let _ = place.pki("ca renew -d p --path-length 1").expect_success();
        let _ = place.pki("ca renew -d p").expect_success();
        // Without the leaf below the other CA, every leaf stays valid
        fs::remove_file(place.file("p/leaf.pem")).unwrap();
        let _ = place.pki("ca renew -d p --path-length 0").expect_success();
        place.assert_accepted("p/ca.pem", "direct.pem");
    }
}

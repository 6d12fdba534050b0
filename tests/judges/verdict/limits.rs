//! Limits of verification: numbers of candidates, times, path lengths, usages.

use std::{fs, time::Duration};

use etcd_pki_core::{Certificate, finding::Finding, verify::Verifier};

use super::{CA, Chains, LEAF};

/// CA certificates with the name and the key of `key`, each different.
fn namesakes(chains: &Chains, key: &str, count: usize, extensions: &str) -> Vec<String> {
    fs::write(chains.file("extensions"), extensions).unwrap();
    chains.call(&format!(
        "req -new -key {key}-key.pem -subj /CN=etcd-ca -out request"
    ));
    let make = |number| {
        let name = format!("{key}-{number}");
        chains.call(&format!(
            "x509 -req -in request -signkey {key}-key.pem -days 3650 -set_serial {number} -extfile extensions -out {name}.pem"
        ));
        name
    };
    (1..=count).map(make).collect()
}

/// Go checks at most 100 signatures: the 101st candidate is not tried.
#[test]
fn candidates_are_limited() {
    let without =
        "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=none\nauthorityKeyIdentifier=none";
    let chains = Chains::new();
    chains.make("right", "etcd-ca", "right", without, "3650");
    chains.make("wrong", "etcd-ca", "wrong", without, "3650");
    let leaf = format!("{LEAF}\nauthorityKeyIdentifier=none");
    chains.make("leaf", "etcd-1", "right", &leaf, "365");
    let wrong = namesakes(&chains, "wrong", 100, without);
    let right = || std::iter::once("right".to_owned());
    let before = |count: usize| wrong[..count].iter().cloned();
    chains.join("roots", &before(99).chain(right()).collect::<Vec<_>>());
    assert!(chains.agree("the 100th", "roots", &["leaf"], None, None));
    chains.join("roots", &before(100).chain(right()).collect::<Vec<_>>());
    assert!(!chains.agree("the 101st", "roots", &["leaf"], None, None));
    chains.join("roots", &right().chain(before(100)).collect::<Vec<_>>());
    assert!(chains.agree("the first of 101", "roots", &["leaf"], None, None));
    // A repeated certificate counts once
    let copies = before(1).cycle().take(150).chain(right());
    chains.join("roots", &copies.collect::<Vec<_>>());
    assert!(chains.agree("after 150 copies", "roots", &["leaf"], None, None));
    // Candidates above an intermediate count too
    chains.make("middle", "etcd-middle", "right", without, "3650");
    chains.make("below", "etcd-1", "middle", &leaf, "365");
    chains.join("roots", &before(98).chain(right()).collect::<Vec<_>>());
    assert!(chains.agree(
        "the 100th, above an intermediate",
        "roots",
        &["below", "middle"],
        None,
        None
    ));
    chains.join("roots", &before(99).chain(right()).collect::<Vec<_>>());
    assert!(!chains.agree(
        "the 101st, above an intermediate",
        "roots",
        &["below", "middle"],
        None,
        None
    ));
}

/// Candidates with the right key identifier are tried first, then those without one, then those
/// with another.
#[test]
fn likely_candidates_come_first() {
    let chains = Chains::new();
    let without =
        "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=none\nauthorityKeyIdentifier=none";
    chains.make("right", "etcd-ca", "right", CA, "3650");
    chains.make("wrong", "etcd-ca", "wrong", CA, "3650");
    let by_key = format!("{LEAF}\nauthorityKeyIdentifier=keyid");
    chains.make("leaf", "etcd-1", "right", &by_key, "365");
    let mut roots = namesakes(&chains, "wrong", 100, CA);
    roots.push("right".to_owned());
    chains.join("roots", &roots);
    assert!(chains.agree("the right one after 100", "roots", &["leaf"], None, None));
    // If the leaf has no key identifier, those of CAs do not help
    chains.make(
        "anonymous",
        "etcd-1",
        "right",
        &format!("{LEAF}\nauthorityKeyIdentifier=none"),
        "365",
    );
    assert!(!chains.agree("a leaf without", "roots", &["anonymous"], None, None));
    // A CA without an identifier comes before CAs with another one
    chains.make("right", "etcd-ca", "right", without, "3650");
    chains.join("roots", &roots);
    assert!(chains.agree("the right one has none", "roots", &["leaf"], None, None));
    // and after CAs with the same one
    let mut roots = vec!["right".to_owned()];
    let same = namesakes(&chains, "right", 99, CA);
    roots.extend(same);
    chains.make(
        "leaf",
        "etcd-1",
        "right",
        &format!("{LEAF}\nauthorityKeyIdentifier=none"),
        "365",
    );
    chains.join("roots", &roots);
    assert!(chains.agree("all of one key", "roots", &["leaf"], None, None));
}

#[test]
fn time_to_the_second() {
    let chains = Chains::new();
    chains.make("root", "etcd-ca", "root", CA, "20");
    chains.make("leaf", "etcd-1", "root", LEAF, "10");
    chains.make("long", "etcd-1", "root", LEAF, "30");
    let read = |name: &str| {
        Certificate::from_pem(fs::read(chains.file(&format!("{name}.pem"))).unwrap()).unwrap()
    };
    let second = Duration::from_secs(1);
    let ask = |leaf: &str, at| chains.agree(leaf, "root", &[leaf], None, Some(at));
    let (root, leaf) = (read("root"), read("leaf"));
    let start = leaf.not_before().max(root.not_before());
    assert!(ask("leaf", start) && !ask("leaf", start - second));
    assert!(ask("leaf", leaf.not_after()) && !ask("leaf", leaf.not_after() + second));
    assert!(ask("long", root.not_after()) && !ask("long", root.not_after() + second));
    // A fraction of a second after the expiry counts as expired
    let late = leaf.not_after() + Duration::from_millis(1);
    let verifier = Verifier::new([root]);
    assert!(!verifier.clone().at(late).verify(&leaf).is_accepted());
    assert!(verifier.at(leaf.not_after()).verify(&leaf).is_accepted());
}

#[test]
fn path_lengths() {
    let ca = |length: &str| format!("basicConstraints=critical,CA:TRUE{length}");
    for (root, upper, lower, accepted) in [
        ("", "", "", true),
        (",pathlen:2", ",pathlen:1", ",pathlen:0", true),
        (",pathlen:1", "", "", false),
        (",pathlen:2", ",pathlen:0", "", false),
        (",pathlen:0", "", "", false),
        ("", ",pathlen:1", "", true),
        ("", ",pathlen:0", "", false),
    ] {
        let chains = Chains::new();
        chains.make("root", "etcd-root", "root", &ca(root), "3650");
        chains.make("upper", "etcd-upper", "root", &ca(upper), "3650");
        chains.make("lower", "etcd-lower", "upper", &ca(lower), "3650");
        chains.make("leaf", "etcd-1", "lower", LEAF, "365");
        let what = format!("{root} {upper} {lower}");
        let chain = ["leaf", "lower", "upper"];
        assert_eq!(
            chains.agree(&what, "root", &chain, None, None),
            accepted,
            "{what}"
        );
    }
}

/// Empty constraints, which Go ignores.
#[test]
fn empty_limits_are_none() {
    let chains = Chains::new();
    chains.make(
        "root",
        "etcd-ca",
        "root",
        "basicConstraints=critical,CA:TRUE\nkeyUsage=digitalSignature",
        "3650",
    );
    chains.make("leaf", "etcd-1", "root", LEAF, "365");
    assert!(!chains.agree("another keyUsage", "root", &["leaf"], None, None));
    chains.make(
        "root",
        "etcd-ca",
        "root",
        "basicConstraints=critical,CA:TRUE\n2.5.29.15=critical,DER:03020700",
        "3650",
    );
    assert!(chains.agree("an empty keyUsage", "root", &["leaf"], None, None));
    chains.make("root", "etcd-ca", "root", CA, "3650");
    chains.make(
        "leaf",
        "etcd-1",
        "root",
        &format!("{LEAF}\n2.5.29.37=DER:3000"),
        "365",
    );
    assert!(chains.compare("an empty extKeyUsage", "root", &["leaf"], None));
}

/// CAs that sign each other form no chain to a trusted CA, and cause no endless loop.
#[test]
fn cross_signed() {
    let chains = Chains::new();
    let ca = "basicConstraints=critical,CA:TRUE";
    chains.make("root", "etcd-root", "root", CA, "3650");
    chains.make("one", "one", "one", ca, "3650");
    chains.make("other", "other", "other", ca, "3650");
    chains.make("leaf", "etcd-1", "one", LEAF, "365");
    let save = |from: &str, to: &str| fs::copy(chains.file(from), chains.file(to)).unwrap();
    save("other-key.pem", "other-2-key.pem");
    chains.make("one", "one", "other", ca, "3650");
    chains.make("other", "other", "one", ca, "3650");
    assert!(!chains.agree("a circle", "root", &["leaf", "one", "other"], None, None));
    chains.make("other-2", "other", "root", ca, "3650");
    assert!(chains.agree(
        "a way out",
        "root",
        &["leaf", "one", "other", "other-2"],
        None,
        None
    ));
    assert!(chains.agree(
        "a trusted one in the circle",
        "other",
        &["leaf", "one", "other"],
        None,
        None
    ));
    chains.make(
        "other-2",
        "other",
        "root",
        &format!("{ca}\n1.2.3.4=critical,ASN1:NULL"),
        "3650",
    );
    assert!(!chains.agree(
        "a critical extension above",
        "root",
        &["leaf", "one", "other-2"],
        None,
        None
    ));
}

/// A chain contains no certificate twice. Go identifies a certificate by its subject, its key and
/// its alternative names. A leaf may have the name and the key of its own CA.
#[test]
fn a_leaf_of_the_name_and_key_of_its_ca() {
    let chains = Chains::new();
    let plain = "basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=none";
    let named = |names: &str| format!("{plain}\nsubjectAltName={names}");
    chains.make("root", "etcd-ca", "root", plain, "3650");
    for copy in ["leaf", "other-name"] {
        fs::copy(
            chains.file("root-key.pem"),
            chains.file(&format!("{copy}-key.pem")),
        )
        .unwrap();
    }
    let (none, one, other) = (plain, named("DNS:etcd-1"), named("DNS:etcd-2"));
    let longer = format!("{none}\n1.2.3.4=ASN1:NULL");
    let behind = format!("{none}\n1.2.3.4=ASN1:NULL\nsubjectAltName=DNS:etcd-1");
    for (root, leaf, accepted) in [
        (none, &longer[..], false),
        (none, &one, true),
        (&one, &longer, true),
        (&one, &other, true),
        (&one, &behind, false),
    ] {
        chains.make("root", "etcd-ca", "root", root, "3650");
        chains.make("leaf", "etcd-ca", "root", leaf, "365");
        let what = format!("{leaf} under {root}");
        let is_accepted = chains.agree(&what, "root", &["leaf"], None, None);
        assert_eq!(is_accepted, accepted, "{what}");
    }
    // Only the name, or only the key
    chains.make("root", "etcd-ca", "root", none, "3650");
    chains.make("other-key", "etcd-ca", "root", none, "365");
    chains.make("other-name", "etcd-1", "root", none, "365");
    for leaf in ["other-key", "other-name"] {
        assert!(chains.agree(leaf, "root", &[leaf], None, None), "{leaf}");
    }
}

/// The reason names the usual mistake: a CA that was created again with its old name.
#[test]
fn the_reason_for_another_key() {
    let chains = Chains::new();
    chains.make("root", "etcd-ca", "root", CA, "3650");
    chains.make("other", "etcd-ca", "other", CA, "3650");
    for (identifier, expected) in [("keyid", "unknown"), ("none", "signature")] {
        let extensions = format!("{LEAF}\nauthorityKeyIdentifier={identifier}");
        chains.make("leaf", "etcd-1", "other", &extensions, "365");
        let read =
            |name: &str| Certificate::from_pem(fs::read(chains.file(name)).unwrap()).unwrap();
        let verdict = Verifier::new([read("root.pem")]).verify(&read("leaf.pem"));
        let found = match verdict.reasons() {
            [Finding::OtherCa { .. }] => "unknown",
            [Finding::Signature { .. }] => "signature",
            _ => "another",
        };
        assert_eq!(found, expected, "{:?}", verdict.reasons());
    }
}

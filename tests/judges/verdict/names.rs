//! Names: the host of a certificate, and the names that a CA may sign for.

use std::fs;

use etcd_pki_core::{
    Certificate,
    finding::Finding,
    verify::{Host, Verifier},
};

use super::{CA, Chains};

#[test]
fn hosts() {
    let chains = Chains::new();
    chains.make("root", "etcd-ca", "root", CA, "3650");
    let mut accepted = 0;
    for names in [
        "DNS:etcd-1,DNS:b",
        "DNS:ETCD-1",
        "DNS:*.svc",
        "DNS:*.Etcd.SVC",
        "DNS:*",
        "DNS:*.",
        "DNS:a.*",
        "DNS:*a.svc",
        "DNS:a*.svc",
        "DNS:etcd-1.",
        "DNS:a.etcd.svc.",
        "DNS:-a.svc",
        "DNS:a_b.svc",
        "DNS:*.*.svc",
        "DNS:.svc",
        "DNS:a..svc",
        "DNS:a!.svc",
        "DNS:*.a!",
        "DNS:10.0.0.1",
        "IP:10.0.0.1",
        "IP:::ffff:10.0.0.1",
        "IP:fd00::1",
        "URI:http://etcd-1",
        "email:a@etcd-1",
        "DNS:a-.svc,DNS:xn--a.svc",
        "DNS:*.a-b.svc",
        "DNS:*._b.svc",
    ] {
        chains.make(
            "leaf",
            "etcd-1",
            "root",
            &format!("basicConstraints=CA:FALSE\nsubjectAltName={names}"),
            "365",
        );
        for host in [
            "etcd-1",
            "b",
            "svc",
            "a.svc",
            "a.etcd.svc",
            "b.a.etcd.svc",
            "*.svc",
            "*.etcd.svc",
            "a_b.svc",
            "10.0.0.1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "10.0.0.2",
            "x.a-b.svc",
            "x._b.svc",
            "xn--a.svc",
        ] {
            if host.parse::<Host>().is_ok() {
                accepted += usize::from(chains.agree(names, "root", &["leaf"], Some(host), None));
            }
        }
    }
    assert!(accepted > 15, "{accepted}");
}

/// Go understands four kinds of names, and refuses a critical extension without one of them.
#[test]
fn critical_names() {
    let chains = Chains::new();
    chains.make("root", "etcd-ca", "root", CA, "3650");
    for (names, accepted) in [
        ("DNS:a", true),
        ("IP:10.0.0.1", true),
        ("URI:http://a", true),
        ("email:a@b", true),
        ("RID:1.2.3.4", false),
        ("RID:1.2.3.4,DNS:a", true),
    ] {
        let extensions = format!("basicConstraints=CA:FALSE\nsubjectAltName=critical,{names}");
        chains.make("leaf", "etcd-1", "root", &extensions, "365");
        let is_accepted = chains.agree(names, "root", &["leaf"], None, None);
        assert_eq!(is_accepted, accepted, "{names}");
    }
}

/// Go reads only the alternative names. The reason shows whether the common name would match.
#[test]
fn a_common_name_is_no_name_of_a_host() {
    let chains = Chains::new();
    chains.make("root", "etcd-ca", "root", CA, "3650");
    let roots = [read(&chains, "root")];
    let plain = "basicConstraints=CA:FALSE";
    for (common_name, names, expected) in [
        ("etcd-1", "", true),
        ("etcd-2", "", false),
        ("etcd-1", "\nsubjectAltName=DNS:etcd-2", false),
        ("etcd-1", "\nsubjectAltName=IP:10.0.0.1", false),
    ] {
        let extensions = format!("{plain}{names}");
        chains.make("leaf", common_name, "root", &extensions, "365");
        assert!(!chains.agree(names, "root", &["leaf"], Some("etcd-1"), None));
        let verifier = Verifier::new(roots.clone()).with_host("etcd-1".parse().unwrap());
        match verifier.verify(&read(&chains, "leaf")).reasons() {
            [
                Finding::WrongHost {
                    common_name_only, ..
                },
            ] => {
                assert_eq!(*common_name_only, expected, "{common_name} {names}");
            }
            others => panic!("{others:?}"),
        }
    }
}

fn read(chains: &Chains, name: &str) -> Certificate {
    Certificate::from_pem(fs::read(chains.file(&format!("{name}.pem"))).unwrap()).unwrap()
}

#[test]
fn name_constraints() {
    let chains = Chains::new();
    chains.make("root", "etcd-ca", "root", CA, "3650");
    let mut verdicts = [0, 0];
    for (names, limits) in [
        (
            &[
                "DNS:etcd.svc",
                "DNS:a.ETCD.svc",
                "DNS:aetcd.svc",
                "DNS:*.etcd.svc",
                "DNS:*.svc",
                "DNS:svc",
                "DNS:a.etcd.svc.",
                "DNS:a..svc",
                "DNS:*x.etcd.svc",
                "DNS:a b.etcd.svc",
                "IP:10.0.0.1",
                "DNS:b.org,DNS:etcd.svc",
            ][..],
            &[
                "permitted;DNS:etcd.svc",
                "permitted;DNS:.etcd.svc",
                "excluded;DNS:etcd.svc",
                "excluded;DNS:.etcd.svc",
                "excluded;DNS:A.etcd.svc",
                "excluded;DNS:svc",
                "permitted;DNS:Svc",
                "DER:3006A00430028200",
                "DER:3006A10430028200",
                "permitted;DNS:b.org,permitted;DNS:etcd.svc",
                "permitted;DNS:svc,excluded;DNS:etcd.svc",
                "permitted;IP:10.0.0.0/255.0.0.0",
            ][..],
        ),
        (
            &[
                "IP:10.1.2.3",
                "IP:11.0.0.0",
                "IP:fd00::1",
                "IP:::ffff:10.1.2.3",
                "IP:10.1.5.1",
                "DNS:a",
            ],
            &[
                "permitted;IP:10.1.0.0/255.255.255.0,permitted;IP:10.1.0.128/255.255.0.0",
                "permitted;IP:10.0.0.0/255.0.0.0",
                "excluded;IP:10.0.0.0/255.0.0.0",
                "permitted;IP:10.1.2.4/255.0.0.0,permitted;IP:10.1.0.9/255.255.255.255",
                "permitted;IP:fd00::/ff00::",
                "excluded;IP:::/::",
                "permitted;IP:11.0.0.0/255.0.0.0,permitted;IP:9.0.0.0/255.0.0.0,permitted;IP:10.1.0.0/255.255.0.0",
            ],
        ),
        (
            &[
                "email:a@etcd.svc",
                "email:a@x.etcd.svc",
                "email:A@etcd.svc",
                "email:a@ETCD.svc",
                "email:b@etcd.svc",
                "email:a@b.org",
                "email:etcd.svc",
                "email:a@",
                "email:a@etcd.svc.",
            ],
            &[
                "permitted;email:etcd.svc",
                "permitted;email:.etcd.svc",
                "permitted;email:a@etcd.svc",
                "excluded;email:a@Etcd.svc",
                "excluded;email:etcd.svc",
                "permitted;DNS:a",
                "permitted;email:b@etcd.svc,permitted;email:b.org",
            ],
        ),
        (
            &[
                "URI:http://etcd.svc/a",
                "URI:http://x.ETCD.svc:80",
                "URI:http://10.0.0.1",
                "URI:http://[fd00::1]:80",
                "URI:urn:a:b",
                "URI:http://b.org",
                "URI:http://u@etcd.svc",
                "URI:mongodb://a:1:2/",
            ],
            &[
                "permitted;URI:etcd.svc",
                "permitted;URI:.etcd.svc",
                "excluded;URI:etcd.svc",
                "excluded;URI:.Etcd.svc",
                "permitted;DNS:a",
                "excluded;URI:b.org",
            ],
        ),
    ] {
        // Only the certificate of a CA contains its constraints, so each leaf is signed once
        for (number, names) in names.iter().enumerate() {
            let extensions = format!("basicConstraints=CA:FALSE\nsubjectAltName={names}");
            chains.make(
                &format!("leaf-{number}"),
                "etcd-1",
                "root",
                &extensions,
                "365",
            );
        }
        for limit in limits {
            let root =
                format!("basicConstraints=critical,CA:TRUE\nnameConstraints=critical,{limit}");
            chains.make("root", "etcd-ca", "root", &root, "3650");
            for (number, name) in names.iter().enumerate() {
                let (what, leaf) = (format!("{name} under {limit}"), format!("leaf-{number}"));
                let accepted = chains.agree(&what, "root", &[&leaf], None, None);
                verdicts[usize::from(accepted)] += 1;
            }
        }
    }
    assert!(verdicts[0] > 60 && verdicts[1] > 60, "{verdicts:?}");
    // Constraints apply to the names of intermediates too
    let limited = "basicConstraints=critical,CA:TRUE\nnameConstraints=permitted;DNS:svc";
    chains.make("root", "etcd-ca", "root", limited, "3650");
    for (name, accepted) in [("a.svc", true), ("a.org", false)] {
        chains.make(
            "middle",
            "etcd-middle",
            "root",
            &format!("{CA}\nsubjectAltName=DNS:{name}"),
            "3650",
        );
        chains.make(
            "leaf",
            "etcd-1",
            "middle",
            "subjectAltName=DNS:b.svc",
            "365",
        );
        assert_eq!(
            chains.agree(name, "root", &["leaf", "middle"], None, None),
            accepted
        );
    }
    // The constraints of a certificate do not apply to its own names
    chains.make(
        "middle",
        "etcd-middle",
        "root",
        &format!("{limited}\nsubjectAltName=DNS:c.svc"),
        "3650",
    );
    assert!(chains.agree("its own limits", "root", &["middle"], None, None));
}

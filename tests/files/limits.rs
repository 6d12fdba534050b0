//! Files that a host may put before a CA: the work is proportional to their size, and errors about
//! them are short.
//!
//! The files are so large that work proportional to the square of their size would exceed the time
//! limit of a test.
use std::{fmt::Write as _, fs, path::Path, process::Command};

use etcd_pki_core::{
    Certificate, CertificateAuthority, CertificateRequest, Cluster, Identity, PrivateKey, Role,
    finding::Finding, verify::Verifier,
};
use etcd_pki_tests::{Output, Scratch, command::etcd_pki, go, openssl, run};

/// More bytes than any error needs, and far fewer than the files have.
const SHORT: usize = 2_000;

fn command(folder: &Path, line: &str) -> Output {
    run(Command::new(etcd_pki())
        .current_dir(folder)
        .args(line.split_whitespace()))
}

/// A request of openssl with this number of DNS names.
fn request(folder: &Path, names: usize) {
    let mut config = "[req]\ndistinguished_name=d\nprompt=no\nreq_extensions=e\n[d]\nCN=app\n[e]\nsubjectAltName=@s\n[s]\n".to_owned();
    for number in 0..names {
        writeln!(config, "DNS.{number}=h{number}").unwrap();
    }
    fs::write(folder.join("san.cnf"), config).unwrap();
    let line = "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout k -config san.cnf -out big.csr";
    let _ = openssl::call(folder, line);
}

#[test]
fn requests_of_many_names() {
    let scratch = Scratch::new("limits");
    let folder = scratch.path();
    let _ = command(folder, "ca new -d pki").expect_success();
    let sign = "cert sign big.csr --role client -d pki --force -o o.pem";
    request(folder, 30_000);
    let _ = command(folder, &format!("{sign} --accept-claims")).expect_success();
    let signed = Certificate::from_pem(fs::read(folder.join("o.pem")).unwrap()).unwrap();
    assert_eq!(signed.dns_names().len(), 30_000);
    request(folder, 100_000);
    // No TLS handshake takes so many names, so only this limit refuses them
    let large = command(folder, &format!("{sign} --accept-claims")).expect_code(1);
    assert!(large.stderr().contains("TLS handshake"), "{large:?}");
    // The message does not list all claims that were not granted
    let refused = command(folder, &format!("{sign} --cn app")).expect_success();
    assert!(
        refused.stderr().contains("and 99980 more"),
        "{:.1000}",
        refused.stderr()
    );
    assert!(refused.stderr().len() < SHORT);
    let unsaid = command(folder, sign);
    assert_eq!(unsaid.code(), Some(2));
    assert!(unsaid.stderr().len() < SHORT);
    request(folder, 100_001);
    let over = command(folder, &format!("{sign} --accept-claims"));
    assert_eq!(over.code(), Some(1));
    assert!(
        over.stderr().contains("more than 100000 alternative names"),
        "{:.1000}",
        over.stderr()
    );
}

#[test]
fn blocks_of_many_kinds_are_refused_in_short() {
    let scratch = Scratch::new("limits");
    for (count, said) in [
        (9_000, "no certificate request in it, but a a0, "),
        (300_000, "more than 10000 blocks"),
    ] {
        let blocks = (0..count)
            .map(|number| format!("-----BEGIN A{number}-----\nAAAA\n-----END A{number}-----\n"));
        fs::write(scratch.path().join("many.csr"), blocks.collect::<String>()).unwrap();
        let output = command(scratch.path(), "csr show many.csr");
        assert_eq!(output.code(), Some(1));
        assert!(output.stderr().contains(said), "{:.1000}", output.stderr());
        assert!(output.stderr().len() < SHORT);
    }
}

#[test]
fn many_requests_in_one_file_are_refused_in_short() {
    let request = CertificateRequest::create(
        &PrivateKey::generate().unwrap(),
        Role::Client,
        Identity::new("a").unwrap(),
    );
    let pem = request.unwrap().to_pem();
    let error = CertificateRequest::from_pem(pem.repeat(5_000))
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("5000 certificate requests in it (lines 1, ") && error.len() < 300,
        "{error}"
    );
}

/// A trust bundle of an operating system has about 150, and each of 10,000 hosts may have one.
#[test]
fn a_file_of_ten_thousand_certificates_is_read() {
    let ca = CertificateAuthority::create("etcd-ca").unwrap();
    let pem = ca.certificate().to_pem();
    let all = Certificate::all_from_bytes(pem.repeat(10_000).as_bytes()).unwrap();
    assert_eq!(all.len(), 10_000);
    assert!(Certificate::all_from_bytes(pem.repeat(10_001).as_bytes()).is_err());
}

#[test]
fn a_specification_of_ten_thousand_hosts_is_read() {
    let mut yaml = "members:\n- {name: etcd-1, addresses: [10.0.0.1]}\nnodes:\n".to_owned();
    for number in 0..10_000 {
        writeln!(
            yaml,
            "- {{name: n{number}, names: [n{number}.lan, n{number}.example.com], addresses: [10.1.{}.{}, \"fd00::{number:x}\"], \
             common_name: c{number}, organization: o, algorithm: ec-p256, validity: 90d}}",
            number / 256,
            number % 256
        )
        .unwrap();
    }
    assert_eq!(
        Cluster::from_yaml(&yaml).unwrap().spec().nodes.len(),
        10_000
    );
}

/// A request of openssl with this number of attributes.
fn with_attributes(folder: &Path, count: usize) -> Vec<u8> {
    let mut config =
        "oid_section=o\n[req]\ndistinguished_name=d\nattributes=a\nprompt=no\n[d]\nCN=app\n[o]\n"
            .to_owned();
    for number in 0..count {
        writeln!(config, "at{number}=1.3.6.1.4.1.55555.{number}").unwrap();
    }
    config.push_str("[a]\n");
    for number in 0..count {
        writeln!(config, "at{number}=x").unwrap();
    }
    fs::write(folder.join("attributes.cnf"), config).unwrap();
    let line = "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout k -config attributes.cnf -out a.csr";
    let _ = openssl::call(folder, line);
    fs::read(folder.join("a.csr")).unwrap()
}

#[test]
fn the_attributes_of_a_request_are_counted() {
    let scratch = Scratch::new("limits");
    let folder = scratch.path();
    for (count, is_read) in [
        (0, true),
        (5, true),
        (100, true),
        (101, false),
        (3_000, false),
    ] {
        let request = CertificateRequest::from_pem(with_attributes(folder, count));
        assert_eq!(request.is_ok(), is_read, "{count}");
        if let Err(error) = request {
            let message = error.to_string();
            assert!(message.contains("more than 100 attributes"), "{message}");
        }
    }
}

/// A specification with this number of members, of names that they share, and of nodes.
fn specification(members: usize, shared: usize, nodes: usize, profile: &str) -> String {
    let mut yaml = format!("defaults: {{profile: {profile}}}\nmembers:\n");
    for number in 0..members {
        let [high, low] = [number / 256, number % 256];
        writeln!(
            yaml,
            "- {{name: etcd-{number}, names: [etcd-{number}.lan], addresses: [10.1.{high}.{low}]}}"
        )
        .unwrap();
    }
    let list = |name: &str, count: usize| {
        let all: Vec<String> = (0..count)
            .map(|number| format!("{name}-{number}"))
            .collect();
        all.join(", ")
    };
    writeln!(yaml, "nodes: [{}]", list("kube", nodes)).unwrap();
    writeln!(yaml, "shared_names: [{}]", list("shared", shared)).unwrap();
    yaml
}

/// Each certificate counts the names that it shares with others. Ten thousand hosts may have the
/// whole list of Kubespray's members; a list that would cost the square of the specification's
/// bytes is refused at once, with its field.
#[test]
fn shared_names_are_counted_in_every_certificate() {
    for (members, shared, nodes, profile) in [
        (7, 100, 10_000, "kubespray"),
        (10_000, 20, 0, "strict"),
        (300, 0, 500, "kubespray"),
    ] {
        let yaml = specification(members, shared, nodes, profile);
        let cluster = Cluster::from_yaml(&yaml).unwrap();
        assert_eq!(cluster.spec().members.len(), members);
    }
    for (members, shared, nodes, profile, field) in [
        (
            9_000,
            9_000,
            0,
            "strict",
            "shared_names: 9000 names in each of 9000 certificates",
        ),
        (
            3_000,
            0,
            0,
            "kubespray",
            "members: 9003 names in each of 6000 certificates",
        ),
        (20, 2_000, 9_000, "kubespray", "shared_names: "),
        (10_000, 0, 0, "kubespray", "members: "),
    ] {
        let yaml = specification(members, shared, nodes, profile);
        let error = Cluster::from_yaml(&yaml).unwrap_err();
        let message = error.to_string();
        assert!(message.contains(field), "{message}");
        assert!(message.contains("5000000"), "{message}");
        assert!(message.len() < SHORT && error.hint().is_some(), "{message}");
    }
}

#[test]
fn yaml_of_many_values_and_long_keys_is_refused_in_short() {
    let anchors: String = (0..30).map(|level| format!("&n{level} [")).collect();
    for text in [
        format!("x: {anchors}{}{}", "b,".repeat(500_000), "]".repeat(30)),
        format!("members: [{}]", "a,".repeat(2_000_000)),
        format!("{}: 1", "k".repeat(4_000_000)),
        format!("layout: {}", "k".repeat(4_000_000)),
        format!("ca: {{common_name: {}}}", "k".repeat(4_000_000)),
        format!(
            "members: [{{name: a, addresses: [{}]}}]",
            "k".repeat(4_000_000)
        ),
        format!("members: [{{name: {}}}]", "1".repeat(4_000_000)),
    ] {
        let error = Cluster::from_yaml(&text).unwrap_err();
        assert!(
            error.to_string().len() < SHORT,
            "{:.300}",
            error.to_string()
        );
        assert!(
            error.hint().is_none_or(|hint| hint.len() < SHORT),
            "{:.300}",
            error.hint().unwrap()
        );
    }
}

/// Creates a CA that may sign for this number of names, and a certificate of it with other names.
fn constrained(folder: &Path, permitted: usize, names: usize) {
    let list = |name: &str, count: usize| -> String {
        (0..count)
            .map(|number| format!("{name}.{number}=h{number}.example\n"))
            .collect()
    };
    let config = format!(
        "[req]\ndistinguished_name=d\nprompt=no\n[d]\nCN=x\n[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n\
         subjectKeyIdentifier=hash\nnameConstraints=@limits\n[limits]\n{}permitted;DNS.x=last.example\n[leaf]\n\
         extendedKeyUsage=clientAuth\nsubjectAltName=@names\n[names]\n{}",
        list("permitted;DNS", permitted - 1),
        (0..names)
            .map(|number| format!("DNS.{number}=a.last.example\n"))
            .collect::<String>(),
    );
    fs::write(folder.join("c.cnf"), config).unwrap();
    for line in [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -config c.cnf -extensions ca -days 9 -out ca.pem",
        "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -config c.cnf -subj /CN=leaf -out r",
        "x509 -req -in r -CA ca.pem -CAkey ca.key -set_serial 7 -days 9 -extfile c.cnf -extensions leaf -out leaf.pem",
    ] {
        let _ = openssl::call(folder, line);
    }
}

#[test]
fn names_are_compared_with_constraints_as_often_as_go_compared_them() {
    let scratch = Scratch::new("limits");
    let folder = scratch.path();
    let read = |name: &str| Certificate::from_pem(fs::read(folder.join(name)).unwrap()).unwrap();
    for (permitted, names, is_accepted) in [(500, 500, true), (500, 501, false)] {
        constrained(folder, permitted, names);
        let verdict = Verifier::new([read("ca.pem")]).verify(&read("leaf.pem"));
        assert_eq!(
            verdict.is_accepted(),
            is_accepted,
            "{:?}",
            verdict.reasons()
        );
        if is_accepted {
            go::verify(&folder.join("ca.pem"), &folder.join("leaf.pem"))
                .client()
                .assert_accepted("names under constraints");
        } else {
            assert!(
                matches!(verdict.reasons(), [Finding::TooManyConstraints { .. }]),
                "{:?}",
                verdict.reasons()
            );
        }
    }
    // 20,000 names and 20,000 constraints: comparing them all would take 400 million comparisons
    constrained(folder, 20_000, 20_000);
    assert!(
        !Verifier::new([read("ca.pem")])
            .verify(&read("leaf.pem"))
            .is_accepted()
    );
}

#[test]
fn no_error_repeats_all_of_what_it_was_given() {
    let scratch = Scratch::new("limits");
    let long = "k".repeat(100_000);
    for arguments in [
        ["cert", "issue", "client", "a", "--cn", &long, "-d", "p"],
        ["cert", "issue", "client", "a", "--san", &long, "-d", "p"],
        ["cert", "issue", "client", "a", "--org", &long, "-d", "p"],
        [
            "cert",
            "issue",
            "client",
            "a",
            "--validity",
            &long,
            "-d",
            "p",
        ],
    ] {
        let _ = command(scratch.path(), "ca new -d p --force");
        let output = run(Command::new(etcd_pki())
            .current_dir(scratch.path())
            .args(arguments));
        assert!(!output.success());
        assert!(output.stderr().len() < SHORT, "{:.500}", output.stderr());
    }
}

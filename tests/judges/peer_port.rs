//! etcd's peer port accepts every certificate of its CA without names, and certificates with names
//! of the client's address: etcd-pki does not issue such client certificates by accident, and warns
//! about existing ones.
use std::fs;

use etcd_pki_core::{
    Certificate, Cluster, Role,
    adopt::Adoption,
    finding::{Finding, Severity},
    inspect::{self, Check},
};
use etcd_pki_tests::{Scratch, command::etcd_pki_in, openssl};

/// The codes of a check of all files.
fn codes(scratch: &Scratch, directory: &str) -> Vec<&'static str> {
    let checked = Check::new().run([scratch.path().join(directory)]);
    let findings = checked.iter().flat_map(|one| one.findings());
    findings.map(Finding::code).collect()
}

fn certificate(scratch: &Scratch, file: &str) -> Certificate {
    Certificate::from_pem(fs::read(scratch.path().join(file)).unwrap()).unwrap()
}

#[test]
fn who_is_accepted_is_warned_of_wherever_it_is_issued() {
    for (names, code) in [
        ("", None),
        ("names: [\"URI:spiffe://c/n\"]", None),
        ("addresses: [0.0.0.0]", None),
        ("san: none", Some("EP011")),
        ("addresses: [10.0.0.7]", Some("EP044")),
        ("names: [a.lan, \"URI:spiffe://c/n\"]", Some("EP044")),
        ("addresses: [\"fd00::7\", 0.0.0.0]", Some("EP044")),
    ] {
        for peers in ["shared", "separate"] {
            let scratch = Scratch::new("peer-port");
            let entry = if names.is_empty() {
                "{name: x}".to_owned()
            } else {
                format!("{{name: x, {names}}}")
            };
            let specification = format!(
                "directory: pki\nca: {{peers: {peers}}}\nmembers: [m]\nnodes: [{entry}]\nclients: [{entry}]\n"
            );
            let what = format!("{entry}, {peers}");
            let code = code.filter(|_| peers == "shared");
            let cluster = Cluster::from_yaml(&specification).unwrap();
            for pair in cluster.desired().unwrap().pairs {
                let is_x = pair.identity.name() == Some("x");
                let found = pair.peer_port().map(|finding| finding.code());
                assert_eq!(found, code.filter(|_| is_x), "{what}: {}", pair.role());
            }
            fs::write(scratch.path().join("cluster.yaml"), &specification).unwrap();
            for command in ["plan", "apply"] {
                let output = etcd_pki_in(scratch.path(), &format!("{command} -f cluster.yaml"));
                let output = output.expect_success();
                let warnings = output
                    .stderr()
                    .matches("etcd's peer port accepts it")
                    .count();
                assert_eq!(
                    warnings,
                    usize::from(code.is_some()),
                    "{what}: {}",
                    output.stderr()
                );
                assert_eq!(output.stderr().contains("(and 1 more)"), code.is_some());
            }
            let expected: Vec<&str> = code.into_iter().chain(code).collect();
            assert_eq!(codes(&scratch, "pki"), expected, "{what}");
            for role in [Role::Node, Role::Client] {
                let one = certificate(&scratch, &format!("pki/{role}-x.pem"));
                let is_named = !one.dns_names().is_empty() || !one.ip_addresses().is_empty();
                assert_eq!(is_named, names != "san: none", "{what}");
            }
        }
    }
}

/// A separate peer CA closes the port only for certificates that it did not sign, and a peer CA
/// file without a CA closes nothing.
#[test]
fn a_peer_ca_that_trusts_the_clients_ca_too() {
    let scratch = Scratch::new("peer-port");
    let specification = "{directory: pki, ca: {peers: separate}, members: [m]}";
    fs::write(scratch.path().join("cluster.yaml"), specification).unwrap();
    let _ = etcd_pki_in(scratch.path(), "apply -f cluster.yaml").expect_success();
    let issue = |name: &str| {
        let line = format!("cert issue client {name} --san 10.0.0.9 -d pki");
        etcd_pki_in(scratch.path(), &line)
            .expect_success()
            .stderr()
            .to_owned()
    };
    let warning = "etcd's peer port accepts it";
    assert!(!issue("a").contains(warning));
    let [ca, peer_ca] = ["pki/ca.pem", "pki/peer-ca.pem"].map(|file| scratch.path().join(file));
    let own = fs::read(&peer_ca).unwrap();
    fs::write(&peer_ca, [own, fs::read(ca).unwrap()].concat()).unwrap();
    assert!(issue("b").contains(warning));
    fs::write(&peer_ca, "").unwrap();
    assert!(issue("c").contains(warning));
}

#[test]
fn signed_and_renewed_ones_are_warned_of() {
    let scratch = Scratch::new("peer-port");
    let run = |line: &str| etcd_pki_in(scratch.path(), line).expect_success();
    let _ = run("ca new -d pki");
    let _ = run(
        "csr new --cn app --san URI:spiffe://c/app --san app.lan -o app.csr --key-out app-key.pem",
    );
    let signed = run("cert sign app.csr --role client --accept-claims -d pki -o app.pem");
    assert!(
        signed
            .stderr()
            .contains("accepts it as a member from app.lan"),
        "{}",
        signed.stderr()
    );
    let renewed = run("cert renew app.pem -d pki");
    assert!(
        renewed
            .stderr()
            .contains("accepts it as a member from app.lan"),
        "{}",
        renewed.stderr()
    );
    let uri = run("cert issue client uri --san URI:spiffe://c/app -d pki");
    assert!(!uri.stderr().contains("peer port"), "{}", uri.stderr());
    let own = certificate(&scratch, "app.pem");
    let finding = inspect::peer_port(&own).unwrap();
    assert_eq!(
        (finding.code(), finding.severity()),
        ("EP044", Severity::Warning)
    );
    assert_eq!(finding.facts().current, ["app.lan"]);
}

/// Kubespray writes the names of all hosts into each certificate: one line reports this, and it is
/// no fault.
#[test]
fn a_directory_of_kubespray_has_one_line() {
    let scratch = Scratch::new("peer-port");
    let specification = "directory: pki\nmembers: [m1, m2]\nnodes: [n1, n2]\n\
        defaults: {profile: kubespray, algorithm: ec-p256}\n";
    fs::write(scratch.path().join("cluster.yaml"), specification).unwrap();
    let applied = etcd_pki_in(scratch.path(), "apply -f cluster.yaml").expect_success();
    assert!(
        !applied.stderr().contains("peer port"),
        "{}",
        applied.stderr()
    );
    let checked = etcd_pki_in(scratch.path(), "check pki").expect_success();
    let lines: Vec<&str> = checked.stderr().lines().collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].starts_with("note: pki/admin-m1.pem and 3 more"),
        "{lines:?}"
    );
    assert!(lines[0].contains("peer port"), "{lines:?}");
    // A usual directory has no such line
    let _ = etcd_pki_in(scratch.path(), "ca new -d usual").expect_success();
    let _ = etcd_pki_in(scratch.path(), "cert issue member m -d usual").expect_success();
    let checked = etcd_pki_in(scratch.path(), "check usual").expect_success();
    assert_eq!(checked.stderr(), "");
}

/// An empty DNS name closed the port. `adopt` drops it, but does not leave the certificate without
/// names, which would open the port.
#[test]
fn a_dropped_name_does_not_open_the_port() {
    for (san, expected) in [
        // An empty DNS name, alone and with an address
        ("DER:30:02:82:00", "0.0.0.0"),
        ("email:a@b.c", "0.0.0.0"),
        ("URI:spiffe://c/x", "0.0.0.0"),
        ("DER:30:08:82:00:87:04:0a:00:00:07", "10.0.0.7"),
        ("", ""),
    ] {
        let scratch = Scratch::new("peer-port");
        let run = |line: &str| etcd_pki_in(scratch.path(), line).expect_success();
        let _ = run("ca new -d pki");
        let _ = run("cert issue member m -d pki");
        let _ = openssl::call(
            scratch.path(),
            "genpkey -algorithm ED25519 -out pki/client-x-key.pem",
        );
        let _ = openssl::call(
            scratch.path(),
            "req -new -key pki/client-x-key.pem -subj /CN=x -out x.csr",
        );
        let names = if san.is_empty() {
            String::new()
        } else {
            format!("subjectAltName={san}\n")
        };
        let extensions =
            format!("extendedKeyUsage=clientAuth\nkeyUsage=critical,digitalSignature\n{names}");
        fs::write(scratch.path().join("extensions"), extensions).unwrap();
        let _ = openssl::call(
            scratch.path(),
            "x509 -req -in x.csr -CA pki/ca.pem -CAkey pki/ca-key.pem -CAcreateserial -days 300 \
             -extfile extensions -out pki/client-x.pem",
        );
        let adoption = Adoption::read(scratch.path().join("pki"), None).unwrap();
        let pairs = adoption.cluster().desired().unwrap().pairs;
        let client = pairs
            .iter()
            .find(|pair| pair.identity.name() == Some("x"))
            .unwrap();
        let names = client.alternative_names().unwrap();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let addresses: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| !name.contains(':'))
            .collect();
        assert_eq!(addresses.join(" "), expected, "{san:?}: {names:?}");
        let adopted = run("adopt pki");
        let yaml = adopted.stdout();
        assert_eq!(
            yaml.contains("san: none"),
            san.is_empty(),
            "{san:?}: {yaml}"
        );
    }
}

/// A time before the expiry that is as long as the validity, or longer than a third of it, is not
/// shortened without a message.
#[test]
fn what_is_not_renewed_as_requested_is_said() {
    let scratch = Scratch::new("due");
    let run = |line: &str| etcd_pki_in(scratch.path(), line);
    let _ = run("ca new -d pki").expect_success();
    let _ = run("cert issue client app --days 365 -d pki").expect_success();
    let _ = run("cert issue client short --days 20 -d pki").expect_success();
    let before = certificate(&scratch, "pki/client-app.pem");
    let refused = run("cert renew -d pki --due 400d");
    assert_eq!(refused.code(), Some(1), "{}", refused.stderr());
    assert!(
        refused
            .stderr()
            .contains("pki/client-app.pem: 400d is more than a third of its life, 365 days"),
        "{}",
        refused.stderr()
    );
    assert!(
        refused
            .stderr()
            .contains("hint: request at most a third of its life"),
        "{}",
        refused.stderr()
    );
    // 15 of 20 days: the last third has not begun, so it is only a note
    let noted = run("cert renew pki/client-short.pem -d pki --days 20").expect_success();
    assert_eq!(noted.stderr().matches("third").count(), 0);
    let noted = run("cert renew -d pki --due 19d");
    assert_eq!(noted.code(), Some(0), "{}", noted.stderr());
    // The default is never more than a third, and has no message
    let usual = run("cert renew -d pki").expect_success();
    assert!(!usual.stderr().contains("third"), "{}", usual.stderr());
    assert_eq!(certificate(&scratch, "pki/client-app.pem"), before);

    let specification = "directory: q\nmembers: [m]\ndefaults: {renew_before: 60d}\nclients: [{name: c, validity: 90d}]\n";
    fs::write(scratch.path().join("cluster.yaml"), specification).unwrap();
    let plan = run("plan -f cluster.yaml").expect_success();
    assert!(
        plan.stderr()
            .contains("note: client-c.pem: 60d is more than a third of its life, 90 days"),
        "{}",
        plan.stderr()
    );
}

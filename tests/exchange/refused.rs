//! Requests and certificates with faults in the exchange directory: they are refused, and the rest
//! goes on.
use std::{fs, path::PathBuf, process::Command};

use etcd_pki_core::{CertificateRequest, Identity, KeyAlgorithm, PrivateKey, Role};
use etcd_pki_tests::{
    command::etcd_pki,
    machines::{Machines, SPECIFICATION, anybody},
};

fn request(algorithm: KeyAlgorithm, identity: &Identity) -> CertificateRequest {
    let key = PrivateKey::generate_with(algorithm).unwrap();
    CertificateRequest::create(&key, Role::Client, identity).unwrap()
}

#[test]
fn names_that_the_specification_lacks_are_not_granted() {
    let machines = Machines::new(SPECIFICATION);
    let _ = machines.quietly("etcd-1");
    let greedy = Identity::from_common_name("root")
        .unwrap()
        .with_organization("system:masters")
        .unwrap()
        .with_names(["10.6.6.6"])
        .unwrap();
    let greedy = request(KeyAlgorithm::EcP256, &greedy);
    machines.plant("etcd-1/member-etcd-1.csr", &greedy);
    let (facts, said) = machines.apply("ca");
    assert_eq!(facts["done"]["signed"], 2);
    assert_eq!(
        said,
        "not granted: travel/etcd-1/member-etcd-1.csr: organization system:masters, common name root, address 10.6.6.6\n"
    );
    let certificate = fs::read(machines.path("travel/etcd-1/member-etcd-1.pem")).unwrap();
    let certificate = etcd_pki_core::Certificate::from_pem(certificate).unwrap();
    assert_eq!(certificate.subject(), "CN=etcd-member-etcd-1");
    assert_eq!(certificate.organizations(), [""; 0]);
    assert!(
        !certificate
            .ip_addresses()
            .contains(&"10.6.6.6".parse().unwrap())
    );
    let life = certificate
        .not_after()
        .duration_since(certificate.not_before());
    assert_eq!(life.unwrap().as_secs() / 86_400, 200);
    // The key is not the host's: the certificate that arrived is not installed, and the host
    // requests one again
    let (facts, said) = machines.apply("etcd-1");
    assert_eq!(facts["done"]["installed"], 1);
    assert_eq!(facts["done"]["requested"], 1);
    assert_eq!(
        said,
        "refused: travel/etcd-1/member-etcd-1.pem: member-etcd-1-key.pem does not match the certificate\n"
    );
    let _ = machines.quietly("ca");
    machines.round();
    machines.assert_whole();
}

#[test]
fn what_is_not_as_it_should_be_is_refused_and_told() {
    // A default refuses no key; an algorithm that the specification names does
    let algorithm = SPECIFICATION.replace("defaults: {", "defaults: {algorithm: ec-p256, ");
    let machines = Machines::new(&algorithm);
    let _ = machines.quietly("etcd-1");
    machines.plant("etcd-1/client-root.csr", &anybody());
    machines.plant("etcd-1/ca.csr", &anybody());
    machines.plant("etcd-1/member-etcd-2.csr", &anybody());
    machines.plant("etcd-9/member-etcd-9.csr", &anybody());
    let rsa = request(KeyAlgorithm::Rsa2048, &Identity::new("rsa").unwrap());
    machines.plant("etcd-2/node-etcd-2.csr", &rsa);
    // The signature is not valid for the key
    let mut torn = anybody().as_der().to_vec();
    let last = torn.len() - 1;
    torn[last] ^= 1;
    fs::write(machines.path("travel/etcd-2/member-etcd-2.csr"), torn).unwrap();
    // A copy of another host's request
    fs::copy(
        machines.path("travel/etcd-1/admin-etcd-1.csr"),
        machines.path("travel/etcd-2/admin-etcd-2.csr"),
    )
    .unwrap();

    let (facts, said) = machines.apply("ca");
    assert_eq!(
        facts["done"]["signed"], 2,
        "the member of etcd-1 and its admin"
    );
    for refused in [
        "etcd-1/client-root.csr: no pair of etcd-1 has this name in the specification",
        "etcd-1/ca.csr: no pair of etcd-1 has this name in the specification",
        "etcd-1/member-etcd-2.csr: no pair of etcd-1 has this name in the specification",
        "etcd-9/member-etcd-9.csr: etcd-9 is no host of the specification",
        "etcd-2/node-etcd-2.csr: its key is rsa-2048, should be ec-p256",
        "etcd-2/member-etcd-2.csr: the signature of the certificate request does not hold",
        "etcd-2/admin-etcd-2.csr: it is a copy: the key is that of etcd-1/admin-etcd-1.csr; remove it, and request a certificate for etcd-2 with a key of its own",
    ] {
        assert!(
            said.contains(&format!("refused: travel/{refused}")),
            "{refused}\n{said}"
        );
    }
    assert_eq!(said.lines().count(), 7, "{said}");
    let pems = machines.files("travel").into_keys();
    let pems: Vec<_> = pems
        .filter(|name| name.extension().unwrap() == "pem")
        .collect();
    assert_eq!(
        pems,
        [
            "etcd-1/admin-etcd-1.pem",
            "etcd-1/ca.pem",
            "etcd-1/member-etcd-1.pem",
            "etcd-2/ca.pem"
        ]
        .map(PathBuf::from)
    );
}

#[test]
fn a_host_installs_only_what_it_can_check() {
    let machines = Machines::new(SPECIFICATION);
    let _ = machines.quietly("etcd-1");
    let _ = machines.quietly("ca");
    let (own, admin) = (
        machines.path("travel/etcd-1/member-etcd-1.pem"),
        machines.path("travel/etcd-1/admin-etcd-1.pem"),
    );
    let good = fs::read(&own).unwrap();
    fs::copy(&admin, &own).unwrap();
    fs::write(&admin, "nonsense").unwrap();
    let (facts, said) = machines.apply("etcd-1");
    assert_eq!(
        (&facts["done"]["trusted"], &facts["done"]["installed"]),
        (&1.into(), &0.into())
    );
    assert!(
        said.contains(
            "member-etcd-1.pem: member-etcd-1-key.pem does not match the certificate; common name"
        ),
        "{said}"
    );
    assert!(said.contains("admin-etcd-1.pem: "), "{said}");
    fs::write(&own, good).unwrap();

    // From now on, another CA of the same name is not trusted, and neither are its certificates
    fs::rename(machines.path("ca"), machines.path("lost")).unwrap();
    fs::remove_file(&admin).unwrap();
    let _ = machines.quietly("ca");
    let (facts, said) = machines.apply("etcd-1");
    assert_eq!(facts["done"]["installed"], 0, "{said}");
    assert!(
        said.contains("ca.pem: CN=etcd-ca, SHA-256 ")
            && said.contains(", is not trusted here: no trusted CA vouches for it"),
        "{said}"
    );
    assert!(
        said.contains(
            "member-etcd-1.pem: not signed by ca.pem, which has the name CN=etcd-ca and another key"
        ),
        "{said}"
    );
}

#[test]
fn the_directory_of_the_keys_does_not_travel() {
    let machines = Machines::installed(SPECIFICATION);
    for (directory, host) in [("travel", None), ("travel/etcd-1", Some("etcd-1"))] {
        let mut command = Command::new(etcd_pki());
        command.current_dir(machines.path(".")).args([
            "apply",
            "-f",
            "cluster.yaml",
            "--requests",
            "travel",
            "-d",
            directory,
        ]);
        command.args(host.into_iter().flat_map(|host| ["--host", host]));
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("the cluster's own directory"), "{said}");
        assert_eq!(output.status.code(), Some(1));
    }
}

/// The operator who waits for certificates sees which hosts have sent nothing. A refused request
/// counts as sent.
#[test]
fn hosts_from_which_nothing_has_come_are_named() {
    let machines = Machines::new(SPECIFICATION);
    let _ = machines.quietly("etcd-1");
    let facts = machines.apply("ca").0;
    assert_eq!(facts["without_request"], serde_json::json!(["etcd-2"]));
    fs::create_dir(machines.path("travel/etcd-2")).unwrap();
    assert_eq!(
        machines.apply("ca").0["without_request"],
        facts["without_request"]
    );
    let request = machines.path("travel/etcd-2/member-etcd-2.csr");
    fs::write(request, "nonsense").unwrap();
    let (facts, said) = machines.apply("ca");
    assert_eq!(facts["without_request"], serde_json::json!([]));
    assert!(said.starts_with("refused: "), "{said}");
    // The same in words
    fs::remove_dir_all(machines.path("travel/etcd-2")).unwrap();
    for verb in ["plan", "apply"] {
        let output = machines.command(verb, "ca").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "note: no request has come from etcd-2\n", "{verb}");
    }
}

/// A request with the key of a CA: the owner of the key could sign certificates. No CA of the
/// directory signs a leaf for it.
#[test]
fn the_key_of_a_ca() {
    let machines = Machines::new(&format!("ca: {{peers: separate}}\n{SPECIFICATION}"));
    let _ = machines.quietly("etcd-1");
    let _ = machines.quietly("ca");
    for (file, key) in [
        ("admin-etcd-1", "ca-key.pem"),
        ("peer-etcd-1", "ca-key.pem"),
        ("member-etcd-1", "peer-ca-key.pem"),
    ] {
        let key = fs::read(machines.path("ca").join(key)).unwrap();
        let key = PrivateKey::from_pem(key).unwrap();
        let identity = Identity::new("anybody").unwrap();
        let request = CertificateRequest::create(&key, Role::Client, &identity).unwrap();
        machines.plant(&format!("etcd-1/{file}.csr"), &request);
    }
    let _ = machines.quietly("etcd-2");
    let planned = machines.output("plan", "ca");
    let facts: serde_json::Value = serde_json::from_slice(&planned.stdout).unwrap();
    assert_eq!(facts["refused"].as_array().unwrap().len(), 3, "{facts}");
    for signed in [4, 0] {
        let (facts, said) = machines.apply("ca");
        assert_eq!(facts["done"]["signed"], signed, "{said}");
        for (file, ca) in [
            ("admin-etcd-1", "etcd-ca"),
            ("peer-etcd-1", "etcd-ca"),
            ("member-etcd-1", "etcd-peer-ca"),
        ] {
            let refused =
                format!("refused: travel/etcd-1/{file}.csr: the key is that of the CA CN={ca}");
            assert!(said.contains(&refused), "{said}");
        }
        assert_eq!(said.lines().count(), 3, "{said}");
    }
}

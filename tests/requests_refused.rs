//! Requests and certificates that travelled and are not as they should be: they are refused, and the rest goes on.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that cannot go on fails where it stands"
)]

use std::{fs, os::unix::fs::symlink, path::PathBuf, process::Command};

use etcd_pki_core::{CertificateRequest, Identity, KeyAlgorithm, PrivateKey, READ_LIMIT, Role};
use etcd_pki_tests::{
    command::etcd_pki,
    machines::{Machines, SPECIFICATION},
    run,
};

fn request(algorithm: KeyAlgorithm, identity: &Identity) -> CertificateRequest {
    let key = PrivateKey::generate_with(algorithm).unwrap();
    CertificateRequest::create(&key, Role::Client, identity).unwrap()
}

fn anybody() -> CertificateRequest {
    request(KeyAlgorithm::EcP256, &Identity::new("anybody").unwrap())
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
    // The key is not the host's: what came is not installed, and the host asks again
    let (facts, said) = machines.apply("etcd-1");
    assert_eq!(facts["done"]["installed"], 1);
    assert_eq!(facts["done"]["requested"], 1);
    assert_eq!(
        said,
        "refused: travel/etcd-1/member-etcd-1.pem: the certificate is of another key\n"
    );
    let _ = machines.quietly("ca");
    machines.round();
    machines.assert_whole();
}

#[test]
fn what_is_not_as_it_should_be_is_refused_and_told() {
    let machines = Machines::new(SPECIFICATION);
    let _ = machines.quietly("etcd-1");
    machines.plant("etcd-1/client-root.csr", &anybody());
    machines.plant("etcd-1/ca.csr", &anybody());
    machines.plant("etcd-1/member-etcd-2.csr", &anybody());
    machines.plant("etcd-9/member-etcd-9.csr", &anybody());
    let rsa = request(KeyAlgorithm::Rsa2048, &Identity::new("rsa").unwrap());
    machines.plant("etcd-2/node-etcd-2.csr", &rsa);
    // A signature that is not by its key
    let mut torn = anybody().as_der().to_vec();
    let last = torn.len() - 1;
    torn[last] ^= 1;
    fs::write(machines.path("travel/etcd-2/member-etcd-2.csr"), torn).unwrap();
    // A copy of another host's
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
        "etcd-2/admin-etcd-2.csr: it is a copy: the key is that of etcd-1/admin-etcd-1.csr; remove it, and ask for etcd-2 anew",
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
        said.contains("member-etcd-1.pem: the certificate is of another key; common name"),
        "{said}"
    );
    assert!(said.contains("admin-etcd-1.pem: "), "{said}");
    fs::write(&own, good).unwrap();

    // Another authority of the same name is not believed from now on, and neither is what it signs
    fs::rename(machines.path("ca"), machines.path("lost")).unwrap();
    fs::remove_file(&admin).unwrap();
    let _ = machines.quietly("ca");
    let (facts, said) = machines.apply("etcd-1");
    assert_eq!(facts["done"]["installed"], 0, "{said}");
    assert!(
        said.contains("ca.pem: another authority than etcd-1/ca.pem, which is trusted here"),
        "{said}"
    );
    assert!(
        said.contains("member-etcd-1.pem: signed by another authority"),
        "{said}"
    );
}

#[test]
fn never_through_a_symbolic_link() {
    let machines = Machines::new(SPECIFICATION);
    let _ = machines.quietly("etcd-1");
    let _ = machines.quietly("etcd-2");
    let outside = machines.path("outside");
    fs::create_dir(&outside).unwrap();
    // A folder of another place, and a certificate's name that leads to a file there
    fs::rename(machines.path("travel/etcd-2"), machines.path("real")).unwrap();
    symlink(machines.path("real"), machines.path("travel/etcd-2")).unwrap();
    fs::write(outside.join("precious"), "precious").unwrap();
    symlink(
        outside.join("precious"),
        machines.path("travel/etcd-1/member-etcd-1.pem"),
    )
    .unwrap();
    let (facts, said) = machines.apply("ca");
    assert_eq!(facts["done"]["signed"], 1, "{said}");
    assert!(
        said.contains("refused: travel/etcd-2: it is a symbolic link"),
        "{said}"
    );
    assert!(
        said.contains("member-etcd-1.pem is a symbolic link"),
        "{said}"
    );
    assert_eq!(fs::read(outside.join("precious")).unwrap(), b"precious");
    assert!(!machines.path("real/ca.pem").exists());
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

/// Who waits for a host's certificates is told which hosts have sent nothing; a request that is refused is something.
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
    // In words
    fs::remove_dir_all(machines.path("travel/etcd-2")).unwrap();
    for verb in ["plan", "apply"] {
        let output = machines.command(verb, "ca").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, "note: no request has come from etcd-2\n", "{verb}");
    }
}

/// Whoever has an authority's key could sign certificates, so none that it has signs a leaf with it.
#[test]
fn a_key_that_is_an_authoritys() {
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
        for (file, authority) in [
            ("admin-etcd-1", "etcd-ca"),
            ("peer-etcd-1", "etcd-ca"),
            ("member-etcd-1", "etcd-peer-ca"),
        ] {
            let refused = format!(
                "refused: travel/etcd-1/{file}.csr: the key is that of the authority CN={authority}"
            );
            assert!(said.contains(&refused), "{said}");
        }
        assert_eq!(said.lines().count(), 3, "{said}");
    }
}

/// A pipe would be waited for by who opens it. It is refused by its name, as a link that leads nowhere is.
#[test]
fn what_is_no_file() {
    let machines = Machines::new(SPECIFICATION);
    let _ = machines.quietly("etcd-1");
    let _ = machines.quietly("etcd-2");
    let replace = |path: &str| {
        let path = machines.path("travel").join(path);
        let _ = fs::remove_file(&path);
        path
    };
    let pipe = |path: PathBuf| {
        let _ = run(Command::new("mkfifo").arg(path)).expect_success();
    };
    pipe(replace("etcd-1/member-etcd-1.csr"));
    pipe(replace("etcd-1/stray.csr"));
    pipe(replace("etcd-2/admin-etcd-2.pem"));
    symlink("nowhere", replace("etcd-1/admin-etcd-1.csr")).unwrap();
    for verb in ["plan", "apply"] {
        let called = machines.command(verb, "ca");
        let mut limited = Command::new("timeout");
        limited.current_dir(machines.path("."));
        let output = run(limited
            .arg("60")
            .arg(called.get_program())
            .args(called.get_args()));
        let said = output.stderr();
        for refused in [
            "etcd-1/member-etcd-1.csr: it is no regular file",
            "etcd-1/stray.csr: no pair of etcd-1 has this name in the specification",
            "etcd-1/admin-etcd-1.csr: travel/etcd-1/admin-etcd-1.csr is a symbolic link",
            "etcd-2/admin-etcd-2.csr: travel/etcd-2/admin-etcd-2.pem is no regular file",
        ] {
            assert!(
                said.contains(&format!("refused: travel/{refused}")),
                "{said}"
            );
        }
        assert_eq!(said.lines().count(), 4, "{verb}: {said}");
    }
    assert!(machines.path("travel/etcd-2/member-etcd-2.pem").exists());
}

/// Larger than whatever is read: it is none of what travels, and the rest goes on.
#[test]
fn files_that_are_too_large() {
    let machines = Machines::new(SPECIFICATION);
    let plant = |path: &str| {
        let planted = fs::File::create(machines.path(path)).unwrap();
        planted.set_len(READ_LIMIT + 1).unwrap();
    };
    let _ = machines.quietly("etcd-1");
    let request = "travel/etcd-1/member-etcd-1.csr";
    plant(request);
    let (facts, said) = machines.apply("ca");
    assert_eq!(facts["done"]["signed"], 1);
    assert_eq!(said, format!("refused: {request}: larger than 16 MiB\n"));
    // A host writes its request again, and the authority its certificates
    let done = machines.quietly("etcd-1");
    assert_eq!(
        (&done["requested"], &done["installed"]),
        (&1.into(), &1.into())
    );
    plant("travel/etcd-1/member-etcd-1.pem");
    plant("travel/etcd-1/ca.pem");
    let done = machines.quietly("ca");
    assert_eq!((&done["signed"], &done["trusted"]), (&1.into(), &1.into()));

    let certificate = "travel/etcd-1/member-etcd-1.pem";
    let good = fs::read(machines.path(certificate)).unwrap();
    plant(certificate);
    let (facts, said) = machines.apply("etcd-1");
    assert_eq!(facts["done"]["installed"], 0);
    assert_eq!(
        said,
        format!("refused: {certificate}: larger than 16 MiB\n")
    );
    fs::write(machines.path(certificate), good).unwrap();
    // What is planted where a key is to wait is replaced by that
    machines.specify(&SPECIFICATION.replace("{validity", "{algorithm: ed25519, validity"));
    plant("etcd-1/.admin-etcd-1-key.pem.next");
    machines.round();
    machines.round();
    machines.assert_whole();
}

/// The members' requests and certificates: all of them have the common name that cfssl gives, so that names alone tell them apart.
const ONE_COMMON_NAME: &str = "\
layout: cfssl
members:
  - {name: etcd-1, common_name: etcd, addresses: [10.0.0.11]}
  - {name: etcd-2, common_name: etcd, addresses: [10.0.0.12]}
";

/// Whoever copied it: the request that a key has signed for its own pair goes on, and the copy is refused, before its host has
/// asked for anything and after.
#[test]
fn a_copy_does_not_hold_the_original_up() {
    for (specification, file) in [
        (SPECIFICATION, "member-HOST"),
        (SPECIFICATION, "admin-HOST"),
        (ONE_COMMON_NAME, "HOST"),
    ] {
        let machines = Machines::new(specification);
        let of = |host: &str, end: &str| {
            let file = file.replace("HOST", host);
            machines.path(&format!("travel/{host}/{file}.{end}"))
        };
        let _ = machines.quietly("etcd-1");
        fs::create_dir_all(of("etcd-2", "csr").parent().unwrap()).unwrap();
        fs::copy(of("etcd-1", "csr"), of("etcd-2", "csr")).unwrap();
        let (facts, said) = machines.apply("ca");
        assert_eq!(facts["done"]["signed"], 2, "{said}");
        assert_eq!(
            said.matches("it is a copy: the key is that of etcd-1/")
                .count(),
            1,
            "{said}"
        );
        assert!(of("etcd-1", "pem").exists() && !of("etcd-2", "pem").exists());
        // Nor where the certificate was copied too
        fs::copy(of("etcd-1", "pem"), of("etcd-2", "pem")).unwrap();
        let (facts, said) = machines.apply("ca");
        assert_eq!(facts["done"]["signed"], 0);
        assert_eq!(said.lines().count(), 1, "{said}");
        // Its own host puts its own request in the place of the copy
        fs::remove_file(of("etcd-2", "pem")).unwrap();
        machines.round();
        machines.round();
        machines.assert_whole();
    }
}

/// Requests that do not say whose they are: the certificate beside one does, if the authority has signed it for that pair.
#[test]
fn a_certificate_tells_whose_a_key_is() {
    let machines = Machines::new(SPECIFICATION);
    let request = |host: &str| machines.path(&format!("travel/{host}/member-{host}.csr"));
    let copy = || {
        fs::create_dir_all(request("etcd-2").parent().unwrap()).unwrap();
        fs::copy(request("etcd-1"), request("etcd-2")).unwrap();
    };
    machines.plant("etcd-1/member-etcd-1.csr", &anybody());
    copy();
    let (facts, said) = machines.apply("ca");
    assert_eq!(facts["done"]["signed"], 0);
    for (own, other) in [("etcd-1", "etcd-2"), ("etcd-2", "etcd-1")] {
        let told = format!(
            "refused: travel/{own}/member-{own}.csr: {other}/member-{other}.csr has the same key, and nothing tells whose it is; remove the copy"
        );
        assert!(said.contains(&told), "{said}");
    }
    // The way out
    fs::remove_file(request("etcd-2")).unwrap();
    let (facts, _) = machines.apply("ca");
    assert_eq!(facts["done"]["signed"], 1);
    copy();
    let certificate = machines.path("travel/etcd-1/member-etcd-1.pem");
    for copied in [false, true] {
        if copied {
            fs::copy(
                &certificate,
                machines.path("travel/etcd-2/member-etcd-2.pem"),
            )
            .unwrap();
        }
        let (_, said) = machines.apply("ca");
        let told = "refused: travel/etcd-2/member-etcd-2.csr: it is a copy: the key is that of etcd-1/member-etcd-1.csr";
        assert!(
            said.starts_with(told) && said.lines().count() == 1,
            "{said}"
        );
    }
    assert!(certificate.exists());
}

/// Hosts that were cloned have one key, and each asks for its own names with it.
#[test]
fn two_hosts_that_truly_have_one_key() {
    let machines = Machines::new(SPECIFICATION);
    let _ = machines.quietly("etcd-1");
    fs::create_dir_all(machines.path("etcd-2")).unwrap();
    let key = |host: &str| machines.path(&format!("{host}/member-{host}-key.pem"));
    fs::copy(key("etcd-1"), key("etcd-2")).unwrap();
    let _ = machines.quietly("etcd-2");
    let (facts, said) = machines.apply("ca");
    assert_eq!(facts["done"]["signed"], 3);
    assert_eq!(
        said.matches("has the same key, and nothing tells whose it is")
            .count(),
        2,
        "{said}"
    );
    // The way out
    fs::remove_file(key("etcd-2")).unwrap();
    machines.round();
    machines.assert_whole();
}

/// A pipe beside a request is not waited for.
#[test]
fn a_pipe_among_what_travels() {
    let machines = Machines::new(SPECIFICATION);
    let _ = machines.quietly("etcd-1");
    let pipe = machines.path("travel/etcd-1/member-etcd-1.pem");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let (facts, said) = machines.apply("ca");
    assert_eq!(facts["done"]["signed"], 1);
    assert!(
        said.starts_with("refused: travel/etcd-1/member-etcd-1.csr: "),
        "{said}"
    );
    assert!(
        said.contains("member-etcd-1.pem is no regular file"),
        "{said}"
    );
    let (_, said) = machines.apply("etcd-1");
    assert!(
        said.contains("member-etcd-1.pem: it is no regular file"),
        "{said}"
    );
}

//! Requests of two hosts with the same key: the host that has the key goes on.
use std::fs;

use etcd_pki_tests::{
    machines::{Machines, SPECIFICATION, anybody},
    openssl,
};

/// The requests and certificates of the members: all of them have the common name that cfssl uses,
/// so only their alternative names differ.
const ONE_COMMON_NAME: &str = "\
layout: cfssl
members:
  - {name: etcd-1, common_name: etcd, addresses: [10.0.0.11]}
  - {name: etcd-2, common_name: etcd, addresses: [10.0.0.12]}
";

/// A key has signed the request of its own pair, so that request goes on. A copy for another host
/// is refused, before and after that host has requested anything.
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
        // The same if the certificate was copied too
        fs::copy(of("etcd-1", "pem"), of("etcd-2", "pem")).unwrap();
        let (facts, said) = machines.apply("ca");
        assert_eq!(facts["done"]["signed"], 0);
        assert_eq!(said.lines().count(), 1, "{said}");
        // The host replaces the copy with its own request
        fs::remove_file(of("etcd-2", "pem")).unwrap();
        machines.round();
        machines.round();
        machines.assert_whole();
    }
}

/// Requests that do not show the host: the certificate next to the request does, if the CA signed
/// it for that pair.
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
            "refused: travel/{own}/member-{own}.csr: {other}/member-{other}.csr has the same key, and it is unknown which of them owns it; remove the copy"
        );
        assert!(said.contains(&told), "{said}");
    }
    // The solution that the message names
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

/// A request that the host's administrator created with openssl: its common name is not that of the
/// pair, and its names are some of the pair's names.
#[test]
fn a_host_own_names_show_whose_a_request_is() {
    let machines = Machines::new(SPECIFICATION);
    let folder = machines.path("travel/etcd-1");
    for subject in [
        "/CN=server -addext subjectAltName=IP:10.0.0.11",
        "/CN=server -addext subjectAltName=DNS:localhost,DNS:etcd-1",
        "/CN=etcd-1",
    ] {
        let request = |host: &str| machines.path(&format!("travel/{host}/member-{host}.csr"));
        let _ = fs::remove_dir_all(machines.path("travel"));
        let _ = fs::remove_dir_all(machines.path("ca"));
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir_all(request("etcd-2").parent().unwrap()).unwrap();
        openssl::call(
            &folder,
            "ecparam -name prime256v1 -genkey -noout -out ../../key.pem",
        );
        openssl::call(
            &folder,
            &format!("req -new -key ../../key.pem -out member-etcd-1.csr -subj {subject}"),
        );
        fs::copy(request("etcd-1"), request("etcd-2")).unwrap();
        let (facts, errors) = machines.apply("ca");
        assert_eq!(facts["done"]["signed"], 1, "{subject}: {errors}");
        let copy = "refused: travel/etcd-2/member-etcd-2.csr: it is a copy: the key is that of etcd-1/member-etcd-1.csr";
        assert!(errors.contains(copy), "{subject}: {errors}");
    }
    // Names that both hosts have show nothing
    let _ = fs::remove_dir_all(machines.path("ca"));
    let _ = fs::remove_file(folder.join("member-etcd-1.pem"));
    openssl::call(
        &folder,
        "req -new -key ../../key.pem -out member-etcd-1.csr -subj /CN=server -addext subjectAltName=DNS:localhost",
    );
    fs::copy(
        folder.join("member-etcd-1.csr"),
        machines.path("travel/etcd-2/member-etcd-2.csr"),
    )
    .unwrap();
    let (facts, _) = machines.apply("ca");
    assert_eq!(facts["done"]["signed"], 0);
}

/// Cloned hosts have one key, and each requests its own names with it.
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
        said.matches("has the same key, and it is unknown which of them owns it")
            .count(),
        2,
        "{said}"
    );
    // The solution is a new key for one of the hosts
    fs::remove_file(key("etcd-2")).unwrap();
    machines.round();
    machines.assert_whole();
}

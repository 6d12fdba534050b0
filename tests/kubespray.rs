//! A cluster on a directory of Kubespray's making, whose CA then signs for us.
#![allow(
    clippy::expect_used,
    reason = "a test that cannot go on fails where it stands"
)]

use std::fs;

use etcd_pki_core::{
    CertificateAuthority, CertificateRequest, Identity, KeyAlgorithm, Layout, PairPaths,
    PrivateKey, Role, Store,
};
use etcd_pki_tests::{
    Credentials, apiserver,
    etcd::{Cluster, Member, Version},
    kubespray::Kubespray,
    openssl,
};

const HOSTS: [&str; 3] = ["etcd-1", "etcd-2", "etcd-3"];

/// The three openssl lines that make a client certificate, by who does each: a key, a request, a signature.
const LINES: [(&str, [By; 3]); 4] = [
    ("openssl-alone", [By::OpenSsl, By::OpenSsl, By::OpenSsl]),
    ("our-key", [By::Us, By::OpenSsl, By::OpenSsl]),
    ("our-request", [By::OpenSsl, By::Us, By::OpenSsl]),
    ("our-signature", [By::OpenSsl, By::OpenSsl, By::Us]),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    OpenSsl,
    Us,
}

#[test]
fn every_etcd_takes_a_client_certificate_with_each_line_replaced() {
    let directory = Kubespray::create(&HOSTS, &["kube-1"]);
    let present = |pair: PairPaths| Credentials::new(directory.ca().certificate, pair);
    let admin = present(directory.admin(HOSTS[0]));
    let mut clients: Vec<_> = LINES
        .iter()
        .map(|(stem, lines)| (*stem, present(client_by_lines(&directory, stem, *lines))))
        .collect();
    clients.push(("at-once", present(client_at_once(&directory))));

    for version in Version::ALL {
        let members = HOSTS.map(|host| Member::with_pair(host, &present(directory.member(host))));
        let cluster = Cluster::start(version, &members, &admin);
        for (what, client) in clients.iter().chain([&("admin", admin.clone())]) {
            let call = |arguments: &[&str]| cluster.etcdctl(client, arguments).expect_success();
            call(&["put", what, "is here"]);
            assert_eq!(call(&["get", what]).stdout(), format!("{what}\nis here\n"));
            assert_eq!(call(&["member", "list"]).stdout().lines().count(), 3);
        }
        apiserver::write_and_read(&cluster.endpoints(), &present(directory.node("kube-1")))
            .assert_accepted("Kubespray's node certificate");
    }
}

fn client_by_lines(directory: &Kubespray, stem: &str, lines: [By; 3]) -> PairPaths {
    let [key, request, signature] = lines;
    let path = |name: &str| directory.path().join(format!("{stem}{name}"));
    let call = |line: &str| {
        openssl::call(directory.path(), line);
    };
    match key {
        By::OpenSsl => call(&format!("genrsa -out {stem}-key.pem 2048")),
        By::Us => {
            let key = PrivateKey::generate_with(KeyAlgorithm::Rsa2048).expect("a key");
            let pem = key.to_secret_pem().expect("the key in PEM");
            fs::write(path("-key.pem"), pem).expect("the key's file");
        }
    }
    match request {
        By::OpenSsl => call(&format!(
            "req -new -key {stem}-key.pem -out {stem}.csr -subj /CN=etcd-client"
        )),
        By::Us => {
            let key = fs::read(path("-key.pem")).expect("the key's file");
            let key = PrivateKey::from_pem(key).expect("openssl's key");
            let request = CertificateRequest::create(&key, Role::Client, etcd_client());
            let pem = request
                .expect("a request")
                .to_pem()
                .expect("the request in PEM");
            fs::write(path(".csr"), pem).expect("the request's file");
        }
    }
    match signature {
        By::OpenSsl => call(&format!(
            "x509 -req -in {stem}.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -out {stem}.pem -days 365"
        )),
        By::Us => {
            let request = fs::read(path(".csr")).expect("the request's file");
            let request = CertificateRequest::from_pem(request).expect("openssl's request");
            let issued = authority(directory).sign(&request, Role::Client, etcd_client());
            let pem = issued.expect("a certificate").certificate_pem();
            fs::write(path(".pem"), pem.expect("the certificate in PEM")).expect("its file");
        }
    }
    directory.named(stem)
}

fn client_at_once(directory: &Kubespray) -> PairPaths {
    let bundle = authority(directory)
        .issue(Role::Client, etcd_client())
        .expect("a client");
    let store = Store::open(directory.path(), Layout::Kubespray);
    let lock = store.lock().expect("the lock of the directory");
    lock.write(&bundle)
        .expect("the client's files")
        .swap_remove(0)
}

/// Kubespray's CA, as it lies in the directory
fn authority(directory: &Kubespray) -> CertificateAuthority {
    let store = Store::open(directory.path(), Layout::Kubespray);
    store.authority(None).expect("Kubespray's CA")
}

fn etcd_client() -> Identity {
    Identity::new("etcd-client").expect("a name")
}

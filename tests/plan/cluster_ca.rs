//! The CA of a cluster: it is never created next to another one, and it is renewed with its key;
//! some leaves identify it by its serial number.
use std::{collections::BTreeMap, fs};

use etcd_pki_core::Certificate;
use etcd_pki_tests::{
    cluster::{Cluster, PAIRS, SPECIFICATION},
    kubespray::Kubespray,
    openssl::{self, Purpose},
    stderr_of,
};

#[test]
fn a_ca_is_never_made_beside_another() {
    let cluster = Cluster::applied();
    let apply = || cluster.command("apply").output().unwrap();
    for files in [&["ca.pem", "ca-key.pem"][..], &["ca.pem"]] {
        let saved: Vec<_> = files
            .iter()
            .map(|file| (file, fs::read(cluster.file(file)).unwrap()))
            .collect();
        files
            .iter()
            .for_each(|file| fs::remove_file(cluster.file(file)).unwrap());
        let before = cluster.contents();
        let stderr = stderr_of(&apply(), 1);
        assert!(stderr.contains("no new CA was made"), "{stderr}");
        assert_eq!(cluster.contents(), before);
        saved
            .into_iter()
            .for_each(|(file, bytes)| fs::write(cluster.file(file), bytes).unwrap());
    }
    // Without its key, it stays trusted and signs nothing
    let key = fs::read(cluster.file("ca-key.pem")).unwrap();
    fs::remove_file(cluster.file("ca-key.pem")).unwrap();
    assert!(apply().status.success());
    fs::remove_file(cluster.file("client-root.pem")).unwrap();
    let stderr = stderr_of(&apply(), 1);
    assert!(
        stderr.contains("ca-key.pem") && stderr.contains("--requests"),
        "{stderr}"
    );
    fs::write(cluster.file("ca-key.pem"), key).unwrap();
    // The CA of another specification
    cluster.specify(&format!("ca: {{common_name: other-ca}}\n{SPECIFICATION}"));
    let stderr = stderr_of(&apply(), 1);
    assert!(
        stderr.contains("the specification has other-ca"),
        "{stderr}"
    );
}

#[test]
fn a_ca_without_key_usage_is_renewed_and_its_leaves_stay() {
    let kubespray = Kubespray::create(&["etcd-1"], &["kube-1"]);
    let cluster = Cluster::new("directory: ssl\n");
    fs::rename(kubespray.path(), cluster.directory()).unwrap();
    fs::remove_file(cluster.file("openssl.conf")).unwrap();
    let leaf = cluster.file("member-etcd-1.pem");
    openssl::verify_strict(&cluster.file("ca.pem"), &leaf, Purpose::Server)
        .assert_refused("Kubespray's", "key usage");
    let old = Certificate::from_pem(fs::read(cluster.file("ca.pem")).unwrap()).unwrap();
    assert_eq!(cluster.due()["ca.pem"], "renew: the CA has no keyUsage");
    let _ = cluster.apply();
    let new = Certificate::from_pem(fs::read(cluster.file("ca.pem")).unwrap()).unwrap();
    assert_eq!(
        (new.subject(), new.public_key()),
        (old.subject(), old.public_key())
    );
    openssl::verify_strict(&cluster.file("ca.pem"), &leaf, Purpose::Server)
        .assert_accepted("Kubespray's leaf");
    assert!(cluster.due().is_empty());
}

/// The CA is renewed with OpenSSL and loses the serial number, or the key identifier, that some
/// leaves contain.
#[test]
fn leaves_that_name_an_earlier_certificate_of_their_ca() {
    let cluster = Cluster::applied();
    let at = |line: &str| openssl::call(&cluster.directory(), line);
    let leaf = "[v3]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n\
        extendedKeyUsage=clientAuth\nsubjectAltName=IP:0.0.0.0\nauthorityKeyIdentifier=keyid,issuer:always\n";
    fs::write(cluster.file(".leaf.cnf"), leaf).unwrap();
    at("req -new -key client-root-key.pem -subj /CN=root -out .leaf.csr");
    at(
        "x509 -req -in .leaf.csr -CA ca.pem -CAkey ca-key.pem -days 300 -extfile .leaf.cnf -extensions v3 -out client-root.pem",
    );
    assert_eq!(cluster.due(), BTreeMap::new());

    let ca = "req -x509 -new -key ca-key.pem -subj /CN=etcd-ca -days 3650 -addext keyUsage=critical,keyCertSign,cRLSign -out ca.pem";
    at(ca);
    let refused = |name: &str| {
        openssl::verify(
            &cluster.file("ca.pem"),
            &cluster.file(name),
            Purpose::Client,
        )
        .assert_refused(name, "issuer");
    };
    refused("client-root.pem");
    let why = "renew: it names an earlier certificate of its CA";
    let due = cluster.due();
    assert_eq!(
        (due.len(), due["client-root.pem"].as_str()),
        (1, why),
        "{due:?}"
    );
    for made in [".leaf.cnf", ".leaf.csr"] {
        fs::remove_file(cluster.file(made)).unwrap();
    }
    cluster.assert_mended(&["client-root.pem"]);

    at(&format!(
        "{ca} -addext subjectKeyIdentifier=01:02:03 -addext authorityKeyIdentifier=none"
    ));
    refused("client-root.pem");
    let due = cluster.due();
    assert_eq!(due.len(), PAIRS - 1, "{due:?}");
    assert!(due.values().all(|what| what == why), "{due:?}");
    let _ = cluster.apply();
    assert_eq!(cluster.due(), BTreeMap::new());
    openssl::verify(
        &cluster.file("ca.pem"),
        &cluster.file("client-root.pem"),
        Purpose::Client,
    )
    .assert_accepted("client-root.pem");
}

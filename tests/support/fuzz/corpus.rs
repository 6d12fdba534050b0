//! The corpus: small files that etcd-pki created, and from which the inputs are generated.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use etcd_pki_core::{
    CertificateAuthority, CertificateRequest, Cluster, Identity, KeyAlgorithm, Layout, Passphrase,
    PrivateKey, Role, Store,
    key::KeyFormat,
    plan::{ApplyOptions, PlanOptions},
    x509::{NewRevocationList, RevocationReason, Revoked},
};

use super::{TARGETS, exchange::SPECIFICATION};
use crate::Scratch;

/// The folder with the files of a target.
pub fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target)
}

/// The files of a target, in the order of their names.
pub fn load(target: &str) -> Vec<Vec<u8>> {
    let folder = folder(target);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Writes the corpus again.
pub fn write() {
    for target in TARGETS {
        let _ = fs::remove_dir_all(folder(target.name));
        fs::create_dir_all(folder(target.name)).unwrap();
    }
    let mut keys = Vec::new();
    for algorithm in [
        KeyAlgorithm::EcP256,
        KeyAlgorithm::EcP384,
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::Rsa2048,
    ] {
        let key = PrivateKey::generate_with(algorithm).unwrap();
        write_key(algorithm.name(), &key);
        keys.push(key);
    }
    let ca = CertificateAuthority::create("etcd-ca").unwrap();
    write_certificates(&ca);
    write_requests(&keys);
    write_lists(&ca);
    write_texts();
    write_exchange();
}

/// Writes one file for each of these targets.
fn add(targets: &[&str], name: &str, contents: impl AsRef<[u8]>) {
    for target in targets {
        fs::write(folder(target).join(name), contents.as_ref()).unwrap();
    }
}

fn write_key(name: &str, key: &PrivateKey) {
    let targets = ["private_key", "strict"];
    let pem = key.to_secret_pem();
    add(&targets, &format!("{name}.pem"), pem.as_bytes());
    add(
        &["private_key"],
        &format!("{name}.der"),
        &*key.to_secret_der(),
    );
    add(
        &["pem"],
        &format!("{name}-public.pem"),
        key.public_key().to_pem(),
    );
    for format in KeyFormat::ALL {
        if let Ok(pem) = key.to_secret_pem_as(format) {
            add(
                &targets,
                &format!("{name}-{}.pem", format.name()),
                pem.as_bytes(),
            );
        }
    }
    if key.algorithm() == KeyAlgorithm::EcP256 {
        let encrypted = key
            .to_encrypted_pem(&Passphrase::new("correct horse"))
            .unwrap();
        add(&targets, "encrypted.pem", encrypted);
        add(&["pem"], "private.pem", pem.as_bytes());
    }
}

fn write_lists(ca: &CertificateAuthority) {
    let other = CertificateAuthority::create("etcd-peer-ca").unwrap();
    let entry = |ca: &CertificateAuthority, name: &str| {
        let client = ca.issue(Role::Client, Identity::new(name).unwrap());
        let entry = Revoked::now(client.unwrap().certificate()).unwrap();
        entry.with_reason(RevocationReason::KeyCompromise)
    };
    let own = [entry(ca, "alice"), entry(ca, "bob")];
    let both = [own[0].clone(), entry(&other, "alice"), entry(&other, "bob")];
    for (name, content) in [
        ("empty", NewRevocationList::new([])),
        ("plain", NewRevocationList::new(own)),
        ("indirect", NewRevocationList::new(both).indirect()),
    ] {
        let list = ca.sign_revocation_list(&content).unwrap();
        add(&["revocation_list"], &format!("{name}.crl"), list.as_der());
        add(&["revocation_list"], &format!("{name}.pem"), list.to_pem());
    }
}

fn write_certificates(ca: &CertificateAuthority) {
    let member = Identity::new("etcd-1").unwrap().with_names([
        "etcd-1.lan",
        "*.lan",
        "10.0.0.11",
        "fd00::11",
        "URI:spiffe://lan/etcd-1",
    ]);
    let member = ca.issue(Role::Member, member.unwrap()).unwrap();
    let client = Identity::new("root")
        .unwrap()
        .with_organization("system:masters")
        .unwrap();
    let client = ca.issue(Role::Client, client).unwrap();
    let ca = ca.certificate();
    for (name, certificate) in [
        ("ca", ca),
        ("member", member.certificate()),
        ("client", client.certificate()),
    ] {
        let pem = certificate.to_pem();
        add(
            &["certificate", "pem", "strict"],
            &format!("{name}.pem"),
            &pem,
        );
        add(
            &["certificate"],
            &format!("{name}.der"),
            certificate.as_der(),
        );
    }
    let two = [ca, member.certificate()]
        .map(|certificate| certificate.to_pem())
        .concat();
    add(&["pem", "strict"], "bundle.pem", &two);
    add(
        &["pem", "strict"],
        "text.pem",
        format!("A comment\n{}\r\n{two}", two.replace('\n', "\r\n")),
    );
    let pair = format!("{}{}", member.to_pem(), *member.to_secret_pem());
    add(&["strict"], "pair.pem", pair);
    write_constraints();
}

/// Values of the extension, with permitted and excluded names, addresses with masks, and URIs.
fn write_constraints() {
    use super::der::element;
    let subtree = |tag, base: &[u8]| element(0x30, &element(tag, base));
    let dns = subtree(0x82, b"example.com");
    let domain = subtree(0x82, b".lan");
    let address = subtree(0x87, &[10, 0, 0, 0, 255, 0, 0, 0]);
    let uri = subtree(0x86, b".example.com");
    let email = subtree(0x81, b"root@example.com");
    let lists = [
        ("permitted", 0xa0, vec![&dns, &domain, &address, &uri]),
        ("excluded", 0xa1, vec![&dns, &address, &email]),
        ("all", 0xa0, vec![&dns; 20]),
    ];
    let both: Vec<u8> = lists
        .iter()
        .take(2)
        .flat_map(|(_, tag, list)| {
            element(
                *tag,
                &list.iter().copied().flatten().copied().collect::<Vec<_>>(),
            )
        })
        .collect();
    for (name, tag, list) in &lists {
        let list: Vec<u8> = list.iter().copied().flatten().copied().collect();
        add(&["constraints"], name, element(0x30, &element(*tag, &list)));
    }
    add(&["constraints"], "both", element(0x30, &both));
}

fn write_requests(keys: &[PrivateKey]) {
    for key in keys {
        let identity = Identity::new("etcd-1")
            .unwrap()
            .with_names(["etcd-1.lan", "10.0.0.11"])
            .unwrap();
        let request = CertificateRequest::create(key, Role::Member, &identity).unwrap();
        let name = key.algorithm().name();
        add(
            &["request", "pem"],
            &format!("{name}.csr"),
            request.to_pem(),
        );
        add(&["request"], &format!("{name}.der"), request.as_der());
    }
}

fn write_texts() {
    let specification = "\
layout: kubespray
directory: /etc/ssl/etcd/ssl
ca: {common_name: etcd-ca, validity: 10y, peers: separate}
defaults: {algorithm: ec-p256, validity: 1y, renew_before: 30d, profile: strict}
shared_names: [etcd.kube-system.svc.cluster.local, etcd]
members:
  - {name: etcd-1, names: [etcd-1.lan], addresses: [10.0.0.11, \"fd00::11\"]}
  - {name: etcd-2, addresses: [10.0.0.12]}
nodes: [kube-1, kube-2]
clients:
  - root
  - {name: backup, validity: 90d, organization: operators}
files: {owner: etcd, group: root, key_mode: \"0600\", certificate_mode: \"0644\", directory_mode: \"0700\"}
";
    add(&["specification"], "whole.yaml", specification);
    add(
        &["specification"],
        "kubeadm.yaml",
        "layout: kubeadm\nmembers: [a, b]\nnodes: [a]\nclients: [root]\n",
    );
    add(
        &["specification"],
        "aliases.yaml",
        "defaults: &a {validity: 1y}\nmembers:\n- &b {name: a, names: [x.lan]}\nclients: [root]\n",
    );
    add(
        &["specification"],
        "cluster.json",
        r#"{"members": [{"name": "a", "addresses": ["10.0.0.1"]}], "clients": ["root"]}"#,
    );
    let conf = "\
[req]
req_extensions = v3_req
distinguished_name = req_distinguished_name
[req_distinguished_name]
[ v3_req ]
basicConstraints = CA:FALSE
subjectAltName = @alt_names
[ ssl_client ]
extendedKeyUsage = clientAuth, serverAuth
[alt_names]
DNS.1 = localhost
DNS.2 = etcd-1.lan # a comment
IP.1 = 10.0.0.11
IP.2 = ::1
";
    add(&["openssl_conf"], "kubespray.conf", conf);
    let variables = "name = lan\n[alt_names]\nDNS.1 = \"a\".$name\nDNS.2 = b.${name}\nDNS.3 = \\\nc.$default::name\nIP.1 = 10.0.0.1\n";
    add(&["openssl_conf"], "variables.conf", variables);
    let names = [
        "etcd-1",
        "etcd-1.lan",
        "*.lan",
        "10.0.0.11",
        "fd00::11",
        "::ffff:10.0.0.1",
        "bücher.example",
        "URI:spiffe://lan/a",
        "DNS:a,IP:10.0.0.1",
        "email:a@b",
        "etcd.",
        "2027-11-30T08:27:25Z",
        "2027-11-30T08:27:25+01:00",
    ];
    for (number, name) in names.iter().enumerate() {
        add(&["names"], &format!("{number:02}"), name);
    }
}

/// An exchange directory after the host's request, and after the signature.
fn write_exchange() {
    let scratch = Scratch::new("fuzz-corpus");
    let cluster = Cluster::from_yaml(SPECIFICATION).unwrap();
    let exchange = scratch.path().join("exchange");
    let apply = |machine: &str, host: Option<&str>| {
        let store = Store::new(scratch.path().join(machine), Layout::Kubespray);
        let options = PlanOptions::new().with_exchange(&exchange);
        let options = match host {
            Some(host) => options.with_host(host),
            None => options,
        };
        let _ = cluster
            .apply(&store, &options, &ApplyOptions::new())
            .unwrap()
            .into_result()
            .unwrap();
    };
    apply("host", Some("etcd-1"));
    add(&["exchange"], "requested", as_input(&exchange));
    apply("ca", None);
    add(&["exchange"], "signed", as_input(&exchange));
    let links = "\
=== link etcd-1/member-etcd-1.csr\n../../outside\n\
=== link etcd-2\n../host\n\
=== folder etcd-1/node-etcd-1.csr\n\
=== file etcd-2/node-etcd-2.csr\nnonsense\n\
=== file etcd-1/../ca.pem\n\n\
=== file unknown/member-unknown.csr\n\n";
    add(&["exchange"], "links", links);
}

/// The files of an exchange directory as an input of its target.
fn as_input(exchange: &Path) -> String {
    let mut input = String::new();
    let mut folders: Vec<PathBuf> = fs::read_dir(exchange)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    for folder in folders {
        let mut files: Vec<PathBuf> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        for path in files {
            let name = path.strip_prefix(exchange).unwrap().display();
            write!(
                input,
                "=== file {name}\n{}",
                fs::read_to_string(&path).unwrap()
            )
            .unwrap();
        }
    }
    input
}

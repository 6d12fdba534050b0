//! A directory as Kubespray creates it, with the openssl commands of its `make-ssl-etcd.sh`:
//! RSA-2048, a CA without keyUsage, and every certificate valid for a server with all names.

use std::{fs, path::Path};

use etcd_pki_core::layout::PairPaths;

use crate::{openssl, scratch::Scratch};

/// Kubespray's `certificates_duration`
const DAYS: &str = "36500";
/// Kubespray's `certificates_key_size`
const BITS: &str = "2048";

/// The sections of Kubespray's openssl.conf that its commands use, for hosts on the loopback
/// interface.
const OPENSSL_CONF: &str = "\
[req]
distinguished_name = req_distinguished_name
req_extensions = v3_req

[req_distinguished_name]

[v3_req]
basicConstraints = CA:FALSE
keyUsage = nonRepudiation, digitalSignature, keyEncipherment
subjectAltName = @alt_names

[ssl_client]
extendedKeyUsage = clientAuth, serverAuth
basicConstraints = CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid, issuer
subjectAltName = @alt_names

[alt_names]
DNS.1 = localhost
DNS.2 = etcd.kube-system.svc.cluster.local
DNS.3 = etcd.kube-system.svc
DNS.4 = etcd.kube-system
DNS.5 = etcd
IP.1 = 127.0.0.1
IP.2 = ::1
";

/// The directory, and the names of its files.
#[derive(Debug)]
pub struct Kubespray(Scratch);

impl Kubespray {
    /// Creates a CA, a member and an admin pair for each of `members`, and a node pair for each of
    /// `nodes`.
    #[must_use]
    pub fn create(members: &[&str], nodes: &[&str]) -> Self {
        Self::create_with(members, nodes, &[])
    }

    /// Creates the same with more alternative names, `DNS:NAME` or `IP:ADDRESS`. As in Kubespray,
    /// every certificate has the names of all members.
    #[must_use]
    pub fn create_with(members: &[&str], nodes: &[&str], names: &[&str]) -> Self {
        let directory = Self(Scratch::new("kubespray"));
        let mut configuration = OPENSSL_CONF.to_owned();
        for (index, name) in names.iter().enumerate() {
            let (kind, name) = name.split_once(':').expect("DNS: or IP:");
            configuration.push_str(&format!("{kind}.{} = {name}\n", index + 10));
        }
        fs::write(directory.path().join("openssl.conf"), configuration).expect("openssl.conf");
        directory.make_ca();
        for host in members {
            directory.make_leaf("member", host);
            directory.make_leaf("admin", host);
        }
        for host in nodes {
            directory.make_leaf("node", host);
        }
        // Kubespray works in a temporary directory and copies only the .pem files.
        directory.remove("ca.srl");
        directory
    }

    /// The path of the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The CA's certificate and key.
    #[must_use]
    pub fn ca(&self) -> PairPaths {
        self.named("ca")
    }

    /// The pair with which a host serves clients and peers.
    #[must_use]
    pub fn member(&self, host: &str) -> PairPaths {
        self.named(&format!("member-{host}"))
    }

    /// The pair with which etcdctl connects on a host.
    #[must_use]
    pub fn admin(&self, host: &str) -> PairPaths {
        self.named(&format!("admin-{host}"))
    }

    /// The pair with which kube-apiserver connects on a host.
    #[must_use]
    pub fn node(&self, host: &str) -> PairPaths {
        self.named(&format!("node-{host}"))
    }

    /// The paths `STEM.pem` and `STEM-key.pem`.
    #[must_use]
    pub fn named(&self, stem: &str) -> PairPaths {
        PairPaths {
            certificate: format!("{stem}.pem").into(),
            key: format!("{stem}-key.pem").into(),
        }
        .below(self.path())
    }

    fn make_ca(&self) {
        self.call(&format!("genrsa -out ca-key.pem {BITS}"));
        self.call(&format!(
            "req -x509 -new -nodes -key ca-key.pem -days {DAYS} -out ca.pem -subj /CN=etcd-ca"
        ));
    }

    fn make_leaf(&self, role: &str, host: &str) {
        let stem = format!("{role}-{host}");
        let cut = host.split('.').next().unwrap_or(host);
        // Only the request of a member uses the configuration.
        let configuration = if role == "member" {
            "-config openssl.conf"
        } else {
            ""
        };

        self.call(&format!("genrsa -out {stem}-key.pem {BITS}"));
        self.call(&format!(
            "req -new -key {stem}-key.pem -out {stem}.csr -subj /CN=etcd-{role}-{cut} {configuration}"
        ));
        self.call(&format!(
            "x509 -req -in {stem}.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -out {stem}.pem \
             -days {DAYS} -extensions ssl_client -extfile openssl.conf"
        ));
        self.remove(&format!("{stem}.csr"));
    }

    fn call(&self, line: &str) {
        openssl::call(self.path(), line);
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path().join(name)).expect("a file that openssl made");
    }
}

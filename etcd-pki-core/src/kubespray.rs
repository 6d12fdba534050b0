//! Converts the input of Kubespray's `make-ssl-etcd.sh` to a cluster: the names in its
//! openssl.conf, and two lists of hosts.

mod alt_names;
mod openssl_conf;

use std::env;

pub use self::alt_names::MisplacedAddress;

use alt_names::AltNames;

use crate::{
    cluster::{CaSpec, Cluster, ClusterSpec, DefaultsSpec, EntrySpec},
    error::{Error, Result},
    key::KeyAlgorithm,
    role::Compatibility,
    time::validity::Validity,
    x509::identity::{self, AlternativeName},
};

/// The input of Kubespray's `make-ssl-etcd.sh`. The script issues a member's and an admin's pair
/// for each master and a node's pair for each host. Every certificate has all names of the
/// openssl.conf.
///
/// ```
/// use etcd_pki_core::kubespray::KubesprayScript;
///
/// let script = KubesprayScript::from_openssl_conf("[alt_names]\nDNS.1 = localhost\nIP.1 = 10.0.0.11\n")?
///     .with_masters("etcd-1")
///     .with_hosts("etcd-1 kube-1");
/// let pairs = script.cluster()?.desired()?.pairs;
/// let files: Vec<_> = pairs.iter().map(|pair| pair.paths.certificate.display().to_string()).collect();
/// assert_eq!(files, ["member-etcd-1.pem", "admin-etcd-1.pem", "node-etcd-1.pem", "node-kube-1.pem"]);
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct KubesprayScript {
    names: AltNames,
    masters: Vec<String>,
    hosts: Vec<String>,
    algorithm: Option<KeyAlgorithm>,
    validity: Option<Validity>,
    without_record: bool,
}

impl KubesprayScript {
    /// Reads the names from the section `[alt_names]` of an openssl.conf, as OpenSSL reads it: with
    /// quotes, backslashes, joined lines, and variables such as `$name`, `${section::name}` and
    /// `${ENV::NAME}`, which is a variable of this process's environment. An address after `DNS.`
    /// is read as an address, and [`KubesprayScript::misplaced_addresses`] reports it.
    ///
    /// # Errors
    ///
    /// [`Error::Specification`] with the line, for an invalid name, for text that OpenSSL refuses,
    /// and for `.include` and `.pragma`; also for a file without names.
    pub fn from_openssl_conf(text: &str) -> Result<Self> {
        Ok(Self {
            names: alt_names::parse(text, |name| env::var(name).ok())?,
            masters: Vec::new(),
            hosts: Vec::new(),
            algorithm: None,
            validity: None,
            without_record: false,
        })
    }

    /// Sets the members, separated by white space, as in the script's variable `MASTERS`.
    pub fn with_masters(self, masters: &str) -> Self {
        Self {
            masters: each_once(masters),
            ..self
        }
    }

    /// Sets the nodes, separated by white space, as in the script's variable `HOSTS`.
    pub fn with_hosts(self, hosts: &str) -> Self {
        Self {
            hosts: each_once(hosts),
            ..self
        }
    }

    /// Sets the algorithm of keys; Kubespray uses RSA with 2048 bits.
    pub fn with_algorithm(self, algorithm: KeyAlgorithm) -> Self {
        Self {
            algorithm: Some(algorithm),
            ..self
        }
    }

    /// Sets the validity of all certificates, including the CA's; Kubespray uses 36500 days.
    pub fn with_validity(self, validity: Validity) -> Self {
        Self {
            validity: Some(validity),
            ..self
        }
    }

    /// Adds no certificate to the record of the CA.
    pub fn without_record(self) -> Self {
        Self {
            without_record: true,
            ..self
        }
    }

    /// The names that all certificates have.
    #[must_use]
    pub fn names(&self) -> &[AlternativeName] {
        &self.names.names
    }

    /// The addresses that the file lists as DNS names. A host's name in Kubespray's inventory may
    /// be its address.
    #[must_use]
    pub fn misplaced_addresses(&self) -> &[MisplacedAddress] {
        &self.names.misplaced
    }

    /// Whether there are no masters and no hosts, and so no certificates to issue.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.masters.is_empty() && self.hosts.is_empty()
    }

    /// The cluster of these masters and hosts. It covers only part of Kubespray's directory: other
    /// runs of the script used other hosts.
    ///
    /// # Errors
    ///
    /// [`Error::Specification`] for a host that cannot have files or a certificate.
    pub fn cluster(&self) -> Result<Cluster> {
        let entries = |names: &[String]| names.iter().map(EntrySpec::new).collect();
        Cluster::try_from(ClusterSpec {
            ca: CaSpec {
                validity: self.validity,
                record: !self.without_record,
                ..CaSpec::default()
            },
            defaults: DefaultsSpec {
                profile: Compatibility::Kubespray,
                algorithm: self.algorithm,
                validity: self.validity,
                take_names_as_given: true,
                ..DefaultsSpec::default()
            },
            shared_names: self.names().to_vec(),
            members: entries(&self.masters),
            nodes: entries(&self.hosts),
            ..ClusterSpec::default()
        })
        .map_err(in_words_of_the_script)
    }
}

const MASTERS: &str = "MASTERS";
const HOSTS: &str = "HOSTS";

/// Splits a list at white space. Keeps the order, and each name once.
fn each_once(list: &str) -> Vec<String> {
    identity::each_once(list.split_whitespace().map(str::to_owned).collect())
}

/// Names the script's variable instead of the field: users of the script have no specification.
fn in_words_of_the_script(error: Error) -> Error {
    match error {
        Error::Specification { field, reason, .. } if field.starts_with("members") => {
            fault(MASTERS, reason)
        }
        Error::Specification { field, reason, .. } if field.starts_with("nodes") => {
            fault(HOSTS, reason)
        }
        error => error,
    }
}

fn fault(variable: &str, reason: String) -> Error {
    Error::Specification {
        position: None,
        field: variable.to_owned(),
        reason,
        hint: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPENSSL_CONF: &str = "[alt_names]\nDNS.1 = localhost\nDNS.2 = a.lan\nIP.1 = 10.0.0.1\n";

    fn script() -> KubesprayScript {
        KubesprayScript::from_openssl_conf(OPENSSL_CONF).unwrap()
    }

    #[test]
    fn every_certificate_has_the_names_of_the_file_and_no_other() {
        let cluster = script()
            .with_masters("a.lan b")
            .with_hosts(" b\n b c ")
            .cluster();
        let desired = cluster.unwrap().desired().unwrap();
        let mut shown = Vec::new();
        for pair in &desired.pairs {
            let names = pair.alternative_names().unwrap();
            assert_eq!(names, script().names().to_vec());
            shown.extend(pair.common_name().unwrap());
        }
        let expected = [
            "etcd-member-a",
            "etcd-admin-a",
            "etcd-member-b",
            "etcd-admin-b",
            "etcd-node-b",
            "etcd-node-c",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn no_hosts_are_nothing_to_make() {
        assert!(script().is_empty());
        assert!(script().with_masters(" \n").with_hosts("").is_empty());
        assert!(!script().with_hosts("a").is_empty());
    }

    #[test]
    fn faults_name_the_variable() {
        let said = |script: KubesprayScript| script.cluster().unwrap_err().to_string();
        let long = "a".repeat(60);
        assert!(
            said(script().with_masters("a/b")).starts_with("MASTERS: the name \"a/b\" has a slash")
        );
        assert!(said(script().with_hosts("../a")).starts_with("HOSTS: "));
        let said = said(script().with_hosts(&long));
        assert!(
            said.starts_with("HOSTS: the common name etcd-node-aaa"),
            "{said}"
        );
    }
}

//! The arguments of Kubespray's script, as a cluster.

use std::net::IpAddr;

use etcd_pki_core::{
    KeyAlgorithm,
    kubespray::{KubesprayScript, MisplacedAddress},
};
use pyo3::prelude::*;

use crate::{
    cluster::PyCluster,
    error::OrRaise as _,
    hash::hash_by_debug,
    text::{Listed, Text, names_out},
    time::ValidityArgument,
    words::Word,
};

/// The arguments of Kubespray's `make-ssl-etcd.sh`: an openssl.conf, the members in `MASTERS`, and
/// the nodes in `HOSTS`.
///
/// `openssl_conf` is the text of the file. The names are in its section `[alt_names]`, which is
/// read as OpenSSL reads it, with the variables of the environment. `masters` and `hosts` are
/// lists. Keys have `algorithm` and certificates `validity`, by default those of Kubespray: RSA of
/// 2048 bits and 36500 days. The certificates are added to the record of the CA, unless `record` is
/// `False`.
///
/// >>> from etcd_pki import KubesprayScript
/// >>> script = KubesprayScript("[alt_names]\nIP.1 = 10.0.0.11\n", masters=["etcd-1"], hosts=["kube-1"])
/// >>> [pair.paths.certificate.name for pair in script.cluster().desired().pairs]
/// ['member-etcd-1.pem', 'admin-etcd-1.pem', 'node-kube-1.pem']
#[pyclass(frozen, eq, hash, name = "KubesprayScript", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyKubesprayScript(KubesprayScript);

hash_by_debug!(PyKubesprayScript);

#[pymethods]
impl PyKubesprayScript {
    #[new]
    #[pyo3(
        signature = (openssl_conf, *, masters=Listed::default(), hosts=Listed::default(), algorithm=None, validity=None, record=true),
        text_signature = "(openssl_conf, *, masters=(), hosts=(), algorithm=None, validity=None, record=True)"
    )]
    fn new(
        openssl_conf: Text,
        masters: Listed<Text>,
        hosts: Listed<Text>,
        algorithm: Option<Word<KeyAlgorithm>>,
        validity: Option<ValidityArgument>,
        record: bool,
    ) -> PyResult<Self> {
        let mut script = KubesprayScript::from_openssl_conf(&openssl_conf.0)
            .or_raise()?
            .with_masters(&joined(masters))
            .with_hosts(&joined(hosts));
        if let Some(Word(algorithm)) = algorithm {
            script = script.with_algorithm(algorithm);
        }
        if let Some(ValidityArgument(validity)) = validity {
            script = script.with_validity(validity);
        }
        if !record {
            script = script.without_record();
        }
        Ok(Self(script))
    }

    /// The names that all certificates have.
    #[getter]
    fn names<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        names_out(py, self.0.names())
    }

    /// The addresses among the DNS names of the file. They are used as addresses.
    #[getter]
    fn misplaced_addresses(&self) -> Vec<IpAddr> {
        let misplaced = self.0.misplaced_addresses().iter();
        misplaced.map(MisplacedAddress::address).collect()
    }

    /// Whether there is neither a master nor a host, so that there is nothing to do.
    #[getter]
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The cluster of these masters and hosts. It is only a part of Kubespray's directory, which
    /// can have the files of hosts that were named in earlier runs.
    fn cluster(&self) -> PyResult<PyCluster> {
        self.0.cluster().or_raise().map(PyCluster::new)
    }

    fn __repr__(&self) -> String {
        format!("<KubesprayScript of {} names>", self.0.names().len())
    }
}

fn joined(Listed(names): Listed<Text>) -> String {
    let names: Vec<String> = names.into_iter().map(|Text(name)| name).collect();
    names.join(" ")
}

//! The certificates that a specification revokes.

use etcd_pki_core::{cluster::RevokedSpec, x509::RevocationReason};
use pyo3::prelude::*;

use crate::{
    hash::hash_by_debug,
    revocation::{SerialArgument, integer},
    text::Text,
    words::Word,
};

/// Certificates that a specification revokes: those of a `client`, those of a `host`, or the one
/// with a `serial` number. `reason` is a `RevocationReason`.
///
/// >>> from etcd_pki import Cluster, ClusterRevoked
/// >>> cluster = Cluster(members=["etcd-1"], revoked=[ClusterRevoked(client="alice")])
/// >>> cluster.revoked[0].client
/// 'alice'
#[pyclass(frozen, eq, hash, name = "ClusterRevoked", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyClusterRevoked(pub(crate) RevokedSpec);

hash_by_debug!(PyClusterRevoked);

impl FromPyObject<'_, '_> for PyClusterRevoked {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        Ok(Self(object.cast::<Self>()?.get().0.clone()))
    }
}

#[pymethods]
impl PyClusterRevoked {
    #[new]
    #[pyo3(signature = (*, client=None, host=None, serial=None, reason=None))]
    fn new(
        client: Option<Text>,
        host: Option<Text>,
        serial: Option<SerialArgument>,
        reason: Option<Word<RevocationReason>>,
    ) -> PyResult<Self> {
        let spec = RevokedSpec {
            client: client.map(|Text(name)| name),
            host: host.map(|Text(name)| name),
            serial: serial.map(|SerialArgument(serial)| serial),
            reason: reason.map(|Word(reason)| reason),
        };
        super::check(etcd_pki_core::cluster::ClusterSpec {
            revoked: vec![spec.clone()],
            ..Default::default()
        })?;
        Ok(Self(spec))
    }

    /// The client.
    #[getter]
    fn client(&self) -> Option<&str> {
        self.0.client.as_deref()
    }

    /// The host.
    #[getter]
    fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }

    /// The serial number.
    #[getter]
    fn serial<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let serial = self.0.serial.as_ref();
        serial.map(|serial| integer(py, serial)).transpose()
    }

    /// The reason in the list.
    #[getter]
    fn reason(&self) -> Option<Word<RevocationReason>> {
        self.0.reason.map(Word)
    }

    fn __repr__(&self) -> String {
        let client = self
            .0
            .client
            .as_deref()
            .map(|name| format!("client {name}"));
        let host = self.0.host.as_deref().map(|name| format!("host {name}"));
        let serial = self
            .0
            .serial
            .as_ref()
            .map(|serial| format!("serial {serial}"));
        let named = client.or(host).or(serial).unwrap_or_default();
        format!("<ClusterRevoked {named}>")
    }
}

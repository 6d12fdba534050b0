//! A member, a node or a client of a cluster.

use etcd_pki_core::{Identity, KeyAlgorithm, cluster::EntrySpec};
use pyo3::prelude::*;

use super::endpoints::Port;
use crate::{
    error::OrRaise as _,
    hash::hash_by_debug,
    identity::{IdentityArgument, PyIdentity},
    text::{Names, Text},
    time::ValidityArgument,
    words::Word,
};

/// A member, a node or a client of a cluster, and how it differs from the defaults.
///
/// `identity` is an `Identity`, or the name alone, and `names` are further alternative names.
/// `peer_common_name` is that of a member's pair for peers, if it has a separate one.
/// `algorithm` is that of its key, and `validity` how long its certificate is valid: a `timedelta`,
/// text such as `90d`, or the `datetime` at which it expires. `allow_member_common_name` lets a
/// node or client have a member's common name. `client_port` and `peer_port` are the ports of a
/// member, if they differ from those of the cluster.
#[pyclass(frozen, eq, hash, name = "ClusterEntry", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyClusterEntry(pub(crate) EntrySpec);

hash_by_debug!(PyClusterEntry);

impl PyClusterEntry {
    pub(crate) fn all(entries: &[EntrySpec]) -> Vec<Self> {
        entries.iter().cloned().map(Self).collect()
    }
}

/// An entry, or the identity or the name of one.
impl FromPyObject<'_, '_> for PyClusterEntry {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(entry) = object.cast::<Self>() {
            return Ok(Self(entry.get().0.clone()));
        }
        let IdentityArgument(identity) = object.extract()?;
        Ok(Self(identity.into()))
    }
}

#[pymethods]
impl PyClusterEntry {
    #[new]
    #[pyo3(
        signature = (
            identity, *, names=Names::default(), peer_common_name=None, algorithm=None, validity=None,
            allow_member_common_name=false, client_port=None, peer_port=None
        ),
        text_signature = "(identity, *, names=(), peer_common_name=None, algorithm=None, validity=None, allow_member_common_name=False, \
            client_port=None, peer_port=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn new(
        identity: IdentityArgument,
        names: Names,
        peer_common_name: Option<Text>,
        algorithm: Option<Word<KeyAlgorithm>>,
        validity: Option<ValidityArgument>,
        allow_member_common_name: bool,
        client_port: Option<Port>,
        peer_port: Option<Port>,
    ) -> PyResult<Self> {
        if let Some(Text(common_name)) = &peer_common_name {
            Identity::from_common_name(common_name).or_raise()?;
        }
        Ok(Self(EntrySpec {
            peer_common_name: peer_common_name.map(|Text(common_name)| common_name),
            algorithm: algorithm.map(|Word(algorithm)| algorithm),
            validity: validity.map(|ValidityArgument(validity)| validity),
            allow_member_common_name,
            ports: Port::ports(client_port, peer_port),
            ..EntrySpec::from(identity.with(names))
        }))
    }

    /// Its identity.
    #[getter]
    fn identity(&self) -> PyResult<PyIdentity> {
        self.0.identity().or_raise().map(PyIdentity)
    }

    /// The common name of a member's pair for peers, if it is specified.
    #[getter]
    fn peer_common_name(&self) -> Option<&str> {
        self.0.peer_common_name.as_deref()
    }

    /// The algorithm of its key, if it is specified.
    #[getter]
    fn algorithm(&self) -> Option<Word<KeyAlgorithm>> {
        self.0.algorithm.map(Word)
    }

    /// How long its certificate is valid, if that is specified, as text: `90d`.
    #[getter]
    fn validity(&self) -> Option<String> {
        self.0.validity.map(|validity| validity.to_string())
    }

    /// Whether a node or client may have a member's common name.
    #[getter]
    fn may_have_member_common_name(&self) -> bool {
        self.0.allow_member_common_name
    }

    /// The port of a member for clients, if it is specified.
    #[getter]
    fn client_port(&self) -> Option<u16> {
        self.0.ports.client
    }

    /// The port of a member for peers, if it is specified.
    #[getter]
    fn peer_port(&self) -> Option<u16> {
        self.0.ports.peer
    }

    fn __repr__(&self) -> String {
        format!("<ClusterEntry {}>", self.0.name)
    }
}

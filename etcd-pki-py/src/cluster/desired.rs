//! The CAs and pairs that must exist for a cluster.

use etcd_pki_core::{
    CaKind, KeyAlgorithm, Role,
    cluster::{Desired, DesiredCa, DesiredPair},
};
use pyo3::prelude::*;

use crate::{
    error::OrRaise as _,
    finding::PyFinding,
    hash::hash_by_debug,
    identity::PyIdentity,
    layout::PyPairPaths,
    text::names_out,
    time::{Instant, instant},
    words::Word,
};

/// All that must exist for a cluster, or for one of its hosts.
#[pyclass(frozen, eq, hash, name = "Desired", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyDesired(pub(crate) Desired);

hash_by_debug!(PyDesired);

#[pymethods]
impl PyDesired {
    /// The CAs.
    #[getter]
    fn cas(&self) -> Vec<PyDesiredCa> {
        self.0.cas.iter().cloned().map(PyDesiredCa).collect()
    }

    /// The pairs: members, nodes and clients, in this order.
    #[getter]
    fn pairs(&self) -> Vec<PyDesiredPair> {
        self.0.pairs.iter().cloned().map(PyDesiredPair).collect()
    }

    fn __repr__(&self) -> String {
        let (cas, pairs) = (self.0.cas.len(), self.0.pairs.len());
        format!("<Desired {cas} CAs, {pairs} pairs>")
    }
}

/// A CA that must exist.
#[pyclass(frozen, eq, hash, name = "DesiredCa", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyDesiredCa(pub(crate) DesiredCa);

hash_by_debug!(PyDesiredCa);

#[pymethods]
impl PyDesiredCa {
    /// Which of the cluster's CAs.
    #[getter]
    fn kind(&self) -> Word<CaKind> {
        Word(self.0.kind)
    }

    /// The files, relative to the cluster's directory.
    #[getter]
    fn paths(&self) -> PyPairPaths {
        PyPairPaths(self.0.paths.clone())
    }

    /// The common name, unless the CA has none.
    #[getter]
    fn common_name(&self) -> Option<String> {
        self.0.common_name()
    }

    /// The subject.
    #[getter]
    fn identity(&self) -> PyIdentity {
        PyIdentity(self.0.identity.clone())
    }

    /// The algorithm of a new key. An existing CA keeps its key.
    #[getter]
    fn algorithm(&self) -> Word<KeyAlgorithm> {
        Word(self.0.profile.algorithm())
    }

    /// How long before it expires it is renewed, as text: `30d`, `33%`.
    #[getter]
    fn renew_before(&self) -> String {
        self.0.renew_before.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<DesiredCa {}>", self.0.paths.certificate.display())
    }
}

/// A key and its certificate that must exist.
#[pyclass(frozen, eq, hash, name = "DesiredPair", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyDesiredPair(pub(crate) DesiredPair);

hash_by_debug!(PyDesiredPair);

#[pymethods]
impl PyDesiredPair {
    /// The files, relative to the cluster's directory.
    #[getter]
    fn paths(&self) -> PyPairPaths {
        PyPairPaths(self.0.paths.clone())
    }

    /// The role.
    #[getter]
    fn role(&self) -> Word<Role> {
        Word(self.0.role())
    }

    /// The common name of the certificate, if it has one.
    #[getter]
    fn common_name(&self) -> PyResult<Option<String>> {
        self.0.common_name().or_raise()
    }

    /// All alternative names of the certificate, with those of the role: text, and addresses as
    /// objects of `ipaddress`.
    #[getter]
    fn alternative_names<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        names_out(py, &self.0.alternative_names().or_raise()?)
    }

    /// The subject, with the names of the specification.
    #[getter]
    fn identity(&self) -> PyIdentity {
        PyIdentity(self.0.identity.clone())
    }

    /// The CA that signs it.
    #[getter]
    fn ca(&self) -> Word<CaKind> {
        Word(self.0.ca)
    }

    /// The algorithm of its key.
    #[getter]
    fn algorithm(&self) -> Word<KeyAlgorithm> {
        Word(self.0.profile.algorithm())
    }

    /// How long before it expires it is renewed, as text: `30d`, `33%`.
    #[getter]
    fn renew_before(&self) -> String {
        self.0.renew_before.to_string()
    }

    /// Why etcd's peer port accepts the certificate of this client or node: it has no DNS name and
    /// no address, or some of its own. `None` if it is a member's, if peers have a separate CA, and
    /// for the profile `kubespray`, which gives all of them to everyone.
    #[getter]
    fn peer_port(&self) -> Option<PyFinding> {
        self.0.peer_port().as_ref().map(PyFinding::of)
    }

    /// Why a certificate issued `now` is renewed later than specified: `renew_before` is more than
    /// a third of its life.
    #[pyo3(signature = (*, now=None))]
    fn renewed_later(&self, now: Option<Instant>) -> Option<PyFinding> {
        let finding = self.0.renewed_later(instant(now));
        finding.as_ref().map(PyFinding::of)
    }

    /// The host that uses it; a client of its own has none.
    #[getter]
    fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }

    fn __repr__(&self) -> String {
        format!("<DesiredPair {}>", self.0.paths.certificate.display())
    }
}

//! What must exist for a cluster.

use etcd_pki_core::{CaKind, KeyAlgorithm, Purpose, Role, Wanted};
use pyo3::prelude::*;

use crate::{
    error::OrRaise as _, hash::hash_by_debug, identity::PyIdentity, layout::PyPairPaths,
    text::names_out, words::Word,
};

/// A key and its certificate that must exist.
#[pyclass(frozen, eq, hash, name = "Wanted", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyWanted(pub(crate) Wanted);

hash_by_debug!(PyWanted);

#[pymethods]
impl PyWanted {
    /// Where, below the cluster's directory.
    #[getter]
    fn paths(&self) -> PyPairPaths {
        PyPairPaths(self.0.paths.clone())
    }

    /// The common name that its certificate has, if it has one.
    #[getter]
    fn common_name(&self) -> PyResult<Option<String>> {
        self.0.common_name().or_raise()
    }

    /// All alternative names that its certificate has, those that come from its role with them: text, and addresses as objects of
    /// `ipaddress`. An authority has none.
    #[getter]
    fn alternative_names<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        names_out(py, &self.0.alternative_names().or_raise()?)
    }

    /// For whom, with the names that were given.
    #[getter]
    fn identity(&self) -> PyIdentity {
        PyIdentity(self.0.identity.clone())
    }

    /// Which authority signs it; an authority is its own.
    #[getter]
    fn issuer(&self) -> Word<CaKind> {
        Word(self.0.issuer)
    }

    /// The role; an authority has none.
    #[getter]
    fn role(&self) -> Option<Word<Role>> {
        self.0.role().map(Word)
    }

    /// Whether it is an authority.
    #[getter]
    fn is_authority(&self) -> bool {
        self.0.is_authority()
    }

    /// The algorithm of its key.
    #[getter]
    fn algorithm(&self) -> Option<Word<KeyAlgorithm>> {
        match &self.0.purpose {
            Purpose::Authority(profile) => Some(Word(profile.key_algorithm())),
            Purpose::Leaf(profile) => Some(Word(profile.key_algorithm())),
            _ => None,
        }
    }

    /// How long before its end it is due, as text: `30d`, `33%`.
    #[getter]
    fn renew_before(&self) -> String {
        self.0.renew_before.to_string()
    }

    /// The host on which it is used; an authority and a client of its own are of no host.
    #[getter]
    fn host(&self) -> Option<&str> {
        self.0.host.as_deref()
    }

    fn __repr__(&self) -> String {
        format!("<Wanted {}>", self.0.paths.certificate.display())
    }
}

//! What must exist for a cluster.

use etcd_pki_core::{Issuer, KeyAlgorithm, Purpose, Role, Wanted};
use pyo3::prelude::*;

use crate::{hash::hash_by_debug, identity::PyIdentity, layout::PyPairPaths, words::Word};

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

    /// For whom, with all names that the certificate is to have.
    #[getter]
    fn identity(&self) -> PyIdentity {
        PyIdentity(self.0.identity.clone())
    }

    /// Which authority signs it; an authority is its own.
    #[getter]
    fn issuer(&self) -> Word<Issuer> {
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

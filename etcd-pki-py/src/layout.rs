//! The names of the files.

use std::path::PathBuf;

use etcd_pki_core::{CaKind, Layout, Role, layout::PairPaths};
use pyo3::prelude::*;

use crate::{error::OrRaise as _, text::Text, words::Word};

/// The paths of a key and its certificate.
///
/// `certificate` is the path of the certificate, and `key` that of the key.
#[pyclass(frozen, eq, hash, name = "PairPaths", module = "etcd_pki")]
#[derive(Clone, PartialEq, Hash)]
pub(crate) struct PyPairPaths(pub(crate) PairPaths);

impl PyPairPaths {
    pub(crate) fn all(pairs: Vec<PairPaths>) -> Vec<Self> {
        pairs.into_iter().map(Self).collect()
    }
}

#[pymethods]
impl PyPairPaths {
    #[new]
    fn new(certificate: PathBuf, key: PathBuf) -> Self {
        Self(PairPaths { certificate, key })
    }

    /// The certificate's file.
    #[getter]
    fn certificate(&self) -> PathBuf {
        self.0.certificate.clone()
    }

    /// The key's file.
    #[getter]
    fn key(&self) -> PathBuf {
        self.0.key.clone()
    }

    /// The same files below a directory.
    fn below(&self, directory: PathBuf) -> Self {
        Self(self.0.below(&directory))
    }

    fn __repr__(&self) -> String {
        let (certificate, key) = (self.0.certificate.display(), self.0.key.display());
        format!("<PairPaths {certificate}, {key}>")
    }
}

/// The paths of a CA in a layout, below its directory.
#[pyfunction]
pub(crate) fn ca_paths(layout: Word<Layout>, kind: Word<CaKind>) -> PyPairPaths {
    PyPairPaths(layout.0.ca(kind.0))
}

/// The paths of the pairs of a role in a layout: one pair, or two if a member has one pair for
/// clients and one for peers, in this order.
#[pyfunction]
pub(crate) fn pair_paths(
    layout: Word<Layout>,
    role: Word<Role>,
    name: Text,
) -> PyResult<Vec<PyPairPaths>> {
    let pairs = layout.0.pairs(role.0, &name.0).or_raise()?;
    Ok(PyPairPaths::all(pairs))
}

/// The paths of a member's pair for peers in a layout, if peers have a separate CA.
#[pyfunction]
pub(crate) fn peer_pair_paths(layout: Word<Layout>, name: Text) -> PyResult<PyPairPaths> {
    layout.0.peer_pair(&name.0).or_raise().map(PyPairPaths)
}

/// The paths of the client's pair that the layout's own tools expect next to a member.
#[pyfunction]
pub(crate) fn member_client_paths(
    layout: Word<Layout>,
    name: Text,
) -> PyResult<Option<PyPairPaths>> {
    let pair = layout.0.member_client(&name.0).or_raise()?;
    Ok(pair.map(PyPairPaths))
}

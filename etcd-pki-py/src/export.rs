//! The files of one host.

use std::path::PathBuf;

use etcd_pki_core::export::Exported;
use pyo3::prelude::*;

use crate::hash::hash_by_debug;

/// The copied files of one host.
#[pyclass(frozen, eq, hash, name = "Exported", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyExported(pub(crate) Exported);

hash_by_debug!(PyExported);

#[pymethods]
impl PyExported {
    /// The paths of the files.
    #[getter]
    fn files(&self) -> Vec<PathBuf> {
        self.0.files.clone()
    }

    /// The owner and the group of the specification that could not be set here: they are unknown on
    /// this host, or only root may change owners. Change them on the host that uses the files.
    #[getter]
    fn unset_owners(&self) -> Vec<String> {
        self.0.not_given.clone()
    }

    /// The other files in the directory that have names of the layout, such as keys of an earlier
    /// export that the host no longer uses. They stay as they are.
    #[getter]
    fn other_files(&self) -> Vec<PathBuf> {
        self.0.other_files.clone()
    }

    fn __repr__(&self) -> String {
        format!("<Exported {} files>", self.0.files.len())
    }
}

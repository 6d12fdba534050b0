//! The files of one host.

use std::path::PathBuf;

use etcd_pki_core::export::{ExportChanges, ExportFile, Exported};
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

/// The files that an export would write, and the other files of its directory.
#[pyclass(frozen, eq, hash, name = "ExportChanges", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyExportChanges(pub(crate) ExportChanges);

hash_by_debug!(PyExportChanges);

#[pymethods]
impl PyExportChanges {
    /// Each file of the host.
    #[getter]
    fn files(&self) -> Vec<PyExportFile> {
        self.0.files.iter().cloned().map(PyExportFile).collect()
    }

    /// The other files of the directory, which an export does not write: for example a key of an
    /// earlier export that the host no longer uses. Hidden files are left out.
    #[getter]
    fn other_files(&self) -> Vec<PathBuf> {
        self.0.other_files.clone()
    }

    /// Whether the directory has files, so that an export requires `overwrite=True`.
    #[getter]
    fn needs_overwrite(&self) -> bool {
        self.0.needs_overwrite
    }

    /// Whether an export would change a file.
    #[getter]
    fn is_changed(&self) -> bool {
        self.0.is_changed()
    }

    fn __repr__(&self) -> String {
        format!("<ExportChanges {} files>", self.0.files.len())
    }
}

/// A file of an export.
#[pyclass(frozen, eq, hash, name = "ExportFile", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyExportFile(ExportFile);

hash_by_debug!(PyExportFile);

#[pymethods]
impl PyExportFile {
    /// The path in the directory of the export.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path.clone()
    }

    /// The path in the directory of all hosts.
    #[getter]
    fn source(&self) -> PathBuf {
        self.0.source.clone()
    }

    /// Whether it contains a private key.
    #[getter]
    fn is_secret(&self) -> bool {
        self.0.secret
    }

    /// The state of the file at `path`: `up to date`, `missing`, `other contents` or `other
    /// permissions`.
    #[getter]
    fn state(&self) -> String {
        self.0.state.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<ExportFile {}: {}>", self.0.path.display(), self.0.state)
    }
}

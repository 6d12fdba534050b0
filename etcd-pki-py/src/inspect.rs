//! The current state of a directory.

use std::path::{Path, PathBuf};

use etcd_pki_core::{
    CaKind, Layout,
    inspect::{self, CurrentPair, Directory, TrustBundle},
    layout::PairPaths,
};
use pyo3::prelude::*;

use crate::{
    certificate::{PyCertificate, wrapped},
    check::PyChecked,
    error::work,
    finding::PyFinding,
    interrupt::on_all_cores,
    key::PyPublicKey,
    layout::PyPairPaths,
    words::Word,
};

/// Reads a directory once, and returns its current state. A file that cannot be read is a finding.
///
/// >>> from etcd_pki import CertificateAuthority, inspect_directory
/// >>> ca = CertificateAuthority.create("etcd-ca")
/// >>> paths = ca.write("ssl")
/// >>> state = inspect_directory("ssl")
/// >>> state.bundles[0].signing_ca == ca.certificate, state.findings
/// (True, [])
#[pyfunction]
pub(crate) fn inspect_directory(py: Python<'_>, path: PathBuf) -> PyResult<PyDirectory> {
    work(py, || on_all_cores(|| inspect::directory(&path))).map(PyDirectory)
}

/// Findings about the owners of a CA's two files, and about other users who may write to their
/// directory. They are warnings: without a specification it is unknown who should own the files.
///
/// >>> from etcd_pki import CertificateAuthority, inspect_ca
/// >>> paths = CertificateAuthority.create("etcd-ca").write("ssl")
/// >>> inspect_ca(paths.certificate, paths.key)
/// []
#[pyfunction]
pub(crate) fn inspect_ca(certificate: PathBuf, key: PathBuf) -> Vec<PyFinding> {
    let paths = PairPaths { certificate, key };
    PyFinding::all(&inspect::ca_files(&paths))
}

/// The current state of a directory: what `inspect_directory` returns.
#[pyclass(frozen, name = "Directory", module = "etcd_pki")]
pub(crate) struct PyDirectory(Directory);

#[pymethods]
impl PyDirectory {
    /// The directory.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    /// The layout of the file names; `None` if no layout has them.
    #[getter]
    fn layout(&self) -> Option<Word<Layout>> {
        self.0.layout().map(Word)
    }

    /// The trust bundles: that of clients, and that of peers if they have a separate CA.
    #[getter]
    fn bundles(&self) -> Vec<PyTrustBundle> {
        self.0
            .bundles()
            .iter()
            .cloned()
            .map(PyTrustBundle)
            .collect()
    }

    /// The pairs of members, nodes and clients.
    #[getter]
    fn pairs(&self) -> Vec<PyCurrentPair> {
        self.0.pairs().iter().cloned().map(PyCurrentPair).collect()
    }

    /// The other files, relative to the directory.
    #[getter]
    fn other_files(&self) -> Vec<PathBuf> {
        self.0.other_files().map(Path::to_owned).collect()
    }

    /// The result for each certificate and file.
    #[getter]
    fn results(&self) -> Vec<PyChecked> {
        self.0.results().iter().cloned().map(PyChecked).collect()
    }

    /// All findings.
    #[getter]
    fn findings(&self) -> Vec<PyFinding> {
        PyFinding::all(self.0.findings())
    }

    fn __repr__(&self) -> String {
        let (path, pairs) = (self.0.path().display(), self.0.pairs().len());
        format!("<Directory {path}: {pairs} pairs>")
    }
}

/// The CA certificates of a file such as `ca.pem`.
#[pyclass(frozen, name = "TrustBundle", module = "etcd_pki")]
pub(crate) struct PyTrustBundle(TrustBundle);

#[pymethods]
impl PyTrustBundle {
    /// Which CA it is.
    #[getter]
    fn kind(&self) -> Word<CaKind> {
        Word(self.0.kind())
    }

    /// The files of the CA, relative to the directory.
    #[getter]
    fn paths(&self) -> PyPairPaths {
        PyPairPaths(self.0.paths().clone())
    }

    /// The CA certificates, in the order of the file.
    #[getter]
    fn certificates(&self) -> Vec<PyCertificate> {
        wrapped(self.0.certificates().to_vec())
    }

    /// The CA with the key that is in the directory; `None` if its key is elsewhere.
    #[getter]
    fn signing_ca(&self) -> Option<PyCertificate> {
        self.0.signing_ca().cloned().map(PyCertificate)
    }

    fn __repr__(&self) -> String {
        let (path, count) = (&self.0.paths().certificate, self.0.certificates().len());
        format!("<TrustBundle {}: {count} CAs>", path.display())
    }
}

/// The two files of a leaf certificate, as they are.
#[pyclass(frozen, name = "CurrentPair", module = "etcd_pki")]
pub(crate) struct PyCurrentPair(CurrentPair);

#[pymethods]
impl PyCurrentPair {
    /// The files, relative to the directory.
    #[getter]
    fn paths(&self) -> PyPairPaths {
        PyPairPaths(self.0.paths().clone())
    }

    /// The leaf certificate; `None` if it is missing or cannot be read.
    #[getter]
    fn certificate(&self) -> Option<PyCertificate> {
        self.0.certificate().cloned().map(PyCertificate)
    }

    /// The public part of the key; `None` if it is missing or cannot be read.
    #[getter]
    fn key(&self) -> Option<PyPublicKey> {
        self.0.key().cloned().map(PyPublicKey)
    }

    fn __repr__(&self) -> String {
        format!("<CurrentPair {}>", self.0.paths().certificate.display())
    }
}

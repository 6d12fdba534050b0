//! Single files: reading whole files, and writing files together.

use std::path::{Path, PathBuf};

use etcd_pki_core::{
    Result,
    internal::{has_further_names, read_file, write_files},
    store::{Installation, Installed, NewFile, Overwrite, staged_key_path},
};
use pyo3::{prelude::*, types::PyBytes};
use zeroize::Zeroizing;

use crate::{
    error::work,
    hash::hash_by_debug,
    layout::PyPairPaths,
    text::{Contents, Listed, PassphraseArgument, Text},
};

/// Reads a file. An error names the file.
pub(crate) fn from_file<T>(path: &Path, read: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
    let bytes = Zeroizing::new(read_file(path)?);
    read(&bytes).map_err(|error| error.in_file(path))
}

/// Reads a whole file, following symbolic links, of 16 MiB at most.
#[pyfunction(name = "read_file")]
pub(crate) fn py_read_file(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyBytes>> {
    let bytes = work(py, || read_file(&path))?;
    Ok(PyBytes::new(py, &bytes))
}

/// Whether the file at a path has further names (hard links). They keep the old content when it is
/// replaced.
#[pyfunction(name = "has_further_names")]
pub(crate) fn py_has_further_names(path: PathBuf) -> bool {
    has_further_names(&path)
}

/// Writes files together, given as (path, contents, secret). Each is complete and on the disk
/// before the first replaces an existing file. None is written through a symbolic link. A secret
/// file has mode 0600 instead of 0644, and is never readable by others.
#[pyfunction(name = "write_files")]
#[pyo3(signature = (files, *, overwrite=false))]
pub(crate) fn py_write_files(
    py: Python<'_>,
    files: Listed<(PathBuf, Contents, bool)>,
    overwrite: bool,
) -> PyResult<()> {
    work(py, || {
        let files: Vec<_> = files
            .0
            .iter()
            .map(|(path, contents, secret)| NewFile {
                path: path.clone(),
                contents: contents.as_bytes(),
                secret: *secret,
            })
            .collect();
        write_files(&files, overwriting(overwrite))
    })
}

/// The path of the staged key for a key: a hidden file next to it. The current key stays in use
/// until the staged key has a certificate.
///
/// >>> from etcd_pki import staged_key_path
/// >>> staged_key_path("ssl/etcd-key.pem").name
/// '.etcd-key.pem.next'
#[pyfunction(name = "staged_key_path")]
pub(crate) fn py_staged_key_path(key: PathBuf) -> PathBuf {
    staged_key_path(&key)
}

/// Installs a signed certificate, followed by its chain. If it is for the staged key
/// (`staged_key_path`), both replace the pair in use: the key first, and the certificate directly
/// after it. A certificate that is for neither key changes nothing. A run that was interrupted is
/// finished by the next one.
///
/// The keys belong to root, to this user, to the owner of their directory or to `key_owner`, which
/// is also the owner of an installed key. `passphrase` decrypts the keys, which stay encrypted.
/// `dry_run=True` changes nothing, and returns what would change.
#[pyfunction]
#[pyo3(signature = (paths, certificates, *, key_owner=None, passphrase=None, dry_run=false))]
pub(crate) fn install_certificate(
    py: Python<'_>,
    paths: &Bound<'_, PyPairPaths>,
    certificates: Contents,
    key_owner: Option<Text>,
    passphrase: Option<PassphraseArgument>,
    dry_run: bool,
) -> PyResult<PyInstalled> {
    let paths = paths.get().0.clone();
    let installed = work(py, || {
        let mut installation = Installation::new(paths, certificates.as_bytes())?;
        if let Some(Text(owner)) = &key_owner {
            installation = installation.with_key_owner(owner)?;
        }
        if let Some(passphrase) = passphrase.as_deref() {
            installation = installation.with_passphrase(passphrase);
        }
        match dry_run {
            true => installation.changes(),
            false => installation.apply(),
        }
    });
    installed.map(PyInstalled)
}

/// The files that the installation of a certificate changed, or would change.
#[pyclass(frozen, eq, hash, name = "Installed", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyInstalled(Installed);

hash_by_debug!(PyInstalled);

#[pymethods]
impl PyInstalled {
    /// Whether the certificate is written.
    #[getter]
    fn certificate(&self) -> bool {
        self.0.certificate
    }

    /// Whether the staged key replaces the key in use.
    #[getter]
    fn key(&self) -> bool {
        self.0.key
    }

    /// Whether the staged key's file is removed: with its installation, or because an interrupted
    /// run has installed it.
    #[getter]
    fn staged_key(&self) -> bool {
        self.0.staged_key
    }

    /// Whether a file changes.
    #[getter]
    fn is_changed(&self) -> bool {
        self.0.is_changed()
    }

    fn __repr__(&self) -> String {
        let what = match (self.0.key, self.0.certificate, self.0.staged_key) {
            (true, _, _) => "key and certificate",
            (false, true, _) => "certificate",
            (false, false, true) => "no staged key",
            (false, false, false) => "nothing",
        };
        format!("<Installed {what}>")
    }
}

/// Whether an existing file may be replaced.
pub(crate) fn overwriting(overwrite: bool) -> Overwrite {
    if overwrite {
        Overwrite::Replace
    } else {
        Overwrite::Refuse
    }
}

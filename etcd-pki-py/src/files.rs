//! Single files: reading whole files, and writing files together.

use std::path::{Path, PathBuf};

use etcd_pki_core::{
    Result,
    internal::{has_further_names, read_file, write_files},
    store::{NewFile, Overwrite},
};
use pyo3::{prelude::*, types::PyBytes};
use zeroize::Zeroizing;

use crate::{
    error::work,
    text::{Contents, Listed},
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

/// Whether an existing file may be replaced.
pub(crate) fn overwriting(overwrite: bool) -> Overwrite {
    if overwrite {
        Overwrite::Replace
    } else {
        Overwrite::Refuse
    }
}

//! Ownership and permissions of a cluster's files.

use etcd_pki_core::{
    Error,
    cluster::{CaFilesSpec, ClusterSpec, FilesSpec},
};
use pyo3::{exceptions::PyOverflowError, prelude::*};

use super::check;
use crate::{error::raise, hash::hash_by_debug, text::Text};

/// Ownership and permissions of a cluster's files. By default a new key has mode 0600, a new
/// certificate 0644, a new directory 0700, and existing files keep what they have.
///
/// `owner` and `group` are names, or numbers as text; `key_mode`, `certificate_mode` and
/// `directory_mode` are numbers such as `0o640`. They do not apply to a CA's key: `ca_owner` and
/// `ca_group` are for a CA's files, `ca_key_mode` for its key.
#[pyclass(frozen, eq, hash, name = "ClusterFiles", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyClusterFiles(pub(crate) FilesSpec);

hash_by_debug!(PyClusterFiles);

#[pymethods]
impl PyClusterFiles {
    #[new]
    #[pyo3(signature = (*, owner=None, group=None, key_mode=None, certificate_mode=None, directory_mode=None, ca_owner=None, ca_group=None, ca_key_mode=None))]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn new(
        owner: Option<Text>,
        group: Option<Text>,
        key_mode: Option<Mode>,
        certificate_mode: Option<Mode>,
        directory_mode: Option<Mode>,
        ca_owner: Option<Text>,
        ca_group: Option<Text>,
        ca_key_mode: Option<Mode>,
    ) -> PyResult<Self> {
        let text = |text: Option<Text>| text.map(|Text(text)| text);
        let mode = |mode: Option<Mode>| mode.map(|Mode(mode)| mode);
        let files = FilesSpec {
            owner: text(owner),
            group: text(group),
            key_mode: mode(key_mode),
            certificate_mode: mode(certificate_mode),
            directory_mode: mode(directory_mode),
            ca: CaFilesSpec {
                owner: text(ca_owner),
                group: text(ca_group),
                key_mode: mode(ca_key_mode),
            },
        };
        check(ClusterSpec {
            files: files.clone(),
            ..ClusterSpec::default()
        })?;
        Ok(Self(files))
    }

    /// The owner.
    #[getter]
    fn owner(&self) -> Option<&str> {
        self.0.owner.as_deref()
    }

    /// The group.
    #[getter]
    fn group(&self) -> Option<&str> {
        self.0.group.as_deref()
    }

    /// The mode of keys.
    #[getter]
    fn key_mode(&self) -> Option<u32> {
        self.0.key_mode
    }

    /// The mode of certificates.
    #[getter]
    fn certificate_mode(&self) -> Option<u32> {
        self.0.certificate_mode
    }

    /// The mode of directories.
    #[getter]
    fn directory_mode(&self) -> Option<u32> {
        self.0.directory_mode
    }

    /// The owner of a CA's files.
    #[getter]
    fn ca_owner(&self) -> Option<&str> {
        self.0.ca.owner.as_deref()
    }

    /// The group of a CA's files.
    #[getter]
    fn ca_group(&self) -> Option<&str> {
        self.0.ca.group.as_deref()
    }

    /// The mode of a CA's key.
    #[getter]
    fn ca_key_mode(&self) -> Option<u32> {
        self.0.ca.key_mode
    }

    fn __repr__(&self) -> String {
        let owner = self.0.owner.as_deref().unwrap_or("whoever writes them");
        format!("<ClusterFiles of {owner}>")
    }
}

/// A mode, given as a number.
struct Mode(u32);

impl FromPyObject<'_, '_> for Mode {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        object.extract().map(Self).map_err(|error: PyErr| {
            if !error.is_instance_of::<PyOverflowError>(object.py()) {
                return error;
            }
            raise(Error::Specification {
                position: None,
                field: "files".to_owned(),
                reason: format!("{} is no mode of a file", &*object),
                hint: None,
            })
        })
    }
}

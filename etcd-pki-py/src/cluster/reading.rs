//! Specifications as text.

use std::path::{Path, PathBuf};

use etcd_pki_core::{Cluster, Error};
use pyo3::{
    prelude::*,
    types::{IntoPyDict as _, PyString},
};

use super::PyCluster;
use crate::{
    error::{OrRaise as _, work},
    files,
    text::Text,
};

#[pymethods]
impl PyCluster {
    /// Reads a specification in YAML, and so in JSON.
    #[staticmethod]
    fn from_yaml(text: Text) -> PyResult<Self> {
        Cluster::from_yaml(&text.0).or_raise().map(Self::new)
    }

    /// Reads a specification from a file. Its `directory` is relative to that of the file.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let cluster = work(py, || {
            files::from_file(&path, |bytes| {
                let text = str::from_utf8(bytes).map_err(|error| Error::Malformed {
                    what: "specification",
                    place: None,
                    reason: error.to_string(),
                })?;
                Cluster::from_yaml(text)
            })
        })?;
        let parent = path.parent().unwrap_or(Path::new(""));
        let directory = cluster.directory().map(|below| parent.join(below));
        Ok(Self { cluster, directory })
    }

    /// Reads a specification from a dictionary with the contents of the YAML. Other objects, such
    /// as those of `ipaddress`, are converted to text. An error names the field.
    #[staticmethod]
    fn from_mapping(py: Python<'_>, mapping: &Bound<'_, PyAny>) -> PyResult<Self> {
        let json: Text = py
            .import("json")?
            .call_method(
                "dumps",
                (mapping,),
                Some(&[("default", py.get_type::<PyString>())].into_py_dict(py)?),
            )?
            .extract()?;
        let cluster = Cluster::from_yaml(&json.0).map_err(without_position);
        cluster.or_raise().map(Self::new)
    }

    /// The specification in YAML. Reading it gives an equal cluster.
    fn to_yaml(&self) -> String {
        self.cluster.to_yaml()
    }
}

/// The error without the position in a text that the caller has not seen.
fn without_position(error: Error) -> Error {
    match error {
        Error::Specification {
            field,
            reason,
            hint,
            ..
        } => Error::Specification {
            position: None,
            field,
            reason,
            hint,
        },
        error => error,
    }
}

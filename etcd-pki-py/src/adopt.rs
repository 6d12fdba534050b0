//! The specification of an existing directory.

use std::path::PathBuf;

use etcd_pki_core::{
    Layout,
    adopt::{Adoption, Remark},
};
use pyo3::prelude::*;

use crate::{cluster::PyCluster, error::work, hash::hash_by_debug, words::Word};

/// An existing directory, and the specification that describes it.
#[pyclass(frozen, name = "Adoption", module = "etcd_pki")]
pub(crate) struct PyAdoption(Adoption);

#[pymethods]
impl PyAdoption {
    /// Reads a directory. Its layout is recognized unless it is given. It writes nothing.
    #[staticmethod]
    #[pyo3(signature = (directory, *, layout=None))]
    fn read(py: Python<'_>, directory: PathBuf, layout: Option<Word<Layout>>) -> PyResult<Self> {
        let layout = layout.map(|Word(layout)| layout);
        work(py, || Adoption::read(&directory, layout)).map(Self)
    }

    /// The specification that describes the directory.
    #[getter]
    fn cluster(&self) -> PyCluster {
        PyCluster::new(self.0.cluster().clone())
    }

    /// The remarks, file by file: facts that the specification does not contain, and problems.
    #[getter]
    fn remarks(&self) -> Vec<PyRemark> {
        self.0.remarks().iter().cloned().map(PyRemark).collect()
    }

    fn __repr__(&self) -> String {
        format!("<Adoption with {} remarks>", self.0.remarks().len())
    }
}

/// A remark about a file of an adopted directory.
#[pyclass(frozen, eq, hash, name = "Remark", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyRemark(Remark);

hash_by_debug!(PyRemark);

#[pymethods]
impl PyRemark {
    /// The file.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    /// The remark, a sentence.
    #[getter]
    fn text(&self) -> &str {
        self.0.text()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Remark {}>", self.0)
    }
}

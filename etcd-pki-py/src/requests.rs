//! Keys that stay on their hosts: requests travel to the authority, certificates travel back, and nothing secret does.

mod host;
mod signing;

use std::path::PathBuf;

use etcd_pki_core::Refusal;
use pyo3::prelude::*;

use crate::hash::hash_by_debug;

pub(crate) use self::{
    host::{PyHostPlan, PyHostReport, PyHostStep},
    signing::{PyNotGranted, PySigningPlan, PySigningReport, PySigningStep},
};

/// A file among what travels that is not taken, and why.
#[pyclass(frozen, eq, hash, name = "Refusal", module = "etcd_pki")]
#[derive(Clone, PartialEq)]
pub(crate) struct PyRefusal(Refusal);

hash_by_debug!(PyRefusal);

#[pymethods]
impl PyRefusal {
    /// The file.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path.clone()
    }

    /// What is wrong with it.
    #[getter]
    fn reason(&self) -> &str {
        &self.0.reason
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Refusal {}>", self.0)
    }
}

fn refusals(refusals: &[Refusal]) -> Vec<PyRefusal> {
    refusals.iter().cloned().map(PyRefusal).collect()
}

//! Copies of values that never change and hold nothing secret: each is its own.

use pyo3::prelude::*;

use crate::{
    adopt::PyRemark,
    cluster::{
        PyClusterAdmin, PyClusterAuthority, PyClusterDefaults, PyClusterEntry, PyClusterFiles,
        PyWanted,
    },
    config::PySettings,
    described::{PyCause, PyClaim, PyFinding, PyReason},
    export::PyExported,
    identity::PyIdentity,
    kubespray::PyKubesprayScript,
    layout::PyPairPaths,
    plan::{PyReport, PyValidityCut},
    profile::PyProfile,
    requests::{PyHostReport, PyNotGranted, PyRefusal, PySigningReport},
};

/// Lets `copy.copy` and `copy.deepcopy` take the classes.
macro_rules! copied_as_itself {
    ($($class:ty),+ $(,)?) => {$(
        #[pymethods]
        impl $class {
            fn __copy__(slf: Py<Self>) -> Py<Self> {
                slf
            }

            fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
                slf
            }
        }
    )+};
}

copied_as_itself!(
    PyCause,
    PyClaim,
    PyClusterAdmin,
    PyClusterAuthority,
    PyClusterDefaults,
    PyClusterEntry,
    PyClusterFiles,
    PyExported,
    PyFinding,
    PyHostReport,
    PyIdentity,
    PyKubesprayScript,
    PyNotGranted,
    PyPairPaths,
    PyProfile,
    PyReason,
    PyRefusal,
    PyRemark,
    PyReport,
    PySettings,
    PySigningReport,
    PyValidityCut,
    PyWanted,
);

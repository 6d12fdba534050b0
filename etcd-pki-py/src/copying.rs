//! Copying of values that never change and hold no secret: a copy is the same object.

use pyo3::prelude::*;

use crate::{
    adopt::PyRemark,
    claim::PyClaim,
    cluster::{
        PyClusterAdmin, PyClusterCa, PyClusterDefaults, PyClusterEntry, PyClusterFiles, PyDesired,
        PyDesiredCa, PyDesiredPair,
    },
    config::PySettings,
    export::PyExported,
    finding::PyFinding,
    identity::PyIdentity,
    kubespray::PyKubesprayScript,
    layout::PyPairPaths,
    plan::{PyDeniedClaims, PyRefusal, PyShortenedValidity},
    profile::PyProfile,
};

/// Makes the classes usable with `copy.copy` and `copy.deepcopy`.
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
    PyClaim,
    PyClusterAdmin,
    PyClusterCa,
    PyClusterDefaults,
    PyClusterEntry,
    PyClusterFiles,
    PyDeniedClaims,
    PyDesired,
    PyDesiredCa,
    PyDesiredPair,
    PyExported,
    PyFinding,
    PyIdentity,
    PyKubesprayScript,
    PyPairPaths,
    PyProfile,
    PyRefusal,
    PyRemark,
    PySettings,
    PyShortenedValidity,
);

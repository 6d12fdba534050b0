//! The command `etcd-pki`, for the console script.

use std::ffi::OsString;

use pyo3::prelude::*;

use crate::interpreter;

/// Runs the command with these arguments and returns its exit code. The first argument is the
/// command's own name.
#[pyfunction]
pub(crate) fn run(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    interpreter::without(py, || etcd_pki::run(arguments))
}

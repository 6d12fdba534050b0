//! The command `etcd-pki`, for the console script.

use std::ffi::OsString;

use pyo3::prelude::*;

use crate::interpreter;

/// Runs the command with these arguments, the first of which is its own name, and returns its exit
/// code.
#[pyfunction]
pub(crate) fn run(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    interpreter::without(py, || etcd_pki::run(arguments))
}

//! The interface to other packages: `etcd_pki._cryptography` and `etcd_pki._ssl` use them.

use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict},
};

use crate::text::Contents;

/// An object of the package cryptography, from its DER.
pub(crate) fn to_cryptography<'py>(
    py: Python<'py>,
    loader: &str,
    der: Bound<'py, PyBytes>,
) -> PyResult<Bound<'py, PyAny>> {
    py.import("etcd_pki._cryptography")?
        .call_method1(loader, (der,))
}

/// The DER of an object of the package cryptography.
pub(crate) fn from_cryptography(
    py: Python<'_>,
    writer: &str,
    object: &Bound<'_, PyAny>,
) -> PyResult<Contents> {
    py.import("etcd_pki._cryptography")?
        .call_method1(writer, (object,))?
        .extract()
}

/// An `ssl.SSLContext`.
pub(crate) fn ssl_context<'py>(
    py: Python<'py>,
    maker: &str,
    arguments: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    py.import("etcd_pki._ssl")?
        .call_method(maker, (), Some(arguments))
}

//! Members of Python's enumerations.

use pyo3::prelude::*;

/// The member of the Python enumeration that has a text.
pub(crate) fn member<'py>(
    py: Python<'py>,
    enumeration: &str,
    text: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let words = py.import("etcd_pki._words")?;
    words.getattr(enumeration)?.call1((text,))
}

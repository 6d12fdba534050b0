//! The classes of what has a kind, facts and a line of text.

use std::hash::{Hash, Hasher};

use etcd_pki_core::{Cause, Claim, Finding, Reason, Severity};
use pyo3::{prelude::*, types::PyDict};

use crate::{
    facts::{Described, dictionary},
    words::member,
};

/// What the core tells of a value. It is all that Python keeps of one, so that a pickle brings back the same.
struct Told {
    kind: String,
    facts: Py<PyDict>,
    text: String,
}

impl Told {
    fn of(py: Python<'_>, value: &(impl Described + ToString)) -> PyResult<Self> {
        let (kind, facts) = value.describe();
        Ok(Self {
            kind: kind.to_owned(),
            facts: dictionary(py, facts)?.unbind(),
            text: value.to_string(),
        })
    }
}

impl PartialEq for Told {
    fn eq(&self, other: &Self) -> bool {
        let same_facts = |py: Python<'_>| self.facts.bind(py).eq(&other.facts);
        let same = self.kind == other.kind && self.text == other.text;
        same && Python::attach(same_facts).unwrap_or(false)
    }
}

impl Hash for Told {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// A frozen class around what is told of a value: `kind`, `facts`, its text, and equality by all of them. What one has beside them is
/// text too.
macro_rules! described {
    ($(#[$documentation:meta])+ $class:ident, $name:literal, $value:ty $(, $more:ident)*) => {
        $(#[$documentation])+
        #[pyclass(frozen, eq, hash, name = $name, module = "etcd_pki")]
        #[derive(PartialEq, Hash)]
        pub(crate) struct $class {
            told: Told,
            $($more: String,)*
        }

        impl $class {
            /// Each as an object of the class.
            pub(crate) fn all(py: Python<'_>, values: &[$value]) -> PyResult<Vec<Self>> {
                values.iter().map(|value| Self::of(py, value)).collect()
            }

            pub(crate) fn of(py: Python<'_>, value: &$value) -> PyResult<Self> {
                Ok(Self {
                    told: Told::of(py, value)?,
                    $($more: value.$more().to_string(),)*
                })
            }
        }

        #[pymethods]
        impl $class {
            /// What a pickle holds.
            #[staticmethod]
            fn _restored(kind: String, facts: Py<PyDict>, text: String $(, $more: String)*) -> Self {
                Self {
                    told: Told { kind, facts, text },
                    $($more,)*
                }
            }

            /// What kind it is, by a word that stays.
            #[getter]
            fn kind(&self) -> &str {
                &self.told.kind
            }

            /// What it knows, by name.
            #[getter]
            fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                self.told.facts.bind(py).copy()
            }

            fn __str__(&self) -> &str {
                &self.told.text
            }

            fn __repr__(&self) -> String {
                format!("<{} {}: {}>", $name, self.told.kind, self.told.text)
            }

            fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
                let Self { told: Told { kind, facts, text } $(, $more)* } = slf.get();
                let state = (kind, facts, text $(, $more)*).into_pyobject(slf.py())?;
                Ok((slf.get_type().getattr("_restored")?, state.into_any()))
            }
        }
    };
}

described! {
    /// One thing that a request asks for. `str` of it is a line such as `organization system:masters`.
    PyClaim, "Claim", Claim
}

described! {
    /// Why something is to be done with a pair of files. `str` of it is a line such as `10.0.0.99 is missing`.
    PyCause, "Cause", Cause
}

described! {
    /// What speaks against a certificate. `str` of it is a line such as `CN=etcd-ca expired on 2026-01-01T00:00:00Z`.
    PyReason, "Reason", Reason
}

described! {
    /// What is wrong with a certificate or a file. `str` of it is a line such as `expires in 12 days (threshold 30d)`.
    PyFinding, "Finding", Finding, code, severity
}

#[pymethods]
impl PyFinding {
    /// Its code, which stays the same whatever it says: `EP001` and so on.
    #[getter]
    fn code(&self) -> &str {
        &self.code
    }

    /// How bad it is.
    #[getter]
    fn severity<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        member::<Severity>(py, &self.severity)
    }
}

//! The classes of what has a kind, facts and a line of text.

use etcd_pki_core::{Cause, Claim, Finding, Reason};
use pyo3::{prelude::*, types::PyDict};

use crate::{
    facts::{Described as _, dictionary},
    words::Word,
};

/// A frozen class around a value that is described: `kind`, `facts`, its text, and equality by value.
macro_rules! described {
    ($(#[$documentation:meta])+ $class:ident, $name:literal, $value:ty) => {
        $(#[$documentation])+
        #[pyclass(frozen, eq, hash, name = $name, module = "etcd_pki")]
        #[derive(Clone, PartialEq)]
        pub(crate) struct $class(pub(crate) $value);

        impl std::hash::Hash for $class {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.0.to_string().hash(state);
            }
        }
    };
}

/// The methods that each of them has. `#[pymethods]` stands once for a class, so what one has beside them is given here.
macro_rules! described_methods {
    ($class:ident, $name:literal $(, $more:item)*) => {
        #[pymethods]
        impl $class {
            /// What kind it is, by a word that stays.
            #[getter]
            fn kind(&self) -> &'static str {
                self.0.describe().0
            }

            /// What it knows, by name.
            #[getter]
            fn facts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
                dictionary(py, self.0.describe().1)
            }

            fn __str__(&self) -> String {
                self.0.to_string()
            }

            fn __repr__(&self) -> String {
                format!("<{} {}: {}>", $name, self.0.describe().0, self.0)
            }

            $($more)*
        }
    };
}

described! {
    /// One thing that a request asks for. `str` of it is a line such as `organization system:masters`.
    PyClaim, "Claim", Claim
}
described_methods!(PyClaim, "Claim");

described! {
    /// Why something is to be done with a pair of files. `str` of it is a line such as `10.0.0.99 is missing`.
    PyCause, "Cause", Cause
}
described_methods!(PyCause, "Cause");

described! {
    /// What speaks against a certificate. `str` of it is a line such as `CN=etcd-ca expired on 2026-01-01T00:00:00Z`.
    PyReason, "Reason", Reason
}
described_methods!(PyReason, "Reason");

described! {
    /// What is wrong with a certificate or a file. `str` of it is a line such as `expires in 12 days (threshold 30d)`.
    PyFinding, "Finding", Finding
}
described_methods!(
    PyFinding,
    "Finding",
    /// Its code, which stays the same whatever it says: `EP001` and so on.
    #[getter]
    fn code(&self) -> &'static str {
        self.0.code()
    },
    /// How bad it is.
    #[getter]
    fn severity(&self) -> Word<etcd_pki_core::Severity> {
        Word(self.0.severity())
    }
);

/// Each as an object of its class.
pub(crate) fn claims(claims: &[Claim]) -> Vec<PyClaim> {
    claims.iter().cloned().map(PyClaim).collect()
}

/// Each as an object of its class.
pub(crate) fn causes(causes: &[Cause]) -> Vec<PyCause> {
    causes.iter().cloned().map(PyCause).collect()
}

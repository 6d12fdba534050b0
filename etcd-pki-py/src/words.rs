//! Closed lists of words. In Python they are members of the enumerations in `etcd_pki._words`, or
//! the text of a member.

use std::str::FromStr;

use etcd_pki_core::{
    CaKind, Error, KeyAlgorithm, Layout, Role,
    cluster::Peers,
    finding::Severity,
    inspect::{KeyMatch, Stage, Strategy},
    key::KeyFormat,
    plan::{Action, Outcome},
    role::Compatibility,
    x509::RevocationReason,
};
use pyo3::prelude::*;

use crate::{enumerations::member, error::raise, text::Text};

/// A value of a core type, as a member of the Python enumeration with the same name.
#[derive(Clone, Copy)]
pub(crate) struct Word<T>(pub(crate) T);

/// A type with a closed list of values.
pub(crate) trait Words {
    /// The name of the enumeration
    const ENUMERATION: &'static str;

    /// The text of the member
    fn text(&self) -> &'static str;
}

/// The name of each enumeration, and the method that returns the text of a member.
macro_rules! words {
    ($($word:ident),+) => {$(
        impl Words for $word {
            const ENUMERATION: &'static str = stringify!($word);

            fn text(&self) -> &'static str {
                self.name()
            }
        }
    )+};
}

words!(
    Action,
    CaKind,
    Compatibility,
    KeyAlgorithm,
    KeyFormat,
    Layout,
    Outcome,
    Peers,
    RevocationReason,
    Role,
    Severity,
    Stage,
    Strategy
);

impl Words for KeyMatch {
    const ENUMERATION: &'static str = "KeyMatch";

    fn text(&self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Absent => "absent",
            _ => "unknown",
        }
    }
}

impl<T: FromStr<Err = Error>> FromPyObject<'_, '_> for Word<T> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let Text(text) = object.extract()?;
        text.parse().map(Word).map_err(raise)
    }
}

impl<'py, T: Words> IntoPyObject<'py> for Word<T> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        member(py, T::ENUMERATION, self.0.text())
    }
}

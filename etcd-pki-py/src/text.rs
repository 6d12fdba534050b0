//! Text and bytes from Python.

use std::ops::Deref;

use etcd_pki_core::{Error, Passphrase, x509::AlternativeName};
use pyo3::{
    exceptions::{PyTypeError, PyUnicodeEncodeError},
    prelude::*,
    types::{PyByteArray, PyBytes, PyIterator, PyMapping, PyMemoryView, PyString},
};
use zeroize::Zeroizing;

use crate::error::{OrRaise as _, raise};

/// Text. Lone surrogates, which Python's text may hold, are refused in the same way as an invalid
/// name.
pub(crate) struct Text(pub(crate) String);

impl FromPyObject<'_, '_> for Text {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let text = object.cast::<PyString>()?;
        match text.to_cow() {
            Ok(text) => Ok(Self(text.into_owned())),
            Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(object.py()) => {
                Err(raise(Error::InvalidName {
                    name: text.to_string_lossy().into_owned(),
                    reason: "has surrogates, which are no characters".to_owned(),
                }))
            }
            Err(error) => Err(error),
        }
    }
}

/// The contents of a file, given as `bytes | bytearray | memoryview | str`. They may hold a key, so
/// they are wiped.
pub(crate) struct Contents(Zeroizing<Vec<u8>>);

impl Contents {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromPyObject<'_, '_> for Contents {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let bytes = if let Ok(bytes) = object.cast::<PyBytes>() {
            bytes.as_bytes().to_vec()
        } else if let Ok(text) = object.cast::<PyString>() {
            // Not with the error for a name: this may be a key or a passphrase, which no message
            // repeats
            match text.to_cow() {
                Ok(text) => text.into_owned().into_bytes(),
                Err(_) => return Err(raise(no_characters())),
            }
        } else if let Ok(bytes) = object.cast::<PyByteArray>() {
            bytes.to_vec()
        } else if object.is_instance_of::<PyMemoryView>() {
            object.call_method0("tobytes")?.extract()?
        } else {
            return Err(expected("bytes or str", &object));
        };
        Ok(Self(Zeroizing::new(bytes)))
    }
}

fn no_characters() -> Error {
    Error::Malformed {
        what: "text",
        place: None,
        reason: "it has surrogates, which are no characters".to_owned(),
    }
}

/// A passphrase, given as `bytes | str`, that is not empty.
pub(crate) struct PassphraseArgument(Passphrase);

impl Deref for PassphraseArgument {
    type Target = Passphrase;

    fn deref(&self) -> &Passphrase {
        &self.0
    }
}

impl FromPyObject<'_, '_> for PassphraseArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let Contents(bytes) = object.extract()?;
        // The command refuses one too: an empty passphrase protects nothing
        if bytes.is_empty() {
            return Err(raise(Error::Malformed {
                what: "passphrase",
                place: None,
                reason: "it is empty".to_owned(),
            }));
        }
        Ok(Self(Passphrase::new(bytes.to_vec())))
    }
}

/// Alternative names, given as text, which may list several, or one as an object of `ipaddress`.
struct NameList(Vec<AlternativeName>);

impl FromPyObject<'_, '_> for NameList {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let text = if object.is_instance_of::<PyString>() {
            object.extract::<Text>()?.0
        } else if object.hasattr("packed")? {
            // Its text includes the zone
            object.str()?.extract()?
        } else {
            return Err(expected("str, IPv4Address or IPv6Address", &object));
        };
        AlternativeName::list(&text).or_raise().map(Self)
    }
}

/// Anything that can be iterated over. A single text is refused, because its letters would become
/// the items, and so is a mapping, because its values would be lost.
pub(crate) struct Listed<T>(pub(crate) Vec<T>);

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> FromPyObject<'_, '_> for Listed<T>
where
    T: for<'a, 'py> FromPyObject<'a, 'py, Error = PyErr>,
{
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let Some(items) = items(&object) else {
            return Err(expected("an iterable such as a list", &object));
        };
        let items = items.map(|item| item?.extract());
        items.collect::<PyResult<_>>().map(Self)
    }
}

/// The items of an object that can be iterated over and is neither text nor a mapping.
pub(crate) fn items<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyIterator>> {
    let is_text = object.is_instance_of::<PyString>() || object.is_instance_of::<PyBytes>();
    let is_list = !is_text && object.cast::<PyMapping>().is_err();
    object.try_iter().ok().filter(|_| is_list)
}

/// Alternative names.
#[derive(Default)]
pub(crate) struct Names(pub(crate) Vec<AlternativeName>);

impl FromPyObject<'_, '_> for Names {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let Listed(lists) = object.extract()?;
        let names = lists.into_iter().flat_map(|NameList(names)| names);
        Ok(Self(names.collect()))
    }
}

impl<'py> IntoPyObject<'py> for &NameOut<'_> {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        match self.0 {
            AlternativeName::Ip(address) => address.into_pyobject(py),
            name => Ok(name.to_string().into_pyobject(py)?.into_any()),
        }
    }
}

/// An alternative name for Python: an address as an object of `ipaddress`, others as text.
pub(crate) struct NameOut<'a>(pub(crate) &'a AlternativeName);

/// Alternative names for Python.
pub(crate) fn names_out<'py>(
    py: Python<'py>,
    names: &[AlternativeName],
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    names
        .iter()
        .map(|name| NameOut(name).into_pyobject(py))
        .collect()
}

/// `expected bytes or str, not TextIOWrapper`
pub(crate) fn expected(what: &str, found: &Bound<'_, PyAny>) -> PyErr {
    match found.get_type().name() {
        Ok(name) => PyTypeError::new_err(format!("expected {what}, not {name}")),
        Err(error) => error,
    }
}

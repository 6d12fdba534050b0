//! A key outside this process, used through a Python object.

use std::cell::RefCell;

use etcd_pki_core::{Error, PublicKey, Result, ca::Signer};
use pyo3::{exceptions::PyException, prelude::*, types::PyBytes};

use crate::{error::raise, interpreter, key::PyPublicKey, text::expected};

/// Any object with `public_key` and `sign(message)`: the protocol `etcd_pki.Signer`.
pub(crate) struct PySigner {
    object: Py<PyAny>,
    public_key: PublicKey,
}

thread_local! {
    /// The exception that a signer raised, which an error of the core cannot hold. A signer runs in
    /// the thread that requests the signature.
    static RAISED: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

/// Runs work that signs, while other threads of Python run. The exception of a signer becomes the
/// cause of the raised exception. One that is no `Exception`, such as Ctrl-C, is raised unchanged.
pub(crate) fn signing<T: Send>(
    py: Python<'_>,
    task: impl FnOnce() -> Result<T> + Send,
) -> PyResult<T> {
    RAISED.take();
    interpreter::without(py, task).map_err(|error| {
        let told = raise(error);
        match RAISED.take() {
            None => told,
            Some(raised) if raised.is_instance_of::<PyException>(py) => {
                told.set_cause(py, Some(raised));
                told
            }
            Some(raised) => raised,
        }
    })
}

impl FromPyObject<'_, '_> for PySigner {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let (Some(public_key), Some(_)) = (
            object.getattr_opt("public_key")?,
            object.getattr_opt("sign")?,
        ) else {
            return Err(expected("an object with public_key and sign", &object));
        };
        let Ok(public_key) = public_key.cast::<PyPublicKey>() else {
            return Err(expected("PublicKey as public_key", &public_key));
        };
        Ok(Self {
            public_key: public_key.get().0.clone(),
            object: object.to_owned().unbind(),
        })
    }
}

impl Signer for PySigner {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let signature: PyResult<Vec<u8>> = Python::attach(|py| {
            let signature = self.object.bind(py).call_method1("sign", (message,))?;
            match signature.cast::<PyBytes>() {
                Ok(signature) => Ok(signature.as_bytes().to_vec()),
                Err(_) => Err(expected("bytes as the signature", &signature)),
            }
        });
        signature.map_err(|error| {
            let reason = error.to_string();
            RAISED.set(Some(error));
            Error::Signer { reason }
        })
    }
}

//! A key that is elsewhere, behind an object of Python.

use std::sync::{Arc, Mutex, PoisonError};

use etcd_pki_core::{Error, PublicKey, Result, Signer};
use pyo3::{exceptions::PyException, prelude::*, types::PyBytes};

use crate::{error::raise, key::PyPublicKey, text::expected};

/// Any object with `public_key` and `sign(message)`: the protocol `etcd_pki.Signer`.
pub(crate) struct PySigner {
    object: Py<PyAny>,
    public_key: PublicKey,
    raised: Raised,
}

/// What an object raised while it should sign, which the core cannot carry.
#[derive(Clone, Default)]
pub(crate) struct Raised(Arc<Mutex<Option<PyErr>>>);

impl Raised {
    /// The exception for an error of the core. What a signer raised is its cause; what is no `Exception`, such as Ctrl-C, goes on
    /// as it is.
    pub(crate) fn instead_of(&self, error: Error) -> PyErr {
        let raised = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let told = raise(error);
        let Some(raised) = raised else { return told };
        Python::attach(|py| {
            if !raised.is_instance_of::<PyException>(py) {
                return raised;
            }
            told.set_cause(py, Some(raised));
            told
        })
    }
}

impl PySigner {
    pub(crate) fn raised(&self) -> Raised {
        self.raised.clone()
    }
}

impl FromPyObject<'_, '_> for PySigner {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let public_key = object.getattr("public_key")?;
        let Ok(public_key) = public_key.cast::<PyPublicKey>() else {
            return Err(expected("PublicKey as public_key", &public_key));
        };
        Ok(Self {
            public_key: public_key.get().0.clone(),
            object: object.to_owned().unbind(),
            raised: Raised::default(),
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
            *self.raised.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            Error::Signer { reason }
        })
    }
}

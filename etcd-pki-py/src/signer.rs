//! A key that is elsewhere, behind an object of Python.

use etcd_pki_core::{Error, PublicKey, Result, Signer};
use pyo3::prelude::*;

use crate::{key::PyPublicKey, text::Contents};

/// Any object with `public_key` and `sign(message)`: the protocol `etcd_pki.Signer`.
pub(crate) struct PySigner {
    object: Py<PyAny>,
    public_key: PublicKey,
}

impl FromPyObject<'_, '_> for PySigner {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let public_key = object.getattr("public_key")?;
        let public_key = public_key.cast::<PyPublicKey>()?.get().0.clone();
        Ok(Self {
            object: object.to_owned().unbind(),
            public_key,
        })
    }
}

impl Signer for PySigner {
    fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let signature: PyResult<Contents> = Python::attach(|py| {
            self.object
                .bind(py)
                .call_method1("sign", (message,))?
                .extract()
        });
        match signature {
            Ok(signature) => Ok(signature.as_bytes().to_vec()),
            Err(error) => Err(Error::Signer {
                reason: error.to_string(),
            }),
        }
    }
}

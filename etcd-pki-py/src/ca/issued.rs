//! A certificate for the key of a requester.

use std::time::SystemTime;

use etcd_pki_core::ca::Issued;
use pyo3::{prelude::*, types::PyBytes};

use crate::{
    certificate::{PyCertificate, wrapped},
    claim::PyClaim,
};

/// A certificate for the key of a requester.
#[pyclass(frozen, name = "Issued", module = "etcd_pki")]
pub(crate) struct PyIssued(pub(super) Issued);

#[pymethods]
impl PyIssued {
    /// The certificate.
    #[getter]
    fn certificate(&self) -> PyCertificate {
        PyCertificate(self.0.certificate().clone())
    }

    /// The intermediate certificates, the certificate's issuer first; empty under a root.
    #[getter]
    fn chain(&self) -> Vec<PyCertificate> {
        wrapped(self.0.chain().to_vec())
    }

    /// The claims of the request that the certificate does not have.
    #[getter]
    fn denied_claims(&self) -> Vec<PyClaim> {
        PyClaim::all(self.0.denied_claims())
    }

    /// The end that was requested, if the certificate expires before it, with its CA.
    #[getter]
    fn requested_utc(&self) -> Option<SystemTime> {
        self.0.requested_end()
    }

    /// The content of etcd's certificate file: the certificate and then the chain, in PEM.
    fn to_pem<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let pem = self.0.to_pem();
        Ok(PyBytes::new(py, pem.as_bytes()))
    }

    fn __repr__(&self) -> String {
        let certificate = self.0.certificate();
        let until = etcd_pki_core::internal::rfc3339(certificate.not_after());
        format!("<Issued {}, until {until}>", certificate.subject())
    }
}

//! Certificate requests.

use std::{net::IpAddr, path::PathBuf};

use etcd_pki_core::{CertificateRequest, request::Claim};
use pyo3::{prelude::*, types::PyBytes};

use crate::{
    border,
    claim::PyClaim,
    error::{OrRaise as _, work},
    files,
    identity::{IdentityArgument, PyIdentity},
    key::{PyPrivateKey, PyPublicKey},
    profile::ProfileArgument,
    text::{Contents, Names},
};

/// A certificate request (PKCS#10, RFC 2986). Its own signature has been checked and is valid.
///
/// Its names are only claims. The CA decides on the names of the certificate.
///
/// >>> from etcd_pki import CertificateRequest, PrivateKey, Role
/// >>> request = CertificateRequest.create(PrivateKey.generate(), Role.CLIENT, "backup")
/// >>> [str(claim) for claim in request.claims][:2]
/// ['common name backup', 'key usage digitalSignature']
/// >>> request.common_name, request.ip_addresses
/// ('backup', [IPv4Address('0.0.0.0')])
#[pyclass(frozen, eq, hash, name = "CertificateRequest", module = "etcd_pki")]
pub(crate) struct PyCertificateRequest(pub(crate) CertificateRequest);

#[pymethods]
impl PyCertificateRequest {
    /// Creates a request for a key, with the subject, the names and the usages that a certificate
    /// of this role has.
    #[staticmethod]
    #[pyo3(
        signature = (key, role, identity, *, names=Names::default()),
        text_signature = "(key, role, identity, *, names=())"
    )]
    fn create(
        py: Python<'_>,
        key: &Bound<'_, PyPrivateKey>,
        role: ProfileArgument,
        identity: IdentityArgument,
        names: Names,
    ) -> PyResult<Self> {
        let (key, profile, identity) = (key.get(), role.with(None, None), identity.with(names));
        work(py, || {
            CertificateRequest::create(key.get()?, profile, &identity)
        })
        .map(Self)
    }

    /// Reads the only request in a PEM file, and checks its signature.
    #[staticmethod]
    fn from_pem(py: Python<'_>, pem: Contents) -> PyResult<Self> {
        work(py, || CertificateRequest::from_pem(pem.as_bytes())).map(Self)
    }

    /// Reads a request in DER, and checks its signature.
    #[staticmethod]
    fn from_der(py: Python<'_>, der: Contents) -> PyResult<Self> {
        work(py, || CertificateRequest::from_der(der.as_bytes())).map(Self)
    }

    /// Reads a request from a file, PEM or DER, and checks its signature.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let request = work(py, || {
            files::from_file(&path, CertificateRequest::from_bytes)
        });
        request.map(Self)
    }

    /// Converts a request of the package cryptography.
    #[staticmethod]
    fn from_cryptography(py: Python<'_>, request: &Bound<'_, PyAny>) -> PyResult<Self> {
        let der = border::from_cryptography(py, "certificate_der", request)?;
        Self::from_der(py, der)
    }

    /// The public key of the requester.
    #[getter]
    fn public_key(&self) -> PyPublicKey {
        PyPublicKey(self.0.public_key().clone())
    }

    /// The subject as RFC 4514 text: `CN=etcd-member-etcd-1`.
    #[getter]
    fn subject(&self) -> String {
        self.0.subject()
    }

    /// The common name that it claims.
    #[getter]
    fn common_name(&self) -> Option<&String> {
        let names = self.claimed_as(|claim| match claim {
            Claim::CommonName(name) => Some(name),
            _ => None,
        });
        names.first().copied()
    }

    /// The organizations that it claims.
    #[getter]
    fn organizations(&self) -> Vec<&String> {
        self.claimed_as(|claim| match claim {
            Claim::Organization(name) => Some(name),
            _ => None,
        })
    }

    /// The DNS names among the alternative names that it claims.
    #[getter]
    fn dns_names(&self) -> Vec<&String> {
        self.claimed_as(|claim| match claim {
            Claim::DnsName(name) => Some(name),
            _ => None,
        })
    }

    /// The addresses among the alternative names that it claims.
    #[getter]
    fn ip_addresses(&self) -> Vec<&IpAddr> {
        self.claimed_as(|claim| match claim {
            Claim::IpAddress(address) => Some(address),
            _ => None,
        })
    }

    /// The URIs among the alternative names that it claims.
    #[getter]
    fn uris(&self) -> Vec<&String> {
        self.claimed_as(|claim| match claim {
            Claim::Uri(uri) => Some(uri),
            _ => None,
        })
    }

    /// Alternative names of other kinds (e-mail addresses, directory names, ...), as text.
    #[getter]
    fn other_names(&self) -> Vec<&String> {
        self.claimed_as(|claim| match claim {
            Claim::OtherName(name) => Some(name),
            _ => None,
        })
    }

    /// All claims.
    #[getter]
    fn claims(&self) -> Vec<PyClaim> {
        PyClaim::all(self.0.claims())
    }

    /// The identity that it claims. Signing it means trusting the requester. `accepts` is a
    /// function of a `Claim`; with it, only those claims are included for which it returns true.
    #[pyo3(signature = (accepts=None))]
    fn claimed(&self, accepts: Option<&Bound<'_, PyAny>>) -> PyResult<PyIdentity> {
        let Some(accepts) = accepts else {
            return self.0.claimed().or_raise().map(PyIdentity);
        };
        let mut accepted = Vec::new();
        for claim in self.0.claims() {
            if accepts.call1((PyClaim::of(claim),))?.is_truthy()? {
                accepted.push(claim);
            }
        }
        let claimed = self.0.claimed_where(|claim| accepted.contains(&claim));
        claimed.or_raise().map(PyIdentity)
    }

    /// The request as `CERTIFICATE REQUEST` in PEM.
    fn to_pem<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let pem = self.0.to_pem();
        Ok(PyBytes::new(py, pem.as_bytes()))
    }

    /// The request in DER.
    fn to_der<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.as_der())
    }

    /// The request as an object of the package cryptography.
    fn to_cryptography<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        border::to_cryptography(py, "certificate_request", self.to_der(py))
    }

    fn __repr__(&self) -> String {
        let key = self.0.public_key().algorithm_name();
        format!("<CertificateRequest {}, {key}>", self.0.subject())
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let from_der = slf.get_type().getattr("from_der")?;
        Ok((from_der, (slf.get().to_der(slf.py()),)))
    }
}

impl PyCertificateRequest {
    /// The values of the claims of one kind.
    fn claimed_as<T>(&self, value: impl Fn(&Claim) -> Option<&T>) -> Vec<&T> {
        self.0.claims().iter().filter_map(value).collect()
    }
}

impl PartialEq for PyCertificateRequest {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_der() == other.0.as_der()
    }
}

impl std::hash::Hash for PyCertificateRequest {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.as_der().hash(state);
    }
}

//! Certificates.

use std::{net::IpAddr, path::PathBuf, time::SystemTime};

use etcd_pki_core::{Certificate, Role, inspect};
use pyo3::{
    prelude::*,
    types::{PyBytes, PyInt},
};

use crate::{
    border,
    error::{OrRaise as _, work},
    files,
    finding::PyFinding,
    key::PyPublicKey,
    text::{Contents, expected, items},
    words::Word,
};

/// A certificate (RFC 5280), of any issuer.
///
/// >>> from etcd_pki import CertificateAuthority, Role
/// >>> ca = CertificateAuthority.create("etcd-ca")
/// >>> certificate = ca.issue(Role.MEMBER, "etcd-1", names=["10.0.0.11"]).certificate
/// >>> certificate.subject, certificate.role, certificate.dns_names
/// ('CN=etcd-member-etcd-1', <Role.MEMBER: 'member'>, ['etcd-1', 'localhost'])
/// >>> certificate.not_valid_after_utc.tzinfo
/// datetime.timezone.utc
#[pyclass(frozen, eq, hash, name = "Certificate", module = "etcd_pki")]
#[derive(Clone, PartialEq, Hash)]
pub(crate) struct PyCertificate(pub(crate) Certificate);

#[pymethods]
impl PyCertificate {
    /// Reads the only certificate in a PEM file, which may have other blocks.
    #[staticmethod]
    fn from_pem(pem: Contents) -> PyResult<Self> {
        Certificate::from_pem(pem.as_bytes()).or_raise().map(Self)
    }

    /// Reads a certificate in DER.
    #[staticmethod]
    fn from_der(der: Contents) -> PyResult<Self> {
        Certificate::from_der(der.as_bytes()).or_raise().map(Self)
    }

    /// Reads all certificates of a bundle in PEM, or the one in DER, in their order. There is at
    /// least one.
    #[staticmethod]
    fn all_from_bytes(contents: Contents) -> PyResult<Vec<Self>> {
        let all = Certificate::all_from_bytes(contents.as_bytes()).or_raise()?;
        Ok(wrapped(all))
    }

    /// Reads the first certificate in a file, PEM or DER. A leaf comes before its chain.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let mut all = Self::all_from_file(py, path)?;
        Ok(all.swap_remove(0))
    }

    /// Reads all certificates in a file, PEM or DER, in their order. There is at least one.
    #[staticmethod]
    fn all_from_file(py: Python<'_>, path: PathBuf) -> PyResult<Vec<Self>> {
        let all = work(py, || files::from_file(&path, Certificate::all_from_bytes));
        all.map(wrapped)
    }

    /// Converts a certificate of the package cryptography.
    #[staticmethod]
    fn from_cryptography(py: Python<'_>, certificate: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::from_der(border::from_cryptography(
            py,
            "certificate_der",
            certificate,
        )?)
    }

    /// SHA-256 of the certificate's DER, in upper-case hexadecimal.
    #[getter]
    fn fingerprint_sha256(&self) -> String {
        self.0.fingerprint_sha256()
    }

    /// The subject as RFC 4514 text: `CN=etcd-ca`.
    #[getter]
    fn subject(&self) -> String {
        self.0.subject()
    }

    /// The issuer as RFC 4514 text.
    #[getter]
    fn issuer(&self) -> String {
        self.0.issuer()
    }

    /// The subject's common name: the user that etcd sees.
    #[getter]
    fn common_name(&self) -> Option<String> {
        self.0.common_name()
    }

    /// The issuer's common name.
    #[getter]
    fn issuer_common_name(&self) -> Option<String> {
        self.0.issuer_common_name()
    }

    /// The subject's organizations.
    #[getter]
    fn organizations(&self) -> Vec<String> {
        self.0.organizations()
    }

    /// The serial number.
    #[getter]
    fn serial_number<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // Python limits the number of decimal digits, but not of hexadecimal ones
        let digits = self.0.serial_number().to_string();
        py.get_type::<PyInt>().call1((digits, 16))
    }

    /// When it becomes valid.
    #[getter]
    fn not_valid_before_utc(&self) -> SystemTime {
        self.0.not_before()
    }

    /// When it expires. It is still valid in this second.
    #[getter]
    fn not_valid_after_utc(&self) -> SystemTime {
        self.0.not_after()
    }

    /// The public key.
    #[getter]
    fn public_key(&self) -> PyPublicKey {
        PyPublicKey(self.0.public_key().clone())
    }

    /// The signature algorithm: `ecdsa-with-SHA256`, `sha256WithRSAEncryption`, ...
    #[getter]
    fn signature_algorithm(&self) -> String {
        self.0.signature_algorithm()
    }

    /// Whether its basicConstraints make it a CA.
    #[getter]
    fn is_ca(&self) -> bool {
        self.0.is_ca()
    }

    /// The number of CAs that may be below it, if that is limited.
    #[getter]
    fn path_length(&self) -> Option<u8> {
        self.0.path_length()
    }

    /// The usages of its key, in the words of RFC 5280: `digitalSignature`, `keyCertSign`, ...
    /// `None` if it has no keyUsage, which means no limit.
    #[getter]
    fn key_usages(&self) -> Option<Vec<String>> {
        self.0.key_usages().map(texts)
    }

    /// The usages of the certificate: `serverAuth`, `clientAuth`, or an object identifier. `None`
    /// if it has no extKeyUsage, which means no limit.
    #[getter]
    fn extended_key_usages(&self) -> Option<Vec<String>> {
        self.0.extended_key_usages().map(texts)
    }

    /// The role that fits its usages: a member for both serverAuth and clientAuth, and a client for
    /// clientAuth alone, or a node if its common name is one of a node.
    #[getter]
    fn role(&self) -> Option<Word<Role>> {
        self.0.role().map(Word)
    }

    /// Why etcd's peer port accepts this certificate of a client or node, as long as peers have no
    /// CA of their own; `None` if it refuses the certificate, or if that is a member's.
    #[getter]
    fn peer_port(&self) -> Option<PyFinding> {
        inspect::peer_port(&self.0).as_ref().map(PyFinding::of)
    }

    /// The DNS names among its alternative names.
    #[getter]
    fn dns_names(&self) -> Vec<String> {
        self.0.dns_names().to_vec()
    }

    /// The addresses among its alternative names.
    #[getter]
    fn ip_addresses(&self) -> Vec<IpAddr> {
        self.0.ip_addresses().to_vec()
    }

    /// The URIs among its alternative names.
    #[getter]
    fn uris(&self) -> Vec<String> {
        self.0.uris().to_vec()
    }

    /// Alternative names of other kinds (e-mail addresses, directory names, ...), as text.
    #[getter]
    fn other_names(&self) -> Vec<String> {
        self.0.other_names()
    }

    /// The subject key identifier.
    #[getter]
    fn subject_key_identifier<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let identifier = self.0.subject_key_identifier();
        identifier.map(|bytes| PyBytes::new(py, bytes))
    }

    /// The key identifier of the issuer.
    #[getter]
    fn authority_key_identifier<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let identifier = self.0.authority_key_identifier();
        identifier.map(|bytes| PyBytes::new(py, bytes))
    }

    /// Whether subject and issuer are the same, as in a root.
    #[getter]
    fn is_self_issued(&self) -> bool {
        self.0.is_self_issued()
    }

    /// Checks that this certificate was signed by the issuer's key, and names it; raises
    /// `VerificationError` if not.
    fn check_issued_by(&self, py: Python<'_>, issuer: &Bound<'_, Self>) -> PyResult<()> {
        let issuer = &issuer.get().0;
        work(py, || self.0.check_issued_by(issuer))
    }

    /// The certificate in PEM.
    fn to_pem<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let pem = self.0.to_pem();
        Ok(PyBytes::new(py, pem.as_bytes()))
    }

    /// The certificate in DER.
    fn to_der<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.as_der())
    }

    /// The certificate as an object of the package cryptography.
    fn to_cryptography<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        border::to_cryptography(py, "certificate", self.to_der(py))
    }

    fn __repr__(&self) -> String {
        let (subject, issuer) = (self.0.subject(), self.0.issuer());
        let until = etcd_pki_core::internal::rfc3339(self.0.not_after());
        format!("<Certificate {subject}, issued by {issuer}, until {until}>")
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let from_der = slf.get_type().getattr("from_der")?;
        Ok((from_der, (slf.get().to_der(slf.py()),)))
    }
}

/// One certificate, or several in an iterable.
pub(crate) struct Certificates(pub(crate) Vec<Certificate>);

impl FromPyObject<'_, '_> for Certificates {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(one) = object.cast::<PyCertificate>() {
            return Ok(Self(vec![one.get().0.clone()]));
        }
        let Some(all) = items(&object) else {
            return Err(expected("Certificate or an iterable of them", &object));
        };
        let all = all.map(|one| {
            let one = one?;
            match one.cast::<PyCertificate>() {
                Ok(one) => Ok(one.get().0.clone()),
                Err(_) => Err(expected("Certificate", &one)),
            }
        });
        all.collect::<PyResult<_>>().map(Self)
    }
}

pub(crate) fn wrapped(certificates: Vec<Certificate>) -> Vec<PyCertificate> {
    certificates.into_iter().map(PyCertificate).collect()
}

fn texts<T: ToString>(words: &[T]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

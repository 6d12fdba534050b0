//! Revocation lists.

use std::{path::PathBuf, time::SystemTime};

use etcd_pki_core::{
    Passphrase, Result,
    store::LockedStore,
    trust::revocation::{ChangedLists, Revocation, RevokedCertificate, Target},
    x509::{RevocationList, RevocationReason, Revoked, SerialNumber},
};
use pyo3::{
    prelude::*,
    types::{PyBytes, PyInt},
};

use crate::{
    certificate::{Certificates, PyCertificate},
    cluster::PyCluster,
    error::{OrRaise as _, raise, work},
    files,
    text::{Contents, Listed, PassphraseArgument, Text},
    time::{Instant, ValidityArgument, instant},
    words::Word,
};

/// A revocation list of version 2 (RFC 5280, section 5), of any issuer. Its signature was not
/// checked; `check_issued_by` does that.
///
/// etcd compares only the serial numbers of a list.
///
/// >>> from etcd_pki import CertificateAuthority, RevocationList, Revoked, Role
/// >>> ca = CertificateAuthority.create("etcd-ca")
/// >>> alice = ca.issue(Role.CLIENT, "alice").certificate
/// >>> written = ca.sign_revocation_list([Revoked(alice, reason="keyCompromise")])
/// >>> read = RevocationList.from_der(written.to_der())
/// >>> read.check_issued_by(ca.certificate)
/// >>> read.revoked(alice).reason
/// <RevocationReason.KEY_COMPROMISE: 'keyCompromise'>
#[pyclass(frozen, eq, name = "RevocationList", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyRevocationList(pub(crate) RevocationList);

impl FromPyObject<'_, '_> for PyRevocationList {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        Ok(Self(object.cast::<Self>()?.get().0.clone()))
    }
}

#[pymethods]
impl PyRevocationList {
    /// Reads the only list in a PEM file.
    #[staticmethod]
    fn from_pem(py: Python<'_>, pem: Contents) -> PyResult<Self> {
        work(py, || RevocationList::from_pem(pem.as_bytes())).map(Self)
    }

    /// Reads a list in DER, the only form that etcd reads.
    #[staticmethod]
    fn from_der(py: Python<'_>, der: Contents) -> PyResult<Self> {
        work(py, || RevocationList::from_der(der.as_bytes())).map(Self)
    }

    /// Reads the only list in a file, PEM or DER.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        work(py, || files::from_file(&path, RevocationList::from_bytes)).map(Self)
    }

    /// Reads all lists in a file, PEM or DER, in their order. There is at least one.
    #[staticmethod]
    fn all_from_file(py: Python<'_>, path: PathBuf) -> PyResult<Vec<Self>> {
        let all = work(py, || {
            files::from_file(&path, RevocationList::all_from_bytes)
        })?;
        Ok(all.into_iter().map(Self).collect())
    }

    /// The CA that signed it, as RFC 4514 text: `CN=etcd-ca`.
    #[getter]
    fn issuer(&self) -> String {
        self.0.issuer()
    }

    /// The number of the list; `None` if it has none. A later list of the same CA has a greater
    /// number.
    #[getter]
    fn number<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let number = self.0.number();
        number.map(|number| integer(py, number)).transpose()
    }

    /// When it was issued.
    #[getter]
    fn last_update_utc(&self) -> SystemTime {
        self.0.this_update()
    }

    /// When the next list is due; `None` if it does not say. etcd ignores it; OpenSSL and others
    /// refuse every certificate after this time.
    #[getter]
    fn next_update_utc(&self) -> Option<SystemTime> {
        self.0.next_update()
    }

    /// Whether it may have certificates of other CAs than the one that signed it (RFC 5280, section
    /// 5.2.5).
    #[getter]
    fn is_indirect(&self) -> bool {
        self.0.is_indirect()
    }

    /// The key identifier of the CA that signed it.
    #[getter]
    fn authority_key_identifier<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        let identifier = self.0.authority_key_identifier()?;
        Some(PyBytes::new(py, identifier))
    }

    /// The algorithm of its signature.
    #[getter]
    fn signature_algorithm(&self) -> String {
        self.0.signature_algorithm()
    }

    /// The revoked certificates, in the order of the list.
    #[getter]
    fn entries(&self) -> Vec<PyRevoked> {
        self.0.entries().iter().cloned().map(PyRevoked).collect()
    }

    /// The entry of a certificate, by its issuer and serial number; `None` if it is not revoked.
    fn revoked(&self, certificate: &Bound<'_, PyCertificate>) -> Option<PyRevoked> {
        let entry = self.0.revoked(&certificate.get().0);
        entry.cloned().map(PyRevoked)
    }

    /// The first entry with a serial number, whatever its issuer. etcd refuses a certificate with
    /// the serial number of any entry.
    fn revoked_serial(&self, serial_number: SerialArgument) -> Option<PyRevoked> {
        let entry = self.0.revoked_serial(&serial_number.0);
        entry.cloned().map(PyRevoked)
    }

    /// Checks that a CA signed this list, and raises `SignatureError` if not.
    fn check_issued_by(&self, py: Python<'_>, ca: &Bound<'_, PyCertificate>) -> PyResult<()> {
        let ca = &ca.get().0;
        work(py, || self.0.check_issued_by(ca))
    }

    /// The list in PEM.
    fn to_pem<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.to_pem().as_bytes())
    }

    /// The list in DER.
    fn to_der<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.as_der())
    }

    fn __len__(&self) -> usize {
        self.0.entries().len()
    }

    fn __repr__(&self) -> String {
        let count = self.0.entries().len();
        format!("<RevocationList of {}, {count} entries>", self.0.issuer())
    }
}

/// A revoked `certificate` in a list. `at` is when it was revoked, by default now, and `reason` is
/// a `RevocationReason`.
///
/// >>> from etcd_pki import CertificateAuthority, Revoked, Role
/// >>> certificate = CertificateAuthority.create("etcd-ca").issue(Role.CLIENT, "alice").certificate
/// >>> Revoked(certificate).serial_number == certificate.serial_number
/// True
#[pyclass(frozen, eq, hash, name = "Revoked", module = "etcd_pki")]
#[derive(PartialEq, Hash)]
pub(crate) struct PyRevoked(pub(crate) Revoked);

impl FromPyObject<'_, '_> for PyRevoked {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        Ok(Self(object.cast::<Self>()?.get().0.clone()))
    }
}

#[pymethods]
impl PyRevoked {
    #[new]
    #[pyo3(signature = (certificate, *, reason=None, at=None))]
    fn new(
        certificate: &Bound<'_, PyCertificate>,
        reason: Option<Word<RevocationReason>>,
        at: Option<Instant>,
    ) -> PyResult<Self> {
        let entry = Revoked::at(&certificate.get().0, instant(at)).or_raise()?;
        Ok(Self(match reason {
            Some(Word(reason)) => entry.with_reason(reason),
            None => entry,
        }))
    }

    /// The serial number.
    #[getter]
    fn serial_number<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        integer(py, self.0.serial_number())
    }

    /// When it was revoked.
    #[getter]
    fn revocation_date_utc(&self) -> SystemTime {
        self.0.revoked_at()
    }

    /// The reason; `None` if the list gives none.
    #[getter]
    fn reason(&self) -> Option<Word<RevocationReason>> {
        self.0.reason().map(Word)
    }

    /// The CA that issued the certificate, as RFC 4514 text.
    #[getter]
    fn issuer(&self) -> String {
        self.0.issuer()
    }

    fn __repr__(&self) -> String {
        format!(
            "<Revoked {} of {}>",
            self.0.serial_number(),
            self.0.issuer()
        )
    }
}

/// A revoked certificate of a directory, with what is known about it.
#[pyclass(frozen, name = "RevokedCertificate", module = "etcd_pki")]
pub(crate) struct PyRevokedCertificate(RevokedCertificate);

#[pymethods]
impl PyRevokedCertificate {
    /// The entry of the list.
    #[getter]
    fn entry(&self) -> PyRevoked {
        PyRevoked(self.0.entry().clone())
    }

    /// The subject as RFC 4514 text; `None` if only the serial number is known.
    #[getter]
    fn subject(&self) -> Option<&str> {
        self.0.subject()
    }

    /// When the certificate expires, if this is known.
    #[getter]
    fn not_valid_after_utc(&self) -> Option<SystemTime> {
        self.0.not_after()
    }

    /// Whether it is known to be a member's certificate. A revoked member must leave the cluster
    /// first.
    #[getter]
    fn is_member(&self) -> bool {
        self.0.is_member()
    }

    fn __repr__(&self) -> String {
        let subject = self.0.subject().unwrap_or_default();
        format!(
            "<RevokedCertificate {} {subject}>",
            self.0.entry().serial_number()
        )
    }
}

/// Revocation lists that were written.
#[pyclass(frozen, name = "ChangedLists", module = "etcd_pki")]
pub(crate) struct PyChangedLists(ChangedLists);

#[pymethods]
impl PyChangedLists {
    /// The files: `revoked.crl` and `revoked.pem`.
    #[getter]
    fn files(&self) -> Vec<PathBuf> {
        self.0.files().to_vec()
    }

    /// The list for etcd, over all CAs of the directory.
    #[getter]
    fn revocation_list(&self) -> PyRevocationList {
        PyRevocationList(self.0.list().clone())
    }

    /// The certificates that are refused from now on.
    #[getter]
    fn added(&self) -> Vec<PyRevokedCertificate> {
        all(self.0.added())
    }

    /// The certificates that were revoked before.
    #[getter]
    fn already(&self) -> Vec<PyRevokedCertificate> {
        all(self.0.already())
    }

    /// The certificates that are no longer listed, because they expired.
    #[getter]
    fn dropped(&self) -> Vec<PyRevokedCertificate> {
        all(self.0.dropped())
    }

    fn __repr__(&self) -> String {
        format!("<ChangedLists, {} added>", self.0.added().len())
    }
}

pub(crate) fn all(certificates: &[RevokedCertificate]) -> Vec<PyRevokedCertificate> {
    certificates
        .iter()
        .cloned()
        .map(PyRevokedCertificate)
        .collect()
}

/// A serial number, given as `int`, or as hexadecimal text.
pub(crate) struct SerialArgument(pub(crate) SerialNumber);

impl FromPyObject<'_, '_> for SerialArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let text = if object.is_instance_of::<PyInt>() {
            // Python limits the number of decimal digits, but not of hexadecimal ones
            object.call_method1("__format__", ("X",))?.extract()?
        } else {
            object.extract::<Text>()?.0
        };
        text.parse().map(Self).map_err(raise)
    }
}

/// A serial number as Python's `int`.
pub(crate) fn integer<'py>(py: Python<'py>, number: &SerialNumber) -> PyResult<Bound<'py, PyAny>> {
    py.get_type::<PyInt>().call1((number.to_string(), 16))
}

/// The certificates that are revoked.
pub(crate) struct Revocable {
    pub(crate) certificates: Certificates,
    pub(crate) serials: Listed<SerialArgument>,
    pub(crate) clients: Listed<Text>,
    pub(crate) hosts: Listed<Text>,
}

impl Revocable {
    pub(crate) fn targets(self) -> Vec<Target> {
        let certificates = self.certificates.0.into_iter().map(Target::from);
        let serials = self.serials.0.into_iter().map(|one| Target::Serial(one.0));
        let clients = self.clients.0.into_iter().map(|one| Target::Client(one.0));
        let hosts = self.hosts.0.into_iter().map(|one| Target::Host(one.0));
        certificates
            .chain(serials)
            .chain(clients)
            .chain(hosts)
            .collect()
    }
}

/// The options of a change of lists.
pub(crate) struct ListOptions {
    pub(crate) passphrase: Option<PassphraseArgument>,
    pub(crate) validity: Option<ValidityArgument>,
    pub(crate) now: Option<Instant>,
}

impl ListOptions {
    /// Changes the lists of a locked directory.
    pub(crate) fn change(
        &self,
        required: Option<&PyCluster>,
        files: &LockedStore,
        change: impl FnOnce(&Revocation<'_>, &LockedStore) -> Result<ChangedLists>,
    ) -> Result<PyChangedLists> {
        let mut revocation = Revocation::new().at(instant(self.now));
        let passphrase: Option<&Passphrase> = self.passphrase.as_deref();
        if let Some(passphrase) = passphrase {
            revocation = revocation.with_passphrase(passphrase);
        }
        if let Some(ValidityArgument(validity)) = self.validity {
            revocation = revocation.with_validity(validity);
        }
        if let Some(cluster) = required {
            revocation = revocation.with_required(cluster.specification());
        }
        change(&revocation, files).map(PyChangedLists)
    }
}

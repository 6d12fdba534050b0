//! The record of what the CAs of a directory issued.

use std::{path::PathBuf, time::SystemTime};

use etcd_pki_core::{
    Role,
    store::{Issuance, Record, RecordDamage, RecordEntry, RecordedCa, record_issued, record_path},
};
use pyo3::{prelude::*, types::PyInt};

use crate::{
    ca::PyCertificateAuthority,
    certificate::PyCertificate,
    error::work,
    hash::hash_by_debug,
    text::Text,
    time::{Instant, instant},
    words::Word,
};

/// The record of what the CAs of a directory issued, as `Store.record` reads it.
///
/// >>> from etcd_pki import CertificateAuthority, Role, Store
/// >>> store = Store("recorded")
/// >>> ca = CertificateAuthority.create("etcd-ca")
/// >>> with store.lock() as files:
/// ...     files.write_ca(ca)
/// ...     written = files.write(ca.issue(Role.CLIENT, "backup"))
/// >>> record = store.record()
/// >>> [(entry.common_name, entry.role) for entry in record.entries]
/// [('etcd-ca', None), ('backup', <Role.CLIENT: 'client'>)]
/// >>> record.damage
/// []
#[pyclass(frozen, name = "Record", module = "etcd_pki")]
pub(crate) struct PyRecord(pub(crate) Record);

#[pymethods]
impl PyRecord {
    /// The file.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    /// The certificates, in the order in which they were issued.
    #[getter]
    fn entries(&self) -> Vec<PyRecordEntry> {
        self.0
            .entries()
            .iter()
            .cloned()
            .map(PyRecordEntry)
            .collect()
    }

    /// The certificates that a CA with the key of this certificate signed. The CA's own certificate
    /// is one of them if the CA is a root.
    fn issued_by(&self, ca: &Bound<'_, PyCertificate>) -> Vec<PyRecordEntry> {
        let entries = self.0.issued_by(&ca.get().0);
        entries.cloned().map(PyRecordEntry).collect()
    }

    /// The CAs with certificates in the record.
    #[getter]
    fn cas(&self) -> Vec<PyRecordedCa> {
        self.0.cas().iter().cloned().map(PyRecordedCa).collect()
    }

    /// The places at which the record has a gap or was changed: at most the first hundred.
    #[getter]
    fn damage(&self) -> Vec<PyRecordDamage> {
        self.0
            .damage()
            .iter()
            .cloned()
            .map(PyRecordDamage)
            .collect()
    }

    /// The first line at the end that is no whole entry, or `None`. An interrupted run or a full
    /// disk left it, and its certificate was not returned.
    #[getter]
    fn incomplete_end(&self) -> Option<usize> {
        self.0.incomplete_end()
    }

    fn __repr__(&self) -> String {
        format!("<Record of {} certificates>", self.0.entries().len())
    }
}

/// A certificate in the record of what was issued.
#[pyclass(frozen, eq, hash, name = "RecordEntry", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyRecordEntry(RecordEntry);

hash_by_debug!(PyRecordEntry);

#[pymethods]
impl PyRecordEntry {
    /// The serial number.
    #[getter]
    fn serial_number<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let digits = self.0.serial.to_string();
        py.get_type::<PyInt>().call1((digits, 16))
    }

    /// The subject.
    #[getter]
    fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The common name, if it has one.
    #[getter]
    fn common_name(&self) -> Option<&str> {
        self.0.common_name.as_deref()
    }

    /// The alternative names as text: DNS names, addresses and others.
    #[getter]
    fn names(&self) -> Vec<String> {
        self.0.names.clone()
    }

    /// The number of further names, which the record left out.
    #[getter]
    fn more_names(&self) -> usize {
        self.0.more_names
    }

    /// Whether it is a CA's own certificate.
    #[getter]
    fn is_ca(&self) -> bool {
        self.0.is_ca
    }

    /// The role that its usages fit.
    #[getter]
    fn role(&self) -> Option<Word<Role>> {
        self.0.role.map(Word)
    }

    /// When it becomes valid.
    #[getter]
    fn not_valid_before_utc(&self) -> SystemTime {
        self.0.not_before
    }

    /// When it expires. It is still valid in this second.
    #[getter]
    fn not_valid_after_utc(&self) -> SystemTime {
        self.0.not_after
    }

    /// SHA-256 of the certificate, upper-case hexadecimal.
    #[getter]
    fn fingerprint_sha256(&self) -> String {
        self.0.fingerprint.to_string()
    }

    /// The subject of the CA that signed it.
    #[getter]
    fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// SHA-256 of the public key of that CA. It differs for CAs with one name.
    #[getter]
    fn issuer_key(&self) -> &str {
        &self.0.issuer_key
    }

    /// Who requested it, if that is known: the host with the request, or the subject of a request.
    #[getter]
    fn requester(&self) -> Option<&str> {
        self.0.requester.as_deref()
    }

    /// When it was recorded.
    #[getter]
    fn recorded_utc(&self) -> SystemTime {
        self.0.recorded
    }

    /// Whether it is valid at a time, by default now.
    #[pyo3(signature = (now=None))]
    fn is_valid(&self, now: Option<Instant>) -> bool {
        self.0.is_valid_at(instant(now))
    }

    /// Whether a CA with the key of this certificate signed it.
    fn is_issued_by(&self, ca: &Bound<'_, PyCertificate>) -> bool {
        self.0.is_issued_by(&ca.get().0)
    }

    fn __repr__(&self) -> String {
        let (subject, serial) = (&self.0.subject, &self.0.serial);
        format!("<RecordEntry {subject:?}, serial {serial}>")
    }
}

/// A CA in a record.
#[pyclass(frozen, eq, hash, name = "RecordedCa", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyRecordedCa(RecordedCa);

hash_by_debug!(PyRecordedCa);

#[pymethods]
impl PyRecordedCa {
    /// Its subject.
    #[getter]
    fn subject(&self) -> &str {
        &self.0.subject
    }

    /// SHA-256 of its public key.
    #[getter]
    fn key(&self) -> &str {
        &self.0.key
    }

    /// Since when the record has all its certificates; `None` if its first line is missing.
    #[getter]
    fn complete_since_utc(&self) -> Option<SystemTime> {
        self.0.complete_since
    }

    /// Whether the record began with the CA, and so has everything that it issued.
    #[getter]
    fn is_from_beginning(&self) -> bool {
        self.0.is_from_beginning
    }

    /// The number of its certificates in the record.
    #[getter]
    fn certificates(&self) -> usize {
        self.0.certificates
    }

    fn __repr__(&self) -> String {
        let (subject, count) = (&self.0.subject, self.0.certificates);
        format!("<RecordedCa {subject:?} of {count} certificates>")
    }
}

/// A place at which a record has a gap or was changed.
#[pyclass(frozen, eq, hash, name = "RecordDamage", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyRecordDamage(RecordDamage);

hash_by_debug!(PyRecordDamage);

#[pymethods]
impl PyRecordDamage {
    /// The line, counted from 1.
    #[getter]
    fn line(&self) -> usize {
        self.0.line
    }

    /// What is wrong.
    #[getter]
    fn reason(&self) -> &str {
        &self.0.reason
    }

    fn __repr__(&self) -> String {
        format!("<RecordDamage in line {}>", self.0.line)
    }
}

/// Adds a certificate that `ca` signed to the record next to the CA's certificate file. The entry
/// is on the disk when this returns. Call it before the certificate is used, if no `LockedStore`
/// writes the certificate. `requester` is who requested it.
#[pyfunction(name = "record_issued")]
#[pyo3(signature = (ca_certificate, certificate, ca, *, requester=None))]
pub(crate) fn py_record_issued(
    py: Python<'_>,
    ca_certificate: PathBuf,
    certificate: &Bound<'_, PyCertificate>,
    ca: &Bound<'_, PyCertificateAuthority>,
    requester: Option<Text>,
) -> PyResult<()> {
    let issuance = Issuance::new(&certificate.get().0, ca.get().get());
    let issuance = match requester {
        Some(Text(requester)) => issuance.with_requester(requester),
        None => issuance,
    };
    work(py, || record_issued(&ca_certificate, &[issuance]))
}

/// The record of a CA that its two files name, if these are the files of a directory of etcd-pki.
/// Such a directory has a record or a lock file, or the key has the name of a CA key in a layout.
/// The record need not exist.
#[pyfunction(name = "record_path")]
pub(crate) fn py_record_path(ca_certificate: PathBuf, ca_key: PathBuf) -> Option<PathBuf> {
    record_path(&ca_certificate, &ca_key)
}

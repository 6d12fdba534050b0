//! Records what the CAs of a directory issued.
//!
//! The file `.etcd-pki-issued.jsonl` next to the CA's certificate has one line of JSON for each
//! certificate. A line is on the disk before its certificate is returned or written. Each line has
//! the hash of the line before, so a line that was changed, removed or inserted later is noticed.
//!
//! The hashes are no signatures. Someone who can write the file can remove the last lines, put an
//! older complete copy in its place, or compute all hashes again.

mod append;
mod line;
mod reading;

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

pub(super) use self::append::append;
pub use self::append::{Issuance, record_issued, record_path};
use super::{Store, directory::Directory, path::parent, permissions::is_absent};
use crate::{
    error::{Error, RECORD_FILE, Result},
    layout::CaKind,
    role::Role,
    x509::{certificate::Certificate, fingerprint::Fingerprint, serial::SerialNumber},
};

/// A certificate in the record of what was issued.
///
/// Its texts are those of the certificate, and may have any characters.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordEntry {
    /// The serial number
    pub serial: SerialNumber,
    /// The subject
    pub subject: String,
    /// The common name
    pub common_name: Option<String>,
    /// The alternative names: DNS names, addresses and others
    pub names: Vec<String>,
    /// The number of further names, which the record left out
    pub more_names: usize,
    /// Whether it is a CA's own certificate
    pub is_ca: bool,
    /// The role that its usages fit
    pub role: Option<Role>,
    /// When it becomes valid
    pub not_before: SystemTime,
    /// When it expires
    pub not_after: SystemTime,
    /// SHA-256 of the certificate
    pub fingerprint: Fingerprint,
    /// The subject of the CA that signed it
    pub issuer: String,
    /// SHA-256 of that CA's public key. It differs for CAs with one name
    pub issuer_key: String,
    /// Who requested it, if that is known: the host with the request, or the subject of a request
    pub requester: Option<String>,
    /// When it was recorded
    pub recorded: SystemTime,
    /// In the first entry of a CA: since when the record has all certificates of that CA
    complete_since: Option<SystemTime>,
}

impl RecordEntry {
    /// Whether the certificate is valid at a time.
    #[must_use]
    pub fn is_valid_at(&self, time: SystemTime) -> bool {
        self.not_before <= time && time <= self.not_after
    }

    /// Whether a CA with the key of this certificate signed it.
    #[must_use]
    pub fn is_issued_by(&self, ca: &Certificate) -> bool {
        self.issuer_key == ca.public_key().fingerprint_sha256()
    }
}

/// The record of what the CAs of a directory issued, as [`Store::record`] reads it.
///
/// ```
/// use std::time::SystemTime;
///
/// use etcd_pki_core::{CaKind, CertificateAuthority, Identity, Layout, Role, Store};
///
/// # let parent = tempfile::tempdir()?;
/// # let directory = parent.path().join("ssl");
/// let store = Store::new(directory, Layout::Kubespray);
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// let files = store.lock()?;
/// files.write_ca(CaKind::Client, &ca, None)?;
/// files.write(&ca.issue(Role::Client, Identity::new("backup")?)?)?;
///
/// let record = store.record()?.expect("a new CA starts its record");
/// assert!(record.damage().is_empty());
/// let mut of_backup = record.entries().iter().filter(|entry| {
///     entry.common_name.as_deref() == Some("backup")
///         && entry.role == Some(Role::Client)
///         && entry.is_issued_by(ca.certificate())
///         && entry.is_valid_at(SystemTime::now())
/// });
/// assert!(of_backup.next().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Record {
    path: PathBuf,
    entries: Vec<RecordEntry>,
    checked: CheckedRecord,
}

/// A CA in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordedCa {
    /// Its subject in the first entry
    pub subject: String,
    /// SHA-256 of its public key
    pub key: String,
    /// Since when the record has all its certificates; `None` if the first entry does not show it
    pub complete_since: Option<SystemTime>,
    /// Whether the record began with the CA, and so has everything that it issued
    pub is_from_beginning: bool,
    /// The number of its certificates in the record
    pub certificates: usize,
}

/// A place at which a record has a gap or was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RecordDamage {
    /// The line, counted from 1
    pub line: usize,
    /// What is wrong
    pub reason: String,
}

/// The links of a record, checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckedRecord {
    damage: Vec<RecordDamage>,
    /// The number of all damaged places
    damaged: usize,
    incomplete_end: Option<usize>,
    cas: Vec<RecordedCa>,
}

impl CheckedRecord {
    /// The first damaged places in words, and the number of all; `None` for a whole record.
    pub(crate) fn summary(&self) -> Option<String> {
        let first = self.damage.first()?;
        let first = format!("line {}: {}", first.line, first.reason);
        Some(match self.damaged {
            0 | 1 => first,
            all => format!("{first}; {all} places in all"),
        })
    }
}

impl Record {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The certificates, in the order in which they were issued.
    #[must_use]
    pub fn entries(&self) -> &[RecordEntry] {
        &self.entries
    }

    /// The certificates that a CA with the key of this certificate signed. The CA's own certificate
    /// is one of them if the CA is a root.
    pub fn issued_by(&self, ca: &Certificate) -> impl Iterator<Item = &RecordEntry> {
        let key = ca.public_key().fingerprint_sha256();
        let entries = self.entries.iter();
        entries.filter(move |entry| entry.issuer_key == key)
    }

    /// The CAs with certificates in the record, in the order of their first entries.
    #[must_use]
    pub fn cas(&self) -> &[RecordedCa] {
        &self.checked.cas
    }

    /// The places at which the record has a gap or was changed: at most the first hundred.
    #[must_use]
    pub fn damage(&self) -> &[RecordDamage] {
        &self.checked.damage
    }

    /// The first line at the end that is no whole entry. An interrupted run or a full disk left it,
    /// and its certificate was not returned. The record continues after it with the next
    /// certificate.
    #[must_use]
    pub fn incomplete_end(&self) -> Option<usize> {
        self.checked.incomplete_end
    }
}

impl Store {
    /// The path of the record of what its CAs issued. The file need not exist.
    #[must_use]
    pub fn record_path(&self) -> PathBuf {
        self.ca_paths(CaKind::Client)
            .certificate
            .with_file_name(RECORD_FILE)
    }

    /// Reads the record of what the CAs of the directory issued, and checks the links of its lines;
    /// `None` if there is no record. A damaged record is no error.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::SymbolicLink`], [`Error::NotAFile`]; [`Error::TooLarge`] for more
    /// than 1 GiB.
    pub fn record(&self) -> Result<Option<Record>> {
        let path = self.record_path();
        let mut entries = Vec::new();
        let checked = read(parent(&path), |entry| entries.push(entry))?;
        Ok(checked.map(|checked| Record {
            path,
            entries,
            checked,
        }))
    }
}

/// Checks the links of the record in a directory; `None` if there is no record.
pub(crate) fn check_record(directory: &Path) -> Result<Option<(PathBuf, CheckedRecord)>> {
    let checked = read(directory, drop)?;
    Ok(checked.map(|checked| (directory.join(RECORD_FILE), checked)))
}

/// Reads the record in a directory, and passes on its entries. The file itself is never a symbolic
/// link.
fn read(directory: &Path, take: impl FnMut(RecordEntry)) -> Result<Option<CheckedRecord>> {
    let opened = match Directory::open(directory) {
        Ok(opened) => opened,
        Err(Error::Io { error, .. }) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some((file, metadata)) = opened.open_regular(RECORD_FILE.as_ref())? else {
        return Ok(None);
    };
    let path = directory.join(RECORD_FILE);
    reading::read(&file, metadata.len(), &path, take).map(Some)
}

#[cfg(test)]
mod tests;

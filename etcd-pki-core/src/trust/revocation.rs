//! Reads and changes the revocation lists of a directory: `revoked.crl`, which etcd reads, and
//! `revoked.pem` for other programs.
//!
//! etcd reads only one list, in DER. So `revoked.crl` lists the revoked certificates of all CAs of
//! the directory. It is an indirect list (RFC 5280, section 5.2.5), which the signing CA signs.
//! `revoked.pem` has a plain list of each CA with a key in the directory.

use std::{path::PathBuf, time::SystemTime};

use crate::{
    cluster::Cluster,
    error::{Error, Result},
    key::Passphrase,
    store::{
        Attributes, Known, ListChange, LockedStore, Owner, Store, WrittenLists, first_certificate,
        is_issued_by_any,
    },
    time::{clock, validity::Validity},
    x509::{
        certificate::Certificate,
        revocation_list::{RevocationList, RevocationReason, Revoked, USUAL_VALIDITY},
        serial::SerialNumber,
    },
};

/// The certificates that are revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// A certificate
    Certificate(Box<Certificate>),
    /// The certificate with this serial number. If the directory does not have it, it counts as a
    /// certificate of the signing CA
    Serial(SerialNumber),
    /// The certificates of a client in the directory and in its record
    Client(String),
    /// The certificates of a member or node in the directory and in its record, and those of the
    /// admin next to it
    Host(String),
}

impl From<Certificate> for Target {
    fn from(certificate: Certificate) -> Self {
        Self::Certificate(Box::new(certificate))
    }
}

/// Reads and changes the revocation lists of a directory.
///
/// ```
/// use etcd_pki_core::{
///     CaKind, CertificateAuthority, Identity, Layout, Role, Store,
///     trust::revocation::{Revocation, Target}, x509::RevocationReason,
/// };
///
/// # let parent = tempfile::tempdir()?;
/// let store = Store::new(parent.path().join("ssl"), Layout::Kubespray);
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// let files = store.lock()?;
/// files.write_ca(CaKind::Client, &ca, None)?;
/// files.write(&ca.issue(Role::Client, Identity::new("alice")?)?)?;
///
/// let revocation = Revocation::new();
/// let empty = revocation.create(&files)?; // revoked.crl, revoked.pem
/// assert!(empty.list().entries().is_empty());
///
/// let alice = [Target::Client("alice".to_owned())];
/// let lists = revocation.revoke(&files, &alice, Some(RevocationReason::KeyCompromise))?;
/// assert_eq!(lists.added()[0].subject(), Some("CN=alice"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Revocation<'a> {
    passphrase: Option<&'a Passphrase>,
    required: Option<&'a Cluster>,
    validity: Validity,
    now: Option<SystemTime>,
}

impl Default for Revocation<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Revocation<'a> {
    /// The next update of new lists is due after 90 days.
    pub const fn new() -> Self {
        Self {
            passphrase: None,
            required: None,
            validity: USUAL_VALIDITY,
            now: None,
        }
    }

    /// Sets the passphrase of the keys of the CAs.
    pub const fn with_passphrase(mut self, passphrase: &'a Passphrase) -> Self {
        self.passphrase = Some(passphrase);
        self
    }

    /// Sets the time until the next update of a list.
    pub const fn with_validity(mut self, validity: Validity) -> Self {
        self.validity = validity;
        self
    }

    /// Refuses to revoke the current certificates of the pairs that a specification requires.
    pub const fn with_required(mut self, cluster: &'a Cluster) -> Self {
        self.required = Some(cluster);
        self
    }

    /// Works as if the current time were `now`.
    pub const fn at(mut self, now: SystemTime) -> Self {
        self.now = Some(now);
        self
    }

    /// Writes lists without certificates, so that etcd can be started with the list before it is
    /// needed.
    ///
    /// # Errors
    ///
    /// [`Error::ExistingFile`] if the directory has a list; the errors of [`Revocation::revoke`].
    pub fn create(&self, files: &LockedStore) -> Result<ChangedLists> {
        if files.store().lists()?.list.is_some() {
            return Err(Error::ExistingFile {
                path: files.store().list_paths().der,
            });
        }
        self.change(files, Vec::new())
    }

    /// Revokes certificates: adds them to the lists. Missing lists are created. An entry is dropped
    /// a day after its certificate expires.
    ///
    /// etcd reads the list at each new connection. Open connections stay open.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] for a client or host without a certificate in the directory or its
    /// record; [`Error::Unsupported`] for the certificate of a CA, because leaf certificates come
    /// with it; [`Error::StillRequired`] if the specification requires a certificate. Inside
    /// [`Error::File`]: [`Error::Malformed`] for existing lists that are damaged, that are in the
    /// wrong form or of version 1, and [`Error::Signature`] for those of another CA. The errors of
    /// [`Store::ca`] for the keys of the CAs, and those of writing. After an error nothing has
    /// changed.
    pub fn revoke(
        &self,
        files: &LockedStore,
        targets: &[Target],
        reason: Option<RevocationReason>,
    ) -> Result<ChangedLists> {
        let mut added = Vec::new();
        for target in targets {
            added.extend(self.entries(files.store(), target, reason)?);
        }
        if let Some(cluster) = self.required {
            check_required(cluster, files.store(), &added)?;
        }
        self.change(files, added)
    }

    /// Signs the lists again with the same entries, so that their next update is due later.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] with the kind `NotFound` if there is no list; the errors of
    /// [`Revocation::revoke`].
    pub fn renew(&self, files: &LockedStore) -> Result<ChangedLists> {
        let _ = read_existing(files.store())?;
        self.change(files, Vec::new())
    }

    fn now(&self) -> SystemTime {
        self.now.unwrap_or_else(clock::now)
    }

    fn change(&self, files: &LockedStore, added: Vec<Known>) -> Result<ChangedLists> {
        let signers = files.store().list_signers(self.passphrase, self.now())?;
        let change = ListChange {
            signers: &signers,
            added,
            validity: self.validity,
            now: self.now(),
        };
        let written = files.change_lists(change, &Attributes::default())?;
        Ok(ChangedLists::from(written))
    }

    /// The entries of the certificates of a target.
    fn entries(
        &self,
        store: &Store,
        target: &Target,
        reason: Option<RevocationReason>,
    ) -> Result<Vec<Known>> {
        let now = self.now();
        let with_reason = |entry: Revoked| match reason {
            Some(reason) => entry.with_reason(reason),
            None => entry,
        };
        let known = |certificate: &Certificate| -> Result<Known> {
            let entry = with_reason(Revoked::at(certificate, now)?);
            Ok(Known::of(certificate, entry))
        };
        let owner = match target {
            Target::Certificate(certificate) => {
                if certificate.is_ca() {
                    return Err(ca_not_revoked(certificate));
                }
                check_issuer(store, certificate)?;
                return Ok(vec![known(certificate)?]);
            }
            Target::Serial(serial) => Owner::Serial(serial),
            Target::Client(name) => Owner::Client(name),
            Target::Host(name) => Owner::Host(name),
        };
        let found = store.certificates_of_all(&[owner])?;
        let mut entries: Vec<Known> = Vec::new();
        for (_, certificate) in &found {
            let one = known(certificate)?;
            let is_same = |other: &Known| other.entry.is_of(certificate);
            if !entries.iter().any(is_same) {
                entries.push(one);
            }
        }
        // The record has certificates that are no longer in the directory
        for (_, one) in store.recorded_of_all(&[owner], now)? {
            let is_same = |other: &Known| {
                other.entry.serial_number() == one.entry.serial_number()
                    && other.entry.issuer_der() == one.entry.issuer_der()
            };
            if !entries.iter().any(is_same) {
                entries.push(Known {
                    entry: with_reason(one.entry.clone()),
                    ..one
                });
            }
        }
        match target {
            Target::Client(name) | Target::Host(name) if entries.is_empty() => {
                Err(Error::InvalidName {
                    name: name.clone(),
                    reason: "has no certificate in this directory or its record".to_owned(),
                })
            }
            Target::Serial(serial) if entries.is_empty() => {
                if let Some(ca) = store.ca_with_serial(serial)? {
                    return Err(ca_not_revoked(&ca));
                }
                let lists = store.lists()?;
                if let Some(entry) = lists.entry_with_serial(serial) {
                    return Ok(vec![lists.known(entry)]);
                }
                let ca = store.signing_ca()?;
                let entry = with_reason(Revoked::serial_at(serial.clone(), &ca, now)?);
                Ok(vec![Known {
                    entry,
                    subject: None,
                    not_after: None,
                    is_member: false,
                }])
            }
            _ => Ok(entries),
        }
    }
}

/// Reads `revoked.crl`, and checks that a CA of the directory signed it. `None` if there is no
/// list.
///
/// # Errors
///
/// Inside [`Error::File`]: [`Error::Malformed`] for a list that etcd does not read, and
/// [`Error::Signature`] for one of another CA; [`Error::Io`].
pub fn read(store: &Store) -> Result<Option<RevocationList>> {
    Ok(store.lists()?.list)
}

/// The revoked certificates of a directory, with what is known about them.
///
/// # Errors
///
/// Those of [`read`].
pub fn entries(store: &Store) -> Result<Vec<RevokedCertificate>> {
    let lists = store.lists()?;
    let entries = lists.list.iter().flat_map(RevocationList::entries);
    Ok(entries
        .map(|entry| RevokedCertificate(lists.known(entry)))
        .collect())
}

/// Reads `revoked.crl` as [`read`] does. The file must exist.
///
/// # Errors
///
/// Those of [`read`]; [`Error::Io`] with the kind `NotFound`.
pub fn read_existing(store: &Store) -> Result<RevocationList> {
    read(store)?.ok_or_else(|| Error::Io {
        action: "read",
        path: store.list_paths().der,
        error: std::io::ErrorKind::NotFound.into(),
    })
}

/// The error for the certificate of a CA. Members and clients also present the certificates after
/// their own, and etcd refuses a connection if any of them is listed (`checkCRL` in
/// `client/pkg/transport/listener_tls.go`).
fn ca_not_revoked(ca: &Certificate) -> Error {
    Error::Unsupported {
        what: format!("the revocation of a CA, here {},", ca.subject()),
        hint: "etcd would refuse every certificate that comes with it; replace the CA by a rotation, and revoke leaf certificates",
    }
}

/// Refuses a certificate that no CA of the directory issued, because the directory's list has only
/// certificates of its own CAs.
fn check_issuer(store: &Store, certificate: &Certificate) -> Result<()> {
    let cas = store.list_cas()?;
    if is_issued_by_any(certificate, &cas) {
        return Ok(());
    }
    let issuer = certificate.issuer();
    let directory = store.directory().display();
    let reason = if cas.iter().any(|ca| certificate.names_issuer(ca)) {
        format!("the CA {issuer} of {directory} did not sign it")
    } else {
        let subject = certificate.subject();
        format!("{issuer} issued {subject}, and it is no CA of {directory}")
    };
    Err(Error::Signature {
        what: "certificate",
        reason,
    })
}

/// Refuses entries of the current certificates of required pairs.
fn check_required(cluster: &Cluster, store: &Store, entries: &[Known]) -> Result<()> {
    for pair in cluster.desired()?.pairs {
        let path = pair.paths.below(store.directory()).certificate;
        let Some(current) = first_certificate(&path) else {
            continue;
        };
        if entries.iter().any(|one| one.entry.is_of(&current)) {
            return Err(Error::StillRequired {
                path,
                subject: current.subject(),
            });
        }
    }
    Ok(())
}

/// Lists that were written.
#[derive(Debug)]
pub struct ChangedLists {
    files: Vec<PathBuf>,
    list: RevocationList,
    added: Vec<RevokedCertificate>,
    already: Vec<RevokedCertificate>,
    dropped: Vec<RevokedCertificate>,
}

impl From<WrittenLists> for ChangedLists {
    fn from(written: WrittenLists) -> Self {
        let all = |known: Vec<Known>| known.into_iter().map(RevokedCertificate).collect();
        Self {
            files: written.files,
            list: written.list,
            added: all(written.added),
            already: all(written.already),
            dropped: all(written.dropped),
        }
    }
}

impl ChangedLists {
    /// The files: `revoked.crl` and `revoked.pem`.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The list in DER.
    #[must_use]
    pub fn list(&self) -> &RevocationList {
        &self.list
    }

    /// The certificates that are refused from now on.
    #[must_use]
    pub fn added(&self) -> &[RevokedCertificate] {
        &self.added
    }

    /// The certificates that were revoked before.
    #[must_use]
    pub fn already(&self) -> &[RevokedCertificate] {
        &self.already
    }

    /// The certificates that are no longer listed, because they expired.
    #[must_use]
    pub fn dropped(&self) -> &[RevokedCertificate] {
        &self.dropped
    }
}

/// A revoked certificate, with what is known about it.
#[derive(Clone, Debug)]
pub struct RevokedCertificate(Known);

impl RevokedCertificate {
    /// The entry of the list.
    #[must_use]
    pub fn entry(&self) -> &Revoked {
        &self.0.entry
    }

    /// The subject, as RFC 4514 text; `None` if only the serial number is known.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// Whether it is known to be a member's certificate. A revoked member must leave the cluster
    /// first.
    #[must_use]
    pub fn is_member(&self) -> bool {
        self.0.is_member
    }

    /// When the certificate expires, if this is known.
    #[must_use]
    pub fn not_after(&self) -> Option<SystemTime> {
        self.0.not_after
    }
}

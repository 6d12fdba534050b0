//! The renewal of one certificate by path: the data in its step, and the code that renews.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use zeroize::Zeroizing;

use crate::{
    ca::{CertificateAuthority, Issued},
    error::{Error, Result},
    key::{KeyAlgorithm, Passphrase, PrivateKey},
    layout::{CaKind, PairPaths},
    store::{Attributes, LockedStore, Overwrite, PairTexts, Store},
    time::validity::Validity,
    verify,
    x509::certificate::Certificate,
};

/// The CA that signs renewed certificates.
#[derive(Clone)]
pub(super) enum RenewalCa {
    /// This CA, regardless of the CA that signed the old certificate
    Given(Arc<CertificateAuthority>),
    /// The CA that signed the old certificate: a CA of this store, or the given CA
    Store {
        store: Store,
        given: Option<Arc<CertificateAuthority>>,
    },
}

/// The record of the certificates that are renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RecordPlace {
    /// The record of the store whose CA signs; none for another CA
    WithStore,
    /// For a given CA, the record next to this certificate file
    NextTo(PathBuf),
    Nowhere,
}

/// The renewal of one certificate.
#[derive(Debug)]
pub(super) struct FileRenewal {
    pub(super) signer: RenewalCa,
    pub(super) certificate: Certificate,
    /// The certificates after it in its file
    pub(super) following: Vec<Certificate>,
    pub(super) rekey: bool,
    /// Whether to rewrite the same key, because etcd cannot read its file
    pub(super) rewrites_key: bool,
    pub(super) validity: Option<Validity>,
    /// The CA of the store that signs; `None` for a given CA
    pub(super) ca: Option<CaKind>,
    /// Whether a given CA signs that did not sign the old certificate
    pub(super) changes_ca: bool,
    pub(super) record: RecordPlace,
}

/// A renewed certificate before it is written, with its key if that is new.
pub(super) struct Renewed {
    pub(super) issued: Issued,
    key: Option<PrivateKey>,
}

impl RenewalCa {
    /// Loads the CA of this kind.
    pub(super) fn load(
        &self,
        kind: Option<CaKind>,
        passphrase: Option<&Passphrase>,
        now: SystemTime,
    ) -> Result<Arc<CertificateAuthority>> {
        match (self, kind) {
            (Self::Given(ca), _)
            | (
                Self::Store {
                    given: Some(ca), ..
                },
                None,
            ) => Ok(Arc::clone(ca)),
            (Self::Store { store, .. }, kind) => {
                let kind = kind.unwrap_or(CaKind::Client);
                store.at(now).ca(kind, passphrase).map(Arc::new)
            }
        }
    }
}

impl fmt::Debug for RenewalCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(ca) => ca.fmt(f),
            Self::Store { store, .. } => store.fmt(f),
        }
    }
}

impl Renewed {
    /// Writes the renewed certificate, under the lock of its directory.
    pub(super) fn write(
        &self,
        paths: &PairPaths,
        files: &LockedStore,
        permissions: &Attributes,
    ) -> Result<()> {
        let certificate = self.issued.to_pem();
        match &self.key {
            Some(key) => {
                let texts = PairTexts {
                    key: key.to_secret_pem(),
                    certificate,
                };
                files.put_pairs(&[(paths, texts)], Overwrite::Replace, permissions)
            }
            None => files.put_certificate(paths, &certificate, Overwrite::Replace, permissions),
        }
    }
}

impl FileRenewal {
    /// The certificate file of a CA, if its record is next to it.
    pub(super) fn recorded_at(&self) -> Option<PathBuf> {
        let store = match &self.signer {
            RenewalCa::Store { store, .. } => Some(store),
            RenewalCa::Given(_) => None,
        };
        match (&self.record, self.ca) {
            (RecordPlace::Nowhere, _) => None,
            (RecordPlace::NextTo(file), None) => Some(file.clone()),
            (_, kind) => {
                store.map(|store| store.ca_paths(kind.unwrap_or(CaKind::Client)).certificate)
            }
        }
    }

    /// Signs the renewed certificate, under the lock of its directory.
    pub(super) fn sign(
        &self,
        paths: &PairPaths,
        ca: &CertificateAuthority,
        files: &LockedStore,
        now: SystemTime,
    ) -> Result<Renewed> {
        let old = &self.certificate;
        let key = if self.rekey {
            let algorithm = match old.public_key().algorithm() {
                // A new RSA key must not be weaker than the old key, if possible
                Some(KeyAlgorithm::OtherRsa) => KeyAlgorithm::Rsa4096,
                Some(KeyAlgorithm::EcP521) => KeyAlgorithm::EcP384,
                algorithm => algorithm.unwrap_or_default(),
            };
            Some(PrivateKey::generate_with(algorithm)?)
        } else if self.rewrites_key {
            Some(self.current_key(paths, files)?)
        } else {
            None
        };
        let public_key = key
            .as_ref()
            .map_or(old.public_key(), PrivateKey::public_key);
        let issued = ca.at(now).renewed(old, public_key, self.validity)?;
        let issued = issued.keeping(&self.following, ca);
        Ok(Renewed { issued, key })
    }

    /// The current key next to the certificate.
    fn current_key(&self, paths: &PairPaths, files: &LockedStore) -> Result<PrivateKey> {
        let path = files.store().directory().join(&paths.key);
        let key = key_of(&path, files.read(&paths.key)?)?;
        if key.public_key() == self.certificate.public_key() {
            Ok(key)
        } else {
            Err(Error::FileChanged { path })
        }
    }
}

/// Reads a key from a file that planning has just read.
///
/// # Errors
///
/// [`Error::FileChanged`] if the file is now missing; the errors of [`PrivateKey::from_bytes`].
pub(super) fn key_of(path: &Path, file: Option<Vec<u8>>) -> Result<PrivateKey> {
    let Some(bytes) = file else {
        return Err(Error::FileChanged {
            path: path.to_owned(),
        });
    };
    let bytes = Zeroizing::new(bytes);
    let (key, _) = verify::held_key(&bytes, None);
    key.map_err(|error| error.in_file(path))
}

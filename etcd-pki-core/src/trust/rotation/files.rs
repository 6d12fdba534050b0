//! Writes the files of a rotation. The order of the writes ensures that the files fit a stage after
//! a killed run, or show an interrupted change.

use std::path::Path;

use zeroize::Zeroizing;

use super::{Rotation, RotationOptions, Stage};
use crate::{
    ca::CertificateAuthority,
    error::{Error, Result},
    key::PrivateKey,
    layout::{PairPaths, RotationFile},
    plan::permissions,
    store::{Attributes, Issuance, LockedStore},
    trust::revocation::Revocation,
    verify::{self, Use, unacceptable},
    x509::{bundle, certificate::Certificate},
};

/// A new CA that is not written yet.
pub(super) struct NextCa {
    pub(super) new: CertificateAuthority,
    /// The certificate with which the old CA vouches for it
    pub(super) link: Certificate,
    /// The trust bundle with it
    pub(super) bundle: Vec<Certificate>,
}

/// The files of a CA and of its rotation, in a locked directory.
pub(super) struct Files<'a> {
    locked: &'a LockedStore,
    ca: PairPaths,
    next: PairPaths,
    previous: PairPaths,
    link: PairPaths,
    attributes: Attributes,
    /// Whether issued certificates are recorded
    records: bool,
}

impl<'a> Files<'a> {
    pub(super) fn new(
        locked: &'a LockedStore,
        rotation: &Rotation,
        options: &RotationOptions<'_>,
    ) -> Result<Self> {
        let attributes = match options.cluster {
            Some(cluster) => permissions(&cluster.spec().files, false)?,
            None => Attributes::default(),
        };
        Ok(Self {
            locked,
            ca: rotation.paths(),
            next: rotation.file(RotationFile::Next),
            previous: rotation.file(RotationFile::Previous),
            link: rotation.file(RotationFile::Link),
            attributes: attributes.for_ca(),
            records: options
                .cluster
                .is_none_or(|cluster| cluster.spec().ca.record),
        })
    }

    /// The key of the next CA that an interrupted preparation has left.
    pub(super) fn left_key(&self, options: &RotationOptions<'_>) -> Result<Option<PrivateKey>> {
        let Some(bytes) = self.secret(&self.next.key)? else {
            return Ok(None);
        };
        let key = PrivateKey::from_bytes(&bytes, options.passphrase);
        key.map(Some)
            .map_err(|error| error.in_file(self.full(&self.next.key)))
    }

    /// Whether the key of the CA is encrypted.
    pub(super) fn has_encrypted_key(&self) -> Result<bool> {
        let key = self.existing_secret(&self.ca.key)?;
        Ok(matches!(
            PrivateKey::from_bytes(&key, None),
            Err(Error::EncryptedKey)
        ))
    }

    /// Steady to trusted: the key of the new CA, the link certificate, and the trust bundle.
    pub(super) fn prepare(
        &self,
        next: &NextCa,
        old: &Certificate,
        options: &RotationOptions<'_>,
    ) -> Result<()> {
        let NextCa { new, link, bundle } = next;
        let key = new.key().ok_or(Error::MissingBlock {
            what: "private key of the new CA",
            found: Vec::new(),
        })?;
        let key = match options.passphrase {
            Some(passphrase) if self.has_encrypted_key()? => {
                Zeroizing::new(key.to_encrypted_pem(passphrase)?)
            }
            _ => key.to_secret_pem(),
        };
        let bundle = self.bundle(bundle)?;
        self.record(&[
            Issuance::of_new_ca(new.certificate()),
            Issuance::signed_by(link, old),
        ])?;
        self.put(&[
            (&self.next.key, key.as_bytes(), true),
            (&self.link.certificate, link.to_pem().as_bytes(), false),
            (&self.ca.certificate, &bundle, false),
        ])
    }

    /// Trusted to switched: the files of the previous CA, the key of the new CA, and the order of
    /// the trust bundle.
    pub(super) fn switch(&self, old: &Certificate, bundle: &[Certificate]) -> Result<()> {
        let key = self.existing_secret(&self.ca.key)?;
        let next = self.existing_secret(&self.next.key)?;
        let bundle = self.bundle(bundle)?;
        // The key of the old CA must be on the disk before its file is replaced
        self.put(&[
            (&self.previous.certificate, old.to_pem().as_bytes(), false),
            (&self.previous.key, &key, true),
        ])?;
        self.put(&[
            (&self.ca.key, &next, true),
            (&self.ca.certificate, &bundle, false),
        ])?;
        self.remove(&self.next.key)
    }

    /// Switched to trusted.
    pub(super) fn switch_back(&self, bundle: &[Certificate]) -> Result<()> {
        let key = self.existing_secret(&self.ca.key)?;
        let previous = self.existing_secret(&self.previous.key)?;
        let bundle = self.bundle(bundle)?;
        self.put(&[(&self.next.key, &key, true)])?;
        self.put(&[
            (&self.ca.key, &previous, true),
            (&self.ca.certificate, &bundle, false),
        ])?;
        self.forget()
    }

    /// Switched to steady: the old CA is no longer trusted.
    pub(super) fn drop_old(&self, old: &Certificate, bundle: &[Certificate]) -> Result<()> {
        let bundle = self.bundle(bundle)?;
        if self.locked.read(&self.previous.certificate)?.is_none() {
            self.put(&[(&self.previous.certificate, old.to_pem().as_bytes(), false)])?;
        }
        self.put(&[(&self.ca.certificate, &bundle, false)])?;
        self.remove(&self.link.certificate)
    }

    /// Steady to switched: the previous CA is trusted again.
    pub(super) fn trust_previous(
        &self,
        previous: &Certificate,
        link: &Certificate,
        bundle: &[Certificate],
    ) -> Result<()> {
        let bundle = self.bundle(bundle)?;
        self.record(&[Issuance::signed_by(link, previous)])?;
        self.put(&[
            (&self.link.certificate, link.to_pem().as_bytes(), false),
            (&self.ca.certificate, &bundle, false),
        ])
    }

    /// Trusted to steady: the new CA is no longer trusted, and its key is removed.
    pub(super) fn undo_preparation(&self, bundle: Option<&[Certificate]>) -> Result<()> {
        if let Some(bundle) = bundle {
            let bundle = self.bundle(bundle)?;
            self.put(&[(&self.ca.certificate, &bundle, false)])?;
        }
        self.remove(&self.link.certificate)?;
        self.remove(&self.next.key)
    }

    /// Finishes an interrupted change of this stage.
    pub(super) fn settle(
        &self,
        stage: Stage,
        old: Option<&Certificate>,
        bundle: &[Certificate],
    ) -> Result<()> {
        match stage {
            // The old CA was dropped
            Stage::Steady => self.remove(&self.link.certificate),
            Stage::Trusted => {
                let bundle = self.bundle(bundle)?;
                self.put(&[(&self.ca.certificate, &bundle, false)])?;
                self.forget()
            }
            Stage::Switched => {
                let bundle = self.bundle(bundle)?;
                if let Some(old) = old {
                    let text = old.to_pem();
                    self.put(&[(&self.previous.certificate, text.as_bytes(), false)])?;
                }
                self.put(&[(&self.ca.certificate, &bundle, false)])?;
                self.remove(&self.next.key)
            }
        }
    }

    /// Signs the revocation lists again, with the CA that signs now. A list that cannot be used
    /// stays unchanged. It is a finding.
    pub(super) fn sign_lists(&self, options: &RotationOptions<'_>) -> Result<()> {
        if !self
            .locked
            .store()
            .lists()
            .is_ok_and(|lists| lists.list.is_some())
        {
            return Ok(());
        }
        let mut revocation = Revocation::new().at(options.now());
        if let Some(passphrase) = options.passphrase {
            revocation = revocation.with_passphrase(passphrase);
        }
        revocation.renew(self.locked).map(drop)
    }

    /// Removes the files of the previous CA.
    pub(super) fn forget(&self) -> Result<()> {
        self.remove(&self.previous.key)?;
        self.remove(&self.previous.certificate)
    }

    /// The CA of the files of the previous CA.
    pub(super) fn previous_ca(
        &self,
        options: &RotationOptions<'_>,
    ) -> Result<CertificateAuthority> {
        self.locked
            .store()
            .at(options.now())
            .load(&self.previous, options.passphrase)
    }

    /// The content of the trust bundle with these certificates. Other text in the file stays.
    fn bundle(&self, certificates: &[Certificate]) -> Result<Vec<u8>> {
        let file = self.locked.read(&self.ca.certificate)?.unwrap_or_default();
        let text = bundle::with_certificates(&file, certificates)
            .map_err(|error| error.in_file(self.full(&self.ca.certificate)))?;
        let (read, refused) = verify::held_certificates(Use::TrustedCa, &text);
        if let Some(finding) = refused {
            return Err(unacceptable(finding).in_file(self.full(&self.ca.certificate)));
        }
        let read = read?;
        if read != certificates {
            return Err(Error::malformed(
                "trust bundle",
                "it has other contents than certificates",
            ));
        }
        Ok(text)
    }

    fn full(&self, path: &Path) -> std::path::PathBuf {
        self.locked.store().directory().join(path)
    }

    fn secret(&self, path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let bytes = self.locked.read(path)?.map(Zeroizing::new);
        Ok(bytes.filter(|bytes| bytes.iter().any(|byte| *byte != 0)))
    }

    fn existing_secret(&self, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
        let missing = || Error::MissingBlock {
            what: "private key",
            found: Vec::new(),
        };
        self.secret(path)?
            .ok_or_else(|| missing().in_file(self.full(path)))
    }

    /// Records certificates of the directory's CAs, before they are written.
    fn record(&self, issued: &[Issuance]) -> Result<()> {
        if self.records {
            self.locked.record(issued, &self.attributes)?;
        }
        Ok(())
    }

    fn put(&self, files: &[(&Path, &[u8], bool)]) -> Result<()> {
        self.locked.put_ca_files(files, &self.attributes)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.locked.remove_if_present(path, &self.attributes)
    }
}

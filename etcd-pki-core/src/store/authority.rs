//! The authority of a directory.

use std::path::Path;

use zeroize::Zeroizing;

use super::{
    Store,
    attributes::{Attributes, look, read_regular_file},
    certificates::read_certificates,
    file::{Overwrite, read_file},
    locked::{LockedStore, PairTexts},
};
use crate::{
    authority::CertificateAuthority,
    certificate::Certificate,
    clock,
    error::{Error, Result},
    key::{Passphrase, PrivateKey},
    layout::PairPaths,
};

impl Store {
    /// Loads the authority from its certificate and key, the latter with its passphrase if it has one. It refuses the common
    /// names of the members that are in the store to nodes and clients.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::TooLarge`] and, under [`Error::File`], the errors of [`PrivateKey::from_bytes`] and
    /// [`CertificateAuthority::load`].
    pub fn authority(&self, passphrase: Option<&Passphrase>) -> Result<CertificateAuthority> {
        let authority = self.authority_at(&self.layout.authority(), passphrase)?;
        Ok(authority.with_member_common_names(self.member_common_names()?))
    }

    /// Loads the authority that peers have apart, as [`Store::authority`] does the other one.
    ///
    /// # Errors
    ///
    /// As [`Store::authority`].
    pub fn peer_authority(&self, passphrase: Option<&Passphrase>) -> Result<CertificateAuthority> {
        let authority = self.authority_at(&self.layout.peer_authority(), passphrase)?;
        Ok(authority.with_member_common_names(self.member_common_names()?))
    }

    /// Loads the authority even if it has expired, so that it can be renewed.
    ///
    /// # Errors
    ///
    /// As [`Store::authority`], but for [`Error::AuthorityExpired`].
    pub fn authority_to_renew(
        &self,
        passphrase: Option<&Passphrase>,
    ) -> Result<CertificateAuthority> {
        self.authority_to_renew_at(&self.layout.authority(), passphrase)
    }

    /// Loads the authority that peers have apart as [`Store::authority_to_renew`] does the other one.
    ///
    /// # Errors
    ///
    /// As [`Store::authority_to_renew`].
    pub fn peer_authority_to_renew(
        &self,
        passphrase: Option<&Passphrase>,
    ) -> Result<CertificateAuthority> {
        self.authority_to_renew_at(&self.layout.peer_authority(), passphrase)
    }

    /// Loads the authority whose pair this is, even if it has expired.
    pub(crate) fn authority_to_renew_at(
        &self,
        pair: &PairPaths,
        passphrase: Option<&Passphrase>,
    ) -> Result<CertificateAuthority> {
        let paths = pair.below(&self.directory);
        load(&paths, passphrase, read_regular_file, even_if_expired)
    }

    /// Loads the authority whose pair this is.
    pub(crate) fn authority_at(
        &self,
        pair: &PairPaths,
        passphrase: Option<&Passphrase>,
    ) -> Result<CertificateAuthority> {
        let paths = pair.below(&self.directory);
        load(
            &paths,
            passphrase,
            read_regular_file,
            CertificateAuthority::load,
        )
    }

    /// Loads the key of the authority whose pair this is.
    pub(crate) fn authority_key(
        &self,
        pair: &PairPaths,
        passphrase: Option<&Passphrase>,
    ) -> Result<PrivateKey> {
        let path = pair.below(&self.directory).key;
        let bytes = Zeroizing::new(read_regular_file(&path)?);
        PrivateKey::from_bytes(&bytes, passphrase).map_err(|error| error.in_file(path))
    }

    /// Whether who trusts the store's authority trusts what this one signs: it is the same, with this certificate or another, or
    /// it stands below. `None` if the store has no authority's certificate.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and, under [`Error::File`], the errors of [`Certificate::all_from_bytes`].
    pub fn trusts(&self, authority: &CertificateAuthority) -> Result<Option<bool>> {
        let path = self.authority_paths().certificate;
        let Some((bytes, _)) = look(&path)? else {
            return Ok(None);
        };
        let trusted = Certificate::all_from_bytes(&bytes).map_err(|error| error.in_file(path))?;
        let mut chain = authority.chain();
        chain.push(authority.root().clone());
        let is_trusted = |one: &Certificate| {
            trusted.iter().any(|anchor| {
                let is_same =
                    one.public_key() == anchor.public_key() && one.subject() == anchor.subject();
                is_same || one.check_issued_by(anchor).is_ok()
            })
        };
        Ok(Some(chain.iter().any(is_trusted)))
    }

    /// What shows that this directory belongs to an authority already: its certificate, its key, or what it has signed. A
    /// rebuilt host once made a new CA of the same name beside the old one's certificates, and no member trusted another.
    fn trace_of_authority(&self, common_name: Option<&str>) -> Result<Option<String>> {
        let paths = self.layout.authority();
        for path in [&paths.certificate, &paths.key] {
            if self.directory.join(path).symlink_metadata().is_ok() {
                return Ok(Some(path.display().to_string()));
            }
        }
        self.check_other_layout(common_name)?;
        if let Some((path, _)) = self.certificates()?.first() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            return Ok(Some(format!("{name}, which another authority has signed")));
        }
        Ok(None)
    }
}

impl LockedStore {
    /// Writes a new authority: its certificate, mode 0644, and its key, mode 0600, encrypted if there is a passphrase.
    ///
    /// # Errors
    ///
    /// [`Error::AuthorityExists`] if the directory has an authority, a part of one, or certificates that one has signed, in this
    /// layout or another; otherwise as [`LockedStore::write`].
    pub fn write_authority(
        &self,
        authority: &CertificateAuthority,
        passphrase: Option<&Passphrase>,
    ) -> Result<()> {
        let common_name = authority.certificate().common_name();
        if let Some(found) = self.store.trace_of_authority(common_name.as_deref())? {
            return Err(Error::AuthorityExists {
                directory: self.store.directory.clone(),
                found,
                layout: None,
            });
        }
        let paths = self.store.layout.authority();
        let usual = Attributes::default();
        self.put_authority(&paths, authority, passphrase, Overwrite::Refuse, &usual)
    }

    /// Writes a new authority over whatever is there: what the old one signed is worth nothing then.
    ///
    /// # Errors
    ///
    /// As [`LockedStore::write`].
    pub fn replace_authority(
        &self,
        authority: &CertificateAuthority,
        passphrase: Option<&Passphrase>,
    ) -> Result<()> {
        let paths = self.store.layout.authority();
        let usual = Attributes::default();
        self.put_authority(&paths, authority, passphrase, Overwrite::Replace, &usual)
    }

    /// Writes the renewed certificate of the authority that is there, whose key stays.
    ///
    /// # Errors
    ///
    /// [`Error::KeyMismatch`] if it is another authority's; otherwise as [`LockedStore::write`].
    pub fn renew_authority(&self, authority: &CertificateAuthority) -> Result<()> {
        self.put_renewed(&self.store.layout.authority(), authority)
    }

    /// Writes the renewed certificate of the authority that peers have apart, whose key stays.
    ///
    /// # Errors
    ///
    /// As [`LockedStore::renew_authority`].
    pub fn renew_peer_authority(&self, authority: &CertificateAuthority) -> Result<()> {
        self.put_renewed(&self.store.layout.peer_authority(), authority)
    }

    fn put_renewed(&self, pair: &PairPaths, authority: &CertificateAuthority) -> Result<()> {
        let path = self.store.directory.join(&pair.certificate);
        let there = read_certificates(&path)?;
        let key = authority.certificate().public_key();
        if let Some(other) = there.first().filter(|there| there.public_key() != key) {
            return Err(Error::KeyMismatch {
                expected: other.public_key().fingerprint_sha256(),
                found: key.fingerprint_sha256(),
            }
            .in_file(&path));
        }
        let certificate = authority.certificate().to_pem()?;
        self.put_certificate(
            pair,
            &certificate,
            Overwrite::Replace,
            &Attributes::default(),
        )
    }

    /// Whether a certificate in the store names the authority by its serial number, so that this has to stay when the authority
    /// is renewed.
    ///
    /// # Errors
    ///
    /// As [`Store::certificates`].
    pub fn names_authority_by_serial(&self, authority: &Certificate) -> Result<bool> {
        let certificates = self.store.certificates()?;
        let serial_number = authority.serial_number();
        Ok(certificates
            .iter()
            .any(|(_, leaf)| leaf.names_issuer_by_serial(serial_number)))
    }

    /// Writes an authority to the files of a pair.
    pub(crate) fn put_authority(
        &self,
        paths: &PairPaths,
        authority: &CertificateAuthority,
        passphrase: Option<&Passphrase>,
        overwrite: Overwrite,
        attributes: &Attributes,
    ) -> Result<()> {
        let elsewhere = || Error::Signer {
            reason: "the key of this authority is not in this process".to_owned(),
        };
        let key = authority.key().ok_or_else(elsewhere)?;
        let key = match passphrase {
            Some(passphrase) => key.to_encrypted_pem(passphrase).map(Zeroizing::new),
            None => key.to_secret_pem(),
        }?;
        let texts = PairTexts {
            key,
            certificate: authority.certificate().to_pem()?,
        };
        self.put_pairs(&[(paths, texts)], overwrite, attributes)
    }
}

/// Loads an authority from any two files as [`read_authority`] does, even if it has expired, so that it can be renewed.
///
/// # Errors
///
/// As [`Store::authority_to_renew`].
pub fn read_authority_to_renew(
    certificate: &Path,
    key: &Path,
    passphrase: Option<&Passphrase>,
) -> Result<CertificateAuthority> {
    let paths = PairPaths {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
    };
    load(&paths, passphrase, read_file, even_if_expired)
}

/// Loads an authority from any two files, the key with its passphrase if it has one. They may be pipes, which are waited for.
///
/// # Errors
///
/// As [`Store::authority`].
pub fn read_authority(
    certificate: &Path,
    key: &Path,
    passphrase: Option<&Passphrase>,
) -> Result<CertificateAuthority> {
    let paths = PairPaths {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
    };
    load(&paths, passphrase, read_file, CertificateAuthority::load)
}

fn load(
    paths: &PairPaths,
    passphrase: Option<&Passphrase>,
    read: impl Fn(&Path) -> Result<Vec<u8>>,
    load: impl FnOnce(Vec<Certificate>, PrivateKey) -> Result<CertificateAuthority>,
) -> Result<CertificateAuthority> {
    let PairPaths { certificate, key } = paths;
    let certificates = Certificate::all_from_bytes(&read(certificate)?)
        .map_err(|error| error.in_file(certificate))?;
    let key_bytes = Zeroizing::new(read(key)?);
    let private_key =
        PrivateKey::from_bytes(&key_bytes, passphrase).map_err(|error| error.in_file(key))?;
    load(certificates, private_key).map_err(|error| match error {
        Error::KeyMismatch { .. } => error.in_file(key),
        error => error.in_file(certificate),
    })
}

/// The authority of this key, as it was while it was valid.
fn even_if_expired(
    certificates: Vec<Certificate>,
    key: PrivateKey,
) -> Result<CertificateAuthority> {
    let own = certificates
        .iter()
        .find(|one| one.public_key() == key.public_key());
    let end = own.map_or_else(clock::now, |own| own.not_after().min(clock::now()));
    CertificateAuthority::load_at(certificates, key, end)
}

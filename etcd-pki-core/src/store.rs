//! A directory of keys and certificates. Only this module and its parts touch the disk.

mod attributes;
mod file;
mod folder;
mod lock;
mod place;
mod single;
mod tree;

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

pub(crate) use self::attributes::{Attributes, Stamp, group, look, may_give, user};
pub use self::file::{NewFile, Overwrite, READ_LIMIT, read_file, write_files, write_files_with};
pub(crate) use self::folder::{
    files_below, folders, is_empty, is_link, is_same, make_directories_of, read_below,
};
pub(crate) use self::place::{canonical, is_directory, link_target};
pub(crate) use self::tree::{files, tree};
use crate::{
    authority::CertificateAuthority,
    bundle::Bundle,
    certificate::Certificate,
    clock,
    error::{Error, Result},
    key::{Passphrase, PrivateKey},
    layout::{Layout, PairPaths},
};

/// A directory in a layout. Opening it touches nothing, reading follows symbolic links, and writing wants the [`LockedStore`].
///
/// ```
/// use etcd_pki_core::{CertificateAuthority, Identity, Layout, Role, Store};
///
/// # let parent = tempfile::tempdir()?;
/// # let directory = parent.path().join("ssl");
/// let store = Store::open(directory, Layout::Kubespray);
/// store.lock()?.write_authority(&CertificateAuthority::create("etcd-ca")?, None)?;
///
/// let ca = store.authority(None)?;
/// let bundle = ca.issue(Role::Client, Identity::new("backup")?)?;
/// let written = store.lock()?.write(&bundle)?;
/// assert!(written[0].certificate.ends_with("client-backup.pem"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
    layout: Layout,
}

impl Store {
    /// Names a directory, which need not exist yet.
    #[must_use]
    pub fn open(directory: impl Into<PathBuf>, layout: Layout) -> Self {
        Self {
            directory: directory.into(),
            layout,
        }
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The layout.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Where the authority's files are.
    #[must_use]
    pub fn authority_paths(&self) -> PairPaths {
        self.layout.authority().below(&self.directory)
    }

    /// The names of the files in the directory.
    pub(crate) fn file_names(&self) -> Result<Vec<PathBuf>> {
        let files = file::list(&self.directory)?.into_iter();
        Ok(files
            .filter_map(|path| path.file_name().map(PathBuf::from))
            .collect())
    }

    /// The files that hold certificates, by name, each with the first certificate in it: those in the directory, and those beside
    /// the authority's where a layout has it below.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if a directory cannot be listed. A file that cannot be read as a certificate is none.
    pub fn certificates(&self) -> Result<Vec<(PathBuf, Certificate)>> {
        let authority = self.authority_paths().certificate;
        let mut directories = vec![self.directory.as_path()];
        directories.extend(authority.parent().filter(|below| *below != self.directory));
        let mut found = Vec::new();
        for directory in directories {
            for path in file::list(directory)? {
                let certificates =
                    read_file(&path).and_then(|bytes| Certificate::all_from_bytes(&bytes));
                let first = certificates.ok().and_then(|all| all.into_iter().next());
                found.extend(first.map(|certificate| (path, certificate)));
            }
        }
        Ok(found)
    }

    /// Loads the authority from its certificate and key, the latter with its passphrase if it has one.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::TooLarge`] and, under [`Error::File`], the errors of [`PrivateKey::from_bytes`] and
    /// [`CertificateAuthority::load`].
    pub fn authority(&self, passphrase: Option<&Passphrase>) -> Result<CertificateAuthority> {
        self.authority_at(&self.layout.authority(), passphrase)
    }

    /// Loads the authority whose pair this is, even if it has expired.
    pub(crate) fn authority_to_renew(
        &self,
        pair: &PairPaths,
        passphrase: Option<&Passphrase>,
    ) -> Result<CertificateAuthority> {
        let paths = pair.below(&self.directory);
        read_authority_to_renew(&paths.certificate, &paths.key, passphrase)
    }

    /// Loads the authority whose pair this is.
    pub(crate) fn authority_at(
        &self,
        pair: &PairPaths,
        passphrase: Option<&Passphrase>,
    ) -> Result<CertificateAuthority> {
        let paths = pair.below(&self.directory);
        read_authority(&paths.certificate, &paths.key, passphrase)
    }

    /// Takes the directory's lock, and makes the directory if there is none. Another etcd-pki that holds it is waited for, up
    /// to a minute.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::Locked`].
    pub fn lock(&self) -> Result<LockedStore<'_>> {
        self.lock_with(|| ())
    }

    /// Takes the directory's lock as [`Store::lock`] does, and says once if it has to wait.
    ///
    /// # Errors
    ///
    /// As [`Store::lock`].
    pub fn lock_with(&self, waiting: impl FnOnce()) -> Result<LockedStore<'_>> {
        file::make_directory(&self.directory, None)?;
        let lock = lock::DirectoryLock::take(&self.directory, waiting)?;
        file::remove_stale(&self.directory)?;
        Ok(LockedStore {
            store: self,
            _lock: lock,
        })
    }
}

/// Loads an authority from any two files as [`read_authority`] does, even if it has expired, so that it can be renewed.
///
/// # Errors
///
/// As [`Store::authority`], but for [`Error::AuthorityExpired`].
pub fn read_authority_to_renew(
    certificate: &Path,
    key: &Path,
    passphrase: Option<&Passphrase>,
) -> Result<CertificateAuthority> {
    read_authority_with(certificate, key, passphrase, |certificates, key| {
        let own = certificates
            .iter()
            .find(|one| one.public_key() == key.public_key());
        let end = own.map_or_else(clock::now, |own| own.not_after().min(clock::now()));
        CertificateAuthority::load_at(certificates, key, end)
    })
}

/// Loads an authority from any two files, the key with its passphrase if it has one.
///
/// # Errors
///
/// As [`Store::authority`].
pub fn read_authority(
    certificate: &Path,
    key: &Path,
    passphrase: Option<&Passphrase>,
) -> Result<CertificateAuthority> {
    read_authority_with(certificate, key, passphrase, CertificateAuthority::load)
}

fn read_authority_with(
    certificate: &Path,
    key: &Path,
    passphrase: Option<&Passphrase>,
    load: impl FnOnce(Vec<Certificate>, PrivateKey) -> Result<CertificateAuthority>,
) -> Result<CertificateAuthority> {
    let certificates = Certificate::all_from_bytes(&read_file(certificate)?)
        .map_err(|error| error.in_file(certificate))?;
    let key_bytes = Zeroizing::new(read_file(key)?);
    let private_key =
        PrivateKey::from_bytes(&key_bytes, passphrase).map_err(|error| error.in_file(key))?;
    load(certificates, private_key).map_err(|error| match error {
        Error::KeyMismatch { .. } => error.in_file(key),
        error => error.in_file(certificate),
    })
}

/// A directory that no other etcd-pki writes to meanwhile. Dropping it lets the lock go.
#[derive(Debug)]
pub struct LockedStore<'a> {
    store: &'a Store,
    _lock: lock::DirectoryLock,
}

impl LockedStore<'_> {
    /// Writes a bundle that an authority issued under its role and name: the certificate with its chain, mode 0644, and the key,
    /// mode 0600. Tells where. Nothing that exists is replaced.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] for a bundle without a name that can name a file; [`Error::Exists`], [`Error::SymbolicLink`],
    /// [`Error::Io`]; after any of them nothing has changed.
    pub fn write(&self, bundle: &Bundle) -> Result<Vec<PairPaths>> {
        let unnamed = || Error::InvalidName {
            name: bundle.certificate().subject(),
            reason: "is of a certificate that was not issued for a role and a name".to_owned(),
        };
        let role = bundle.role().ok_or_else(unnamed)?;
        let name = bundle.name().ok_or_else(unnamed)?;
        let pairs = self.store.layout.pairs(role, name)?;
        let bundles: Vec<_> = pairs.iter().map(|pair| (bundle, pair)).collect();
        self.write_pairs(&bundles, Overwrite::Refuse)?;
        let directory = &self.store.directory;
        Ok(pairs.iter().map(|pair| pair.below(directory)).collect())
    }

    /// Writes bundles, each to the files of its pair: all of them or none.
    ///
    /// # Errors
    ///
    /// As [`LockedStore::write`].
    pub fn write_pairs(
        &self,
        bundles: &[(&Bundle, &PairPaths)],
        overwrite: Overwrite,
    ) -> Result<()> {
        let texts = bundles
            .iter()
            .map(|(bundle, pair)| Ok((*pair, PairTexts::of(bundle)?)))
            .collect::<Result<Vec<_>>>()?;
        self.put_pairs(&texts, overwrite, &Attributes::default())
    }

    /// Writes a new authority: its certificate, mode 0644, and its key, mode 0600, encrypted if there is a passphrase.
    ///
    /// # Errors
    ///
    /// [`Error::AuthorityExists`] if the directory has an authority, a part of one, or certificates that one has signed;
    /// otherwise as [`LockedStore::write`].
    pub fn write_authority(
        &self,
        authority: &CertificateAuthority,
        passphrase: Option<&Passphrase>,
    ) -> Result<()> {
        if let Some(found) = self.store.trace_of_authority()? {
            return Err(Error::AuthorityExists {
                directory: self.store.directory.clone(),
                found,
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
        let paths = self.store.authority_paths();
        let there = Certificate::all_from_bytes(&read_file(&paths.certificate)?)
            .map_err(|error| error.in_file(&paths.certificate))?;
        let key = authority.certificate().public_key();
        if let Some(other) = there.first().filter(|there| there.public_key() != key) {
            return Err(Error::KeyMismatch {
                expected: other.public_key().fingerprint_sha256(),
                found: key.fingerprint_sha256(),
            }
            .in_file(&paths.certificate));
        }
        let certificate = authority.certificate().to_pem()?;
        self.put_certificate(
            &self.store.layout.authority(),
            &certificate,
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

    /// The store whose lock this is.
    pub(crate) fn store(&self) -> &Store {
        self.store
    }

    /// Writes pairs, all of them or none.
    pub(crate) fn put_pairs(
        &self,
        pairs: &[(&PairPaths, PairTexts)],
        overwrite: Overwrite,
        attributes: &Attributes,
    ) -> Result<()> {
        let mut files = Vec::with_capacity(pairs.len() * 2);
        for (pair, texts) in pairs {
            for (path, contents, secret) in [
                (&pair.key, texts.key.as_bytes(), true),
                (&pair.certificate, texts.certificate.as_bytes(), false),
            ] {
                let path = self.store.directory.join(path);
                if let Some(parent) = path.parent() {
                    file::make_directory(parent, attributes.directory_mode)?;
                }
                files.push(NewFile {
                    path,
                    contents,
                    secret,
                });
            }
        }
        file::write_locked(&files, overwrite, attributes)
    }

    /// Writes the certificate of a pair, for the key that is there. It may take the place of another.
    pub(crate) fn put_certificate(
        &self,
        pair: &PairPaths,
        certificate: &str,
        attributes: &Attributes,
    ) -> Result<()> {
        let pair = pair.below(&self.store.directory);
        file::mend(&pair.key, true, attributes)?;
        let file = NewFile {
            path: pair.certificate,
            contents: certificate.as_bytes(),
            secret: false,
        };
        file::write_locked(&[file], Overwrite::Replace, attributes)
    }

    /// Removes the files of a pair, the key first.
    pub(crate) fn remove(&self, pair: &PairPaths, attributes: &Attributes) -> Result<()> {
        let pair = pair.below(&self.store.directory);
        for path in [&pair.key, &pair.certificate] {
            if path.symlink_metadata().is_ok() {
                file::remove(path, attributes)?;
            }
        }
        Ok(())
    }

    /// Sets the modes of a pair, and whose it is.
    pub(crate) fn mend(&self, pair: &PairPaths, attributes: &Attributes) -> Result<()> {
        let pair = pair.below(&self.store.directory);
        for (path, secret) in [(&pair.certificate, false), (&pair.key, true)] {
            if path.exists() {
                file::mend(path, secret, attributes)?;
            }
        }
        Ok(())
    }
}

/// What stands in the files of a pair.
pub(crate) struct PairTexts {
    pub(crate) key: Zeroizing<String>,
    pub(crate) certificate: String,
}

impl PairTexts {
    pub(crate) fn of(bundle: &Bundle) -> Result<Self> {
        Ok(Self {
            key: bundle.secret_key_pem()?,
            certificate: bundle.certificate_pem()?,
        })
    }
}

/// The absolute path of a file that exists.
pub(crate) fn existing_file(path: &Path) -> Result<PathBuf> {
    path.metadata().map_err(file::io_error("find", path))?;
    std::path::absolute(path).map_err(file::io_error("find", path))
}

impl Store {
    /// What shows that this directory belongs to an authority already: its certificate, its key, or what it has signed. A
    /// rebuilt host once made a new CA of the same name beside the old one's certificates, and no member trusted another.
    fn trace_of_authority(&self) -> Result<Option<String>> {
        let paths = self.layout.authority();
        for path in [&paths.certificate, &paths.key] {
            if self.directory.join(path).symlink_metadata().is_ok() {
                return Ok(Some(path.display().to_string()));
            }
        }
        if let Some((path, _)) = self.certificates()?.first() {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            return Ok(Some(format!("{name}, which another authority has signed")));
        }
        Ok(None)
    }
}

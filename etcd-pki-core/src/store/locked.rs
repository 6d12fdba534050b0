//! Locked stores, and the files that are written in them.

use std::{collections::BTreeSet, ffi::OsStr, os::unix::fs::MetadataExt as _, path::Path};

use zeroize::Zeroizing;

use super::{
    Store,
    directory::{Directory, Made},
    lock::Locked,
    path::{io_error, irregular},
    permissions::{Attributes, usual_mode},
    read::read_in,
    record::{self, Issuance},
    replace::Replace,
    replaced::{self, Kept},
    write::{self, Overwrite, Rules, Target, write_together},
};
use crate::{
    error::{Error, Result},
    key::Passphrase,
    layout::{CaKind, PairPaths},
    x509::{bundle::Bundle, certificate::Certificate},
};

/// A locked store: no other etcd-pki process writes to it. Dropping it releases the lock.
#[derive(Debug)]
pub struct LockedStore {
    pub(super) store: Store,
    /// The directories that were created to take the lock
    pub(super) made: Vec<Made>,
    pub(super) lock: Locked,
    /// Whether a new file takes over the owner of the file that it replaces
    pub(super) inherits: bool,
    /// Whether certificates of the store's CAs are recorded
    pub(super) records: bool,
}

impl LockedStore {
    /// Writes a bundle from a CA to the files for its role and name: the certificate with its
    /// chain, mode 0644, and the key, mode 0600. Returns their paths. Replaces only files that are
    /// empty or have only zero bytes. If a CA of the directory signed the certificate, it is added to
    /// the [record](Store::record) first.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] if the name of the bundle cannot be a file name; [`Error::ExistingFile`],
    /// [`Error::SymbolicLink`], [`Error::Io`]. After an error nothing has changed.
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

    /// Writes bundles to the files of their pairs, all or none, and adds them to the record as
    /// [`LockedStore::write`] does.
    ///
    /// # Errors
    ///
    /// The errors of [`LockedStore::write`]; [`Error::NotReplaceable`] for an existing file that is
    /// not a leaf certificate or its key; [`Error::UntrustedOwner`] for a key that belongs neither
    /// to root, nor to this user, nor to the owner of the directory; the errors of
    /// [`record_issued`](super::record_issued).
    pub fn write_pairs(
        &self,
        bundles: &[(&Bundle, &PairPaths)],
        overwrite: Overwrite,
    ) -> Result<()> {
        let texts = bundles
            .iter()
            .map(|(bundle, pair)| Ok((*pair, PairTexts::of(bundle)?)))
            .collect::<Result<Vec<_>>>()?;
        let cas = match self.records {
            true => self.store.recorded_cas(),
            false => Vec::new(),
        };
        let mut issued: Vec<Issuance> = Vec::new();
        let mut seen = Vec::new();
        for certificate in bundles.iter().map(|(bundle, _)| bundle.certificate()) {
            let signer = cas
                .iter()
                .find(|ca| certificate.check_issued_by(ca).is_ok());
            if let Some(ca) = signer.filter(|_| !seen.contains(&certificate)) {
                issued.push(Issuance::signed_by(certificate, ca));
                seen.push(certificate);
            }
        }
        let attributes = Attributes::default();
        self.put_by(
            &files_of(&texts),
            &attributes,
            &|| self.record(&issued, &attributes),
            |path, contents, secret| self.replaceable(path, contents, secret, overwrite),
        )
    }

    /// Adds no certificate to the record of the directory's CAs. The record then has a gap that
    /// nothing shows.
    #[must_use]
    pub fn without_record(self) -> Self {
        Self {
            records: false,
            ..self
        }
    }

    /// Adds certificates to the record of the directory's CAs.
    pub(crate) fn record(&self, issued: &[Issuance], attributes: &Attributes) -> Result<()> {
        if !self.records || issued.is_empty() {
            return Ok(());
        }
        self.check_place()?;
        let ca = self.store.layout.ca(CaKind::Client).certificate;
        let root = self.lock.directory();
        let directory = root.make_below(parts(root, &ca)?.0, attributes)?;
        record::append(&directory, issued)
    }

    /// The locked store.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Reads a file by its path below the directory, never through a symbolic link; `None` if it is
    /// missing.
    pub(crate) fn read(&self, path: &Path) -> Result<Option<Vec<u8>>> {
        Ok(read_in(self.lock.directory(), path)?.map(|(bytes, _)| bytes))
    }

    /// Fails if the directory has been moved since its lock was taken.
    pub(crate) fn check_place(&self) -> Result<()> {
        self.lock.check(&self.store.directory)
    }

    /// The same lock, but new files do not take over the owner, group and access control list of
    /// the files that they replace.
    pub(crate) fn without_inheritance(mut self) -> Self {
        self.inherits = false;
        self
    }

    /// Writes pairs, all or none. At the paths of the layout's CAs, it writes and replaces only CA
    /// certificates. At other paths, it writes and replaces only leaf certificates.
    pub(crate) fn put_pairs(
        &self,
        pairs: &[(&PairPaths, PairTexts)],
        overwrite: Overwrite,
        attributes: &Attributes,
    ) -> Result<()> {
        self.put(&files_of(pairs), overwrite, attributes)
    }

    /// Writes the certificate of a pair that already has its key. The rules of
    /// [`LockedStore::put_pairs`] apply.
    pub(crate) fn put_certificate(
        &self,
        pair: &PairPaths,
        certificate: &(impl AsRef<[u8]> + ?Sized),
        overwrite: Overwrite,
        attributes: &Attributes,
    ) -> Result<()> {
        self.check_place()?;
        self.fix_permissions(&pair.key, true, attributes)?;
        let file = (&*pair.certificate, certificate.as_ref(), false);
        self.put(&[file], overwrite, attributes)
    }

    /// Writes a file by its path below the directory. The rules of [`LockedStore::put_pairs`]
    /// apply.
    pub(crate) fn put_file(
        &self,
        path: &Path,
        contents: &[u8],
        secret: bool,
        overwrite: Overwrite,
        attributes: &Attributes,
    ) -> Result<()> {
        self.put(&[(path, contents, secret)], overwrite, attributes)
    }

    fn put(
        &self,
        files: &[(&Path, &[u8], bool)],
        overwrite: Overwrite,
        attributes: &Attributes,
    ) -> Result<()> {
        self.put_by(files, attributes, &|| Ok(()), |path, contents, secret| {
            self.replaceable(path, contents, secret, overwrite)
        })
    }

    /// Writes files of a CA and of its rotation, in this order. Certificates replace certificates of
    /// CAs, and keys replace keys: the caller has kept them.
    pub(crate) fn put_ca_files(
        &self,
        files: &[(&Path, &[u8], bool)],
        attributes: &Attributes,
    ) -> Result<()> {
        self.put_by(files, attributes, &|| Ok(()), |_, _, secret| {
            Ok(if secret { Replace::Key } else { Replace::Ca })
        })
    }

    /// Removes a file by its path below the directory, if it exists.
    pub(crate) fn remove_if_present(&self, path: &Path, attributes: &Attributes) -> Result<()> {
        self.check_place()?;
        let root = self.lock.directory();
        let (folder, name) = parts(root, path)?;
        match root.below(folder)? {
            Some(directory) if directory.metadata(name)?.is_some() => {
                write::remove(&directory, name, attributes)
            }
            _ => Ok(()),
        }
    }

    /// Writes revocation lists, all or none. The first file is the first one to change.
    pub(crate) fn put_lists(
        &self,
        files: &[(&Path, &[u8])],
        attributes: &Attributes,
    ) -> Result<()> {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (*path, *text, false))
            .collect();
        // etcd refuses every connection if it cannot read its list, so the old mode does not count
        let mut attributes = attributes.clone();
        attributes.certificate_mode.get_or_insert(usual_mode(false));
        self.put_by(&files, &attributes, &|| Ok(()), |_, _, _| Ok(Replace::List))
    }

    /// Writes a CA over another CA with files that [`LockedStore::keep_ca`] has kept.
    pub(super) fn put_over_kept(
        &self,
        pair: &PairPaths,
        texts: &PairTexts,
        attributes: &Attributes,
    ) -> Result<()> {
        let key = (&*pair.key, texts.key.as_bytes(), true);
        let certificate = (&*pair.certificate, texts.certificate.as_bytes(), false);
        let files = [key, certificate];
        self.put_by(&files, attributes, &|| Ok(()), |_, _, _| {
            Ok(Replace::KeptCa)
        })
    }

    fn put_by(
        &self,
        files: &[(&Path, &[u8], bool)],
        attributes: &Attributes,
        before: &dyn Fn() -> Result<()>,
        replace: impl Fn(&Path, &[u8], bool) -> Result<Replace>,
    ) -> Result<()> {
        self.check_place()?;
        let directory = self.lock.directory();
        let mut targets = Vec::with_capacity(files.len());
        for &(path, contents, secret) in files {
            let (folder, name) = parts(directory, path)?;
            targets.push(Target {
                directory: directory.make_below(folder, attributes)?,
                name: name.to_owned(),
                contents,
                secret,
                replace: replace(path, contents, secret)?,
            });
        }
        write_together(
            &targets,
            &Rules {
                attributes,
                inherits: self.inherits,
                store_owner: Some(directory.own_metadata()?.uid()),
                before,
            },
        )
    }

    /// The files that may be replaced at a path. The paths of the layout's CAs are for CA
    /// certificates.
    fn replaceable(
        &self,
        path: &Path,
        contents: &[u8],
        secret: bool,
        overwrite: Overwrite,
    ) -> Result<Replace> {
        let layout = self.store.layout;
        let cas = CaKind::ALL.map(|kind| layout.ca(kind));
        let is_ca = cas.iter().any(|ca| ca.certificate == path);
        if is_ca && Replace::by(contents, secret) != Replace::Ca {
            return Err(Error::NotReplaceable {
                path: self.store.directory.join(path),
                found: "the name of a CA certificate, and the new file is none",
            });
        }
        Ok(match overwrite {
            Overwrite::Refuse => Replace::Blank,
            Overwrite::Replace if is_ca => Replace::Ca,
            Overwrite::Replace if secret => Replace::Key,
            Overwrite::Replace => Replace::Leaf,
        })
    }

    /// Keeps the files of a CA that will be replaced.
    pub(super) fn keep_ca(
        &self,
        ca: &PairPaths,
        new: &Certificate,
        passphrase: Option<&Passphrase>,
    ) -> Result<Option<Kept>> {
        self.check_place()?;
        let root = self.lock.directory();
        let usual = Attributes::default();
        let signed = || self.store.held();
        replaced::keep(ca, new, passphrase, signed, |path| {
            let (folder, name) = parts(root, path)?;
            Ok((root.make_below(folder, &usual)?, name.to_owned()))
        })
    }

    /// Removes the files of a pair. The key is removed first.
    pub(crate) fn remove(&self, pair: &PairPaths, attributes: &Attributes) -> Result<()> {
        self.check_place()?;
        let root = self.lock.directory();
        for path in [&pair.key, &pair.certificate] {
            let (folder, name) = parts(root, path)?;
            if let Some(directory) = root.below(folder)?
                && directory.metadata(name)?.is_some()
            {
                write::remove(&directory, name, attributes)?;
            }
        }
        self.remove_empty(&pair.certificate);
        Ok(())
    }

    /// Removes the parents of a path that are now empty, up to the store's directory.
    fn remove_empty(&self, path: &Path) {
        let root = self.lock.directory();
        for folder in path.ancestors().skip(1) {
            let Ok((above, name)) = parts(root, folder) else {
                return;
            };
            let Ok(Some(above)) = root.below(above) else {
                return;
            };
            if above.remove_directory(name).is_err() {
                return;
            }
        }
    }

    /// Removes a file by its path below the directory.
    pub(crate) fn remove_file(&self, path: &Path) -> Result<()> {
        let root = self.lock.directory();
        let (folder, name) = parts(root, path)?;
        let missing = || rustix::io::Errno::NOENT;
        let full = root.path().join(path);
        let Some(directory) = root.below(folder)? else {
            return Err(io_error("remove", &full)(missing()));
        };
        directory.unlink(name).map_err(io_error("remove", &full))
    }

    /// Removes the temporary files of killed runs in the folders of these pairs.
    pub(crate) fn remove_stale<'a>(
        &self,
        pairs: impl Iterator<Item = &'a PairPaths>,
    ) -> Result<()> {
        // The directory itself was cleaned when its lock was taken
        let folders: BTreeSet<&Path> = pairs
            .filter_map(|pair| pair.certificate.parent())
            .filter(|folder| *folder != Path::new(""))
            .collect();
        for folder in folders {
            // If a folder cannot be opened, the change of its pair reports the error
            if let Ok(Some(folder)) = self.lock.directory().below(folder) {
                folder.remove_stale()?;
            }
        }
        Ok(())
    }

    /// Sets mode and owner of the directories that were created to take the lock. Existing
    /// directories do not change.
    pub(crate) fn give_directories(&self, attributes: &Attributes) -> Result<()> {
        self.made
            .iter()
            .try_for_each(|made| made.give(attributes))?;
        // The lock file has the owner of the directory
        self.lock.give_file()
    }

    /// Sets owner and modes of a pair.
    pub(crate) fn mend(&self, pair: &PairPaths, attributes: &Attributes) -> Result<()> {
        self.check_place()?;
        for (path, secret) in [(&pair.certificate, false), (&pair.key, true)] {
            self.fix_permissions(path, secret, attributes)?;
        }
        Ok(())
    }

    fn fix_permissions(&self, path: &Path, secret: bool, attributes: &Attributes) -> Result<()> {
        let root = self.lock.directory();
        let (folder, name) = parts(root, path)?;
        match root.below(folder)? {
            Some(directory) => write::fix_permissions(&directory, name, secret, attributes),
            None => Ok(()),
        }
    }
}

/// The files of pairs: path, contents, and whether it is a key. A key comes before its certificate.
fn files_of<'a>(pairs: &'a [(&PairPaths, PairTexts)]) -> Vec<(&'a Path, &'a [u8], bool)> {
    let files = pairs.iter().flat_map(|(pair, texts)| {
        let key = (&*pair.key, texts.key.as_bytes(), true);
        [
            key,
            (&*pair.certificate, texts.certificate.as_bytes(), false),
        ]
    });
    files.collect()
}

/// The folder and the name of a path below a directory.
fn parts<'a>(root: &Directory, path: &'a Path) -> Result<(&'a Path, &'a OsStr)> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => Ok((folder, name)),
        _ => Err(irregular(&root.path().join(path))),
    }
}

/// The contents of the files of a pair.
pub(crate) struct PairTexts {
    pub(crate) key: Zeroizing<String>,
    pub(crate) certificate: String,
}

impl PairTexts {
    pub(crate) fn of(bundle: &Bundle) -> Result<Self> {
        Ok(Self {
            key: bundle.to_secret_pem(),
            certificate: bundle.to_pem(),
        })
    }
}

//! A directory that is written to.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::{
    Store,
    attributes::Attributes,
    directory,
    file::{self, NewFile, Overwrite},
    lock::DirectoryLock,
};
use crate::{
    bundle::Bundle,
    error::{Error, Result},
    layout::PairPaths,
};

/// A directory that no other etcd-pki writes to meanwhile. Dropping it lets the lock go.
#[derive(Debug)]
pub struct LockedStore {
    pub(super) store: Store,
    /// The directories that were made to take the lock
    pub(super) made: Vec<PathBuf>,
    pub(super) lock: DirectoryLock,
}

impl LockedStore {
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

    /// The store whose lock this is.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Fails if the directory is no longer where it was when its lock was taken.
    pub(crate) fn check_place(&self) -> Result<()> {
        self.lock.check(&self.store.directory)
    }

    /// Writes pairs, all of them or none.
    pub(crate) fn put_pairs(
        &self,
        pairs: &[(&PairPaths, PairTexts)],
        overwrite: Overwrite,
        attributes: &Attributes,
    ) -> Result<()> {
        self.check_place()?;
        let mut files = Vec::with_capacity(pairs.len() * 2);
        for (pair, texts) in pairs {
            for (path, contents, secret) in [
                (&pair.key, texts.key.as_bytes(), true),
                (&pair.certificate, texts.certificate.as_bytes(), false),
            ] {
                let path = self.store.directory.join(path);
                if let Some(parent) = path.parent() {
                    directory::make_directory(parent, attributes)?;
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

    /// Writes the certificate of a pair, for the key that is there.
    pub(crate) fn put_certificate(
        &self,
        pair: &PairPaths,
        certificate: &str,
        overwrite: Overwrite,
        attributes: &Attributes,
    ) -> Result<()> {
        self.check_place()?;
        let pair = pair.below(&self.store.directory);
        file::mend(&pair.key, true, attributes)?;
        let file = NewFile {
            path: pair.certificate,
            contents: certificate.as_bytes(),
            secret: false,
        };
        file::write_locked(&[file], overwrite, attributes)
    }

    /// Removes the files of a pair, the key first.
    pub(crate) fn remove(&self, pair: &PairPaths, attributes: &Attributes) -> Result<()> {
        self.check_place()?;
        let pair = pair.below(&self.store.directory);
        for path in [&pair.key, &pair.certificate] {
            if path.symlink_metadata().is_ok() {
                file::remove(path, attributes)?;
            }
        }
        directory::remove_empty(&self.store.directory, &pair.certificate);
        Ok(())
    }

    /// Removes what an earlier run of ours left below the directory when it was cut off, beside the files of these pairs.
    pub(crate) fn remove_stale<'a>(
        &self,
        pairs: impl Iterator<Item = &'a PairPaths>,
    ) -> Result<()> {
        let beside = pairs.filter_map(|pair| pair.certificate.parent());
        // The directory itself was swept when its lock was taken
        let folders: BTreeSet<&Path> = beside.filter(|folder| *folder != Path::new("")).collect();
        let below = folders
            .into_iter()
            .map(|folder| self.store.directory.join(folder));
        below
            // What is behind a link is not under this lock
            .filter(|folder| folder.is_dir() && !folder.is_symlink())
            .try_for_each(|folder| directory::remove_stale(&folder))
    }

    /// Gives the directories that were made to take the lock their mode, and to whom it was said that they belong. Those that
    /// existed stay as they are.
    pub(crate) fn give_directories(&self, attributes: &Attributes) -> Result<()> {
        let mut made = self.made.iter();
        made.try_for_each(|path| directory::give_directory(path, attributes))
    }

    /// Sets the modes of a pair, and whose it is.
    pub(crate) fn mend(&self, pair: &PairPaths, attributes: &Attributes) -> Result<()> {
        self.check_place()?;
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

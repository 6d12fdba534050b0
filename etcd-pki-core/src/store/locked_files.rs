//! Writes single files in locked directories, all or none.

use std::path::{Path, PathBuf};

use super::{
    Store,
    directory::Directory,
    lock::{Locked, Scope, has_ca_in, is_store, said_once},
    path::{io_error, irregular, parent},
    permissions::Attributes,
    replace::Replace,
    replaced,
    write::{Overwrite, Rules, Target, write_together},
};
use crate::{
    error::{Error, Result},
    layout::{Layout, PairPaths},
    x509::{bundle, certificate::Certificate},
};

/// A file to be written.
#[derive(Clone, Debug)]
pub struct NewFile<'a> {
    /// The path of the file
    pub path: PathBuf,
    /// The contents of the file
    pub contents: &'a [u8],
    /// Whether it contains a private key: then its mode is 0600 instead of 0644
    pub secret: bool,
}

/// Writes several files, all or none. Each file is complete and on the disk before the first one
/// replaces its old file. No file is written through a symbolic link. A key is never readable by
/// other users, not even briefly.
///
/// A certificate never replaces a private key, and a leaf certificate never replaces a CA
/// certificate. A new file takes over the owner, group, mode and access control list of the file
/// that it replaces. A key that is written alone belongs to the user who writes it. A key that is
/// written with its certificate replaces only a key that belongs to root, to this user or to the
/// owner of the directory.
///
/// # Errors
///
/// [`Error::ExistingFile`], [`Error::NotReplaceable`], [`Error::UntrustedOwner`],
/// [`Error::SymbolicLink`], [`Error::FileChanged`], [`Error::Io`], [`Error::Locked`].
///
/// After an error the files are the old ones, with two exceptions. The system may allow one rename,
/// refuse the next, and refuse to restore the old file; then one new file may stay without the
/// others. The system may also refuse the final sync of the directory; then all files are the new
/// ones, but may not be on the disk.
pub fn write_files(files: &[NewFile<'_>], overwrite: Overwrite) -> Result<()> {
    write_files_with(files, overwrite, || ())
}

/// Writes several files as [`write_files`] does. Calls `waiting` once if another etcd-pki process
/// holds the lock of one of their directories.
///
/// # Errors
///
/// The errors of [`write_files`].
pub fn write_files_with(
    files: &[NewFile<'_>],
    overwrite: Overwrite,
    waiting: impl FnOnce(),
) -> Result<()> {
    let paths: Vec<&Path> = files.iter().map(|file| &*file.path).collect();
    LockedFiles::lock(&paths, waiting)?.write(files, overwrite)
}

/// The locks of the directories of some files. Take them before reading files that you will change.
/// No other etcd-pki process writes there until the value is dropped.
///
/// ```
/// use etcd_pki_core::{PrivateKey, store::{LockedFiles, NewFile, Overwrite}};
///
/// # let parent = tempfile::tempdir()?;
/// let path = parent.path().join("app-key.pem");
/// let files = LockedFiles::lock(&[&path], || eprintln!("waiting"))?;
/// if !path.exists() {
///     let key = PrivateKey::generate()?.to_secret_pem();
///     let file = NewFile { path, contents: key.as_bytes(), secret: true };
///     files.write(&[file], Overwrite::Refuse)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LockedFiles {
    locks: Vec<Locked>,
}

impl LockedFiles {
    /// Takes the locks, and removes the temporary files of killed runs. Calls `waiting` once if
    /// another etcd-pki process holds a lock.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::Locked`].
    pub fn lock(paths: &[&Path], waiting: impl FnOnce()) -> Result<Self> {
        let mut waits = said_once(waiting);
        let locks = locks_of(paths)?
            .into_iter()
            .map(|(path, scope)| Locked::take(&path, scope, &mut waits))
            .collect::<Result<Vec<_>>>()?;
        for lock in &locks {
            // Other users may have left files that this user cannot remove
            let _ = lock.directory().remove_stale();
        }
        Ok(Self { locks })
    }

    /// Replaces a CA: writes files in the locked directories as [`write_files`] does. First it
    /// keeps the old files of the CA under other names, such as `x-replaced-SERIAL.pem` for
    /// `x.pem`. Their paths are returned. The other CAs of the old trust bundle follow the new one.
    ///
    /// # Errors
    ///
    /// The errors of [`LockedFiles::write`]; [`Error::Malformed`] if none of the files is a
    /// certificate for the path of the CA, or if no key shows which CA of a trust bundle is
    /// replaced; the errors of `record`, which is called as by [`LockedFiles::write_recorded`].
    pub fn replace_ca<'a>(
        &self,
        files: &[NewFile<'a>],
        ca: &PairPaths,
        record: impl Fn() -> Result<()>,
    ) -> Result<Option<PairPaths>> {
        let new = files.iter().find(|file| file.path == ca.certificate);
        let new = Certificate::from_bytes(new.map_or(&[], |file| file.contents))?;
        let signed = || Store::new(parent(&ca.certificate), Layout::default()).held();
        let kept = replaced::keep(ca, &new, None, signed, |path| {
            let name = path.file_name().ok_or_else(|| irregular(path))?;
            Ok((self.directory_of(path)?, name.to_owned()))
        })?;
        let others = kept.iter().flat_map(|kept| kept.others.iter().cloned());
        let bundle = bundle::all_pem(&std::iter::once(new).chain(others).collect::<Vec<_>>());
        let with_bundle = |file: &NewFile<'a>| match file.path == ca.certificate {
            true => NewFile {
                contents: bundle.as_bytes(),
                ..file.clone()
            },
            false => file.clone(),
        };
        let files: Vec<NewFile<'_>> = files.iter().map(with_bundle).collect();
        match self.write_by(&files, &Attributes::default(), &record, |_| Replace::KeptCa) {
            Ok(()) => Ok(kept.map(|kept| kept.paths)),
            Err(error) => {
                if let Some(kept) = kept {
                    kept.undo();
                }
                Err(error)
            }
        }
    }

    /// The locked directory of a file.
    pub(super) fn directory_of(&self, file: &Path) -> Result<Directory> {
        let path = parent(file);
        let mut locks = self.locks.iter().map(Locked::directory);
        let locked = locks.find(|directory| directory.is_at(path));
        let locked = locked.ok_or_else(|| Error::DirectoryGone {
            path: path.to_owned(),
        })?;
        Ok(locked.again()?.called(path))
    }

    /// Writes files in the locked directories as [`write_files`] does.
    ///
    /// # Errors
    ///
    /// The errors of [`write_files`]; [`Error::DirectoryGone`] for a file in another directory.
    pub fn write(&self, files: &[NewFile<'_>], overwrite: Overwrite) -> Result<()> {
        self.write_recorded(files, overwrite, || Ok(()))
    }

    /// Writes files as [`LockedFiles::write`] does. Calls `record` when all files are complete and
    /// on the disk, before the first one is at its path; see [`record_issued`](super::record_issued).
    ///
    /// # Errors
    ///
    /// The errors of [`LockedFiles::write`] and of `record`. After an error of `record` nothing has
    /// changed.
    pub fn write_recorded(
        &self,
        files: &[NewFile<'_>],
        overwrite: Overwrite,
        record: impl Fn() -> Result<()>,
    ) -> Result<()> {
        self.write_by(
            files,
            &Attributes::default(),
            &record,
            |file| match overwrite {
                Overwrite::Refuse => Replace::Nothing,
                Overwrite::Replace => Replace::by(file.contents, file.secret),
            },
        )
    }

    /// Writes files in the locked directories. The attributes and the rule decide on owners, modes
    /// and on what may be replaced.
    pub(super) fn write_by(
        &self,
        files: &[NewFile<'_>],
        attributes: &Attributes,
        before: &dyn Fn() -> Result<()>,
        replace: impl Fn(&NewFile<'_>) -> Replace,
    ) -> Result<()> {
        let mut targets = Vec::with_capacity(files.len());
        for file in files {
            let name = file.path.file_name().ok_or_else(|| irregular(&file.path))?;
            targets.push(Target {
                directory: self.directory_of(&file.path)?,
                name: name.to_owned(),
                contents: file.contents,
                secret: file.secret,
                replace: replace(file),
            });
        }
        write_together(
            &targets,
            &Rules {
                attributes,
                // A key that is written alone does not belong to a pair
                inherits: files.len() > 1 || files.iter().any(|file| !file.secret),
                store_owner: None,
                before,
            },
        )
    }
}

/// The locks for writing these files. Each directory is locked once, and always in the same order,
/// so that two processes never wait for each other.
fn locks_of(files: &[&Path]) -> Result<Vec<(PathBuf, Scope)>> {
    let mut locks = Vec::new();
    for file in files {
        let directory = parent(file);
        let path = directory
            .canonicalize()
            .map_err(io_error("use the directory", directory))?;
        let opened = Directory::open(&path)?;
        // If a store's layout has the CA in this folder, the lock of the store covers the folder
        if let (Some(above), Some(folder)) = (path.parent(), path.file_name())
            && let Ok(store) = Directory::open(above)
            && has_ca_in(&store, folder)
        {
            locks.push((above.to_owned(), Scope::Store));
        }
        let scope = if is_store(&opened) {
            Scope::Store
        } else {
            Scope::Files
        };
        locks.push((path, scope));
    }
    locks.sort_by(|(one, _), (other, _)| one.cmp(other));
    locks.dedup_by(|(one, _), (other, _)| one == other);
    Ok(locks)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    };

    use super::*;

    fn file<'a>(path: &Path, contents: &'a str, secret: bool) -> NewFile<'a> {
        NewFile {
            path: path.to_owned(),
            contents: contents.as_bytes(),
            secret,
        }
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o777
    }

    #[test]
    fn modes_of_new_and_of_replaced_files() {
        let directory = tempfile::tempdir().unwrap();
        let (key, certificate) = (directory.path().join("k"), directory.path().join("c"));
        let write = |overwrite| {
            let files = [file(&key, "new", true), file(&certificate, "new", false)];
            write_files(&files, overwrite)
        };
        write(Overwrite::Refuse).unwrap();
        assert_eq!((mode(&key), mode(&certificate)), (0o600, 0o644));

        assert!(matches!(
            write(Overwrite::Refuse),
            Err(Error::ExistingFile { .. })
        ));
        for (path, before, after) in [
            (&key, 0o640, 0o640),
            (&key, 0o644, 0o600),
            (&certificate, 0o664, 0o664),
            (&certificate, 0o666, 0o644),
        ] {
            fs::set_permissions(path, Permissions::from_mode(before)).unwrap();
            write(Overwrite::Replace).unwrap();
            assert_eq!(mode(path), after);
        }
    }

    #[test]
    fn all_files_or_none() {
        let directory = tempfile::tempdir().unwrap();
        let (key, certificate) = (directory.path().join("k"), directory.path().join("c"));
        fs::write(&certificate, "old").unwrap();
        let files = [file(&key, "new", true), file(&certificate, "new", false)];
        assert!(write_files(&files, Overwrite::Refuse).is_err());
        assert!(!key.exists());
        assert_eq!(fs::read(&certificate).unwrap(), b"old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn never_through_a_symbolic_link() {
        let directory = tempfile::tempdir().unwrap();
        let (link, target) = (
            directory.path().join("link"),
            directory.path().join("target"),
        );
        symlink(&target, &link).unwrap();
        for overwrite in [Overwrite::Refuse, Overwrite::Replace] {
            let written = write_files(&[file(&link, "new", false)], overwrite);
            assert!(matches!(written, Err(Error::SymbolicLink { .. })));
        }
        assert!(!target.exists());
    }

    /// The contents of the opened file decide what a plan may replace in a store.
    #[test]
    fn a_pair_replaces_nothing_but_its_own() {
        use crate::{CertificateAuthority, Identity, Layout, Role, Store};

        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path(), Layout::Kubespray);
        let ca = CertificateAuthority::create("ca").unwrap();
        let locked = store.lock().unwrap();
        locked.write_ca(crate::CaKind::Client, &ca, None).unwrap();
        let bundle = ca.issue(Role::Client, Identity::new("c").unwrap()).unwrap();
        let pair = locked.write(&bundle).unwrap().remove(0);
        let other = ca.issue(Role::Client, Identity::new("c").unwrap()).unwrap();
        let below = Layout::Kubespray
            .pairs(Role::Client, "c")
            .unwrap()
            .remove(0);
        let before = fs::read(&pair.key).unwrap();
        for odd in [ca.certificate().to_pem(), "notes".to_owned()] {
            fs::write(&pair.certificate, &odd).unwrap();
            let refused = locked.write_pairs(&[(&other, &below)], Overwrite::Replace);
            let refused = refused.unwrap_err();
            assert!(matches!(refused, Error::NotReplaceable { .. }), "{refused}");
            assert_eq!(fs::read(&pair.certificate).unwrap(), odd.as_bytes());
            assert_eq!(fs::read(&pair.key).unwrap(), before);
        }
        // A crash leaves zero bytes
        fs::write(&pair.certificate, [0; 700]).unwrap();
        fs::write(&pair.key, "").unwrap();
        locked.write(&other).unwrap();
        assert_ne!(fs::read(&pair.key).unwrap(), b"");
        // A leaf never replaces the CA
        let place = Layout::Kubespray.ca(crate::CaKind::Client);
        let refused = locked.write_pairs(&[(&other, &place)], Overwrite::Replace);
        assert!(matches!(refused, Err(Error::NotReplaceable { .. })));
    }
}

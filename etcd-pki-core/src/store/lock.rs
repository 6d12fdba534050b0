//! Locks: only one process at a time writes in a directory.
//!
//! The lock of a store is the file `.etcd-pki.lock` in its directory. Only the owner of the
//! directory and root may open it, so a user who can only read the directory cannot hold the lock.
//! The file is never removed, because a removed lock file could be locked twice.
//!
//! A directory that is not a store has no lock file. A command that writes single files there (for
//! example `-o FILE` in /tmp) locks the directory itself (flock), and leaves no file. [`is_store`]
//! decides between the two. An exchange directory has no lock at all: both sides replace each file
//! atomically, and neither side makes the other wait.

use std::{
    ffi::OsStr,
    fs::File,
    os::unix::fs::MetadataExt as _,
    path::Path,
    process, thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use super::{
    directory::Directory,
    draft::Draft,
    path::{check_only_name, io_error, irregular},
    permissions::{give, may_give},
};
use crate::{
    error::{Error, LOCK_FILE, Result},
    layout::{CaKind, Layout},
};

const LOCK_MODE: u32 = 0o600;
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// The object that is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The lock file of a store
    Store,
    /// The directory itself
    Directory,
}

/// An open directory with its lock. The lock is released when the process ends, in any way.
#[derive(Debug)]
pub(super) struct Locked {
    directory: Directory,
    /// The lock file of a store
    file: Option<File>,
    process: u32,
}

impl Locked {
    /// Takes the lock. While another process holds it, calls `goes_on` repeatedly to ask whether to
    /// wait.
    pub(super) fn take(
        path: &Path,
        scope: Scope,
        mut goes_on: impl FnMut() -> bool,
    ) -> Result<Self> {
        let began = Instant::now();
        loop {
            let directory = Directory::open(path)?;
            let file = match scope {
                Scope::Store => Some(lock_file(&directory)?),
                Scope::Directory => None,
            };
            let locked = file.as_ref().unwrap_or(directory.descriptor());
            match flock(locked, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {
                    let locked = Self {
                        directory,
                        file,
                        process: process::id(),
                    };
                    if locked.is_at(path)? {
                        return Ok(locked);
                    }
                    // Another directory or another lock file is now at the path
                }
                Err(Errno::WOULDBLOCK) => {
                    if !goes_on() {
                        return Err(Error::Interrupted);
                    }
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(io_error("lock", path)(error)),
            }
            if began.elapsed() > PATIENCE {
                return Err(Error::Locked {
                    directory: path.to_owned(),
                    waited: began.elapsed().as_secs(),
                });
            }
            thread::sleep(PAUSE);
        }
    }

    /// The directory.
    pub(super) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Makes the owner of the directory the owner of the lock file.
    pub(super) fn give_file(&self) -> Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let failed = || io_error("lock", self.directory.path());
        let metadata = file.metadata().map_err(failed())?;
        check_only_name(&metadata, &self.directory.path_of(OsStr::new(LOCK_FILE)))?;
        let owner = self.directory.own_metadata()?.uid();
        let given = give(file, may_give().then_some(owner), None, LOCK_MODE);
        given.map_err(failed())
    }

    /// Fails if the path no longer leads to the locked directory.
    pub(super) fn check(&self, path: &Path) -> Result<()> {
        if self.directory.is_at(path) {
            return Ok(());
        }
        Err(Error::DirectoryGone {
            path: path.to_owned(),
        })
    }

    /// Whether the path leads to this directory, and its lock file is the locked one.
    fn is_at(&self, path: &Path) -> Result<bool> {
        if !self.directory.is_at(path) {
            return Ok(false);
        }
        let Some(file) = &self.file else {
            return Ok(true);
        };
        let locked = file.metadata().map_err(io_error("lock", path))?;
        let current = self.directory.metadata(OsStr::new(LOCK_FILE))?;
        Ok(current
            .is_some_and(|current| (current.dev(), current.ino()) == (locked.dev(), locked.ino())))
    }
}

impl Drop for Locked {
    /// Releases the lock explicitly. Closing the file does not release it while a forked child has
    /// the file open as well. Such a child does not release the lock of its parent.
    fn drop(&mut self) {
        if self.process == process::id() {
            let locked = self.file.as_ref().unwrap_or(self.directory.descriptor());
            // Closing the file comes next and has the same effect, unless the process has forked
            let _ = flock(locked, FlockOperation::Unlock);
        }
    }
}

/// Opens the lock file of a store, and creates it if it is missing.
fn lock_file(directory: &Directory) -> Result<File> {
    let name = OsStr::new(LOCK_FILE);
    let path = directory.path_of(name);
    loop {
        match directory.open_to_lock(name) {
            Ok(file) => return own(file, directory, &path),
            Err(Errno::NOENT) => make_lock_file(directory, name, &path)?,
            Err(Errno::LOOP) => return Err(Error::SymbolicLink { path }),
            Err(Errno::ISDIR | Errno::NXIO) => return Err(irregular(&path)),
            Err(error) => return Err(io_error("lock", directory.path())(error)),
        }
    }
}

/// Checks that it is a regular file with one name. Removes the permissions of other users.
fn own(file: File, directory: &Directory, path: &Path) -> Result<File> {
    let failed = || io_error("lock", directory.path());
    let metadata = file.metadata().map_err(failed())?;
    if !metadata.is_file() {
        return Err(irregular(path));
    }
    check_only_name(&metadata, path)?;
    let owner = directory.own_metadata()?.uid();
    let is_own = metadata.mode() & 0o777 == LOCK_MODE && metadata.uid() == owner;
    if !is_own && may_give() {
        give(&file, Some(owner), None, LOCK_MODE).map_err(failed())?;
    }
    Ok(file)
}

/// Creates the lock file with its final owner and mode. Another process may create it first.
fn make_lock_file(directory: &Directory, name: &OsStr, path: &Path) -> Result<()> {
    let failed = || io_error("lock", directory.path());
    let draft = Draft::new(directory)?;
    let like = directory.own_metadata()?;
    let account = may_give().then(|| (like.uid(), like.gid())).unzip();
    give(draft.file(), account.0, account.1, LOCK_MODE).map_err(failed())?;
    match draft.put_new(directory, name, path) {
        Err(Error::ExistingFile { .. }) => Ok(()),
        put => put,
    }
}

/// Whether a directory is a store: it has a lock file, or a CA key with the name that a layout has
/// for it.
pub(super) fn is_store(directory: &Directory) -> bool {
    let is_file = |path: &Path| {
        let (folder, name) = (path.parent()?, path.file_name()?);
        let folder = directory.below(folder).ok()??;
        folder
            .metadata(name)
            .ok()?
            .filter(std::fs::Metadata::is_file)
    };
    is_file(Path::new(LOCK_FILE)).is_some() || ca_keys().any(|key| is_file(&key).is_some())
}

/// Whether the store's folder with this name has the key of a CA in a layout.
pub(super) fn has_ca_in(store: &Directory, folder: &OsStr) -> bool {
    ca_keys()
        .filter(|key| key.parent() == Some(Path::new(folder)))
        .any(|key| {
            let found = store.below(Path::new(folder)).ok().flatten();
            let name = key.file_name().unwrap_or_default();
            found.is_some_and(|folder| folder.metadata(name).is_ok_and(|one| one.is_some()))
        })
}

fn ca_keys() -> impl Iterator<Item = std::path::PathBuf> {
    Layout::ALL
        .into_iter()
        .flat_map(|layout| CaKind::ALL.map(|kind| layout.ca(kind).key))
}

/// Creates a callback that calls `waiting` once, and always continues to wait.
pub(super) fn said_once(waiting: impl FnOnce()) -> impl FnMut() -> bool {
    let mut waiting = Some(waiting);
    move || {
        if let Some(waiting) = waiting.take() {
            waiting();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    /// The lock file is closed to other users, even if one of them created it.
    #[test]
    fn the_lock_file_is_its_owners_alone() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join(LOCK_FILE);
        drop(Locked::take(scratch.path(), Scope::Store, || true).unwrap());
        assert_eq!(mode(&path), LOCK_MODE);
        if !may_give() {
            return;
        }
        for open in [0o666, 0o640, 0o400, 0o700] {
            fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
            let locked = Locked::take(scratch.path(), Scope::Store, || true).unwrap();
            assert_eq!(mode(&path), LOCK_MODE, "{open:o}");
            fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
            locked.give_file().unwrap();
            assert_eq!(mode(&path), LOCK_MODE, "{open:o}");
        }
        // The lock file has the owner of the directory
        std::os::unix::fs::chown(scratch.path(), Some(12345), None).unwrap();
        let locked = Locked::take(scratch.path(), Scope::Store, || true).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().uid(), 12345);
        std::os::unix::fs::chown(&path, Some(0), None).unwrap();
        locked.give_file().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().uid(), 12345);
    }

    #[test]
    fn a_lock_is_held_until_it_is_dropped() {
        let scratch = tempfile::tempdir().unwrap();
        for scope in [Scope::Store, Scope::Directory] {
            let take = || Locked::take(scratch.path(), scope, || false);
            let held = take().unwrap();
            assert!(matches!(take(), Err(Error::Interrupted)));
            drop(held);
            drop(take().unwrap());
        }
    }

    /// The lock belongs to a directory and a lock file, and not to their paths.
    #[test]
    fn what_takes_the_place_is_not_locked() {
        let scratch = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (scratch.path().join("a"), scratch.path().join("b"));
        fs::create_dir(&path).unwrap();
        let locked = Locked::take(&path, Scope::Store, || true).unwrap();
        assert!(locked.is_at(&path).unwrap() && locked.check(&path).is_ok());
        let file = path.join(LOCK_FILE);
        fs::rename(&file, path.join("moved")).unwrap();
        assert!(!locked.is_at(&path).unwrap());
        fs::write(&file, "").unwrap();
        assert!(!locked.is_at(&path).unwrap());
        fs::rename(path.join("moved"), &file).unwrap();
        assert!(locked.is_at(&path).unwrap());
        fs::rename(&path, &elsewhere).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(!locked.is_at(&path).unwrap() && locked.check(&path).is_err());
        assert!(locked.is_at(&elsewhere).unwrap());
    }

    #[test]
    fn directories_of_stores() {
        let scratch = tempfile::tempdir().unwrap();
        let open = || Directory::open(scratch.path()).unwrap();
        assert!(!is_store(&open()));
        fs::write(scratch.path().join("etcd.conf"), "").unwrap();
        fs::create_dir(scratch.path().join("ca-key.pem")).unwrap();
        assert!(!is_store(&open()));
        fs::remove_dir(scratch.path().join("ca-key.pem")).unwrap();
        for file in [LOCK_FILE, "ca-key.pem", "etcd/ca.key"] {
            let path = scratch.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            assert!(is_store(&open()), "{file}");
            fs::remove_file(&path).unwrap();
            assert!(!is_store(&open()), "{file}");
        }
        // A folder that contains the key of a CA
        let (folder, other) = (OsStr::new("etcd"), OsStr::new("other"));
        assert!(!has_ca_in(&open(), folder));
        for place in ["etcd", "other"] {
            fs::create_dir_all(scratch.path().join(place)).unwrap();
            fs::write(scratch.path().join(place).join("ca.key"), "").unwrap();
        }
        assert!(has_ca_in(&open(), folder) && !has_ca_in(&open(), other));
    }
}

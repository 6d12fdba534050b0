//! Locks: only one process at a time writes in a directory.
//!
//! The lock of a store is the file `.etcd-pki.lock` in its directory. Only the owner of the
//! directory and root may open it, so a user who can only read the directory cannot hold the lock.
//! The file is never removed, because a removed lock file could be locked twice.
//!
//! A directory that is not a store has no such file. A command that writes single files there (for
//! example `-o FILE` in /tmp) locks a file with the user's number in its name, and removes it when
//! it has finished. [`is_store`] decides between the two. The directory itself is never locked
//! (flock), because every user who can read it could hold this lock, and because some file systems
//! do not lock directories. An exchange directory has no lock at all: both sides replace each file
//! atomically, and neither side makes the other wait.

use std::{
    ffi::{OsStr, OsString},
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
/// The number of attempts to create a lock file, while other processes remove it or take its name
const ATTEMPTS: usize = 1_000;

/// The object that is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// The lock file of a store
    Store,
    /// The lock file of a user in another directory
    Files,
}

/// An open directory with its lock. The lock is released when the process ends, in any way.
#[derive(Debug)]
pub(super) struct Locked {
    directory: Directory,
    scope: Scope,
    /// The lock file. It is `None` in a directory that is not a store, if another user has taken
    /// the name, or if no file can be created there
    file: Option<File>,
    process: u32,
}

impl Scope {
    fn name(self) -> OsString {
        match self {
            Self::Store => LOCK_FILE.into(),
            Self::Files => format!(".etcd-pki-{}.lock", effective_user()).into(),
        }
    }

    /// The user who must own the lock file.
    fn owner(self, directory: &Directory) -> Result<u32> {
        Ok(match self {
            Self::Store => directory.own_metadata()?.uid(),
            Self::Files => effective_user(),
        })
    }
}

fn effective_user() -> u32 {
    nix::unistd::geteuid().as_raw()
}

impl Locked {
    /// Takes the lock. While another process holds it, calls `goes_on` repeatedly to ask whether to
    /// wait.
    pub(super) fn take(
        path: &Path,
        mut scope: Scope,
        mut goes_on: impl FnMut() -> bool,
    ) -> Result<Self> {
        let began = Instant::now();
        loop {
            let directory = Directory::open(path)?;
            let file = match scope {
                Scope::Store => Some(lock_file(&directory, scope)?),
                // The error is that of writing the files, if there is one
                Scope::Files => lock_file(&directory, scope).ok(),
            };
            let operation = FlockOperation::NonBlockingLockExclusive;
            match file.as_ref().map_or(Ok(()), |file| flock(file, operation)) {
                Ok(()) => {
                    let locked = Self {
                        directory,
                        scope,
                        file,
                        process: process::id(),
                    };
                    if locked.is_at(path)? {
                        if scope == Scope::Files && is_store(&locked.directory) {
                            // Another process has made it a store since the caller looked
                            scope = Scope::Store;
                            continue;
                        }
                        let must_wait =
                            scope == Scope::Store && is_in_use(&locked.directory, Scope::Files);
                        if !must_wait {
                            return Ok(locked);
                        }
                        // A process of this user still writes single files
                        if !goes_on() {
                            return Err(Error::Interrupted);
                        }
                    }
                    // Another directory or another lock file may be at the path now
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
        check_only_name(&metadata, &self.directory.path_of(&self.scope.name()))?;
        let owner = self.scope.owner(&self.directory)?;
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
        is_named(file, &self.directory, &self.scope.name())
    }
}

impl Drop for Locked {
    /// Releases the lock explicitly. Closing the file does not release it while a forked child has
    /// the file open as well. Such a child does not release the lock of its parent.
    fn drop(&mut self) {
        let Some(file) = &self.file else { return };
        if self.process != process::id() {
            return;
        }
        // A process that waits for this file finds that the name is free, and creates another one
        let name = self.scope.name();
        if self.scope == Scope::Files && is_named(file, &self.directory, &name).unwrap_or(false) {
            let _ = self.directory.unlink(&name);
        }
        // Closing the file comes next and has the same effect, unless the process has forked
        let _ = flock(file, FlockOperation::Unlock);
    }
}

/// Whether a process of this user holds the lock of this scope.
fn is_in_use(directory: &Directory, scope: Scope) -> bool {
    let Ok(file) = directory.open_to_lock(&scope.name()) else {
        return false;
    };
    let is_own = file
        .metadata()
        .is_ok_and(|metadata| metadata.uid() == effective_user());
    is_own && flock(&file, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK)
}

/// Whether a name leads to this file.
fn is_named(file: &File, directory: &Directory, name: &OsStr) -> Result<bool> {
    let place = |metadata: &std::fs::Metadata| (metadata.dev(), metadata.ino());
    let open = file
        .metadata()
        .map_err(io_error("lock", directory.path()))?;
    let named = directory.metadata(name)?;
    Ok(named.is_some_and(|named| place(&named) == place(&open)))
}

/// Opens the lock file, and creates it if it is missing. The file of another user is removed where
/// this is allowed, because that user may hold its lock.
fn lock_file(directory: &Directory, scope: Scope) -> Result<File> {
    let name = &*scope.name();
    let path = directory.path_of(name);
    let owner = scope.owner(directory)?;
    for _ in 0..ATTEMPTS {
        let existing = directory.metadata(name)?;
        let is_strange = |one: &std::fs::Metadata| !is_trusted(one.uid(), owner);
        if existing.as_ref().is_some_and(is_strange) && directory.unlink(name).is_ok() {
            continue;
        }
        match directory.open_to_lock(name) {
            Ok(file) => return own(file, owner, directory, &path),
            Err(Errno::NOENT) => make_lock_file(directory, scope, owner, &path)?,
            Err(Errno::LOOP) => return Err(Error::SymbolicLink { path }),
            Err(Errno::ISDIR | Errno::NXIO) => return Err(irregular(&path)),
            Err(error) => return Err(io_error("lock", directory.path())(error)),
        }
    }
    Err(io_error("lock", directory.path())(Errno::BUSY))
}

/// Whether a lock file of this user does not belong to a stranger.
fn is_trusted(user: u32, owner: u32) -> bool {
    const ROOT: u32 = 0;
    [owner, effective_user(), ROOT].contains(&user)
}

/// Checks that it is a regular file with one name. Removes the permissions of other users.
fn own(file: File, owner: u32, directory: &Directory, path: &Path) -> Result<File> {
    let failed = || io_error("lock", directory.path());
    let metadata = file.metadata().map_err(failed())?;
    if !metadata.is_file() {
        return Err(irregular(path));
    }
    check_only_name(&metadata, path)?;
    let is_own = metadata.mode() & 0o777 == LOCK_MODE && metadata.uid() == owner;
    if !is_own && may_give() {
        give(&file, Some(owner), None, LOCK_MODE).map_err(failed())?;
    }
    Ok(file)
}

/// Creates the lock file with its final owner and mode. Another process may create it first.
fn make_lock_file(directory: &Directory, scope: Scope, owner: u32, path: &Path) -> Result<()> {
    let failed = || io_error("lock", directory.path());
    let draft = Draft::new(directory)?;
    let group = directory.own_metadata()?.gid();
    let is_given = scope == Scope::Store && may_give();
    let account = is_given.then_some((owner, group)).unzip();
    give(draft.file(), account.0, account.1, LOCK_MODE).map_err(failed())?;
    match draft.put_new(directory, &scope.name(), path) {
        Err(Error::ExistingFile { .. }) => Ok(()),
        put => put,
    }
}

/// Whether a directory is a store: it has a lock file, or a CA key with the name that a layout has
/// for it. Where other users may write, files of a stranger do not count.
pub(super) fn is_store(directory: &Directory) -> bool {
    const OTHERS_WRITE: u32 = 0o022;
    let Ok(own) = directory.own_metadata() else {
        return false;
    };
    let is_closed = own.mode() & OTHERS_WRITE == 0;
    let is_file = |path: &Path| {
        let (folder, name) = (path.parent()?, path.file_name()?);
        let folder = directory.below(folder).ok()??;
        folder
            .metadata(name)
            .ok()?
            .filter(std::fs::Metadata::is_file)
            .filter(|found| is_closed || is_trusted(found.uid(), own.uid()))
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
        for scope in [Scope::Store, Scope::Files] {
            let take = || Locked::take(scratch.path(), scope, || false);
            let held = take().unwrap();
            assert!(matches!(take(), Err(Error::Interrupted)));
            drop(held);
            drop(take().unwrap());
        }
    }

    /// Processes that write single files and processes that write a store take turns, also while the
    /// directory becomes a store.
    #[test]
    fn the_two_locks_exclude_each_other() {
        let scratch = tempfile::tempdir().unwrap();
        let take = |scope| Locked::take(scratch.path(), scope, || false);
        let files = take(Scope::Files).unwrap();
        assert!(matches!(take(Scope::Files), Err(Error::Interrupted)));
        let waiting = thread::scope(|threads| {
            let store = threads.spawn(|| {
                let began = Instant::now();
                drop(Locked::take(scratch.path(), Scope::Store, || true).unwrap());
                began.elapsed()
            });
            thread::sleep(Duration::from_millis(300));
            drop(files);
            store.join().unwrap()
        });
        assert!(waiting >= Duration::from_millis(200), "{waiting:?}");
        // Now it is a store
        let store = take(Scope::Store).unwrap();
        assert!(matches!(take(Scope::Files), Err(Error::Interrupted)));
        drop(store);
        assert_eq!(take(Scope::Files).unwrap().scope, Scope::Store);
        let left = fs::read_dir(scratch.path()).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [LOCK_FILE]);
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

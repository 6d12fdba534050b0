//! Open directories. All files below one are accessed through its descriptor and never through a
//! symbolic link. Therefore no other user can redirect a read or a write by replacing a path.

use std::{
    ffi::{OsStr, OsString},
    fs::{DirBuilder, File, Metadata},
    io,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    },
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use rustix::{
    fs::{
        AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, ResolveFlags, flock, fsync, linkat,
        mkdirat, openat, openat2, renameat, renameat_with, unlinkat,
    },
    io::{Errno, retry_on_intr},
};

use super::{
    path::{io_error, irregular, parent},
    permissions::{Attributes, give},
    turns::Turns,
};
use crate::error::{Error, Result};

const DIRECTORY_MODE: u32 = 0o700;
const TEMPORARY_PREFIX: &str = ".etcd-pki-";
const TEMPORARY_SUFFIX: &str = ".tmp";

/// The way in which a path below a directory is resolved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    /// With one call of openat2(2), or step by step if the system refuses that call
    Kernel,
    /// With a call of openat(2) for each directory, as on systems before Linux 5.6
    Steps,
}

/// An open directory.
#[derive(Debug)]
pub(super) struct Directory {
    descriptor: File,
    path: PathBuf,
    walk: Walk,
    /// Shared by all copies
    turns: Arc<Turns>,
}

impl Directory {
    /// Opens the directory at a path that the user gave. Follows symbolic links.
    pub(super) fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, Walk::Kernel).map_err(io_error("use the directory", path))
    }

    /// Opens a directory for listing.
    pub(super) fn open_to_list(path: &Path) -> Result<Self> {
        Self::open_with(path, Walk::Kernel).map_err(io_error("list", path))
    }

    /// Opens a directory with a way to resolve paths below it.
    fn open_with(path: &Path, walk: Walk) -> io::Result<Self> {
        let path = if path == Path::new("") {
            Path::new(".")
        } else {
            path
        };
        let descriptor = File::options()
            .read(true)
            .custom_flags(OFlags::DIRECTORY.bits().cast_signed())
            .open(path)?;
        Ok(Self {
            descriptor,
            path: path.to_owned(),
            walk,
            turns: Arc::default(),
        })
    }

    /// The same directory with the path that the user knows.
    pub(super) fn called(mut self, path: &Path) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// The path of a file in it, for messages. A file in the working directory is a bare name.
    pub(super) fn path_of(&self, name: &OsStr) -> PathBuf {
        if self.path == Path::new(".") {
            return PathBuf::from(name);
        }
        self.path.join(name)
    }

    /// The path with which it was opened.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The metadata of the directory itself, such as owner and device.
    pub(super) fn own_metadata(&self) -> Result<Metadata> {
        let metadata = self.descriptor.metadata();
        metadata.map_err(io_error("read", &self.path))
    }

    /// Whether a path still leads to this directory.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        match (path.metadata(), self.descriptor.metadata()) {
            (Ok(now), Ok(then)) => (now.dev(), now.ino()) == (then.dev(), then.ino()),
            _ => false,
        }
    }

    /// Opens a directory below this one; `None` if it is missing.
    pub(super) fn below(&self, path: &Path) -> Result<Option<Self>> {
        let names = self.names_of(path)?;
        let (descriptor, walk) = match self.open_below(&names) {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(self.refusal(&names, error)),
        };
        Ok(Some(Self {
            descriptor,
            path: self.path.join(path),
            walk,
            turns: Arc::default(),
        }))
    }

    /// Opens a directory below this one, and creates the missing directories on the way. They are
    /// accessible only to the owner, unless the attributes specify something else. Existing
    /// directories do not change.
    pub(super) fn make_below(&self, path: &Path, attributes: &Attributes) -> Result<Self> {
        let names = self.names_of(path)?;
        if names.is_empty() {
            return self.again();
        }
        if let Some(existing) = self.below(path)? {
            return Ok(existing);
        }
        let mut at = self.again()?;
        for name in names {
            at = at.make_one(name, attributes)?;
        }
        Ok(at)
    }

    fn make_one(&self, name: &OsStr, attributes: &Attributes) -> Result<Self> {
        let path = self.path_of(name);
        let made = match mkdirat(&self.descriptor, name, Mode::from_raw_mode(DIRECTORY_MODE)) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(io_error("create the directory", &path)(error)),
        };
        let (descriptor, walk) = self
            .open_below(&[name])
            .map_err(|error| self.refusal(&[name], error))?;
        if made {
            give_directory(&descriptor, &path, attributes)?;
            self.sync()?;
        }
        Ok(Self {
            descriptor,
            path,
            walk,
            turns: Arc::default(),
        })
    }

    /// Another handle of this directory.
    pub(super) fn again(&self) -> Result<Self> {
        let descriptor = self.descriptor.try_clone();
        Ok(Self {
            descriptor: descriptor.map_err(io_error("use the directory", &self.path))?,
            path: self.path.clone(),
            walk: self.walk,
            turns: Arc::clone(&self.turns),
        })
    }

    /// The names in a path below this directory. `..` and absolute paths are refused.
    fn names_of<'a>(&self, path: &'a Path) -> Result<Vec<&'a OsStr>> {
        let mut names = Vec::new();
        for component in path.components() {
            match component {
                Component::Normal(name) => names.push(name),
                Component::CurDir => {}
                _ => {
                    let path = self.path.join(path);
                    let kind = io::ErrorKind::InvalidInput;
                    let error = io::Error::new(kind, "it leads out of the directory");
                    return Err(io_error("use", &path)(error));
                }
            }
        }
        Ok(names)
    }

    /// Opens a directory, and returns how. If a system refuses openat2(2), it is not called again.
    fn open_below(&self, names: &[&OsStr]) -> std::result::Result<(File, Walk), Errno> {
        let path: PathBuf = names.iter().collect();
        let path = if names.is_empty() {
            Path::new(".")
        } else {
            &path
        };
        if self.walk == Walk::Kernel {
            let within = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
            match openat2(
                &self.descriptor,
                path,
                directory_flags(),
                Mode::empty(),
                within,
            ) {
                // Linux before 5.6, and containers with a filter that does not know the call
                Err(Errno::NOSYS | Errno::PERM) => {}
                opened => return Ok((File::from(opened?), Walk::Kernel)),
            }
        }
        let start = openat(&self.descriptor, ".", directory_flags(), Mode::empty())?;
        let mut at = File::from(start);
        for name in names {
            let flags = directory_flags() | OFlags::NOFOLLOW;
            at = openat(&at, *name, flags, Mode::empty())?.into();
        }
        Ok((at, Walk::Steps))
    }

    /// The error for a path that cannot be opened. It names the symbolic link, if there is one.
    fn refusal(&self, names: &[&OsStr], error: Errno) -> Error {
        let mut path = self.path.clone();
        for name in names {
            path.push(name);
            if path.is_symlink() {
                return Error::SymbolicLink { path };
            }
        }
        match error {
            Errno::LOOP => Error::SymbolicLink { path },
            error => io_error("use the directory", &path)(error),
        }
    }

    /// The metadata of a name in this directory; `None` if the name does not exist. A symbolic link
    /// is not followed.
    pub(super) fn metadata(&self, name: &OsStr) -> Result<Option<Metadata>> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let path = || self.path_of(name);
        let opened = match openat(&self.descriptor, name, flags, Mode::empty()) {
            Ok(opened) => File::from(opened),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(io_error("read", &path())(error)),
        };
        let metadata = opened.metadata();
        metadata
            .map(Some)
            .map_err(|error| io_error("read", &path())(error))
    }

    /// Opens a regular file for reading; `None` if the name does not exist. Does not wait for a
    /// pipe.
    pub(super) fn open_regular(&self, name: &OsStr) -> Result<Option<(File, Metadata)>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let path = self.path_of(name);
        let file = match openat(&self.descriptor, name, flags, Mode::empty()) {
            Ok(opened) => File::from(opened),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(Error::SymbolicLink { path }),
            // A socket cannot be opened
            Err(Errno::NXIO) => return Err(irregular(&path)),
            Err(error) => return Err(io_error("read", &path)(error)),
        };
        let metadata = file.metadata().map_err(io_error("read", &path))?;
        if !metadata.is_file() {
            return Err(irregular(&path));
        }
        Ok(Some((file, metadata)))
    }

    /// Opens a file without a name (O_TMPFILE). It is removed unless it gets a name.
    pub(super) fn open_unnamed(&self) -> std::result::Result<File, Errno> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        openat(&self.descriptor, ".", flags, private()).map(File::from)
    }

    /// Opens an existing file for reading and writing. Does not create it.
    pub(super) fn open_to_lock(&self, name: &OsStr) -> std::result::Result<File, Errno> {
        let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        openat(&self.descriptor, name, flags, Mode::empty()).map(File::from)
    }

    /// Opens an existing file for reading and for writing at its end. Does not create it.
    pub(super) fn open_to_append(&self, name: &OsStr) -> std::result::Result<File, Errno> {
        let flags =
            OFlags::RDWR | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        openat(&self.descriptor, name, flags, Mode::empty()).map(File::from)
    }

    /// Creates a file. It must not exist yet.
    pub(super) fn create_new(&self, name: &OsStr) -> std::result::Result<File, Errno> {
        let flags =
            OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::RDWR | OFlags::CLOEXEC;
        openat(&self.descriptor, name, flags, private()).map(File::from)
    }

    /// Gives a name to a file without a name. The name must be free.
    pub(super) fn link_unnamed(&self, file: &File, name: &OsStr) -> std::result::Result<(), Errno> {
        use std::os::fd::AsRawFd as _;

        match linkat(file, "", &self.descriptor, name, AtFlags::EMPTY_PATH) {
            // Only some processes may link a descriptor itself (open(2), O_TMPFILE)
            Err(Errno::NOENT | Errno::PERM | Errno::INVAL) => {}
            linked => return linked,
        }
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let follow = AtFlags::SYMLINK_FOLLOW;
        linkat(rustix::fs::CWD, path, &self.descriptor, name, follow)
    }

    /// Gives a second name to a file or a symbolic link. The name must be free.
    pub(super) fn link(&self, name: &OsStr, second: &OsStr) -> std::result::Result<(), Errno> {
        let none = AtFlags::empty();
        linkat(&self.descriptor, name, &self.descriptor, second, none)
    }

    /// Renames a file, and replaces a file with the new name.
    pub(super) fn rename(&self, name: &OsStr, new: &OsStr) -> std::result::Result<(), Errno> {
        renameat(&self.descriptor, name, &self.descriptor, new)
    }

    /// Renames a file. The new name must be free.
    pub(super) fn rename_new(&self, name: &OsStr, new: &OsStr) -> std::result::Result<(), Errno> {
        let no_replace = rustix::fs::RenameFlags::NOREPLACE;
        match renameat_with(&self.descriptor, name, &self.descriptor, new, no_replace) {
            // The file system does not support such a rename
            Err(Errno::INVAL | Errno::NOSYS) => {
                self.link(name, new)?;
                self.unlink(name)
            }
            renamed => renamed,
        }
    }

    /// Removes a file.
    pub(super) fn unlink(&self, name: &OsStr) -> std::result::Result<(), Errno> {
        unlinkat(&self.descriptor, name, AtFlags::empty())
    }

    /// Removes an empty directory in this one.
    pub(super) fn remove_directory(&self, name: &OsStr) -> std::result::Result<(), Errno> {
        unlinkat(&self.descriptor, name, AtFlags::REMOVEDIR)
    }

    /// Syncs the names of the directory to the disk. Threads with copies of this value share the
    /// calls.
    pub(super) fn sync(&self) -> Result<()> {
        let synced = self
            .turns
            .take(|| retry_on_intr(|| fsync(&self.descriptor)));
        synced.map_err(io_error("write in", &self.path))
    }

    /// The names of the folders in this directory, and the names of all other entries. Symbolic
    /// links are not folders.
    pub(super) fn entries(&self) -> Result<(Vec<OsString>, Vec<OsString>)> {
        let failed = || io_error::<Errno>("list", &self.path);
        let (mut folders, mut others) = (Vec::new(), Vec::new());
        for entry in Dir::read_from(&self.descriptor).map_err(failed())? {
            let entry = entry.map_err(failed())?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name == "." || name == ".." {
                continue;
            }
            let is_folder = match entry.file_type() {
                FileType::Unknown => self.metadata(name)?.is_some_and(|one| one.is_dir()),
                kind => kind == FileType::Directory,
            };
            let entries = if is_folder { &mut folders } else { &mut others };
            entries.push(name.to_owned());
        }
        Ok((folders, others))
    }

    /// Removes the temporary files of killed runs. A running process holds a lock on its temporary
    /// files.
    pub(super) fn remove_stale(&self) -> Result<()> {
        let failed = || io_error::<Errno>("list", &self.path);
        let entries = Dir::read_from(&self.descriptor).map_err(failed())?;
        for entry in entries {
            let entry = entry.map_err(failed())?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if !is_temporary(name) {
                continue;
            }
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let opened = match openat(&self.descriptor, name, flags, Mode::empty()) {
                Ok(opened) => File::from(opened),
                // It is not a file, or the file has been moved to its final path
                Err(Errno::LOOP | Errno::NXIO | Errno::NOENT) => continue,
                Err(error) => return Err(io_error("remove", &self.path_of(name))(error)),
            };
            let is_file = opened.metadata().is_ok_and(|metadata| metadata.is_file());
            if !is_file || flock(&opened, FlockOperation::NonBlockingLockExclusive).is_err() {
                continue;
            }
            match self.unlink(name) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => return Err(io_error("remove", &self.path_of(name))(error)),
            }
        }
        Ok(())
    }
}

fn directory_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC
}

/// The mode of an incomplete file.
fn private() -> Mode {
    Mode::RUSR | Mode::WUSR
}

/// A new name for a temporary file.
pub(super) fn temporary_name() -> io::Result<String> {
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let random = u64::from_ne_bytes(random);
    Ok(format!("{TEMPORARY_PREFIX}{random:016x}{TEMPORARY_SUFFIX}"))
}

/// Whether a name is one of a temporary file.
fn is_temporary(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(TEMPORARY_PREFIX.as_bytes()) && name.ends_with(TEMPORARY_SUFFIX.as_bytes())
}

/// A directory that was created for a path that the user gave.
#[derive(Debug)]
pub(super) struct Made {
    path: PathBuf,
    descriptor: File,
}

impl Made {
    /// Sets its mode and its owner.
    pub(super) fn give(&self, attributes: &Attributes) -> Result<()> {
        give_directory(&self.descriptor, &self.path, attributes)
    }
}

/// Creates the directory at a path that the user gave, and its missing parents. An existing
/// directory does not change.
pub(super) fn make_directory(path: &Path, attributes: &Attributes) -> Result<Vec<Made>> {
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => return Ok(Vec::new()),
        Ok(_) => {
            let error = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(io_error("use the directory", path)(error));
        }
        Err(_) => {}
    }
    let is_missing = |above: &&Path| *above != Path::new("") && !above.exists();
    let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    let mut made = Vec::with_capacity(missing.len());
    for directory in missing.into_iter().rev() {
        match DirBuilder::new().mode(DIRECTORY_MODE).create(directory) {
            // Another process created it first
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => {}
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists && directory.is_symlink() =>
            {
                let kind = io::ErrorKind::NotFound;
                let error = io::Error::new(kind, "it is a link that leads nowhere");
                return Err(io_error("use the directory", directory)(error));
            }
            created => {
                created.map_err(io_error("create the directory", directory))?;
                let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW;
                let descriptor = File::options()
                    .read(true)
                    .custom_flags(flags.bits().cast_signed())
                    .open(directory)
                    .map_err(io_error("use the directory", directory))?;
                let directory = Made {
                    path: directory.to_owned(),
                    descriptor,
                };
                directory.give(attributes)?;
                sync_directory(parent(&directory.path))?;
                made.push(directory);
            }
        }
    }
    Ok(made)
}

/// Sets the mode of a new directory, and its owner if one is specified.
fn give_directory(opened: &File, path: &Path, attributes: &Attributes) -> Result<()> {
    let mode = attributes.directory_mode.unwrap_or(DIRECTORY_MODE);
    give(opened, attributes.owner, attributes.group, mode)
        .map_err(io_error("set owner and mode of", path))
}

fn sync_directory(directory: &Path) -> Result<()> {
    File::open(directory)
        .and_then(|opened| opened.sync_all())
        .map_err(io_error("write in", directory))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    const WALKS: [Walk; 2] = [Walk::Kernel, Walk::Steps];

    #[test]
    fn a_directory_below_is_never_reached_through_a_link() {
        for walk in WALKS {
            let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            fs::create_dir_all(inside.path().join("a/b")).unwrap();
            symlink(outside.path(), inside.path().join("link")).unwrap();
            symlink(outside.path(), inside.path().join("a/link")).unwrap();
            symlink("b", inside.path().join("a/near")).unwrap();
            let directory = Directory::open_with(inside.path(), walk).unwrap();
            assert!(directory.below(Path::new("a/b")).unwrap().is_some());
            assert!(directory.below(Path::new("")).unwrap().is_some());
            assert!(directory.below(Path::new("a/c")).unwrap().is_none());
            let usual = Attributes::default();
            for link in ["link", "link/x", "a/link", "a/link/x", "a/near"] {
                let link = Path::new(link);
                let refused = directory.below(link).unwrap_err();
                assert!(
                    matches!(refused, Error::SymbolicLink { .. }),
                    "{walk:?} {refused}"
                );
                let refused = directory.make_below(link, &usual).unwrap_err();
                assert!(
                    matches!(refused, Error::SymbolicLink { .. }),
                    "{walk:?} {refused}"
                );
            }
            for path in ["..", "a/../..", "/"] {
                assert!(directory.below(Path::new(path)).is_err(), "{walk:?} {path}");
            }
            assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
        }
    }

    /// An open directory stays the same after another directory takes its path.
    #[test]
    fn a_path_that_is_swapped_redirects_nothing() {
        for walk in WALKS {
            let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let directory = Directory::open_with(inside.path(), walk).unwrap();
            let usual = Attributes::default();
            let below = directory
                .make_below(Path::new("host/etcd"), &usual)
                .unwrap();
            fs::rename(inside.path().join("host"), inside.path().join(".host")).unwrap();
            symlink(outside.path(), inside.path().join("host")).unwrap();
            drop(below.create_new(OsStr::new("new")).unwrap());
            assert!(inside.path().join(".host/etcd/new").exists());
            assert!(directory.below(Path::new("host/etcd")).is_err());
            assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
        }
    }

    #[test]
    fn stale_files_of_ours_go_and_others_stay() {
        let path = tempfile::tempdir().unwrap();
        for name in [".etcd-pki-x.tmp", ".other.tmp", ".etcd-pki-held.tmp"] {
            fs::write(path.path().join(name), "").unwrap();
        }
        fs::create_dir(path.path().join(".etcd-pki-d.tmp")).unwrap();
        symlink(".other.tmp", path.path().join(".etcd-pki-l.tmp")).unwrap();
        let held = File::open(path.path().join(".etcd-pki-held.tmp")).unwrap();
        flock(&held, FlockOperation::LockExclusive).unwrap();
        let directory = Directory::open(path.path()).unwrap();
        directory.remove_stale().unwrap();
        let left = |name: &str| path.path().join(name).symlink_metadata().is_ok();
        assert!(!left(".etcd-pki-x.tmp"));
        for name in [
            ".other.tmp",
            ".etcd-pki-held.tmp",
            ".etcd-pki-d.tmp",
            ".etcd-pki-l.tmp",
        ] {
            assert!(left(name), "{name}");
        }
        drop(held);
        directory.remove_stale().unwrap();
        assert!(!left(".etcd-pki-held.tmp"));
    }
}

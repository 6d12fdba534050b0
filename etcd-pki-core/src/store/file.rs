//! Files, written whole or not at all.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

use super::{
    attributes::{Attributes, Stamp},
    directory::{parent, sync_directory},
    lock::{DirectoryLock, said_once},
    staged::{Before, Staged, give, keep},
};
use crate::error::{Error, Result};

/// The most that is read of a file, in bytes: more than any file of certificates has. The trust store of an operating system
/// has a quarter of a megabyte.
pub const READ_LIMIT: u64 = 16 * 1024 * 1024;

/// Whether a file that exists may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// It is an error
    Refuse,
    /// It is replaced, and keeps its owner, group and mode; but others than its owner's group lose sight of a key, and may not write
    /// in anything
    Replace,
}

/// A file to be written.
#[derive(Clone, Debug)]
pub struct NewFile<'a> {
    /// Where
    pub path: PathBuf,
    /// What
    pub contents: &'a [u8],
    /// Whether it holds a private key: mode 0600 instead of 0644
    pub secret: bool,
}

/// Reads a whole file, following symbolic links.
///
/// # Errors
///
/// [`Error::Io`]; [`Error::TooLarge`] over 16 MiB.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(io_error("read", path))?;
    let metadata = file.metadata().map_err(io_error("read", path))?;
    read_opened(&file, metadata.len(), path)
}

/// What was read, or nothing if it is too large to be what was looked for.
pub(crate) fn unless_too_large<T>(read: Result<Option<T>>) -> Result<Option<T>> {
    match read {
        Err(error) if error.is_too_large() => Ok(None),
        read => read,
    }
}

/// Reads what is left of an opened file; its length is known, or was when somebody looked.
pub(super) fn read_opened(file: &File, length: u64, path: &Path) -> Result<Vec<u8>> {
    let capacity = usize::try_from(length.min(READ_LIMIT)).unwrap_or_default();
    let mut bytes = Vec::with_capacity(capacity);
    file.take(READ_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(io_error("read", path))?;
    if bytes.len() as u64 > READ_LIMIT {
        return Err(Error::TooLarge { limit: READ_LIMIT }.in_file(path));
    }
    Ok(bytes)
}

/// Writes files together: each is complete and on the disk before the first takes its place, none is written through a
/// symbolic link, and a key is never readable by others, not even for an instant.
///
/// # Errors
///
/// [`Error::Exists`], [`Error::SymbolicLink`], [`Error::Io`], [`Error::Locked`]; after any of them each file is what it was. Only where
/// the system refuses a rename after it allowed another, and has no hard links, one replaced file may stay without its companion;
/// and where it refuses to sync the directory at last, all files are the new ones, and may not be on the disk.
pub fn write_files(files: &[NewFile<'_>], overwrite: Overwrite) -> Result<()> {
    write_files_with(files, overwrite, || ())
}

/// Writes files together as [`write_files`] does, and says once if it has to wait for another etcd-pki in one of their
/// directories.
///
/// # Errors
///
/// As [`write_files`].
pub fn write_files_with(
    files: &[NewFile<'_>],
    overwrite: Overwrite,
    waiting: impl FnOnce(),
) -> Result<()> {
    let mut waits = said_once(waiting);
    // Each once, whatever it was called, and in one order everywhere, so that two processes never wait for each other
    let directories = files
        .iter()
        .map(|file| {
            let directory = parent(&file.path);
            directory
                .canonicalize()
                .map_err(io_error("use the directory", directory))
        })
        .collect::<Result<BTreeSet<PathBuf>>>()?;
    let _locks = directories
        .iter()
        .map(|directory| DirectoryLock::take(directory, &mut waits))
        .collect::<Result<Vec<_>>>()?;
    write_locked(files, overwrite, &Attributes::default())
}

/// Writes files as [`write_files`] does, for who holds the lock.
pub(super) fn write_locked(
    files: &[NewFile<'_>],
    overwrite: Overwrite,
    attributes: &Attributes,
) -> Result<()> {
    let staged = files
        .iter()
        .map(|file| Staged::new(file, overwrite, attributes))
        .collect::<Result<Vec<_>>>()?;
    let directories: BTreeSet<&Path> = files.iter().map(|file| parent(&file.path)).collect();
    let sync = || directories.iter().copied().try_for_each(sync_directory);
    let mut replaced = Vec::new();
    for file in staged {
        // A pair comes whole or not at all. What comes last has no companion to wait for
        let before = (replaced.len() + 1 < files.len()).then(|| Before::of(&file));
        if let Err(error) = file.put() {
            replaced.into_iter().try_for_each(Before::bring_back)?;
            sync()?;
            return Err(error);
        }
        replaced.extend(before);
    }
    sync()
}

pub(super) fn io_error(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Error {
    move |error| Error::Io {
        action,
        path: path.to_owned(),
        error: of_the_system(error),
    }
}

/// What the system said, without the name of a temporary file that the library for those adds.
fn of_the_system(error: io::Error) -> io::Error {
    let within = error.get_ref().and_then(|within| within.source());
    let within = within.and_then(|source| source.downcast_ref::<io::Error>());
    match within.and_then(io::Error::raw_os_error) {
        Some(number) => io::Error::from_raw_os_error(number),
        None => error,
    }
}

/// Removes a file, which is kept under another name if that is wanted.
pub(super) fn remove(path: &Path, attributes: &Attributes) -> Result<()> {
    if attributes.backup {
        keep(path)?;
    }
    fs::remove_file(path).map_err(io_error("remove", path))?;
    sync_directory(parent(path))
}

/// Sets the mode that a file should have, and whose it should be. A symbolic link is left as it is.
pub(super) fn mend(path: &Path, secret: bool, attributes: &Attributes) -> Result<()> {
    let failed = || io_error("set owner and mode of", path);
    let metadata = path.symlink_metadata().map_err(failed())?;
    if metadata.is_symlink() {
        return Ok(());
    }
    let stamp = Stamp::from(&metadata);
    let mode = attributes.mended_mode(&stamp, secret);
    if mode.is_none() && !attributes.is_of_another(&stamp) {
        // Nothing is asked of it, so it does not matter whether its mode might be set
        return Ok(());
    }
    let mode = mode.unwrap_or(stamp.mode());
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(failed())?;
    give(&file, attributes.owner, attributes.group, mode).map_err(failed())?;
    file.sync_all().map_err(failed())
}

#[cfg(test)]
mod tests {
    use std::{
        fs::Permissions,
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
            Err(Error::Exists { .. })
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
}

//! Files, written whole or not at all.

use std::{
    collections::BTreeSet,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{
        DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown,
    },
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;
use tempfile::NamedTempFile;

use super::{
    attributes::{Attributes, Stamp},
    lock::DirectoryLock,
};
use crate::{
    clock,
    error::{Error, Result},
};

/// The most that is read of a file, in bytes: more than any file of certificates has. The trust store of an operating system
/// has a quarter of a megabyte.
pub const READ_LIMIT: u64 = 16 * 1024 * 1024;
const TEMPORARY_PREFIX: &str = ".etcd-pki-";
const TEMPORARY_SUFFIX: &str = ".tmp";

const DIRECTORY_MODE: u32 = 0o700;

/// Whether a file that exists may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// It is an error
    Refuse,
    /// It is replaced, and keeps its owner, group and mode; but others than its owner's group lose sight of a key
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
/// [`Error::Exists`], [`Error::SymbolicLink`], [`Error::Io`], [`Error::Locked`]; after any of them no file is cut short, and no
/// file that was new stays. Only where the system refuses a rename after it allowed another, one replaced file may stay without
/// its companion.
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
    let mut waiting = Some(waiting);
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
        .map(|directory| {
            DirectoryLock::take(directory, || {
                if let Some(waiting) = waiting.take() {
                    waiting();
                }
            })
        })
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
    let mut created = Vec::new();
    for file in staged {
        let target = file.target.clone();
        let replaces = file.replaces;
        if let Err(error) = file.put() {
            // A new pair comes whole or not at all. This undoes what this call made, never what was there before.
            for path in created {
                let _ = fs::remove_file(path);
            }
            return Err(error);
        }
        if !replaces {
            created.push(target);
        }
    }
    let directories: BTreeSet<&Path> = files.iter().map(|file| parent(&file.path)).collect();
    directories.into_iter().try_for_each(sync_directory)
}

/// Makes a directory that only its owner enters. One that exists keeps its mode.
pub(super) fn make_directory(path: &Path, mode: Option<u32>) -> Result<()> {
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => return Ok(()),
        Ok(_) => {
            let error = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(io_error("use the directory", path)(error));
        }
        Err(_) => {}
    }
    DirBuilder::new()
        .recursive(true)
        .mode(mode.unwrap_or(DIRECTORY_MODE))
        .create(path)
        .map_err(io_error("create the directory", path))?;
    sync_directory(parent(path))
}

/// Removes what an earlier run of ours left when it was cut off. Only under the lock: it may be a file in the making.
pub(super) fn remove_stale(directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory).map_err(io_error("list", directory))? {
        let entry = entry.map_err(io_error("list", directory))?;
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let is_temporary = name.starts_with(TEMPORARY_PREFIX.as_bytes())
            && name.ends_with(TEMPORARY_SUFFIX.as_bytes());
        if is_temporary && is_file(&entry) {
            let path = entry.path();
            fs::remove_file(&path).map_err(io_error("remove", &path))?;
        }
    }
    Ok(())
}

/// The files in a directory, by name; none if there is no directory.
pub(super) fn list(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error("list", directory)(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io_error("list", directory))?;
        // Neither directories, nor pipes that nobody writes into
        if is_file(&entry) {
            files.push(entry.path());
        }
    }
    // As they are called: of one directory, that is their order as paths, found without parting them
    files.sort_unstable_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
    Ok(files)
}

/// Whether it is a file, or a link to one. The directory tells it of most, without a look at each.
fn is_file(entry: &fs::DirEntry) -> bool {
    match entry.file_type() {
        Ok(kind) if kind.is_file() => true,
        Ok(kind) if kind.is_symlink() => entry.path().is_file(),
        _ => false,
    }
}

pub(super) fn io_error(action: &'static str, path: &Path) -> impl Fn(io::Error) -> Error {
    move |error| Error::Io {
        action,
        path: path.to_owned(),
        error,
    }
}

/// A file that is whole, on the disk, and not yet in its place.
struct Staged {
    temporary: NamedTempFile,
    target: PathBuf,
    replaces: bool,
    backup: bool,
}

impl Staged {
    fn new(file: &NewFile<'_>, overwrite: Overwrite, attributes: &Attributes) -> Result<Self> {
        let target = &file.path;
        let existing = existing(target, overwrite)?;
        let directory = parent(target);
        let failed = || io_error("write in", directory);
        let mut temporary = tempfile::Builder::new()
            .prefix(TEMPORARY_PREFIX)
            .suffix(TEMPORARY_SUFFIX)
            // Nobody else reads it while it is made
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(directory)
            .map_err(failed())?;
        let (owner, group, mode) = attributes.of_new(file.secret, existing.as_ref());
        give(temporary.as_file(), owner, group, mode)
            .map_err(io_error("set owner and mode of", target))?;
        temporary.write_all(file.contents).map_err(failed())?;
        temporary.as_file().sync_all().map_err(failed())?;
        Ok(Self {
            temporary,
            target: target.clone(),
            replaces: existing.is_some(),
            backup: attributes.backup,
        })
    }

    fn put(self) -> Result<()> {
        let target = &self.target;
        if self.replaces {
            if self.backup {
                keep(target)?;
            }
            self.temporary
                .persist(target)
                .map_err(|error| io_error("write", target)(error.error))?;
            return Ok(());
        }
        match self.temporary.persist_noclobber(target) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::Exists {
                    path: target.clone(),
                })
            }
            Err(error) => Err(io_error("write", target)(error.error)),
        }
    }
}

/// What is in the target's place, if it may be replaced.
fn existing(target: &Path, overwrite: Overwrite) -> Result<Option<Stamp>> {
    let metadata = match target.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io_error("write", target)(error)),
    };
    if metadata.is_symlink() {
        return Err(Error::SymbolicLink {
            path: target.to_owned(),
        });
    }
    if overwrite == Overwrite::Refuse || !metadata.is_file() {
        return Err(Error::Exists {
            path: target.to_owned(),
        });
    }
    Ok(Some(Stamp::from(&metadata)))
}

/// Removes a file, which is kept under another name if that is wanted.
pub(super) fn remove(path: &Path, attributes: &Attributes) -> Result<()> {
    if attributes.backup {
        keep(path)?;
    }
    fs::remove_file(path).map_err(io_error("remove", path))?;
    sync_directory(parent(path))
}

/// Gives a file a second name, so that it stays when it is replaced: `.client-root.pem.2027-01-31T12:00:00Z.bak`.
fn keep(path: &Path) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let now = clock::rfc3339(clock::now());
    for number in 0..1_000 {
        let number = if number == 0 {
            String::new()
        } else {
            format!(".{number}")
        };
        let backup = path.with_file_name(format!(".{name}.{now}{number}.bak"));
        match fs::hard_link(path, &backup) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            linked => return linked.map_err(io_error("keep a copy of", path)),
        }
    }
    Err(io_error("keep a copy of", path)(
        io::ErrorKind::AlreadyExists.into(),
    ))
}

/// Sets the mode that a file should have, and whose it should be. A symbolic link is left as it is.
pub(super) fn mend(path: &Path, secret: bool, attributes: &Attributes) -> Result<()> {
    let failed = || io_error("set owner and mode of", path);
    let metadata = path.symlink_metadata().map_err(failed())?;
    if metadata.is_symlink() {
        return Ok(());
    }
    let stamp = Stamp::from(&metadata);
    let mode = attributes
        .mended_mode(&stamp, secret)
        .unwrap_or(stamp.mode());
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
        .map_err(failed())?;
    give(&file, attributes.owner, attributes.group, mode).map_err(failed())?;
    file.sync_all().map_err(failed())
}

/// Gives a file its owner, group and mode.
fn give(file: &File, owner: Option<u32>, group: Option<u32>, mode: u32) -> io::Result<()> {
    let own = file.metadata()?;
    let differs = |wanted: Option<u32>, found| wanted.is_some_and(|wanted| wanted != found);
    if differs(owner, own.uid()) || differs(group, own.gid()) {
        fchown(file, owner, group)?;
    }
    // The mode of creation is cut by the umask; this one is not
    file.set_permissions(Permissions::from_mode(mode))
}

fn sync_directory(directory: &Path) -> Result<()> {
    File::open(directory)
        .and_then(|opened| opened.sync_all())
        .map_err(io_error("write in", directory))
}

/// The directory of a file. A bare name is in the working directory.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

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
        for (before, after) in [(0o640, 0o640), (0o644, 0o600)] {
            fs::set_permissions(&key, Permissions::from_mode(before)).unwrap();
            write(Overwrite::Replace).unwrap();
            assert_eq!(mode(&key), after);
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

    #[test]
    fn stale_files_of_ours_go_and_others_stay() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(".etcd-pki-x.tmp"), "").unwrap();
        fs::write(directory.path().join(".other.tmp"), "").unwrap();
        remove_stale(directory.path()).unwrap();
        let left = list(directory.path()).unwrap();
        assert_eq!(left, [directory.path().join(".other.tmp")]);
    }
}

//! Paths and the files at them, and errors of the operating system with their paths.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::io::Errno;

use crate::error::{Error, Result};

/// Adds the attempted action and its path to an error of the operating system.
pub(super) fn io_error<E: Into<io::Error>>(
    action: &'static str,
    path: &Path,
) -> impl Fn(E) -> Error {
    move |error| Error::Io {
        action,
        path: path.to_owned(),
        error: error.into(),
    }
}

/// Whether an error of the operating system has this number.
pub(super) fn is(error: &io::Error, number: Errno) -> bool {
    error.raw_os_error() == Some(number.raw_os_error())
}

/// The error for something that is not a regular file, such as a directory or a pipe.
pub(super) fn irregular(path: &Path) -> Error {
    Error::NotAFile {
        path: path.to_owned(),
    }
}

/// The directory of a file. A bare name is in the working directory.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Whether a path leads to a directory. It is an error if nothing exists there.
pub(crate) fn is_directory(path: &Path) -> Result<bool> {
    let metadata = fs::metadata(path).map_err(io_error("read", path))?;
    Ok(metadata.is_dir())
}

/// Whether nothing exists at a path. A file that this user may not access counts as existing.
pub(crate) fn is_absent(path: &Path) -> bool {
    let found = path.symlink_metadata();
    found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// Whether a path is a symbolic link.
pub(crate) fn is_link(path: &Path) -> bool {
    path.is_symlink()
}

/// Whether two paths lead to the same directory.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// The mode of a directory in which every user may replace files: all users may write in it, and no
/// sticky bit protects the files of others. `None` for other directories.
pub(crate) fn open_directory_mode(path: &Path) -> Option<u32> {
    const OTHERS_WRITE: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    let mode = fs::metadata(path).ok()?.mode() & 0o7777;
    (mode & (OTHERS_WRITE | STICKY) == OTHERS_WRITE).then_some(mode)
}

/// The file that a symbolic link finally leads to; `None` for other files and for a broken link.
pub(crate) fn link_target(path: &Path) -> Option<PathBuf> {
    let is_link = path.symlink_metadata().ok()?.is_symlink();
    is_link.then(|| fs::canonicalize(path).ok()).flatten()
}

/// The path of a file without symbolic links.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The absolute path of an existing file.
pub(crate) fn existing_file(path: &Path) -> Result<PathBuf> {
    path.metadata().map_err(io_error("find", path))?;
    std::path::absolute(path).map_err(io_error("find", path))
}

/// Whether the file at a path has further names (hard links). When the file is replaced, the other
/// names keep the old content.
#[must_use]
pub fn has_further_names(path: &Path) -> bool {
    let metadata = path.symlink_metadata();
    metadata.is_ok_and(|metadata| metadata.is_file() && metadata.nlink() > 1)
}

/// Refuses to change owner and mode of a file with further names (hard links). Someone may have
/// given another user's file a name here.
///
/// # Errors
///
/// [`Error::Blocked`].
pub(super) fn check_only_name(metadata: &fs::Metadata, path: &Path) -> Result<()> {
    if metadata.nlink() <= 1 {
        return Ok(());
    }
    Err(Error::Blocked {
        path: path.to_owned(),
        reason: "it has another name (a hard link), whose owner and mode would change as well; \
                 replace it with a copy of its own"
            .to_owned(),
    })
}

//! What stands at a path.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::file::io_error;
use crate::error::Result;

/// Whether a directory is there, or a link to one; an error if nothing is.
pub(crate) fn is_directory(path: &Path) -> Result<bool> {
    let metadata = fs::metadata(path).map_err(io_error("read", path))?;
    Ok(metadata.is_dir())
}

/// Whether there is nothing at a path. What may not be looked at may be something.
pub(crate) fn is_absent(path: &Path) -> bool {
    let found = path.symlink_metadata();
    found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

/// The mode of a directory in which everybody may replace what is there: all may write in it, and no sticky bit leaves to each
/// what is theirs.
pub(crate) fn open_directory_mode(path: &Path) -> Option<u32> {
    const OTHERS_WRITE: u32 = 0o002;
    const STICKY: u32 = 0o1000;
    let mode = fs::metadata(path).ok()?.mode() & 0o7777;
    (mode & (OTHERS_WRITE | STICKY) == OTHERS_WRITE).then_some(mode)
}

/// Where a symbolic link leads in the end; `None` for what is no link, or leads nowhere.
pub(crate) fn link_target(path: &Path) -> Option<PathBuf> {
    let is_link = path.symlink_metadata().ok()?.is_symlink();
    is_link.then(|| fs::canonicalize(path).ok()).flatten()
}

/// The file at a path under the name that no link leads to.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The absolute path of a file that exists.
pub(crate) fn existing_file(path: &Path) -> Result<PathBuf> {
    path.metadata().map_err(io_error("find", path))?;
    std::path::absolute(path).map_err(io_error("find", path))
}

/// Whether the file at a path has further names (hard links). They keep the old content when it is replaced.
#[must_use]
pub fn has_further_names(path: &Path) -> bool {
    let metadata = path.symlink_metadata();
    metadata.is_ok_and(|metadata| metadata.is_file() && metadata.nlink() > 1)
}

//! Reads files, at paths that the user gave and below directories in which other users write.

use std::{
    fs::{File, Metadata},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use rustix::{fs::OFlags, io::Errno};

use super::{
    directory::Directory,
    path::{io_error, irregular, is},
    permissions::{Stamp, is_absent},
};
use crate::{
    error::{Error, Result},
    x509::certificate::Certificate,
};

/// The maximum size of a file that is read, in bytes. No file of certificates is larger: the trust
/// store of an operating system has a quarter of a megabyte.
pub const READ_LIMIT: u64 = 16 * 1024 * 1024;

/// Reads a whole file, following symbolic links.
///
/// # Errors
///
/// [`Error::Io`]; [`Error::TooLarge`] for more than 16 MiB.
pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(io_error("read", path))?;
    let metadata = file.metadata().map_err(io_error("read", path))?;
    read_opened(&file, metadata.len(), path)
}

/// The contents of a file at a path that the user gave, and its stamp if it is a regular file.
/// Waits for a pipe.
pub(super) fn look_named(path: &Path) -> Result<(Vec<u8>, Option<Stamp>)> {
    let file = File::open(path).map_err(io_error("read", path))?;
    let metadata = file.metadata().map_err(io_error("read", path))?;
    let bytes = read_opened(&file, metadata.len(), path)?;
    let stamp = metadata.is_file().then(|| Stamp::from(&metadata));
    Ok((bytes, stamp))
}

/// Reads a whole file that a layout names, following symbolic links. Unlike [`read_file`], it
/// refuses anything but a regular file, so it never waits for a pipe.
///
/// # Errors
///
/// [`Error::Io`], [`Error::NotAFile`]; [`Error::TooLarge`] for more than 16 MiB.
pub fn read_regular_file(path: &Path) -> Result<Vec<u8>> {
    let (file, metadata) = open_regular(path)?;
    read_opened(&file, metadata.len(), path)
}

/// The contents of a file and its stamp, following symbolic links; `None` if the file is missing.
pub(crate) fn look(path: &Path) -> Result<Option<(Vec<u8>, Stamp)>> {
    match open_regular(path) {
        Ok((file, metadata)) => {
            let bytes = read_opened(&file, metadata.len(), path)?;
            Ok(Some((bytes, Stamp::from(&metadata))))
        }
        Err(Error::Io { error, .. }) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a file of a store by its path below the directory; `None` if the file is missing. Symbolic
/// links are followed in the path of the directory, but not below it.
pub(crate) fn read_below(directory: &Path, path: &Path) -> Result<Option<Vec<u8>>> {
    Ok(look_below(directory, path)?.map(|(bytes, _)| bytes))
}

/// The contents and the stamp of a file of a store, read as by [`read_below`].
pub(crate) fn look_below(directory: &Path, path: &Path) -> Result<Option<(Vec<u8>, Stamp)>> {
    match Directory::open(directory) {
        Ok(directory) => read_in(&directory, path),
        Err(Error::Io { error, .. }) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a file of a store as [`read_below`] does. It must exist.
pub(crate) fn read_existing_below(directory: &Path, path: &Path) -> Result<Vec<u8>> {
    look_existing_below(directory, path).map(|(bytes, _)| bytes)
}

/// The contents and the stamp of a file of a store, read as by [`read_below`]. The file must exist.
pub(crate) fn look_existing_below(directory: &Path, path: &Path) -> Result<(Vec<u8>, Stamp)> {
    let missing = || {
        let error = io::Error::from(Errno::NOENT);
        io_error("read", &directory.join(path))(error)
    };
    look_below(directory, path)?.ok_or_else(missing)
}

/// Reads a file below an open directory, never through a symbolic link; `None` if the file is
/// missing. Does not wait for a pipe.
pub(super) fn read_in(directory: &Directory, path: &Path) -> Result<Option<(Vec<u8>, Stamp)>> {
    let (Some(name), Some(folder)) = (path.file_name(), path.parent()) else {
        return Err(irregular(&directory.path().join(path)));
    };
    let folder = match directory.below(folder) {
        Ok(Some(folder)) => folder,
        Ok(None) => return Ok(None),
        // If a file replaces a folder, the files of the folder are missing
        Err(Error::Io { error, .. }) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some((file, metadata)) = folder.open_regular(name)? else {
        return Ok(None);
    };
    let bytes = read_opened(&file, metadata.len(), &folder.path_of(name))?;
    Ok(Some((bytes, Stamp::from(&metadata))))
}

/// Reads all certificates of a file. An error names the file.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<Certificate>> {
    let bytes = read_regular_file(path)?;
    Certificate::all_from_bytes(&bytes).map_err(|error| error.in_file(path))
}

/// The first certificate in a file, if it is readable.
pub(crate) fn first_certificate(path: &Path) -> Option<Certificate> {
    read_certificates(path).ok()?.into_iter().next()
}

/// The result of reading, or `None` for a file that is too large to be of the expected kind.
pub(crate) fn unless_too_large<T>(read: Result<Option<T>>) -> Result<Option<T>> {
    match read {
        Err(error) if error.is_too_large() => Ok(None),
        read => read,
    }
}

/// Reads the rest of an opened file of a known length. The file may have changed.
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

fn open_regular(path: &Path) -> Result<(File, Metadata)> {
    // Without this flag, opening a pipe without a writer would wait
    let file = File::options()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(|error| match is(&error, Errno::NXIO) {
            // A socket cannot be opened
            true => irregular(path),
            false => io_error("read", path)(error),
        })?;
    let metadata = file.metadata().map_err(io_error("read", path))?;
    if !metadata.is_file() {
        return Err(irregular(path));
    }
    Ok((file, metadata))
}

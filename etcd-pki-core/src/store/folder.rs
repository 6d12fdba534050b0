//! Folders that came from elsewhere: looked into without following a symbolic link, which could lead out of them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    attributes::{self, Attributes},
    directory,
    file::io_error,
};
use crate::error::{Error, Result};

/// The folders in a directory, by name, links to folders not among them.
pub(crate) fn folders(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(directory).map_err(io_error("list", directory))? {
        let entry = entry.map_err(io_error("list", directory))?;
        // Of the link itself, if it is one
        let kind = entry.file_type().map_err(io_error("list", directory))?;
        if kind.is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    Ok(folders)
}

/// The files below a directory whose names end so, at any depth, by their paths seen from there. Links are among them, and are
/// not followed.
pub(crate) fn files_below(directory: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(next) = directories.pop() {
        directories.extend(folders(&next)?);
        let files = directory::list(&next)?.into_iter();
        let files = files.filter(|path| path.extension().is_some_and(|end| end == extension));
        found
            .extend(files.filter_map(|path| path.strip_prefix(directory).ok().map(Path::to_owned)));
    }
    found.sort();
    Ok(found)
}

/// Reads a file below a directory that somebody else writes to; `None` if there is none. No part of its path may be a symbolic
/// link.
pub(crate) fn read_below(directory: &Path, path: &Path) -> Result<Option<Vec<u8>>> {
    refuse_links(directory, path)?;
    match attributes::read_regular_file(&directory.join(path)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(Error::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes the directories of a file below a directory that somebody else writes to.
pub(crate) fn make_directories_of(directory: &Path, path: &Path) -> Result<()> {
    refuse_links(directory, path)?;
    let path = directory.join(path);
    let directory = path.parent().unwrap_or(directory);
    directory::make_directory(directory, &Attributes::default())?;
    Ok(())
}

/// Whether two paths lead to one directory.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// Whether a path is a symbolic link.
pub(crate) fn is_link(path: &Path) -> bool {
    path.is_symlink()
}

/// Whether a directory has nothing in it, or does not exist.
pub(crate) fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).map_or(true, |mut entries| entries.next().is_none())
}

/// Fails if the directory itself, or something on the way below it, is a symbolic link.
fn refuse_links(directory: &Path, path: &Path) -> Result<()> {
    let mut at = directory.to_owned();
    let mut parts = path.components();
    loop {
        if at.is_symlink() {
            return Err(Error::SymbolicLink { path: at });
        }
        match parts.next() {
            Some(part) => at.push(part),
            None => return Ok(()),
        }
    }
}

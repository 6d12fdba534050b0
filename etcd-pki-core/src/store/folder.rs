//! Folders that came from elsewhere: looked into without following a symbolic link, which could lead out of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    attributes::{Attributes, look},
    directory,
    file::io_error,
};
use crate::error::{Error, Result};

/// The folders in a directory, by name, links to folders not among them.
pub(crate) fn folders(directory: &Path) -> Result<Vec<PathBuf>> {
    let (mut folders, _) = entries(directory)?;
    folders.sort();
    Ok(folders)
}

/// What is below a directory under a name that ends so, at any depth, by its path seen from there; dot files and directories
/// excepted. Links are not followed, and what is no file is told of by whoever reads it.
pub(crate) fn files_below(directory: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(next) = directories.pop() {
        let (folders, others) = entries(&next)?;
        directories.extend(folders);
        let files = others.iter().filter(|path| {
            path.extension().is_some_and(|end| end == extension) && !is_hidden(path)
        });
        found
            .extend(files.filter_map(|path| path.strip_prefix(directory).ok().map(Path::to_owned)));
    }
    found.sort();
    Ok(found)
}

/// The folders in a directory, and what else is there: files, links, pipes.
fn entries(directory: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let (mut folders, mut others) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(directory).map_err(io_error("list", directory))? {
        let entry = entry.map_err(io_error("list", directory))?;
        // Of the link itself, if it is one
        let kind = entry.file_type().map_err(io_error("list", directory))?;
        let entries = if kind.is_dir() {
            &mut folders
        } else {
            &mut others
        };
        entries.push(entry.path());
    }
    Ok((folders, others))
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".")
}

/// Reads a file below a directory that somebody else writes to; `None` if there is none. No part of its path may be a symbolic
/// link, and a pipe is not waited for.
pub(crate) fn read_below(directory: &Path, path: &Path) -> Result<Option<Vec<u8>>> {
    refuse_links(directory, path)?;
    Ok(look(&directory.join(path))?.map(|(bytes, _)| bytes))
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

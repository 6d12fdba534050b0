//! Lists a directory and the directories below it.

use std::{
    collections::HashSet,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use super::path::io_error;
use crate::error::{Error, LOCK_FILE, Result};

/// The directory that the tools of Kubernetes create in every host's tree
const ETCD: &str = "etcd";

/// An entry of a tree.
pub(crate) enum Entry {
    /// A file, or a broken symbolic link
    File(PathBuf),
    /// A directory, a pipe, a socket, a device
    Other(PathBuf),
}

/// Lists the files in a directory, in its subdirectories, and in an `etcd` directory in each of
/// these. This includes a host's tree in any layout, and a directory of such trees. The files are
/// sorted by name, and the files of a directory come before those below it. A directory that cannot
/// be listed is returned with its error.
///
/// Symbolic links are followed, each directory is listed once, and hidden names are left out,
/// because Kubernetes keeps earlier versions of a mount there.
pub(crate) fn tree(directory: &Path) -> Vec<std::result::Result<PathBuf, (PathBuf, Error)>> {
    let entries = whole_tree(directory).into_iter();
    let files = entries.filter_map(|entry| match entry {
        Ok(Entry::File(path)) => Some(Ok(path)),
        Ok(Entry::Other(_)) => None,
        Err(error) => Some(Err(error)),
    });
    files.collect()
}

/// The files of a [`tree`], and its directories, pipes and other entries.
pub(crate) fn whole_tree(directory: &Path) -> Vec<std::result::Result<Entry, (PathBuf, Error)>> {
    let mut found = Vec::new();
    let mut entered = HashSet::new();
    enter(directory, 0, &mut entered, &mut found);
    found
}

/// The files in a directory, sorted by name; empty if the directory cannot be listed.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    entries(directory).map_or_else(|_| Vec::new(), |entries| entries.files)
}

fn enter(
    directory: &Path,
    depth: usize,
    entered: &mut HashSet<PathBuf>,
    found: &mut Vec<std::result::Result<Entry, (PathBuf, Error)>>,
) {
    let entries = match entries(directory) {
        Ok(entries) => entries,
        Err(error) => {
            let error = io_error("list", directory)(error);
            found.push(Err((directory.to_owned(), error)));
            return;
        }
    };
    let place = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    if !entered.insert(place) {
        return;
    }
    let files = entries.files.into_iter().map(Entry::File);
    let directories = entries.directories.iter().cloned();
    let others = directories.chain(entries.others).map(Entry::Other);
    found.extend(files.chain(others).map(Ok));
    for below in entries.directories {
        if depth == 0 || (depth == 1 && below.ends_with(ETCD)) {
            enter(&below, depth + 1, entered, found);
        }
    }
}

/// The files in a directory, sorted by name, without hidden files; empty if the directory is
/// missing.
pub(super) fn list(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error("list", directory)(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io_error("list", directory))?;
        // This skips directories, and pipes without a writer
        if !is_hidden(&entry.file_name()) && is_file(&entry) {
            files.push(entry.path());
        }
    }
    // Within one directory, byte order equals path order and is faster to compute
    files.sort_unstable_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
    Ok(files)
}

/// Whether a directory is missing, or is empty except for a lock file.
pub(crate) fn is_empty(directory: &Path) -> bool {
    fs::read_dir(directory).map_or(true, |mut entries| {
        entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == LOCK_FILE))
    })
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

/// Whether an entry is a file, or a symbolic link to a file. The directory already contains the
/// type of most entries, so these need no further system call.
fn is_file(entry: &fs::DirEntry) -> bool {
    match entry.file_type() {
        Ok(kind) if kind.is_file() => true,
        Ok(kind) if kind.is_symlink() => entry.path().is_file(),
        _ => false,
    }
}

/// The entries of a directory. Each kind is sorted by name.
#[derive(Default)]
struct Entries {
    files: Vec<PathBuf>,
    directories: Vec<PathBuf>,
    /// Pipes, sockets and devices. Opening them may wait
    others: Vec<PathBuf>,
}

fn entries(directory: &Path) -> io::Result<Entries> {
    let mut entries = Entries::default();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if is_hidden(&entry.file_name()) {
            continue;
        }
        let path = entry.path();
        // The directory contains the type of most entries, so these need no further system call
        let kind = match entry.file_type()? {
            kind if kind.is_symlink() => fs::metadata(&path).map(|metadata| metadata.file_type()),
            kind => Ok(kind),
        };
        match kind {
            Ok(kind) if kind.is_dir() => entries.directories.push(path),
            Ok(kind) if !kind.is_file() => entries.others.push(path),
            // Reading a broken symbolic link fails later
            Ok(_) | Err(_) => entries.files.push(path),
        }
    }
    entries.files.sort();
    entries.directories.sort();
    Ok(entries)
}

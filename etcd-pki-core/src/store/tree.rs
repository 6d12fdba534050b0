//! The files of a directory and of the directories in it.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use super::file::io_error;
use crate::error::Error;

/// The directory that Kubernetes' tools have in every host's tree
const ETCD: &str = "etcd";

/// What stands somewhere in a tree.
pub(crate) enum Entry {
    /// A file, or a link that leads nowhere
    File(PathBuf),
    /// A directory, a pipe, a socket, a device
    Other(PathBuf),
}

/// The files that are in a directory, in those within it, and in an `etcd` within these: a host's tree in any layout, and
/// a directory of such trees. In the order of their names, each directory's own files before those below; what cannot be listed
/// stands with its error.
///
/// Links are followed, each directory is entered once, and names with a dot in front are passed over: Kubernetes keeps earlier
/// versions of a mount there.
pub(crate) fn tree(directory: &Path) -> Vec<Result<PathBuf, (PathBuf, Error)>> {
    let entries = whole_tree(directory).into_iter();
    let files = entries.filter_map(|entry| match entry {
        Ok(Entry::File(path)) => Some(Ok(path)),
        Ok(Entry::Other(_)) => None,
        Err(error) => Some(Err(error)),
    });
    files.collect()
}

/// The files of a [`tree`], and what else stands among them.
pub(crate) fn whole_tree(directory: &Path) -> Vec<Result<Entry, (PathBuf, Error)>> {
    let mut found = Vec::new();
    let mut entered = HashSet::new();
    enter(directory, 0, &mut entered, &mut found);
    found
}

/// The files in a directory, by name; none where it cannot be listed.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    entries(directory).map_or_else(|_| Vec::new(), |entries| entries.files)
}

fn enter(
    directory: &Path,
    depth: usize,
    entered: &mut HashSet<PathBuf>,
    found: &mut Vec<Result<Entry, (PathBuf, Error)>>,
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

/// What is in a directory, each kind by name.
#[derive(Default)]
struct Entries {
    files: Vec<PathBuf>,
    directories: Vec<PathBuf>,
    /// Pipes, sockets and devices, which may be waited for
    others: Vec<PathBuf>,
}

fn entries(directory: &Path) -> io::Result<Entries> {
    let mut entries = Entries::default();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        // The directory tells what most are, without a look at each
        let kind = match entry.file_type()? {
            kind if kind.is_symlink() => fs::metadata(&path).map(|metadata| metadata.file_type()),
            kind => Ok(kind),
        };
        match kind {
            Ok(kind) if kind.is_dir() => entries.directories.push(path),
            Ok(kind) if !kind.is_file() => entries.others.push(path),
            // A link that leads nowhere is told of by whoever reads it
            Ok(_) | Err(_) => entries.files.push(path),
        }
    }
    entries.files.sort();
    entries.directories.sort();
    Ok(entries)
}

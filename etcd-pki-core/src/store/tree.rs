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

/// The files that are in a directory, in those within it, and in an `etcd` within these: a host's tree in any layout, and
/// a directory of such trees. In the order of their names, each directory's own files before those below; what cannot be listed
/// stands with its error.
///
/// Links are followed, each directory is entered once, and names with a dot in front are passed over: Kubernetes keeps earlier
/// versions of a mount there.
pub(crate) fn tree(directory: &Path) -> Vec<Result<PathBuf, (PathBuf, Error)>> {
    let mut found = Vec::new();
    let mut entered = HashSet::new();
    enter(directory, 0, &mut entered, &mut found);
    found
}

/// The files in a directory, by name; none where it cannot be listed.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    entries(directory).map_or_else(|_| Vec::new(), |(files, _)| files)
}

fn enter(
    directory: &Path,
    depth: usize,
    entered: &mut HashSet<PathBuf>,
    found: &mut Vec<Result<PathBuf, (PathBuf, Error)>>,
) {
    let (files, directories) = match entries(directory) {
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
    found.extend(files.into_iter().map(Ok));
    for below in directories {
        if depth == 0 || (depth == 1 && below.ends_with(ETCD)) {
            enter(&below, depth + 1, entered, found);
        }
    }
}

/// The files in a directory, pipes and sockets excepted, and the directories, by name.
fn entries(directory: &Path) -> io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let mut files = Vec::new();
    let mut directories = Vec::new();
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
            Ok(kind) if kind.is_dir() => directories.push(path),
            // A pipe would be waited for
            Ok(kind) if !kind.is_file() => {}
            // A link that leads nowhere is told of by whoever reads it
            Ok(_) | Err(_) => files.push(path),
        }
    }
    files.sort();
    directories.sort();
    Ok((files, directories))
}

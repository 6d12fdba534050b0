//! Directories of certificates in which everybody may write.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{file::Contents, finding::Finding};
use crate::store::{self, parent};

/// Those of the certificates that were looked at, each with what is wrong with it.
pub(super) fn directories(read: &BTreeMap<&Path, Contents>) -> Vec<(PathBuf, Finding)> {
    let certificates = read
        .iter()
        .filter(|(_, contents)| matches!(contents, Contents::Certificates(_)));
    let directories: BTreeSet<&Path> = certificates.map(|(path, _)| parent(path)).collect();
    let open = directories.into_iter().filter_map(|path| {
        let mode = store::open_directory_mode(path)?;
        Some((path.to_owned(), Finding::Writable { mode }))
    });
    open.collect()
}

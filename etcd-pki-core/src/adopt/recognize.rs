//! Directories with file names of no layout.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::{
    error::Error,
    foreign_names,
    inspect::{Directory, recognize},
    layout::{CaKind, Layout, PairPaths},
};

/// Whether a tool of no layout made a directory whose names fit one by chance: every leaf that the
/// layout names is that tool's. easy-rsa has `ca.crt` and `issued/server.crt`.
pub(super) fn is_of_other_tool(state: &Directory) -> bool {
    let is_foreign = |path: &Path| foreign_names::recognize([path]).is_some();
    let others = || state.other_files().chain(leaves(state));
    others().any(is_foreign)
        && state.pairs().iter().all(|pair| {
            let PairPaths { certificate, key } = pair.paths();
            is_foreign(certificate) || is_foreign(key)
        })
}

/// The files of a directory's leaves and of no layout.
pub(super) fn files(state: &Directory) -> Vec<PathBuf> {
    let all = state.other_files().chain(leaves(state));
    all.map(Path::to_owned).collect()
}

fn leaves(state: &Directory) -> impl Iterator<Item = &Path> {
    state.pairs().iter().flat_map(|pair| {
        let PairPaths { certificate, key } = pair.paths();
        [certificate.as_path(), key]
    })
}

/// The error for a directory with file names of no layout.
pub(super) fn no_layout(directory: &Path, files: &[PathBuf]) -> Error {
    if let Some(found) = foreign_names::recognize(files.iter().map(PathBuf::as_path)) {
        return Error::NotAdoptable {
            directory: directory.to_owned(),
            reason: format!(
                "its files have the names of {}, such as {}",
                found.tool, found.file
            ),
            hint: found.advice.to_owned(),
        };
    }
    Error::NotAdoptable {
        directory: directory.to_owned(),
        reason: "no layout has its file names".to_owned(),
        hint: match below(files) {
            Some(found) => format!("did you mean {}?", directory.join(found).display()),
            None => format!("name the directory with the CA's certificate, {}", cas()),
        },
    }
}

/// `ca.pem or etcd/ca.crt`
fn cas() -> String {
    let paths: BTreeSet<String> = Layout::ALL
        .iter()
        .map(|layout| layout.ca(CaKind::Client).certificate.display().to_string())
        .collect();
    paths.into_iter().collect::<Vec<_>>().join(" or ")
}

/// A directory below with file names of a layout.
fn below(files: &[PathBuf]) -> Option<PathBuf> {
    let directories: BTreeSet<&Path> = files
        .iter()
        .filter_map(|path| path.parent())
        .filter(|parent| *parent != Path::new(""))
        .collect();
    let found = directories.into_iter().find(|directory| {
        let inside = files
            .iter()
            .filter_map(|path| path.strip_prefix(directory).ok());
        recognize(inside).is_some()
    });
    found.map(Path::to_owned)
}

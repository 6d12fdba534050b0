//! Reports directories with file names that fit no layout.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::Adoption;
use crate::{
    error::Error,
    foreign_names,
    inspect::{Directory, recognize},
    layout::{CaKind, Layout, PairPaths},
};

/// Whether a tool without a layout here created the directory, and its file names only happen to
/// fit one: every leaf that fits the layout has a name of that tool. easy-rsa has `ca.crt` and
/// `issued/server.crt`.
pub(super) fn is_of_other_tool(state: &Directory) -> bool {
    let is_foreign = |path: &Path| foreign_names::recognize([path]).is_some();
    let others = || state.other_files().chain(leaves(state));
    others().any(is_foreign)
        && state.pairs().iter().all(|pair| {
            let PairPaths { certificate, key } = pair.paths();
            is_foreign(certificate) || is_foreign(key)
        })
}

/// The files of a directory's leaves, in no layout.
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
        hint: match below(directory, files) {
            Some(found) => did_you_mean(directory, &found),
            None => format!("name the directory with the CA's certificate, {}", cas()),
        },
    }
}

/// The CA files of the layouts, such as `ca.pem or etcd/ca.crt`
fn cas() -> String {
    let paths: BTreeSet<String> = Layout::ALL
        .iter()
        .map(|layout| layout.ca(CaKind::Client).certificate.display().to_string())
        .collect();
    paths.into_iter().collect::<Vec<_>>().join(" or ")
}

/// The hint that names a subdirectory.
pub(super) fn did_you_mean(directory: &Path, below: &Path) -> String {
    format!("did you mean {}?", directory.join(below).display())
}

/// The subdirectory that has one of these files as a layout's CA.
pub(super) fn directory_of_ca<'a>(files: impl IntoIterator<Item = &'a Path>) -> Option<PathBuf> {
    let directory_of = |file: &Path| {
        let cas = Layout::ALL
            .into_iter()
            .flat_map(|layout| CaKind::ALL.map(|kind| layout.ca(kind).certificate));
        // The longest name of a CA leaves the subdirectory to report: etcd/ca.crt of kubeadm is not
        // in etcd
        let directories = cas.filter(|ca| file.ends_with(ca)).filter_map(|ca| {
            let above = file.ancestors().nth(ca.components().count())?;
            Some(above.to_owned())
        });
        let directory = directories.min_by_key(|directory| directory.components().count())?;
        (directory != Path::new("")).then_some(directory)
    };
    files.into_iter().find_map(directory_of)
}

/// The maximum number of subdirectories to read when looking for the right one
const DIRECTORIES: usize = 16;

/// A subdirectory with file names of a layout: the first that can be adopted, or the first.
fn below(directory: &Path, files: &[PathBuf]) -> Option<PathBuf> {
    let directories: BTreeSet<&Path> = files
        .iter()
        .filter_map(|path| path.parent())
        .filter(|parent| *parent != Path::new(""))
        .collect();
    let has_layout = |below: &&Path| {
        let inside = files
            .iter()
            .filter_map(|path| path.strip_prefix(below).ok());
        recognize(inside).is_some()
    };
    let found: Vec<&Path> = directories
        .into_iter()
        .filter(has_layout)
        .take(DIRECTORIES)
        .collect();
    let mut adoptable = found.iter();
    let adoptable = adoptable.find(|below| Adoption::read(directory.join(below), None).is_ok());
    adoptable.or(found.first()).map(|found| found.to_path_buf())
}

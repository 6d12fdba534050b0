//! Which layout a directory is in, by the names of its files.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Result},
    layout::{CaKind, FileKind, Identified, Layout},
    store::{is_directory, tree},
};

/// The files, as seen from the directory, in their order.
pub(super) fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    if !is_directory(directory)? {
        return Err(Error::NotAdoptable {
            directory: directory.to_owned(),
            reason: "it is no directory".to_owned(),
            hint: "name the directory in which the CA's certificate is".to_owned(),
        });
    }
    let mut files = Vec::new();
    for path in tree(directory) {
        // A directory below that nobody may list holds nothing of ours; the directory itself must be readable
        match path {
            Ok(path) => files.extend(path.strip_prefix(directory).ok().map(Path::to_owned)),
            Err((_, error)) if files.is_empty() => return Err(error),
            Err(_) => {}
        }
    }
    Ok(files)
}

/// The layout by whose names most files are called.
pub(super) fn layout(directory: &Path, files: &[PathBuf]) -> Result<Layout> {
    if let Some(layout) = best(files.iter().map(PathBuf::as_path)) {
        return Ok(layout);
    }
    Err(Error::NotAdoptable {
        directory: directory.to_owned(),
        reason: "its files are called as in no layout".to_owned(),
        hint: match below(files) {
            Some(found) => format!("did you mean {}?", directory.join(found).display()),
            None => format!(
                "name the directory in which the CA's certificate is, as {}",
                authorities()
            ),
        },
    })
}

/// `ca.pem or etcd/ca.crt`
fn authorities() -> String {
    let paths: BTreeSet<String> = Layout::ALL
        .iter()
        .map(|layout| layout.ca(CaKind::Client).certificate.display().to_string())
        .collect();
    paths.into_iter().collect::<Vec<_>>().join(" or ")
}

fn best<'a>(files: impl Iterator<Item = &'a Path> + Clone) -> Option<Layout> {
    let mut best: Option<((bool, usize), Layout)> = None;
    for layout in Layout::ALL {
        let found: Vec<Identified> = files
            .clone()
            .filter_map(|path| layout.identify(path))
            .collect();
        let has_members = if layout.takes_any_name() {
            // Any file is called as a member there, so one that is has its pair for peers too
            let members = pairs_of_members(&found);
            let is_sure = members.values().any(|pairs| pairs.len() > 1);
            if !is_sure {
                continue;
            }
            true
        } else {
            let is_members =
                |found: &Identified| matches!(found.kind, FileKind::Member | FileKind::Admin);
            found.iter().any(is_members)
        };
        let rank = (has_members, found.len());
        let is_better = best.is_none_or(|(best, _)| rank > best);
        if is_better && !found.is_empty() {
            best = Some((rank, layout));
        }
    }
    best.map(|(_, layout)| layout)
}

/// The files of members' pairs, by the member's name.
fn pairs_of_members(found: &[Identified]) -> BTreeMap<&str, BTreeSet<&Path>> {
    let mut pairs: BTreeMap<&str, BTreeSet<&Path>> = BTreeMap::new();
    for one in found.iter().filter(|one| one.kind == FileKind::Member) {
        let of_one = pairs.entry(&one.name).or_default();
        of_one.insert(&one.paths.certificate);
    }
    pairs
}

/// A directory below that is in a layout.
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
        best(inside).is_some()
    });
    found.map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recognized(files: &[&str]) -> Result<Layout> {
        let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
        layout(Path::new("pki"), &files)
    }

    #[test]
    fn by_the_names_of_files() {
        for (files, expected) in [
            (vec!["ca.pem", "member-a.pem"], Layout::Kubespray),
            (vec!["ca.pem", "ca-key.pem"], Layout::Kubespray),
            (
                vec!["ca.pem", "ca-key.pem", "node-a.pem"],
                Layout::Kubespray,
            ),
            (
                vec!["ca.pem", "10.0.0.1.pem", "peer-10.0.0.1.pem"],
                Layout::Cfssl,
            ),
            (
                vec!["ca.pem", "admin-a.pem", "x.pem", "y.pem"],
                Layout::Kubespray,
            ),
            (
                vec!["ca.crt", "etcd/ca.crt", "etcd/peer.crt"],
                Layout::Kubeadm,
            ),
            (vec!["etcd/ca.crt", "a/etcd/server.crt"], Layout::Kubeadm),
        ] {
            assert_eq!(recognized(&files).unwrap(), expected);
        }
        let hint = |files| recognized(files).unwrap_err().hint().unwrap();
        assert_eq!(hint(&["ssl/ca.pem"]), "did you mean pki/ssl?");
        assert!(hint(&["a.txt"]).contains("ca.pem"));
    }
}

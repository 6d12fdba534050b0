//! Symbolic links at the paths of a pair, and above them.

use std::path::{Path, PathBuf};

use super::{decide::Current, step::Action};
use crate::{
    finding::Finding,
    inspect::{Part, rules},
    layout::PairPaths,
    store::{canonical, link_target},
};

/// The target of a symbolic link, if it is a file of the directory.
pub(super) fn target_within(directory: &Path, path: &Path) -> Option<PathBuf> {
    let target = link_target(path)?;
    target.starts_with(canonical(directory)).then_some(target)
}

/// The symbolic links at the paths that an action uses, or above them. A key that is reached only
/// through a link is not certified, because another user may have created the link.
pub(super) fn links(directory: &Path, paths: &PairPaths, action: Action) -> Vec<Finding> {
    let find = match action {
        Action::Renew | Action::Reissue | Action::Create => link,
        // The permissions of a symbolic link are those of its target, and do not change
        Action::Chmod => linked_folder,
        _ => return Vec::new(),
    };
    let mut links = Vec::new();
    for path in [&paths.certificate, &paths.key] {
        links.extend(find(directory, path).filter(|link| !links.contains(link)));
    }
    links
}

/// Puts symbolic links to unusable files before the other reasons.
pub(super) fn put_unusable_links_first(
    directory: &Path,
    paths: &PairPaths,
    current: &Current,
    reasons: &mut Vec<Finding>,
) {
    let unusable = [
        (&paths.key, matches!(current.key, Part::Unusable(_))),
        (
            &paths.certificate,
            matches!(current.certificate, Part::Unusable(_)),
        ),
    ];
    for (path, _) in unusable.into_iter().filter(|(_, is_unusable)| *is_unusable) {
        let is_reason =
            |reason: &Finding| matches!(reason, Finding::Blocked { path: at, .. } if at == path);
        if !reasons.iter().any(is_reason) {
            reasons.splice(0..0, link(directory, path));
        }
    }
}

/// A finding for a symbolic link at a path, or above it in the directory.
fn link(directory: &Path, path: &Path) -> Option<Finding> {
    if let Some(folder) = linked_folder(directory, path) {
        return Some(folder);
    }
    if !path.is_symlink() {
        return None;
    }
    let path = path.to_owned();
    if let Some(target) = target_within(directory, &path) {
        return Some(Finding::SymbolicLink { path, target });
    }
    Some(rules::leads_elsewhere(&path))
}

/// A finding for the first symbolic link that replaces a folder between the directory and a file in
/// it.
fn linked_folder(directory: &Path, path: &Path) -> Option<Finding> {
    let folders = path.parent()?.strip_prefix(directory).ok()?;
    let mut folder = directory.to_owned();
    for name in folders.components() {
        folder.push(name);
        if folder.is_symlink() {
            return Some(rules::leads_elsewhere(&folder));
        }
    }
    None
}

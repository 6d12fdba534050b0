//! Symbolic links in the places of files: to another file of the directory, such as those by which Kubespray lets a control plane
//! find its own pair under the names of the others, or to somewhere else.

use std::path::{Path, PathBuf};

use super::{Action, Cause};
use crate::{
    layout::PairPaths,
    store::{canonical, link_target},
};

/// Where a file's link leads, if it is one to another file of the directory.
pub(super) fn target_within(directory: &Path, path: &Path) -> Option<PathBuf> {
    let target = link_target(path)?;
    target.starts_with(canonical(directory)).then_some(target)
}

/// The link in a file's place, as a cause, if there is one.
pub(super) fn at(directory: &Path, path: &Path) -> Option<Cause> {
    if !path.is_symlink() {
        return None;
    }
    let path = path.to_owned();
    if let Some(target) = target_within(directory, &path) {
        return Some(Cause::SymbolicLink { path, target });
    }
    let leads = match link_target(&path) {
        Some(target) => format!("out of the directory, to {}", target.display()),
        None => "nowhere".to_owned(),
    };
    let reason = format!("{} is a link that leads {leads}", path.display());
    Some(Cause::InTheWay { path, reason })
}

/// The links in the places of what is to be written of a pair.
pub(super) fn in_the_way(directory: &Path, paths: &PairPaths, action: Action) -> Vec<Cause> {
    let written: &[&PathBuf] = match action {
        Action::Keep | Action::Mode => &[],
        Action::Renew => &[&paths.certificate],
        Action::Reissue | Action::Create => &[&paths.certificate, &paths.key],
    };
    let links = written.iter().map(|path| at(directory, path));
    links.flatten().collect()
}

/// A link that is in the way whatever it leads to.
pub(super) fn never_replaced(link: Cause) -> Cause {
    let reason = link.to_string();
    match link {
        Cause::SymbolicLink { path, .. } => Cause::InTheWay { path, reason },
        other => other,
    }
}

//! Symbolic links at the paths of a pair, and above them.

use std::path::{Path, PathBuf};

use super::{action::Action, current::Current};
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

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;
    use crate::store::Attributes;

    /// The codes of some links.
    fn codes(links: &[Finding]) -> Vec<&str> {
        links.iter().map(Finding::code).collect()
    }

    /// A directory `pki` in a directory with other files.
    fn scratch() -> (tempfile::TempDir, PathBuf) {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("pki");
        fs::create_dir_all(directory.join("real")).unwrap();
        fs::create_dir(scratch.path().join("elsewhere")).unwrap();
        fs::write(directory.join("b-key.pem"), "b").unwrap();
        fs::write(scratch.path().join("c-key.pem"), "c").unwrap();
        (scratch, directory)
    }

    /// Each action, with each kind of link at the path of a key or above it.
    #[test]
    fn links_that_block_an_action() {
        let (_scratch, directory) = scratch();
        symlink("b-key.pem", directory.join("within-key.pem")).unwrap();
        symlink("../c-key.pem", directory.join("out-key.pem")).unwrap();
        symlink("nowhere", directory.join("broken-key.pem")).unwrap();
        symlink("../elsewhere", directory.join("folder")).unwrap();
        let is_within = |file: &str| target_within(&directory, &directory.join(file)).is_some();
        assert!(is_within("within-key.pem"));
        assert!(!is_within("out-key.pem") && !is_within("b-key.pem"));
        for (pair, writes, chmod) in [
            ("b", &[][..], &[][..]),
            ("missing", &[], &[]),
            ("real/a", &[], &[]),
            ("within", &["EP019"], &[]),
            ("out", &["EP018"], &[]),
            ("broken", &["EP018"], &[]),
            // One finding for both files
            ("folder/a", &["EP018"], &["EP018"]),
        ] {
            let paths = PairPaths {
                certificate: directory.join(format!("{pair}.pem")),
                key: directory.join(format!("{pair}-key.pem")),
            };
            for (action, expected) in [
                (Action::Create, writes),
                (Action::Renew, writes),
                (Action::Reissue, writes),
                (Action::Chmod, chmod),
                (Action::Keep, &[]),
                (Action::Blocked, &[]),
            ] {
                let found = links(&directory, &paths, action);
                assert_eq!(codes(&found), expected, "{pair} {action:?}");
            }
        }
    }

    /// The link to an unusable file is the first reason, unless the file itself is already a reason.
    #[test]
    fn links_to_unusable_files() {
        let (_scratch, directory) = scratch();
        symlink("b-key.pem", directory.join("a-key.pem")).unwrap();
        let relative = PairPaths {
            certificate: "a.pem".into(),
            key: "a-key.pem".into(),
        };
        let paths = relative.below(&directory);
        let current = Current::read(&directory, &relative, &Attributes::default(), None).unwrap();
        let other = Finding::MissingCertificate;
        let blocked = |path: &Path| Finding::Blocked {
            path: path.to_owned(),
            reason: "x".to_owned(),
        };
        for (reasons, expected) in [
            (vec![], &["EP019"][..]),
            (vec![other.clone()], &["EP019", "EP016"]),
            (vec![blocked(&paths.certificate)], &["EP019", "EP018"]),
            (vec![other, blocked(&paths.key)], &["EP016", "EP018"]),
        ] {
            let mut reasons = reasons;
            put_unusable_links_first(&directory, &paths, &current, &mut reasons);
            assert_eq!(codes(&reasons), expected);
        }
        // The files can be used or are missing
        fs::remove_file(&paths.key).unwrap();
        let current = Current::read(&directory, &relative, &Attributes::default(), None).unwrap();
        let mut reasons = Vec::new();
        put_unusable_links_first(&directory, &paths, &current, &mut reasons);
        assert_eq!(reasons, []);
    }
}

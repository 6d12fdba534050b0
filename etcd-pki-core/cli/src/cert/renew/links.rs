//! Symbolic links among what is to be renewed, such as those by which Kubespray lets a control plane find its own pair under the
//! names of the others. Nothing is written through one, and no key is replaced that another certificate has through one.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use etcd_pki_core::{Certificate, Layout, Result, Store};

use crate::{
    failure::Failure,
    files::{directory_of, is_same},
    options::key_of,
    output,
};

/// Leaves out the links to what is renewed under its own name, and tells which.
pub(super) fn without_links(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let (links, mut files): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| file.is_symlink());
    let mut elsewhere = Vec::new();
    for link in links {
        let target = files.iter().find(|file| is_same(file, &link));
        match target {
            Some(target) => output::say(format_args!(
                "note: {} is a link to {}, which is renewed under its own name",
                link.display(),
                target.display()
            )),
            // It is refused when its turn comes
            None => elsewhere.push(link),
        }
    }
    files.extend(elsewhere);
    files
}

/// The certificates whose keys are links to the keys of others.
#[derive(Default)]
pub(super) struct LinkedKeys(Vec<(PathBuf, Certificate)>);

impl LinkedKeys {
    /// Those in the directories of these files.
    pub(super) fn beside(files: &[PathBuf]) -> Result<Self> {
        let directories = files.iter().map(|file| directory_of(file));
        let mut linked = Vec::new();
        for directory in directories.collect::<BTreeSet<_>>() {
            // Whatever the files are called, these are all in the directory itself
            let store = Store::new(directory, Layout::Kubespray);
            let found = store.certificates()?.into_iter();
            linked.extend(found.filter(|(path, _)| key_of(path).is_symlink()));
        }
        Ok(Self(linked))
    }

    /// One that has this key file's key through a link, and would lose it to a new one. A link to the certificate as well follows.
    fn loser(&self, path: &Path, key_path: &Path, old: &Certificate) -> Option<&Path> {
        let mut linked = self.0.iter().filter(|(other, certificate)| {
            certificate.public_key() == old.public_key()
                && is_same(&key_of(other), key_path)
                && !is_same(other, path)
        });
        linked.next().map(|(other, _)| other.as_path())
    }

    /// Refuses to make a new key in the place of one that is a link, or that another certificate has through a link.
    pub(super) fn check_rekeying(
        &self,
        path: &Path,
        key_path: &Path,
        old: &Certificate,
    ) -> std::result::Result<(), Failure> {
        if let Some(target) = target(key_path) {
            return Err(Failure::failed(
                format!("{} is a link to {target}", key_path.display()),
                "both were left as they are; renew without --rekey, or remove the link, and --rekey makes a key in its place",
            ));
        }
        let Some(other) = self.loser(path, key_path, old) else {
            return Ok(());
        };
        Err(Failure::failed(
            format!(
                "{} is also the key of {}, through the link {}",
                key_path.display(),
                other.display(),
                key_of(other).display()
            ),
            "all were left as they are; renew without --rekey, or remove the link and make a key in its place first, with --rekey",
        ))
    }
}

/// Refuses to write in the place of a link.
pub(super) fn check_certificate(path: &Path) -> std::result::Result<(), Failure> {
    match target(path) {
        None => Ok(()),
        Some(target) => Err(Failure::failed(
            format!("{} is a link to {target}", path.display()),
            format!("both were left as they are; renew {target}, or remove the link"),
        )),
    }
}

/// Where a link leads.
fn target(path: &Path) -> Option<String> {
    let target = path.read_link().ok()?;
    Some(path.with_file_name(target).display().to_string())
}

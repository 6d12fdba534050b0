//! Reads files once, with their contents.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use super::{
    checked::Checked,
    contents::{Contents, is_candidate, is_named_as_certificate},
    rules,
};
use crate::store::{self, Entry, parent};

/// The files of some paths, and their contents.
pub(super) struct Reading {
    /// The paths that were given
    pub(super) given: Vec<Given>,
    /// The contents of each file
    pub(super) contents: BTreeMap<PathBuf, Contents>,
    /// The directories that cannot be listed
    pub(super) unlisted: Vec<Checked>,
}

/// A given path, and the files that belong to it.
pub(super) struct Given {
    pub(super) path: PathBuf,
    pub(super) files: Vec<PathBuf>,
    /// Whether a directory below it cannot be listed
    pub(super) failed: bool,
}

impl Reading {
    /// Reads files, and all files of directories: those in the directory, one level below, and in
    /// an `etcd` directory there.
    pub(super) fn of(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Self {
        let paths: Vec<_> = paths.into_iter().collect();
        let paths: BTreeSet<&Path> = paths.iter().map(AsRef::as_ref).collect();
        let mut unlisted = Vec::new();
        let given: Vec<Given> = paths
            .into_iter()
            .map(|path| list(path, &mut unlisted))
            .collect();
        // A file that is given by itself belongs to the store of its directory
        let mut files: BTreeMap<&PathBuf, u32> = BTreeMap::new();
        for one in &given {
            let is_file = one.files.first() == Some(&one.path);
            let directory = if is_file {
                parent(&one.path)
            } else {
                &one.path
            };
            let owner = store::owner_of_directory(directory);
            for file in &one.files {
                files.entry(file).or_insert(owner);
            }
        }
        let contents = files
            .into_par_iter()
            .map(|(path, owner)| (path.clone(), Contents::of(path, owner)))
            .collect();
        Self {
            given,
            contents,
            unlisted,
        }
    }
}

/// Lists the files that belong to a path. Adds a finding for each directory that cannot be listed.
fn list(path: &Path, unlisted: &mut Vec<Checked>) -> Given {
    let mut given = Given {
        path: path.to_owned(),
        files: Vec::new(),
        failed: false,
    };
    if !path.is_dir() {
        given.files.push(path.to_owned());
        return given;
    }
    for found in store::whole_tree(path) {
        match found {
            Ok(Entry::File(file)) if is_candidate(&file) => given.files.push(file),
            // Reading it gives the error
            Ok(Entry::Other(other)) if is_named_as_certificate(&other) => given.files.push(other),
            Ok(_) => {}
            Err((directory, error)) => {
                given.failed = true;
                unlisted.push(Checked::file(&directory, rules::unusable(error)));
            }
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt as _, chown},
    };

    use super::*;
    use crate::{ca::CertificateAuthority, key::PrivateKey};

    /// The owner of a directory may own the keys and the CA in it, whether the directory or the file
    /// is given. Only root can test this.
    #[test]
    fn owners_of_directories() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("pki");
        let key = directory.join("a-key.pem");
        fs::create_dir(&directory).unwrap();
        fs::write(&key, &**PrivateKey::generate().unwrap().to_secret_pem()).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let ca = directory.join("ca.pem");
        let made = CertificateAuthority::create("ca").unwrap();
        fs::write(&ca, made.certificate().to_pem()).unwrap();
        if chown(&key, Some(4711), None).is_err() {
            return;
        }
        chown(&ca, Some(4711), None).unwrap();
        for (owner, count) in [(4712, 1), (4711, 0)] {
            chown(&directory, Some(owner), None).unwrap();
            for given in [&directory, &key] {
                let reading = Reading::of([given]);
                let Some(Contents::Key(findings)) = reading.contents.get(&key) else {
                    panic!("{}", given.display());
                };
                assert_eq!(findings.len(), count, "{findings:?}");
            }
            for given in [&directory, &ca] {
                let reading = Reading::of([given]);
                let Some(Contents::Certificates(found)) = reading.contents.get(&ca) else {
                    panic!("{}", given.display());
                };
                assert_eq!(found.findings.len(), count, "{:?}", found.findings);
            }
        }
    }
}

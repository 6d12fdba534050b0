//! What stands around a certificate: the authorities that may have signed it, and the keys that belong to others.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

use super::file::{Contents, is_called_authority};
use crate::{
    certificate::Certificate,
    store::{self, parent},
};

/// The authorities of each directory in or beside which certificates were looked at.
pub(super) struct Surroundings<'a> {
    authorities: HashMap<PathBuf, Vec<(PathBuf, Certificate)>>,
    keys: HashSet<&'a Path>,
}

/// The authorities by which a certificate may be signed.
#[derive(Default)]
pub(super) struct Authorities<'a> {
    /// In the certificate's own directory
    pub(super) beside: Vec<(&'a Path, &'a Certificate)>,
    /// In its file, in the directory above, in `etcd` below
    pub(super) around: Vec<(&'a Path, &'a Certificate)>,
}

impl<'a> Surroundings<'a> {
    /// Those of what was read. Authorities that were not asked for are found by their names.
    pub(super) fn of(read: &'a BTreeMap<&Path, Contents>) -> Self {
        let mut authorities: HashMap<PathBuf, Vec<(PathBuf, Certificate)>> = HashMap::new();
        let mut keys = HashSet::new();
        for (path, contents) in read {
            let Contents::Certificates(certificates) = contents else {
                continue;
            };
            keys.extend(certificates.key.path.as_deref());
            for directory in around(path) {
                authorities
                    .entry(directory)
                    .or_insert_with_key(|directory| called_authorities(directory, read));
            }
            // A leaf's chain counts with its file alone
            if certificates.are_authorities() {
                let own = authorities.entry(parent(path).to_owned()).or_default();
                let all = certificates.all.iter();
                own.extend(all.map(|one| (path.to_path_buf(), one.clone())));
            }
        }
        Self { authorities, keys }
    }

    /// Whether a file is the key of a certificate that was looked at.
    pub(super) fn has_key(&self, path: &Path) -> bool {
        self.keys.contains(path)
    }

    /// Those around a certificate's file.
    pub(super) fn authorities(&self, path: &Path) -> Authorities<'_> {
        let [own, rest @ ..] = around(path);
        Authorities {
            beside: self.in_directory(&own).collect(),
            around: rest
                .iter()
                .flat_map(|directory| self.in_directory(directory))
                .collect(),
        }
    }

    fn in_directory(&self, directory: &Path) -> impl Iterator<Item = (&Path, &Certificate)> {
        let found = self.authorities.get(directory).into_iter().flatten();
        found.map(|(path, certificate)| (path.as_path(), certificate))
    }
}

impl<'a> Authorities<'a> {
    /// With the certificates behind it in its file.
    pub(super) fn with(mut self, chain: impl Iterator<Item = (&'a Path, &'a Certificate)>) -> Self {
        self.around.extend(chain);
        self
    }
}

/// A file's own directory, the one below in which Kubernetes' tools have etcd's authority, and the one above.
fn around(path: &Path) -> [PathBuf; 3] {
    let own = parent(path);
    [own.to_owned(), own.join("etcd"), parent(own).to_owned()]
}

/// The authorities in a directory that were not read already: by their names, and silently.
fn called_authorities(
    directory: &Path,
    read: &BTreeMap<&Path, Contents>,
) -> Vec<(PathBuf, Certificate)> {
    let mut found = Vec::new();
    for path in store::files(directory) {
        // As who is in the directory calls it
        let path = path.strip_prefix(".").unwrap_or(&path).to_owned();
        if !is_called_authority(&path) || read.contains_key(path.as_path()) {
            continue;
        }
        if let Contents::Certificates(certificates) = Contents::of(&path) {
            let all = certificates.all.into_iter();
            found.extend(all.map(|one| (path.clone(), one)));
        }
    }
    found
}

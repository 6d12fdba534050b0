//! What there is of each pair.

use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

use super::Remark;
use crate::{
    certificate::Certificate,
    key::{KeyAlgorithm, PrivateKey, PublicKey},
    layout::{FileKind, Identified, PairPaths},
    store::{Store, canonical, first_certificate, link_target, read_regular_file},
};

/// A pair of which at least one file is there.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) kind: FileKind,
    /// The host in whose tree it is
    pub(super) tree: Option<String>,
    /// Empty where files carry no name
    pub(super) name: String,
    /// Below the directory
    pub(super) paths: PairPaths,
    /// Unless it cannot be read, or is another's
    pub(super) certificate: Option<Certificate>,
    /// Whether there is a certificate of which nothing is believed
    pub(super) is_misplaced: bool,
    /// The public part of the key
    pub(super) key: Option<PublicKey>,
    /// The algorithm of the key, or of the certificate's where the key cannot be read
    pub(super) algorithm: Option<KeyAlgorithm>,
}

impl Pair {
    /// All of a directory, in the order of their kinds and names.
    pub(super) fn all(store: &Store, files: &[PathBuf], remarks: &mut Vec<Remark>) -> Vec<Self> {
        let own: HashSet<PathBuf> = files
            .iter()
            .map(|file| store.directory().join(file))
            .filter(|path| link_target(path).is_none())
            .map(|path| canonical(&path))
            .collect();
        let mut found: BTreeMap<(FileKind, Option<String>, String, PathBuf), PairPaths> =
            BTreeMap::new();
        for file in files {
            let Some(identified) = store.layout().identify(file) else {
                remarks.extend(stray(store, file));
                continue;
            };
            let target = link_target(&store.directory().join(file));
            if target.is_some_and(|target| own.contains(&target)) {
                // Kubespray links the pairs of other control planes to a host's own; one key in two pairs would be a fault
                remarks.push(Remark::new(
                    file,
                    "is a link to another file here, so it is left out",
                ));
                continue;
            }
            let Identified {
                kind,
                name,
                host,
                paths,
                ..
            } = identified;
            let place = paths.certificate.clone();
            found.insert((kind, host, name, place), paths);
        }
        found
            .into_iter()
            .map(|((kind, tree, name, _), paths)| {
                let found = Found::read(store, &paths);
                Self {
                    kind,
                    tree,
                    name,
                    paths,
                    certificate: found.certificate,
                    is_misplaced: false,
                    key: found.key,
                    algorithm: found.algorithm,
                }
            })
            .collect()
    }

    /// Whether it is no authority's.
    pub(super) fn is_leaf(&self) -> bool {
        self.kind.ca().is_none()
    }

    /// Takes nothing of its certificate over, and of its key no more than what holds if that is its own.
    pub(super) fn disbelieve(&mut self) {
        let certificate = self.certificate.take();
        let own_key = certificate.map(|certificate| certificate.public_key().clone());
        if self.key.is_none() || self.key == own_key {
            self.algorithm = None;
        }
        self.is_misplaced = true;
    }

    /// A remark on what its subject has that a specification does not say.
    pub(super) fn more_of_subject(&self) -> Option<Remark> {
        let more = self.certificate.as_ref()?.other_subject_attributes();
        let told = !more.is_empty();
        told.then(|| {
            let more = more.join(", ");
            let text = format!("its subject has {more}, which a new certificate will not have");
            Remark::new(self.file(), text)
        })
    }

    /// Whether its file is called after peers.
    pub(super) fn names_peers(&self) -> bool {
        let stem = self.paths.certificate.file_stem().unwrap_or_default();
        stem == "peer" || stem.to_string_lossy().starts_with("peer-")
    }

    /// The file that shows it: the certificate's, for a remark.
    pub(super) fn file(&self) -> &Path {
        &self.paths.certificate
    }
}

struct Found {
    certificate: Option<Certificate>,
    key: Option<PublicKey>,
    algorithm: Option<KeyAlgorithm>,
}

impl Found {
    fn read(store: &Store, paths: &PairPaths) -> Self {
        let full = paths.below(store.directory());
        let certificate = first_certificate(&full.certificate);
        let key = read_regular_file(&full.key)
            .map(zeroize::Zeroizing::new)
            .and_then(|bytes| PrivateKey::from_bytes(&bytes, None));
        let algorithm = match (&key, &certificate) {
            (Ok(key), _) => Some(key.algorithm()),
            (Err(_), Some(certificate)) => certificate.public_key().algorithm(),
            (Err(_), None) => None,
        };
        Self {
            certificate,
            key: key.ok().map(|key| key.public_key().clone()),
            // A size that is not made cannot be said
            algorithm: algorithm.map(KeyAlgorithm::made),
        }
    }
}

/// A remark on a certificate under a name that the layout does not have.
fn stray(store: &Store, file: &Path) -> Option<Remark> {
    let extension = file.extension()?.to_str()?;
    if !["pem", "crt", "cer", "cert"].contains(&extension) {
        return None;
    }
    let certificate = first_certificate(&store.directory().join(file))?;
    let what = if certificate.is_authority() {
        "an authority"
    } else {
        "a certificate"
    };
    let layout = store.layout();
    Some(Remark::new(
        file,
        format!(
            "{what}, {}, under a name that the {layout} layout does not have, so it is left alone",
            certificate.subject()
        ),
    ))
}

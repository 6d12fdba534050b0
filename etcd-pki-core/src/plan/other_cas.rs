//! The CAs of a directory that are not the cluster's own.

use std::path::{Path, PathBuf};

use crate::{
    certificate::Certificate,
    inspect::issuer,
    key::PublicKey,
    layout::{CaKind, is_replaced_ca},
    store::{Store, read_certificates, tree},
};

/// The CA certificates in the files of a directory, but for the files of the cluster's own CAs. Other
/// programs may trust them.
#[derive(Debug)]
pub(super) struct OtherCas {
    /// With their files, relative to the directory
    others: Vec<(PathBuf, Certificate)>,
    /// The CAs that `ca new --replace-ca` replaced
    replaced: Vec<(PathBuf, Certificate)>,
}

impl OtherCas {
    /// Reads every file of the directory, and of those in it. What cannot be read has no CA.
    pub(super) fn read(store: &Store) -> Self {
        // The specification moves the pairs of peers from one of these to the other
        let own = CaKind::ALL.map(|kind| store.ca_paths(kind).certificate);
        let files = tree(store.directory()).into_iter().flatten();
        let cas = files.filter(|path| !own.contains(path)).flat_map(|path| {
            let certificates = read_certificates(&path).unwrap_or_default().into_iter();
            let relative = path.strip_prefix(store.directory()).unwrap_or(&path);
            let relative = relative.to_owned();
            certificates
                .filter(Certificate::is_authority)
                .map(move |certificate| (relative.clone(), certificate))
        });
        let (replaced, others) = cas.partition(|(path, _)| is_replaced_ca(path));
        Self { others, replaced }
    }

    /// The file of the CA with this key.
    pub(super) fn of_key(&self, key: &PublicKey) -> Option<&Path> {
        let mut all = self.others.iter().chain(&self.replaced);
        let (path, _) = all.find(|(_, ca)| ca.public_key() == key)?;
        Some(path)
    }

    /// The file of the CA that signed a certificate. A replaced CA is none of them.
    pub(super) fn signer(&self, certificate: &Certificate) -> Option<&Path> {
        let candidates = self.others.iter().map(|(path, ca)| (path.as_path(), ca));
        match issuer::of(certificate, candidates) {
            issuer::Issuer::Ca(path) => Some(path),
            _ => None,
        }
    }
}

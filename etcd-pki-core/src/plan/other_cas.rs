//! The CAs of a directory that are not the cluster's own.

use std::path::{Path, PathBuf};

use crate::{
    certificate::Certificate,
    finding::Finding,
    inspect::{
        CurrentCa,
        issuer::{self, Issuer},
    },
    key::PublicKey,
    layout::{CaKind, is_replaced_ca},
    store::{Attributes, Store, read_certificates, tree},
};

/// The CA certificates in the files of a directory, each with its file, relative to the directory.
///
/// Other programs may trust a CA that is not the cluster's own, so what it signed is left alone.
#[derive(Debug)]
pub(super) struct OtherCas {
    /// The CAs that sign for the cluster. The specification moves the pairs of peers from one of them to
    /// the other
    own: Vec<(PathBuf, Certificate)>,
    /// The CAs that `ca new --replace-ca` replaced
    replaced: Vec<(PathBuf, Certificate)>,
    others: Vec<(PathBuf, Certificate)>,
}

impl OtherCas {
    /// Reads every file of the directory, and of those in it. What cannot be read has no CA.
    ///
    /// `read` has the CAs of the cluster that have been read before.
    pub(super) fn read(store: &Store, read: &[(CaKind, &CurrentCa)]) -> Self {
        let mut own = Vec::new();
        let mut others = Vec::new();
        for kind in CaKind::ALL {
            let relative = store.layout().ca(kind);
            let paths = store.ca_paths(kind);
            let here;
            let current = match read.iter().find(|(one, _)| *one == kind) {
                Some((_, current)) => *current,
                None => match CurrentCa::read(&paths, &relative, None, &Attributes::default()) {
                    Ok(current) => {
                        here = current;
                        &here
                    }
                    Err(_) => continue,
                },
            };
            let path = &relative.certificate;
            let with_path = |certificate: &Certificate| (path.clone(), certificate.clone());
            own.extend(current.certificate().map(with_path));
            others.extend(current.bundle.iter().map(with_path));
        }
        let bundles = CaKind::ALL.map(|kind| store.ca_paths(kind).certificate);
        let files = tree(store.directory()).into_iter().flatten();
        let files = files.filter(|path| !bundles.contains(path));
        others.extend(files.flat_map(|path| {
            let certificates = read_certificates(&path).unwrap_or_default();
            // What follows a leaf in its file is its chain
            let is_ca_file = certificates.first().is_some_and(Certificate::is_authority);
            let relative = path.strip_prefix(store.directory()).unwrap_or(&path);
            let relative = relative.to_owned();
            let certificates = certificates.into_iter().filter(move |_| is_ca_file);
            certificates.map(move |certificate| (relative.clone(), certificate))
        }));
        others.retain(|(_, certificate)| certificate.is_authority());
        let (replaced, mut others): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|(path, _)| is_replaced_ca(path));
        // A copy of a CA, or an earlier certificate of it, is no other CA
        others.retain(|(_, ca)| {
            let mut known = own.iter().chain(&replaced);
            !known.any(|(_, one): &(_, Certificate)| one.public_key() == ca.public_key())
        });
        Self {
            own,
            replaced,
            others,
        }
    }

    /// The file of the CA with this key.
    pub(super) fn of_key(&self, key: &PublicKey) -> Option<&Path> {
        let mut all = self.others.iter().chain(&self.replaced).chain(&self.own);
        let (path, _) = all.find(|(_, ca)| ca.public_key() == key)?;
        Some(path)
    }

    /// Why a leaf certificate must not be replaced: another CA signed it, or is above its issuer, or
    /// that cannot be judged here. `path` is the leaf's file, and `chain` what follows it there.
    ///
    /// What a CA of the cluster signed, or one that was replaced, may be replaced.
    pub(super) fn forbids(
        &self,
        leaf: &Certificate,
        chain: &[Certificate],
        path: &Path,
    ) -> Option<Finding> {
        let signed_by = |ca: &Path| Finding::SignedByOtherCa {
            issuer: leaf.issuer(),
            ca: ca.to_owned(),
        };
        let own = self.own.iter().chain(&self.replaced);
        if let Issuer::Ca(_) | Issuer::Refused(_) = issuer_of(leaf, own) {
            return None;
        }
        match issuer_of(leaf, &self.others) {
            Issuer::Ca(ca) => return Some(signed_by(ca)),
            Issuer::Unknown { .. } => {}
            unclear => return unclear.refusal(leaf, None),
        }
        let mut below = leaf;
        for above in chain {
            let unclear = match issuer::of(below, [((), above)]) {
                Issuer::Unknown { .. } => return None,
                issuer => issuer.refusal(below, None),
            };
            let known = || self.own.iter().chain(&self.others);
            let is_known = known().any(|(_, ca)| ca.public_key() == above.public_key());
            if is_known || !matches!(issuer_of(above, known()), Issuer::Unknown { .. }) {
                return unclear.or_else(|| Some(signed_by(path)));
            }
            below = above;
        }
        None
    }
}

fn issuer_of<'a>(
    certificate: &Certificate,
    cas: impl IntoIterator<Item = &'a (PathBuf, Certificate)>,
) -> Issuer<&'a Path> {
    let cas = cas.into_iter().map(|(path, ca)| (path.as_path(), ca));
    issuer::of(certificate, cas)
}

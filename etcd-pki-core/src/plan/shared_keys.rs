//! Finds keys that two pairs share, or a pair and a CA.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use crate::{finding::Finding, key::PublicKey, x509::certificate::Certificate};

/// A key that another pair or a CA also has.
///
/// The file may be the only copy of that key, so it is replaced only if new keys are requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SharedKey {
    pub(super) finding: Finding,
    pub(super) copy: OtherCopy,
}

/// The other place of a shared key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OtherCopy {
    /// The target of a symbolic link at the pair's key. A new file in place of the link destroys
    /// nothing
    Target,
    /// In another key file of the directory
    File,
    /// Unknown, so the file may be the CA's only key
    Unknown,
}

impl SharedKey {
    /// Whether a new key may replace it.
    pub(super) fn is_replaced(&self, rekey: bool) -> bool {
        match self.copy {
            OtherCopy::Target => true,
            OtherCopy::File => rekey,
            OtherCopy::Unknown => false,
        }
    }

    /// The key of a CA in the directory. The CA's key file may be missing.
    pub(super) fn of_ca(ca: PathBuf) -> Self {
        Self {
            finding: Finding::CaKey { ca },
            copy: OtherCopy::Unknown,
        }
    }
}

/// A CA, and whether its key file contains the key of this certificate.
#[derive(Clone, Copy, Debug)]
pub(super) struct CaWithKey<'a> {
    pub(super) path: &'a Path,
    pub(super) certificate: &'a Certificate,
    pub(super) has_key: bool,
}

/// The indexes of pairs with a key that another pair or a CA also has. If a pair's key is a
/// symbolic link to another pair's key, only the pair with the link is listed.
pub(super) fn shared_keys<'a>(
    cas: &[CaWithKey<'_>],
    keys: impl Iterator<Item = Option<&'a PublicKey>> + Clone,
    is_link: impl Fn(usize) -> bool,
) -> Vec<(usize, SharedKey)> {
    let mut counts: HashMap<&PublicKey, usize> = HashMap::with_capacity(keys.size_hint().0);
    for key in keys.clone().flatten() {
        *counts.entry(key).or_insert(0) += 1;
    }
    let ca_of = |key: &PublicKey| cas.iter().find(|ca| ca.certificate.public_key() == key);
    let mut found = Vec::new();
    let mut of_links: HashMap<&PublicKey, usize> = HashMap::new();
    for (place, key) in keys.enumerate() {
        let Some(key) = key else { continue };
        let ca = ca_of(key);
        if ca.is_none() && counts.get(key).is_none_or(|count| *count < 2) {
            continue;
        }
        let is_link = is_link(place);
        if is_link {
            *of_links.entry(key).or_insert(0) += 1;
        }
        found.push((place, key, ca, is_link));
    }
    let found = found.into_iter().filter_map(|(place, key, ca, is_link)| {
        let files = counts.get(key)? - of_links.get(key).unwrap_or(&0);
        let copy = match ca {
            _ if is_link => OtherCopy::Target,
            Some(ca) if !ca.has_key => OtherCopy::Unknown,
            _ => OtherCopy::File,
        };
        let finding = match ca {
            Some(ca) => Finding::CaKey {
                ca: ca.path.to_owned(),
            },
            None if is_link || files > 1 => Finding::SharedKey,
            None => return None,
        };
        Some((place, SharedKey { finding, copy }))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ca::CertificateAuthority, key::PrivateKey};

    /// The shared keys that are found: the index, whether a CA has the key, and its other place.
    fn found(
        ca: Option<(&Certificate, bool)>,
        keys: &[Option<&PublicKey>],
        links: &[usize],
    ) -> Vec<(usize, bool, OtherCopy)> {
        let cas: Vec<_> = ca
            .into_iter()
            .map(|(certificate, has_key)| CaWithKey {
                path: Path::new("ca.pem"),
                certificate,
                has_key,
            })
            .collect();
        let is_link = |place| links.contains(&place);
        shared_keys(&cas, keys.iter().copied(), is_link)
            .into_iter()
            .map(|(place, shared)| {
                let is_of_ca = matches!(shared.finding, Finding::CaKey { .. });
                (place, is_of_ca, shared.copy)
            })
            .collect()
    }

    #[test]
    fn keys_of_pairs() {
        let [a, b] = [(); 2].map(|()| PrivateKey::generate().unwrap().public_key().clone());
        let (a, b) = (Some(&a), Some(&b));
        assert_eq!(found(None, &[a, b, None, None], &[]), []);
        let both = [(0, false, OtherCopy::File), (2, false, OtherCopy::File)];
        assert_eq!(found(None, &[a, b, a], &[]), both);
        // The pair with the target of the link keeps its key
        assert_eq!(
            found(None, &[a, b, a], &[2]),
            [(2, false, OtherCopy::Target)]
        );
        let links = [(1, false, OtherCopy::Target), (2, false, OtherCopy::Target)];
        assert_eq!(found(None, &[a, a, a], &[1, 2]), links);
        // One pair has a link to a file, and another file has the same key
        let all = [
            (0, false, OtherCopy::File),
            (1, false, OtherCopy::Target),
            (2, false, OtherCopy::File),
        ];
        assert_eq!(found(None, &[a, a, a], &[1]), all);
        // Each key is counted separately
        assert_eq!(found(None, &[a, a, b, b], &[1, 3]).len(), 2);
    }

    #[test]
    fn keys_of_cas() {
        let ca = CertificateAuthority::create("ca").unwrap();
        let certificate = ca.certificate();
        let other = PrivateKey::generate().unwrap().public_key().clone();
        let (own, other) = (Some(certificate.public_key()), Some(&other));
        for (has_key, copy) in [(true, OtherCopy::File), (false, OtherCopy::Unknown)] {
            let ca = Some((certificate, has_key));
            assert_eq!(found(ca, &[other, own], &[]), [(1, true, copy)]);
            assert_eq!(
                found(ca, &[own, own], &[]),
                [(0, true, copy), (1, true, copy)]
            );
            assert_eq!(found(ca, &[own], &[0]), [(0, true, OtherCopy::Target)]);
        }
    }

    #[test]
    fn only_a_request_replaces_a_file() {
        let shared = |copy| SharedKey {
            finding: Finding::SharedKey,
            copy,
        };
        assert!(shared(OtherCopy::Target).is_replaced(false));
        assert!(shared(OtherCopy::Target).is_replaced(true));
        assert!(!shared(OtherCopy::File).is_replaced(false));
        assert!(shared(OtherCopy::File).is_replaced(true));
        assert!(!shared(OtherCopy::Unknown).is_replaced(false));
        assert!(!shared(OtherCopy::Unknown).is_replaced(true));
        let of_ca = SharedKey::of_ca(PathBuf::from("ca.pem"));
        assert!(!of_ca.is_replaced(true));
    }
}

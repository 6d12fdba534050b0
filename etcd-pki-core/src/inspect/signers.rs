//! Finds the CAs that signed certificates among those that were read.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
};

use rayon::prelude::*;

use super::{contents::Contents, issuer::SIGNATURE_CHECKS};
use crate::{key::PublicKey, x509::certificate::Certificate};

/// The keys of the CAs that signed a certificate with another key.
pub(super) fn signers(read: &BTreeMap<PathBuf, Contents>) -> HashSet<&PublicKey> {
    let all = || {
        read.values().flat_map(|contents| match contents {
            Contents::Certificates(certificates) => certificates.all.as_slice(),
            _ => &[],
        })
    };
    let cas = Cas::new(all());
    let mut found = HashSet::new();
    let mut unclear = Vec::new();
    // One signature of each CA is enough
    for certificate in all() {
        let mut named = cas.named_by(certificate).peekable();
        let is_named = named.peek().is_some();
        let mut is_clear = false;
        for ca in named {
            let key = ca.public_key();
            if found.contains(key) || certificate.check_signed_with(key).is_ok() {
                found.insert(key);
                is_clear = true;
            }
        }
        if !(is_named && is_clear) {
            unclear.push(certificate);
        }
    }
    let more: Vec<&PublicKey> = unclear
        .into_par_iter()
        .filter_map(|certificate| cas.signer(certificate, &found))
        .collect();
    found.extend(more);
    found
}

/// CAs by their subjects, and by their subjects and key identifiers.
pub(super) struct Cas<'a> {
    by_subject: HashMap<String, Vec<&'a Certificate>>,
    by_identifier: HashMap<(String, Vec<u8>), Vec<&'a Certificate>>,
}

impl<'a> Cas<'a> {
    pub(super) fn new(all: impl Iterator<Item = &'a Certificate>) -> Self {
        let mut cas = Self {
            by_subject: HashMap::new(),
            by_identifier: HashMap::new(),
        };
        let mut known = HashSet::new();
        for ca in all.filter(|one| one.is_ca()) {
            let (subject, identifier) = (ca.subject(), ca.subject_key_identifier());
            if !known.insert((subject.clone(), ca.public_key(), identifier)) {
                continue;
            }
            if let Some(identifier) = identifier {
                let place = (subject.clone(), identifier.to_vec());
                cas.by_identifier.entry(place).or_default().push(ca);
            }
            cas.by_subject.entry(subject).or_default().push(ca);
        }
        cas
    }

    /// The key of the CA that signed a certificate, unless it is one of these.
    ///
    /// A renewed CA may have another key identifier, and another encoding of its subject, than
    /// those that its certificates name. So only the signature decides.
    pub(super) fn signer(
        &self,
        certificate: &Certificate,
        except: &HashSet<&PublicKey>,
    ) -> Option<&'a PublicKey> {
        let is_new = |ca: &&Certificate| !except.contains(ca.public_key());
        let named = self.named_by(certificate).filter(is_new);
        let namesakes = self.by_subject.get(&certificate.issuer());
        let namesakes = others(namesakes, certificate).filter(is_new);
        let mut candidates = named.chain(namesakes).take(SIGNATURE_CHECKS);
        let found = candidates.find(|ca| certificate.check_signed_with(ca.public_key()).is_ok());
        found.map(Certificate::public_key)
    }

    /// The CAs with the name and the key identifier of a certificate's issuer.
    fn named_by<'b>(
        &'b self,
        certificate: &'b Certificate,
    ) -> impl Iterator<Item = &'a Certificate> {
        let named = certificate.authority_key_identifier();
        let place = named.map(|named| (certificate.issuer(), named.to_vec()));
        let found = place.and_then(|place| self.by_identifier.get(&place));
        others(found, certificate).take(SIGNATURE_CHECKS)
    }
}

/// The CAs with another key than a certificate.
fn others<'a, 'b>(
    found: Option<&'b Vec<&'a Certificate>>,
    certificate: &'b Certificate,
) -> impl Iterator<Item = &'a Certificate> {
    let found = found.into_iter().flatten().copied();
    found.filter(|ca| ca.public_key() != certificate.public_key())
}

#[cfg(test)]
mod tests {
    use super::{super::reading::Reading, *};
    use crate::test_certificates::{self, Made};

    /// The CAs of a directory that signed a certificate in one of its files.
    #[test]
    fn cas_that_signed() {
        let [root, stranger] =
            ["root", "stranger"].map(|name| Made::root(test_certificates::ca(name, None)));
        let middle = root.sign(test_certificates::ca("middle", None));
        let leaf = middle.sign(test_certificates::leaf("leaf"));
        let scratch = tempfile::tempdir().unwrap();
        for (file, all) in [
            ("ca.pem", &[&stranger, &root][..]),
            ("leaf.pem", &[&leaf, &middle]),
        ] {
            let texts: Vec<_> = all.iter().map(|made| made.certificate.to_pem()).collect();
            std::fs::write(scratch.path().join(file), texts.concat()).unwrap();
        }
        let reading = Reading::of([scratch.path()]);
        let expected = [&root, &middle].map(|made| made.certificate.public_key());
        assert_eq!(signers(&reading.contents), expected.into_iter().collect());
    }

    /// Whether a CA is found as the signer of a certificate, also next to other CAs.
    #[track_caller]
    fn is_signer(certificate: &Certificate, ca: &Certificate, others: &[&Certificate]) -> bool {
        let none = HashSet::new();
        let alone = Cas::new([ca].into_iter());
        let alone = alone.signer(certificate, &none) == Some(ca.public_key());
        let cas = Cas::new(others.iter().copied().chain([ca]));
        let among = cas.signer(certificate, &none) == Some(ca.public_key());
        assert_eq!(alone, among);
        alone
    }

    #[test]
    fn what_a_ca_signed() {
        let ca = Made::root(test_certificates::ca("ca", None));
        let namesake = Made::root(test_certificates::ca("ca", None));
        let others = [&namesake.certificate];
        let mut anonymous = test_certificates::leaf("leaf");
        anonymous.use_authority_key_identifier_extension = false;
        // A renewed CA may have another key identifier than the one that its certificates name
        let renewed = ca.again(|params| {
            params.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(vec![7; 20]);
        });
        let encoded = ca.again(|params| {
            let name = rcgen::string::PrintableString::try_from("ca").unwrap();
            let name = rcgen::DnValue::PrintableString(name);
            params.distinguished_name = rcgen::DistinguishedName::new();
            let names = &mut params.distinguished_name;
            names.push(rcgen::DnType::CommonName, name);
        });
        for params in [test_certificates::leaf("leaf"), anonymous] {
            let leaf = ca.sign(params).certificate;
            for ca in [&ca, &renewed, &encoded] {
                assert!(is_signer(&leaf, &ca.certificate, &others));
            }
            assert!(!is_signer(&leaf, &namesake.certificate, &[]));
        }
        // Each host may have a CA of the same name
        let hosts: Vec<_> = (0..SIGNATURE_CHECKS + 20)
            .map(|_| Made::root(test_certificates::ca("ca", None)))
            .collect();
        let leaf = hosts[SIGNATURE_CHECKS + 10].sign(test_certificates::leaf("leaf"));
        let cas = Cas::new(hosts.iter().map(|host| &host.certificate));
        let found = cas.signer(&leaf.certificate, &HashSet::new());
        let expected = hosts[SIGNATURE_CHECKS + 10].certificate.public_key();
        assert_eq!(found, Some(expected));
        // A CA's signature on its own certificate does not count
        assert!(!is_signer(&ca.certificate, &ca.certificate, &others));
        assert!(!is_signer(&renewed.certificate, &ca.certificate, &others));
    }
}

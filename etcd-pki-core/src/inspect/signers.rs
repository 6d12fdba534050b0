//! Finds the CAs that signed certificates among those that were read.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::PathBuf,
};

use rayon::prelude::*;

use super::contents::Contents;
use crate::{key::PublicKey, x509::certificate::Certificate};

/// The keys of the CAs that signed a certificate with another key.
pub(super) fn signers(read: &BTreeMap<PathBuf, Contents>) -> HashSet<&PublicKey> {
    let all = read.values().flat_map(|contents| match contents {
        Contents::Certificates(certificates) => certificates.all.as_slice(),
        _ => &[],
    });
    let mut by_issuer: HashMap<String, Vec<&Certificate>> = HashMap::new();
    let mut cas: HashMap<&PublicKey, &Certificate> = HashMap::new();
    for certificate in all {
        if certificate.is_ca() {
            cas.insert(certificate.public_key(), certificate);
        }
        let signed = by_issuer.entry(certificate.issuer()).or_default();
        signed.push(certificate);
    }
    cas.into_par_iter()
        .filter(|(_, ca)| {
            let named = by_issuer.get(&ca.subject()).map_or(&[][..], Vec::as_slice);
            named.par_iter().any(|one| is_signed(one, ca))
        })
        .map(|(key, _)| key)
        .collect()
}

/// Whether a CA signed a certificate. The key identifiers are compared first, because signatures
/// cost more.
pub(super) fn is_signed(certificate: &Certificate, ca: &Certificate) -> bool {
    let named = certificate.authority_key_identifier();
    let differs = named
        .zip(ca.subject_key_identifier())
        .is_some_and(|(named, own)| named != own);
    !differs
        && certificate.public_key() != ca.public_key()
        && certificate.check_issued_by(ca).is_ok()
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

    #[test]
    fn what_a_ca_signed() {
        let ca = Made::root(test_certificates::ca("ca", None));
        let namesake = Made::root(test_certificates::ca("ca", None));
        let mut anonymous = test_certificates::leaf("leaf");
        anonymous.use_authority_key_identifier_extension = false;
        for params in [test_certificates::leaf("leaf"), anonymous] {
            let leaf = ca.sign(params).certificate;
            assert!(is_signed(&leaf, &ca.certificate));
            assert!(!is_signed(&leaf, &namesake.certificate));
        }
        // A CA's signature on its own certificate does not count
        assert!(!is_signed(&ca.certificate, &ca.certificate));
        let renewed = ca.again(|params| params.not_after = rcgen::date_time_ymd(2090, 1, 1));
        assert!(!is_signed(&renewed.certificate, &ca.certificate));
    }
}

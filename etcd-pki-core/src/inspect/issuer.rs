//! Finds the CA that signed a certificate. Every command uses this module.

use std::path::Path;

use crate::{error::Error, finding::Finding, x509::certificate::Certificate};

/// The maximum number of signature checks for one certificate. Go's `crypto/x509` has the same
/// limit.
pub(super) const SIGNATURE_CHECKS: usize = 100;

/// The signer of a certificate, among some CAs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Issuer<T> {
    /// This CA
    Ca(T),
    /// A CA with the issuer's name, but with an algorithm that is not supported here. The text
    /// names the algorithm
    NotSupported(String),
    /// The certificate names one of the CAs, but Go refuses the algorithm of its signature, such as
    /// SHA-1. The text is the reason
    Refused(String),
    /// None of them
    Unknown {
        /// Whether one of the CAs has the issuer's name, but another key
        same_name: bool,
        /// The reason why the signature is not valid, although the certificate names the key
        /// of a CA
        damaged: Option<String>,
    },
}

impl<T> Issuer<T> {
    /// The reason why a certificate is not accepted; `None` if one of the CAs signed it. `ca`
    /// is the file of the CA that should have signed it.
    pub(crate) fn refusal(self, certificate: &Certificate, ca: Option<&Path>) -> Option<Finding> {
        match self {
            Self::Ca(_) => None,
            Self::NotSupported(what) => Some(Finding::NotSupported {
                subject: None,
                what,
            }),
            Self::Refused(reason)
            | Self::Unknown {
                damaged: Some(reason),
                ..
            } => Some(Finding::Signature {
                subject: certificate.subject(),
                reason,
            }),
            Self::Unknown { same_name, .. } => Some(Finding::OtherCa {
                issuer: certificate.issuer(),
                ca: ca.map(Path::to_owned),
                same_name,
            }),
        }
    }
}

/// Finds the CA that signed a certificate. If the CA has several certificates, this is the one that
/// expires last, because a CA's earlier certificate may be kept next to the renewed one.
pub(crate) fn of<'a, T>(
    certificate: &Certificate,
    cas: impl IntoIterator<Item = (T, &'a Certificate)>,
) -> Issuer<T> {
    let mut found: Option<(T, &Certificate)> = None;
    let mut not_supported = None;
    let mut same_name = false;
    let mut may_be_of = false;
    let mut damaged = None;
    let named = cas
        .into_iter()
        .filter(|(_, ca)| certificate.names_issuer(ca));
    for (place, ca) in named.take(SIGNATURE_CHECKS) {
        same_name = true;
        match certificate.check_issued_by(ca) {
            Ok(()) => {
                let is_later = found
                    .as_ref()
                    .is_none_or(|(_, earlier)| earlier.not_after() < ca.not_after());
                if is_later {
                    found = Some((place, ca));
                }
            }
            Err(Error::Unsupported { what, .. }) => not_supported = Some(what),
            Err(error) => {
                let named = names_key(certificate, ca);
                may_be_of |= named != Some(false);
                if let Error::Signature { reason, .. } = error
                    && named == Some(true)
                {
                    damaged = Some(reason);
                }
            }
        }
    }
    match (found, not_supported) {
        (Some((place, _)), _) => Issuer::Ca(place),
        (None, Some(what)) => Issuer::NotSupported(what),
        (None, None) => match certificate.refused_signature().filter(|_| may_be_of) {
            Some(reason) => Issuer::Refused(reason),
            None => Issuer::Unknown { same_name, damaged },
        },
    }
}

/// Whether a certificate names the key of this CA by its identifier; `None` if one of the two has
/// no identifier.
fn names_key(certificate: &Certificate, ca: &Certificate) -> Option<bool> {
    let named = certificate.authority_key_identifier();
    named
        .zip(ca.subject_key_identifier())
        .map(|(named, own)| named == own)
}

/// Whether one of these CAs signed a certificate.
pub(crate) fn is_signed_by<'a>(
    certificate: &Certificate,
    cas: impl IntoIterator<Item = &'a Certificate>,
) -> bool {
    let cas = cas.into_iter().map(|ca| ((), ca));
    matches!(of(certificate, cas), Issuer::Ca(()))
}

/// Whether the certificates after a leaf in its file lead to a trusted certificate.
pub(crate) fn chain_is_trusted<'a>(
    leaf: &Certificate,
    chain: &[Certificate],
    trusted: impl IntoIterator<Item = &'a Certificate> + Clone,
) -> bool {
    let mut top = leaf;
    for above in chain {
        if !is_signed_by(top, [above]) {
            return false;
        }
        let is_trusted = trusted.clone().into_iter().any(|one| one == above);
        if is_trusted || is_signed_by(above, trusted.clone()) {
            return true;
        }
        top = above;
    }
    false
}

#[cfg(test)]
mod tests {
    use rcgen::{KeyIdMethod, date_time_ymd};

    use super::*;
    use crate::{
        ca::CertificateAuthority,
        role::Role,
        test_certificates::{self, Made},
        x509::identity::Identity,
    };

    #[test]
    fn a_ca_of_the_same_name_differs_from_a_stranger() {
        let [own, namesake, stranger] = ["etcd-ca", "etcd-ca", "other-ca"]
            .map(|name| CertificateAuthority::create(name).unwrap());
        let client = own.issue(Role::Client, Identity::new("a").unwrap());
        let client = client.unwrap();
        let judge = |cas: &[&CertificateAuthority]| {
            let cas = cas.iter().enumerate();
            of(
                client.certificate(),
                cas.map(|(at, ca)| (at, ca.certificate())),
            )
        };
        let unknown = |same_name| Issuer::Unknown {
            same_name,
            damaged: None,
        };
        assert_eq!(judge(&[]), unknown(false));
        assert_eq!(judge(&[&namesake, &own]), Issuer::Ca(1));
        assert_eq!(judge(&[&stranger]), unknown(false));
        assert_eq!(judge(&[&stranger, &namesake]), unknown(true));
    }

    #[test]
    fn work_is_bounded() {
        let own = CertificateAuthority::create("etcd-ca").unwrap();
        let client = own
            .issue(Role::Client, Identity::new("a").unwrap())
            .unwrap();
        let namesake = CertificateAuthority::create("etcd-ca").unwrap();
        let judge = |before: usize| {
            let others = std::iter::repeat_n(namesake.certificate(), before);
            is_signed_by(client.certificate(), others.chain([own.certificate()]))
        };
        assert!(judge(SIGNATURE_CHECKS - 1));
        assert!(!judge(SIGNATURE_CHECKS));
    }

    /// If a CA has several certificates, the result is the one that expires last, at any position.
    #[test]
    fn the_certificate_of_a_ca_that_expires_last() {
        let ca = Made::root(test_certificates::ca("ca", None));
        let leaf = ca.sign(test_certificates::leaf("leaf")).certificate;
        let until = |year| ca.again(|params| params.not_after = date_time_ymd(year, 1, 1));
        let mut years = [2031, 2033, 2032].map(|year| (year, until(year).certificate));
        for _ in 0..3 {
            years.rotate_left(1);
            let found = of(&leaf, years.iter().map(|(year, ca)| (*year, ca)));
            assert_eq!(found, Issuer::Ca(2033));
        }
    }

    /// A signature with SHA-1 cannot be checked. It is refused, unless the key identifiers show
    /// that another CA signed it.
    #[cfg(feature = "rsa")]
    #[test]
    fn signatures_that_go_refuses() {
        let named = |key: Option<u8>| {
            let mut params = test_certificates::ca("ca", None);
            if let Some(key) = key {
                params.key_identifier_method = KeyIdMethod::PreSpecified(vec![key; 20]);
            }
            params
        };
        let ca = Made::rsa_root(named(Some(1)));
        let other = Made::root(named(Some(2))).certificate;
        let stranger = Made::root(test_certificates::ca("other", None)).certificate;
        // Replaces sha256WithRSAEncryption with sha1WithRSAEncryption
        let with_sha1 = |made: Made| {
            let mut der = made.certificate.as_der().to_vec();
            let oid = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b";
            while let Some(at) = der.windows(oid.len()).position(|part| part == oid) {
                der[at + oid.len() - 1] = 5;
            }
            Certificate::from_der(&der).unwrap()
        };
        let by_key = with_sha1(ca.sign(test_certificates::leaf("leaf")));
        let mut anonymous = test_certificates::leaf("leaf");
        anonymous.use_authority_key_identifier_extension = false;
        let anonymous = with_sha1(ca.sign(anonymous));
        let judge =
            |leaf: &Certificate, cas: &[&Certificate]| of(leaf, cas.iter().map(|ca| ((), *ca)));
        let refused = |leaf: &Certificate, cas: &[&Certificate]| {
            matches!(judge(leaf, cas), Issuer::Refused(_))
        };
        let own = &ca.certificate;
        assert!(refused(&by_key, &[own]));
        assert!(refused(&by_key, &[own, &other]) && refused(&by_key, &[&other, own]));
        assert_eq!(
            judge(&by_key, &[&other]),
            Issuer::Unknown {
                same_name: true,
                damaged: None
            }
        );
        assert!(refused(&anonymous, &[own]) && refused(&anonymous, &[&other]));
        let unknown = Issuer::Unknown {
            same_name: false,
            damaged: None,
        };
        assert_eq!(judge(&anonymous, &[&stranger]), unknown);
        // The algorithm is not the reason if the signature is wrong
        let leaf = ca.sign(test_certificates::leaf("leaf")).certificate;
        let same_name = Issuer::Unknown {
            same_name: true,
            damaged: None,
        };
        assert_eq!(judge(&leaf, &[&other]), same_name);
    }

    #[test]
    fn chains_in_a_file() {
        let root = Made::root(test_certificates::ca("root", None));
        let upper = root.sign(test_certificates::ca("upper", None));
        let lower = upper.sign(test_certificates::ca("lower", None));
        let leaf = lower.sign(test_certificates::leaf("leaf")).certificate;
        let stranger = Made::root(test_certificates::ca("root", None)).certificate;
        let [root, upper, lower] = [root, upper, lower].map(|made| made.certificate);
        let chain = |all: &[&Certificate]| all.iter().copied().cloned().collect::<Vec<_>>();
        for (above, trusted, expected) in [
            (&[&lower, &upper][..], &root, true),
            (&[&lower, &upper, &root], &root, true),
            (&[&lower], &upper, true),
            (&[&lower, &upper], &upper, true),
            (&[&lower], &lower, true),
            (&[&lower], &root, false),
            (&[&upper], &root, false),
            (&[&upper, &lower], &root, false),
            (&[&lower, &upper, &root], &stranger, false),
            (&[], &lower, false),
            // The chain of a leaf does not include the leaf
            (&[&stranger], &stranger, false),
        ] {
            let found = chain_is_trusted(&leaf, &chain(above), [trusted]);
            assert_eq!(found, expected, "{} above", above.len());
        }
    }
}

//! Decides whether Go accepts a certificate that a CA is about to sign, or has just signed.
//!
//! The rules are those of a [`Verifier`](super::Verifier). The CAs are checked only once for all
//! certificates that they sign.

use std::time::SystemTime;

use super::{chain, check_extensions, check_time, check_usage, name_constraints};
use crate::{
    error::Error,
    finding::Finding,
    x509::{
        certificate::Certificate,
        extensions::{AlternativeNames, ExtendedKeyUsage},
    },
};

/// A signing CA, and the known CAs above it.
#[derive(Debug)]
pub(crate) struct SigningChain {
    /// The signing CA, its issuer, and so on
    cas: Vec<Certificate>,
    /// The period in which each is valid
    validity: Vec<(SystemTime, SystemTime)>,
    /// The reason why Go accepts no certificate of the CA, at any time
    refused: Option<Finding>,
    /// Whether a CA limits the usages or the names of leaves
    has_limits: bool,
}

/// The parts of a leaf certificate that a CA can restrict.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wishes<'a> {
    /// The usages that must be allowed
    pub(crate) usages: &'a [ExtendedKeyUsage],
    /// The alternative names, if there are any
    pub(crate) names: Option<&'a AlternativeNames>,
}

impl SigningChain {
    /// Checks a CA. The certificates above it are in order: each one signed the one before.
    pub(crate) fn new(ca: Certificate, above: Vec<Certificate>) -> Self {
        let mut cas = Vec::with_capacity(above.len() + 1);
        cas.push(ca);
        cas.extend(above);
        let has_limits = cas.iter().any(|ca| {
            ca.extended_key_usages().is_some() || ca.extensions().name_constraints.is_some()
        });
        let validity = cas.iter().map(|ca| (ca.not_before(), ca.not_after()));
        Self {
            validity: validity.collect(),
            refused: judge(&cas).err(),
            has_limits,
            cas,
        }
    }

    /// The time at which the first of these CAs expires.
    pub(crate) fn end(&self) -> SystemTime {
        let ends = self.validity.iter().map(|(_, end)| *end);
        ends.min().unwrap_or(SystemTime::UNIX_EPOCH)
    }

    /// The lengths in DER of the CAs that follow a leaf in its file: all but the root.
    pub(crate) fn sent_lengths(&self) -> impl Iterator<Item = usize> {
        let sent = self.cas.iter().filter(|ca| !ca.is_self_signed());
        sent.map(|ca| ca.as_der().len())
    }

    /// Whether a leaf can be refused for its usages or names.
    pub(crate) fn has_limits(&self) -> bool {
        self.has_limits
    }

    /// Checks whether Go accepts any certificate that the CA signs at a given time. If the CA is
    /// renewed before it signs, its own validity does not matter.
    ///
    /// # Errors
    ///
    /// The reason.
    pub(crate) fn check_cas(&self, now: SystemTime, is_renewed: bool) -> Result<(), Finding> {
        for (place, (begin, end)) in self.validity.iter().enumerate() {
            if (now < *begin || now > *end) && !(is_renewed && place == 0) {
                check_time(&self.cas[place], now)?;
            }
        }
        self.refused.clone().map_or(Ok(()), Err)
    }

    /// Checks whether these CAs allow the parts of a leaf certificate.
    ///
    /// # Errors
    ///
    /// The part that they do not allow.
    pub(crate) fn check_wishes(&self, wishes: Wishes<'_>) -> Result<(), Finding> {
        if !self.has_limits {
            return Ok(());
        }
        for usage in wishes.usages {
            check_usage(&self.cas, usage)?;
        }
        for ca in &self.cas {
            name_constraints::check(ca, wishes.names.into_iter())?;
        }
        Ok(())
    }

    /// Checks whether Go accepts a certificate that the CA has just signed. It checks everything
    /// except the signature.
    ///
    /// # Errors
    ///
    /// The reason.
    pub(crate) fn check_signed(
        &self,
        certificate: &Certificate,
        usages: &[ExtendedKeyUsage],
        now: SystemTime,
    ) -> Result<(), Finding> {
        self.check_cas(now, false)?;
        check_extensions(certificate)?;
        if !self.has_limits {
            return Ok(());
        }
        self.check_wishes(Wishes {
            usages,
            names: certificate.alternative_names(),
        })
    }
}

/// Checks the CAs above a leaf as Go does, without the time (`isValid` in `crypto/x509/verify.go`).
fn judge(cas: &[Certificate]) -> Result<(), Finding> {
    for (between, ca) in cas.iter().enumerate() {
        let is_last = between + 1 == cas.len();
        chain::check_ca(ca, is_last)?;
        check_extensions(ca)?;
        if !(is_last && ca.is_self_signed()) {
            chain::check_policies(ca)?;
        }
        chain::check_path_length(ca, between)?;
        let below = cas[..between].iter();
        name_constraints::check(ca, below.filter_map(Certificate::alternative_names))?;
    }
    Ok(())
}

/// The reason why Go accepts no certificate that this trusted one signed: it is not a CA.
pub(crate) fn refused_as_root(certificate: &Certificate) -> Option<Finding> {
    chain::check_ca(certificate, true).err()
}

/// The error for a certificate that Go would refuse.
pub(crate) fn unacceptable(finding: Finding) -> Error {
    match finding {
        Finding::Expired {
            subject: Some(subject),
            not_after,
        } => Error::CaExpired { subject, not_after },
        Finding::NotYetValid {
            subject: Some(subject),
            not_before,
        } => Error::CaNotYetValid {
            subject,
            not_before,
        },
        finding => Error::Unacceptable {
            code: finding.code(),
            reason: finding.to_string(),
            fix: finding.fix(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::{CertificateParams, CustomExtension, ExtendedKeyUsagePurpose};

    use super::*;
    use crate::{
        ca::CertificateAuthority,
        role::Role,
        test_certificates::{self, Made},
        x509::identity::Identity,
    };

    /// Every CA of a chain must be valid, to the second. A CA that is renewed before it signs is
    /// the exception.
    #[test]
    fn times_of_cas() {
        let create = |name| CertificateAuthority::create(name).unwrap();
        let (ca, above) = (create("ca"), create("above"));
        let (ca, above) = (ca.certificate().clone(), above.certificate().clone());
        let begin = ca.not_before().max(above.not_before());
        let end = ca.not_after().min(above.not_after());
        let second = Duration::from_secs(1);
        let alone = SigningChain::new(ca.clone(), Vec::new());
        let instants = [
            (begin, true),
            (end, true),
            (begin - Duration::from_secs(60), false),
            (end + Duration::from_secs(60), false),
        ];
        for (now, is_valid) in instants {
            assert_eq!(alone.check_cas(now, false).is_ok(), is_valid, "{now:?}");
            assert!(alone.check_cas(now, true).is_ok(), "{now:?}");
        }
        assert!(alone.check_cas(ca.not_before(), false).is_ok());
        assert!(alone.check_cas(ca.not_before() - second, false).is_err());
        assert!(alone.check_cas(ca.not_after(), false).is_ok());
        assert!(alone.check_cas(ca.not_after() + second, false).is_err());
        // Only the first CA is renewed
        let both = SigningChain::new(ca, vec![above]);
        for (now, is_valid) in instants {
            assert_eq!(both.check_cas(now, false).is_ok(), is_valid, "{now:?}");
            assert_eq!(both.check_cas(now, true).is_ok(), is_valid, "{now:?}");
        }
    }

    #[test]
    fn what_a_leaf_signs_is_refused() {
        let ca = CertificateAuthority::create("ca").unwrap();
        let leaf = ca.issue(Role::Client, Identity::new("a").unwrap()).unwrap();
        let (ca, leaf) = (ca.certificate(), leaf.certificate());
        let now = leaf.not_before();
        let chain = |signing: &Certificate| SigningChain::new(signing.clone(), Vec::new());
        assert!(chain(ca).check_signed(leaf, &[], now).is_ok());
        assert!(chain(leaf).check_signed(leaf, &[], now).is_err());
        assert!(chain(leaf).check_cas(now, true).is_err());
        assert!(refused_as_root(leaf).is_some() && refused_as_root(ca).is_none());
        // The time at which the CA signs
        let late = ca.not_after() + Duration::from_secs(1);
        assert!(chain(ca).check_signed(leaf, &[], late).is_err());
    }

    fn with_policies(name: &str) -> CertificateParams {
        // requireExplicitPolicy:0 (RFC 5280, section 4.2.1.11)
        let value = vec![0x30, 3, 0x80, 1, 0];
        let mut extension = CustomExtension::from_oid_content(&[2, 5, 29, 36], value);
        extension.set_criticality(true);
        let mut params = test_certificates::ca(name, None);
        params.custom_extensions = vec![extension];
        params
    }

    /// Go ignores the policies of a trusted CA; etcd-pki cannot judge those of another CA.
    #[test]
    fn policies_of_cas() {
        let (plain, limited) = (
            Made::root(test_certificates::ca("root", None)),
            Made::root(with_policies("root")),
        );
        let judge = |ca: &Made, above: &[&Made]| {
            let above = above.iter().map(|made| made.certificate.clone());
            let chain = SigningChain::new(ca.certificate.clone(), above.collect());
            chain.check_cas(SystemTime::now(), false).is_ok()
        };
        assert!(judge(&plain, &[]) && judge(&limited, &[]));
        let below_plain = plain.sign(with_policies("ca"));
        let below_limited = limited.sign(test_certificates::ca("ca", None));
        assert!(judge(&below_limited, &[&limited]));
        assert!(!judge(&below_plain, &[&plain]));
        // The root is unknown here, so this CA is not the trusted one
        assert!(!judge(&below_plain, &[]));
    }

    #[test]
    fn limits_of_cas() {
        let mut params = test_certificates::ca("ca", None);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let limited = Made::root(params);
        let plain = Made::root(test_certificates::ca("ca", None));
        let now = SystemTime::now();
        let client = [ExtendedKeyUsage::ClientAuth];
        let both = [ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth];
        for (ca, has_limits) in [(limited, true), (plain, false)] {
            let leaf = ca.sign(test_certificates::member("leaf")).certificate;
            let chain = SigningChain::new(ca.certificate, Vec::new());
            assert_eq!(chain.has_limits(), has_limits);
            assert!(chain.check_signed(&leaf, &client, now).is_ok());
            assert_eq!(chain.check_signed(&leaf, &both, now).is_err(), has_limits);
            let wishes = Wishes {
                usages: &both,
                names: None,
            };
            assert_eq!(chain.check_wishes(wishes).is_err(), has_limits);
        }
    }

    /// The path length of a CA limits the number of CAs below it.
    #[test]
    fn path_lengths_of_cas() {
        for (upper, lower, allowed) in [
            (None, None, true),
            (Some(0), None, false),
            (Some(1), None, true),
            (Some(1), Some(0), true),
        ] {
            let root = Made::root(test_certificates::ca("root", upper));
            let ca = root.sign(test_certificates::ca("ca", lower));
            let chain = SigningChain::new(ca.certificate, vec![root.certificate]);
            let checked = chain.check_cas(SystemTime::now(), false);
            assert_eq!(checked.is_ok(), allowed, "{upper:?} {lower:?}");
        }
    }
}

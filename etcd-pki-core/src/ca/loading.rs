//! Loads a CA: finds the certificate of the key, and checks that it may sign.

use std::time::SystemTime;

use super::{CertificateAuthority, SigningKey};
use crate::{
    ca::signer::Signer,
    error::{Error, Result},
    key::{PrivateKey, PublicKey},
    time::clock,
    x509::{bundle, certificate::Certificate, extensions::KeyUsage},
};

impl CertificateAuthority {
    /// Loads a CA from its certificate and key.
    ///
    /// If there are several certificates, the CA's is the one with this key, and the others are
    /// above it. The CA must be allowed to sign certificates and must not be expired.
    ///
    /// # Errors
    ///
    /// [`Error::KeyMismatch`], [`Error::NotACa`], [`Error::CaExpired`],
    /// [`Error::CaNotYetValid`]; [`Error::Signature`] if the certificates above do not
    /// belong to it.
    pub fn load(certificates: Vec<Certificate>, key: PrivateKey) -> Result<Self> {
        Self::load_at(certificates, key, clock::now())
    }

    /// Loads a CA as [`CertificateAuthority::load`] does, at a given time.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::load`].
    pub fn load_at(
        certificates: Vec<Certificate>,
        key: PrivateKey,
        now: SystemTime,
    ) -> Result<Self> {
        let (certificate, above) = choose(certificates, key.public_key())?;
        Self::from_parts(certificate, above, SigningKey::Here(Box::new(key)), now)
    }

    /// Loads a CA from PEM, as [`CertificateAuthority::load`] does.
    ///
    /// # Errors
    ///
    /// As [`Certificate::all_from_bytes`], [`PrivateKey::from_pem`] and
    /// [`CertificateAuthority::load`].
    pub fn from_pem(certificates: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self> {
        let certificates = Certificate::all_from_bytes(certificates.as_ref())?;
        Self::load(certificates, PrivateKey::from_pem(key)?)
    }

    /// Loads a CA with its key in another process or device. Each signature is verified before it
    /// is used.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::load`].
    pub fn from_signer(
        certificates: Vec<Certificate>,
        signer: impl Signer + 'static,
    ) -> Result<Self> {
        Self::from_signer_at(certificates, signer, clock::now())
    }

    /// Loads a CA as [`CertificateAuthority::from_signer`] does, at a given time.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::load`].
    pub fn from_signer_at(
        certificates: Vec<Certificate>,
        signer: impl Signer + 'static,
        now: SystemTime,
    ) -> Result<Self> {
        let (certificate, above) = choose(certificates, signer.public_key())?;
        let signer = SigningKey::Elsewhere(Box::new(signer));
        Self::from_parts(certificate, above, signer, now)
    }
}

/// Finds the certificate of this key, and those above it, in order.
fn choose(
    mut certificates: Vec<Certificate>,
    key: &PublicKey,
) -> Result<(Certificate, Vec<Certificate>)> {
    let Some(own) = bundle::place_of_key(&certificates, key) else {
        let Some(first) = certificates.first() else {
            return Err(Error::MissingBlock {
                what: "certificate",
                found: Vec::new(),
            });
        };
        return Err(Error::KeyMismatch {
            expected: first.public_key().fingerprint_sha256(),
            found: key.fingerprint_sha256(),
        });
    };
    let certificate = certificates.remove(own);
    let above = cas_above(&certificate, &certificates);
    Ok((certificate, above))
}

/// The limit of Go's `crypto/x509` for the signature checks of one certificate.
const SIGNATURE_CHECKS: usize = 100;

/// The CAs above a certificate that are among these, its issuer first. If a CA has several
/// certificates, the one that expires last is used.
pub(crate) fn cas_above(certificate: &Certificate, known: &[Certificate]) -> Vec<Certificate> {
    let mut above: Vec<Certificate> = Vec::new();
    loop {
        let top = above.last().unwrap_or(certificate);
        if top.is_self_signed() {
            return above;
        }
        let named = known
            .iter()
            .filter(|issuer| top.names_issuer(issuer) && !above.contains(issuer));
        let issuers = named
            .take(SIGNATURE_CHECKS)
            .filter(|issuer| top.check_issued_by(issuer).is_ok());
        let Some(issuer) = issuers.max_by_key(|issuer| issuer.not_after()) else {
            return above;
        };
        above.push(issuer.clone());
    }
}

/// Checks the path lengths of the CAs above (RFC 5280, section 4.2.1.9).
pub(super) fn check_path_lengths(above: &[Certificate]) -> Result<()> {
    for (between, upper) in above.iter().enumerate() {
        let below = between + 1;
        if let Some(allowed) = upper
            .path_length()
            .filter(|allowed| usize::from(*allowed) < below)
        {
            return Err(Error::NotACa {
                subject: upper.subject(),
                reason: format!("it allows {allowed} CAs below it, and there are {below}"),
            });
        }
    }
    Ok(())
}

/// Checks that a certificate may sign certificates (RFC 5280, section 4.2.1.9 and 4.2.1.3).
pub(super) fn check_ca(certificate: &Certificate) -> Result<()> {
    let is_ca = certificate.is_ca();
    let reason = if !is_ca && certificate.extensions().basic_constraints.is_none() {
        "it has no basicConstraints"
    } else if !is_ca {
        "its basicConstraints say CA:FALSE"
    } else if certificate
        .key_usages()
        .is_some_and(|usages| !usages.contains(&KeyUsage::KeyCertSign))
    {
        "its keyUsage lacks keyCertSign"
    } else {
        return Ok(());
    };
    Err(Error::NotACa {
        subject: certificate.subject(),
        reason: reason.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{IsCa, KeyUsagePurpose, date_time_ymd};

    use super::*;
    use crate::test_certificates::{self, Made};

    fn ca(name: &str) -> rcgen::CertificateParams {
        test_certificates::ca(name, None)
    }

    #[test]
    fn the_cas_above_a_certificate() {
        let root = Made::root(ca("root"));
        let middle = root.sign(ca("middle"));
        let leaf = middle.sign(test_certificates::leaf("leaf")).certificate;
        let other = Made::root(ca("other")).certificate;
        let (r, m) = (root.certificate.clone(), middle.certificate.clone());
        let above = |known: &[&Certificate]| {
            let known: Vec<Certificate> = known.iter().copied().cloned().collect();
            cas_above(&leaf, &known)
        };
        assert_eq!(above(&[&other, &r, &m]), [m.clone(), r.clone()]);
        assert_eq!(above(&[&m, &other]), std::slice::from_ref(&m));
        assert_eq!(above(&[&r, &other]), []);
        assert_eq!(cas_above(&r, &[other.clone(), r.clone()]), []);
        // Another CA with the same name did not sign it
        let namesake = Made::root(ca("middle")).certificate;
        assert_eq!(above(&[&namesake, &r]), []);
        assert_eq!(above(&[&namesake, &m, &r]), [m, r]);
        // If a CA has several certificates, the last to expire is used
        let until = |year| root.again(|params| params.not_after = date_time_ymd(year, 1, 1));
        let years = [2031, 2033, 2032].map(|year| until(year).certificate);
        for turn in 0..3 {
            let mut known = years.to_vec();
            known.rotate_left(turn);
            assert_eq!(cas_above(&middle.certificate, &known), [years[1].clone()]);
        }
    }

    #[test]
    fn cas_that_signed_each_other() {
        let (one, other) = (Made::root(ca("one")), Made::root(ca("other")));
        let leaf = one.sign(test_certificates::leaf("leaf")).certificate;
        let known = [other.sign_again(&one), one.sign_again(&other)];
        let known = known.map(|made| made.certificate);
        assert_eq!(cas_above(&leaf, &known), known);
    }

    /// The path length limits the number of CAs between, as RFC 5280, section 4.2.1.9, counts them.
    #[test]
    fn path_lengths() {
        let of = |length| Made::root(test_certificates::ca("ca", length)).certificate;
        for (lengths, allowed) in [
            (&[][..], true),
            (&[None, None], true),
            (&[Some(0)], false),
            (&[Some(1)], true),
            (&[Some(1), Some(1)], false),
            (&[Some(1), Some(2)], true),
            (&[None, Some(2), None], true),
            (&[None, Some(1)], false),
            (&[Some(2), Some(0)], false),
            (&[None, None, Some(2)], false),
            (&[None, None, Some(3)], true),
        ] {
            let above: Vec<Certificate> = lengths.iter().map(|length| of(*length)).collect();
            assert_eq!(check_path_lengths(&above).is_ok(), allowed, "{lengths:?}");
        }
    }

    #[test]
    fn who_may_sign() {
        for (is_ca, usages, expected) in [
            (None, &[][..], Some("it has no basicConstraints")),
            (Some(false), &[], Some("its basicConstraints say CA:FALSE")),
            (Some(true), &[], None),
            (Some(true), &[KeyUsagePurpose::KeyCertSign], None),
            (
                Some(true),
                &[KeyUsagePurpose::CrlSign, KeyUsagePurpose::KeyCertSign],
                None,
            ),
            (
                Some(true),
                &[KeyUsagePurpose::CrlSign],
                Some("its keyUsage lacks keyCertSign"),
            ),
        ] {
            let mut params = ca("ca");
            params.key_usages = usages.to_vec();
            match is_ca {
                None => params.is_ca = IsCa::NoCa,
                Some(false) => params.is_ca = IsCa::ExplicitNoCa,
                Some(true) => {}
            }
            let reason = match check_ca(&Made::root(params).certificate) {
                Ok(()) => None,
                Err(Error::NotACa { reason, .. }) => Some(reason),
                Err(other) => panic!("{other:?}"),
            };
            assert_eq!(reason.as_deref(), expected, "{is_ca:?} {usages:?}");
        }
    }
}

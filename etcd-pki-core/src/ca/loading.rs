//! Loading a CA: which certificate belongs to the key, and whether it may sign.

use std::time::SystemTime;

use super::{CertificateAuthority, SigningKey};
use crate::{
    bundle,
    certificate::Certificate,
    clock,
    error::{Error, Result},
    extensions::KeyUsage,
    key::{PrivateKey, PublicKey},
    signer::Signer,
};

impl CertificateAuthority {
    /// Loads a CA from its certificate and key.
    ///
    /// Of several certificates, the one with this key is the CA's, and the others are above it. The
    /// CA must be allowed to sign certificates and must not be expired.
    ///
    /// # Errors
    ///
    /// [`Error::KeyMismatch`], [`Error::NotAnAuthority`], [`Error::AuthorityExpired`], [`Error::AuthorityNotYetValid`];
    /// [`Error::Signature`] if the certificates above do not belong to it.
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
    /// As [`Certificate::all_from_bytes`], [`PrivateKey::from_pem`] and [`CertificateAuthority::load`].
    pub fn from_pem(certificates: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self> {
        let certificates = Certificate::all_from_bytes(certificates.as_ref())?;
        Self::load(certificates, PrivateKey::from_pem(key)?)
    }

    /// Loads a CA with its key in another process or device. Each signature is verified before it is
    /// used.
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

/// The certificate of this key, and those above it in their order.
fn choose(
    mut certificates: Vec<Certificate>,
    key: &PublicKey,
) -> Result<(Certificate, Vec<Certificate>)> {
    let Some(own) = bundle::place_of_key(&certificates, key) else {
        let Some(first) = certificates.first() else {
            return Err(Error::Missing {
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

/// As many signatures are checked for one certificate as Go's `crypto/x509` checks.
const SIGNATURE_CHECKS: usize = 100;

/// The CAs above a certificate, its issuer first, as far as they are among these. Of several
/// certificates of one CA it is the one that expires last.
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
            return Err(Error::NotAnAuthority {
                subject: upper.subject(),
                reason: format!("it allows {allowed} authorities below it, and there are {below}"),
            });
        }
    }
    Ok(())
}

/// Checks that a certificate may sign certificates (RFC 5280, section 4.2.1.9 and 4.2.1.3).
pub(super) fn check_authority(certificate: &Certificate) -> Result<()> {
    let is_authority = certificate.is_ca();
    let reason = if !is_authority && certificate.extensions().authority.is_none() {
        "it has no basicConstraints"
    } else if !is_authority {
        "its basicConstraints say CA:FALSE"
    } else if certificate
        .key_usages()
        .is_some_and(|usages| !usages.contains(&KeyUsage::KeyCertSign))
    {
        "its keyUsage lacks keyCertSign"
    } else {
        return Ok(());
    };
    Err(Error::NotAnAuthority {
        subject: certificate.subject(),
        reason: reason.to_owned(),
    })
}

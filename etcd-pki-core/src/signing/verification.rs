//! Checks signatures: with ring, and with RustCrypto's crates for those that Go checks and ring
//! does not.

use std::ops::RangeInclusive;

use ring::{
    digest,
    signature::{self, UnparsedPublicKey, VerificationAlgorithm},
};

#[cfg(feature = "probe")]
use x509_cert::spki::AlgorithmIdentifierRef;

use super::{
    Signed,
    algorithm::{Digest, SignatureAlgorithm, signature_name},
};
use crate::error::{Error, Result};

/// The sizes of RSA keys for which Go checks signatures (`checkKeySize` in `crypto/rsa` and in
/// `crypto/tls`).
const RSA_BITS: RangeInclusive<usize> = 1024..=8192;
/// The smallest size for which ring checks all signatures
const RING_BITS: usize = 2048;

/// A public key that checks signatures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VerifyingKey<'a> {
    pub(crate) kind: VerifyingKind,
    /// The bits of the key in a `SubjectPublicKeyInfo`
    pub(crate) bits: &'a [u8],
    /// The name of the key, for error messages
    pub(crate) name: &'a str,
}

/// The kind of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VerifyingKind {
    EcP256,
    EcP384,
    EcP521,
    Ed25519,
    /// RSA, with the size in bits
    Rsa(usize),
    /// A key that cannot check signatures here
    Other,
}

impl VerifyingKey<'_> {
    /// Checks a signature over the original bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Signature`] if Go would refuse it as well; [`Error::Unsupported`] if Go may accept
    /// it but this crate cannot check it.
    pub(crate) fn verify(&self, what: &'static str, signed: &Signed<'_>) -> Result<()> {
        let algorithm = SignatureAlgorithm::read(&signed.algorithm)
            .map_err(|reason| Error::Signature { what, reason })?;
        self.verify_with(what, algorithm, signed)
    }

    /// Checks the signature of a TLS handshake, whose algorithm has a number.
    ///
    /// # Errors
    ///
    /// As [`VerifyingKey::verify`].
    #[cfg(feature = "probe")]
    pub(crate) fn verify_tls(&self, scheme: u16, content: &[u8], signature: &[u8]) -> Result<()> {
        let (algorithm, oid) = SignatureAlgorithm::of_tls(scheme).ok_or_else(|| {
            Error::unsupported(
                format!("the TLS signature scheme {scheme:#06x}"),
                "etcd-pki checks signatures with ECDSA, Ed25519 and RSA",
            )
        })?;
        let signed = Signed {
            content,
            algorithm: AlgorithmIdentifierRef {
                oid,
                parameters: None,
            },
            signature,
        };
        self.verify_with("TLS handshake", algorithm, &signed)
    }

    fn verify_with(
        &self,
        what: &'static str,
        algorithm: SignatureAlgorithm,
        signed: &Signed<'_>,
    ) -> Result<()> {
        let is_good = match self.ring(algorithm) {
            Some(verifier) => UnparsedPublicKey::new(verifier, self.bits)
                .verify(signed.content, signed.signature)
                .is_ok(),
            None => self.verify_without_ring(what, algorithm, signed)?,
        };
        if is_good {
            Ok(())
        } else {
            let reason = "it was made by another key, or the content was changed";
            Err(Error::Signature {
                what,
                reason: reason.to_owned(),
            })
        }
    }

    /// ring's verifier, if it has one for the key and the algorithm.
    fn ring(&self, algorithm: SignatureAlgorithm) -> Option<&'static dyn VerificationAlgorithm> {
        use Digest::{Sha256, Sha384, Sha512};
        use SignatureAlgorithm::{Ecdsa, Ed25519, RsaPkcs1, RsaPss};
        let verifier: &dyn VerificationAlgorithm = match (self.kind, algorithm) {
            (VerifyingKind::EcP256, Ecdsa(Sha256)) => &signature::ECDSA_P256_SHA256_ASN1,
            (VerifyingKind::EcP256, Ecdsa(Sha384)) => &signature::ECDSA_P256_SHA384_ASN1,
            (VerifyingKind::EcP384, Ecdsa(Sha256)) => &signature::ECDSA_P384_SHA256_ASN1,
            (VerifyingKind::EcP384, Ecdsa(Sha384)) => &signature::ECDSA_P384_SHA384_ASN1,
            (VerifyingKind::Ed25519, Ed25519) => &signature::ED25519,
            (VerifyingKind::Rsa(bits), algorithm) if RSA_BITS.contains(&bits) => {
                match (algorithm, bits >= RING_BITS) {
                    (RsaPkcs1(Sha256), true) => &signature::RSA_PKCS1_2048_8192_SHA256,
                    (RsaPkcs1(Sha384), true) => &signature::RSA_PKCS1_2048_8192_SHA384,
                    (RsaPkcs1(Sha512), true) => &signature::RSA_PKCS1_2048_8192_SHA512,
                    (RsaPss(Sha256), true) => &signature::RSA_PSS_2048_8192_SHA256,
                    (RsaPss(Sha384), true) => &signature::RSA_PSS_2048_8192_SHA384,
                    (RsaPss(Sha512), true) => &signature::RSA_PSS_2048_8192_SHA512,
                    (RsaPkcs1(Sha256), false) => {
                        &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY
                    }
                    (RsaPkcs1(Sha512), false) => {
                        &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY
                    }
                    _ => return None,
                }
            }
            _ => return None,
        };
        Some(verifier)
    }

    fn verify_without_ring(
        &self,
        what: &'static str,
        algorithm: SignatureAlgorithm,
        signed: &Signed<'_>,
    ) -> Result<bool> {
        use SignatureAlgorithm::{Ecdsa, RsaPkcs1, RsaPss};
        match (self.kind, algorithm) {
            (VerifyingKind::EcP256, Ecdsa(digest)) => Ok(p256(self.bits, digest, signed)),
            (VerifyingKind::EcP384, Ecdsa(digest)) => Ok(p384(self.bits, digest, signed)),
            (VerifyingKind::EcP521, Ecdsa(digest)) => Ok(p521(self.bits, digest, signed)),
            (VerifyingKind::Rsa(bits), RsaPkcs1(_) | RsaPss(_)) if RSA_BITS.contains(&bits) => {
                self.verify_small_rsa(algorithm, signed)
            }
            (VerifyingKind::Rsa(_), RsaPkcs1(_) | RsaPss(_)) | (VerifyingKind::Other, _) => {
                Err(self.unsupported())
            }
            // Go also compares the two (`checkSignature` in `crypto/x509`)
            _ => Err(Error::Signature {
                what,
                reason: format!(
                    "it is made with {}, and the key is {}: another key has made it",
                    signature_name(signed.algorithm.oid),
                    self.name
                ),
            }),
        }
    }

    #[cfg(feature = "rsa")]
    fn verify_small_rsa(&self, algorithm: SignatureAlgorithm, signed: &Signed<'_>) -> Result<bool> {
        Ok(super::other_rsa::verify(self.bits, algorithm, signed))
    }

    #[cfg(not(feature = "rsa"))]
    fn verify_small_rsa(&self, _: SignatureAlgorithm, _: &Signed<'_>) -> Result<bool> {
        Err(Error::unsupported(
            format!("checking such a signature by a key of {}", self.name),
            "build etcd-pki-core with its feature `rsa`",
        ))
    }

    fn unsupported(&self) -> Error {
        Error::unsupported(
            format!("checking a signature by a key of {}", self.name),
            "etcd-pki checks signatures by keys of ec-p256, ec-p384, ec-p521, ed25519 and RSA from 1024 to 8192 bits",
        )
    }
}

impl Digest {
    fn of(self, message: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, message)
    }
}

/// Defines a function that checks ECDSA on one curve of RustCrypto, with any digest (FIPS 186-5,
/// section 6.4.2).
macro_rules! ecdsa {
    ($curve:ident) => {
        fn $curve(point: &[u8], digest: Digest, signed: &Signed<'_>) -> bool {
            use ::$curve::ecdsa::{
                Signature, VerifyingKey, signature::hazmat::PrehashVerifier as _,
            };
            // Go and ring read only uncompressed points
            let Some(key) = point
                .starts_with(&[0x04])
                .then(|| VerifyingKey::from_sec1_bytes(point).ok())
                .flatten()
            else {
                return false;
            };
            Signature::from_der(signed.signature).is_ok_and(|signature| {
                let digest = digest.of(signed.content);
                key.verify_prehash(digest.as_ref(), &signature).is_ok()
            })
        }
    };
}

ecdsa!(p256);
ecdsa!(p384);
ecdsa!(p521);

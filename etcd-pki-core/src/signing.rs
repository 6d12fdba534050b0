//! Computes signatures, digests and random numbers for X.509, with ring, and with RustCrypto for
//! algorithms that ring lacks. No other module computes them.

mod algorithm;
#[cfg(feature = "rsa")]
mod other_rsa;
mod p521;
mod verification;

use std::ops::RangeInclusive;

use der::{Decode as _, Length, asn1::BitStringRef};
use ring::{
    digest, hkdf, hmac,
    rand::{SecureRandom as _, SystemRandom},
    rsa,
    signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _},
};
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use self::p521::P521KeyPair;
pub(crate) use self::{
    algorithm::signature_name,
    verification::{VerifyingKey, VerifyingKind},
};
use crate::{
    der_writer::{self, SEQUENCE},
    error::{Error, Result},
};

/// The sizes of RSA keys that may sign: shorter ones are weak, and Go's TLS accepts no longer ones
/// (`checkKeySize` in `crypto/tls`).
pub(crate) const RSA_BITS: RangeInclusive<usize> = 2048..=8192;
/// The size of the largest RSA key that ring signs with, in bits
const RING_RSA_BITS: usize = 4096;
/// The smallest public exponent that ring signs with
const RING_RSA_EXPONENT: &[u8] = &[0x01, 0x00, 0x01];

/// The signature schemes that etcd-pki signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    EcdsaP256,
    EcdsaP384,
    EcdsaP521,
    Ed25519,
    Rsa,
}

impl Scheme {
    /// Appends the identifier of the signatures of this scheme.
    pub(crate) fn write_identifier(self, der: &mut Vec<u8>) {
        algorithm::write_identifier(self, der);
    }
}

/// A key that is ready to sign.
pub(crate) enum KeyPair {
    Ecdsa(EcdsaKeyPair),
    EcdsaP521(Box<P521KeyPair>),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<rsa::KeyPair>),
    #[cfg(feature = "rsa")]
    OtherRsa(Box<other_rsa::OtherRsaKeyPair>),
}

impl KeyPair {
    /// Creates it from a scalar and an uncompressed point, and checks that they match.
    pub(crate) fn from_ecdsa(scheme: Scheme, scalar: &[u8], point: &[u8]) -> Result<Self> {
        if scheme == Scheme::EcdsaP521 {
            return P521KeyPair::new(scalar, point).map(|pair| Self::EcdsaP521(Box::new(pair)));
        }
        EcdsaKeyPair::from_private_key_and_public_key(
            ecdsa(scheme),
            scalar,
            point,
            &SystemRandom::new(),
        )
        .map(Self::Ecdsa)
        .map_err(|error| Error::malformed("private key", error))
    }

    /// Creates it from the result of [`generate_ecdsa`].
    pub(crate) fn from_generated_ecdsa(scheme: Scheme, pkcs8: &[u8]) -> Result<Self> {
        EcdsaKeyPair::from_pkcs8(ecdsa(scheme), pkcs8, &SystemRandom::new())
            .map(Self::Ecdsa)
            .map_err(|error| Error::malformed("private key", error))
    }

    pub(crate) fn from_ed25519_seed(seed: &[u8]) -> Result<Self> {
        Ed25519KeyPair::from_seed_unchecked(seed)
            .map(Self::Ed25519)
            .map_err(|error| Error::malformed("private key", error))
    }

    /// Creates it from the `RSAPrivateKey` of PKCS#1, which ring checks (NIST SP 800-56B, section
    /// 6.4.1.4.3, in part).
    pub(crate) fn from_rsa(pkcs1: &[u8]) -> Result<Self> {
        let numbers = pkcs1::RsaPrivateKeyRef::from_der(pkcs1)
            .map_err(|error| Error::malformed("private key", error))?;
        // ring requires primes with a multiple of 512 bits (`KeyPair::from_components`)
        let bits = rsa_bits(numbers.modulus.as_bytes());
        let exponent = numbers.public_exponent.as_bytes();
        let is_small = exponent.len() < RING_RSA_EXPONENT.len()
            || (exponent.len() == RING_RSA_EXPONENT.len() && exponent < RING_RSA_EXPONENT);
        if !bits.is_multiple_of(1024) || bits > RING_RSA_BITS || is_small {
            return Self::from_other_rsa(pkcs1, bits);
        }
        rsa::KeyPair::from_der(pkcs1)
            .map(|pair| Self::Rsa(Box::new(pair)))
            .map_err(|error| Error::malformed("private key", error))
    }

    #[cfg(feature = "rsa")]
    fn from_other_rsa(pkcs1: &[u8], _: usize) -> Result<Self> {
        let pair = other_rsa::OtherRsaKeyPair::from_pkcs1(pkcs1)?;
        Ok(Self::OtherRsa(Box::new(pair)))
    }

    #[cfg(not(feature = "rsa"))]
    fn from_other_rsa(_: &[u8], bits: usize) -> Result<Self> {
        Err(Error::unsupported(
            format!("signing by this key of rsa-{bits}"),
            "build etcd-pki-core with its feature `rsa`",
        ))
    }

    /// The bits of the public key in a `SubjectPublicKeyInfo`.
    pub(crate) fn public_key(&self) -> &[u8] {
        match self {
            Self::Ecdsa(pair) => pair.public_key().as_ref(),
            Self::EcdsaP521(pair) => pair.public_key(),
            Self::Ed25519(pair) => pair.public_key().as_ref(),
            Self::Rsa(pair) => pair.public().as_ref(),
            #[cfg(feature = "rsa")]
            Self::OtherRsa(pair) => pair.public_key(),
        }
    }

    /// Signs a message. The signature has the encoding of X.509.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Ecdsa(pair) => pair
                .sign(&random, message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| no_random()),
            Self::EcdsaP521(pair) => pair.sign(message),
            Self::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(
                    &signature::RSA_PKCS1_SHA256,
                    &random,
                    message,
                    &mut signature,
                )
                .map_err(|_| Error::Signer {
                    reason: "the numbers of the RSA key do not belong together".to_owned(),
                })?;
                Ok(signature)
            }
            #[cfg(feature = "rsa")]
            Self::OtherRsa(pair) => pair.sign(message),
        }
    }
}

/// The size of an RSA key: the bits of its modulus.
pub(crate) fn rsa_bits(modulus: &[u8]) -> usize {
    let leading = modulus.first().map_or(0, |first| first.leading_zeros());
    modulus.len() * 8 - leading as usize
}

/// Generates an elliptic curve key as PKCS#8 with the public point.
pub(crate) fn generate_ecdsa(scheme: Scheme) -> Result<Zeroizing<Vec<u8>>> {
    EcdsaKeyPair::generate_pkcs8(ecdsa(scheme), &SystemRandom::new())
        .map(|document| Zeroizing::new(document.as_ref().to_vec()))
        .map_err(|_| no_random())
}

fn ecdsa(scheme: Scheme) -> &'static EcdsaSigningAlgorithm {
    match scheme {
        Scheme::EcdsaP384 => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
        _ => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
    }
}

/// Reads random bytes from the system's generator.
pub(crate) fn random<const LENGTH: usize>() -> Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| no_random())?;
    Ok(bytes)
}

fn no_random() -> Error {
    Error::Signer {
        reason: "the system's random number generator failed".to_owned(),
    }
}

pub(crate) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

/// SHA-256 of bytes that come in parts.
#[derive(Clone)]
pub(crate) struct Sha256(digest::Context);

impl Sha256 {
    pub(crate) fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.finish().as_ref().to_vec()
    }
}

/// The length of HMAC-SHA256, in bytes.
pub(crate) const MAC_LENGTH: usize = 32;

/// A key for message authentication codes: HMAC-SHA256 (RFC 2104).
#[derive(Debug)]
pub(crate) struct MacKey(hmac::Key);

impl MacKey {
    /// Derives the key from a secret, for one purpose (HKDF-SHA256, RFC 5869).
    pub(crate) fn derive(secret: &[u8], purpose: &[u8]) -> Result<Self> {
        hkdf::Salt::new(hkdf::HKDF_SHA256, &[])
            .extract(secret)
            .expand(&[purpose], hmac::HMAC_SHA256)
            .map(|key| Self(hmac::Key::from(key)))
            .map_err(|_| Error::Signer {
                reason: "no key could be derived from another".to_owned(),
            })
    }

    /// The code of these parts. It depends on their order and on where each one ends.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; MAC_LENGTH] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut mac = [0; MAC_LENGTH];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }
}

/// SHA-1, only for key identifiers, which need no security (RFC 5280, section 4.2.1.2, method 1).
pub(crate) fn sha1(bytes: &[u8]) -> [u8; 20] {
    use sha1::Digest as _;
    sha1::Sha1::digest(bytes).into()
}

/// An upper limit for the algorithm identifier and the tags and lengths around the content
const USUAL_FRAME: usize = 32;

/// Joins content, algorithm and signature, as in certificates, requests and revocation lists (RFC
/// 5280, section 4.1; RFC 2986, section 4.2).
///
/// # Errors
///
/// [`Error::Malformed`] if the result is longer than `der` reads. So [`read_own`] can read every
/// result.
pub(crate) fn signed(content: &[u8], scheme: Scheme, signature: &[u8]) -> Result<Vec<u8>> {
    let mut der = Vec::with_capacity(content.len() + signature.len() + USUAL_FRAME);
    der_writer::nest(&mut der, SEQUENCE, |der| {
        der.extend_from_slice(content);
        scheme.write_identifier(der);
        der_writer::push_bits(der, signature);
    });
    Length::try_from(der.len()).map_err(|error| Error::malformed("content to be signed", error))?;
    Ok(der)
}

/// Reads content that this crate has encoded and signed. Most of it is only written to a file, so
/// it is read when it is first used.
#[allow(
    clippy::panic,
    reason = "it was encoded part by part, from what had been read before or from values that have one encoding only: it can \
              be read again"
)]
pub(crate) fn read_own<T>(read: impl FnOnce() -> Result<T>) -> T {
    match read() {
        Ok(value) => value,
        Err(error) => panic!("what etcd-pki has encoded cannot be read: {error}"),
    }
}

/// Splits signed content from its algorithm and signature without encoding it again, because that
/// could change the signed bytes.
pub(crate) struct Signed<'a> {
    pub(crate) content: &'a [u8],
    pub(crate) algorithm: AlgorithmIdentifierRef<'a>,
    pub(crate) signature: &'a [u8],
}

/// The reason why Go refuses a signature of this algorithm.
pub(crate) fn refused_algorithm(signed: &Signed<'_>) -> Option<String> {
    algorithm::SignatureAlgorithm::read(&signed.algorithm).err()
}

impl<'a> Signed<'a> {
    /// Whether Go verifies signatures of this algorithm.
    pub(crate) fn has_checked_algorithm(&self) -> bool {
        algorithm::SignatureAlgorithm::read(&self.algorithm).is_ok()
    }

    pub(crate) fn from_der(bytes: &'a [u8]) -> der::Result<Self> {
        use der::Reader as _;
        let mut reader = der::SliceReader::new(bytes)?;
        let signed = reader.sequence(|fields| {
            let content = fields.tlv_bytes()?;
            Ok::<_, der::Error>(Self {
                content,
                algorithm: AlgorithmIdentifierRef::decode(fields)?,
                signature: BitStringRef::decode(fields)?
                    .as_bytes()
                    .ok_or_else(|| der::Tag::BitString.value_error())?,
            })
        })?;
        // Bytes after the structure would not be signed
        reader.finish()?;
        Ok(signed)
    }
}

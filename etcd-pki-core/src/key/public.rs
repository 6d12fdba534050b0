//! Represents public keys of any algorithm.

use std::{borrow::Cow, fmt};

use der::Decode as _;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::{EC_PUBLIC_KEY, ED25519, KeyAlgorithm, RSA_ENCRYPTION, curve, import};
use crate::{
    der_writer::{self, SEQUENCE},
    error::{Error, Result},
    pem,
    signing::{self, Scheme, VerifyingKey, VerifyingKind},
    text,
};

/// More bytes than the algorithm needs, with the tags and lengths around it
const USUAL_FRAME: usize = 32;

const WEAK_ED25519: &str =
    "its Ed25519 key is of small order, so that anybody can sign with it, or is not canonical";

/// The canonical encodings of the points of small order on edwards25519, without their sign: of
/// order 4, 1, 2, 8 and 8 (`ge25519_has_small_order` in libsodium)
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
];

/// A public key of any algorithm, even if etcd-pki cannot sign with it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    /// `SubjectPublicKeyInfo`
    der: Vec<u8>,
    /// The position of the key's bits in it
    bits_at: usize,
    algorithm: Option<KeyAlgorithm>,
    name: Cow<'static, str>,
}

impl PublicKey {
    /// Reads the only `PUBLIC KEY` block in a PEM file.
    ///
    /// # Errors
    ///
    /// [`Error::MissingBlock`] and [`Error::SeveralBlocks`] unless the file has exactly one;
    /// [`Error::Malformed`] if it is damaged.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self> {
        let blocks = pem::read("public key", pem.as_ref())?;
        let block = pem::only(&blocks, "public key", |label| label == "PUBLIC KEY")?;
        Self::from_der(&block.contents).map_err(|error| error.at(block.place))
    }

    /// Reads a `SubjectPublicKeyInfo` (RFC 5280, section 4.1).
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for other content.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        let info = SubjectPublicKeyInfoRef::from_der(der)
            .map_err(|error| Error::malformed("public key", error).or_foreign("public key", der))?;
        let bits = info
            .subject_public_key
            .as_bytes()
            .ok_or_else(|| Error::malformed("public key", "its bits are no whole bytes"))?;
        let name = import::key_name(&info.algorithm, bits);
        let algorithm = match info.algorithm.oid {
            RSA_ENCRYPTION => Self::rsa_bits(bits).and_then(KeyAlgorithm::of_rsa),
            _ => import::algorithm(&name),
        };
        Ok(Self {
            der: der.to_vec(),
            bits_at: der.len() - bits.len(),
            algorithm,
            name,
        })
    }

    /// The algorithm, if it is one that etcd-pki signs with.
    #[must_use]
    pub fn algorithm(&self) -> Option<KeyAlgorithm> {
        self.algorithm
    }

    /// The name of the algorithm: `ec-p256`, `rsa-1024`, `ec-p521`, or an object identifier.
    #[must_use]
    pub fn algorithm_name(&self) -> &str {
        &self.name
    }

    /// The key as a `SubjectPublicKeyInfo` in DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The key as `PUBLIC KEY` in PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.der)
    }

    /// SHA-256 of the `SubjectPublicKeyInfo`, in upper-case hexadecimal, as `openssl pkey -pubout
    /// -outform DER | sha256sum` prints it.
    #[must_use]
    pub fn fingerprint_sha256(&self) -> String {
        text::upper_hex(&signing::sha256(&self.der))
    }

    /// The signature scheme of the private key, if etcd-pki supports it.
    pub(crate) fn scheme(&self) -> Option<Scheme> {
        self.algorithm.map(KeyAlgorithm::scheme)
    }

    /// Verifies a signature over these bytes.
    pub(crate) fn verify(&self, what: &'static str, signed: &signing::Signed<'_>) -> Result<()> {
        self.verifying_key().verify(what, signed)
    }

    /// Verifies the signature of a TLS handshake.
    #[cfg(feature = "probe")]
    pub(crate) fn verify_tls(&self, scheme: u16, content: &[u8], signature: &[u8]) -> Result<()> {
        self.verifying_key().verify_tls(scheme, content, signature)
    }

    fn verifying_key(&self) -> VerifyingKey<'_> {
        let kind = match self.scheme() {
            Some(Scheme::EcdsaP256) => VerifyingKind::EcP256,
            Some(Scheme::EcdsaP384) => VerifyingKind::EcP384,
            Some(Scheme::EcdsaP521) => VerifyingKind::EcP521,
            Some(Scheme::Ed25519) => VerifyingKind::Ed25519,
            // More algorithms can be verified than used for signing
            Some(Scheme::Rsa) | None => match self.rsa_size() {
                Some(bits) => VerifyingKind::Rsa(bits),
                None => VerifyingKind::Other,
            },
        };
        VerifyingKey {
            kind,
            bits: self.bits(),
            name: &self.name,
        }
    }

    /// Checks that a signature of this key proves possession. Anyone can sign for an Ed25519 key of
    /// small order; neither RFC 8032, section 5.1.7, nor Go refuses such a key.
    ///
    /// # Errors
    ///
    /// [`Error::Signature`] if it proves nothing.
    pub(crate) fn check_possession(&self, what: &'static str) -> Result<()> {
        if self.algorithm != Some(KeyAlgorithm::Ed25519) || is_of_large_order(self.bits()) {
            return Ok(());
        }
        Err(Error::Signature {
            what,
            reason: WEAK_ED25519.to_owned(),
        })
    }

    /// Checks that a certificate may have this key: an Ed25519 key of small order proves nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for such a key.
    pub(crate) fn check_order(&self) -> Result<()> {
        if self.algorithm != Some(KeyAlgorithm::Ed25519) || is_of_large_order(self.bits()) {
            return Ok(());
        }
        Err(Error::malformed("public key", WEAK_ED25519))
    }

    /// The size of an RSA key, in bits.
    fn rsa_size(&self) -> Option<usize> {
        self.name.strip_prefix("rsa-")?.parse().ok()
    }

    /// The key identifier of method 1: SHA-1 of the key's bits (RFC 5280, section 4.2.1.2).
    pub(crate) fn identifier(&self) -> [u8; 20] {
        signing::sha1(self.bits())
    }

    fn bits(&self) -> &[u8] {
        &self.der[self.bits_at..]
    }

    /// Creates it from the bits of a `SubjectPublicKeyInfo` (RFC 5280, section 4.1.2.7).
    pub(super) fn from_bits(algorithm: KeyAlgorithm, bits: &[u8]) -> Self {
        let mut der = Vec::with_capacity(bits.len() + USUAL_FRAME);
        der_writer::nest(&mut der, SEQUENCE, |der| {
            der_writer::nest(der, SEQUENCE, |der| match algorithm.scheme() {
                Scheme::EcdsaP256 | Scheme::EcdsaP384 | Scheme::EcdsaP521 => {
                    der_writer::push_oid(der, EC_PUBLIC_KEY);
                    der_writer::push_oid(der, curve(algorithm));
                }
                Scheme::Ed25519 => der_writer::push_oid(der, ED25519),
                Scheme::Rsa => {
                    der_writer::push_oid(der, RSA_ENCRYPTION);
                    der.extend_from_slice(der_writer::NULL);
                }
            });
            der_writer::push_bits(der, bits);
        });
        Self {
            bits_at: der.len() - bits.len(),
            der,
            algorithm: Some(algorithm),
            name: match algorithm {
                KeyAlgorithm::OtherRsa => import::rsa_name(bits),
                _ => Cow::Borrowed(algorithm.name()),
            },
        }
    }

    /// The size of an RSA key: the bits of its modulus.
    pub(super) fn rsa_bits(pkcs1: &[u8]) -> Option<usize> {
        let key = pkcs1::RsaPublicKeyRef::from_der(pkcs1).ok()?;
        Some(signing::rsa_bits(key.modulus.as_bytes()))
    }
}

/// Whether an Ed25519 key is canonical (RFC 8032, section 5.1.3, step 1) and not of small order.
fn is_of_large_order(point: &[u8]) -> bool {
    let Ok(mut y) = <[u8; 32]>::try_from(point) else {
        return false;
    };
    // Clears the sign of x
    y[31] &= 0x7f;
    // 2^255 - 19 or more is not canonical
    let is_canonical = y[0] < 0xed || y[31] != 0x7f || y[1..31].iter().any(|byte| *byte != 0xff);
    is_canonical && !SMALL_ORDER.contains(&y)
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("algorithm", &self.name)
            .field("fingerprint_sha256", &self.fingerprint_sha256())
            .finish()
    }
}

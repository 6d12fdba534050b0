//! Public keys, of any algorithm.

use std::{borrow::Cow, fmt};

use der::Decode as _;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::{EC_PUBLIC_KEY, ED25519, KeyAlgorithm, RSA_ENCRYPTION, curve, import};
use crate::{
    der_writer::{self, SEQUENCE},
    error::{Error, Result},
    hex, pem,
    signing::{self, Scheme},
};

/// More bytes than the algorithm takes, with the tags and lengths around it
const USUAL_FRAME: usize = 32;

/// A public key, of any algorithm: certificates may have keys that etcd-pki itself does not sign with.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublicKey {
    /// `SubjectPublicKeyInfo`
    der: Vec<u8>,
    /// Where in it the bits of the key begin
    bits_at: usize,
    algorithm: Option<KeyAlgorithm>,
    name: Cow<'static, str>,
}

impl PublicKey {
    /// Reads the only `PUBLIC KEY` block in a PEM file.
    ///
    /// # Errors
    ///
    /// [`Error::Missing`] and [`Error::Several`] unless there is one; [`Error::Malformed`] for a damaged one.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self> {
        let blocks = pem::read("public key", pem.as_ref())?;
        let block = pem::only(&blocks, "public key", |label| label == "PUBLIC KEY")?;
        Self::from_der(&block.contents).map_err(|error| error.at(block.place))
    }

    /// Reads a `SubjectPublicKeyInfo` (RFC 5280, section 4.1).
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if it is none.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        let info = SubjectPublicKeyInfoRef::from_der(der)
            .map_err(|error| Error::malformed("public key", error))?;
        let bits = info
            .subject_public_key
            .as_bytes()
            .ok_or_else(|| Error::malformed("public key", "its bits are no whole bytes"))?;
        let name = import::key_name(&info.algorithm, bits);
        let algorithm = match info.algorithm.oid {
            RSA_ENCRYPTION => Self::rsa_bits(bits).and_then(KeyAlgorithm::of_rsa),
            _ => name.parse().ok(),
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

    /// The algorithm by its name, whatever it is: `ec-p256`, `rsa-1024`, `ec-p521`, or an object identifier.
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
    ///
    /// # Errors
    ///
    /// None that a key which exists can meet.
    pub fn to_pem(&self) -> Result<String> {
        pem::encode("PUBLIC KEY", &self.der)
    }

    /// SHA-256 of the `SubjectPublicKeyInfo`, in upper-case hexadecimal: what `openssl pkey -pubout -outform DER | sha256sum`
    /// prints.
    #[must_use]
    pub fn fingerprint_sha256(&self) -> String {
        hex::upper(&signing::sha256(&self.der))
    }

    /// How the private key that belongs to it signs, if etcd-pki can sign so.
    pub(crate) fn scheme(&self) -> Option<Scheme> {
        self.algorithm.map(KeyAlgorithm::scheme)
    }

    /// Checks a signature over the very bytes that were signed.
    pub(crate) fn verify(&self, what: &'static str, signed: &signing::Signed<'_>) -> Result<()> {
        let scheme = match self.scheme() {
            Some(scheme) => scheme,
            // ring verifies RSA of any size from 2048 to 8192 bits
            None if self
                .rsa_size()
                .is_some_and(|bits| (2048..=8192).contains(&bits)) =>
            {
                Scheme::Rsa
            }
            None => {
                return Err(Error::unsupported(
                    format!("checking a signature by a key of {}", self.name),
                    "etcd-pki checks signatures by ec-p256, ec-p384, ed25519 and RSA from 2048 bits on",
                ));
            }
        };
        scheme
            .verify(
                self.bits(),
                &signed.algorithm,
                signed.content,
                signed.signature,
            )
            .map_err(|reason| Error::Signature { what, reason })
    }

    /// The size of an RSA key, in bits.
    fn rsa_size(&self) -> Option<u32> {
        self.name.strip_prefix("rsa-")?.parse().ok()
    }

    /// The key identifier of method 1: SHA-1 of the key's bits (RFC 5280, section 4.2.1.2).
    pub(crate) fn identifier(&self) -> [u8; 20] {
        signing::sha1(self.bits())
    }

    fn bits(&self) -> &[u8] {
        &self.der[self.bits_at..]
    }

    /// From the bits of a `SubjectPublicKeyInfo` (RFC 5280, section 4.1.2.7).
    pub(super) fn from_bits(algorithm: KeyAlgorithm, bits: &[u8]) -> Self {
        let mut der = Vec::with_capacity(bits.len() + USUAL_FRAME);
        der_writer::nest(&mut der, SEQUENCE, |der| {
            der_writer::nest(der, SEQUENCE, |der| match algorithm.scheme() {
                Scheme::EcdsaP256 | Scheme::EcdsaP384 => {
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

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("algorithm", &self.name)
            .field("fingerprint_sha256", &self.fingerprint_sha256())
            .finish()
    }
}

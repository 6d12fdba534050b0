//! Private and public keys.

mod algorithm;
mod encryption;
mod import;
mod openssl_encryption;
mod public;
#[cfg(feature = "rsa")]
mod rsa_generation;
mod rsa_numbers;

use std::{fmt, sync::OnceLock};

use der::{
    Decode as _, Encode as _,
    asn1::{AnyRef, ObjectIdentifier},
};
use pkcs8::PrivateKeyInfoRef;
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

pub(crate) use self::rsa_numbers::RsaNumbers;
pub use self::{
    algorithm::{KeyAlgorithm, KeyFormat},
    encryption::Passphrase,
    public::PublicKey,
};
use crate::{
    error::{Error, Result},
    pem,
    signing::{self, KeyPair, Scheme},
};

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const SECP521R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// A private key that signs.
///
/// It has no `Clone` and no equality, and `Debug` shows nothing of it. Its bytes are wiped when it
/// is dropped. Only methods with `secret` in their names export it. ring's own copies during
/// signing are not wiped; see the security notes of the crate.
///
/// ```
/// use etcd_pki_core::{KeyAlgorithm, PrivateKey};
///
/// let key = PrivateKey::generate()?;
/// assert_eq!(key.public_key().algorithm(), Some(KeyAlgorithm::EcP256));
///
/// let again = PrivateKey::from_pem(key.to_secret_pem().as_bytes())?;
/// assert_eq!(again.public_key(), key.public_key());
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
pub struct PrivateKey {
    algorithm: KeyAlgorithm,
    public_key: PublicKey,
    /// PKCS#8, version 1
    pkcs8: Zeroizing<Vec<u8>>,
    /// Created at the first signature for a generated elliptic curve key, because most keys are
    /// only written to a file
    pair: OnceLock<KeyPair>,
}

impl PrivateKey {
    /// Generates a key of the default algorithm, [`KeyAlgorithm::EcP256`].
    ///
    /// # Errors
    ///
    /// [`Error::Signer`] if the system's random number generator fails.
    pub fn generate() -> Result<Self> {
        Self::generate_with(KeyAlgorithm::default())
    }

    /// Generates a key. For RSA this takes from a tenth of a second to several seconds.
    ///
    /// # Errors
    ///
    /// [`Error::Signer`] if the system's random number generator fails; [`Error::Unsupported`] for
    /// RSA without the feature `rsa`, and for the algorithms that are not in [`KeyAlgorithm::ALL`].
    pub fn generate_with(algorithm: KeyAlgorithm) -> Result<Self> {
        match algorithm.scheme() {
            scheme @ (Scheme::EcdsaP256 | Scheme::EcdsaP384) => {
                let pkcs8 = signing::generate_ecdsa(scheme)?;
                // ring ends its PKCS#8 with the public key's uncompressed point
                let length = if scheme == Scheme::EcdsaP256 { 65 } else { 97 };
                let point = &pkcs8[pkcs8.len() - length..];
                Ok(Self {
                    algorithm,
                    public_key: PublicKey::from_bits(algorithm, point),
                    pkcs8,
                    pair: OnceLock::new(),
                })
            }
            Scheme::EcdsaP521 => Err(algorithm::not_made(algorithm.name())),
            Scheme::Ed25519 => {
                Self::from_ed25519_seed(&Zeroizing::new(signing::random::<32>()?)[..])
            }
            #[cfg(feature = "rsa")]
            Scheme::Rsa => Self::from_pkcs1(&rsa_generation::generate(algorithm)?),
            #[cfg(not(feature = "rsa"))]
            Scheme::Rsa => Err(Error::unsupported(
                "generating RSA keys",
                "build etcd-pki-core with its feature `rsa`",
            )),
        }
    }

    /// Reads the only private key in a PEM file. The file may contain other blocks.
    ///
    /// The formats are PKCS#8 (`PRIVATE KEY`), PKCS#1 (`RSA PRIVATE KEY`) and SEC1 (`EC PRIVATE
    /// KEY`). SEC1 may lack the public point, and may follow a block `EC PARAMETERS`.
    ///
    /// # Errors
    ///
    /// [`Error::MissingBlock`] and [`Error::SeveralBlocks`] unless the file has exactly one;
    /// [`Error::EncryptedKey`] if it needs a passphrase; [`Error::Unsupported`] with the name of an
    /// algorithm that etcd-pki does not use; [`Error::Malformed`] if it is damaged.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self> {
        import::from_pem(pem.as_ref(), None)
    }

    /// Reads the only private key in a PEM file. The key may be encrypted as PKCS#8 (`ENCRYPTED
    /// PRIVATE KEY`: PBES2 with AES or triple DES, PBKDF2 or scrypt; RFC 8018) or in OpenSSL's
    /// older format (`Proc-Type: 4,ENCRYPTED` with AES or triple DES in CBC mode). A key without
    /// encryption ignores the passphrase.
    ///
    /// # Errors
    ///
    /// As [`PrivateKey::from_pem`], and [`Error::WrongPassphrase`].
    pub fn from_encrypted_pem(pem: impl AsRef<[u8]>, passphrase: &Passphrase) -> Result<Self> {
        import::from_pem(pem.as_ref(), Some(passphrase))
    }

    /// Reads a private key in DER: PKCS#8, PKCS#1 or SEC1.
    ///
    /// # Errors
    ///
    /// As [`PrivateKey::from_pem`].
    pub fn from_der(der: &[u8]) -> Result<Self> {
        import::from_der(der, None)
    }

    /// Reads a private key from the bytes of a file, PEM or DER, encrypted or not.
    ///
    /// # Errors
    ///
    /// As [`PrivateKey::from_pem`] and [`PrivateKey::from_encrypted_pem`].
    pub fn from_bytes(bytes: &[u8], passphrase: Option<&Passphrase>) -> Result<Self> {
        if pem::is_pem(bytes) {
            import::from_pem(bytes, passphrase)
        } else {
            import::from_der(bytes, passphrase)
        }
    }

    /// The algorithm of the key.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Signs a message with the digest of its [`KeyAlgorithm`]: ECDSA as `Ecdsa-Sig-Value`, RSA as
    /// PKCS#1 v1.5.
    ///
    /// # Errors
    ///
    /// [`Error::Signer`] if the system's random number generator fails.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        if let Some(pair) = self.pair.get() {
            return pair.sign(message);
        }
        let pair = KeyPair::from_generated_ecdsa(self.scheme(), &self.pkcs8)?;
        self.pair.get_or_init(|| pair).sign(message)
    }

    /// The key as PKCS#8 in PEM. Keep it secret.
    #[must_use]
    pub fn to_secret_pem(&self) -> Zeroizing<String> {
        pem::encode_secret("PRIVATE KEY", &self.pkcs8)
    }

    /// The key as PKCS#8 in DER. Keep it secret.
    #[must_use]
    pub fn to_secret_der(&self) -> Zeroizing<Vec<u8>> {
        self.pkcs8.clone()
    }

    /// The key in PEM, in the format that another tool expects.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] if the format does not exist for the key: PKCS#1 is for RSA, SEC1 for
    /// elliptic curves.
    pub fn to_secret_pem_as(&self, format: KeyFormat) -> Result<Zeroizing<String>> {
        let (label, contents) = match (format, self.algorithm.scheme()) {
            (KeyFormat::Pkcs8, _) => return Ok(self.to_secret_pem()),
            (KeyFormat::Pkcs1, Scheme::Rsa) => ("RSA PRIVATE KEY", self.private_key_field()?),
            (KeyFormat::Sec1, Scheme::EcdsaP256 | Scheme::EcdsaP384 | Scheme::EcdsaP521) => {
                ("EC PRIVATE KEY", self.sec1()?)
            }
            (format, _) => {
                return Err(Error::unsupported(
                    format!("{} for a key of {}", format.name(), self.algorithm),
                    "pkcs1 is for RSA, sec1 for elliptic curves, pkcs8 for every key",
                ));
            }
        };
        Ok(pem::encode_secret(label, &contents))
    }

    /// The key as encrypted PKCS#8 in PEM: AES-256-CBC with scrypt (RFC 8018, RFC 7914). OpenSSL,
    /// Go libraries and etcd-pki read it; etcd reads no encrypted key.
    ///
    /// # Errors
    ///
    /// [`Error::Signer`] if the system's random number generator fails.
    pub fn to_encrypted_pem(&self, passphrase: &Passphrase) -> Result<String> {
        let encrypted = encryption::encrypt(&self.pkcs8, passphrase)?;
        Ok(pem::encode("ENCRYPTED PRIVATE KEY", &encrypted))
    }

    /// The signature scheme.
    pub(crate) fn scheme(&self) -> Scheme {
        self.algorithm.scheme()
    }

    fn from_ed25519_seed(seed: &[u8]) -> Result<Self> {
        let pair = KeyPair::from_ed25519_seed(seed)?;
        // The seed is an OCTET STRING within the OCTET STRING of PKCS#8 (RFC 8410, section 7)
        let inner = Zeroizing::new([&[0x04, 0x20], seed].concat());
        Self::from_parts(KeyAlgorithm::Ed25519, ED25519, None, &inner, pair)
    }

    fn from_pkcs1(pkcs1: &[u8]) -> Result<Self> {
        let pair = KeyPair::from_rsa(pkcs1)?;
        let algorithm = PublicKey::rsa_bits(pair.public_key())
            .and_then(KeyAlgorithm::of_rsa)
            .ok_or_else(|| {
                Error::unsupported(
                    "an RSA key of under 2048 or over 8192 bits",
                    "use rsa-2048, rsa-3072 or rsa-4096",
                )
            })?;
        Self::from_parts(algorithm, RSA_ENCRYPTION, Some(AnyRef::NULL), pkcs1, pair)
    }

    fn from_ec(algorithm: KeyAlgorithm, scalar: &[u8], point: &[u8]) -> Result<Self> {
        let pair = KeyPair::from_ecdsa(algorithm.scheme(), scalar, point)?;
        let sec1 = sec1::EcPrivateKey {
            private_key: scalar,
            parameters: None,
            public_key: Some(point),
        };
        let inner = sec1.to_der().map(Zeroizing::new).map_err(malformed)?;
        let curve = curve(algorithm);
        let parameters = Some(AnyRef::from(&curve));
        Self::from_parts(algorithm, EC_PUBLIC_KEY, parameters, &inner, pair)
    }

    fn from_parts(
        algorithm: KeyAlgorithm,
        oid: ObjectIdentifier,
        parameters: Option<AnyRef<'_>>,
        inner: &[u8],
        pair: KeyPair,
    ) -> Result<Self> {
        let private_key = der::asn1::OctetStringRef::new(inner).map_err(malformed)?;
        let info = PrivateKeyInfoRef::new(AlgorithmIdentifierRef { oid, parameters }, private_key);
        Ok(Self {
            algorithm,
            public_key: PublicKey::from_bits(algorithm, pair.public_key()),
            pkcs8: info.to_der().map(Zeroizing::new).map_err(malformed)?,
            pair: OnceLock::from(pair),
        })
    }

    /// The content of PKCS#8: PKCS#1 for RSA, SEC1 without the name of the curve for elliptic
    /// curves.
    fn private_key_field(&self) -> Result<Zeroizing<Vec<u8>>> {
        let info = PrivateKeyInfoRef::from_der(&self.pkcs8).map_err(malformed)?;
        Ok(Zeroizing::new(info.private_key.as_bytes().to_vec()))
    }

    /// SEC1 with the name of the curve.
    fn sec1(&self) -> Result<Zeroizing<Vec<u8>>> {
        let inner = self.private_key_field()?;
        let mut key = sec1::EcPrivateKey::from_der(&inner).map_err(malformed)?;
        key.parameters = Some(sec1::EcParameters::NamedCurve(curve(self.algorithm)));
        key.to_der().map(Zeroizing::new).map_err(malformed)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            algorithm,
            public_key: _,
            pkcs8: _,
            pair: _,
        } = self;
        f.debug_struct("PrivateKey")
            .field("algorithm", algorithm)
            .finish_non_exhaustive()
    }
}

fn curve(algorithm: KeyAlgorithm) -> ObjectIdentifier {
    match algorithm {
        KeyAlgorithm::EcP384 => SECP384R1,
        KeyAlgorithm::EcP521 => SECP521R1,
        _ => SECP256R1,
    }
}

fn malformed(error: der::Error) -> Error {
    Error::malformed("private key", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let key = PrivateKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), "PrivateKey { algorithm: EcP256, .. }");
    }

    #[test]
    fn formats_that_a_key_does_not_have() {
        let key = PrivateKey::generate().unwrap();
        assert!(key.to_secret_pem_as(KeyFormat::Sec1).is_ok());
        let error = key.to_secret_pem_as(KeyFormat::Pkcs1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "pkcs1 for a key of ec-p256 is not supported"
        );
    }
}

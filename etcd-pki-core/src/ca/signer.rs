//! The signing key of a CA, in this process or elsewhere.

use crate::{
    error::{Error, Result},
    key::{PrivateKey, PublicKey},
    signing::Scheme,
};

/// A private key that signs: in this process, a hardware module, a key management service, or a
/// helper process.
///
/// [`PrivateKey`] is a key in memory. `sign` blocks until it has the signature. A signature is
/// verified before it is used.
///
/// ```
/// use etcd_pki_core::{PrivateKey, PublicKey, Result, ca::Signer};
///
/// /// Represents a key in a hardware module.
/// struct Token(PrivateKey);
///
/// impl Signer for Token {
///     fn public_key(&self) -> &PublicKey {
///         self.0.public_key()
///     }
///
///     fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
///         self.0.sign(message)
///     }
/// }
/// ```
pub trait Signer: Send + Sync {
    /// The public key.
    fn public_key(&self) -> &PublicKey;

    /// Signs a message. ECDSA uses SHA-256 on P-256, SHA-384 on P-384 and SHA-512 on P-521, and
    /// returns the DER of `Ecdsa-Sig-Value` (RFC 3279, section 2.2.3). Ed25519 follows RFC 8032.
    /// RSA uses PKCS#1 v1.5 with SHA-256 (RFC 8017, section 8.2).
    ///
    /// # Errors
    ///
    /// [`Error::Signer`] with the reason.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>>;
}

/// The signature scheme of a public key's private key.
pub(crate) fn scheme_of(key: &PublicKey) -> Result<Scheme> {
    key.scheme().ok_or_else(|| {
        Error::unsupported(
            format!("signing by a key of {}", key.algorithm_name()),
            "a CA's key is ec-p256, ec-p384, ec-p521, ed25519 or RSA from 2048 to 8192 bits",
        )
    })
}

impl Signer for PrivateKey {
    fn public_key(&self) -> &PublicKey {
        self.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        self.sign(message)
    }
}

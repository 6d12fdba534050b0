//! Supports keys on NIST P-521, which ring lacks: existing clusters use them, and etcd accepts
//! them.

use p521::{
    SecretKey,
    ecdsa::{DerSignature, SigningKey, signature::Signer as _},
    elliptic_curve::sec1::ToSec1Point as _,
};

use super::no_random;
use crate::error::{Error, Result};

/// A key pair of the crate `p521`, which signs with SHA-512 and derives its nonces by RFC 6979.
pub(crate) struct P521KeyPair {
    key: SigningKey,
    /// The uncompressed point
    point: Vec<u8>,
}

impl P521KeyPair {
    /// Creates it from a scalar and its uncompressed point.
    pub(super) fn new(scalar: &[u8], point: &[u8]) -> Result<Self> {
        let key = SecretKey::from_slice(scalar)
            .map_err(|_| Error::malformed("private key", "its number is not of this curve"))?;
        if key.public_key().to_sec1_point(false).as_bytes() != point {
            return Err(Error::malformed(
                "private key",
                "its public point is that of another key",
            ));
        }
        Ok(Self {
            key: SigningKey::from(key),
            point: point.to_vec(),
        })
    }

    pub(super) fn public_key(&self) -> &[u8] {
        &self.point
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let signature: DerSignature = self.key.try_sign(message).map_err(|_| no_random())?;
        Ok(signature.as_bytes().to_vec())
    }
}

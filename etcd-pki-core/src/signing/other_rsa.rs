//! RSA keys with which ring does not sign: those whose size is no multiple of 1024 bits. OpenSSL makes them, and etcd takes them.

use getrandom::SysRng;
use rsa::{
    Pkcs1v15Sign, PrivateKey,
    pkcs1::{self, DecodeRsaPrivateKey as _, EncodeRsaPublicKey as _},
};

use super::{no_random, sha256};
use crate::error::{Error, Result};

/// What stands before a digest of SHA-256 in a signature (RFC 8017, section 9.2, note 1)
const SHA256_PREFIX: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];

/// A key pair of the crate `rsa`, which signs blinded, in constant time, and checks its result before it gives it out.
pub(crate) struct OtherRsaKeyPair {
    key: PrivateKey,
    /// `RSAPublicKey` of PKCS#1
    public_key: Vec<u8>,
}

impl OtherRsaKeyPair {
    pub(super) fn from_pkcs1(pkcs1: &[u8]) -> Result<Self> {
        let malformed = |error: pkcs1::Error| Error::malformed("private key", error);
        let key = PrivateKey::from_pkcs1_der(pkcs1).map_err(malformed)?;
        let public_key = key.as_public_key().to_pkcs1_der().map_err(malformed)?;
        Ok(Self {
            public_key: public_key.as_bytes().to_vec(),
            key,
        })
    }

    pub(super) fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let scheme = Pkcs1v15Sign {
            hash_len: Some(32),
            prefix: SHA256_PREFIX.into(),
        };
        let signature = self
            .key
            .sign_with_rng(&mut SysRng, scheme, &sha256(message));
        signature.map_err(|error| match error {
            rsa::Error::Rng => no_random(),
            error => Error::Signer {
                reason: error.to_string(),
            },
        })
    }
}

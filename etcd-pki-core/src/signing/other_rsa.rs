//! Supports RSA keys that etcd accepts and ring does not. It signs with keys of over 4096 bits, of
//! a size that is no multiple of 1024 bits, or with a small public exponent, and checks signatures
//! of keys of under 2048 bits. OpenSSL generates all of these.

use getrandom::SysRng;
use rsa::{
    Pkcs1v15Sign, PrivateKey, PublicKey,
    pkcs1::{
        self, DecodeRsaPrivateKey as _, DecodeRsaPublicKey as _, EncodeRsaPrivateKey as _,
        EncodeRsaPublicKey as _,
    },
    sha2::{Digest as _, Sha256, Sha384, Sha512},
};

use super::{
    Signed,
    algorithm::{Digest, SignatureAlgorithm},
    no_random,
};
use crate::error::{Error, Result};

/// A key pair of the crate `rsa`. It signs with blinding, in constant time, and checks the result
/// before it returns it.
pub(crate) struct OtherRsaKeyPair {
    key: PrivateKey,
    /// The `RSAPublicKey` of PKCS#1
    public_key: Vec<u8>,
}

impl OtherRsaKeyPair {
    pub(super) fn from_pkcs1(pkcs1: &[u8]) -> Result<Self> {
        let malformed = |error: pkcs1::Error| Error::malformed("private key", error);
        let key = PrivateKey::from_pkcs1_der(pkcs1).map_err(malformed)?;
        // The crate computes exponents and coefficient again; Go and ring refuse a key with wrong
        // ones
        if key.to_pkcs1_der().map_err(malformed)?.as_bytes() != pkcs1 {
            return Err(Error::malformed(
                "private key",
                "its numbers do not belong together; the file is damaged",
            ));
        }
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
        let (scheme, digest) = pkcs1_v15(Digest::Sha256, message);
        let signature = self.key.sign_with_rng(&mut SysRng, scheme, &digest);
        signature.map_err(|error| match error {
            rsa::Error::Rng => no_random(),
            error => Error::Signer {
                reason: error.to_string(),
            },
        })
    }
}

/// Whether a key, given as `RSAPublicKey` of PKCS#1, created a signature.
pub(super) fn verify(key: &[u8], algorithm: SignatureAlgorithm, signed: &Signed<'_>) -> bool {
    let Ok(key) = PublicKey::from_pkcs1_der(key) else {
        return false;
    };
    let (content, signature) = (signed.content, signed.signature);
    let result = match algorithm {
        SignatureAlgorithm::RsaPkcs1(digest) => {
            let (scheme, digest) = pkcs1_v15(digest, content);
            key.verify(scheme, &digest, signature)
        }
        SignatureAlgorithm::RsaPss(Digest::Sha256) => key.pss_verify::<Sha256>(content, signature),
        SignatureAlgorithm::RsaPss(Digest::Sha384) => key.pss_verify::<Sha384>(content, signature),
        SignatureAlgorithm::RsaPss(Digest::Sha512) => key.pss_verify::<Sha512>(content, signature),
        SignatureAlgorithm::Ecdsa(_) | SignatureAlgorithm::Ed25519 => return false,
    };
    result.is_ok()
}

fn pkcs1_v15(digest: Digest, message: &[u8]) -> (Pkcs1v15Sign, Vec<u8>) {
    match digest {
        Digest::Sha256 => (
            Pkcs1v15Sign::new::<Sha256>(),
            Sha256::digest(message).to_vec(),
        ),
        Digest::Sha384 => (
            Pkcs1v15Sign::new::<Sha384>(),
            Sha384::digest(message).to_vec(),
        ),
        Digest::Sha512 => (
            Pkcs1v15Sign::new::<Sha512>(),
            Sha512::digest(message).to_vec(),
        ),
    }
}

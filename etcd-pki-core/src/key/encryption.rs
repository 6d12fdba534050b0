//! Encrypts and decrypts keys: PBES2 of PKCS#5 (RFC 8018) in the `EncryptedPrivateKeyInfo` of
//! PKCS#8.

use std::fmt;

use der::{Decode as _, Reader as _, asn1::ObjectIdentifier};
use pkcs8::{
    EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef,
    pkcs5::{self, EncryptionScheme, pbes2::Kdf},
};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// The prefixes of the older PBES1 (RFC 8018, appendix A.3) and of PKCS#12's own schemes (RFC 7292,
/// appendix C).
const PBES1: [&str; 2] = ["1.2.840.113549.1.5.", "1.2.840.113549.1.12.1."];
/// The limit is ten times the current recommendation
const MOST_ITERATIONS: u32 = 10_000_000;
/// The limit is thirty times the current recommendation
const MOST_MEMORY: u64 = 1 << 30;
const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");

/// The passphrase of an encrypted private key. It is wiped when it is dropped, and never shown.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// Creates a passphrase from these bytes.
    #[must_use]
    pub fn new(passphrase: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(passphrase.into()))
    }

    /// Takes the first line of a file, without its line ending.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] if that line is empty.
    pub fn from_first_line(contents: &[u8]) -> Result<Self> {
        let line = contents.split(|&byte| byte == b'\n').next().unwrap_or(&[]);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return Err(Error::malformed("passphrase", "the first line is empty"));
        }
        Ok(Self::new(line))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passphrase").finish_non_exhaustive()
    }
}

/// Encrypts PKCS#8 with AES-256-CBC and a key from scrypt.
pub(super) fn encrypt(pkcs8: &[u8], passphrase: &Passphrase) -> Result<Vec<u8>> {
    PrivateKeyInfoRef::from_der(pkcs8)
        .map_err(pkcs8::Error::from)
        .and_then(|info| info.encrypt(&*passphrase.0))
        .map(|document| document.as_bytes().to_vec())
        .map_err(|error| Error::Signer {
            reason: error.to_string(),
        })
}

/// Decrypts to PKCS#8.
pub(super) fn decrypt(
    encrypted: &[u8],
    passphrase: Option<&Passphrase>,
) -> Result<Zeroizing<Vec<u8>>> {
    let info = match EncryptedPrivateKeyInfoRef::from_der(encrypted) {
        Ok(info) => info,
        Err(error) => return Err(undecodable(encrypted, error)),
    };
    let EncryptionScheme::Pbes2(parameters) = &info.encryption_algorithm else {
        return Err(old_encryption());
    };
    check_cost(&parameters.kdf)?;
    let passphrase = passphrase.ok_or(Error::EncryptedKey)?;
    match info.decrypt(&*passphrase.0) {
        Ok(document) => Ok(document.to_bytes()),
        Err(pkcs8::Error::EncryptedPrivateKey(pkcs5::Error::UnsupportedAlgorithm { oid })) => {
            Err(Error::unsupported(
                format!("a private key encrypted with {oid}"),
                "convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc`",
            ))
        }
        Err(_) => Err(Error::WrongPassphrase),
    }
}

/// Refuses a key derivation that would need too much memory or time.
fn check_cost(kdf: &Kdf) -> Result<()> {
    let excessive = match kdf {
        Kdf::Pbkdf2(parameters) => parameters.iteration_count > MOST_ITERATIONS,
        Kdf::Scrypt(parameters) => {
            let blocks = u64::from(parameters.block_size).max(1)
                * u64::from(parameters.parallelization).max(1);
            // RFC 7914, section 2: the vector has 128 * N * r bytes
            let bytes = parameters
                .cost_parameter
                .checked_mul(blocks)
                .and_then(|cost| cost.checked_mul(128));
            bytes.is_none_or(|bytes| bytes > MOST_MEMORY)
        }
        _ => false,
    };
    if excessive {
        return Err(Error::unsupported(
            "a private key with a passphrase that takes so much work to check",
            "convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc`",
        ));
    }
    Ok(())
}

/// The error for an unknown encryption, or for content that is not an encrypted key.
fn undecodable(encrypted: &[u8], error: der::Error) -> Error {
    let algorithm = || -> der::Result<ObjectIdentifier> {
        der::SliceReader::new(encrypted)?.sequence(|info| {
            let oid = info.sequence(|algorithm| {
                let oid = ObjectIdentifier::decode(algorithm)?;
                algorithm.read_slice(algorithm.remaining_len())?;
                Ok::<_, der::Error>(oid)
            })?;
            info.read_slice(info.remaining_len())?;
            Ok(oid)
        })
    };
    match algorithm() {
        Ok(PBES2) => Error::unsupported(
            format!("the encryption of this private key ({error})"),
            "convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc`",
        ),
        Ok(oid) if PBES1.iter().any(|arc| oid.to_string().starts_with(arc)) => old_encryption(),
        _ => Error::malformed("encrypted private key", error),
    }
}

fn old_encryption() -> Error {
    Error::unsupported(
        "a private key encrypted with PBES1",
        "it is weak; convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW`",
    )
}

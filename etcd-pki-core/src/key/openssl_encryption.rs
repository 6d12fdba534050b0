//! Decrypts keys in OpenSSL's older format, as `openssl genrsa -aes256` of OpenSSL 1 wrote them:
//! `Proc-Type: 4,ENCRYPTED` and `DEK-Info` before the base64 (RFC 1421, section 4.6), with a key
//! derived with MD5 (`EVP_BytesToKey`).

use cbc::{
    Decryptor,
    cipher::{
        BlockCipherDecrypt, BlockModeDecrypt as _, KeyInit, KeyIvInit as _, block_padding::Pkcs7,
    },
};
use md5::{Digest as _, Md5};
use zeroize::{Zeroize as _, Zeroizing};

use super::Passphrase;
use crate::error::{Error, Result};

/// The salt is the first bytes of the initialization vector (`PEM_do_header` in OpenSSL)
const SALT: usize = 8;

/// Whether the headers of a block mark it as encrypted.
pub(super) fn is_encrypted(headers: &str) -> bool {
    headers.contains("ENCRYPTED")
}

/// Decrypts the contents of a block.
pub(super) fn decrypt(
    headers: &str,
    encrypted: &[u8],
    passphrase: Option<&Passphrase>,
) -> Result<Zeroizing<Vec<u8>>> {
    let malformed = |reason| Error::malformed("encrypted private key", reason);
    let (cipher, vector) = headers
        .lines()
        .find_map(|line| line.strip_prefix("DEK-Info:"))
        .and_then(|info| info.trim().split_once(','))
        .ok_or_else(|| malformed("it has no DEK-Info, which names the cipher"))?;
    let decrypt = match cipher {
        "AES-128-CBC" => cbc::<aes::Aes128>,
        "AES-192-CBC" => cbc::<aes::Aes192>,
        "AES-256-CBC" => cbc::<aes::Aes256>,
        "DES-EDE3-CBC" => cbc::<des::TdesEde3>,
        other => {
            return Err(Error::unsupported(
                format!("a private key encrypted with {other}"),
                "convert it with `openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW`",
            ));
        }
    };
    let vector = hexadecimal(vector.trim())
        .filter(|vector| vector.len() >= SALT)
        .ok_or_else(|| malformed("its DEK-Info has no initialization vector"))?;
    let passphrase = passphrase.ok_or(Error::EncryptedKey)?;
    let mut buffer = Zeroizing::new(encrypted.to_vec());
    // One wrong passphrase in 256 gives valid padding by chance
    let length = decrypt(passphrase, &vector, &mut buffer).ok_or(Error::WrongPassphrase)?;
    buffer[length..].zeroize();
    buffer.truncate(length);
    Ok(buffer)
}

/// Decrypts in place, and returns the length without the padding.
fn cbc<C: BlockCipherDecrypt + KeyInit>(
    passphrase: &Passphrase,
    vector: &[u8],
    buffer: &mut [u8],
) -> Option<usize> {
    let key = derive(passphrase, &vector[..SALT], C::key_size());
    let decryptor = Decryptor::<C>::new_from_slices(&key, vector).ok()?;
    let decrypted = decryptor.decrypt_padded::<Pkcs7>(buffer).ok()?;
    Some(decrypted.len())
}

/// `EVP_BytesToKey` with MD5 and one iteration. The input of each digest is the previous digest,
/// the passphrase and the salt.
fn derive(passphrase: &Passphrase, salt: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(Vec::with_capacity(length + Md5::output_size()));
    while key.len() < length {
        let mut md5 = Md5::new();
        let previous = key.len().saturating_sub(Md5::output_size());
        md5.update(&key[previous..]);
        md5.update(passphrase.as_bytes());
        md5.update(salt);
        key.extend_from_slice(&md5.finalize());
    }
    key.truncate(length);
    key
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| digit.to_digit(16).map(|value| value as u8))
        .collect();
    let (pairs, rest) = digits.as_ref()?.as_chunks::<2>();
    rest.is_empty()
        .then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

//! Generates RSA keys. ring signs with them, but cannot generate them.

use getrandom::SysRng;
use rsa::{PrivateKey, pkcs1::EncodeRsaPrivateKey as _};
use zeroize::Zeroizing;

use super::KeyAlgorithm;
use crate::error::{Error, Result};

/// Generates a key with the public exponent 65537, as `RSAPrivateKey` of PKCS#1.
///
/// graviola generates keys of 2048 bits if it has assembler for this processor, and the crate `rsa`
/// all others. ring signs with both.
pub(super) fn generate(algorithm: KeyAlgorithm) -> Result<Zeroizing<Vec<u8>>> {
    match algorithm {
        KeyAlgorithm::Rsa4096 => portable(4096),
        KeyAlgorithm::Rsa3072 => portable(3072),
        KeyAlgorithm::OtherRsa => Err(Error::unsupported(
            "making an RSA key of another size",
            "use rsa-2048, rsa-3072 or rsa-4096",
        )),
        _ => assembled().unwrap_or_else(|| portable(2048)),
    }
}

/// Generates a key of 2048 bits with assembler, if this processor has the instructions.
///
/// For larger primes it is not faster: graviola's multiplication is optimized for 1024 bits.
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
fn assembled() -> Option<Result<Zeroizing<Vec<u8>>>> {
    use graviola::signing::rsa::{KeySize, SigningKey};

    /// `RSAPrivateKey` of 2048 bits has at most 1194 bytes.
    const LONGEST: usize = 2048;

    // Its functions panic if the processor lacks the instructions
    graviola::util::is_cpu_supported().then(|| {
        let mut der = Zeroizing::new([0; LONGEST]);
        let key = SigningKey::generate(KeySize::Rsa2048).map_err(failed)?;
        let pkcs1 = key.to_pkcs1_der(&mut *der).map_err(failed)?;
        Ok(Zeroizing::new(pkcs1.to_vec()))
    })
}

/// This architecture has no assembler.
#[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
fn assembled() -> Option<Result<Zeroizing<Vec<u8>>>> {
    None
}

/// Generates a key of `bits`, on any processor.
fn portable(bits: usize) -> Result<Zeroizing<Vec<u8>>> {
    let key = PrivateKey::new(&mut SysRng, bits).map_err(failed)?;
    let document = key.to_pkcs1_der().map_err(failed)?;
    Ok(document.to_bytes())
}

fn failed(error: impl ToString) -> Error {
    Error::Signer {
        reason: error.to_string(),
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails where it stands"
)]
mod tests {
    use super::*;
    use crate::key::PrivateKey;

    /// A processor without assembler gets an equivalent key: the size is the same, and ring accepts
    /// it.
    #[test]
    fn either_source_makes_keys_of_2048_bits() {
        let sources = [
            assembled().transpose().unwrap(),
            Some(portable(2048).unwrap()),
        ];
        for pkcs1 in sources.into_iter().flatten() {
            let key = PrivateKey::from_pkcs1(&pkcs1).unwrap();
            assert_eq!(key.algorithm(), KeyAlgorithm::Rsa2048);
        }
    }
}

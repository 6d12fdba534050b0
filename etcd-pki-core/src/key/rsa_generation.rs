//! RSA keys, which ring signs with but cannot make.

use getrandom::SysRng;
use rsa::{PrivateKey, pkcs1::EncodeRsaPrivateKey as _};
use zeroize::Zeroizing;

use super::KeyAlgorithm;
use crate::error::{Error, Result};

/// Generates a key with the public exponent 65537, as `RSAPrivateKey` of PKCS#1.
///
/// A key of 2048 bits comes from graviola where it has assembler for this processor, any other from the crate `rsa`. ring signs
/// with either.
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

/// A key of 2048 bits through assembler, if this processor has the instructions.
///
/// Primes of two or three times the length are found no faster so: graviola's multiplication is made for 1024 bits.
#[cfg(any(target_arch = "aarch64", target_arch = "x86_64"))]
fn assembled() -> Option<Result<Zeroizing<Vec<u8>>>> {
    use graviola::signing::rsa::{KeySize, SigningKey};

    /// `RSAPrivateKey` of 2048 bits has 1194 bytes at most.
    const LONGEST: usize = 2048;

    // Without the instructions each of its functions panics
    graviola::util::is_cpu_supported().then(|| {
        let mut der = Zeroizing::new([0; LONGEST]);
        let key = SigningKey::generate(KeySize::Rsa2048).map_err(failed)?;
        let pkcs1 = key.to_pkcs1_der(&mut *der).map_err(failed)?;
        Ok(Zeroizing::new(pkcs1.to_vec()))
    })
}

/// There is no assembler for this architecture.
#[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
fn assembled() -> Option<Result<Zeroizing<Vec<u8>>>> {
    None
}

/// A key of `bits`, on any processor.
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

    /// A processor without assembler gets what the others get: of the same size, and a key to ring.
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

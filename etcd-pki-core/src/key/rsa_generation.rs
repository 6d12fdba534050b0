//! RSA keys, which ring signs with but cannot make.

use getrandom::SysRng;
use rsa::{PrivateKey, pkcs1::EncodeRsaPrivateKey as _};
use zeroize::Zeroizing;

use super::KeyAlgorithm;
use crate::error::{Error, Result};

/// Generates a key with the public exponent 65537, as `RSAPrivateKey` of PKCS#1.
///
/// The crate `rsa` finds the primes and encodes them; ring signs with them.
pub(super) fn generate(algorithm: KeyAlgorithm) -> Result<Zeroizing<Vec<u8>>> {
    let bits = match algorithm {
        KeyAlgorithm::Rsa4096 => 4096,
        KeyAlgorithm::Rsa3072 => 3072,
        KeyAlgorithm::OtherRsa => {
            return Err(Error::unsupported(
                "making an RSA key of another size",
                "use rsa-2048, rsa-3072 or rsa-4096",
            ));
        }
        _ => 2048,
    };
    let failed = |reason: String| Error::Signer { reason };
    let key = PrivateKey::new(&mut SysRng, bits).map_err(|error| failed(error.to_string()))?;
    let document = key
        .to_pkcs1_der()
        .map_err(|error| failed(error.to_string()))?;
    Ok(document.to_bytes())
}

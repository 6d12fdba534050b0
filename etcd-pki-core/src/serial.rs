//! Serial numbers.

use std::fmt;

use crate::{error::Result, hex, signing};

/// A certificate's serial number.
///
/// Shown in upper-case hexadecimal, as `openssl x509 -serial` shows it. A new one has 20 bytes from the system's generator
/// (RFC 5280, section 4.1.2.2), and nothing of the key in it: etcd's revocation compares serial numbers only, whoever the issuer
/// is (`client/pkg/transport/listener_tls.go`, `checkCRL`), so they must differ over every CA that a cluster trusts.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SerialNumber(Vec<u8>);

impl SerialNumber {
    /// A new one.
    pub(crate) fn generate() -> Result<Self> {
        loop {
            let mut bytes = signing::random::<20>()?;
            // Positive: the top bit is the sign
            bytes[0] &= 0x7f;
            // Twenty bytes whole: DER drops leading zeros
            if bytes[0] != 0 {
                return Ok(Self(bytes.to_vec()));
            }
        }
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// Its bytes, the most significant first.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its digits as a decimal number.
    #[must_use]
    pub fn to_decimal(&self) -> String {
        // The least significant digit first
        let mut digits = vec![0u8];
        for byte in &self.0 {
            let mut carry = u16::from(*byte);
            for digit in &mut digits {
                carry += u16::from(*digit) * 256;
                *digit = (carry % 10) as u8;
                carry /= 10;
            }
            while carry > 0 {
                digits.push((carry % 10) as u8);
                carry /= 10;
            }
        }
        digits
            .iter()
            .rev()
            .map(|digit| char::from(b'0' + digit))
            .collect()
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::upper(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn decimal() {
        for (bytes, decimal) in [
            (&[0][..], "0"),
            (&[0, 255], "255"),
            (&[1, 0], "256"),
            (
                &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                "9223372036854775807",
            ),
            (&[0xff; 16], "340282366920938463463374607431768211455"),
        ] {
            assert_eq!(SerialNumber::from_bytes(bytes).to_decimal(), decimal);
        }
    }

    #[test]
    fn positive_of_twenty_bytes_and_never_twice() {
        let serials: HashSet<_> = (0..1000)
            .map(|_| SerialNumber::generate().unwrap())
            .collect();
        assert_eq!(serials.len(), 1000);
        for serial in serials {
            assert_eq!(serial.as_bytes().len(), 20);
            assert!((1..0x80).contains(&serial.as_bytes()[0]));
            assert_eq!(serial.to_string().len(), 40);
        }
    }
}

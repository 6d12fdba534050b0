//! Represents serial numbers.

use std::{cmp::Ordering, fmt, str::FromStr};

use crate::{
    der_writer::{self, INTEGER},
    error::{Error, Result},
    limits, signing, text,
};

/// A certificate's serial number.
///
/// Its text is upper-case hexadecimal, as in `openssl x509 -serial`: two digits for each byte,
/// without the zeros that only DER needs, and with a `-` before a negative number. A new number has
/// 20 bytes from the system's generator (RFC 5280, section 4.1.2.2), and does not depend on the
/// key. etcd's revocation compares only serial numbers and not issuers
/// (`client/pkg/transport/listener_tls.go`, `checkCRL`), so they must differ in all CAs that a
/// cluster trusts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SerialNumber {
    /// RFC 5280 allows no negative number, but some CAs wrote them
    is_negative: bool,
    /// The bytes of the number without its sign, most significant first, without leading zeros; a
    /// single zero for 0
    magnitude: Vec<u8>,
}

impl SerialNumber {
    /// Generates a number.
    pub(crate) fn generate() -> Result<Self> {
        loop {
            let mut bytes = signing::random::<20>()?;
            // The top bit is the sign; the number must be positive
            bytes[0] &= 0x7f;
            // The first byte must not be zero: DER drops leading zeros, and the number must have
            // twenty bytes
            if bytes[0] != 0 {
                return Ok(Self::positive(&bytes));
            }
        }
    }

    /// Reads the contents of a DER INTEGER, a number in two's complement (X.690, section 8.3).
    pub(crate) fn from_integer(contents: &[u8]) -> Self {
        if contents.first().is_none_or(|first| *first < 0x80) {
            return Self::positive(contents);
        }
        let mut magnitude: Vec<u8> = contents.iter().map(|byte| !byte).collect();
        for byte in magnitude.iter_mut().rev() {
            let (sum, has_carry) = byte.overflowing_add(1);
            *byte = sum;
            if !has_carry {
                break;
            }
        }
        Self {
            is_negative: true,
            ..Self::positive(&magnitude)
        }
    }

    /// Reads the text of a number, as it is printed.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
        if digits.is_empty()
            || !digits.len().is_multiple_of(2)
            || digits.len() > 2 * limits::SERIAL_BYTES
        {
            return None;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let bytes = digits.chunks_exact(2).map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
            _ => None,
        });
        Some(Self {
            is_negative: text.starts_with('-'),
            ..Self::positive(&bytes.collect::<Option<Vec<u8>>>()?)
        })
    }

    fn positive(bytes: &[u8]) -> Self {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let magnitude = match &bytes[zeros..] {
            [] => vec![0],
            digits => digits.to_vec(),
        };
        Self {
            is_negative: false,
            magnitude,
        }
    }

    /// Refuses a number that is too long: the work for its decimal digits grows with the square of
    /// its length.
    pub(crate) fn check_length(contents: &[u8]) -> Result<()> {
        let (count, limit) = (contents.len(), limits::SERIAL_BYTES);
        limits::check("certificate", count, limit, "bytes in its serial number")
    }

    /// Appends the number as a DER INTEGER, in two's complement (X.690, section 8.3).
    pub(crate) fn push(&self, der: &mut Vec<u8>) {
        if !self.is_negative {
            return der_writer::push_unsigned(der, &self.magnitude);
        }
        let mut contents: Vec<u8> = self.magnitude.iter().map(|byte| !byte).collect();
        for byte in contents.iter_mut().rev() {
            let (sum, has_carry) = byte.overflowing_add(1);
            *byte = sum;
            if !has_carry {
                break;
            }
        }
        if contents.first().is_some_and(|first| *first < 0x80) {
            // The first bit is the sign
            contents.insert(0, 0xff);
        }
        der_writer::push(der, INTEGER, &contents);
    }

    /// The next number; of a negative one, 1.
    pub(crate) fn next(&self) -> Self {
        if self.is_negative {
            return Self::positive(&[1]);
        }
        let mut bytes = self.magnitude.clone();
        for byte in bytes.iter_mut().rev() {
            let (sum, has_carry) = byte.overflowing_add(1);
            *byte = sum;
            if !has_carry {
                return Self::positive(&bytes);
            }
        }
        bytes.insert(0, 1);
        Self::positive(&bytes)
    }

    /// The bytes without the sign, most significant first, without leading zeros.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.magnitude
    }

    /// Whether it is negative. Go does not read a certificate with such a number.
    #[must_use]
    pub fn is_negative(&self) -> bool {
        self.is_negative
    }

    /// The decimal digits, with a `-` before a negative number.
    #[must_use]
    pub fn to_decimal(&self) -> String {
        // The least significant digit first
        let mut digits = vec![0u8];
        for byte in &self.magnitude {
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
        let digits = digits.iter().rev().map(|digit| char::from(b'0' + digit));
        let sign = self.is_negative.then_some('-');
        sign.into_iter().chain(digits).collect()
    }
}

impl From<u64> for SerialNumber {
    fn from(number: u64) -> Self {
        Self::positive(&number.to_be_bytes())
    }
}

impl FromStr for SerialNumber {
    type Err = Error;

    /// Reads hexadecimal digits, also with colons between them, after `0x`, or after `serial=`, as
    /// OpenSSL prints them.
    fn from_str(text: &str) -> Result<Self> {
        let refused = |reason| Error::malformed("serial number", reason);
        let digits = text.trim();
        let digits = digits.strip_prefix("serial=").unwrap_or(digits);
        let (is_negative, digits) = match digits.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, digits),
        };
        let digits = digits.strip_prefix("0x").unwrap_or(digits);
        let digits: Vec<u8> = digits
            .chars()
            .filter(|letter| *letter != ':')
            .map(|letter| letter.to_digit(16).map(|digit| digit as u8))
            .collect::<Option<_>>()
            .ok_or_else(|| refused("it has other characters than hexadecimal digits"))?;
        if digits.is_empty() {
            return Err(refused("it is empty"));
        }
        // The first byte may be written with one digit
        let padding = vec![0; digits.len() % 2];
        let digits = [padding, digits].concat();
        let bytes: Vec<u8> = digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect();
        Self::check_length(&bytes)?;
        Ok(Self {
            is_negative,
            ..Self::positive(&bytes)
        })
    }
}

impl Ord for SerialNumber {
    /// Compares the numbers
    fn cmp(&self, other: &Self) -> Ordering {
        let by_magnitude = || {
            let length = self.magnitude.len().cmp(&other.magnitude.len());
            length.then_with(|| self.magnitude.cmp(&other.magnitude))
        };
        match (self.is_negative, other.is_negative) {
            (false, false) => by_magnitude(),
            (true, true) => by_magnitude().reverse(),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for SerialNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative { "-" } else { "" };
        write!(f, "{sign}{}", text::upper_hex(&self.magnitude))
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
            assert_eq!(SerialNumber::positive(bytes).to_decimal(), decimal);
        }
    }

    #[test]
    fn integers_of_der_as_openssl_prints_them() {
        for (contents, shown, decimal) in [
            (&[0][..], "00", "0"),
            (&[], "00", "0"),
            (&[1], "01", "1"),
            (&[0x7f], "7F", "127"),
            (&[0, 0x80], "80", "128"),
            (&[0, 0x9c, 0x50], "9C50", "40016"),
            (&[0xff], "-01", "-1"),
            (&[0x80], "-80", "-128"),
            (&[0xff, 0x7f], "-81", "-129"),
            (&[0xff, 0], "-0100", "-256"),
            (&[0xed, 0xcc], "-1234", "-4660"),
        ] {
            let serial = SerialNumber::from_integer(contents);
            let mut der = Vec::new();
            serial.push(&mut der);
            let canonical = if contents.is_empty() { &[0] } else { contents };
            assert_eq!(der[2..], *canonical, "{shown}");
            assert_eq!(shown.parse::<SerialNumber>().unwrap(), serial);
            assert_eq!(
                (serial.to_string().as_str(), serial.to_decimal().as_str()),
                (shown, decimal)
            );
            assert_eq!(serial.is_negative(), shown.starts_with('-'));
        }
    }

    #[test]
    fn the_order_is_that_of_the_numbers() {
        let numbers: [&[u8]; 7] = [&[0x80], &[0xff], &[0], &[1], &[0, 0x80], &[1, 0], &[2, 0]];
        let serials = numbers.map(SerialNumber::from_integer);
        assert!(serials.is_sorted());
    }

    #[test]
    fn text_as_tools_write_it() {
        let expected = SerialNumber::from(0x4a_1c0f);
        for text in [
            "4A1C0F",
            "4a1c0f",
            "4A:1C:0F",
            "0x4a1c0f",
            "serial=4A1C0F",
            " 4A1C0F\n",
        ] {
            assert_eq!(text.parse::<SerialNumber>().unwrap(), expected, "{text}");
        }
        assert_eq!("F".parse::<SerialNumber>().unwrap(), SerialNumber::from(15));
        for text in ["", "-", "client-alice", "4A1G", "\u{ff11}"] {
            assert!(text.parse::<SerialNumber>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_next_number() {
        for (number, next) in [
            ("00", "01"),
            ("FF", "0100"),
            ("01FF", "0200"),
            ("-05", "01"),
        ] {
            let number: SerialNumber = number.parse().unwrap();
            assert_eq!(number.next().to_string(), next);
        }
    }

    #[test]
    fn a_number_is_long_and_not_endless() {
        assert!(SerialNumber::check_length(&[1; limits::SERIAL_BYTES]).is_ok());
        let error = SerialNumber::check_length(&[1; limits::SERIAL_BYTES + 1]).unwrap_err();
        assert!(
            error.to_string().contains("more than 1000 bytes"),
            "{error}"
        );
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

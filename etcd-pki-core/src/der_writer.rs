//! Writes DER (X.690) front to back into one buffer, each byte once.
//!
//! `der` computes the length of a value before it writes the value, and repeats this at every
//! level: a value six levels deep in a certificate is measured six times. This module writes the
//! length after the content. `der` still does all reading.

use der::asn1::ObjectIdentifier;

pub(crate) const BOOLEAN_TRUE: &[u8] = &[0x01, 0x01, 0xff];
pub(crate) const NULL: &[u8] = &[0x05, 0x00];
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
pub(crate) const INTEGER: u8 = 0x02;
const OBJECT_IDENTIFIER: u8 = 0x06;

/// The tag of a field `[number]` that contains a string.
pub(crate) const fn string_field(number: u8) -> u8 {
    0x80 | number
}

/// The tag of a field `[number]` that contains other values.
pub(crate) const fn nesting_field(number: u8) -> u8 {
    0xa0 | number
}

/// Appends a value with the content that `write` appends.
pub(crate) fn nest<T>(der: &mut Vec<u8>, tag: u8, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    der.extend_from_slice(&[tag, 0]);
    let start = der.len();
    let written = write(der);
    let length = der.len() - start;
    if length < 0x80 {
        der[start - 1] = length as u8;
    } else {
        // The long form: the number of length bytes, and then these bytes (X.690, section 8.1.3.5)
        let bytes = length.to_be_bytes();
        let bytes = &bytes[length.leading_zeros() as usize / 8..];
        der[start - 1] = 0x80 | bytes.len() as u8;
        der.extend_from_slice(bytes);
        der[start..].rotate_right(bytes.len());
    }
    written
}

/// Appends a value with this content.
pub(crate) fn push(der: &mut Vec<u8>, tag: u8, content: &[u8]) {
    nest(der, tag, |der| der.extend_from_slice(content));
}

/// Appends a non-negative number. Its bytes start with the most significant one.
pub(crate) fn push_unsigned(der: &mut Vec<u8>, number: &[u8]) {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = &number[zeros..];
    nest(der, INTEGER, |der| {
        // The first bit is the sign, and at least one byte is necessary (X.690, section 8.3)
        if digits.first().is_none_or(|first| *first >= 0x80) {
            der.push(0);
        }
        der.extend_from_slice(digits);
    });
}

/// Appends an object identifier.
pub(crate) fn push_oid(der: &mut Vec<u8>, oid: ObjectIdentifier) {
    push(der, OBJECT_IDENTIFIER, oid.as_bytes());
}

/// Appends a BIT STRING of whole bytes.
pub(crate) fn push_bits(der: &mut Vec<u8>, bytes: &[u8]) {
    nest(der, BIT_STRING, |der| {
        // The number of unused bits in the last byte
        der.push(0);
        der.extend_from_slice(bytes);
    });
}

#[cfg(test)]
mod tests {
    use der::{
        Encode as _,
        asn1::{BitStringRef, OctetStringRef, UintRef},
    };

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let before = vec![1, 2, 3];
        let mut der = before.clone();
        write(&mut der);
        assert!(der.starts_with(&before));
        der.split_off(before.len())
    }

    #[test]
    fn lengths_as_der_writes_them() {
        for length in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000] {
            let content: Vec<u8> = (0..length).map(|index| index as u8).collect();
            let string = OctetStringRef::new(&content).unwrap().to_der().unwrap();
            assert_eq!(written(|der| push(der, OCTET_STRING, &content)), string);
            let bits = BitStringRef::from_bytes(&content).unwrap();
            assert_eq!(
                written(|der| push_bits(der, &content)),
                bits.to_der().unwrap()
            );
        }
    }

    #[test]
    fn numbers_as_der_writes_them() {
        for number in [
            &[0][..],
            &[0, 0],
            &[1],
            &[0x7f],
            &[0x80],
            &[0, 0x80],
            &[0, 0, 1, 0],
            &[0xff; 20],
        ] {
            let theirs = UintRef::new(number).unwrap().to_der().unwrap();
            assert_eq!(
                written(|der| push_unsigned(der, number)),
                theirs,
                "{number:?}"
            );
        }
    }

    #[test]
    fn object_identifiers_as_der_writes_them() {
        for oid in ["2.5.29.15", "1.2.840.113549.1.1.11"] {
            let oid = ObjectIdentifier::new_unwrap(oid);
            assert_eq!(written(|der| push_oid(der, oid)), oid.to_der().unwrap());
        }
    }
}

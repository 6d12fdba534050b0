//! Reads DER as Go's certificate parser does: `cryptobyte.String` of `golang.org/x/crypto`.
//!
//! The crate `der` accepts other input, and the result must be the same as Go's.

pub(in crate::verify) const BOOLEAN: u8 = 0x01;
pub(in crate::verify) const INTEGER: u8 = 0x02;
pub(in crate::verify) const BIT_STRING: u8 = 0x03;
pub(in crate::verify) const OCTET_STRING: u8 = 0x04;
pub(in crate::verify) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(in crate::verify) const UTC_TIME: u8 = 0x17;
pub(in crate::verify) const GENERALIZED_TIME: u8 = 0x18;
pub(in crate::verify) const SEQUENCE: u8 = 0x30;
pub(in crate::verify) const SET: u8 = 0x31;

/// The tag of a field `[number]` with primitive contents.
pub(in crate::verify) const fn primitive(number: u8) -> u8 {
    0x80 | number
}

/// The tag of a field `[number]` with constructed contents.
pub(in crate::verify) const fn constructed(number: u8) -> u8 {
    0xa0 | number
}

/// The rest of some DER. A failed read ends parsing, so the position after it does not matter.
#[derive(Clone, Copy)]
pub(in crate::verify) struct Reader<'a>(pub(super) &'a [u8]);

/// One element: its tag, its contents, and its bytes as a whole.
pub(in crate::verify) struct Element<'a> {
    pub(super) tag: u8,
    pub(super) contents: &'a [u8],
    pub(super) whole: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Whether the next element has this tag.
    pub(in crate::verify) fn has_next(self, tag: u8) -> bool {
        self.0.first() == Some(&tag)
    }

    /// Reads any element (`readASN1`): its tag is below 31, and its length has at most four bytes
    /// in the shortest form.
    pub(in crate::verify) fn any(&mut self) -> Option<Element<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (length, rest) = match first {
            ..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = bytes
                    .iter()
                    .fold(0, |length, byte| length << 8 | u64::from(*byte));
                if length < 0x80 || bytes.first() == Some(&0) {
                    return None;
                }
                (usize::try_from(length).ok()?, rest)
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        let whole = &self.0[..self.0.len() - rest.len()];
        self.0 = rest;
        Some(Element {
            tag,
            contents,
            whole,
        })
    }

    /// Reads an element with this tag.
    pub(in crate::verify) fn element(&mut self, tag: u8) -> Option<Element<'a>> {
        self.any().filter(|element| element.tag == tag)
    }

    /// Reads the contents of an element with this tag.
    pub(in crate::verify) fn read(&mut self, tag: u8) -> Option<Self> {
        self.element(tag).map(|element| Reader(element.contents))
    }

    /// Reads the contents of the next element if it has this tag.
    pub(in crate::verify) fn optional(&mut self, tag: u8) -> Option<Option<Self>> {
        if self.has_next(tag) {
            self.read(tag).map(Some)
        } else {
            Some(None)
        }
    }

    /// `ReadASN1Boolean`
    pub(in crate::verify) fn boolean(&mut self) -> Option<bool> {
        match self.read(BOOLEAN)?.0 {
            [0] => Some(false),
            [0xff] => Some(true),
            _ => None,
        }
    }

    /// Reads the bytes of an integer in its shortest form (`checkASN1Integer`).
    pub(in crate::verify) fn integer(&mut self, tag: u8) -> Option<&'a [u8]> {
        let bytes = self.read(tag)?.0;
        is_shortest(bytes).then_some(bytes)
    }

    /// Reads an integer that fits into 64 bits (`asn1Signed`).
    pub(in crate::verify) fn small_integer(&mut self, tag: u8) -> Option<i64> {
        signed(self.integer(tag)?)
    }

    /// Reads the bytes of an object identifier (`ReadASN1ObjectIdentifier`).
    pub(in crate::verify) fn object_identifier(&mut self) -> Option<&'a [u8]> {
        let bytes = self.read(OBJECT_IDENTIFIER)?.0;
        is_object_identifier(bytes).then_some(bytes)
    }

    /// Reads a bit string: the number of unused bits, and the bytes
    /// (`ReadASN1BitString`).
    pub(in crate::verify) fn bit_string(&mut self) -> Option<(u8, &'a [u8])> {
        bit_string(self.read(BIT_STRING)?.0)
    }
}

/// Whether an integer has at least one byte and no superfluous one.
pub(in crate::verify) fn is_shortest(bytes: &[u8]) -> bool {
    match bytes {
        [] => false,
        [0, second, ..] => second & 0x80 != 0,
        [0xff, second, ..] => second & 0x80 == 0,
        _ => true,
    }
}

/// Whether an integer is negative.
pub(in crate::verify) fn is_negative(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first & 0x80 != 0)
}

/// The value of an integer that fits into 64 bits.
pub(in crate::verify) fn signed(bytes: &[u8]) -> Option<i64> {
    if bytes.len() > 8 {
        return None;
    }
    let start = if is_negative(bytes) { -1 } else { 0 };
    Some(
        bytes
            .iter()
            .fold(start, |value, byte| value << 8 | i64::from(*byte)),
    )
}

/// Whether every part has the shortest form and fits into 31 bits (`readBase128Int`,
/// `parseBase128Int`).
pub(in crate::verify) fn is_object_identifier(bytes: &[u8]) -> bool {
    let parts = || bytes.split_inclusive(|byte| byte & 0x80 == 0);
    let value = |part: &[u8]| {
        part.iter()
            .fold(0u64, |value, byte| value << 7 | u64::from(byte & 0x7f))
    };
    bytes.last().is_some_and(|last| last & 0x80 == 0)
        && parts().all(|part| part[0] != 0x80 && part.len() <= 5 && value(part) < 1 << 31)
}

/// The number of unused bits, at most seven, and the bytes. The unused bits must be zero.
pub(in crate::verify) fn bit_string(contents: &[u8]) -> Option<(u8, &[u8])> {
    let (&unused, bytes) = contents.split_first()?;
    let is_good = match bytes.last() {
        None => unused == 0,
        Some(last) => unused <= 7 && u32::from(*last) & ((1 << unused) - 1) == 0,
    };
    is_good.then_some((unused, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        let read = |bytes: &[u8]| Reader(bytes).any().map(|element| element.contents.len());
        assert_eq!(read(&[0x30, 0]), Some(0));
        assert_eq!(read(&[0x30, 1, 9]), Some(1));
        assert_eq!(read(&[0x30, 2, 9]), None);
        assert_eq!(
            read(&[&[0x30, 0x81, 0x80][..], &[0; 128]].concat()),
            Some(128)
        );
        // Not the shortest form, indefinite, longer than four bytes, a tag above 30
        assert_eq!(read(&[&[0x30, 0x81, 0x7f][..], &[0; 127]].concat()), None);
        assert_eq!(
            read(&[&[0x30, 0x82, 0, 0x80][..], &[0; 128]].concat()),
            None
        );
        assert_eq!(read(&[&[0x30, 0x80][..], &[0; 8]].concat()), None);
        assert_eq!(
            read(&[&[0x30, 0x85, 1, 0, 0, 0, 0][..], &[0; 8]].concat()),
            None
        );
        assert_eq!(read(&[0x1f, 1, 9]), None);
        assert_eq!(read(&[0x30]), None);
        let bytes = [0x30, 1, 9, 7];
        let mut reader = Reader(&bytes);
        assert_eq!(reader.any().map(|element| element.whole), Some(&bytes[..3]));
        assert_eq!(reader.0, [7]);
    }

    #[test]
    fn integers() {
        for (bytes, value) in [
            (&[0][..], Some(0)),
            (&[0x7f], Some(127)),
            (&[0x80], Some(-128)),
            (&[0, 0x80], Some(128)),
            (&[0xff, 0x7f], Some(-129)),
            (
                &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
                Some(i64::MAX),
            ),
            (&[0x80, 0, 0, 0, 0, 0, 0, 0], Some(i64::MIN)),
            (&[0, 0x80, 0, 0, 0, 0, 0, 0, 0], None),
        ] {
            assert!(is_shortest(bytes), "{bytes:?}");
            assert_eq!(signed(bytes), value, "{bytes:?}");
        }
        for bytes in [&[][..], &[0, 0], &[0, 0x7f], &[0xff, 0x80], &[0xff, 0xff]] {
            assert!(!is_shortest(bytes), "{bytes:?}");
        }
    }

    #[test]
    fn object_identifiers() {
        for good in [
            &[0x2a][..],
            &[0x55, 0x1d, 0x11],
            &[0x2a, 0x87, 0xff, 0xff, 0xff, 0x7f],
        ] {
            assert!(is_object_identifier(good), "{good:?}");
        }
        for bad in [
            &[][..],
            &[0x80, 0x01],
            &[0x2a, 0x80, 0x01],
            &[0x2a, 0x81],
            &[0x2a, 0x88, 0x80, 0x80, 0x80, 0x00],
            &[0x2a, 0x81, 0x80, 0x80, 0x80, 0x80, 0x00],
        ] {
            assert!(!is_object_identifier(bad), "{bad:?}");
        }
    }

    #[test]
    fn bit_strings() {
        assert_eq!(bit_string(&[0]), Some((0, &[][..])));
        assert_eq!(bit_string(&[7, 0x80]), Some((7, &[0x80][..])));
        assert_eq!(bit_string(&[0, 0xff]), Some((0, &[0xff][..])));
        for bad in [&[][..], &[1], &[8, 0], &[7, 0xc0], &[1, 0x01]] {
            assert_eq!(bit_string(bad), None, "{bad:?}");
        }
    }
}

//! Reads DER as Go's key parsers do: the parts of `encoding/asn1` that private keys need.
//!
//! It differs from the reader of certificates: a SEQUENCE may have additional elements, and an
//! optional field of another type is skipped.

use crate::verify::parse::reader;

const INTEGER: u8 = 2;
const BIT_STRING: u8 = 3;
const OCTET_STRING: u8 = 4;
const OBJECT_IDENTIFIER: u8 = 6;
const SEQUENCE: u8 = 16;

/// A tag and a length (`tagAndLength`).
#[derive(Clone, Copy)]
struct Header {
    class: u8,
    is_constructed: bool,
    tag: u32,
    length: usize,
}

impl Header {
    fn is_universal(self, tag: u8) -> bool {
        self.class == 0 && self.tag == u32::from(tag) && self.is_constructed == (tag == SEQUENCE)
    }
}

/// The fields of a structure, and the position in them.
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn is_finished(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// `parseTagAndLength`
    fn header(&self, mut at: usize) -> Option<(Header, usize)> {
        let mut next = || {
            let byte = self.bytes.get(at).copied();
            at += 1;
            byte
        };
        let first = next()?;
        let mut tag = u32::from(first & 0x1f);
        if tag == 0x1f {
            let mut part = vec![next()?];
            while part.last()? & 0x80 != 0 {
                part.push(next()?);
            }
            reader::is_object_identifier(&part).then_some(())?;
            tag = part
                .iter()
                .fold(0, |tag, byte| tag << 7 | u32::from(byte & 0x7f));
            (tag >= 0x1f).then_some(())?;
        }
        let first_length = next()?;
        let mut length = usize::from(first_length);
        if first_length & 0x80 != 0 {
            length = 0;
            for _ in 0..first_length & 0x7f {
                let byte = next()?;
                // A longer value would not fit
                (length < 1 << 23).then_some(())?;
                length = length << 8 | usize::from(byte);
                (length > 0).then_some(())?;
            }
            (length >= 0x80).then_some(())?;
        }
        let header = Header {
            class: first >> 6,
            is_constructed: first & 0x20 != 0,
            tag,
            length,
        };
        Some((header, at))
    }

    fn take(&mut self, at: usize, length: usize) -> Option<&'a [u8]> {
        let contents = self.bytes.get(at..at.checked_add(length)?)?;
        self.at = at + length;
        Some(contents)
    }

    fn required(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (header, at) = self.header(self.at)?;
        header.is_universal(tag).then_some(())?;
        self.take(at, header.length)
    }

    /// Reads a field. Skips it if it is absent or has another type.
    fn optional(&mut self, tag: u8) -> Option<Option<&'a [u8]>> {
        if self.is_finished() {
            return Some(None);
        }
        let (header, at) = self.header(self.at)?;
        if !header.is_universal(tag) {
            return Some(None);
        }
        self.take(at, header.length).map(Some)
    }

    /// Reads a field inside `[number]`, or skips it in the same way.
    fn optional_explicit(&mut self, number: u32, tag: u8) -> Option<Option<&'a [u8]>> {
        if self.is_finished() {
            return Some(None);
        }
        let (outer, at) = self.header(self.at)?;
        // A tag at the very end has no content, whatever the tag is
        (at < self.bytes.len()).then_some(())?;
        let is_it =
            outer.class == 2 && outer.tag == number && (outer.length == 0 || outer.is_constructed);
        if !is_it {
            return Some(None);
        }
        (outer.length > 0).then_some(())?;
        let (header, at) = self.header(at)?;
        if !header.is_universal(tag) {
            return Some(None);
        }
        self.take(at, header.length).map(Some)
    }

    pub(super) fn sequence(&mut self) -> Option<Self> {
        self.required(SEQUENCE).map(Fields::new)
    }

    pub(super) fn optional_sequence(&mut self) -> Option<Option<Self>> {
        Some(self.optional(SEQUENCE)?.map(Fields::new))
    }

    pub(super) fn small_integer(&mut self) -> Option<i64> {
        let bytes = self.required(INTEGER)?;
        reader::is_shortest(bytes).then(|| reader::signed(bytes))?
    }

    pub(super) fn integer(&mut self) -> Option<&'a [u8]> {
        let bytes = self.required(INTEGER)?;
        reader::is_shortest(bytes).then_some(bytes)
    }

    pub(super) fn optional_integer(&mut self) -> Option<Option<&'a [u8]>> {
        match self.optional(INTEGER)? {
            Some(bytes) => reader::is_shortest(bytes).then_some(Some(bytes)),
            None => Some(None),
        }
    }

    pub(super) fn octets(&mut self) -> Option<&'a [u8]> {
        self.required(OCTET_STRING)
    }

    pub(super) fn object_identifier(&mut self) -> Option<&'a [u8]> {
        let bytes = self.required(OBJECT_IDENTIFIER)?;
        reader::is_object_identifier(bytes).then_some(bytes)
    }

    pub(super) fn optional_curve(&mut self) -> Option<Option<&'a [u8]>> {
        match self.optional_explicit(0, OBJECT_IDENTIFIER)? {
            Some(bytes) => reader::is_object_identifier(bytes).then_some(Some(bytes)),
            None => Some(None),
        }
    }

    /// Reads a public key. Go reads it but does not use it.
    pub(super) fn optional_public_key(&mut self) -> Option<()> {
        match self.optional_explicit(1, BIT_STRING)? {
            Some(bytes) => reader::bit_string(bytes).map(drop),
            None => Some(()),
        }
    }

    /// Reads any element with its tag and length; the result is empty at the end.
    pub(super) fn optional_any(&mut self) -> Option<&'a [u8]> {
        if self.is_finished() {
            return Some(&[]);
        }
        let start = self.at;
        let (header, at) = self.header(start)?;
        self.take(at, header.length)?;
        self.bytes.get(start..self.at)
    }
}

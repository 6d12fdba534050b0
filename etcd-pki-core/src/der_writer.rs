//! DER of parts that are DER already, written once, into as many bytes as it takes.

use der::{Encode as _, Header, Length, Tag, TagNumber};

/// The bytes that a tag and a length take at most, of all that is written here
const HEADER_LENGTH: usize = 6;

/// A SEQUENCE of the parts.
pub(crate) fn sequence(parts: &[&[u8]]) -> der::Result<Vec<u8>> {
    tagged(Tag::Sequence, parts)
}

/// A field `[number] EXPLICIT` that is the part.
pub(crate) fn explicit(number: u32, part: &[u8]) -> der::Result<Vec<u8>> {
    let tag = Tag::ContextSpecific {
        constructed: true,
        number: TagNumber(number),
    };
    tagged(tag, &[part])
}

/// The parts, one after the other, behind a tag and their length.
pub(crate) fn tagged(tag: Tag, parts: &[&[u8]]) -> der::Result<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut encoded = Vec::with_capacity(HEADER_LENGTH + length);
    Header::new(tag, Length::try_from(length)?).encode_to_vec(&mut encoded)?;
    for part in parts {
        encoded.extend_from_slice(part);
    }
    Ok(encoded)
}

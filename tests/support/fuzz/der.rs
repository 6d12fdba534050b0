//! DER (X.690) as a tree, so that a part of it can be replaced and the lengths around it still
//! match.

/// The maximum number of levels. Certificates have about 10.
const DEPTH: usize = 16;

/// An element.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) tag: u8,
    pub(super) content: Content,
}

/// The contents of an element.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Bytes(Vec<u8>),
    /// Elements, also those in an OCTET STRING, such as the value of an extension
    Nodes(Vec<Node>),
}

impl Node {
    /// Reads all elements of some bytes; `None` if the bytes are something else.
    pub(super) fn read_all(mut bytes: &[u8]) -> Option<Vec<Self>> {
        Self::read_below(&mut bytes, DEPTH)
    }

    fn read_below(bytes: &mut &[u8], depth: usize) -> Option<Vec<Self>> {
        let mut nodes = Vec::new();
        while !bytes.is_empty() {
            let (tag, contents) = split(bytes)?;
            let is_constructed = tag & 0x20 != 0;
            let may_wrap = is_constructed || (tag == 0x04 && contents.len() > 2);
            let inner = may_wrap.then(|| depth.checked_sub(1)).flatten();
            let inner = inner.and_then(|depth| Self::read_below(&mut &*contents, depth));
            let content = match inner {
                Some(nodes) => Content::Nodes(nodes),
                None if is_constructed && depth > 0 => return None,
                None => Content::Bytes(contents.to_vec()),
            };
            nodes.push(Self { tag, content });
        }
        Some(nodes)
    }

    /// The elements in this one, if it has any.
    pub(super) fn children(&mut self) -> Option<&mut Vec<Self>> {
        match &mut self.content {
            Content::Nodes(nodes) => Some(nodes),
            Content::Bytes(_) => None,
        }
    }

    /// Encodes the element in DER.
    pub(super) fn write(&self) -> Vec<u8> {
        let contents = match &self.content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::Nodes(nodes) => Self::write_all(nodes),
        };
        element(self.tag, &contents)
    }

    /// Encodes elements in DER, one after the other.
    pub(super) fn write_all(nodes: &[Self]) -> Vec<u8> {
        nodes.iter().flat_map(Self::write).collect()
    }

    /// The number of elements, including this one and those in it.
    pub(super) fn count(&self) -> usize {
        match &self.content {
            Content::Nodes(nodes) => 1 + nodes.iter().map(Self::count).sum::<usize>(),
            Content::Bytes(_) => 1,
        }
    }
}

/// Encodes an element in DER.
pub(super) fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let mut der = vec![tag];
    if length < 0x80 {
        der.push(u8::try_from(length).unwrap());
    } else {
        let bytes = length.to_be_bytes();
        let bytes = &bytes[(length.leading_zeros() / 8) as usize..];
        der.push(0x80 | u8::try_from(bytes.len()).unwrap());
        der.extend(bytes);
    }
    der.extend(contents);
    der
}

/// Splits one element from the front.
fn split<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let mut length = usize::from(first);
    if first >= 0x80 {
        let count = usize::from(first & 0x7f);
        let (digits, after) = rest
            .split_at_checked(count)
            .filter(|_| (1..=4).contains(&count))?;
        length = digits
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        rest = after;
    }
    let (contents, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some((tag, contents))
}

//! Reads PEM as Go does: `Decode` of `encoding/pem`, step by step.
//!
//! Go finds the first END line and the last BEGIN line before it. It skips unreadable blocks
//! without an error.

use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"\n-----END ";
const DASHES: &[u8] = b"-----";

/// A block that Go finds.
pub(super) struct Block {
    /// The type in its BEGIN line
    pub(super) label: String,
    /// Whether its headers mark it as encrypted (RFC 1421). Go ignores this
    pub(super) is_encrypted: bool,
    pub(super) contents: Zeroizing<Vec<u8>>,
    /// Its number among the blocks that Go finds, counted from 1
    pub(super) number: usize,
    /// The line of the file on which it begins, counted from 1
    pub(super) line: usize,
}

/// The blocks that Go finds in a file, in order.
pub(super) struct Blocks<'a> {
    file: &'a [u8],
    at: usize,
    number: usize,
    /// A position in the file, and its line
    counted: (usize, usize),
}

impl<'a> Blocks<'a> {
    pub(super) fn new(file: &'a [u8]) -> Self {
        Self {
            file,
            at: 0,
            number: 0,
            counted: (0, 1),
        }
    }

    fn line(&mut self, at: usize) -> usize {
        let (from, line) = self.counted;
        let line = line + count(&self.file[from..at], b'\n');
        self.counted = (at, line);
        line
    }
}

impl Iterator for Blocks<'_> {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        let found = decode(self.file, self.at)?;
        self.at = found.next;
        self.number += 1;
        Some(Block {
            label: found.label,
            is_encrypted: found.is_encrypted,
            contents: found.contents,
            number: self.number,
            line: self.line(found.begin),
        })
    }
}

/// The lines at which a block begins that Go does not find. The block may be indented, or have no
/// END line.
pub(super) fn skipped_lines(file: &[u8]) -> Vec<usize> {
    let read: Vec<usize> = Blocks::new(file).map(|block| block.line).collect();
    let lines = file.split(|byte| *byte == b'\n').enumerate();
    let begins = lines.filter(|(_, line)| find(line, BEGIN).is_some());
    begins
        .map(|(index, _)| index + 1)
        .filter(|line| read.binary_search(line).is_err())
        .collect()
}

struct Found {
    label: String,
    is_encrypted: bool,
    contents: Zeroizing<Vec<u8>>,
    begin: usize,
    next: usize,
}

/// Finds the first block from `start` on. All positions are positions in the file.
fn decode(file: &[u8], start: usize) -> Option<Found> {
    let mut rest = start;
    loop {
        let end = rest + find(file.get(rest..)?, END)?;
        // The position after `-----END `
        let trailer = end + END.len();
        let Some(begin) = find_last(&file[rest..end], BEGIN).map(|at| rest + at) else {
            rest = trailer;
            continue;
        };
        if begin > rest && file[begin - 1] != b'\n' {
            rest = trailer;
            continue;
        }
        let (begin_line, mut body) = line(file, begin + BEGIN.len());
        let Some(label) = begin_line.strip_suffix(DASHES) else {
            rest = trailer;
            continue;
        };
        let mut has_headers = false;
        let mut is_encrypted = false;
        loop {
            if body == file.len() {
                return None;
            }
            let (header, next) = line(file, body);
            if !header.contains(&b':') {
                break;
            }
            has_headers = true;
            is_encrypted |= find(header, b"ENCRYPTED").is_some();
            body = next;
        }
        if has_headers && body > end {
            // The headers extend past the END line, and Go would then search before the current
            // position
            if body > trailer {
                return None;
            }
            rest = trailer;
            continue;
        }
        if !ends(&file[trailer..], label) {
            rest = trailer;
            continue;
        }
        let base64 = file.get(body..end).unwrap_or_default();
        let Some(contents) = decode_base64(base64) else {
            rest = trailer;
            continue;
        };
        // The line break before END may be the one after the BEGIN line
        let (_, next) = line(file, end + END.len() - 1);
        return Some(Found {
            label: String::from_utf8_lossy(label).into_owned(),
            is_encrypted,
            contents,
            begin,
            next,
        });
    }
}

/// Whether the text after `-----END ` is this label and dashes, with only spaces up to the end of
/// the line.
fn ends(trailer: &[u8], label: &[u8]) -> bool {
    let Some((end_line, rest)) = trailer.split_at_checked(label.len() + DASHES.len()) else {
        return false;
    };
    end_line.starts_with(label) && end_line.ends_with(DASHES) && line(rest, 0).0.is_empty()
}

/// The line at a position, without trailing white space, and the position of the next one
/// (`getLine`).
fn line(file: &[u8], from: usize) -> (&[u8], usize) {
    let (line, next) = match find(&file[from..], b"\n") {
        None => (&file[from..], file.len()),
        Some(length) => {
            let line = &file[from..from + length];
            (line.strip_suffix(b"\r").unwrap_or(line), from + length + 1)
        }
    };
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let kept = line.iter().rposition(|byte| !is_blank(byte));
    (&line[..kept.map_or(0, |last| last + 1)], next)
}

/// Decodes base64 with padding. Line breaks, spaces and tabs may be anywhere, and left-over bits
/// may have any value (`base64.StdEncoding`). The decoder works in constant time.
fn decode_base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut symbols = Zeroizing::new(Vec::with_capacity(text.len()));
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    symbols.extend(text.iter().copied().filter(|byte| !is_blank(byte)));
    clear_left_over_bits(&mut symbols)?;
    let mut contents = Zeroizing::new(vec![0; symbols.len() / 4 * 3]);
    let length = Base64::decode(symbols.as_slice(), &mut contents)
        .ok()?
        .len();
    contents.truncate(length);
    Some(contents)
}

/// Clears the bits of the last symbol after the last byte, because the decoder only accepts zeros
/// there.
fn clear_left_over_bits(symbols: &mut [u8]) -> Option<()> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (last, left_over) = match symbols {
        [.., last, b'=', b'='] => (last, 0x0f),
        [.., last, b'='] => (last, 0x03),
        _ => return Some(()),
    };
    let value = ALPHABET.iter().position(|symbol| symbol == last)?;
    *last = ALPHABET[value & !left_over];
    Some(())
}

fn count(bytes: &[u8], wanted: u8) -> usize {
    bytes.iter().filter(|byte| **byte == wanted).count()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    // Most bytes differ from the first one
    let first = *wanted.first()?;
    let mut from = 0;
    loop {
        from += bytes.get(from..)?.iter().position(|byte| *byte == first)?;
        if bytes[from..].starts_with(wanted) {
            return Some(from);
        }
        from += 1;
    }
}

fn find_last(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .rposition(|window| window == wanted)
}

//! Reads and writes PEM files (RFC 7468). It tolerates text around the blocks, several blocks, a
//! byte order mark, CRLF, white space at the ends of lines, a body on one line, and the headers of
//! RFC 1421.

use std::{collections::HashSet, ops::Range, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

use crate::{
    error::{Error, Place, Result},
    foreign, limits, text,
};

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";
/// The number of characters in a line
const LINE: usize = 64;
/// The maximum number of kinds of blocks in an error
const KINDS: usize = 5;

/// One block of a PEM file.
pub(crate) struct Block {
    /// The type of its content: `CERTIFICATE`, `PRIVATE KEY`, ...
    pub(crate) label: String,
    /// The headers of RFC 1421: OpenSSL writes `Proc-Type: 4,ENCRYPTED` into keys that it encrypts
    /// in its older format
    pub(crate) headers: String,
    /// The content
    pub(crate) contents: Zeroizing<Vec<u8>>,
    /// The position in the file
    pub(crate) place: Place,
    /// The range in the file, from the BEGIN line to the dashes of the END line
    pub(crate) range: Range<usize>,
}

/// Writes one block of public content.
pub(crate) fn encode(label: &str, contents: &[u8]) -> String {
    // Encodes all of it at once, because base64 is fast only for long input
    frame(label, &BASE64_STANDARD.encode(contents))
}

/// Writes one block with a private key. The encoding takes constant time.
pub(crate) fn encode_secret(label: &str, contents: &[u8]) -> Zeroizing<String> {
    let symbols = Zeroizing::new(Base64::encode_string(contents));
    Zeroizing::new(frame(label, &symbols))
}

/// Writes base64 between BEGIN and END, in lines of 64 characters.
fn frame(label: &str, symbols: &str) -> String {
    let lines = BEGIN.len() + END.len() + 2 * (label.len() + DASHES.len() + 1);
    // The capacity is exact, so a secret leaves no copy in a smaller buffer
    let mut text = String::with_capacity(lines + symbols.len() + symbols.len() / LINE + 1);
    text.extend([BEGIN, label, DASHES, "\n"]);
    let mut rest = symbols;
    while let Some((line, others)) = rest.split_at_checked(LINE) {
        text.push_str(line);
        text.push('\n');
        rest = others;
    }
    if !rest.is_empty() {
        text.push_str(rest);
        text.push('\n');
    }
    text.extend([END, label, DASHES, "\n"]);
    text
}

/// Whether the bytes look like PEM and not like DER: the supported DER never starts with text.
pub(crate) fn is_pem(bytes: &[u8]) -> bool {
    find(bytes, BEGIN.as_bytes(), 0).is_some()
}

/// Whether the bytes look like DER: all supported DER is a SEQUENCE.
pub(crate) fn is_der(bytes: &[u8]) -> bool {
    bytes.first() == Some(&0x30) && !is_pem(bytes)
}

/// Whether the bytes contain the beginning of a private key block, even a damaged one.
pub(crate) fn begins_private_key(bytes: &[u8]) -> bool {
    find(bytes, b"PRIVATE KEY-----", 0).is_some()
}

/// Whether a file is DER and its name shows it, so users do not give it to etcd. `.cer` and `.cert`
/// do not count: they are used for PEM and DER.
pub(crate) fn is_der_by_name(path: &Path, bytes: &[u8]) -> bool {
    let extension = path.extension().unwrap_or_default();
    let mut of_pem = ["pem", "crt", "key"].iter();
    is_der(bytes) && !of_pem.any(|known| extension == *known)
}

/// Reads every block of a file, in order.
fn blocks(bytes: &[u8]) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    let mut position = 0;
    let mut line = 1;
    while let Some(begin) = find(bytes, BEGIN.as_bytes(), position) {
        limits::check("PEM file", blocks.len() + 1, limits::PEM_BLOCKS, "blocks")?;
        line += bytes[position..begin]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count();
        let place = Place {
            block: blocks.len() + 1,
            line,
        };
        let (block, end) = read_block(bytes, begin, place).map_err(|error| error.at(place))?;
        blocks.push(block);
        line += bytes[begin..end]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count();
        position = end;
    }
    Ok(blocks)
}

/// Reads every block of a file that must contain at least one.
pub(crate) fn read(what: &'static str, bytes: &[u8]) -> Result<Vec<Block>> {
    match blocks(bytes) {
        Ok(blocks) if !blocks.is_empty() => Ok(blocks),
        Ok(_) => Err(
            Error::malformed(what, "it has no -----BEGIN line, so it is no PEM")
                .or_foreign(what, bytes),
        ),
        // JSON may contain PEM, but is another format
        Err(error) => Err(error.or_foreign(what, bytes)),
    }
}

/// The only block of a kind.
pub(crate) fn only<'a>(
    blocks: &'a [Block],
    what: &'static str,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<&'a Block> {
    let mut wanted = blocks.iter().filter(|block| is_wanted(&block.label));
    match (wanted.next(), wanted.next()) {
        (Some(block), None) => Ok(block),
        (Some(_), Some(_)) => Err(Error::SeveralBlocks {
            what,
            lines: blocks
                .iter()
                .filter(|block| is_wanted(&block.label))
                .map(|block| block.place.line)
                .collect(),
        }),
        (None, _) => Err(missing(what, blocks)),
    }
}

/// The error for a file that has no block of a kind, with the first kinds that it has instead.
pub(crate) fn missing(what: &'static str, blocks: &[Block]) -> Error {
    let mut labels = blocks.iter().map(|block| &*block.label);
    if let Some(reason) = labels.find_map(foreign::of_label) {
        return Error::malformed(what, reason);
    }
    let mut seen = HashSet::new();
    let mut found: Vec<String> = blocks
        .iter()
        .filter(|block| seen.insert(&block.label))
        .map(|block| match block.label.as_str() {
            "EC PARAMETERS" => "the parameters of an elliptic curve".to_owned(),
            label => format!("a {}", text::printable(&label.to_lowercase())),
        })
        .take(KINDS)
        .collect();
    if blocks.iter().any(|block| !seen.contains(&block.label)) {
        found.push("others".to_owned());
    }
    Error::MissingBlock { what, found }
}

/// Reads the block at `begin`. Returns it and the position after it.
fn read_block(bytes: &[u8], begin: usize, place: Place) -> Result<(Block, usize)> {
    let broken = |reason: &str| Error::malformed("PEM block", reason);
    let label_start = begin + BEGIN.len();
    let label_end = find(bytes, DASHES.as_bytes(), label_start)
        .ok_or_else(|| broken("its BEGIN line does not end in -----"))?;
    let label = std::str::from_utf8(&bytes[label_start..label_end])
        .ok()
        .filter(|label| !label.contains(['\r', '\n']))
        .ok_or_else(|| broken("its BEGIN line does not end in -----"))?;
    if label.len() > limits::PEM_LABEL {
        return Err(broken("its label is too long for one"));
    }
    let body_start = label_end + DASHES.len();
    let body_end = find(bytes, DASHES.as_bytes(), body_start)
        .ok_or_else(|| broken("it has no END line; the file is truncated"))?;
    let end_line = format!("{END}{label}{DASHES}");
    if !bytes[body_end..].starts_with(end_line.as_bytes()) {
        return Err(broken("its END line does not match its BEGIN line"));
    }
    let (headers, base64) = split_headers(&bytes[body_start..body_end]);
    let block = Block {
        label: label.to_owned(),
        headers: String::from_utf8_lossy(headers).into_owned(),
        contents: decode(label, base64)?,
        place,
        range: begin..body_end + end_line.len(),
    };
    Ok((block, body_end + end_line.len()))
}

/// Splits the headers of RFC 1421, which end with a blank line, from the base64.
fn split_headers(body: &[u8]) -> (&[u8], &[u8]) {
    if !body.contains(&b':') {
        return (&[], body);
    }
    let blank = find(body, b"\n\n", 0)
        .map(|at| at + 2)
        .or_else(|| find(body, b"\r\n\r\n", 0).map(|at| at + 4));
    body.split_at(blank.unwrap_or(body.len()))
}

/// Decodes base64 in lines of any length. The constant-time decoder of `pem-rfc7468` requires lines
/// of equal length.
fn decode(label: &str, base64: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let symbols = base64.iter().filter(|byte| !byte.is_ascii_whitespace());
    let mut canonical = Zeroizing::new(Vec::with_capacity(base64.len() * 66 / 64 + 128));
    canonical.extend_from_slice(format!("{BEGIN}{label}{DASHES}\n").as_bytes());
    for (index, symbol) in symbols.enumerate() {
        if index > 0 && index % 64 == 0 {
            canonical.push(b'\n');
        }
        canonical.push(*symbol);
    }
    canonical.extend_from_slice(format!("\n{END}{label}{DASHES}\n").as_bytes());
    pem_rfc7468::decode_vec(&canonical)
        .map(|(_, contents)| Zeroizing::new(contents))
        .map_err(|_| Error::malformed("PEM block", "its body is not base64; the file is damaged"))
}

fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    bytes
        .get(from..)?
        .windows(wanted.len())
        .position(|window| window == wanted)
        .map(|at| at + from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Block {
        let mut blocks = blocks(text.as_bytes()).unwrap();
        assert_eq!(blocks.len(), 1, "{text}");
        blocks.remove(0)
    }

    #[test]
    fn what_people_have() {
        let body =
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7";
        let plain = format!("-----BEGIN X-----\n{body}\n-----END X-----\n");
        let wrapped = format!("{}\n{}", &body[..40], &body[40..]);
        for text in [
            plain.clone(),
            format!("\u{feff}{plain}"),
            plain.replace('\n', "\r\n"),
            plain.replace('\n', "  \n"),
            plain.replace('\n', " "),
            format!("Certificate:\n  Data: 1:2\n{plain}after"),
            plain.replace(body, &wrapped),
            plain.replace(body, &format!("Proc-Type: 4,CLEAR\n\n{body}")),
            plain.trim_end().to_owned(),
        ] {
            let block = only(&text);
            assert_eq!(block.label, "X");
            assert_eq!(*block.contents, (0..60).collect::<Vec<u8>>(), "{text}");
        }
    }

    #[test]
    fn what_is_public_is_written_as_what_is_secret() {
        for length in 1..200 {
            let contents: Vec<u8> = (0..length).collect();
            let public = encode("X", &contents);
            let secret = encode("PRIVATE KEY", &contents);
            assert_eq!(public, secret.replace("PRIVATE KEY", "X"));
        }
    }

    #[test]
    fn what_is_broken_says_where() {
        let good = "-----BEGIN X-----\nAAEC\n-----END X-----\n";
        for (bad, reason) in [
            ("-----BEGIN X-----\nAAEC\n", "truncated"),
            (
                "-----BEGIN X-----\nAAEC\n-----END Y-----\n",
                "does not match",
            ),
            ("-----BEGIN X-----\nAA!C\n-----END X-----\n", "not base64"),
            ("-----BEGIN X\nAAEC\n-----END X-----\n", "does not"),
        ] {
            let text = format!("{good}{bad}");
            let error = blocks(text.as_bytes()).err().unwrap().to_string();
            assert!(error.starts_with("block 2 (line 4): "), "{error}");
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn a_file_has_so_many_blocks_and_no_more() {
        let block = |label: &str| format!("-----BEGIN {label}-----\nAAEC\n-----END {label}-----\n");
        let text: String = (0..limits::PEM_BLOCKS)
            .map(|number| block(&format!("A{number}")))
            .collect();
        let all = blocks(text.as_bytes()).unwrap();
        assert_eq!(all.len(), limits::PEM_BLOCKS);
        let error = missing("certificate", &all).to_string();
        let expected = "no certificate in it, but a a0, a a1, a a2, a a3, a a4, others";
        assert_eq!(error, expected);
        let Err(error) = blocks(format!("{text}{}", block("B")).as_bytes()) else {
            panic!("one block over the limit is read");
        };
        assert!(
            error.to_string().contains("more than 10000 blocks"),
            "{error}"
        );
        // About 16 MiB; work that grows with the square of the number of blocks would take minutes
        let far: String = (0..300_000)
            .map(|number| block(&format!("A{number}")))
            .collect();
        assert!(blocks(far.as_bytes()).is_err());
    }

    #[test]
    fn a_label_is_short() {
        for (length, is_read) in [
            (limits::PEM_LABEL, true),
            (limits::PEM_LABEL + 1, false),
            (1 << 22, false),
        ] {
            let label = "A".repeat(length);
            let read = blocks(
                format!("-----BEGIN {label}-----\nAAEC\n-----END {label}-----\n").as_bytes(),
            );
            assert_eq!(read.is_ok(), is_read, "{length}");
            assert!(read.err().is_none_or(|error| error.to_string().len() < 200));
        }
    }

    #[test]
    fn what_is_no_pem_has_no_blocks() {
        assert!(blocks(b"").unwrap().is_empty());
        assert!(blocks(&[0x30, 0x82, 0xff, 0x00]).unwrap().is_empty());
    }
}

//! Reads strings of names, domains and mailboxes as Go does (`crypto/x509`: `parser.go` and
//! `verify.go`).

use super::reader::{Reader, SEQUENCE, SET};

const UTF8_STRING: u8 = 0x0c;
const NUMERIC_STRING: u8 = 0x12;
const PRINTABLE_STRING: u8 = 0x13;
const T61_STRING: u8 = 0x14;
const IA5_STRING: u8 = 0x16;
const BMP_STRING: u8 = 0x1e;

/// Whether Go reads a subject or issuer (`parseName`).
pub(super) fn is_name(name: &[u8]) -> Option<()> {
    let mut parts = Reader(name).read(SEQUENCE)?;
    while !parts.is_empty() {
        let mut part = parts.read(SET)?;
        while !part.is_empty() {
            let mut attribute = part.read(SEQUENCE)?;
            attribute.object_identifier()?;
            let value = attribute.any()?;
            is_string(value.tag, value.contents).then_some(())?;
        }
    }
    Some(())
}

/// `parseASN1String`
fn is_string(tag: u8, value: &[u8]) -> bool {
    match tag {
        T61_STRING => true,
        // `*` and `&` are not in PrintableString, but Go accepts them
        PRINTABLE_STRING => value
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(byte)),
        UTF8_STRING => std::str::from_utf8(value).is_ok(),
        BMP_STRING => is_ucs2(value),
        IA5_STRING => value.is_ascii(),
        NUMERIC_STRING => value
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b' '),
        _ => false,
    }
}

/// Checks pairs of bytes: neither surrogates nor reserved code points of Unicode. The caller has
/// already removed a terminator at the end.
fn is_ucs2(value: &[u8]) -> bool {
    value.len().is_multiple_of(2)
        && value.chunks_exact(2).all(|pair| {
            let point = u16::from_be_bytes([pair[0], pair[1]]);
            !matches!(point, 0xd800..=0xdfff | 0xfdd0..=0xfdef | 0xfffe | 0xffff)
        })
}

/// `domainNameValid`: no empty label, no dot at the end, visible ASCII. A constraint may begin with
/// a dot.
pub(in crate::verify) fn is_domain(name: &str, is_constraint: bool) -> bool {
    if name.is_empty() {
        return true;
    }
    let labels = match name.strip_prefix('.') {
        Some(rest) if is_constraint => rest,
        _ => name,
    };
    labels.bytes().all(|byte| byte.is_ascii_graphic())
        && labels.split('.').all(|label| !label.is_empty())
}

/// An e-mail address (`rfc2821Mailbox`). Quoting is removed from its local part.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::verify) struct Mailbox {
    pub(in crate::verify) local: Vec<u8>,
    pub(in crate::verify) domain: String,
}

/// `parseRFC2821Mailbox`
pub(in crate::verify) fn mailbox(text: &str) -> Option<Mailbox> {
    let (local, rest) = match text.strip_prefix('"') {
        Some(quoted) => quoted_string(quoted)?,
        None => atoms(text)?,
    };
    let domain = rest.strip_prefix('@')?;
    let is_good = domain.is_empty() || (is_domain(domain, false) && !domain.starts_with('.'));
    is_good.then(|| Mailbox {
        local,
        domain: domain.to_owned(),
    })
}

fn quoted_string(text: &str) -> Option<(Vec<u8>, &str)> {
    let mut local = Vec::new();
    let mut bytes = text.bytes().enumerate();
    loop {
        let (at, byte) = bytes.next()?;
        match byte {
            b'"' => return Some((local, text.get(at + 1..)?)),
            b'\\' => {
                let (_, quoted) = bytes.next()?;
                if !matches!(quoted, 1..=9 | 11 | 12 | 14..=127) {
                    return None;
                }
                local.push(quoted);
            }
            // Spaces are accepted, although the grammar has none (RFC 3696, errata)
            1..=8 | 11 | 12 | 14..=33 | 35..=91 | 93..=127 => local.push(byte),
            _ => return None,
        }
    }
}

/// Reads atoms separated by single dots. Escaped characters are accepted outside quotes too.
fn atoms(text: &str) -> Option<(Vec<u8>, &str)> {
    let mut local = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'\\' {
            local.push(*bytes.get(at + 1)?);
            at += 2;
        } else if byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&byte) {
            local.push(byte);
            at += 1;
        } else {
            break;
        }
    }
    let has_good_dots = local.first()? != &b'.'
        && local.last() != Some(&b'.')
        && !local.windows(2).any(|pair| pair == b"..");
    has_good_dots.then_some((local, text.get(at..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains() {
        for good in ["", "a", "a.b", "*.a", "a_b.c", "[::1]:2379"] {
            assert!(is_domain(good, false), "{good}");
        }
        for bad in [".", "a.", ".a", "a..b", "a b", "a.é"] {
            assert!(!is_domain(bad, false), "{bad}");
        }
        assert!(is_domain(".a", true) && !is_domain("..a", true) && !is_domain(".", true));
    }

    #[test]
    fn mailboxes() {
        let local = |text| mailbox(text).map(|mailbox| mailbox.local);
        assert_eq!(local("a.b@c.d"), Some(b"a.b".to_vec()));
        assert_eq!(local(r#""a b"@c"#), Some(b"a b".to_vec()));
        assert_eq!(local(r#""a\"b"@c"#), Some(br#"a"b"#.to_vec()));
        assert_eq!(local(r"a\@b@c"), Some(b"a@b".to_vec()));
        assert_eq!(local("a@"), Some(b"a".to_vec()));
        for bad in [
            "",
            "a",
            "@a",
            ".a@b",
            "a.@b",
            "a..b@c",
            "a b@c",
            r#""a@b"#,
            r#""a\"#,
            r"a\",
            "a@b.",
            "a@.b",
            "a@b..c",
            "\"\u{0}\"@a",
            "\"\\\u{0}\"@a",
            "\"\n\"@a",
        ] {
            assert_eq!(local(bad), None, "{bad:?}");
        }
    }
}

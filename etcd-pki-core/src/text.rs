//! Makes text from other sources safe for messages: short, without terminal controls, and without
//! invisible characters.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
};

/// The maximum length of a quoted text in a message, in characters.
const EXCERPT: usize = 200;
/// The maximum length of a message, in characters. Two paths and the text around them fit into it.
const MESSAGE: usize = 12_000;
/// The maximum number of list items in a message.
pub(crate) const FEW: usize = 8;

/// Escapes the characters that control a terminal, and the characters that a reader cannot see:
/// control and format characters, marks that change the direction of writing, line separators,
/// unusual blanks, and characters without a glyph.
///
/// The escapes are those of JSON (`\u202e`, and two of them for a character past U+FFFF), so
/// escaped JSON text is still JSON. Escaping is necessary because names in certificates may contain
/// anything. A name could look like another name, or like a line of a program's output.
///
/// ```
/// use etcd_pki_core::internal::printable;
///
/// assert_eq!(printable("bücher"), "bücher");
/// assert_eq!(printable("ro\u{200b}ot \u{202e}x\n"), r"ro\u200bot \u202ex\u000a");
/// ```
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_printable) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if is_printable(letter) {
            escaped.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    Cow::Owned(escaped)
}

/// Whether a character is visible, and a terminal prints it unchanged.
pub(crate) fn is_printable(letter: char) -> bool {
    if letter.is_ascii() {
        return !letter.is_ascii_control();
    }
    if is_ignorable(letter) {
        return false;
    }
    // The standard library escapes the Unicode categories Cc, Cf, Cn, Co, Zl, Zp and Zs. It escapes
    // combining marks too, but only at the start of a text
    let behind_another: String = ['a', letter].into_iter().collect();
    behind_another.escape_debug().nth(1) != Some('\\')
}

/// Invisible characters of other categories (Unicode's property `Default_Ignorable_Code_Point`).
fn is_ignorable(letter: char) -> bool {
    matches!(letter,
        '\u{034f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}')
}

/// Prints a whole message on one line, as [`printable`] does. Removes the middle of a message that
/// is too long.
pub(crate) fn message(text: &str) -> Cow<'_, str> {
    // A text never has more characters than bytes
    if text.len() <= MESSAGE {
        return printable(text);
    }
    let length = text.chars().count();
    let Some((end, _)) = text.char_indices().nth(MESSAGE / 2) else {
        return printable(text);
    };
    let last = text.char_indices().rev().nth(MESSAGE / 4);
    let begin = last.map_or(end, |(begin, _)| begin.max(end));
    Cow::Owned(format!(
        "{} … ({length} characters) … {}",
        printable(&text[..end]),
        printable(&text[begin..])
    ))
}

/// The start of a text for a message, printable. If the text is cut, its length is added.
pub(crate) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        None => printable(text).into_owned(),
        Some((end, _)) => {
            let length = text.chars().count();
            format!("{}… ({length} characters)", printable(&text[..end]))
        }
    }
}

/// The start of a text in quotes, shortened as by [`excerpt`].
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        None => format!("{text:?}"),
        Some((end, _)) => {
            let length = text.chars().count();
            format!("{:?}… ({length} characters)", &text[..end])
        }
    }
}

/// The first items of a list for a message, and the number of other items.
pub(crate) fn few<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut items = items.into_iter();
    let mut first: Vec<String> = items
        .by_ref()
        .take(FEW)
        .map(|item| excerpt(&item.to_string()))
        .collect();
    match items.count() {
        0 => {}
        others => first.push(format!("and {others} more")),
    }
    first.join(", ")
}

/// Writes bytes as upper-case hexadecimal digits without separators.
pub(crate) fn upper_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail
            let _ = write!(text, "{byte:02X}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_stays() {
        for text in [
            "etcd-1.lan",
            "bücher",
            "bu\u{308}cher",
            "東京",
            "हिन्दी",
            "ไทย",
            "ελληνικά",
            "русский",
            "עברית",
            "a\\b\"c'd",
            "😀",
        ] {
            assert_eq!(printable(text), text);
        }
    }

    #[test]
    fn what_is_obeyed_or_not_seen_is_escaped() {
        let hidden = "\0\t\n\r\u{1b}\u{7f}\u{85}\u{9b}\u{a0}\u{ad}\u{34f}\u{61c}\u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\
                      \u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2060}\u{2066}\u{2067}\u{2068}\u{2069}\u{3000}\
                      \u{3164}\u{e000}\u{fe0f}\u{feff}\u{fff9}\u{e0001}\u{e0041}\u{e0100}";
        for letter in hidden.chars() {
            let text = format!("a{letter}b");
            let escaped = printable(&text);
            assert!(
                escaped.is_ascii() && escaped.starts_with("a\\u"),
                "{escaped:?}"
            );
            // The escape must be valid JSON
            let read: String = serde_free_json(&escaped);
            assert_eq!(read, text);
        }
        assert_eq!(printable("\u{e0001}"), "\\udb40\\udc01");
    }

    /// Reads the JSON escapes that occur in this test.
    fn serde_free_json(text: &str) -> String {
        let mut units = Vec::new();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            if let Some(escape) = rest.strip_prefix("\\u") {
                units.push(u16::from_str_radix(&escape[..4], 16).unwrap());
                rest = &escape[4..];
            } else {
                units.extend(letter.encode_utf16(&mut [0; 2]).iter());
                rest = &rest[letter.len_utf8()..];
            }
        }
        String::from_utf16(&units).unwrap()
    }

    #[test]
    fn long_texts_and_lists_are_cut() {
        let long = "ä".repeat(100_000);
        assert_eq!(
            excerpt(&long),
            format!("{}… (100000 characters)", "ä".repeat(200))
        );
        assert!(quoted(&long).ends_with("ä\"… (100000 characters)"));
        assert_eq!(quoted("a\"b"), "\"a\\\"b\"");
        assert_eq!(excerpt(&"a".repeat(200)), "a".repeat(200));
        assert_eq!(few(["a", "b"]), "a, b");
        assert_eq!(message("a\nb"), "a\\u000ab");
        let long = format!("begin{long}end");
        assert!(message(&long).len() < 3 * MESSAGE);
        assert!(message(&long).starts_with("begin") && message(&long).ends_with("end"));
        let many = few(0..1_000_000);
        assert_eq!(many, "0, 1, 2, 3, 4, 5, 6, 7, and 999992 more");
    }
}

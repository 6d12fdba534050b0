//! Text as a YAML scalar: plain where no reader could take it for something else, otherwise in quotes.

use super::node;
use crate::text;

/// Words that YAML 1.1 or 1.2 reads as something else than text
const WORDS: &[&str] = &["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

/// The text as a scalar of one line.
pub(super) fn scalar(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// The text in double quotes, in which every letter can be said (YAML 1.2.2, section 7.3.1).
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            ' ' => quoted.push(' '),
            letter if letter.is_ascii_graphic() => quoted.push(letter),
            letter if letter.is_alphanumeric() && text::is_printable(letter) => quoted.push(letter),
            letter => quoted.push_str(&format!("\\U{:08X}", u32::from(letter))),
        }
    }
    quoted.push('"');
    quoted
}

/// Text that begins as a name or a path does, and has no letter that means something to YAML.
fn is_plain(text: &str) -> bool {
    let begins_well =
        text.starts_with(|first: char| first.is_ascii_alphanumeric() || "/_".contains(first));
    begins_well
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "/_.-@+".contains(letter))
        && node::is_text(text)
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
        && !is_number_to_some(text)
}

/// Whether YAML 1.1 may read it as an instant, or as a number in some base.
fn is_number_to_some(text: &str) -> bool {
    let is_address = text.matches('.').count() == 3;
    text.starts_with(|first: char| first.is_ascii_digit())
        && !is_address
        && !text.contains(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_and_quoted() {
        for plain in [
            "etcd-1", "10.0.0.1", "90d", "a@b.c", "/etc/ssl", "ec-p256", "_x",
        ] {
            assert_eq!(scalar(plain), plain);
        }
        for (text, expected) in [
            ("", r#""""#),
            ("no", r#""no""#),
            ("NULL", r#""NULL""#),
            ("1", r#""1""#),
            ("1e5", r#""1e5""#),
            ("0x1f", r#""0x1f""#),
            ("2026-01-01", r#""2026-01-01""#),
            ("*.etcd", r#""*.etcd""#),
            ("fd00::1", r#""fd00::1""#),
            ("a: b #c", r#""a: b #c""#),
            ("a\"\\", r#""a\"\\""#),
            ("bücher", "\"bücher\""),
            ("a\u{85}\u{202e}", "\"a\\U00000085\\U0000202E\""),
            // A filler is a letter to Unicode
            ("a\u{3164}\u{e0041}", "\"a\\U00003164\\U000E0041\""),
        ] {
            assert_eq!(scalar(text), expected);
        }
    }
}

//! Plain scalars of YAML: what text is without quotes.

/// Words that YAML 1.1 or 1.2 does not read as text
const WORDS: &[&str] = &["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

pub(super) const TEXT: &str = "text";

/// The type of an unquoted scalar under the core schema (YAML 1.2.2, section 10.3.2).
pub(super) fn kind(text: &str) -> &'static str {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => "nothing",
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => "true or false",
        text if is_number(text) => "a number",
        _ => TEXT,
    }
}

fn is_number(text: &str) -> bool {
    let digits =
        |text: &str, radix| !text.is_empty() && text.chars().all(|digit| digit.is_digit(radix));
    if let Some(octal) = text.strip_prefix("0o") {
        return digits(octal, 8);
    }
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return digits(hexadecimal, 16);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(&unsigned) {
        return true;
    }
    unsigned.starts_with(|first: char| first == '.' || first.is_ascii_digit())
        && unsigned.parse::<f64>().is_ok()
}

/// Whether every YAML parser reads the unquoted text as text, and no character in it is YAML
/// syntax. Other text is written in double quotes, in which every character has an escape.
pub(super) fn is_plain(text: &str) -> bool {
    // YAML 1.1 reads digits with some characters between them as a time or as a number in another
    // base
    let is_numeric = text.starts_with(|first: char| first.is_ascii_digit())
        && text.matches('.').count() != 3
        && !text.contains(char::is_alphabetic);
    text.starts_with(|first: char| first.is_ascii_alphanumeric() || "/_".contains(first))
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "/_.-@+".contains(letter))
        && kind(text) == TEXT
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
        && !is_numeric
}

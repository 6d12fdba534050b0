//! Reads an openssl.conf as OpenSSL does (`def_load_bio` in `crypto/conf/conf_def.c`).

use std::collections::HashMap;

use crate::{
    error::{Error, Position, Result},
    limits, text,
};

/// The section of the lines before the first section header, and of variables that a section lacks.
const DEFAULT: &str = "default";
/// The section of environment variables.
const ENVIRONMENT: &str = "ENV";
const HINT: &str =
    "nothing was changed; `openssl req -new -config FILE` shows what OpenSSL reads in the file";

/// One line `name = value`, with its variables replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) section: String,
    pub(super) name: String,
    pub(super) value: String,
    pub(super) position: Position,
}

/// Reads all lines in order. `environment` returns the variables of the section `ENV`.
pub(super) fn read(text: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Vec<Entry>> {
    let mut reader = Reader {
        section: DEFAULT.to_owned(),
        values: HashMap::new(),
        environment,
        replaced: 0,
    };
    let mut entries = Vec::new();
    for (line, position) in lines(text) {
        let read = reader.line(&line);
        let entry = read.map_err(|reason| fault(position, &line, reason))?;
        entries.extend(entry.map(|(section, name, value)| Entry {
            section,
            name,
            value,
            position,
        }));
    }
    Ok(entries)
}

/// The lines without comments. A line that ends with a backslash is joined with the next.
/// Empty lines are left out.
fn lines(text: &str) -> impl Iterator<Item = (Vec<u8>, Position)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rest = text.split('\n').zip(1..);
    std::iter::from_fn(move || {
        let (first, number) = rest.next()?;
        let mut line = Vec::new();
        let mut next = Some(first);
        while let Some(part) = next.take() {
            line.extend_from_slice(part.trim_end_matches('\r').as_bytes());
            // Two backslashes are an escaped backslash
            if line.ends_with(b"\\") && !line.ends_with(b"\\\\") {
                line.pop();
                next = rest.next().map(|(part, _)| part);
            }
        }
        line.truncate(end_before_comment(&line));
        let column = line.iter().take_while(|byte| is_blank(**byte)).count() + 1;
        line.drain(..column - 1);
        let position = Position {
            line: number,
            column,
        };
        Some((line, position))
    })
    .filter(|(line, _)| !line.is_empty())
}

/// The index at which a comment outside quotes begins (`clear_comments`).
fn end_before_comment(line: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = line.get(at) {
        at = match byte {
            b'#' => return at,
            b'\\' => at + 2,
            byte if is_quote(*byte) => end_of_quote(line, at),
            _ => at + 1,
        };
    }
    line.len()
}

/// The index after the quoted text that begins at `at` (`scan_quote`).
fn end_of_quote(line: &[u8], at: usize) -> usize {
    let quote = line[at];
    let mut at = at + 1;
    while let Some(byte) = line.get(at) {
        at = match byte {
            byte if *byte == quote => return at + 1,
            b'\\' => at + 2,
            _ => at + 1,
        };
    }
    line.len()
}

struct Reader<E> {
    section: String,
    /// The values by section and name
    values: HashMap<(String, String), String>,
    environment: E,
    /// The number of bytes that replaced variables
    replaced: usize,
}

impl<E: Fn(&str) -> Option<String>> Reader<E> {
    /// Reads a line: section, name and value, or `None` for a section header.
    fn line(
        &mut self,
        line: &[u8],
    ) -> std::result::Result<Option<(String, String, String)>, String> {
        if let Some(rest) = line.strip_prefix(b"[") {
            self.section = self.begin_section(rest)?;
            return Ok(None);
        }
        let (mut name, mut rest) = word(line);
        let mut section = self.section.clone();
        if let Some(behind) = rest.strip_prefix(b"::") {
            section = lossy(name);
            (name, rest) = word(behind);
        }
        for directive in [".include", ".pragma"] {
            if name.starts_with(directive.as_bytes()) {
                return Err(format!(
                    "{directive} is not followed here: write what it brings into the file"
                ));
            }
        }
        let Some(value) = trim_start(rest).strip_prefix(b"=") else {
            return Err(if line.contains(&b'=') {
                "there is no = after its first word".to_owned()
            } else {
                "there is no = in it".to_owned()
            });
        };
        let name = lossy(name);
        let value = self.replaced(Some(&section), trim(value))?;
        let key = (section.clone(), name.clone());
        self.values.insert(key, value.clone());
        Ok(Some((section, name, value)))
    }

    /// The name of a section, which may contain blanks.
    fn begin_section(&mut self, line: &[u8]) -> std::result::Result<String, String> {
        let line = trim_start(line);
        let mut rest = line;
        loop {
            let (_, behind) = word(rest);
            let next = trim_start(behind);
            if next.starts_with(b"]") {
                let name = &line[..line.len() - behind.len()];
                return self.replaced(None, name);
            }
            if next.is_empty() || next.len() == rest.len() {
                return Err("there is no ] after the name of a section".to_owned());
            }
            rest = next;
        }
    }

    /// Removes quotes and backslashes, and replaces variables with their values (`str_copy`).
    fn replaced(
        &mut self,
        section: Option<&str>,
        text: &[u8],
    ) -> std::result::Result<String, String> {
        let mut value = Vec::with_capacity(text.len());
        let mut at = 0;
        while let Some(&byte) = text.get(at) {
            match byte {
                b'\\' => {
                    value.extend(text.get(at + 1).map(|letter| match letter {
                        b'r' => b'\r',
                        b'n' => b'\n',
                        b'b' => 8,
                        b't' => b'\t',
                        letter => *letter,
                    }));
                    at += 2;
                }
                b'$' => {
                    let (found, end) = self.variable(section, text, at + 1)?;
                    self.replaced += found.len();
                    value.extend_from_slice(found.as_bytes());
                    at = end;
                    if value.len() > limits::OPENSSL_VALUE
                        || self.replaced > limits::OPENSSL_REPLACED
                    {
                        return Err("its variables make it too long".to_owned());
                    }
                }
                quote if is_quote(quote) => {
                    let end = end_of_quote(text, at);
                    at += 1;
                    while at < end && text[at] != quote {
                        // In quotes a backslash only escapes the next character
                        at += usize::from(text[at] == b'\\');
                        value.extend(text.get(at));
                        at += 1;
                    }
                    at = end;
                }
                byte => {
                    value.push(byte);
                    at += 1;
                }
            }
        }
        String::from_utf8(value).map_err(|_| "it is not UTF-8".to_owned())
    }

    /// The value of the variable with a name that begins at `at`, and the index after it: `$name`,
    /// `${name}`, `$(name)`, `${section::name}`.
    fn variable(
        &self,
        section: Option<&str>,
        text: &[u8],
        at: usize,
    ) -> std::result::Result<(String, usize), String> {
        let close = match text.get(at) {
            Some(b'{') => Some(b'}'),
            Some(b'(') => Some(b')'),
            _ => None,
        };
        let begin = at + usize::from(close.is_some());
        let end_of_name = |from: usize| {
            let letters = text.get(from..).unwrap_or_default().iter();
            let is_of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
            from + letters.take_while(is_of_name).count()
        };
        let mut end = end_of_name(begin);
        let mut name = &text[begin.min(text.len())..end.min(text.len())];
        let mut section = section.map(str::to_owned);
        if text[end.min(text.len())..].starts_with(b"::") {
            section = Some(lossy(name));
            let begin = end + 2;
            end = end_of_name(begin);
            name = &text[begin..end];
        }
        let shown = excerpt(&text[at - 1..end.min(text.len())]);
        if let Some(close) = close {
            if text.get(end) != Some(&close) {
                return Err(format!("the variable {shown} has no {}", char::from(close)));
            }
            end += 1;
        }
        let name = lossy(name);
        let of = |section: &str| {
            self.values
                .get(&(section.to_owned(), name.clone()))
                .cloned()
        };
        // If a section lacks a variable, the default section applies (`_CONF_get_string`)
        let value = section
            .and_then(|section| {
                of(&section).or_else(|| {
                    (section == ENVIRONMENT)
                        .then(|| (self.environment)(&name))
                        .flatten()
                })
            })
            .or_else(|| of(DEFAULT));
        let value = value.ok_or_else(|| format!("the variable {shown} has no value"))?;
        Ok((value, end))
    }
}

/// The first word, of letters, digits and punctuation, and the rest (`eat_alpha_numeric`).
fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let mut end = 0;
    while let Some(&byte) = line.get(end) {
        if byte == b'\\' {
            end += 2;
        } else if byte.is_ascii_alphanumeric() || b"_!.%&*+,/;?@^~|-".contains(&byte) {
            end += 1;
        } else {
            break;
        }
    }
    line.split_at(end.min(line.len()))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

fn trim_start(line: &[u8]) -> &[u8] {
    let blanks = line.iter().take_while(|byte| is_blank(**byte)).count();
    &line[blanks..]
}

fn trim(line: &[u8]) -> &[u8] {
    let line = trim_start(line);
    let blanks = line
        .iter()
        .rev()
        .take_while(|byte| is_blank(**byte))
        .count();
    &line[..line.len() - blanks]
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn excerpt(bytes: &[u8]) -> String {
    text::excerpt(&lossy(bytes))
}

/// The error for a line, with the line's first word as its field.
fn fault(position: Position, line: &[u8], reason: String) -> Error {
    let (first, _) = word(line);
    Error::Specification {
        position: Some(position),
        field: if first.is_empty() {
            excerpt(line)
        } else {
            excerpt(first)
        },
        reason,
        hint: Some(HINT.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        let environment = |name: &str| (name == "HOME").then(|| "/home/me".to_owned());
        let entries = read(text, environment).unwrap();
        let shown = |entry: &Entry| format!("{}/{}={}", entry.section, entry.name, entry.value);
        entries.iter().map(shown).collect()
    }

    #[test]
    fn quotes_escapes_comments_and_joined_lines() {
        for (text, expected) in [
            ("a = b", "default/a=b"),
            ("\u{feff}a=b\r", "default/a=b"),
            ("  a   =   b  # c", "default/a=b"),
            ("a = \"b # c\"", "default/a=b # c"),
            ("a = 'b'`c`\"d\"e", "default/a=bcde"),
            ("a = \"b", "default/a=b"),
            ("a = \"b\\\"c\\n\"", "default/a=b\"cn"),
            ("a = b\\n\\#\\$c\\\\", "default/a=b\n#$c\\"),
            ("a = b\\\nc", "default/a=bc"),
            ("a = b\\\r\n  c\\\n\nd = e", "default/a=b  c"),
            ("a = b\\", "default/a=b"),
            ("# c \\\nd = e\na = b", "default/a=b"),
            ("a = ", "default/a="),
            ("[ x y ] z\na = b", "x y/a=b"),
            ("[x]\ny::a = b", "y/a=b"),
            ("a = ü\\ü", "default/a=üü"),
        ] {
            assert_eq!(values(text)[0], expected, "{text:?}");
        }
    }

    #[test]
    fn variables() {
        let text = "base = 10.0.0\n[x]\nown = 1\na = $base.$own\nb = ${base}.${own}\nc = $(x::own)$x::own\n\
                    d = ${default::base}\ne = ${none::base}\nf = ${ENV::HOME}/$ENV::HOME\ng = '$own'\n[$x]";
        let (text, _) = text.rsplit_once('\n').unwrap();
        let expected = [
            "default/base=10.0.0",
            "x/own=1",
            "x/a=10.0.0.1",
            "x/b=10.0.0.1",
            "x/c=11",
            "x/d=10.0.0",
            "x/e=10.0.0",
            "x/f=/home/me//home/me",
            "x/g=$own",
        ];
        assert_eq!(values(text), expected);
    }

    #[test]
    fn faults() {
        for (text, expected) in [
            ("a = b\n c", "line 2, column 2: c: there is no = in it"),
            (
                "a b = c",
                "line 1, column 1: a: there is no = after its first word",
            ),
            ("[a\nb = c", "line 1, column 1: [a: there is no ] after"),
            ("[a(b]", "line 1, column 1: [a(b]: there is no ]"),
            (
                "a = $b",
                "line 1, column 1: a: the variable $b has no value",
            ),
            (
                "a = ${ENV::NONE}",
                "line 1, column 1: a: the variable ${ENV::NONE has no value",
            ),
            ("a = ${b", "line 1, column 1: a: the variable ${b has no }"),
            ("a = $", "line 1, column 1: a: the variable $ has no value"),
            (
                ".include /etc/ssl/other.cnf",
                "line 1, column 1: .include: .include is not followed here",
            ),
            (
                ".include = x",
                "line 1, column 1: .include: .include is not followed here",
            ),
            (
                ".pragma dollarid:on",
                "line 1, column 1: .pragma: .pragma is not followed",
            ),
        ] {
            let error = read(text, |_| None).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{error}");
        }
    }

    #[test]
    fn variables_do_not_grow_without_end() {
        let mut text = "a0 = 0123456789\n".to_owned();
        for level in 1..100 {
            let below = level - 1;
            text += &format!("a{level} = $a{below}$a{below}\n");
        }
        assert!(
            read(&text, |_| None)
                .unwrap_err()
                .to_string()
                .contains("too long")
        );
        let mut wide = format!("a = {}\n", "x".repeat(60_000));
        wide += &"b = $a\n".repeat(100_000);
        assert!(
            read(&wide, |_| None)
                .unwrap_err()
                .to_string()
                .contains("too long")
        );
    }
}

//! Settings as operators keep them: a systemd EnvironmentFile, or a shell's exports.

use std::collections::BTreeMap;

/// Reads lines of `NAME=value`, with or without `export` before and quotes around the value;
/// comments are left out.
#[must_use]
pub fn parse(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let line = line.strip_prefix("export ").unwrap_or(line);
            let (name, value) = line
                .split_once('=')
                .unwrap_or_else(|| panic!("no setting is in the line `{line}`"));
            (name.to_owned(), unquoted(value).to_owned())
        })
        .collect()
}

fn unquoted(value: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value)
}

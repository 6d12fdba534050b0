//! Settings in the forms that operators use: a systemd EnvironmentFile, or exports of a shell.

use std::collections::BTreeMap;

/// Reads lines of `NAME=value`, with or without `export` and quotes around the value. Comments are
/// ignored.
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

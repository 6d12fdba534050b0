//! The output of all commands: results on standard output, remarks on standard error.
//!
//! Certificates, requests and file names can contain control characters and invisible characters,
//! so text is written with [`printable`].

use std::{
    fmt,
    fs::File,
    io::{self, Write as _},
    os::fd::AsFd as _,
    path::Path,
};

use etcd_pki_core::Error;
use serde::Serialize;

use crate::failure::Failure;

/// The steps of a plan, one indented line each.
pub(crate) fn indented(lines: impl Iterator<Item = String>) -> String {
    lines
        .map(|line| format!("  {}\n", one_line(&line)))
        .collect()
}

/// Writes lines of text to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    print_words(printable(text).as_bytes())
}

/// Writes our own text to standard output. A reader that stops early, such as `head`, does not
/// change the result of the command.
pub(crate) fn print_words(words: &[u8]) -> Result<(), Failure> {
    match print_bytes(words) {
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// Writes a document to standard output as JSON, with the version of its schema.
pub(crate) fn print_json(contents: &impl Serialize) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Document<'a, T> {
        schema: u8,
        #[serde(flatten)]
        contents: &'a T,
    }
    let document = Document {
        schema: 1,
        contents,
    };
    let json =
        serde_json::to_string_pretty(&document).map_err(|error| Failure::Output(error.into()))?;
    print(&format!("{json}\n"))
}

/// Writes bytes to standard output unchanged and without a buffer, because they may be a key. It
/// fails if the reader has closed the pipe.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let write = || {
        let descriptor = io::stdout().as_fd().try_clone_to_owned()?;
        File::from(descriptor).write_all(bytes)
    };
    write().map_err(Failure::Output)
}

/// Writes a line to standard error, in one write, so that lines of several processes do not mix. A
/// failed write is ignored. It is tried twice, so that a temporary failure does not lose an error
/// message.
pub(crate) fn say(line: impl fmt::Display) {
    let mut line = one_line(&line.to_string());
    line.push('\n');
    let write = || io::stderr().write_all(line.as_bytes());
    let _ = write().or_else(|_| write());
}

/// Reports why the command waits.
pub(crate) fn waiting_for(directory: &Path) {
    let directory = directory.display();
    say(format_args!(
        "waiting for another etcd-pki that works in {directory}"
    ));
}

/// Reports an error of the core on standard error, with its hint.
pub(crate) fn error(error: &Error) {
    problem(&error.to_string(), error.hint().as_deref());
}

/// Reports an error on standard error, with its hint.
pub(crate) fn problem(text: &str, hint: Option<&str>) {
    say(format_args!("etcd-pki: {text}"));
    if let Some(hint) = hint {
        say(format_args!("hint: {hint}"));
    }
}

/// Reports the answer of the argument parser, in the same form as every other error.
pub(crate) fn misunderstood(answer: &clap::Error) {
    let text = answer.render().to_string();
    // A command without its subcommand prints the help, in colour on a terminal
    let Some(problem) = text.strip_prefix("error: ") else {
        let _ = answer.print();
        return;
    };
    let problem = problem.trim_end().replace("\n  tip: ", "\nhint: ");
    let _ = writeln!(io::stderr(), "etcd-pki: {}", printable(&problem));
}

/// The text with escapes for control characters and invisible characters, line by line.
pub(crate) fn printable(text: &str) -> String {
    let lines: Vec<_> = text
        .split('\n')
        .map(etcd_pki_core::internal::printable)
        .collect();
    lines.join("\n")
}

/// The text as [`printable`] returns it, on one line, so that a name from a certificate cannot look
/// like a line of ours.
pub(crate) fn one_line(text: &str) -> String {
    etcd_pki_core::internal::printable(text).into_owned()
}

/// The first items, and the number of the others: a certificate may have thousands of names.
pub(crate) fn few(things: &[String]) -> String {
    const MOST: usize = 20;
    match things.len().checked_sub(MOST) {
        None | Some(0) => things.join(", "),
        Some(others) => format!("{}, and {others} more", things[..MOST].join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(
            one_line("a\u{1b}[31m\u{9b}\n\u{202e}"),
            "a\\u001b[31m\\u009b\\u000a\\u202e"
        );
        assert_eq!(printable("a\r\nb"), "a\\u000d\nb");
        assert_eq!(one_line("bücher 10.0.0.1"), "bücher 10.0.0.1");
    }

    #[test]
    fn lists_are_cut() {
        let things = |count: usize| {
            (1..=count)
                .map(|number| number.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(few(&things(3)), "1, 2, 3");
        assert!(few(&things(20)).ends_with("19, 20"));
        assert!(few(&things(100_000)).ends_with("19, 20, and 99980 more"));
    }
}

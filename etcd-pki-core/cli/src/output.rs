//! The one place that writes: what was asked for to standard output, and remarks on it to standard error.
//!
//! Whatever comes out of a certificate, a request or the name of a file may hold what a terminal obeys or a reader does not see, so
//! text goes through [`printable`].

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

/// What is to be done, a line for each thing.
pub(crate) fn indented(lines: impl Iterator<Item = String>) -> String {
    lines
        .map(|line| format!("  {}\n", one_line(&line)))
        .collect()
}

/// Writes lines of text to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    print_words(printable(text).as_bytes())
}

/// Writes what is ours to standard output. Who reads may have enough, as with `| head`: what the command comes to stays.
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

/// Writes bytes to standard output as they are, past every buffer, for they may be a key. If nobody reads them, they are lost.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let write = || {
        let descriptor = io::stdout().as_fd().try_clone_to_owned()?;
        File::from(descriptor).write_all(bytes)
    };
    write().map_err(Failure::Output)
}

/// Says a line on standard error, in one write, so that lines of several processes do not mix. Nobody may be listening, which harms
/// nothing; a failure that passes must not cost the reason of another one, so it tries twice.
pub(crate) fn say(line: impl fmt::Display) {
    let mut line = one_line(&line.to_string());
    line.push('\n');
    let write = || io::stderr().write_all(line.as_bytes());
    let _ = write().or_else(|_| write());
}

/// Says why nothing happens for now.
pub(crate) fn waiting_for(directory: &Path) {
    let directory = directory.display();
    say(format_args!(
        "waiting for another etcd-pki that works in {directory}"
    ));
}

/// Says on standard error what the core refused, and the way out.
pub(crate) fn error(error: &Error) {
    problem(&error.to_string(), error.hint().as_deref());
}

/// Says on standard error what went wrong, and the way out.
pub(crate) fn problem(text: &str, hint: Option<&str>) {
    say(format_args!("etcd-pki: {text}"));
    if let Some(hint) = hint {
        say(format_args!("hint: {hint}"));
    }
}

/// Says what the parser of the arguments made of them, in the form of every other problem.
pub(crate) fn misunderstood(answer: &clap::Error) {
    let text = answer.render().to_string();
    // A command without its verb is answered with the help, in colour on a terminal
    let Some(problem) = text.strip_prefix("error: ") else {
        let _ = answer.print();
        return;
    };
    let problem = problem.trim_end().replace("\n  tip: ", "\nhint: ");
    let _ = writeln!(io::stderr(), "etcd-pki: {}", printable(&problem));
}

/// The text with escapes for what a terminal obeys or a reader does not see, line by line.
pub(crate) fn printable(text: &str) -> String {
    let lines: Vec<_> = text
        .split('\n')
        .map(etcd_pki_core::internal::printable)
        .collect();
    lines.join("\n")
}

/// The text as [`printable`] gives it, on one line: a name from a certificate cannot pass for a line of ours.
pub(crate) fn one_line(text: &str) -> String {
    etcd_pki_core::internal::printable(text).into_owned()
}

/// The first of many things, and how many others there are: a certificate may have thousands of names.
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

//! How a command ends: with an answer, or with a failure.

use std::io;

use etcd_pki_core::{Error, finding::Severity};

/// The result of every command.
pub(crate) type Outcome = Result<Answer, Failure>;

/// The answer of a command that ran to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Done, or yes
    Yes,
    /// No, for a reason that was reported
    No,
    /// Changes are due, and the command was called to find out
    Due,
    /// The severity, in the codes of Nagios' plugins
    Severity(Severity),
}

/// The reason why a command did not run to its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The parser of the arguments has an answer instead: an error, or the requested help
    Arguments(clap::Error),
    /// The core returned an error
    Refused(Error),
    /// Something outside the core is wrong
    Failed(Message),
    /// The arguments contradict each other, or one is missing
    Usage(Message),
    /// Standard output cannot be written
    Output(io::Error),
}

/// An error in one line without a period, and a hint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) hint: Option<String>,
}

impl Message {
    pub(crate) fn of(error: &Error) -> Self {
        Self {
            text: error.to_string(),
            hint: error.hint(),
        }
    }
}

impl Failure {
    pub(crate) fn failed(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Failed(Message {
            text: text.into(),
            hint: Some(hint.into()),
        })
    }

    pub(crate) fn usage(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage(Message {
            text: text.into(),
            hint: Some(hint.into()),
        })
    }
}

impl Failure {
    /// The text of the failure, with its hint.
    pub(crate) fn message(&self) -> Message {
        match self {
            Self::Arguments(answer) => Message {
                text: answer.to_string(),
                hint: None,
            },
            Self::Refused(error) => Message::of(error),
            Self::Failed(message) | Self::Usage(message) => message.clone(),
            Self::Output(error) => Message {
                text: format!("cannot write to standard output: {error}"),
                hint: Some(
                    "what was to be printed is lost; write it to a file, with -o FILE where that is an option"
                        .to_owned(),
                ),
            },
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

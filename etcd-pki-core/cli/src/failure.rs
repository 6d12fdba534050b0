//! How a command ends: with an answer, or with a failure.

use std::io;

use etcd_pki_core::{Error, finding::Severity};

/// What every command comes to.
pub(crate) type Outcome = Result<Answer, Failure>;

/// What a command that ran to its end has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Done, or yes
    Yes,
    /// No, for a reason that has been told
    No,
    /// Changes are due, which was the question
    Due,
    /// How bad it is, by the codes of Nagios' plugins
    Severity(Severity),
}

/// Why a command did not run to its end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The parser of the arguments has something to say instead: what is wrong with them, or the help that they ask for
    Arguments(clap::Error),
    /// The core refused
    Refused(Error),
    /// Something outside of the core is not as it should be
    Failed(Message),
    /// The arguments contradict each other, or lack something
    Usage(Message),
    /// Standard output takes no more
    Output(io::Error),
}

/// What is wrong, in a line without a period, and the way out.
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
    /// What is said of it.
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

//! How a command ends, and by which exit code the shell learns of it.

use std::io;

use etcd_pki_core::{Error, Severity};

use crate::output;

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

/// What Nagios' plugins exit with where they cannot tell
const UNKNOWN: u8 = 3;

/// Says what went wrong, and gives the exit code of a command that speaks to Nagios: what cannot be told is no warning.
pub(crate) fn nagios_exit_code(outcome: Outcome) -> u8 {
    let failed = outcome.is_err();
    match exit_code(outcome) {
        0 => 0,
        _ if failed => UNKNOWN,
        code => code,
    }
}

/// Says what went wrong, and gives the exit code.
pub(crate) fn exit_code(outcome: Outcome) -> u8 {
    match outcome {
        Ok(Answer::Yes) => 0,
        Ok(Answer::No) => 1,
        Ok(Answer::Due) => 3,
        Ok(Answer::Severity(severity)) => match severity {
            Severity::Ok => 0,
            Severity::Warning => 1,
            Severity::Critical => 2,
            Severity::Unknown => UNKNOWN,
        },
        Err(Failure::Arguments(answer)) if answer.use_stderr() => {
            output::misunderstood(&answer);
            2
        }
        Err(Failure::Arguments(help)) => {
            let printed = help.print();
            // Who reads has enough, as with `| head`
            let is_read = printed.or_else(|error| match error.kind() {
                io::ErrorKind::BrokenPipe => Ok(()),
                _ => Err(error),
            });
            exit_code(is_read.map(|()| Answer::Yes).map_err(Failure::Output))
        }
        Err(failure) => {
            let Message { text, hint } = failure.message();
            output::problem(&text, hint.as_deref());
            match failure {
                Failure::Usage(_) => 2,
                _ => 1,
            }
        }
    }
}

//! The exit code of a command.

use std::io;

use etcd_pki_core::finding::Severity;

use crate::{
    failure::{Answer, Failure, Message, Outcome},
    output,
};

/// The exit code of a Nagios plugin for an unknown state
const UNKNOWN: u8 = 3;

/// Prints a failure, and returns the exit code for Nagios: a failure is unknown, not a warning.
pub(crate) fn nagios_exit_code(outcome: Outcome) -> u8 {
    let failed = outcome.is_err();
    match exit_code(outcome) {
        0 => 0,
        _ if failed => UNKNOWN,
        code => code,
    }
}

/// Prints a failure, and returns the exit code.
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
            // The reader may stop early, such as `head`
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

//! The output of a program, and whether it succeeded.

use std::{
    io::Write as _,
    process::{self, Command, Stdio},
    thread,
};

use serde_json::Value;

use crate::verdict::Verdict;

/// A program that has ended.
#[derive(Clone, Debug)]
pub struct Output {
    command: String,
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// Runs a program without input until it ends. Commands of [`Tool::command`](crate::Tool::command)
/// have a time limit.
#[must_use]
#[track_caller]
pub fn run(command: &mut Command) -> Output {
    let line = format!("{command:?}");
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{line} does not start: {error}"));
    ended(line, &output)
}

/// Runs a program with this input until it ends.
#[track_caller]
pub(crate) fn run_with_input(command: &mut Command, input: String) -> Output {
    let line = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{line} does not start: {error}"));
    let mut stdin = child.stdin.take().expect("it is piped");
    // The program answers while it reads. If it ends early, its exit code counts
    let writer = thread::spawn(move || stdin.write_all(input.as_bytes()).ok());
    let output = child
        .wait_with_output()
        .unwrap_or_else(|error| panic!("{line}: {error}"));
    writer.join().expect("writing does not panic");
    ended(line, &output)
}

#[track_caller]
fn ended(line: String, output: &process::Output) -> Output {
    // `timeout` exits with this code
    assert!(output.status.code() != Some(124), "{line} took too long");
    Output {
        command: line,
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// The standard error of a program that ended with this exit code.
#[must_use]
#[track_caller]
pub fn stderr_of(output: &process::Output, code: i32) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}");
    said
}

impl Output {
    /// Whether the exit code was 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }

    /// The exit code; `None` if a signal ended the program.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.code
    }

    /// The standard output.
    #[must_use]
    pub fn stdout(&self) -> &str {
        &self.stdout
    }

    /// The standard error.
    #[must_use]
    pub fn stderr(&self) -> &str {
        &self.stderr
    }

    /// Fails the test with the whole output, unless the program succeeded.
    #[track_caller]
    pub fn expect_success(self) -> Self {
        assert!(self.success(), "{}", self.described("failed"));
        self
    }

    /// Fails the test unless the program ended with this exit code.
    #[must_use]
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        let reason = format!("did not end with {code}");
        assert!(self.code == Some(code), "{}", self.described(&reason));
        self
    }

    /// Accepted if the program succeeded, otherwise refused with its whole output as the reason.
    pub fn verdict(&self) -> Verdict {
        if self.success() {
            Verdict::Accepted
        } else {
            Verdict::Refused(format!("{}{}", self.stdout, self.stderr))
        }
    }

    /// The standard output as JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| {
            panic!("{}", self.described(&format!("printed no JSON ({error})")))
        })
    }

    fn described(&self, what: &str) -> String {
        let Self {
            command,
            stdout,
            stderr,
            ..
        } = self;
        format!("{command} {what}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

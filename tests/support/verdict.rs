//! The verdict of a judge.

use std::fmt::Display;

use serde_json::Value;

/// A judge's verdict about a certificate, a request or a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It is accepted.
    Accepted,
    /// It is refused, for this reason.
    Refused(String),
}

impl Verdict {
    /// The verdict of a judge that prints `{"ok": true}` or `{"ok": false, "error": "the reason"}`.
    pub(crate) fn from_json(answer: &Value) -> Self {
        if answer["ok"] == true {
            Self::Accepted
        } else {
            Self::Refused(answer["error"].as_str().unwrap_or_default().to_owned())
        }
    }

    /// Fails the test with the reason, unless `what` was accepted.
    #[track_caller]
    pub fn assert_accepted(&self, what: impl Display) {
        if let Self::Refused(reason) = self {
            panic!("{what} should be accepted, but is refused: {reason}");
        }
    }

    /// Fails the test unless `what` was refused, for a reason that contains `because`. A refusal
    /// for another reason counts as a failure, because it would hide the expected one.
    #[track_caller]
    pub fn assert_refused(&self, what: impl Display, because: &str) {
        self.assert_refused_for_one_of(what, &[because]);
    }

    /// Fails the test unless the judge refused, for one of these reasons: some judges report the
    /// first that they find.
    pub fn assert_refused_for_one_of(&self, what: impl Display, because: &[&str]) {
        match self {
            Self::Accepted => panic!("{what} should be refused ({because:?}), but is accepted"),
            Self::Refused(reason) => assert!(
                because.iter().any(|because| reason.contains(because)),
                "{what} should be refused for one of {because:?}, but the reason is: {reason}"
            ),
        }
    }
}

//! What a judge says.

use std::fmt::Display;

use serde_json::Value;

/// What a judge says of a certificate, a request or a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It is good.
    Accepted,
    /// It is not, for this reason.
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

    /// Fails the test unless `what` was refused, for a reason in which `because` stands. A refusal
    /// for another reason is as wrong as none: it would hide the one that is asked for.
    #[track_caller]
    pub fn assert_refused(&self, what: impl Display, because: &str) {
        self.assert_refused_for_one_of(what, &[because]);
    }

    /// Fails unless the judge refused, for one of these reasons: some judges name the first that
    /// they meet.
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

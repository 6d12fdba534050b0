//! What is done with a pair.

use std::fmt;

/// What is done with the two files of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Nothing: they are as they should be
    Keep,
    /// Modes or owners are set
    Mode,
    /// A new certificate for the key that is there
    Renew,
    /// A new key and its certificate, in the place of others
    Reissue,
    /// A new key and its certificate
    Create,
}

impl Action {
    /// Its name, as it is shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Mode => "mode",
            Self::Renew => "renew",
            Self::Reissue => "re-issue",
            Self::Create => "create",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

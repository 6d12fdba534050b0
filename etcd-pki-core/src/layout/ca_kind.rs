//! The CAs of a cluster.

use std::{fmt, str::FromStr};

use crate::{
    error::{Error, Result},
    words,
};

/// One of the CAs of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaKind {
    /// The CA that signs for clients, and for peers if there is no separate peer CA
    Client,
    /// The separate peer CA
    Peer,
}

impl CaKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Client, Self::Peer];

    /// The name that users type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Peer => "peer",
        }
    }
}

impl fmt::Display for CaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for CaKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        words::one_of(text, "CA", &Self::ALL, Self::name)
    }
}

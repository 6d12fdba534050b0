//! Defines how serious a finding is.

use std::{fmt, str::FromStr};

use crate::{
    error::{Error, Result},
    words,
};

/// How serious a finding is. The order is that of Nagios plugins, with the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is wrong
    Ok,
    /// etcd-pki cannot judge it
    Unknown,
    /// Act within days
    Warning,
    /// Act now
    Critical,
}

impl Severity {
    /// All severities, in their order.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Unknown, Self::Warning, Self::Critical];

    /// The name, as it is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl FromStr for Severity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        words::one_of(text, "severity", &Self::ALL, Self::name)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

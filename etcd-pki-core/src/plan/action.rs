//! The actions of a plan's steps, and their names.

use std::{fmt, str::FromStr};

use crate::{
    error::{Error, Result},
    words,
};

/// The action of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Nothing: the pair is up to date
    Keep,
    /// Sets modes or owners
    Chmod,
    /// Issues a new certificate for the same key
    Renew,
    /// Generates a new key and issues its certificate, and replaces both files
    Reissue,
    /// Generates a key and issues its certificate
    Create,
    /// Writes a request, and generates a key if no existing key fits
    Request,
    /// Nothing: the request exists, but is not signed yet
    Wait,
    /// Installs the signed certificate
    Install,
    /// Signs a request
    Sign,
    /// Installs the certificates of a CA, delivers them to a host, or rewrites a CA file in the
    /// form that etcd reads
    Trust,
    /// Adds certificates to the revocation lists
    Revoke,
    /// Removes a pair that is not in the specification
    Remove,
    /// Nothing: the change would replace something that etcd-pki never replaces
    Blocked,
}

impl Action {
    /// All actions, in their order.
    pub const ALL: [Self; 13] = [
        Self::Keep,
        Self::Chmod,
        Self::Renew,
        Self::Reissue,
        Self::Create,
        Self::Request,
        Self::Wait,
        Self::Install,
        Self::Sign,
        Self::Trust,
        Self::Revoke,
        Self::Remove,
        Self::Blocked,
    ];

    /// The printed name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Chmod => "chmod",
            Self::Renew => "renew",
            Self::Reissue => "re-issue",
            Self::Create => "create",
            Self::Request => "request",
            Self::Wait => "wait",
            Self::Install => "install",
            Self::Sign => "sign",
            Self::Trust => "trust",
            Self::Revoke => "revoke",
            Self::Remove => "remove",
            Self::Blocked => "blocked",
        }
    }
}

impl FromStr for Action {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        words::one_of(text, "action", &Self::ALL, Self::name)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

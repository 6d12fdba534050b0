//! What can go wrong, with the facts in fields.

mod hint;
mod message;

use std::{fmt, io, path::PathBuf, time::SystemTime};

use crate::foreign::{self, Foreign};

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, where, and how to fix it.
///
/// The [`Display`](fmt::Display) form is one line without a period: what happened and, under [`Error::File`], in which
/// file. [`Error::hint`] is the way out, where there is one.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A directory holds the certificate of another authority than the specification's.
    AnotherAuthority {
        /// The certificate's file
        path: PathBuf,
        /// Its subject
        found: String,
        /// The common name of the specification
        wanted: String,
    },
    /// The CA has expired. Renew it.
    AuthorityExpired {
        /// The CA's subject
        subject: String,
        /// When it ended
        not_after: SystemTime,
    },
    /// A leaf would have the key of a CA: its owner could sign certificates.
    AuthorityKey {
        /// The authority's subject
        subject: String,
    },
    /// A CA's certificate has not begun. The clock of this machine or of the one that made the CA is wrong.
    AuthorityNotYetValid {
        /// The CA's subject
        subject: String,
        /// When it begins
        not_before: SystemTime,
    },
    /// A new authority was asked for where one, or what one has signed, exists already.
    AuthorityExists {
        /// The directory
        directory: PathBuf,
        /// What was found there
        found: String,
        /// The layout of those files, if it is not the one that was specified
        layout: Option<&'static str>,
    },
    /// A step of a plan is blocked: etcd-pki never replaces the existing file.
    Blocked {
        /// The file of the pair
        path: PathBuf,
        /// What blocks it
        reason: String,
    },
    /// A file is not as it was when the plan was made.
    Changed {
        /// The file
        path: PathBuf,
    },
    /// The clock of this machine shows a time that cannot be right.
    Clock {
        /// What it shows
        now: SystemTime,
    },
    /// A common name is not 1 to 64 characters long (RFC 5280, appendix A.1, ub-common-name).
    CommonNameLength {
        /// The common name
        common_name: String,
    },
    /// A directory was moved or removed while it was written to. What was written before went with it.
    DirectoryGone {
        /// Where it was
        path: PathBuf,
    },
    /// A private key is encrypted and no passphrase was given.
    EncryptedKey,
    /// A file exists and replacing it was not asked for.
    Exists {
        /// The file
        path: PathBuf,
    },
    /// What went wrong, in this file.
    File {
        /// The file
        path: PathBuf,
        /// What went wrong
        error: Box<Self>,
    },
    /// It was ended before it was done, between two changes: what is done is whole, and planning again finds the rest.
    Interrupted,
    /// Another CA issued the certificate of a CA, so only that one can renew it.
    IssuedByAnotherCa {
        /// The CA's subject
        subject: String,
        /// Its issuer
        issuer: String,
    },
    /// Text that is no alternative name of a certificate: no DNS name, no IP address and no URI.
    InvalidAlternativeName {
        /// The text
        text: String,
        /// What is wrong with it
        reason: String,
        /// What to write instead
        hint: Option<String>,
    },
    /// Text that is no duration and no instant.
    InvalidDuration {
        /// The text
        text: String,
        /// What is wrong with it
        reason: String,
    },
    /// A name that cannot name a host, a user, an authority or their files.
    InvalidName {
        /// The name
        name: String,
        /// What is wrong with it
        reason: String,
    },
    /// The operating system refused.
    Io {
        /// What was tried, as a verb phrase: `read`, `create a file in`
        action: &'static str,
        /// On which file or directory
        path: PathBuf,
        /// The error of the system
        error: io::Error,
    },
    /// A directory, a pipe or a socket is at the path of a file. It was not changed.
    Irregular {
        /// Where
        path: PathBuf,
    },
    /// A certificate and a key, or a signature and a key, do not belong together.
    KeyMismatch {
        /// SHA-256 of the public key that was expected, upper-case hexadecimal
        expected: String,
        /// SHA-256 of the public key that was found
        found: String,
    },
    /// A store has another layout than the specification.
    Layout {
        /// The store's layout
        store: &'static str,
        /// The specification's layout
        specification: &'static str,
    },
    /// Another process holds a directory's lock.
    Locked {
        /// The directory
        directory: PathBuf,
        /// For how long this process waited, in seconds
        waited: u64,
    },
    /// Bytes that are not what they should be.
    Malformed {
        /// What they should be: `certificate`, `private key`, ...
        what: &'static str,
        /// Where in the input, if it has parts
        place: Option<Place>,
        /// What is wrong
        reason: String,
    },
    /// A node or a client was to get a member's common name, which etcd's `--peer-cert-allowed-cn` would trust.
    MemberCommonName {
        /// The common name
        common_name: String,
    },
    /// The input has no block of the kind asked for.
    Missing {
        /// What was looked for: `certificate`, `private key`, ...
        what: &'static str,
        /// What the input has instead
        found: Vec<String>,
    },
    /// A member's certificate would have no name and no address that clients can connect to.
    NoAlternativeName,
    /// A directory is in no known layout, or a specification cannot describe it.
    NotAdoptable {
        /// The directory
        directory: PathBuf,
        /// What is at the path
        reason: String,
        /// The way out
        hint: String,
    },
    /// A certificate cannot sign certificates.
    NotAnAuthority {
        /// The certificate's subject
        subject: String,
        /// What it lacks
        reason: String,
    },
    /// A subject would be empty: no common name and no organization.
    NoSubject,
    /// A file holds what the new file must not replace, such as a CA certificate.
    NotReplaceable {
        /// The file
        path: PathBuf,
        /// What is at its path
        found: &'static str,
    },
    /// One was wanted and several are there.
    Several {
        /// Of what
        what: &'static str,
        /// The line at which each begins
        lines: Vec<usize>,
    },
    /// A signature is not by the key that should have made it.
    Signature {
        /// Of what
        what: &'static str,
        /// Why it does not hold
        reason: String,
    },
    /// A signer failed, in this process or outside of it.
    Signer {
        /// Its message
        reason: String,
    },
    /// The specification of a cluster is not one, or contradicts itself.
    Specification {
        /// Where in its text, if it was read from one
        position: Option<Position>,
        /// In which field, such as `members[1].addresses`; indices count from 0
        field: String,
        /// What is wrong with it
        reason: String,
        /// What to write instead
        hint: Option<String>,
    },
    /// A file would be written through a symbolic link.
    SymbolicLink {
        /// The link
        path: PathBuf,
    },
    /// An input is larger than any file of its kind.
    TooLarge {
        /// The most that is read, in bytes
        limit: u64,
    },
    /// etcd would refuse the certificate that was requested, or all that the CA signs. Nothing is issued.
    Unacceptable {
        /// The code of the finding, such as `EP034`
        code: &'static str,
        /// Why it would be refused
        reason: String,
        /// How to fix it
        fix: &'static str,
    },
    /// A value that is not in a list of choices.
    Unknown {
        /// What it should name: `role`, `key algorithm`, ...
        what: &'static str,
        /// The value
        text: String,
        /// The list
        choices: Vec<&'static str>,
    },
    /// A key, a curve, an encryption or a signature that etcd-pki does not use.
    Unsupported {
        /// Which, by its name
        what: String,
        /// Why, or what to do instead
        hint: &'static str,
    },
    /// A private key belongs to a user who should not own it, and its replacement would too.
    UntrustedOwner {
        /// The key's file
        path: PathBuf,
        /// The user, by name or number
        owner: String,
    },
    /// A validity that cannot be written into a certificate.
    Validity {
        /// What is wrong with it
        reason: String,
    },
    /// A passphrase does not open a private key.
    WrongPassphrase,
}

/// The name of the lock file of a directory, for which errors have a hint of its own.
pub(crate) const LOCK_FILE: &str = ".etcd-pki.lock";
/// The text after the name of a key in [`Error::AuthorityExists`] if its certificate is missing
pub(crate) const NO_CERTIFICATE: &str = ", but not its certificate ";

/// A place in an input of several blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which block, counted from 1
    pub block: usize,
    /// The line at which the block begins, counted from 1
    pub line: usize,
}

/// A position in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, counted from 1
    pub line: usize,
    /// The character in it, counted from 1
    pub column: usize,
}

impl Error {
    /// Adds the path of the file. An error that has a path keeps it.
    #[must_use]
    pub fn in_file(self, path: impl Into<PathBuf>) -> Self {
        match self {
            Self::AnotherAuthority { .. }
            | Self::Blocked { .. }
            | Self::Changed { .. }
            | Self::DirectoryGone { .. }
            | Self::Exists { .. }
            | Self::File { .. }
            | Self::Io { .. }
            | Self::Irregular { .. }
            | Self::NotReplaceable { .. }
            | Self::SymbolicLink { .. }
            | Self::UntrustedOwner { .. } => self,
            error => Self::File {
                path: path.into(),
                error: Box::new(error),
            },
        }
    }

    /// Whether the error affects every file: the work was interrupted, or the disk is full or gone.
    pub(crate) fn concerns_all(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
        match self {
            Self::DirectoryGone { .. } | Self::Interrupted => true,
            Self::Io { error, .. } => matches!(
                error.kind(),
                QuotaExceeded | ReadOnlyFilesystem | StorageFull
            ),
            _ => false,
        }
    }

    /// Whether a file was not read because it holds more than anything that is looked for.
    pub(crate) fn is_too_large(&self) -> bool {
        match self {
            Self::File { error, .. } => error.is_too_large(),
            Self::TooLarge { .. } => true,
            _ => false,
        }
    }

    /// Whether what was read is not what it should be.
    pub(crate) fn is_of_contents(&self) -> bool {
        match self {
            Self::File { error, .. } => error.is_of_contents(),
            Self::Malformed { .. } | Self::Missing { .. } => true,
            _ => false,
        }
    }

    /// Whether there is something else than a file at a path, such as a directory, or a file that this user may not read.
    pub(crate) fn is_in_the_way(&self) -> bool {
        match self {
            Self::Irregular { .. } => true,
            Self::Io { error, .. } => error.kind() == io::ErrorKind::PermissionDenied,
            _ => false,
        }
    }

    pub(crate) fn malformed(what: &'static str, reason: impl fmt::Display) -> Self {
        Self::Malformed {
            what,
            place: None,
            reason: reason.to_string(),
        }
    }

    pub(crate) fn unsupported(what: impl Into<String>, hint: &'static str) -> Self {
        Self::Unsupported {
            what: what.into(),
            hint,
        }
    }

    /// This error, or one that names what the bytes are instead of what was expected.
    pub(crate) fn or_foreign(self, what: &'static str, bytes: &[u8]) -> Self {
        match foreign::recognize(bytes) {
            Some(Foreign::Unreadable(reason)) => Self::malformed(what, reason),
            Some(Foreign::Kind(found)) if !found.ends_with(what) => Self::Missing {
                what,
                found: vec![found.to_owned()],
            },
            _ => self,
        }
    }

    /// Adds the block of the file.
    pub(crate) fn at(self, place: Place) -> Self {
        match self {
            Self::Malformed {
                what,
                place: None,
                reason,
            } => Self::Malformed {
                what,
                place: Some(place),
                reason,
            },
            error => error,
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { error, .. } => Some(error),
            Self::Io { error, .. } => Some(error),
            _ => None,
        }
    }
}

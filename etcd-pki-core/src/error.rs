//! Defines the errors of this crate, with the facts in fields.

mod hint;
mod message;

use std::{fmt, io, path::PathBuf, time::SystemTime};

use crate::foreign::{self, Foreign};

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// An error: what happened, where, and how to fix it.
///
/// The [`Display`](fmt::Display) form is one line without a period: what happened and, under
/// [`Error::File`], in which file. [`Error::hint`] explains how to fix it, if that is known.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A directory contains the certificate of a CA that is not the one in the specification.
    OtherCa {
        /// The certificate's file
        path: PathBuf,
        /// Its subject
        found: String,
        /// The common name of the specification
        wanted: String,
    },
    /// The CA has expired. Renew it.
    CaExpired {
        /// The CA's subject
        subject: String,
        /// When it expired
        not_after: SystemTime,
    },
    /// A leaf would have the key of a CA, so its owner could sign certificates.
    CaKeyInLeaf {
        /// The CA's subject
        subject: String,
    },
    /// The certificate of a CA is not valid yet. The clock of this machine, or of the one that
    /// created the CA, is wrong.
    CaNotYetValid {
        /// The CA's subject
        subject: String,
        /// When it becomes valid
        not_before: SystemTime,
    },
    /// A new CA was requested, but the directory already has a CA or certificates that a CA signed.
    ExistingCa {
        /// The directory
        directory: PathBuf,
        /// The existing files
        found: String,
        /// The layout of these files, if it differs from the specified one
        layout: Option<&'static str>,
        /// Whether the directory has the key of a CA without its certificate, as after an interrupted run
        lacks_certificate: bool,
    },
    /// A step of a plan is blocked: etcd-pki never replaces the existing file.
    Blocked {
        /// The file of the pair
        path: PathBuf,
        /// The reason
        reason: String,
    },
    /// A file changed after the plan was created.
    FileChanged {
        /// The file
        path: PathBuf,
    },
    /// The clock of this machine shows an impossible time.
    Clock {
        /// The time that it shows
        now: SystemTime,
    },
    /// A common name is not 1 to 64 characters long (RFC 5280, appendix A.1, ub-common-name).
    CommonNameLength {
        /// The common name
        common_name: String,
    },
    /// A directory was moved or removed during writing. The files written before went with it.
    DirectoryGone {
        /// The path where it was
        path: PathBuf,
    },
    /// A private key is encrypted and no passphrase was given.
    EncryptedKey,
    /// A file exists, and replacing it was not requested.
    ExistingFile {
        /// The file
        path: PathBuf,
    },
    /// An error about a file.
    File {
        /// The file
        path: PathBuf,
        /// The error
        error: Box<Self>,
    },
    /// The run was interrupted between two changes. All changes so far are complete, and a new plan
    /// finds the others.
    Interrupted,
    /// Another CA issued the certificate of a CA, so only that one can renew it.
    IssuedByAnotherCa {
        /// The CA's subject
        subject: String,
        /// Its issuer
        issuer: String,
    },
    /// Text is not an alternative name of a certificate: it is not a DNS name, an IP address or a
    /// URI.
    InvalidAlternativeName {
        /// The text
        text: String,
        /// The reason
        reason: String,
        /// The text to write instead
        hint: Option<String>,
    },
    /// Text is not a duration and not a time.
    InvalidDuration {
        /// The text
        text: String,
        /// The reason
        reason: String,
    },
    /// A name is not allowed for a host, a user, a CA or their files.
    InvalidName {
        /// The name
        name: String,
        /// The reason
        reason: String,
    },
    /// The operating system reported an error.
    Io {
        /// The attempted operation, as a verb phrase: `read`, `create a file in`
        action: &'static str,
        /// The file or directory
        path: PathBuf,
        /// The error of the system
        error: io::Error,
    },
    /// The path of a file has a directory, a pipe or a socket. It was not changed.
    NotAFile {
        /// The path
        path: PathBuf,
    },
    /// A certificate and a key, or a signature and a key, do not match.
    KeyMismatch {
        /// SHA-256 of the expected public key, upper-case hexadecimal
        expected: String,
        /// SHA-256 of the actual public key
        found: String,
    },
    /// A store has another layout than the specification.
    LayoutMismatch {
        /// The store's layout
        store: &'static str,
        /// The specification's layout
        specification: &'static str,
    },
    /// Another process holds a directory's lock.
    Locked {
        /// The directory
        directory: PathBuf,
        /// The time that this process waited, in seconds
        waited: u64,
    },
    /// Bytes have the wrong format or are damaged.
    Malformed {
        /// The expected content: `certificate`, `private key`, ...
        what: &'static str,
        /// The position in the input, if it has several parts
        place: Option<Place>,
        /// The reason
        reason: String,
    },
    /// A node or a client would get a member's common name, and etcd's `--peer-cert-allowed-cn`
    /// would accept it.
    MemberCommonName {
        /// The common name
        common_name: String,
    },
    /// The input has no block of the requested kind.
    MissingBlock {
        /// The requested kind: `certificate`, `private key`, ...
        what: &'static str,
        /// The kinds of blocks that it has
        found: Vec<String>,
    },
    /// A member's certificate would have no name and no address that clients can connect to.
    NoAlternativeName,
    /// A directory has no known layout, or a specification cannot describe it.
    NotAdoptable {
        /// The directory
        directory: PathBuf,
        /// The reason
        reason: String,
        /// The way to fix it
        hint: String,
    },
    /// The next stage of a rotation is not safe yet.
    GateClosed {
        /// The reasons
        reasons: Vec<String>,
    },
    /// A CA cannot be rotated, or the files of its rotation fit no stage.
    Rotation {
        /// The directory
        directory: PathBuf,
        /// The reason
        reason: String,
        /// The way to fix it
        hint: String,
    },
    /// A certificate cannot sign certificates.
    NotACa {
        /// The certificate's subject
        subject: String,
        /// The reason, such as a missing extension
        reason: String,
    },
    /// A certificate would be revoked, and the specification still requires it.
    StillRequired {
        /// The file of the certificate
        path: PathBuf,
        /// Its subject
        subject: String,
    },
    /// A subject would be empty: it has no common name and no organization.
    NoSubject,
    /// An existing file must not be replaced by the new one, for example a CA certificate.
    NotReplaceable {
        /// The file
        path: PathBuf,
        /// The kind of the existing file
        found: &'static str,
    },
    /// One block was expected, and there are several.
    SeveralBlocks {
        /// The kind of the blocks
        what: &'static str,
        /// The line at which each begins
        lines: Vec<usize>,
    },
    /// A signature was not created by the expected key.
    Signature {
        /// The signed object
        what: &'static str,
        /// The reason
        reason: String,
    },
    /// A signer failed, in this process or outside of it.
    Signer {
        /// Its message
        reason: String,
    },
    /// The specification of a cluster is invalid, or contradicts itself.
    Specification {
        /// The position in its text, if it was read from text
        position: Option<Position>,
        /// The field, such as `members[1].addresses`; indices count from 0
        field: String,
        /// The reason
        reason: String,
        /// The text to write instead
        hint: Option<String>,
    },
    /// A file would be written through a symbolic link.
    SymbolicLink {
        /// The link
        path: PathBuf,
    },
    /// An input is larger than the limit for its kind.
    TooLarge {
        /// The limit, in bytes
        limit: u64,
    },
    /// etcd would refuse the requested certificate, or all certificates that the CA signs. Nothing
    /// is issued.
    Unacceptable {
        /// The code of the finding, such as `EP034`
        code: &'static str,
        /// The reason
        reason: String,
        /// The way to fix it
        fix: &'static str,
    },
    /// A value that is not in a list of choices.
    InvalidChoice {
        /// The kind of choice: `role`, `key algorithm`, ...
        what: &'static str,
        /// The value
        text: String,
        /// The valid choices
        choices: Vec<&'static str>,
    },
    /// etcd-pki does not support a key, a curve, an encryption, a signature or the revocation of a
    /// CA.
    Unsupported {
        /// Its name
        what: String,
        /// The reason, or an alternative
        hint: &'static str,
    },
    /// A private key belongs to a user who should not own it, and so would its replacement.
    UntrustedOwner {
        /// The key's file
        path: PathBuf,
        /// The user, by name or number
        owner: String,
    },
    /// A validity cannot be written into a certificate.
    InvalidValidity {
        /// The reason
        reason: String,
    },
    /// A passphrase does not decrypt a private key.
    WrongPassphrase,
}

/// The name of a directory's lock file. Errors about it have a special hint.
pub(crate) const LOCK_FILE: &str = ".etcd-pki.lock";

/// The name of the record of issued certificates. Errors about it have a special hint.
pub(crate) const RECORD_FILE: &str = ".etcd-pki-issued.jsonl";

/// A place in an input of several blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number of the block, counted from 1
    pub block: usize,
    /// The line at which the block begins, counted from 1
    pub line: usize,
}

/// A position in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, counted from 1
    pub line: usize,
    /// The character in the line, counted from 1
    pub column: usize,
}

impl Error {
    /// Adds the path of the file. An error with a path keeps its own.
    #[must_use]
    pub fn in_file(self, path: impl Into<PathBuf>) -> Self {
        match self {
            Self::OtherCa { .. }
            | Self::Blocked { .. }
            | Self::FileChanged { .. }
            | Self::DirectoryGone { .. }
            | Self::ExistingFile { .. }
            | Self::File { .. }
            | Self::Io { .. }
            | Self::NotAFile { .. }
            | Self::NotReplaceable { .. }
            | Self::StillRequired { .. }
            | Self::SymbolicLink { .. }
            | Self::UntrustedOwner { .. } => self,
            error => Self::File {
                path: path.into(),
                error: Box::new(error),
            },
        }
    }

    /// Whether the error affects every file: the work was interrupted, the disk is full or
    /// read-only, or the directory was moved or removed.
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

    /// Whether a file was not read because it is larger than its limit.
    pub(crate) fn is_too_large(&self) -> bool {
        match self {
            Self::File { error, .. } => error.is_too_large(),
            Self::TooLarge { .. } => true,
            _ => false,
        }
    }

    /// Whether a file was read and has the wrong content.
    pub(crate) fn is_of_contents(&self) -> bool {
        match self {
            Self::File { error, .. } => error.is_of_contents(),
            Self::Malformed { .. } | Self::MissingBlock { .. } => true,
            _ => false,
        }
    }

    /// Whether a path has something other than a file, such as a directory, or a file that this
    /// user may not read.
    pub(crate) fn is_in_the_way(&self) -> bool {
        match self {
            Self::NotAFile { .. } => true,
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

    /// This error, or an error that names the actual format of the bytes.
    pub(crate) fn or_foreign(self, what: &'static str, bytes: &[u8]) -> Self {
        match foreign::recognize(bytes) {
            Some(Foreign::Unreadable(reason)) => Self::malformed(what, reason),
            Some(Foreign::Kind(found)) if !found.ends_with(what) => Self::MissingBlock {
                what,
                found: vec![found.to_owned()],
            },
            _ => self,
        }
    }

    /// Adds the position of the block.
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

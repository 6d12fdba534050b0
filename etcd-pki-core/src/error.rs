//! What can go wrong, with the facts in fields.

use std::{fmt, io, path::PathBuf, time::SystemTime};

use crate::clock;

/// The result of this crate's functions.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, where, and how to mend it.
///
/// The [`Display`](fmt::Display) form is one line without a period: what happened and, under [`Error::File`], in which
/// file. [`Error::hint`] is the way out, where there is one.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A CA's certificate is past its end. Renew the CA.
    AuthorityExpired {
        /// The CA's subject
        subject: String,
        /// When it ended
        not_after: SystemTime,
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
    },
    /// A common name is not 1 to 64 characters long (RFC 5280, appendix A.1, ub-common-name).
    CommonNameLength {
        /// The common name
        common_name: String,
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
        /// What the system said
        error: io::Error,
    },
    /// A certificate and a key, or a signature and a key, do not belong together.
    KeyMismatch {
        /// SHA-256 of the public key that was expected, upper-case hexadecimal
        expected: String,
        /// SHA-256 of the public key that was found
        found: String,
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
    /// A member's certificate would have no name and no address by which it is dialled.
    NoAlternativeName,
    /// A certificate cannot sign certificates.
    NotAnAuthority {
        /// The certificate's subject
        subject: String,
        /// What it lacks
        reason: String,
    },
    /// A subject would be empty: no common name and no organization.
    NoSubject,
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
        /// What it said
        reason: String,
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
    /// A word that is none of a list.
    Unknown {
        /// What it should name: `role`, `key algorithm`, ...
        what: &'static str,
        /// The word
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
    /// A validity that cannot be written into a certificate.
    Validity {
        /// What is wrong with it
        reason: String,
    },
    /// A passphrase does not open a private key.
    WrongPassphrase,
}

/// A place in an input of several blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which block, counted from 1
    pub block: usize,
    /// The line at which the block begins, counted from 1
    pub line: usize,
}

impl Error {
    /// The way to mend it, where there is one: a sentence without a period.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::AuthorityExpired { .. } => {
                "nothing that this CA signs now would be accepted; renew its certificate with the same key, or make a new CA"
            }
            Self::AuthorityNotYetValid { .. } => {
                "compare the clock of this machine with the clock of the one that made the CA"
            }
            Self::AuthorityExists { .. } => {
                "every certificate of the old authority would stop working; to replace it on purpose, say --replace-ca, \
                 or use an empty directory"
            }
            Self::CommonNameLength { common_name } => {
                return shortened(common_name).map(|cut| {
                    format!(
                        "64 characters is the limit of X.509; give a shorter one, such as --cn {cut}"
                    )
                });
            }
            Self::EncryptedKey => {
                "give its passphrase with --passphrase-file FILE or --passphrase-env NAME"
            }
            Self::Exists { .. } => "nothing was changed; to replace it, say --force",
            Self::File { error, .. } => return error.hint(),
            Self::InvalidAlternativeName { hint, .. } => return hint.clone(),
            Self::InvalidDuration { .. } => {
                "write 90d, 12h, 10y (a year is 365 days) or an instant such as 2027-01-31T12:00:00Z"
            }
            Self::KeyMismatch { .. } => {
                "find the key of this certificate, or make a new pair; `etcd-pki cert match` compares files"
            }
            Self::Locked { .. } => "wait until the other etcd-pki is done, or end it",
            Self::MemberCommonName { .. } => {
                "etcd's --peer-cert-allowed-cn would take it for a member; choose another common name, or say \
                 --allow-member-cn"
            }
            Self::Missing { what, found } => return missing_hint(what, found),
            Self::NoAlternativeName => {
                "etcd dials members by name or address; give each with --san, or the member's name with --name"
            }
            Self::NoSubject => {
                "with no common name (--no-cn) give an organization (--org), which etcd's grpc-proxy takes"
            }
            Self::NotAnAuthority { .. } => "give the certificate of the CA itself with --ca",
            Self::Several { .. } => "keep one in the file, or split it",
            Self::SymbolicLink { .. } => {
                "write to the file that it leads to, or remove the link; nothing was changed"
            }
            Self::TooLarge { .. } => {
                "certificates and keys are a few kilobytes; is this the right file?"
            }
            Self::Unknown { choices, .. } => return Some(format!("one of {}", choices.join(", "))),
            Self::Unsupported { hint, .. } if !hint.is_empty() => hint,
            Self::Io { error, .. } if error.kind() == io::ErrorKind::PermissionDenied => {
                "run it as the files' owner, or with sudo"
            }
            Self::InvalidName { .. }
            | Self::Io { .. }
            | Self::Malformed { .. }
            | Self::Signature { .. }
            | Self::Signer { .. }
            | Self::Unsupported { .. }
            | Self::Validity { .. }
            | Self::WrongPassphrase => return None,
        };
        Some(hint.to_owned())
    }

    /// Says in which file it went wrong. An error that names a path already keeps it.
    #[must_use]
    pub fn in_file(self, path: impl Into<PathBuf>) -> Self {
        match self {
            Self::Exists { .. }
            | Self::File { .. }
            | Self::Io { .. }
            | Self::SymbolicLink { .. } => self,
            error => Self::File {
                path: path.into(),
                error: Box::new(error),
            },
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

    /// Says in which block it went wrong.
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

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AuthorityExpired { subject, not_after } => {
                write!(
                    f,
                    "the CA {subject} expired on {}",
                    clock::rfc3339(*not_after)
                )
            }
            Self::AuthorityNotYetValid {
                subject,
                not_before,
            } => write!(
                f,
                "the CA {subject} is not valid before {}",
                clock::rfc3339(*not_before)
            ),
            Self::AuthorityExists { directory, found } => write!(
                f,
                "no new authority was made in {}: it has {found}",
                directory.display()
            ),
            Self::CommonNameLength { common_name } if common_name.is_empty() => {
                write!(f, "a common name is empty")
            }
            Self::CommonNameLength { common_name } => write!(
                f,
                "the common name {common_name} has {} characters",
                common_name.chars().count()
            ),
            Self::EncryptedKey => write!(f, "the private key is encrypted"),
            Self::Exists { path } => write!(f, "{} exists", path.display()),
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::InvalidAlternativeName { text, reason, .. } => {
                write!(f, "{text:?} is no DNS name, IP address or URI: {reason}")
            }
            Self::InvalidDuration { text, reason } => {
                write!(f, "{text:?} is no duration and no instant: {reason}")
            }
            Self::InvalidName { name, reason } => write!(f, "the name {name:?} {reason}"),
            Self::Io {
                action,
                path,
                error,
            } => write!(f, "cannot {action} {}: {error}", path.display()),
            Self::KeyMismatch { expected, found } => write!(
                f,
                "the key does not match: the certificate has the key {}, this one is {}",
                abbreviated(expected),
                abbreviated(found)
            ),
            Self::Locked { directory, waited } => write!(
                f,
                "{} is locked by another etcd-pki, for {waited} s now",
                directory.display()
            ),
            Self::Malformed {
                what,
                place,
                reason,
            } => {
                if let Some(Place { block, line }) = place {
                    write!(f, "block {block} (line {line}): ")?;
                }
                write!(f, "not a valid {what}: {reason}")
            }
            Self::MemberCommonName { common_name } => write!(
                f,
                "{common_name} is a member's common name, and a node or a client was to get it"
            ),
            Self::Missing { what, found } if found.is_empty() => write!(f, "no {what} in it"),
            Self::Missing { what, found } => {
                write!(f, "no {what} in it, but {}", found.join(", "))
            }
            Self::NoAlternativeName => write!(f, "a member needs a name or an address"),
            Self::NotAnAuthority { subject, reason } => {
                write!(f, "{subject} is no certificate authority: {reason}")
            }
            Self::NoSubject => write!(f, "the subject would be empty"),
            Self::Several { what, lines } => {
                let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "{} {what}s in it (lines {}) where one is wanted",
                    lines.len(),
                    lines.join(", ")
                )
            }
            Self::Signature { what, reason } => {
                write!(f, "the signature of the {what} does not hold: {reason}")
            }
            Self::Signer { reason } => write!(f, "signing failed: {reason}"),
            Self::SymbolicLink { path } => {
                write!(f, "{} is a symbolic link", path.display())
            }
            Self::TooLarge { limit } => write!(f, "larger than {} MiB", limit / (1024 * 1024)),
            Self::Unknown { what, text, .. } => write!(f, "unknown {what} {text:?}"),
            Self::Unsupported { what, .. } => write!(f, "{what} is not supported"),
            Self::Validity { reason } => write!(f, "{reason}"),
            Self::WrongPassphrase => write!(f, "the passphrase does not open the private key"),
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

/// A common name's first 64 characters, cut at a dot where one is near.
fn shortened(common_name: &str) -> Option<String> {
    let cut: String = common_name.chars().take(64).collect();
    match cut.rfind('.') {
        Some(dot) if dot > 0 => Some(cut[..dot].to_owned()),
        _ if cut.is_empty() => None,
        _ => Some(cut),
    }
}

fn missing_hint(what: &str, found: &[String]) -> Option<String> {
    let other = found.first()?;
    let hint = if what == "private key" && other.contains("certificate") {
        "the key is a file of its own; beside ca.pem it is ca-key.pem"
    } else if what == "certificate" && other.contains("private key") {
        "the certificate is a file of its own, usually without -key in its name"
    } else if what == "certificate" && other.contains("request") {
        "a request becomes a certificate with `etcd-pki cert sign`"
    } else {
        return None;
    };
    Some(hint.to_owned())
}

/// The first bytes of a fingerprint: enough to tell two keys apart.
fn abbreviated(fingerprint: &str) -> String {
    fingerprint.chars().take(16).collect::<String>() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_once() {
        let error = Error::EncryptedKey.in_file("a.pem").in_file("b.pem");
        assert_eq!(error.to_string(), "a.pem: the private key is encrypted");
        assert!(error.hint().is_some());
    }

    #[test]
    fn a_long_common_name_is_cut_at_a_dot() {
        let long = format!("etcd-member-host.{}.example.com", "a".repeat(60));
        let hint = Error::CommonNameLength { common_name: long }.hint();
        assert!(hint.is_some_and(|hint| hint.ends_with("--cn etcd-member-host")));
    }
}

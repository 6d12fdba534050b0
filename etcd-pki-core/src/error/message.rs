//! What errors say: what happened, in one line without a period.

use std::fmt;

use super::{Error, Place, Position};
use crate::clock;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AnotherAuthority {
                path,
                found,
                wanted,
            } => write!(
                f,
                "{} is {found}, and the specification says {wanted}",
                path.display()
            ),
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
            Self::AuthorityExists {
                directory, found, ..
            } => write!(
                f,
                "no new authority was made in {}: it has {found}",
                directory.display()
            ),
            Self::Changed { path } => write!(
                f,
                "{} has changed since the plan was made; nothing was written",
                path.display()
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
            Self::DirectoryGone { path } => write!(
                f,
                "{} was moved or removed while it was written to",
                path.display()
            ),
            Self::Exists { path } => write!(f, "{} exists", path.display()),
            Self::File { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Interrupted => write!(f, "it was ended before it was done"),
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
            Self::Irregular { path } => write!(f, "{} is no regular file", path.display()),
            Self::AuthorityKey { subject } => write!(
                f,
                "the key is that of the authority {subject}: whoever has it can sign certificates"
            ),
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
            Self::NotAdoptable {
                directory, reason, ..
            } => write!(f, "{} cannot be adopted: {reason}", directory.display()),
            Self::NotAnAuthority { subject, reason } => {
                write!(f, "{subject} is no certificate authority: {reason}")
            }
            Self::NotReplaceable { path, found } => {
                write!(f, "{} is not replaced: it has {found}", path.display())
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
            Self::Specification {
                position,
                field,
                reason,
                ..
            } => {
                if let Some(Position { line, column }) = position {
                    write!(f, "line {line}, column {column}: ")?;
                }
                if !field.is_empty() {
                    write!(f, "{field}: ")?;
                }
                write!(f, "{reason}")
            }
            Self::SymbolicLink { path } => {
                write!(f, "{} is a symbolic link", path.display())
            }
            Self::TooLarge { limit } => write!(f, "larger than {} MiB", limit / (1024 * 1024)),
            Self::Unknown { what, text, .. } => write!(f, "unknown {what} {text:?}"),
            Self::Unsupported { what, .. } => write!(f, "{what} is not supported"),
            Self::UntrustedOwner { path, owner } => write!(
                f,
                "the key {} belongs to {owner}, who may not own it",
                path.display()
            ),
            Self::Validity { reason } => write!(f, "{reason}"),
            Self::WrongPassphrase => write!(f, "the passphrase does not open the private key"),
        }
    }
}

/// The first bytes of a fingerprint: enough to tell two keys apart.
fn abbreviated(fingerprint: &str) -> String {
    fingerprint.chars().take(16).collect::<String>() + "…"
}

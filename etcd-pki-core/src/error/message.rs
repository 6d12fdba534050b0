//! Writes the message of an error: what happened, in one line without a period.

use std::fmt;

use super::{Error, Place, Position};
use crate::{text, time::clock};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Quoted text may have any length and contain control sequences of terminals
        f.write_str(&text::message(&Words(self).to_string()))
    }
}

/// The message of an error before [`text::message`] escapes it.
struct Words<'a>(&'a Error);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Error::OtherCa {
                path,
                found,
                wanted,
            } => write!(
                f,
                "{} is {found}, and the specification has {wanted}",
                path.display()
            ),
            Error::CaExpired { subject, not_after } => {
                write!(
                    f,
                    "the CA {subject} expired on {}",
                    clock::rfc3339(*not_after)
                )
            }
            Error::CaNotYetValid {
                subject,
                not_before,
            } => write!(
                f,
                "the CA {subject} is not valid before {}",
                clock::rfc3339(*not_before)
            ),
            Error::ExistingCa {
                directory, found, ..
            } => write!(
                f,
                "no new CA was made in {}: it has {found}",
                directory.display()
            ),
            Error::Blocked { path, reason } => {
                let path = path.display().to_string();
                if reason.contains(&path) {
                    f.write_str(reason)
                } else {
                    write!(f, "{path}: {reason}")
                }
            }
            Error::FileChanged { path } => write!(
                f,
                "{} has changed since the plan was made; nothing was written",
                path.display()
            ),
            Error::Clock { now } => write!(
                f,
                "the clock of this machine is wrong: it shows {}",
                clock::rfc3339(*now)
            ),
            Error::CommonNameLength { common_name } if common_name.is_empty() => {
                write!(f, "a common name is empty")
            }
            Error::CommonNameLength { common_name } => write!(
                f,
                "the common name {} has {} characters",
                text::excerpt(common_name),
                common_name.chars().count()
            ),
            Error::EncryptedKey => write!(f, "the private key is encrypted"),
            Error::DirectoryGone { path } => write!(
                f,
                "{} was moved or removed while it was written to",
                path.display()
            ),
            Error::ExistingFile { path } => write!(f, "{} exists", path.display()),
            Error::File { path, error } => write!(f, "{}: {error}", path.display()),
            Error::Interrupted => write!(f, "it was ended before it was done"),
            Error::InvalidAlternativeName { text, reason, .. } => {
                let text = text::quoted(text);
                write!(f, "{text} is no DNS name, IP address or URI: {reason}")
            }
            Error::InvalidDuration { text, reason } => {
                let text = text::quoted(text);
                write!(f, "{text} is no duration and no instant: {reason}")
            }
            Error::InvalidName { name, reason } => {
                write!(f, "the name {} {reason}", text::quoted(name))
            }
            Error::Io {
                action,
                path,
                error,
            } => write!(f, "cannot {action} {}: {error}", path.display()),
            Error::NotAFile { path } => write!(f, "{} is no regular file", path.display()),
            Error::CaKeyInLeaf { subject } => write!(
                f,
                "the key is that of the CA {subject}: its owner could sign certificates"
            ),
            Error::IssuedByAnotherCa { subject, issuer } if subject == issuer => write!(
                f,
                "the CA {subject} is no root: another CA of the same name issued its certificate"
            ),
            Error::IssuedByAnotherCa { subject, issuer } => write!(
                f,
                "the CA {subject} is no root: {issuer} issued its certificate"
            ),
            Error::KeyMismatch { expected, found } => write!(
                f,
                "the key does not match: the certificate has the key {}, this one is {}",
                abbreviated(expected),
                abbreviated(found)
            ),
            Error::LayoutMismatch {
                store,
                specification,
            } => write!(
                f,
                "the directory has the {store} layout, and the specification has {specification}"
            ),
            Error::Locked { directory, waited } => write!(
                f,
                "{} is locked by another etcd-pki, for {waited} s now",
                directory.display()
            ),
            Error::Malformed {
                what,
                place,
                reason,
            } => {
                if let Some(Place { block, line }) = place {
                    write!(f, "block {block} (line {line}): ")?;
                }
                write!(f, "not a valid {what}: {reason}")
            }
            Error::MemberCommonName { common_name } => write!(
                f,
                "{common_name} is a member's common name, and a node or a client was to get it"
            ),
            Error::MissingBlock { what, found } if found.is_empty() => write!(f, "no {what} in it"),
            Error::MissingBlock { what, found } => {
                write!(f, "no {what} in it, but {}", found.join(", "))
            }
            Error::NoAlternativeName => write!(f, "a member needs a name or an address"),
            Error::NotAdoptable {
                directory, reason, ..
            } => write!(f, "{} cannot be adopted: {reason}", directory.display()),
            Error::GateClosed { reasons } => write!(
                f,
                "the next stage of the rotation is not safe yet: {}",
                reasons.join("; ")
            ),
            Error::Rotation {
                directory, reason, ..
            } => write!(
                f,
                "the CA in {} is not rotated: {reason}",
                directory.display()
            ),
            Error::NotACa { subject, reason } => {
                write!(f, "{subject} is not a CA: {reason}")
            }
            Error::NotReplaceable { path, found } => {
                write!(f, "{} is not replaced: it has {found}", path.display())
            }
            Error::NoSubject => write!(f, "the subject would be empty"),
            Error::SeveralBlocks { what, lines } => {
                write!(
                    f,
                    "{} {what}s in it (lines {}) where one is expected",
                    lines.len(),
                    text::few(lines)
                )
            }
            Error::Signature { what, reason } => {
                write!(f, "the signature of the {what} does not hold: {reason}")
            }
            Error::Signer { reason } => write!(f, "signing failed: {reason}"),
            Error::Specification {
                position,
                field,
                reason,
                ..
            } => {
                if let Some(Position { line, column }) = position {
                    write!(f, "line {line}, column {column}: ")?;
                }
                if !field.is_empty() {
                    write!(f, "{}: ", text::excerpt(field))?;
                }
                write!(f, "{reason}")
            }
            Error::StillRequired { path, subject } => write!(
                f,
                "the specification still requires {}, the certificate of {subject}",
                path.display()
            ),
            Error::SymbolicLink { path } => {
                write!(f, "{} is a symbolic link", path.display())
            }
            Error::TooLarge { limit } => write!(f, "larger than {} MiB", limit / (1024 * 1024)),
            Error::Unacceptable { code, reason, .. } => {
                write!(f, "etcd would refuse the certificate: {reason} ({code})")
            }
            Error::InvalidChoice { what, text, .. } => {
                write!(f, "unknown {what} {}", text::quoted(text))
            }
            Error::Unsupported { what, .. } => write!(f, "{what} is not supported"),
            Error::UntrustedOwner { path, owner } => write!(
                f,
                "{} belongs to {owner}, who may not own it",
                path.display()
            ),
            Error::InvalidValidity { reason } => write!(f, "{reason}"),
            Error::WrongPassphrase => write!(f, "the passphrase does not open the private key"),
        }
    }
}

/// The first bytes of a fingerprint, enough to distinguish two keys.
fn abbreviated(fingerprint: &str) -> String {
    fingerprint.chars().take(16).collect::<String>() + "…"
}

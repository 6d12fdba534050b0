//! What errors say: what happened, in one line without a period, and the way out.

use std::{fmt, io};

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
            Self::AuthorityExists { directory, found } => write!(
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
            Self::Validity { reason } => write!(f, "{reason}"),
            Self::WrongPassphrase => write!(f, "the passphrase does not open the private key"),
        }
    }
}

impl Error {
    /// The way to mend it, where there is one: a sentence without a period.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::AnotherAuthority { .. } => {
                "write its common name into the specification (ca.common_name), or name another directory"
            }
            Self::Changed { .. } => "run it again: it plans anew",
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
            Self::Interrupted => "what is done is whole; run it again for the rest",
            Self::InvalidAlternativeName { hint: None, .. } => {
                "a DNS name has letters, digits, hyphens and dots, an address reads 10.0.0.1 or fd00::1, a URI begins with URI:"
            }
            Self::InvalidAlternativeName { hint, .. } | Self::Specification { hint, .. } => {
                return hint.clone();
            }
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
            Self::NotAdoptable { hint, .. } => return Some(hint.clone()),
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
            Self::Io {
                action: "find",
                error,
                ..
            } if error.kind() == io::ErrorKind::NotFound => {
                "make it with `etcd-pki cert issue`, or name another one"
            }
            Self::Io { error, .. } if error.kind() == io::ErrorKind::PermissionDenied => {
                "run it as the files' owner, or with sudo"
            }
            Self::Malformed { .. } => {
                "nothing was changed; give the whole file as it was written, in PEM or DER, or make it anew"
            }
            Self::WrongPassphrase => "of a file, the first line is the passphrase",
            Self::InvalidName { .. }
            | Self::Io { .. }
            | Self::Signature { .. }
            | Self::Signer { .. }
            | Self::Unsupported { .. }
            | Self::Validity { .. } => return None,
        };
        Some(hint.to_owned())
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

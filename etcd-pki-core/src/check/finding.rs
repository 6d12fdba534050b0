//! What is wrong with a certificate or a file.

use std::{fmt, path::PathBuf, time::SystemTime};

use super::threshold::Threshold;
use crate::clock;

/// How bad it is. The order is that of Nagios' plugins, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is wrong
    Ok,
    /// It could not be looked at
    Unknown,
    /// To be seen to in the next days
    Warning,
    /// To be seen to now
    Critical,
}

impl Severity {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Unknown, Self::Warning, Self::Critical];

    /// Its name.
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

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What is wrong with a certificate or a file. Each kind has a code that stays.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// EP001: its end has passed.
    Expired {
        /// Its end
        not_after: SystemTime,
    },
    /// EP002 within the critical threshold, EP003 within the warning one: its end is near.
    Expires {
        /// Its end
        not_after: SystemTime,
        /// Whole days until then
        days: u64,
        /// The threshold that it is within
        within: Threshold,
        /// Whether that is the critical one
        critical: bool,
    },
    /// EP004: it has not begun. The clock of this machine or of the one that made it is wrong.
    NotYetValid {
        /// Its beginning
        not_before: SystemTime,
    },
    /// EP005: the key beside it is another one's; etcd does not start with the two.
    KeyMismatch {
        /// The key's file
        key: PathBuf,
    },
    /// EP006: a private key can be read by everybody on the host.
    KeyReadable {
        /// The key's file
        key: PathBuf,
        /// Its mode
        mode: u32,
    },
    /// EP007: no authority beside it has signed it.
    AnotherAuthority {
        /// The authority beside it
        authority: PathBuf,
        /// Whether that one has the name of its issuer, so that it must be meant
        same_name: bool,
    },
    /// EP008: an authority without keyUsage, which Python 3.13 and OpenSSL's strict check refuse.
    NoKeyUsage,
    /// EP009: its authority ends before it, and so do connections.
    OutlivesAuthority {
        /// The authority's file
        authority: PathBuf,
        /// The authority's end
        not_after: SystemTime,
    },
    /// EP010: a member's certificate that may not dial. etcd's own gRPC gateway and its peers are dialled with it (etcd issue
    /// 9785).
    MemberWithoutClientAuth,
    /// EP011: a client's certificate without alternative names, which etcd's peer port takes for a member's.
    ClientWithoutNames,
    /// EP012: a file is not what it should be, or cannot be read.
    Unreadable {
        /// Why, with the file
        reason: String,
        /// Whether it was read and is damaged, and not kept from us
        damaged: bool,
    },
    /// EP013: there is no certificate where some were to be.
    NoCertificate,
    /// EP014: its key is an authority's, so that whoever has it can sign certificates.
    AuthorityKey {
        /// The authority's file
        authority: PathBuf,
    },
    /// EP015: everybody on the host can write a certificate's file, or replace what is in its directory: an authority that they
    /// put there is trusted then.
    Writable {
        /// The mode of the file, or of the directory
        mode: u32,
    },
    /// EP016: a private key's certificate is not there. It is lost, or was requested elsewhere and has not come.
    MissingCertificate,
}

impl Finding {
    /// Every code, in order.
    pub const CODES: [&'static str; 16] = [
        "EP001", "EP002", "EP003", "EP004", "EP005", "EP006", "EP007", "EP008", "EP009", "EP010",
        "EP011", "EP012", "EP013", "EP014", "EP015", "EP016",
    ];

    /// Its code, which stays the same whatever it says.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Expired { .. } => "EP001",
            Self::Expires { critical: true, .. } => "EP002",
            Self::Expires { .. } => "EP003",
            Self::NotYetValid { .. } => "EP004",
            Self::KeyMismatch { .. } => "EP005",
            Self::KeyReadable { .. } => "EP006",
            Self::AnotherAuthority { .. } => "EP007",
            Self::NoKeyUsage => "EP008",
            Self::OutlivesAuthority { .. } => "EP009",
            Self::MemberWithoutClientAuth => "EP010",
            Self::ClientWithoutNames => "EP011",
            Self::Unreadable { .. } => "EP012",
            Self::NoCertificate => "EP013",
            Self::AuthorityKey { .. } => "EP014",
            Self::Writable { .. } => "EP015",
            Self::MissingCertificate => "EP016",
        }
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::Expired { .. }
            | Self::Expires { critical: true, .. }
            | Self::NotYetValid { .. }
            | Self::KeyMismatch { .. }
            | Self::KeyReadable { .. }
            | Self::AnotherAuthority {
                same_name: true, ..
            }
            | Self::Unreadable { damaged: true, .. }
            | Self::AuthorityKey { .. }
            | Self::Writable { .. } => Severity::Critical,
            Self::Expires { .. }
            | Self::AnotherAuthority { .. }
            | Self::NoKeyUsage
            | Self::OutlivesAuthority { .. }
            | Self::MemberWithoutClientAuth
            | Self::ClientWithoutNames
            | Self::MissingCertificate => Severity::Warning,
            Self::Unreadable { .. } | Self::NoCertificate => Severity::Unknown,
        }
    }
}

impl fmt::Display for Finding {
    /// A line without a period and without the code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired { not_after } => write!(f, "expired on {}", clock::rfc3339(*not_after)),
            Self::Expires {
                not_after,
                days,
                within,
                ..
            } => {
                match days {
                    0 => write!(f, "expires on {}", clock::rfc3339(*not_after)),
                    1 => write!(f, "expires in 1 day"),
                    _ => write!(f, "expires in {days} days"),
                }?;
                write!(f, " (threshold {within})")
            }
            Self::NotYetValid { not_before } => {
                write!(f, "not valid before {}", clock::rfc3339(*not_before))
            }
            Self::KeyMismatch { key } => {
                write!(f, "{} is another certificate's key", key.display())
            }
            Self::KeyReadable { key, mode } => write!(
                f,
                "{} can be read by everybody (mode {mode:04o})",
                key.display()
            ),
            Self::AnotherAuthority {
                authority,
                same_name: true,
            } => write!(
                f,
                "not signed by {}, which has its issuer's name and another key",
                authority.display()
            ),
            Self::AnotherAuthority { authority, .. } => {
                write!(f, "not signed by {} beside it", authority.display())
            }
            Self::NoKeyUsage => write!(
                f,
                "a CA without keyUsage: Python 3.13 and openssl -x509_strict refuse what it signs"
            ),
            Self::OutlivesAuthority {
                authority,
                not_after,
            } => write!(
                f,
                "ends after its CA {}, which ends on {}",
                authority.display(),
                clock::rfc3339(*not_after)
            ),
            Self::MemberWithoutClientAuth => write!(
                f,
                "serverAuth without clientAuth: a member cannot dial its peers and its own gRPC gateway with it"
            ),
            Self::ClientWithoutNames => write!(
                f,
                "no alternative names: etcd's peer port takes it for a member's"
            ),
            Self::Unreadable { reason, .. } => write!(f, "{reason}"),
            Self::NoCertificate => write!(f, "no certificate in it"),
            Self::AuthorityKey { authority } => write!(
                f,
                "its key is that of {}: whoever has it can sign certificates",
                authority.display()
            ),
            Self::Writable { mode } => {
                write!(f, "everybody can write it (mode {mode:04o}): chmod o-w")
            }
            Self::MissingCertificate => write!(
                f,
                "the certificate of this key is not there: it is lost, or was requested and has not come"
            ),
        }
    }
}

//! Why something is to be done with a pair.

use std::{
    borrow::Cow,
    fmt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use crate::clock;

/// Why something is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The key is of another algorithm than the one that is wanted.
    Algorithm {
        /// That of the key
        found: String,
        /// That of the specification
        wanted: String,
    },
    /// An authority of the same name has signed it, or another one, and not the one that is there.
    AnotherAuthority,
    /// The common name is another.
    CommonName {
        /// That of the certificate
        found: Option<String>,
        /// That of the specification
        wanted: Option<String>,
    },
    /// It names its authority's earlier certificate, by a serial number or a key identifier that the one which is there does not
    /// have: OpenSSL and GnuTLS refuse it, and Go does not look.
    EarlierAuthority,
    /// It has ended.
    Expired {
        /// When it ended
        not_after: SystemTime,
    },
    /// It ends soon.
    Expires {
        /// When it ends
        not_after: SystemTime,
        /// Whole days from now until then
        days: u64,
    },
    /// What etcd-pki never replaces: a file that this user may not read, a directory or a pipe in a file's place, a link out of the
    /// directory. As long as it is there, the pair stays as it is.
    InTheWay {
        /// Where
        path: PathBuf,
        /// What it is, with the file
        reason: String,
    },
    /// The certificate is of another key: an exchange of both was cut off.
    KeyMismatch,
    /// The certificate's file is not there.
    MissingCertificate,
    /// The key's file is not there.
    MissingKey,
    /// A name or an address is not in it.
    MissingName(
        /// The name
        String,
    ),
    /// A file may be read or written by others than it should, or is another's.
    Mode {
        /// Which
        path: PathBuf,
        /// Its mode
        found: u32,
        /// The mode that it should have
        wanted: u32,
    },
    /// An authority without keyUsage, which Python 3.13 and OpenSSL's strict check refuse.
    NoKeyUsage,
    /// The organization is another.
    Organization {
        /// Those of the certificate
        found: Vec<String>,
        /// That of the specification
        wanted: Option<String>,
    },
    /// A file belongs to another user or group.
    Owner {
        /// Which
        path: PathBuf,
    },
    /// Another pair has the same key.
    SharedKey,
    /// A file that is to be written is a link to another file of the directory, as Kubespray makes them on control planes. It is
    /// replaced only after [`Plan::replace_links`](super::Plan::replace_links).
    SymbolicLink {
        /// Which
        path: PathBuf,
        /// Where it leads
        target: PathBuf,
    },
    /// A name or an address is in it that the specification does not have.
    SurplusName(
        /// The name
        String,
    ),
    /// A file cannot be read as what it should be.
    Unreadable {
        /// Why, with the file
        reason: String,
    },
    /// The usages are others.
    Usages {
        /// Those of the certificate
        found: Vec<String>,
        /// Those that it should have
        wanted: Vec<String>,
    },
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_none = |name: &Option<String>| name.clone().unwrap_or_else(|| "none".to_owned());
        match self {
            Self::Algorithm { found, wanted } => {
                write!(f, "the key is {found}, should be {wanted}")
            }
            Self::AnotherAuthority => write!(f, "signed by another authority"),
            Self::CommonName { found, wanted } => {
                write!(
                    f,
                    "common name {}, should be {}",
                    or_none(found),
                    or_none(wanted)
                )
            }
            Self::EarlierAuthority => write!(f, "signed by the CA's earlier certificate"),
            Self::Expired { not_after } => {
                write!(f, "expired on {}", clock::rfc3339(*not_after))
            }
            Self::Expires { not_after, days: 0 } => {
                write!(f, "expires on {}", clock::rfc3339(*not_after))
            }
            Self::Expires { days: 1, .. } => write!(f, "expires in 1 day"),
            Self::Expires { days, .. } => write!(f, "expires in {days} days"),
            Self::InTheWay { reason, .. } => write!(f, "{reason}"),
            Self::KeyMismatch => write!(f, "the certificate is of another key"),
            Self::MissingCertificate => write!(f, "the certificate is missing"),
            Self::MissingKey => write!(f, "the key is missing"),
            Self::MissingName(name) => write!(f, "{name} is missing"),
            Self::Mode {
                path,
                found,
                wanted,
            } => {
                let name = name(path);
                write!(f, "{name} has mode {found:04o}, should be {wanted:04o}")
            }
            Self::NoKeyUsage => write!(f, "the CA has no keyUsage"),
            Self::Organization { found, wanted } => {
                let found = (!found.is_empty()).then(|| found.join(", "));
                write!(
                    f,
                    "organization {}, should be {}",
                    or_none(&found),
                    or_none(wanted)
                )
            }
            Self::Owner { path } => write!(f, "{} belongs to another user or group", name(path)),
            Self::SharedKey => write!(f, "another pair has the same key"),
            Self::SymbolicLink { path, target } => {
                write!(f, "{} is a link to {}", name(path), name(target))
            }
            Self::SurplusName(name) => write!(f, "{name} is surplus"),
            Self::Unreadable { reason } => write!(f, "unreadable: {reason}"),
            Self::Usages { found, wanted } => {
                let found = (!found.is_empty()).then(|| found.join(", "));
                let wanted = wanted.join(", ");
                write!(f, "usages {}, should be {wanted}", or_none(&found))
            }
        }
    }
}

/// A file's name, without its directory.
fn name(path: &Path) -> Cow<'_, str> {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
}

//! What a verifier finds.

use std::{fmt, time::SystemTime};

use crate::{
    certificate::Certificate,
    clock,
    extensions::ExtendedKeyUsage,
    limits,
    text::{self, FEW},
};

/// Whether a certificate would be taken, and why not.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub(super) chain: Vec<Certificate>,
    pub(super) reasons: Vec<Reason>,
}

impl Verdict {
    /// Whether nothing speaks against the certificate.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.reasons.is_empty()
    }

    /// All that speaks against it. Go names the first alone.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// The chain from the certificate to a trusted one; empty if there is none.
    #[must_use]
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }
}

/// What speaks against a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It, or a certificate above it, is past its end.
    Expired {
        /// Whose certificate
        subject: String,
        /// When it ended
        not_after: SystemTime,
    },
    /// It, or a certificate above it, is one that Go does not read.
    Malformed {
        /// Whose certificate
        subject: String,
        /// What is wrong
        reason: &'static str,
    },
    /// A name is outside of what a CA above is limited to.
    NameConstraint {
        /// The CA
        authority: String,
        /// The name
        name: String,
    },
    /// The names are more than Go compares with the limits of a CA above.
    TooManyConstraints {
        /// The CA
        authority: String,
    },
    /// A certificate above it may not sign certificates.
    NotAnAuthority {
        /// Whose certificate
        subject: String,
        /// What it lacks
        reason: String,
    },
    /// It, or a certificate above it, has not begun.
    NotYetValid {
        /// Whose certificate
        subject: String,
        /// When it begins
        not_before: SystemTime,
    },
    /// More authorities stand below a CA than it allows.
    PathTooLong {
        /// The CA
        authority: String,
        /// How many it allows
        path_length: u8,
    },
    /// A signature in the chain does not hold.
    Signature {
        /// Whose certificate
        subject: String,
        /// Why
        reason: String,
    },
    /// It falls short of RFC 5280 in a way that strict verifiers mind, and Go does not.
    Strict {
        /// Whose certificate
        subject: String,
        /// What is missing, with the section
        reason: &'static str,
    },
    /// A critical extension that neither Go nor etcd-pki understands.
    UnknownExtension {
        /// Whose certificate
        subject: String,
        /// The extension
        oid: String,
    },
    /// No trusted certificate has signed it.
    UnknownAuthority {
        /// The issuer that it names
        issuer: String,
    },
    /// A certificate in the chain does not allow a usage.
    Usage {
        /// Whose certificate
        subject: String,
        /// The usage
        wanted: ExtendedKeyUsage,
        /// What it allows
        allowed: Vec<ExtendedKeyUsage>,
    },
    /// It is not for this host.
    WrongHost {
        /// The host
        host: String,
        /// The names and addresses that it is for
        names: Vec<String>,
        /// Whether its common name is that host, which Go has not looked at since 1.15
        common_name_only: bool,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names in certificates may be of any length, and may hold what a terminal obeys
        f.write_str(&text::message(&Words(self).to_string()))
    }
}

/// A reason as it is before [`text::message`] sees it.
struct Words<'a>(&'a Reason);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Reason::Expired { subject, not_after } => {
                write!(f, "{subject} expired on {}", clock::rfc3339(*not_after))
            }
            Reason::Malformed { subject, reason } => write!(f, "{subject} {reason}"),
            Reason::NameConstraint { authority, name } => {
                write!(f, "{authority} may not sign for {name} (nameConstraints)")
            }
            Reason::TooManyConstraints { authority } => {
                let limit = limits::NAME_COMPARISONS;
                write!(
                    f,
                    "the nameConstraints of {} need more than {limit} comparisons, at which etcd stops",
                    authority
                )
            }
            Reason::NotAnAuthority { subject, reason } => {
                write!(f, "{subject} may not sign certificates: {reason}")
            }
            Reason::NotYetValid {
                subject,
                not_before,
            } => {
                write!(
                    f,
                    "{subject} is not valid before {}",
                    clock::rfc3339(*not_before)
                )
            }
            Reason::PathTooLong {
                authority,
                path_length,
            } => {
                write!(
                    f,
                    "{authority} allows {path_length} authorities below it, and there are more"
                )
            }
            Reason::Signature { subject, reason } => {
                write!(f, "the signature of {subject} does not hold: {reason}")
            }
            Reason::Strict { subject, reason } => write!(f, "{subject} {reason}"),
            Reason::UnknownExtension { subject, oid } => {
                write!(
                    f,
                    "{subject} has the critical extension {oid}, which nobody here understands"
                )
            }
            Reason::UnknownAuthority { issuer } => {
                write!(f, "it is signed by an unknown authority, {issuer}")
            }
            Reason::Usage {
                subject,
                wanted,
                allowed,
            } => {
                let allowed: Vec<_> = allowed.iter().map(ToString::to_string).collect();
                write!(f, "{subject} is for {}, not for {wanted}", listed(&allowed))
            }
            Reason::WrongHost {
                host,
                common_name_only: true,
                ..
            } => write!(
                f,
                "it names {host} in its common name alone, which is not looked at; it needs an alternative name"
            ),
            Reason::WrongHost { host, names, .. } if names.is_empty() => {
                write!(
                    f,
                    "it has no names and no addresses, so it is not for {host}"
                )
            }
            Reason::WrongHost { host, names, .. } => {
                write!(f, "it is valid for {}, not for {host}", listed(names))
            }
        }
    }
}

fn listed(words: &[String]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [one] => text::excerpt(one),
        [most @ .., last] if most.len() < FEW => {
            format!("{} and {}", text::few(most), text::excerpt(last))
        }
        words => text::few(words),
    }
}

//! The reasons for which a certificate is revoked.

use std::{fmt, str::FromStr};

use crate::error::{Error, Result};

/// The reason for which a certificate is revoked (RFC 5280, section 5.3.1). etcd ignores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationReason {
    /// No reason is given
    Unspecified,
    /// Someone else has the private key, or may have it
    KeyCompromise,
    /// Someone else has the key of the CA
    CaCompromise,
    /// The subject's name or organization changed
    AffiliationChanged,
    /// Another certificate replaces it
    Superseded,
    /// The host or user is no longer needed
    CessationOfOperation,
    /// It is refused for a time
    CertificateHold,
    /// It is accepted again; only lists of changes contain this reason
    RemoveFromCrl,
    /// A permission was withdrawn
    PrivilegeWithdrawn,
    /// Someone else has the key of an attribute authority
    AaCompromise,
}

impl RevocationReason {
    /// The reasons that a user can give. [`RevocationReason::RemoveFromCrl`] is for lists of
    /// changes only, and [`RevocationReason::CertificateHold`] cannot be undone here.
    pub const ALL: [Self; 8] = [
        Self::Unspecified,
        Self::KeyCompromise,
        Self::CaCompromise,
        Self::AffiliationChanged,
        Self::Superseded,
        Self::CessationOfOperation,
        Self::PrivilegeWithdrawn,
        Self::AaCompromise,
    ];

    /// The name in RFC 5280: `keyCompromise`. OpenSSL has the same names.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::RemoveFromCrl => "removeFromCRL",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        }
    }

    /// The number in a list.
    pub(super) const fn code(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::CaCompromise => 2,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::CertificateHold => 6,
            Self::RemoveFromCrl => 8,
            Self::PrivilegeWithdrawn => 9,
            Self::AaCompromise => 10,
        }
    }

    /// The reason with a number; `None` for an unknown one.
    pub(super) fn from_code(code: &[u8]) -> Option<Self> {
        let others = [Self::CertificateHold, Self::RemoveFromCrl];
        let mut all = Self::ALL.into_iter().chain(others);
        all.find(|reason| code == [reason.code()])
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for RevocationReason {
    type Err = Error;

    /// Reads the name. Upper and lower case are the same, and hyphens and underscores are ignored:
    /// `key-compromise`.
    fn from_str(text: &str) -> Result<Self> {
        let plain: String = text
            .chars()
            .filter(|letter| !matches!(letter, '-' | '_'))
            .collect();
        let found = Self::ALL
            .into_iter()
            .find(|reason| reason.name().eq_ignore_ascii_case(&plain));
        found.ok_or_else(|| Error::InvalidChoice {
            what: "reason of a revocation",
            text: text.to_owned(),
            choices: Self::ALL.map(Self::name).to_vec(),
        })
    }
}

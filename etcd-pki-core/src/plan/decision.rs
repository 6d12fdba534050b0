//! What is to be done with a pair: decided from what is wanted and what was found, without touching anything.

use std::{
    fmt,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use super::found::{Found, Part};
use crate::{
    certificate::Certificate,
    clock,
    cluster::{Purpose, RenewBefore, Wanted},
    error::Result,
    identity::{AlternativeName, Identity},
    key::PublicKey,
    profile::Profile,
};

/// What is done with the two files of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Nothing: they are as they should be
    Keep,
    /// Modes or owners are set
    Mode,
    /// A new certificate for the key that is there
    Renew,
    /// A new key and its certificate, in the place of others
    Reissue,
    /// A new key and its certificate
    Create,
}

impl Action {
    /// Its name, as it is shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Mode => "mode",
            Self::Renew => "renew",
            Self::Reissue => "re-issue",
            Self::Create => "create",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

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
    /// It ends soon, or has ended.
    Expires {
        /// When it ends
        not_after: SystemTime,
        /// Whole days from now until then, 0 if it has ended
        days: u64,
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
            Self::Expires { not_after, days: 0 } => {
                write!(f, "expires on {}", clock::rfc3339(*not_after))
            }
            Self::Expires { days: 1, .. } => write!(f, "expires in 1 day"),
            Self::Expires { days, .. } => write!(f, "expires in {days} days"),
            Self::KeyMismatch => write!(f, "the certificate is of another key"),
            Self::MissingCertificate => write!(f, "the certificate is missing"),
            Self::MissingKey => write!(f, "the key is missing"),
            Self::MissingName(name) => write!(f, "{name} is missing"),
            Self::Mode {
                path,
                found,
                wanted,
            } => {
                let name = path
                    .file_name()
                    .unwrap_or(path.as_os_str())
                    .to_string_lossy();
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
            Self::Owner { path } => {
                let name = path
                    .file_name()
                    .unwrap_or(path.as_os_str())
                    .to_string_lossy();
                write!(f, "{name} belongs to another user or group")
            }
            Self::SharedKey => write!(f, "another pair has the same key"),
            Self::SurplusName(name) => write!(f, "{name} is surplus"),
            Self::Unreadable { reason } => write!(f, "unreadable: {reason}"),
            Self::Usages { found } => write!(f, "usages {}", found.join(", ")),
        }
    }
}

/// What is done with a leaf, and every reason for it.
pub(super) fn leaf(
    wanted: &Wanted,
    profile: &Profile,
    found: &Found,
    ca: Option<&Certificate>,
    key_is_shared: bool,
    now: SystemTime,
) -> Result<(Action, Vec<Cause>)> {
    let key = match (&found.key, &found.certificate) {
        (Part::Absent, Part::Absent) => {
            return Ok((
                Action::Create,
                vec![Cause::MissingKey, Cause::MissingCertificate],
            ));
        }
        (Part::Absent, _) => return Ok((Action::Reissue, vec![Cause::MissingKey])),
        (Part::Unusable(reason), _) => {
            let reason = reason.clone();
            return Ok((Action::Reissue, vec![Cause::Unreadable { reason }]));
        }
        (Part::Present(key), _) => key,
    };
    let algorithm = profile.key_algorithm();
    let mut new_key = Vec::new();
    if key.algorithm() != Some(algorithm) {
        new_key.push(Cause::Algorithm {
            found: key.algorithm_name().to_owned(),
            wanted: algorithm.name().to_owned(),
        });
    }
    if key_is_shared {
        new_key.push(Cause::SharedKey);
    }
    let mut causes = match &found.certificate {
        Part::Absent => vec![Cause::MissingCertificate],
        Part::Unusable(reason) => {
            let reason = reason.clone();
            vec![Cause::Unreadable { reason }]
        }
        Part::Present(certificate) => {
            let asked = (&wanted.identity, profile, wanted.renew_before);
            certificate_causes(certificate, key, asked, ca, now)?
        }
    };
    if !new_key.is_empty() {
        new_key.append(&mut causes);
        return Ok((Action::Reissue, new_key));
    }
    let action = match (causes.is_empty(), found.modes.is_empty()) {
        (true, true) => Action::Keep,
        (true, false) => Action::Mode,
        (false, _) => Action::Renew,
    };
    causes.extend(found.modes.iter().cloned());
    Ok((action, causes))
}

/// Every reason for another certificate than one that is there. What is asked for: for whom, what for, and how long before its end it
/// is due.
pub(super) fn certificate_causes(
    certificate: &Certificate,
    key: &PublicKey,
    (identity, profile, renew_before): (&Identity, &Profile, RenewBefore),
    ca: Option<&Certificate>,
    now: SystemTime,
) -> Result<Vec<Cause>> {
    let mut causes = Vec::new();
    if certificate.public_key() != key {
        causes.push(Cause::KeyMismatch);
    }
    if let Some(ca) = ca {
        if certificate.check_issued_by(ca).is_err() {
            causes.push(Cause::AnotherAuthority);
        }
    }
    causes.extend(expiry(renew_before, certificate, ca, now));
    let common_name = profile.common_name(identity)?;
    if certificate.common_name() != common_name {
        causes.push(Cause::CommonName {
            found: certificate.common_name(),
            wanted: common_name,
        });
    }
    let organization = identity.organization();
    if !certificate
        .organizations()
        .iter()
        .map(String::as_str)
        .eq(organization)
    {
        causes.push(Cause::Organization {
            found: certificate.organizations(),
            wanted: organization.map(str::to_owned),
        });
    }
    let usages = certificate.extended_key_usages().unwrap_or_default();
    let asked = profile.extended_key_usages();
    let key_usages = certificate.key_usages();
    let is_rsa = key.algorithm().is_some_and(|algorithm| algorithm.is_rsa());
    let same_usages =
        usages.len() == asked.len() && asked.iter().all(|usage| usages.contains(usage));
    let same_key_usages = profile.accepts_key_usages(key_usages, is_rsa);
    if !same_usages || !same_key_usages || certificate.is_authority() {
        let key_usages = key_usages.unwrap_or_default();
        let key_usages = key_usages.iter().map(ToString::to_string);
        causes.push(Cause::Usages {
            found: key_usages
                .chain(usages.iter().map(ToString::to_string))
                .collect(),
        });
    }
    causes.extend(names(certificate, &profile.alternative_names(identity)?));
    Ok(causes)
}

/// A leaf that ends with its authority is not due for that: a new one would end there too.
fn expiry(
    renew_before: RenewBefore,
    certificate: &Certificate,
    ca: Option<&Certificate>,
    now: SystemTime,
) -> Option<Cause> {
    let not_after = certificate.not_after();
    let due = renew_before.begins(certificate.not_before(), not_after);
    let is_cut = ca.is_some_and(|ca| ca.not_after() <= not_after);
    if now < due || (is_cut && now <= not_after) {
        return None;
    }
    let left = not_after.duration_since(now).unwrap_or(Duration::ZERO);
    Some(Cause::Expires {
        not_after,
        days: left.as_secs() / 86_400,
    })
}

fn names(certificate: &Certificate, wanted: &[AlternativeName]) -> Vec<Cause> {
    let dns = certificate
        .dns_names()
        .iter()
        .map(|name| name.to_ascii_lowercase());
    let ip = certificate
        .ip_addresses()
        .iter()
        .map(|address| address.to_canonical().to_string());
    let uris = certificate.uris().iter().cloned();
    let found: Vec<String> = dns
        .chain(ip)
        .chain(uris)
        .chain(certificate.other_names())
        .collect();
    let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
    let missing = wanted.iter().filter(|name| !found.contains(name));
    let surplus = found.iter().filter(|name| !wanted.contains(name));
    missing
        .map(|name| Cause::MissingName(name.clone()))
        .chain(surplus.map(|name| Cause::SurplusName(name.clone())))
        .collect()
}

/// What is done with an authority that is there and whole.
pub(super) fn authority(
    wanted: &Wanted,
    certificate: &Certificate,
    found: &Found,
    now: SystemTime,
) -> (Action, Vec<Cause>) {
    let mut causes: Vec<Cause> = expiry(wanted.renew_before, certificate, None, now)
        .into_iter()
        .collect();
    if certificate.key_usages().is_none() {
        causes.push(Cause::NoKeyUsage);
    }
    let action = match (causes.is_empty(), found.modes.is_empty()) {
        (true, true) => Action::Keep,
        (true, false) => Action::Mode,
        (false, _) => Action::Renew,
    };
    causes.extend(found.modes.iter().cloned());
    (action, causes)
}

/// The profile of a leaf; `None` for an authority.
pub(super) fn leaf_profile(wanted: &Wanted) -> Option<&Profile> {
    match &wanted.purpose {
        Purpose::Leaf(profile) => Some(profile),
        Purpose::Authority(_) => None,
    }
}

//! Writes the sentence of a finding.

use std::{
    borrow::Cow,
    fmt,
    path::{Path, PathBuf},
};

use super::{Finding, depend_on_it, empty, numbers, since_and_why};
use crate::{
    limits,
    text::{self, FEW},
    time::clock,
};

impl fmt::Display for Finding {
    /// One line without a period and without the code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names in certificates may have any length and any characters
        f.write_str(&text::message(&Sentence(self).to_string()))
    }
}

/// The sentence of a finding before [`text::message`] escapes it.
struct Sentence<'a>(&'a Finding);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Finding::Expired { subject, not_after } => {
                let not_after = clock::rfc3339(*not_after);
                write!(f, "{}expired on {not_after}", prefix(subject))
            }
            Finding::Expires {
                not_after,
                days,
                within,
                dependents,
                ..
            } => {
                match days {
                    0 => write!(f, "expires on {}", clock::rfc3339(*not_after)),
                    1 => write!(f, "expires in 1 day"),
                    _ => write!(f, "expires in {days} days"),
                }?;
                if let Some(dependents) = dependents.and_then(depend_on_it) {
                    write!(f, ", and {dependents}")?;
                }
                match within {
                    Some(within) => write!(f, " (threshold {within})"),
                    None => Ok(()),
                }
            }
            Finding::NotYetValid {
                subject: None,
                not_before,
            } => {
                write!(f, "not valid before {}", clock::rfc3339(*not_before))?;
                wrong_clock(f)
            }
            Finding::NotYetValid {
                subject,
                not_before,
            } => {
                let not_before = clock::rfc3339(*not_before);
                write!(f, "{}is not valid before {not_before}", prefix(subject))?;
                wrong_clock(f)
            }
            Finding::KeyMismatch { key: None } => {
                write!(f, "the key does not match the certificate")
            }
            Finding::KeyMismatch { key: Some(key) } => {
                write!(f, "{} does not match the certificate", key.display())
            }
            Finding::KeyReadable {
                key: path,
                current,
                desired,
            }
            | Finding::Writable {
                path,
                current,
                desired,
            }
            | Finding::Mode {
                path,
                current,
                desired,
            } => {
                let who = match self.0 {
                    Finding::KeyReadable { .. } => ": everyone can read it",
                    Finding::Writable { .. } if current & 0o002 == 0 => ": its group can write it",
                    Finding::Writable { .. } => ": everyone can write it",
                    _ => "",
                };
                let path = path.display();
                write!(
                    f,
                    "{path} has mode {current:04o}, should be {desired:04o}{who}"
                )
            }
            Finding::OtherCa {
                ca: Some(ca),
                same_name: true,
                issuer,
            } => write!(
                f,
                "not signed by {}, which has the name {issuer} and another key",
                ca.display()
            ),
            Finding::OtherCa {
                ca: Some(ca),
                issuer,
                ..
            } => write!(f, "signed by {issuer}, not by {}", ca.display()),
            Finding::OtherCa {
                issuer,
                same_name: true,
                ..
            } => write!(
                f,
                "signed by an unknown CA, {issuer}; the trusted one has the same name and another key"
            ),
            Finding::OtherCa { issuer, .. } => write!(f, "signed by an unknown CA, {issuer}"),
            Finding::SignedByOtherCa { issuer, ca } => write!(
                f,
                "signed by {issuer} ({}), another CA of this directory; etcd-pki leaves it alone",
                ca.display()
            ),
            Finding::RotatedCa { issuer, ca } => {
                write!(
                    f,
                    "signed by {issuer}, and {ca} signs in this stage of the rotation"
                )
            }
            Finding::LinkCertificate { is_missing: true } => {
                write!(f, "the link certificate of the rotation is missing")
            }
            Finding::LinkCertificate { is_missing: false } => {
                write!(
                    f,
                    "it still has the link certificate of a finished rotation"
                )
            }
            Finding::Rotation { path, reason } => {
                write!(
                    f,
                    "the rotation of {} is not whole: {reason}",
                    path.display()
                )
            }
            Finding::NoKeyUsage => write!(f, "the CA has no keyUsage"),
            Finding::OutlivesCa { ca, not_after } => write!(
                f,
                "its CA {} expires before it, on {}",
                ca.display(),
                clock::rfc3339(*not_after)
            ),
            Finding::MemberWithoutClientAuth => write!(
                f,
                "serverAuth without clientAuth: a member cannot connect to its peers and its own gRPC gateway"
            ),
            Finding::ClientWithoutNames => write!(
                f,
                "no DNS name and no address: etcd's peer port accepts it as a member"
            ),
            Finding::DueTooEarly { requested, life } => {
                let days = life.as_secs() / 86_400;
                write!(
                    f,
                    "{requested} is more than a third of its life, {days} days: it is renewed in the last third"
                )
            }
            Finding::ClientWithNames { names } => write!(
                f,
                "etcd's peer port accepts it as a member from {}",
                listed(names)
            ),
            Finding::Unreadable { reason, .. } | Finding::Blocked { reason, .. } => {
                f.write_str(reason)
            }
            Finding::NoCertificate => write!(f, "no certificate in it"),
            Finding::CaKey { ca } => write!(
                f,
                "its key is the key of {}: its owner can sign certificates",
                ca.display()
            ),
            Finding::MissingCertificate => write!(f, "the certificate is missing"),
            Finding::MissingKey => write!(f, "the key is missing"),
            Finding::SymbolicLink { path, target } => {
                write!(f, "{} is a link to {}", name(path), name(target))
            }
            Finding::Owner { path } => {
                write!(f, "{} belongs to another user or group", path.display())
            }
            Finding::Algorithm { current, desired } => {
                write!(f, "the key is {current}, should be {desired}")
            }
            Finding::CommonName { current, desired } => {
                let (current, desired) = (or_none(current), or_none(desired));
                write!(f, "common name {current}, should be {desired}")
            }
            Finding::Organization { current, desired } => {
                let current = (!current.is_empty()).then(|| current.join(", "));
                let (current, desired) = (or_none(&current), or_none(desired));
                write!(f, "organization {current}, should be {desired}")
            }
            Finding::MissingName(name) => write!(f, "{name} is missing"),
            Finding::ExtraName(name) => write!(f, "{name} is not in the specification"),
            Finding::Usages { current, desired } => {
                let current = (!current.is_empty()).then(|| current.join(", "));
                let desired = desired.join(", ");
                write!(f, "usages {}, should be {desired}", or_none(&current))
            }
            Finding::SharedKey => write!(f, "another pair has the same key"),
            Finding::EarlierCaCertificate => {
                write!(f, "it names an earlier certificate of its CA")
            }
            Finding::NotSupported { subject, what } => {
                write!(f, "{}cannot be judged here: {what}", prefix(subject))
            }
            Finding::Signature { subject, reason } => {
                write!(f, "the signature of {subject} is not valid: {reason}")
            }
            Finding::NotCa { subject, reason } => {
                write!(f, "{subject} must not sign certificates: {reason}")
            }
            Finding::PathTooLong { ca, path_length } => write!(
                f,
                "{ca} allows {path_length} CAs below it, and there are more"
            ),
            Finding::NameConstraint { ca, name } => {
                write!(f, "{ca} must not sign for {name} (nameConstraints)")
            }
            Finding::TooManyConstraints { ca } => write!(
                f,
                "the nameConstraints of {ca} need more than {} comparisons, at which Go stops",
                limits::NAME_COMPARISONS
            ),
            Finding::NotReadByEtcd { path, reason, .. } => {
                write!(f, "etcd does not read {}: {reason}", or_it(path))
            }
            Finding::SkippedBlocks { path, lines } => {
                let (path, lines) = (or_it(path), numbers(lines));
                write!(
                    f,
                    "etcd skips blocks of {path}, which begin on line {lines}"
                )
            }
            Finding::EmptyFile { path, is_zeros } => {
                write!(f, "{}: {}", path.display(), empty(*is_zeros))
            }
            Finding::Misplaced {
                path,
                current,
                desired,
            } => write!(f, "{} has {current}, should have {desired}", path.display()),
            Finding::MemberWithoutNames => write!(
                f,
                "no DNS name and no address: no client accepts the member under any name"
            ),
            Finding::AddressAsDnsName(name) => write!(
                f,
                "{name} is a DNS name in it and no address, so Go does not accept it for {name}"
            ),
            Finding::KeyOwner { path, owner } => write!(
                f,
                "{} belongs to {owner}, who may not own it",
                path.display()
            ),
            Finding::CaOwner { path, owner } => write!(
                f,
                "{} belongs to {owner}, who can exchange what is trusted",
                path.display()
            ),
            Finding::DamagedRecord { path, reason } => {
                write!(f, "{} has a gap or was changed: {reason}", path.display())
            }
            Finding::CaKeyOwner { path, owner } => write!(
                f,
                "{} belongs to {owner}, who can sign certificates",
                path.display()
            ),
            Finding::UntrustedCa {
                subject,
                fingerprint,
                ..
            } => write!(f, "{subject}, SHA-256 {fingerprint}, is not trusted here"),
            Finding::Revoked {
                subject,
                serial,
                since: None,
                ..
            } => write!(f, "{subject}, serial {serial}, is not in the list yet"),
            Finding::Revoked {
                subject,
                serial,
                list,
                since: Some(since),
                reason,
            } => {
                let since = since_and_why(*since, *reason);
                write!(f, "{subject}, serial {serial}, was revoked {since}")?;
                match list {
                    Some(list) => write!(f, " ({})", name(list)),
                    None => Ok(()),
                }
            }
            Finding::OutdatedList { path, next_update } => write!(
                f,
                "{} was due for its next update on {}",
                path.display(),
                clock::rfc3339(*next_update)
            ),
            Finding::UnusableList {
                path,
                reason,
                refused: true,
            } => write!(
                f,
                "with {}, etcd refuses every connection: {reason}",
                path.display()
            ),
            Finding::UnusableList { path, reason, .. } => {
                write!(f, "{}: {reason}", path.display())
            }
            Finding::IssuedByAnotherCa { issuer } => {
                write!(f, "{issuer} issued it, so only that CA can renew it")
            }
            Finding::UnknownExtension { subject, oid } => write!(
                f,
                "{subject} has the critical extension {oid}, which Go does not know"
            ),
            Finding::Malformed { subject, reason } => write!(f, "{subject} {reason}"),
            Finding::Strict { subject, reason } => write!(f, "{subject} {reason}"),
            Finding::Usage {
                subject,
                desired,
                allowed,
            } => {
                let allowed: Vec<_> = allowed.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "{subject} is for {}, not for {desired}",
                    listed(&allowed)
                )
            }
            Finding::WrongHost {
                host,
                common_name_only: true,
                ..
            } => write!(
                f,
                "it has {host} as its common name only, which Go ignores; it needs an alternative name"
            ),
            Finding::WrongHost { host, names, .. } if names.is_empty() => {
                write!(
                    f,
                    "it has no names and no addresses, so it is not valid for {host}"
                )
            }
            Finding::WrongHost { host, names, .. } => {
                write!(f, "it is valid for {}, not for {host}", listed(names))
            }
        }
    }
}

/// Adds the time of this machine's clock if the clock is the reason why a certificate is not valid
/// yet.
fn wrong_clock(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match clock::wrong_reading() {
        None => Ok(()),
        Some(now) => {
            let now = clock::rfc3339(now);
            write!(f, "; the clock of this machine is wrong: it shows {now}")
        }
    }
}

/// The subject in a finding about a chain, as the beginning of its line.
fn prefix(subject: &Option<String>) -> String {
    subject
        .as_ref()
        .map_or_else(String::new, |subject| format!("{subject} "))
}

fn or_none(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or("none")
}

fn or_it(path: &Option<PathBuf>) -> Cow<'_, str> {
    path.as_ref()
        .map_or("it".into(), |path| path.to_string_lossy())
}

/// A file's name, without its directory.
fn name(path: &Path) -> Cow<'_, str> {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
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

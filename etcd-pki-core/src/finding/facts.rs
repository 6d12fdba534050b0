//! Provides the facts of a finding by name.

use std::{path::PathBuf, time::SystemTime};

use super::{Finding, depend_on_it, empty, numbers, since_and_why};

/// The facts of a finding. A fact has the same name in every kind of finding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The file or directory
    pub path: Option<PathBuf>,
    /// A second file: the target of a link, or a CA's file
    pub target: Option<PathBuf>,
    /// The subject or issuer of a certificate
    pub subject: Option<String>,
    /// A name, an address, a host, a user or an extension
    pub name: Option<String>,
    /// The current state of the files; modes as `0644`
    pub current: Vec<String>,
    /// The desired state of the files; modes as `0600`
    pub desired: Vec<String>,
    /// When a certificate becomes valid
    pub not_before: Option<SystemTime>,
    /// When a certificate expires
    pub not_after: Option<SystemTime>,
    /// Whole days until a certificate expires
    pub days: Option<u64>,
    /// The reason, in words
    pub reason: Option<String>,
}

impl Finding {
    /// The facts.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        let mode = |mode: &u32| vec![format!("{mode:04o}")];
        let text = |text: &Option<String>| text.iter().cloned().collect();
        match self {
            Self::Expired { subject, not_after } => {
                facts.subject.clone_from(subject);
                facts.not_after = Some(*not_after);
            }
            Self::Expires {
                not_after,
                days,
                within,
                dependents,
                ..
            } => {
                facts.not_after = Some(*not_after);
                facts.days = Some(*days);
                let threshold = within.map(|within| format!("threshold {within}"));
                let dependents = dependents.and_then(depend_on_it);
                let reasons: Vec<_> = threshold.into_iter().chain(dependents).collect();
                facts.reason = (!reasons.is_empty()).then(|| reasons.join(", "));
            }
            Self::NotYetValid {
                subject,
                not_before,
            } => {
                facts.subject.clone_from(subject);
                facts.not_before = Some(*not_before);
            }
            Self::KeyMismatch { key } => facts.path.clone_from(key),
            Self::Owner { path } => facts.path = Some(path.clone()),
            Self::KeyReadable {
                key: path,
                current,
                desired,
            }
            | Self::Writable {
                path,
                current,
                desired,
            }
            | Self::Mode {
                path,
                current,
                desired,
            } => {
                facts.path = Some(path.clone());
                facts.current = mode(current);
                facts.desired = mode(desired);
            }
            Self::OtherCa { issuer, ca, .. } => {
                facts.subject = Some(issuer.clone());
                facts.target.clone_from(ca);
            }
            Self::SignedByOtherCa { issuer, ca } => {
                facts.subject = Some(issuer.clone());
                facts.target = Some(ca.clone());
            }
            Self::RotatedCa { issuer, ca } => {
                facts.subject = Some(issuer.clone());
                facts.name = Some(ca.clone());
            }
            Self::LinkCertificate { is_missing } => {
                let reason = if *is_missing { "missing" } else { "left" };
                facts.reason = Some(reason.to_owned());
            }
            Self::Rotation { path, reason } => {
                facts.path = Some(path.clone());
                facts.reason = Some(reason.clone());
            }
            Self::OutlivesCa { ca, not_after } => {
                facts.target = Some(ca.clone());
                facts.not_after = Some(*not_after);
            }
            Self::CaKey { ca } => facts.target = Some(ca.clone()),
            Self::Unreadable { reason, .. } => facts.reason = Some(reason.clone()),
            Self::Blocked { path, reason } => {
                facts.path = Some(path.clone());
                facts.reason = Some(reason.clone());
            }
            Self::SymbolicLink { path, target } => {
                facts.path = Some(path.clone());
                facts.target = Some(target.clone());
            }
            Self::Algorithm { current, desired } => {
                facts.current = vec![current.clone()];
                facts.desired = vec![desired.clone()];
            }
            Self::CommonName { current, desired } => {
                facts.current = text(current);
                facts.desired = text(desired);
            }
            Self::Organization { current, desired } => {
                facts.current.clone_from(current);
                facts.desired = text(desired);
            }
            Self::DueTooEarly { requested, life } => {
                facts.days = Some(life.as_secs() / 86_400);
                facts.reason = Some(format!("requested {requested}"));
            }
            Self::ClientWithNames { names } => facts.current.clone_from(names),
            Self::MissingName(name) | Self::ExtraName(name) | Self::AddressAsDnsName(name) => {
                facts.name = Some(name.clone())
            }
            Self::Usages { current, desired } => {
                facts.current.clone_from(current);
                facts.desired.clone_from(desired);
            }
            Self::NotSupported { subject, what } => {
                facts.subject.clone_from(subject);
                facts.reason = Some(what.clone());
            }
            Self::Signature { subject, reason } | Self::NotCa { subject, reason } => {
                facts.subject = Some(subject.clone());
                facts.reason = Some(reason.clone());
            }
            Self::PathTooLong { ca, path_length } => {
                facts.subject = Some(ca.clone());
                facts.desired = vec![path_length.to_string()];
            }
            Self::TooManyConstraints { ca } | Self::IssuedByAnotherCa { issuer: ca } => {
                facts.subject = Some(ca.clone());
            }
            Self::NotReadByEtcd { path, reason, .. } => {
                facts.path.clone_from(path);
                facts.reason = Some(reason.clone());
            }
            Self::SkippedBlocks { path, lines } => {
                facts.path.clone_from(path);
                facts.reason = Some(format!("lines {}", numbers(lines)));
            }
            Self::DamagedRecord { path, reason } => {
                facts.path = Some(path.clone());
                facts.reason = Some(reason.clone());
            }
            Self::EmptyFile { path, is_zeros } => {
                facts.path = Some(path.clone());
                facts.reason = Some(empty(*is_zeros).to_owned());
            }
            Self::Misplaced {
                path,
                current,
                desired,
            } => {
                facts.path = Some(path.clone());
                facts.current = vec![(*current).to_owned()];
                facts.desired = vec![(*desired).to_owned()];
            }
            Self::KeyOwner { path, owner }
            | Self::CaKeyOwner { path, owner }
            | Self::CaOwner { path, owner } => {
                facts.path = Some(path.clone());
                facts.name = Some(owner.clone());
            }
            Self::UntrustedCa {
                path,
                subject,
                fingerprint,
            } => {
                facts.path = Some(path.clone());
                facts.subject = Some(subject.clone());
                facts.current = vec![fingerprint.clone()];
            }
            Self::NameConstraint { ca, name } => {
                facts.subject = Some(ca.clone());
                facts.name = Some(name.clone());
            }
            Self::UnknownExtension { subject, oid } => {
                facts.subject = Some(subject.clone());
                facts.name = Some(oid.clone());
            }
            Self::Malformed { subject, reason } => {
                facts.subject = Some(subject.clone());
                facts.reason = Some(reason.clone().into_owned());
            }
            Self::Usage {
                subject,
                desired,
                allowed,
            } => {
                facts.subject = Some(subject.clone());
                facts.current = allowed.iter().map(ToString::to_string).collect();
                facts.desired = vec![desired.to_string()];
            }
            Self::WrongHost { host, names, .. } => {
                facts.name = Some(host.clone());
                facts.current.clone_from(names);
            }
            Self::Strict { subject, reason } => {
                facts.subject = Some(subject.clone());
                facts.reason = Some((*reason).to_owned());
            }
            Self::Revoked {
                subject,
                serial,
                list,
                since,
                reason,
            } => {
                facts.path.clone_from(list);
                facts.subject = Some(subject.clone());
                facts.name = Some(serial.clone());
                facts.reason = since.map(|since| since_and_why(since, *reason));
            }
            Self::OutdatedList { path, next_update } => {
                facts.path = Some(path.clone());
                facts.not_after = Some(*next_update);
            }
            Self::UnusableList { path, reason, .. } => {
                facts.path = Some(path.clone());
                facts.reason = Some(reason.clone());
            }
            Self::NoKeyUsage
            | Self::MemberWithoutClientAuth
            | Self::ClientWithoutNames
            | Self::MemberWithoutNames
            | Self::NoCertificate
            | Self::MissingCertificate
            | Self::MissingKey
            | Self::SharedKey
            | Self::EarlierCaCertificate => {}
        }
        facts
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::{time::threshold::Threshold, x509::extensions::ExtendedKeyUsage};

    /// One finding of each code, with all facts of its kind.
    fn samples() -> Vec<Finding> {
        let path = || PathBuf::from("ca.pem");
        let text = || "text".to_owned();
        let expires = |critical| Finding::Expires {
            not_after: UNIX_EPOCH,
            days: 7,
            within: "30d".parse::<Threshold>().ok(),
            critical,
            dependents: None,
        };
        vec![
            Finding::Expired {
                subject: Some(text()),
                not_after: UNIX_EPOCH,
            },
            expires(true),
            expires(false),
            Finding::NotYetValid {
                subject: Some(text()),
                not_before: UNIX_EPOCH,
            },
            Finding::KeyMismatch { key: Some(path()) },
            Finding::KeyReadable {
                key: path(),
                current: 0o644,
                desired: 0o600,
            },
            Finding::OtherCa {
                issuer: text(),
                ca: Some(path()),
                same_name: false,
            },
            Finding::NoKeyUsage,
            Finding::OutlivesCa {
                ca: path(),
                not_after: UNIX_EPOCH,
            },
            Finding::MemberWithoutClientAuth,
            Finding::ClientWithoutNames,
            Finding::Unreadable {
                reason: text(),
                damaged: true,
            },
            Finding::NoCertificate,
            Finding::CaKey { ca: path() },
            Finding::Writable {
                path: path(),
                current: 0o666,
                desired: 0o644,
            },
            Finding::MissingCertificate,
            Finding::MissingKey,
            Finding::Blocked {
                path: path(),
                reason: text(),
            },
            Finding::SymbolicLink {
                path: path(),
                target: path(),
            },
            Finding::Mode {
                path: path(),
                current: 0o640,
                desired: 0o600,
            },
            Finding::Owner { path: path() },
            Finding::Algorithm {
                current: text(),
                desired: text(),
            },
            Finding::CommonName {
                current: Some(text()),
                desired: Some(text()),
            },
            Finding::Organization {
                current: vec![text()],
                desired: Some(text()),
            },
            Finding::MissingName(text()),
            Finding::ExtraName(text()),
            Finding::Usages {
                current: vec![text()],
                desired: vec![text()],
            },
            Finding::SharedKey,
            Finding::EarlierCaCertificate,
            Finding::NotSupported {
                subject: Some(text()),
                what: text(),
            },
            Finding::Signature {
                subject: text(),
                reason: text(),
            },
            Finding::NotCa {
                subject: text(),
                reason: text(),
            },
            Finding::PathTooLong {
                ca: text(),
                path_length: 0,
            },
            Finding::NameConstraint {
                ca: text(),
                name: text(),
            },
            Finding::UnknownExtension {
                subject: text(),
                oid: text(),
            },
            Finding::Malformed {
                subject: text(),
                reason: text().into(),
            },
            Finding::Usage {
                subject: text(),
                desired: ExtendedKeyUsage::ServerAuth,
                allowed: vec![ExtendedKeyUsage::ClientAuth],
            },
            Finding::WrongHost {
                host: text(),
                names: vec![text()],
                common_name_only: false,
            },
            Finding::Strict {
                subject: text(),
                reason: "text",
            },
            Finding::TooManyConstraints { ca: text() },
            Finding::NotReadByEtcd {
                path: Some(path()),
                reason: text(),
                fix: "text",
            },
            Finding::SkippedBlocks {
                path: Some(path()),
                lines: vec![7],
            },
            Finding::IssuedByAnotherCa { issuer: text() },
            Finding::ClientWithNames {
                names: vec![text()],
            },
            Finding::DueTooEarly {
                requested: text(),
                life: Duration::from_secs(86_400),
            },
            Finding::UntrustedCa {
                path: path(),
                subject: text(),
                fingerprint: text(),
            },
            Finding::EmptyFile {
                path: path(),
                is_zeros: true,
            },
            Finding::Misplaced {
                path: path(),
                current: "a key",
                desired: "a certificate",
            },
            Finding::MemberWithoutNames,
            Finding::AddressAsDnsName(text()),
            Finding::KeyOwner {
                path: path(),
                owner: text(),
            },
            Finding::CaKeyOwner {
                path: path(),
                owner: text(),
            },
            Finding::SignedByOtherCa {
                issuer: text(),
                ca: path(),
            },
            Finding::CaOwner {
                path: path(),
                owner: text(),
            },
            Finding::Revoked {
                subject: text(),
                serial: text(),
                list: Some(path()),
                since: Some(UNIX_EPOCH),
                reason: None,
            },
            Finding::OutdatedList {
                path: path(),
                next_update: UNIX_EPOCH,
            },
            Finding::UnusableList {
                path: path(),
                reason: text(),
                refused: true,
            },
            Finding::DamagedRecord {
                path: path(),
                reason: text(),
            },
            Finding::RotatedCa {
                issuer: text(),
                ca: text(),
            },
            Finding::LinkCertificate { is_missing: true },
            Finding::Rotation {
                path: path(),
                reason: text(),
            },
        ]
    }

    fn names(facts: &Facts) -> Vec<&'static str> {
        let Facts {
            path,
            target,
            subject,
            name,
            current,
            desired,
            not_before,
            not_after,
            days,
            reason,
        } = facts;
        let all = [
            ("path", path.is_some()),
            ("target", target.is_some()),
            ("subject", subject.is_some()),
            ("name", name.is_some()),
            ("current", !current.is_empty()),
            ("desired", !desired.is_empty()),
            ("not_before", not_before.is_some()),
            ("not_after", not_after.is_some()),
            ("days", days.is_some()),
            ("reason", reason.is_some()),
        ];
        let present = all.into_iter().filter(|(_, is_present)| *is_present);
        present.map(|(name, _)| name).collect()
    }

    #[test]
    fn each_row_of_the_table_names_the_facts_of_its_findings() {
        let samples = samples();
        let codes: Vec<&str> = samples.iter().map(Finding::code).collect();
        assert_eq!(codes, Finding::CODES);
        for sample in samples {
            let entry = sample.entry();
            assert_eq!(names(&sample.facts()), entry.facts, "{}", entry.code);
            assert!(!sample.to_string().is_empty());
        }
    }
}

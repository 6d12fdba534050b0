//! A step of a plan: what it does with a pair or a CA, and why.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use super::{
    action::Action,
    work::{KeySource, Work},
};
use crate::{
    cluster::{DesiredCa, DesiredPair},
    error::Error,
    finding::Finding,
    inspect::Stamps,
    key::PublicKey,
    layout::{PairPaths, is_list},
    role::Role,
    store::look,
    text,
    verify::unacceptable,
    x509::certificate::Certificate,
};

/// The subject of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// A CA of the specification
    Ca(DesiredCa),
    /// A pair of the specification
    Pair(DesiredPair),
    /// Files given by path, relative to the plan's directory
    Files(PairPaths),
}

/// One step of a plan: a change of a pair or a CA, and the reasons for it.
#[derive(Debug)]
pub struct Step {
    pub(super) action: Action,
    pub(super) target: Target,
    pub(super) reasons: Vec<Finding>,
    /// The directory of the target's paths
    pub(super) directory: Arc<Path>,
    /// The displayed file, if it is not the certificate's path
    pub(super) shown: Option<PathBuf>,
    pub(super) request: Option<PathBuf>,
    /// The host that receives a CA's certificates
    pub(super) host: Option<String>,
    /// The CA certificates that will be trusted. The signing CA comes first
    pub(super) trusted: Vec<Shown>,
    /// The CA certificates that will no longer be trusted
    pub(super) untrusted: Vec<Shown>,
    pub(super) due: Option<SystemTime>,
    pub(super) not_before: Option<SystemTime>,
    pub(super) not_after: Option<SystemTime>,
    pub(super) hard_links: Vec<PathBuf>,
    /// The certificate that the step removes
    pub(super) removed: Option<Certificate>,
    /// The current key
    pub(super) key: Option<PublicKey>,
    /// The certificates that follow the current one in its file
    pub(super) following: Vec<Certificate>,
    pub(super) stamps: Stamps,
    pub(super) work: Work,
    /// The error of a validity that blocks the step
    pub(super) validity_error: Option<String>,
}

/// A CA certificate, with what a user needs to recognize it.
#[derive(Debug)]
pub(super) struct Shown {
    subject: String,
    fingerprint: String,
}

impl Shown {
    pub(super) fn of(certificate: &Certificate) -> Self {
        Self {
            subject: certificate.subject(),
            fingerprint: certificate.fingerprint_sha256(),
        }
    }
}

impl Step {
    pub(super) fn new(action: Action, target: Target, directory: &Arc<Path>, work: Work) -> Self {
        Self {
            action,
            target,
            directory: Arc::clone(directory),
            work,
            reasons: Vec::new(),
            shown: None,
            request: None,
            host: None,
            trusted: Vec::new(),
            untrusted: Vec::new(),
            due: None,
            not_before: None,
            not_after: None,
            hard_links: Vec::new(),
            removed: None,
            key: None,
            following: Vec::new(),
            stamps: Stamps::default(),
            validity_error: None,
        }
    }

    /// Adds the error of an impossible validity, if this is among the reasons.
    pub(super) fn with_validity_error(mut self, finding: Option<&Finding>) -> Self {
        if let Some(finding @ Finding::Blocked { reason, .. }) = finding
            && self.reasons.contains(finding)
        {
            self.validity_error = Some(reason.clone());
        }
        self
    }

    /// The subject of the step.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Whether the step is for the revocation lists. Its certificate is then `revoked.crl`, and its
    /// key `revoked.pem`.
    #[must_use]
    pub fn is_of_revocation_lists(&self) -> bool {
        is_list(&self.relative_paths().certificate)
    }

    /// The CA of the specification, if the step is for a CA.
    #[must_use]
    pub fn ca(&self) -> Option<&DesiredCa> {
        match &self.target {
            Target::Ca(ca) => Some(ca),
            Target::Pair(_) | Target::Files(_) => None,
        }
    }

    /// The pair of the specification, if the step is for a pair.
    #[must_use]
    pub fn pair(&self) -> Option<&DesiredPair> {
        match &self.target {
            Target::Pair(pair) => Some(pair),
            Target::Ca(_) | Target::Files(_) => None,
        }
    }

    /// The role of the pair; `None` for a CA, and for files given by path.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.pair().map(DesiredPair::role)
    }

    /// The host that uses the pair, or that receives a CA's certificates.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match &self.target {
            Target::Pair(pair) => pair.host.as_deref(),
            Target::Ca(_) | Target::Files(_) => self.host.as_deref(),
        }
    }

    /// The directory of the step's paths: the plan's directory, or a host's folder in the exchange
    /// directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The files of the pair.
    #[must_use]
    pub fn paths(&self) -> PairPaths {
        self.relative_paths().below(&self.directory)
    }

    /// The files of the pair, relative to the step's directory.
    #[must_use]
    pub fn relative_paths(&self) -> &PairPaths {
        match &self.target {
            Target::Ca(ca) => &ca.paths,
            Target::Pair(pair) => &pair.paths,
            Target::Files(paths) => paths,
        }
    }

    /// The request's file in the exchange directory.
    #[must_use]
    pub fn request(&self) -> Option<&Path> {
        self.request.as_deref()
    }

    /// The SHA-256 fingerprint of the signing CA's certificate that will be trusted, in upper-case
    /// hexadecimal.
    #[must_use]
    pub fn fingerprint_sha256(&self) -> Option<&str> {
        self.trusted_sha256().first().copied()
    }

    /// The SHA-256 fingerprints of all CA certificates that the host will trust. The signing CA
    /// comes first.
    #[must_use]
    pub fn trusted_sha256(&self) -> Vec<&str> {
        self.trusted.iter().map(|one| &*one.fingerprint).collect()
    }

    /// The SHA-256 fingerprints of the CA certificates that the host will no longer trust. A
    /// certificate is not listed if a later certificate of the same CA replaces it.
    #[must_use]
    pub fn untrusted_sha256(&self) -> Vec<&str> {
        self.untrusted.iter().map(|one| &*one.fingerprint).collect()
    }

    /// The action of the step.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// All reasons for the step.
    #[must_use]
    pub fn reasons(&self) -> &[Finding] {
        &self.reasons
    }

    /// The error that explains why the step is blocked. If the operating system blocks it, this is
    /// the system's current error.
    #[must_use]
    pub fn blocking_error(&self) -> Option<Error> {
        if self.action != Action::Blocked {
            return None;
        }
        if let Some(reason) = self.validity_error.clone() {
            let error = Error::InvalidValidity { reason };
            return Some(error.in_file(self.paths().certificate));
        }
        if let Some(error) = self.ca_error() {
            return Some(error);
        }
        let owned = |of_ca: bool| {
            let owned = self.reasons.iter().find_map(|reason| match reason {
                Finding::KeyOwner { path, owner } if !of_ca => Some((path, owner)),
                Finding::CaOwner { path, owner } if of_ca => Some((path, owner)),
                _ => None,
            });
            owned.map(|(path, owner)| Error::UntrustedOwner {
                path: self.directory.join(path),
                owner: owner.clone(),
            })
        };
        if let Some(error) = owned(false) {
            return Some(error);
        }
        let blocking = self.reasons.iter().find_map(|reason| match reason {
            Finding::Blocked { path, .. } | Finding::SymbolicLink { path, .. } => Some(path),
            _ => None,
        });
        if let Some(path) = blocking {
            // A finding about a file of the pair may have its path relative to the directory
            let own = self.relative_paths();
            let path = if *path == own.certificate || *path == own.key {
                self.directory.join(path)
            } else {
                path.clone()
            };
            if path.is_symlink() {
                return Some(Error::SymbolicLink { path });
            }
        }
        if let Some(error) = owned(true) {
            return Some(error);
        }
        let paths = self.paths();
        for path in [&paths.certificate, &paths.key] {
            // The link is broken
            if path.is_symlink() && !path.exists() {
                return Some(Error::SymbolicLink { path: path.clone() });
            }
        }
        let mut files = [&paths.certificate, &paths.key].into_iter();
        if let Some((path, error)) = files.find_map(|path| Some((path, look(path).err()?))) {
            let path = path.clone();
            return Some(if path.is_symlink() {
                Error::SymbolicLink { path }
            } else {
                error
            });
        }
        let blocks = |reason: &&Finding| {
            matches!(
                reason,
                Finding::Blocked { .. }
                    | Finding::SymbolicLink { .. }
                    | Finding::Unreadable { .. }
                    | Finding::NotReadByEtcd { .. }
            )
        };
        let refused = self
            .reasons
            .first()
            .filter(|one| refuses_what_is_signed(one));
        if let Some(finding) = refused {
            return Some(unacceptable(finding.clone()).in_file(&paths.certificate));
        }
        let reason = self.reasons.iter().find(blocks);
        let reason = reason.or(self.reasons.first()).map(ToString::to_string);
        let untrusted = self.reasons.iter();
        let untrusted = untrusted.filter(|one| matches!(one, Finding::UntrustedCa { .. }));
        let untrusted: Vec<String> = untrusted.map(ToString::to_string).collect();
        Some(Error::Blocked {
            path: self.paths().certificate,
            reason: match &*untrusted {
                [] => reason.unwrap_or_default(),
                // All fingerprints are shown, because the user compares each of them
                all => all.join("; "),
            },
        })
    }

    /// The error of a CA that can neither sign nor be renewed here, if this blocks the step.
    fn ca_error(&self) -> Option<Error> {
        let own = || self.ca().map(|ca| ca.subject());
        let error = match self.reasons.first()? {
            Finding::IssuedByAnotherCa { issuer } => Error::IssuedByAnotherCa {
                subject: own()?,
                issuer: issuer.clone(),
            },
            Finding::Expired { subject, not_after } => Error::CaExpired {
                subject: subject.clone().or_else(own)?,
                not_after: *not_after,
            },
            _ => return None,
        };
        Some(error.in_file(self.paths().certificate))
    }

    /// The time at which a kept certificate becomes due for renewal.
    #[must_use]
    pub fn due(&self) -> Option<SystemTime> {
        self.due
    }

    /// The start of the current certificate's validity. A certificate that is not valid yet is
    /// kept: the clock of this host is wrong, or the clock of the host that signed it.
    #[must_use]
    pub fn not_before(&self) -> Option<SystemTime> {
        self.not_before
    }

    /// The expiry of the current certificate.
    #[must_use]
    pub fn not_after(&self) -> Option<SystemTime> {
        self.not_after
    }

    /// The certificate that the step removes, or with [`PlanOptions::with_revoke`] replaces. Unless
    /// it is revoked, it stays valid until it expires: etcd accepts it from anyone who has a copy of
    /// it and of its key.
    ///
    /// [`PlanOptions::with_revoke`]: super::PlanOptions::with_revoke
    #[must_use]
    pub fn removed_certificate(&self) -> Option<&Certificate> {
        self.removed.as_ref()
    }

    /// Whether the key's file existed at planning.
    #[must_use]
    pub fn has_key_file(&self) -> bool {
        self.stamps.has_key()
    }

    /// Whether the step generates a key.
    #[must_use]
    pub fn makes_key(&self) -> bool {
        match &self.work {
            Work::Issue => true,
            Work::CreateCa { has_key } => !has_key,
            Work::Request { key } => matches!(key, KeySource::New | KeySource::NewWaiting),
            Work::RenewFile(renewal) => renewal.rekey,
            _ => false,
        }
    }

    /// Whether a renewal by path is signed by another CA than the old certificate. A host that
    /// trusts only the old CA refuses the new certificate.
    #[must_use]
    pub fn changes_ca(&self) -> bool {
        matches!(&self.work, Work::RenewFile(renewal) if renewal.changes_ca)
    }

    /// Files with further names (hard links), such as Calico's copies. When the file is replaced,
    /// the other names keep the old content.
    #[must_use]
    pub fn hard_links(&self) -> &[PathBuf] {
        match self.action {
            Action::Renew | Action::Reissue | Action::Create | Action::Install => &self.hard_links,
            _ => &[],
        }
    }

    /// The file that reports show for the step: the request if requests are signed, otherwise the
    /// certificate.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        match (&self.work, &self.request) {
            (Work::Sign(_), Some(request)) => request.clone(),
            _ => self.paths().certificate,
        }
    }

    /// Whether applying the step changes something.
    pub(super) fn is_work(&self) -> bool {
        !matches!(self.work, Work::None)
    }

    /// Blocks the step, for the reasons that it has.
    pub(super) fn block(&mut self) {
        self.action = Action::Blocked;
        self.work = Work::None;
    }

    /// Describes the CA certificates of a trust bundle by their fingerprints, and also by their
    /// names if there are several.
    fn trust_in_words(&self) -> String {
        let Shown { fingerprint, .. } = match (&*self.trusted, &*self.untrusted) {
            ([], _) => return String::new(),
            ([only], []) => only,
            (trusted, untrusted) => {
                let trusted = trusted.iter().map(|one| (one, ""));
                let all = trusted.chain(untrusted.iter().map(|one| (one, "without ")));
                let all = all.map(|(one, before)| {
                    format!("{before}{}, SHA-256 {}", one.subject, one.fingerprint)
                });
                return all.collect::<Vec<_>>().join("; ");
            }
        };
        format!("SHA-256 {fingerprint}")
    }

    /// The printed path of the step.
    fn shown(&self) -> &Path {
        let paths = self.relative_paths();
        let is_of_key = |reason: &Finding| match reason {
            Finding::KeyReadable { key: path, .. }
            | Finding::Mode { path, .. }
            | Finding::Owner { path } => *path == paths.key,
            _ => false,
        };
        match &self.shown {
            Some(shown) => shown,
            None if self.action == Action::Chmod && self.reasons.iter().all(is_of_key) => {
                &paths.key
            }
            None => &paths.certificate,
        }
    }
}

impl fmt::Display for Step {
    /// Writes a line such as `renew     member-etcd-1.pem  expires in 12 days; 10.0.0.99 is
    /// missing`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.shown().display().to_string();
        let details = match (&self.work, &self.target) {
            (Work::CreateCa { has_key: true }, Target::Ca(ca)) => {
                format!("{}, for the existing key", ca.name())
            }
            (Work::CreateCa { .. }, Target::Ca(ca)) => {
                format!("{}, {}", ca.name(), ca.profile.algorithm())
            }
            (Work::Issue, Target::Pair(pair)) if self.action == Action::Create => created(pair),
            (Work::Install { .. }, _) => "its certificate is signed".to_owned(),
            (Work::Remove, target) if self.stamps.has_key() => match target {
                Target::Files(paths) => format!("and {}", paths.key.display()),
                Target::Ca(_) | Target::Pair(_) => String::new(),
            },
            (Work::Trust { .. }, _) if self.reasons.is_empty() => self.trust_in_words(),
            _ => {
                let reasons: Vec<String> = self.reasons.iter().map(ToString::to_string).collect();
                let reasons = reasons.join("; ");
                match self.action {
                    Action::Wait => format!("{reasons}; requested, not signed yet"),
                    _ => reasons,
                }
            }
        };
        let line = format!("{:<8}  {file:<28}  {details}", self.action);
        f.write_str(&text::printable(line.trim_end()))
    }
}

/// Whether a finding is about a CA, so that etcd would refuse every certificate that the CA signs
/// for a pair.
fn refuses_what_is_signed(reason: &Finding) -> bool {
    matches!(
        reason,
        Finding::Expired {
            subject: Some(_),
            ..
        } | Finding::NotYetValid {
            subject: Some(_),
            ..
        } | Finding::NotCa { .. }
            | Finding::PathTooLong { .. }
            | Finding::NameConstraint { .. }
            | Finding::UnknownExtension { .. }
            | Finding::Malformed { .. }
            | Finding::Usage { .. }
            | Finding::TooManyConstraints { .. }
    )
}

/// Describes a new pair: the names of a member, or the common name of a node or client.
fn created(pair: &DesiredPair) -> String {
    const SHOWN: usize = 4;
    if pair.role() == Role::Member {
        let names = pair
            .profile
            .alternative_names(&pair.identity)
            .unwrap_or_default();
        let shown: Vec<String> = names.iter().take(SHOWN).map(ToString::to_string).collect();
        return match names.len().saturating_sub(SHOWN) {
            0 => shown.join(", "),
            more => format!("{}, {more} more", shown.join(", ")),
        };
    }
    match pair.common_name() {
        Ok(Some(common_name)) => common_name,
        _ => pair.identity.organization().unwrap_or_default().to_owned(),
    }
}

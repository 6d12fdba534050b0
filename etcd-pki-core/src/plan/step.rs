//! One step of a plan.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::SystemTime,
};

use super::file_renewal::FileRenewal;
use crate::{
    cluster::{DesiredCa, DesiredPair},
    error::{Error, Result},
    finding::Finding,
    inspect::Stamps,
    key::PublicKey,
    layout::PairPaths,
    request::CertificateRequest,
    role::Role,
    store::look,
    text,
    verify::unacceptable,
    words,
    x509::certificate::Certificate,
};

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Nothing: the pair is up to date
    Keep,
    /// Sets modes or owners
    Chmod,
    /// Makes a new certificate for the same key
    Renew,
    /// Makes a new key and its certificate in place of others
    Reissue,
    /// Makes a key and its certificate
    Create,
    /// Writes a request, and makes a key if none fits
    Request,
    /// Nothing: the request is written and not signed yet
    Wait,
    /// Installs the certificate that was signed
    Install,
    /// Signs a request
    Sign,
    /// Installs the certificates of a CA, gives them to a host, or writes a CA file again in the form
    /// that etcd reads
    Trust,
    /// Removes a pair that is not in the specification
    Remove,
    /// Nothing: etcd-pki never replaces what is there
    Blocked,
}

impl Action {
    /// All actions, in their order.
    pub const ALL: [Self; 12] = [
        Self::Keep,
        Self::Chmod,
        Self::Renew,
        Self::Reissue,
        Self::Create,
        Self::Request,
        Self::Wait,
        Self::Install,
        Self::Sign,
        Self::Trust,
        Self::Remove,
        Self::Blocked,
    ];

    /// The name, as it is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Chmod => "chmod",
            Self::Renew => "renew",
            Self::Reissue => "re-issue",
            Self::Create => "create",
            Self::Request => "request",
            Self::Wait => "wait",
            Self::Install => "install",
            Self::Sign => "sign",
            Self::Trust => "trust",
            Self::Remove => "remove",
            Self::Blocked => "blocked",
        }
    }
}

impl FromStr for Action {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        words::one_of(text, "action", &Self::ALL, Self::name)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a step is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// A CA of the specification
    Ca(DesiredCa),
    /// A pair of the specification
    Pair(DesiredPair),
    /// Files that are given by path, relative to the plan's directory
    Files(PairPaths),
}

/// One step of a plan: what is done with a pair, and why.
#[derive(Debug)]
pub struct Step {
    pub(super) action: Action,
    pub(super) target: Target,
    pub(super) reasons: Vec<Finding>,
    /// Where the paths of the target are
    pub(super) directory: Arc<Path>,
    /// The file that is shown, if it is not the certificate's path
    pub(super) shown: Option<PathBuf>,
    pub(super) request: Option<PathBuf>,
    /// The host that gets a CA's certificates
    pub(super) host: Option<String>,
    /// The CA certificates that will be trusted, that of the signing CA first
    pub(super) trusted: Vec<Shown>,
    /// The CA certificates that will not be trusted any more
    pub(super) untrusted: Vec<Shown>,
    pub(super) due: Option<SystemTime>,
    pub(super) not_before: Option<SystemTime>,
    pub(super) not_after: Option<SystemTime>,
    pub(super) hard_links: Vec<PathBuf>,
    /// The certificate that is removed
    pub(super) removed: Option<Certificate>,
    /// The current key
    pub(super) key: Option<PublicKey>,
    /// The certificates that follow the current one in its file
    pub(super) following: Vec<Certificate>,
    pub(super) stamps: Stamps,
    pub(super) work: Work,
}

/// A certificate by which a user recognizes a CA.
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

/// What applying a step needs.
#[derive(Debug)]
pub(super) enum Work {
    /// Nothing is changed
    None,
    /// Modes and owners are set
    Chmod,
    /// A CA is created, for an existing key if there is one
    CreateCa { has_key: bool },
    /// A CA gets a new certificate
    RenewCa { keeps_serial: bool },
    /// A key and its certificate are made
    Issue,
    /// A certificate is made for the current key
    Certify {
        key: PublicKey,
        /// Whether etcd does not read the key's file, so that it is written again
        rewrites_key: bool,
    },
    /// A request is written
    Request { key: KeySource },
    /// A certificate is installed, given in PEM
    Install {
        certificates: String,
        key: KeySource,
    },
    /// A trust bundle is written
    Trust { certificates: TrustText },
    /// A request is signed
    Sign(Box<CertificateRequest>),
    /// A certificate is renewed by its path
    RenewFile(Box<FileRenewal>),
    /// The files are removed
    Remove,
}

/// A trust bundle that is written.
#[derive(Debug)]
pub(super) enum TrustText {
    /// In PEM
    Known(String),
    /// These certificates, with the one that this plan makes for their signing CA; none if the plan
    /// creates the CA
    Made(Vec<Certificate>),
}

/// The key of a request on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeySource {
    /// The key at its path
    Current,
    /// A new key, at its path
    New,
    /// A key that waits next to the current one until its certificate is signed
    Waiting,
    /// A new key that waits
    NewWaiting,
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
        }
    }

    /// What the step is about.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The CA of the specification that the step is about.
    #[must_use]
    pub fn ca(&self) -> Option<&DesiredCa> {
        match &self.target {
            Target::Ca(ca) => Some(ca),
            Target::Pair(_) | Target::Files(_) => None,
        }
    }

    /// The pair of the specification that the step is about.
    #[must_use]
    pub fn pair(&self) -> Option<&DesiredPair> {
        match &self.target {
            Target::Pair(pair) => Some(pair),
            Target::Ca(_) | Target::Files(_) => None,
        }
    }

    /// The role of the pair; `None` for a CA and for files that are given by path.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.pair().map(DesiredPair::role)
    }

    /// The host that uses the pair, or that gets a CA's certificates.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match &self.target {
            Target::Pair(pair) => pair.host.as_deref(),
            Target::Ca(_) | Target::Files(_) => self.host.as_deref(),
        }
    }

    /// The directory of the step's paths: that of the plan, or a host's folder in the exchange directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The files of the pair.
    #[must_use]
    pub fn paths(&self) -> PairPaths {
        self.relative_paths().below(&self.directory)
    }

    /// The files of the pair, relative to the directory of the plan.
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

    /// SHA-256 of the signing CA's certificate that will be trusted, in upper-case hexadecimal.
    #[must_use]
    pub fn fingerprint_sha256(&self) -> Option<&str> {
        self.trusted_sha256().first().copied()
    }

    /// SHA-256 of every CA certificate that will be trusted on the host, that of the signing CA first.
    #[must_use]
    pub fn trusted_sha256(&self) -> Vec<&str> {
        self.trusted.iter().map(|one| &*one.fingerprint).collect()
    }

    /// SHA-256 of every certificate of a CA that will not be trusted on the host any more. One that a later
    /// certificate of the same CA replaces is not among them.
    #[must_use]
    pub fn untrusted_sha256(&self) -> Vec<&str> {
        self.untrusted.iter().map(|one| &*one.fingerprint).collect()
    }

    /// What the step does.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// Every reason for it.
    #[must_use]
    pub fn reasons(&self) -> &[Finding] {
        &self.reasons
    }

    /// Why the step is blocked, as an error: what the system answers now, if that blocks it.
    #[must_use]
    pub fn blocking_error(&self) -> Option<Error> {
        if self.action != Action::Blocked {
            return None;
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
            // A finding about the pair's own file may name it relative to the directory
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
            // It leads nowhere
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
                // Each of them is shown, so that the user can compare it
                all => all.join("; "),
            },
        })
    }

    /// The error of a CA that can neither sign nor be renewed here, if that blocks the step.
    fn ca_error(&self) -> Option<Error> {
        let own = || self.ca().map(|ca| ca.subject());
        let error = match self.reasons.first()? {
            Finding::IssuedByAnotherCa { issuer } => Error::IssuedByAnotherCa {
                subject: own()?,
                issuer: issuer.clone(),
            },
            Finding::Expired { subject, not_after } => Error::AuthorityExpired {
                subject: subject.clone().or_else(own)?,
                not_after: *not_after,
            },
            _ => return None,
        };
        Some(error.in_file(self.paths().certificate))
    }

    /// When a kept certificate is renewed.
    #[must_use]
    pub fn due(&self) -> Option<SystemTime> {
        self.due
    }

    /// When the current certificate becomes valid. One that is not valid yet is kept: the clock of
    /// this host, or of the one that signed it, is wrong.
    #[must_use]
    pub fn not_before(&self) -> Option<SystemTime> {
        self.not_before
    }

    /// When the current certificate expires.
    #[must_use]
    pub fn not_after(&self) -> Option<SystemTime> {
        self.not_after
    }

    /// The certificate that the step removes. It stays valid until it expires: etcd accepts it from
    /// everyone who has a copy of it and of its key.
    #[must_use]
    pub fn removed_certificate(&self) -> Option<&Certificate> {
        self.removed.as_ref()
    }

    /// Whether the key's file existed when the plan was made.
    #[must_use]
    pub fn has_key_file(&self) -> bool {
        self.stamps.has_key()
    }

    /// Whether the step makes a key.
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

    /// Whether a renewal by path is signed by another CA than the old certificate: a host that trusts
    /// only the old CA refuses the new certificate.
    #[must_use]
    pub fn changes_ca(&self) -> bool {
        matches!(&self.work, Work::RenewFile(renewal) if renewal.changes_ca)
    }

    /// Files with further names (hard links), such as Calico's copies: those keep the old content
    /// when the file is replaced.
    #[must_use]
    pub fn hard_links(&self) -> &[PathBuf] {
        match self.action {
            Action::Renew | Action::Reissue | Action::Create | Action::Install => &self.hard_links,
            _ => &[],
        }
    }

    /// The file that stands for the step in a report: the request where requests are signed, else the
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

    /// Blocks the step, for its reasons.
    pub(super) fn block(&mut self) {
        self.action = Action::Blocked;
        self.work = Work::None;
    }

    /// The CA certificates of a trust bundle: by their fingerprints, and several by their names too.
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

    /// The path that is printed for the step.
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
    /// `renew     member-etcd-1.pem  expires in 12 days; 10.0.0.99 is missing`
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

/// Whether a finding is about a CA, so that etcd would refuse whatever it signs for a pair.
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

/// What is new about a pair: a member's names, or the common name of a node or client.
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

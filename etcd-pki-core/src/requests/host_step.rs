//! What is to be done on a host with one pair whose key stays there.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{
    Refusal,
    key::{next_key, read_key},
    request_path,
    trust::Trust,
};
use crate::{
    bundle::{all_pem, check_chain},
    certificate::Certificate,
    cluster::Wanted,
    error::Result,
    key::{PrivateKey, PublicKey},
    layout::PairPaths,
    plan::{Action, Cause, Pair, check_way, in_the_way, judge, profile},
    request::CertificateRequest,
    store::{Store, read_below, unless_too_large},
};

/// What is done with a pair whose key stays on its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HostAction {
    /// Nothing: it is as it should be
    Keep,
    /// Modes or owners are set
    Mode,
    /// The certificate that came is put in its place
    Install,
    /// A request is written, and a key made if there is none that fits
    Request,
    /// Nothing: the request is written, and its certificate has not come
    Wait,
}

/// What is to be done with one pair on its host.
#[derive(Debug)]
pub struct HostStep {
    pub(super) pair: Pair,
    pub(super) action: HostAction,
    pub(super) key: Key,
    /// The certificate that came, with its chain, in PEM
    pub(super) arrived: Option<String>,
    causes: Vec<Cause>,
    paths: PairPaths,
    request: PathBuf,
}

/// The key that a request is for.
#[derive(Debug)]
pub(super) enum Key {
    /// The one in its place
    Here,
    /// None yet: one is made, in its place
    New,
    /// One that waits beside another for its certificate, so that the other goes on serving
    Next,
    /// None yet: one is made that waits
    NewNext,
}

impl HostAction {
    /// Its name, as it is shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Mode => "mode",
            Self::Install => "install",
            Self::Request => "request",
            Self::Wait => "wait",
        }
    }
}

impl fmt::Display for HostAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl HostStep {
    /// What is wanted.
    #[must_use]
    pub fn wanted(&self) -> &Wanted {
        &self.pair.wanted
    }

    /// Where the pair is.
    #[must_use]
    pub fn paths(&self) -> &PairPaths {
        &self.paths
    }

    /// Where its request is.
    #[must_use]
    pub fn request(&self) -> &Path {
        &self.request
    }

    /// What is to be done.
    #[must_use]
    pub fn action(&self) -> HostAction {
        self.action
    }

    /// Every reason for another certificate.
    #[must_use]
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }

    /// Whether a key is to be made.
    #[must_use]
    pub fn makes_key(&self) -> bool {
        matches!(self.key, Key::New | Key::NewNext)
    }

    /// Files with further names: those keep the old content when the file is replaced.
    #[must_use]
    pub fn hard_links(&self) -> &[PathBuf] {
        match self.action {
            HostAction::Install => self.pair.hard_links(),
            _ => &[],
        }
    }

    pub(super) fn of(
        pair: Pair,
        store: &Store,
        folder: &Path,
        trust: Option<&Trust>,
        refused: &mut Vec<Refusal>,
        now: SystemTime,
    ) -> Result<Self> {
        let ca = trust.and_then(|trust| trust.certificate.as_ref());
        let (due, causes) = pair.judge(store.directory(), ca, now)?;
        let mut step = Self {
            paths: pair.wanted.paths.below(store.directory()),
            request: folder.join(request_path(&pair.wanted.paths)),
            action: HostAction::Request,
            key: Key::Here,
            arrived: None,
            causes,
            pair,
        };
        if step.is_obstructed() {
            return Ok(step);
        }
        if let Err(error) = step.decide(due, store, folder, ca, refused, now) {
            step.causes.push(in_the_way(error)?);
        }
        Ok(step)
    }

    /// Fails if something is in the way, which is left to that instant: the other pairs do without it.
    pub(super) fn check_way(&self) -> Result<()> {
        check_way(&self.causes)
    }

    fn is_obstructed(&self) -> bool {
        let mut causes = self.causes.iter();
        causes.any(|cause| matches!(cause, Cause::InTheWay { .. }))
    }

    /// Decides by what is due, and by what has come and was asked for.
    fn decide(
        &mut self,
        due: Action,
        store: &Store,
        folder: &Path,
        ca: Option<&Certificate>,
        refused: &mut Vec<Refusal>,
        now: SystemTime,
    ) -> Result<()> {
        let key = match due {
            Action::Keep | Action::Mode => {
                self.action = match due {
                    Action::Keep => HostAction::Keep,
                    _ => HostAction::Mode,
                };
                return Ok(());
            }
            Action::Renew => Some(read_key(&self.paths.key)?),
            _ if !self.pair.has_key_file() => {
                self.key = Key::New;
                None
            }
            // The key that is there serves on until the next one has its certificate
            _ => {
                let next = next_key(&self.pair, store)?;
                self.key = if next.is_some() {
                    Key::Next
                } else {
                    Key::NewNext
                };
                next
            }
        };
        if let Some(key) = &key {
            match self.came(key.public_key(), folder, ca, now) {
                Ok(arrived) => self.arrived = arrived,
                Err(refusal) => refused.push(refusal),
            }
        }
        if self.arrived.is_some() {
            self.action = HostAction::Install;
            return Ok(());
        }
        let wanted = &self.pair.wanted;
        let request = request_in(folder, wanted)?;
        if let (Some(request), Some(key)) = (request, key)
            && is_for(&request, &key, wanted)?
        {
            self.action = HostAction::Wait;
        }
        Ok(())
    }

    /// The certificate that came for a key, if it is what the specification says.
    fn came(
        &self,
        key: &PublicKey,
        folder: &Path,
        ca: Option<&Certificate>,
        now: SystemTime,
    ) -> std::result::Result<Option<String>, Refusal> {
        let wanted = &self.pair.wanted;
        let path = folder.join(&wanted.paths.certificate);
        let refusal = |error| Refusal::of(path.clone(), error);
        let file = read_below(folder, &wanted.paths.certificate).map_err(refusal)?;
        let Some(bytes) = file else { return Ok(None) };
        let all = Certificate::all_from_bytes(&bytes).map_err(refusal)?;
        let Some((leaf, chain)) = all.split_first() else {
            return Ok(None);
        };
        // What was installed from there lies there until another takes its place
        if self.pair.certificate() == Some(leaf) {
            return Ok(None);
        }
        let Some(ca) = ca else {
            let reason = "there is no certificate of the authority to check it against";
            return Err(Refusal::new(path, reason));
        };
        let (action, causes) = judge(wanted, key, Some(leaf), Some(ca), now).map_err(refusal)?;
        if action != Action::Keep {
            let causes: Vec<String> = causes.iter().map(ToString::to_string).collect();
            return Err(Refusal::new(path, causes.join("; ")));
        }
        check_chain(leaf, chain).map_err(refusal)?;
        all_pem(&all).map(Some).map_err(refusal)
    }
}

impl fmt::Display for HostStep {
    /// `request   member-etcd-1.pem  10.0.0.99 is missing`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.pair.wanted.paths.certificate.display().to_string();
        let causes: Vec<String> = self.causes.iter().map(ToString::to_string).collect();
        let causes = causes.join("; ");
        write!(f, "{:<8}  {file:<28}  ", self.action)?;
        match self.action {
            HostAction::Install => write!(f, "its certificate has come"),
            HostAction::Wait => write!(f, "{causes}; requested, its certificate has not come"),
            _ => write!(f, "{causes}"),
        }
    }
}

/// The request that lies in the folder, if what lies there is one.
fn request_in(folder: &Path, wanted: &Wanted) -> Result<Option<CertificateRequest>> {
    let there = unless_too_large(read_below(folder, &request_path(&wanted.paths)))?;
    Ok(there.and_then(|bytes| CertificateRequest::from_bytes(&bytes).ok()))
}

/// Whether a request is the one that would be written for a key.
fn is_for(request: &CertificateRequest, key: &PrivateKey, wanted: &Wanted) -> Result<bool> {
    if request.public_key() != key.public_key() {
        return Ok(false);
    }
    let asked = CertificateRequest::create(key, *profile(wanted)?, &wanted.identity)?;
    Ok(request.claims() == asked.claims())
}

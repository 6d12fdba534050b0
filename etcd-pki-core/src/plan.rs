//! What must change so that a directory is as its specification requires, and why.
//!
//! Planning, applying and reporting exist once. A [`Plan`] is made in one of four modes: for the pairs
//! of a directory, for the keys of a host and its requests, for the requests where the CA is, and for
//! certificates that are renewed by path.

mod apply;
mod ca;
mod cache;
mod copies;
mod decide;
mod exchange;
mod file_renewal;
mod here;
mod host;
mod other_cas;
mod renewal;
mod report;
mod shared_keys;
mod signing;
mod step;
mod trust;
mod unmanaged;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use self::{cache::NextCache, step::Work};
pub use self::{
    decide::reasons,
    exchange::Refusal,
    renewal::Renewal,
    report::{
        ApplyOptions, DeniedClaims, Outcome, Progress, Report, ShortenedValidity, StepReport,
    },
    step::{Action, Step, Target},
};
use crate::{
    cluster::{Cluster, FilesSpec},
    error::{Error, Result},
    finding::Finding,
    inspect::Stamps,
    layout::{CaKind, PairPaths},
    role::Role,
    store::{Attributes, CaAttributes, Exchange, Store, group, user},
    x509::fingerprint::Fingerprint,
};

/// What must change in a directory: steps, each with its reasons.
///
/// A plan is made by reading. It belongs to its store, and [`Plan::apply`] changes that store only. A
/// plan can be applied once: afterwards its files have changed, and applying it again fails with
/// [`Error::Changed`].
///
/// ```
/// use etcd_pki_core::{Cluster, Layout, Store, cluster::{ClusterSpec, EntrySpec}, plan::Action};
///
/// # let parent = tempfile::tempdir()?;
/// # let directory = parent.path().join("ssl");
/// let cluster = Cluster::try_from(ClusterSpec {
///     members: vec![EntrySpec::new("etcd-1").with_names(["10.0.0.11"])?],
///     clients: vec!["root".into()],
///     ..ClusterSpec::default()
/// })?;
/// let store = Store::new(directory, Layout::Kubespray);
///
/// let plan = cluster.plan(&store)?;
/// assert!(plan.changes().all(|step| step.action() == Action::Create));
/// let report = plan.apply()?;
/// assert_eq!(report.count(Action::Create), 4); // the CA, the member, its admin, the client
///
/// assert_eq!(cluster.plan(&store)?.changes().count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Plan(Arc<Contents>);

/// What a plan consists of.
#[derive(Debug)]
struct Contents {
    store: Store,
    mode: Mode,
    /// When the plan was made
    now: SystemTime,
    steps: Vec<Step>,
    unmanaged: Vec<PairPaths>,
    unmanaged_ca: Option<PairPaths>,
    nothing_to_prune: Vec<String>,
    refused: Vec<Refusal>,
    hosts_without_request: Vec<String>,
    /// The signing CAs' files, and how they were
    cas: Vec<PlannedCa>,
    /// What to remember of verified pairs; nothing if the plan covers a part of the directory
    cache: Option<NextCache>,
    permissions: Attributes,
}

/// A CA that the plan may sign with.
#[derive(Debug)]
struct PlannedCa {
    kind: CaKind,
    /// Its files, which may be in another directory than the plan's
    paths: PairPaths,
    stamps: Stamps,
}

/// What a plan is for.
#[derive(Clone, Debug)]
enum Mode {
    /// The pairs of a directory
    Pairs,
    /// The keys of a host: requests are written to its folder, and signed certificates installed
    Host {
        exchange: Arc<Exchange>,
        host: String,
        /// The host's folder in the exchange directory
        folder: PathBuf,
    },
    /// The requests of an exchange directory are signed
    Signing { exchange: Arc<Exchange> },
    /// Certificates are renewed by path
    Renewal,
}

/// How a plan is made.
///
/// ```
/// use etcd_pki_core::plan::PlanOptions;
///
/// let options = PlanOptions::new().with_only("etcd-1").with_rekey();
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct PlanOptions {
    host: Option<String>,
    only: Option<String>,
    exchange: Option<PathBuf>,
    trust: Vec<Fingerprint>,
    now: Option<SystemTime>,
    prune: Option<Prune>,
    rekey: bool,
    replace_links: bool,
    backup: bool,
    is_part: bool,
}

/// Which unmanaged pairs are removed.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Prune {
    All,
    /// Those of these hosts and clients
    Names(Vec<String>),
}

impl PlanOptions {
    /// Plans a whole cluster as its specification requires.
    pub fn new() -> Self {
        Self::default()
    }

    /// Plans the files of one host, with the paths that they have on that host.
    pub fn with_host(mut self, host: impl Into<String>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// Keys stay on their hosts, and requests and certificates are exchanged through this directory.
    /// With a host the plan is for that host; without one it signs the requests of all hosts.
    pub fn with_exchange(mut self, directory: impl Into<PathBuf>) -> Self {
        self.exchange = Some(directory.into());
        self
    }

    /// Trusts the CA certificate with this fingerprint if it arrives in the exchange directory. Without
    /// it a host trusts no CA but those in its own CA file, and those that they vouch for: whoever
    /// brings the exchange directory may have put another CA there.
    pub fn with_trust(mut self, fingerprint: Fingerprint) -> Self {
        self.trust.push(fingerprint);
        self
    }

    /// Plans the pairs of one host or client only. CAs are created if they are missing, and not
    /// renewed.
    pub fn with_only(mut self, name: impl Into<String>) -> Self {
        self.only = Some(name.into());
        self
    }

    /// Makes a new key for each certificate that is renewed, and for a key that cannot be read. For an
    /// instant between two renames etcd may read a pair that does not match: that handshake fails, and
    /// the next one reads the files again.
    pub fn with_rekey(mut self) -> Self {
        self.rekey = true;
        self
    }

    /// Removes the pairs that are not in the specification, also those that `cert issue` made; with
    /// [`PlanOptions::with_only`], those of that host or client. A plan with a host removes nothing,
    /// since its directory may have what other hosts gave it: name what it removes.
    pub fn with_prune(mut self) -> Self {
        self.prune = Some(Prune::All);
        self
    }

    /// Removes the pairs of these hosts and clients that are not in the specification, and no others.
    pub fn with_prune_names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.prune = Some(Prune::Names(names.into_iter().map(Into::into).collect()));
        self
    }

    /// Replaces links from one file of the directory to another with pairs of their own, where such a
    /// link blocks a step. The target stays as it is.
    pub fn with_replace_links(mut self) -> Self {
        self.replace_links = true;
        self
    }

    /// Keeps what is replaced or removed, in hidden files next to it.
    pub fn with_backup(mut self) -> Self {
        self.backup = true;
        self
    }

    /// Ignores pairs that are not in the specification: it covers only a part of the directory.
    pub fn with_part_only(mut self) -> Self {
        self.is_part = true;
        self
    }

    /// Plans as if it were this time.
    pub fn at(mut self, now: SystemTime) -> Self {
        self.now = Some(now);
        self
    }

    /// Whether the user trusts a fingerprint.
    fn trusts(&self, fingerprint: &Fingerprint) -> bool {
        self.trust.contains(fingerprint)
    }

    fn now(&self) -> SystemTime {
        self.now.unwrap_or_else(crate::time::clock::now)
    }
}

impl Cluster {
    /// Reads a directory and decides what must change. It writes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Layout`] for a store with another layout than the specification's;
    /// [`Error::AuthorityExists`] if the directory has certificates without their CA, or a CA in
    /// another layout; [`Error::KeyMismatch`], [`Error::NotAnAuthority`] and
    /// [`Error::AnotherAuthority`] for a CA that cannot be the specification's; [`Error::Io`] for what
    /// cannot be read.
    pub fn plan(&self, store: &Store) -> Result<Plan> {
        self.plan_with(store, &PlanOptions::new())
    }

    /// Plans as [`Cluster::plan`] does, with options.
    ///
    /// # Errors
    ///
    /// As [`Cluster::plan`], and [`Error::InvalidName`] for a host or name that is not in the cluster,
    /// and for an exchange directory that is the store's.
    pub fn plan_with(&self, store: &Store, options: &PlanOptions) -> Result<Plan> {
        if store.layout() != self.layout() {
            return Err(Error::Layout {
                store: store.layout().name(),
                specification: self.layout().name(),
            });
        }
        match (&options.exchange, &options.host) {
            (None, _) => here::plan(self, store, options),
            (Some(exchange), Some(host)) => host::plan(self, store, host, exchange, options),
            (Some(exchange), None) => signing::plan(self, store, exchange, options),
        }
    }

    /// Plans and applies under the store's lock, so that of several processes at once each change is
    /// made by one. A directory in which nothing must change is neither locked nor created.
    ///
    /// # Errors
    ///
    /// As [`Cluster::plan_with`] and [`Plan::apply`].
    pub fn apply(
        &self,
        store: &Store,
        plan: &PlanOptions,
        options: &ApplyOptions<'_>,
    ) -> Result<Report> {
        apply::apply_planned(|| self.plan_with(store, plan), options)
    }
}

impl Plan {
    /// The directory that the plan changes.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.0.store.directory()
    }

    /// The store that the plan belongs to.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The host's folder of the exchange directory, or the exchange directory where the CA is; `None`
    /// if the plan has none.
    #[must_use]
    pub fn exchange(&self) -> Option<&Path> {
        match &self.0.mode {
            Mode::Host { folder, .. } => Some(folder),
            Mode::Signing { exchange } => Some(exchange.path()),
            Mode::Pairs | Mode::Renewal => None,
        }
    }

    /// Whether the plan signs the requests of hosts, where the CA is.
    #[must_use]
    pub fn signs_requests(&self) -> bool {
        matches!(self.0.mode, Mode::Signing { .. })
    }

    /// All steps, also those that change nothing: CAs, then members, nodes and clients, then removals.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0.steps
    }

    /// The steps that are due: those that change something, wait or are blocked.
    pub fn changes(&self) -> impl Iterator<Item = &Step> {
        self.steps()
            .iter()
            .filter(|step| step.action != Action::Keep)
    }

    /// The steps that are blocked, each with its reason.
    pub fn blocked(&self) -> impl Iterator<Item = &Step> {
        self.steps()
            .iter()
            .filter(|step| step.action == Action::Blocked)
    }

    /// The steps that keep a pair as it is.
    pub fn kept(&self) -> impl Iterator<Item = &Step> {
        self.steps()
            .iter()
            .filter(|step| step.action == Action::Keep)
    }

    /// Whether applying the plan changes something.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.steps().iter().any(Step::is_work)
    }

    /// The pairs that a CA of the directory signed and the specification does not have. A plan with
    /// [`PlanOptions::with_prune`] has a step for each that it removes.
    #[must_use]
    pub fn unmanaged(&self) -> &[PairPaths] {
        &self.0.unmanaged
    }

    /// The peer CA, where the specification has no separate one. It is never removed: members may
    /// still trust it.
    #[must_use]
    pub fn unmanaged_ca(&self) -> Option<&PairPaths> {
        self.0.unmanaged_ca.as_ref()
    }

    /// The names of [`PlanOptions::with_prune_names`] that no unmanaged pair has.
    #[must_use]
    pub fn nothing_to_prune(&self) -> &[String] {
        &self.0.nothing_to_prune
    }

    /// The files of the exchange directory that are refused.
    #[must_use]
    pub fn refused(&self) -> &[Refusal] {
        &self.0.refused
    }

    /// The hosts of the specification without a request in the exchange directory.
    #[must_use]
    pub fn hosts_without_request(&self) -> &[String] {
        &self.0.hosts_without_request
    }

    /// The CAs that must sign and whose keys are missing here. Apply the plan where these keys are, or
    /// exchange requests.
    pub fn cas_without_key(&self) -> impl Iterator<Item = &Step> {
        let steps = self.steps().iter().filter(|step| {
            step.ca().is_some()
                && !matches!(step.action, Action::Create | Action::Trust)
                && !step.stamps.has_key()
        });
        steps.filter(|step| step.ca().is_some_and(|ca| self.0.signs(ca.kind)))
    }

    /// The hosts with a member that must be restarted when the plan is applied: etcd reads the CA when
    /// it starts, and a pair with each handshake. A member without a certificate has not started yet.
    #[must_use]
    pub fn hosts_to_restart(&self) -> Vec<&str> {
        self.restarted_by(self.steps().iter().filter(|step| step.is_work()))
    }

    /// The hosts with a member that must be restarted after these steps: members that run trust other
    /// certificates, get a first pair of a separate peer CA, or get peer pairs of another CA.
    fn restarted_by<'a>(&self, mut changes: impl Iterator<Item = &'a Step>) -> Vec<&str> {
        if self.signs_requests() {
            return Vec::new();
        }
        let of_members = || {
            let steps = self.steps().iter();
            steps.filter(|step| step.role() == Some(Role::Member))
        };
        let creates = |step: &Step, ca: CaKind| {
            step.action == Action::Create && step.pair().is_some_and(|pair| pair.ca == ca)
        };
        let new = of_members().filter(|step| creates(step, CaKind::Client));
        let new: HashSet<Option<&str>> = new.map(Step::host).collect();
        let is_cause = |step: &Step| match step.ca() {
            Some(_) => matches!(step.action, Action::Renew | Action::Trust),
            None if creates(step, CaKind::Peer) => !new.contains(&step.host()),
            None => self.moves_peer(step),
        };
        if !changes.any(is_cause) {
            return Vec::new();
        }
        let mut seen = HashSet::new();
        of_members()
            .filter(|step| step.not_after.is_some())
            .filter_map(Step::host)
            .filter(|host| seen.insert(*host))
            .collect()
    }

    /// Whether a step signs an existing peer pair with another CA than before. The other members
    /// trust that CA only after a restart.
    fn moves_peer(&self, step: &Step) -> bool {
        let is_signed_again = matches!(step.action, Action::Renew | Action::Reissue);
        let certificate = &step.relative_paths().certificate;
        let mut reasons = step.reasons.iter();
        is_signed_again
            && step.role() == Some(Role::Member)
            && self.0.store.layout().is_for_peers(certificate)
            && reasons.any(|reason| matches!(reason, Finding::OtherCa { .. }))
    }

    /// The kept pair that is renewed first.
    #[must_use]
    pub fn next_renewal(&self) -> Option<&Step> {
        let kept = self.steps().iter().filter(|step| step.due.is_some());
        kept.min_by_key(|step| step.due)
    }
}

impl Contents {
    /// Whether a step writes in the exchange directory, where the CA is.
    fn is_exchanged(&self, step: &Step) -> bool {
        let is_signing = matches!(self.mode, Mode::Signing { .. });
        is_signing && *step.directory != *self.store.directory()
    }

    /// Whether a CA has something to sign.
    fn signs(&self, kind: CaKind) -> bool {
        self.steps
            .iter()
            .any(|step| match (&step.target, &step.work) {
                (Target::Pair(pair), Work::Issue | Work::Certify { .. } | Work::Sign(_)) => {
                    pair.ca == kind
                }
                (_, Work::RenewFile(renewal)) => renewal.ca == Some(kind),
                _ => false,
            })
    }
}

/// The owner, group and modes of a specification, with its names looked up on this host.
fn permissions(files: &FilesSpec, options: &PlanOptions) -> Result<Attributes> {
    let number = |field: &str, name: &Option<String>, look_up: fn(&str) -> Result<u32>| {
        let number = name.as_deref().map(look_up).transpose();
        number.map_err(|error| Error::Specification {
            position: None,
            field: format!("files.{field}"),
            reason: error.to_string(),
            hint: Some("write a number, or apply where the name is known".to_owned()),
        })
    };
    Ok(Attributes {
        owner: number("owner", &files.owner, user)?,
        group: number("group", &files.group, group)?,
        key_mode: files.key_mode,
        certificate_mode: files.certificate_mode,
        directory_mode: files.directory_mode,
        ca: CaAttributes {
            owner: number("ca.owner", &files.ca.owner, user)?,
            group: number("ca.group", &files.ca.group, group)?,
            key_mode: files.ca.key_mode,
        },
        backup: options.backup,
        ..Attributes::default()
    })
}

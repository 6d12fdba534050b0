//! Plans: the changes that a directory needs to match its specification, and the reasons for them.
//!
//! The code that plans, applies and reports exists once. A [`Plan`] has one of four modes: it
//! covers the pairs of a directory, the keys and requests of one host, the requests that a CA
//! signs, or certificates that are renewed by path.

mod action;
mod apply;
mod ca;
mod cache;
mod copies;
mod current;
mod decide;
mod exchange;
mod file_renewal;
mod here;
mod host;
mod links;
mod lists;
mod other_cas;
mod renewal;
mod report;
mod shared_keys;
mod signing;
mod step;
mod trust;
mod unmanaged;
mod work;

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

pub use self::{
    action::Action,
    decide::reasons,
    exchange::Refusal,
    renewal::Renewal,
    report::{
        ApplyOptions, DeniedClaims, Outcome, Progress, Report, ShortenedValidity, StepReport,
    },
    step::{Step, Target},
};
use self::{cache::NextCache, work::Work};
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

/// The changes that a directory needs, as steps with reasons.
///
/// Planning only reads. A plan belongs to its store, and [`Plan::apply`] changes only that store. A
/// plan can be applied once. Afterwards its files have changed, and applying it again fails with
/// [`Error::FileChanged`].
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

/// The contents of a plan, which its clones share.
#[derive(Debug)]
struct Contents {
    store: Store,
    mode: Mode,
    /// The time of planning
    now: SystemTime,
    steps: Vec<Step>,
    unmanaged: Vec<PairPaths>,
    unmanaged_ca: Option<PairPaths>,
    nothing_to_prune: Vec<String>,
    refused: Vec<Refusal>,
    hosts_without_request: Vec<String>,
    /// The files of the signing CAs, with their state at planning
    cas: Vec<PlannedCa>,
    /// The next verification cache; `None` if the plan covers only a part of the directory
    cache: Option<NextCache>,
    permissions: Attributes,
    /// Whether issued certificates are recorded
    records: bool,
}

/// A CA that may sign for the plan.
#[derive(Debug)]
struct PlannedCa {
    kind: CaKind,
    /// Its files, possibly in another directory than the plan's
    paths: PairPaths,
    stamps: Stamps,
}

/// The kind of work that a plan covers.
#[derive(Clone, Debug)]
enum Mode {
    /// The pairs of a directory
    Pairs,
    /// The keys of a host: the plan writes requests to its folder and installs signed certificates
    Host {
        exchange: Arc<Exchange>,
        host: String,
        /// The host's folder in the exchange directory
        folder: PathBuf,
    },
    /// The requests in an exchange directory, which the CA signs
    Signing { exchange: Arc<Exchange> },
    /// Certificates that are renewed by path
    Renewal,
}

/// Options for planning.
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
    revoke: bool,
    is_part: bool,
}

/// The unmanaged pairs that the plan removes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Prune {
    All,
    /// The pairs of these hosts and clients
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

    /// Plans with an exchange directory. Keys stay on their hosts, and requests and certificates
    /// are exchanged through this directory.
    ///
    /// With a host, the plan is for that host. Without a host, the plan signs the requests of all
    /// hosts.
    pub fn with_exchange(mut self, directory: impl Into<PathBuf>) -> Self {
        self.exchange = Some(directory.into());
        self
    }

    /// Trusts the CA certificate with this fingerprint if the exchange directory contains it.
    ///
    /// Without this option, a host trusts only the CAs in its own CA file, and CAs that those CAs
    /// vouch for. Anyone who can write to the exchange directory may have put another CA there.
    pub fn with_trust(mut self, fingerprint: Fingerprint) -> Self {
        self.trust.push(fingerprint);
        self
    }

    /// Plans only the pairs of one host or client. Missing CAs are created, but existing CAs are
    /// not renewed.
    pub fn with_only(mut self, name: impl Into<String>) -> Self {
        self.only = Some(name.into());
        self
    }

    /// Generates a new key for each renewed certificate, and replaces keys that cannot be read.
    ///
    /// A pair is replaced with two renames. If etcd reads the pair between them, the key does not
    /// match, and that handshake fails. The next handshake reads the files again.
    pub fn with_rekey(mut self) -> Self {
        self.rekey = true;
        self
    }

    /// Removes the unmanaged pairs, including those that `cert issue` created. With
    /// [`PlanOptions::with_only`], removes only the pairs of that host or client.
    ///
    /// A plan for a host removes nothing, because its directory may contain files from other hosts.
    /// Use [`PlanOptions::with_prune_names`] there.
    pub fn with_prune(mut self) -> Self {
        self.prune = Some(Prune::All);
        self
    }

    /// Removes only the unmanaged pairs of these hosts and clients.
    pub fn with_prune_names<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.prune = Some(Prune::Names(names.into_iter().map(Into::into).collect()));
        self
    }

    /// Replaces symbolic links between files of the directory with separate pairs, if such a link
    /// blocks a step. The target of the link does not change.
    pub fn with_replace_links(mut self) -> Self {
        self.replace_links = true;
        self
    }

    /// Keeps replaced and removed files as hidden files in the same directory.
    pub fn with_backup(mut self) -> Self {
        self.backup = true;
        self
    }

    /// Revokes the certificates that the plan removes, and those that get a new key. A certificate
    /// is revoked after its replacement is in place.
    pub fn with_revoke(mut self) -> Self {
        self.revoke = true;
        self
    }

    /// Ignores pairs that are not in the specification. Use it if the specification covers only a
    /// part of the directory.
    pub fn with_part_only(mut self) -> Self {
        self.is_part = true;
        self
    }

    /// Plans as if the current time were `now`.
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
    /// Reads a directory and decides which changes it needs. Writes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::LayoutMismatch`] if the store's layout is not the specification's;
    /// [`Error::ExistingCa`] if the directory has certificates but not their CA, or has a CA
    /// in another layout; [`Error::KeyMismatch`], [`Error::NotACa`] and
    /// [`Error::OtherCa`] for a CA that cannot be the CA of the specification;
    /// [`Error::Io`] for files that cannot be read.
    pub fn plan(&self, store: &Store) -> Result<Plan> {
        self.plan_with(store, &PlanOptions::new())
    }

    /// Reads a directory and decides which changes it needs, with options.
    ///
    /// # Errors
    ///
    /// The errors of [`Cluster::plan`]; [`Error::InvalidName`] for a host or a name that is not in
    /// the cluster, and for an exchange directory that is the store's directory.
    pub fn plan_with(&self, store: &Store, options: &PlanOptions) -> Result<Plan> {
        if store.layout() != self.layout() {
            return Err(Error::LayoutMismatch {
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

    /// Plans and applies under the store's lock. If several processes do this at once, only one of
    /// them makes each change. A directory that needs no change is neither locked nor created.
    ///
    /// # Errors
    ///
    /// The errors of [`Cluster::plan_with`] and [`Plan::apply`].
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

    /// The exchange directory, or on a host its folder in it; `None` if the plan has none.
    #[must_use]
    pub fn exchange(&self) -> Option<&Path> {
        match &self.0.mode {
            Mode::Host { folder, .. } => Some(folder),
            Mode::Signing { exchange } => Some(exchange.path()),
            Mode::Pairs | Mode::Renewal => None,
        }
    }

    /// The time of planning. Certificates of this plan are valid from then on.
    #[must_use]
    pub fn now(&self) -> SystemTime {
        self.0.now
    }

    /// Whether the plan signs the requests of hosts.
    #[must_use]
    pub fn signs_requests(&self) -> bool {
        matches!(self.0.mode, Mode::Signing { .. })
    }

    /// All steps, including those that change nothing. The order is CAs, members, nodes, clients,
    /// revocation lists, removals.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0.steps
    }

    /// The steps that change something, wait or are blocked.
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

    /// The unmanaged pairs: a CA of the directory signed them, and they are not in the
    /// specification. With [`PlanOptions::with_prune`] the plan has a step for each pair that it
    /// removes.
    #[must_use]
    pub fn unmanaged(&self) -> &[PairPaths] {
        &self.0.unmanaged
    }

    /// The existing peer CA, if the specification has no separate peer CA. It is never removed,
    /// because members may still trust it.
    #[must_use]
    pub fn unmanaged_ca(&self) -> Option<&PairPaths> {
        self.0.unmanaged_ca.as_ref()
    }

    /// The names from [`PlanOptions::with_prune_names`] that match no unmanaged pair.
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

    /// The CAs that must sign, but have no key in this directory. Apply the plan where the keys
    /// are, or exchange requests.
    pub fn cas_without_key(&self) -> impl Iterator<Item = &Step> {
        let steps = self.steps().iter().filter(|step| {
            step.ca().is_some()
                && !matches!(step.action, Action::Create | Action::Trust)
                && !step.stamps.has_key()
        });
        steps.filter(|step| step.ca().is_some_and(|ca| self.0.signs(ca.kind)))
    }

    /// The hosts with a member that must be restarted after the plan is applied. etcd reads the CA
    /// only at startup, but reads a pair at each handshake. A member without a certificate has not
    /// started yet and is not listed.
    #[must_use]
    pub fn hosts_to_restart(&self) -> Vec<&str> {
        self.restarted_by(self.steps().iter().filter(|step| step.is_work()))
    }

    /// The hosts with a member that must be restarted after these steps. The member runs, and will
    /// trust other certificates, get its first pair of a separate peer CA, or get peer pairs of
    /// another CA.
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

    /// The kept pair with the earliest renewal.
    #[must_use]
    pub fn next_renewal(&self) -> Option<&Step> {
        let kept = self.steps().iter().filter(|step| step.due.is_some());
        kept.min_by_key(|step| step.due)
    }
}

impl Contents {
    /// Whether the step writes to the exchange directory, on the CA's side.
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

/// The owner, group and modes of a specification. Looks up the names on this host.
pub(crate) fn permissions(files: &FilesSpec, backup: bool) -> Result<Attributes> {
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
        backup,
        ..Attributes::default()
    })
}

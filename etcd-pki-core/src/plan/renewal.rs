//! Plans the renewal of certificates by path, without a specification.

mod cas;

use std::{
    cell::LazyCell,
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use self::cas::Cas;
use super::{
    Action, Contents, Mode, Plan, Step, Target,
    apply::apply_planned,
    file_renewal::{FileRenewal, RecordPlace, RenewalCa},
    other_cas::OtherCas,
    report::{ApplyOptions, Report},
    work::Work,
};
use crate::{
    ca::{CertificateAuthority, etcd_usages},
    cluster::RenewBefore,
    error::{Error, Result},
    finding::Finding,
    inspect::{PairFiles, Part, issuer, key_path, rules},
    key::Passphrase,
    layout::{CaKind, Layout, PairPaths},
    pem,
    store::{Attributes, Store, is_same, owner_of_directory, parent, read_file},
    time::{clock, validity::Validity},
    verify::{Use, Wishes, refused_as_too_large},
    x509::{certificate::Certificate, extensions::AlternativeNames},
};

/// Renews certificates by path. A new certificate has the same names, the same usages and the same
/// validity period as the old one. It also has the same key, unless a new key is requested.
///
/// ```
/// use etcd_pki_core::{
///     Cluster, Layout, Store, cluster::{ClusterSpec, RenewBefore},
///     plan::{Action, ApplyOptions, Renewal},
/// };
///
/// # let parent = tempfile::tempdir()?;
/// # let directory = parent.path().join("ssl");
/// let store = Store::new(&directory, Layout::Kubespray);
/// let clients = vec!["root".into()];
/// let cluster = Cluster::try_from(ClusterSpec { clients, ..ClusterSpec::default() })?;
/// let _ = cluster.plan(&store)?.apply()?;
///
/// let renewal = Renewal::with_cas_of(store);
/// let due = renewal.plan_due(RenewBefore::days(30))?;
/// assert_eq!(due.changes().count(), 0);
///
/// let file = directory.join("client-root.pem");
/// let report = renewal.plan_files(&[file])?.remove(0).apply()?;
/// assert_eq!(report.count(Action::Renew), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Renewal<'a> {
    ca: RenewalCa,
    passphrase: Option<&'a Passphrase>,
    rekey: bool,
    backup: bool,
    validity: Option<Validity>,
    now: Option<SystemTime>,
    record: RecordPlace,
}

impl<'a> Renewal<'a> {
    /// Signs each certificate with the CA of this store that signed the old certificate.
    pub fn with_cas_of(store: Store) -> Self {
        Self::new(RenewalCa::Store { store, given: None })
    }

    /// Signs with this CA the certificates that it signed before, and the others with the CAs of
    /// the store. Use it if the key of a store's CA is elsewhere. It has no effect after
    /// [`Renewal::with_ca`].
    pub fn with_signer(self, ca: CertificateAuthority) -> Self {
        let renewal_ca = match self.ca {
            RenewalCa::Store { store, .. } => RenewalCa::Store {
                store,
                given: Some(Arc::new(ca)),
            },
            given @ RenewalCa::Given(_) => given,
        };
        Self {
            ca: renewal_ca,
            ..self
        }
    }

    /// Signs all certificates with this CA.
    pub fn with_ca(ca: impl Into<Arc<CertificateAuthority>>) -> Self {
        Self::new(RenewalCa::Given(ca.into()))
    }

    fn new(ca: RenewalCa) -> Self {
        Self {
            ca,
            passphrase: None,
            rekey: false,
            backup: false,
            validity: None,
            now: None,
            record: RecordPlace::WithStore,
        }
    }

    /// Adds the certificates that a given CA signs to the record next to the certificate file of
    /// that CA. The certificates of a store's CA are recorded without this.
    pub fn with_record_of(self, ca_certificate: impl Into<PathBuf>) -> Self {
        Self {
            record: RecordPlace::NextTo(ca_certificate.into()),
            ..self
        }
    }

    /// Adds no certificate to the record of its CA. The record then has a gap that nothing shows.
    pub fn without_record(self) -> Self {
        Self {
            record: RecordPlace::Nowhere,
            ..self
        }
    }

    /// Decrypts the keys next to certificates with this passphrase.
    pub fn with_passphrase(self, passphrase: &'a Passphrase) -> Self {
        Self {
            passphrase: Some(passphrase),
            ..self
        }
    }

    /// Generates a new key for each certificate.
    pub fn with_rekey(self) -> Self {
        Self {
            rekey: true,
            ..self
        }
    }

    /// Keeps each replaced file, as [`PlanOptions::with_backup`](super::PlanOptions::with_backup) does.
    pub fn with_backup(self) -> Self {
        Self {
            backup: true,
            ..self
        }
    }

    /// Issues the new certificates with this validity.
    pub fn with_validity(self, validity: Validity) -> Self {
        Self {
            validity: Some(validity),
            ..self
        }
    }

    /// Renews as if the current time were `now`.
    pub fn at(self, now: SystemTime) -> Self {
        Self {
            now: Some(now),
            ..self
        }
    }

    /// Plans the due certificates of the CA's store.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if the directory cannot be listed; the error of a CA that cannot be read or
    /// has no key, if the store has no other CA.
    pub fn plan_due(&self, due: RenewBefore) -> Result<Plan> {
        let RenewalCa::Store { store, .. } = &self.ca else {
            return Err(Error::MissingBlock {
                what: "directory with certificates to renew",
                found: Vec::new(),
            });
        };
        let now = self.now();
        let mut files = Vec::new();
        let mut later = Vec::new();
        for (path, certificate) in store.certificates()? {
            let (begin, end) = (certificate.not_before(), certificate.not_after());
            if certificate.is_ca() {
                continue;
            }
            if due.begins(begin, end) <= now {
                files.push(path);
            } else if due.is_reached(begin, end, now) && store.is_named(&path) {
                later.extend(self.later(store, &path, &certificate, due));
            }
        }
        self.plan_in(store, &files, later)
    }

    /// The step of a certificate that is kept although the requested time is reached. A requested
    /// time longer than the whole validity of the certificate is refused, because each run would
    /// renew the certificate.
    fn later(
        &self,
        store: &Store,
        path: &Path,
        certificate: &Certificate,
        due: RenewBefore,
    ) -> Option<Step> {
        let (begin, end) = (certificate.not_before(), certificate.not_after());
        let life = end.duration_since(begin).unwrap_or_default();
        let finding = due.shortened(life)?;
        let action = if due.reaches_over(life) {
            Action::Blocked
        } else {
            Action::Keep
        };
        let directory: Arc<Path> = Arc::from(store.directory());
        let relative = |path: &Path| path.strip_prefix(&directory).unwrap_or(path).to_owned();
        let paths = PairPaths {
            certificate: relative(path),
            key: relative(&key_path(path)),
        };
        Some(Step {
            reasons: vec![finding],
            due: Some(due.begins(begin, end)),
            not_before: Some(begin),
            not_after: Some(end),
            ..Step::new(action, Target::Files(paths), &directory, Work::None)
        })
    }

    /// Plans these files, whether they are due or not. Returns one plan for each directory.
    ///
    /// # Errors
    ///
    /// The error of a CA that cannot be read, if the store has no other CA. A file that cannot be
    /// renewed is not an error: its step is blocked.
    pub fn plan_files(&self, files: &[PathBuf]) -> Result<Vec<Plan>> {
        let layout = match &self.ca {
            RenewalCa::Store { store, .. } => store.layout(),
            RenewalCa::Given(_) => Layout::default(),
        };
        let mut directories: BTreeMap<&Path, Vec<PathBuf>> = BTreeMap::new();
        for file in files {
            let own = directories.entry(parent(file)).or_default();
            own.push(file.clone());
        }
        let plans = directories
            .into_iter()
            .map(|(directory, files)| self.plan_in(&Store::new(directory, layout), &files, None));
        plans.collect()
    }

    /// Plans and applies under the lock of each directory, as
    /// [`Cluster::apply`](crate::Cluster::apply) does. A directory that fails as a whole does not
    /// stop the others, and its report contains the error.
    ///
    /// # Errors
    ///
    /// The errors of [`Renewal::plan_files`]. If all files are in one directory, also the errors of
    /// [`Plan::apply`].
    pub fn apply_files(
        &self,
        files: &[PathBuf],
        options: &ApplyOptions<'_>,
    ) -> Result<Vec<Report>> {
        // Planning all directories first finds their errors before anything is written
        let plans = self.plan_files(files)?;
        let is_one = plans.len() == 1;
        let reports = plans.into_iter().map(|plan| {
            let files: Vec<PathBuf> = plan.steps().iter().map(|step| step.file()).collect();
            let store = plan.store().clone();
            match apply_planned(|| self.plan_in(&store, &files, None), options) {
                Err(error) if !is_one => Ok(plan.failed(error)),
                report => report,
            }
        });
        reports.collect()
    }

    /// Plans and applies the renewal of the due certificates, under the lock of the store.
    ///
    /// # Errors
    ///
    /// The errors of [`Renewal::plan_due`] and [`Plan::apply`].
    pub fn apply_due(&self, due: RenewBefore, options: &ApplyOptions<'_>) -> Result<Report> {
        apply_planned(|| self.plan_due(due), options)
    }

    fn now(&self) -> SystemTime {
        self.now.unwrap_or_else(clock::now)
    }

    /// Plans the files of one directory: either the named files, or the due files with the steps of
    /// those that are due later.
    fn plan_in(
        &self,
        store: &Store,
        files: &[PathBuf],
        later: impl Into<Option<Vec<Step>>>,
    ) -> Result<Plan> {
        let later = later.into();
        let are_due = later.is_some();
        let now = self.now();
        let directory: Arc<Path> = Arc::from(store.directory());
        let cas = Cas::read(&self.ca)?;
        if files.is_empty() {
            // Without a CA that can sign, certificates could not be renewed when they become due
            cas.can_any_sign(&self.ca, now)?;
        }
        let linked = if self.rekey {
            LinkedKeys::read(store)?
        } else {
            LinkedKeys::default()
        };
        let other_cas = LazyCell::new(|| cas.others_in(store));
        let mut steps = Vec::with_capacity(files.len());
        for path in files {
            let certificate = path.strip_prefix(&directory).unwrap_or(path).to_owned();
            let key = key_path(path);
            let key = key.strip_prefix(&directory).unwrap_or(&key).to_owned();
            let planned = PlannedFile {
                renewal: self,
                cas: &cas,
                other_cas: &other_cas,
                linked: &linked,
                directory: &directory,
                paths: PairPaths { certificate, key },
                now,
            };
            if let Some(target) = own_name(path, files).filter(|_| are_due) {
                steps.push(planned.linked(target.clone()));
                continue;
            }
            let mut step = planned.step()?;
            if are_due && step.action == Action::Blocked && !store.is_named(path) {
                // The directory may also have certificates of other programs, such as those of
                // Kubernetes itself. Those programs renew them
                step.action = Action::Keep;
            }
            steps.push(step);
        }
        steps.extend(later.into_iter().flatten());
        Ok(Plan(Arc::new(Contents {
            store: store.clone(),
            mode: Mode::Renewal,
            now,
            steps,
            unmanaged: Vec::new(),
            unmanaged_ca: None,
            nothing_to_prune: Vec::new(),
            refused: Vec::new(),
            hosts_without_request: Vec::new(),
            cas: cas.planned(&self.ca),
            cache: None,
            permissions: Attributes {
                backup: self.backup,
                ..Attributes::default()
            },
            records: self.record != RecordPlace::Nowhere,
        })))
    }
}

/// A file, and the data that its step depends on.
struct PlannedFile<'a, F> {
    renewal: &'a Renewal<'a>,
    cas: &'a Cas,
    /// The CAs of the directory that do not sign this renewal
    other_cas: &'a LazyCell<OtherCas, F>,
    linked: &'a LinkedKeys,
    directory: &'a Arc<Path>,
    paths: PairPaths,
    now: SystemTime,
}

impl<F: FnOnce() -> OtherCas> PlannedFile<'_, F> {
    /// The step of a symbolic link to a file that is renewed under its own name. The link is kept.
    fn linked(self, named: PathBuf) -> Step {
        let path = self.directory.join(&self.paths.certificate);
        let target = Target::Files(self.paths);
        Step {
            reasons: vec![Finding::SymbolicLink {
                path,
                target: named,
            }],
            ..Step::new(Action::Keep, target, self.directory, Work::None)
        }
    }

    fn step(self) -> Result<Step> {
        let full = self.paths.below(self.directory);
        let files = PairFiles::read(full.clone())?;
        let (certificates, refused) = files.certificates(Use::Certificate);
        let (certificate, following) = match certificates {
            Part::Present(mut certificates) => {
                let following = certificates.split_off(1);
                (certificates.swap_remove(0), following)
            }
            Part::Missing => {
                let path = full.certificate.clone();
                // The operating system's error
                let error = read_file(&path).err();
                return Err(error.unwrap_or(
                    Error::MissingBlock {
                        what: "certificate",
                        found: Vec::new(),
                    }
                    .in_file(path),
                ));
            }
            Part::Unusable(_) => {
                let bytes = read_file(&full.certificate)?;
                let error = Certificate::all_from_bytes(&bytes).err();
                let error = error.unwrap_or(Error::FileChanged {
                    path: full.certificate.clone(),
                });
                return Err(error.in_file(full.certificate));
            }
        };
        let mut reasons = Vec::new();
        let due = RenewBefore::default().begins(certificate.not_before(), certificate.not_after());
        if due <= self.now {
            reasons.push(rules::expires(
                certificate.not_after(),
                None,
                false,
                self.now,
            ));
        }
        // A key that etcd cannot read is rewritten as PEM
        let refused_key = self.refused_key(&files, &full);
        let rewrites_key = refused_key.is_some();
        let paths = &self.paths;
        reasons.extend(refused.map(|finding| finding.in_file(&paths.certificate)));
        reasons.extend(refused_key.map(|finding| finding.in_file(&paths.key)));
        let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
        let (action, work) = match self.decide(&certificate, &following, &files, &full) {
            Ok((ca, changes_ca)) => {
                let rekey = self.renewal.rekey;
                let action = if rekey {
                    Action::Reissue
                } else {
                    Action::Renew
                };
                let renewal = FileRenewal {
                    signer: self.renewal.ca.clone(),
                    certificate,
                    following,
                    rekey,
                    rewrites_key,
                    validity: self.renewal.validity,
                    ca,
                    changes_ca,
                    record: self.renewal.record.clone(),
                };
                (action, Work::RenewFile(Box::new(renewal)))
            }
            Err(finding) => {
                reasons.insert(0, finding);
                (Action::Blocked, Work::None)
            }
        };
        if let Work::RenewFile(renewal) = &work {
            reasons.extend(self.cas.warnings(renewal.ca));
        }
        Ok(Step {
            reasons,
            not_before: Some(not_before),
            not_after: Some(not_after),
            hard_links: files.hard_links(),
            stamps: files.stamps(),
            ..Step::new(action, Target::Files(self.paths), self.directory, work)
        })
    }

    /// The reason why etcd cannot read the key's file, if the same key can be rewritten. This
    /// needs a key without a passphrase, and a file name that is not that of a DER file: DER files
    /// are for other programs.
    fn refused_key(&self, files: &PairFiles, full: &PairPaths) -> Option<Finding> {
        let (Part::Present(_), refused) = files.key(None) else {
            return None;
        };
        let bytes = files.key_bytes().filter(|_| !self.renewal.rekey)?;
        refused.filter(|_| !pem::is_der_by_name(&full.key, bytes))
    }

    /// Decides which CA signs, and whether it is another CA than before. Returns the reason if the
    /// file is not renewed.
    fn decide(
        &self,
        certificate: &Certificate,
        following: &[Certificate],
        files: &PairFiles,
        full: &PairPaths,
    ) -> std::result::Result<(Option<CaKind>, bool), Finding> {
        let store_owner = owner_of_directory(self.directory);
        let usual = Attributes::default();
        if let Some(finding) = files.key_owner(&full.key, &usual, store_owner) {
            return Err(finding);
        }
        let blocked = |path: &Path, reason: String| Finding::Blocked {
            path: path.to_owned(),
            reason,
        };
        if let Some(target) = link_target(&full.certificate) {
            let reason = format!("{} is a link to {target}", full.certificate.display());
            return Err(blocked(&full.certificate, reason));
        }
        if certificate.is_ca() {
            let reason = format!("{} has the certificate of a CA", full.certificate.display());
            return Err(blocked(&full.certificate, reason));
        }
        if files.certificate_file_has_key() {
            let reason = format!("{} has a private key", full.certificate.display());
            return Err(blocked(&full.certificate, reason));
        }
        if self.renewal.rekey {
            if let Some(reason) = self.linked.blocks(full, certificate) {
                return Err(blocked(&full.key, reason));
            }
        } else {
            match files.key(self.renewal.passphrase).0 {
                // The key is elsewhere, and stays there
                Part::Missing => {}
                Part::Present(key) => {
                    let (key, path) = (key.public_key(), &*full.key);
                    let mismatch = rules::key_match(certificate, Some(key), Some(path));
                    mismatch.map_or(Ok(()), Err)?;
                }
                Part::Unusable(finding) => return Err(finding),
            }
            if let Some(target) = link_target(&full.key)
                && self.refused_key(files, full).is_some()
            {
                let reason = format!("{} is a link to {target}", full.key.display());
                return Err(blocked(&full.key, reason));
            }
        }
        let (kind, chain) = match &self.renewal.ca {
            RenewalCa::Given(ca) => (None, &**ca.signing_chain()),
            RenewalCa::Store { .. } => self.cas.signer(certificate).map_err(|finding| {
                let path = &self.paths.certificate;
                let other = self.other_cas.forbids(certificate, following, path);
                other.unwrap_or(finding)
            })?,
        };
        chain.check_cas(self.now, false)?;
        chain.check_wishes(Wishes {
            usages: &etcd_usages(certificate),
            names: certificate.alternative_names(),
        })?;
        let names = certificate.alternative_names();
        let names = names.map_or(0, AlternativeNames::least_length);
        let lengths = std::iter::once(names).chain(chain.sent_lengths());
        if let Some(finding) = refused_as_too_large(lengths) {
            return Err(finding.in_file(&self.paths.certificate));
        }
        let changes_ca = match &self.renewal.ca {
            RenewalCa::Given(ca) => !issuer::is_signed_by(certificate, [ca.certificate()]),
            RenewalCa::Store { .. } => false,
        };
        Ok((kind, changes_ca))
    }
}

/// The certificates with keys that are symbolic links to other keys.
#[derive(Default)]
struct LinkedKeys(Vec<(PathBuf, Certificate)>);

impl LinkedKeys {
    fn read(store: &Store) -> Result<Self> {
        let certificates = store.certificates()?.into_iter();
        let linked = certificates.filter(|(path, _)| key_path(path).is_symlink());
        Ok(Self(linked.collect()))
    }

    /// The reason why a new key must not replace a key: it is a symbolic link, or another
    /// certificate uses it through a link.
    fn blocks(&self, paths: &PairPaths, certificate: &Certificate) -> Option<String> {
        if let Some(target) = link_target(&paths.key) {
            return Some(format!("{} is a link to {target}", paths.key.display()));
        }
        let (other, _) = self.0.iter().find(|(other, linked)| {
            linked.public_key() == certificate.public_key()
                && is_same(&key_path(other), &paths.key)
                && !is_same(other, &paths.certificate)
        })?;
        Some(format!(
            "{} is also the key of {}, through the link {}",
            paths.key.display(),
            other.display(),
            key_path(other).display()
        ))
    }
}

/// The file among these that a symbolic link leads to, if it is renewed under its own name.
fn own_name<'a>(link: &Path, files: &'a [PathBuf]) -> Option<&'a PathBuf> {
    if !link.is_symlink() {
        return None;
    }
    let mut own = files.iter().filter(|file| !file.is_symlink());
    own.find(|file| is_same(file, link))
}

/// The target of a symbolic link, as the link contains it.
fn link_target(path: &Path) -> Option<String> {
    let target = path.read_link().ok()?;
    Some(path.with_file_name(target).display().to_string())
}

//! Applying a plan: every mode, one executor.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::SystemTime,
};

use rayon::prelude::*;
use zeroize::Zeroizing;

use super::{
    Action, Contents, Mode, Plan, Step, Target,
    cache::{Mark, Marker},
    exchange::request_path,
    file_renewal::FileRenewal,
    host::{key_of, waiting_key_path},
    report::{ApplyOptions, Counter, Executed, Outcome, Product, Report},
    step::{KeySource, TrustText, Work},
};
use crate::{
    ca::{CaRenewal, CertificateAuthority},
    bundle::{Bundle, all_pem, place_of_key},
    certificate::Certificate,
    cluster::{DesiredCa, DesiredPair},
    error::{Error, Result},
    finding::Finding,
    inspect::Stamps,
    key::{Passphrase, PrivateKey, PublicKey},
    layout::CaKind,
    request::CertificateRequest,
    store::{Attributes, Exchange, LockedStore, Overwrite, PairTexts, Store},
    verify,
};

impl Plan {
    /// Makes the changes of the plan, and no others, under the lock of its store. CAs come first, and
    /// then every other pair: each is replaced atomically, so an interrupted run can be continued by
    /// planning again. A failing pair does not stop the others.
    ///
    /// # Errors
    ///
    /// Nothing was changed if this fails: [`Error::Changed`] if a file is not as it was when the plan
    /// was made; [`Error::EncryptedKey`] and [`Error::WrongPassphrase`], under [`Error::File`], for
    /// the key of a CA that must sign; [`Error::Io`] for one that is missing; [`Error::Locked`];
    /// [`Error::Interrupted`]. Errors of single steps are in the [`Report`].
    pub fn apply(&self) -> Result<Report> {
        self.apply_with(&ApplyOptions::new())
    }

    /// Applies the plan as [`Plan::apply`] does, with options.
    ///
    /// # Errors
    ///
    /// As [`Plan::apply`].
    pub fn apply_with(&self, options: &ApplyOptions<'_>) -> Result<Report> {
        if !self.has_work() {
            self.update_cache(options);
            return Ok(self.without_changes());
        }
        let files = lock(self.store(), options)?;
        self.execute(&files, options)
    }

    /// Opens the keys of the CAs that must sign, and changes nothing.
    ///
    /// # Errors
    ///
    /// Under [`Error::File`], [`Error::EncryptedKey`], [`Error::WrongPassphrase`] and what else
    /// [`PrivateKey::from_bytes`] refuses; [`Error::Io`].
    pub fn check_keys(&self, passphrase: Option<&Passphrase>) -> Result<()> {
        for step in self.steps() {
            let Target::Ca(ca) = &step.target else {
                continue;
            };
            let is_needed = match step.work {
                Work::CreateCa { has_key } => has_key,
                Work::RenewCa { .. } => true,
                // Hosts' bundles are delivered by steps of their own
                _ if self.0.is_exchanged(step) => false,
                _ => self.0.signs(ca.kind),
            };
            if is_needed {
                self.store().load_ca_key(&ca.paths, passphrase).map(drop)?;
            }
        }
        Ok(())
    }

    /// Writes the cache of verified pairs, if it has changed. It is no failure if that is impossible.
    fn update_cache(&self, options: &ApplyOptions<'_>) {
        let Some(cache) = self.0.cache.as_ref().filter(|cache| cache.is_news()) else {
            return;
        };
        if let Ok(files) = lock(self.store(), options) {
            cache.write([].into_iter(), &files);
        }
    }

    /// The report of a plan that changes nothing: its blocked steps.
    fn without_changes(&self) -> Report {
        Report::new(self, self.blocked_steps())
    }

    /// The report of a plan that failed as a whole: its first change has the error.
    pub(super) fn failed(&self, error: Error) -> Report {
        let is_interrupted = matches!(error, Error::Interrupted);
        let mut error = Some(error).filter(|_| !is_interrupted);
        let mut executed = self.blocked_steps();
        let steps = self.steps().iter().enumerate();
        for (step, _) in steps.filter(|(_, step)| step.is_work()) {
            let outcome = error.take().map_or(Outcome::Skipped, Outcome::Failed);
            let product = Product::default();
            executed.push(Executed {
                step,
                outcome,
                product,
            });
        }
        Report::new(self, executed).interrupted(is_interrupted)
    }

    fn blocked_steps(&self) -> Vec<Executed> {
        let steps = self.steps().iter().enumerate();
        let blocked = steps.filter_map(|(place, step)| {
            Some(Executed {
                step: place,
                outcome: Outcome::Blocked(step.blocking_error()?),
                product: Product::default(),
            })
        });
        blocked.collect()
    }

    /// Makes the changes under the lock.
    fn execute(&self, files: &LockedStore, options: &ApplyOptions<'_>) -> Result<Report> {
        self.check_unchanged()?;
        self.check_keys(options.passphrase)?;
        let work = self.steps().iter().filter(|step| step.is_work());
        files.give_directories(&self.0.permissions)?;
        files.remove_stale(work.clone().map(Step::relative_paths))?;
        let blocked = self.blocked_steps();
        let mut run = Run {
            plan: &self.0,
            files,
            passphrase: options.passphrase,
            counter: Counter::new(options, work.count() + blocked.len()),
            stopped: AtomicBool::new(false),
            interrupted: AtomicBool::new(false),
            further_keys: AtomicUsize::new(0),
            signers: HashMap::new(),
            renewal_signers: Mutex::default(),
            markers: HashMap::new(),
        };
        let mut executed = blocked;
        executed.extend(run.cas());
        let (pairs, marks) = run.pairs();
        executed.extend(pairs);
        executed.extend(run.removals());
        // What was written before the directory was moved is gone with it
        if let Err(error) = files.check_place()
            && let Some(last) = executed.iter_mut().rev().find(|one| is_done(one))
        {
            last.outcome = Outcome::Failed(error);
        }
        if let Some(cache) = &self.0.cache {
            cache.write(marks.into_iter(), files);
        }
        Ok(Report::new(self, executed)
            .interrupted(run.interrupted.into_inner())
            .further_keys(run.further_keys.into_inner()))
    }

    /// Fails if a file that is changed, or a CA that signs, is not as it was. All of them are compared
    /// before the first change: a stale plan changes nothing.
    fn check_unchanged(&self) -> Result<()> {
        for ca in self.0.cas.iter().filter(|ca| self.0.signs(ca.kind)) {
            ca.stamps.check(&ca.paths)?;
        }
        let work = || self.steps().par_iter().filter(|step| step.is_work());
        work()
            .filter(|step| !self.0.is_exchanged(step))
            .try_for_each(|step| step.stamps.check(&step.paths()))?;
        let Mode::Signing { exchange } = &self.0.mode else {
            return Ok(());
        };
        // A host may change its folder at any time, and does not stop the others
        let exchanged = || work().filter(|step| self.0.is_exchanged(step));
        let check = |step: &Step| check_exchanged(exchange, step);
        if exchanged().any(|step| check(step).is_ok()) {
            return Ok(());
        }
        exchanged().try_for_each(check)
    }
}

/// Fails if a file of the exchange directory is not as it was when the plan was made.
fn check_exchanged(exchange: &Exchange, step: &Step) -> Result<()> {
    let path = exchanged_path(step);
    let now = Stamps::of_certificate(exchange.stamp(&path)?);
    step.stamps.check_now(&now, &step.paths())
}

/// The certificate of a step, relative to the exchange directory.
fn exchanged_path(step: &Step) -> PathBuf {
    let host = step.directory.file_name().unwrap_or_default();
    Path::new(host).join(&step.relative_paths().certificate)
}

/// Plans, and plans again under the lock before the plan is applied: the process that had the lock may
/// have made the changes.
pub(super) fn apply_planned(
    plan: impl Fn() -> Result<Plan>,
    options: &ApplyOptions<'_>,
) -> Result<Report> {
    let planned = plan()?;
    if !planned.has_work() {
        planned.update_cache(options);
        return Ok(planned.without_changes());
    }
    let files = lock(planned.store(), options)?;
    let plan = plan()?;
    if !plan.has_work() {
        return Ok(plan.without_changes());
    }
    plan.execute(&files, options)
}

/// Takes the lock of a store, and waits for another process that has it.
fn lock(store: &Store, options: &ApplyOptions<'_>) -> Result<LockedStore> {
    let mut reported = false;
    store.lock_while(|| match options.progress {
        Some(progress) => {
            if !reported {
                progress.waits(store.directory());
                reported = true;
            }
            !progress.is_interrupted()
        }
        None => true,
    })
}

fn is_done(executed: &Executed) -> bool {
    matches!(executed.outcome, Outcome::Done)
}

/// A plan that is being applied.
struct Run<'a> {
    plan: &'a Contents,
    files: &'a LockedStore,
    passphrase: Option<&'a Passphrase>,
    counter: Counter<'a>,
    /// Whether an error stops the whole run
    stopped: AtomicBool,
    /// Whether the caller stopped the run
    interrupted: AtomicBool,
    /// Keys of requests that failed after the key was written
    further_keys: AtomicUsize,
    /// The CAs that sign
    signers: HashMap<CaKind, CertificateAuthority>,
    /// The CAs that renew certificates by path
    renewal_signers: Mutex<HashMap<Option<CaKind>, Arc<CertificateAuthority>>>,
    /// Make the marks of pairs of CAs that this run creates
    markers: HashMap<CaKind, Marker>,
}

/// What a change of a pair gives to the cache and to the report.
#[derive(Default)]
struct Changed {
    mark: Option<Mark>,
    product: Product,
}

impl Run<'_> {
    /// Creates, renews and opens the CAs, one after the other. If one fails, nothing can be signed, and
    /// the run stops.
    fn cas(&mut self) -> Vec<Executed> {
        let mut executed = Vec::new();
        let plan = self.plan;
        for (place, step) in plan.steps.iter().enumerate() {
            let Target::Ca(ca) = &step.target else {
                continue;
            };
            if !step.is_work() && !self.signs(ca.kind) {
                continue;
            }
            // A host's own trust bundle comes before the leaves that it verifies
            if plan.is_exchanged(step) {
                continue;
            }
            let result = self
                .begin()
                .and_then(|()| self.ca(step, ca))
                .map(|()| Product::default());
            if step.is_work() || result.is_err() {
                // One failing CA stops the run
                if result.is_err() {
                    self.stopped.store(true, Ordering::Relaxed);
                }
                executed.push(self.finish(place, result, 1));
            }
        }
        executed
    }

    fn ca(&mut self, step: &Step, ca: &DesiredCa) -> Result<()> {
        let permissions = &self.plan.permissions;
        let signer = match &step.work {
            Work::CreateCa { has_key } => {
                let created = create_ca(ca, *has_key, self)?;
                // A passphrase keeps the next plan from the key
                let key = created.key().filter(|_| self.passphrase.is_none());
                self.markers
                    .extend(key.and_then(Marker::of).map(|marker| (ca.kind, marker)));
                Some(created)
            }
            Work::RenewCa { keeps_serial } => Some(renew_ca(ca, *keeps_serial, self)?),
            Work::Trust {
                certificates: TrustText::Known(certificates),
            } => {
                let (path, text) = (&ca.paths.certificate, certificates.as_bytes());
                self.files.put_file(
                    path,
                    text,
                    false,
                    Overwrite::Replace,
                    &permissions.for_ca(),
                )?;
                let store = self.files.store();
                let load = || store.load_ca(&ca.paths, self.passphrase, false);
                self.signs(ca.kind).then(load).transpose()?
            }
            work => {
                if let Work::Chmod = work {
                    self.files.mend(&ca.paths, &permissions.for_ca())?;
                }
                let store = self.files.store();
                let load = || store.load_ca(&ca.paths, self.passphrase, false);
                self.signs(ca.kind).then(load).transpose()?
            }
        };
        self.signers.extend(signer.map(|signer| (ca.kind, signer)));
        Ok(())
    }

    fn signs(&self, kind: CaKind) -> bool {
        self.plan.signs(kind)
    }

    /// Changes every pair, and gives the marks of those that are verified now.
    fn pairs(&self) -> (Vec<Executed>, Vec<Mark>) {
        let steps = self.plan.steps.iter().enumerate();
        let steps = steps.filter(|(_, step)| {
            step.is_work() && !matches!(step.work, Work::Remove) && !self.is_done_with_cas(step)
        });
        let changed: Vec<(usize, Result<Changed>, usize)> = match &self.plan.mode {
            // A host gets its certificates together
            Mode::Signing { exchange } => {
                let mut hosts: BTreeMap<&Path, Vec<(usize, &Step)>> = BTreeMap::new();
                for (place, step) in steps {
                    hosts
                        .entry(&step.directory)
                        .or_default()
                        .push((place, step));
                }
                let hosts: Vec<_> = hosts.into_iter().collect();
                let changed = hosts
                    .into_par_iter()
                    .flat_map_iter(|(_, steps)| self.sign_for(exchange, &steps));
                changed.collect()
            }
            // Keys of one host, and files of one list, in their order
            Mode::Host { .. } | Mode::Renewal => steps
                .map(|(place, step)| (place, self.begin().and_then(|()| self.pair(step)), 1))
                .map(|(place, result, changes)| (place, self.stop_on(result), changes))
                .map(|(place, result, changes)| {
                    self.counter.add(if result.is_ok() { changes } else { 0 });
                    (place, result, 0)
                })
                .collect(),
            Mode::Pairs => {
                let steps: Vec<_> = steps.collect();
                let changed = steps.into_par_iter().map(|(place, step)| {
                    let result = self.stop_on(self.begin().and_then(|()| self.pair(step)));
                    self.counter.add(usize::from(result.is_ok()));
                    (place, result, 0)
                });
                changed.collect()
            }
        };
        let mut executed = Vec::with_capacity(changed.len());
        let mut marks = Vec::new();
        for (place, result, _) in changed {
            let result = result.map(|changed| {
                marks.extend(changed.mark);
                changed.product
            });
            executed.push(self.finish(place, result, 0));
        }
        (executed, marks)
    }

    /// Whether a step is one of [`Run::cas`].
    fn is_done_with_cas(&self, step: &Step) -> bool {
        matches!(step.target, Target::Ca(_)) && !self.plan.is_exchanged(step)
    }

    fn removals(&self) -> Vec<Executed> {
        let steps = self.plan.steps.iter().enumerate();
        let removed = steps.filter(|(_, step)| matches!(step.work, Work::Remove));
        let removed = removed.map(|(place, step)| {
            let result = self.begin().and_then(|()| {
                self.files
                    .remove(step.relative_paths(), &self.plan.permissions)
            });
            let result = self.stop_on(result.map(|()| Product::default()));
            self.finish(place, result, 1)
        });
        removed.collect()
    }

    /// Fails with [`Error::Interrupted`] if the run is stopped or interrupted: the step is skipped.
    fn begin(&self) -> Result<()> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        if self.counter.is_interrupted() {
            self.interrupted.store(true, Ordering::Relaxed);
            return Err(Error::Interrupted);
        }
        self.files.check_place()
    }

    /// Stops the run if an error would occur for every other step too.
    fn stop_on<T>(&self, result: Result<T>) -> Result<T> {
        if result.as_ref().is_err_and(Error::concerns_all) {
            self.stopped.store(true, Ordering::Relaxed);
        }
        result
    }

    /// The outcome of a step, with its changes counted.
    fn finish(&self, place: usize, result: Result<Product>, changes: usize) -> Executed {
        let (outcome, product) = match result {
            Ok(product) => {
                self.counter.add(changes);
                (Outcome::Done, product)
            }
            Err(Error::Interrupted) => (Outcome::Skipped, Product::default()),
            Err(error) => (Outcome::Failed(error), Product::default()),
        };
        Executed {
            step: place,
            outcome,
            product,
        }
    }

    /// Changes one pair.
    fn pair(&self, step: &Step) -> Result<Changed> {
        let changed = match (&step.work, &step.target) {
            (Work::Chmod, target) => {
                let paths = match target {
                    Target::Ca(ca) => &ca.paths,
                    Target::Pair(pair) => &pair.paths,
                    Target::Files(paths) => paths,
                };
                let permissions = self.permissions(step);
                let permissions = match target {
                    Target::Ca(_) => permissions.for_ca(),
                    _ => permissions,
                };
                self.files.mend(paths, &permissions)?;
                // The plan knew its mark
                Ok(Changed::default())
            }
            (Work::Issue, Target::Pair(pair)) => self.issue(step, pair),
            (Work::Certify { key, rewrites_key }, Target::Pair(pair)) => {
                self.certify(step, pair, key, *rewrites_key)
            }
            (Work::Request { key }, Target::Pair(pair)) => self.request(step, pair, *key),
            (Work::Install { certificates, key }, Target::Pair(pair)) => {
                self.install(pair, certificates, *key)
            }
            (Work::RenewFile(renewal), Target::Files(paths)) => {
                let ca = self.renewal_signer(renewal)?;
                let issued = renewal.renew(paths, &ca, self.files, self.plan.now)?;
                let certificate = issued.certificate().clone();
                Ok(Changed {
                    mark: None,
                    product: Product {
                        requested_end: renewal.validity.and(issued.validity_cut()),
                        not_after: Some(certificate.not_after()),
                        denied: Vec::new(),
                        certificate: Some(certificate),
                    },
                })
            }
            _ => Ok(Changed::default()),
        };
        changed.map_err(|error: Error| error.in_file(step.paths().certificate))
    }

    /// The permissions of a step's files. A link is replaced only if the plan has it as a reason.
    fn permissions(&self, step: &Step) -> Attributes {
        let mut reasons = step.reasons.iter();
        let replaces_links = reasons.any(|reason| matches!(reason, Finding::SymbolicLink { .. }));
        Attributes {
            replaces_links,
            ..self.plan.permissions.clone()
        }
    }

    fn signer(&self, kind: CaKind) -> Result<&CertificateAuthority> {
        self.signers.get(&kind).ok_or(Error::Missing {
            what: "private key of its CA",
            found: Vec::new(),
        })
    }

    /// The CA that renews certificates by path. It is loaded once.
    fn renewal_signer(&self, renewal: &FileRenewal) -> Result<Arc<CertificateAuthority>> {
        let kind = renewal.ca;
        let mut loaded = self
            .renewal_signers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(signer) = loaded.get(&kind) {
            return Ok(Arc::clone(signer));
        }
        let signer = renewal.signer.load(kind, self.passphrase)?;
        loaded.insert(kind, Arc::clone(&signer));
        Ok(signer)
    }

    fn marker(&self, kind: CaKind) -> Option<&Marker> {
        let cache = self.plan.cache.as_ref()?;
        self.markers.get(&kind).or_else(|| cache.marker(kind))
    }

    /// Makes a key and its certificate.
    fn issue(&self, step: &Step, pair: &DesiredPair) -> Result<Changed> {
        let ca = self.signer(pair.ca)?;
        let bundle = ca.at(self.plan.now).issue(pair.profile, &pair.identity)?;
        let bundle = keeping(bundle, step, ca);
        // A path that was empty when the plan was made must be empty now
        let overwrite = match step.action {
            Action::Create => Overwrite::Refuse,
            _ => Overwrite::Replace,
        };
        self.write(step, pair, &bundle, overwrite)
    }

    fn write(
        &self,
        step: &Step,
        pair: &DesiredPair,
        bundle: &Bundle,
        overwrite: Overwrite,
    ) -> Result<Changed> {
        let texts = PairTexts::of(bundle)?;
        let mark = self
            .marker(pair.ca)
            .map(|marker| marker.mark(texts.certificate.as_bytes(), texts.key.as_bytes()));
        let files = [(&pair.paths, texts)];
        self.files
            .put_pairs(&files, overwrite, &self.permissions(step))?;
        Ok(Changed {
            mark,
            product: Product {
                requested_end: requested_end(pair, bundle.validity_cut()),
                not_after: Some(bundle.certificate().not_after()),
                ..Product::default()
            },
        })
    }

    /// Makes a certificate for the current key.
    fn certify(
        &self,
        step: &Step,
        pair: &DesiredPair,
        key: &PublicKey,
        rewrites_key: bool,
    ) -> Result<Changed> {
        let ca = self.signer(pair.ca)?;
        if rewrites_key {
            let current = self.key(&pair.paths.key)?;
            if current.public_key() != key {
                return Err(Error::Changed {
                    path: step.paths().key,
                });
            }
            let bundle = ca.at(self.plan.now).issue_for(current, pair.profile, &pair.identity)?;
            let bundle = keeping(bundle, step, ca);
            return self.write(step, pair, &bundle, Overwrite::Replace);
        }
        let issued = ca.at(self.plan.now).certify(key, pair.profile, &pair.identity)?;
        let issued = issued.keeping(&step.following, ca);
        let certificate = issued.certificate_pem()?;
        self.files.put_certificate(
            &pair.paths,
            &certificate,
            Overwrite::Replace,
            &self.permissions(step),
        )?;
        let mut changed = Changed {
            mark: None,
            product: Product {
                requested_end: requested_end(pair, issued.validity_cut()),
                not_after: Some(issued.certificate().not_after()),
                ..Product::default()
            },
        };
        if let Some(marker) = self.marker(pair.ca) {
            let file = self.files.read(&pair.paths.key)?.unwrap_or_default();
            let file = Zeroizing::new(file);
            let is_same = verify::held_key(&file, None).0?.public_key() == key;
            changed.mark = is_same.then(|| marker.mark(certificate.as_bytes(), &file));
        }
        Ok(changed)
    }

    /// Writes a request. A new key is written and synced before its request.
    fn request(&self, step: &Step, pair: &DesiredPair, source: KeySource) -> Result<Changed> {
        let waiting = waiting_key_path(&pair.paths);
        let new = match source {
            KeySource::Current | KeySource::Waiting => None,
            KeySource::New => Some((&pair.paths.key, Overwrite::Refuse)),
            // The waiting key has another algorithm, or is no key
            KeySource::NewWaiting => Some((&waiting, Overwrite::Replace)),
        };
        let key = match new {
            None if source == KeySource::Current => self.key(&pair.paths.key)?,
            None => self.key(&waiting)?,
            Some((path, overwrite)) => {
                let key = PrivateKey::generate_with(pair.profile.key_algorithm())?;
                let text = key.to_secret_pem()?;
                let permissions = &self.plan.permissions;
                self.files
                    .put_file(path, text.as_bytes(), true, overwrite, permissions)?;
                key
            }
        };
        let written = self.write_request(step, pair, &key);
        if written.is_err() && step.makes_key() {
            self.further_keys.fetch_add(1, Ordering::Relaxed);
        }
        written.map(|()| Changed::default())
    }

    /// Reads a key by its path below the locked directory.
    fn key(&self, path: &Path) -> Result<PrivateKey> {
        let full = self.plan.store.directory().join(path);
        key_of(&full, self.files.read(path)?)
    }

    fn write_request(&self, step: &Step, pair: &DesiredPair, key: &PrivateKey) -> Result<()> {
        let Mode::Host { exchange, host, .. } = &self.plan.mode else {
            return Ok(());
        };
        if step.request.is_none() {
            return Ok(());
        }
        let request = CertificateRequest::create(key, pair.profile, &pair.identity)?;
        let text = request.to_pem()?;
        let path = request_path(&pair.paths);
        exchange.write(Path::new(host), &[(&path, text.as_bytes())])
    }

    /// Installs a certificate, and the key that waited for it.
    fn install(
        &self,
        pair: &DesiredPair,
        certificates: &str,
        source: KeySource,
    ) -> Result<Changed> {
        let permissions = &self.plan.permissions;
        if source != KeySource::Waiting {
            let replace = Overwrite::Replace;
            self.files
                .put_certificate(&pair.paths, certificates, replace, permissions)?;
            return Ok(Changed::default());
        }
        let waiting = waiting_key_path(&pair.paths);
        let key = self.key(&waiting)?;
        let texts = PairTexts {
            key: key.to_secret_pem()?,
            certificate: certificates.to_owned(),
        };
        let files = [(&pair.paths, texts)];
        self.files
            .put_pairs(&files, Overwrite::Replace, permissions)?;
        // If this is not reached, the next run keeps the pair, and the file does no harm
        self.files.remove_file(&waiting)?;
        Ok(Changed::default())
    }

    /// Gives a host its certificates and those of its CAs, together. A request that cannot be signed
    /// does not stop the others.
    fn sign_for(
        &self,
        exchange: &Exchange,
        steps: &[(usize, &Step)],
    ) -> Vec<(usize, Result<Changed>, usize)> {
        let begun = self.begin();
        let mut results = Vec::with_capacity(steps.len());
        let mut files = Vec::with_capacity(steps.len());
        for (place, step) in steps {
            let result = match &begun {
                Ok(()) => check_exchanged(exchange, step).and_then(|()| self.sign(step)),
                Err(_) => Err(Error::Interrupted),
            };
            results.push((
                *place,
                result.map(|(text, changed)| {
                    files.push((&*step.relative_paths().certificate, text));
                    changed
                }),
                0,
            ));
        }
        let written = begun.and_then(|()| match steps.first() {
            Some((_, first)) if !files.is_empty() => {
                let host = Path::new(first.directory.file_name().unwrap_or_default());
                let files: Vec<_> = files
                    .iter()
                    .map(|(path, text)| (*path, text.as_bytes()))
                    .collect();
                exchange.write(host, &files)
            }
            _ => Ok(()),
        });
        match self.stop_on(written) {
            Ok(()) => self.counter.add(files.len()),
            Err(error) => {
                // The first has the error, and the others were not tried
                let mut error = Some(error);
                for (_, result, _) in results.iter_mut().filter(|(_, one, _)| one.is_ok()) {
                    *result = Err(error.take().unwrap_or(Error::Interrupted));
                }
                if let (Some(error), Some((_, first, _))) = (error, results.first_mut()) {
                    *first = Err(error);
                }
            }
        }
        results
    }

    /// What a host gets in one step, in PEM.
    fn sign(&self, step: &Step) -> Result<(String, Changed)> {
        let (text, product) = match (&step.work, &step.target) {
            (Work::Trust { certificates }, Target::Ca(ca)) => {
                let text = match certificates {
                    TrustText::Known(text) => text.clone(),
                    TrustText::Made(bundle) => with_made(bundle, self.signer(ca.kind)?)?,
                };
                (text, Product::default())
            }
            (Work::Sign(request), Target::Pair(pair)) => {
                let issued = self
                    .signer(pair.ca)?
                    .at(self.plan.now).sign(request, pair.profile, &pair.identity)
                    .map_err(|error| error.in_file(step.file()))?;
                let product = Product {
                    requested_end: requested_end(pair, issued.validity_cut()),
                    not_after: Some(issued.certificate().not_after()),
                    denied: issued.refused().to_vec(),
                    certificate: None,
                };
                (issued.certificate_pem()?, product)
            }
            _ => return Err(Error::Interrupted),
        };
        let changed = Changed {
            mark: None,
            product,
        };
        Ok((text, changed))
    }
}

/// The bundle with the certificates that followed the old one, where they still lead to the CA.
fn keeping(bundle: Bundle, step: &Step, ca: &CertificateAuthority) -> Bundle {
    if step.following.is_empty() {
        return bundle;
    }
    let chain = ca.kept_chain(bundle.certificate(), &step.following);
    bundle.with_chain(chain)
}

/// The end that was requested and is cut, if the specification gives a validity.
fn requested_end(pair: &DesiredPair, cut: Option<SystemTime>) -> Option<SystemTime> {
    cut.filter(|_| pair.profile.asked_validity().is_some())
}

/// A trust bundle with the certificate that a CA has now, in PEM.
fn with_made(bundle: &[Certificate], ca: &CertificateAuthority) -> Result<String> {
    let mut bundle = bundle.to_vec();
    let made = ca.certificate().clone();
    match place_of_key(&bundle, made.public_key()).and_then(|place| bundle.get_mut(place)) {
        Some(old) => *old = made,
        None => bundle.insert(0, made),
    }
    all_pem(&bundle)
}

/// Creates a CA, for the existing key if its creation was interrupted before the certificate.
fn create_ca(ca: &DesiredCa, has_key: bool, run: &Run<'_>) -> Result<CertificateAuthority> {
    let (files, passphrase, now) = (run.files, run.passphrase, run.plan.now);
    let (paths, permissions) = (&ca.paths, &run.plan.permissions.for_ca());
    if has_key {
        let key = files.store().load_ca_key(paths, passphrase)?;
        let created = CertificateAuthority::create_for(key, &ca.identity, ca.profile, now)?;
        let certificate = created.certificate().to_pem()?;
        files.put_certificate(paths, &certificate, Overwrite::Refuse, permissions)?;
        return Ok(created);
    }
    let key = PrivateKey::generate_with(ca.profile.key_algorithm())?;
    let created = CertificateAuthority::create_for(key, &ca.identity, ca.profile, now)?;
    files.put_ca(paths, &created, passphrase, Overwrite::Refuse, permissions)?;
    Ok(created)
}

/// Renews a CA with the same key. The other certificates of its file stay.
fn renew_ca(ca: &DesiredCa, keeps_serial: bool, run: &Run<'_>) -> Result<CertificateAuthority> {
    let (files, permissions) = (run.files, &run.plan.permissions.for_ca());
    let current = files.store().load_ca(&ca.paths, run.passphrase, true)?;
    let renewal = CaRenewal::new(ca.profile.validity()).with_serial_kept(keeps_serial);
    let renewed = current.at(run.plan.now).renew_ca(renewal)?;
    files.put_renewed_ca(&ca.paths, renewed.certificate(), permissions)?;
    Ok(renewed)
}

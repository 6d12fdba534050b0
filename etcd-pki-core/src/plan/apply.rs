//! Applying plans: one executor for all modes.

mod ca;
mod host;
mod lists;
mod pair;
mod run;
mod shared;
mod signing;

use rayon::prelude::*;

use self::{run::Run, signing::check_exchanged};
use super::{
    Mode, Plan, Step, Target,
    report::{ApplyOptions, Counter, Executed, Outcome, Product, Report},
    work::Work,
};
use crate::{
    error::{Error, Result},
    key::Passphrase,
    layout::CaKind,
    store::{LockedStore, Store},
};

impl Plan {
    /// Makes the changes of the plan, and no others, under the lock of its store.
    ///
    /// CAs come first, then all pairs. Each pair is replaced atomically, so an interrupted run can
    /// be continued by planning again. A failing pair does not stop the others.
    ///
    /// Many pairs are written with more threads than the machine has cores, because writing waits
    /// for the disk. If rayon's pool has one thread, for example with `RAYON_NUM_THREADS=1`, one
    /// thread writes.
    ///
    /// # Errors
    ///
    /// If this fails, nothing has changed. [`Error::FileChanged`] if a file has changed since planning;
    /// [`Error::EncryptedKey`] and [`Error::WrongPassphrase`], inside [`Error::File`], for the key
    /// of a CA that must sign, and [`Error::Io`] if that key is missing; [`Error::Locked`],
    /// [`Error::Interrupted`].
    ///
    /// Errors of single steps are in the [`Report`].
    pub fn apply(&self) -> Result<Report> {
        self.apply_with(&ApplyOptions::new())
    }

    /// Makes the changes of the plan as [`Plan::apply`] does, with options.
    ///
    /// # Errors
    ///
    /// The errors of [`Plan::apply`].
    pub fn apply_with(&self, options: &ApplyOptions<'_>) -> Result<Report> {
        if !self.has_work() {
            self.update_cache(options);
            return Ok(self.without_changes());
        }
        let files = lock(self.store(), options)?;
        self.execute(&files, options)
    }

    /// Opens the keys of the CAs that must sign. Changes nothing.
    ///
    /// # Errors
    ///
    /// Inside [`Error::File`]: [`Error::EncryptedKey`], [`Error::WrongPassphrase`] and the other
    /// errors of [`PrivateKey::from_bytes`](crate::PrivateKey::from_bytes); [`Error::Io`].
    pub fn check_keys(&self, passphrase: Option<&Passphrase>) -> Result<()> {
        let has_list = |step: &Step| matches!(step.work, Work::Revoke(_));
        let signs_list = self.steps().iter().any(has_list);
        for step in self.steps() {
            let Target::Ca(ca) = &step.target else {
                continue;
            };
            let is_needed = match step.work {
                Work::CreateCa { has_key } => has_key,
                Work::RenewCa { .. } => true,
                // Separate steps deliver the bundles of hosts
                _ if self.0.is_exchanged(step) => false,
                _ => self.0.signs(ca.kind) || (signs_list && ca.kind == CaKind::Client),
            };
            if is_needed {
                self.store().load_ca_key(&ca.paths, passphrase).map(drop)?;
            }
        }
        Ok(())
    }

    /// Writes the cache of verified pairs, if it has changed. A failure to write it is ignored.
    fn update_cache(&self, options: &ApplyOptions<'_>) {
        let Some(cache) = self.0.cache.as_ref().filter(|cache| cache.is_news()) else {
            return;
        };
        if let Ok(files) = lock(self.store(), options) {
            cache.write([].into_iter(), &files);
        }
    }

    /// The report of a plan without changes. It has only the blocked steps.
    fn without_changes(&self) -> Report {
        Report::new(self, self.blocked_steps())
    }

    /// The report of a plan that failed as a whole. Its first change has the error.
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
        let mut executed = self.blocked_steps();
        let counter = Counter::new(options, work.count() + executed.len());
        let mut run = Run::new(&self.0, files, options.passphrase, counter);
        let (changed, marks) = run.changes();
        executed.extend(changed);
        if let Some(cache) = &self.0.cache {
            cache.write(marks.into_iter(), files);
        }
        let (interrupted, further_keys) = run.end();
        Ok(Report::new(self, executed)
            .interrupted(interrupted)
            .further_keys(further_keys))
    }

    /// Fails if a file that will change, or a CA that will sign, has changed since planning. All
    /// files are compared before the first change, so a stale plan changes nothing.
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
        // A host may change its folder at any time. That must not stop the other hosts
        let exchanged = || work().filter(|step| self.0.is_exchanged(step));
        let check = |step: &Step| check_exchanged(exchange, step);
        if exchanged().any(|step| check(step).is_ok()) {
            return Ok(());
        }
        exchanged().try_for_each(check)
    }
}

/// Plans, and plans again under the lock before the plan is applied. The process that held the lock
/// may have made the changes.
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

/// Takes the lock of a store, and waits if another process holds it.
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

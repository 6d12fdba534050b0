//! Reports: the outcome of each step of a plan.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::SystemTime,
};

use super::{Action, Plan, Step};
use crate::{
    error::{Error, Result},
    key::Passphrase,
    request::Claim,
    x509::certificate::Certificate,
};

/// Options for applying a plan.
///
/// ```
/// use etcd_pki_core::{Passphrase, plan::ApplyOptions};
///
/// let passphrase = Passphrase::new("correct horse");
/// let bar = |done: usize, all: usize| eprintln!("{done} of {all}");
/// let options = ApplyOptions::new().with_passphrase(&passphrase).with_progress(&bar);
/// # let _ = options;
/// ```
#[derive(Clone, Copy, Default)]
#[must_use]
pub struct ApplyOptions<'a> {
    pub(super) passphrase: Option<&'a Passphrase>,
    pub(super) progress: Option<&'a dyn Progress>,
}

impl<'a> ApplyOptions<'a> {
    /// Applies without a passphrase, and without reporting progress.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decrypts CA keys with this passphrase, and encrypts new CA keys with it.
    pub fn with_passphrase(mut self, passphrase: &'a Passphrase) -> Self {
        self.passphrase = Some(passphrase);
        self
    }

    /// Reports progress, and asks whether to stop.
    pub fn with_progress(mut self, progress: &'a dyn Progress) -> Self {
        self.progress = Some(progress);
        self
    }
}

impl fmt::Debug for ApplyOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplyOptions").finish_non_exhaustive()
    }
}

/// Receives the progress of a plan, and may stop it. A function of two numbers implements it, and
/// never stops the plan.
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// use etcd_pki_core::plan::Progress;
///
/// /// Stops when a signal handler has set the flag.
/// struct UntilStopped<'a>(&'a AtomicBool);
///
/// impl Progress for UntilStopped<'_> {
///     fn done(&self, _done: usize, _all: usize) {}
///
///     fn is_interrupted(&self) -> bool {
///         self.0.load(Ordering::Relaxed)
///     }
/// }
/// ```
pub trait Progress: Sync {
    /// Receives the number of finished changes and the total. The thread that finished the last
    /// change calls it.
    fn done(&self, done: usize, all: usize);

    /// Whether to stop before the next change. It is called before each change, and about fifty
    /// times a second while another process holds the lock.
    fn is_interrupted(&self) -> bool {
        false
    }

    /// Is called once if another process holds the lock of this directory.
    fn waits(&self, directory: &Path) {
        let _ = directory;
    }
}

impl<F: Fn(usize, usize) + Sync> Progress for F {
    fn done(&self, done: usize, all: usize) {
        self(done, all);
    }
}

/// Counts finished changes.
pub(super) struct Counter<'a> {
    progress: Option<&'a dyn Progress>,
    done: AtomicUsize,
    all: usize,
}

impl<'a> Counter<'a> {
    pub(super) fn new(options: &ApplyOptions<'a>, all: usize) -> Self {
        Self {
            progress: options.progress,
            done: AtomicUsize::new(0),
            all,
        }
    }

    /// Whether the caller requested a stop.
    pub(super) fn is_interrupted(&self) -> bool {
        self.progress
            .is_some_and(|progress| progress.is_interrupted())
    }

    /// Counts changes that were finished together.
    pub(super) fn add(&self, changes: usize) {
        let Some(progress) = self.progress.filter(|_| changes > 0) else {
            return;
        };
        let done = self.done.fetch_add(changes, Ordering::Relaxed) + changes;
        progress.done(done, self.all);
    }
}

/// The outcome of a step.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The change is complete
    Done,
    /// The change failed, and the files are as they were
    Failed(Error),
    /// The change was not tried, because an error stopped the whole run
    Skipped,
    /// The step was blocked in the plan
    Blocked(Error),
}

impl Outcome {
    /// The name, as it is printed.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed(_) => "failed",
            Self::Skipped => "skipped",
            Self::Blocked(_) => "blocked",
        }
    }
}

/// The record of one step: its outcome and its results.
#[derive(Debug)]
pub(super) struct Executed {
    /// The index of the step in the plan
    pub(super) step: usize,
    pub(super) outcome: Outcome,
    pub(super) product: Product,
}

impl Executed {
    fn error(&self) -> Option<&Error> {
        match &self.outcome {
            Outcome::Failed(error) | Outcome::Blocked(error) => Some(error),
            Outcome::Done | Outcome::Skipped => None,
        }
    }
}

/// The results of a step.
#[derive(Debug, Default)]
pub(super) struct Product {
    /// The requested expiry, if the CA expires before it
    pub(super) requested_end: Option<SystemTime>,
    pub(super) not_after: Option<SystemTime>,
    pub(super) denied: Vec<Claim>,
    /// The new certificate, if the report shows it
    pub(super) certificate: Option<Certificate>,
}

/// The result of applying a plan.
///
/// A failing step does not stop the others, unless the error affects all of them, for example a
/// full disk. Finished changes are complete, and the next plan contains the rest.
#[derive(Debug)]
#[must_use]
pub struct Report {
    plan: Plan,
    executed: Vec<Executed>,
    interrupted: bool,
    /// The keys that were generated by steps that failed later
    further_keys: usize,
}

/// The outcome of one step, with the step.
#[derive(Clone, Copy, Debug)]
pub struct StepReport<'a> {
    step: &'a Step,
    executed: &'a Executed,
}

/// A certificate that expires with its CA, earlier than requested.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShortenedValidity {
    /// The certificate's file
    pub path: PathBuf,
    /// The requested expiry
    pub requested: SystemTime,
    /// The actual expiry
    pub not_after: SystemTime,
}

/// The claims of a request that the certificate does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeniedClaims {
    /// The request's file
    pub path: PathBuf,
    /// The denied claims
    pub claims: Vec<Claim>,
}

impl Report {
    pub(super) fn new(plan: &Plan, mut executed: Vec<Executed>) -> Self {
        executed.sort_by_key(|one| one.step);
        Self {
            plan: plan.clone(),
            executed,
            interrupted: false,
            further_keys: 0,
        }
    }

    pub(super) fn interrupted(self, interrupted: bool) -> Self {
        Self {
            interrupted,
            ..self
        }
    }

    pub(super) fn further_keys(self, further_keys: usize) -> Self {
        Self {
            further_keys,
            ..self
        }
    }

    /// Whether the caller stopped the run: see [`Progress::is_interrupted`].
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// The plan that was applied.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The outcomes of all steps, except those of kept and waiting pairs, in the order of the plan.
    pub fn steps(&self) -> impl Iterator<Item = StepReport<'_>> {
        self.executed
            .iter()
            .map(|executed| self.report_of(executed))
    }

    /// The outcome at an index of [`Report::steps`].
    #[must_use]
    pub fn step(&self, place: usize) -> Option<StepReport<'_>> {
        let executed = self.executed.get(place)?;
        Some(self.report_of(executed))
    }

    fn report_of<'a>(&'a self, executed: &'a Executed) -> StepReport<'a> {
        StepReport {
            step: &self.plan.steps()[executed.step],
            executed,
        }
    }

    /// The steps that are done.
    pub fn done(&self) -> impl Iterator<Item = StepReport<'_>> {
        self.steps().filter(StepReport::is_done)
    }

    /// The steps that failed or were blocked.
    pub fn failures(&self) -> impl Iterator<Item = StepReport<'_>> {
        self.steps().filter(|step| step.error().is_some())
    }

    /// The number of finished steps with this action.
    #[must_use]
    pub fn count(&self, action: Action) -> usize {
        self.done()
            .filter(|done| done.step.action == action)
            .count()
    }

    /// The number of finished steps.
    #[must_use]
    pub fn changed(&self) -> usize {
        self.done().count()
    }

    /// The number of generated keys, including those of steps that failed afterwards.
    #[must_use]
    pub fn keys(&self) -> usize {
        let done = self.done().filter(|done| done.step.makes_key());
        done.count() + self.further_keys
    }

    /// Whether no step failed, was blocked or was skipped.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.steps().all(|step| step.is_done())
    }

    /// The report, or the error of the first failure. An error that stopped the run comes first.
    ///
    /// # Errors
    ///
    /// The error of a step.
    pub fn into_result(self) -> Result<Self> {
        let Some(first) = self.first_failure() else {
            return if self.interrupted {
                Err(Error::Interrupted)
            } else {
                Ok(self)
            };
        };
        let mut executed = self.executed;
        match executed.swap_remove(first).outcome {
            Outcome::Failed(error) | Outcome::Blocked(error) => Err(error),
            // The first failure is a failed or a blocked step
            Outcome::Done | Outcome::Skipped => Err(Error::Interrupted),
        }
    }

    /// The error of the first failure; one that stopped the run comes first.
    #[must_use]
    pub fn first_error(&self) -> Option<&Error> {
        self.executed[self.first_failure()?].error()
    }

    /// The index of the first failure.
    fn first_failure(&self) -> Option<usize> {
        let failed = |one: &Executed| one.error().is_some();
        let stopping = |one: &Executed| one.error().is_some_and(Error::concerns_all);
        let first = self.executed.iter().position(stopping);
        first.or_else(|| self.executed.iter().position(failed))
    }

    /// The hosts with a member that must be restarted. See [`Plan::hosts_to_restart`].
    #[must_use]
    pub fn hosts_to_restart(&self) -> Vec<&str> {
        self.plan.restarted_by(self.done().map(|done| done.step))
    }

    /// The certificates that expire earlier than the specification requires.
    #[must_use]
    pub fn shortened_validities(&self) -> Vec<ShortenedValidity> {
        let shortened = self.done().filter_map(|done| {
            Some(ShortenedValidity {
                path: done.step.paths().certificate,
                requested: done.executed.product.requested_end?,
                not_after: done.executed.product.not_after?,
            })
        });
        shortened.collect()
    }

    /// The claims of requests that the new certificates do not have.
    #[must_use]
    pub fn denied_claims(&self) -> Vec<DeniedClaims> {
        let denied = self.done().filter_map(|done| {
            let claims = done.executed.product.denied.clone();
            (!claims.is_empty()).then(|| DeniedClaims {
                path: done.step.file(),
                claims,
            })
        });
        denied.collect()
    }
}

impl<'a> StepReport<'a> {
    /// The step.
    #[must_use]
    pub fn step(&self) -> &'a Step {
        self.step
    }

    /// The outcome of the step.
    #[must_use]
    pub fn outcome(&self) -> &'a Outcome {
        &self.executed.outcome
    }

    /// Whether the step is done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.executed.outcome, Outcome::Done)
    }

    /// The error of a step that failed or was blocked.
    #[must_use]
    pub fn error(&self) -> Option<&'a Error> {
        self.executed.error()
    }

    /// The file that the report shows for the step: the request if requests are signed, otherwise
    /// the certificate.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.step.file()
    }

    /// The new certificate of a renewal by path.
    #[must_use]
    pub fn certificate(&self) -> Option<&'a Certificate> {
        self.executed.product.certificate.as_ref()
    }
}

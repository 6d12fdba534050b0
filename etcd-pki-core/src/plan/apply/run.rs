//! The executor. It makes the changes of a plan in order, counts them, and stops if necessary.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use rayon::{ThreadPoolBuilder, prelude::*};

use super::{
    ca, lists,
    pair::{self, Signed},
    shared::{Changed, Recorded, Shared},
    signing::{self, Answer},
};
use crate::{
    error::{Error, Result},
    key::Passphrase,
    plan::{
        Contents, Mode, Step, Target,
        cache::Mark,
        report::{Counter, Executed, Outcome, Product},
        work::Work,
    },
    store::{Exchange, LockedStore},
};

/// The number of threads that write files. They mostly wait for the disk, and the disk writes the
/// files of all waiting threads together.
const WRITERS: usize = 16;

/// The number of pairs that are signed and recorded together. The record is synced once for them,
/// and an interrupted run has signed at most so many certificates that it does not write.
const BATCH: usize = 128;

/// The number of hosts with requests that are signed and recorded together. A host has few requests.
const HOSTS: usize = 32;

/// A run: a plan that is being applied.
pub(super) struct Run<'a> {
    shared: Shared<'a>,
    counter: Counter<'a>,
    /// Whether an error stops the whole run
    stopped: AtomicBool,
    /// Whether the caller requested a stop
    interrupted: AtomicBool,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        plan: &'a Contents,
        files: &'a LockedStore,
        passphrase: Option<&'a Passphrase>,
        counter: Counter<'a>,
    ) -> Self {
        Self {
            shared: Shared::new(plan, files, passphrase),
            counter,
            stopped: AtomicBool::new(false),
            interrupted: AtomicBool::new(false),
        }
    }

    /// Makes all changes. Also returns the marks of the pairs that are now verified.
    pub(super) fn changes(&mut self) -> (Vec<Executed>, Vec<Mark>) {
        let mut executed = self.cas();
        let (pairs, marks) = self.pairs();
        executed.extend(pairs);
        let lists = self.lists(&executed);
        // A removed certificate could no longer be found for its revocation
        let may_remove = lists.as_ref().is_none_or(is_done);
        executed.extend(lists);
        executed.extend(self.removals(may_remove));
        // If the directory was moved, the files written before are gone with it
        if let Err(error) = self.shared.files.check_place()
            && let Some(last) = executed.iter_mut().rev().find(|one| is_done(one))
        {
            last.outcome = Outcome::Failed(error);
        }
        (executed, marks)
    }

    /// Whether the caller requested a stop, and the number of keys that steps generated before they
    /// failed.
    pub(super) fn end(self) -> (bool, usize) {
        let further_keys = self.shared.further_keys.into_inner();
        (self.interrupted.into_inner(), further_keys)
    }

    /// Creates, renews and opens the CAs, one after the other. A failure stops the run, because
    /// nothing can be signed.
    fn cas(&mut self) -> Vec<Executed> {
        let mut executed = Vec::new();
        let plan = self.shared.plan;
        for (place, step) in plan.steps.iter().enumerate() {
            let Target::Ca(ca) = &step.target else {
                continue;
            };
            if !step.is_work() && !plan.signs(ca.kind) {
                continue;
            }
            // A host needs its trust bundle before the leaves, so that it can verify them
            if plan.is_exchanged(step) {
                continue;
            }
            let result = self
                .begin()
                .and_then(|()| ca::change(&mut self.shared, step, ca))
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

    /// Changes all pairs. Also returns the marks of those that are now verified.
    fn pairs(&self) -> (Vec<Executed>, Vec<Mark>) {
        let steps = self.shared.plan.steps.iter().enumerate();
        let steps = steps.filter(|(_, step)| {
            let is_later = matches!(step.work, Work::Remove | Work::Revoke(_));
            step.is_work() && !is_later && !self.is_done_with_cas(step)
        });
        let changed: Vec<(usize, Result<Changed>)> = match &self.shared.plan.mode {
            // A host receives all its certificates together
            Mode::Signing { exchange } => {
                let mut hosts: BTreeMap<&Path, Vec<(usize, &Step)>> = BTreeMap::new();
                for (place, step) in steps {
                    hosts
                        .entry(&step.directory)
                        .or_default()
                        .push((place, step));
                }
                let hosts: Vec<_> = hosts.into_values().collect();
                on_writers(hosts.len(), || self.sign_for(exchange, &hosts))
            }
            // The keys of one host, and the named files, are changed in order
            Mode::Host { .. } | Mode::Renewal => {
                let steps: Vec<_> = steps.collect();
                let batches = steps.chunks(BATCH).flat_map(|batch| {
                    let signed = batch.iter().map(|(_, step)| self.sign(step));
                    let signed = self.record(signed.collect());
                    let written = batch.iter().zip(signed);
                    written.map(|((place, step), signed)| (*place, self.pair(step, signed)))
                });
                batches.collect()
            }
            Mode::Pairs => {
                let steps: Vec<_> = steps.collect();
                on_writers(steps.len(), || self.sign_and_write(&steps))
            }
        };
        let mut executed = Vec::with_capacity(changed.len());
        let mut marks = Vec::new();
        for (place, result) in changed {
            let result = result.map(|changed| {
                marks.extend(changed.mark);
                changed.product
            });
            executed.push(self.finish(place, result, 0));
        }
        (executed, marks)
    }

    /// Changes the pairs of a directory in batches. While one batch is written, the next one is
    /// signed and recorded.
    fn sign_and_write(&self, steps: &[(usize, &Step)]) -> Vec<(usize, Result<Changed>)> {
        let mut changed = Vec::with_capacity(steps.len());
        let mut signed: (&[(usize, &Step)], Vec<Result<Signed>>) = (&[], Vec::new());
        let mut batches = steps.chunks(BATCH);
        loop {
            let next = batches.next();
            let (batch, ready) = signed;
            let (written, next) = rayon::join(
                || {
                    let written = batch.par_iter().zip(ready);
                    let written =
                        written.map(|((place, step), signed)| (*place, self.pair(step, signed)));
                    written.collect::<Vec<_>>()
                },
                || {
                    let batch = next?;
                    let signed = batch.par_iter().map(|(_, step)| self.sign(step));
                    Some((batch, self.record(signed.collect())))
                },
            );
            changed.extend(written);
            match next {
                Some(next) => signed = next,
                None => return changed,
            }
        }
    }

    /// Signs the certificate of a step.
    fn sign(&self, step: &Step) -> Result<(Signed, Option<Recorded>)> {
        let signed = self.begin().and_then(|()| pair::sign(&self.shared, step));
        self.stop_on(signed)
    }

    /// Records what a batch has signed. If this fails, the first step has the error, nothing of the
    /// batch is written, and the run stops.
    fn record<T>(&self, batch: Vec<Result<(T, Option<Recorded>)>>) -> Vec<Result<T>> {
        let mut recorded = Vec::with_capacity(batch.len());
        let mut signed = Vec::with_capacity(batch.len());
        let mut places = Vec::with_capacity(batch.len());
        for one in batch {
            let one = one.map(|(one, record)| {
                if let Some(record) = record {
                    places.push(signed.len());
                    recorded.push(record);
                }
                one
            });
            signed.push(one);
        }
        if let Err(error) = self.shared.record_batch(recorded) {
            self.stopped.store(true, Ordering::Relaxed);
            let mut error = Some(error);
            for place in places {
                if let Some(one) = signed.get_mut(place) {
                    *one = Err(error.take().unwrap_or(Error::Interrupted));
                }
            }
        }
        signed
    }

    /// Makes the change of a step with what it has signed.
    fn pair(&self, step: &Step, signed: Result<Signed>) -> Result<Changed> {
        let signed = signed?;
        let changed = self
            .begin()
            .and_then(|()| pair::write(&self.shared, step, &signed));
        let changed = self.stop_on(changed)?;
        self.counter.add(1);
        Ok(changed)
    }

    /// Whether [`Run::cas`] makes the change of a step.
    fn is_done_with_cas(&self, step: &Step) -> bool {
        matches!(step.target, Target::Ca(_)) && !self.shared.plan.is_exchanged(step)
    }

    /// Changes the revocation lists, after the pairs that the revoked certificates belong to.
    fn lists(&self, executed: &[Executed]) -> Option<Executed> {
        let mut steps = self.shared.plan.steps.iter().enumerate();
        let (place, revocations) = steps.find_map(|(place, step)| match &step.work {
            Work::Revoke(revocations) => Some((place, revocations)),
            _ => None,
        })?;
        let changed = self
            .begin()
            .and_then(|()| lists::change(&self.shared, revocations, executed));
        let changed = self.stop_on(changed.map(|()| Product::default()));
        Some(self.finish(place, changed, 1))
    }

    fn removals(&self, may_remove: bool) -> Vec<Executed> {
        let steps = self.shared.plan.steps.iter().enumerate();
        let removed = steps.filter(|(_, step)| matches!(step.work, Work::Remove));
        let removed = removed.map(|(place, step)| {
            let begun = if may_remove {
                self.begin()
            } else {
                Err(Error::Interrupted)
            };
            let result = begun.and_then(|()| {
                self.shared
                    .files
                    .remove(step.relative_paths(), &self.shared.plan.permissions)
            });
            let result = self.stop_on(result.map(|()| Product::default()));
            self.finish(place, result, 1)
        });
        removed.collect()
    }

    /// Delivers to hosts their certificates and those of their CAs, each host's in one operation. A
    /// request that cannot be signed does not stop the others.
    fn sign_for(
        &self,
        exchange: &Exchange,
        hosts: &[Vec<(usize, &Step)>],
    ) -> Vec<(usize, Result<Changed>)> {
        let batches = hosts.chunks(HOSTS).flat_map(|batch| {
            let answers: Vec<_> = batch
                .par_iter()
                .flat_map_iter(|steps| self.answers(exchange, steps))
                .collect();
            let mut answers = self.record(answers).into_iter();
            let answered: Vec<_> = batch
                .iter()
                .map(|steps| (steps, answers.by_ref().take(steps.len()).collect()))
                .collect();
            let delivered = answered
                .into_par_iter()
                .flat_map_iter(|(steps, answers)| self.deliver(exchange, steps, answers));
            delivered.collect::<Vec<_>>()
        });
        batches.collect()
    }

    /// Signs the requests of a host.
    fn answers(
        &self,
        exchange: &Exchange,
        steps: &[(usize, &Step)],
    ) -> Vec<Result<(Answer, Option<Recorded>)>> {
        let begun = self.begin();
        let answers = steps.iter().map(|(_, step)| match &begun {
            Ok(()) => signing::check_exchanged(exchange, step)
                .and_then(|()| signing::sign(&self.shared, step)),
            Err(_) => Err(Error::Interrupted),
        });
        answers.collect()
    }

    /// Delivers the answers to a host.
    fn deliver(
        &self,
        exchange: &Exchange,
        steps: &[(usize, &Step)],
        answers: Vec<Result<Answer>>,
    ) -> Vec<(usize, Result<Changed>)> {
        let begun = self.begin();
        let mut results = Vec::with_capacity(steps.len());
        let mut files = Vec::with_capacity(steps.len());
        for ((place, step), answer) in steps.iter().zip(answers) {
            let result = answer.map(|answer| {
                files.push((&*step.relative_paths().certificate, answer.text));
                if let Work::Trust {
                    link: Some(link), ..
                } = &step.work
                {
                    files.push((&link.path, link.text.clone()));
                }
                answer.changed
            });
            results.push((*place, result));
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
                // The first step has the error, and the other steps were not tried
                let mut error = Some(error);
                for (_, result) in results.iter_mut().filter(|(_, one)| one.is_ok()) {
                    *result = Err(error.take().unwrap_or(Error::Interrupted));
                }
            }
        }
        results
    }

    /// Fails with [`Error::Interrupted`] if the run is stopped or interrupted. The step is then
    /// skipped.
    fn begin(&self) -> Result<()> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        if self.counter.is_interrupted() {
            self.interrupted.store(true, Ordering::Relaxed);
            return Err(Error::Interrupted);
        }
        self.shared.files.check_place()
    }

    /// Stops the run if every other step would fail with the same error.
    fn stop_on<T>(&self, result: Result<T>) -> Result<T> {
        if result.as_ref().is_err_and(Error::concerns_all) {
            self.stopped.store(true, Ordering::Relaxed);
        }
        result
    }

    /// The outcome of a step. Counts its changes.
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
}

fn is_done(executed: &Executed) -> bool {
    matches!(executed.outcome, Outcome::Done)
}

/// Runs work on the threads that write files. These are rayon's threads, or more if there are many
/// tasks. A stopped run finishes the tasks that it has begun, and those are few.
fn on_writers<T: Send>(tasks: usize, work: impl FnOnce() -> T + Send) -> T {
    let threads = rayon::current_num_threads();
    let writers = WRITERS.min(tasks / 4);
    if threads == 1 || writers <= threads {
        return work();
    }
    match ThreadPoolBuilder::new().num_threads(writers).build() {
        Ok(pool) => pool.install(work),
        // No more threads can be started
        Err(_) => work(),
    }
}

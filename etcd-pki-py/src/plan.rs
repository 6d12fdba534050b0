//! What is to be done so that a directory is as its specification says, and why.

use std::{path::PathBuf, sync::Arc, time::SystemTime};

use etcd_pki_core::{Action, Cause, PairPaths, Plan, Report, Step, Store, ValidityCut, Wanted};
use pyo3::prelude::*;

use crate::{
    cluster::PyWanted,
    described::PyCause,
    hash::hash_by_debug,
    interrupt::{ProgressArgument, Watch},
    layout::PyPairPaths,
    once::Once,
    text::PassphraseArgument,
    words::Word,
};

/// What is to be done in a directory, each step with its reasons. It was made by reading, and `apply` consumes it.
///
/// >>> from etcd_pki import Cluster
/// >>> plan = Cluster(members=["etcd-1"], clients=["root"]).plan("ssl")
/// >>> for step in plan.changes:
/// ...     print(step.action, step.paths.certificate.name)
/// create ca.pem
/// create member-etcd-1.pem
/// create admin-etcd-1.pem
/// create client-root.pem
/// >>> plan.apply().changed
/// 4
#[pyclass(frozen, name = "Plan", module = "etcd_pki")]
pub(crate) struct PyPlan {
    plan: Once<Plan>,
    store: Store,
    steps: Vec<Arc<Facts>>,
    surplus: Vec<PairPaths>,
    surplus_authority: Option<PairPaths>,
    without_key: Vec<Arc<Facts>>,
    has_work: bool,
}

impl PyPlan {
    pub(crate) fn new(plan: Plan, store: Store) -> Self {
        let facts = |step: &Step| Arc::new(Facts::of(step));
        let below = |pair: &PairPaths| pair.below(store.directory());
        Self {
            steps: plan.steps().iter().map(facts).collect(),
            surplus: plan.surplus().iter().map(below).collect(),
            surplus_authority: plan.surplus_authority().map(below),
            without_key: plan.authorities_without_key().map(facts).collect(),
            has_work: plan.has_work(),
            plan: Once::new(plan),
            store,
        }
    }

    fn steps_if(&self, is_wanted: impl Fn(&Facts) -> bool) -> Vec<PyStep> {
        let steps = self.steps.iter().filter(|facts| is_wanted(facts));
        steps.map(|facts| PyStep(Arc::clone(facts))).collect()
    }
}

#[pymethods]
impl PyPlan {
    /// Where.
    #[getter]
    fn directory(&self) -> PathBuf {
        self.store.directory().to_owned()
    }

    /// Every pair, also those that are kept: the authorities, then members, nodes and clients.
    #[getter]
    fn steps(&self) -> Vec<PyStep> {
        self.steps_if(|_| true)
    }

    /// The pairs that are not as they should be.
    #[getter]
    fn changes(&self) -> Vec<PyStep> {
        self.steps_if(|facts| facts.action != Action::Keep)
    }

    /// Pairs that the authority has signed and the specification does not have: of hosts and users that are gone.
    #[getter]
    fn surplus(&self) -> Vec<PyPairPaths> {
        PyPairPaths::all(self.surplus.clone())
    }

    /// The authority of peers, where the specification has none apart any more. It stays even with `prune`: a key by which members
    /// were made to trust each other is removed by nobody but its owner.
    #[getter]
    fn surplus_authority(&self) -> Option<PyPairPaths> {
        self.surplus_authority.clone().map(PyPairPaths)
    }

    /// The authorities that are to sign something and whose keys are not there. Where a key is elsewhere on purpose, the plan is
    /// right and is carried out there, or requests travel.
    #[getter]
    fn authorities_without_key(&self) -> Vec<PyStep> {
        self.without_key.iter().cloned().map(PyStep).collect()
    }

    /// Whether carrying it out changes anything.
    #[getter]
    fn has_work(&self) -> bool {
        self.has_work
    }

    /// The pair that is kept and will be due first.
    #[getter]
    fn first_due(&self) -> Option<PyStep> {
        let kept = self.steps.iter().filter(|facts| facts.due.is_some());
        let first = kept.min_by_key(|facts| facts.due)?;
        Some(PyStep(Arc::clone(first)))
    }

    /// Does what the plan says, and nothing else, under the directory's lock. It raises `ChangedError`, and has done nothing, if a
    /// file that is to be changed is not as it was when the plan was made. After a wrong passphrase the plan is as it was. Ctrl-C ends
    /// it between two changes, and what is done is whole. `progress` is called with how many changes are done, and of how many. An
    /// error in the middle tells in `done` which are.
    #[pyo3(signature = (*, passphrase=None, progress=None))]
    fn apply(
        &self,
        py: Python<'_>,
        passphrase: Option<PassphraseArgument>,
        progress: Option<ProgressArgument>,
    ) -> PyResult<PyReport> {
        let passphrase = passphrase.as_deref();
        let prepare = |plan: &Plan, watch: &Watch| {
            if !plan.has_work() {
                return Ok(None);
            }
            let files = watch.lock(&self.store)?;
            plan.check_keys(&self.store, passphrase)?;
            Ok(Some(files))
        };
        let report = self
            .plan
            .carry_out(py, progress, prepare, |plan, files, watch| match files {
                Some(files) => plan.apply(&files, passphrase, watch),
                None => Ok(Report::default()),
            });
        report.map(PyReport)
    }

    fn __repr__(&self) -> String {
        let changes = self.steps.iter();
        let changes = changes.filter(|facts| facts.action != Action::Keep).count();
        let (directory, all) = (self.store.directory().display(), self.steps.len());
        format!("<Plan for {directory}: {changes} changes of {all}>")
    }
}

/// What a step says. A plan is consumed when it is carried out, and what it said stays.
struct Facts {
    action: Action,
    wanted: Wanted,
    paths: PairPaths,
    causes: Vec<Cause>,
    due: Option<SystemTime>,
    not_before: Option<SystemTime>,
    not_after: Option<SystemTime>,
    hard_links: Vec<PathBuf>,
    line: String,
}

impl Facts {
    fn of(step: &Step) -> Self {
        Self {
            action: step.action(),
            wanted: step.wanted().clone(),
            paths: step.paths().clone(),
            causes: step.causes().to_vec(),
            due: step.due(),
            not_before: step.not_before(),
            not_after: step.not_after(),
            hard_links: step.hard_links().to_vec(),
            line: step.to_string(),
        }
    }
}

/// What is to be done with one pair. `str` of it is a line such as
/// `renew     member-etcd-1.pem  expires in 12 days; 10.0.0.99 is missing`.
#[pyclass(frozen, name = "Step", module = "etcd_pki")]
pub(crate) struct PyStep(Arc<Facts>);

#[pymethods]
impl PyStep {
    /// What is wanted.
    #[getter]
    fn wanted(&self) -> PyWanted {
        PyWanted(self.0.wanted.clone())
    }

    /// Where the pair is.
    #[getter]
    fn paths(&self) -> PyPairPaths {
        PyPairPaths(self.0.paths.clone())
    }

    /// What is to be done.
    #[getter]
    fn action(&self) -> Word<Action> {
        Word(self.0.action)
    }

    /// Every reason for it.
    #[getter]
    fn causes(&self, py: Python<'_>) -> PyResult<Vec<PyCause>> {
        PyCause::all(py, &self.0.causes)
    }

    /// From when on a certificate that is kept will be due.
    #[getter]
    fn due_utc(&self) -> Option<SystemTime> {
        self.0.due
    }

    /// From when on the certificate that is there is valid. One that is not valid yet is kept all the same: it is the clock of this
    /// host, or of the one that signed it, that is wrong.
    #[getter]
    fn not_valid_before_utc(&self) -> Option<SystemTime> {
        self.0.not_before
    }

    /// When the certificate that is there ends.
    #[getter]
    fn not_valid_after_utc(&self) -> Option<SystemTime> {
        self.0.not_after
    }

    /// Files with further names, such as Calico's copies: those keep the old content when the file is replaced.
    #[getter]
    fn hard_links(&self) -> Vec<PathBuf> {
        self.0.hard_links.clone()
    }

    fn __str__(&self) -> &str {
        &self.0.line
    }

    fn __repr__(&self) -> String {
        let file = self.0.wanted.paths.certificate.display();
        format!("<Step {} {file}>", self.0.action)
    }
}

/// What carrying out a plan has changed.
#[pyclass(frozen, eq, hash, name = "Report", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyReport(pub(crate) Report);

hash_by_debug!(PyReport);

#[pymethods]
impl PyReport {
    /// How many pairs were changed.
    #[getter]
    fn changed(&self) -> usize {
        self.0.changed()
    }

    /// Pairs that are new.
    #[getter]
    fn created(&self) -> usize {
        self.0.created
    }

    /// Certificates that are new, for the keys that were there.
    #[getter]
    fn renewed(&self) -> usize {
        self.0.renewed
    }

    /// Pairs that took the place of others.
    #[getter]
    fn reissued(&self) -> usize {
        self.0.reissued
    }

    /// Pairs of which modes or owners were set.
    #[getter]
    fn modes(&self) -> usize {
        self.0.modes
    }

    /// Pairs that were surplus and are gone.
    #[getter]
    fn removed(&self) -> usize {
        self.0.removed
    }

    /// Certificates that end with their authority, before the end that the specification asks for.
    #[getter]
    fn validity_cut(&self) -> Vec<PyValidityCut> {
        let all = self.0.validity_cut.iter();
        all.cloned().map(PyValidityCut).collect()
    }

    fn __repr__(&self) -> String {
        let Report {
            created,
            renewed,
            reissued,
            modes,
            removed,
            ..
        } = self.0;
        format!(
            "<Report created={created} renewed={renewed} reissued={reissued} modes={modes} removed={removed}>"
        )
    }
}

/// A certificate that ends with its authority, before the end that the specification asks for.
#[pyclass(frozen, eq, hash, name = "ValidityCut", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyValidityCut(ValidityCut);

hash_by_debug!(PyValidityCut);

#[pymethods]
impl PyValidityCut {
    /// The certificate's file.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path.clone()
    }

    /// The end that was asked for.
    #[getter]
    fn asked_utc(&self) -> SystemTime {
        self.0.asked
    }

    /// The end that it has.
    #[getter]
    fn not_valid_after_utc(&self) -> SystemTime {
        self.0.not_after
    }

    fn __repr__(&self) -> String {
        format!("<ValidityCut {}>", self.0.path.display())
    }
}

//! What is to be done on a host: keys to make, requests to write, certificates to install.

use std::{path::PathBuf, sync::Arc};

use etcd_pki_core::{Cause, HostAction, HostPlan, HostReport, HostStep, PairPaths, Store, Wanted};
use pyo3::prelude::*;

use super::{PyRefusal, refusals};
use crate::{
    cluster::PyWanted,
    described::PyCause,
    hash::hash_by_debug,
    interrupt::{ProgressArgument, Watch},
    layout::PyPairPaths,
    once::Once,
    words::Word,
};

/// What is to be done on a host whose keys stay there. It was made by reading, and `apply` consumes it.
#[pyclass(frozen, name = "HostPlan", module = "etcd_pki")]
pub(crate) struct PyHostPlan {
    plan: Once<HostPlan>,
    store: Store,
    folder: PathBuf,
    steps: Vec<Arc<HostFacts>>,
    trusted: Vec<(PathBuf, String)>,
    refused: Vec<PyRefusal>,
    is_done: bool,
}

impl PyHostPlan {
    pub(crate) fn new(plan: HostPlan, store: Store) -> Self {
        let steps = plan.steps().iter();
        Self {
            store,
            folder: plan.folder().to_owned(),
            steps: steps.map(|step| Arc::new(HostFacts::of(step))).collect(),
            trusted: plan.trusted().collect(),
            refused: refusals(plan.refused()),
            is_done: plan.is_done(),
            plan: Once::new(plan),
        }
    }
}

#[pymethods]
impl PyHostPlan {
    /// The host's folder among what travels.
    #[getter]
    fn folder(&self) -> PathBuf {
        self.folder.clone()
    }

    /// Every pair of the host, also those that are kept.
    #[getter]
    fn steps(&self) -> Vec<PyHostStep> {
        self.steps.iter().cloned().map(PyHostStep).collect()
    }

    /// The pairs that are not as they should be, those that wait for their certificates among them.
    #[getter]
    fn changes(&self) -> Vec<PyHostStep> {
        let steps = self.steps.iter();
        let changes = steps.filter(|facts| facts.action != HostAction::Keep);
        changes.cloned().map(PyHostStep).collect()
    }

    /// The authorities' certificates that came and are to be trusted from now on: where each goes, and its SHA-256.
    #[getter]
    fn trusted(&self) -> Vec<(PathBuf, String)> {
        self.trusted.clone()
    }

    /// What came and is not taken.
    #[getter]
    fn refused(&self) -> Vec<PyRefusal> {
        self.refused.clone()
    }

    /// Whether carrying it out would change nothing.
    #[getter]
    fn is_done(&self) -> bool {
        self.is_done
    }

    /// Does what the plan says, and nothing else: each key is in its place and on the disk before its request travels, and each
    /// certificate takes its place whole. A pair that fails holds up no other. Ctrl-C ends it between two changes, and what is done is
    /// whole. `progress` is called with how many changes are done, and of how many. An error in the middle tells in `done` what was
    /// changed.
    #[pyo3(signature = (*, progress=None))]
    fn apply(&self, py: Python<'_>, progress: Option<ProgressArgument>) -> PyResult<PyHostReport> {
        let prepare = |plan: &HostPlan, watch: &Watch| {
            let has_work = !plan.is_done();
            has_work.then(|| watch.lock(&self.store)).transpose()
        };
        let report = self
            .plan
            .carry_out(py, progress, prepare, |plan, files, watch| match files {
                Some(files) => plan.apply(&files, watch),
                None => Ok(HostReport::default()),
            });
        report.map(PyHostReport)
    }

    fn __repr__(&self) -> String {
        let (folder, all) = (self.folder.display(), self.steps.len());
        format!("<HostPlan for {folder}: {all} pairs>")
    }
}

/// What a step says, which stays when its plan is consumed.
struct HostFacts {
    action: HostAction,
    wanted: Wanted,
    paths: PairPaths,
    request: PathBuf,
    causes: Vec<Cause>,
    makes_key: bool,
    hard_links: Vec<PathBuf>,
    line: String,
}

impl HostFacts {
    fn of(step: &HostStep) -> Self {
        Self {
            action: step.action(),
            wanted: step.wanted().clone(),
            paths: step.paths().clone(),
            request: step.request().to_owned(),
            causes: step.causes().to_vec(),
            makes_key: step.makes_key(),
            hard_links: step.hard_links().to_vec(),
            line: step.to_string(),
        }
    }
}

/// What is to be done with one pair on its host. `str` of it is a line.
#[pyclass(frozen, name = "HostStep", module = "etcd_pki")]
pub(crate) struct PyHostStep(Arc<HostFacts>);

#[pymethods]
impl PyHostStep {
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

    /// Where its request is.
    #[getter]
    fn request(&self) -> PathBuf {
        self.0.request.clone()
    }

    /// What is to be done.
    #[getter]
    fn action(&self) -> Word<HostAction> {
        Word(self.0.action)
    }

    /// Every reason for another certificate.
    #[getter]
    fn causes(&self, py: Python<'_>) -> PyResult<Vec<PyCause>> {
        PyCause::all(py, &self.0.causes)
    }

    /// Whether a key is to be made.
    #[getter]
    fn makes_key(&self) -> bool {
        self.0.makes_key
    }

    /// Files with further names: those keep the old content when the file is replaced.
    #[getter]
    fn hard_links(&self) -> Vec<PathBuf> {
        self.0.hard_links.clone()
    }

    fn __str__(&self) -> &str {
        &self.0.line
    }

    fn __repr__(&self) -> String {
        let file = self.0.wanted.paths.certificate.display();
        format!("<HostStep {} {file}>", self.0.action)
    }
}

/// What was done on a host.
#[pyclass(frozen, eq, hash, name = "HostReport", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyHostReport(HostReport);

hash_by_debug!(PyHostReport);

#[pymethods]
impl PyHostReport {
    /// Authorities whose certificates are trusted from now on.
    #[getter]
    fn trusted(&self) -> usize {
        self.0.trusted
    }

    /// Keys that were made.
    #[getter]
    fn keys(&self) -> usize {
        self.0.keys
    }

    /// Requests that were written.
    #[getter]
    fn requested(&self) -> usize {
        self.0.requested
    }

    /// Certificates that were put in their places.
    #[getter]
    fn installed(&self) -> usize {
        self.0.installed
    }

    /// Pairs of which modes or owners were set.
    #[getter]
    fn modes(&self) -> usize {
        self.0.modes
    }

    fn __repr__(&self) -> String {
        let HostReport {
            trusted,
            keys,
            requested,
            installed,
            modes,
        } = self.0;
        format!(
            "<HostReport trusted={trusted} keys={keys} requested={requested} installed={installed} modes={modes}>"
        )
    }
}

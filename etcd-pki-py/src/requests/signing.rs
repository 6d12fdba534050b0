//! Which of the requests that have come are to be signed.

use std::{path::PathBuf, sync::Arc};

use etcd_pki_core::{Cause, NotGranted, SigningPlan, SigningReport, SigningStep, Store, Wanted};
use pyo3::prelude::*;

use super::{PyRefusal, refusals};
use crate::{
    cluster::PyWanted,
    described::{PyCause, PyClaim},
    hash::hash_by_debug,
    interrupt::{ProgressArgument, Watch},
    once::Once,
    text::PassphraseArgument,
};

/// What is to be done with the requests in a travelling directory. It was made by reading, and `apply` consumes it.
#[pyclass(frozen, name = "SigningPlan", module = "etcd_pki")]
pub(crate) struct PySigningPlan {
    plan: Once<SigningPlan>,
    store: Store,
    steps: Vec<Arc<SigningFacts>>,
    refused: Vec<PyRefusal>,
    created: Vec<PathBuf>,
    without_request: Vec<String>,
}

impl PySigningPlan {
    pub(crate) fn new(plan: SigningPlan, store: Store) -> Self {
        let steps = plan.steps().iter();
        Self {
            steps: steps.map(|step| Arc::new(SigningFacts::of(step))).collect(),
            refused: refusals(plan.refused()),
            created: plan
                .created()
                .map(|path| store.directory().join(path))
                .collect(),
            without_request: plan.without_request().to_vec(),
            plan: Once::new(plan),
            store,
        }
    }
}

#[pymethods]
impl PySigningPlan {
    /// Every request that is good, also those that have their certificate.
    #[getter]
    fn steps(&self) -> Vec<PySigningStep> {
        self.steps.iter().cloned().map(PySigningStep).collect()
    }

    /// The requests that are to be signed.
    #[getter]
    fn changes(&self) -> Vec<PySigningStep> {
        let steps = self.steps.iter();
        let changes = steps.filter(|facts| !facts.causes.is_empty());
        changes.cloned().map(PySigningStep).collect()
    }

    /// The requests that are not signed, and why.
    #[getter]
    fn refused(&self) -> Vec<PyRefusal> {
        self.refused.clone()
    }

    /// The authorities that are to be made, because there are none: their certificates' files.
    #[getter]
    fn created(&self) -> Vec<PathBuf> {
        self.created.clone()
    }

    /// The hosts of the specification from which no request has come, not even one that is refused.
    #[getter]
    fn without_request(&self) -> Vec<String> {
        self.without_request.clone()
    }

    /// Signs what the plan says, and nothing else. Names, usages and validity are the specification's; what a request claims beyond
    /// them is told. After a wrong passphrase the plan is as it was. Ctrl-C ends it between two hosts, each of which has all its
    /// certificates or none of them. `progress` is called with how many changes are done, and of how many. An error in the middle
    /// tells in `done` which requests were signed.
    #[pyo3(signature = (*, passphrase=None, progress=None))]
    fn apply(
        &self,
        py: Python<'_>,
        passphrase: Option<PassphraseArgument>,
        progress: Option<ProgressArgument>,
    ) -> PyResult<PySigningReport> {
        let passphrase = passphrase.as_deref();
        let prepare = |plan: &SigningPlan, watch: &Watch| {
            let files = watch.lock(&self.store)?;
            plan.check_keys(&self.store, passphrase)?;
            Ok(files)
        };
        let report = self
            .plan
            .carry_out(py, progress, prepare, |plan, files, watch| {
                plan.apply(&files, passphrase, watch)
            });
        report.map(PySigningReport)
    }

    fn __repr__(&self) -> String {
        let (all, refused) = (self.steps.len(), self.refused.len());
        format!("<SigningPlan of {all} requests, {refused} refused>")
    }
}

/// What a step says, which stays when its plan is consumed.
struct SigningFacts {
    host: String,
    wanted: Wanted,
    path: PathBuf,
    causes: Vec<Cause>,
    line: String,
}

impl SigningFacts {
    fn of(step: &SigningStep) -> Self {
        Self {
            host: step.host().to_owned(),
            wanted: step.wanted().clone(),
            path: step.path().to_owned(),
            causes: step.causes().to_vec(),
            line: step.to_string(),
        }
    }
}

/// A request that is good, and what is to be done with it. `str` of it is a line.
#[pyclass(frozen, name = "SigningStep", module = "etcd_pki")]
pub(crate) struct PySigningStep(Arc<SigningFacts>);

#[pymethods]
impl PySigningStep {
    /// The host that asks.
    #[getter]
    fn host(&self) -> &str {
        &self.0.host
    }

    /// What it gets.
    #[getter]
    fn wanted(&self) -> PyWanted {
        PyWanted(self.0.wanted.clone())
    }

    /// The request's file.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path.clone()
    }

    /// Every reason for a certificate; none if the one beside it is as it should be.
    #[getter]
    fn causes(&self, py: Python<'_>) -> PyResult<Vec<PyCause>> {
        PyCause::all(py, &self.0.causes)
    }

    fn __str__(&self) -> &str {
        &self.0.line
    }

    fn __repr__(&self) -> String {
        format!("<SigningStep {}>", self.0.path.display())
    }
}

/// What was done with the requests in a travelling directory.
#[pyclass(frozen, eq, hash, name = "SigningReport", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PySigningReport(SigningReport);

hash_by_debug!(PySigningReport);

#[pymethods]
impl PySigningReport {
    /// Authorities that were made.
    #[getter]
    fn created(&self) -> usize {
        self.0.created
    }

    /// Certificates that were put beside their requests.
    #[getter]
    fn signed(&self) -> usize {
        self.0.signed
    }

    /// Authorities' certificates that were put into the folders of hosts.
    #[getter]
    fn trusted(&self) -> usize {
        self.0.trusted
    }

    /// What requests claimed and did not get.
    #[getter]
    fn not_granted(&self) -> Vec<PyNotGranted> {
        let all = self.0.not_granted.iter();
        all.cloned().map(PyNotGranted).collect()
    }

    fn __repr__(&self) -> String {
        let (created, signed, trusted) = (self.0.created, self.0.signed, self.0.trusted);
        format!("<SigningReport created={created} signed={signed} trusted={trusted}>")
    }
}

/// What a request claimed and did not get.
#[pyclass(frozen, eq, hash, name = "NotGranted", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyNotGranted(NotGranted);

hash_by_debug!(PyNotGranted);

#[pymethods]
impl PyNotGranted {
    /// The request's file.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path.clone()
    }

    /// What it claimed.
    #[getter]
    fn claims(&self, py: Python<'_>) -> PyResult<Vec<PyClaim>> {
        PyClaim::all(py, &self.0.claims)
    }

    fn __repr__(&self) -> String {
        format!("<NotGranted {}>", self.0.path.display())
    }
}

//! The result of applying a plan: one outcome for each step.

use std::{path::PathBuf, sync::Arc, time::SystemTime};

use etcd_pki_core::plan::{Action, DeniedClaims, Report, ShortenedValidity, StepReport};
use pyo3::prelude::*;

use super::{PyPlan, PyStep};
use crate::{
    certificate::PyCertificate, claim::PyClaim, enumerations::member, error::exception_of,
    hash::hash_by_debug, words::Word,
};

/// The result of applying a plan. A failing step does not stop the others, unless it would fail for
/// all of them, as with a full disk. Each change that was made is complete, and planning again
/// finds the rest.
///
/// >>> from etcd_pki import Cluster
/// >>> report = Cluster(members=["etcd-1"]).apply("ssl")
/// >>> [step.path.name for step in report.done], report.failures
/// (['ca.pem', 'member-etcd-1.pem', 'admin-etcd-1.pem'], [])
/// >>> report.raise_for_failures()
#[pyclass(frozen, name = "Report", module = "etcd_pki")]
pub(crate) struct PyReport(Arc<Report>);

impl PyReport {
    pub(crate) fn new(report: Report) -> Self {
        Self(Arc::new(report))
    }

    /// The steps for which a condition holds.
    fn steps_if(&self, is_meant: impl Fn(&StepReport<'_>) -> bool) -> Vec<PyStepReport> {
        let planned = PyStep::all(self.0.plan(), self.0.steps().map(|step| step.step()));
        let steps = self.0.steps().enumerate().zip(planned);
        let steps = steps.filter(|((_, step), _)| is_meant(step));
        let steps = steps.map(|((place, _), step)| PyStepReport {
            report: Arc::clone(&self.0),
            place,
            step,
        });
        steps.collect()
    }
}

#[pymethods]
impl PyReport {
    /// The plan that was applied.
    #[getter]
    fn plan(&self) -> PyPlan {
        PyPlan(self.0.plan().clone())
    }

    /// The outcome of each step that was due, in the order of the plan. Kept and waiting pairs have
    /// none.
    #[getter]
    fn steps(&self) -> Vec<PyStepReport> {
        self.steps_if(|_| true)
    }

    /// The steps that are done.
    #[getter]
    fn done(&self) -> Vec<PyStepReport> {
        self.steps_if(|step| step.is_done())
    }

    /// The steps that failed or were blocked.
    #[getter]
    fn failures(&self) -> Vec<PyStepReport> {
        self.steps_if(|step| step.error().is_some())
    }

    /// How many steps with an action are done.
    fn count(&self, action: Word<Action>) -> usize {
        self.0.count(action.0)
    }

    /// How many steps are done.
    #[getter]
    fn changed(&self) -> usize {
        self.0.changed()
    }

    /// How many keys were generated.
    #[getter]
    fn keys(&self) -> usize {
        self.0.keys()
    }

    /// Whether every step that was due is done.
    #[getter]
    fn is_complete(&self) -> bool {
        self.0.is_complete()
    }

    /// The hosts with a member that must be restarted: see `Plan.hosts_to_restart`.
    #[getter]
    fn hosts_to_restart(&self) -> Vec<&str> {
        self.0.hosts_to_restart()
    }

    /// The certificates that expire before the end of the specified validity.
    #[getter]
    fn shortened_validities(&self) -> Vec<PyShortenedValidity> {
        let all = self.0.shortened_validities().into_iter();
        all.map(PyShortenedValidity).collect()
    }

    /// The claims of requests that were not granted.
    #[getter]
    fn denied_claims(&self) -> Vec<PyDeniedClaims> {
        let all = self.0.denied_claims().into_iter();
        all.map(PyDeniedClaims).collect()
    }

    /// Raises the error of the first failure, if there is one. An error that stopped the run comes
    /// first.
    fn raise_for_failures(&self) -> PyResult<()> {
        match self.0.first_error() {
            Some(error) => Err(exception_of(error)),
            None => Ok(()),
        }
    }

    fn __repr__(&self) -> String {
        if self.0.steps().next().is_none() {
            return "<Report up to date>".to_owned();
        }
        let mut text = "<Report".to_owned();
        for action in Action::ALL {
            match self.0.count(action) {
                0 => {}
                count => text += &format!(" {action}={count}"),
            }
        }
        match self.0.failures().count() {
            0 => {}
            failures => text += &format!(" failures={failures}"),
        }
        text + ">"
    }
}

/// The outcome of one step.
#[pyclass(frozen, name = "StepReport", module = "etcd_pki")]
pub(crate) struct PyStepReport {
    report: Arc<Report>,
    /// The index among the steps of the report
    place: usize,
    step: PyStep,
}

impl PyStepReport {
    fn get(&self) -> Option<StepReport<'_>> {
        self.report.step(self.place)
    }
}

#[pymethods]
impl PyStepReport {
    /// The step.
    #[getter]
    fn step(&self) -> PyStep {
        self.step.clone()
    }

    /// The outcome of the step.
    #[getter]
    fn outcome<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let name = self.get().map(|step| step.outcome().name());
        member(py, "Outcome", name.unwrap_or_default())
    }

    /// Whether it is done.
    #[getter]
    fn is_done(&self) -> bool {
        self.get().is_some_and(|step| step.is_done())
    }

    /// Why it failed or was blocked, as an exception that is not raised.
    #[getter]
    fn error(&self) -> Option<PyErr> {
        self.get()?.error().map(exception_of)
    }

    /// The file that represents the step: the request if requests are signed, else the certificate.
    #[getter]
    fn path(&self) -> PathBuf {
        self.step.path()
    }

    /// The new certificate of a renewal by path.
    #[getter]
    fn certificate(&self) -> Option<PyCertificate> {
        self.get()?.certificate().cloned().map(PyCertificate)
    }

    fn __repr__(&self) -> String {
        let outcome = self.get().map(|step| step.outcome().name());
        let path = self.step.path();
        format!(
            "<StepReport {} {}>",
            outcome.unwrap_or_default(),
            path.display()
        )
    }
}

/// A certificate that expires with its CA, before the end that was requested.
#[pyclass(frozen, eq, hash, name = "ShortenedValidity", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyShortenedValidity(ShortenedValidity);

hash_by_debug!(PyShortenedValidity);

#[pymethods]
impl PyShortenedValidity {
    /// The certificate's file.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path.clone()
    }

    /// The end that was requested.
    #[getter]
    fn requested_utc(&self) -> SystemTime {
        self.0.requested
    }

    /// The end that it has.
    #[getter]
    fn not_valid_after_utc(&self) -> SystemTime {
        self.0.not_after
    }

    fn __repr__(&self) -> String {
        format!("<ShortenedValidity {}>", self.0.path.display())
    }
}

/// A claim of a request that the certificate does not have.
#[pyclass(frozen, eq, hash, name = "DeniedClaims", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyDeniedClaims(DeniedClaims);

hash_by_debug!(PyDeniedClaims);

#[pymethods]
impl PyDeniedClaims {
    /// The request's file.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path.clone()
    }

    /// The claims.
    #[getter]
    fn claims(&self) -> Vec<PyClaim> {
        PyClaim::all(&self.0.claims)
    }

    fn __repr__(&self) -> String {
        format!("<DeniedClaims {}>", self.0.path.display())
    }
}

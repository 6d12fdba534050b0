//! The changes after which a directory matches its specification, with reasons.

mod renewal;
mod report;
mod step;

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use etcd_pki_core::{
    Passphrase, Plan,
    plan::{ApplyOptions, Refusal},
};
use pyo3::prelude::*;

pub(crate) use self::{
    renewal::PyRenewal,
    report::{PyDeniedClaims, PyReport, PyShortenedValidity, PyStepReport},
    step::PyStep,
};
use crate::{
    error::work,
    hash::hash_by_debug,
    interrupt::{ProgressArgument, Watch, watched},
    layout::PyPairPaths,
    text::PassphraseArgument,
};

/// The changes of a directory: steps, each with its reasons. A plan is the result of reading one
/// directory, and belongs to it. It can be applied once: afterwards its files have changed, and
/// applying it again raises `ConflictError`.
///
/// >>> from etcd_pki import Action, Cluster
/// >>> plan = Cluster(members=["etcd-1"], clients=["root"]).plan("ssl")
/// >>> for step in plan.changes:
/// ...     print(step.action, step.paths.certificate.name)
/// create ca.pem
/// create member-etcd-1.pem
/// create admin-etcd-1.pem
/// create client-root.pem
/// >>> report = plan.apply()
/// >>> report.count(Action.CREATE)
/// 4
#[pyclass(frozen, name = "Plan", module = "etcd_pki")]
pub(crate) struct PyPlan(pub(crate) Plan);

impl PyPlan {
    fn below(&self, paths: &etcd_pki_core::layout::PairPaths) -> PyPairPaths {
        PyPairPaths(paths.below(self.0.directory()))
    }
}

#[pymethods]
impl PyPlan {
    /// The directory that the plan changes.
    #[getter]
    fn directory(&self) -> PathBuf {
        self.0.directory().to_owned()
    }

    /// The host's folder of the exchange directory, or the exchange directory where the CA is;
    /// `None` if the plan has none.
    #[getter]
    fn exchange(&self) -> Option<PathBuf> {
        self.0.exchange().map(Path::to_owned)
    }

    /// The time of planning. Certificates of this plan are valid from then on.
    #[getter]
    fn now_utc(&self) -> SystemTime {
        self.0.now()
    }

    /// Whether the plan signs the requests of hosts, where the CA is.
    #[getter]
    fn signs_requests(&self) -> bool {
        self.0.signs_requests()
    }

    /// All steps, also those that change nothing: CAs, then members, nodes and clients, then
    /// removals.
    #[getter]
    fn steps(&self) -> Vec<PyStep> {
        PyStep::all(&self.0, self.0.steps().iter())
    }

    /// The steps that are due: those that change something, wait or are blocked.
    #[getter]
    fn changes(&self) -> Vec<PyStep> {
        PyStep::all(&self.0, self.0.changes())
    }

    /// The steps that are blocked, each with its reason.
    #[getter]
    fn blocked(&self) -> Vec<PyStep> {
        PyStep::all(&self.0, self.0.blocked())
    }

    /// The steps that keep a pair as it is.
    #[getter]
    fn kept(&self) -> Vec<PyStep> {
        PyStep::all(&self.0, self.0.kept())
    }

    /// Whether applying the plan changes something.
    #[getter]
    fn has_work(&self) -> bool {
        self.0.has_work()
    }

    /// The pairs that a CA of the directory signed and the specification does not have. With
    /// `prune`, the plan has a step for each that it removes.
    #[getter]
    fn unmanaged(&self) -> Vec<PyPairPaths> {
        let pairs = self.0.unmanaged().iter();
        pairs.map(|pair| self.below(pair)).collect()
    }

    /// The peer CA, if the specification has no separate one. It is never removed: members may
    /// still trust it.
    #[getter]
    fn unmanaged_ca(&self) -> Option<PyPairPaths> {
        self.0.unmanaged_ca().map(|pair| self.below(pair))
    }

    /// The names of `prune` that no unmanaged pair has.
    #[getter]
    fn nothing_to_prune(&self) -> Vec<String> {
        self.0.nothing_to_prune().to_vec()
    }

    /// The files of the exchange directory that are refused.
    #[getter]
    fn refused(&self) -> Vec<PyRefusal> {
        self.0.refused().iter().cloned().map(PyRefusal).collect()
    }

    /// The hosts of the specification without a request in the exchange directory.
    #[getter]
    fn hosts_without_request(&self) -> Vec<String> {
        self.0.hosts_without_request().to_vec()
    }

    /// The CAs that must sign and whose keys are missing here. Apply the plan on a host with these
    /// keys, or exchange requests.
    #[getter]
    fn cas_without_key(&self) -> Vec<PyStep> {
        PyStep::all(&self.0, self.0.cas_without_key())
    }

    /// The hosts with a member that must be restarted when the plan is applied: etcd reads the CA
    /// when it starts, and a pair with each handshake. A member without a certificate has not
    /// started yet.
    #[getter]
    fn hosts_to_restart(&self) -> Vec<&str> {
        self.0.hosts_to_restart()
    }

    /// The kept pair that is renewed first.
    #[getter]
    fn next_renewal(&self) -> Option<PyStep> {
        PyStep::all(&self.0, self.0.next_renewal()).pop()
    }

    /// Opens the keys of the CAs that must sign, and changes nothing. It raises what `apply` would
    /// raise for them.
    #[pyo3(signature = (*, passphrase=None))]
    fn check_keys(&self, py: Python<'_>, passphrase: Option<PassphraseArgument>) -> PyResult<()> {
        let passphrase = passphrase.as_deref();
        work(py, || self.0.check_keys(passphrase))
    }

    /// Makes the changes of the plan, and no others, under the lock of its directory. A failing
    /// step does not stop the others: it is in the report. If this raises an `Error`, nothing was
    /// changed; a `ConflictError` means that a file has changed since the plan was made. Ctrl-C
    /// stops it between two changes, and each change that was made is complete. `progress` is
    /// called with the number of changes that are done, and the number of all.
    #[pyo3(signature = (*, passphrase=None, progress=None))]
    fn apply(
        &self,
        py: Python<'_>,
        passphrase: Option<PassphraseArgument>,
        progress: Option<ProgressArgument>,
    ) -> PyResult<PyReport> {
        let passphrase = passphrase.as_deref();
        let report = watched(py, progress, |watch| {
            self.0.apply_with(&options(passphrase, watch))
        });
        report.map(PyReport::new)
    }

    fn __repr__(&self) -> String {
        let (changes, all) = (self.0.changes().count(), self.0.steps().len());
        let directory = self.0.directory().display();
        format!("<Plan for {directory}: {changes} changes of {all}>")
    }
}

/// The settings for applying a plan while Python handles signals.
pub(crate) fn options<'a>(
    passphrase: Option<&'a Passphrase>,
    watch: &'a Watch,
) -> ApplyOptions<'a> {
    let options = ApplyOptions::new().with_progress(watch);
    match passphrase {
        Some(passphrase) => options.with_passphrase(passphrase),
        None => options,
    }
}

/// A file of the exchange directory that is refused, and why.
#[pyclass(frozen, eq, hash, name = "Refusal", module = "etcd_pki")]
#[derive(Clone, PartialEq)]
pub(crate) struct PyRefusal(Refusal);

hash_by_debug!(PyRefusal);

#[pymethods]
impl PyRefusal {
    /// The file.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path.clone()
    }

    /// The problem with the file.
    #[getter]
    fn reason(&self) -> &str {
        &self.0.reason
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<Refusal {}>", self.0)
    }
}

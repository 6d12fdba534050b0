//! One step of a plan.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use etcd_pki_core::{
    Plan, Role,
    plan::{Action, Step},
};
use pyo3::prelude::*;

use crate::{
    certificate::PyCertificate,
    cluster::{PyDesiredCa, PyDesiredPair},
    error::raise,
    finding::PyFinding,
    layout::PyPairPaths,
    words::Word,
};

/// One step of a plan: the change of a pair, and the reasons. `str` of it is a line such as
/// `renew     member-etcd-1.pem  expires in 12 days; 10.0.0.99 is missing`.
#[pyclass(frozen, name = "Step", module = "etcd_pki")]
#[derive(Clone)]
pub(crate) struct PyStep {
    plan: Plan,
    place: usize,
}

impl PyStep {
    /// These steps of a plan.
    pub(crate) fn all<'a>(plan: &'a Plan, steps: impl IntoIterator<Item = &'a Step>) -> Vec<Self> {
        let mut places = plan.steps().iter().enumerate();
        // They are in the order of the plan
        let places = steps.into_iter().filter_map(|step| {
            let (place, _) = places.find(|(_, one)| std::ptr::eq(*one, step))?;
            Some(place)
        });
        let steps = places.map(|place| Self {
            plan: plan.clone(),
            place,
        });
        steps.collect()
    }

    /// The file that represents it in a report.
    pub(crate) fn path(&self) -> PathBuf {
        self.step().file()
    }

    fn step(&self) -> &Step {
        &self.plan.steps()[self.place]
    }
}

#[pymethods]
impl PyStep {
    /// The action of the step.
    #[getter]
    fn action(&self) -> Word<Action> {
        Word(self.step().action())
    }

    /// The CA of the specification that the step is about.
    #[getter]
    fn ca(&self) -> Option<PyDesiredCa> {
        self.step().ca().cloned().map(PyDesiredCa)
    }

    /// The pair of the specification that the step is about. A step has neither a CA nor a pair if
    /// its files are given by path.
    #[getter]
    fn pair(&self) -> Option<PyDesiredPair> {
        self.step().pair().cloned().map(PyDesiredPair)
    }

    /// The role of the pair.
    #[getter]
    fn role(&self) -> Option<Word<Role>> {
        self.step().role().map(Word)
    }

    /// The host that uses the pair.
    #[getter]
    fn host(&self) -> Option<&str> {
        self.step().host()
    }

    /// The files of the pair.
    #[getter]
    fn paths(&self) -> PyPairPaths {
        PyPairPaths(self.step().paths())
    }

    /// The file that represents the step in a report: the request if requests are signed, else the
    /// certificate.
    #[getter]
    fn file(&self) -> PathBuf {
        self.step().file()
    }

    /// The request's file in the exchange directory.
    #[getter]
    fn request(&self) -> Option<PathBuf> {
        self.step().request().map(Path::to_owned)
    }

    /// SHA-256 of the signing CA's certificate that will be trusted, in upper-case hexadecimal.
    #[getter]
    fn fingerprint_sha256(&self) -> Option<&str> {
        self.step().fingerprint_sha256()
    }

    /// SHA-256 of every CA certificate that will be trusted on the host, that of the signing CA
    /// first.
    #[getter]
    fn trusted_sha256(&self) -> Vec<&str> {
        self.step().trusted_sha256()
    }

    /// SHA-256 of every CA certificate that will no longer be trusted on the host. A certificate
    /// that a later one of the same CA replaces is not in this list.
    #[getter]
    fn untrusted_sha256(&self) -> Vec<&str> {
        self.step().untrusted_sha256()
    }

    /// Every reason for the step.
    #[getter]
    fn reasons(&self) -> Vec<PyFinding> {
        let step = self.step();
        PyFinding::all_in(step.directory(), step.reasons())
    }

    /// Why the step is blocked, as an exception that is not raised.
    #[getter]
    fn blocking_error(&self) -> Option<PyErr> {
        self.step().blocking_error().map(raise)
    }

    /// When a kept certificate is renewed.
    #[getter]
    fn due_utc(&self) -> Option<SystemTime> {
        self.step().due()
    }

    /// When the current certificate becomes valid. A certificate that is not valid yet is kept: the
    /// clock of this host is wrong, or that of the host that signed it.
    #[getter]
    fn not_valid_before_utc(&self) -> Option<SystemTime> {
        self.step().not_before()
    }

    /// When the current certificate expires.
    #[getter]
    fn not_valid_after_utc(&self) -> Option<SystemTime> {
        self.step().not_after()
    }

    /// Whether the step is for the revocation lists. Its certificate is then `revoked.crl`, and its
    /// key `revoked.pem`.
    #[getter]
    fn is_of_revocation_lists(&self) -> bool {
        self.step().is_of_revocation_lists()
    }

    /// The certificate that the step removes. It stays valid until it expires: etcd accepts it from
    /// everyone who has a copy of it and of its key.
    #[getter]
    fn removed_certificate(&self) -> Option<PyCertificate> {
        self.step()
            .removed_certificate()
            .cloned()
            .map(PyCertificate)
    }

    /// Whether a file exists at the key's path.
    #[getter]
    fn has_key_file(&self) -> bool {
        self.step().has_key_file()
    }

    /// Whether the step generates a key.
    #[getter]
    fn makes_key(&self) -> bool {
        self.step().makes_key()
    }

    /// Whether a renewal by path is signed by another CA than the old certificate: a host that
    /// trusts only the old CA refuses the new certificate.
    #[getter]
    fn changes_ca(&self) -> bool {
        self.step().changes_ca()
    }

    /// Files with further names (hard links), such as Calico's copies. Those names keep the old
    /// content when the file is replaced.
    #[getter]
    fn hard_links(&self) -> Vec<PathBuf> {
        self.step().hard_links().to_vec()
    }

    fn __str__(&self) -> String {
        self.step().to_string()
    }

    fn __repr__(&self) -> String {
        let file = self.step().relative_paths().certificate.display();
        format!("<Step {} {file}>", self.step().action())
    }
}

//! Problems with a certificate, a key, a file or a chain.

use std::{
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
    time::SystemTime,
};

use etcd_pki_core::finding::{Facts, Finding, Severity};
use pyo3::prelude::*;

use crate::{enumerations::member, hint::in_python, time::Instant, words::Word};

/// Something that is wrong with existing files. A check reports it, a plan gives it as the reason
/// of a step, and a verdict as the reason of a refusal. `str` of it is a sentence such as `expires
/// in 12 days (threshold 30d)`.
///
/// Its facts are attributes. A fact that a kind of finding does not have is `None`, or an empty
/// list.
///
/// >>> from etcd_pki import Cluster
/// >>> report = Cluster(clients=["root"]).apply("ssl")
/// >>> step = Cluster(clients=["root", "backup"]).plan("ssl").changes[0]
/// >>> [(finding.code.name, finding.code.value, str(finding)) for finding in step.reasons]
/// [('MISSING_KEY', 'EP017', 'the key is missing'), ('MISSING_CERTIFICATE', 'EP016', 'the certificate is missing')]
#[pyclass(frozen, eq, hash, name = "Finding", module = "etcd_pki")]
#[derive(Clone, PartialEq)]
pub(crate) struct PyFinding {
    code: String,
    severity: Severity,
    message: String,
    fix: String,
    facts: Facts,
}

impl Hash for PyFinding {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.message.hash(state);
    }
}

impl PyFinding {
    pub(crate) fn all<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<Self> {
        findings.into_iter().map(Self::of).collect()
    }

    /// The findings of a step, with paths that start with its directory.
    pub(crate) fn all_in(directory: &Path, findings: &[Finding]) -> Vec<Self> {
        let mut all = Self::all(findings);
        for finding in &mut all {
            let Facts { path, target, .. } = &mut finding.facts;
            for path in [path, target].into_iter().flatten() {
                *path = directory.join(&*path);
            }
        }
        all
    }

    pub(crate) fn of(finding: &Finding) -> Self {
        Self {
            code: finding.code().to_owned(),
            severity: finding.severity(),
            message: finding.to_string(),
            fix: in_python(finding.fix()).unwrap_or_default(),
            facts: finding.facts(),
        }
    }

    fn entry(&self) -> Option<&'static etcd_pki_core::finding::Entry> {
        Finding::TABLE.iter().find(|entry| entry.code == self.code)
    }
}

#[pymethods]
impl PyFinding {
    /// The code, which never changes: `FindingCode.EXPIRED`, which is `EP001`.
    #[getter]
    fn code<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        member(py, "FindingCode", &self.code)
    }

    /// The name of the kind, which never changes: `expired`.
    #[getter]
    fn kind(&self) -> &'static str {
        self.entry().map_or("other", |entry| entry.kind)
    }

    /// How serious it is.
    #[getter]
    fn severity(&self) -> Word<Severity> {
        Word(self.severity)
    }

    /// The sentence.
    #[getter]
    fn message(&self) -> &str {
        &self.message
    }

    /// How to fix it: a sentence without a period.
    #[getter]
    fn fix(&self) -> &str {
        &self.fix
    }

    /// The file or directory.
    #[getter]
    fn path(&self) -> Option<PathBuf> {
        self.facts.path.clone()
    }

    /// A second file: the target of a link, or the file of a CA.
    #[getter]
    fn target(&self) -> Option<PathBuf> {
        self.facts.target.clone()
    }

    /// The subject or issuer of a certificate.
    #[getter]
    fn subject(&self) -> Option<&str> {
        self.facts.subject.as_deref()
    }

    /// A name, an address, a host or an extension.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.facts.name.as_deref()
    }

    /// The current value of the files; modes as `0644`.
    #[getter]
    fn current(&self) -> Vec<String> {
        self.facts.current.clone()
    }

    /// The desired value; modes as `0600`.
    #[getter]
    fn desired(&self) -> Vec<String> {
        self.facts.desired.clone()
    }

    /// When a certificate becomes valid.
    #[getter]
    fn not_before(&self) -> Option<SystemTime> {
        self.facts.not_before
    }

    /// When a certificate expires.
    #[getter]
    fn not_after(&self) -> Option<SystemTime> {
        self.facts.not_after
    }

    /// Whole days until a certificate expires.
    #[getter]
    fn days(&self) -> Option<u64> {
        self.facts.days
    }

    /// The reason, as text.
    #[getter]
    fn reason(&self) -> Option<&str> {
        self.facts.reason.as_deref()
    }

    /// The contents of a pickle.
    #[staticmethod]
    #[expect(clippy::too_many_arguments, reason = "a pickle's state is flat")]
    fn _restored(
        code: String,
        severity: Word<Severity>,
        message: String,
        fix: String,
        paths: (Option<PathBuf>, Option<PathBuf>),
        texts: (Option<String>, Option<String>, Option<String>),
        lists: (Vec<String>, Vec<String>),
        times: (Option<Instant>, Option<Instant>),
        days: Option<u64>,
    ) -> Self {
        let mut facts = Facts::default();
        (facts.path, facts.target) = paths;
        (facts.subject, facts.name, facts.reason) = texts;
        (facts.current, facts.desired) = lists;
        let time = |time: Option<Instant>| time.map(|Instant(time)| time);
        (facts.not_before, facts.not_after) = (time(times.0), time(times.1));
        facts.days = days;
        Self {
            code,
            severity: severity.0,
            message,
            fix,
            facts,
        }
    }

    fn __str__(&self) -> &str {
        &self.message
    }

    fn __repr__(&self) -> String {
        format!("<Finding {}: {}>", self.code, self.message)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let finding = slf.get();
        let facts = &finding.facts;
        let state = (
            &finding.code,
            finding.severity.name(),
            &finding.message,
            &finding.fix,
            (&facts.path, &facts.target),
            (&facts.subject, &facts.name, &facts.reason),
            (&facts.current, &facts.desired),
            (facts.not_before, facts.not_after),
            facts.days,
        );
        let state = state.into_pyobject(slf.py())?;
        Ok((slf.get_type().getattr("_restored")?, state.into_any()))
    }
}

//! How long what is there lasts, and what is wrong with it.

use std::path::PathBuf;

use etcd_pki_core::{Check, Checked, KeyMatch, Severity, Threshold};
use pyo3::prelude::*;

use crate::{
    certificate::PyCertificate,
    described::PyFinding,
    error::{OrRaise as _, work},
    interrupt::on_all_cores,
    text::{Listed, Text},
    time::{Before, Instant},
    words::Word,
};

/// Looks at certificates for whoever watches them: monitoring, and people before they go on holiday.
///
/// `warning` and `critical` say how long before its end a certificate is told of, as a `timedelta` or text such as `30d` and
/// `33%`: thirty days, and seven, unless said otherwise, and less for certificates that are short. `at` is the time to judge
/// at, the present one unless said otherwise. `ignore` has the codes of findings that are not told, such as `EP011`.
///
/// >>> from etcd_pki import CertificateAuthority, Check, Role
/// >>> ca = CertificateAuthority.create("etcd-ca")
/// >>> _ = ca.write("checked")
/// >>> _ = ca.issue(Role.MEMBER, "etcd-1").write("checked")
/// >>> [checked.severity.value for checked in Check().run(["checked"])]
/// ['ok', 'ok']
/// >>> [finding.code for finding in Check(warning="400d").run(["checked"])[1].findings]
/// ['EP003']
#[pyclass(frozen, name = "Check", module = "etcd_pki")]
pub(crate) struct PyCheck {
    check: Check,
    /// What it was told, for who looks at it
    told: String,
}

#[pymethods]
impl PyCheck {
    #[new]
    #[pyo3(
        signature = (*, warning=None, critical=None, at=None, ignore=Listed::default()),
        text_signature = "(*, warning=None, critical=None, at=None, ignore=())"
    )]
    fn new(
        warning: Option<Before<Threshold>>,
        critical: Option<Before<Threshold>>,
        at: Option<Instant>,
        ignore: Listed<Text>,
    ) -> PyResult<Self> {
        let (mut check, mut told) = (Check::new(), String::new());
        if let Some(Before(threshold)) = warning {
            told += &format!(" warning={threshold}");
            check = check.warning(threshold);
        }
        if let Some(Before(threshold)) = critical {
            told += &format!(" critical={threshold}");
            check = check.critical(threshold);
        }
        if let Some(Instant(instant)) = at {
            told += &format!(" at={}", etcd_pki_core::rfc3339(instant));
            check = check.at(instant);
        }
        for Text(code) in ignore.0 {
            check = check.ignore(&code).or_raise()?;
            told += &format!(" ignore={code}");
        }
        Ok(Self { check, told })
    }

    /// Looks at files and at all that is in directories: in them, in those one level below, and in an `etcd` within these. It always
    /// comes to an answer, in the order of the files: what cannot be read is a finding.
    fn run(&self, py: Python<'_>, paths: Listed<PathBuf>) -> PyResult<Vec<PyChecked>> {
        let checked = work(py, || on_all_cores(|| Ok(self.check.run(paths.0))))?;
        Ok(checked.into_iter().map(PyChecked).collect())
    }

    fn __repr__(&self) -> String {
        format!("<Check{}>", self.told)
    }
}

/// A certificate that was looked at; or a file or a directory, of which something else is to be said.
#[pyclass(frozen, name = "Checked", module = "etcd_pki")]
pub(crate) struct PyChecked(Checked);

#[pymethods]
impl PyChecked {
    /// The file, or the directory.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    /// Which certificate of the file it is, counted from 1.
    #[getter]
    fn number(&self) -> usize {
        self.0.number()
    }

    /// The certificate, if it could be read.
    #[getter]
    fn certificate(&self) -> Option<PyCertificate> {
        self.0.certificate().cloned().map(PyCertificate)
    }

    /// The file of its key, if there is one.
    #[getter]
    fn key(&self) -> Option<PathBuf> {
        self.0.key().map(std::path::Path::to_owned)
    }

    /// Whether that key is the certificate's.
    #[getter]
    fn key_match(&self) -> Word<KeyMatch> {
        Word(self.0.key_match())
    }

    /// Seconds until its end, negative if that has passed.
    #[getter]
    fn seconds_left(&self) -> Option<i64> {
        self.0.seconds_left()
    }

    /// What is wrong with it.
    #[getter]
    fn findings(&self, py: Python<'_>) -> PyResult<Vec<PyFinding>> {
        PyFinding::all(py, self.0.findings())
    }

    /// How bad the worst of it is.
    #[getter]
    fn severity(&self) -> Word<Severity> {
        Word(self.0.severity())
    }

    fn __repr__(&self) -> String {
        let (path, severity) = (self.0.path().display(), self.0.severity());
        format!("<Checked {path}: {severity}>")
    }
}

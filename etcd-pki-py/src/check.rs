//! Reports when certificates expire, and what is wrong with files.

use std::path::PathBuf;

use etcd_pki_core::{
    finding::Severity,
    inspect::{Check, Checked, KeyMatch},
    time::Threshold,
};
use pyo3::prelude::*;

use crate::{
    certificate::PyCertificate,
    error::{OrRaise as _, work},
    finding::PyFinding,
    interrupt::on_all_cores,
    text::{Listed, Text},
    time::{Before, Instant},
    words::Word,
};

/// Checks certificates, for monitoring and for people.
///
/// `warning` and `critical` are the thresholds before a certificate expires, as a `timedelta` or
/// text such as `30d` and `33%`: by default thirty days and seven, and less for certificates with a
/// short life. `ca_warning` and `ca_critical` are those of CAs: by default 180 days and thirty, or
/// the others if those are longer. `at` is the time of the check, the present one by default.
/// `ignore` has the codes of findings that are left out, such as `EP011`, each a `FindingCode` or
/// its text.
///
/// >>> from etcd_pki import CertificateAuthority, Check, Role
/// >>> ca = CertificateAuthority.create("etcd-ca")
/// >>> _ = ca.write("checked")
/// >>> _ = ca.issue(Role.MEMBER, "etcd-1").write("checked")
/// >>> [checked.severity.value for checked in Check().run(["checked"])]
/// ['ok', 'ok']
/// >>> [finding.code for finding in Check(warning="400d").run(["checked"])[1].findings]
/// [<FindingCode.EXPIRES: 'EP003'>]
#[pyclass(frozen, name = "Check", module = "etcd_pki")]
pub(crate) struct PyCheck {
    check: Check,
    /// The options, for `repr`
    options: String,
}

#[pymethods]
impl PyCheck {
    #[new]
    #[pyo3(
        signature = (
            *, warning=None, critical=None, ca_warning=None, ca_critical=None, at=None, ignore=Listed::default()
        ),
        text_signature = "(*, warning=None, critical=None, ca_warning=None, ca_critical=None, at=None, ignore=())"
    )]
    fn new(
        warning: Option<Before<Threshold>>,
        critical: Option<Before<Threshold>>,
        ca_warning: Option<Before<Threshold>>,
        ca_critical: Option<Before<Threshold>>,
        at: Option<Instant>,
        ignore: Listed<Text>,
    ) -> PyResult<Self> {
        let (mut check, mut options) = (Check::new(), String::new());
        if let Some(Before(threshold)) = warning {
            options += &format!(" warning={threshold}");
            check = check.with_warning(threshold);
        }
        if let Some(Before(threshold)) = critical {
            options += &format!(" critical={threshold}");
            check = check.with_critical(threshold);
        }
        if let Some(Before(threshold)) = ca_warning {
            options += &format!(" ca_warning={threshold}");
            check = check.with_ca_warning(threshold);
        }
        if let Some(Before(threshold)) = ca_critical {
            options += &format!(" ca_critical={threshold}");
            check = check.with_ca_critical(threshold);
        }
        if let Some(Instant(instant)) = at {
            options += &format!(" at={}", etcd_pki_core::internal::rfc3339(instant));
            check = check.at(instant);
        }
        for Text(code) in ignore.0 {
            check = check.with_ignored(&code).or_raise()?;
            options += &format!(" ignore={code}");
        }
        Ok(Self { check, options })
    }

    /// Checks files, and all files of directories: in them, one level below, and in an `etcd`
    /// directory there. The results are in the order of the files. A file that cannot be read is a
    /// finding.
    fn run(&self, py: Python<'_>, paths: Listed<PathBuf>) -> PyResult<Vec<PyChecked>> {
        let checked = work(py, || on_all_cores(|| Ok(self.check.run(paths.0))))?;
        Ok(checked.into_iter().map(PyChecked).collect())
    }

    fn __repr__(&self) -> String {
        format!("<Check{}>", self.options)
    }
}

/// The result for a certificate, or for a file or a directory without one.
#[pyclass(frozen, name = "Checked", module = "etcd_pki")]
pub(crate) struct PyChecked(pub(crate) Checked);

#[pymethods]
impl PyChecked {
    /// The file, or the directory.
    #[getter]
    fn path(&self) -> PathBuf {
        self.0.path().to_owned()
    }

    /// The number of the certificate in its file, counted from 1.
    #[getter]
    fn number(&self) -> usize {
        self.0.number()
    }

    /// The certificate; `None` if none can be read.
    #[getter]
    fn certificate(&self) -> Option<PyCertificate> {
        self.0.certificate().cloned().map(PyCertificate)
    }

    /// The file of its key, if the key is in this file or next to it.
    #[getter]
    fn key(&self) -> Option<PathBuf> {
        self.0.key().map(std::path::Path::to_owned)
    }

    /// Whether that key matches.
    #[getter]
    fn key_match(&self) -> Word<KeyMatch> {
        Word(self.0.key_match())
    }

    /// Whether a CA signed one of the other certificates that were read; `None` for a leaf.
    #[getter]
    fn signed_here(&self) -> Option<bool> {
        self.0.signed_here()
    }

    /// The seconds until the certificate expires, negative afterwards; `None` without a
    /// certificate.
    #[getter]
    fn seconds_left(&self) -> Option<i64> {
        self.0.seconds_left()
    }

    /// The whole days until the certificate expires, negative after as many days; `None` without a
    /// certificate.
    #[getter]
    fn days_left(&self) -> Option<i64> {
        self.0.days_left()
    }

    /// The findings.
    #[getter]
    fn findings(&self) -> Vec<PyFinding> {
        PyFinding::all(self.0.findings())
    }

    /// Whether this is the certificate of a node, client or admin by the name of its file, with a
    /// member's usages and names, as in Kubespray. etcd's peer port accepts such a certificate as a
    /// member's.
    #[getter]
    fn is_as_a_member(&self) -> bool {
        self.0.is_as_a_member()
    }

    /// The severity of the worst finding.
    #[getter]
    fn severity(&self) -> Word<Severity> {
        Word(self.0.severity())
    }

    fn __repr__(&self) -> String {
        let (path, severity) = (self.0.path().display(), self.0.severity());
        format!("<Checked {path}: {severity}>")
    }
}

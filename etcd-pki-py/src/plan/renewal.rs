//! Renewing certificates by path, without a specification.

use std::{path::PathBuf, sync::Arc, time::SystemTime};

use etcd_pki_core::{
    CertificateAuthority, Error, Store, Validity, cluster::RenewBefore, inspect, plan::Renewal,
};
use pyo3::prelude::*;

use super::{PyPlan, PyReport, options};
use crate::{
    ca::PyCertificateAuthority,
    error::work,
    interrupt::{ProgressArgument, on_all_cores, watched},
    store::PyStore,
    text::{Listed, PassphraseArgument, expected},
    time::{Before, Instant, ValidityArgument},
};

/// Renews certificates by path: same names, same usages, and the same key unless a new one is
/// requested. A certificate is valid as long as the old one was.
///
/// `ca` is a `Store` or a `CertificateAuthority`. With a `Store`, each certificate is signed by the
/// CA that signed the old one; a `CertificateAuthority` signs all of them. `rekey` generates a new
/// key for each, `backup` keeps each replaced file, `validity` gives the new certificates another validity, and `passphrase` decrypts
/// the keys next to the certificates. A `Store` records what its CAs sign, unless `record` is false;
/// `record_of` names the certificate file of a `CertificateAuthority`, to record what that signs. `now` is the time of the renewal, the present one by default.
///
/// >>> from etcd_pki import Action, Cluster, Renewal, Store
/// >>> report = Cluster(clients=["root"]).apply("ssl")
/// >>> renewal = Renewal(Store("ssl"))
/// >>> renewal.plan_due("30d").changes
/// []
/// >>> reports = renewal.apply_files(["ssl/client-root.pem"])
/// >>> [report.count(Action.RENEW) for report in reports]
/// [1]
#[pyclass(frozen, name = "Renewal", module = "etcd_pki")]
pub(crate) struct PyRenewal {
    ca: Ca,
    rekey: bool,
    backup: bool,
    validity: Option<Validity>,
    passphrase: Option<PassphraseArgument>,
    now: Option<SystemTime>,
    record: bool,
    record_of: Option<PathBuf>,
}

/// The CA of the new certificates.
enum Ca {
    Given(Arc<CertificateAuthority>),
    Store(Store),
}

impl FromPyObject<'_, '_> for Ca {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(store) = object.cast::<PyStore>() {
            Ok(Self::Store(store.get().0.clone()))
        } else if let Ok(ca) = object.cast::<PyCertificateAuthority>() {
            Ok(Self::Given(ca.get().share()))
        } else {
            Err(expected("Store or CertificateAuthority", &object))
        }
    }
}

impl PyRenewal {
    fn renewal(&self) -> Renewal<'_> {
        let mut renewal = match &self.ca {
            Ca::Given(ca) => Renewal::with_ca(Arc::clone(ca)),
            Ca::Store(store) => Renewal::with_cas_of(store.clone()),
        };
        if self.rekey {
            renewal = renewal.with_rekey();
        }
        if self.backup {
            renewal = renewal.with_backup();
        }
        if let Some(validity) = self.validity {
            renewal = renewal.with_validity(validity);
        }
        if let Some(passphrase) = self.passphrase.as_deref() {
            renewal = renewal.with_passphrase(passphrase);
        }
        if let Some(now) = self.now {
            renewal = renewal.at(now);
        }
        if !self.record {
            renewal = renewal.without_record();
        } else if let Some(file) = &self.record_of {
            renewal = renewal.with_record_of(file);
        }
        renewal
    }
}

#[pymethods]
impl PyRenewal {
    #[new]
    #[pyo3(signature = (
        ca, *, rekey=false, backup=false, validity=None, passphrase=None, now=None, record=true, record_of=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn new(
        ca: Ca,
        rekey: bool,
        backup: bool,
        validity: Option<ValidityArgument>,
        passphrase: Option<PassphraseArgument>,
        now: Option<Instant>,
        record: bool,
        record_of: Option<PathBuf>,
    ) -> Self {
        Self {
            ca,
            rekey,
            backup,
            validity: validity.map(|ValidityArgument(validity)| validity),
            passphrase,
            now: now.map(|Instant(now)| now),
            record,
            record_of,
        }
    }

    /// Renews with the CA next to a certificate's file: the CA of the layout that the file's name
    /// belongs to, or else a CA file in the same directory. The options are those of `Renewal`.
    #[staticmethod]
    #[pyo3(signature = (
        path, *, rekey=false, backup=false, validity=None, passphrase=None, now=None, record=true
    ))]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn next_to(
        py: Python<'_>,
        path: PathBuf,
        rekey: bool,
        backup: bool,
        validity: Option<ValidityArgument>,
        passphrase: Option<PassphraseArgument>,
        now: Option<Instant>,
        record: bool,
    ) -> PyResult<Self> {
        let store = work(py, || {
            inspect::store_of(&path).ok_or_else(|| Error::Io {
                action: "find a CA next to",
                path: path.clone(),
                error: std::io::ErrorKind::NotFound.into(),
            })
        })?;
        let ca = Ca::Store(store);
        Ok(Self::new(
            ca, rekey, backup, validity, passphrase, now, record, None,
        ))
    }

    /// Plans the certificates of the store that are due. `renew_before` is a `timedelta` or text
    /// such as `30d` and `33%`, and never more than a third of a certificate's life.
    #[pyo3(
        signature = (renew_before=Before(RenewBefore::days(30))),
        text_signature = "($self, renew_before='30d')"
    )]
    fn plan_due(&self, py: Python<'_>, renew_before: Before<RenewBefore>) -> PyResult<PyPlan> {
        let plan = || self.renewal().plan_due(renew_before.0);
        work(py, || on_all_cores(plan)).map(PyPlan)
    }

    /// Plans these files, even if they are not due: a plan for each of their directories.
    fn plan_files(&self, py: Python<'_>, files: Listed<PathBuf>) -> PyResult<Vec<PyPlan>> {
        let plans = work(py, || on_all_cores(|| self.renewal().plan_files(&files.0)))?;
        Ok(plans.into_iter().map(PyPlan).collect())
    }

    /// Plans and applies what is due under the lock of the store. `passphrase` is that of the CA's
    /// key; `progress` is called with the number of changes that are done, and the number of all.
    #[pyo3(
        signature = (renew_before=Before(RenewBefore::days(30)), *, passphrase=None, progress=None),
        text_signature = "($self, renew_before='30d', *, passphrase=None, progress=None)"
    )]
    fn apply_due(
        &self,
        py: Python<'_>,
        renew_before: Before<RenewBefore>,
        passphrase: Option<PassphraseArgument>,
        progress: Option<ProgressArgument>,
    ) -> PyResult<PyReport> {
        let passphrase = passphrase.as_deref();
        let report = watched(py, progress, |watch| {
            let options = options(passphrase, watch);
            self.renewal().apply_due(renew_before.0, &options)
        });
        report.map(PyReport::new)
    }

    /// Plans and applies these files under the lock of each of their directories: a report for
    /// each. `passphrase` and `progress` are as in `apply_due`.
    #[pyo3(signature = (files, *, passphrase=None, progress=None))]
    fn apply_files(
        &self,
        py: Python<'_>,
        files: Listed<PathBuf>,
        passphrase: Option<PassphraseArgument>,
        progress: Option<ProgressArgument>,
    ) -> PyResult<Vec<PyReport>> {
        let passphrase = passphrase.as_deref();
        let reports = watched(py, progress, |watch| {
            let options = options(passphrase, watch);
            self.renewal().apply_files(&files.0, &options)
        })?;
        Ok(reports.into_iter().map(PyReport::new).collect())
    }

    fn __repr__(&self) -> String {
        match &self.ca {
            Ca::Given(ca) => format!("<Renewal by {}>", ca.certificate().subject()),
            Ca::Store(store) => format!("<Renewal in {}>", store.directory().display()),
        }
    }
}

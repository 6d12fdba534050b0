//! What is done for a cluster in a directory.

use std::{path::PathBuf, time::SystemTime};

use etcd_pki_core::{Error, Report, Result, Store};
use pyo3::prelude::*;

use super::{PyCluster, asked::Asked};
use crate::{
    error::{OrRaise as _, work},
    export::PyExported,
    interrupt::{ProgressArgument, on_all_cores, watched},
    plan::{PyPlan, PyReport},
    requests::{PyHostPlan, PySigningPlan},
    store::overwriting,
    text::{PassphraseArgument, Text},
    time::{Instant, instant},
};

#[pymethods]
impl PyCluster {
    /// Reads what is in a directory and decides what is to be done there. Nothing is written.
    ///
    /// `host` plans that host's own directory, `only` leaves all but one name as it is, `rekey` makes a new key wherever a certificate
    /// is renewed, `prune` removes what the specification does not have, and `backup` keeps what is replaced. `replace_links` puts pairs
    /// of their own in the place of links from one file of the directory to another, at which `apply` stops otherwise. `now` is the
    /// time to judge at, the present one unless said otherwise.
    #[pyo3(signature = (
        directory=None, *, host=None, only=None, rekey=false, prune=false, backup=false, replace_links=false, now=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn plan(
        &self,
        py: Python<'_>,
        directory: Option<PathBuf>,
        host: Option<Text>,
        only: Option<Text>,
        rekey: bool,
        prune: bool,
        backup: bool,
        replace_links: bool,
        now: Option<Instant>,
    ) -> PyResult<PyPlan> {
        let store = self.store(directory).or_raise()?;
        let asked = Asked {
            host: host.as_ref().map(|Text(host)| host.as_str()),
            only: only.as_ref().map(|Text(only)| only.as_str()),
            rekey,
            prune,
            backup,
            replace_links,
            now: instant(now),
        };
        let plan = work(py, || on_all_cores(|| asked.plan(&self.cluster, &store)))?;
        Ok(PyPlan::new(plan, store))
    }

    /// Plans and carries it out at once, under the directory's lock, so that several at once do each thing once. Ctrl-C ends it
    /// between two changes, and what is done is whole. `progress` is called with how many changes are done, and of how many.
    #[pyo3(signature = (
        directory=None, *, host=None, only=None, rekey=false, prune=false, backup=false, replace_links=false, passphrase=None,
        progress=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn apply(
        &self,
        py: Python<'_>,
        directory: Option<PathBuf>,
        host: Option<Text>,
        only: Option<Text>,
        rekey: bool,
        prune: bool,
        backup: bool,
        replace_links: bool,
        passphrase: Option<PassphraseArgument>,
        progress: Option<ProgressArgument>,
    ) -> PyResult<PyReport> {
        let store = self.store(directory).or_raise()?;
        let asked = Asked {
            host: host.as_ref().map(|Text(host)| host.as_str()),
            only: only.as_ref().map(|Text(only)| only.as_str()),
            rekey,
            prune,
            backup,
            replace_links,
            now: SystemTime::now(),
        };
        let passphrase = passphrase.as_deref();
        let report = watched(py, progress, |watch| {
            // What need not be written to is not locked, nor made
            let planned = asked.plan(&self.cluster, &store)?;
            if !planned.has_work() {
                if planned.is_worth_recording() {
                    planned.record(&watch.lock(&store)?);
                }
                return Ok(Report::default());
            }
            let files = watch.lock(&store)?;
            let plan = asked.plan(&self.cluster, &store)?;
            plan.apply(&files, passphrase, watch)
        });
        report.map(PyReport)
    }

    /// Reads what a host has, and what has come for it into its folder of a travelling directory, and decides what is to be done
    /// there: which keys to make, which certificates to request, which to install. Nothing is written.
    #[pyo3(signature = (directory=None, *, host, requests, now=None))]
    fn plan_host(
        &self,
        py: Python<'_>,
        directory: Option<PathBuf>,
        host: Text,
        requests: PathBuf,
        now: Option<Instant>,
    ) -> PyResult<PyHostPlan> {
        let store = self.store(directory).or_raise()?;
        let plan = work(py, || {
            on_all_cores(|| {
                self.cluster
                    .plan_host(&store, &host.0, &requests, instant(now))
            })
        })?;
        Ok(PyHostPlan::new(plan, store))
    }

    /// Reads the requests in a travelling directory, where the authority's key is, and decides which are to be signed. Nothing is
    /// written.
    #[pyo3(signature = (directory=None, *, requests, now=None))]
    fn plan_signing(
        &self,
        py: Python<'_>,
        directory: Option<PathBuf>,
        requests: PathBuf,
        now: Option<Instant>,
    ) -> PyResult<PySigningPlan> {
        let store = self.store(directory).or_raise()?;
        let plan = work(py, || {
            on_all_cores(|| self.cluster.plan_signing(&store, &requests, instant(now)))
        })?;
        Ok(PySigningPlan::new(plan, store))
    }

    /// Copies what one host uses into a directory of its own, as it is to lie on that host, never the authority's key. Returns
    /// where each file is, and whose it is not yet.
    #[pyo3(signature = (out, *, host, directory=None, overwrite=false))]
    fn export(
        &self,
        py: Python<'_>,
        out: PathBuf,
        host: Text,
        directory: Option<PathBuf>,
        overwrite: bool,
    ) -> PyResult<PyExported> {
        let store = self.store(directory).or_raise()?;
        let overwrite = overwriting(overwrite);
        work(py, || self.cluster.export(&store, &host.0, &out, overwrite)).map(PyExported)
    }
}

impl PyCluster {
    /// The store that is meant: where it was said, or where the specification says.
    fn store(&self, directory: Option<PathBuf>) -> Result<Store> {
        let directory = directory.or_else(|| self.directory.clone());
        let directory = directory.ok_or_else(|| Error::Specification {
            position: None,
            field: "directory".to_owned(),
            reason: "there is none, and none was given".to_owned(),
            hint: Some("say where, such as plan(\"/etc/ssl/etcd/ssl\")".to_owned()),
        })?;
        Ok(Store::new(directory, self.cluster.layout()))
    }
}

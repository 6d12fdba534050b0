//! Planning, applying and exporting a cluster.

use std::path::PathBuf;

use etcd_pki_core::{Error, PlanOptions, Result, Store};
use pyo3::prelude::*;

use super::PyCluster;
use crate::{
    error::{OrRaise as _, work},
    export::PyExported,
    files::overwriting,
    interrupt::{ProgressArgument, on_all_cores, watched},
    plan::{PyPlan, PyReport, options},
    store::PyStore,
    text::{PassphraseArgument, Text},
    time::Instant,
};

/// A directory, given as a store or by its path.
pub(super) enum StoreArgument {
    Store(Store),
    Directory(PathBuf),
}

impl FromPyObject<'_, '_> for StoreArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        match object.cast::<PyStore>() {
            Ok(store) => Ok(Self::Store(store.get().0.clone())),
            Err(_) => object.extract().map(Self::Directory),
        }
    }
}

#[pymethods]
impl PyCluster {
    /// Reads a directory, a `Store` or a path, and decides what must change. It writes nothing.
    ///
    /// `host` plans the files of one host, with the paths that they have on that host. With
    /// `exchange`, keys stay on their hosts, and requests and certificates are exchanged through
    /// this directory: with `host` the plan is for that host, without it for the requests of all
    /// hosts, where the CA is. `trust` has the SHA-256 fingerprints of CA certificates that the
    /// host may trust if they arrive in it: without them it trusts the CAs in its own CA file, and
    /// those that they vouch for. `only` plans the pairs of one host or client. `rekey` makes a new
    /// key for each certificate that is renewed, and for a key that cannot be read. `prune` removes
    /// the pairs that are not in the specification, and `part_only` ignores them: it covers only a
    /// part of the directory. `backup` keeps what is replaced or removed. `replace_links` replaces
    /// links from one file of the directory to another with pairs of their own. `now` is the time
    /// to judge at, the present one by default.
    #[pyo3(signature = (
        store=None, *, host=None, exchange=None, trust=None, only=None, rekey=false, prune=false, part_only=false,
        backup=false, replace_links=false, now=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn plan(
        &self,
        py: Python<'_>,
        store: Option<StoreArgument>,
        host: Option<Text>,
        exchange: Option<PathBuf>,
        trust: Option<Vec<Text>>,
        only: Option<Text>,
        rekey: bool,
        prune: bool,
        part_only: bool,
        backup: bool,
        replace_links: bool,
        now: Option<Instant>,
    ) -> PyResult<PyPlan> {
        let store = self.store(store).or_raise()?;
        let switches = [rekey, prune, part_only, backup, replace_links];
        let exchange = (exchange, trust.unwrap_or_default());
        let options = plan_options(host, exchange, only, switches, now).or_raise()?;
        let plan = || self.cluster.plan_with(&store, &options);
        work(py, || on_all_cores(plan)).map(PyPlan)
    }

    /// Plans and applies under the lock of the directory, so that of several processes at once each
    /// change is made by one. The keywords are those of `plan` and of `Plan.apply`. A failing step
    /// does not stop the others: it is in the report. Ctrl-C stops it between two changes, and what
    /// is done is complete.
    #[pyo3(signature = (
        store=None, *, host=None, exchange=None, trust=None, only=None, rekey=false, prune=false, part_only=false,
        backup=false, replace_links=false, now=None, passphrase=None, progress=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn apply(
        &self,
        py: Python<'_>,
        store: Option<StoreArgument>,
        host: Option<Text>,
        exchange: Option<PathBuf>,
        trust: Option<Vec<Text>>,
        only: Option<Text>,
        rekey: bool,
        prune: bool,
        part_only: bool,
        backup: bool,
        replace_links: bool,
        now: Option<Instant>,
        passphrase: Option<PassphraseArgument>,
        progress: Option<ProgressArgument>,
    ) -> PyResult<PyReport> {
        let store = self.store(store).or_raise()?;
        let switches = [rekey, prune, part_only, backup, replace_links];
        let exchange = (exchange, trust.unwrap_or_default());
        let plan = plan_options(host, exchange, only, switches, now).or_raise()?;
        let passphrase = passphrase.as_deref();
        let report = watched(py, progress, |watch| {
            self.cluster
                .apply(&store, &plan, &options(passphrase, watch))
        });
        report.map(PyReport::new)
    }

    /// Copies what one host uses into a directory of its own, with the paths that the files have on
    /// that host, and never a CA's key.
    #[pyo3(signature = (out, *, host, store=None, overwrite=false))]
    fn export(
        &self,
        py: Python<'_>,
        out: PathBuf,
        host: Text,
        store: Option<StoreArgument>,
        overwrite: bool,
    ) -> PyResult<PyExported> {
        let store = self.store(store).or_raise()?;
        let overwrite = overwriting(overwrite);
        work(py, || self.cluster.export(&store, &host.0, &out, overwrite)).map(PyExported)
    }
}

fn plan_options(
    host: Option<Text>,
    (exchange, trust): (Option<PathBuf>, Vec<Text>),
    only: Option<Text>,
    [rekey, prune, part_only, backup, replace_links]: [bool; 5],
    now: Option<Instant>,
) -> Result<PlanOptions> {
    let mut options = PlanOptions::new();
    if let Some(Text(host)) = host {
        options = options.with_host(host);
    }
    if let Some(exchange) = exchange {
        options = options.with_exchange(exchange);
    }
    for Text(fingerprint) in trust {
        options = options.with_trust(fingerprint.parse()?);
    }
    if let Some(Text(only)) = only {
        options = options.with_only(only);
    }
    if rekey {
        options = options.with_rekey();
    }
    if prune {
        options = options.with_prune();
    }
    if part_only {
        options = options.with_part_only();
    }
    if backup {
        options = options.with_backup();
    }
    if replace_links {
        options = options.with_replace_links();
    }
    Ok(match now {
        Some(Instant(now)) => options.at(now),
        None => options,
    })
}

impl PyCluster {
    /// The given store, or the directory of the specification.
    fn store(&self, given: Option<StoreArgument>) -> Result<Store> {
        let directory = match given {
            Some(StoreArgument::Store(store)) => return Ok(store),
            Some(StoreArgument::Directory(directory)) => Some(directory),
            None => self.directory.clone(),
        };
        let directory = directory.ok_or_else(|| Error::Specification {
            position: None,
            field: "directory".to_owned(),
            reason: "there is none, and none was given".to_owned(),
            hint: Some("give one, such as plan(\"/etc/ssl/etcd/ssl\")".to_owned()),
        })?;
        Ok(Store::new(directory, self.cluster.layout()))
    }
}

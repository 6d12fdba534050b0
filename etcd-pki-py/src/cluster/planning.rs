//! Planning, applying and exporting a cluster.

use std::path::PathBuf;

use etcd_pki_core::{Error, Result, Store, plan::PlanOptions};
use pyo3::{prelude::*, types::PyBool};

use super::PyCluster;
use crate::{
    error::{OrRaise as _, work},
    export::{PyExportChanges, PyExported},
    files::overwriting,
    interrupt::{ProgressArgument, on_all_cores, watched},
    plan::{PyPlan, PyReport, options},
    store::PyStore,
    text::{Listed, PassphraseArgument, Text, expected, items},
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

/// Which pairs are removed, given as `bool` or as the names of hosts and clients.
enum PruneArgument {
    Nothing,
    All,
    Names(Vec<String>),
}

impl FromPyObject<'_, '_> for PruneArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(all) = object.cast::<PyBool>() {
            return Ok(if all.is_true() {
                Self::All
            } else {
                Self::Nothing
            });
        }
        if items(&object).is_none() {
            return Err(expected("bool or an iterable of names", &object));
        }
        let Listed(names) = object.extract::<Listed<Text>>()?;
        Ok(Self::Names(
            names.into_iter().map(|Text(name)| name).collect(),
        ))
    }
}

#[pymethods]
impl PyCluster {
    /// Reads a directory, a `Store` or a path, and plans the changes. It writes nothing.
    ///
    /// `host` plans the files of one host, with the paths that they have on that host. With
    /// `exchange`, keys stay on their hosts, and requests and certificates are exchanged through
    /// this directory: with `host` the plan is for that host, without it for the requests of all
    /// hosts, where the CA is. `trust` has the SHA-256 fingerprints of CA certificates that the
    /// host may trust if they arrive in it: without them it trusts the CAs in its own CA file,
    /// and those that they vouch for. `only` plans the pairs of one host or client. `rekey`
    /// generates a new key for each certificate that is renewed, and for a key that cannot be read.
    /// `prune=True` removes the pairs that are not in the specification, with `only` those of
    /// that name; names remove the pairs of these hosts and clients alone. What is removed
    /// stays valid until it expires. `revoke` revokes it, and certificates that get a new key.
    /// `part_only` ignores these pairs: the specification covers
    /// a part of the directory. `backup` keeps what is replaced or removed. `replace_links`
    /// replaces links from one file of the directory to another with pairs of their own. `now` is
    /// the time of the plan, the present one by default.
    #[pyo3(signature = (
        store=None, *, host=None, exchange=None, trust=None, only=None, rekey=false, prune=None, part_only=false,
        backup=false, replace_links=false, revoke=false, now=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn plan(
        &self,
        py: Python<'_>,
        store: Option<StoreArgument>,
        host: Option<Text>,
        exchange: Option<PathBuf>,
        trust: Option<Listed<Text>>,
        only: Option<Text>,
        rekey: bool,
        prune: Option<PruneArgument>,
        part_only: bool,
        backup: bool,
        replace_links: bool,
        revoke: bool,
        now: Option<Instant>,
    ) -> PyResult<PyPlan> {
        let store = self.store(store).or_raise()?;
        let switches = [rekey, part_only, backup, replace_links, revoke];
        let exchange = (exchange, trust.unwrap_or_default().0);
        let options = plan_options(host, exchange, only, prune, switches, now).or_raise()?;
        let plan = || self.cluster.plan_with(&store, &options);
        work(py, || on_all_cores(plan)).map(PyPlan)
    }

    /// Plans and applies under the lock of the directory, so that of several processes only one
    /// makes each change. The keywords are those of `plan` and of `Plan.apply`. A failing step does
    /// not stop the others: it is in the report. Ctrl-C stops it between two changes, and each
    /// change that was made is complete.
    #[pyo3(signature = (
        store=None, *, host=None, exchange=None, trust=None, only=None, rekey=false, prune=None, part_only=false,
        backup=false, replace_links=false, revoke=false, now=None, passphrase=None, progress=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn apply(
        &self,
        py: Python<'_>,
        store: Option<StoreArgument>,
        host: Option<Text>,
        exchange: Option<PathBuf>,
        trust: Option<Listed<Text>>,
        only: Option<Text>,
        rekey: bool,
        prune: Option<PruneArgument>,
        part_only: bool,
        backup: bool,
        replace_links: bool,
        revoke: bool,
        now: Option<Instant>,
        passphrase: Option<PassphraseArgument>,
        progress: Option<ProgressArgument>,
    ) -> PyResult<PyReport> {
        let store = self.store(store).or_raise()?;
        let switches = [rekey, part_only, backup, replace_links, revoke];
        let exchange = (exchange, trust.unwrap_or_default().0);
        let plan = plan_options(host, exchange, only, prune, switches, now).or_raise()?;
        let passphrase = passphrase.as_deref();
        let report = watched(py, progress, |watch| {
            self.cluster
                .apply(&store, &plan, &options(passphrase, watch))
        });
        report.map(PyReport::new)
    }

    /// Copies the files of one host into a separate directory, with the paths that they have on
    /// that host, and never a CA's key. With `overwrite=True`, files of an earlier export that the
    /// host no longer uses stay in the directory, private keys included, and `other_files` of the result
    /// lists them.
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

    /// The files that `export` would change in a directory, which need not exist. Changes nothing.
    #[pyo3(signature = (out, *, host, store=None))]
    fn export_changes(
        &self,
        py: Python<'_>,
        out: PathBuf,
        host: Text,
        store: Option<StoreArgument>,
    ) -> PyResult<PyExportChanges> {
        let store = self.store(store).or_raise()?;
        work(py, || self.cluster.export_changes(&store, &host.0, &out)).map(PyExportChanges)
    }
}

fn plan_options(
    host: Option<Text>,
    (exchange, trust): (Option<PathBuf>, Vec<Text>),
    only: Option<Text>,
    prune: Option<PruneArgument>,
    [rekey, part_only, backup, replace_links, revoke]: [bool; 5],
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
    match prune {
        Some(PruneArgument::All) => options = options.with_prune(),
        Some(PruneArgument::Names(names)) => options = options.with_prune_names(names),
        Some(PruneArgument::Nothing) | None => {}
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
    if revoke {
        options = options.with_revoke();
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

//! The specification of a cluster.

mod admin;
mod asked;
mod authority;
mod defaults;
mod entry;
mod files;
mod wanted;

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use etcd_pki_core::{Cluster, ClusterAdmin, Error, Layout, Overwrite, Result, Store, read_file};
use pyo3::{
    prelude::*,
    types::{IntoPyDict as _, PyBool, PyString},
};

use self::asked::Asked;
pub(crate) use self::{
    admin::PyClusterAdmin, authority::PyClusterAuthority, defaults::PyClusterDefaults,
    entry::PyClusterEntry, files::PyClusterFiles, wanted::PyWanted,
};
use crate::{
    authority::instant,
    error::{OrRaise as _, work},
    export::PyExported,
    interrupt::{on_all_cores, watched},
    plan::{PyPlan, PyReport},
    requests::{PyHostPlan, PySigningPlan},
    text::{Listed, Names, PassphraseArgument, Text, expected, names_out, passphrase},
    time::Instant,
    words::Word,
};

/// The specification of a cluster: its authority, members, nodes and clients, and where their files are.
///
/// A value that exists is free of contradictions: names are unique, addresses are one member's, no two pairs share a file, and
/// every certificate could be made.
///
/// `members`, `nodes` and `clients` are entries, or names where a name is all there is to say. `shared_names` are in every
/// member's certificate. Files lie in `directory` as `layout` has them; without it, `plan` and `apply` are told where.
/// `authority`, `defaults` and `files` say what is other than usual, for the authority, for all entries and for who may read
/// the files. `admin` is what the client beside each member has other than all others, and `False` leaves it out.
///
/// >>> from etcd_pki import Cluster, ClusterEntry
/// >>> cluster = Cluster(
/// ...     members=[ClusterEntry("etcd-1", names=["10.0.0.11"]), ClusterEntry("etcd-2", names=["10.0.0.12"])],
/// ...     clients=["root"],
/// ... )
/// >>> [wanted.paths.certificate.name for wanted in cluster.wanted()]
/// ['ca.pem', 'member-etcd-1.pem', 'admin-etcd-1.pem', 'member-etcd-2.pem', 'admin-etcd-2.pem', 'client-root.pem']
/// >>> report = cluster.apply("ssl")
/// >>> report.created
/// 6
/// >>> cluster.plan("ssl").has_work
/// False
#[pyclass(frozen, eq, hash, name = "Cluster", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyCluster {
    cluster: Cluster,
    /// The directory as seen from whoever reads it
    directory: Option<PathBuf>,
}

impl std::hash::Hash for PyCluster {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.cluster.to_yaml().hash(state);
    }
}

impl PyCluster {
    pub(crate) fn new(cluster: Cluster) -> Self {
        let directory = cluster.directory().map(Path::to_owned);
        Self { cluster, directory }
    }

    fn store(&self, directory: Option<PathBuf>) -> Result<Store> {
        let directory = directory.or_else(|| self.directory.clone());
        let directory = directory.ok_or_else(|| Error::Specification {
            position: None,
            field: "directory".to_owned(),
            reason: "there is none, and none was given".to_owned(),
            hint: Some("say where, such as plan(\"/etc/ssl/etcd/ssl\")".to_owned()),
        })?;
        Ok(Store::open(directory, self.cluster.layout()))
    }
}

/// The client beside each member: what it has other than all others, or whether there is one.
enum Admin {
    Said(ClusterAdmin),
    Usual,
    Nobody,
}

impl FromPyObject<'_, '_> for Admin {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(admin) = object.cast::<PyClusterAdmin>() {
            return Ok(Self::Said(admin.get().0.clone()));
        }
        match object.cast::<PyBool>() {
            Ok(usual) if usual.is_true() => Ok(Self::Usual),
            Ok(_) => Ok(Self::Nobody),
            Err(_) => Err(expected("ClusterAdmin or bool", &object)),
        }
    }
}

#[pymethods]
impl PyCluster {
    #[new]
    #[pyo3(
        signature = (
            *, members=Listed::default(), nodes=Listed::default(), clients=Listed::default(), shared_names=Names::default(),
            layout=Word(Layout::Kubespray), directory=None, authority=None, defaults=None, admin=Admin::Usual, files=None
        ),
        text_signature = "(*, members=(), nodes=(), clients=(), shared_names=(), layout='kubespray', directory=None, authority=None, \
            defaults=None, admin=True, files=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn build(
        members: Listed<PyClusterEntry>,
        nodes: Listed<PyClusterEntry>,
        clients: Listed<PyClusterEntry>,
        shared_names: Names,
        layout: Word<Layout>,
        directory: Option<PathBuf>,
        authority: Option<&Bound<'_, PyClusterAuthority>>,
        defaults: Option<&Bound<'_, PyClusterDefaults>>,
        admin: Admin,
        files: Option<&Bound<'_, PyClusterFiles>>,
    ) -> PyResult<Self> {
        let entries =
            |Listed(entries): Listed<PyClusterEntry>| entries.into_iter().map(|entry| entry.0);
        let mut builder = Cluster::builder()
            .layout(layout.0)
            .shared_names(shared_names.0)
            .members(entries(members))
            .nodes(entries(nodes))
            .clients(entries(clients));
        if let Some(directory) = directory {
            builder = builder.directory(directory);
        }
        if let Some(authority) = authority {
            builder = builder.authority(authority.get().0.clone());
        }
        if let Some(defaults) = defaults {
            builder = builder.defaults(defaults.get().0);
        }
        if let Some(files) = files {
            builder = builder.files(files.get().0.clone());
        }
        builder = match admin {
            Admin::Said(admin) => builder.admin(admin),
            Admin::Usual => builder,
            Admin::Nobody => builder.without_admin(),
        };
        builder.build().or_raise().map(Self::new)
    }

    /// Reads a specification in YAML, and so in JSON.
    #[staticmethod]
    fn from_yaml(text: Text) -> PyResult<Self> {
        Cluster::from_yaml(&text.0).or_raise().map(Self::new)
    }

    /// Reads a specification from a file. Its `directory` is seen from there.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let cluster = work(py, || {
            let bytes = read_file(&path)?;
            let read = String::from_utf8(bytes).map_err(|error| Error::Malformed {
                what: "specification",
                place: None,
                reason: error.to_string(),
            });
            read.and_then(|text| Cluster::from_yaml(&text))
                .map_err(|error| error.in_file(&path))
        })?;
        let parent = path.parent().unwrap_or(Path::new(""));
        let directory = cluster.directory().map(|below| parent.join(below));
        Ok(Self { cluster, directory })
    }

    /// Takes a specification as a dictionary of what YAML would hold. Other objects, such as those of `ipaddress`, stand for their text.
    #[staticmethod]
    fn from_mapping(py: Python<'_>, mapping: &Bound<'_, PyAny>) -> PyResult<Self> {
        let json: Text = py
            .import("json")?
            .call_method(
                "dumps",
                (mapping,),
                Some(&[("default", py.get_type::<PyString>())].into_py_dict(py)?),
            )?
            .extract()?;
        Self::from_yaml(json)
    }

    /// The specification in YAML, which says the same when it is read.
    fn to_yaml(&self) -> String {
        self.cluster.to_yaml()
    }

    /// The layout.
    #[getter]
    fn layout(&self) -> Word<Layout> {
        Word(self.cluster.layout())
    }

    /// The directory, if the specification says one.
    #[getter]
    fn directory(&self) -> Option<PathBuf> {
        self.directory.clone()
    }

    /// The authority.
    #[getter]
    fn authority(&self) -> PyClusterAuthority {
        PyClusterAuthority(self.cluster.authority().clone())
    }

    /// What entries have that do not say it themselves.
    #[getter]
    fn defaults(&self) -> PyClusterDefaults {
        PyClusterDefaults(*self.cluster.defaults())
    }

    /// The names in every member's certificate.
    #[getter]
    fn shared_names<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        names_out(py, self.cluster.shared_names())
    }

    /// The members.
    #[getter]
    fn members(&self) -> Vec<PyClusterEntry> {
        PyClusterEntry::all(self.cluster.members())
    }

    /// The nodes.
    #[getter]
    fn nodes(&self) -> Vec<PyClusterEntry> {
        PyClusterEntry::all(self.cluster.nodes())
    }

    /// The clients.
    #[getter]
    fn clients(&self) -> Vec<PyClusterEntry> {
        PyClusterEntry::all(self.cluster.clients())
    }

    /// What the client beside each member has other than all others; `None` if there is none.
    #[getter]
    fn admin(&self) -> Option<PyClusterAdmin> {
        self.cluster.admin().cloned().map(PyClusterAdmin)
    }

    /// Owner, group and modes of the files.
    #[getter]
    fn files(&self) -> PyClusterFiles {
        PyClusterFiles(self.cluster.files().clone())
    }

    /// The hosts: members and nodes by name, each once.
    #[getter]
    fn hosts(&self) -> Vec<&str> {
        self.cluster.hosts()
    }

    /// What must exist, in the order in which it is made; with `host`, what that host uses, as it lies there.
    #[pyo3(signature = (host=None))]
    fn wanted(&self, host: Option<Text>) -> PyResult<Vec<PyWanted>> {
        let host = host.as_ref().map(|Text(host)| host.as_str());
        let wanted = self.cluster.wanted(host).or_raise()?;
        Ok(wanted.into_iter().map(PyWanted).collect())
    }

    /// Reads what is in a directory and decides what is to be done there. Nothing is written.
    ///
    /// `host` plans that host's own directory, `only` leaves all but one name as it is, `rekey` makes a new key wherever a certificate
    /// is renewed, `prune` removes what the specification does not have, and `backup` keeps what is replaced. `now` is the time to
    /// judge at, the present one unless said otherwise.
    #[pyo3(signature = (directory=None, *, host=None, only=None, rekey=false, prune=false, backup=false, now=None))]
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
        now: Option<Instant>,
    ) -> PyResult<PyPlan> {
        let store = self.store(directory).or_raise()?;
        let asked = Asked {
            host: host.as_ref().map(|Text(host)| host.as_str()),
            only: only.as_ref().map(|Text(only)| only.as_str()),
            rekey,
            prune,
            backup,
            now: instant(now),
        };
        let plan = work(py, || on_all_cores(|| asked.plan(&self.cluster, &store)))?;
        Ok(PyPlan::new(plan, store))
    }

    /// Plans and carries it out at once, under the directory's lock, so that several at once do each thing once. Ctrl-C ends it
    /// between two changes, and what is done is whole. `progress` is called with how many changes are done, and of how many.
    #[pyo3(signature = (
        directory=None, *, host=None, only=None, rekey=false, prune=false, backup=false, passphrase=None, progress=None
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
        passphrase: Option<PassphraseArgument>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<PyReport> {
        let store = self.store(directory).or_raise()?;
        let asked = Asked {
            host: host.as_ref().map(|Text(host)| host.as_str()),
            only: only.as_ref().map(|Text(only)| only.as_str()),
            rekey,
            prune,
            backup,
            now: SystemTime::now(),
        };
        let passphrase = passphrase.as_ref();
        let report = watched(py, progress, |watch| {
            // What need not be written to is not locked, nor made
            let planned = asked.plan(&self.cluster, &store)?;
            if !planned.has_work() {
                if planned.is_worth_recording() {
                    planned.record(&store.lock()?);
                }
                return Ok(etcd_pki_core::Report::default());
            }
            let files = store.lock()?;
            let plan = asked.plan(&self.cluster, &store)?;
            plan.apply(&files, self::passphrase(passphrase), watch)
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

    fn __repr__(&self) -> String {
        format!(
            "<Cluster of {} members, {} nodes and {} clients, {} layout>",
            self.cluster.members().len(),
            self.cluster.nodes().len(),
            self.cluster.clients().len(),
            self.cluster.layout()
        )
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        let from_yaml = slf.get_type().getattr("from_yaml")?;
        Ok((from_yaml, (slf.get().to_yaml(),)))
    }
}

/// Whether a file that exists may be replaced.
pub(crate) fn overwriting(overwrite: bool) -> Overwrite {
    if overwrite {
        Overwrite::Replace
    } else {
        Overwrite::Refuse
    }
}

//! The specification of a cluster.

mod admin;
mod asked;
mod authority;
mod defaults;
mod entry;
mod files;
mod planning;
mod reading;
mod wanted;

use std::path::{Path, PathBuf};

use etcd_pki_core::{Cluster, Layout};
use pyo3::prelude::*;

use self::admin::AdminArgument;
pub(crate) use self::{
    admin::PyClusterAdmin, authority::PyClusterAuthority, defaults::PyClusterDefaults,
    entry::PyClusterEntry, files::PyClusterFiles, wanted::PyWanted,
};
use crate::{
    error::OrRaise as _,
    text::{Listed, Names, Text, names_out},
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
/// In YAML, `authority` is called `ca`, the `compatibility` of the defaults `profile`, and addresses stand apart from names.
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
}

#[pymethods]
impl PyCluster {
    #[new]
    #[pyo3(
        signature = (
            *, members=Listed::default(), nodes=Listed::default(), clients=Listed::default(), shared_names=Names::default(),
            layout=Word(Layout::Kubespray), directory=None, authority=None, defaults=None, admin=AdminArgument::Usual, files=None
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
        admin: AdminArgument,
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
            AdminArgument::Said(admin) => builder.admin(admin),
            AdminArgument::Usual => builder,
            AdminArgument::Nobody => builder.without_admin(),
        };
        builder.build().or_raise().map(Self::new)
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
        Ok((from_yaml, (slf.get().cluster.to_yaml(),)))
    }
}

//! The specification of a cluster.

mod admin;
mod ca;
mod defaults;
mod desired;
mod endpoints;
mod entry;
mod files;
mod planning;
mod reading;
mod revoked;

use std::path::{Path, PathBuf};

use etcd_pki_core::{Cluster, Layout, cluster::ClusterSpec};
use pyo3::prelude::*;

use self::admin::AdminArgument;
pub(crate) use self::{
    admin::PyClusterAdmin,
    ca::PyClusterCa,
    defaults::PyClusterDefaults,
    desired::{PyDesired, PyDesiredCa, PyDesiredPair},
    endpoints::{Port, PyMemberEndpoints},
    entry::PyClusterEntry,
    files::PyClusterFiles,
    revoked::PyClusterRevoked,
};
use crate::{
    error::OrRaise as _,
    text::{Listed, Names, Text, names_out},
    words::Word,
};

/// The specification of a cluster: its CA, members, nodes and clients, and where their files are.
///
/// A value that exists has no contradictions: names are unique, addresses belong to one member, no
/// two pairs share a file, and every certificate can be issued.
///
/// `members`, `nodes` and `clients` are entries, or names where a name is enough. `shared_names`
/// are in every member's certificate. Files are in `directory` with the names of `layout`; without
/// it, `plan` and `apply` need one. `ca`, `defaults` and `files` change the defaults of the
/// CA, of all entries, and of the files' permissions. `admin` is the client next to each member,
/// and `False` leaves it out. `client_port` and `peer_port` are the ports of all members, by default
/// 2379 and 2380.
/// `revoked` are certificates that `apply` adds to the revocation lists.
///
/// In YAML, the `compatibility` of the defaults is called `profile`, and addresses are separate
/// from names.
///
/// >>> from etcd_pki import Cluster, ClusterEntry
/// >>> cluster = Cluster(
/// ...     members=[ClusterEntry("etcd-1", names=["10.0.0.11"]), ClusterEntry("etcd-2", names=["10.0.0.12"])],
/// ...     clients=["root"],
/// ... )
/// >>> [pair.paths.certificate.name for pair in cluster.desired().pairs]
/// ['member-etcd-1.pem', 'admin-etcd-1.pem', 'member-etcd-2.pem', 'admin-etcd-2.pem', 'client-root.pem']
/// >>> cluster.apply("ssl").changed
/// 6
/// >>> cluster.plan("ssl").has_work
/// False
#[pyclass(frozen, eq, hash, name = "Cluster", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyCluster {
    cluster: Cluster,
    /// The directory, relative to the working directory
    directory: Option<PathBuf>,
}

impl std::hash::Hash for PyCluster {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.cluster.to_yaml().hash(state);
    }
}

impl PyCluster {
    pub(crate) fn specification(&self) -> &Cluster {
        &self.cluster
    }

    pub(crate) fn new(cluster: Cluster) -> Self {
        let directory = cluster.directory().map(Path::to_owned);
        Self { cluster, directory }
    }
}

/// Refuses a part of a specification as early as it is given.
fn check(spec: ClusterSpec) -> PyResult<()> {
    Cluster::try_from(spec).or_raise().map(|_| ())
}

#[pymethods]
impl PyCluster {
    #[new]
    #[pyo3(
        signature = (
            *, members=Listed::default(), nodes=Listed::default(), clients=Listed::default(), shared_names=Names::default(),
            layout=Word(Layout::Kubespray), directory=None, ca=None, defaults=None, admin=AdminArgument::Usual, files=None,
            client_port=None, peer_port=None, revoked=Listed::default()
        ),
        text_signature = "(*, members=(), nodes=(), clients=(), shared_names=(), layout='kubespray', directory=None, ca=None, \
            defaults=None, admin=True, files=None, client_port=None, peer_port=None, revoked=())"
    )]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn build(
        members: Listed<PyClusterEntry>,
        nodes: Listed<PyClusterEntry>,
        clients: Listed<PyClusterEntry>,
        shared_names: Names,
        layout: Word<Layout>,
        directory: Option<PathBuf>,
        ca: Option<&Bound<'_, PyClusterCa>>,
        defaults: Option<&Bound<'_, PyClusterDefaults>>,
        admin: AdminArgument,
        files: Option<&Bound<'_, PyClusterFiles>>,
        client_port: Option<Port>,
        peer_port: Option<Port>,
        revoked: Listed<PyClusterRevoked>,
    ) -> PyResult<Self> {
        let entries = |Listed(entries): Listed<PyClusterEntry>| {
            entries.into_iter().map(|entry| entry.0).collect()
        };
        let default = ClusterSpec::default();
        let cluster = Cluster::try_from(ClusterSpec {
            layout: layout.0,
            directory,
            ca: ca.map_or(default.ca, |ca| ca.get().0.clone()),
            defaults: defaults.map_or(default.defaults, |defaults| defaults.get().0.clone()),
            shared_names: shared_names.0,
            members: entries(members),
            nodes: entries(nodes),
            clients: entries(clients),
            admin: match admin {
                AdminArgument::Given(admin) => Some(admin),
                AdminArgument::Usual => default.admin,
                AdminArgument::Nobody => None,
            },
            files: files.map_or(default.files, |files| files.get().0.clone()),
            ports: Port::ports(client_port, peer_port),
            revoked: revoked.0.into_iter().map(|one| one.0).collect(),
        });
        cluster.or_raise().map(Self::new)
    }

    /// The layout.
    #[getter]
    fn layout(&self) -> Word<Layout> {
        Word(self.cluster.layout())
    }

    /// The directory, if the specification has one.
    #[getter]
    fn directory(&self) -> Option<PathBuf> {
        self.directory.clone()
    }

    /// The CA.
    #[getter]
    fn ca(&self) -> PyClusterCa {
        PyClusterCa(self.cluster.spec().ca.clone())
    }

    /// The defaults of entries.
    #[getter]
    fn defaults(&self) -> PyClusterDefaults {
        PyClusterDefaults(self.cluster.spec().defaults.clone())
    }

    /// The names in every member's certificate.
    #[getter]
    fn shared_names<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        names_out(py, &self.cluster.spec().shared_names)
    }

    /// The members.
    #[getter]
    fn members(&self) -> Vec<PyClusterEntry> {
        PyClusterEntry::all(&self.cluster.spec().members)
    }

    /// The nodes.
    #[getter]
    fn nodes(&self) -> Vec<PyClusterEntry> {
        PyClusterEntry::all(&self.cluster.spec().nodes)
    }

    /// The clients.
    #[getter]
    fn clients(&self) -> Vec<PyClusterEntry> {
        PyClusterEntry::all(&self.cluster.spec().clients)
    }

    /// The client next to each member; `None` if there is none.
    #[getter]
    fn admin(&self) -> Option<PyClusterAdmin> {
        self.cluster.spec().admin.clone().map(PyClusterAdmin)
    }

    /// Owner, group and modes of the files.
    #[getter]
    fn files(&self) -> PyClusterFiles {
        PyClusterFiles(self.cluster.spec().files.clone())
    }

    /// The port of all members for clients, if it is specified.
    #[getter]
    fn client_port(&self) -> Option<u16> {
        self.cluster.spec().ports.client
    }

    /// The port of all members for peers, if it is specified.
    #[getter]
    fn peer_port(&self) -> Option<u16> {
        self.cluster.spec().ports.peer
    }

    /// The endpoints of each member, in the order of the specification. The host is the member's
    /// first address that no other member has, or its first address, or its first name, or its
    /// name.
    #[getter]
    fn endpoints(&self) -> Vec<PyMemberEndpoints> {
        let endpoints = self.cluster.endpoints().into_iter();
        endpoints.map(PyMemberEndpoints).collect()
    }

    /// The certificates that are revoked.
    #[getter]
    fn revoked(&self) -> Vec<PyClusterRevoked> {
        let revoked = self.cluster.spec().revoked.iter().cloned();
        revoked.map(PyClusterRevoked).collect()
    }

    /// The hosts: members and nodes by name, each once.
    #[getter]
    fn hosts(&self) -> Vec<&str> {
        self.cluster.hosts()
    }

    /// Everything that must exist for the cluster, in the order in which it is created; with
    /// `host`, what that host needs, with the paths that the files have on it.
    #[pyo3(signature = (*, host=None))]
    fn desired(&self, host: Option<Text>) -> PyResult<PyDesired> {
        let desired = match host {
            Some(Text(host)) => self.cluster.desired_on(&host),
            None => self.cluster.desired(),
        };
        desired.or_raise().map(PyDesired)
    }

    fn __repr__(&self) -> String {
        format!(
            "<Cluster of {} members, {} nodes and {} clients, {} layout>",
            self.cluster.spec().members.len(),
            self.cluster.spec().nodes.len(),
            self.cluster.spec().clients.len(),
            self.cluster.layout()
        )
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        let from_yaml = slf.get_type().getattr("from_yaml")?;
        Ok((from_yaml, (slf.get().cluster.to_yaml(),)))
    }
}

//! The specification of a cluster: who is in it, and what follows for its files.

mod admin;
mod authority;
mod check;
mod defaults;
mod desired;
mod entry;
mod fault;
mod files;
mod renewal;
mod resolver;
mod terms;
#[cfg(feature = "yaml")]
mod yaml;

use std::path::{Path, PathBuf};

pub use self::{
    admin::ClusterAdmin,
    authority::{ClusterAuthority, Peers},
    defaults::ClusterDefaults,
    desired::{Desired, DesiredCa, DesiredPair},
    entry::ClusterEntry,
    files::ClusterFiles,
    renewal::RenewBefore,
};
use self::{fault::Fault, resolver::EntryIndex};
use crate::{error::Result, identity::AlternativeName, layout::Layout, role::Role};

/// The specification of a cluster: its authority, members, nodes and clients, and where their files are.
///
/// A value that exists is free of contradictions: names are unique, addresses are one member's, no two pairs share a file, and
/// every certificate could be made. It is built here, or read from YAML with `Cluster::from_yaml`.
///
/// ```
/// use etcd_pki_core::{Cluster, Identity, Layout};
///
/// let cluster = Cluster::builder()
///     .layout(Layout::Kubespray)
///     .members([
///         Identity::new("etcd-1")?.with_names(["etcd-1.lan", "10.0.0.11"])?,
///         Identity::new("etcd-2")?.with_names(["10.0.0.12"])?,
///     ])
///     .clients([Identity::new("root")?])
///     .build()?;
///
/// let desired = cluster.desired()?;
/// assert!(desired.cas[0].paths.certificate.ends_with("ca.pem"));
/// assert!(desired.pairs[0].paths.certificate.ends_with("member-etcd-1.pem"));
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    layout: Layout,
    directory: Option<PathBuf>,
    authority: ClusterAuthority,
    defaults: ClusterDefaults,
    shared_names: Vec<AlternativeName>,
    members: Vec<ClusterEntry>,
    nodes: Vec<ClusterEntry>,
    clients: Vec<ClusterEntry>,
    admin: Option<ClusterAdmin>,
    files: ClusterFiles,
}

/// A cluster in the making. [`ClusterBuilder::build`] refuses what contradicts itself.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClusterBuilder(Cluster);

impl Cluster {
    /// Begins a cluster without members, in the layout of Kubespray, with the defaults of each part.
    pub fn builder() -> ClusterBuilder {
        ClusterBuilder(Self {
            layout: Layout::default(),
            directory: None,
            authority: ClusterAuthority::default(),
            defaults: ClusterDefaults::default(),
            shared_names: Vec::new(),
            members: Vec::new(),
            nodes: Vec::new(),
            clients: Vec::new(),
            admin: Some(ClusterAdmin::default()),
            files: ClusterFiles::default(),
        })
    }

    /// What the files are called.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The directory of the files, as it was said.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// The authority.
    #[must_use]
    pub fn authority(&self) -> &ClusterAuthority {
        &self.authority
    }

    /// What certificates have unless their own entry says otherwise.
    #[must_use]
    pub fn defaults(&self) -> &ClusterDefaults {
        &self.defaults
    }

    /// Names and addresses in every member's certificate.
    #[must_use]
    pub fn shared_names(&self) -> &[AlternativeName] {
        &self.shared_names
    }

    /// The members.
    #[must_use]
    pub fn members(&self) -> &[ClusterEntry] {
        &self.members
    }

    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> &[ClusterEntry] {
        &self.nodes
    }

    /// The clients.
    #[must_use]
    pub fn clients(&self) -> &[ClusterEntry] {
        &self.clients
    }

    /// The client that the layout's tools expect beside each member; `None` if there is to be none.
    #[must_use]
    pub fn admin(&self) -> Option<&ClusterAdmin> {
        self.admin.as_ref()
    }

    /// Whose the files are, and who may read them.
    #[must_use]
    pub fn files(&self) -> &ClusterFiles {
        &self.files
    }

    fn entries(&self, role: Role) -> &[ClusterEntry] {
        match role {
            Role::Member => &self.members,
            Role::Node => &self.nodes,
            Role::Client => &self.clients,
        }
    }

    fn entry(&self, (role, index): EntryIndex) -> Option<&ClusterEntry> {
        self.entries(role).get(index)
    }
}

impl ClusterBuilder {
    /// Sets what the files are called.
    pub fn layout(mut self, layout: Layout) -> Self {
        self.0.layout = layout;
        self
    }

    /// Sets the directory of the files.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.0.directory = Some(directory.into());
        self
    }

    /// Sets the authority.
    pub fn authority(mut self, authority: ClusterAuthority) -> Self {
        self.0.authority = authority;
        self
    }

    /// Sets what certificates have unless their own entry says otherwise.
    pub fn defaults(mut self, defaults: ClusterDefaults) -> Self {
        self.0.defaults = defaults;
        self
    }

    /// Adds names and addresses to every member's certificate.
    pub fn shared_names(mut self, names: impl IntoIterator<Item = AlternativeName>) -> Self {
        self.0.shared_names.extend(names);
        self
    }

    /// Adds members.
    pub fn members<T: Into<ClusterEntry>>(mut self, members: impl IntoIterator<Item = T>) -> Self {
        self.0.members.extend(members.into_iter().map(Into::into));
        self
    }

    /// Adds nodes.
    pub fn nodes<T: Into<ClusterEntry>>(mut self, nodes: impl IntoIterator<Item = T>) -> Self {
        self.0.nodes.extend(nodes.into_iter().map(Into::into));
        self
    }

    /// Adds clients.
    pub fn clients<T: Into<ClusterEntry>>(mut self, clients: impl IntoIterator<Item = T>) -> Self {
        self.0.clients.extend(clients.into_iter().map(Into::into));
        self
    }

    /// Sets what the client has that the layout's tools expect beside each member.
    pub fn admin(mut self, admin: ClusterAdmin) -> Self {
        self.0.admin = Some(admin);
        self
    }

    /// Leaves that client out.
    pub fn without_admin(mut self) -> Self {
        self.0.admin = None;
        self
    }

    /// Sets whose the files are, and who may read them.
    pub fn files(mut self, files: ClusterFiles) -> Self {
        self.0.files = files;
        self
    }

    /// The cluster.
    ///
    /// # Errors
    ///
    /// [`Error::Specification`](crate::Error::Specification) for what contradicts itself or could not be made, with the field
    /// that says so.
    pub fn build(self) -> Result<Cluster> {
        Ok(self.checked()?)
    }

    fn checked(mut self) -> std::result::Result<Cluster, Fault> {
        let Self(cluster) = &mut self;
        let peers = match (
            cluster.layout.separates_peers(),
            cluster.authority.said_peers(),
        ) {
            (true, Some(Peers::Shared)) => {
                let reason = format!(
                    "in the {} layout peers have an authority apart",
                    cluster.layout
                );
                return Err(Fault::new("ca.peers", reason).hint("leave it out, or say separate"));
            }
            (true, _) => Peers::Separate,
            (false, said) => said.unwrap_or_default(),
        };
        cluster.authority = cluster.authority.clone().peers(peers);
        check::check(&self.0)?;
        Ok(self.0)
    }
}

/// What the entries of a role are called in a specification.
const fn section(role: Role) -> &'static str {
    match role {
        Role::Member => "members",
        Role::Node => "nodes",
        Role::Client => "clients",
    }
}

//! Represents a checked specification, and derives the files that it requires.

mod admin;
mod check;
mod choices;
mod desired;
mod endpoint;
mod fault;
#[cfg(feature = "yaml")]
mod plain;
mod renewal;
mod resolve;
mod revoked;
mod spec;
mod values;
#[cfg(feature = "yaml")]
mod yaml;

use std::path::Path;

pub use self::{
    admin::AdminSpec,
    choices::{CommonName, Peers},
    desired::{Desired, DesiredCa, DesiredPair},
    endpoint::{Endpoint, MemberEndpoints},
    renewal::RenewBefore,
    revoked::RevokedSpec,
    spec::{CaFilesSpec, CaSpec, ClusterSpec, DefaultsSpec, EntrySpec, FilesSpec, PortsSpec},
};
use crate::{
    error::{Error, Result},
    layout::Layout,
    role::Role,
    x509::identity::Identity,
};

/// A valid cluster: its CA, members, nodes and clients, and where their files are.
///
/// It has no contradictions: names are unique, addresses belong to one member, no two pairs share a
/// file, and every certificate can be issued. It is created from a [`ClusterSpec`], or read from
/// YAML with `Cluster::from_yaml`. Whether a specification is valid does not depend on the clock.
///
/// ```
/// use etcd_pki_core::{Cluster, cluster::{ClusterSpec, EntrySpec}};
///
/// let cluster = Cluster::try_from(ClusterSpec {
///     members: vec![
///         EntrySpec::new("etcd-1").with_names(["etcd-1.lan", "10.0.0.11"])?,
///         EntrySpec::new("etcd-2").with_names(["10.0.0.12"])?,
///     ],
///     clients: vec!["root".into()],
///     ..ClusterSpec::default()
/// })?;
///
/// let desired = cluster.desired()?;
/// assert!(desired.cas[0].paths.certificate.ends_with("ca.pem"));
/// assert!(desired.pairs[0].paths.certificate.ends_with("member-etcd-1.pem"));
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    spec: ClusterSpec,
    /// The identities of the entries of each role, in the order of [`Role::ALL`]
    identities: [Vec<Identity>; 3],
}

impl Cluster {
    /// The specification. Alternative names are in the order of the certificate, each once. The
    /// field for a separate peer CA is always set.
    #[must_use]
    pub fn spec(&self) -> &ClusterSpec {
        &self.spec
    }

    /// The names of the files.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.spec.layout
    }

    /// The directory of the files, if the specification gives one.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        self.spec.directory.as_deref()
    }

    /// The entries of a role with their identities.
    fn entries(&self, role: Role) -> impl Iterator<Item = (&EntrySpec, &Identity)> {
        let [members, nodes, clients] = &self.identities;
        let identities = match role {
            Role::Member => members,
            Role::Node => nodes,
            Role::Client => clients,
        };
        self.spec.entries(role).iter().zip(identities)
    }
}

impl TryFrom<ClusterSpec> for Cluster {
    type Error = Error;

    /// Checks the specification.
    ///
    /// # Errors
    ///
    /// [`Error::Specification`] with the field, for a contradiction and for values that no
    /// certificate or file can have.
    fn try_from(spec: ClusterSpec) -> Result<Self> {
        Ok(check::checked(spec)?)
    }
}

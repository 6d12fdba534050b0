//! One member, node or client of a cluster.

use crate::{identity::Identity, key::KeyAlgorithm, validity::Validity};

/// One member, node or client of a cluster: who it is, and what its certificate has other than the others.
///
/// An [`Identity`] is one, so that only who differs needs to be said in full:
///
/// ```
/// use etcd_pki_core::{ClusterEntry, Identity, Validity};
///
/// let backup = ClusterEntry::from(Identity::new("backup")?).valid_for(Validity::days(90));
/// assert_eq!(backup.identity().name(), Some("backup"));
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterEntry {
    identity: Identity,
    algorithm: Option<KeyAlgorithm>,
    validity: Option<Validity>,
    member_common_name_allowed: bool,
}

impl ClusterEntry {
    /// Sets the algorithm of its key; otherwise it is that of all keys of the cluster.
    #[must_use]
    pub fn algorithm(self, algorithm: KeyAlgorithm) -> Self {
        Self {
            algorithm: Some(algorithm),
            ..self
        }
    }

    /// Sets how long its certificate is valid; otherwise as long as all of the cluster.
    #[must_use]
    pub fn valid_for(self, validity: Validity) -> Self {
        Self {
            validity: Some(validity),
            ..self
        }
    }

    /// Lets a node or client have a common name that is a member's, or begins as theirs do. A list of allowed common names
    /// (`--peer-cert-allowed-cn`) would take it for a member.
    #[must_use]
    pub fn allow_member_common_name(self) -> Self {
        Self {
            member_common_name_allowed: true,
            ..self
        }
    }

    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The algorithm of its key, if it was said.
    #[must_use]
    pub fn key_algorithm(&self) -> Option<KeyAlgorithm> {
        self.algorithm
    }

    /// How long its certificate is valid, if it was said.
    #[must_use]
    pub fn validity(&self) -> Option<Validity> {
        self.validity
    }

    /// Whether it may have a member's common name.
    #[must_use]
    pub fn may_have_member_common_name(&self) -> bool {
        self.member_common_name_allowed
    }

    /// The name; a cluster has no entry without one.
    pub(super) fn name(&self) -> &str {
        self.identity.name().unwrap_or_default()
    }
}

impl From<Identity> for ClusterEntry {
    fn from(identity: Identity) -> Self {
        Self {
            identity,
            algorithm: None,
            validity: None,
            member_common_name_allowed: false,
        }
    }
}

//! One member, node or client of a cluster.

use super::terms::{Terms, say_terms};
use crate::{
    error::Result,
    identity::{Identity, check_common_name},
};

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
    peer_common_name: Option<String>,
    terms: Terms,
    member_common_name_allowed: bool,
}

impl ClusterEntry {
    /// Sets the common name of a member's pair for peers, where it has one apart; otherwise both pairs have the same.
    ///
    /// # Errors
    ///
    /// As [`Identity::with_common_name`].
    pub fn with_peer_common_name(mut self, common_name: &str) -> Result<Self> {
        check_common_name(common_name)?;
        self.peer_common_name = Some(common_name.to_owned());
        Ok(self)
    }

    say_terms! {
        /// Sets the algorithm of its key; otherwise it is that of all keys of the cluster.
        algorithm;
        /// Sets how long its certificate is valid; otherwise as long as all of the cluster.
        valid_for;
        /// The algorithm of its key, if it was said.
        key_algorithm;
        /// How long its certificate is valid, if it was said.
        validity;
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

    /// The common name of a member's pair for peers, if it was said.
    #[must_use]
    pub fn peer_common_name(&self) -> Option<&str> {
        self.peer_common_name.as_deref()
    }

    /// Whether it may have a member's common name.
    #[must_use]
    pub fn may_have_member_common_name(&self) -> bool {
        self.member_common_name_allowed
    }

    pub(super) fn terms(&self) -> Terms {
        self.terms
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
            peer_common_name: None,
            terms: Terms::default(),
            member_common_name_allowed: false,
        }
    }
}

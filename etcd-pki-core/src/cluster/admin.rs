//! The client that a layout's tools expect beside each member.

use super::terms::{Terms, say_terms};
use crate::{error::Result, identity::Identity};

/// The client that a layout's tools expect beside each member, and what its certificate has other than all others: Kubespray's
/// `admin-HOST`, kubeadm's `etcd/healthcheck-client`.
///
/// ```
/// use etcd_pki_core::ClusterAdmin;
///
/// let as_kubeadm_made_it = ClusterAdmin::default().without_alternative_names().with_organization("system:masters")?;
/// assert_eq!(as_kubeadm_made_it.organization(), Some("system:masters"));
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterAdmin {
    organization: Option<String>,
    terms: Terms,
    is_nameless: bool,
}

impl ClusterAdmin {
    /// Sets the organization.
    ///
    /// # Errors
    ///
    /// As [`Identity::with_organization`].
    pub fn with_organization(self, organization: &str) -> Result<Self> {
        Identity::anonymous().with_organization(organization)?;
        Ok(Self {
            organization: Some(organization.to_owned()),
            ..self
        })
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

    /// Leaves the alternative names out, as kubeadm does; see [`Identity::without_alternative_names`] for what follows.
    #[must_use]
    pub fn without_alternative_names(self) -> Self {
        Self {
            is_nameless: true,
            ..self
        }
    }

    /// The organization, if there is one.
    #[must_use]
    pub fn organization(&self) -> Option<&str> {
        self.organization.as_deref()
    }

    /// Whether its certificate has alternative names.
    #[must_use]
    pub fn has_alternative_names(&self) -> bool {
        !self.is_nameless
    }

    pub(super) fn terms(&self) -> Terms {
        self.terms
    }
}

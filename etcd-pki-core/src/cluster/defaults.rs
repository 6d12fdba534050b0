//! What all certificates of a cluster have unless their own entry says otherwise.

use crate::role::Compatibility;

use super::{
    renewal::RenewBefore,
    terms::{Terms, say_terms},
};

/// What all certificates of a cluster have unless their own entry says otherwise.
///
/// What is not said here either follows from the [`Compatibility`]: keys are ec-p256 and certificates valid for a year, or as
/// Kubespray makes them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClusterDefaults {
    terms: Terms,
    renew_before: Option<RenewBefore>,
    compatibility: Compatibility,
    names_as_given: bool,
}

impl ClusterDefaults {
    say_terms! {
        /// Sets the algorithm of keys, the authority's included.
        algorithm;
        /// Sets how long certificates are valid, other than the authority's.
        valid_for;
        /// The algorithm of keys, if it was said.
        key_algorithm;
        /// How long certificates are valid, if it was said.
        validity;
    }

    /// Sets how long before their end certificates are due.
    #[must_use]
    pub const fn renew(self, before: RenewBefore) -> Self {
        Self {
            renew_before: Some(before),
            ..self
        }
    }

    /// Sets whose habits certificates follow: `profile` in a specification.
    #[must_use]
    pub const fn following(self, compatibility: Compatibility) -> Self {
        Self {
            compatibility,
            ..self
        }
    }

    /// Leaves alternative names as they are given, shared or an entry's own: the names of members and loopback's are not added to
    /// them, so each member needs one. `san: given` in a specification, and what Kubespray's script does.
    #[must_use]
    pub const fn take_names_as_given(self) -> Self {
        Self {
            names_as_given: true,
            ..self
        }
    }

    /// How long before their end certificates are due: 30 days unless said otherwise.
    #[must_use]
    pub fn renew_before(&self) -> RenewBefore {
        self.renew_before.unwrap_or_default()
    }

    /// Whose habits certificates follow.
    #[must_use]
    pub const fn compatibility(&self) -> Compatibility {
        self.compatibility
    }

    /// Whether alternative names are as they are given, without those of members and loopback's.
    #[must_use]
    pub const fn takes_names_as_given(&self) -> bool {
        self.names_as_given
    }

    pub(super) const fn terms(&self) -> Terms {
        self.terms
    }

    pub(super) const fn said_renew_before(&self) -> Option<RenewBefore> {
        self.renew_before
    }
}

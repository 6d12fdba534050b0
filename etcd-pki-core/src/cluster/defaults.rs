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

    pub(super) const fn terms(&self) -> Terms {
        self.terms
    }

    pub(super) const fn said_renew_before(&self) -> Option<RenewBefore> {
        self.renew_before
    }
}

//! What all certificates of a cluster have unless their own entry says otherwise.

use crate::{key::KeyAlgorithm, role::Compatibility, validity::Validity};

use super::{renewal::RenewBefore, terms::Terms};

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
    /// Sets the algorithm of keys, the authority's included.
    #[must_use]
    pub const fn algorithm(mut self, algorithm: KeyAlgorithm) -> Self {
        self.terms.algorithm = Some(algorithm);
        self
    }

    /// Sets how long certificates are valid, other than the authority's.
    #[must_use]
    pub const fn valid_for(mut self, validity: Validity) -> Self {
        self.terms.validity = Some(validity);
        self
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

    /// The algorithm of keys, if it was said.
    #[must_use]
    pub const fn key_algorithm(&self) -> Option<KeyAlgorithm> {
        self.terms.algorithm
    }

    /// How long certificates are valid, if it was said.
    #[must_use]
    pub const fn validity(&self) -> Option<Validity> {
        self.terms.validity
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

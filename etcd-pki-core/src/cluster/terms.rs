//! What a specification may say of any key and its certificate.

use crate::{key::KeyAlgorithm, profile::Profile, validity::Validity};

/// The algorithm of a key, and how long its certificate is valid. What is not said is as elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) algorithm: Option<KeyAlgorithm>,
    pub(super) validity: Option<Validity>,
}

impl Terms {
    /// A profile with what is said here.
    pub(super) const fn over(self, mut profile: Profile) -> Profile {
        if let Some(algorithm) = self.algorithm {
            profile = profile.algorithm(algorithm);
        }
        if let Some(validity) = self.validity {
            profile = profile.valid_for(validity);
        }
        profile
    }
}

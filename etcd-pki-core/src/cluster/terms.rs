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
            profile = profile.with_algorithm(algorithm);
        }
        if let Some(validity) = self.validity {
            profile = profile.with_validity(validity);
        }
        profile
    }
}

/// Lets a part of a specification that has `terms` say them, and tell what was said.
macro_rules! say_terms {
    (
        $(#[$algorithm:meta])+ algorithm;
        $(#[$valid_for:meta])+ valid_for;
        $(#[$key_algorithm:meta])+ key_algorithm;
        $(#[$validity:meta])+ validity;
    ) => {
        $(#[$algorithm])+
        #[must_use]
        pub const fn algorithm(mut self, algorithm: $crate::key::KeyAlgorithm) -> Self {
            self.terms.algorithm = Some(algorithm);
            self
        }

        $(#[$valid_for])+
        #[must_use]
        pub const fn valid_for(mut self, validity: $crate::validity::Validity) -> Self {
            self.terms.validity = Some(validity);
            self
        }

        $(#[$key_algorithm])+
        #[must_use]
        pub const fn key_algorithm(&self) -> Option<$crate::key::KeyAlgorithm> {
            self.terms.algorithm
        }

        $(#[$validity])+
        #[must_use]
        pub const fn validity(&self) -> Option<$crate::validity::Validity> {
            self.terms.validity
        }
    };
}

pub(super) use say_terms;

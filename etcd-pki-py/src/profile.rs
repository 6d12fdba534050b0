//! The usages, the algorithm and the validity of a certificate.

use etcd_pki_core::{KeyAlgorithm, Profile, Role, profile::CaProfile, role::Compatibility};
use pyo3::prelude::*;

use crate::{hash::hash_by_debug, time::ValidityArgument, words::Word};

/// The usages, the algorithm and the validity of a certificate. Every argument that accepts a role
/// also accepts a profile.
///
/// `compatibility` sets the defaults for the `role`: `strict` has keys of ec-p256 and certificates
/// for a year, `kubespray` has RSA of 2048 bits and 36500 days. `algorithm` replaces that of a new
/// key, and `validity` that of the certificate: a `timedelta`, text such as `90d`, or the
/// `datetime` at which it expires.
///
/// `allow_member_common_name` lets a node or client have a common name that begins as a member's
/// does. A list of allowed common names (`--peer-cert-allowed-cn`) would accept it as a member's.
///
/// >>> from datetime import timedelta
/// >>> from etcd_pki import Profile, Role
/// >>> Profile(Role.CLIENT, validity=timedelta(days=90)).algorithm
/// <KeyAlgorithm.EC_P256: 'ec-p256'>
/// >>> Profile("member", compatibility="kubespray").algorithm
/// <KeyAlgorithm.RSA_2048: 'rsa-2048'>
#[pyclass(frozen, eq, hash, name = "Profile", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyProfile(Profile);

hash_by_debug!(PyProfile);

#[pymethods]
impl PyProfile {
    #[new]
    #[pyo3(
        signature = (
            role, *, compatibility=Word(Compatibility::Strict), algorithm=None, validity=None,
            allow_member_common_name=false
        ),
        text_signature = "(role, *, compatibility='strict', algorithm=None, validity=None, allow_member_common_name=False)"
    )]
    fn new(
        role: Word<Role>,
        compatibility: Word<Compatibility>,
        algorithm: Option<Word<KeyAlgorithm>>,
        validity: Option<ValidityArgument>,
        allow_member_common_name: bool,
    ) -> Self {
        let mut profile = compatibility.0.profile(role.0);
        if allow_member_common_name {
            profile = profile.with_member_common_name_allowed();
        }
        Self(adjusted(profile, algorithm, validity))
    }

    /// The role.
    #[getter]
    fn role(&self) -> Word<Role> {
        Word(self.0.role())
    }

    /// The algorithm of a new key.
    #[getter]
    fn algorithm(&self) -> Word<KeyAlgorithm> {
        Word(self.0.algorithm())
    }

    fn __repr__(&self) -> String {
        format!("<Profile {}, {}>", self.0.role(), self.0.algorithm())
    }
}

/// A role, or a profile of a role.
pub(crate) struct ProfileArgument(Profile);

impl FromPyObject<'_, '_> for ProfileArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(profile) = object.cast::<PyProfile>() {
            return Ok(Self(profile.get().0));
        }
        let Word(role) = object.extract::<Word<Role>>()?;
        Ok(Self(role.profile()))
    }
}

impl ProfileArgument {
    /// The profile with another algorithm or validity.
    pub(crate) fn with(
        self,
        algorithm: Option<Word<KeyAlgorithm>>,
        validity: Option<ValidityArgument>,
    ) -> Profile {
        adjusted(self.0, algorithm, validity)
    }
}

fn adjusted(
    mut profile: Profile,
    algorithm: Option<Word<KeyAlgorithm>>,
    validity: Option<ValidityArgument>,
) -> Profile {
    if let Some(Word(algorithm)) = algorithm {
        profile = profile.with_algorithm(algorithm);
    }
    if let Some(ValidityArgument(validity)) = validity {
        profile = profile.with_validity(validity);
    }
    profile
}

/// The profile of a new CA.
pub(crate) fn ca(
    compatibility: Word<Compatibility>,
    algorithm: Option<Word<KeyAlgorithm>>,
    validity: Option<ValidityArgument>,
) -> CaProfile {
    let mut profile = compatibility.0.ca();
    if let Some(Word(algorithm)) = algorithm {
        profile = profile.with_algorithm(algorithm);
    }
    if let Some(ValidityArgument(validity)) = validity {
        profile = profile.with_validity(validity);
    }
    profile
}

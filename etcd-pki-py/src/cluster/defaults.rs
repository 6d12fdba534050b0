//! The defaults of entries.

use etcd_pki_core::{
    KeyAlgorithm,
    cluster::{DefaultsSpec, RenewBefore},
    role::Compatibility,
};
use pyo3::prelude::*;

use crate::{
    hash::hash_by_debug,
    time::{Before, ValidityArgument},
    words::Word,
};

/// The defaults of entries.
///
/// `algorithm` and `validity` are as those of `ClusterEntry`: by default `ec-p256` and a year.
/// `compatibility` is `strict`, or `kubespray` with RSA keys of 2048 bits and 36500 days; in YAML
/// it is called `profile`. `renew_before` is a `timedelta` or text such as `30d` and `33%`: by
/// default thirty days, and never more than a third of a certificate's life. `take_names_as_given`
/// leaves alternative names as they are given, without those of members and of loopback, as
/// Kubespray's script does; in YAML it is `san: given`.
#[pyclass(frozen, eq, hash, name = "ClusterDefaults", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyClusterDefaults(pub(crate) DefaultsSpec);

hash_by_debug!(PyClusterDefaults);

#[pymethods]
impl PyClusterDefaults {
    #[new]
    #[pyo3(
        signature = (
            *, algorithm=None, validity=None, renew_before=None, compatibility=Word(Compatibility::Strict),
            take_names_as_given=false
        ),
        text_signature = "(*, algorithm=None, validity=None, renew_before=None, compatibility='strict', \
            take_names_as_given=False)"
    )]
    fn new(
        algorithm: Option<Word<KeyAlgorithm>>,
        validity: Option<ValidityArgument>,
        renew_before: Option<Before<RenewBefore>>,
        compatibility: Word<Compatibility>,
        take_names_as_given: bool,
    ) -> Self {
        Self(DefaultsSpec {
            profile: compatibility.0,
            algorithm: algorithm.map(|Word(algorithm)| algorithm),
            validity: validity.map(|ValidityArgument(validity)| validity),
            renew_before: renew_before.map(|Before(before)| before),
            take_names_as_given,
        })
    }

    /// The algorithm of keys, if it is specified.
    #[getter]
    fn algorithm(&self) -> Option<Word<KeyAlgorithm>> {
        self.0.algorithm.map(Word)
    }

    /// How long certificates are valid, if that is specified, as text: `1y`.
    #[getter]
    fn validity(&self) -> Option<String> {
        self.0.validity.map(|validity| validity.to_string())
    }

    /// How long before they expire certificates are renewed, as text: `30d`, `33%`.
    #[getter]
    fn renew_before(&self) -> String {
        self.0.renew_before().to_string()
    }

    /// Which tool's certificates they are compatible with.
    #[getter]
    fn compatibility(&self) -> Word<Compatibility> {
        Word(self.0.profile)
    }

    /// Whether alternative names are as they are given, without those of members and of loopback.
    #[getter]
    fn takes_names_as_given(&self) -> bool {
        self.0.take_names_as_given
    }

    fn __repr__(&self) -> String {
        let compatibility = self.0.profile.name();
        let before = self.0.renew_before();
        format!("<ClusterDefaults {compatibility}, renewed {before} before the end>")
    }
}

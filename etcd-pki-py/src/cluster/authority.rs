//! The CA of a cluster.

use etcd_pki_core::{ClusterAuthority, KeyAlgorithm, Peers};
use pyo3::prelude::*;

use crate::{
    error::OrRaise as _, hash::hash_by_debug, text::Text, time::ValidityArgument, words::Word,
};

/// The CA of a cluster, and whether peers have a separate one: `ca` in YAML.
///
/// By default the `common_name` is `etcd-ca`, there is no `organization`, the `algorithm` of the
/// key is that of the defaults, the `validity` is ten years, and `peers` are `shared`, one CA for
/// all. With `separate` there is a second one for peers, with the name `peer_common_name`.
/// `without_common_name` and `without_peer_common_name` describe CAs that have none.
#[pyclass(frozen, eq, hash, name = "ClusterAuthority", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyClusterAuthority(pub(crate) ClusterAuthority);

hash_by_debug!(PyClusterAuthority);

#[pymethods]
impl PyClusterAuthority {
    #[new]
    #[pyo3(signature = (
        common_name=None, *, peer_common_name=None, organization=None, algorithm=None, validity=None, peers=None,
        without_common_name=false, without_peer_common_name=false
    ))]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn new(
        common_name: Option<Text>,
        peer_common_name: Option<Text>,
        organization: Option<Text>,
        algorithm: Option<Word<KeyAlgorithm>>,
        validity: Option<ValidityArgument>,
        peers: Option<Word<Peers>>,
        without_common_name: bool,
        without_peer_common_name: bool,
    ) -> PyResult<Self> {
        let mut authority = match common_name {
            Some(Text(common_name)) => ClusterAuthority::new(&common_name).or_raise()?,
            None => ClusterAuthority::default(),
        };
        if let Some(Text(common_name)) = peer_common_name {
            authority = authority.with_peer_common_name(&common_name).or_raise()?;
        }
        if without_common_name {
            authority = authority.without_common_name();
        }
        if without_peer_common_name {
            authority = authority.without_peer_common_name();
        }
        if let Some(Text(organization)) = organization {
            authority = authority.with_organization(&organization).or_raise()?;
        }
        if let Some(Word(algorithm)) = algorithm {
            authority = authority.algorithm(algorithm);
        }
        if let Some(ValidityArgument(validity)) = validity {
            authority = authority.valid_for(validity);
        }
        if let Some(Word(peers)) = peers {
            authority = authority.peers(peers);
        }
        Ok(Self(authority))
    }

    /// Its common name, unless it has none.
    #[getter]
    fn common_name(&self) -> Option<&str> {
        self.0.common_name()
    }

    /// The common name of the separate peer CA, unless it has none.
    #[getter]
    fn peer_common_name(&self) -> Option<String> {
        self.0.peer_common_name()
    }

    /// The organization.
    #[getter]
    fn organization(&self) -> Option<&str> {
        self.0.organization()
    }

    /// The algorithm of its key, if it is specified.
    #[getter]
    fn algorithm(&self) -> Option<Word<KeyAlgorithm>> {
        self.0.key_algorithm().map(Word)
    }

    /// How long its certificate is valid, if that is specified, as text: `10y`.
    #[getter]
    fn validity(&self) -> Option<String> {
        self.0.validity().map(|validity| validity.to_string())
    }

    /// Whether peers have a separate CA.
    #[getter]
    fn has_separate_peers(&self) -> bool {
        self.0.has_separate_peers()
    }

    fn __repr__(&self) -> String {
        let name = self.0.common_name().or(self.0.organization());
        format!("<ClusterAuthority {}>", name.unwrap_or("without a name"))
    }
}

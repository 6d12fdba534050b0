//! The CA of a cluster.

use etcd_pki_core::{
    KeyAlgorithm,
    cluster::{CaSpec, ClusterSpec, CommonName, Peers},
};
use pyo3::prelude::*;

use super::check;
use crate::{hash::hash_by_debug, text::Text, time::ValidityArgument, words::Word};

/// The CA of a cluster, and whether peers have a separate one: `ca` in YAML.
///
/// By default the `common_name` is `etcd-ca`, there is no `organization`, the `algorithm` of the
/// key is that of the defaults, the `validity` is ten years, and `peers` are `shared`, one CA for
/// all. With `separate` there is a second one for peers, with the name `peer_common_name`.
/// `without_common_name` and `without_peer_common_name` describe CAs that have none. Issued
/// certificates are added to the record of the directory's CAs, unless `record` is `False`.
#[pyclass(frozen, eq, hash, name = "ClusterCa", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyClusterCa(pub(crate) CaSpec);

hash_by_debug!(PyClusterCa);

#[pymethods]
impl PyClusterCa {
    #[new]
    #[pyo3(signature = (
        common_name=None, *, peer_common_name=None, organization=None, algorithm=None, validity=None, peers=None,
        without_common_name=false, without_peer_common_name=false, record=true
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
        record: bool,
    ) -> PyResult<Self> {
        let default = CaSpec::default();
        let ca = CaSpec {
            common_name: match common_name {
                _ if without_common_name => None,
                Some(Text(common_name)) => Some(common_name),
                None => default.common_name,
            },
            peer_common_name: match peer_common_name {
                _ if without_peer_common_name => CommonName::Absent,
                Some(Text(common_name)) => CommonName::Given(common_name),
                None => CommonName::Usual,
            },
            organization: organization.map(|Text(organization)| organization),
            algorithm: algorithm.map(|Word(algorithm)| algorithm),
            validity: validity.map(|ValidityArgument(validity)| validity),
            peers: peers.map(|Word(peers)| peers),
            record,
        };
        // The default depends on the layout
        check(ClusterSpec {
            ca: CaSpec {
                peers: Some(Peers::Separate),
                ..ca.clone()
            },
            ..ClusterSpec::default()
        })?;
        Ok(Self(ca))
    }

    /// Its common name, unless it has none.
    #[getter]
    fn common_name(&self) -> Option<&str> {
        self.0.common_name.as_deref()
    }

    /// The common name of the separate peer CA, unless it has none.
    #[getter]
    fn peer_common_name(&self) -> Option<String> {
        self.0.peer_common_name()
    }

    /// The organization.
    #[getter]
    fn organization(&self) -> Option<&str> {
        self.0.organization.as_deref()
    }

    /// The algorithm of its key, if it is specified.
    #[getter]
    fn algorithm(&self) -> Option<Word<KeyAlgorithm>> {
        self.0.algorithm.map(Word)
    }

    /// How long its certificate is valid, if that is specified, as text: `10y`.
    #[getter]
    fn validity(&self) -> Option<String> {
        self.0.validity.map(|validity| validity.to_string())
    }

    /// Whether peers have a separate CA.
    #[getter]
    fn has_separate_peers(&self) -> bool {
        self.0.has_separate_peers()
    }

    /// Whether issued certificates are added to the record of the directory's CAs.
    #[getter]
    fn record(&self) -> bool {
        self.0.record
    }

    fn __repr__(&self) -> String {
        let name = self.0.common_name.as_ref().or(self.0.organization.as_ref());
        format!(
            "<ClusterCa {}>",
            name.map_or("without a name", String::as_str)
        )
    }
}

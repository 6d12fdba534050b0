//! The client next to each member.

use etcd_pki_core::{
    KeyAlgorithm,
    cluster::{AdminSpec, ClusterSpec},
};
use pyo3::{prelude::*, types::PyBool};

use super::check;
use crate::{
    hash::hash_by_debug,
    text::{Text, expected},
    time::ValidityArgument,
    words::Word,
};

/// The client that a layout's tools expect next to each member, and how it differs from other
/// clients: Kubespray's `admin-HOST`, kubeadm's `etcd/healthcheck-client`.
///
/// `organization` is the subject's, a group for Kubernetes; `algorithm` and `validity` are as those
/// of `ClusterEntry`. `without_alternative_names` leaves them out as kubeadm does, and etcd's peer
/// port then accepts the certificate as a member's.
#[pyclass(frozen, eq, hash, name = "ClusterAdmin", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyClusterAdmin(pub(crate) AdminSpec);

hash_by_debug!(PyClusterAdmin);

#[pymethods]
impl PyClusterAdmin {
    #[new]
    #[pyo3(signature = (*, organization=None, algorithm=None, validity=None, without_alternative_names=false))]
    fn new(
        organization: Option<Text>,
        algorithm: Option<Word<KeyAlgorithm>>,
        validity: Option<ValidityArgument>,
        without_alternative_names: bool,
    ) -> PyResult<Self> {
        let admin = AdminSpec {
            organization: organization.map(|Text(organization)| organization),
            algorithm: algorithm.map(|Word(algorithm)| algorithm),
            validity: validity.map(|ValidityArgument(validity)| validity),
            without_alternative_names,
        };
        check(ClusterSpec {
            admin: Some(admin.clone()),
            ..ClusterSpec::default()
        })?;
        Ok(Self(admin))
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

    /// How long its certificate is valid, if that is specified, as text: `90d`.
    #[getter]
    fn validity(&self) -> Option<String> {
        self.0.validity.map(|validity| validity.to_string())
    }

    /// Whether its certificate has alternative names.
    #[getter]
    fn has_alternative_names(&self) -> bool {
        !self.0.without_alternative_names
    }

    fn __repr__(&self) -> String {
        let organization = self.0.organization.as_deref().unwrap_or("no organization");
        format!("<ClusterAdmin {organization}>")
    }
}

/// The client next to each member: how it differs from other clients, or whether there is one.
pub(super) enum AdminArgument {
    Given(AdminSpec),
    Usual,
    Nobody,
}

impl FromPyObject<'_, '_> for AdminArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(admin) = object.cast::<PyClusterAdmin>() {
            return Ok(Self::Given(admin.get().0.clone()));
        }
        match object.cast::<PyBool>() {
            Ok(usual) if usual.is_true() => Ok(Self::Usual),
            Ok(_) => Ok(Self::Nobody),
            Err(_) => Err(expected("ClusterAdmin or bool", &object)),
        }
    }
}

//! Where the members of a cluster listen.

use etcd_pki_core::{
    Error,
    cluster::{MemberEndpoints, PortsSpec},
};
use pyo3::{exceptions::PyOverflowError, prelude::*};

use crate::{error::OrRaise as _, hash::hash_by_debug};

/// A port, a number from 1 to 65535.
pub(crate) struct Port(u16);

impl Port {
    pub(super) fn ports(client: Option<Self>, peer: Option<Self>) -> PortsSpec {
        let port = |port: Option<Self>| port.map(|Self(port)| port);
        PortsSpec {
            client: port(client),
            peer: port(peer),
        }
    }
}

impl FromPyObject<'_, '_> for Port {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        match object.extract::<u16>() {
            Ok(port) if port > 0 => Ok(Self(port)),
            Err(error) if !error.is_instance_of::<PyOverflowError>(object.py()) => Err(error),
            _ => Err(Error::Specification {
                position: None,
                field: "ports".to_owned(),
                reason: format!("{} is no port", object.str()?),
                hint: Some("a port is a number from 1 to 65535".to_owned()),
            })
            .or_raise(),
        }
    }
}

/// The endpoints of a member, each as text: `10.0.0.11:2379`, `[fd00::11]:2379`.
#[pyclass(frozen, eq, hash, name = "MemberEndpoints", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyMemberEndpoints(pub(crate) MemberEndpoints);

hash_by_debug!(PyMemberEndpoints);

#[pymethods]
impl PyMemberEndpoints {
    /// The member's name.
    #[getter]
    fn name(&self) -> &str {
        &self.0.name
    }

    /// The endpoint for clients.
    #[getter]
    fn client(&self) -> String {
        self.0.client.to_string()
    }

    /// The endpoint for peers.
    #[getter]
    fn peer(&self) -> String {
        self.0.peer.to_string()
    }

    fn __repr__(&self) -> String {
        format!("<MemberEndpoints {} {}>", self.0.name, self.0.client)
    }
}

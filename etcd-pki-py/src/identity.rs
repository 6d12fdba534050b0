//! The identity in a certificate.

use etcd_pki_core::{Identity, Result};
use pyo3::{prelude::*, types::PyString};

use crate::{
    error::OrRaise as _,
    hash::hash_by_debug,
    text::{Names, Text, expected, names_out},
};

/// The identity in a certificate: a name, and the names and addresses of the host.
///
/// The role supplies the rest. The common name of member `etcd-1` is `etcd-member-etcd-1`. A
/// member's own name and the loopback names are among its alternative names. A node or client
/// without alternative names gets the address 0.0.0.0.
///
/// `name` is a host's or a user's; without it, `common_name` or `organization` is required. `names`
/// are alternative names, as text or objects of `ipaddress`. Text in the form of an address is an
/// address, anything else a DNS name; the prefixes `DNS:`, `IP:` and `URI:` set the kind. A text
/// may list several with commas, as OpenSSL does. `common_name` replaces the role's, and
/// `organization` is the subject's, a group for Kubernetes.
///
/// `without_common_name` and `without_alternative_names` leave these out, whatever the role has.
///
/// >>> from etcd_pki import Identity
/// >>> Identity("etcd-1", names=["etcd-1.lan", "10.0.0.11"]).alternative_names
/// ['etcd-1.lan', IPv4Address('10.0.0.11')]
/// >>> try:
/// ...     Identity("etcd-1", names=["10.0.0.300"])
/// ... except ValueError as error:
/// ...     print(error)
/// "10.0.0.300" is no DNS name, IP address or URI: it ends in a number, as addresses do
#[pyclass(frozen, eq, hash, name = "Identity", module = "etcd_pki")]
#[derive(PartialEq)]
pub(crate) struct PyIdentity(pub(crate) Identity);

hash_by_debug!(PyIdentity);

#[pymethods]
impl PyIdentity {
    #[new]
    #[pyo3(
        signature = (
            name=None, *, names=Names::default(), common_name=None, organization=None, without_common_name=false,
            without_alternative_names=false
        ),
        text_signature = "(name=None, *, names=(), common_name=None, organization=None, without_common_name=False, \
            without_alternative_names=False)"
    )]
    fn new(
        name: Option<Text>,
        names: Names,
        common_name: Option<Text>,
        organization: Option<Text>,
        without_common_name: bool,
        without_alternative_names: bool,
    ) -> PyResult<Self> {
        let build = || -> Result<Identity> {
            let mut identity = match &name {
                Some(Text(name)) => Identity::new(name)?,
                None => Identity::anonymous(),
            };
            if let Some(Text(common_name)) = &common_name {
                identity = identity.with_common_name(common_name)?;
            }
            if let Some(Text(organization)) = &organization {
                identity = identity.with_organization(organization)?;
            }
            identity = identity.with_alternative_names(names.0);
            if without_common_name {
                identity = identity.without_common_name();
            }
            if without_alternative_names {
                identity = identity.without_alternative_names();
            }
            Ok(identity)
        };
        build().or_raise().map(Self)
    }

    /// The name, without the role's prefix.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.0.name()
    }

    /// The organization.
    #[getter]
    fn organization(&self) -> Option<&str> {
        self.0.organization()
    }

    /// The given alternative names, addresses as objects of `ipaddress`; `None` if they are left
    /// out.
    #[getter]
    fn alternative_names<'py>(&self, py: Python<'py>) -> PyResult<Option<Vec<Bound<'py, PyAny>>>> {
        let names = self.0.alternative_names();
        names.map(|names| names_out(py, names)).transpose()
    }

    fn __repr__(&self) -> String {
        let names = self.0.alternative_names().unwrap_or_default().iter();
        let words = self.0.name().map(str::to_owned).into_iter();
        let words: Vec<String> = words.chain(names.map(ToString::to_string)).collect();
        format!("<Identity {}>", words.join(", "))
    }
}

/// An identity, or its name.
pub(crate) struct IdentityArgument(pub(crate) Identity);

impl FromPyObject<'_, '_> for IdentityArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(identity) = object.cast::<PyIdentity>() {
            return Ok(Self(identity.get().0.clone()));
        }
        if object.is_instance_of::<PyString>() {
            let Text(name) = object.extract()?;
            return Identity::new(&name).or_raise().map(Self);
        }
        Err(expected("Identity or str", &object))
    }
}

impl IdentityArgument {
    /// The identity with further names.
    pub(crate) fn with(self, names: Names) -> Identity {
        if names.0.is_empty() {
            return self.0;
        }
        self.0.with_alternative_names(names.0)
    }
}

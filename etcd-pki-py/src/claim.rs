//! The claims of a request.

use std::net::IpAddr;

use etcd_pki_core::request::Claim;
use pyo3::prelude::*;

/// One claim of a request. `str` of it is a line such as `organization system:masters`.
#[pyclass(frozen, eq, hash, name = "Claim", module = "etcd_pki")]
#[derive(Clone, PartialEq, Hash)]
pub(crate) struct PyClaim {
    kind: String,
    attribute: Option<String>,
    value: Option<Value>,
    text: String,
}

/// A value, converted to a Python object.
#[derive(Clone, PartialEq, Hash, FromPyObject, IntoPyObject, IntoPyObjectRef)]
enum Value {
    Text(String),
    Address(IpAddr),
}

impl PyClaim {
    pub(crate) fn all(claims: &[Claim]) -> Vec<Self> {
        claims.iter().map(Self::of).collect()
    }

    pub(crate) fn of(claim: &Claim) -> Self {
        let mut attribute = None;
        let text = |text: &dyn ToString| Some(Value::Text(text.to_string()));
        let (kind, value) = match claim {
            Claim::Ca => ("ca", None),
            Claim::CommonName(name) => ("common_name", text(name)),
            Claim::Organization(name) => ("organization", text(name)),
            Claim::SubjectPart {
                attribute: part,
                value,
            } => {
                attribute = Some(part.to_string());
                ("subject_part", text(value))
            }
            Claim::KeyUsage(usage) => ("key_usage", text(usage)),
            Claim::ExtendedKeyUsage(usage) => ("extended_key_usage", text(usage)),
            Claim::DnsName(name) => ("dns_name", text(name)),
            Claim::IpAddress(address) => ("ip_address", Some(Value::Address(*address))),
            Claim::Uri(uri) => ("uri", text(uri)),
            Claim::OtherName(name) => ("other_name", text(name)),
            Claim::Extension(oid) => ("extension", text(oid)),
            _ => ("other", None),
        };
        Self {
            kind: kind.to_owned(),
            attribute,
            value,
            text: claim.to_string(),
        }
    }
}

#[pymethods]
impl PyClaim {
    /// The name of the kind, which never changes: `organization`.
    #[getter]
    fn kind(&self) -> &str {
        &self.kind
    }

    /// The requested value: text, or an address as an object of `ipaddress`; `None` for a
    /// certificate that may sign others.
    #[getter]
    fn value(&self) -> Option<&Value> {
        self.value.as_ref()
    }

    /// The attribute of the subject with the value, if it is neither the common name nor an
    /// organization.
    #[getter]
    fn attribute(&self) -> Option<&str> {
        self.attribute.as_deref()
    }

    /// The contents of a pickle.
    #[staticmethod]
    fn _restored(
        kind: String,
        attribute: Option<String>,
        value: Option<Value>,
        text: String,
    ) -> Self {
        Self {
            kind,
            attribute,
            value,
            text,
        }
    }

    fn __str__(&self) -> &str {
        &self.text
    }

    fn __repr__(&self) -> String {
        format!("<Claim {}: {}>", self.kind, self.text)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let claim = slf.get();
        let state = (&claim.kind, &claim.attribute, &claim.value, &claim.text);
        let state = state.into_pyobject(slf.py())?;
        Ok((slf.get_type().getattr("_restored")?, state.into_any()))
    }
}

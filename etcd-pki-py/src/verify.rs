//! The verdict that etcd would give.

use std::path::PathBuf;

use etcd_pki_core::{
    Role, inspect,
    verify::{Host, Verdict, Verifier},
    x509::RevocationList,
};
use pyo3::{prelude::*, types::PyString};

use crate::{
    certificate::{Certificates, PyCertificate, wrapped},
    error::{raise, work},
    finding::PyFinding,
    interpreter,
    revocation::PyRevocationList,
    text::{Text, expected},
    time::Instant,
    words::Word,
};

/// Verifies certificates as Go's `crypto/x509` does in etcd: chain, time, usages, host.
///
/// `roots` are the CAs of `ETCD_TRUSTED_CA_FILE`, `intermediates` the certificates after the first
/// one in etcd's certificate file. `at` is the time of the verification, the present one by
/// default.
///
/// Without `role`, no usage is required; without `host`, no name. `strict` also requires everything
/// that RFC 5280 requires and Go does not, as Python 3.13 does. The certificates of the list
/// `revoked` are refused, as etcd does: by their serial numbers.
///
/// >>> from etcd_pki import CertificateAuthority, Role, Verifier
/// >>> ca = CertificateAuthority.create("etcd-ca")
/// >>> member = ca.issue(Role.MEMBER, "etcd-1").certificate
/// >>> bool(Verifier(ca.certificate, role=Role.MEMBER, host="etcd-1").verify(member))
/// True
/// >>> verdict = Verifier(ca.certificate, host="10.0.0.11").verify(member)
/// >>> [str(reason) for reason in verdict.reasons]
/// ['it is valid for etcd-1, localhost, 127.0.0.1 and ::1, not for 10.0.0.11']
#[pyclass(frozen, name = "Verifier", module = "etcd_pki")]
pub(crate) struct PyVerifier {
    verifier: Verifier,
    /// The options, for `repr`
    options: String,
}

/// The requirements of a verifier.
struct Wishes {
    intermediates: Certificates,
    at: Option<Instant>,
    role: Option<Word<Role>>,
    host: Option<HostArgument>,
    strict: bool,
    revoked: Option<RevocationList>,
}

impl Wishes {
    fn verifier(self, verifier: Verifier, trusted: String) -> PyVerifier {
        let between = self.intermediates.0.len();
        let mut options = format!("{trusted}, {between} intermediates");
        let mut verifier = verifier.with_intermediates(self.intermediates.0);
        if let Some(Instant(instant)) = self.at {
            options += &format!(", at {}", etcd_pki_core::internal::rfc3339(instant));
            verifier = verifier.at(instant);
        }
        if let Some(Word(role)) = self.role {
            options += &format!(", role {role}");
            verifier = verifier.with_role(role);
        }
        if let Some(HostArgument(host)) = self.host {
            options += &format!(", host {host}");
            verifier = verifier.with_host(host);
        }
        if self.strict {
            options += ", strict";
            verifier = verifier.with_strict();
        }
        if let Some(list) = self.revoked {
            options += &format!(", {} revoked", list.entries().len());
            verifier = verifier.with_revocation_list(list);
        }
        PyVerifier { verifier, options }
    }
}

/// A host, given as text or as an object of `ipaddress`.
struct HostArgument(Host);

impl FromPyObject<'_, '_> for HostArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let text = if object.is_instance_of::<PyString>() {
            object.extract::<Text>()?.0
        } else if object.hasattr("packed")? {
            object.str()?.extract()?
        } else {
            return Err(expected("str, IPv4Address or IPv6Address", &object));
        };
        text.parse().map(Self).map_err(raise)
    }
}

#[pymethods]
impl PyVerifier {
    #[new]
    #[pyo3(
        signature = (roots, *, intermediates=Certificates(Vec::new()), at=None, role=None, host=None, strict=false, revoked=None),
        text_signature = "(roots, *, intermediates=(), at=None, role=None, host=None, strict=False, revoked=None)"
    )]
    fn new(
        roots: Certificates,
        intermediates: Certificates,
        at: Option<Instant>,
        role: Option<Word<Role>>,
        host: Option<HostArgument>,
        strict: bool,
        revoked: Option<&Bound<'_, PyRevocationList>>,
    ) -> Self {
        let trusted = format!("{} roots", roots.0.len());
        let wishes = Wishes {
            intermediates,
            at,
            role,
            host,
            strict,
            revoked: revoked.map(|list| list.get().0.clone()),
        };
        wishes.verifier(Verifier::new(roots.0), trusted)
    }

    /// Trusts the CA that etcd trusts for the certificate in a file, which follows from the path of
    /// the file. It is the CA file of the layout, the peer CA for a member's peer certificate, or
    /// else the CAs next to the file. The options are those of `Verifier`.
    ///
    /// >>> from etcd_pki import CertificateAuthority, Role, Verifier
    /// >>> ca = CertificateAuthority.create("etcd-ca")
    /// >>> paths = ca.write("verified")
    /// >>> member = ca.issue(Role.MEMBER, "etcd-1")
    /// >>> [written] = member.write("verified")
    /// >>> bool(Verifier.next_to(written.certificate, host="etcd-1").verify(member.certificate))
    /// True
    #[staticmethod]
    #[pyo3(
        signature = (path, *, intermediates=Certificates(Vec::new()), at=None, role=None, host=None, strict=false, revoked=None),
        text_signature = "(path, *, intermediates=(), at=None, role=None, host=None, strict=False, revoked=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn next_to(
        py: Python<'_>,
        path: PathBuf,
        intermediates: Certificates,
        at: Option<Instant>,
        role: Option<Word<Role>>,
        host: Option<HostArgument>,
        strict: bool,
        revoked: Option<&Bound<'_, PyRevocationList>>,
    ) -> PyResult<Self> {
        let verifier = work(py, || inspect::verifier(&path))?;
        let wishes = Wishes {
            intermediates,
            at,
            role,
            host,
            strict,
            revoked: revoked.map(|list| list.get().0.clone()),
        };
        Ok(wishes.verifier(verifier, format!("CA next to {}", path.display())))
    }

    /// The verdict on a certificate.
    fn verify(&self, py: Python<'_>, certificate: &Bound<'_, PyCertificate>) -> PyVerdict {
        let certificate = &certificate.get().0;
        PyVerdict(interpreter::without(py, || {
            self.verifier.verify(certificate)
        }))
    }

    fn __repr__(&self) -> String {
        format!("<Verifier {}>", self.options)
    }
}

/// The verdict: whether a certificate is accepted, and the reasons if not. It is true if the
/// certificate is accepted.
#[pyclass(frozen, name = "Verdict", module = "etcd_pki")]
pub(crate) struct PyVerdict(Verdict);

#[pymethods]
impl PyVerdict {
    /// Whether the certificate is accepted.
    #[getter]
    fn is_accepted(&self) -> bool {
        self.0.is_accepted()
    }

    /// Every reason against the certificate. Go names only the first.
    #[getter]
    fn reasons(&self) -> Vec<PyFinding> {
        PyFinding::all(self.0.reasons())
    }

    /// The chain from the certificate to a trusted one; empty if there is none.
    #[getter]
    fn chain(&self) -> Vec<PyCertificate> {
        wrapped(self.0.chain().to_vec())
    }

    /// Raises `errors.VerdictError`, with the `reasons` of the verdict, unless the certificate is
    /// accepted.
    fn raise_for_reasons(slf: &Bound<'_, Self>) -> PyResult<()> {
        let verdict = &slf.get().0;
        if verdict.is_accepted() {
            return Ok(());
        }
        let reasons: Vec<String> = verdict.reasons().iter().map(ToString::to_string).collect();
        let facts = pyo3::types::PyDict::new(slf.py());
        facts.set_item("reasons", slf.get().reasons())?;
        let class = slf
            .py()
            .import("etcd_pki.errors")?
            .getattr("VerdictError")?;
        let raised = class.call1((reasons.join("; "), None::<String>, facts))?;
        Err(PyErr::from_value(raised))
    }

    fn __bool__(&self) -> bool {
        self.0.is_accepted()
    }

    fn __repr__(&self) -> String {
        let reasons: Vec<String> = self.0.reasons().iter().map(ToString::to_string).collect();
        match reasons.as_slice() {
            [] => "<Verdict accepted>".to_owned(),
            reasons => format!("<Verdict refused: {}>", reasons.join("; ")),
        }
    }
}

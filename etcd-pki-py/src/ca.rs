//! CAs.

mod issued;
mod loading;
mod signing;

use std::{path::PathBuf, sync::Arc, time::Duration};

use etcd_pki_core::{
    CaKind, CertificateAuthority, Layout, Store, Validity, ca::CaRenewal, x509::NewRevocationList,
};
use pyo3::{
    exceptions::{PyOverflowError, PyValueError},
    prelude::*,
};

pub(crate) use self::issued::PyIssued;
use crate::{
    certificate::{PyCertificate, wrapped},
    error::work,
    interrupt::locked,
    key::{PyPrivateKey, not_copied},
    layout::PyPairPaths,
    request::PyCertificateRequest,
    revocation::{PyRevocationList, PyRevoked},
    text::{Listed, PassphraseArgument},
    time::{Instant, ValidityArgument, instant},
    words::Word,
};

/// A CA. It issues a key and its certificate together, and signs the requests of
/// others for their own keys.
///
/// A `role` is a `Role`, or a `Profile` if a certificate differs from the usual one. An `identity`
/// is an `Identity`, or the name alone, and `names` are further alternative names. `algorithm` is
/// that of a new key. `validity` is how long a certificate is valid: a `timedelta`, text such as
/// `90d`, or the `datetime` at which it expires. `now` is the time to count from, the present one
/// by default.
///
/// >>> from etcd_pki import CertificateAuthority, Role
/// >>> ca = CertificateAuthority.create("etcd-ca")
/// >>> bundle = ca.issue(Role.MEMBER, "etcd-1", names=["etcd-1.lan", "10.0.0.11"])
/// >>> bundle.certificate.ip_addresses
/// [IPv4Address('10.0.0.11'), IPv4Address('127.0.0.1'), IPv6Address('::1')]
#[pyclass(frozen, name = "CertificateAuthority", module = "etcd_pki")]
pub(crate) struct PyCertificateAuthority(Arc<CertificateAuthority>);

impl PyCertificateAuthority {
    pub(crate) fn new(ca: CertificateAuthority) -> Self {
        Self(Arc::new(ca))
    }

    pub(crate) fn get(&self) -> &CertificateAuthority {
        &self.0
    }

    pub(crate) fn share(&self) -> Arc<CertificateAuthority> {
        Arc::clone(&self.0)
    }
}

#[pymethods]
impl PyCertificateAuthority {
    /// The CA certificate.
    #[getter]
    fn certificate(&self) -> PyCertificate {
        PyCertificate(self.0.certificate().clone())
    }

    /// The certificates that follow a leaf in its file: this CA's, unless it is a root, and the
    /// intermediates above.
    #[getter]
    fn chain(&self) -> Vec<PyCertificate> {
        wrapped(self.0.chain())
    }

    /// The CA that etcd must trust: the root above this CA, or the CA itself if no root is known.
    #[getter]
    fn root(&self) -> PyCertificate {
        PyCertificate(self.0.root().clone())
    }

    /// The CA's key, if it is in this process.
    #[getter]
    fn key(&self) -> Option<PyPrivateKey> {
        PyPrivateKey::of_ca(Arc::clone(&self.0))
    }

    /// Whether the certificate lacks keyUsage, as Kubespray's does. Go accepts this, and so does
    /// etcd, but Python 3.13 refuses every chain that ends there. `renewed` adds it.
    #[getter]
    fn lacks_key_usage(&self) -> bool {
        self.0.lacks_key_usage()
    }

    /// The same CA with a new certificate: same key, same subject, and every extension, so that
    /// what it has signed stays valid. Missing extensions that a CA needs are added, such as the
    /// keyUsage that Kubespray's CA lacks. Use `keeps_serial=True` if leaves name their issuer by
    /// its serial number; `path_length` changes how many CAs may be below it. A CA that another one
    /// issued is refused: `renewal_request` creates a request for its issuer.
    #[pyo3(signature = (*, validity=None, keeps_serial=false, path_length=None, now=None))]
    fn renewed(
        &self,
        py: Python<'_>,
        validity: Option<ValidityArgument>,
        keeps_serial: bool,
        path_length: Option<PathLength>,
        now: Option<Instant>,
    ) -> PyResult<Self> {
        let validity = match validity {
            Some(ValidityArgument(validity)) => validity,
            None => Validity::lasting(self.life()),
        };
        let mut renewal = CaRenewal::new(validity).with_serial_kept(keeps_serial);
        if let Some(PathLength(path_length)) = path_length {
            renewal = renewal.with_path_length(path_length);
        }
        work(py, || self.0.at(instant(now)).renew_ca(renewal)).map(Self::new)
    }

    /// A request to the issuer of an intermediate CA for its next certificate: same key, same
    /// subject, and every extension except the one that names the issuer.
    fn renewal_request(&self, py: Python<'_>) -> PyResult<PyCertificateRequest> {
        work(py, || self.0.renewal_request()).map(PyCertificateRequest)
    }

    /// Signs a list of revoked certificates. Its number is above those of the lists `following`, and
    /// by default the Unix time if that is greater. An `indirect` list may have certificates of
    /// other CAs. The next update is due after `validity`, 90 days by default.
    #[pyo3(
        signature = (entries=Listed::default(), *, following=Listed::default(), number=None, indirect=false, validity=None, now=None),
        text_signature = "($self, entries=(), *, following=(), number=None, indirect=False, validity=None, now=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn sign_revocation_list(
        &self,
        py: Python<'_>,
        entries: Listed<PyRevoked>,
        following: Listed<PyRevocationList>,
        number: Option<ListNumber>,
        indirect: bool,
        validity: Option<ValidityArgument>,
        now: Option<Instant>,
    ) -> PyResult<PyRevocationList> {
        let entries = entries.0.into_iter().map(|entry| entry.0);
        let mut content = NewRevocationList::new(entries);
        for list in &following.0 {
            content = content.following(&list.0);
        }
        if let Some(ListNumber(number)) = number {
            content = content.with_number(number);
        }
        if indirect {
            content = content.indirect();
        }
        if let Some(ValidityArgument(validity)) = validity {
            content = content.with_validity(validity);
        }
        let now = instant(now);
        work(py, || self.0.at(now).sign_revocation_list(&content)).map(PyRevocationList)
    }

    /// Writes the certificate, mode 0644, and the key, mode 0600: both files or none. The key is
    /// encrypted if there is a passphrase. If the directory has a CA, or certificates of one,
    /// nothing is written without `replace_ca`. After a replacement, nothing that the old CA signed
    /// is accepted, and its files are kept as `ca-replaced-SERIAL.pem` and
    /// `ca-replaced-SERIAL-key.pem`. Returns the paths.
    #[pyo3(
        signature = (directory, *, layout=Word(Layout::Kubespray), passphrase=None, replace_ca=false),
        text_signature = "($self, directory, *, layout='kubespray', passphrase=None, replace_ca=False)"
    )]
    fn write(
        &self,
        py: Python<'_>,
        directory: PathBuf,
        layout: Word<Layout>,
        passphrase: Option<PassphraseArgument>,
        replace_ca: bool,
    ) -> PyResult<PyPairPaths> {
        let passphrase = passphrase.as_deref();
        let store = Store::new(directory, layout.0);
        let files = locked(py, &store)?;
        work(py, || {
            if replace_ca {
                files.replace_ca(CaKind::Client, &self.0, passphrase)?;
            } else {
                files.write_ca(CaKind::Client, &self.0, passphrase)?;
            }
            Ok(PyPairPaths(store.ca_paths(CaKind::Client)))
        })
    }

    fn __repr__(&self) -> String {
        let certificate = self.0.certificate();
        let until = etcd_pki_core::internal::rfc3339(certificate.not_after());
        format!(
            "<CertificateAuthority {}, until {until}>",
            certificate.subject()
        )
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(not_copied("CA"))
    }
}

impl PyCertificateAuthority {
    /// The validity of its certificate, from beginning to end.
    fn life(&self) -> Duration {
        let certificate = self.0.certificate();
        let life = certificate
            .not_after()
            .duration_since(certificate.not_before());
        life.unwrap_or_default()
    }
}

/// The number of a revocation list, below 2^64.
struct ListNumber(u64);

impl FromPyObject<'_, '_> for ListNumber {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        object.extract().map(Self).map_err(|error: PyErr| {
            match error.is_instance_of::<PyOverflowError>(object.py()) {
                true => PyValueError::new_err(format!(
                    "{} is no number of a list: 0 to 2^64 - 1",
                    &*object
                )),
                false => error,
            }
        })
    }
}

/// The number of CAs that may be below a CA, from 0 to 255.
struct PathLength(u8);

impl FromPyObject<'_, '_> for PathLength {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        object.extract().map(Self).map_err(|error: PyErr| {
            match error.is_instance_of::<PyOverflowError>(object.py()) {
                true => PyValueError::new_err(format!("{} is no path length: 0 to 255", &*object)),
                false => error,
            }
        })
    }
}

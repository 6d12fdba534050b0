//! Authorities.

mod issued;
mod loading;
mod signing;

use std::{path::PathBuf, sync::Arc, time::Duration};

use etcd_pki_core::{CaKind, CertificateAuthority, Layout, Store, Validity, ca::CaRenewal};
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
    text::PassphraseArgument,
    time::{Instant, ValidityArgument, instant},
    words::Word,
};

/// A certificate authority: it issues a key and its certificate at once, and signs what others
/// request for their own keys.
///
/// A `role` is one, or a `Profile` where a certificate has something other than usual; an
/// `identity` is an `Identity`, or the name alone, and `names` are further alternative names.
/// `algorithm` is that of a key that is made; `validity` is how long a certificate is valid, a
/// `timedelta`, text such as `90d`, or the `datetime` of its end; `now` is the time to count from,
/// the present one unless said otherwise.
///
/// >>> from etcd_pki import CertificateAuthority, Role
/// >>> ca = CertificateAuthority.create("etcd-ca")
/// >>> bundle = ca.issue(Role.MEMBER, "etcd-1", names=["etcd-1.lan", "10.0.0.11"])
/// >>> bundle.certificate.ip_addresses
/// [IPv4Address('10.0.0.11'), IPv4Address('127.0.0.1'), IPv6Address('::1')]
#[pyclass(frozen, name = "CertificateAuthority", module = "etcd_pki")]
pub(crate) struct PyCertificateAuthority(Arc<CertificateAuthority>);

impl PyCertificateAuthority {
    pub(crate) fn new(authority: CertificateAuthority) -> Self {
        Self(Arc::new(authority))
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
    /// The authority's certificate.
    #[getter]
    fn certificate(&self) -> PyCertificate {
        PyCertificate(self.0.certificate().clone())
    }

    /// The certificates that a leaf carries behind its own: this authority's, unless it is a root,
    /// and the intermediates above.
    #[getter]
    fn chain(&self) -> Vec<PyCertificate> {
        wrapped(self.0.chain())
    }

    /// What etcd is to trust: the root above this authority, or the authority itself where none is
    /// known.
    #[getter]
    fn root(&self) -> PyCertificate {
        PyCertificate(self.0.root().clone())
    }

    /// The authority's key, if it is in this process.
    #[getter]
    fn key(&self) -> Option<PyPrivateKey> {
        PyPrivateKey::of_authority(Arc::clone(&self.0))
    }

    /// Whether the certificate lacks keyUsage, as Kubespray's does: Go, and so etcd, does not mind,
    /// but Python 3.13 refuses every chain that ends there. `renewed` mends it.
    #[getter]
    fn lacks_key_usage(&self) -> bool {
        self.0.lacks_key_usage()
    }

    /// The same CA with a new certificate: same key, same subject, and every extension, so that what it
    /// has signed stays valid. Missing extensions that a CA needs are added, such as the keyUsage
    /// that Kubespray's CA lacks. `keeps_serial=True` where leaves name their issuer by its serial
    /// number; `path_length` changes how many CAs may be below it. A CA that another one issued is
    /// refused: `renewal_request` makes a request for its issuer.
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
    /// subject, and every extension but the one that names the issuer.
    fn renewal_request(&self, py: Python<'_>) -> PyResult<PyCertificateRequest> {
        work(py, || self.0.renewal_request()).map(PyCertificateRequest)
    }

    /// Writes the certificate, mode 0644, and the key, mode 0600, encrypted if there is a
    /// passphrase, whole or not at all. Where an authority is, or what one has signed, nothing is
    /// written, unless `replace_ca` says so: what the old one signed is worth nothing then, and its
    /// files are kept as `ca-replaced-SERIAL.pem` and `ca-replaced-SERIAL-key.pem`. Returns where.
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
        Err(not_copied("certificate authority"))
    }
}

impl PyCertificateAuthority {
    /// How long its certificate was valid in all.
    fn life(&self) -> Duration {
        let certificate = self.0.certificate();
        let life = certificate
            .not_after()
            .duration_since(certificate.not_before());
        life.unwrap_or_default()
    }
}

/// How many CAs may be below one, from 0 to 255.
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

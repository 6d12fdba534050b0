//! A key and its certificate.

use std::{path::PathBuf, sync::Arc, time::SystemTime};

use etcd_pki_core::{
    Bundle, Certificate, Layout, PrivateKey, Result, Role, Store,
    store::{LockedStore, Overwrite},
    x509::ExtendedKeyUsage,
};
use pyo3::{
    prelude::*,
    types::{PyBytes, PyDict},
};

use crate::{
    border,
    certificate::{Certificates, PyCertificate, wrapped},
    error::{state_error, work},
    files::from_file,
    interrupt::locked,
    key::{PyPrivateKey, not_copied},
    layout::PyPairPaths,
    text::{Contents, PassphraseArgument},
    words::Word,
};

/// A private key, the certificate for it, and the intermediate certificates between it and the
/// root.
///
/// The key matches the certificate, and each certificate is signed by the next.
///
/// `certificate` and `key` become a bundle. `chain` begins with the issuer of the certificate, if
/// that is an intermediate.
///
/// >>> from etcd_pki import CertificateAuthority, Role
/// >>> bundle = CertificateAuthority.create("etcd-ca").issue(Role.CLIENT, "backup")
/// >>> bundle.name, bundle.certificate.common_name
/// ('backup', 'backup')
#[pyclass(frozen, name = "Bundle", module = "etcd_pki")]
pub(crate) struct PyBundle {
    bundle: Arc<Bundle>,
    /// The root of the CA that issued it; nothing if it was read
    trusted: Option<Certificate>,
}

impl PyBundle {
    pub(crate) fn issued(bundle: Bundle, root: Certificate) -> Self {
        Self {
            bundle: Arc::new(bundle),
            trusted: Some(root),
        }
    }

    pub(crate) fn get(&self) -> &Bundle {
        &self.bundle
    }

    pub(crate) fn read(bundle: Bundle) -> Self {
        Self {
            bundle: Arc::new(bundle),
            trusted: None,
        }
    }
}

#[pymethods]
impl PyBundle {
    #[new]
    #[pyo3(
        signature = (certificate, key, chain=Certificates(Vec::new())),
        text_signature = "(certificate, key, chain=())"
    )]
    fn new(
        py: Python<'_>,
        certificate: &Bound<'_, PyCertificate>,
        key: &Bound<'_, PyPrivateKey>,
        chain: Certificates,
    ) -> PyResult<Self> {
        let (key, certificate) = (key.get(), certificate.get().0.clone());
        work(py, || Bundle::new(key.imported()?, certificate, chain.0)).map(Self::read)
    }

    /// Reads a key, and a certificate followed by its chain, from PEM.
    #[staticmethod]
    #[pyo3(signature = (certificates, key, *, passphrase=None))]
    fn from_pem(
        py: Python<'_>,
        certificates: Contents,
        key: Contents,
        passphrase: Option<PassphraseArgument>,
    ) -> PyResult<Self> {
        let passphrase = passphrase.as_deref();
        let bundle = work(py, || {
            let key = PrivateKey::from_bytes(key.as_bytes(), passphrase)?;
            with_chain(key, Certificate::all_from_bytes(certificates.as_bytes())?)
        });
        bundle.map(Self::read)
    }

    /// Reads a certificate followed by its chain, and its key, from files, PEM or DER.
    #[staticmethod]
    #[pyo3(signature = (certificate, key, *, passphrase=None))]
    fn from_files(
        py: Python<'_>,
        certificate: PathBuf,
        key: PathBuf,
        passphrase: Option<PassphraseArgument>,
    ) -> PyResult<Self> {
        let passphrase = passphrase.as_deref();
        let bundle = work(py, || {
            let key = from_file(&key, |bytes| PrivateKey::from_bytes(bytes, passphrase))?;
            from_file(&certificate, |bytes| {
                with_chain(key, Certificate::all_from_bytes(bytes)?)
            })
        });
        bundle.map(Self::read)
    }

    /// The private key.
    #[getter]
    fn key(&self) -> PyPrivateKey {
        PyPrivateKey::of_bundle(Arc::clone(&self.bundle))
    }

    /// The certificate.
    #[getter]
    fn certificate(&self) -> PyCertificate {
        PyCertificate(self.bundle.certificate().clone())
    }

    /// The intermediate certificates, the certificate's issuer first; empty under a root.
    #[getter]
    fn chain(&self) -> Vec<PyCertificate> {
        wrapped(self.bundle.chain().to_vec())
    }

    /// The role it was issued for; `None` if it was read.
    #[getter]
    fn role(&self) -> Option<Word<Role>> {
        self.bundle.role().map(Word)
    }

    /// The name it was issued for; `None` if it was read, or issued without one.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.bundle.name()
    }

    /// The end that was requested, if the certificate expires before it, with its CA.
    #[getter]
    fn requested_utc(&self) -> Option<SystemTime> {
        self.bundle.requested_end()
    }

    /// The content of etcd's certificate file: the certificate and then the chain, in PEM.
    fn to_pem<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let pem = self.bundle.to_pem();
        Ok(PyBytes::new(py, pem.as_bytes()))
    }

    /// The content of etcd's key file: the key as PKCS#8 in PEM.
    fn to_secret_pem<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let pem = self.bundle.to_secret_pem();
        Ok(PyBytes::new(py, pem.as_bytes()))
    }

    /// Writes both files under the role and the name that it was issued for: the certificate with
    /// its chain, mode 0644, and the key, mode 0600, both or none. Existing files are replaced only
    /// with `overwrite`. Returns the paths.
    #[pyo3(
        signature = (directory, *, layout=Word(Layout::Kubespray), overwrite=false),
        text_signature = "($self, directory, *, layout='kubespray', overwrite=False)"
    )]
    fn write(
        &self,
        py: Python<'_>,
        directory: PathBuf,
        layout: Word<Layout>,
        overwrite: bool,
    ) -> PyResult<Vec<PyPairPaths>> {
        let store = Store::new(directory, layout.0);
        let files = locked(py, &store)?;
        work(py, || write(&self.bundle, &store, &files, overwrite))
    }

    /// A context for a server. It uses this certificate, and accepts clients with a certificate
    /// that `trusted` has signed; with `client_cert_auth=False`, also clients without a
    /// certificate. By default `trusted` is the root of the CA that issued the bundle. A bundle
    /// that was read needs the argument. No key file remains on the disk.
    #[pyo3(signature = (trusted=None, *, client_cert_auth=true))]
    fn ssl_context_server<'py>(
        &self,
        py: Python<'py>,
        trusted: Option<Certificates>,
        client_cert_auth: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let arguments = self.ssl_arguments(py, trusted)?;
        arguments.set_item("client_cert_auth", client_cert_auth)?;
        border::ssl_context(py, "server", &arguments)
    }

    /// A context for a client. It uses this certificate, and accepts a server if `trusted` has
    /// signed its certificate for the host of the connection. No key file remains on the disk.
    #[pyo3(signature = (trusted=None))]
    fn ssl_context_client<'py>(
        &self,
        py: Python<'py>,
        trusted: Option<Certificates>,
    ) -> PyResult<Bound<'py, PyAny>> {
        border::ssl_context(py, "client", &self.ssl_arguments(py, trusted)?)
    }

    /// A context for connections between members, for either end: both present a certificate and
    /// check the other's. The certificate of this bundle must be for a server and for a client
    /// (serverAuth and clientAuth), as a member's is. The server accepts every client certificate
    /// that `trusted` has signed, whatever names it has. etcd itself also checks the address from
    /// which the client connects. No key file remains on the disk.
    #[pyo3(signature = (trusted=None, *, server_side))]
    fn ssl_context_peer<'py>(
        &self,
        py: Python<'py>,
        trusted: Option<Certificates>,
        server_side: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        if !serves_and_dials(self.bundle.certificate()) {
            return Err(state_error(
                "this bundle's certificate is not for both a server and a client (serverAuth and clientAuth), as a peer's has to \
                 be: issue one for a member",
            ));
        }
        if server_side {
            self.ssl_context_server(py, trusted, true)
        } else {
            self.ssl_context_client(py, trusted)
        }
    }

    fn __repr__(&self) -> String {
        let certificate = self.bundle.certificate();
        let until = etcd_pki_core::internal::rfc3339(certificate.not_after());
        format!("<Bundle {}, until {until}>", certificate.subject())
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(not_copied("bundle, which has a private key,"))
    }
}

impl PyBundle {
    fn ssl_arguments<'py>(
        &self,
        py: Python<'py>,
        trusted: Option<Certificates>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let known = || self.trusted.clone().map(|root| Certificates(vec![root]));
        let Certificates(trusted) = trusted.or_else(known).ok_or_else(|| {
            state_error("this bundle was read, and does not know its CA: say which with trusted=")
        })?;
        let arguments = PyDict::new(py);
        arguments.set_item("key", self.key())?;
        arguments.set_item("certificates", self.to_pem(py)?)?;
        arguments.set_item("trusted", wrapped(trusted))?;
        Ok(arguments)
    }
}

/// Whether the usages of a certificate allow both a server and a client. A certificate without
/// usages allows everything (RFC 5280, section 4.2.1.12).
fn serves_and_dials(certificate: &Certificate) -> bool {
    let Some(usages) = certificate.extended_key_usages() else {
        return true;
    };
    let both = [ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth];
    both.iter().all(|usage| usages.contains(usage))
}

/// The bundle of a key and of the certificates in a file: the first is the certificate, the others
/// are its chain.
fn with_chain(key: PrivateKey, mut certificates: Vec<Certificate>) -> Result<Bundle> {
    let chain = certificates.split_off(1);
    Bundle::new(key, certificates.swap_remove(0), chain)
}

/// Writes a bundle to all the pairs that a layout has for it.
fn write(
    bundle: &Bundle,
    store: &Store,
    files: &LockedStore,
    overwrite: bool,
) -> Result<Vec<PyPairPaths>> {
    let (Some(role), Some(name), true) = (bundle.role(), bundle.name(), overwrite) else {
        return files.write(bundle).map(PyPairPaths::all);
    };
    let pairs = store.layout().pairs(role, name)?;
    let bundles: Vec<_> = pairs.iter().map(|pair| (bundle, pair)).collect();
    files.write_pairs(&bundles, Overwrite::Replace)?;
    let pairs = pairs.iter().map(|pair| pair.below(store.directory()));
    Ok(PyPairPaths::all(pairs.collect()))
}

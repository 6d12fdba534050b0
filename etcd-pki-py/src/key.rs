//! Private and public keys.

use std::{
    hash::{Hash, Hasher},
    path::PathBuf,
    ptr,
    sync::Arc,
};

use etcd_pki_core::{
    Bundle, CertificateAuthority, Error, KeyAlgorithm, Passphrase, PrivateKey, PublicKey, Result,
    key::KeyFormat,
};
use pyo3::{exceptions::PyTypeError, prelude::*, types::PyBytes};

use crate::{
    border,
    error::{OrRaise as _, work},
    files,
    text::{Contents, PassphraseArgument},
    words::Word,
};

/// A private key that signs.
///
/// A private key equals only itself, even if a bundle or a CA returns it several times. Its `repr`
/// shows nothing of it, and it can be neither copied nor pickled. Only methods with `secret` in
/// their name return its bytes. Bytes that Python has received cannot be wiped.
///
/// >>> from etcd_pki import PrivateKey
/// >>> key = PrivateKey.generate()
/// >>> key.algorithm
/// <KeyAlgorithm.EC_P256: 'ec-p256'>
/// >>> PrivateKey.from_pem(key.to_secret_pem()).public_key == key.public_key
/// True
#[pyclass(frozen, eq, hash, name = "PrivateKey", module = "etcd_pki")]
pub(crate) struct PyPrivateKey(Held);

/// A key is never copied, so the key of a bundle or a CA stays there.
enum Held {
    Own(Box<PrivateKey>),
    OfBundle(Arc<Bundle>),
    OfCa(Arc<CertificateAuthority>),
}

impl PyPrivateKey {
    pub(crate) fn of_bundle(bundle: Arc<Bundle>) -> Self {
        Self(Held::OfBundle(bundle))
    }

    /// The CA's key, if it is in this process.
    pub(crate) fn of_ca(ca: Arc<CertificateAuthority>) -> Option<Self> {
        ca.key()?;
        Some(Self(Held::OfCa(ca)))
    }

    /// The address in memory, which identifies the key. Secret bytes are not compared.
    fn place(&self) -> *const () {
        match &self.0 {
            Held::Own(key) => ptr::from_ref::<PrivateKey>(key).cast(),
            Held::OfBundle(bundle) => Arc::as_ptr(bundle).cast(),
            Held::OfCa(ca) => Arc::as_ptr(ca).cast(),
        }
    }

    pub(crate) fn get(&self) -> Result<&PrivateKey> {
        match &self.0 {
            Held::Own(key) => Ok(key),
            Held::OfBundle(bundle) => Ok(bundle.key()),
            Held::OfCa(ca) => ca.key().ok_or_else(|| Error::Signer {
                reason: "the key of this CA is not in this process".to_owned(),
            }),
        }
    }

    /// A copy of the key for a bundle or a CA that owns it.
    pub(crate) fn imported(&self) -> Result<PrivateKey> {
        PrivateKey::from_der(&self.get()?.to_secret_der())
    }
}

impl PartialEq for PyPrivateKey {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Hash for PyPrivateKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.place().hash(state);
    }
}

#[pymethods]
impl PyPrivateKey {
    /// Generates a key. RSA takes a tenth of a second to seconds.
    #[staticmethod]
    #[pyo3(
        signature = (algorithm=Word(KeyAlgorithm::EcP256)),
        text_signature = "(algorithm='ec-p256')"
    )]
    fn generate(py: Python<'_>, algorithm: Word<KeyAlgorithm>) -> PyResult<Self> {
        work(py, || PrivateKey::generate_with(algorithm.0)).map(Self::own)
    }

    /// Reads the only private key in a PEM file, which may have other blocks: PKCS#8, encrypted or
    /// not, PKCS#1 or SEC1.
    #[staticmethod]
    #[pyo3(signature = (pem, *, passphrase=None))]
    fn from_pem(
        py: Python<'_>,
        pem: Contents,
        passphrase: Option<PassphraseArgument>,
    ) -> PyResult<Self> {
        read(py, &pem, passphrase, |bytes, passphrase| match passphrase {
            None => PrivateKey::from_pem(bytes),
            Some(passphrase) => PrivateKey::from_encrypted_pem(bytes, passphrase),
        })
    }

    /// Reads a private key in DER: PKCS#8, encrypted or not, PKCS#1 or SEC1.
    #[staticmethod]
    #[pyo3(signature = (der, *, passphrase=None))]
    fn from_der(
        py: Python<'_>,
        der: Contents,
        passphrase: Option<PassphraseArgument>,
    ) -> PyResult<Self> {
        read(py, &der, passphrase, PrivateKey::from_bytes)
    }

    /// Reads a private key from a file, PEM or DER, encrypted or not.
    #[staticmethod]
    #[pyo3(signature = (path, *, passphrase=None))]
    fn from_file(
        py: Python<'_>,
        path: PathBuf,
        passphrase: Option<PassphraseArgument>,
    ) -> PyResult<Self> {
        let passphrase = passphrase.as_deref();
        let key = work(py, || {
            files::from_file(&path, |bytes| PrivateKey::from_bytes(bytes, passphrase))
        });
        key.map(Self::own)
    }

    /// Converts a key of the package cryptography.
    #[staticmethod]
    fn from_cryptography(py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<Self> {
        let der: Contents = border::from_cryptography(py, "private_key_der", key)?;
        Self::from_der(py, der, None)
    }

    /// The algorithm of the key.
    #[getter]
    fn algorithm(&self) -> PyResult<Word<KeyAlgorithm>> {
        Ok(Word(self.get().or_raise()?.algorithm()))
    }

    /// The public key that belongs to it.
    #[getter]
    fn public_key(&self) -> PyResult<PyPublicKey> {
        let key = self.get().or_raise()?;
        Ok(PyPublicKey(key.public_key().clone()))
    }

    /// Signs: ECDSA as `Ecdsa-Sig-Value`, RSA as PKCS#1 v1.5, each with the digest of its
    /// algorithm.
    fn sign<'py>(&self, py: Python<'py>, message: Contents) -> PyResult<Bound<'py, PyBytes>> {
        let signature = work(py, || self.get()?.sign(message.as_bytes()))?;
        Ok(PyBytes::new(py, &signature))
    }

    /// The key in PEM: as PKCS#8, or in the format of another tool. Anyone with these bytes can act
    /// as the key's owner.
    #[pyo3(
        signature = (*, format=Word(KeyFormat::Pkcs8)),
        text_signature = "($self, *, format='pkcs8')"
    )]
    fn to_secret_pem<'py>(
        &self,
        py: Python<'py>,
        format: Word<KeyFormat>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let key = self.get().or_raise()?;
        let pem = key.to_secret_pem_as(format.0).or_raise()?;
        Ok(PyBytes::new(py, pem.as_bytes()))
    }

    /// The key as PKCS#8 in DER. Anyone with these bytes can act as the key's owner.
    fn to_secret_der<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let der = self.get().or_raise()?.to_secret_der();
        Ok(PyBytes::new(py, &der))
    }

    /// The key as encrypted PKCS#8 in PEM. etcd itself reads no encrypted key.
    fn to_encrypted_pem<'py>(
        &self,
        py: Python<'py>,
        passphrase: PassphraseArgument,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let pem = work(py, || self.get()?.to_encrypted_pem(&passphrase))?;
        Ok(PyBytes::new(py, pem.as_bytes()))
    }

    /// The key as an object of the package cryptography.
    fn to_cryptography<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        border::to_cryptography(py, "private_key", self.to_secret_der(py)?)
    }

    fn __repr__(&self) -> PyResult<String> {
        let key = self.get().or_raise()?;
        Ok(format!("<PrivateKey {}>", key.algorithm()))
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(not_copied("private key"))
    }
}

impl PyPrivateKey {
    fn own(key: PrivateKey) -> Self {
        Self(Held::Own(Box::new(key)))
    }
}

/// The error for copying or pickling something with a private key in it.
pub(crate) fn not_copied(what: &str) -> PyErr {
    PyTypeError::new_err(format!("a {what} can be neither copied nor pickled"))
}

fn read(
    py: Python<'_>,
    contents: &Contents,
    passphrase: Option<PassphraseArgument>,
    read: impl FnOnce(&[u8], Option<&Passphrase>) -> Result<PrivateKey> + Send,
) -> PyResult<PyPrivateKey> {
    let passphrase = passphrase.as_deref();
    let key = work(py, || read(contents.as_bytes(), passphrase));
    key.map(PyPrivateKey::own)
}

/// A public key, of any algorithm: certificates may have keys that etcd-pki itself does not sign
/// with.
#[pyclass(frozen, eq, hash, name = "PublicKey", module = "etcd_pki")]
#[derive(PartialEq, Hash)]
pub(crate) struct PyPublicKey(pub(crate) PublicKey);

#[pymethods]
impl PyPublicKey {
    /// Reads the only `PUBLIC KEY` block in a PEM file.
    #[staticmethod]
    fn from_pem(pem: Contents) -> PyResult<Self> {
        PublicKey::from_pem(pem.as_bytes()).or_raise().map(Self)
    }

    /// Reads a `SubjectPublicKeyInfo` (RFC 5280, section 4.1).
    #[staticmethod]
    fn from_der(der: Contents) -> PyResult<Self> {
        PublicKey::from_der(der.as_bytes()).or_raise().map(Self)
    }

    /// Converts a key of the package cryptography.
    #[staticmethod]
    fn from_cryptography(py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<Self> {
        Self::from_der(border::from_cryptography(py, "public_key_der", key)?)
    }

    /// The algorithm, if etcd-pki can sign with it.
    #[getter]
    fn algorithm(&self) -> Option<Word<KeyAlgorithm>> {
        self.0.algorithm().map(Word)
    }

    /// The name of the algorithm, supported or not: `ec-p256`, `rsa-1024`, `ec-p521`, or an object
    /// identifier.
    #[getter]
    fn algorithm_name(&self) -> &str {
        self.0.algorithm_name()
    }

    /// SHA-256 of the key's DER, in upper-case hexadecimal.
    #[getter]
    fn fingerprint_sha256(&self) -> String {
        self.0.fingerprint_sha256()
    }

    /// The key as `PUBLIC KEY` in PEM.
    fn to_pem<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let pem = self.0.to_pem();
        Ok(PyBytes::new(py, pem.as_bytes()))
    }

    /// The key as a `SubjectPublicKeyInfo` in DER.
    fn to_der<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.as_der())
    }

    /// The key as an object of the package cryptography.
    fn to_cryptography<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        border::to_cryptography(py, "public_key", self.to_der(py))
    }

    fn __repr__(&self) -> String {
        let (name, fingerprint) = (self.0.algorithm_name(), self.0.fingerprint_sha256());
        format!("<PublicKey {name}, SHA-256 {fingerprint}>")
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let from_der = slf.get_type().getattr("from_der")?;
        Ok((from_der, (slf.get().to_der(slf.py()),)))
    }
}

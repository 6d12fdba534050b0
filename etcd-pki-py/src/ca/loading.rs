//! Creating and loading CAs.

use std::path::PathBuf;

use etcd_pki_core::{
    Certificate, CertificateAuthority, Identity, KeyAlgorithm, PrivateKey,
    internal::{read_ca, read_ca_to_renew},
    role::Compatibility,
};
use pyo3::prelude::*;

use super::PyCertificateAuthority;
use crate::{
    certificate::Certificates,
    error::work,
    key::PyPrivateKey,
    profile,
    signer::PySigner,
    text::{Contents, Listed, PassphraseArgument, Text},
    time::{Instant, ValidityArgument, instant},
    words::Word,
};

#[pymethods]
impl PyCertificateAuthority {
    /// Creates a CA with a self-signed certificate and, unless one is given, a new key. By default
    /// the key is ec-p256, the validity ten years, and the path length 1.
    /// `compatibility="kubespray"` means RSA of 2048 bits and 36500 days.
    #[staticmethod]
    #[pyo3(
        signature = (
            common_name, *, organization=None, compatibility=Word(Compatibility::Strict), algorithm=None, validity=None,
            key=None, now=None
        ),
        text_signature = "(common_name, *, organization=None, compatibility='strict', algorithm=None, validity=None, key=None, \
            now=None)"
    )]
    #[expect(clippy::too_many_arguments, reason = "Python's are keywords")]
    fn create(
        py: Python<'_>,
        common_name: Text,
        organization: Option<Text>,
        compatibility: Word<Compatibility>,
        algorithm: Option<Word<KeyAlgorithm>>,
        validity: Option<ValidityArgument>,
        key: Option<&Bound<'_, PyPrivateKey>>,
        now: Option<Instant>,
    ) -> PyResult<Self> {
        let profile = profile::ca(compatibility, algorithm, validity);
        let key = key.map(Bound::get);
        let ca = work(py, || {
            let mut identity = Identity::from_common_name(&common_name.0)?;
            if let Some(Text(organization)) = &organization {
                identity = identity.with_organization(organization)?;
            }
            let key = match key {
                Some(key) => key.imported()?,
                None => PrivateKey::generate_with(profile.algorithm())?,
            };
            CertificateAuthority::create_for(key, &identity, profile, instant(now))
        });
        ca.map(Self::new)
    }

    /// Loads a CA from its certificate and key.
    ///
    /// Of several certificates, the one of this key is the CA's, and the others are those above it.
    /// The CA is accepted only if it may sign certificates, is not expired, and its key matches.
    ///
    /// Nodes and clients cannot have `member_common_names`, nor a common name that begins as a
    /// member's does, unless a profile has `allow_member_common_name`. `Store.ca` sets those of its
    /// directory.
    #[staticmethod]
    #[pyo3(
        signature = (certificates, key, *, member_common_names=Listed::default(), now=None),
        text_signature = "(certificates, key, *, member_common_names=(), now=None)"
    )]
    fn load(
        py: Python<'_>,
        certificates: Certificates,
        key: &Bound<'_, PyPrivateKey>,
        member_common_names: Listed<Text>,
        now: Option<Instant>,
    ) -> PyResult<Self> {
        let key = key.get();
        let ca = work(py, || {
            CertificateAuthority::load_at(certificates.0, key.imported()?, instant(now))
        });
        ca.map(|ca| Self::refusing(ca, member_common_names))
    }

    /// Loads a CA from PEM, as `load` does.
    #[staticmethod]
    #[pyo3(signature = (certificates, key, *, passphrase=None, now=None))]
    fn from_pem(
        py: Python<'_>,
        certificates: Contents,
        key: Contents,
        passphrase: Option<PassphraseArgument>,
        now: Option<Instant>,
    ) -> PyResult<Self> {
        let passphrase = passphrase.as_deref();
        let ca = work(py, || {
            let all = Certificate::all_from_bytes(certificates.as_bytes())?;
            let key = PrivateKey::from_bytes(key.as_bytes(), passphrase)?;
            CertificateAuthority::load_at(all, key, instant(now))
        });
        ca.map(Self::new)
    }

    /// Loads a CA from its two files, PEM or DER, as `load` does. `for_renewal=True` also loads one
    /// that has expired, so that it can be renewed.
    #[staticmethod]
    #[pyo3(
        signature = (
            certificate, key, *, passphrase=None, member_common_names=Listed::default(), for_renewal=false, now=None
        ),
        text_signature = "(certificate, key, *, passphrase=None, member_common_names=(), for_renewal=False, now=None)"
    )]
    fn from_files(
        py: Python<'_>,
        certificate: PathBuf,
        key: PathBuf,
        passphrase: Option<PassphraseArgument>,
        member_common_names: Listed<Text>,
        for_renewal: bool,
        now: Option<Instant>,
    ) -> PyResult<Self> {
        let passphrase = passphrase.as_deref();
        let read = if for_renewal {
            read_ca_to_renew
        } else {
            read_ca
        };
        let ca = work(py, || read(&certificate, &key, passphrase, instant(now)));
        ca.map(|ca| Self::refusing(ca, member_common_names))
    }

    /// Creates a CA with a key outside this process: any object with `public_key` and
    /// `sign(message)`. Each of its signatures is checked before it is used.
    #[staticmethod]
    #[pyo3(
        signature = (certificates, signer, *, member_common_names=Listed::default(), now=None),
        text_signature = "(certificates, signer, *, member_common_names=(), now=None)"
    )]
    fn from_signer(
        py: Python<'_>,
        certificates: Certificates,
        signer: PySigner,
        member_common_names: Listed<Text>,
        now: Option<Instant>,
    ) -> PyResult<Self> {
        let ca = work(py, || {
            CertificateAuthority::from_signer_at(certificates.0, signer, instant(now))
        });
        ca.map(|ca| Self::refusing(ca, member_common_names))
    }
}

impl PyCertificateAuthority {
    /// A CA that refuses these common names to nodes and clients.
    fn refusing(ca: CertificateAuthority, member_common_names: Listed<Text>) -> Self {
        let names = member_common_names.0.into_iter().map(|Text(name)| name);
        Self::new(ca.with_member_common_names(names))
    }
}

//! Creates certificates of every kind for unit tests, with rcgen.

use std::rc::Rc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

use crate::{
    key::{KeyAlgorithm, PrivateKey},
    x509::certificate::Certificate,
};

/// A certificate, its parameters, and its key.
#[derive(Clone)]
pub(crate) struct Made {
    pub(crate) certificate: Certificate,
    params: CertificateParams,
    key: Rc<KeyPair>,
}

/// The parameters of a leaf certificate with this name. It has no usages and no other names.
pub(crate) fn leaf(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params
}

/// The parameters of a leaf certificate with both usages of TLS.
pub(crate) fn member(name: &str) -> CertificateParams {
    let mut params = leaf(name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params
}

/// The parameters of a CA certificate, with or without a path length.
pub(crate) fn ca(name: &str, path_length: Option<u8>) -> CertificateParams {
    let mut params = leaf(name);
    let constraints = path_length.map_or(
        BasicConstraints::Unconstrained,
        BasicConstraints::Constrained,
    );
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

impl Made {
    /// Creates a self-signed certificate.
    pub(crate) fn root(params: CertificateParams) -> Self {
        Self::of_key(params, Rc::new(KeyPair::generate().unwrap()))
    }

    /// Creates a self-signed certificate with an RSA key.
    #[cfg(feature = "rsa")]
    pub(crate) fn rsa_root(params: CertificateParams) -> Self {
        let key = PrivateKey::generate_with(KeyAlgorithm::Rsa2048).unwrap();
        let key = KeyPair::try_from(&**key.to_secret_der()).unwrap();
        Self::of_key(params, Rc::new(key))
    }

    /// Creates another self-signed certificate with the same key.
    pub(crate) fn again(&self, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = self.params.clone();
        change(&mut params);
        Self::of_key(params, Rc::clone(&self.key))
    }

    /// The private key.
    pub(crate) fn private_key(&self) -> PrivateKey {
        PrivateKey::from_der(self.key.serialized_der()).unwrap()
    }

    /// Signs a certificate with a new key.
    pub(crate) fn sign(&self, params: CertificateParams) -> Self {
        self.sign_key(params, Rc::new(KeyPair::generate().unwrap()))
    }

    /// Signs a certificate with the name and key of an existing one.
    pub(crate) fn sign_again(&self, signed: &Self) -> Self {
        self.sign_key(signed.params.clone(), Rc::clone(&signed.key))
    }

    fn of_key(params: CertificateParams, key: Rc<KeyPair>) -> Self {
        let der = params.self_signed(&*key).unwrap();
        Self {
            certificate: Certificate::from_der(der.der()).unwrap(),
            params,
            key,
        }
    }

    fn sign_key(&self, params: CertificateParams, key: Rc<KeyPair>) -> Self {
        let issuer = Issuer::from_params(&self.params, &*self.key);
        let der = params.signed_by(&*key, &issuer).unwrap();
        Self {
            certificate: Certificate::from_der(der.der()).unwrap(),
            params,
            key,
        }
    }
}

//! What some DER is, for the error of who expected something else.

use der::Decode as _;
use x509_cert::{
    certificate::{CertificateInner, Raw},
    spki::SubjectPublicKeyInfoRef,
};

use crate::error::Error;

/// The error, or that there is none of what was wanted but something else.
pub(crate) fn instead_of(what: &'static str, der: &[u8], error: Error) -> Error {
    match kind(der) {
        Some(found) if !found.ends_with(what) => Error::Missing {
            what,
            found: vec![found.to_owned()],
        },
        _ => error,
    }
}

fn kind(der: &[u8]) -> Option<&'static str> {
    let is_private_key = || {
        pkcs8::PrivateKeyInfoRef::from_der(der).is_ok()
            || pkcs1::RsaPrivateKeyRef::from_der(der).is_ok()
            || sec1::EcPrivateKey::from_der(der).is_ok()
            || pkcs8::EncryptedPrivateKeyInfoRef::from_der(der).is_ok()
    };
    if CertificateInner::<Raw>::from_der(der).is_ok() {
        Some("a certificate")
    } else if x509_cert::request::CertReq::from_der(der).is_ok() {
        Some("a certificate request")
    } else if is_private_key() {
        Some("a private key")
    } else if SubjectPublicKeyInfoRef::from_der(der).is_ok() {
        Some("a public key")
    } else {
        None
    }
}

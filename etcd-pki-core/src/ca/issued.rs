//! Represents the result of signing a request or a public key.

use std::time::SystemTime;

use super::CertificateAuthority;
use crate::{
    request::Claim,
    x509::{bundle, certificate::Certificate},
};

/// A certificate without its key, which stays with its owner.
#[derive(Clone, Debug)]
pub struct Issued {
    certificate: Certificate,
    chain: Vec<Certificate>,
    denied_claims: Vec<Claim>,
    validity_cut: Option<SystemTime>,
}

impl Issued {
    pub(super) const fn new(
        certificate: Certificate,
        chain: Vec<Certificate>,
        validity_cut: Option<SystemTime>,
    ) -> Self {
        Self {
            certificate,
            chain,
            denied_claims: Vec::new(),
            validity_cut,
        }
    }

    pub(super) fn with_denied(self, denied_claims: Vec<Claim>) -> Self {
        Self {
            denied_claims,
            ..self
        }
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The intermediate certificates, the certificate's issuer first; empty under a root.
    #[must_use]
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// The claims of the request that were not granted.
    #[must_use]
    pub fn denied_claims(&self) -> &[Claim] {
        &self.denied_claims
    }

    /// The requested end, if the CA expires earlier and so the certificate does too.
    #[must_use]
    pub fn requested_end(&self) -> Option<SystemTime> {
        self.validity_cut
    }

    /// Keeps the certificates that followed the old one in its file, if they still form a chain
    /// with the new one.
    pub(crate) fn keeping(mut self, following: &[Certificate], ca: &CertificateAuthority) -> Self {
        if !following.is_empty() {
            self.chain = ca.kept_chain(&self.certificate, following);
        }
        self
    }

    /// The certificate, its chain, and the requested end.
    pub(crate) fn into_parts(self) -> (Certificate, Vec<Certificate>, Option<SystemTime>) {
        (self.certificate, self.chain, self.validity_cut)
    }

    /// The content of etcd's certificate file: the certificate and then its chain, in PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        bundle::certificates_pem(&self.certificate, &self.chain)
    }
}

//! What signing somebody else's key gives back.

use std::time::SystemTime;

use super::CertificateAuthority;
use crate::{bundle, certificate::Certificate, error::Result, request::Claim};

/// A certificate for somebody else's key.
#[derive(Clone, Debug)]
pub struct Issued {
    pub(super) certificate: Certificate,
    pub(super) chain: Vec<Certificate>,
    pub(super) refused: Vec<Claim>,
    pub(super) validity_cut: Option<SystemTime>,
}

impl Issued {
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

    /// What the request claimed and did not get.
    #[must_use]
    pub fn refused(&self) -> &[Claim] {
        &self.refused
    }

    /// The end that was asked for, if the CA's own end cut it short.
    #[must_use]
    pub fn validity_cut(&self) -> Option<SystemTime> {
        self.validity_cut
    }

    /// Takes over the certificates that followed the old one in its file, if they still lead from the
    /// new one upwards.
    pub(crate) fn keeping(mut self, following: &[Certificate], ca: &CertificateAuthority) -> Self {
        if !following.is_empty() {
            self.chain = ca.kept_chain(&self.certificate, following);
        }
        self
    }

    /// What etcd's certificate file holds: the certificate and behind it the chain, in PEM.
    ///
    /// # Errors
    ///
    /// None that a certificate which exists can meet.
    pub fn certificate_pem(&self) -> Result<String> {
        bundle::certificates_pem(&self.certificate, &self.chain)
    }
}

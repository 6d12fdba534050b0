//! Contains the parts of a certificate that are read once and used often.

use std::sync::OnceLock;

use der::{Decode as _, Encode as _};
use x509_cert::certificate::{CertificateInner, Raw, TbsCertificateInner};

use super::{WHAT, malformed};
use crate::{
    error::Result,
    key::PublicKey,
    limits,
    x509::{extensions::Extensions, serial::SerialNumber},
};

pub(super) struct Facts {
    /// The raw profile: a serial number may have more bytes than RFC 5280 allows, as in Go and
    /// OpenSSL
    pub(super) parsed: CertificateInner<Raw>,
    pub(super) extensions: Extensions,
    pub(super) public_key: PublicKey,
    pub(super) serial_number: SerialNumber,
    /// Whether its own key signed it; checked at the first use
    pub(super) self_signed: OnceLock<bool>,
}

impl Facts {
    pub(super) fn read(der: &[u8]) -> Result<Self> {
        let parsed = CertificateInner::<Raw>::from_der(der).map_err(malformed)?;
        let content = parsed.tbs_certificate();
        let key = content
            .subject_public_key_info()
            .to_der()
            .map_err(malformed)?;
        for name in [content.subject(), content.issuer()] {
            let parts = name.iter().count();
            limits::check(WHAT, parts, limits::SUBJECT_PARTS, "parts in a name")?;
        }
        let serial_number = content.serial_number().as_bytes();
        SerialNumber::check_length(serial_number)?;
        Ok(Self {
            extensions: Extensions::read(content.extensions().into_iter().flatten())?,
            public_key: PublicKey::from_der(&key)?,
            serial_number: SerialNumber::from_integer(serial_number),
            self_signed: OnceLock::new(),
            parsed,
        })
    }

    pub(super) fn content(&self) -> &TbsCertificateInner<Raw> {
        self.parsed.tbs_certificate()
    }
}

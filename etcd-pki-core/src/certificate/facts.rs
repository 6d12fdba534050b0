//! What is read of a certificate once, to be looked at often.

use der::{Decode as _, Encode as _};

use super::malformed;
use crate::{error::Result, extensions::Extensions, key::PublicKey, serial::SerialNumber};

pub(super) struct Facts {
    pub(super) parsed: x509_cert::Certificate,
    pub(super) extensions: Extensions,
    pub(super) public_key: PublicKey,
    pub(super) serial_number: SerialNumber,
}

impl Facts {
    pub(super) fn read(der: &[u8]) -> Result<Self> {
        let parsed = x509_cert::Certificate::from_der(der).map_err(malformed)?;
        let content = parsed.tbs_certificate();
        let key = content
            .subject_public_key_info()
            .to_der()
            .map_err(malformed)?;
        Ok(Self {
            extensions: Extensions::read(content.extensions().into_iter().flatten())?,
            public_key: PublicKey::from_der(&key)?,
            serial_number: SerialNumber::from_bytes(content.serial_number().as_bytes()),
            parsed,
        })
    }

    pub(super) fn content(&self) -> &x509_cert::TbsCertificate {
        self.parsed.tbs_certificate()
    }
}

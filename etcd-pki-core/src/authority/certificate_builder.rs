//! A certificate to be signed.

use std::time::SystemTime;

use der::{Encode as _, asn1::UintRef};
use x509_cert::time::{Time, Validity};

use crate::{
    certificate::Certificate,
    der_writer,
    error::{Error, Result},
    key::PublicKey,
    serial::SerialNumber,
    signing::{self, Scheme},
};

/// What stands in a new certificate.
pub(super) struct CertificateBuilder<'a> {
    /// A `Name` in DER
    pub(super) issuer: &'a [u8],
    /// A `Name` in DER
    pub(super) subject: &'a [u8],
    /// A new one is made if there is none
    pub(super) serial_number: Option<SerialNumber>,
    pub(super) not_before: SystemTime,
    pub(super) not_after: SystemTime,
    pub(super) public_key: &'a PublicKey,
    /// `Extensions` in DER
    pub(super) extensions: Vec<u8>,
}

/// `version` (RFC 5280, section 4.1.2.1): field [0] with the INTEGER 2, which is version 3
const VERSION_3: &[u8] = &[0xa0, 0x03, 0x02, 0x01, 0x02];

impl CertificateBuilder<'_> {
    /// Signs it, by whatever key `sign` has.
    pub(super) fn sign(
        self,
        scheme: Scheme,
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>>,
    ) -> Result<Certificate> {
        let serial_number = match &self.serial_number {
            Some(serial_number) => serial_number.clone(),
            None => SerialNumber::generate()?,
        };
        let content = self
            .encode(&serial_number, scheme)
            .map_err(|error| Error::malformed("certificate", error))?;
        let signature = sign(&content)?;
        signing::signed(&content, scheme, &signature).map(Certificate::signed)
    }

    /// `TBSCertificate` (RFC 5280, section 4.1).
    fn encode(&self, serial_number: &SerialNumber, scheme: Scheme) -> der::Result<Vec<u8>> {
        // UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280, section 4.1.2.5)
        let validity: Validity = Validity::new(
            Time::try_from(self.not_before)?,
            Time::try_from(self.not_after)?,
        );
        der_writer::sequence(&[
            VERSION_3,
            &UintRef::new(serial_number.as_bytes())?.to_der()?,
            &scheme.signature_algorithm().to_der()?,
            self.issuer,
            &validity.to_der()?,
            self.subject,
            self.public_key.as_der(),
            &der_writer::explicit(3, &self.extensions)?,
        ])
    }
}

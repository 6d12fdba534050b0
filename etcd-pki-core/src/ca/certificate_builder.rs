//! Encodes a certificate and has it signed.

use std::time::SystemTime;

use der::Encode as _;
use x509_cert::time::{Time, Validity};

use crate::{
    der_writer::{self, SEQUENCE, nesting_field},
    error::{Error, Result},
    key::PublicKey,
    signing::{self, Scheme},
    time::clock,
    x509::{certificate::Certificate, extensions::ExtensionsBuilder, serial::SerialNumber},
};

/// The content of a new certificate.
pub(super) struct CertificateBuilder<'a> {
    /// A `Name` in DER
    pub(super) issuer: &'a [u8],
    /// A `Name` in DER
    pub(super) subject: &'a [u8],
    /// If `None`, a new number is generated
    pub(super) serial_number: Option<SerialNumber>,
    pub(super) not_before: SystemTime,
    pub(super) not_after: SystemTime,
    pub(super) public_key: &'a PublicKey,
    pub(super) extensions: ExtensionsBuilder,
}

/// The version of certificates with extensions, 3, is written as 2 (RFC 5280, section 4.1.2.1)
const VERSION_3: &[u8] = &[2];

/// More bytes than most certificates have before they are signed
const USUAL_LENGTH: usize = 768;

impl CertificateBuilder<'_> {
    /// Signs it with the function `sign`.
    pub(super) fn sign(
        self,
        scheme: Scheme,
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>>,
    ) -> Result<Certificate> {
        clock::check_beginning(self.not_before)?;
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
        let mut der = Vec::with_capacity(USUAL_LENGTH);
        der_writer::nest(&mut der, SEQUENCE, |der| {
            der_writer::nest(der, nesting_field(0), |der| {
                der_writer::push_unsigned(der, VERSION_3);
            });
            der_writer::push_unsigned(der, serial_number.as_bytes());
            scheme.write_identifier(der);
            der.extend_from_slice(self.issuer);
            validity.encode_to_vec(der)?;
            der.extend_from_slice(self.subject);
            der.extend_from_slice(self.public_key.as_der());
            der_writer::nest(der, nesting_field(3), |der| self.extensions.write(der));
            Ok::<_, der::Error>(())
        })?;
        Ok(der)
    }
}

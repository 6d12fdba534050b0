//! A certificate to be signed.

use std::time::SystemTime;

use der::{
    Decode as _, Encode as _, Sequence,
    asn1::{AnyRef, UintRef},
};
use x509_cert::{
    certificate::Version,
    spki::AlgorithmIdentifierRef,
    time::{Time, Validity},
};

use crate::{
    certificate::Certificate,
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

/// `TBSCertificate` (RFC 5280, section 4.1). The one of `x509-cert` has private fields, and its builder copies names and
/// keys that here are encoded already.
#[derive(Sequence)]
struct Content<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    version: Version,
    serial_number: UintRef<'a>,
    signature: AlgorithmIdentifierRef<'a>,
    issuer: AnyRef<'a>,
    validity: Validity,
    subject: AnyRef<'a>,
    public_key: AnyRef<'a>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT")]
    extensions: AnyRef<'a>,
}

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

    fn encode(&self, serial_number: &SerialNumber, scheme: Scheme) -> der::Result<Vec<u8>> {
        Content {
            version: Version::V3,
            serial_number: UintRef::new(serial_number.as_bytes())?,
            signature: scheme.signature_algorithm(),
            issuer: AnyRef::from_der(self.issuer)?,
            // UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280, section 4.1.2.5)
            validity: Validity::new(
                Time::try_from(self.not_before)?,
                Time::try_from(self.not_after)?,
            ),
            subject: AnyRef::from_der(self.subject)?,
            public_key: AnyRef::from_der(self.public_key.as_der())?,
            extensions: AnyRef::from_der(&self.extensions)?,
        }
        .to_der()
    }
}

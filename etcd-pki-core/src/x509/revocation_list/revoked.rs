//! The entries of revocation lists.

use std::{fmt, sync::Arc, time::SystemTime};

use der::Decode as _;
use x509_cert::name::Name;

use super::RevocationReason;
use crate::{
    error::Result,
    text,
    time::clock,
    x509::{certificate::Certificate, serial::SerialNumber},
};

/// A revoked certificate in a list: its issuer and serial number, when it was revoked, and why.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Revoked {
    pub(super) serial_number: SerialNumber,
    pub(super) revoked_at: SystemTime,
    pub(super) reason: Option<RevocationReason>,
    /// The name of the CA that issued the certificate, in DER
    pub(super) issuer: Arc<[u8]>,
}

impl Revoked {
    /// The entry of a certificate that is revoked now.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`](crate::Error::Malformed) if the issuer's name cannot be encoded.
    pub fn now(certificate: &Certificate) -> Result<Self> {
        Self::at(certificate, clock::now())
    }

    /// The entry of a certificate that is revoked at a given time.
    ///
    /// # Errors
    ///
    /// As [`Revoked::now`].
    pub fn at(certificate: &Certificate, instant: SystemTime) -> Result<Self> {
        let serial_number = certificate.serial_number().clone();
        Ok(Self::new(
            serial_number,
            certificate.issuer_der()?.into(),
            instant,
        ))
    }

    /// The entry of a serial number of this CA, if the certificate itself is not known.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`](crate::Error::Malformed) if the CA's name cannot be encoded.
    pub fn serial_at(
        serial_number: SerialNumber,
        ca: &Certificate,
        instant: SystemTime,
    ) -> Result<Self> {
        Ok(Self::new(serial_number, ca.subject_der()?.into(), instant))
    }

    fn new(serial_number: SerialNumber, issuer: Arc<[u8]>, instant: SystemTime) -> Self {
        Self {
            serial_number,
            issuer,
            revoked_at: clock::whole_seconds(instant),
            reason: None,
        }
    }

    /// Sets the reason.
    #[must_use]
    pub fn with_reason(mut self, reason: RevocationReason) -> Self {
        self.reason = Some(reason);
        self
    }

    /// The serial number.
    #[must_use]
    pub fn serial_number(&self) -> &SerialNumber {
        &self.serial_number
    }

    /// When it was revoked.
    #[must_use]
    pub fn revoked_at(&self) -> SystemTime {
        self.revoked_at
    }

    /// The reason; `None` if the list gives none, or one that RFC 5280 does not have.
    #[must_use]
    pub fn reason(&self) -> Option<RevocationReason> {
        self.reason
    }

    /// The CA that issued the certificate, as RFC 4514 text.
    #[must_use]
    pub fn issuer(&self) -> String {
        name_text(&self.issuer)
    }

    /// Whether this is the entry of a certificate, by its issuer and serial number.
    #[must_use]
    pub fn is_of(&self, certificate: &Certificate) -> bool {
        let issuer = || certificate.issuer_der();
        self.serial_number == *certificate.serial_number()
            && issuer().is_ok_and(|issuer| issuer == *self.issuer)
    }

    /// The name of the CA that issued the certificate, in DER.
    pub(crate) fn issuer_der(&self) -> &[u8] {
        &self.issuer
    }
}

impl fmt::Debug for Revoked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Revoked")
            .field("serial_number", &self.serial_number.to_string())
            .field("issuer", &self.issuer())
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

/// A name in DER as RFC 4514 text.
pub(super) fn name_text(der: &[u8]) -> String {
    match Name::from_der(der) {
        Ok(name) => name.to_string(),
        // The reader has checked every name, so only a certificate with a raw profile has such a
        // name
        Err(_) => format!("#{}", text::upper_hex(der)),
    }
}

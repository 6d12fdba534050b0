//! Defines a CA that a TLS server advertises.

use std::fmt;

use der::Decode as _;
use x509_cert::name::Name;

use crate::{error::Result, text, x509::certificate::Certificate};

/// A CA that a server trusts for clients, as the CertificateRequest of a TLS handshake names it: by
/// its subject (RFC 8446, section 4.2.4).
///
/// etcd reads its trusted CAs when it starts, so this list shows whether a member was restarted
/// since a CA was added to its file.
///
/// ```
/// use etcd_pki_core::{CertificateAuthority, x509::AdvertisedCa};
///
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// let advertised = AdvertisedCa::of(ca.certificate())?;
/// assert_eq!(advertised.to_string(), "CN=etcd-ca");
/// assert!(advertised.is_subject_of(ca.certificate()));
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AdvertisedCa {
    der: Vec<u8>,
    subject: String,
}

impl AdvertisedCa {
    /// The CA with a subject in DER. Bytes that are no subject are kept too, as hexadecimal digits.
    #[must_use]
    pub fn from_der(der: &[u8]) -> Self {
        let subject = match Name::from_der(der) {
            Ok(name) => text::excerpt(&name.to_string()),
            Err(_) => text::excerpt(&text::upper_hex(der)),
        };
        Self {
            der: der.to_vec(),
            subject,
        }
    }

    /// The CA of a certificate.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`](crate::Error::Malformed) if the subject cannot be written as DER.
    pub fn of(certificate: &Certificate) -> Result<Self> {
        Ok(Self::from_der(&certificate.subject_der()?))
    }

    /// The subject in DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The subject as RFC 4514 text, with escapes for characters that cannot be seen.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Whether a certificate has this subject. Several CAs may have the same one.
    #[must_use]
    pub fn is_subject_of(&self, certificate: &Certificate) -> bool {
        certificate.subject_der().is_ok_and(|der| der == self.der)
    }
}

impl fmt::Display for AdvertisedCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.subject)
    }
}

impl fmt::Debug for AdvertisedCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AdvertisedCa").field(&self.subject).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_subject_is_shown_as_digits() {
        assert_eq!(AdvertisedCa::from_der(&[0xff, 0]).subject(), "FF00");
        assert_eq!(AdvertisedCa::from_der(&[0x30, 0]).subject(), "");
    }
}

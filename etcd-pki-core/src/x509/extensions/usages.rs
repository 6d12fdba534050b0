//! Defines the usages of keys and certificates.

use std::fmt;

use der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix;

const ANY_EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");

/// A use that a key may have (RFC 5280, section 4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyUsage {
    /// Signing handshakes
    DigitalSignature,
    /// nonRepudiation, also called contentCommitment
    NonRepudiation,
    /// Encrypting keys, with RSA
    KeyEncipherment,
    /// Encrypting data
    DataEncipherment,
    /// Agreeing on keys
    KeyAgreement,
    /// Signing certificates
    KeyCertSign,
    /// Signing revocation lists
    CrlSign,
    /// With keyAgreement: only to encrypt
    EncipherOnly,
    /// With keyAgreement: only to decrypt
    DecipherOnly,
}

impl KeyUsage {
    pub(super) const ALL: [(Self, pkix::KeyUsages, &'static str); 9] = [
        (
            Self::DigitalSignature,
            pkix::KeyUsages::DigitalSignature,
            "digitalSignature",
        ),
        (
            Self::NonRepudiation,
            pkix::KeyUsages::NonRepudiation,
            "nonRepudiation",
        ),
        (
            Self::KeyEncipherment,
            pkix::KeyUsages::KeyEncipherment,
            "keyEncipherment",
        ),
        (
            Self::DataEncipherment,
            pkix::KeyUsages::DataEncipherment,
            "dataEncipherment",
        ),
        (
            Self::KeyAgreement,
            pkix::KeyUsages::KeyAgreement,
            "keyAgreement",
        ),
        (
            Self::KeyCertSign,
            pkix::KeyUsages::KeyCertSign,
            "keyCertSign",
        ),
        (Self::CrlSign, pkix::KeyUsages::CRLSign, "cRLSign"),
        (
            Self::EncipherOnly,
            pkix::KeyUsages::EncipherOnly,
            "encipherOnly",
        ),
        (
            Self::DecipherOnly,
            pkix::KeyUsages::DecipherOnly,
            "decipherOnly",
        ),
    ];

    /// The number of its bit in the extension.
    pub(super) const fn bit(self) -> usize {
        self as usize
    }
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL[*self as usize].2)
    }
}

/// A use that a certificate may have (RFC 5280, section 4.2.1.12).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExtendedKeyUsage {
    /// serverAuth: accepting TLS connections
    ServerAuth,
    /// clientAuth: opening TLS connections
    ClientAuth,
    /// anyExtendedKeyUsage
    Any,
    /// Another usage, by its object identifier
    Other(String),
}

impl ExtendedKeyUsage {
    pub(super) fn from_oid(oid: ObjectIdentifier) -> Self {
        match oid {
            SERVER_AUTH => Self::ServerAuth,
            CLIENT_AUTH => Self::ClientAuth,
            ANY_EXTENDED_KEY_USAGE => Self::Any,
            other => Self::Other(other.to_string()),
        }
    }

    pub(super) fn to_oid(&self) -> der::Result<ObjectIdentifier> {
        match self {
            Self::ServerAuth => Ok(SERVER_AUTH),
            Self::ClientAuth => Ok(CLIENT_AUTH),
            Self::Any => Ok(ANY_EXTENDED_KEY_USAGE),
            Self::Other(oid) => Ok(ObjectIdentifier::new(oid)?),
        }
    }
}

impl fmt::Display for ExtendedKeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerAuth => "serverAuth",
            Self::ClientAuth => "clientAuth",
            Self::Any => "anyExtendedKeyUsage",
            Self::Other(oid) => oid,
        })
    }
}

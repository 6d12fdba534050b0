//! X.509: identities and their names, extensions, certificates, serial numbers, revocation lists,
//! and bundles of a certificate and its key.

pub(crate) mod advertised;
pub(crate) mod bundle;
pub(crate) mod certificate;
pub(crate) mod extensions;
pub(crate) mod fingerprint;
pub(crate) mod identity;
pub(crate) mod revocation_list;
pub(crate) mod serial;

pub use self::{
    advertised::AdvertisedCa,
    bundle::Bundle,
    certificate::Certificate,
    extensions::{ExtendedKeyUsage, KeyUsage},
    fingerprint::Fingerprint,
    identity::{AlternativeName, DnsName, Identity, Uri},
    revocation_list::{NewRevocationList, RevocationList, RevocationReason, Revoked},
    serial::SerialNumber,
};

//! The data that applying a step needs.

use std::path::PathBuf;

use super::file_renewal::FileRenewal;
use crate::{
    key::PublicKey,
    request::CertificateRequest,
    store::Known,
    x509::{certificate::Certificate, revocation_list::RevocationReason, serial::SerialNumber},
};

/// The data that applying a step needs.
#[derive(Debug)]
pub(super) enum Work {
    /// Change nothing
    None,
    /// Set modes and owners
    Chmod,
    /// Create a CA, with the existing key if there is one
    CreateCa { has_key: bool },
    /// Issue a new certificate for a CA
    RenewCa { keeps_serial: bool },
    /// Generate a key and issue its certificate
    Issue,
    /// Issue a certificate for the current key
    Certify {
        key: PublicKey,
        /// Whether to rewrite the key's file, because etcd cannot read it
        rewrites_key: bool,
    },
    /// Write the same certificate with another chain, given in PEM
    Rechain { certificates: String },
    /// Write a request
    Request { key: KeySource },
    /// Install a certificate, given in PEM
    Install {
        certificates: String,
        key: KeySource,
    },
    /// Write a trust bundle
    Trust {
        certificates: TrustText,
        /// The link certificate of a rotation, for a host
        link: Option<LinkText>,
    },
    /// Sign a request
    Sign(Box<CertificateRequest>),
    /// Renew a certificate by path
    RenewFile(Box<FileRenewal>),
    /// Add certificates to the revocation lists, and sign the lists again
    Revoke(Box<Revocations>),
    /// Remove the files
    Remove,
}

/// A link certificate in PEM, with its path.
#[derive(Debug)]
pub(super) struct LinkText {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// The certificates that a plan revokes.
#[derive(Debug)]
pub(super) struct Revocations {
    /// Each with the place of the step that replaces it, if there is one. It is revoked only after
    /// that step is done
    pub(super) entries: Vec<(Option<usize>, Known)>,
    /// The serial numbers of certificates of a CA that the same plan creates
    pub(super) serials: Vec<(SerialNumber, Option<RevocationReason>)>,
}

/// The content of a new trust bundle.
#[derive(Debug)]
pub(super) enum TrustText {
    /// In PEM
    Known(String),
    /// These certificates, with the certificate that this plan issues for their signing CA. The
    /// list is empty if the plan creates the CA
    Made(Vec<Certificate>),
}

/// The key of a request on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeySource {
    /// The current key, at its path
    Current,
    /// A new key, at its path
    New,
    /// The waiting key, next to the current key until its certificate is signed
    Waiting,
    /// A new waiting key
    NewWaiting,
}

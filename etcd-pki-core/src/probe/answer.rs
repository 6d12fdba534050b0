//! What a server answers to a probe.

use std::fmt;

use super::failure::Alert;
use crate::x509::{advertised::AdvertisedCa, certificate::Certificate};

/// What a server shows without a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub(super) chain: Vec<Certificate>,
    pub(super) version: TlsVersion,
    /// The list in the request for a client certificate, if there was a request
    pub(super) request: Option<Vec<AdvertisedCa>>,
}

impl Answer {
    /// The certificates that the server presents, its own first. None of them was verified. But the
    /// server has proven that it has the key of the first one.
    #[must_use]
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// The server's own certificate.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.chain.first()
    }

    /// The CAs that the server trusts for clients, as it names them. `None` if it requests no
    /// certificate, or names no CA.
    #[must_use]
    pub fn advertised(&self) -> Option<&[AdvertisedCa]> {
        self.request.as_deref().filter(|list| !list.is_empty())
    }

    /// Whether the server requests a certificate from clients. If not, every client can connect.
    #[must_use]
    pub fn requests_certificate(&self) -> bool {
        self.request.is_some()
    }

    /// The version of TLS in which it answered. It may support others.
    #[must_use]
    pub fn version(&self) -> TlsVersion {
        self.version
    }
}

/// Whether a server accepts a client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Acceptance {
    /// The server accepted it and answered a request.
    Accepted,
    /// The server refused it.
    Refused {
        /// The alert of the server; `None` if it closed the connection without one. etcd closes it
        /// so for a revoked certificate. Its peer port also does so for a certificate with the
        /// names of another host
        alert: Option<Alert>,
    },
    /// The server requests no certificate, so it accepts every client.
    NotRequested,
}

impl Acceptance {
    /// Whether a client with this certificate can connect.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }
}

impl fmt::Display for Acceptance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted => f.write_str("accepted"),
            Self::Refused { alert: Some(alert) } => write!(f, "refused: {alert}"),
            Self::Refused { alert: None } => {
                f.write_str("refused: the server closed the connection")
            }
            Self::NotRequested => f.write_str("no certificate requested"),
        }
    }
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246)
    Tls12,
    /// TLS 1.3 (RFC 8446)
    Tls13,
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}

//! The files for a connection to etcd.

use std::path::PathBuf;

use etcd_pki_core::layout::PairPaths;

/// The CAs that a client or server trusts, and the pair that it presents.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The CAs that are trusted
    pub ca: PathBuf,
    /// The pair that is presented, if any
    pub pair: Option<PairPaths>,
}

impl Credentials {
    /// Trusts `ca` and presents `pair`.
    #[must_use]
    pub fn new(ca: impl Into<PathBuf>, pair: PairPaths) -> Self {
        Self {
            ca: ca.into(),
            pair: Some(pair),
        }
    }

    /// Trusts `ca` and presents nothing.
    #[must_use]
    pub fn without_certificate(ca: impl Into<PathBuf>) -> Self {
        Self {
            ca: ca.into(),
            pair: None,
        }
    }
}

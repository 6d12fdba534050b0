//! The files by which one presents oneself to etcd.

use std::path::PathBuf;

use etcd_pki_core::layout::PairPaths;

/// Whom one trusts, and who one is.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The authorities that are trusted
    pub ca: PathBuf,
    /// What is presented, if anything
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

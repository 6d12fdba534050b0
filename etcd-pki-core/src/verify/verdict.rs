//! The result of a verification.

use crate::{finding::Finding, x509::certificate::Certificate};

/// Whether etcd would accept a certificate, and the reasons if not.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub(super) chain: Vec<Certificate>,
    pub(super) reasons: Vec<Finding>,
}

impl Verdict {
    /// Whether the certificate is accepted.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.reasons.is_empty()
    }

    /// Every reason against it. Go names only the first.
    #[must_use]
    pub fn reasons(&self) -> &[Finding] {
        &self.reasons
    }

    /// The chain from the certificate to a trusted one; empty if there is none.
    #[must_use]
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }
}

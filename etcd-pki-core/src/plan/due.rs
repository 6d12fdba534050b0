//! Whether a certificate that is there is as its authority would make it now.

use std::time::SystemTime;

use super::{Cause, decision::certificate_causes};
use crate::{
    authority::CertificateAuthority, certificate::Certificate, cluster::RenewBefore, error::Result,
    identity::Identity, key::PublicKey, profile::Profile,
};

impl CertificateAuthority {
    /// Every reason to sign anew what is there, as a plan gives them; none if it is as [`sign`](Self::sign) would make it for this
    /// key and identity, and does not end soon.
    ///
    /// ```
    /// use std::time::Duration;
    /// use etcd_pki_core::{CertificateAuthority, Identity, RenewBefore, Role};
    ///
    /// let ca = CertificateAuthority::create("etcd-ca")?;
    /// let etcd_1 = Identity::new("etcd-1")?;
    /// let certificate = ca.issue(Role::Member, &etcd_1)?.certificate().clone();
    /// let due = |identity, now| {
    ///     ca.causes(&certificate, certificate.public_key(), Role::Member, identity, RenewBefore::days(30), now)
    /// };
    /// let now = certificate.not_before();
    /// assert_eq!(due(&etcd_1, now)?, []);
    /// let moved = etcd_1.clone().with_names(["10.0.0.11"])?;
    /// assert_eq!(due(&moved, now)?[0].to_string(), "10.0.0.11 is missing");
    /// let day = Duration::from_secs(86_400);
    /// assert_eq!(due(&etcd_1, now + day * 364)?[0].to_string(), "expires in 1 day");
    /// # Ok::<(), etcd_pki_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`sign`](Self::sign) for an identity that no certificate of this role can have.
    pub fn causes(
        &self,
        certificate: &Certificate,
        key: &PublicKey,
        profile: impl Into<Profile>,
        identity: &Identity,
        renew_before: RenewBefore,
        now: SystemTime,
    ) -> Result<Vec<Cause>> {
        let asked = (identity, &profile.into(), renew_before);
        certificate_causes(
            certificate,
            Some(key),
            asked,
            Some(self.certificate().into()),
            false,
            now,
        )
    }
}

//! Issues certificates: for a new key, for an existing one, and for the key of a request.

use std::time::SystemTime;

use super::{
    BACKDATE, CertificateAuthority, Issued, certificate_builder::CertificateBuilder, grant::Grant,
};
use crate::{
    error::{Error, Result},
    key::{PrivateKey, PublicKey},
    profile::Profile,
    request::CertificateRequest,
    time::clock,
    x509::{
        bundle::{Bundle, IssuedFor},
        certificate::Certificate,
        extensions::ExtensionsBuilder,
        identity::{Identity, subject},
    },
};

impl CertificateAuthority {
    /// Generates a key and issues a certificate for it.
    ///
    /// # Errors
    ///
    /// [`Error::CommonNameLength`], [`Error::MemberCommonName`], [`Error::NoSubject`] and
    /// [`Error::NoAlternativeName`] for an identity that does not fit the role;
    /// [`Error::InvalidValidity`]; [`Error::CaKeyInLeaf`]; [`Error::Signer`]; and for what etcd would
    /// refuse, because of the CA or one above it, [`Error::Unacceptable`],
    /// [`Error::CaExpired`] and [`Error::CaNotYetValid`].
    pub fn issue(
        &self,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
    ) -> Result<Bundle> {
        self.at(clock::now()).issue(profile, identity)
    }

    /// Signs a request. The names come from `identity` and the usages from `profile`. Other claims
    /// of the request are not granted; [`Issued::denied_claims`] lists them.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::issue`].
    pub fn sign(
        &self,
        request: &CertificateRequest,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
    ) -> Result<Issued> {
        self.at(clock::now()).sign(request, profile, identity)
    }

    /// Uses this CA at another time than now. Its certificates are valid from that time, and the CA
    /// must be valid at that time.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// use etcd_pki_core::{CertificateAuthority, Identity, Role, Validity};
    ///
    /// let ca = CertificateAuthority::create("etcd-ca")?;
    /// let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    /// let profile = Role::Client.profile().with_validity(Validity::days(1));
    /// let bundle = ca.at(tomorrow).issue(profile, &Identity::new("backup")?)?;
    /// assert!(bundle.certificate().not_after() > tomorrow);
    /// # Ok::<(), etcd_pki_core::Error>(())
    /// ```
    #[must_use]
    pub const fn at(&self, now: SystemTime) -> CaAt<'_> {
        CaAt { ca: self, now }
    }
}

/// A CA and the time at which it issues, signs and renews: [`CertificateAuthority::at`].
#[derive(Clone, Copy, Debug)]
pub struct CaAt<'a> {
    pub(super) ca: &'a CertificateAuthority,
    pub(super) now: SystemTime,
}

impl CaAt<'_> {
    /// Generates a key and issues a certificate for it.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::issue`].
    pub fn issue(
        &self,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
    ) -> Result<Bundle> {
        let profile = profile.into();
        let key = PrivateKey::generate_with(profile.algorithm())?;
        self.issue_for(key, profile, identity)
    }

    /// Issues a certificate for an existing key.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::issue`].
    pub fn issue_for(
        &self,
        key: PrivateKey,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
    ) -> Result<Bundle> {
        let (profile, identity) = (profile.into(), identity.as_ref());
        let grant = self.ca.grant(profile, identity)?;
        let (certificate, validity_cut) = self.ca.sign_grant(key.public_key(), &grant, self.now)?;
        let issued = IssuedFor {
            role: Some(profile.role()),
            name: identity.name().map(str::to_owned),
            validity_cut,
        };
        Ok(Bundle::issued(key, certificate, self.ca.chain(), issued))
    }

    /// Signs a request, as [`CertificateAuthority::sign`] does.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::issue`].
    pub fn sign(
        &self,
        request: &CertificateRequest,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
    ) -> Result<Issued> {
        let grant = self.ca.grant(profile.into(), identity.as_ref())?;
        let denied = grant.denies(request.claims(), is_rsa(request.public_key()));
        Ok(self
            .certified(request.public_key(), &grant)?
            .with_denied(denied))
    }

    /// Issues a certificate for a public key without a request. The caller must know that the key
    /// belongs to `identity`, for example because its last certificate has the same key.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::issue`].
    pub fn certify(
        &self,
        key: &PublicKey,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
    ) -> Result<Issued> {
        let grant = self.ca.grant(profile.into(), identity.as_ref())?;
        self.certified(key, &grant)
    }

    fn certified(&self, key: &PublicKey, grant: &Grant<'_>) -> Result<Issued> {
        let (certificate, validity_cut) = self.ca.sign_grant(key, grant, self.now)?;
        Ok(Issued::new(certificate, self.ca.chain(), validity_cut))
    }
}

impl CertificateAuthority {
    /// The content of a certificate. Refuses a member's common name without permission.
    fn grant<'a>(&self, profile: Profile, identity: &'a Identity) -> Result<Grant<'a>> {
        let grant = Grant::new(profile, identity)?;
        match &grant.common_name {
            Some(common_name)
                if !profile.may_have_member_common_name()
                    && self.member_common_names.contains(common_name) =>
            {
                Err(Error::MemberCommonName {
                    common_name: common_name.clone(),
                })
            }
            _ => Ok(grant),
        }
    }

    /// Refuses the key of a CA as the key of a leaf.
    pub(super) fn check_leaf_key(&self, key: &PublicKey) -> Result<()> {
        let mut cas = std::iter::once(&self.certificate).chain(&self.above);
        match cas.find(|ca| ca.public_key() == key) {
            Some(ca) => Err(Error::CaKeyInLeaf {
                subject: ca.subject(),
            }),
            None => Ok(()),
        }
    }

    /// Signs a certificate for a public key. Also returns the requested expiry if the CA expires
    /// earlier.
    fn sign_grant(
        &self,
        key: &PublicKey,
        grant: &Grant<'_>,
        now: SystemTime,
    ) -> Result<(Certificate, Option<SystemTime>)> {
        let now = clock::whole_seconds(now);
        self.check_time(now)?;
        if key.algorithm().is_none() {
            return Err(Error::unsupported(
                format!("a certificate for a key of {}", key.algorithm_name()),
                "use ec-p256, ec-p384, ec-p521, ed25519 or RSA from 2048 to 8192 bits",
            ));
        }
        key.check_order()?;
        self.check_leaf_key(key)?;
        let asked = grant.validity.end(now)?;
        let not_after = asked.min(self.end());
        let profile = grant.profile;
        let content = CertificateBuilder {
            issuer: &self.issuer,
            subject: &subject(grant.common_name.as_deref(), grant.organization),
            serial_number: None,
            not_before: (now - BACKDATE).max(self.certificate.not_before()),
            not_after,
            public_key: key,
            extensions: ExtensionsBuilder::default()
                .no_ca()
                .key_usages(profile.key_usages(is_rsa(key)))
                .extended_key_usages(profile.extended_key_usages())?
                .subject_key_identifier(&key.identifier())
                .authority_key_identifier(&self.key_identifier)
                .alternative_names(&grant.alternative_names),
        };
        let certificate = self.sign_leaf(content, profile.extended_key_usages(), now)?;
        Ok((certificate, (asked > not_after).then_some(asked)))
    }
}

fn is_rsa(key: &PublicKey) -> bool {
    key.algorithm().is_some_and(|algorithm| algorithm.is_rsa())
}

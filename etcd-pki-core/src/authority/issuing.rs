//! Certificates for keys: one that is made here, one that exists, somebody else's.

use std::time::SystemTime;

use super::{
    BACKDATE, CertificateAuthority, Issued, certificate_builder::CertificateBuilder, grant::Grant,
};
use crate::{
    bundle::{Bundle, IssuedFor},
    certificate::Certificate,
    clock,
    error::{Error, Result},
    extensions::ExtensionsBuilder,
    identity::{Identity, subject},
    key::{PrivateKey, PublicKey},
    profile::Profile,
    request::CertificateRequest,
};

impl CertificateAuthority {
    /// Makes a key and its certificate at once.
    ///
    /// # Errors
    ///
    /// [`Error::CommonNameLength`], [`Error::MemberCommonName`], [`Error::NoSubject`] and [`Error::NoAlternativeName`] for an
    /// identity that does not fit the role; [`Error::Validity`]; [`Error::AuthorityKey`]; [`Error::Signer`]; and for what etcd
    /// would refuse, because of the CA or one above it, [`Error::Unacceptable`], [`Error::AuthorityExpired`] and
    /// [`Error::AuthorityNotYetValid`].
    pub fn issue(
        &self,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
    ) -> Result<Bundle> {
        self.issue_at(profile, identity, clock::now())
    }

    /// Makes a key and its certificate at an instant.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::issue`].
    pub fn issue_at(
        &self,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
        now: SystemTime,
    ) -> Result<Bundle> {
        let profile = profile.into();
        let key = PrivateKey::generate_with(profile.key_algorithm())?;
        self.issue_for(key, profile, identity, now)
    }

    /// Makes a certificate for a key that exists, at an instant.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::issue`].
    pub fn issue_for(
        &self,
        key: PrivateKey,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
        now: SystemTime,
    ) -> Result<Bundle> {
        let (profile, identity) = (profile.into(), identity.as_ref());
        let grant = self.grant(profile, identity)?;
        let (certificate, validity_cut) = self.sign_grant(key.public_key(), &grant, now)?;
        let issued = IssuedFor {
            role: profile.role(),
            name: identity.name().map(str::to_owned),
            validity_cut,
        };
        Ok(Bundle::issued(key, certificate, self.chain(), issued))
    }

    /// Signs somebody else's key. The names come from `identity`, the usages from `profile`; what the request claims beyond
    /// them is refused, and told in [`Issued::refused`].
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
        self.sign_at(request, profile, identity, clock::now())
    }

    /// Signs somebody else's key at an instant.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::issue`].
    pub fn sign_at(
        &self,
        request: &CertificateRequest,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
        now: SystemTime,
    ) -> Result<Issued> {
        let grant = self.grant(profile.into(), identity.as_ref())?;
        let (certificate, validity_cut) = self.sign_grant(request.public_key(), &grant, now)?;
        let rsa = is_rsa(request.public_key());
        Ok(Issued {
            certificate,
            chain: self.chain(),
            refused: grant.refuses(request.claims(), rsa),
            validity_cut,
        })
    }

    /// Makes a certificate for a public key of which it is known otherwise whose it is, such as the one that a certificate had
    /// before.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::issue`].
    pub fn certify(
        &self,
        key: &PublicKey,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
        now: SystemTime,
    ) -> Result<Issued> {
        let grant = self.grant(profile.into(), identity.as_ref())?;
        let (certificate, validity_cut) = self.sign_grant(key, &grant, now)?;
        Ok(Issued {
            certificate,
            chain: self.chain(),
            refused: Vec::new(),
            validity_cut,
        })
    }

    /// What a certificate is going to say, unless that is a member's to say.
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

    /// Whether a leaf may have this key: not one that signs certificates.
    pub(super) fn check_leaf_key(&self, key: &PublicKey) -> Result<()> {
        let mut authorities = std::iter::once(&self.certificate).chain(&self.above);
        match authorities.find(|authority| authority.public_key() == key) {
            Some(authority) => Err(Error::AuthorityKey {
                subject: authority.subject(),
            }),
            None => Ok(()),
        }
    }

    /// Signs a certificate for a public key, and tells the end that was asked for if it was cut short.
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
                .no_authority()
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

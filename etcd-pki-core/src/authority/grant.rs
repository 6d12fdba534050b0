//! What a signer grants.

use crate::{
    error::Result,
    identity::{AlternativeName, Identity},
    profile::Profile,
    request::Claim,
    validity::Validity,
};

/// What a certificate is going to say.
pub(super) struct Grant<'a> {
    pub(super) profile: Profile,
    pub(super) common_name: Option<String>,
    pub(super) organization: Option<&'a str>,
    pub(super) alternative_names: Vec<AlternativeName>,
    pub(super) validity: Validity,
}

impl<'a> Grant<'a> {
    pub(super) fn new(profile: Profile, identity: &'a Identity) -> Result<Self> {
        Ok(Self {
            profile,
            common_name: profile.common_name(identity)?,
            organization: identity.organization(),
            alternative_names: profile.alternative_names(identity)?,
            validity: profile.validity(),
        })
    }

    /// The same, in the words of a request.
    pub(super) fn claims(&self, rsa: bool) -> Vec<Claim> {
        let mut claims = Vec::new();
        claims.extend(self.common_name.clone().map(Claim::CommonName));
        claims.extend(
            self.organization
                .map(|name| Claim::Organization(name.to_owned())),
        );
        let key_usages = self.profile.key_usages(rsa).iter();
        claims.extend(key_usages.map(|usage| Claim::KeyUsage(*usage)));
        let extended = self.profile.extended_key_usages().iter();
        claims.extend(extended.cloned().map(Claim::ExtendedKeyUsage));
        claims.extend(self.alternative_names.iter().map(|name| match name {
            AlternativeName::Dns(name) => Claim::DnsName(name.as_str().to_owned()),
            AlternativeName::Ip(address) => Claim::IpAddress(*address),
            AlternativeName::Uri(uri) => Claim::Uri(uri.as_str().to_owned()),
        }));
        claims
    }
}

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
    pub(super) alternative_names: Vec<&'a AlternativeName>,
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

    /// Whether it gives what a request claims. The case of a DNS name is no difference.
    pub(super) fn gives(&self, claim: &Claim, rsa: bool) -> bool {
        let mut names = self.alternative_names.iter();
        match claim {
            Claim::CommonName(name) => self.common_name.as_ref() == Some(name),
            Claim::Organization(name) => self.organization == Some(name),
            Claim::KeyUsage(usage) => self.profile.key_usages(rsa).contains(usage),
            Claim::ExtendedKeyUsage(usage) => self.profile.extended_key_usages().contains(usage),
            Claim::DnsName(claimed) => names.any(|name| {
                matches!(name, AlternativeName::Dns(name) if name.as_str().eq_ignore_ascii_case(claimed))
            }),
            Claim::IpAddress(claimed) => {
                names.any(|name| matches!(name, AlternativeName::Ip(address) if address == claimed))
            }
            Claim::Uri(claimed) => {
                names.any(|name| matches!(name, AlternativeName::Uri(uri) if uri.as_str() == claimed))
            }
            Claim::Authority
            | Claim::SubjectPart { .. }
            | Claim::OtherName(_)
            | Claim::Extension(_) => false,
        }
    }
}

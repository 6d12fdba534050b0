//! Defines the content of a certificate that a CA grants.

use std::{collections::HashSet, net::IpAddr};

use crate::{
    error::Result,
    profile::Profile,
    request::Claim,
    time::validity::Validity,
    x509::identity::{AlternativeName, Identity},
};

/// The content that a certificate will have.
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

    /// The claims of a request that it does not contain. DNS names are compared without case.
    pub(super) fn denies(&self, claims: &[Claim], rsa: bool) -> Vec<Claim> {
        let names = Names::of(&self.alternative_names);
        let denied = claims
            .iter()
            .filter(|claim| !self.gives(claim, rsa, &names));
        denied.cloned().collect()
    }

    fn gives(&self, claim: &Claim, rsa: bool, names: &Names<'_>) -> bool {
        match claim {
            Claim::CommonName(name) => self.common_name.as_ref() == Some(name),
            Claim::Organization(name) => self.organization == Some(name),
            Claim::KeyUsage(usage) => self.profile.key_usages(rsa).contains(usage),
            Claim::ExtendedKeyUsage(usage) => self.profile.extended_key_usages().contains(usage),
            Claim::DnsName(claimed) => names.dns.contains(claimed.to_ascii_lowercase().as_str()),
            Claim::IpAddress(claimed) => names.ip.contains(claimed),
            Claim::Uri(claimed) => names.uri.contains(claimed.as_str()),
            Claim::Ca | Claim::SubjectPart { .. } | Claim::OtherName(_) | Claim::Extension(_) => {
                false
            }
        }
    }
}

/// Alternative names by kind, for fast lookup of many claims.
#[derive(Default)]
struct Names<'a> {
    /// In lower case, as in [`DnsName`](crate::x509::identity::DnsName)
    dns: HashSet<&'a str>,
    ip: HashSet<&'a IpAddr>,
    uri: HashSet<&'a str>,
}

impl<'a> Names<'a> {
    fn of(all: &[&'a AlternativeName]) -> Self {
        let mut names = Self::default();
        for name in all {
            match name {
                AlternativeName::Dns(name) => names.dns.insert(name.as_str()),
                AlternativeName::Ip(address) => names.ip.insert(address),
                AlternativeName::Uri(uri) => names.uri.insert(uri.as_str()),
            };
        }
        names
    }
}

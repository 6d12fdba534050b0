//! Defines the claims of a request.

use std::{fmt, net::IpAddr};

use der::asn1::ObjectIdentifier;

use crate::{
    error::{Error, Result},
    x509::{
        extensions::{ExtendedKeyUsage, Extensions, KeyUsage},
        identity::{AlternativeName, COMMON_NAME, Identity, ORGANIZATION},
    },
};

/// More claims than most requests have
const USUAL_NUMBER: usize = 16;

/// A property that a request asks for. The signer decides whether to grant it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Claim {
    /// basicConstraints CA:TRUE, the right to sign certificates
    Ca,
    /// A common name
    CommonName(String),
    /// An organization; some systems use it as a group, such as `system:masters`
    Organization(String),
    /// Another part of the subject
    SubjectPart {
        /// Its attribute: `C`, `OU`, or an object identifier
        attribute: String,
        /// Its text
        value: String,
    },
    /// A key usage
    KeyUsage(KeyUsage),
    /// An extended key usage
    ExtendedKeyUsage(ExtendedKeyUsage),
    /// A DNS name
    DnsName(String),
    /// An address
    IpAddress(IpAddr),
    /// A URI
    Uri(String),
    /// A description of an alternative name of another kind
    OtherName(String),
    /// Another extension, by its object identifier
    Extension(String),
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ca => f.write_str("basicConstraints CA:TRUE"),
            Self::CommonName(name) => {
                write!(f, "common name {name}")?;
                match name.chars().count() {
                    0..=64 => Ok(()),
                    length => write!(f, " (of {length} characters)"),
                }
            }
            Self::Organization(name) => write!(f, "organization {name}"),
            Self::SubjectPart { attribute, value } => write!(f, "subject {attribute}={value}"),
            Self::KeyUsage(usage) => write!(f, "key usage {usage}"),
            Self::ExtendedKeyUsage(usage) => write!(f, "extended key usage {usage}"),
            Self::DnsName(name) => write!(f, "DNS name {name}"),
            Self::IpAddress(address) => write!(f, "address {address}"),
            Self::Uri(uri) => write!(f, "URI {uri}"),
            Self::OtherName(name) => f.write_str(name),
            Self::Extension(oid) => write!(f, "extension {oid}"),
        }
    }
}

/// All claims of a subject and the requested extensions.
pub(super) fn claims(
    subject: impl Iterator<Item = (ObjectIdentifier, String)>,
    extensions: Extensions,
) -> Vec<Claim> {
    let others: Vec<String> = extensions.beyond_claims().collect();
    let mut claims = Vec::with_capacity(USUAL_NUMBER);
    claims.extend(subject.map(|(oid, value)| match oid {
        COMMON_NAME => Claim::CommonName(value),
        ORGANIZATION => Claim::Organization(value),
        other => Claim::SubjectPart {
            attribute: attribute_name(other),
            value,
        },
    }));
    if extensions
        .basic_constraints
        .is_some_and(|constraints| constraints.is_ca)
    {
        claims.push(Claim::Ca);
    }
    let key_usages = extensions.key_usages.into_iter().flatten();
    claims.extend(key_usages.map(Claim::KeyUsage));
    let extended = extensions.extended_key_usages.into_iter().flatten();
    claims.extend(extended.map(Claim::ExtendedKeyUsage));
    if let Some(names) = extensions.alternative_names {
        claims.extend(names.dns.into_iter().map(Claim::DnsName));
        claims.extend(names.ip.into_iter().map(Claim::IpAddress));
        claims.extend(names.uri.into_iter().map(Claim::Uri));
        let emails = names.email.iter().map(|email| format!("e-mail {email}"));
        claims.extend(emails.chain(names.other).map(Claim::OtherName));
    }
    claims.extend(others.into_iter().map(Claim::Extension));
    claims
}

/// The identity that the claims describe.
pub(super) fn identity<'a>(claims: impl Iterator<Item = &'a Claim>) -> Result<Identity> {
    let mut identity = Identity::anonymous();
    let mut names = Vec::new();
    for claim in claims {
        identity = match claim {
            Claim::CommonName(name) => identity.with_common_name(name)?,
            Claim::Organization(name) if identity.organization().is_none() => {
                identity.with_organization(name)?
            }
            Claim::DnsName(name) => {
                names.push(name.parse().map(AlternativeName::Dns).map_err(named)?);
                identity
            }
            Claim::IpAddress(address) => {
                names.push((*address).into());
                identity
            }
            Claim::Uri(uri) => {
                names.push(uri.parse().map(AlternativeName::Uri).map_err(named)?);
                identity
            }
            _ => identity,
        };
    }
    // All names are added together, because each is compared with those before it
    Ok(identity.with_alternative_names(names))
}

/// Replaces the hint of an error. The hint is for the user who typed the name, but the name comes
/// from the requester.
fn named(error: Error) -> Error {
    match error {
        Error::InvalidAlternativeName { text, reason, .. } => Error::InvalidAlternativeName {
            text,
            reason,
            hint: Some(
                "the request claims it; grant other names with --san, or ask for another request"
                    .to_owned(),
            ),
        },
        error => error,
    }
}

fn attribute_name(oid: ObjectIdentifier) -> String {
    let oid = oid.to_string();
    let name = match oid.as_str() {
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.11" => "OU",
        "1.2.840.113549.1.9.1" => "emailAddress",
        "0.9.2342.19200300.100.1.25" => "DC",
        other => other,
    };
    name.to_owned()
}

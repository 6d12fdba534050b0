//! The alternative names of a certificate or request that is there.

use std::net::IpAddr;

use der::{Encode as _, Tag};
use x509_cert::ext::pkix::{SubjectAltName, name::GeneralName};

use crate::hex;

/// subjectAltName, as text: a certificate of somebody else's may hold what is no name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AlternativeNames {
    pub(crate) dns: Vec<String>,
    pub(crate) ip: Vec<IpAddr>,
    pub(crate) uri: Vec<String>,
    pub(crate) email: Vec<String>,
    pub(crate) other: Vec<String>,
}

impl AlternativeNames {
    /// Whether there is no DNS name, address, URI or e-mail address among them.
    pub(crate) fn are_all_other(&self) -> bool {
        self.dns.is_empty() && self.ip.is_empty() && self.uri.is_empty() && self.email.is_empty()
    }

    pub(super) fn read(names: SubjectAltName) -> der::Result<Self> {
        let mut read = Self::default();
        for name in names.0 {
            match name {
                GeneralName::DnsName(name) => read.dns.push(name.as_str().to_owned()),
                GeneralName::IpAddress(bytes) => read.ip.push(address(bytes.as_bytes())?),
                GeneralName::UniformResourceIdentifier(uri) => {
                    read.uri.push(uri.as_str().to_owned())
                }
                GeneralName::Rfc822Name(name) => read.email.push(name.as_str().to_owned()),
                GeneralName::DirectoryName(name) => {
                    read.other.push(format!("directory name {name}"))
                }
                GeneralName::RegisteredId(oid) => read.other.push(format!("registered id {oid}")),
                GeneralName::OtherName(name) => {
                    let value = hex::upper(&name.value.to_der()?);
                    read.other
                        .push(format!("other name {} {value}", name.type_id));
                }
                GeneralName::EdiPartyName(_) => read.other.push("EDI party name".to_owned()),
            }
        }
        Ok(read)
    }
}

/// Four bytes or sixteen (RFC 5280, section 4.2.1.6); Go refuses a certificate with any other number.
fn address(bytes: &[u8]) -> der::Result<IpAddr> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        Ok(bytes.into())
    } else if let Ok(bytes) = <[u8; 16]>::try_from(bytes) {
        Ok(bytes.into())
    } else {
        Err(Tag::OctetString.value_error().into())
    }
}

//! Reads the alternative names of a certificate or request.

use std::net::IpAddr;

use der::{
    Decode as _, Encode as _, Reader as _, SliceReader, Tag, TagNumber, Tagged as _,
    asn1::{AnyRef, Ia5StringRef},
};
use x509_cert::ext::pkix::name::GeneralName;

use crate::text;

const EMAIL: Tag = kind(1);
const DNS: Tag = kind(2);
const URI: Tag = kind(6);
const IP: Tag = kind(7);

/// The tag of a `GeneralName` that is a string (RFC 5280, section 4.2.1.6).
const fn kind(number: u32) -> Tag {
    Tag::ContextSpecific {
        constructed: false,
        number: TagNumber(number),
    }
}

/// subjectAltName as text, because certificates from outside may have invalid names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AlternativeNames {
    pub(crate) dns: Vec<String>,
    pub(crate) ip: Vec<IpAddr>,
    pub(crate) uri: Vec<String>,
    pub(crate) email: Vec<String>,
    pub(crate) other: Vec<String>,
}

impl AlternativeNames {
    /// Reads `GeneralNames` (RFC 5280, section 4.2.1.6).
    pub(super) fn from_der(der: &[u8]) -> der::Result<Self> {
        let mut read = Self::default();
        let mut reader = SliceReader::new(der)?;
        reader.sequence(|names| {
            while !names.is_finished() {
                read.add(&AnyRef::decode(names)?)?;
            }
            Ok::<_, der::Error>(())
        })?;
        reader.finish()?;
        Ok(read)
    }

    /// The length of the DNS names, addresses and URIs in a certificate, without headers.
    pub(crate) fn least_length(&self) -> usize {
        let texts = self.dns.iter().chain(&self.uri).map(String::len);
        let addresses = self.ip.iter().map(|address| match address {
            IpAddr::V4(_) => 4,
            IpAddr::V6(_) => 16,
        });
        texts.chain(addresses).sum()
    }

    fn add(&mut self, name: &AnyRef<'_>) -> der::Result<()> {
        let text = || Ia5StringRef::new(name.value()).map(|text| text.as_str().to_owned());
        match name.tag() {
            EMAIL => self.email.push(text()?),
            DNS => self.dns.push(text()?),
            URI => self.uri.push(text()?),
            IP => self.ip.push(address(name.value())?),
            _ => self.other.push(described(name)?),
        }
        Ok(())
    }
}

/// The description of a name of another kind.
fn described(name: &AnyRef<'_>) -> der::Result<String> {
    Ok(match GeneralName::from_der(&name.to_der()?)? {
        GeneralName::DirectoryName(name) => format!("directory name {name}"),
        GeneralName::RegisteredId(oid) => format!("registered id {oid}"),
        GeneralName::OtherName(name) => {
            let value = text::upper_hex(&name.value.to_der()?);
            format!("other name {} {value}", name.type_id)
        }
        GeneralName::EdiPartyName(_) => "EDI party name".to_owned(),
        _ => return Err(name.tag().value_error().into()),
    })
}

/// Reads an address of four or sixteen bytes (RFC 5280, section 4.2.1.6). Go refuses a certificate
/// with another number of bytes.
fn address(bytes: &[u8]) -> der::Result<IpAddr> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        Ok(bytes.into())
    } else if let Ok(bytes) = <[u8; 16]>::try_from(bytes) {
        Ok(bytes.into())
    } else {
        Err(Tag::OctetString.value_error().into())
    }
}

//! The extensions of a certificate or a request to be.

use std::net::IpAddr;

use der::{
    Encode as _, Sequence, Tag, TagNumber,
    asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef},
    oid::AssociatedOid as _,
};
use x509_cert::ext::{
    Extension,
    pkix::{self, AuthorityKeyIdentifier, BasicConstraints, SubjectAltName, SubjectKeyIdentifier},
};

use super::{ExtendedKeyUsage, KeyUsage};
use crate::{
    der_writer,
    error::{Error, Result},
    identity::AlternativeName,
};

/// More bytes than the extensions of most certificates take
const USUAL_LENGTH: usize = 384;

/// The extensions of a certificate to be, in DER, in the order in which they are said.
pub(crate) struct ExtensionsBuilder(Vec<u8>);

impl Default for ExtensionsBuilder {
    fn default() -> Self {
        Self(Vec::with_capacity(USUAL_LENGTH))
    }
}

/// `Extension` (RFC 5280, section 4.1), borrowing its value.
#[derive(Sequence)]
struct ExtensionRef<'a> {
    oid: ObjectIdentifier,
    #[asn1(default = "Default::default")]
    critical: bool,
    value: &'a OctetStringRef,
}

/// `AuthorityKeyIdentifier` (RFC 5280, section 4.2.1.1) with the key identifier alone, borrowed.
#[derive(Sequence)]
struct AuthorityKeyIdentifierRef<'a> {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    key_identifier: &'a OctetStringRef,
}

impl ExtensionsBuilder {
    pub(crate) fn authority(self, path_length: u8) -> Result<Self> {
        let constraints = BasicConstraints {
            ca: true,
            path_len_constraint: Some(path_length),
        };
        self.push(BasicConstraints::OID, true, &constraints)
    }

    /// An authority that may have others below it.
    pub(crate) fn unlimited_authority(self) -> Result<Self> {
        let constraints = BasicConstraints {
            ca: true,
            path_len_constraint: None,
        };
        self.push(BasicConstraints::OID, true, &constraints)
    }

    pub(crate) fn no_authority(self) -> Result<Self> {
        let constraints = BasicConstraints {
            ca: false,
            path_len_constraint: None,
        };
        self.push(BasicConstraints::OID, true, &constraints)
    }

    pub(crate) fn key_usages(self, usages: &[KeyUsage]) -> Result<Self> {
        let mut bits = [0u8; 2];
        let mut last = 0;
        for usage in usages {
            let bit = usage.bit();
            bits[bit / 8] |= 0x80 >> (bit % 8);
            last = last.max(bit);
        }
        // No bits behind the last one that is set (X.690, section 11.2.2)
        let bits = BitStringRef::new(7 - (last % 8) as u8, &bits[..=last / 8]);
        self.push(pkix::KeyUsage::OID, true, &bits.map_err(unwritable)?)
    }

    pub(crate) fn extended_key_usages(self, usages: &[ExtendedKeyUsage]) -> Result<Self> {
        let oids = usages
            .iter()
            .map(ExtendedKeyUsage::to_oid)
            .collect::<der::Result<_>>();
        let usages = pkix::ExtendedKeyUsage(oids.map_err(unwritable)?);
        self.push(pkix::ExtendedKeyUsage::OID, false, &usages)
    }

    pub(crate) fn subject_key_identifier(self, identifier: &[u8]) -> Result<Self> {
        let identifier = OctetStringRef::new(identifier).map_err(unwritable)?;
        self.push(SubjectKeyIdentifier::OID, false, &identifier)
    }

    /// By the key identifier alone: an issuer and serial number would tie the leaf to one certificate of its CA, which then
    /// could not be renewed.
    pub(crate) fn authority_key_identifier(self, identifier: &[u8]) -> Result<Self> {
        let identifier = AuthorityKeyIdentifierRef {
            key_identifier: OctetStringRef::new(identifier).map_err(unwritable)?,
        };
        self.push(AuthorityKeyIdentifier::OID, false, &identifier)
    }

    /// An extension as it stood elsewhere.
    pub(crate) fn copied(mut self, extension: &Extension) -> Result<Self> {
        extension.encode_to_vec(&mut self.0).map_err(unwritable)?;
        Ok(self)
    }

    /// No names, no extension.
    pub(crate) fn alternative_names(self, names: &[AlternativeName]) -> Result<Self> {
        if names.is_empty() {
            return Ok(self);
        }
        let mut encoded = Vec::with_capacity(USUAL_LENGTH);
        for name in names {
            encode_general_name(name, &mut encoded).map_err(unwritable)?;
        }
        let names = AnyRef::new(Tag::Sequence, &encoded).map_err(unwritable)?;
        self.push(SubjectAltName::OID, false, &names)
    }

    /// `Extensions`, a SEQUENCE OF what was said.
    pub(crate) fn build(self) -> Result<Vec<u8>> {
        der_writer::sequence(&[&self.0]).map_err(unwritable)
    }

    fn push(
        mut self,
        oid: ObjectIdentifier,
        critical: bool,
        value: &impl der::Encode,
    ) -> Result<Self> {
        let mut encode = || -> der::Result<()> {
            let value = value.to_der()?;
            let extension = ExtensionRef {
                oid,
                critical,
                value: OctetStringRef::new(&value)?,
            };
            extension.encode_to_vec(&mut self.0)?;
            Ok(())
        };
        encode().map_err(unwritable)?;
        Ok(self)
    }
}

/// `GeneralName` (RFC 5280, section 4.2.1.6): text as IA5String, addresses as their bytes.
fn encode_general_name(name: &AlternativeName, encoded: &mut Vec<u8>) -> der::Result<()> {
    let mut encode = |number, bytes: &[u8]| {
        let tag = Tag::ContextSpecific {
            constructed: false,
            number: TagNumber(number),
        };
        AnyRef::new(tag, bytes)?.encode_to_vec(encoded).map(|_| ())
    };
    match name {
        AlternativeName::Dns(name) => encode(2, name.as_str().as_bytes()),
        AlternativeName::Uri(uri) => encode(6, uri.as_str().as_bytes()),
        AlternativeName::Ip(IpAddr::V4(address)) => encode(7, &address.octets()),
        AlternativeName::Ip(IpAddr::V6(address)) => encode(7, &address.octets()),
    }
}

fn unwritable(error: der::Error) -> Error {
    Error::malformed("extension", error)
}

#[cfg(test)]
mod tests {
    use der::flagset::FlagSet;

    use super::*;

    #[test]
    fn key_usages_as_x509_cert_writes_them() {
        for bits in 1..(1usize << KeyUsage::ALL.len()) {
            let all = KeyUsage::ALL.iter().enumerate();
            let chosen = all.filter(|(bit, _)| bits >> bit & 1 == 1);
            let (usages, flags): (Vec<_>, Vec<_>) =
                chosen.map(|(_, (usage, flag, _))| (*usage, *flag)).unzip();
            let ours = ExtensionsBuilder::default().key_usages(&usages).unwrap().0;
            let theirs = flags
                .into_iter()
                .fold(Default::default(), |all: FlagSet<_>, flag| all | flag);
            let theirs = pkix::KeyUsage(theirs).to_der().unwrap();
            assert!(ours.ends_with(&theirs), "{usages:?}");
        }
    }
}

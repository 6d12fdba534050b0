//! The extensions of a certificate or a request to be.

use der::{
    Encode as _, Sequence, Tag,
    asn1::{AnyRef, Ia5String, ObjectIdentifier, OctetString, OctetStringRef},
    flagset::FlagSet,
    oid::AssociatedOid,
};
use x509_cert::ext::{
    Extension,
    pkix::{
        self, AuthorityKeyIdentifier, BasicConstraints, SubjectAltName, SubjectKeyIdentifier,
        name::GeneralName,
    },
};

use super::{ExtendedKeyUsage, KeyUsage};
use crate::{
    error::{Error, Result},
    identity::AlternativeName,
};

/// The extensions of a certificate to be, in DER, in the order in which they are said.
#[derive(Default)]
pub(crate) struct ExtensionsBuilder(Vec<u8>);

/// `Extension` (RFC 5280, section 4.1), borrowing its value.
#[derive(Sequence)]
struct ExtensionRef<'a> {
    oid: ObjectIdentifier,
    #[asn1(default = "Default::default")]
    critical: bool,
    value: &'a OctetStringRef,
}

impl ExtensionsBuilder {
    pub(crate) fn authority(self, path_length: u8) -> Result<Self> {
        let constraints = BasicConstraints {
            ca: true,
            path_len_constraint: Some(path_length),
        };
        self.push(true, &constraints)
    }

    /// An authority that may have others below it.
    pub(crate) fn unlimited_authority(self) -> Result<Self> {
        let constraints = BasicConstraints {
            ca: true,
            path_len_constraint: None,
        };
        self.push(true, &constraints)
    }

    pub(crate) fn no_authority(self) -> Result<Self> {
        let constraints = BasicConstraints {
            ca: false,
            path_len_constraint: None,
        };
        self.push(true, &constraints)
    }

    pub(crate) fn key_usages(self, usages: &[KeyUsage]) -> Result<Self> {
        let flags = usages
            .iter()
            .fold(FlagSet::default(), |flags: FlagSet<_>, usage| {
                flags | usage.flag()
            });
        self.push(true, &pkix::KeyUsage(flags))
    }

    pub(crate) fn extended_key_usages(self, usages: &[ExtendedKeyUsage]) -> Result<Self> {
        let oids = usages
            .iter()
            .map(ExtendedKeyUsage::to_oid)
            .collect::<der::Result<_>>();
        self.push(false, &pkix::ExtendedKeyUsage(oids.map_err(unwritable)?))
    }

    pub(crate) fn subject_key_identifier(self, identifier: &[u8]) -> Result<Self> {
        let identifier = OctetString::new(identifier).map_err(unwritable)?;
        self.push(false, &SubjectKeyIdentifier(identifier))
    }

    /// By the key identifier alone: an issuer and serial number would tie the leaf to one certificate of its CA, which then
    /// could not be renewed.
    pub(crate) fn authority_key_identifier(self, identifier: &[u8]) -> Result<Self> {
        let identifier = AuthorityKeyIdentifier {
            key_identifier: Some(OctetString::new(identifier).map_err(unwritable)?),
            authority_cert_issuer: None,
            authority_cert_serial_number: None,
        };
        self.push(false, &identifier)
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
        let names = names.iter().map(general_name).collect::<der::Result<_>>();
        self.push(false, &SubjectAltName(names.map_err(unwritable)?))
    }

    /// `Extensions`, a SEQUENCE OF what was said.
    pub(crate) fn build(self) -> Result<Vec<u8>> {
        let encode = || AnyRef::new(Tag::Sequence, &self.0)?.to_der();
        encode().map_err(unwritable)
    }

    fn push<T: der::Encode + AssociatedOid>(mut self, critical: bool, value: &T) -> Result<Self> {
        let mut encode = || -> der::Result<()> {
            let value = value.to_der()?;
            let extension = ExtensionRef {
                oid: T::OID,
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

fn general_name(name: &AlternativeName) -> der::Result<GeneralName> {
    Ok(match name {
        AlternativeName::Dns(name) => GeneralName::DnsName(Ia5String::new(name.as_str())?),
        AlternativeName::Ip(address) => GeneralName::from(*address),
        AlternativeName::Uri(uri) => {
            GeneralName::UniformResourceIdentifier(Ia5String::new(uri.as_str())?)
        }
    })
}

fn unwritable(error: der::Error) -> Error {
    Error::malformed("extension", error)
}

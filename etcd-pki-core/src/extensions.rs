//! The extensions of certificates and requests (RFC 5280, section 4.2), written and read.

mod alternative_names;
mod builder;
mod usages;

use std::collections::HashSet;

use der::{
    Decode as _, Sequence,
    asn1::{ObjectIdentifier, OctetStringRef},
    oid::AssociatedOid as _,
};
use x509_cert::ext::{
    Extension,
    pkix::{
        self, AuthorityKeyIdentifier, BasicConstraints, NameConstraints, SubjectAltName,
        SubjectKeyIdentifier,
    },
};

pub use self::usages::{ExtendedKeyUsage, KeyUsage};
pub(crate) use self::{alternative_names::AlternativeNames, builder::ExtensionsBuilder};
use crate::error::{Error, Result};

/// Extensions that Go's parser takes for read, though nothing here looks at them: distribution points, policies, their mappings
/// and constraints, inhibitAnyPolicy (`parseCertificate` in `crypto/x509/parser.go`).
const READ_BY_GO: [ObjectIdentifier; 5] = [
    ObjectIdentifier::new_unwrap("2.5.29.31"),
    ObjectIdentifier::new_unwrap("2.5.29.32"),
    ObjectIdentifier::new_unwrap("2.5.29.33"),
    ObjectIdentifier::new_unwrap("2.5.29.36"),
    ObjectIdentifier::new_unwrap("2.5.29.54"),
];

/// `Extension` (RFC 5280, section 4.1), borrowing its value.
#[derive(Clone, Copy, Sequence)]
pub(crate) struct ExtensionRef<'a> {
    oid: ObjectIdentifier,
    #[asn1(default = "Default::default")]
    critical: bool,
    value: &'a OctetStringRef,
}

impl<'a> From<&'a Extension> for ExtensionRef<'a> {
    fn from(extension: &'a Extension) -> Self {
        Self {
            oid: extension.extn_id,
            critical: extension.critical,
            value: (&extension.extn_value).into(),
        }
    }
}

/// What the extensions of a certificate or request say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    pub(crate) authority: Option<Authority>,
    pub(crate) key_usages: Option<Vec<KeyUsage>>,
    pub(crate) extended_key_usages: Option<Vec<ExtendedKeyUsage>>,
    pub(crate) subject_key_identifier: Option<Vec<u8>>,
    pub(crate) authority_key_identifier: Option<Vec<u8>>,
    /// The serial number by which the issuer is named beside its key
    pub(crate) authority_serial: Option<Vec<u8>>,
    pub(crate) alternative_names: Option<AlternativeNames>,
    pub(crate) name_constraints: Option<NameConstraints>,
    /// Those that are critical and that Go does not read
    pub(crate) unknown_critical: Vec<String>,
    /// Each one's identifier and whether it is critical, in their order
    pub(crate) criticality: Vec<(ObjectIdentifier, bool)>,
}

/// basicConstraints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Authority {
    pub(crate) is_authority: bool,
    pub(crate) path_length: Option<u8>,
}

impl Extensions {
    pub(crate) fn read<'a>(
        extensions: impl IntoIterator<Item = impl Into<ExtensionRef<'a>>>,
    ) -> Result<Self> {
        let mut read = Self::default();
        // A request may have many, and is read before its signature is checked
        let mut seen = HashSet::new();
        for extension in extensions {
            let ExtensionRef {
                oid,
                critical,
                value,
            } = extension.into();
            if !seen.insert(oid) {
                return Err(Error::malformed(
                    "extension",
                    format!("{oid} is there twice"),
                ));
            }
            read.criticality.push((oid, critical));
            read.read_one(oid, critical, value.as_bytes())
                .map_err(|error| Error::malformed("extension", format!("{oid}: {error}")))?;
        }
        Ok(read)
    }

    /// Those that a request may carry and that no claim describes, by their identifiers.
    pub(crate) fn beyond_claims(&self) -> impl Iterator<Item = String> {
        let described = [
            BasicConstraints::OID,
            pkix::KeyUsage::OID,
            pkix::ExtendedKeyUsage::OID,
            SubjectAltName::OID,
        ];
        let oids = self.criticality.iter().map(|(oid, _)| *oid);
        oids.filter(move |oid| !described.contains(oid))
            .map(|oid| oid.to_string())
    }

    pub(crate) fn is_critical(&self, oid: ObjectIdentifier) -> Option<bool> {
        let found = self.criticality.iter().find(|(seen, _)| *seen == oid)?;
        Some(found.1)
    }

    fn read_one(&mut self, oid: ObjectIdentifier, critical: bool, value: &[u8]) -> der::Result<()> {
        match oid {
            BasicConstraints::OID => {
                let constraints = BasicConstraints::from_der(value)?;
                self.authority = Some(Authority {
                    is_authority: constraints.ca,
                    path_length: constraints.path_len_constraint,
                });
            }
            pkix::KeyUsage::OID => {
                let flags = pkix::KeyUsage::from_der(value)?.0;
                let usages = KeyUsage::ALL
                    .iter()
                    .filter(|(_, flag, _)| flags.contains(*flag));
                self.key_usages = Some(usages.map(|(usage, ..)| *usage).collect());
            }
            pkix::ExtendedKeyUsage::OID => {
                let oids = pkix::ExtendedKeyUsage::from_der(value)?.0;
                let usages = oids.into_iter().map(ExtendedKeyUsage::from_oid);
                self.extended_key_usages = Some(usages.collect());
            }
            SubjectKeyIdentifier::OID => {
                let identifier = SubjectKeyIdentifier::from_der(value)?.0;
                self.subject_key_identifier = Some(identifier.as_bytes().to_vec());
            }
            AuthorityKeyIdentifier::OID => {
                let identifier = AuthorityKeyIdentifier::from_der(value)?;
                let key = identifier.key_identifier;
                self.authority_key_identifier = key.map(|bytes| bytes.as_bytes().to_vec());
                let serial = identifier.authority_cert_serial_number;
                self.authority_serial = serial.map(|serial| serial.as_bytes().to_vec());
            }
            SubjectAltName::OID => {
                self.alternative_names = Some(AlternativeNames::from_der(value)?);
            }
            NameConstraints::OID => {
                self.name_constraints = Some(NameConstraints::from_der(value)?);
            }
            other => {
                if critical && !READ_BY_GO.contains(&other) {
                    self.unknown_critical.push(other.to_string());
                }
            }
        }
        Ok(())
    }
}

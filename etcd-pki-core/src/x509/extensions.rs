//! Reads and writes the extensions of certificates and requests (RFC 5280, section 4.2).

mod alternative_names;
mod builder;
mod usages;

use der::{
    Decode as _, Reader as _, Sequence, SliceReader, Tag, TagNumber, Tagged as _,
    asn1::{AnyRef, ObjectIdentifier, OctetStringRef},
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
use crate::{
    error::{Error, Result},
    limits,
    x509::serial::SerialNumber,
};

/// Extensions that Go's parser supports and this crate does not use: distribution points, policies,
/// their mappings and constraints, inhibitAnyPolicy (`parseCertificate` in
/// `crypto/x509/parser.go`).
const READ_BY_GO: [ObjectIdentifier; 5] = [
    ObjectIdentifier::new_unwrap("2.5.29.31"),
    ObjectIdentifier::new_unwrap("2.5.29.32"),
    ObjectIdentifier::new_unwrap("2.5.29.33"),
    ObjectIdentifier::new_unwrap("2.5.29.36"),
    ObjectIdentifier::new_unwrap("2.5.29.54"),
];

const WHAT: &str = "extension";

/// Fields of `AuthorityKeyIdentifier` (RFC 5280, section 4.2.1.1)
const KEY_IDENTIFIER: Tag = field(0);
const CERTIFICATE_SERIAL_NUMBER: Tag = field(2);

const fn field(number: u32) -> Tag {
    Tag::ContextSpecific {
        constructed: false,
        number: TagNumber(number),
    }
}

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

/// The content of the extensions of a certificate or request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    pub(crate) basic_constraints: Option<Constraints>,
    pub(crate) key_usages: Option<Vec<KeyUsage>>,
    pub(crate) extended_key_usages: Option<Vec<ExtendedKeyUsage>>,
    pub(crate) subject_key_identifier: Option<Vec<u8>>,
    pub(crate) authority_key_identifier: Option<Vec<u8>>,
    /// The serial number of the issuer in the authority key identifier
    pub(crate) issuer_serial: Option<Vec<u8>>,
    pub(crate) alternative_names: Option<AlternativeNames>,
    pub(crate) name_constraints: Option<NameConstraints>,
    /// The critical extensions that Go does not support
    pub(crate) unknown_critical: Vec<String>,
    /// The identifier of each extension and whether it is critical, in order
    pub(crate) criticality: Vec<(ObjectIdentifier, bool)>,
}

/// basicConstraints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Constraints {
    pub(crate) is_ca: bool,
    pub(crate) path_length: Option<u8>,
}

impl Extensions {
    pub(crate) fn read<'a>(
        extensions: impl IntoIterator<Item = impl Into<ExtensionRef<'a>>>,
    ) -> Result<Self> {
        let mut read = Self::default();
        for extension in extensions {
            let ExtensionRef {
                oid,
                critical,
                value,
            } = extension.into();
            if read.is_critical(oid).is_some() {
                return Err(Error::malformed(WHAT, format!("{oid} is there twice")));
            }
            read.criticality.push((oid, critical));
            limits::check(
                WHAT,
                read.criticality.len(),
                limits::EXTENSIONS,
                "extensions",
            )?;
            check_count(oid, value.as_bytes())?;
            read.read_one(oid, critical, value.as_bytes())
                .map_err(|error| damaged(oid, &error))?;
        }
        Ok(read)
    }

    /// The identifiers of extensions in a request that no claim describes.
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
                self.basic_constraints = Some(Constraints {
                    is_ca: constraints.ca,
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
                self.read_authority_key_identifier(value)?;
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

    /// Reads each field separately, as Go does: `x509-cert` refuses a serial number of the issuer
    /// that is longer than RFC 5280 allows.
    fn read_authority_key_identifier(&mut self, value: &[u8]) -> der::Result<()> {
        let mut reader = SliceReader::new(value)?;
        reader.sequence(|fields| {
            while !fields.is_finished() {
                let field = AnyRef::decode(fields)?;
                if field.tag() == KEY_IDENTIFIER {
                    self.authority_key_identifier = Some(field.value().to_vec());
                } else if field.tag() == CERTIFICATE_SERIAL_NUMBER {
                    let serial = SerialNumber::from_integer(field.value());
                    self.issuer_serial = Some(serial.as_bytes().to_vec());
                }
            }
            Ok::<_, der::Error>(())
        })?;
        reader.finish()
    }
}

/// Refuses too many names or usages before it decodes them.
fn check_count(oid: ObjectIdentifier, value: &[u8]) -> Result<()> {
    let (limit, things) = match oid {
        SubjectAltName::OID => (limits::NAMES, "alternative names"),
        pkix::ExtendedKeyUsage::OID => (limits::USAGES, "extended key usages"),
        _ => return Ok(()),
    };
    let count = limits::elements(value).map_err(|error| damaged(oid, &error))?;
    limits::check(WHAT, count, limit, things)
}

fn damaged(oid: ObjectIdentifier, error: &der::Error) -> Error {
    Error::malformed(WHAT, format!("{oid}: {error}"))
}

#[cfg(test)]
mod tests {
    use der::Encode as _;

    use super::*;
    use crate::der_writer::{self, OCTET_STRING, SEQUENCE};

    /// A list of extensions with different identifiers, as in a request or certificate.
    fn many(count: u32) -> Vec<Extension> {
        (0..count)
            .map(|number| Extension {
                extn_id: ObjectIdentifier::new(&format!("1.3.6.1.4.1.55555.{number}")).unwrap(),
                critical: false,
                extn_value: der::asn1::OctetString::new([5, 0]).unwrap(),
            })
            .collect()
    }

    /// A subjectAltName with this number of names.
    fn names(count: usize) -> Vec<u8> {
        let mut value = Vec::new();
        der_writer::nest(&mut value, SEQUENCE, |der| {
            for number in 0..count {
                der_writer::push(
                    der,
                    der_writer::string_field(2),
                    format!("h{number}").as_bytes(),
                );
            }
        });
        let mut extension = Vec::new();
        der_writer::nest(&mut extension, SEQUENCE, |der| {
            der_writer::push_oid(der, SubjectAltName::OID);
            der_writer::push(der, OCTET_STRING, &value);
        });
        extension
    }

    #[test]
    fn a_hundred_extensions_and_no_more() {
        let limit = limits::EXTENSIONS as u32;
        let read = Extensions::read(&many(limit)).unwrap();
        assert_eq!(read.criticality.len(), limits::EXTENSIONS);
        // If each name were compared with all before it, the last test would take minutes
        for count in [limit + 1, 200_000] {
            let error = Extensions::read(&many(count)).unwrap_err().to_string();
            assert_eq!(
                error,
                "not a valid extension: it has more than 100 extensions"
            );
        }
        let twice = [many(1), many(1)].concat();
        assert!(
            Extensions::read(&twice)
                .unwrap_err()
                .to_string()
                .contains("twice")
        );
    }

    #[test]
    fn a_hundred_thousand_names_and_no_more() {
        let read = |count| {
            let der = names(count);
            Extensions::read([ExtensionRef::from_der(&der).unwrap()])
        };
        let most = read(limits::NAMES).unwrap().alternative_names.unwrap();
        assert_eq!(most.dns.len(), limits::NAMES);
        for count in [limits::NAMES + 1, 2_000_000] {
            let error = read(count).unwrap_err().to_string();
            assert_eq!(
                error,
                "not a valid extension: it has more than 100000 alternative names"
            );
        }
    }

    #[test]
    fn a_hundred_usages_and_no_more() {
        let read = |count: usize| {
            let oid = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
            let extension = Extension {
                extn_id: pkix::ExtendedKeyUsage::OID,
                critical: false,
                extn_value: der::asn1::OctetString::new(vec![oid; count].to_der().unwrap())
                    .unwrap(),
            };
            Extensions::read(&[extension])
        };
        assert!(read(limits::USAGES).is_ok());
        assert!(read(limits::USAGES + 1).is_err());
    }
}

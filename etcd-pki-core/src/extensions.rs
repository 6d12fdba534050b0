//! The extensions of certificates and requests (RFC 5280, section 4.2), written and read.

use std::{fmt, net::IpAddr};

use der::{
    Decode as _, Encode as _, Sequence, Tag,
    asn1::{AnyRef, Ia5String, ObjectIdentifier, OctetString, OctetStringRef},
    flagset::FlagSet,
    oid::AssociatedOid,
};
use x509_cert::ext::{
    Extension,
    pkix::{
        self, AuthorityKeyIdentifier, BasicConstraints, NameConstraints, SubjectAltName,
        SubjectKeyIdentifier, name::GeneralName,
    },
};

use crate::{
    error::{Error, Result},
    hex,
    identity::AlternativeName,
};

const ANY_EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");

/// Extensions that Go's parser takes for read, though nothing here looks at them: distribution points, policies, their mappings
/// and constraints, inhibitAnyPolicy (`parseCertificate` in `crypto/x509/parser.go`).
const READ_BY_GO: [ObjectIdentifier; 5] = [
    ObjectIdentifier::new_unwrap("2.5.29.31"),
    ObjectIdentifier::new_unwrap("2.5.29.32"),
    ObjectIdentifier::new_unwrap("2.5.29.33"),
    ObjectIdentifier::new_unwrap("2.5.29.36"),
    ObjectIdentifier::new_unwrap("2.5.29.54"),
];

/// What a key may be used for (RFC 5280, section 4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyUsage {
    /// Signing handshakes
    DigitalSignature,
    /// nonRepudiation, also called contentCommitment
    NonRepudiation,
    /// Encrypting keys, with RSA
    KeyEncipherment,
    /// Encrypting data
    DataEncipherment,
    /// Agreeing on keys
    KeyAgreement,
    /// Signing certificates
    KeyCertSign,
    /// Signing revocation lists
    CrlSign,
    /// With keyAgreement: only to encrypt
    EncipherOnly,
    /// With keyAgreement: only to decrypt
    DecipherOnly,
}

impl KeyUsage {
    const ALL: [(Self, pkix::KeyUsages, &'static str); 9] = [
        (
            Self::DigitalSignature,
            pkix::KeyUsages::DigitalSignature,
            "digitalSignature",
        ),
        (
            Self::NonRepudiation,
            pkix::KeyUsages::NonRepudiation,
            "nonRepudiation",
        ),
        (
            Self::KeyEncipherment,
            pkix::KeyUsages::KeyEncipherment,
            "keyEncipherment",
        ),
        (
            Self::DataEncipherment,
            pkix::KeyUsages::DataEncipherment,
            "dataEncipherment",
        ),
        (
            Self::KeyAgreement,
            pkix::KeyUsages::KeyAgreement,
            "keyAgreement",
        ),
        (
            Self::KeyCertSign,
            pkix::KeyUsages::KeyCertSign,
            "keyCertSign",
        ),
        (Self::CrlSign, pkix::KeyUsages::CRLSign, "cRLSign"),
        (
            Self::EncipherOnly,
            pkix::KeyUsages::EncipherOnly,
            "encipherOnly",
        ),
        (
            Self::DecipherOnly,
            pkix::KeyUsages::DecipherOnly,
            "decipherOnly",
        ),
    ];

    fn flag(self) -> pkix::KeyUsages {
        Self::ALL[self as usize].1
    }
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL[*self as usize].2)
    }
}

/// What a certificate may be used for (RFC 5280, section 4.2.1.12).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExtendedKeyUsage {
    /// serverAuth: answering TLS connections
    ServerAuth,
    /// clientAuth: making TLS connections
    ClientAuth,
    /// anyExtendedKeyUsage
    Any,
    /// Another one, by its object identifier
    Other(String),
}

impl ExtendedKeyUsage {
    fn from_oid(oid: ObjectIdentifier) -> Self {
        match oid {
            SERVER_AUTH => Self::ServerAuth,
            CLIENT_AUTH => Self::ClientAuth,
            ANY_EXTENDED_KEY_USAGE => Self::Any,
            other => Self::Other(other.to_string()),
        }
    }

    fn to_oid(&self) -> der::Result<ObjectIdentifier> {
        match self {
            Self::ServerAuth => Ok(SERVER_AUTH),
            Self::ClientAuth => Ok(CLIENT_AUTH),
            Self::Any => Ok(ANY_EXTENDED_KEY_USAGE),
            Self::Other(oid) => Ok(ObjectIdentifier::new(oid)?),
        }
    }
}

impl fmt::Display for ExtendedKeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ServerAuth => "serverAuth",
            Self::ClientAuth => "clientAuth",
            Self::Any => "anyExtendedKeyUsage",
            Self::Other(oid) => oid,
        })
    }
}

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

/// subjectAltName, as text: a certificate of somebody else's may hold what is no name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AlternativeNames {
    pub(crate) dns: Vec<String>,
    pub(crate) ip: Vec<IpAddr>,
    pub(crate) uri: Vec<String>,
    pub(crate) email: Vec<String>,
    pub(crate) other: Vec<String>,
}

impl Extensions {
    pub(crate) fn read(extensions: &[Extension]) -> Result<Self> {
        let mut read = Self::default();
        for extension in extensions {
            let Extension {
                extn_id,
                critical,
                extn_value,
            } = extension;
            if read.criticality.iter().any(|(seen, _)| seen == extn_id) {
                return Err(Error::malformed(
                    "extension",
                    format!("{extn_id} is there twice"),
                ));
            }
            read.criticality.push((*extn_id, *critical));
            read.read_one(*extn_id, *critical, extn_value.as_bytes())
                .map_err(|error| Error::malformed("extension", format!("{extn_id}: {error}")))?;
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
                self.alternative_names =
                    Some(AlternativeNames::read(SubjectAltName::from_der(value)?)?);
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

impl AlternativeNames {
    /// Whether there is no DNS name, address, URI or e-mail address among them.
    pub(crate) fn are_all_other(&self) -> bool {
        self.dns.is_empty() && self.ip.is_empty() && self.uri.is_empty() && self.email.is_empty()
    }

    fn read(names: SubjectAltName) -> der::Result<Self> {
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

//! Writes the extensions of a certificate or a request.

use std::net::IpAddr;

use der::{asn1::ObjectIdentifier, oid::AssociatedOid as _};
use x509_cert::ext::{
    Extension,
    pkix::{self, AuthorityKeyIdentifier, BasicConstraints, SubjectAltName, SubjectKeyIdentifier},
};

use super::{ExtendedKeyUsage, KeyUsage};
use crate::{
    der_writer::{self, BIT_STRING, BOOLEAN_TRUE, OCTET_STRING, SEQUENCE},
    error::{Error, Result},
    x509::identity::AlternativeName,
};

/// More bytes than the extensions of most certificates have
const USUAL_LENGTH: usize = 384;

/// The extensions of a new certificate, in DER, in the order of the calls.
pub(crate) struct ExtensionsBuilder(Vec<u8>);

impl Default for ExtensionsBuilder {
    fn default() -> Self {
        Self(Vec::with_capacity(USUAL_LENGTH))
    }
}

impl ExtensionsBuilder {
    pub(crate) fn ca(self, path_length: u8) -> Self {
        self.basic_constraints(true, Some(path_length))
    }

    /// Adds a CA without a limit for the number of CAs below it.
    pub(crate) fn unlimited_ca(self) -> Self {
        self.basic_constraints(true, None)
    }

    pub(crate) fn no_ca(self) -> Self {
        self.basic_constraints(false, None)
    }

    /// Adds basicConstraints, without default values (X.690, section 11.5).
    fn basic_constraints(mut self, is_ca: bool, path_length: Option<u8>) -> Self {
        self.push(BasicConstraints::OID, true, |der| {
            der_writer::nest(der, SEQUENCE, |der| {
                if is_ca {
                    der.extend_from_slice(BOOLEAN_TRUE);
                }
                if let Some(path_length) = path_length {
                    der_writer::push_unsigned(der, &[path_length]);
                }
            });
        });
        self
    }

    pub(crate) fn key_usages(mut self, usages: &[KeyUsage]) -> Self {
        let mut bits = [0u8; 2];
        let mut last = 0;
        for usage in usages {
            let bit = usage.bit();
            bits[bit / 8] |= 0x80 >> (bit % 8);
            last = last.max(bit);
        }
        self.push(pkix::KeyUsage::OID, true, |der| {
            der_writer::nest(der, BIT_STRING, |der| {
                // The bits end with the last one that is set (X.690, section 11.2.2)
                der.push(7 - (last % 8) as u8);
                der.extend_from_slice(&bits[..=last / 8]);
            });
        });
        self
    }

    pub(crate) fn extended_key_usages(mut self, usages: &[ExtendedKeyUsage]) -> Result<Self> {
        self.push(pkix::ExtendedKeyUsage::OID, false, |der| {
            der_writer::nest(der, SEQUENCE, |der| {
                for usage in usages {
                    der_writer::push_oid(der, usage.to_oid()?);
                }
                Ok(())
            })
        })
        .map_err(|error: der::Error| Error::malformed("extended key usage", error))?;
        Ok(self)
    }

    pub(crate) fn subject_key_identifier(mut self, identifier: &[u8]) -> Self {
        self.push(SubjectKeyIdentifier::OID, false, |der| {
            der_writer::push(der, OCTET_STRING, identifier);
        });
        self
    }

    /// Adds only the key identifier. With issuer and serial number, the leaf would need this
    /// certificate of its CA, and the CA could not be renewed.
    pub(crate) fn authority_key_identifier(mut self, identifier: &[u8]) -> Self {
        self.push(AuthorityKeyIdentifier::OID, false, |der| {
            der_writer::nest(der, SEQUENCE, |der| {
                der_writer::push(der, der_writer::string_field(0), identifier);
            });
        });
        self
    }

    /// Copies an extension.
    pub(crate) fn copied(mut self, extension: &Extension) -> Self {
        self.push(extension.extn_id, extension.critical, |der| {
            der.extend_from_slice(extension.extn_value.as_bytes());
        });
        self
    }

    /// Adds alternative names, or no extension if there are none.
    pub(crate) fn alternative_names(mut self, names: &[&AlternativeName]) -> Self {
        if names.is_empty() {
            return self;
        }
        self.push(SubjectAltName::OID, false, |der| {
            der_writer::nest(der, SEQUENCE, |der| {
                for name in names {
                    push_general_name(der, name);
                }
            });
        });
        self
    }

    /// Appends `Extensions`, a SEQUENCE.
    pub(crate) fn write(&self, der: &mut Vec<u8>) {
        der_writer::push(der, SEQUENCE, &self.0);
    }

    /// Writes `Extension` (RFC 5280, section 4.1) with the value that `write` appends.
    fn push<T>(
        &mut self,
        oid: ObjectIdentifier,
        critical: bool,
        write: impl FnOnce(&mut Vec<u8>) -> T,
    ) -> T {
        der_writer::nest(&mut self.0, SEQUENCE, |der| {
            der_writer::push_oid(der, oid);
            if critical {
                der.extend_from_slice(BOOLEAN_TRUE);
            }
            der_writer::nest(der, OCTET_STRING, write)
        })
    }
}

/// Writes a `GeneralName` (RFC 5280, section 4.2.1.6): text as IA5String, addresses as bytes.
fn push_general_name(der: &mut Vec<u8>, name: &AlternativeName) {
    let mut push = |number, bytes: &[u8]| {
        der_writer::push(der, der_writer::string_field(number), bytes);
    };
    match name {
        AlternativeName::Dns(name) => push(2, name.as_str().as_bytes()),
        AlternativeName::Uri(uri) => push(6, uri.as_str().as_bytes()),
        AlternativeName::Ip(IpAddr::V4(address)) => push(7, &address.octets()),
        AlternativeName::Ip(IpAddr::V6(address)) => push(7, &address.octets()),
    }
}

#[cfg(test)]
mod tests {
    use der::{Encode as _, flagset::FlagSet};

    use super::*;

    #[test]
    fn key_usages_as_x509_cert_writes_them() {
        for bits in 1..(1usize << KeyUsage::ALL.len()) {
            let all = KeyUsage::ALL.iter().enumerate();
            let chosen = all.filter(|(bit, _)| bits >> bit & 1 == 1);
            let (usages, flags): (Vec<_>, Vec<_>) =
                chosen.map(|(_, (usage, flag, _))| (*usage, *flag)).unzip();
            let ours = ExtensionsBuilder::default().key_usages(&usages).0;
            let theirs = flags
                .into_iter()
                .fold(Default::default(), |all: FlagSet<_>, flag| all | flag);
            let theirs = pkix::KeyUsage(theirs).to_der().unwrap();
            assert!(ours.ends_with(&theirs), "{usages:?}");
        }
    }
}

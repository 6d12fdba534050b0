//! Encodes a new revocation list and has it signed.

use std::time::{SystemTime, UNIX_EPOCH};

use der::{Encode as _, asn1::ObjectIdentifier};
use x509_cert::time::Time;

use super::{
    RevocationList, Revoked, USUAL_VALIDITY, WHAT,
    reader::{
        AUTHORITY_KEY_IDENTIFIER, CERTIFICATE_ISSUER, CRL_NUMBER, ISSUING_DISTRIBUTION_POINT,
        REASON_CODE,
    },
};
use crate::{
    der_writer::{self, BOOLEAN_TRUE, ENUMERATED, OCTET_STRING, SEQUENCE},
    error::{Error, Result},
    limits,
    signing::{self, Scheme},
    time::validity::Validity,
    x509::{revocation_list::RevocationReason, serial::SerialNumber},
};

/// Version 2 is written as 1 (RFC 5280, section 5.1.2.1)
const VERSION_2: &[u8] = &[1];
/// The bytes of a list's number (RFC 5280, section 5.2.3)
const NUMBER_BYTES: usize = 20;

/// The content of a list that a CA signs.
///
/// ```
/// use etcd_pki_core::{CertificateAuthority, Validity, x509::NewRevocationList};
///
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// let first = ca.sign_revocation_list(&NewRevocationList::new([]))?;
/// let content = NewRevocationList::new([]).following(&first).with_validity(Validity::days(30));
/// let second = ca.sign_revocation_list(&content)?;
/// assert!(second.number() > first.number());
/// assert!(ca.sign_revocation_list(&content.with_number(1)).is_err());
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct NewRevocationList {
    pub(crate) entries: Vec<Revoked>,
    number: Option<SerialNumber>,
    /// The greatest number of the lists before it
    previous: Option<SerialNumber>,
    pub(crate) validity: Validity,
    pub(crate) is_indirect: bool,
}

impl NewRevocationList {
    /// Creates the content with these entries. The next update is due after 90 days.
    pub fn new(entries: impl IntoIterator<Item = Revoked>) -> Self {
        Self {
            entries: entries.into_iter().collect(),
            number: None,
            previous: None,
            validity: USUAL_VALIDITY,
            is_indirect: false,
        }
    }

    /// Requires a number above that of an earlier list. Call it for each of them.
    pub fn following(mut self, earlier: &RevocationList) -> Self {
        if self.previous.as_ref() < earlier.number() {
            self.previous = earlier.number().cloned();
        }
        self
    }

    /// Sets the number. The default is the Unix time, or the number after that of the earlier list
    /// if this is greater. So the number rises even if the earlier lists are lost.
    pub fn with_number(mut self, number: u64) -> Self {
        self.number = Some(SerialNumber::from(number));
        self
    }

    /// Sets the time until the next update.
    pub fn with_validity(mut self, validity: Validity) -> Self {
        self.validity = validity;
        self
    }

    /// Makes it an indirect list, which may have certificates of other CAs (RFC 5280, sections
    /// 5.2.5 and 5.3.3). OpenSSL uses such a list only with `-extended_crl`.
    pub fn indirect(mut self) -> Self {
        self.is_indirect = true;
        self
    }

    /// The number of the list.
    pub(crate) fn number(&self, now: SystemTime) -> Result<SerialNumber> {
        let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let number = self.number.clone().unwrap_or_else(|| {
            let next = self.previous.as_ref().map(SerialNumber::next);
            next.into_iter()
                .fold(SerialNumber::from(seconds), SerialNumber::max)
        });
        if let Some(previous) = self.previous.as_ref().filter(|one| **one >= number) {
            return Err(Error::malformed(
                WHAT,
                format_args!("its number {number} is not above {previous}, the number before"),
            ));
        }
        if number.as_bytes().len() > NUMBER_BYTES {
            return Err(Error::malformed(
                WHAT,
                format_args!("its number has more than {NUMBER_BYTES} bytes"),
            ));
        }
        Ok(number)
    }
}

/// A list that is encoded.
pub(crate) struct ListBuilder<'a> {
    /// A `Name` in DER
    pub(crate) issuer: &'a [u8],
    pub(crate) key_identifier: &'a [u8],
    pub(crate) number: SerialNumber,
    pub(crate) this_update: SystemTime,
    pub(crate) next_update: SystemTime,
    pub(crate) is_indirect: bool,
    pub(crate) entries: &'a [Revoked],
}

impl ListBuilder<'_> {
    /// Signs it with the function `sign`.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for an entry of another CA in a list that is not indirect.
    pub(crate) fn sign(
        &self,
        scheme: Scheme,
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>>,
    ) -> Result<RevocationList> {
        let entries = self.sorted()?;
        limits::check(WHAT, entries.len(), limits::REVOKED, "revoked certificates")?;
        let content = self
            .encode(&entries, scheme)
            .map_err(|error| Error::malformed(WHAT, error))?;
        let signature = sign(&content)?;
        RevocationList::from_der(&signing::signed(&content, scheme, &signature)?)
    }

    /// The entries in the order of the list: those of its own CA, then those of each other CA, by
    /// time and number. So an entry of another CA never changes the issuer of one of its own (RFC
    /// 5280, section 5.3.3). Each certificate has one entry, the earliest.
    fn sorted(&self) -> Result<Vec<&Revoked>> {
        let mut entries: Vec<&Revoked> = self.entries.iter().collect();
        let is_other = |entry: &Revoked| *entry.issuer != *self.issuer;
        if let Some(other) = entries.iter().find(|one| is_other(one))
            && !self.is_indirect
        {
            return Err(Error::malformed(
                WHAT,
                format_args!("{} issued {}", other.issuer(), other.serial_number()),
            ));
        }
        entries.sort_by(|one, other| {
            let key = |entry: &Revoked| (is_other(entry), entry.issuer.clone(), entry.revoked_at);
            let by_key = key(one).cmp(&key(other));
            by_key.then_with(|| one.serial_number.cmp(&other.serial_number))
        });
        let mut seen = std::collections::HashSet::new();
        entries.retain(|entry| seen.insert((&entry.issuer, &entry.serial_number)));
        Ok(entries)
    }

    /// `TBSCertList` (RFC 5280, section 5.1).
    fn encode(&self, entries: &[&Revoked], scheme: Scheme) -> der::Result<Vec<u8>> {
        let mut der = Vec::new();
        der_writer::nest(&mut der, SEQUENCE, |der| {
            der_writer::push_unsigned(der, VERSION_2);
            scheme.write_identifier(der);
            der.extend_from_slice(self.issuer);
            push_time(der, self.this_update)?;
            push_time(der, self.next_update)?;
            // Without entries the field is absent (RFC 5280, section 5.1.2.6)
            if !entries.is_empty() {
                der_writer::nest(der, SEQUENCE, |der| self.push_entries(der, entries))?;
            }
            der_writer::nest(der, der_writer::nesting_field(0), |der| {
                der_writer::nest(der, SEQUENCE, |der| self.push_extensions(der));
            });
            Ok::<_, der::Error>(())
        })?;
        Ok(der)
    }

    fn push_entries(&self, der: &mut Vec<u8>, entries: &[&Revoked]) -> der::Result<()> {
        let mut issuer = self.issuer;
        for entry in entries {
            let new_issuer = (*entry.issuer != *issuer).then_some(&*entry.issuer);
            issuer = &entry.issuer;
            der_writer::nest(der, SEQUENCE, |der| {
                entry.serial_number.push(der);
                push_time(der, entry.revoked_at)?;
                // RFC 5280, section 5.3.1: no extension instead of `unspecified`
                let reason = entry.reason;
                let reason = reason.filter(|reason| *reason != RevocationReason::Unspecified);
                if reason.is_none() && new_issuer.is_none() {
                    return Ok(());
                }
                der_writer::nest(der, SEQUENCE, |der| {
                    if let Some(reason) = reason {
                        push_extension(der, REASON_CODE, false, |der| {
                            der_writer::push(der, ENUMERATED, &[reason.code()]);
                        });
                    }
                    if let Some(issuer) = new_issuer {
                        push_extension(der, CERTIFICATE_ISSUER, true, |der| {
                            der_writer::nest(der, SEQUENCE, |der| {
                                // directoryName
                                der_writer::push(der, der_writer::nesting_field(4), issuer);
                            });
                        });
                    }
                });
                Ok::<_, der::Error>(())
            })?;
        }
        Ok(())
    }

    fn push_extensions(&self, der: &mut Vec<u8>) {
        push_extension(der, AUTHORITY_KEY_IDENTIFIER, false, |der| {
            der_writer::nest(der, SEQUENCE, |der| {
                der_writer::push(der, der_writer::string_field(0), self.key_identifier);
            });
        });
        push_extension(der, CRL_NUMBER, false, |der| self.number.push(der));
        if self.is_indirect {
            push_extension(der, ISSUING_DISTRIBUTION_POINT, true, |der| {
                der_writer::nest(der, SEQUENCE, |der| {
                    // indirectCRL, TRUE
                    der_writer::push(der, der_writer::string_field(4), &[0xff]);
                });
            });
        }
    }
}

/// UTCTime through 2049, GeneralizedTime from 2050 on (RFC 5280, section 5.1.2.4).
fn push_time(der: &mut Vec<u8>, time: SystemTime) -> der::Result<()> {
    Time::try_from(time)?.encode_to_vec(der)?;
    Ok(())
}

fn push_extension(
    der: &mut Vec<u8>,
    oid: ObjectIdentifier,
    critical: bool,
    write: impl FnOnce(&mut Vec<u8>),
) {
    der_writer::nest(der, SEQUENCE, |der| {
        der_writer::push_oid(der, oid);
        if critical {
            der.extend_from_slice(BOOLEAN_TRUE);
        }
        der_writer::nest(der, OCTET_STRING, write);
    });
}

//! Reads revocation lists, in time that grows with their length.

use std::{sync::Arc, time::SystemTime};

use der::{
    Decode, Reader as _, SliceReader, Tag, TagNumber, Tagged as _,
    asn1::{AnyRef, ObjectIdentifier},
};
use x509_cert::{name::Name, spki::AlgorithmIdentifierRef, time::Time};

use super::{RevocationReason, Revoked, WHAT};
use crate::{
    error::{Error, Result},
    limits,
    signing::Signed,
    x509::serial::SerialNumber,
};

pub(super) const CRL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.20");
pub(super) const REASON_CODE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");
pub(super) const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.5.29.28");
pub(super) const CERTIFICATE_ISSUER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.29");
pub(super) const AUTHORITY_KEY_IDENTIFIER: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("2.5.29.35");

/// Version 2 is written as 1 (RFC 5280, section 5.1.2.1)
const VERSION_2: &[u8] = &[1];
/// indirectCRL in an `IssuingDistributionPoint` (RFC 5280, section 5.2.5)
const INDIRECT: Tag = field(false, 4);
/// directoryName in a `GeneralName` (RFC 5280, section 4.2.1.6)
const DIRECTORY_NAME: Tag = field(true, 4);
/// keyIdentifier in an `AuthorityKeyIdentifier` (RFC 5280, section 4.2.1.1)
const KEY_IDENTIFIER: Tag = field(false, 0);
/// crlExtensions in a `TBSCertList` (RFC 5280, section 5.1)
const EXTENSIONS: Tag = field(true, 0);

const fn field(constructed: bool, number: u32) -> Tag {
    Tag::ContextSpecific {
        constructed,
        number: TagNumber(number),
    }
}

/// The content of a list.
pub(super) struct Facts {
    /// A `Name` in DER
    pub(super) issuer: Arc<[u8]>,
    pub(super) signature_algorithm: ObjectIdentifier,
    pub(super) this_update: SystemTime,
    pub(super) next_update: Option<SystemTime>,
    pub(super) number: Option<SerialNumber>,
    pub(super) authority_key_identifier: Option<Vec<u8>>,
    pub(super) is_indirect: bool,
    pub(super) entries: Vec<Revoked>,
}

/// Reads a list, as strictly as `ParseRevocationList` in Go's `crypto/x509/parser.go`.
pub(super) fn read(der: &[u8]) -> Result<Facts> {
    let signed = Signed::from_der(der).map_err(malformed)?;
    let mut reader = SliceReader::new(signed.content).map_err(malformed)?;
    let content: AnyRef<'_> = reader.decode().map_err(malformed)?;
    if content.tag() != Tag::Sequence {
        return Err(Error::malformed(WHAT, "its content is no sequence"));
    }
    let mut fields = SliceReader::new(content.value()).map_err(malformed)?;
    check_version(&mut fields)?;
    let algorithm = AlgorithmIdentifierRef::decode(&mut fields).map_err(malformed)?;
    if algorithm != signed.algorithm {
        return Err(Error::malformed(
            WHAT,
            "it names two algorithms of its signature",
        ));
    }
    let issuer: Arc<[u8]> = fields.tlv_bytes().map_err(malformed)?.into();
    check_name(&issuer)?;
    let this_update = time(&mut fields)?;
    let is_time = |fields: &SliceReader<'_>| {
        matches!(peek(fields), Some(Tag::UtcTime | Tag::GeneralizedTime))
    };
    let next_update = is_time(&fields).then(|| time(&mut fields)).transpose()?;
    let mut facts = Facts {
        issuer,
        signature_algorithm: algorithm.oid,
        this_update,
        next_update,
        number: None,
        authority_key_identifier: None,
        is_indirect: false,
        entries: Vec::new(),
    };
    if peek(&fields) == Some(Tag::Sequence) {
        let revoked: AnyRef<'_> = fields.decode().map_err(malformed)?;
        facts.entries = entries(revoked.value(), &facts.issuer)?;
    }
    if peek(&fields) == Some(EXTENSIONS) {
        let wrapped: AnyRef<'_> = fields.decode().map_err(malformed)?;
        let mut wrapped = SliceReader::new(wrapped.value()).map_err(malformed)?;
        let list: AnyRef<'_> = wrapped.decode().map_err(malformed)?;
        for_each_extension(list.value(), |oid, value| facts.take(oid, value))?;
    }
    fields.finish().map_err(malformed)?;
    Ok(facts)
}

impl Facts {
    fn take(&mut self, oid: ObjectIdentifier, value: &[u8]) -> Result<()> {
        match oid {
            CRL_NUMBER => {
                let number = content(value, Tag::Integer)?;
                SerialNumber::check_length(number)?;
                self.number = Some(SerialNumber::from_integer(number));
            }
            AUTHORITY_KEY_IDENTIFIER => {
                let fields = content(value, Tag::Sequence)?;
                let key = find(fields, KEY_IDENTIFIER)?;
                self.authority_key_identifier = key.map(<[u8]>::to_vec);
            }
            ISSUING_DISTRIBUTION_POINT => {
                let fields = content(value, Tag::Sequence)?;
                let indirect = find(fields, INDIRECT)?;
                self.is_indirect = indirect.is_some_and(|value| value != [0]);
            }
            _ => {}
        }
        Ok(())
    }
}

fn check_version(fields: &mut SliceReader<'_>) -> Result<()> {
    if peek(fields) != Some(Tag::Integer) {
        return Err(Error::malformed(
            WHAT,
            "it has version 1, and etcd reads only version 2",
        ));
    }
    let version: AnyRef<'_> = fields.decode().map_err(malformed)?;
    if version.value() != VERSION_2 {
        return Err(Error::malformed(WHAT, "its version is not 2"));
    }
    Ok(())
}

/// Reads the entries. An entry without certificateIssuer has the issuer of the entry before it,
/// and the first one that of the list (RFC 5280, section 5.3.3).
fn entries(der: &[u8], issuer: &Arc<[u8]>) -> Result<Vec<Revoked>> {
    let mut reader = SliceReader::new(der).map_err(malformed)?;
    let mut current = Arc::clone(issuer);
    let mut entries = Vec::new();
    while !reader.is_finished() {
        let count = entries.len() + 1;
        limits::check(WHAT, count, limits::REVOKED, "revoked certificates")?;
        let entry: AnyRef<'_> = reader.decode().map_err(malformed)?;
        if entry.tag() != Tag::Sequence {
            return Err(Error::malformed(WHAT, "an entry is no sequence"));
        }
        let mut fields = SliceReader::new(entry.value()).map_err(malformed)?;
        let serial: AnyRef<'_> = fields.decode().map_err(malformed)?;
        if serial.tag() != Tag::Integer || serial.value().is_empty() {
            return Err(Error::malformed(WHAT, "a serial number is no integer"));
        }
        SerialNumber::check_length(serial.value())?;
        let revoked_at = time(&mut fields)?;
        let mut reason = None;
        if !fields.is_finished() {
            let list: AnyRef<'_> = fields.decode().map_err(malformed)?;
            for_each_extension(list.value(), |oid, value| {
                match oid {
                    REASON_CODE => {
                        reason = RevocationReason::from_code(content(value, Tag::Enumerated)?);
                    }
                    CERTIFICATE_ISSUER => current = directory_name(value)?,
                    _ => {}
                }
                Ok(())
            })?;
        }
        fields.finish().map_err(malformed)?;
        entries.push(Revoked {
            serial_number: SerialNumber::from_integer(serial.value()),
            revoked_at,
            reason,
            issuer: Arc::clone(&current),
        });
    }
    Ok(entries)
}

/// The name in a certificateIssuer: `GeneralNames` with a directoryName.
fn directory_name(value: &[u8]) -> Result<Arc<[u8]>> {
    let names = content(value, Tag::Sequence)?;
    let name = find(names, DIRECTORY_NAME)?;
    let name = name.ok_or_else(|| {
        Error::malformed(
            WHAT,
            "an entry names its CA by something else than its subject",
        )
    })?;
    check_name(name)?;
    Ok(name.into())
}

/// Refuses bytes that are no name, or one with too many parts.
fn check_name(der: &[u8]) -> Result<()> {
    let name = Name::from_der(der).map_err(malformed)?;
    let parts = name.iter().count();
    limits::check(WHAT, parts, limits::SUBJECT_PARTS, "parts in a name")
}

/// Calls `take` with the identifier and the value of each extension.
fn for_each_extension(
    der: &[u8],
    mut take: impl FnMut(ObjectIdentifier, &[u8]) -> Result<()>,
) -> Result<()> {
    let mut reader = SliceReader::new(der).map_err(malformed)?;
    let mut count = 0;
    while !reader.is_finished() {
        count += 1;
        limits::check(WHAT, count, limits::EXTENSIONS, "extensions")?;
        let extension: AnyRef<'_> = reader.decode().map_err(malformed)?;
        if extension.tag() != Tag::Sequence {
            return Err(Error::malformed(WHAT, "an extension is no sequence"));
        }
        let mut fields = SliceReader::new(extension.value()).map_err(malformed)?;
        let oid = ObjectIdentifier::decode(&mut fields).map_err(malformed)?;
        if peek(&fields) == Some(Tag::Boolean) {
            bool::decode(&mut fields).map_err(malformed)?;
        }
        let value: AnyRef<'_> = fields.decode().map_err(malformed)?;
        if value.tag() != Tag::OctetString {
            return Err(Error::malformed(
                WHAT,
                format_args!("the value of {oid} is no octet string"),
            ));
        }
        take(oid, value.value())?;
    }
    Ok(())
}

/// The content of the only value in some bytes. It must have this tag.
fn content(der: &[u8], tag: Tag) -> Result<&[u8]> {
    let value = AnyRef::from_der(der).map_err(malformed)?;
    if value.tag() == tag {
        return Ok(value.value());
    }
    Err(Error::malformed(
        WHAT,
        format_args!("it has {} instead of {tag}", value.tag()),
    ))
}

/// The content of the first value with this tag.
fn find(der: &[u8], tag: Tag) -> Result<Option<&[u8]>> {
    let mut reader = SliceReader::new(der).map_err(malformed)?;
    while !reader.is_finished() {
        let value: AnyRef<'_> = reader.decode().map_err(malformed)?;
        if value.tag() == tag {
            return Ok(Some(value.value()));
        }
    }
    Ok(None)
}

fn time(fields: &mut SliceReader<'_>) -> Result<SystemTime> {
    let time = Time::decode(fields).map_err(malformed)?;
    Ok(time.to_system_time())
}

/// The tag of the next value; `None` at the end.
fn peek(reader: &SliceReader<'_>) -> Option<Tag> {
    Tag::peek(reader).ok()
}

fn malformed(error: der::Error) -> Error {
    Error::malformed(WHAT, error)
}

//! Reads extensions as Go does, and refuses those that Go refuses (`processExtensions` in
//! `crypto/x509/parser.go`).

use std::{collections::HashSet, net::IpAddr};

use der::asn1::ObjectIdentifier;

use super::{Flaw, INTEGER, Reader, SEQUENCE, constructed, names, primitive, reader};
use crate::{text, uri};

const AUTHORITY_INFORMATION_ACCESS: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x01];
const EMAIL: u8 = primitive(1);
const DNS: u8 = primitive(2);
const URI: u8 = primitive(6);
const IP: u8 = primitive(7);

/// Checks every extension, and returns the first critical one that Go does not support.
pub(super) fn check(content: &mut Reader<'_>) -> Result<Option<String>, Flaw> {
    let malformed = "has malformed extensions";
    let Some(mut list) = content.optional(constructed(3)).ok_or(malformed)? else {
        return Ok(None);
    };
    let mut list = list.read(SEQUENCE).ok_or(malformed)?;
    let mut all = Vec::new();
    let mut seen = HashSet::new();
    while !list.is_empty() {
        let extension = list
            .read(SEQUENCE)
            .and_then(Extension::read)
            .ok_or(malformed)?;
        if !seen.insert(extension.oid) {
            return Err(Flaw::Twice(text(extension.oid)));
        }
        all.push(extension);
    }
    let mut unknown = None;
    for extension in all {
        let is_understood = extension.check()?;
        if extension.is_critical && !is_understood && unknown.is_none() {
            unknown = Some(text(extension.oid));
        }
    }
    Ok(unknown)
}

/// An object identifier as text, or in hexadecimal if `der` cannot represent it.
fn text(oid: &[u8]) -> String {
    ObjectIdentifier::from_bytes(oid).map_or_else(|_| text::upper_hex(oid), |oid| oid.to_string())
}

struct Extension<'a> {
    oid: &'a [u8],
    is_critical: bool,
    value: Reader<'a>,
}

impl<'a> Extension<'a> {
    /// `parseExtension`
    fn read(mut extension: Reader<'a>) -> Option<Self> {
        let oid = extension.object_identifier()?;
        let is_critical = extension.has_next(reader::BOOLEAN) && extension.boolean()?;
        let value = extension.read(reader::OCTET_STRING)?;
        Some(Self {
            oid,
            is_critical,
            value,
        })
    }

    /// Whether Go supports it; an error if Go refuses the certificate because of it.
    fn check(&self) -> Result<bool, Flaw> {
        let value = self.value;
        let id = match self.oid {
            [0x55, 0x1d, id] => *id,
            AUTHORITY_INFORMATION_ACCESS if self.is_critical => {
                return Err(
                    "has a critical authorityInfoAccess, which must not be critical".into(),
                );
            }
            AUTHORITY_INFORMATION_ACCESS => {
                return understood(
                    information_access(value),
                    "has a malformed authorityInfoAccess",
                );
            }
            _ => return Ok(false),
        };
        match id {
            14 => {
                if self.is_critical {
                    return Err(
                        "has a critical subjectKeyIdentifier, which must not be critical".into(),
                    );
                }
                let identifier = { value }.read(reader::OCTET_STRING);
                understood(identifier, "has a malformed subjectKeyIdentifier")
            }
            15 => understood({ value }.bit_string(), "has a malformed keyUsage"),
            17 => alternative_names(value),
            19 => understood(basic_constraints(value), "has malformed basicConstraints"),
            30 => name_constraints(value),
            31 => understood(
                distribution_points(value),
                "has malformed cRLDistributionPoints",
            ),
            32 => understood(
                policies(value),
                "has malformed certificatePolicies, or one of them twice",
            ),
            33 => understood(policy_mappings(value), "has malformed policyMappings"),
            35 => {
                if self.is_critical {
                    return Err(
                        "has a critical authorityKeyIdentifier, which must not be critical".into(),
                    );
                }
                understood(
                    authority_key_identifier(value),
                    "has a malformed authorityKeyIdentifier",
                )
            }
            36 => understood(policy_constraints(value), "has malformed policyConstraints"),
            37 => understood(extended_key_usages(value), "has a malformed extKeyUsage"),
            54 => understood(
                { value }.small_integer(INTEGER),
                "has a malformed inhibitAnyPolicy",
            ),
            _ => Ok(false),
        }
    }
}

/// The result for an extension that Go supports: an error if it could not be read.
fn understood<T>(read: Option<T>, flaw: &'static str) -> Result<bool, Flaw> {
    read.map(|_| true).ok_or(Flaw::Words(flaw))
}

/// `parseBasicConstraintsExtension`: the path length is any integer that is not negative.
fn basic_constraints(mut value: Reader<'_>) -> Option<()> {
    let mut fields = value.read(SEQUENCE)?;
    if fields.has_next(reader::BOOLEAN) {
        fields.boolean()?;
    }
    if fields.has_next(INTEGER) {
        let length = fields.small_integer(INTEGER)?;
        (length >= 0).then_some(())?;
    }
    Some(())
}

/// `parseSANExtension`. Go does not support the extension if it has only names of other kinds.
fn alternative_names(mut value: Reader<'_>) -> Result<bool, Flaw> {
    let malformed = "has a malformed subjectAltName";
    let mut list = value.read(SEQUENCE).ok_or(malformed)?;
    let mut has_known = false;
    while !list.is_empty() {
        let name = list.any().ok_or(malformed)?;
        let contents = name.contents;
        match name.tag {
            EMAIL | DNS | URI if !contents.is_ascii() => {
                return Err("has an alternative name that is not ASCII".into());
            }
            URI if !is_uri(contents) => return Err("has a URI that Go does not read".into()),
            IP if !matches!(contents.len(), 4 | 16) => {
                return Err("has an address that is neither 4 nor 16 bytes long".into());
            }
            EMAIL | DNS | URI | IP => has_known = true,
            _ => {}
        }
    }
    Ok(has_known)
}

fn is_uri(text: &[u8]) -> bool {
    let host = std::str::from_utf8(text).ok().and_then(uri::host);
    host.is_some_and(|host| names::is_domain(&host, false))
}

/// `parseNameConstraintsExtension`. Go does not support the extension if it has other kinds of
/// names.
fn name_constraints(mut value: Reader<'_>) -> Result<bool, Flaw> {
    let malformed = || Flaw::Words("has malformed nameConstraints");
    let mut fields = value
        .read(SEQUENCE)
        .filter(|_| value.is_empty())
        .ok_or_else(malformed)?;
    let mut has_trees = false;
    let mut is_understood = true;
    for number in [0, 1] {
        let trees = fields.optional(constructed(number)).ok_or_else(malformed)?;
        let mut trees = trees.unwrap_or(Reader(&[]));
        has_trees |= !trees.is_empty();
        while !trees.is_empty() {
            let base = trees.read(SEQUENCE).and_then(|mut tree| tree.any());
            let base = base.ok_or_else(malformed)?;
            let is_good = match base.tag {
                DNS => is_text(base.contents, |text| names::is_domain(text, true)),
                EMAIL => is_text(base.contents, |text| match text.contains('@') {
                    true => names::mailbox(text).is_some(),
                    false => names::is_domain(text, true),
                }),
                URI => is_text(base.contents, |text| {
                    text.parse::<IpAddr>().is_err() && names::is_domain(text, true)
                }),
                IP => is_network(base.contents),
                _ => {
                    is_understood = false;
                    true
                }
            };
            if !is_good {
                return Err("has nameConstraints with a name that Go does not read".into());
            }
        }
    }
    if !fields.is_empty() {
        return Err(malformed());
    }
    if !has_trees {
        return Err("has empty nameConstraints".into());
    }
    Ok(is_understood)
}

fn is_text(bytes: &[u8], is_good: impl Fn(&str) -> bool) -> bool {
    let text = std::str::from_utf8(bytes)
        .ok()
        .filter(|text| text.is_ascii());
    text.is_some_and(is_good)
}

/// An address and a mask of the same length: ones, then zeros (`isValidIPMask`).
fn is_network(bytes: &[u8]) -> bool {
    if !matches!(bytes.len(), 8 | 32) {
        return false;
    }
    let mask = &bytes[bytes.len() / 2..];
    let bits = mask
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| byte << bit & 0x80 != 0));
    bits.is_sorted_by(|earlier, later| earlier >= later)
}

/// `parseAuthorityKeyIdentifier`: only the key identifier is read.
fn authority_key_identifier(mut value: Reader<'_>) -> Option<()> {
    let mut fields = value.read(SEQUENCE)?;
    fields.optional(primitive(0)).map(drop)
}

fn extended_key_usages(mut value: Reader<'_>) -> Option<()> {
    let mut usages = value.read(SEQUENCE)?;
    while !usages.is_empty() {
        usages.object_identifier()?;
    }
    Some(())
}

fn distribution_points(mut value: Reader<'_>) -> Option<()> {
    let mut points = value.read(SEQUENCE)?;
    while !points.is_empty() {
        let mut point = points.read(SEQUENCE)?;
        if let Some(mut name) = point.optional(constructed(0))? {
            let mut names = name.read(constructed(0))?;
            while names.optional(URI)?.is_some() {}
        }
    }
    Some(())
}

/// `parseCertificatePoliciesExtension`: identifiers of any size (`newOIDFromDER`), each once.
fn policies(mut value: Reader<'_>) -> Option<()> {
    let mut list = value.read(SEQUENCE)?;
    let mut seen = HashSet::new();
    while !list.is_empty() {
        let policy = list.read(SEQUENCE)?.read(reader::OBJECT_IDENTIFIER)?.0;
        let is_shortest = policy.last()? & 0x80 == 0
            && policy
                .split_inclusive(|byte| byte & 0x80 == 0)
                .all(|part| part[0] != 0x80);
        (is_shortest && seen.insert(policy)).then_some(())?;
    }
    Some(())
}

fn policy_mappings(mut value: Reader<'_>) -> Option<()> {
    let mut mappings = value.read(SEQUENCE)?;
    while !mappings.is_empty() {
        let mut mapping = mappings.read(SEQUENCE)?;
        mapping.read(reader::OBJECT_IDENTIFIER)?;
        mapping.read(reader::OBJECT_IDENTIFIER)?;
    }
    Some(())
}

fn policy_constraints(mut value: Reader<'_>) -> Option<()> {
    let mut fields = value.read(SEQUENCE)?;
    for number in [0, 1] {
        if fields.has_next(primitive(number)) {
            fields.small_integer(primitive(number))?;
        }
    }
    Some(())
}

fn information_access(mut value: Reader<'_>) -> Option<()> {
    let mut list = value.read(SEQUENCE)?;
    while !list.is_empty() {
        let mut access = list.read(SEQUENCE)?;
        access.object_identifier()?;
        access.optional(URI)?;
    }
    Some(())
}

//! Decides whether Go reads a certificate: `x509.ParseCertificate` (`parseCertificate` in
//! `crypto/x509/parser.go` of Go 1.26).
//!
//! The order and the extent of the checks are Go's: parts that Go skips are skipped here too.

mod extensions;
pub(super) mod names;
pub(super) mod reader;
mod time;

use std::{borrow::Cow, fmt};

use self::reader::{GENERALIZED_TIME, INTEGER, Reader, SEQUENCE, UTC_TIME, constructed, primitive};
pub(super) const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];
pub(super) const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
pub(super) const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
pub(super) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// The reason why Go refuses to read a certificate. It continues a sentence about the certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A description
    Words(&'static str),
    /// An extension occurs twice
    Twice(String),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => f.write_str(words),
            Self::Twice(oid) => write!(f, "has the extension {oid} twice"),
        }
    }
}

impl From<&'static str> for Flaw {
    fn from(words: &'static str) -> Self {
        Self::Words(words)
    }
}

/// The parts of a certificate that Go reads and the verifier needs.
#[derive(Default)]
pub(super) struct Parsed {
    /// The first critical extension that Go does not support: Go reads the certificate, and accepts
    /// no chain with it
    pub(super) unknown_critical: Option<String>,
    /// The public key; `None` for an algorithm that Go does not support
    pub(super) key: Option<Key>,
}

/// A public key that Go reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// The modulus has no leading zeros
    Rsa {
        modulus: Vec<u8>,
        exponent: i64,
    },
    Ec {
        curve: Curve,
        point: Vec<u8>,
    },
    Ed25519(Vec<u8>),
    /// Certificates may have DSA keys, TLS servers may not
    Dsa,
}

/// The curves that Go supports (`namedCurveFromOID`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P224,
    P256,
    P384,
    P521,
}

impl Curve {
    const ALL: [Self; 4] = [Self::P224, Self::P256, Self::P384, Self::P521];

    /// Its object identifier (RFC 5480, section 2.1.1.1).
    pub(super) fn oid(self) -> &'static [u8] {
        match self {
            Self::P224 => &[0x2b, 0x81, 0x04, 0x00, 0x21],
            Self::P256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
            Self::P384 => &[0x2b, 0x81, 0x04, 0x00, 0x22],
            Self::P521 => &[0x2b, 0x81, 0x04, 0x00, 0x23],
        }
    }

    pub(super) fn of(oid: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.oid() == oid)
    }

    /// Whether an uncompressed point is on the curve; `None` for P-224, which this crate cannot
    /// compute with.
    fn has(self, point: &[u8]) -> Option<bool> {
        match self {
            Self::P224 => (point.len() != 57).then_some(false),
            Self::P256 => Some(p256::PublicKey::from_sec1_bytes(point).is_ok()),
            Self::P384 => Some(p384::PublicKey::from_sec1_bytes(point).is_ok()),
            Self::P521 => Some(p521::PublicKey::from_sec1_bytes(point).is_ok()),
        }
    }
}

/// Reads a certificate as Go does.
pub(super) fn parse(der: &[u8]) -> Result<Parsed, Flaw> {
    let mut input = Reader(der);
    let mut input = input
        .read(SEQUENCE)
        .filter(|_| input.is_empty())
        .ok_or("is no certificate, or has more bytes after it")?;
    let mut content = input.read(SEQUENCE).ok_or("has malformed contents")?;
    let version = version(&mut content).ok_or("has an invalid version")?;
    let serial = content
        .integer(INTEGER)
        .ok_or("has a malformed serial number")?;
    if reader::is_negative(serial) {
        return Err("has a negative serial number".into());
    }
    check_algorithms(&mut content, &mut input)?;
    content
        .element(SEQUENCE)
        .and_then(|name| names::is_name(name.whole))
        .ok_or("has an issuer that Go does not read")?;
    check_validity(&mut content)?;
    content
        .element(SEQUENCE)
        .and_then(|name| names::is_name(name.whole))
        .ok_or("has a subject that Go does not read")?;
    let mut parsed = Parsed {
        key: public_key(&mut content)?,
        unknown_critical: None,
    };
    if version >= 2 {
        for number in [1, 2] {
            content
                .optional(primitive(number))
                .ok_or("has a malformed unique identifier")?;
        }
    }
    // Certificates of older versions have no extensions, so Go does not read further
    if version == 3 {
        parsed.unknown_critical = extensions::check(&mut content)?;
    }
    input.bit_string().ok_or("has a malformed signature")?;
    Ok(parsed)
}

/// Reads the version, 1 to 3.
fn version(content: &mut Reader<'_>) -> Option<i64> {
    let version = match content.optional(constructed(0))? {
        None => 0,
        Some(mut field) => field.small_integer(INTEGER).filter(|_| field.is_empty())?,
    };
    (0..=2).contains(&version).then_some(version + 1)
}

/// Checks that the signature algorithm is the same inside and outside the signed content.
fn check_algorithms(content: &mut Reader<'_>, input: &mut Reader<'_>) -> Result<(), Flaw> {
    let malformed = "has a malformed signature algorithm";
    let inner = content.read(SEQUENCE).ok_or(malformed)?;
    let outer = input.read(SEQUENCE).ok_or(malformed)?;
    if inner.0 != outer.0 {
        return Err("names one signature algorithm inside and another outside".into());
    }
    algorithm(inner).ok_or(malformed)?;
    Ok(())
}

/// Reads the identifier of an algorithm and its optional parameters (`parseAI`).
fn algorithm(mut identifier: Reader<'_>) -> Option<(&[u8], &[u8])> {
    let oid = identifier.object_identifier()?;
    if identifier.is_empty() {
        return Some((oid, &[]));
    }
    Some((oid, identifier.any()?.whole))
}

fn check_validity(content: &mut Reader<'_>) -> Result<(), Flaw> {
    let mut validity = content.read(SEQUENCE).ok_or("has a malformed validity")?;
    for _ in 0..2 {
        let is_good = match validity.any() {
            Some(time) if time.tag == UTC_TIME => time::is_utc_time(time.contents),
            Some(time) if time.tag == GENERALIZED_TIME => time::is_generalized_time(time.contents),
            _ => false,
        };
        if !is_good {
            return Err("has a start or an end that Go does not read".into());
        }
    }
    Ok(())
}

fn public_key(content: &mut Reader<'_>) -> Result<Option<Key>, Flaw> {
    let malformed = "has a malformed public key";
    let mut info = content.read(SEQUENCE).ok_or(malformed)?;
    let identifier = info.read(SEQUENCE).ok_or(malformed)?;
    let (oid, parameters) = algorithm(identifier).ok_or(malformed)?;
    let (unused, bits) = info.bit_string().ok_or(malformed)?;
    let bits = right_aligned(unused, bits);
    match oid {
        RSA => rsa(parameters, &bits).map(Some),
        EC_PUBLIC_KEY => ec(parameters, bits.into_owned()).map(Some),
        ED25519 if !parameters.is_empty() => {
            Err("has an Ed25519 key with parameters, which must be absent".into())
        }
        ED25519 if bits.len() != 32 => Err("has an Ed25519 key that is not 32 bytes long".into()),
        ED25519 => Ok(Some(Key::Ed25519(bits.into_owned()))),
        DSA => dsa(parameters, &bits)
            .map(Some)
            .ok_or_else(|| malformed.into()),
        _ => Ok(None),
    }
}

/// Removes the unused bits at the end, as Go does before it reads the key (`BitString.RightAlign`).
fn right_aligned(unused: u8, bytes: &[u8]) -> Cow<'_, [u8]> {
    if unused == 0 {
        return Cow::Borrowed(bytes);
    }
    let mut before = 0;
    let mut shifted = |byte: &u8| {
        let pair = u16::from_be_bytes([before, *byte]) >> unused;
        before = *byte;
        pair.to_be_bytes()[1]
    };
    Cow::Owned(bytes.iter().map(&mut shifted).collect())
}

fn rsa(parameters: &[u8], bits: &[u8]) -> Result<Key, Flaw> {
    if parameters != [0x05, 0x00] {
        return Err("has an RSA key without NULL parameters (RFC 3279, section 2.3.1)".into());
    }
    let numbers = || {
        let mut numbers = Reader(bits).read(SEQUENCE)?;
        let modulus = numbers.integer(INTEGER)?;
        let exponent = numbers.small_integer(INTEGER)?;
        let modulus = positive(modulus).filter(|_| exponent > 0)?.to_vec();
        Some(Key::Rsa { modulus, exponent })
    };
    numbers().ok_or_else(|| "has an invalid RSA key".into())
}

fn ec(parameters: &[u8], point: Vec<u8>) -> Result<Key, Flaw> {
    let curve = Reader(parameters)
        .object_identifier()
        .ok_or("has an elliptic curve key without the name of its curve")?;
    let curve = Curve::of(curve).ok_or("has a key on an elliptic curve that Go does not know")?;
    let is_on_curve = point.first() == Some(&0x04) && curve.has(&point) != Some(false);
    if !is_on_curve {
        return Err("has an elliptic curve key with a point that is not on its curve".into());
    }
    Ok(Key::Ec { curve, point })
}

/// Reads a DSA key. Go only requires that its numbers are positive.
fn dsa(parameters: &[u8], bits: &[u8]) -> Option<Key> {
    let mut numbers = Reader(parameters).read(SEQUENCE)?;
    for _ in 0..3 {
        positive(numbers.integer(INTEGER)?)?;
    }
    positive(Reader(bits).integer(INTEGER)?).map(|_| Key::Dsa)
}

/// The bytes of a positive integer, without the zero before the first bit.
pub(super) fn positive(integer: &[u8]) -> Option<&[u8]> {
    match integer {
        [0] => None,
        [0, rest @ ..] => Some(rest),
        _ if reader::is_negative(integer) => None,
        _ => Some(integer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The results are those of `BitString.RightAlign` in Go's `encoding/asn1`.
    #[test]
    fn unused_bits() {
        for (unused, bytes, expected) in [
            (0, &[0x12, 0x34][..], &[0x12, 0x34][..]),
            (1, &[0x02, 0x04], &[0x01, 0x02]),
            (4, &[0x12, 0x30], &[0x01, 0x23]),
            (7, &[0xff, 0x80], &[0x01, 0xff]),
            (3, &[], &[]),
        ] {
            assert_eq!(
                &*right_aligned(unused, bytes),
                expected,
                "{unused} {bytes:?}"
            );
        }
    }

    #[test]
    fn positive_integers() {
        for (integer, expected) in [
            (&[1][..], Some(&[1][..])),
            (&[0x7f, 0], Some(&[0x7f, 0])),
            (&[0, 0x80], Some(&[0x80])),
            (&[0], None),
            (&[0x80], None),
            (&[0xff, 1], None),
        ] {
            assert_eq!(positive(integer), expected, "{integer:?}");
        }
    }
}

//! Reads private keys as Go does: `parsePrivateKey` of `crypto/tls`, which tries PKCS#1, PKCS#8 and
//! SEC 1 under every label.

use der::asn1::ObjectIdentifier;
use zeroize::Zeroizing;

use super::asn1::Fields;
use crate::{
    key::{PrivateKey, RsaNumbers},
    verify::parse::{Curve, DSA, EC_PUBLIC_KEY, ED25519, Key, RSA, positive},
};

/// The curve that Go supports and this crate does not
pub(super) const P224: &str = "a key on the curve P-224";

const MAX_RSA_BYTES: usize = 16_384 / 8;

/// The reason why Go reads no key.
pub(super) enum Failure {
    /// It is damaged, or not a key
    Malformed,
    /// Go does not support its algorithm or curve
    Unsupported(String),
    /// Go may read it, but this crate cannot
    NotSupportedHere(&'static str),
}

type Result<T> = std::result::Result<T, Failure>;

fn malformed<T>(read: Option<T>) -> Result<T> {
    read.ok_or(Failure::Malformed)
}

/// The public half of a private key.
pub(super) fn public_half(der: &[u8]) -> Result<Key> {
    // The first success counts; of several failures, the most specific
    let mut failure = Failure::Malformed;
    for read in [pkcs1, pkcs8, |der: &[u8]| ec(None, der)] {
        match read(der) {
            Ok(key) => return Ok(key),
            Err(Failure::Malformed) => {}
            Err(other) => failure = other,
        }
    }
    Err(failure)
}

/// Whether it is an encrypted PKCS#8 key (RFC 5958, section 3): an algorithm, and octets.
pub(super) fn is_encrypted(der: &[u8]) -> bool {
    pkcs8::EncryptedPrivateKeyInfoRef::try_from(der).is_ok()
}

/// `x509.ParsePKCS1PrivateKey`
fn pkcs1(der: &[u8]) -> Result<Key> {
    let mut whole = Fields::new(der);
    let mut fields = malformed(whole.sequence())?;
    let (numbers, has_more_primes) = malformed(rsa_numbers(&mut fields))?;
    if !whole.is_finished() {
        return Err(Failure::Malformed);
    }
    if has_more_primes {
        return Err(Failure::NotSupportedHere(
            "an RSA key of more than two primes",
        ));
    }
    // The checks take quadratic and cubic time
    if numbers.longest() > MAX_RSA_BYTES {
        return Err(Failure::NotSupportedHere("an RSA key of over 16384 bits"));
    }
    malformed(numbers.check().ok())?;
    Ok(Key::Rsa {
        modulus: numbers.modulus.to_vec(),
        exponent: numbers.public_exponent,
    })
}

/// Reads the fields of `RSAPrivateKey` (RFC 8017, appendix A.1.2), and whether there are more than
/// two primes.
fn rsa_numbers<'a>(fields: &mut Fields<'a>) -> Option<(RsaNumbers<'a>, bool)> {
    let version = fields.small_integer()?;
    let modulus = positive(fields.integer()?)?;
    let public_exponent = fields.small_integer()?;
    let private_exponent = positive(fields.integer()?)?;
    let primes = [positive(fields.integer()?)?, positive(fields.integer()?)?];
    let mut precomputed = [None; 3];
    for number in &mut precomputed {
        *number = match fields.optional_integer()? {
            Some(number) => Some(positive(number)?),
            None => None,
        };
    }
    let others = fields.optional_sequence()?;
    let precomputed = match precomputed {
        [Some(dp), Some(dq), Some(inverse)] => Some([dp, dq, inverse]),
        _ => None,
    };
    let numbers = RsaNumbers {
        modulus,
        public_exponent,
        private_exponent,
        primes,
        precomputed,
    };
    (version <= 1).then_some((numbers, others.is_some_and(|others| !others.is_finished())))
}

/// `x509.ParsePKCS8PrivateKey`. Data after the key is ignored.
fn pkcs8(der: &[u8]) -> Result<Key> {
    let read = || {
        let mut fields = Fields::new(der).sequence()?;
        fields.small_integer()?;
        let mut algorithm = fields.sequence()?;
        let oid = algorithm.object_identifier()?;
        let parameters = algorithm.optional_any()?;
        Some((oid, parameters, fields.octets()?))
    };
    let (oid, parameters, key) = malformed(read())?;
    match oid {
        RSA => pkcs1(key),
        EC_PUBLIC_KEY => ec(Fields::new(parameters).object_identifier(), key),
        ED25519 => ed25519(parameters, key),
        other => Err(Failure::Unsupported(name(other))),
    }
}

fn ed25519(parameters: &[u8], key: &[u8]) -> Result<Key> {
    let seed = Fields::new(key).octets();
    let seed = malformed(seed.filter(|seed| parameters.is_empty() && seed.len() == 32))?;
    // Encodes the seed; this encoding has only one form (RFC 8410, section 7)
    let mut der = Zeroizing::new(
        b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec(),
    );
    der.extend_from_slice(seed);
    let key = malformed(PrivateKey::from_der(&der).ok())?;
    let public = key.public_key().as_der();
    Ok(Key::Ed25519(public[public.len() - 32..].to_vec()))
}

/// `parseECPrivateKey`: the curve that PKCS#8 names, or the one in the key itself (RFC 5915,
/// section 3).
fn ec(curve: Option<&[u8]>, der: &[u8]) -> Result<Key> {
    let read = || {
        let mut fields = Fields::new(der).sequence()?;
        let version = fields.small_integer()?;
        let scalar = fields.octets()?;
        let own_curve = fields.optional_curve()?;
        fields.optional_public_key()?;
        (version == 1).then_some((scalar, own_curve))
    };
    let (scalar, own_curve) = malformed(read())?;
    let Some(oid) = curve.or(own_curve) else {
        return Err(Failure::Unsupported(
            "an elliptic curve that is not named".to_owned(),
        ));
    };
    let curve = Curve::of(oid).ok_or_else(|| Failure::Unsupported(name(oid)))?;
    let length = match curve {
        Curve::P224 => 28,
        Curve::P256 => 32,
        Curve::P384 => 48,
        Curve::P521 => 66,
    };
    // Superfluous leading zeros are removed, missing ones are added
    let excess = scalar.len().saturating_sub(length);
    let (leading, scalar) = scalar.split_at(excess);
    malformed(leading.iter().all(|byte| *byte == 0).then_some(()))?;
    let mut padded = Zeroizing::new(vec![0; length - scalar.len()]);
    padded.extend_from_slice(scalar);
    let point = match curve {
        Curve::P224 => return Err(Failure::NotSupportedHere(P224)),
        Curve::P256 => point::<p256::NistP256>(&padded),
        Curve::P384 => point::<p384::NistP384>(&padded),
        Curve::P521 => point::<p521::NistP521>(&padded),
    };
    Ok(Key::Ec {
        curve,
        point: malformed(point)?,
    })
}

/// The public point of a scalar. The scalar must be neither zero nor too large.
fn point<C>(scalar: &[u8]) -> Option<Vec<u8>>
where
    C: p256::elliptic_curve::CurveArithmetic,
    p256::elliptic_curve::AffinePoint<C>:
        p256::elliptic_curve::sec1::FromSec1Point<C> + p256::elliptic_curve::sec1::ToSec1Point<C>,
    p256::elliptic_curve::FieldBytesSize<C>: p256::elliptic_curve::sec1::ModulusSize,
{
    use p256::elliptic_curve::sec1::ToSec1Point as _;
    let key = p256::elliptic_curve::SecretKey::<C>::from_slice(scalar).ok()?;
    let point = key.public_key().to_sec1_point(false);
    Some(point.as_bytes().to_vec())
}

/// The usual name of an algorithm or a curve, or its object identifier.
fn name(oid: &[u8]) -> String {
    let name = match oid {
        [0x2b, 0x81, 0x04, 0x00, 0x0a] => "secp256k1",
        [0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07] => "brainpoolP256r1",
        [0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b] => "brainpoolP384r1",
        [0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d] => "brainpoolP512r1",
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01] => "P-192",
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a] => "RSA-PSS",
        DSA => "DSA",
        [0x2b, 0x65, 0x6e] => "X25519",
        [0x2b, 0x65, 0x6f] => "X448",
        [0x2b, 0x65, 0x71] => "Ed448",
        other => {
            return ObjectIdentifier::from_bytes(other)
                .map_or_else(|_| crate::text::upper_hex(other), |oid| oid.to_string());
        }
    };
    name.to_owned()
}

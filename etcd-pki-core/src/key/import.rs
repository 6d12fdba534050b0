//! Reads the private keys that OpenSSL, Go, cfssl, kubeadm and Kubespray write. Errors about other
//! keys contain the name of the algorithm.

use std::borrow::Cow;

use der::{
    Decode as _,
    asn1::{AnyRef, ObjectIdentifier},
};
use pkcs8::PrivateKeyInfoRef;
use x509_cert::spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::{
    EC_PUBLIC_KEY, ED25519, KeyAlgorithm, Passphrase, PrivateKey, PublicKey, RSA_ENCRYPTION,
    RsaNumbers, SECP256R1, SECP384R1, SECP521R1, encryption, malformed, openssl_encryption,
};
use crate::{
    error::{Error, Result},
    pem, signing,
};

const WHAT: &str = "private key";
const USE_ANOTHER: &str = "make one that etcd-pki uses: `etcd-pki key new`";

/// The names of key algorithms that etcd-pki does not use.
const OTHER_KEYS: [(ObjectIdentifier, &str); 7] = [
    (oid("1.2.840.10040.4.1"), "dsa"),
    (oid("1.2.840.10046.2.1"), "dh"),
    (oid("1.2.840.113549.1.1.10"), "rsa-pss"),
    (oid("1.2.840.113549.1.3.1"), "dh"),
    (oid("1.3.101.110"), "x25519"),
    (oid("1.3.101.111"), "x448"),
    (oid("1.3.101.113"), "ed448"),
];

const CURVES: [(ObjectIdentifier, &str); 9] = [
    (SECP256R1, "ec-p256"),
    (SECP384R1, "ec-p384"),
    (SECP521R1, "ec-p521"),
    (oid("1.2.840.10045.3.1.1"), "ec-p192"),
    (oid("1.3.132.0.10"), "ec-secp256k1"),
    (oid("1.3.132.0.33"), "ec-p224"),
    (oid("1.3.36.3.3.2.8.1.1.11"), "ec-brainpoolP384r1"),
    (oid("1.3.36.3.3.2.8.1.1.13"), "ec-brainpoolP512r1"),
    (oid("1.3.36.3.3.2.8.1.1.7"), "ec-brainpoolP256r1"),
];

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// Reads the only private key of a PEM file.
pub(super) fn from_pem(pem: &[u8], passphrase: Option<&Passphrase>) -> Result<PrivateKey> {
    let blocks = pem::read(WHAT, pem)?;
    let block = pem::only(&blocks, WHAT, |label| label.ends_with("PRIVATE KEY"))?;
    let parameters = blocks.iter().find(|block| block.label == "EC PARAMETERS");
    let parameters = parameters.map(|block| &block.contents[..]);
    let key = if openssl_encryption::is_encrypted(&block.headers) {
        from_openssl_encryption(block, parameters, passphrase)
    } else {
        from_block(block, parameters, passphrase)
    };
    key.map_err(|error| error.at(block.place))
}

fn from_openssl_encryption(
    block: &pem::Block,
    parameters: Option<&[u8]>,
    passphrase: Option<&Passphrase>,
) -> Result<PrivateKey> {
    let der = openssl_encryption::decrypt(&block.headers, &block.contents, passphrase)?;
    match Structure::of(&der) {
        Some(structure) => from_structure(structure, &der, parameters),
        None if has_explicit_parameters(&der) => Err(explicit_parameters()),
        None => Err(Error::WrongPassphrase),
    }
}

fn from_block(
    block: &pem::Block,
    parameters: Option<&[u8]>,
    passphrase: Option<&Passphrase>,
) -> Result<PrivateKey> {
    let der = &block.contents;
    match (Structure::of(der), block.label.as_str()) {
        (Some(structure), _) => from_structure(structure, der, parameters),
        // Other content is reported as damaged, with the label of its block
        (None, "PRIVATE KEY") => from_pkcs8(der),
        (None, "ENCRYPTED PRIVATE KEY") => from_encrypted(der, passphrase),
        (None, "RSA PRIVATE KEY") => from_pkcs1(der),
        (None, "EC PRIVATE KEY") => from_sec1(der, parameters),
        (None, "OPENSSH PRIVATE KEY") => Err(Error::unsupported(
            "a private key in OpenSSH's format",
            "convert a copy with `ssh-keygen -p -m PKCS8 -f COPY`",
        )),
        (None, other) => Err(Error::unsupported(
            format!("a key of the kind {other}"),
            USE_ANOTHER,
        )),
    }
}

/// Reads a private key in DER, in any of the four structures.
pub(super) fn from_der(der: &[u8], passphrase: Option<&Passphrase>) -> Result<PrivateKey> {
    if let Some(structure) = Structure::of(der) {
        from_structure(structure, der, None)
    } else if pkcs8::EncryptedPrivateKeyInfoRef::from_der(der).is_ok() {
        from_encrypted(der, passphrase)
    } else {
        let error = Error::malformed(WHAT, "neither PEM nor the DER of a key");
        Err(error.or_foreign(WHAT, der))
    }
}

/// The structures of a private key without encryption.
///
/// The label of a block does not matter: Go tries all three for every label that ends in `PRIVATE
/// KEY` (`parsePrivateKey` in `crypto/tls/tls.go`).
enum Structure {
    Pkcs8,
    Pkcs1,
    Sec1,
}

impl Structure {
    fn of(der: &[u8]) -> Option<Self> {
        if PrivateKeyInfoRef::from_der(der).is_ok() {
            Some(Self::Pkcs8)
        } else if pkcs1::RsaPrivateKeyRef::from_der(der).is_ok() {
            Some(Self::Pkcs1)
        } else if sec1::EcPrivateKey::from_der(der).is_ok() {
            Some(Self::Sec1)
        } else {
            None
        }
    }
}

fn from_structure(
    structure: Structure,
    der: &[u8],
    parameters: Option<&[u8]>,
) -> Result<PrivateKey> {
    match structure {
        Structure::Pkcs8 => from_pkcs8(der),
        Structure::Pkcs1 => from_pkcs1(der),
        Structure::Sec1 => from_sec1(der, parameters),
    }
}

/// The name of a key's algorithm, from its identifier and public bits.
pub(super) fn key_name(algorithm: &AlgorithmIdentifierRef<'_>, bits: &[u8]) -> Cow<'static, str> {
    match algorithm.oid {
        RSA_ENCRYPTION => rsa_name(bits),
        ED25519 => "ed25519".into(),
        EC_PUBLIC_KEY => curve_name(algorithm.parameters),
        other => named(&OTHER_KEYS, other),
    }
}

/// The algorithm of an elliptic curve key with this name, if etcd-pki supports it.
pub(super) fn algorithm(name: &str) -> Option<KeyAlgorithm> {
    [
        KeyAlgorithm::EcP256,
        KeyAlgorithm::EcP384,
        KeyAlgorithm::EcP521,
        KeyAlgorithm::Ed25519,
    ]
    .into_iter()
    .find(|algorithm| algorithm.name() == name)
}

pub(super) fn rsa_name(bits: &[u8]) -> Cow<'static, str> {
    match PublicKey::rsa_bits(bits) {
        Some(bits) => format!("rsa-{bits}").into(),
        None => "rsa".into(),
    }
}

fn curve_name(parameters: Option<AnyRef<'_>>) -> Cow<'static, str> {
    match parameters.map(|parameters| parameters.decode_as::<ObjectIdentifier>()) {
        Some(Ok(curve)) => named(&CURVES, curve),
        Some(Err(_)) => "ec with explicit curve parameters".into(),
        None => "ec without a curve".into(),
    }
}

fn named(names: &[(ObjectIdentifier, &'static str)], oid: ObjectIdentifier) -> Cow<'static, str> {
    match names.iter().find(|(known, _)| *known == oid) {
        Some((_, name)) => Cow::Borrowed(name),
        None => Cow::Owned(oid.to_string()),
    }
}

fn from_encrypted(der: &[u8], passphrase: Option<&Passphrase>) -> Result<PrivateKey> {
    from_pkcs8(&encryption::decrypt(der, passphrase)?)
}

fn from_pkcs8(der: &[u8]) -> Result<PrivateKey> {
    let info = PrivateKeyInfoRef::from_der(der).map_err(malformed)?;
    let key = info.private_key.as_bytes();
    match info.algorithm.oid {
        RSA_ENCRYPTION => from_pkcs1(key),
        ED25519 => {
            // CurvePrivateKey is a separate OCTET STRING (RFC 8410, section 7)
            let seed = key
                .strip_prefix(&[0x04, 0x20])
                .filter(|seed| seed.len() == 32)
                .ok_or_else(|| Error::malformed(WHAT, "an Ed25519 key is 32 bytes long"))?;
            PrivateKey::from_ed25519_seed(seed)
        }
        EC_PUBLIC_KEY => {
            let name = curve_name(info.algorithm.parameters);
            from_ec(&name, &sec1_key(key)?)
        }
        other => Err(unsupported_key(named(&OTHER_KEYS, other))),
    }
}

fn from_pkcs1(der: &[u8]) -> Result<PrivateKey> {
    let key = pkcs1::RsaPrivateKeyRef::from_der(der).map_err(|error| {
        if lacks_precomputed(der) {
            unsupported_key("rsa without its exponents and coefficient for each prime")
        } else {
            malformed(error)
        }
    })?;
    if key.other_prime_infos.is_some() {
        return Err(unsupported_key("rsa with more than two primes"));
    }
    let bits = signing::rsa_bits(key.modulus.as_bytes());
    if !signing::RSA_BITS.contains(&bits) {
        return Err(unsupported_key(format!("rsa-{bits}")));
    }
    check_numbers(&key)?;
    let key = PrivateKey::from_pkcs1(der)?;
    // ring checks the result with the public key
    key.sign(b"etcd-pki").map_err(|_| inconsistent())?;
    Ok(key)
}

/// Checks the numbers as Go does. Otherwise etcd would not load the key.
fn check_numbers(key: &pkcs1::RsaPrivateKeyRef<'_>) -> Result<()> {
    let exponent = key.public_exponent.as_bytes();
    let mut public_exponent = [0; 8];
    let place = public_exponent.len().checked_sub(exponent.len());
    let place = place.ok_or_else(inconsistent)?;
    public_exponent[place..].copy_from_slice(exponent);
    let numbers = RsaNumbers {
        modulus: key.modulus.as_bytes(),
        public_exponent: i64::from_be_bytes(public_exponent),
        private_exponent: key.private_exponent.as_bytes(),
        primes: [key.prime1.as_bytes(), key.prime2.as_bytes()],
        precomputed: Some([
            key.exponent1.as_bytes(),
            key.exponent2.as_bytes(),
            key.coefficient.as_bytes(),
        ]),
    };
    numbers.check().map_err(|flaw| Error::malformed(WHAT, flaw))
}

/// Whether it is PKCS#1 without the values of the Chinese remainder theorem, which Go computes.
fn lacks_precomputed(der: &[u8]) -> bool {
    let read = || -> der::Result<bool> {
        use der::Reader as _;
        let mut reader = der::SliceReader::new(der)?;
        reader.sequence(|fields| {
            u8::decode(fields)?;
            let mut count = 0;
            while !fields.is_finished() {
                der::asn1::UintRef::decode(fields)?;
                count += 1;
            }
            Ok::<_, der::Error>((5..8).contains(&count))
        })
    };
    read().unwrap_or(false)
}

fn inconsistent() -> Error {
    Error::malformed(
        WHAT,
        "its numbers do not belong together; the file is damaged",
    )
}

/// Reads SEC1. The curve is in it or in the previous block.
fn from_sec1(der: &[u8], parameters: Option<&[u8]>) -> Result<PrivateKey> {
    let key = sec1_key(der)?;
    let name = match (&key.parameters, parameters) {
        (Some(sec1::EcParameters::NamedCurve(curve)), _) => named(&CURVES, *curve),
        (None, Some(parameters)) => match ObjectIdentifier::from_der(parameters) {
            Ok(curve) => named(&CURVES, curve),
            Err(_) => return Err(explicit_parameters()),
        },
        (None, None) => {
            return Err(Error::malformed(
                WHAT,
                "the elliptic curve is not named in it",
            ));
        }
    };
    from_ec(&name, &key)
}

fn sec1_key(der: &[u8]) -> Result<sec1::EcPrivateKey<'_>> {
    sec1::EcPrivateKey::from_der(der).map_err(|error| {
        if has_explicit_parameters(der) {
            explicit_parameters()
        } else {
            malformed(error)
        }
    })
}

fn explicit_parameters() -> Error {
    unsupported_key("ec with explicit curve parameters")
}

/// Whether an `ECPrivateKey` has explicit parameters (a SEQUENCE in its field [0]) and not the name
/// of a curve.
fn has_explicit_parameters(der: &[u8]) -> bool {
    let second_field = || -> der::Result<bool> {
        use der::Reader as _;
        let mut reader = der::SliceReader::new(der)?;
        reader.sequence(|fields| {
            u8::decode(fields)?;
            <&der::asn1::OctetStringRef>::decode(fields)?;
            let parameters = AnyRef::decode(fields)?;
            fields.read_slice(fields.remaining_len())?;
            Ok::<_, der::Error>(parameters.value().first() == Some(&0x30))
        })
    };
    second_field().unwrap_or(false)
}

fn from_ec(curve: &str, key: &sec1::EcPrivateKey<'_>) -> Result<PrivateKey> {
    let (algorithm, length) = match curve {
        "ec-p256" => (KeyAlgorithm::EcP256, 32),
        "ec-p384" => (KeyAlgorithm::EcP384, 48),
        "ec-p521" => (KeyAlgorithm::EcP521, 66),
        other => return Err(unsupported_key(other)),
    };
    let scalar = scalar(key.private_key, length).ok_or_else(outside)?;
    let point = match key.public_key {
        Some(point @ [0x04, ..]) => point.to_vec(),
        // ring cannot compute points, and this key has none or a compressed one
        _ => public_point(algorithm, &scalar).ok_or_else(outside)?,
    };
    PrivateKey::from_ec(algorithm, &scalar, &point)
}

/// A scalar with the number of bytes that RFC 5915, section 3, requires. Some tools omit leading
/// zeros, others write too many, and Go reads both (`parseECPrivateKey` in `crypto/x509`).
fn scalar(number: &[u8], length: usize) -> Option<Zeroizing<Vec<u8>>> {
    let more = number.len().saturating_sub(length);
    let (zeros, number) = number.split_at(more);
    let missing = length - number.len();
    zeros
        .iter()
        .all(|byte| *byte == 0)
        .then(|| Zeroizing::new([&vec![0; missing][..], number].concat()))
}

fn outside() -> Error {
    Error::malformed(WHAT, "its number is not of this curve")
}

fn public_point(algorithm: KeyAlgorithm, scalar: &[u8]) -> Option<Vec<u8>> {
    use p256::elliptic_curve::sec1::ToSec1Point as _;
    match algorithm {
        KeyAlgorithm::EcP521 => {
            let key = p521::SecretKey::from_slice(scalar).ok()?;
            Some(key.public_key().to_sec1_point(false).as_bytes().to_vec())
        }
        KeyAlgorithm::EcP384 => {
            let key = p384::SecretKey::from_slice(scalar).ok()?;
            Some(key.public_key().to_sec1_point(false).as_bytes().to_vec())
        }
        _ => {
            let key = p256::SecretKey::from_slice(scalar).ok()?;
            Some(key.public_key().to_sec1_point(false).as_bytes().to_vec())
        }
    }
}

fn unsupported_key(name: impl std::fmt::Display) -> Error {
    Error::unsupported(format!("a key of {name}"), USE_ANOTHER)
}

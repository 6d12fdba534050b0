//! Reads identifiers of signature algorithms as Go does, and writes them.

use der::asn1::{Any, AnyRef, ObjectIdentifier};
use pkcs1::RsaPssParamsOwned;
use x509_cert::spki::AlgorithmIdentifierRef;

use super::Scheme;
use crate::der_writer::{self, SEQUENCE};

const ECDSA_SHA1: ObjectIdentifier = oid("1.2.840.10045.4.1");
const ECDSA_SHA224: ObjectIdentifier = oid("1.2.840.10045.4.3.1");
const ECDSA_SHA256: ObjectIdentifier = oid("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = oid("1.2.840.10045.4.3.3");
const ECDSA_SHA512: ObjectIdentifier = oid("1.2.840.10045.4.3.4");
const ED25519: ObjectIdentifier = oid("1.3.101.112");
const ED448: ObjectIdentifier = oid("1.3.101.113");
const DSA_SHA1: ObjectIdentifier = oid("1.2.840.10040.4.3");
const DSA_SHA256: ObjectIdentifier = oid("2.16.840.1.101.3.4.3.2");
const MGF1: ObjectIdentifier = oid("1.2.840.113549.1.1.8");
const RSA_MD2: ObjectIdentifier = oid("1.2.840.113549.1.1.2");
const RSA_MD5: ObjectIdentifier = oid("1.2.840.113549.1.1.4");
const RSA_PSS: ObjectIdentifier = oid("1.2.840.113549.1.1.10");
const RSA_SHA1: ObjectIdentifier = oid("1.2.840.113549.1.1.5");
/// A second identifier for it, which old tools of Microsoft write (`oidISOSignatureSHA1WithRSA` in
/// Go)
const RSA_SHA1_ISO: ObjectIdentifier = oid("1.3.14.3.2.29");
const RSA_SHA224: ObjectIdentifier = oid("1.2.840.113549.1.1.14");
const RSA_SHA256: ObjectIdentifier = oid("1.2.840.113549.1.1.11");
const RSA_SHA384: ObjectIdentifier = oid("1.2.840.113549.1.1.12");
const RSA_SHA512: ObjectIdentifier = oid("1.2.840.113549.1.1.13");
const SHA1: ObjectIdentifier = oid("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.3");

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// The digests that Go accepts in a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Digest {
    Sha256,
    Sha384,
    Sha512,
}

/// The algorithm of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignatureAlgorithm {
    Ecdsa(Digest),
    Ed25519,
    RsaPkcs1(Digest),
    /// RSA-PSS with MGF1 of the same digest, and a salt of the same length
    RsaPss(Digest),
}

impl SignatureAlgorithm {
    /// Reads an identifier as Go does (`getSignatureAlgorithmFromAI` in `crypto/x509`). The error
    /// is the reason why Go refuses a signature with it.
    pub(super) fn read(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Self, String> {
        Ok(match algorithm.oid {
            ECDSA_SHA256 => Self::Ecdsa(Digest::Sha256),
            ECDSA_SHA384 => Self::Ecdsa(Digest::Sha384),
            ECDSA_SHA512 => Self::Ecdsa(Digest::Sha512),
            RSA_SHA256 => Self::RsaPkcs1(Digest::Sha256),
            RSA_SHA384 => Self::RsaPkcs1(Digest::Sha384),
            RSA_SHA512 => Self::RsaPkcs1(Digest::Sha512),
            RSA_PSS => Self::RsaPss(pss_digest(algorithm.parameters)?),
            ED25519 if algorithm.parameters.is_none() => Self::Ed25519,
            ED25519 => {
                return Err("its algorithm Ed25519 has parameters, which Go refuses".to_owned());
            }
            ECDSA_SHA1 | RSA_SHA1 | RSA_SHA1_ISO | DSA_SHA1 => return Err(refused("SHA-1")),
            RSA_MD5 => return Err(refused("MD5")),
            RSA_MD2 => return Err(refused("MD2")),
            other => return Err(refused(&signature_name(other))),
        })
    }
}

impl SignatureAlgorithm {
    /// The algorithm of a signature in a TLS handshake, by the number of its scheme (RFC 8446,
    /// section 4.2.3), and its identifier.
    #[cfg(feature = "probe")]
    pub(super) fn of_tls(scheme: u16) -> Option<(Self, ObjectIdentifier)> {
        Some(match scheme {
            0x0401 => (Self::RsaPkcs1(Digest::Sha256), RSA_SHA256),
            0x0501 => (Self::RsaPkcs1(Digest::Sha384), RSA_SHA384),
            0x0601 => (Self::RsaPkcs1(Digest::Sha512), RSA_SHA512),
            0x0403 => (Self::Ecdsa(Digest::Sha256), ECDSA_SHA256),
            0x0503 => (Self::Ecdsa(Digest::Sha384), ECDSA_SHA384),
            0x0603 => (Self::Ecdsa(Digest::Sha512), ECDSA_SHA512),
            0x0804 => (Self::RsaPss(Digest::Sha256), RSA_PSS),
            0x0805 => (Self::RsaPss(Digest::Sha384), RSA_PSS),
            0x0806 => (Self::RsaPss(Digest::Sha512), RSA_PSS),
            0x0807 => (Self::Ed25519, ED25519),
            _ => return None,
        })
    }
}

fn refused(name: &str) -> String {
    format!("it is signed with {name}, which Go refuses in certificates")
}

/// The digest of RSA-PSS. Go accepts only three sets of parameters.
fn pss_digest(parameters: Option<AnyRef<'_>>) -> Result<Digest, String> {
    let unknown = || refused("RSA-PSS with these parameters");
    let parameters: RsaPssParamsOwned = parameters
        .and_then(|parameters| parameters.decode_as().ok())
        .ok_or_else(unknown)?;
    let mask = parameters
        .mask_gen
        .parameters
        .as_ref()
        .ok_or_else(unknown)?;
    let (digest, salt_length) = match parameters.hash.oid {
        SHA1 => return Err(refused("SHA-1")),
        SHA256 => (Digest::Sha256, 32),
        SHA384 => (Digest::Sha384, 48),
        SHA512 => (Digest::Sha512, 64),
        _ => return Err(unknown()),
    };
    // The trailer field can have only one value, which was checked when it was read
    let is_known = has_no_parameters(parameters.hash.parameters.as_ref())
        && has_no_parameters(mask.parameters.as_ref())
        && parameters.mask_gen.oid == MGF1
        && mask.oid == parameters.hash.oid
        && parameters.salt_len == salt_length;
    is_known.then_some(digest).ok_or_else(unknown)
}

fn has_no_parameters(parameters: Option<&Any>) -> bool {
    parameters.is_none_or(|parameters| AnyRef::from(parameters).is_null())
}

/// Appends the identifier of the signatures of a scheme.
///
/// RSA has NULL parameters (RFC 4055, section 5). ECDSA (RFC 5758, section 3.2) and Ed25519 (RFC
/// 8410, section 3) have no parameters.
pub(super) fn write_identifier(scheme: Scheme, der: &mut Vec<u8>) {
    let (oid, parameters) = match scheme {
        Scheme::EcdsaP256 => (ECDSA_SHA256, &[][..]),
        Scheme::EcdsaP384 => (ECDSA_SHA384, &[][..]),
        Scheme::EcdsaP521 => (ECDSA_SHA512, &[][..]),
        Scheme::Ed25519 => (ED25519, &[][..]),
        Scheme::Rsa => (RSA_SHA256, der_writer::NULL),
    };
    der_writer::nest(der, SEQUENCE, |der| {
        der_writer::push_oid(der, oid);
        der.extend_from_slice(parameters);
    });
}

/// The usual name of a signature algorithm, or its object identifier.
pub(crate) fn signature_name(oid: ObjectIdentifier) -> String {
    let name = match oid {
        DSA_SHA1 => "dsa-with-SHA1",
        DSA_SHA256 => "dsa-with-SHA256",
        ECDSA_SHA1 => "ecdsa-with-SHA1",
        ECDSA_SHA224 => "ecdsa-with-SHA224",
        ECDSA_SHA256 => "ecdsa-with-SHA256",
        ECDSA_SHA384 => "ecdsa-with-SHA384",
        ECDSA_SHA512 => "ecdsa-with-SHA512",
        ED25519 => "Ed25519",
        ED448 => "Ed448",
        RSA_MD2 => "md2WithRSAEncryption",
        RSA_MD5 => "md5WithRSAEncryption",
        RSA_PSS => "rsassaPss",
        RSA_SHA1 | RSA_SHA1_ISO => "sha1WithRSAEncryption",
        RSA_SHA224 => "sha224WithRSAEncryption",
        RSA_SHA256 => "sha256WithRSAEncryption",
        RSA_SHA384 => "sha384WithRSAEncryption",
        RSA_SHA512 => "sha512WithRSAEncryption",
        other => return other.to_string(),
    };
    name.to_owned()
}

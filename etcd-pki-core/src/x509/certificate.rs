//! Represents certificates and their content.

mod facts;
mod names;

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use x509_cert::certificate::{CertificateInner, Raw, Version};

use self::facts::Facts;
use crate::{
    error::{Error, Result},
    key::PublicKey,
    pem,
    role::Role,
    signing::{self, Signed},
    text,
    x509::{
        extensions::{ExtendedKeyUsage, Extensions, KeyUsage},
        serial::SerialNumber,
    },
};

const WHAT: &str = "certificate";

/// An X.509 certificate (RFC 5280) from any source. It can be read; nothing else was checked.
///
/// Equal certificates have equal bytes. A [`Verifier`](crate::verify::Verifier) judges whether etcd
/// accepts it.
#[derive(Clone)]
pub struct Certificate {
    der: Vec<u8>,
    /// Read immediately for a certificate from outside. For one that this process has just signed,
    /// it is read at the first use, because most are only written to a file. Clones share it
    facts: OnceLock<Arc<Facts>>,
}

impl Certificate {
    /// Reads the only certificate in a PEM file. The file may contain other blocks.
    ///
    /// # Errors
    ///
    /// [`Error::MissingBlock`] and [`Error::SeveralBlocks`] unless the file has exactly one;
    /// [`Error::Malformed`] if it is damaged.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self> {
        let blocks = pem::read(WHAT, pem.as_ref())?;
        let block = pem::only(&blocks, WHAT, is_certificate)?;
        Self::from_der(&block.contents).map_err(|error| error.at(block.place))
    }

    /// Reads a certificate in DER.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for other content.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        Ok(Self {
            facts: OnceLock::from(Arc::new(Facts::read(der)?)),
            der: der.to_vec(),
        })
    }

    /// Reads the only certificate from the bytes of a file, PEM or DER.
    ///
    /// # Errors
    ///
    /// As [`Certificate::from_pem`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if pem::is_der(bytes) {
            Self::from_der_alone(bytes)
        } else {
            Self::from_pem(bytes)
        }
    }

    /// Reads every certificate from the bytes of a file, PEM or DER, in order.
    ///
    /// # Errors
    ///
    /// [`Error::MissingBlock`] if the file has none; [`Error::Malformed`] if one is damaged.
    pub fn all_from_bytes(bytes: &[u8]) -> Result<Vec<Self>> {
        Self::each_from_bytes(bytes)?.into_iter().collect()
    }

    /// Reads every certificate from the bytes of a file, as [`Certificate::all_from_bytes`] does.
    /// Each damaged certificate has a separate error.
    pub(crate) fn each_from_bytes(bytes: &[u8]) -> Result<Vec<Result<Self>>> {
        if pem::is_der(bytes) {
            return Ok(vec![Self::from_der_alone(bytes)]);
        }
        let blocks = pem::read(WHAT, bytes)?;
        let certificates: Vec<Result<Self>> = blocks
            .iter()
            .filter(|block| is_certificate(&block.label))
            .map(|block| Self::from_der(&block.contents).map_err(|error| error.at(block.place)))
            .collect();
        if certificates.is_empty() {
            return Err(pem::missing(WHAT, &blocks));
        }
        Ok(certificates)
    }

    fn from_der_alone(der: &[u8]) -> Result<Self> {
        Self::from_der(der).map_err(|error| error.or_foreign(WHAT, der))
    }

    /// The certificate in DER, byte for byte as it was read or signed.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate in PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der)
    }

    /// The structure of `x509-cert`, for fields without a method here. It uses the raw profile,
    /// because other tools write certificates that RFC 5280 does not allow.
    #[must_use]
    pub fn as_x509(&self) -> &CertificateInner<Raw> {
        &self.facts().parsed
    }

    /// SHA-256 of the certificate, in upper-case hexadecimal.
    #[must_use]
    pub fn fingerprint_sha256(&self) -> String {
        text::upper_hex(&signing::sha256(&self.der))
    }

    /// The serial number.
    #[must_use]
    pub fn serial_number(&self) -> &SerialNumber {
        &self.facts().serial_number
    }

    /// When it becomes valid.
    #[must_use]
    pub fn not_before(&self) -> SystemTime {
        let validity = self.facts().content().validity();
        validity.not_before.to_system_time()
    }

    /// When it expires. It is valid for the whole of this second.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        let validity = self.facts().content().validity();
        validity.not_after.to_system_time()
    }

    /// The public key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.facts().public_key
    }

    /// The algorithm of its signature: `ecdsa-with-SHA256`, `sha256WithRSAEncryption`, ...
    #[must_use]
    pub fn signature_algorithm(&self) -> String {
        signing::signature_name(self.facts().parsed.signature_algorithm().oid)
    }

    /// Whether it is a CA according to its basicConstraints, or a self-signed certificate of X.509
    /// version 1, which has no extensions. Go and OpenSSL accept such a root (`CheckSignatureFrom`
    /// in `crypto/x509`, `check_ca` in `v3_purp.c`).
    #[must_use]
    pub fn is_ca(&self) -> bool {
        match self.facts().extensions.basic_constraints {
            Some(constraints) => constraints.is_ca,
            None => self.is_version_1() && self.is_self_signed(),
        }
    }

    /// Whether it has no extensions because its X.509 version has none.
    pub(crate) fn is_version_1(&self) -> bool {
        self.facts().content().version() == Version::V1
    }

    /// Whether its own key signed it. Then it is a root.
    ///
    /// The signature of a trusted root is never checked, so an old root may have a signature that
    /// this crate cannot check, such as one with SHA-1. Then its key identifiers and serial number
    /// decide.
    pub(crate) fn is_self_signed(&self) -> bool {
        *self.facts().self_signed.get_or_init(|| {
            self.is_self_issued()
                && match self.check_issued_by(self) {
                    Ok(()) => true,
                    Err(Error::Unsupported { .. }) => self.names_itself(),
                    Err(_) => !self.has_checked_signature() && self.names_itself(),
                }
        })
    }

    /// Whether Go verifies signatures of its algorithm.
    fn has_checked_signature(&self) -> bool {
        Signed::from_der(&self.der).is_ok_and(|signed| signed.has_checked_algorithm())
    }

    /// Whether its authority key identifier, if present, identifies this certificate.
    fn names_itself(&self) -> bool {
        let key = self.authority_key_identifier();
        let is_own_key = key.is_none_or(|key| Some(key) == self.subject_key_identifier());
        let serial = self.extensions().issuer_serial.as_deref();
        is_own_key && serial.is_none_or(|serial| serial == self.serial_number().as_bytes())
    }

    /// The number of CAs that may be below it; `None` without a limit.
    #[must_use]
    pub fn path_length(&self) -> Option<u8> {
        self.facts().extensions.basic_constraints?.path_length
    }

    /// The key usages; `None` without the extension keyUsage, which means all uses.
    #[must_use]
    pub fn key_usages(&self) -> Option<&[KeyUsage]> {
        self.facts().extensions.key_usages.as_deref()
    }

    /// The extended key usages; `None` without the extension extKeyUsage, which means all uses.
    #[must_use]
    pub fn extended_key_usages(&self) -> Option<&[ExtendedKeyUsage]> {
        self.facts().extensions.extended_key_usages.as_deref()
    }

    /// The role that its usages fit: a member has both, a client only clientAuth. A node has the
    /// usages of a client and the common name of a node.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        if self.is_ca() {
            return None;
        }
        let usages = self.extended_key_usages()?;
        let client = usages.contains(&ExtendedKeyUsage::ClientAuth);
        let server = usages.contains(&ExtendedKeyUsage::ServerAuth);
        let is_node = |name: String| name.starts_with(Role::Node.common_name_prefix());
        match (client, server) {
            (true, true) => Some(Role::Member),
            (true, false) if self.common_name().is_some_and(is_node) => Some(Role::Node),
            (true, false) => Some(Role::Client),
            (false, _) => None,
        }
    }

    /// The subject key identifier.
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.facts().extensions.subject_key_identifier.as_deref()
    }

    /// The key identifier of the issuer.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.facts().extensions.authority_key_identifier.as_deref()
    }

    /// Checks that the issuer signed this certificate and has the issuer's name in it.
    ///
    /// # Errors
    ///
    /// [`Error::Signature`] if not; [`Error::Unsupported`] for the algorithm of the issuer's key.
    pub fn check_issued_by(&self, issuer: &Self) -> Result<()> {
        if !self.names_issuer(issuer) {
            return Err(Error::Signature {
                what: WHAT,
                reason: format!("its issuer is {}, not {}", self.issuer(), issuer.subject()),
            });
        }
        self.check_signed_with(issuer.public_key())
    }

    /// Checks that this key signed the certificate. The names are not compared.
    ///
    /// # Errors
    ///
    /// As [`Certificate::check_issued_by`].
    pub(crate) fn check_signed_with(&self, key: &PublicKey) -> Result<()> {
        let signed = Signed::from_der(&self.der).map_err(malformed)?;
        key.verify(WHAT, &signed)
    }

    /// The reason why Go refuses its signature algorithm, such as SHA-1; `None` if Go accepts it.
    pub(crate) fn refused_signature(&self) -> Option<String> {
        let signed = Signed::from_der(&self.der).ok()?;
        signing::refused_algorithm(&signed)
    }

    /// Whether the issuer in this certificate is the subject of `issuer`. The signature is not
    /// verified.
    pub(crate) fn names_issuer(&self, issuer: &Self) -> bool {
        self.facts().content().issuer() == issuer.facts().content().subject()
    }

    /// Whether the subjects have the same encoding, as Go compares them.
    pub(crate) fn has_subject_of(&self, other: &Self) -> bool {
        self.facts().content().subject() == other.facts().content().subject()
    }

    /// Creates it from the DER that `CertificateBuilder` has just encoded and signed.
    pub(crate) fn signed(der: Vec<u8>) -> Self {
        Self {
            der,
            facts: OnceLock::new(),
        }
    }

    fn facts(&self) -> &Facts {
        self.facts
            .get_or_init(|| signing::read_own(|| Facts::read(&self.der).map(Arc::new)))
    }

    /// Whether it identifies its issuer by this serial number.
    pub(crate) fn names_issuer_by_serial(&self, serial_number: &SerialNumber) -> bool {
        let named = self.extensions().issuer_serial.as_deref();
        named == Some(serial_number.as_bytes())
    }

    pub(crate) fn extensions(&self) -> &Extensions {
        &self.facts().extensions
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl Hash for Certificate {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.der.hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject())
            .field("issuer", &self.issuer())
            .field("serial_number", &self.serial_number().to_string())
            .finish_non_exhaustive()
    }
}

/// Whether a PEM label is that of a certificate. Old versions of OpenSSL wrote `X509 CERTIFICATE`.
fn is_certificate(label: &str) -> bool {
    matches!(label, "CERTIFICATE" | "X509 CERTIFICATE")
}

fn malformed(error: der::Error) -> Error {
    Error::malformed(WHAT, error)
}
impl AsRef<[u8]> for Certificate {
    /// The certificate in DER.
    fn as_ref(&self) -> &[u8] {
        self.as_der()
    }
}

impl TryFrom<&[u8]> for Certificate {
    type Error = Error;

    /// Reads a certificate in DER.
    fn try_from(der: &[u8]) -> Result<Self> {
        Self::from_der(der)
    }
}

#[cfg(feature = "rustls-pki-types")]
impl From<&Certificate> for rustls_pki_types::CertificateDer<'static> {
    fn from(certificate: &Certificate) -> Self {
        certificate.as_der().to_vec().into()
    }
}

#[cfg(feature = "rustls-pki-types")]
impl TryFrom<rustls_pki_types::CertificateDer<'_>> for Certificate {
    type Error = Error;

    fn try_from(der: rustls_pki_types::CertificateDer<'_>) -> Result<Self> {
        Self::from_der(&der)
    }
}

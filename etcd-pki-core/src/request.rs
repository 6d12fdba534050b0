//! Represents certificate requests (PKCS#10, RFC 2986).

mod claim;

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

use der::{
    Decode as _, Reader as _, SliceReader, Tag, TagNumber,
    asn1::{AnyRef, ObjectIdentifier},
};
use x509_cert::name::Name;

pub use self::claim::Claim;
use crate::{
    der_writer::{self, SEQUENCE, SET, nesting_field},
    error::{Error, Result},
    key::{PrivateKey, PublicKey},
    limits, pem,
    profile::Profile,
    signing::{self, Scheme, Signed},
    x509::{
        extensions::{ExtensionRef, Extensions, ExtensionsBuilder},
        identity::{Identity, attributes, subject},
    },
};

const WHAT: &str = "certificate request";
const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");
/// Version 1 is written as 0 (RFC 2986, section 4.1)
const VERSION_1: &[u8] = &[0];

/// More bytes than most requests have before they are signed
const USUAL_LENGTH: usize = 512;
/// Field [0], the attributes
const ATTRIBUTES: Tag = Tag::ContextSpecific {
    constructed: true,
    number: TagNumber(0),
};

/// A certificate request with a valid signature, so the requester has the private key.
///
/// The signature proves nothing else: the subject, names and usages are [`Claim`]s.
///
/// ```
/// use etcd_pki_core::{CertificateRequest, Identity, PrivateKey, Role};
///
/// let key = PrivateKey::generate()?;
/// let request = CertificateRequest::create(&key, Role::Client, &Identity::new("backup")?)?;
/// assert_eq!(request.claimed()?, Identity::from_common_name("backup")?.with_names(["0.0.0.0"])?);
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone)]
pub struct CertificateRequest {
    der: Vec<u8>,
    public_key: PublicKey,
    /// Read immediately for a request from outside; for one that was created here, at the first use
    facts: OnceLock<Arc<Facts>>,
}

struct Facts {
    subject: Name,
    claims: Vec<Claim>,
}

impl CertificateRequest {
    /// Creates a request for a key, with the subject, names and usages of its role.
    ///
    /// # Errors
    ///
    /// [`Error::CommonNameLength`], [`Error::MemberCommonName`], [`Error::NoSubject`] and
    /// [`Error::NoAlternativeName`] for an identity that does not fit the role.
    pub fn create(
        key: &PrivateKey,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
    ) -> Result<Self> {
        let (profile, identity) = (profile.into(), identity.as_ref());
        let common_name = profile.common_name(identity)?;
        let extensions = ExtensionsBuilder::default()
            .key_usages(profile.key_usages(key.algorithm().is_rsa()))
            .extended_key_usages(profile.extended_key_usages())?
            .alternative_names(&profile.alternative_names(identity)?);
        let subject = subject(common_name.as_deref(), identity.organization());
        let sign = |content: &[u8]| key.sign(content);
        Self::signed(&subject, key.public_key(), &extensions, key.scheme(), sign)
    }

    /// Creates a request with this subject in DER and these extensions, and signs it with `sign`.
    pub(crate) fn signed(
        subject: &[u8],
        public_key: &PublicKey,
        extensions: &ExtensionsBuilder,
        scheme: Scheme,
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>>,
    ) -> Result<Self> {
        let content = encode_content(subject, public_key, extensions);
        Ok(Self {
            der: signing::signed(&content, scheme, &sign(&content)?)?,
            public_key: public_key.clone(),
            facts: OnceLock::new(),
        })
    }

    /// Reads the only request in a PEM file and verifies its signature.
    ///
    /// # Errors
    ///
    /// [`Error::MissingBlock`] and [`Error::SeveralBlocks`] unless the file has exactly one;
    /// [`Error::Malformed`] if it is damaged; [`Error::Signature`] if it is not signed by its own
    /// key.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self> {
        let blocks = pem::read(WHAT, pem.as_ref())?;
        let block = pem::only(&blocks, WHAT, |label| {
            // Old versions of OpenSSL wrote NEW, and some tools still do
            matches!(label, "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST")
        })?;
        Self::from_der(&block.contents).map_err(|error| error.at(block.place))
    }

    /// Reads a request in DER and verifies its signature over the original bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`], [`Error::Signature`]; [`Error::Unsupported`] for the algorithm of its
    /// key.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        let signed = Signed::from_der(der).map_err(malformed)?;
        // Only the public key is read before the signature is verified
        let public_key = read_public_key(signed.content).map_err(malformed)?;
        let public_key = PublicKey::from_der(public_key)?;
        public_key.verify(WHAT, &signed)?;
        public_key.check_possession(WHAT)?;
        let facts = Facts::read(signed.content)?;
        Ok(Self {
            der: der.to_vec(),
            public_key,
            facts: OnceLock::from(Arc::new(facts)),
        })
    }

    /// Reads the only request from the bytes of a file, PEM or DER, and verifies its signature.
    ///
    /// # Errors
    ///
    /// As [`CertificateRequest::from_pem`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if pem::is_der(bytes) {
            Self::from_der(bytes).map_err(|error| error.or_foreign(WHAT, bytes))
        } else {
            Self::from_pem(bytes)
        }
    }

    /// The request in DER, byte for byte as it was read or signed.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The request in PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE REQUEST", &self.der)
    }

    /// The public key. The requester has the private key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The claimed subject as RFC 4514 text.
    #[must_use]
    pub fn subject(&self) -> String {
        self.facts().subject.to_string()
    }

    /// All claims: the subject, the usages, the names, and then others.
    #[must_use]
    pub fn claims(&self) -> &[Claim] {
        &self.facts().claims
    }

    /// The identity that the request claims: common name, organization and alternative names. A
    /// caller who signs with it grants these claims, and so trusts the requester.
    ///
    /// Claims that an [`Identity`] cannot have are not granted: other parts of the subject, a
    /// second organization, and names other than DNS names, addresses and URIs.
    ///
    /// # Errors
    ///
    /// [`Error::CommonNameLength`], [`Error::InvalidName`] and [`Error::InvalidAlternativeName`]
    /// for a claim that no certificate can grant.
    pub fn claimed(&self) -> Result<Identity> {
        self.claimed_where(|_| true)
    }

    /// The identity of the claims that `is_accepted` accepts. Other claims are ignored, even
    /// invalid ones.
    ///
    /// # Errors
    ///
    /// As [`CertificateRequest::claimed`].
    pub fn claimed_where(&self, is_accepted: impl Fn(&Claim) -> bool) -> Result<Identity> {
        claim::identity(self.claims().iter().filter(|claim| is_accepted(claim)))
    }

    fn facts(&self) -> &Facts {
        self.facts.get_or_init(|| {
            signing::read_own(|| {
                let signed = Signed::from_der(&self.der).map_err(malformed)?;
                Facts::read(signed.content).map(Arc::new)
            })
        })
    }
}

impl Facts {
    /// Reads the content of a request, except its public key.
    fn read(content: &[u8]) -> Result<Self> {
        let (subject, attributes_count, requested) = read_content(content).map_err(malformed)?;
        limits::check(WHAT, attributes_count, limits::ATTRIBUTES, "attributes")?;
        let parts = subject.iter().count();
        limits::check(WHAT, parts, limits::SUBJECT_PARTS, "parts in its subject")?;
        Ok(Self {
            claims: claim::claims(attributes(&subject), Extensions::read(requested)?),
            subject,
        })
    }
}

impl PartialEq for CertificateRequest {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for CertificateRequest {}

impl Hash for CertificateRequest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.der.hash(state);
    }
}

impl fmt::Debug for CertificateRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateRequest")
            .field("subject", &self.subject())
            .field("public_key", &self.public_key)
            .finish_non_exhaustive()
    }
}

/// Writes `CertificationRequestInfo` (RFC 2986, section 4.1) with one attribute, extensionRequest
/// (RFC 2985, section 5.4.2).
fn encode_content(subject: &[u8], key: &PublicKey, extensions: &ExtensionsBuilder) -> Vec<u8> {
    let mut der = Vec::with_capacity(USUAL_LENGTH);
    der_writer::nest(&mut der, SEQUENCE, |der| {
        der_writer::push_unsigned(der, VERSION_1);
        der.extend_from_slice(subject);
        der.extend_from_slice(key.as_der());
        der_writer::nest(der, nesting_field(0), |der| {
            der_writer::nest(der, SEQUENCE, |der| {
                der_writer::push_oid(der, EXTENSION_REQUEST);
                der_writer::nest(der, SET, |der| extensions.write(der));
            });
        });
    });
    der
}

/// Finds the public key in a `CertificationRequestInfo`.
fn read_public_key(content: &[u8]) -> der::Result<&[u8]> {
    SliceReader::new(content)?.sequence(|fields| {
        // Version and subject
        fields.tlv_bytes()?;
        fields.tlv_bytes()?;
        let public_key = fields.tlv_bytes()?;
        while !fields.is_finished() {
            fields.tlv_bytes()?;
        }
        Ok(public_key)
    })
}

/// Reads subject, number of attributes and requested extensions from a `CertificationRequestInfo`.
///
/// Some tools omit the attributes, which RFC 2986 requires, or do not sort them, which DER
/// requires. So it reads each field separately.
fn read_content(content: &[u8]) -> der::Result<(Name, usize, Vec<ExtensionRef<'_>>)> {
    SliceReader::new(content)?.sequence(|fields| {
        AnyRef::decode(fields)?;
        let subject = Name::decode(fields)?;
        fields.tlv_bytes()?;
        let mut requested = Vec::new();
        let mut count = 0;
        while !fields.is_finished() {
            let field = AnyRef::decode(fields)?;
            if der::Tagged::tag(&field) == ATTRIBUTES {
                count += read_attributes(field.value(), &mut requested)?;
            }
        }
        Ok((subject, count, requested))
    })
}

/// Adds the extensions that attributes request, and returns how many attributes there are.
fn read_attributes<'a>(
    attributes: &'a [u8],
    requested: &mut Vec<ExtensionRef<'a>>,
) -> der::Result<usize> {
    let mut reader = SliceReader::new(attributes)?;
    let mut count = 0;
    while !reader.is_finished() {
        count += 1;
        reader.sequence(|attribute| {
            let kind = ObjectIdentifier::decode(attribute)?;
            let values = AnyRef::decode(attribute)?;
            // Other attributes are a challenge password, or additions of Microsoft's tools
            if kind == EXTENSION_REQUEST {
                requested.append(&mut Vec::from_der(values.value())?);
            }
            Ok::<_, der::Error>(())
        })?;
    }
    Ok(count)
}

fn malformed(error: der::Error) -> Error {
    Error::malformed(WHAT, error)
}

#[cfg(test)]
mod tests {
    use x509_cert::ext::Extension;

    use super::*;
    use crate::limits;

    /// A request with this number of extensions, signed by its own key or by another one.
    fn with_extensions(count: u32, is_signed: bool) -> Result<CertificateRequest> {
        let key = PrivateKey::generate()?;
        let other = PrivateKey::generate()?;
        let extensions = (0..count).fold(ExtensionsBuilder::default(), |extensions, number| {
            extensions.copied(&Extension {
                extn_id: ObjectIdentifier::new(&format!("1.3.6.1.4.1.55555.{number}")).unwrap(),
                critical: false,
                extn_value: der::asn1::OctetString::new([5, 0]).unwrap(),
            })
        });
        let content = encode_content(&subject(Some("a"), None), key.public_key(), &extensions);
        let signer = if is_signed { &key } else { &other };
        let signature = signer.sign(&content)?;
        CertificateRequest::from_der(&signing::signed(&content, key.scheme(), &signature)?)
    }

    #[test]
    fn a_hundred_extensions_and_no_more() {
        let limit = limits::EXTENSIONS as u32;
        let request = with_extensions(limit, true).unwrap();
        assert_eq!(request.claims().len(), limits::EXTENSIONS + 1);
        for count in [limit + 1, 200_000] {
            let error = with_extensions(count, true).unwrap_err().to_string();
            assert!(error.contains("more than 100 extensions"), "{error}");
        }
    }

    #[test]
    fn the_signature_is_checked_before_anything_else_is_read() {
        for count in [0, limits::EXTENSIONS as u32, 200_000] {
            let error = with_extensions(count, false).unwrap_err();
            assert!(matches!(error, Error::Signature { .. }), "{error}");
        }
    }
}

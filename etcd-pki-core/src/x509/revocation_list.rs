//! Represents revocation lists: which certificates are refused before they expire (RFC 5280,
//! section 5).

mod builder;
mod reader;
mod reason;
mod revoked;

use std::{
    collections::HashMap,
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

pub(crate) use self::builder::ListBuilder;
use self::reader::Facts;
pub use self::{builder::NewRevocationList, reason::RevocationReason, revoked::Revoked};
use crate::{
    error::{Error, Result},
    pem,
    signing::{self, Signed},
    time::validity::Validity,
    x509::{certificate::Certificate, serial::SerialNumber},
};

pub(crate) const WHAT: &str = "revocation list";
/// The label of a list in PEM (RFC 7468, section 9)
const LABEL: &str = "X509 CRL";
/// The time until a list's next update, if nothing else is requested. etcd ignores this time, and
/// others refuse every certificate after it.
pub(crate) const USUAL_VALIDITY: Validity = Validity::lasting(Duration::from_secs(90 * 86_400));

/// A revocation list of version 2 from any source (RFC 5280, section 5). Its signature was not
/// checked; [`RevocationList::check_issued_by`] does that.
///
/// etcd compares only the serial numbers of a list, and neither its issuer nor its signature and
/// dates (`checkCRL` in `client/pkg/transport/listener_tls.go`).
///
/// ```
/// use etcd_pki_core::{
///     CertificateAuthority, Identity, Role,
///     x509::{NewRevocationList, RevocationList, Revoked},
/// };
///
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// let alice = ca.issue(Role::Client, Identity::new("alice")?)?;
/// let entry = Revoked::now(alice.certificate())?;
/// let list = ca.sign_revocation_list(&NewRevocationList::new([entry]))?;
///
/// let read = RevocationList::from_der(list.as_der())?;
/// read.check_issued_by(ca.certificate())?;
/// assert!(read.revoked(alice.certificate()).is_some());
/// assert!(read.revoked(ca.certificate()).is_none());
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone)]
pub struct RevocationList {
    der: Vec<u8>,
    facts: Arc<Facts>,
    /// The places of the entries with a serial number
    places: Arc<HashMap<SerialNumber, Vec<usize>>>,
}

impl RevocationList {
    /// Reads a list in DER, the only form that etcd reads.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for other content, and for a list of version 1, which Go does not read.
    pub fn from_der(der: &[u8]) -> Result<Self> {
        let facts = reader::read(der).map_err(|error| error.or_foreign(WHAT, der))?;
        let mut places: HashMap<SerialNumber, Vec<usize>> = HashMap::new();
        for (place, entry) in facts.entries.iter().enumerate() {
            let same = places.entry(entry.serial_number().clone()).or_default();
            same.push(place);
        }
        Ok(Self {
            der: der.to_vec(),
            facts: Arc::new(facts),
            places: Arc::new(places),
        })
    }

    /// Reads the only list in a PEM file. The file may contain other blocks.
    ///
    /// # Errors
    ///
    /// [`Error::MissingBlock`] and [`Error::SeveralBlocks`] unless the file has exactly one;
    /// [`Error::Malformed`] if it is damaged.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Self> {
        let blocks = pem::read(WHAT, pem.as_ref())?;
        let block = pem::only(&blocks, WHAT, |label| label == LABEL)?;
        Self::from_der(&block.contents).map_err(|error| error.at(block.place))
    }

    /// Reads the only list from the bytes of a file, PEM or DER.
    ///
    /// # Errors
    ///
    /// As [`RevocationList::from_pem`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if pem::is_der(bytes) {
            Self::from_der(bytes)
        } else {
            Self::from_pem(bytes)
        }
    }

    /// Reads every list from the bytes of a file, PEM or DER, in order.
    ///
    /// # Errors
    ///
    /// [`Error::MissingBlock`] if the file has none; [`Error::Malformed`] if one is damaged.
    pub fn all_from_bytes(bytes: &[u8]) -> Result<Vec<Self>> {
        if pem::is_der(bytes) {
            return Ok(vec![Self::from_der(bytes)?]);
        }
        let blocks = pem::read(WHAT, bytes)?;
        let lists = blocks.iter().filter(|block| block.label == LABEL);
        let lists: Vec<Self> = lists
            .map(|block| Self::from_der(&block.contents).map_err(|error| error.at(block.place)))
            .collect::<Result<_>>()?;
        if lists.is_empty() {
            return Err(pem::missing(WHAT, &blocks));
        }
        Ok(lists)
    }

    /// The list in DER, byte for byte as it was read or signed.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// The list in PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode(LABEL, &self.der)
    }

    /// The CA that signed it, as RFC 4514 text: `CN=etcd-ca`.
    #[must_use]
    pub fn issuer(&self) -> String {
        revoked::name_text(&self.facts.issuer)
    }

    /// The number of the list (CRLNumber); `None` if it has none. A later list of the same CA has a
    /// greater number. It has the form of a serial number.
    #[must_use]
    pub fn number(&self) -> Option<&SerialNumber> {
        self.facts.number.as_ref()
    }

    /// When it was issued.
    #[must_use]
    pub fn this_update(&self) -> SystemTime {
        self.facts.this_update
    }

    /// When the next list is due; `None` if it does not say. etcd ignores it; OpenSSL and others
    /// refuse every certificate after this time.
    #[must_use]
    pub fn next_update(&self) -> Option<SystemTime> {
        self.facts.next_update
    }

    /// Whether it is an indirect list, which may have certificates of other CAs than the one that
    /// signed it (RFC 5280, section 5.2.5).
    #[must_use]
    pub fn is_indirect(&self) -> bool {
        self.facts.is_indirect
    }

    /// The key identifier of the CA that signed it.
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.facts.authority_key_identifier.as_deref()
    }

    /// The algorithm of its signature: `ecdsa-with-SHA256`, `sha256WithRSAEncryption`, ...
    #[must_use]
    pub fn signature_algorithm(&self) -> String {
        signing::signature_name(self.facts.signature_algorithm)
    }

    /// The revoked certificates, in the order of the list.
    #[must_use]
    pub fn entries(&self) -> &[Revoked] {
        &self.facts.entries
    }

    /// The entry of a certificate, by its issuer and serial number (RFC 5280, section 5.3).
    #[must_use]
    pub fn revoked(&self, certificate: &Certificate) -> Option<&Revoked> {
        let mut same = self.revoked_serials(certificate.serial_number());
        same.find(|entry| entry.is_of(certificate))
    }

    /// The first entry with a serial number, whatever its issuer. etcd refuses a certificate with
    /// the serial number of any entry.
    #[must_use]
    pub fn revoked_serial(&self, serial_number: &SerialNumber) -> Option<&Revoked> {
        self.revoked_serials(serial_number).next()
    }

    /// Checks that a CA signed this list and has the issuer's name in it.
    ///
    /// # Errors
    ///
    /// [`Error::Signature`] if not; [`Error::Unsupported`] for the algorithm of the CA's key.
    pub fn check_issued_by(&self, ca: &Certificate) -> Result<()> {
        if ca.subject_der()? != *self.facts.issuer {
            return Err(Error::Signature {
                what: WHAT,
                reason: format!("its issuer is {}, not {}", self.issuer(), ca.subject()),
            });
        }
        let signed = Signed::from_der(&self.der).map_err(|error| Error::malformed(WHAT, error))?;
        ca.public_key().verify(WHAT, &signed)
    }

    /// All entries with a serial number.
    pub(crate) fn revoked_serials(
        &self,
        serial_number: &SerialNumber,
    ) -> impl Iterator<Item = &Revoked> {
        let places = self.places.get(serial_number).into_iter().flatten();
        places.filter_map(|place| self.facts.entries.get(*place))
    }
}

impl PartialEq for RevocationList {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for RevocationList {}

impl fmt::Debug for RevocationList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationList")
            .field("issuer", &self.issuer())
            .field("number", &self.number().map(ToString::to_string))
            .field("entries", &self.entries().len())
            .finish_non_exhaustive()
    }
}

impl AsRef<[u8]> for RevocationList {
    /// The list in DER.
    fn as_ref(&self) -> &[u8] {
        self.as_der()
    }
}

impl TryFrom<&[u8]> for RevocationList {
    type Error = Error;

    /// Reads a list in DER.
    fn try_from(der: &[u8]) -> Result<Self> {
        Self::from_der(der)
    }
}

#[cfg(test)]
mod tests;

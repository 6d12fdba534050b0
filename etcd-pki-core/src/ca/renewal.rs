//! Renews certificates: a new certificate with the content of the previous one, for a leaf and for
//! the CA itself.

use der::{asn1::ObjectIdentifier, oid::AssociatedOid as _};
use x509_cert::ext::{
    Extension,
    pkix::{self, AuthorityKeyIdentifier, BasicConstraints},
};

use super::{
    BACKDATE, CaAt, CertificateAuthority, Issued, SigningKey,
    certificate_builder::CertificateBuilder,
};
use crate::{
    error::{Error, Result},
    key::{PrivateKey, PublicKey},
    profile::CaProfile,
    request::CertificateRequest,
    time::{clock, validity::Validity},
    x509::{
        bundle::Bundle,
        certificate::Certificate,
        extensions::{ExtendedKeyUsage, ExtensionsBuilder},
        serial::SerialNumber,
    },
};

impl CaAt<'_> {
    /// Issues a certificate with the subject, the names, the usages and the length of validity of
    /// `certificate`, for its key or a new one.
    ///
    /// The extensions keyUsage, extKeyUsage and subjectAltName are copied; others are omitted. The
    /// new certificate does not outlive the CA.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for a CA certificate, which [`CaAt::renew_ca`] renews; otherwise as
    /// [`CertificateAuthority::issue`].
    pub fn renew(&self, certificate: &Certificate, key: &PublicKey) -> Result<Issued> {
        self.renewed(certificate, key, None)
    }

    /// Issues a certificate as [`CaAt::renew`] does, with another validity.
    ///
    /// # Errors
    ///
    /// As [`CaAt::renew`].
    pub fn renew_for(
        &self,
        certificate: &Certificate,
        key: &PublicKey,
        validity: Validity,
    ) -> Result<Issued> {
        self.renewed(certificate, key, Some(validity))
    }

    /// Renews the certificate of a bundle for the same key. The bundle keeps its role and name, and
    /// the certificates of its chain that still apply.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    ///
    /// use etcd_pki_core::{CertificateAuthority, Identity, Role};
    ///
    /// let ca = CertificateAuthority::create("etcd-ca")?;
    /// let bundle = ca.issue(Role::Client, Identity::new("backup")?)?;
    /// let later = SystemTime::now() + Duration::from_secs(300 * 86_400);
    /// let renewed = ca.at(later).renew_bundle(&bundle)?;
    /// assert_eq!(renewed.key().public_key(), bundle.key().public_key());
    /// assert!(renewed.certificate().not_after() > bundle.certificate().not_after());
    /// # Ok::<(), etcd_pki_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`CaAt::renew`].
    pub fn renew_bundle(&self, bundle: &Bundle) -> Result<Bundle> {
        self.renewed_bundle(bundle, None)
    }

    /// Renews a bundle as [`CaAt::renew_bundle`] does, with another validity.
    ///
    /// # Errors
    ///
    /// As [`CaAt::renew`].
    pub fn renew_bundle_for(&self, bundle: &Bundle, validity: Validity) -> Result<Bundle> {
        self.renewed_bundle(bundle, Some(validity))
    }

    fn renewed_bundle(&self, bundle: &Bundle, validity: Option<Validity>) -> Result<Bundle> {
        let certificate = bundle.certificate();
        let issued = self.renewed(certificate, certificate.public_key(), validity)?;
        let (certificate, chain, requested_end) =
            issued.keeping(bundle.chain(), self.ca).into_parts();
        bundle.renewed(certificate, chain, requested_end)
    }

    pub(crate) fn renewed(
        &self,
        certificate: &Certificate,
        key: &PublicKey,
        validity: Option<Validity>,
    ) -> Result<Issued> {
        let ca = self.ca;
        if certificate.is_ca() {
            return Err(Error::unsupported(
                "renewing a CA certificate as a leaf",
                "renew it with `etcd-pki ca renew`",
            ));
        }
        let now = clock::whole_seconds(self.now);
        ca.check_time(now)?;
        key.check_order()?;
        ca.check_leaf_key(key)?;
        let life = certificate
            .not_after()
            .duration_since(certificate.not_before())
            .unwrap_or_default();
        let usual = Validity::lasting(life.saturating_sub(BACKDATE));
        let requested = validity.unwrap_or(usual).end(now)?;
        let not_after = requested.min(ca.end());
        let kept = [pkix::KeyUsage::OID, pkix::ExtendedKeyUsage::OID];
        let extensions = ExtensionsBuilder::default().no_ca();
        let extensions = copy(extensions, certificate, &kept)
            .subject_key_identifier(&key.identifier())
            .authority_key_identifier(&ca.key_identifier);
        let content = CertificateBuilder {
            issuer: &ca.issuer,
            subject: &certificate.subject_der()?,
            serial_number: None,
            not_before: (now - BACKDATE).max(ca.certificate.not_before()),
            not_after,
            public_key: key,
            extensions: copy(extensions, certificate, &[pkix::SubjectAltName::OID]),
        };
        let renewed = ca.sign_leaf(content, &etcd_usages(certificate), now)?;
        let is_cut = validity.is_some() && requested > not_after;
        Ok(Issued::new(
            renewed,
            ca.chain(),
            is_cut.then_some(requested),
        ))
    }

    /// Renews the CA with the same key, the same subject, and every extension, so the certificates
    /// that it signed stay valid. Missing extensions that a CA needs are added, such as the
    /// keyUsage that Kubespray's CA lacks; a CA of X.509 version 1 becomes one of version 3.
    ///
    /// # Errors
    ///
    /// [`Error::IssuedByAnotherCa`] for an intermediate CA: only its issuer can renew it;
    /// [`Error::InvalidValidity`]; [`Error::Unacceptable`] if etcd would refuse the renewed CA too;
    /// [`Error::Signer`] if its key is not in this process.
    pub fn renew_ca(&self, renewal: impl Into<CaRenewal>) -> Result<CertificateAuthority> {
        let CaRenewal {
            validity,
            keeps_serial,
            path_length,
        } = renewal.into();
        let ca = self.ca;
        check_self_signed(&ca.certificate)?;
        let now = clock::whole_seconds(self.now);
        let key = ca.key().ok_or_else(|| Error::Signer {
            reason: "the key of this CA is not in this process".to_owned(),
        })?;
        let serial_number = if keeps_serial {
            ca.certificate.serial_number().clone()
        } else {
            SerialNumber::generate()?
        };
        let names_own = ca.names_own(&serial_number);
        let extensions = ca.kept_extensions(path_length, |builder, identifier| {
            if names_own {
                builder.copied(identifier)
            } else {
                builder.authority_key_identifier(&ca.key_identifier)
            }
        });
        let certificate = CertificateBuilder {
            issuer: &ca.issuer,
            subject: &ca.issuer,
            serial_number: Some(serial_number),
            not_before: now - BACKDATE,
            not_after: validity.end(now)?,
            public_key: key.public_key(),
            extensions,
        }
        .sign(ca.scheme, |content| key.sign(content))?;
        let key = PrivateKey::from_der(&key.to_secret_der())?;
        let key = SigningKey::Here(Box::new(key));
        let renewed = CertificateAuthority::from_parts(certificate, Vec::new(), key, now)?;
        let mut renewed = renewed.accepted(now)?;
        renewed.link.clone_from(&ca.link);
        Ok(renewed.with_member_common_names(ca.member_common_names.iter().cloned()))
    }
}

impl CertificateAuthority {
    /// Creates a request to the issuer of an intermediate CA for its next certificate. It has the
    /// same key, the same subject, and every extension except the identifier of the issuer.
    ///
    /// ```
    /// use etcd_pki_core::CertificateAuthority;
    ///
    /// let ca = CertificateAuthority::create("etcd-ca")?;
    /// let request = ca.renewal_request()?;
    /// assert_eq!(request.public_key(), ca.certificate().public_key());
    /// assert_eq!(request.subject(), "CN=etcd-ca");
    /// # Ok::<(), etcd_pki_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Signer`] if its key cannot sign.
    pub fn renewal_request(&self) -> Result<CertificateRequest> {
        // The issuer adds its own identifier
        let extensions = self.kept_extensions(None, |builder, _| builder);
        CertificateRequest::signed(
            &self.issuer,
            self.certificate.public_key(),
            &extensions,
            self.scheme,
            |content| self.sign_bytes(content),
        )
    }

    /// The extensions of the certificate in order, with another path length if one is given.
    /// Missing extensions that a CA needs are added. `write_issuer` writes the issuer's key
    /// identifier.
    fn kept_extensions(
        &self,
        path_length: Option<u8>,
        write_issuer: impl Fn(ExtensionsBuilder, &Extension) -> ExtensionsBuilder,
    ) -> ExtensionsBuilder {
        let certificate = &self.certificate;
        let constraints = |builder: ExtensionsBuilder| match path_length {
            Some(path_length) => builder.ca(path_length),
            None => builder.unlimited_ca(),
        };
        let mut builder = ExtensionsBuilder::default();
        if certificate.extensions().basic_constraints.is_none() {
            builder = constraints(builder);
        }
        if certificate.key_usages().is_none() {
            builder = builder.key_usages(CaProfile::KEY_USAGES);
        }
        for extension in extensions(certificate) {
            builder = match extension.extn_id {
                BasicConstraints::OID if path_length.is_some() => constraints(builder),
                AuthorityKeyIdentifier::OID => write_issuer(builder, extension),
                _ => builder.copied(extension),
            };
        }
        if certificate.subject_key_identifier().is_none() {
            builder = builder.subject_key_identifier(&self.key_identifier);
        }
        builder
    }

    /// Whether the authority key identifier names the certificate with this serial number. With
    /// another number, OpenSSL would not accept the renewed certificate as a root (RFC 5280,
    /// section 4.2.1.1).
    fn names_own(&self, serial_number: &SerialNumber) -> bool {
        let named = self.certificate.authority_key_identifier();
        let is_own_key = named.is_none_or(|named| named == self.key_identifier);
        let serial = self.certificate.extensions().issuer_serial.as_deref();
        is_own_key && serial.is_none_or(|serial| serial == serial_number.as_bytes())
    }
}

/// The options for renewing a CA.
///
/// ```
/// use etcd_pki_core::{CertificateAuthority, Validity, ca::CaRenewal};
///
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// let renewal = CaRenewal::new(Validity::years(5)).with_path_length(0);
/// let renewed = ca.at(std::time::SystemTime::now()).renew_ca(renewal)?;
/// assert_eq!(renewed.certificate().path_length(), Some(0));
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct CaRenewal {
    validity: Validity,
    keeps_serial: bool,
    path_length: Option<u8>,
}

impl CaRenewal {
    /// A renewal that changes the validity only.
    pub const fn new(validity: Validity) -> Self {
        Self {
            validity,
            keeps_serial: false,
            path_length: None,
        }
    }

    /// Keeps the serial number, for leaves that identify their issuer by it.
    pub const fn with_serial_kept(self, keeps_serial: bool) -> Self {
        Self {
            keeps_serial,
            ..self
        }
    }

    /// Changes the number of CAs that may be below it.
    pub const fn with_path_length(self, path_length: u8) -> Self {
        Self {
            path_length: Some(path_length),
            ..self
        }
    }
}

impl From<Validity> for CaRenewal {
    fn from(validity: Validity) -> Self {
        Self::new(validity)
    }
}

/// Refuses a CA that another CA issued, even one with the same name. A self-signed certificate
/// would make it a root that no host trusts.
///
/// # Errors
///
/// [`Error::IssuedByAnotherCa`].
pub(crate) fn check_self_signed(certificate: &Certificate) -> Result<()> {
    if certificate.is_self_signed() {
        return Ok(());
    }
    Err(Error::IssuedByAnotherCa {
        subject: certificate.subject(),
        issuer: certificate.issuer(),
    })
}

fn extensions(certificate: &Certificate) -> impl Iterator<Item = &Extension> {
    let content = certificate.as_x509().tbs_certificate();
    content.extensions().into_iter().flatten()
}

/// The usages of a certificate that etcd requires: the CA must allow them. The others were added
/// for another program, which checks them itself.
pub(crate) fn etcd_usages(certificate: &Certificate) -> Vec<ExtendedKeyUsage> {
    let etcd = [ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth];
    let listed = certificate.extended_key_usages().unwrap_or_default();
    let is_listed = |usage: &ExtendedKeyUsage| listed.contains(usage);
    etcd.into_iter().filter(is_listed).collect()
}

/// Copies these extensions.
fn copy(
    builder: ExtensionsBuilder,
    certificate: &Certificate,
    which: &[ObjectIdentifier],
) -> ExtensionsBuilder {
    extensions(certificate)
        .filter(|extension| which.contains(&extension.extn_id))
        .fold(builder, ExtensionsBuilder::copied)
}

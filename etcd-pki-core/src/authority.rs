//! Certificate authorities: create, load, issue, sign.

mod certificate_builder;
mod grant;
mod issued;
mod renewal;

use std::{
    fmt,
    time::{Duration, SystemTime},
};

pub use self::issued::Issued;
use self::{certificate_builder::CertificateBuilder, grant::Grant};
use crate::{
    bundle::{self, Bundle, IssuedFor},
    certificate::Certificate,
    clock,
    error::{Error, Result},
    extensions::{ExtensionsBuilder, KeyUsage},
    identity::{Identity, check_common_name, subject},
    key::{PrivateKey, PublicKey},
    profile::{AuthorityProfile, Profile},
    request::CertificateRequest,
    signer::{Signer, scheme_of},
    signing::Scheme,
};

/// How far back a certificate begins, for hosts whose clocks are behind: kubeadm's five minutes.
const BACKDATE: Duration = Duration::from_secs(300);

/// A certificate authority: a certificate that may sign certificates, and the key to do it with.
///
/// ```
/// use etcd_pki_core::{CertificateAuthority, Identity, Role};
///
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// let etcd_1 = Identity::new("etcd-1")?.with_names(["etcd-1.lan", "10.0.0.11"])?;
/// let bundle = ca.issue(Role::Member, &etcd_1)?;
/// assert_eq!(bundle.certificate().common_name().as_deref(), Some("etcd-member-etcd-1"));
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
pub struct CertificateAuthority {
    certificate: Certificate,
    /// The certificates above it, its issuer first, as far as they are known
    above: Vec<Certificate>,
    signer: SigningKey,
    scheme: Scheme,
    issuer: Vec<u8>,
    key_identifier: Vec<u8>,
}

/// Where the CA's key is.
enum SigningKey {
    Here(Box<PrivateKey>),
    Elsewhere(Box<dyn Signer>),
}

impl CertificateAuthority {
    /// Makes an authority with a new key and a certificate of its own: ec-p256, ten years, no authorities below it.
    ///
    /// # Errors
    ///
    /// [`Error::CommonNameLength`], [`Error::InvalidName`]; [`Error::Signer`] if the system's random number generator fails.
    pub fn create(common_name: &str) -> Result<Self> {
        Self::create_with(common_name, Profile::authority())
    }

    /// Makes an authority with another algorithm or validity.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::create`], and [`Error::Validity`].
    pub fn create_with(common_name: &str, profile: AuthorityProfile) -> Result<Self> {
        let key = PrivateKey::generate_with(profile.key_algorithm())?;
        Self::create_for(
            key,
            &Identity::from_common_name(common_name)?,
            profile,
            clock::now(),
        )
    }

    /// Makes an authority for a key that exists, with a subject of common name and organization, at an instant.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::create_with`], and [`Error::NoSubject`].
    pub fn create_for(
        key: PrivateKey,
        identity: &Identity,
        profile: AuthorityProfile,
        now: SystemTime,
    ) -> Result<Self> {
        let common_name = identity
            .common_name(str::to_owned)?
            .ok_or(Error::NoSubject)?;
        check_common_name(&common_name)?;
        let now = clock::whole_seconds(now);
        let subject = subject(Some(&common_name), identity.organization())?;
        let identifier = key.public_key().identifier();
        let certificate = CertificateBuilder {
            issuer: &subject,
            subject: &subject,
            serial_number: None,
            not_before: now - BACKDATE,
            not_after: profile.validity().end(now)?,
            public_key: key.public_key(),
            extensions: ExtensionsBuilder::default()
                .authority(AuthorityProfile::PATH_LENGTH)?
                .key_usages(AuthorityProfile::KEY_USAGES)?
                .subject_key_identifier(&identifier)?
                .build()?,
        }
        .sign(key.scheme(), |content| key.sign(content))?;
        Self::from_parts(
            certificate,
            Vec::new(),
            SigningKey::Here(Box::new(key)),
            now,
        )
    }

    /// Loads an authority from its certificate and key.
    ///
    /// Of several certificates, the one of this key is the authority's, and the others are those above it. It is taken only if
    /// it may sign certificates, is not expired, and its key matches.
    ///
    /// # Errors
    ///
    /// [`Error::KeyMismatch`], [`Error::NotAnAuthority`], [`Error::AuthorityExpired`], [`Error::AuthorityNotYetValid`];
    /// [`Error::Signature`] if the certificates above do not belong to it.
    pub fn load(certificates: Vec<Certificate>, key: PrivateKey) -> Result<Self> {
        Self::load_at(certificates, key, clock::now())
    }

    /// Loads an authority as [`CertificateAuthority::load`] does, at an instant.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::load`].
    pub fn load_at(
        certificates: Vec<Certificate>,
        key: PrivateKey,
        now: SystemTime,
    ) -> Result<Self> {
        let (certificate, above) = choose(certificates, key.public_key())?;
        Self::from_parts(certificate, above, SigningKey::Here(Box::new(key)), now)
    }

    /// Loads an authority from PEM, as [`CertificateAuthority::load`] does.
    ///
    /// # Errors
    ///
    /// As [`Certificate::all_from_bytes`], [`PrivateKey::from_pem`] and [`CertificateAuthority::load`].
    pub fn from_pem(certificates: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self> {
        let certificates = Certificate::all_from_bytes(certificates.as_ref())?;
        Self::load(certificates, PrivateKey::from_pem(key)?)
    }

    /// Takes an authority whose key is elsewhere. Each of its signatures is checked before it is used.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::load`].
    pub fn from_signer(
        certificates: Vec<Certificate>,
        signer: impl Signer + 'static,
    ) -> Result<Self> {
        let (certificate, above) = choose(certificates, signer.public_key())?;
        let signer = SigningKey::Elsewhere(Box::new(signer));
        Self::from_parts(certificate, above, signer, clock::now())
    }

    /// The authority's certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The certificates that a leaf carries behind its own: this authority's, unless it is a root, and the intermediates above.
    #[must_use]
    pub fn chain(&self) -> Vec<Certificate> {
        let all = std::iter::once(&self.certificate).chain(&self.above);
        all.filter(|certificate| !certificate.is_self_issued())
            .cloned()
            .collect()
    }

    /// What etcd is to trust: the root above this authority, or the authority itself where none is known.
    #[must_use]
    pub fn root(&self) -> &Certificate {
        self.above.last().unwrap_or(&self.certificate)
    }

    /// The authority's key, if it is in this process.
    #[must_use]
    pub fn key(&self) -> Option<&PrivateKey> {
        match &self.signer {
            SigningKey::Here(key) => Some(key),
            SigningKey::Elsewhere(_) => None,
        }
    }

    /// Whether the certificate lacks keyUsage, as Kubespray's does: Go, and so etcd, does not mind, but Python 3.13 and
    /// `openssl verify -x509_strict` refuse every chain that ends there.
    #[must_use]
    pub fn lacks_key_usage(&self) -> bool {
        self.certificate.key_usages().is_none()
    }

    /// Makes a key and its certificate at once.
    ///
    /// # Errors
    ///
    /// [`Error::CommonNameLength`], [`Error::MemberCommonName`], [`Error::NoSubject`] and [`Error::NoAlternativeName`] for an
    /// identity that does not fit the role; [`Error::Validity`]; [`Error::AuthorityExpired`]; [`Error::Signer`].
    pub fn issue(
        &self,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
    ) -> Result<Bundle> {
        self.issue_at(profile, identity, clock::now())
    }

    /// Makes a key and its certificate at an instant.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::issue`].
    pub fn issue_at(
        &self,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
        now: SystemTime,
    ) -> Result<Bundle> {
        let profile = profile.into();
        let key = PrivateKey::generate_with(profile.key_algorithm())?;
        self.issue_for(key, profile, identity, now)
    }

    /// Makes a certificate for a key that exists, at an instant.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::issue`].
    pub fn issue_for(
        &self,
        key: PrivateKey,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
        now: SystemTime,
    ) -> Result<Bundle> {
        let (profile, identity) = (profile.into(), identity.as_ref());
        let grant = Grant::new(profile, identity)?;
        let (certificate, validity_cut) = self.sign_grant(key.public_key(), &grant, now)?;
        let issued = IssuedFor {
            role: profile.role(),
            name: identity.name().map(str::to_owned),
            validity_cut,
        };
        Ok(Bundle::issued(key, certificate, self.chain(), issued))
    }

    /// Signs somebody else's key. The names come from `identity`, the usages from `profile`; what the request claims beyond
    /// them is refused, and told in [`Issued::refused`].
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::issue`].
    pub fn sign(
        &self,
        request: &CertificateRequest,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
    ) -> Result<Issued> {
        self.sign_at(request, profile, identity, clock::now())
    }

    /// Signs somebody else's key at an instant.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::issue`].
    pub fn sign_at(
        &self,
        request: &CertificateRequest,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
        now: SystemTime,
    ) -> Result<Issued> {
        let grant = Grant::new(profile.into(), identity.as_ref())?;
        let (certificate, validity_cut) = self.sign_grant(request.public_key(), &grant, now)?;
        let granted = grant.claims(is_rsa(request.public_key()));
        let claims = request.claims().into_iter();
        Ok(Issued {
            certificate,
            chain: self.chain(),
            refused: claims.filter(|claim| !claim.is_among(&granted)).collect(),
            validity_cut,
        })
    }

    /// Makes a certificate for a public key of which it is known otherwise whose it is, such as the one that a certificate had
    /// before.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::issue`].
    pub fn certify(
        &self,
        key: &PublicKey,
        profile: impl Into<Profile>,
        identity: impl AsRef<Identity>,
        now: SystemTime,
    ) -> Result<Issued> {
        let grant = Grant::new(profile.into(), identity.as_ref())?;
        let (certificate, validity_cut) = self.sign_grant(key, &grant, now)?;
        Ok(Issued {
            certificate,
            chain: self.chain(),
            refused: Vec::new(),
            validity_cut,
        })
    }

    fn from_parts(
        certificate: Certificate,
        above: Vec<Certificate>,
        signer: SigningKey,
        now: SystemTime,
    ) -> Result<Self> {
        check_authority(&certificate)?;
        bundle::check_chain(&certificate, &above)?;
        check_path_lengths(&above)?;
        let authority = Self {
            scheme: scheme_of(certificate.public_key())?,
            issuer: certificate.subject_der()?,
            // What its leaves must name is the identifier that it has itself (RFC 5280, section 4.2.1.1)
            key_identifier: certificate
                .subject_key_identifier()
                .map_or_else(|| certificate.public_key().identifier(), <[u8]>::to_vec),
            certificate,
            above,
            signer,
        };
        authority.check_time(now)?;
        Ok(authority)
    }

    /// When the first of this authority and those above it ends.
    fn end(&self) -> SystemTime {
        let above = self.above.iter().map(Certificate::not_after);
        above.fold(self.certificate.not_after(), SystemTime::min)
    }

    fn check_time(&self, now: SystemTime) -> Result<()> {
        let subject = || self.certificate.subject();
        if now > self.certificate.not_after() {
            return Err(Error::AuthorityExpired {
                subject: subject(),
                not_after: self.certificate.not_after(),
            });
        }
        if now < self.certificate.not_before() {
            return Err(Error::AuthorityNotYetValid {
                subject: subject(),
                not_before: self.certificate.not_before(),
            });
        }
        Ok(())
    }

    /// Signs a certificate for a public key, and tells the end that was asked for if it was cut short.
    fn sign_grant(
        &self,
        key: &PublicKey,
        grant: &Grant<'_>,
        now: SystemTime,
    ) -> Result<(Certificate, Option<SystemTime>)> {
        let now = clock::whole_seconds(now);
        self.check_time(now)?;
        if key.algorithm().is_none() {
            return Err(Error::unsupported(
                format!("a certificate for a key of {}", key.algorithm_name()),
                "use ec-p256, ec-p384, ed25519, rsa-2048, rsa-3072 or rsa-4096",
            ));
        }
        let asked = grant.validity.end(now)?;
        let not_after = asked.min(self.end());
        let profile = grant.profile;
        let content = CertificateBuilder {
            issuer: &self.issuer,
            subject: &subject(grant.common_name.as_deref(), grant.organization)?,
            serial_number: None,
            not_before: (now - BACKDATE).max(self.certificate.not_before()),
            not_after,
            public_key: key,
            extensions: ExtensionsBuilder::default()
                .no_authority()?
                .key_usages(profile.key_usages(is_rsa(key)))?
                .extended_key_usages(profile.extended_key_usages())?
                .subject_key_identifier(&key.identifier())?
                .authority_key_identifier(&self.key_identifier)?
                .alternative_names(&grant.alternative_names)?
                .build()?,
        };
        let certificate = self.sign_content(content)?;
        Ok((certificate, (asked > not_after).then_some(asked)))
    }

    /// Signs by whatever key there is. What comes from elsewhere is checked.
    fn sign_content(&self, content: CertificateBuilder<'_>) -> Result<Certificate> {
        let certificate = content.sign(self.scheme, |content| match &self.signer {
            SigningKey::Here(key) => key.sign(content),
            SigningKey::Elsewhere(signer) => signer.sign(content),
        })?;
        if let SigningKey::Elsewhere(_) = self.signer {
            certificate.check_issued_by(&self.certificate)?;
        }
        Ok(certificate)
    }
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAuthority")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

fn is_rsa(key: &PublicKey) -> bool {
    key.algorithm().is_some_and(|algorithm| algorithm.is_rsa())
}

/// The certificate of this key, and those above it in their order.
fn choose(
    mut certificates: Vec<Certificate>,
    key: &PublicKey,
) -> Result<(Certificate, Vec<Certificate>)> {
    // Of several for one key, such as before and after a renewal, the one that lasts longest
    let own = (0..certificates.len())
        .filter(|index| certificates[*index].public_key() == key)
        .max_by_key(|index| certificates[*index].not_after());
    let Some(own) = own else {
        let Some(first) = certificates.first() else {
            return Err(Error::Missing {
                what: "certificate",
                found: Vec::new(),
            });
        };
        return Err(Error::KeyMismatch {
            expected: first.public_key().fingerprint_sha256(),
            found: key.fingerprint_sha256(),
        });
    };
    let certificate = certificates.remove(own);
    let mut above = Vec::new();
    let mut top = certificate.clone();
    while !top.is_self_issued() {
        let Some(issuer) = certificates
            .iter()
            .position(|issuer| top.check_issued_by(issuer).is_ok())
        else {
            break;
        };
        top = certificates.remove(issuer);
        above.push(top.clone());
    }
    Ok((certificate, above))
}

/// Checks that the authorities above allow as many below them as there are (RFC 5280, section 4.2.1.9).
fn check_path_lengths(above: &[Certificate]) -> Result<()> {
    for (between, upper) in above.iter().enumerate() {
        let below = between + 1;
        if let Some(allowed) = upper
            .path_length()
            .filter(|allowed| usize::from(*allowed) < below)
        {
            return Err(Error::NotAnAuthority {
                subject: upper.subject(),
                reason: format!("it allows {allowed} authorities below it, and there are {below}"),
            });
        }
    }
    Ok(())
}

/// Checks that a certificate may sign certificates (RFC 5280, section 4.2.1.9 and 4.2.1.3).
fn check_authority(certificate: &Certificate) -> Result<()> {
    let reason = if certificate.extensions().authority.is_none() {
        "it has no basicConstraints"
    } else if !certificate.is_authority() {
        "its basicConstraints say CA:FALSE"
    } else if certificate
        .key_usages()
        .is_some_and(|usages| !usages.contains(&KeyUsage::KeyCertSign))
    {
        "its keyUsage lacks keyCertSign"
    } else {
        return Ok(());
    };
    Err(Error::NotAnAuthority {
        subject: certificate.subject(),
        reason: reason.to_owned(),
    })
}

//! Represents the CA, which is created or loaded, and then issues, signs and renews.

mod certificate_builder;
mod grant;
mod issued;
mod issuing;
mod link;
mod loading;
mod name;
mod renewal;
mod revocation;
mod signer;

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, OnceLock},
    time::{Duration, SystemTime},
};

pub(crate) use self::renewal::check_self_signed;
use self::signer::scheme_of;
use self::{
    certificate_builder::CertificateBuilder,
    loading::{check_ca, check_path_lengths},
};
pub use self::{issued::Issued, issuing::CaAt, renewal::CaRenewal, signer::Signer};
pub(crate) use self::{
    link::{allows_link, follows_leaves, is_link_of, old_ca},
    loading::cas_above,
    name::{base_name, is_same_name, next_name},
    renewal::etcd_usages,
};
use crate::{
    error::{Error, Result},
    finding::Finding,
    key::PrivateKey,
    profile::{CaProfile, Profile},
    signing::Scheme,
    time::clock,
    verify::{SigningChain, refused_as_too_large, unacceptable},
    x509::{
        bundle,
        certificate::Certificate,
        extensions::{ExtendedKeyUsage, ExtensionsBuilder},
        identity::{Identity, subject},
    },
};

/// The time before now at which a certificate starts, for hosts with slow clocks; kubeadm also uses
/// five minutes.
const BACKDATE: Duration = Duration::from_secs(300);

/// A CA: a certificate that may sign certificates, and its key.
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
    /// The known certificates above it, its issuer first
    above: Vec<Certificate>,
    /// The link certificate of a rotation, if it follows leaves in their files
    link: Option<Certificate>,
    /// The result of checking these certificates, computed at the first signature
    signing_chain: OnceLock<Arc<SigningChain>>,
    signer: SigningKey,
    scheme: Scheme,
    issuer: Vec<u8>,
    key_identifier: Vec<u8>,
    /// The known common names of members
    member_common_names: HashSet<String>,
}

/// The place of the CA's key.
enum SigningKey {
    Here(Box<PrivateKey>),
    Elsewhere(Box<dyn Signer>),
}

impl CertificateAuthority {
    /// Creates a CA with a new key and a self-signed certificate: ec-p256, ten years, path length
    /// 1.
    ///
    /// # Errors
    ///
    /// [`Error::CommonNameLength`], [`Error::InvalidName`]; [`Error::Signer`] if the system's
    /// random number generator fails.
    pub fn create(common_name: &str) -> Result<Self> {
        Self::create_with(common_name, Profile::ca())
    }

    /// Creates a CA with another algorithm or validity.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::create`], and [`Error::InvalidValidity`].
    pub fn create_with(common_name: &str, profile: CaProfile) -> Result<Self> {
        let key = PrivateKey::generate_with(profile.algorithm())?;
        Self::create_for(
            key,
            &Identity::from_common_name(common_name)?,
            profile,
            clock::now(),
        )
    }

    /// Creates a CA for an existing key, at a given time. The subject is the common name and the
    /// organization of `identity`.
    ///
    /// # Errors
    ///
    /// As [`CertificateAuthority::create_with`], and [`Error::NoSubject`].
    pub fn create_for(
        key: PrivateKey,
        identity: &Identity,
        profile: CaProfile,
        now: SystemTime,
    ) -> Result<Self> {
        let common_name = identity.common_name(str::to_owned)?;
        if common_name.is_none() && identity.organization().is_none() {
            return Err(Error::NoSubject);
        }
        let now = clock::whole_seconds(now);
        let subject = subject(common_name.as_deref(), identity.organization());
        let identifier = key.public_key().identifier();
        let certificate = CertificateBuilder {
            issuer: &subject,
            subject: &subject,
            serial_number: None,
            not_before: now - BACKDATE,
            not_after: profile.validity().end(now)?,
            public_key: key.public_key(),
            extensions: ExtensionsBuilder::default()
                .ca(CaProfile::PATH_LENGTH)
                .key_usages(CaProfile::KEY_USAGES)
                .subject_key_identifier(&identifier),
        }
        .sign(key.scheme(), |content| key.sign(content))?;
        let key = SigningKey::Here(Box::new(key));
        Self::from_parts(certificate, Vec::new(), key, now)?.accepted(now)
    }

    /// Adds the common names of members. A node or a client cannot get one of these, or one with
    /// the prefix of members, unless its profile has
    /// [`with_member_common_name_allowed`](Profile::with_member_common_name_allowed).
    #[must_use]
    pub fn with_member_common_names(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.member_common_names.extend(names);
        self
    }

    /// The CA's certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The certificates that follow a leaf in its file: this CA's, unless it is a root, and those
    /// of the intermediate CAs above it. During a rotation it is the certificate with which the old
    /// CA vouches for this one.
    #[must_use]
    pub fn chain(&self) -> Vec<Certificate> {
        self.sent().cloned().collect()
    }

    /// The CAs that follow a leaf in its file.
    fn sent(&self) -> impl Iterator<Item = &Certificate> {
        let all = std::iter::once(&self.certificate).chain(&self.above);
        // An intermediate CA may have the name of its issuer
        all.filter(|certificate| !certificate.is_self_signed())
            .chain(&self.link)
    }

    /// The reason why no connection succeeds with a leaf of this length in DER and its chain.
    pub(crate) fn refused_as_too_large(&self, leaf: usize) -> Option<Finding> {
        let above = self.sent().map(|ca| ca.as_der().len());
        refused_as_too_large(std::iter::once(leaf).chain(above))
    }

    /// The certificates that follow a renewed leaf. If this CA is among those that followed the old
    /// leaf, they are kept, with the current certificates of this CA. Otherwise it is the CA's own
    /// chain. A file may have certificates that this CA does not know, such as an intermediate CA
    /// above it or the root. The link certificate of a finished rotation is not kept.
    pub(crate) fn kept_chain(
        &self,
        leaf: &Certificate,
        following: &[Certificate],
    ) -> Vec<Certificate> {
        if self.link.is_some() {
            return self.chain();
        }
        let present = |old: &Certificate| {
            let mut own = std::iter::once(&self.certificate).chain(&self.above);
            let same = own
                .find(|one| one.public_key() == old.public_key() && one.subject() == old.subject());
            same.unwrap_or(old).clone()
        };
        let following = following
            .iter()
            .filter(|one| !is_link_of(one, &self.certificate));
        let kept: Vec<Certificate> = following.map(present).collect();
        let has_signed = |ca: &Certificate| leaf.check_issued_by(ca).is_ok();
        let lengths = std::iter::once(leaf).chain(&kept);
        let is_too_large = refused_as_too_large(lengths.map(|one| one.as_der().len())).is_some();
        if kept.iter().any(has_signed) && !is_too_large {
            kept
        } else {
            self.chain()
        }
    }

    /// The CA that etcd must trust: the root above this CA, or this CA if no root is known.
    #[must_use]
    pub fn root(&self) -> &Certificate {
        self.above.last().unwrap_or(&self.certificate)
    }

    /// The CA's key, if it is in this process.
    #[must_use]
    pub fn key(&self) -> Option<&PrivateKey> {
        match &self.signer {
            SigningKey::Here(key) => Some(key),
            SigningKey::Elsewhere(_) => None,
        }
    }

    /// Whether the certificate lacks keyUsage, as Kubespray's does. Go, and so etcd, accepts it;
    /// Python 3.13 and `openssl verify -x509_strict` refuse every chain that ends with it.
    #[must_use]
    pub fn lacks_key_usage(&self) -> bool {
        self.certificate.key_usages().is_none()
    }

    fn from_parts(
        certificate: Certificate,
        above: Vec<Certificate>,
        signer: SigningKey,
        now: SystemTime,
    ) -> Result<Self> {
        check_ca(&certificate)?;
        certificate.public_key().check_order()?;
        bundle::check_chain(&certificate, &above)?;
        check_path_lengths(&above)?;
        let ca = Self {
            scheme: scheme_of(certificate.public_key())?,
            issuer: certificate.subject_der()?,
            // Leaves use the identifier in the CA's certificate (RFC 5280, section 4.2.1.1)
            key_identifier: certificate.subject_key_identifier().map_or_else(
                || certificate.public_key().identifier().to_vec(),
                <[u8]>::to_vec,
            ),
            certificate,
            above,
            link: None,
            signing_chain: OnceLock::new(),
            signer,
            member_common_names: HashSet::new(),
        };
        ca.check_time(now)?;
        Ok(ca)
    }

    /// The time at which the first of this CA and those above it expires.
    fn end(&self) -> SystemTime {
        self.signing_chain().end()
    }

    fn check_time(&self, now: SystemTime) -> Result<()> {
        // With a wrong clock, the check would blame the CA
        clock::check_beginning(now)?;
        let subject = || self.certificate.subject();
        if now > self.certificate.not_after() {
            return Err(Error::CaExpired {
                subject: subject(),
                not_after: self.certificate.not_after(),
            });
        }
        if now < self.certificate.not_before() {
            return Err(Error::CaNotYetValid {
                subject: subject(),
                not_before: self.certificate.not_before(),
            });
        }
        Ok(())
    }

    /// This CA and those above it, with the result of Go's checks.
    pub(crate) fn signing_chain(&self) -> &Arc<SigningChain> {
        self.signing_chain.get_or_init(|| {
            let (ca, above) = (self.certificate.clone(), self.above.clone());
            Arc::new(SigningChain::new(ca, above))
        })
    }

    /// This CA, if Go accepts it.
    fn accepted(self, now: SystemTime) -> Result<Self> {
        let judged = self.signing_chain().check_cas(now, false);
        judged.map_err(unacceptable).map(|()| self)
    }

    /// Signs a leaf certificate, and returns it only if Go accepts it.
    fn sign_leaf(
        &self,
        content: CertificateBuilder<'_>,
        usages: &[ExtendedKeyUsage],
        now: SystemTime,
    ) -> Result<Certificate> {
        if content.not_after < now.max(content.not_before) {
            let judged = self.signing_chain().check_cas(now, false);
            judged.map_err(unacceptable)?;
            return Err(Error::InvalidValidity {
                reason: "it would expire before it starts".to_owned(),
            });
        }
        let certificate = self.sign_content(content)?;
        self.check_signed(&certificate, usages, now)?;
        match self.refused_as_too_large(certificate.as_der().len()) {
            Some(finding) => Err(unacceptable(finding)),
            None => Ok(certificate),
        }
    }

    /// Checks a certificate that this CA signed. Every certificate is checked before it is
    /// returned; this method is public only for the benchmark of that check.
    ///
    /// # Errors
    ///
    /// [`Error::CaExpired`], [`Error::CaNotYetValid`] and [`Error::Unacceptable`].
    #[doc(hidden)]
    pub fn check_signed(
        &self,
        certificate: &Certificate,
        usages: &[ExtendedKeyUsage],
        now: SystemTime,
    ) -> Result<()> {
        let judged = self.signing_chain().check_signed(certificate, usages, now);
        judged.map_err(unacceptable)
    }

    /// Signs with the key. If another process signs, the signature is verified.
    fn sign_content(&self, content: CertificateBuilder<'_>) -> Result<Certificate> {
        let certificate = content.sign(self.scheme, |content| self.sign_bytes(content))?;
        if let SigningKey::Elsewhere(_) = self.signer {
            certificate.check_issued_by(&self.certificate)?;
        }
        Ok(certificate)
    }

    fn sign_bytes(&self, content: &[u8]) -> Result<Vec<u8>> {
        match &self.signer {
            SigningKey::Here(key) => key.sign(content),
            SigningKey::Elsewhere(signer) => signer.sign(content),
        }
    }
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAuthority")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

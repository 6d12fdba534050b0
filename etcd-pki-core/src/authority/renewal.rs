//! New certificates for keys that stay.

use std::time::SystemTime;

use der::oid::AssociatedOid as _;
use x509_cert::ext::pkix;

use super::{
    BACKDATE, CertificateAuthority, Issued, SigningKey, certificate_builder::CertificateBuilder,
};
use crate::{
    certificate::Certificate,
    clock,
    error::{Error, Result},
    extensions::{ExtendedKeyUsage, ExtensionsBuilder},
    key::{PrivateKey, PublicKey},
    profile::AuthorityProfile,
    validity::Validity,
};

impl CertificateAuthority {
    /// Makes a certificate with the subject, the names and the usages of another one, for its key or for a new one.
    ///
    /// It is valid as long as the other was, unless said otherwise, and not beyond the authority's own end. Of the other's
    /// extensions keyUsage, extKeyUsage and subjectAltName are taken as they stand; what else it had is left out.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for a certificate of an authority, which
    /// [`CertificateAuthority::renewed`] renews; otherwise as [`CertificateAuthority::issue`].
    pub fn renew(
        &self,
        certificate: &Certificate,
        key: &PublicKey,
        validity: Option<Validity>,
        now: SystemTime,
    ) -> Result<Issued> {
        if certificate.is_authority() {
            return Err(Error::unsupported(
                "renewing an authority as if it were a leaf",
                "renew it with `etcd-pki ca renew`",
            ));
        }
        let now = clock::whole_seconds(now);
        self.check_time(now)?;
        key.check_order()?;
        self.check_leaf_key(key)?;
        let life = certificate
            .not_after()
            .duration_since(certificate.not_before())
            .unwrap_or_default();
        let usual = Validity::lasting(life.saturating_sub(BACKDATE));
        let asked = validity.unwrap_or(usual).end(now)?;
        let not_after = asked.min(self.end());
        let kept = [pkix::KeyUsage::OID, pkix::ExtendedKeyUsage::OID];
        let extensions = ExtensionsBuilder::default().no_authority();
        let extensions = copy(extensions, certificate, &kept)
            .subject_key_identifier(&key.identifier())
            .authority_key_identifier(&self.key_identifier);
        let renewed = CertificateBuilder {
            issuer: &self.issuer,
            subject: &certificate.subject_der()?,
            serial_number: None,
            not_before: (now - BACKDATE).max(self.certificate.not_before()),
            not_after,
            public_key: key,
            extensions: copy(extensions, certificate, &[pkix::SubjectAltName::OID]),
        };
        Ok(Issued {
            certificate: self.sign_leaf(renewed, &etcd_usages(certificate), now)?,
            chain: self.chain(),
            refused: Vec::new(),
            validity_cut: (validity.is_some() && asked > not_after).then_some(asked),
        })
    }

    /// The same authority with a new certificate: same key, same subject and same key identifier, so that what it has signed stays
    /// good; and keyUsage, which Kubespray's lacks. The old serial number is kept if leaves name their issuer by it.
    ///
    /// # Errors
    ///
    /// [`Error::Validity`]; [`Error::Unacceptable`] if etcd would refuse the renewed CA too; [`Error::Signer`] if its key is not
    /// in this process.
    pub fn renewed(&self, validity: Validity, keeps_serial: bool, now: SystemTime) -> Result<Self> {
        let now = clock::whole_seconds(now);
        let key = self.key().ok_or_else(|| Error::Signer {
            reason: "the key of this authority is not in this process".to_owned(),
        })?;
        let extensions = ExtensionsBuilder::default();
        let extensions = match self.certificate.path_length() {
            Some(path_length) => extensions.authority(path_length),
            None => extensions.unlimited_authority(),
        };
        let serial_number = keeps_serial.then(|| self.certificate.serial_number().clone());
        let certificate = CertificateBuilder {
            issuer: &self.issuer,
            subject: &self.issuer,
            serial_number,
            not_before: now - BACKDATE,
            not_after: validity.end(now)?,
            public_key: key.public_key(),
            extensions: extensions
                .key_usages(AuthorityProfile::KEY_USAGES)
                .subject_key_identifier(&self.key_identifier),
        }
        .sign(self.scheme, |content| key.sign(content))?;
        let key = PrivateKey::from_der(&key.to_secret_der())?;
        let key = SigningKey::Here(Box::new(key));
        let renewed = Self::from_parts(certificate, Vec::new(), key, now)?.accepted(now)?;
        Ok(renewed.with_member_common_names(self.member_common_names.iter().cloned()))
    }
}

/// The usages of a certificate that etcd asks for: the CA must allow them. Others may have been added
/// for another program, which judges them.
pub(crate) fn etcd_usages(certificate: &Certificate) -> Vec<ExtendedKeyUsage> {
    let etcd = [ExtendedKeyUsage::ServerAuth, ExtendedKeyUsage::ClientAuth];
    let listed = certificate.extended_key_usages().unwrap_or_default();
    let is_listed = |usage: &ExtendedKeyUsage| listed.contains(usage);
    etcd.into_iter().filter(is_listed).collect()
}

/// Takes these extensions over, as they stand.
fn copy(
    builder: ExtensionsBuilder,
    certificate: &Certificate,
    which: &[der::asn1::ObjectIdentifier],
) -> ExtensionsBuilder {
    let content = certificate.as_x509().tbs_certificate();
    let extensions = content.extensions().map_or(&[][..], Vec::as_slice);
    extensions
        .iter()
        .filter(|extension| which.contains(&extension.extn_id))
        .fold(builder, ExtensionsBuilder::copied)
}

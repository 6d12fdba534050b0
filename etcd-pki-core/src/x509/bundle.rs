//! Represents a key with its certificate and chain. The parts always match.

use std::{collections::HashSet, fmt, time::SystemTime};

use zeroize::Zeroizing;

use crate::{
    error::{Error, Result},
    key::{PrivateKey, PublicKey},
    pem,
    role::Role,
    x509::certificate::Certificate,
};

/// A private key, the certificate for it, and the intermediate certificates between it and the
/// root.
///
/// The key matches the certificate, and each certificate is signed by the next.
pub struct Bundle {
    key: PrivateKey,
    certificate: Certificate,
    chain: Vec<Certificate>,
    issued: Option<IssuedFor>,
}

/// The role and name that a bundle was issued for.
#[derive(Clone, Debug)]
pub(crate) struct IssuedFor {
    /// `None` for the renewal of a bundle that was read from files
    pub(crate) role: Option<Role>,
    pub(crate) name: Option<String>,
    pub(crate) validity_cut: Option<SystemTime>,
}

impl Bundle {
    /// Creates a bundle of these parts. `chain` starts with the issuer of `certificate` if that is
    /// an intermediate CA.
    ///
    /// # Errors
    ///
    /// [`Error::KeyMismatch`] if the key does not match the certificate; [`Error::Signature`] if a
    /// certificate is not signed by the next one.
    pub fn new(key: PrivateKey, certificate: Certificate, chain: Vec<Certificate>) -> Result<Self> {
        check_pair(&certificate, &key)?;
        check_chain(&certificate, &chain)?;
        Ok(Self {
            key,
            certificate,
            chain,
            issued: None,
        })
    }

    /// Reads a key from PEM, and a certificate with its chain.
    ///
    /// # Errors
    ///
    /// As [`PrivateKey::from_pem`], [`Certificate::all_from_bytes`] and [`Bundle::new`].
    pub fn from_pem(certificates: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self> {
        let mut certificates = Certificate::all_from_bytes(certificates.as_ref())?;
        let chain = certificates.split_off(1);
        let certificate = certificates.remove(0);
        Self::new(PrivateKey::from_pem(key)?, certificate, chain)
    }

    /// The private key.
    #[must_use]
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// The certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The intermediate certificates, the certificate's issuer first; empty under a root.
    #[must_use]
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// The role that it was issued for; `None` if it was read from files.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.issued.as_ref()?.role
    }

    /// The name that it was issued for; `None` if it was read from files, or issued without a name.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.issued.as_ref()?.name.as_deref()
    }

    /// The requested expiry, if the certificate expires earlier because of the CA.
    #[must_use]
    pub fn requested_end(&self) -> Option<SystemTime> {
        self.issued.as_ref()?.validity_cut
    }

    /// The content of etcd's certificate file: the certificate and then its chain, in PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        certificates_pem(&self.certificate, &self.chain)
    }

    /// The content of etcd's key file: the key as PKCS#8 in PEM.
    #[must_use]
    pub fn to_secret_pem(&self) -> Zeroizing<String> {
        self.key.to_secret_pem()
    }

    /// The certificate with its chain, and the key as PKCS#8: the arguments of rustls'
    /// `with_single_cert` and `with_client_auth_cert`.
    ///
    /// ```
    /// use etcd_pki_core::{CertificateAuthority, Identity, Role};
    ///
    /// let ca = CertificateAuthority::create("etcd-ca")?;
    /// let bundle = ca.issue(Role::Client, Identity::new("backup")?)?;
    /// let (chain, key) = bundle.into_rustls();
    /// assert_eq!(chain.len(), 1);
    /// # let _ = key;
    /// # Ok::<(), etcd_pki_core::Error>(())
    /// ```
    #[cfg(feature = "rustls-pki-types")]
    #[must_use]
    pub fn into_rustls(
        self,
    ) -> (
        Vec<rustls_pki_types::CertificateDer<'static>>,
        rustls_pki_types::PrivateKeyDer<'static>,
    ) {
        let own = std::iter::once(&self.certificate).chain(&self.chain);
        let chain = own.map(Into::into).collect();
        // rustls wipes the key when it drops it
        let key = rustls_pki_types::PrivatePkcs8KeyDer::from(self.key.to_secret_der().to_vec());
        (chain, key.into())
    }

    /// The same key with a renewed certificate, which has the same public key.
    ///
    /// # Errors
    ///
    /// The errors of [`PrivateKey::from_der`]: none for a key that exists.
    pub(crate) fn renewed(
        &self,
        certificate: Certificate,
        chain: Vec<Certificate>,
        requested_end: Option<SystemTime>,
    ) -> Result<Self> {
        let issued = IssuedFor {
            role: self.role(),
            name: self.name().map(str::to_owned),
            validity_cut: requested_end,
        };
        let key = PrivateKey::from_der(&self.key.to_secret_der())?;
        Ok(Self::issued(key, certificate, chain, issued))
    }

    /// The same key and certificate with another chain.
    pub(crate) fn with_chain(self, chain: Vec<Certificate>) -> Self {
        Self { chain, ..self }
    }

    /// Creates a bundle from certificates that a CA has just issued, so its parts match.
    pub(crate) fn issued(
        key: PrivateKey,
        certificate: Certificate,
        chain: Vec<Certificate>,
        issued: IssuedFor,
    ) -> Self {
        Self {
            key,
            certificate,
            chain,
            issued: Some(issued),
        }
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle")
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// A certificate and then its chain, in PEM.
pub(crate) fn certificates_pem(certificate: &Certificate, chain: &[Certificate]) -> String {
    let mut pem = certificate.to_pem();
    for intermediate in chain {
        pem.push_str(&intermediate.to_pem());
    }
    pem
}

/// Several certificates in PEM, without other text of their file.
pub(crate) fn all_pem(certificates: &[Certificate]) -> String {
    certificates.iter().map(Certificate::to_pem).collect()
}

/// The position of a key's certificate in a trust bundle. If there are several, such as those
/// before and after a renewal, it is the one that expires last. A certificate that another CA
/// signed is used only if there is no other: the CA is a root here, and is renewed as one.
pub(crate) fn place_of_key(certificates: &[Certificate], key: &PublicKey) -> Option<usize> {
    (0..certificates.len())
        .filter(|place| certificates[*place].public_key() == key)
        .max_by_key(|place| {
            let certificate = &certificates[*place];
            (certificate.is_self_signed(), certificate.not_after())
        })
}

/// The content of a trust bundle's file with a new certificate in place of an old one. Every other
/// byte of a PEM file stays: other certificates, and the text around them.
///
/// # Errors
///
/// [`Error::MissingBlock`] if the file does not have the old certificate; the errors of
/// [`Certificate::all_from_bytes`].
pub(crate) fn with_replaced(file: &[u8], old: &Certificate, new: &Certificate) -> Result<Vec<u8>> {
    let missing = || Error::MissingBlock {
        what: "certificate that is renewed",
        found: Vec::new(),
    };
    let new = new.to_pem();
    if pem::is_der(file) {
        return match Certificate::from_bytes(file)? == *old {
            true => Ok(new.into_bytes()),
            false => Err(missing()),
        };
    }
    let blocks = pem::read("certificate", file)?;
    let is_old = |block: &&pem::Block| *block.contents == old.as_der();
    let mut text = Vec::with_capacity(file.len() + new.len());
    let mut end = 0;
    for block in blocks.iter().filter(is_old) {
        text.extend_from_slice(&file[end..block.range.start]);
        text.extend_from_slice(new.trim_end().as_bytes());
        end = block.range.end;
    }
    if end == 0 {
        return Err(missing());
    }
    text.extend_from_slice(&file[end..]);
    Ok(text)
}

/// The content of a trust bundle's file with these certificates in place of its own, in this order.
/// The text around the certificates of a PEM file stays.
///
/// # Errors
///
/// The errors of [`Certificate::all_from_bytes`].
pub(crate) fn with_certificates(file: &[u8], certificates: &[Certificate]) -> Result<Vec<u8>> {
    if pem::is_der(file) || file.is_empty() {
        return Ok(all_pem(certificates).into_bytes());
    }
    let blocks = pem::read("certificate", file)?;
    let is_certificate = |block: &&pem::Block| Certificate::from_der(&block.contents).is_ok();
    let places: Vec<_> = blocks
        .iter()
        .filter(is_certificate)
        .map(|block| block.range.clone())
        .collect();
    let mut text = Vec::with_capacity(file.len());
    let mut rest = certificates.iter();
    let mut end = 0;
    for (number, place) in places.iter().enumerate() {
        text.extend_from_slice(&file[end..place.start]);
        end = place.end;
        let is_last = number + 1 == places.len();
        let mut new: Vec<String> = rest
            .by_ref()
            .take(if is_last { usize::MAX } else { 1 })
            .map(Certificate::to_pem)
            .collect();
        match new.pop() {
            Some(last) => {
                text.extend_from_slice(new.concat().as_bytes());
                text.extend_from_slice(last.trim_end().as_bytes());
            }
            // The line of the removed certificate goes with it
            None if file.get(end) == Some(&b'\n') => end += 1,
            None => {}
        }
    }
    text.extend_from_slice(&file[end..]);
    Ok(text)
}

/// Checks that a key matches a certificate.
pub(crate) fn check_pair(certificate: &Certificate, key: &PrivateKey) -> Result<()> {
    if certificate.public_key() == key.public_key() {
        return Ok(());
    }
    Err(Error::KeyMismatch {
        expected: certificate.public_key().fingerprint_sha256(),
        found: key.public_key().fingerprint_sha256(),
    })
}

/// Checks that each certificate is signed by the next, and that the chain ends with the first
/// self-signed one, because that would verify itself again and again.
pub(crate) fn check_chain(certificate: &Certificate, chain: &[Certificate]) -> Result<()> {
    let mut subject = certificate;
    let mut known = HashSet::from([certificate.as_der()]);
    for issuer in chain {
        if subject.is_self_signed() {
            return Err(not_in_chain(issuer, "follows a self-signed one"));
        }
        if !known.insert(issuer.as_der()) {
            return Err(not_in_chain(issuer, "is in it twice"));
        }
        subject.check_issued_by(issuer)?;
        subject = issuer;
    }
    Ok(())
}

fn not_in_chain(certificate: &Certificate, reason: &str) -> Error {
    let subject = certificate.subject();
    Error::malformed("chain", format_args!("the certificate {subject} {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ca::CertificateAuthority, x509::identity::Identity};

    #[test]
    fn the_certificates_of_a_file_are_replaced() {
        let [a, b, c] = ["a", "b", "c"].map(|name| {
            let ca = CertificateAuthority::create(name).unwrap();
            ca.certificate().clone()
        });
        let text =
            |all: &[&Certificate]| -> String { all.iter().map(|one| one.to_pem()).collect() };
        let write = |file: &str, all: &[&Certificate]| {
            let all: Vec<Certificate> = all.iter().map(|one| (*one).clone()).collect();
            String::from_utf8(with_certificates(file.as_bytes(), &all).unwrap()).unwrap()
        };
        for (before, after) in [
            (&[&a][..], &[&a, &b][..]),
            (&[&a, &b], &[&b, &a]),
            (&[&a, &b], &[&b]),
            (&[&a, &b, &c], &[&c]),
            (&[&a], &[&a]),
            (&[], &[&a, &b]),
        ] {
            assert_eq!(write(&text(before), after), text(after));
        }
        // Text around the certificates stays
        let file = format!("# first\n{}# second\n{}# end\n", a.to_pem(), b.to_pem());
        let expected = format!("# first\n{}# second\n# end\n", b.to_pem());
        assert_eq!(write(&file, &[&b]), expected);
        let der = with_certificates(a.as_der(), std::slice::from_ref(&b)).unwrap();
        assert_eq!(der, b.to_pem().into_bytes());
    }

    #[test]
    fn a_chain_has_no_certificate_twice_and_ends_with_the_root() {
        let ca = |name| CertificateAuthority::create(name).unwrap();
        let (ca, other) = (ca("etcd-ca"), ca("other"));
        let identity = Identity::new("app").unwrap();
        let leaf = ca.issue(Role::Client, identity).unwrap();
        let (leaf, root) = (leaf.certificate(), ca.certificate());
        let check = |chain: &[&Certificate]| {
            let chain: Vec<Certificate> = chain.iter().map(|one| (*one).clone()).collect();
            check_chain(leaf, &chain)
        };
        assert!(check(&[]).is_ok());
        assert!(check(&[root]).is_ok());
        for chain in [
            &[root, root][..],
            &[root, root, root],
            &[root, other.certificate()],
            &[root, leaf],
            &[leaf],
            &[leaf, root],
            &[other.certificate()],
        ] {
            assert!(check(chain).is_err(), "{chain:?}");
        }
        assert!(check_chain(root, std::slice::from_ref(root)).is_err());
    }
}

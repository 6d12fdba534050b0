//! Creates and recognizes link certificates, with which an old CA vouches for its successor
//! (NewWithOld in RFC 4210, section 4.4).

use std::time::SystemTime;

use super::{
    BACKDATE, CaAt, CertificateAuthority, certificate_builder::CertificateBuilder,
    name::is_same_name,
};
use crate::{
    error::{Error, Result},
    profile::CaProfile,
    time::clock,
    x509::{certificate::Certificate, extensions::ExtensionsBuilder},
};

impl CaAt<'_> {
    /// Signs a link certificate: the subject and the key of a new CA. It is valid while both CAs
    /// are.
    ///
    /// # Errors
    ///
    /// [`Error::CaExpired`], [`Error::CaNotYetValid`] if this CA is not valid; [`Error::Signer`].
    pub(crate) fn link(&self, new: &Certificate) -> Result<Certificate> {
        let now = clock::whole_seconds(self.now);
        let old = self.ca;
        old.check_time(now)?;
        let identifier = new
            .subject_key_identifier()
            .map_or_else(|| new.public_key().identifier().to_vec(), <[u8]>::to_vec);
        let constraints = ExtensionsBuilder::default();
        let constraints = match (old.certificate.path_length(), new.path_length()) {
            // The limit of the old CA includes this certificate
            (Some(_), _) => constraints.ca(0),
            (None, Some(path_length)) => constraints.ca(path_length),
            (None, None) => constraints.unlimited_ca(),
        };
        let begin = (now - BACKDATE)
            .max(old.certificate.not_before())
            .max(new.not_before());
        let content = CertificateBuilder {
            issuer: &old.issuer,
            subject: &new.subject_der()?,
            serial_number: None,
            not_before: begin,
            not_after: old.certificate.not_after().min(new.not_after()),
            public_key: new.public_key(),
            extensions: constraints
                .key_usages(CaProfile::KEY_USAGES)
                .subject_key_identifier(&identifier)
                .authority_key_identifier(&old.key_identifier),
        };
        let link = old.sign_content(content)?;
        link.check_issued_by(&old.certificate)?;
        Ok(link)
    }
}

impl CertificateAuthority {
    /// Adds the link certificate of this CA. It follows each leaf in its file, so that a host that
    /// trusts only the old CA accepts the leaf.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for a certificate of another CA.
    pub(crate) fn with_link(mut self, link: Certificate) -> Result<Self> {
        if !is_link_of(&link, &self.certificate) {
            let reason = format!(
                "it is of {}, and the CA is {}",
                link.subject(),
                self.certificate.subject()
            );
            return Err(Error::malformed("link certificate", reason));
        }
        self.link = Some(link);
        Ok(self)
    }
}

/// Whether a certificate is a link certificate of a CA. It has the subject and the key of this
/// root. A CA with the same name and another time signed it, since other roots may have signed it
/// for other purposes.
pub(crate) fn is_link_of(link: &Certificate, ca: &Certificate) -> bool {
    let (issuer, own) = (link.issuer_common_name(), link.common_name());
    is_same_name(issuer.as_deref(), own.as_deref())
        && link.is_ca()
        && ca.is_self_signed()
        && !link.is_self_signed()
        && link.public_key() == ca.public_key()
        && link.subject() == ca.subject()
}

/// Whether verifiers that trust only this CA accept leaves of its successor with the link
/// certificate. The path length must allow one CA below it (RFC 5280, section 4.2.1.9).
pub(crate) fn allows_link(old: &Certificate) -> bool {
    old.path_length().is_none_or(|length| length > 0)
}

/// The old CA of a link certificate among the CAs of a trust bundle.
pub(crate) fn old_ca<'a>(link: &Certificate, bundle: &'a [Certificate]) -> Option<&'a Certificate> {
    let signers = bundle.iter().filter(|ca| {
        ca.is_ca()
            && ca.public_key() != link.public_key()
            && link.names_issuer(ca)
            && link.check_issued_by(ca).is_ok()
    });
    signers.max_by_key(|ca| ca.not_after())
}

/// Whether this link certificate follows the leaves of a CA: the trust bundle still has the old CA,
/// verifiers that trust only the old CA accept it, and it is still valid.
pub(crate) fn follows_leaves(
    link: &Certificate,
    ca: &Certificate,
    bundle: &[Certificate],
    now: SystemTime,
) -> bool {
    is_link_of(link, ca) && now <= link.not_after() && old_ca(link, bundle).is_some_and(allows_link)
}

#[cfg(test)]
mod tests {
    use std::{slice, time::Duration};

    use super::*;
    use crate::{
        profile::Profile,
        role::Role,
        test_certificates::{self, Made},
        time::validity::Validity,
        x509::identity::Identity,
    };

    fn create(name: &str, years: u32) -> CertificateAuthority {
        let profile = Profile::ca().with_validity(Validity::years(years));
        CertificateAuthority::create_with(name, profile).unwrap()
    }

    #[test]
    fn a_link_certificate() {
        let now = SystemTime::now();
        for (old_years, new_years) in [(2, 10), (10, 2)] {
            let (old, new) = (create("ca", old_years), create("ca@1", new_years));
            let (a, b) = (old.certificate(), new.certificate());
            let link = old.at(now).link(b).unwrap();
            assert!(is_link_of(&link, b) && !is_link_of(&link, a));
            assert!(!is_link_of(b, b));
            assert_eq!(link.not_after(), a.not_after().min(b.not_after()));
            assert_eq!(link.path_length(), Some(0));
            let both = [b.clone(), a.clone()];
            assert_eq!(old_ca(&link, &both), Some(a));
            assert!(follows_leaves(&link, b, &both, now));
            assert!(!follows_leaves(&link, b, &both[..1], now));
            let late = link.not_after() + Duration::from_secs(1);
            assert!(!follows_leaves(&link, b, &both, late));
            assert!(create("ca@1", 2).with_link(link).is_err());
        }
    }

    /// The path lengths of old CAs: those of Kubespray and kubeadm have none.
    #[test]
    fn path_lengths() {
        let new = create("new", 1);
        for (length, allows, expected) in [
            (None, true, Some(1)),
            (Some(0), false, Some(0)),
            (Some(1), true, Some(0)),
            (Some(3), true, Some(0)),
        ] {
            let made = Made::root(test_certificates::ca("old", length));
            let key = made.private_key();
            let old = CertificateAuthority::load(vec![made.certificate], key).unwrap();
            assert_eq!(allows_link(old.certificate()), allows, "{length:?}");
            let link = old.at(SystemTime::now()).link(new.certificate()).unwrap();
            assert_eq!(link.path_length(), expected, "{length:?}");
        }
    }

    #[test]
    fn leaves_are_followed_by_the_link() {
        let (old, new) = (create("ca", 10), create("ca@1", 10));
        let link = old.at(SystemTime::now()).link(new.certificate()).unwrap();
        let linked = new.with_link(link.clone()).unwrap();
        let bundle = linked.issue(Role::Client, Identity::new("c").unwrap());
        let bundle = bundle.unwrap();
        assert_eq!(bundle.chain(), slice::from_ref(&link));
        for following in [&[][..], slice::from_ref(&link)] {
            let kept = linked.kept_chain(bundle.certificate(), following);
            assert_eq!(kept, slice::from_ref(&link), "{following:?}");
        }
        let root = linked.certificate().clone();
        let key = linked.key().unwrap().to_secret_der();
        let key = crate::key::PrivateKey::from_der(&key).unwrap();
        let other = create("other", 10);
        let cross = other.at(SystemTime::now()).link(&root).unwrap();
        let alone = CertificateAuthority::load(vec![root.clone()], key).unwrap();
        for (following, expected) in [
            (&[link.clone()][..], &[][..]),
            // Another root vouches for the CA, without a rotation
            (slice::from_ref(&cross), slice::from_ref(&root)),
            (&[link, root.clone()], slice::from_ref(&root)),
            (slice::from_ref(&root), slice::from_ref(&root)),
            (slice::from_ref(old.certificate()), &[]),
        ] {
            let kept = alone.kept_chain(bundle.certificate(), following);
            assert_eq!(kept, expected, "{following:?}");
        }
    }
}

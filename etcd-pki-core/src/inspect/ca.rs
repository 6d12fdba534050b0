//! Reads a CA: its trust bundle, and which CA of the bundle signs here.

use std::path::{Path, PathBuf};

use super::{
    files::{PairFiles, Part, Stamps, public},
    rotation::RotationState,
    rules,
};
use crate::{
    ca::{cas_above, is_same_name},
    error::{Error, Result},
    finding::Finding,
    key::{PrivateKey, PublicKey},
    layout::PairPaths,
    store::{Attributes, owner_of_directory, read_regular_file, shared_directory_mode},
    verify::{SigningChain, Use},
    x509::{bundle::place_of_key, certificate::Certificate},
};

/// The current state of a CA.
///
/// A CA file is a bundle. The signing CA is the one with the key in the directory, at any place in
/// the file. If the key is elsewhere or encrypted, the signing CA is the first one with the
/// expected common name, or else the first one.
#[derive(Debug)]
pub(crate) struct CurrentCa {
    /// The certificates of the file, in order; empty if the file is missing
    pub(crate) bundle: Vec<Certificate>,
    /// The reason why etcd cannot read the file, although etcd-pki can
    pub(crate) refused: Option<Finding>,
    /// Whether the file has no other content, so that rewriting it loses nothing
    pub(crate) is_bundle_only: bool,
    /// The index of the signing CA in the bundle
    signing: usize,
    /// The public key; an encrypted key is unusable until its passphrase is known
    pub(crate) key: Part<PublicKey>,
    /// The private key, if it is in the directory and not encrypted
    pub(crate) private_key: Option<PrivateKey>,
    /// A finding for each empty file
    pub(crate) empty: Vec<Finding>,
    /// Other users who can sign or change files: an unprivileged owner of the key, and a group or
    /// everyone with write permission in the directory
    pub(crate) warnings: Vec<Finding>,
    /// The owner of the certificates, if this user may not own them
    pub(crate) owner: Option<Finding>,
    /// The symbolic links at or above the files of a CA that exists or must be created. The CA
    /// neither signs nor is written through them. A bundle without a key may be a link
    pub(crate) links: Vec<Finding>,
    /// Wrong modes and owners
    pub(crate) permissions: Vec<Finding>,
    /// The metadata of the files
    pub(crate) stamps: Stamps,
    /// Files with further names (hard links)
    pub(crate) hard_links: Vec<PathBuf>,
    /// The state of its rotation
    pub(crate) rotation: RotationState,
}

impl CurrentCa {
    /// Reads the CA at these paths.
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`] for a damaged certificate or key; [`Error::Io`] and
    /// [`Error::NotAFile`] for files that cannot be read. These are errors because a CA is never
    /// replaced, so a plan without it is impossible.
    pub(crate) fn read(
        paths: &PairPaths,
        relative: &PairPaths,
        common_name: Option<&str>,
        attributes: &Attributes,
    ) -> Result<Self> {
        let attributes = attributes.for_ca();
        let files = PairFiles::read(paths.clone())?;
        let (bundle, mut refused) = files.certificates(Use::TrustedCa);
        let mut bundle = match bundle {
            Part::Missing => Vec::new(),
            Part::Present(bundle) => bundle,
            Part::Unusable(finding) => return Err(unusable(&finding, &paths.certificate)),
        };
        let (private_key, _) = files.key(None);
        if let Part::Unusable(finding) = &private_key {
            let is_damaged = files.key_bytes().is_none_or(|bytes| {
                PrivateKey::from_bytes(bytes, None).is_err_and(|error| error.is_of_contents())
            });
            if is_damaged {
                return Err(unusable(finding, &paths.key));
            }
        }
        let (key, private_key) = match private_key {
            Part::Present(key) => (Part::Present(key.public_key().clone()), Some(key)),
            // An encrypted key is decrypted when the CA signs
            key => (public(key), None),
        };
        let lacks_own = |key| place_of_key(&bundle, key).is_none();
        if let Some(key) = key.present().filter(|key| lacks_own(*key))
            && let Some((all, skipped)) = files.with_skipped()
            && place_of_key(&all, key).is_some()
        {
            (bundle, refused) = (all, Some(skipped));
        }
        let links = [
            (&paths.certificate, &relative.certificate),
            (&paths.key, &relative.key),
        ];
        let links = links
            .into_iter()
            .filter(|_| {
                let has_key = !matches!(key, Part::Missing);
                has_key || bundle.is_empty() || refused.is_some()
            })
            .filter_map(|(path, below)| rules::link(path, below));
        let store = rules::directory_of(&paths.certificate, &relative.certificate);
        let key_owner = files.ca_key_owner(&relative.key, &attributes);
        let directory = shared_directory_mode(store, attributes.group_of(false));
        let directory = directory.map(|mode| rules::directory(store, mode));
        let mut unique = Vec::new();
        for link in links {
            if !unique.contains(&link) {
                unique.push(link);
            }
        }
        Ok(Self {
            links: unique,
            signing: signing(&bundle, key.present(), common_name),
            rotation: RotationState::read(store, relative, &bundle),
            is_bundle_only: refused.is_some() && files.has_only_certificates(bundle.len()),
            bundle,
            refused,
            key,
            private_key,
            empty: files.empty(relative),
            warnings: key_owner.into_iter().chain(directory).collect(),
            owner: files.ca_owner(
                &relative.certificate,
                &attributes,
                owner_of_directory(store),
            ),
            permissions: files.permissions(relative, &attributes),
            hard_links: files.hard_links(),
            stamps: files.stamps(),
        })
    }

    /// The reasons for which the CA must not sign and its files must not be written: symbolic
    /// links, and an untrusted owner of the certificates.
    pub(crate) fn obstacles(&self) -> impl Iterator<Item = &Finding> {
        self.links.iter().chain(&self.owner)
    }

    /// The certificate of the signing CA; `None` if the file is missing.
    pub(crate) fn certificate(&self) -> Option<&Certificate> {
        self.bundle.get(self.signing)
    }

    /// The signing CA and the CAs above it in the file, for judging signatures as Go does.
    pub(crate) fn signing_chain(&self) -> Option<SigningChain> {
        let ca = self.certificate()?;
        let above = cas_above(ca, &self.bundle);
        Some(SigningChain::new(ca.clone(), above))
    }
}

/// The index of the signing CA in a bundle.
pub(crate) fn signing(
    bundle: &[Certificate],
    key: Option<&PublicKey>,
    common_name: Option<&str>,
) -> usize {
    if let Some(place) = key.and_then(|key| place_of_key(bundle, key)) {
        return place;
    }
    let named = bundle
        .iter()
        .position(|one| one.is_ca() && is_same_name(common_name, one.common_name().as_deref()));
    named.unwrap_or(0)
}

/// The index of the signing CA in a bundle with keys that are elsewhere.
pub(crate) fn signing_place(bundle: &[Certificate], common_name: Option<&str>) -> usize {
    signing(bundle, None, common_name)
}

/// The error for a CA file that cannot be used. If this user may not read it, this is the operating
/// system's error.
fn unusable(finding: &Finding, path: &Path) -> Error {
    match (finding, read_regular_file(path)) {
        (Finding::Blocked { .. }, Err(error)) => error,
        _ => Error::malformed("CA", finding),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;
    use crate::test_certificates::{self, Made};

    /// Reads the CA of a directory.
    fn read(directory: &Path) -> CurrentCa {
        let relative = PairPaths {
            certificate: "ca.pem".into(),
            key: "ca-key.pem".into(),
        };
        let paths = relative.below(directory);
        CurrentCa::read(&paths, &relative, Some("ca"), &Attributes::default()).unwrap()
    }

    /// A CA file that etcd does not read is rewritten only if it has no other content.
    #[test]
    fn files_that_are_only_a_bundle() {
        let scratch = tempfile::tempdir().unwrap();
        let made = Made::root(test_certificates::ca("ca", None));
        let text = made.certificate.to_pem();
        let der = made.certificate.as_der();
        let key = made.private_key().to_secret_pem();
        let with_key = [text.as_bytes(), key.as_bytes()].concat();
        for (bytes, is_refused, is_bundle_only) in [
            (text.as_bytes(), false, false),
            (der, true, true),
            (&with_key, true, false),
        ] {
            fs::write(scratch.path().join("ca.pem"), bytes).unwrap();
            let ca = read(scratch.path());
            assert_eq!(ca.refused.is_some(), is_refused);
            assert_eq!(ca.is_bundle_only, is_bundle_only);
        }
    }

    /// A bundle without a key may be a symbolic link, unless it must be written.
    #[test]
    fn links_to_the_files_of_a_ca() {
        let made = Made::root(test_certificates::ca("ca", None));
        let text = made.certificate.to_pem().into_bytes();
        let der = made.certificate.as_der().to_vec();
        for (content, has_key, links) in [
            (Some(&text), false, 0),
            (Some(&text), true, 1),
            (Some(&der), false, 1),
            (None, false, 1),
        ] {
            let scratch = tempfile::tempdir().unwrap();
            if let Some(content) = content {
                fs::write(scratch.path().join("bundle"), content).unwrap();
            }
            symlink("bundle", scratch.path().join("ca.pem")).unwrap();
            if has_key {
                let key = made.private_key().to_secret_pem();
                fs::write(scratch.path().join("ca-key.pem"), &**key).unwrap();
            }
            assert_eq!(read(scratch.path()).links.len(), links);
        }
    }

    /// The owner of a CA's certificates. Only root can test this.
    #[test]
    fn owners_of_a_ca() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("ca.pem");
        let made = Made::root(test_certificates::ca("ca", None));
        fs::write(&path, made.certificate.to_pem()).unwrap();
        assert_eq!(read(scratch.path()).owner, None);
        if std::os::unix::fs::chown(&path, Some(4711), None).is_err() {
            return;
        }
        let ca = read(scratch.path());
        assert!(ca.owner.is_some());
        assert_eq!(ca.obstacles().next(), ca.owner.as_ref());
    }
}

//! Reads the current state of a pair.

use std::path::Path;

use super::{
    Action,
    cache::{Cache, Mark, Marker},
};
use crate::{
    error::Result,
    finding::Finding,
    inspect::{PairFiles, Part, Stamps, public},
    key::PublicKey,
    layout::PairPaths,
    store::{Attributes, owner_of_directory},
    verify::Use,
    x509::{certificate::Certificate, revocation_list::RevocationReason},
};

/// The current state of a pair.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) certificate: Part<Certificate>,
    /// The certificates after it in its file
    pub(super) chain: Vec<Certificate>,
    pub(super) key: Part<PublicKey>,
    /// The certificate and the key, if etcd-pki can read them but etcd cannot
    pub(super) refused: [Option<Finding>; 2],
    /// Whether the certificate's file contains a private key, which a new certificate would destroy
    pub(super) certificate_file_has_key: bool,
    /// A finding for each empty file
    pub(super) empty: Vec<Finding>,
    /// The owner of the key, if this user may not own it
    pub(super) key_owner: Option<Finding>,
    pub(super) permissions: Vec<Finding>,
    pub(super) stamps: Stamps,
    pub(super) hard_links: Vec<std::path::PathBuf>,
    /// The mark of the pair for the cache of verified pairs
    pub(super) mark: Option<Mark>,
    pub(super) was_verified: bool,
    /// The finding for a revoked certificate
    pub(super) revoked: Option<Finding>,
}

impl Current {
    /// Reads a pair. If the cache has a mark for its bytes, its key is not imported.
    pub(super) fn read(
        directory: &Path,
        paths: &PairPaths,
        permissions: &Attributes,
        known: Option<(&Marker, &Cache)>,
    ) -> Result<Self> {
        let files = PairFiles::read(paths.below(directory))?;
        let (certificates, refused_certificate) = files.certificates(Use::Certificate);
        let mark = known.zip(files.bytes());
        let mark = mark.map(|((marker, _), (certificate, key))| marker.mark(certificate, key));
        let was_verified = known
            .zip(mark.as_ref())
            .is_some_and(|((_, cache), mark)| cache.has(mark));
        let (key, refused_key) = match &certificates {
            Part::Present(certificates) if was_verified => {
                (Part::Present(certificates[0].public_key().clone()), None)
            }
            _ => {
                let (key, refused) = files.key(None);
                (public(key), refused)
            }
        };
        let mut chain = Vec::new();
        let certificate = certificates.map(|mut certificates| {
            chain = certificates.split_off(1);
            certificates.swap_remove(0)
        });
        Ok(Self {
            certificate,
            chain,
            key,
            refused: [
                refused_certificate.map(|finding| finding.in_file(&paths.certificate)),
                refused_key.map(|finding| finding.in_file(&paths.key)),
            ],
            certificate_file_has_key: files.certificate_file_has_key(),
            empty: files.empty(paths),
            key_owner: files.key_owner(&paths.key, permissions, owner_of_directory(directory)),
            permissions: files.permissions(paths, permissions),
            stamps: files.stamps(),
            hard_links: files.hard_links(),
            mark,
            was_verified,
            revoked: None,
        })
    }

    /// A key and the certificates of a file that are not in one directory.
    pub(super) fn of(key: &PublicKey, certificates: &[Certificate]) -> Self {
        let (certificate, chain) = match certificates {
            [] => (Part::Missing, Vec::new()),
            [leaf, chain @ ..] => (Part::Present(leaf.clone()), chain.to_vec()),
        };
        Self {
            certificate,
            chain,
            key: Part::Present(key.clone()),
            refused: [None, None],
            certificate_file_has_key: false,
            empty: Vec::new(),
            key_owner: None,
            permissions: Vec::new(),
            stamps: Stamps::default(),
            hard_links: Vec::new(),
            mark: None,
            was_verified: false,
            revoked: None,
        }
    }

    /// The certificates after the leaf in its file.
    pub(super) fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// Whether etcd cannot read the key but etcd-pki can, so that the key's file must be rewritten.
    pub(super) fn needs_key_rewrite(&self) -> bool {
        self.refused[1].is_some()
    }

    /// The finding for a certificate that is revoked because others know this key of it.
    pub(super) fn compromised(&self, key: &PublicKey) -> Option<Finding> {
        let certificate = self.certificate.present()?;
        let revoked = self.revoked.as_ref()?;
        let is_compromised = matches!(
            revoked,
            Finding::Revoked {
                reason: Some(RevocationReason::KeyCompromise),
                ..
            }
        );
        (is_compromised && certificate.public_key() == key).then(|| revoked.clone())
    }

    /// The action for a pair with an up-to-date certificate.
    pub(super) fn chmod_or_keep(&self) -> Action {
        if self.permissions.is_empty() {
            Action::Keep
        } else {
            Action::Chmod
        }
    }
}

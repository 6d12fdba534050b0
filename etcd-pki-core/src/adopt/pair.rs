//! The pairs of a directory that is being adopted.

use std::path::Path;

use super::{Remark, signers::Signers};
use crate::{
    inspect::{Directory, OtherFile},
    key::{KeyAlgorithm, PublicKey},
    layout::{FileKind, Layout, PairPaths},
    x509::certificate::Certificate,
};

/// A pair with at least one existing file.
#[derive(Debug)]
pub(super) struct Pair {
    pub(super) kind: FileKind,
    /// The host that the subdirectory of the pair is named after
    pub(super) tree: Option<String>,
    /// Empty if the file names contain no host or user
    pub(super) name: String,
    /// The paths, relative to the directory
    pub(super) paths: PairPaths,
    /// `None` if it cannot be read or is in the wrong place
    pub(super) certificate: Option<Certificate>,
    /// Whether the certificate is in the wrong place, so its content is not used
    pub(super) is_misplaced: bool,
    /// The public part of the key
    pub(super) key: Option<PublicKey>,
    /// The algorithm of the key, or of the certificate if the key cannot be read
    pub(super) algorithm: Option<KeyAlgorithm>,
}

impl Pair {
    /// The pairs and CAs of a directory, in the order of their kinds and names.
    ///
    /// A CA is the one that signed the leaves. What another CA signed is a remark.
    pub(super) fn all(
        state: &Directory,
        signers: &Signers<'_>,
        layout: Layout,
        remarks: &mut Vec<Remark>,
    ) -> Vec<Self> {
        remarks.extend(
            state
                .others()
                .iter()
                .filter_map(|other| stray(other, layout)),
        );
        let cas = state.bundles().iter().map(|bundle| Self {
            kind: FileKind::Ca(bundle.kind()),
            tree: None,
            name: String::new(),
            paths: bundle.paths().clone(),
            certificate: signers.ca(bundle.kind()).cloned(),
            is_misplaced: false,
            key: None,
            algorithm: None,
        });
        remarks.extend(signers.remarks());
        let described = state
            .pairs()
            .iter()
            .filter(|pair| !signers.leaves_out(pair));
        let leaves = described.map(|pair| {
            let certificate = pair.certificate().map(Certificate::public_key);
            let key = pair.key().or(certificate);
            let algorithm = key.and_then(PublicKey::algorithm);
            Self {
                kind: pair.kind,
                tree: pair.host.clone(),
                name: pair.name.clone(),
                paths: pair.paths().clone(),
                certificate: pair.certificate().cloned(),
                is_misplaced: false,
                key: pair.key().cloned(),
                // A size that is not generated cannot be specified
                algorithm: algorithm.map(KeyAlgorithm::made),
            }
        });
        cas.chain(leaves).collect()
    }

    /// Whether it is not a CA.
    pub(super) fn is_leaf(&self) -> bool {
        self.kind.ca().is_none()
    }

    /// Discards the certificate, and keeps of the key what does not depend on the certificate.
    pub(super) fn disbelieve(&mut self) {
        let certificate = self.certificate.take();
        let own_key = certificate.map(|certificate| certificate.public_key().clone());
        if self.key.is_none() || self.key == own_key {
            self.algorithm = None;
        }
        self.is_misplaced = true;
    }

    /// A remark on attributes of the subject that a specification cannot contain.
    pub(super) fn more_of_subject(&self) -> Option<Remark> {
        let more = self.certificate.as_ref()?.other_subject_attributes();
        let told = !more.is_empty();
        told.then(|| {
            let more = more.join(", ");
            let text = format!("its subject has {more}, which a new certificate will not have");
            Remark::new(self.file(), text)
        })
    }

    /// Whether its file name contains "peer".
    pub(super) fn names_peers(&self) -> bool {
        let stem = self.paths.certificate.file_stem().unwrap_or_default();
        stem == "peer" || stem.to_string_lossy().starts_with("peer-")
    }

    /// The file that remarks name: the certificate.
    pub(super) fn file(&self) -> &Path {
        &self.paths.certificate
    }
}

/// A remark on a file that is left out.
fn stray(other: &OtherFile, layout: Layout) -> Option<Remark> {
    if other.is_link {
        // Kubespray links the pairs of other control planes to a host's own; one key in two pairs
        // would be a fault
        let text = "is a link to another file here, so it is left out";
        return Some(Remark::new(&other.path, text));
    }
    let certificate = other.certificates.first()?;
    let what = if certificate.is_ca() {
        "a CA"
    } else {
        "a certificate"
    };
    Some(Remark::new(
        &other.path,
        format!(
            "{what}, {}, with a name that the {layout} layout does not have, so it is left out",
            certificate.subject()
        ),
    ))
}

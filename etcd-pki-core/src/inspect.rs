//! Reads existing files and reports findings about them.
//!
//! Only this module judges existing files: which CA signed a certificate, whether a key matches,
//! who can read a key, what etcd needs. Plans, checks, adoption, export and renewals use it, so the
//! same files get the same answer everywhere.

mod ca;
mod check;
mod checked;
mod contents;
mod dependents;
mod directory;
mod files;
pub(crate) mod issuer;
mod lists;
pub(crate) mod place;
mod reading;
pub(crate) mod replacement;
mod rotation;
pub(crate) mod rules;
mod signers;
mod surroundings;

pub(crate) use self::{
    ca::{CurrentCa, signing_place},
    contents::key_path,
    directory::{OtherFile, recognize},
    files::{PairFiles, Part, Stamps, public},
    lists::outdated,
    rotation::RotationState,
};
use std::path::Path;

use crate::{
    finding::Finding,
    layout::PairPaths,
    store::{Attributes, Stamp, owner_of_directory, parent, shared_directory_mode},
    x509::certificate::Certificate,
};

pub use self::{
    check::Check,
    checked::Checked,
    directory::{CurrentPair, Directory, TrustBundle, directory},
    lists::revocation_file,
    place::{ca_kind, key_of, store_of, verifier},
    rotation::{Stage, Strategy},
    rules::KeyMatch,
};

/// Findings about the owners of a CA's two files, and about other users who may write in their
/// directory. They are warnings, because without a specification the right owner is unknown.
///
/// ```
/// use etcd_pki_core::{CaKind, CertificateAuthority, Layout, Store, inspect};
///
/// # let parent = tempfile::tempdir()?;
/// let store = Store::new(parent.path().join("ssl"), Layout::Kubespray);
/// store.lock()?.write_ca(CaKind::Client, &CertificateAuthority::create("etcd-ca")?, None)?;
/// assert_eq!(inspect::ca_files(&store.ca_paths(CaKind::Client)), []);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn ca_files(paths: &PairPaths) -> Vec<Finding> {
    let usual = Attributes::default();
    let directory = parent(&paths.certificate);
    let owner_of = |path: &Path| owner_of_directory(parent(path));
    let certificate = Stamp::of_file(&paths.certificate).and_then(|stamp| {
        let owner = owner_of(&paths.certificate);
        rules::ca_owner(&paths.certificate, &stamp, &usual, owner)
    });
    let key = Stamp::of_file(&paths.key);
    let key = key.and_then(|stamp| rules::ca_key_owner(&paths.key, &stamp, &usual));
    let mode = shared_directory_mode(directory, None);
    let shared = mode.map(|mode| rules::directory(directory, mode));
    certificate.into_iter().chain(key).chain(shared).collect()
}

/// The finding for a certificate of a client or node that etcd's peer port accepts, if there is no
/// separate peer CA. `None` if the port refuses the certificate, and for a member's certificate.
///
/// ```
/// use etcd_pki_core::{CertificateAuthority, Identity, Role, inspect};
///
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// let backup = Identity::new("backup")?;
/// let usual = ca.issue(Role::Client, &backup)?;
/// assert_eq!(inspect::peer_port(usual.certificate()), None);
///
/// let named = ca.issue(Role::Client, backup.with_names(["10.0.0.7"])?)?;
/// let finding = inspect::peer_port(named.certificate());
/// assert_eq!(finding.map(|finding| finding.code()), Some("EP044"));
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[must_use]
pub fn peer_port(certificate: &Certificate) -> Option<Finding> {
    rules::peer_port(certificate, None)
}

//! An authority of the cluster, where its key is.

use std::path::PathBuf;

use crate::{
    certificate::Certificate,
    cluster::Wanted,
    error::Result,
    layout::CaKind,
    plan::{check_authority_certificate, check_orphans},
    store::{Stamp, Store, look},
};

/// An authority of the cluster, where its key is.
#[derive(Debug)]
pub(in crate::requests) struct Authority {
    pub(in crate::requests) wanted: Wanted,
    /// Its certificate and those above it; empty if it is to be made
    pub(in crate::requests) certificates: Vec<Certificate>,
    /// Whether there is a file in the place of its key
    pub(in crate::requests) has_key: bool,
}

impl Authority {
    /// Looks for an authority, and refuses one that cannot be the one that is wanted, and to make one beside what another signed.
    pub(super) fn find(wanted: Wanted, leaves: &[Wanted], store: &Store) -> Result<Self> {
        let paths = wanted.paths.below(store.directory());
        let has_key = Stamp::of(&paths.key)?.is_some();
        let certificates = if let Some((bytes, _)) = look(&paths.certificate)? {
            Certificate::all_from_bytes(&bytes)
                .map_err(|error| error.in_file(&paths.certificate))?
        } else {
            check_orphans(
                &wanted,
                has_key,
                store,
                signed(wanted.issuer, leaves, store)?,
            )?;
            Vec::new()
        };
        if let Some(first) = certificates.first() {
            check_authority_certificate(&wanted, store.directory(), first)?;
        }
        Ok(Self {
            wanted,
            certificates,
            has_key,
        })
    }
}

/// What lies in the directory and was signed by an authority that is not there: of peers' own what is wanted of them, and
/// otherwise anything, for clients are called as anybody likes.
fn signed(issuer: CaKind, leaves: &[Wanted], store: &Store) -> Result<Option<PathBuf>> {
    let directory = store.directory();
    if issuer == CaKind::Peer {
        let mut own = leaves
            .iter()
            .filter(|leaf| leaf.issuer == issuer)
            .map(|leaf| &leaf.paths.certificate);
        return Ok(own.find(|path| directory.join(path).exists()).cloned());
    }
    let mut certificates = store.certificates()?.into_iter();
    let leaf = certificates.find(|(_, certificate)| !certificate.is_authority());
    Ok(leaf.map(|(path, _)| path.strip_prefix(directory).unwrap_or(&path).to_owned()))
}

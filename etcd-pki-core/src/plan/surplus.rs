//! Pairs of hosts and users that are gone, and the authority of peers where they have none apart any more.

use std::{
    collections::HashSet,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::{authority::Authority, found::Stamps};
use crate::{
    certificate::Certificate,
    error::Result,
    layout::{CaKind, Identified, PairPaths},
    store::{Store, first_certificate, read_certificates, tree},
};

/// What lies in a directory and nobody wants.
#[derive(Debug, Default)]
pub(super) struct Surplus {
    /// Certificates of one of the directory's authorities, under a name that the layout gives to somebody, each with its key. What
    /// else lies there is somebody else's.
    pub(super) pairs: Vec<PairPaths>,
    /// How the files of these were when they were found
    pub(super) stamps: Vec<Stamps>,
    /// The authority of peers, if they are to have none apart
    pub(super) authority: Option<PairPaths>,
}

impl Surplus {
    /// Looks for what is neither among the pairs that are wanted nor one of these authorities.
    pub(super) fn find<'a>(
        store: &Store,
        wanted: impl Iterator<Item = &'a PairPaths>,
        authorities: &[Authority],
    ) -> Result<Self> {
        let mut signers: Vec<_> = authorities
            .iter()
            .filter_map(Authority::certificate)
            .collect();
        let has_peers = authorities
            .iter()
            .any(|authority| authority.issuer() == CaKind::Peer);
        let of_peers = store.layout().ca(CaKind::Peer);
        let of_peers = Some(of_peers).filter(|pair| !has_peers && exists(store, pair));
        let former = of_peers
            .as_ref()
            .and_then(|pair| authority_in(&store.directory().join(&pair.certificate)));
        signers.extend(former.as_ref());
        let pairs = pairs(store, wanted, &signers)?;
        let now = |pair: &PairPaths| Stamps::now(&pair.below(store.directory()));
        Ok(Self {
            stamps: pairs.iter().map(now).collect::<Result<_>>()?,
            pairs,
            authority: of_peers,
        })
    }
}

/// Whether there is an authority's certificate, or a key without one.
fn exists(store: &Store, authority: &PairPaths) -> bool {
    let paths = authority.below(store.directory());
    if paths.certificate.exists() {
        authority_in(&paths.certificate).is_some()
    } else {
        paths.key.exists()
    }
}

/// The certificate in a file, if it is an authority's.
fn authority_in(path: &Path) -> Option<Certificate> {
    first_certificate(path).filter(Certificate::is_authority)
}

/// The pairs that nobody wants, signed by one of these.
fn pairs<'a>(
    store: &Store,
    wanted: impl Iterator<Item = &'a PairPaths>,
    authorities: &[&Certificate],
) -> Result<Vec<PairPaths>> {
    let wanted: HashSet<&OsStr> = wanted
        .flat_map(|pair| [pair.certificate.as_os_str(), pair.key.as_os_str()])
        .collect();
    let mut surplus = Vec::new();
    for name in file_names(store)? {
        if wanted.contains(name.as_os_str()) {
            continue;
        }
        let named = store.layout().identify(&name);
        let Some(named) = named.filter(Identified::is_leaf_certificate) else {
            continue;
        };
        let is_ours = read_certificates(&store.directory().join(&name))
            .is_ok_and(|all| all.iter().any(|one| is_signed(one, authorities)));
        if is_ours {
            surplus.push(named.paths);
        }
    }
    Ok(surplus)
}

/// A certificate that the layout gives to somebody, whoever that is.
pub(super) fn any(store: &Store) -> Result<Option<PathBuf>> {
    let names = file_names(store)?.into_iter();
    let mut leaves = names.filter(|name| {
        let is_leaf = || {
            first_certificate(&store.directory().join(name))
                .is_some_and(|first| !first.is_authority())
        };
        let named = store.layout().identify(name);
        named.is_some_and(|named| named.is_leaf_certificate()) && is_leaf()
    });
    Ok(leaves.next())
}

/// The files of the directory, and of hosts' trees where the layout has them, by their paths seen from there.
fn file_names(store: &Store) -> Result<Vec<PathBuf>> {
    if store.layout().names_hosts() {
        return store.file_names();
    }
    let files = tree(store.directory()).into_iter().flatten();
    let below = |path: PathBuf| {
        path.strip_prefix(store.directory())
            .ok()
            .map(Path::to_owned)
    };
    Ok(files.filter_map(below).collect())
}

fn is_signed(certificate: &Certificate, authorities: &[&Certificate]) -> bool {
    let mut authorities = authorities.iter();
    !certificate.is_authority() && authorities.any(|ca| certificate.check_issued_by(ca).is_ok())
}

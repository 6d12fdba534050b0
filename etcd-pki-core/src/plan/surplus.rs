//! Pairs of hosts and users that are gone, and the authority of peers where they have none apart any more.

use std::{
    collections::HashSet,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::authority::Authority;
use crate::{
    certificate::Certificate,
    cluster::Issuer,
    error::Result,
    layout::{Layout, PairPaths},
    role::Role,
    store::{Store, read_file, tree},
};

/// What lies in a directory and nobody wants.
#[derive(Debug, Default)]
pub(super) struct Surplus {
    /// Certificates of one of the directory's authorities, under a name that the layout gives to somebody, each with its key. What
    /// else lies there is somebody else's.
    pub(super) pairs: Vec<PairPaths>,
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
            .any(|authority| authority.issuer() == Issuer::Peers);
        let of_peers = store.layout().peer_authority();
        let of_peers = Some(of_peers).filter(|pair| !has_peers && exists(store, pair));
        let former = of_peers
            .as_ref()
            .and_then(|pair| authority_in(&store.directory().join(&pair.certificate)));
        signers.extend(former.as_ref());
        Ok(Self {
            pairs: pairs(store, wanted, &signers)?,
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
    let certificates = read_file(path).and_then(|bytes| Certificate::all_from_bytes(&bytes));
    let first = certificates.ok()?.into_iter().next()?;
    first.is_authority().then_some(first)
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
        let Some(pair) = pair_of(store.layout(), &name) else {
            continue;
        };
        let is_ours = read_file(&store.directory().join(&name))
            .and_then(|bytes| Certificate::all_from_bytes(&bytes))
            .is_ok_and(|all| all.iter().any(|one| is_signed(one, authorities)));
        if is_ours {
            surplus.push(pair);
        }
    }
    Ok(surplus)
}

/// A certificate that the layout gives to somebody, whoever that is.
pub(super) fn any(store: &Store) -> Result<Option<PathBuf>> {
    let names = file_names(store)?.into_iter();
    let mut leaves = names.filter(|name| {
        let is_leaf = || {
            read_file(&store.directory().join(name))
                .and_then(|bytes| Certificate::all_from_bytes(&bytes))
                .is_ok_and(|all| all.first().is_some_and(|first| !first.is_authority()))
        };
        pair_of(store.layout(), name).is_some() && is_leaf()
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

/// The pair of which this is the certificate, if the layout names files so: those that carry a host's name, those of clients, and
/// those in the tree of a host.
fn pair_of(layout: Layout, path: &Path) -> Option<PairPaths> {
    const PREFIXES: [&str; 6] = ["", "admin-", "client-", "member-", "node-", "peer-"];
    let stem = path.file_stem()?.to_str()?;
    let names = PREFIXES
        .iter()
        .filter_map(|prefix| stem.strip_prefix(prefix));
    let is_at = |path: &Path, pair: &PairPaths| pair.certificate == path;
    let mut named = names.flat_map(|name| pairs_of(layout, name));
    if let Some(pair) = named.find(|pair| is_at(path, pair)) {
        return Some(pair);
    }
    let mut parts = path.components();
    let host = Path::new(parts.next()?.as_os_str());
    let below = pairs_of(layout, host.to_str()?).into_iter();
    let mut below = below.filter(|_| !layout.names_hosts());
    let pair = below.find(|pair| is_at(parts.as_path(), pair))?;
    Some(pair.below(host))
}

/// Every pair that the layout has for a name.
fn pairs_of(layout: Layout, name: &str) -> Vec<PairPaths> {
    let of_roles = Role::ALL
        .into_iter()
        .filter_map(|role| layout.pairs(role, name).ok());
    let of_peers = layout.peer_pair(name).ok();
    let of_admin = layout.member_client(name).ok().flatten();
    of_roles.flatten().chain(of_peers).chain(of_admin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_somebody_has() {
        for (layout, path, is_somebodys) in [
            (Layout::Kubespray, "member-a.pem", true),
            (Layout::Kubespray, "peer-a.pem", true),
            (Layout::Kubespray, "admin-a.pem", true),
            (Layout::Kubespray, "member-a-key.pem", false),
            (Layout::Kubespray, "a.pem", false),
            (Layout::Kubespray, "a/member-a.pem", false),
            (Layout::Cfssl, "a.pem", true),
            (Layout::Cfssl, "peer-a.pem", true),
            (Layout::Cfssl, "a-key.pem", false),
            (Layout::Cfssl, "a.crt", false),
            (Layout::Kubeadm, "etcd/server.crt", true),
            (Layout::Kubeadm, "etcd/client-a.crt", true),
            (Layout::Kubeadm, "a/etcd/peer.crt", true),
            (Layout::Kubeadm, "a/apiserver-etcd-client.crt", true),
            (Layout::Kubeadm, "a/etcd/ca.crt", false),
            (Layout::Kubeadm, "apiserver.crt", false),
            (Layout::K3s, "a/peer-server-client.crt", true),
            (Layout::Etcdadm, "a/etcdctl-etcd-client.crt", true),
            (Layout::Etcdadm, "..", false),
        ] {
            let pair = pair_of(layout, Path::new(path));
            assert_eq!(pair.is_some(), is_somebodys, "{layout} {path}");
            assert!(pair.is_none_or(|pair| pair.certificate == Path::new(path)));
        }
    }
}

//! Whose a file is, by its name.

use std::{ffi::OsStr, path::Path};

use super::{Layout, PairPaths};
use crate::role::Role;

impl Layout {
    /// The pair of which this is the certificate, if the layout names files so: those that carry a host's name, those of clients, and
    /// those in the tree of a host.
    pub(crate) fn pair_at(self, path: &Path) -> Option<PairPaths> {
        let in_tree = || self.pair_in_tree(path).filter(|_| !self.names_hosts());
        self.pair_in_place(path).or_else(in_tree)
    }

    /// The same in the tree of a host alone. Where files carry hosts' names, a directory of such trees is made by exporting.
    pub(crate) fn pair_in_tree(self, path: &Path) -> Option<PairPaths> {
        let mut parts = path.components();
        let host = Path::new(parts.next()?.as_os_str());
        let mut below = self.pairs_of_anybody(host.to_str()?).into_iter();
        let pair = below.find(|pair| pair.certificate == parts.as_path())?;
        Some(pair.below(host))
    }

    /// The same without the trees of hosts.
    pub(crate) fn pair_in_place(self, path: &Path) -> Option<PairPaths> {
        let stem = path.file_stem()?.to_str()?;
        let mut named = self.pairs_of_stem(stem);
        named.find(|pair| pair.certificate == path)
    }

    /// Whether the layout calls keys so, an authority's or anybody's. Directories are not looked at.
    pub(crate) fn names_key(self, path: &Path) -> bool {
        let Some(stem) = path.file_stem().and_then(OsStr::to_str) else {
            return false;
        };
        let stem = stem.strip_suffix("-key").unwrap_or(stem);
        let pairs = self.pairs_of_stem(stem);
        let mut pairs = pairs.chain([self.authority(), self.peer_authority()]);
        pairs.any(|pair| pair.key.file_name() == path.file_name())
    }

    /// The pairs whose files may be called so, but for their endings, and others.
    fn pairs_of_stem(self, stem: &str) -> impl Iterator<Item = PairPaths> {
        const PREFIXES: [&str; 6] = ["", "admin-", "client-", "member-", "node-", "peer-"];
        let names = PREFIXES
            .iter()
            .filter_map(move |prefix| stem.strip_prefix(prefix));
        names.flat_map(move |name| self.pairs_of_anybody(name))
    }

    /// Every pair that the layout has for a name.
    fn pairs_of_anybody(self, name: &str) -> Vec<PairPaths> {
        let of_roles = Role::ALL
            .into_iter()
            .filter_map(|role| self.pairs(role, name).ok());
        let of_peers = self.peer_pair(name).ok();
        let of_admin = self.member_client(name).ok().flatten();
        of_roles.flatten().chain(of_peers).chain(of_admin).collect()
    }
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
            let pair = layout.pair_at(Path::new(path));
            assert_eq!(pair.is_some(), is_somebodys, "{layout} {path}");
            assert!(pair.is_none_or(|pair| pair.certificate == Path::new(path)));
        }
    }

    #[test]
    fn keys_that_somebody_has() {
        for (path, is_somebodys) in [
            ("pki/member-a.lan-key.pem", true),
            ("client-a-key.pem", true),
            ("peer-ca-key.pem", true),
            ("etcd/server.key", true),
            ("etcd/ca.key", true),
            ("client-a.key", true),
            ("server-ca.key", true),
            ("member-a.pem", false),
            // Those by which Kubernetes and k3s sign what are no certificates
            ("sa.key", false),
            ("service.key", false),
            ("apiserver.key", false),
        ] {
            let named = Layout::ALL.map(|layout| layout.names_key(Path::new(path)));
            assert_eq!(named.contains(&true), is_somebodys, "{path}");
        }
    }

    #[test]
    fn trees_of_hosts() {
        for (layout, path, is_a_hosts) in [
            (Layout::Kubespray, "a/member-a.pem", true),
            (Layout::Kubespray, "a/node-a.pem", true),
            (Layout::Kubespray, "backup/member-a.pem", false),
            (Layout::Kubespray, "member-a.pem", false),
            (Layout::Cfssl, "a/a.pem", true),
            (Layout::Kubeadm, "a/etcd/peer.crt", true),
            (Layout::Kubeadm, "etcd/peer.crt", false),
        ] {
            let pair = layout.pair_in_tree(Path::new(path));
            assert_eq!(pair.is_some(), is_a_hosts, "{layout} {path}");
        }
    }
}

//! What the names of a layout's files say.

use std::path::Path;

use crate::{
    cluster::Issuer,
    layout::{Layout, PairPaths},
    role::Role,
};

/// What a pair of files is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Authority,
    PeerAuthority,
    Member,
    /// A member's pair for peers, where these have an authority apart
    Peer,
    /// The client beside a member
    Admin,
    Node,
    Client,
}

impl Kind {
    pub(super) fn of(role: Role) -> Self {
        match role {
            Role::Member => Self::Member,
            Role::Node => Self::Node,
            Role::Client => Self::Client,
        }
    }

    pub(super) fn issuer(self) -> Option<Issuer> {
        match self {
            Self::Authority => Some(Issuer::Cluster),
            Self::PeerAuthority => Some(Issuer::Peers),
            _ => None,
        }
    }
}

/// How the files of one kind are called.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) kind: Kind,
    prefix: String,
    certificate: String,
    key: String,
    /// Whether a name stands behind the prefix
    pub(super) is_named: bool,
}

/// What a file's name says.
pub(super) struct Matched {
    pub(super) kind: Kind,
    /// Empty where files carry no name
    pub(super) name: String,
    pub(super) paths: PairPaths,
}

/// Stands for a name in a layout's paths
const NAME: &str = "NAME";

impl Pattern {
    /// Those of a layout, the more telling first.
    pub(super) fn all(layout: Layout) -> Vec<Self> {
        let mut pairs = vec![
            (Kind::Authority, layout.authority()),
            (Kind::PeerAuthority, layout.peer_authority()),
        ];
        for role in Role::ALL {
            let of_role = layout.pairs(role, NAME).unwrap_or_default();
            pairs.extend(of_role.into_iter().map(|pair| (Kind::of(role), pair)));
        }
        pairs.extend(layout.peer_pair(NAME).ok().map(|pair| (Kind::Peer, pair)));
        let admin = layout.member_client(NAME).ok().flatten();
        pairs.extend(admin.map(|pair| (Kind::Admin, pair)));

        let mut patterns: Vec<Self> = Vec::new();
        for (kind, pair) in pairs {
            let pattern = Self::new(kind, &pair);
            let is_new = |known: &Self| {
                (&known.prefix, &known.certificate) != (&pattern.prefix, &pattern.certificate)
            };
            // kubeadm's files for peers are called alike whoever signs them
            if patterns.iter().all(is_new) {
                patterns.push(pattern);
            }
        }
        patterns.sort_by_key(|pattern| (pattern.is_named, usize::MAX - pattern.prefix.len()));
        patterns
    }

    fn new(kind: Kind, pair: &PairPaths) -> Self {
        let certificate = pair.certificate.to_string_lossy();
        let key = pair.key.to_string_lossy();
        let named = certificate.split_once(NAME).zip(key.split_once(NAME));
        match named {
            Some(((prefix, certificate), (_, key))) => Self {
                kind,
                prefix: prefix.to_owned(),
                certificate: certificate.to_owned(),
                key: key.to_owned(),
                is_named: true,
            },
            None => Self {
                kind,
                prefix: String::new(),
                certificate: certificate.into_owned(),
                key: key.into_owned(),
                is_named: false,
            },
        }
    }

    /// Whether it is a name and no more.
    pub(super) fn takes_any(&self) -> bool {
        self.is_named && self.prefix.is_empty()
    }

    /// What a path below the directory says, if it is one of these.
    pub(super) fn matched(&self, path: &str) -> Option<Matched> {
        let rest = path.strip_prefix(&self.prefix)?;
        // A key first: NAME-key.pem ends in .pem too
        let name = rest
            .strip_suffix(&self.key)
            .or_else(|| rest.strip_suffix(&self.certificate))?;
        if name.is_empty() == self.is_named || name.contains('/') {
            return None;
        }
        let file = |suffix: &str| format!("{}{name}{suffix}", self.prefix).into();
        Some(Matched {
            kind: self.kind,
            name: name.to_owned(),
            paths: PairPaths {
                certificate: file(&self.certificate),
                key: file(&self.key),
            },
        })
    }
}

/// What a path says in a layout, and the host in whose tree it is.
pub(super) fn matched(
    layout: Layout,
    patterns: &[Pattern],
    path: &Path,
) -> Option<(Option<String>, Matched)> {
    let whole = path.to_str()?;
    if let Some(matched) = patterns.iter().find_map(|pattern| pattern.matched(whole)) {
        let is_refused =
            !matched.name.is_empty() && layout.pairs(Role::Client, &matched.name).is_err();
        if is_refused {
            return None;
        }
        return Some((None, matched));
    }
    if layout.names_hosts() {
        return None;
    }
    let (host, rest) = whole.split_once('/')?;
    let of_hosts = patterns
        .iter()
        .filter(|pattern| !pattern.is_named && pattern.kind.issuer().is_none());
    let mut matched = of_hosts
        .into_iter()
        .find_map(|pattern| pattern.matched(rest))?;
    matched.paths = matched.paths.below(Path::new(host));
    Some((Some(host.to_owned()), matched))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(layout: Layout, path: &str) -> Option<String> {
        let (host, matched) = matched(layout, &Pattern::all(layout), Path::new(path))?;
        let Matched { kind, name, .. } = matched;
        Some(format!("{kind:?} {name} {}", host.unwrap_or_default()))
    }

    #[test]
    fn names_of_files() {
        for (layout, path, expected) in [
            (Layout::Kubespray, "ca-key.pem", Some("Authority  ")),
            (Layout::Kubespray, "peer-ca.pem", Some("PeerAuthority  ")),
            (Layout::Kubespray, "member-a.b-key.pem", Some("Member a.b ")),
            (Layout::Kubespray, "admin-a.pem", Some("Admin a ")),
            (Layout::Kubespray, "peer-a.pem", Some("Peer a ")),
            (Layout::Kubespray, "node-.pem", None),
            (Layout::Kubespray, "node-...pem", None),
            (Layout::Kubespray, "openssl.conf", None),
            (Layout::Kubespray, "etcd/ca.crt", None),
            (Layout::Cfssl, "a-key.pem", Some("Member a ")),
            (Layout::Cfssl, "peer-a.pem", Some("Member a ")),
            (Layout::Cfssl, "client-a.pem", Some("Client a ")),
            (Layout::Kubeadm, "etcd/ca.key", Some("Authority  ")),
            (Layout::Kubeadm, "etcd/peer.crt", Some("Member  ")),
            (Layout::Kubeadm, "a/etcd/server.crt", Some("Member  a")),
            (
                Layout::Kubeadm,
                "a/apiserver-etcd-client.key",
                Some("Node  a"),
            ),
            (Layout::Kubeadm, "etcd/client-x.crt", Some("Client x ")),
            (Layout::Kubeadm, "a/etcd/ca.crt", None),
            (Layout::Kubeadm, "apiserver.crt", None),
        ] {
            assert_eq!(shown(layout, path).as_deref(), expected, "{path}");
        }
    }
}

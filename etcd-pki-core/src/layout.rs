//! What the files are called, for the tools that look for them.

mod recognition;

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::{
    error::{Error, Result},
    role::Role,
    words,
};

/// A habit of naming files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// Kubespray's: `ca.pem`, `member-HOST.pem`, `member-HOST-key.pem`, `node-HOST…`, and `client-NAME…` beside them
    #[default]
    Kubespray,
    /// kubeadm's, below `/etc/kubernetes/pki`: `etcd/ca.crt`, `etcd/server.crt`, `etcd/peer.crt`, `apiserver-etcd-client.crt`, each
    /// with its `.key`, of one host; and `etcd/client-NAME.crt` beside them
    Kubeadm,
    /// That of etcd's `hack/tls-setup` with cfssl: `ca.pem`, `HOST.pem` for clients and `peer-HOST.pem` for peers, and
    /// `node-HOST…`, `client-NAME…` beside them
    Cfssl,
    /// k3s' and rke2's, of one server, below `/var/lib/rancher/k3s/server/tls/etcd`: `server-ca.crt` and `peer-ca.crt`, which are
    /// two authorities always, `server-client.crt` for clients, `peer-server-client.crt` for peers, and `client.crt` by which
    /// kube-apiserver dials; and `client-NAME.crt` beside them
    K3s,
    /// etcdadm's, of one host, below `/etc/etcd/pki`: `ca.crt`, `server.crt`, `peer.crt`, `apiserver-etcd-client.crt` and
    /// `etcdctl-etcd-client.crt`; and `client-NAME.crt` beside them
    Etcdadm,
}

/// Where a key and its certificate are, below a directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PairPaths {
    /// The certificate's file
    pub certificate: PathBuf,
    /// The key's file
    pub key: PathBuf,
}

impl PairPaths {
    /// The same files below a directory.
    #[must_use]
    pub fn below(&self, directory: &Path) -> Self {
        Self {
            certificate: directory.join(&self.certificate),
            key: directory.join(&self.key),
        }
    }
}

impl Layout {
    /// All of them, the default first.
    pub const ALL: [Self; 5] = [
        Self::Kubespray,
        Self::Kubeadm,
        Self::Cfssl,
        Self::K3s,
        Self::Etcdadm,
    ];

    /// Its name, as it is typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kubespray => "kubespray",
            Self::Kubeadm => "kubeadm",
            Self::Cfssl => "cfssl",
            Self::K3s => "k3s",
            Self::Etcdadm => "etcdadm",
        }
    }

    /// Where the authority is.
    #[must_use]
    pub fn authority(self) -> PairPaths {
        match self {
            Self::Kubespray | Self::Cfssl | Self::Etcdadm => self.pair("ca"),
            Self::K3s => self.pair("server-ca"),
            Self::Kubeadm => self.pair("etcd/ca"),
        }
    }

    /// Where the pairs of a role are: one, or two where clients and peers are served by different ones, the clients' first.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] for a name that cannot be part of a file's name.
    pub fn pairs(self, role: Role, name: &str) -> Result<Vec<PairPaths>> {
        check_file_name(name)?;
        Ok(match (self, role) {
            (Self::Cfssl, Role::Member) => {
                vec![self.pair(name), self.pair(&format!("peer-{name}"))]
            }
            (Self::Kubespray | Self::Cfssl, role) => vec![self.pair(&format!("{role}-{name}"))],
            (Self::Kubeadm, Role::Member) => vec![self.pair("etcd/server"), self.pair("etcd/peer")],
            (Self::Kubeadm, Role::Node) => vec![self.pair("apiserver-etcd-client")],
            (Self::Kubeadm, Role::Client) => vec![self.pair(&format!("etcd/client-{name}"))],
            (Self::K3s, Role::Member) => {
                vec![self.pair("server-client"), self.pair("peer-server-client")]
            }
            (Self::K3s, Role::Node) => vec![self.pair("client")],
            (Self::Etcdadm, Role::Member) => vec![self.pair("server"), self.pair("peer")],
            (Self::Etcdadm, Role::Node) => vec![self.pair("apiserver-etcd-client")],
            (Self::K3s | Self::Etcdadm, Role::Client) => {
                vec![self.pair(&format!("client-{name}"))]
            }
        })
    }

    /// Where the authority of peers is, if they have one apart.
    #[must_use]
    pub fn peer_authority(self) -> PairPaths {
        match self {
            Self::Kubespray | Self::Cfssl | Self::K3s | Self::Etcdadm => self.pair("peer-ca"),
            Self::Kubeadm => self.pair("etcd/peer-ca"),
        }
    }

    /// Where a member's pair for peers is, if they have an authority apart.
    ///
    /// # Errors
    ///
    /// As [`Layout::pairs`].
    pub fn peer_pair(self, name: &str) -> Result<PairPaths> {
        check_file_name(name)?;
        Ok(match self {
            Self::Kubespray | Self::Cfssl => self.pair(&format!("peer-{name}")),
            Self::Kubeadm => self.pair("etcd/peer"),
            Self::K3s => self.pair("peer-server-client"),
            Self::Etcdadm => self.pair("peer"),
        })
    }

    /// Whether files are called after their hosts, so that those of several can be in one directory.
    #[must_use]
    pub const fn names_hosts(self) -> bool {
        match self {
            Self::Kubespray | Self::Cfssl => true,
            Self::Kubeadm | Self::K3s | Self::Etcdadm => false,
        }
    }

    /// Whether peers have an authority apart, whatever a specification says.
    #[must_use]
    pub const fn separates_peers(self) -> bool {
        matches!(self, Self::K3s)
    }

    /// Where the client's pair is that the layout's own tools expect beside a member.
    ///
    /// # Errors
    ///
    /// As [`Layout::pairs`].
    pub fn member_client(self, name: &str) -> Result<Option<PairPaths>> {
        check_file_name(name)?;
        Ok(match self {
            Self::Kubespray => Some(self.pair(&format!("admin-{name}"))),
            Self::Kubeadm => Some(self.pair("etcd/healthcheck-client")),
            Self::Cfssl | Self::K3s => None,
            Self::Etcdadm => Some(self.pair("etcdctl-etcd-client")),
        })
    }

    /// The common name of that client.
    pub(crate) fn member_client_common_name(self, name: &str) -> String {
        match self {
            Self::Kubespray | Self::Cfssl | Self::K3s => format!("etcd-admin-{name}"),
            Self::Etcdadm => format!("{name}-etcdctl"),
            Self::Kubeadm => "kube-etcd-healthcheck-client".to_owned(),
        }
    }

    /// Whether a file has the name of a member's certificate.
    pub(crate) fn is_of_member(self, path: &Path) -> bool {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        match self {
            Self::Kubespray => stem.starts_with("member-"),
            _ => stem.contains("server") || stem.contains("peer"),
        }
    }

    /// Whether a file may have the name of a certificate that members present to each other: their only one, or the peers'.
    pub(crate) fn is_for_peers(self, path: &Path) -> bool {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let is_apart = stem == "peer" || stem.starts_with("peer-");
        is_apart || (self == Self::Kubespray && stem.starts_with("member-"))
    }

    fn pair(self, stem: &str) -> PairPaths {
        let (certificate, key) = match self {
            Self::Kubespray | Self::Cfssl => (format!("{stem}.pem"), format!("{stem}-key.pem")),
            Self::Kubeadm | Self::K3s | Self::Etcdadm => {
                (format!("{stem}.crt"), format!("{stem}.key"))
            }
        };
        PairPaths {
            certificate: certificate.into(),
            key: key.into(),
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Layout {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        words::one_of(text, "layout", &Self::ALL, Self::name)
    }
}

/// Refuses a name that leaves the directory, hides its file, reads as an option of some tool, or takes the key file of another
/// name: the certificate of `a-key` would be the key of `a`.
fn check_file_name(name: &str) -> Result<()> {
    let reason = if name.contains('/') {
        "has a slash, so it cannot name a file"
    } else if name.contains('\\') {
        "has a backslash, so it cannot name a file"
    } else if name.contains('\0') {
        "has a null character, so it cannot name a file"
    } else if name.contains("..") {
        "has two dots in a row, so it cannot name a file"
    } else if name.starts_with(['-', '.']) {
        "begins with a hyphen or a dot, so it cannot name a file"
    } else if name.ends_with("-key") {
        "ends in -key: its certificate would be called as another's key"
    } else if name.len() > 200 {
        "is too long to name a file"
    } else {
        return Ok(());
    };
    Err(Error::InvalidName {
        name: name.to_owned(),
        reason: reason.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_of_each_layout() {
        let pairs = Layout::Kubespray.pairs(Role::Member, "etcd-1").unwrap();
        assert_eq!(pairs[0].certificate, Path::new("member-etcd-1.pem"));
        assert_eq!(pairs[0].key, Path::new("member-etcd-1-key.pem"));
        let pairs = Layout::Kubeadm.pairs(Role::Member, "etcd-1").unwrap();
        assert_eq!(pairs[0].certificate, Path::new("etcd/server.crt"));
        assert_eq!(pairs[1].key, Path::new("etcd/peer.key"));
    }

    #[test]
    fn the_files_of_k3s_and_etcdadm() {
        let certificates = |layout: Layout| -> Vec<String> {
            let pairs = Role::ALL.map(|role| layout.pairs(role, "a").unwrap());
            let admin = layout.member_client("a").unwrap();
            [layout.authority(), layout.peer_authority()]
                .into_iter()
                .chain(pairs.into_iter().flatten())
                .chain(admin)
                .map(|pair| pair.certificate.display().to_string())
                .collect()
        };
        assert_eq!(
            certificates(Layout::K3s),
            [
                "server-ca.crt",
                "peer-ca.crt",
                "server-client.crt",
                "peer-server-client.crt",
                "client.crt",
                "client-a.crt",
            ]
        );
        assert_eq!(
            certificates(Layout::Etcdadm),
            [
                "ca.crt",
                "peer-ca.crt",
                "server.crt",
                "peer.crt",
                "apiserver-etcd-client.crt",
                "client-a.crt",
                "etcdctl-etcd-client.crt",
            ]
        );
    }

    #[test]
    fn names_that_make_no_file_names() {
        for (bad, has) in [
            ("a/b", "a slash"),
            ("a\"b\\c", "a backslash"),
            ("a\0", "a null"),
        ] {
            let refused = Layout::Kubespray.pairs(Role::Client, bad).unwrap_err();
            assert!(refused.to_string().contains(has), "{refused}");
        }
        for bad in ["../a", "-a", ".a", "a-key", "a..b"] {
            assert!(Layout::Kubespray.pairs(Role::Client, bad).is_err(), "{bad}");
        }
        assert!(
            Layout::Kubespray
                .pairs(Role::Client, "kube@example.com")
                .is_ok()
        );
    }
}

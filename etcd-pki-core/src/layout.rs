//! File names of other tools' layouts, in one table per layout that is read in both directions.

mod ca_kind;
mod identify;
mod list_paths;
mod pair_paths;
mod table;

use std::{fmt, str::FromStr};

pub use self::{ca_kind::CaKind, list_paths::ListPaths, pair_paths::PairPaths};
pub(crate) use self::{
    identify::{FileKind, Identified, Neighbours, RotationFile, is_idle_ca},
    list_paths::is_list,
};
use crate::{
    error::{Error, Result},
    role::Role,
    words,
};

/// A convention for naming files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layout {
    /// Kubespray's: `ca.pem`, `member-HOST.pem`, `member-HOST-key.pem`, `node-HOST.pem`, and in the
    /// same directory `client-NAME.pem`
    #[default]
    Kubespray,
    /// kubeadm's, below `/etc/kubernetes/pki`, for one host: `etcd/ca.crt`, `etcd/server.crt`,
    /// `etcd/peer.crt`, `apiserver-etcd-client.crt`, each with its `.key`; and
    /// `etcd/client-NAME.crt`
    Kubeadm,
    /// That of etcd's `hack/tls-setup` with cfssl: `ca.pem`, `HOST.pem` for clients and
    /// `peer-HOST.pem` for peers; and `node-HOST.pem`, `client-NAME.pem`
    Cfssl,
    /// That of k3s and rke2, below `/var/lib/rancher/k3s/server/tls/etcd`, for one server:
    /// `server-ca.crt` and `peer-ca.crt`, which are always two CAs, `server-client.crt` for
    /// clients, `peer-server-client.crt` for peers, and `client.crt`, with which kube-apiserver
    /// connects; and `client-NAME.crt`
    K3s,
    /// etcdadm's, below `/etc/etcd/pki`, for one host: `ca.crt`, `server.crt`, `peer.crt`,
    /// `apiserver-etcd-client.crt` and `etcdctl-etcd-client.crt`; and `client-NAME.crt`
    Etcdadm,
}

impl Layout {
    /// All layouts. The default comes first.
    pub const ALL: [Self; 5] = [
        Self::Kubespray,
        Self::Kubeadm,
        Self::Cfssl,
        Self::K3s,
        Self::Etcdadm,
    ];

    /// The name that users type.
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

    /// The paths of a CA's files. Only a cluster with a separate peer CA has the files of
    /// [`CaKind::Peer`].
    #[must_use]
    pub fn ca(self, kind: CaKind) -> PairPaths {
        let table = self.table();
        // Every table has both CAs, and a test checks this
        let pattern = table.patterns(FileKind::Ca(kind)).next();
        table.paths(pattern.unwrap_or_default(), "")
    }

    /// The paths of the pairs of a role. A member may have two: one for clients and one for peers,
    /// in this order.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] for a name that cannot be part of a file name.
    pub fn pairs(self, role: Role, name: &str) -> Result<Vec<PairPaths>> {
        check_file_name(name)?;
        let table = self.table();
        let pairs: Vec<PairPaths> = table
            .patterns(role.into())
            .map(|pattern| table.paths(pattern, name))
            .collect();
        let reason = if pairs.iter().any(|pair| is_list(&pair.certificate)) {
            "would give a certificate the file of the revocation list"
        } else if pairs
            .iter()
            .any(|pair| self.names_idle_ca(&pair.certificate))
        {
            // `check` ignores the age of these CAs
            "would give its file the name of a replaced CA, or of a CA of a rotation"
        } else {
            return Ok(pairs);
        };
        Err(Error::InvalidName {
            name: name.to_owned(),
            reason: reason.to_owned(),
        })
    }

    /// The paths of a member's peer pair, if there is a separate peer CA.
    ///
    /// # Errors
    ///
    /// The errors of [`Layout::pairs`].
    pub fn peer_pair(self, name: &str) -> Result<PairPaths> {
        check_file_name(name)?;
        let table = self.table();
        Ok(table.paths(table.peer_pattern().unwrap_or_default(), name))
    }

    /// The paths of the client pair that the layout's own tools expect next to a member.
    ///
    /// # Errors
    ///
    /// The errors of [`Layout::pairs`].
    pub fn member_client(self, name: &str) -> Result<Option<PairPaths>> {
        check_file_name(name)?;
        let table = self.table();
        let pattern = table.patterns(FileKind::Admin).next();
        Ok(pattern.map(|pattern| table.paths(pattern, name)))
    }

    /// Whether file names contain the host, so that one directory can have the files of several
    /// hosts.
    #[must_use]
    pub const fn names_hosts(self) -> bool {
        match self {
            Self::Kubespray | Self::Cfssl => true,
            Self::Kubeadm | Self::K3s | Self::Etcdadm => false,
        }
    }

    /// Whether the layout always has a separate peer CA, regardless of the specification.
    #[must_use]
    pub const fn separates_peers(self) -> bool {
        matches!(self, Self::K3s)
    }

    /// The common name of the client that the layout's tools expect next to a member.
    pub(crate) fn member_client_common_name(self, name: &str) -> String {
        match self {
            Self::Kubespray | Self::Cfssl | Self::K3s => format!("etcd-admin-{name}"),
            Self::Etcdadm => format!("{name}-etcdctl"),
            Self::Kubeadm => "kube-etcd-healthcheck-client".to_owned(),
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

/// Refuses a name that leaves the directory, hides its file, looks like an option to some tool, or
/// takes the key file of another name: the certificate of `a-key` would be the key of `a`.
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
    use std::path::Path;

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
            CaKind::ALL
                .map(|kind| layout.ca(kind))
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

    /// A revocation list has no other meaning in any layout, also where every name may be a
    /// member's.
    #[test]
    fn the_names_of_revocation_lists() {
        for layout in Layout::ALL {
            let ListPaths { der, pem } = layout.revocation_lists();
            let ca = layout.ca(CaKind::Client).certificate;
            for path in [der, pem] {
                assert_eq!(path.parent(), ca.parent());
                assert!(is_list(&path));
                assert_eq!(layout.identify(&path), None, "{layout}");
                assert!(!layout.names_key(&path) && !layout.is_of_member(&path));
            }
            for role in Role::ALL {
                let pairs = layout.pairs(role, "revoked");
                assert_eq!(
                    pairs.is_err(),
                    layout == Layout::Cfssl && role == Role::Member,
                    "{layout} {role}"
                );
            }
        }
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
        for (layout, role, is_refused) in [
            (Layout::Cfssl, Role::Member, true),
            (Layout::Cfssl, Role::Client, false),
            (Layout::Kubespray, Role::Member, false),
            (Layout::K3s, Role::Client, false),
        ] {
            for bad in ["ca-replaced-1", "peer-ca-replaced-1", "ca-next", "ca-link"] {
                let pairs = layout.pairs(role, bad);
                assert_eq!(pairs.is_err(), is_refused, "{layout} {role} {bad}");
            }
        }
        assert!(
            Layout::Kubespray
                .pairs(Role::Client, "kube@example.com")
                .is_ok()
        );
    }
}

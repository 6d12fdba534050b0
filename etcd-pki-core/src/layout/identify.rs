//! Identifies files by name, and finds the files next to them.

use std::path::{Path, PathBuf};

use super::{
    CaKind, Layout, PairPaths, check_file_name, is_list,
    table::{NAME, Row, file_of, row_of},
};
use crate::role::Role;

/// The purpose of a pair of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileKind {
    Ca(CaKind),
    /// A replaced CA, with the serial number of its certificate in the name
    ReplacedCa(CaKind),
    /// A file of a rotation
    Rotation(CaKind, RotationFile),
    Member,
    /// A member's peer pair, in a layout that has this name only with a separate peer CA
    Peer,
    /// The client that a layout's tools expect next to a member
    Admin,
    Node,
    Client,
}

/// A file next to a CA during its rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RotationFile {
    /// The key of the new CA, until the new CA signs
    Next,
    /// The certificate and the key of the old CA, after the new CA signs
    Previous,
    /// The certificate with which the old CA vouches for the new one
    Link,
}

impl RotationFile {
    /// The text after the usual name of the CA.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Next => "-next",
            Self::Previous => "-previous",
            Self::Link => "-link",
        }
    }
}

/// The meaning of a file's name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identified {
    pub(crate) kind: FileKind,
    /// The name in the file name; empty if the layout's names contain none
    pub(crate) name: String,
    /// The host with the tree that contains the file
    pub(crate) host: Option<String>,
    /// The file and the other file of its pair
    pub(crate) paths: PairPaths,
    /// Whether the file is a key
    pub(crate) is_key: bool,
}

/// The files around a leaf certificate according to the layout of its name, relative to its
/// directory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Neighbours {
    pub(crate) layout: Layout,
    pub(crate) kind: FileKind,
    /// Whether it is a member's certificate for peers, if there is a separate peer CA
    pub(crate) is_for_peers: bool,
    /// The number of the layout's folders that contain the leaf
    pub(crate) levels: usize,
    pub(crate) ca: PathBuf,
    pub(crate) peer_ca: PathBuf,
    /// The certificates of members, if their names show the layout
    pub(crate) members: Vec<PathBuf>,
}

impl Layout {
    /// Identifies a certificate or key by its path below the directory. This is the inverse of
    /// [`Layout::ca`], [`Layout::pairs`], [`Layout::peer_pair`] and [`Layout::member_client`].
    ///
    /// If names contain no host, the files of one host may be in a tree with the host's name. CAs
    /// and separate clients have no tree.
    pub(crate) fn identify(self, path: &Path) -> Option<Identified> {
        if is_list(path) {
            return None;
        }
        let table = self.table();
        let (stem, is_key) = table.stem(path.to_str()?)?;
        if let Some(((kind, pattern), name)) = row_of(table.rows.iter().copied(), stem) {
            return Some(Identified {
                kind,
                name: name.to_owned(),
                host: None,
                paths: table.paths(pattern, name),
                is_key,
            });
        }
        if self.names_hosts() {
            return None;
        }
        let (host, stem) = stem.split_once('/')?;
        if host.is_empty() || check_file_name(host).is_err() {
            return None;
        }
        let of_hosts = table
            .rows
            .iter()
            .filter(|(kind, pattern)| !kind.is_of_ca() && !pattern.contains(NAME));
        let ((kind, pattern), name) = row_of(of_hosts.copied(), stem)?;
        Some(Identified {
            kind,
            name: name.to_owned(),
            host: Some(host.to_owned()),
            paths: table.paths(pattern, name).below(Path::new(host)),
            is_key,
        })
    }

    /// Whether every file name may be a member's, so that a single file proves nothing. cfssl names
    /// a member's certificate only after the member.
    pub(crate) fn takes_any_name(self) -> bool {
        self.table()
            .rows
            .iter()
            .any(|(_, pattern)| *pattern == NAME)
    }

    /// Whether a file has the name of a key, of a CA or of a leaf. Ignores directories.
    pub(crate) fn names_key(self, path: &Path) -> bool {
        self.row_of_file(path).is_some_and(|(_, is_key)| is_key)
    }

    /// Whether a file has the name of a CA that etcd does not read: a replaced CA, or a CA or a link
    /// certificate of a rotation. Ignores directories.
    pub(crate) fn names_idle_ca(self, path: &Path) -> bool {
        self.row_of_file(path)
            .is_some_and(|((kind, _), _)| kind.is_of_ca() && kind.ca().is_none())
    }

    /// Whether a file has the name of a member's certificate, as far as the name shows this.
    /// Ignores directories.
    pub(crate) fn is_of_member(self, path: &Path) -> bool {
        self.row_of_file(path)
            .is_some_and(|((kind, pattern), is_key)| {
                kind == FileKind::Member && pattern != NAME && !is_key
            })
    }

    /// Identifies a file by its name in any layout. The second value is whether it is a key.
    /// Ignores directories, and names that any file may have.
    pub(crate) fn kind_by_name(path: &Path) -> Option<(FileKind, bool)> {
        Self::ALL.into_iter().find_map(|layout| {
            let ((kind, pattern), is_key) = layout.row_of_file(path)?;
            (pattern != NAME).then_some((kind, is_key))
        })
    }

    /// Whether a file may be a certificate that members present to each other: their only one, or
    /// the one for peers. Ignores directories.
    pub(crate) fn is_for_peers(self, path: &Path) -> bool {
        let table = self.table();
        let presented = [
            table.patterns(FileKind::Member).last(),
            table.peer_pattern(),
        ];
        self.row_of_file(path)
            .is_some_and(|((_, pattern), is_key)| {
                !is_key
                    && presented
                        .into_iter()
                        .flatten()
                        .any(|peer| file_of(peer) == pattern)
            })
    }

    /// The files around a leaf certificate with a name of this layout. `None` for other names, and
    /// for names that any file may have. Ignores directories.
    pub(crate) fn neighbours(self, path: &Path) -> Option<Neighbours> {
        let ((kind, file), is_key) = self.row_of_file(path)?;
        if is_key || kind.is_of_ca() || file == NAME {
            return None;
        }
        let table = self.table();
        let is_it = |row: &&Row| row.0 == kind && file_of(row.1) == file;
        let (_, pattern) = table.rows.iter().find(is_it)?;
        let folder = pattern.strip_suffix(file).unwrap_or_default();
        let relative = |paths: PairPaths| match paths.certificate.strip_prefix(folder) {
            Ok(below) => below.to_owned(),
            Err(_) => paths.certificate,
        };
        let members = table.patterns(FileKind::Member);
        let members = members.filter(|pattern| !pattern.contains(NAME));
        Some(Neighbours {
            layout: self,
            kind,
            is_for_peers: table.peer_pattern() == Some(pattern),
            levels: Path::new(folder).components().count(),
            ca: relative(self.ca(CaKind::Client)),
            peer_ca: relative(self.ca(CaKind::Peer)),
            members: members
                .map(|pattern| relative(table.paths(pattern, "")))
                .collect(),
        })
    }

    /// The row for a file's name without its directory, and whether it is the key's.
    fn row_of_file(self, path: &Path) -> Option<(Row, bool)> {
        if is_list(path) {
            return None;
        }
        let table = self.table();
        let (stem, is_key) = table.stem(path.file_name()?.to_str()?)?;
        let rows = table
            .rows
            .iter()
            .map(|(kind, pattern)| (*kind, file_of(pattern)));
        let (row, _) = row_of(rows, stem)?;
        Some((row, is_key))
    }
}

/// Whether a file has the name of a replaced CA, or of a CA or a link certificate of a rotation, in
/// any layout. etcd does not read it. Ignores directories.
pub(crate) fn is_idle_ca(path: &Path) -> bool {
    Layout::ALL.iter().any(|layout| layout.names_idle_ca(path))
}

impl FileKind {
    /// The kind of CA, if the files belong to a CA in use.
    pub(crate) fn ca(self) -> Option<CaKind> {
        match self {
            Self::Ca(kind) => Some(kind),
            _ => None,
        }
    }

    /// Whether the files belong to a CA: one in use, a replaced one, or one of a rotation.
    pub(crate) fn is_of_ca(self) -> bool {
        matches!(self, Self::Ca(_) | Self::ReplacedCa(_) | Self::Rotation(..))
    }
}

impl From<Role> for FileKind {
    fn from(role: Role) -> Self {
        match role {
            Role::Member => Self::Member,
            Role::Node => Self::Node,
            Role::Client => Self::Client,
        }
    }
}

impl Identified {
    /// Whether the file is a certificate that is not a CA's.
    pub(crate) fn is_leaf_certificate(&self) -> bool {
        !self.kind.is_of_ca() && !self.is_key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One pair for each kind that a layout has.
    fn every_pair(layout: Layout, name: &str) -> Vec<(FileKind, PairPaths)> {
        let cas = CaKind::ALL.map(|kind| (FileKind::Ca(kind), layout.ca(kind)));
        let mut all = cas.to_vec();
        for role in Role::ALL {
            let pairs = layout.pairs(role, name).unwrap();
            assert!(!pairs.is_empty(), "{layout} {role}");
            all.extend(pairs.into_iter().map(|pair| (role.into(), pair)));
        }
        let admin = layout.member_client(name).unwrap();
        all.extend(admin.map(|pair| (FileKind::Admin, pair)));
        let peer = layout.peer_pair(name).unwrap();
        // Most layouts have the same pair whether or not there is a separate peer CA
        if all.iter().all(|(_, pair)| *pair != peer) {
            all.push((FileKind::Peer, peer));
        }
        all
    }

    #[test]
    fn each_name_leads_back_to_its_kind() {
        for layout in Layout::ALL {
            for name in [
                "a",
                "etcd-1.example.com",
                "10.0.0.1",
                "kube@example.com",
                "peer",
            ] {
                for (kind, pair) in every_pair(layout, name) {
                    let certificate = pair.certificate.to_str().unwrap();
                    let is_named = certificate.contains(name) && kind.ca().is_none();
                    let is_named = is_named && (layout.names_hosts() || kind == FileKind::Client);
                    for (path, is_key) in [(&pair.certificate, false), (&pair.key, true)] {
                        let expected = Identified {
                            kind,
                            name: if is_named {
                                name.to_owned()
                            } else {
                                String::new()
                            },
                            host: None,
                            paths: pair.clone(),
                            is_key,
                        };
                        assert_eq!(layout.identify(path), Some(expected), "{layout}");
                        assert_eq!(layout.names_key(&Path::new("/pki").join(path)), is_key);
                    }
                    let below = pair.below(Path::new(name));
                    for path in [&below.certificate, &below.key] {
                        let found = layout.identify(path);
                        let has_tree = !layout.names_hosts() && !is_named && kind.ca().is_none();
                        assert_eq!(found.is_some(), has_tree, "{layout} {}", path.display());
                        if let Some(found) = found {
                            assert_eq!((found.kind, &found.paths), (kind, &below));
                            assert_eq!(found.host.as_deref(), Some(name));
                        }
                    }
                }
            }
        }
    }

    /// A replaced CA counts neither as a CA in use nor as a leaf, with every possible name.
    #[test]
    fn the_names_of_replaced_cas() {
        for layout in Layout::ALL {
            for kind in CaKind::ALL {
                let ca = layout.ca(kind);
                let replaced = ca.replaced("4A1C");
                for (path, of, is_key) in [
                    (&replaced.certificate, &ca.certificate, false),
                    (&replaced.key, &ca.key, true),
                ] {
                    assert_eq!(path.parent(), of.parent());
                    let found = layout.identify(path).unwrap();
                    assert_eq!(found.kind, FileKind::ReplacedCa(kind), "{layout}");
                    assert_eq!((&*found.name, found.is_key), ("4A1C", is_key));
                    assert_eq!(found.paths, replaced);
                    assert!(found.kind.ca().is_none() && !found.is_leaf_certificate());
                    assert!(is_idle_ca(&Path::new("pki").join(path)));
                    assert!(!is_idle_ca(of));
                }
            }
        }
        let named = |certificate: &str, key: &str| {
            let pair = PairPaths {
                certificate: certificate.into(),
                key: key.into(),
            };
            let replaced = pair.replaced("1");
            (replaced.certificate, replaced.key)
        };
        for (certificate, key, expected) in [
            (
                "a/x.pem",
                "a/x-key.pem",
                ("a/x-replaced-1.pem", "a/x-replaced-1-key.pem"),
            ),
            ("x", "b/y.k", ("x-replaced-1", "b/y-replaced-1.k")),
        ] {
            let expected = (expected.0.into(), expected.1.into());
            assert_eq!(named(certificate, key), expected);
        }
    }

    /// The files of a rotation count neither as a CA in use nor as a leaf, nor as files of a host.
    #[test]
    fn the_names_of_a_rotation() {
        for layout in Layout::ALL {
            for kind in CaKind::ALL {
                let ca = layout.ca(kind);
                for file in [
                    RotationFile::Next,
                    RotationFile::Previous,
                    RotationFile::Link,
                ] {
                    let paths = ca.rotation(file);
                    for (path, of, is_key) in [
                        (&paths.certificate, &ca.certificate, false),
                        (&paths.key, &ca.key, true),
                    ] {
                        assert_eq!(path.parent(), of.parent());
                        let found = layout.identify(path).unwrap();
                        assert_eq!(found.kind, FileKind::Rotation(kind, file), "{layout}");
                        assert_eq!((&*found.name, found.is_key), ("", is_key));
                        assert_eq!(found.paths, paths);
                        assert!(found.kind.ca().is_none() && !found.is_leaf_certificate());
                        assert!(is_idle_ca(&Path::new("pki").join(path)));
                    }
                    let below = paths.below(Path::new("host"));
                    assert_eq!(layout.identify(&below.certificate), None, "{layout}");
                }
            }
        }
        let named = |layout: Layout, file| {
            let paths = layout.ca(CaKind::Client).rotation(file);
            [paths.certificate, paths.key].map(|path| path.display().to_string())
        };
        assert_eq!(
            named(Layout::Kubespray, RotationFile::Next),
            ["ca-next.pem", "ca-next-key.pem"]
        );
        assert_eq!(
            named(Layout::Kubeadm, RotationFile::Link),
            ["etcd/ca-link.crt", "etcd/ca-link.key"]
        );
    }

    #[test]
    fn names_of_no_layout() {
        for path in [
            "",
            ".",
            "..",
            "/",
            "a",
            "a.txt",
            "openssl.conf",
            "etcd",
            "a/b/c.pem",
            "..pem",
            ".pem",
            "-key.pem",
            "-a.pem",
            "a..b.pem",
            "a-key-key.pem",
            "node-..a.pem",
            "member-a.pem.bak",
            "/ca.pem",
            "/etcd/server.crt",
            "../etcd/server.crt",
            ".old/etcd/server.crt",
            "a/b/etcd/server.crt",
            "a-key/etcd/server.crt",
            "a/etcd/ca.crt",
            "a/etcd/client-b.crt",
            "etcd/client-.crt",
            "etcd/client-a.pem",
            "apiserver.crt",
            "apiserver.key",
            "sa.key",
            "front-proxy-ca.crt",
            "client-{name}.crt/server.pem",
        ] {
            for layout in Layout::ALL {
                assert_eq!(layout.identify(Path::new(path)), None, "{layout} {path}");
            }
        }
        for (layout, path) in [
            (Layout::Kubespray, "a.pem"),
            (Layout::Kubespray, "node-.pem"),
            (Layout::Kubespray, "a/member-a.pem"),
            (Layout::Kubespray, "member-a.crt"),
            (Layout::Cfssl, "a.crt"),
            (Layout::Cfssl, "peer-..a.pem"),
            (Layout::K3s, "a/client-a.crt"),
            (Layout::K3s, "a/client-{name}.crt"),
        ] {
            assert_eq!(layout.identify(Path::new(path)), None, "{layout} {path}");
        }
    }

    #[test]
    fn one_row_of_several() {
        let kind = |path| Layout::Cfssl.identify(Path::new(path)).unwrap().kind;
        assert_eq!(kind("ca.pem"), FileKind::Ca(CaKind::Client));
        assert_eq!(kind("peer-ca-key.pem"), FileKind::Ca(CaKind::Peer));
        assert_eq!(kind("peer-a.pem"), FileKind::Member);
        assert_eq!(kind("client-a.pem"), FileKind::Client);
        assert_eq!(kind("client.pem"), FileKind::Member);
    }

    #[test]
    fn keys_in_any_directory() {
        for (path, expected) in [
            ("pki/member-a.lan-key.pem", true),
            ("client-a-key.pem", true),
            ("peer-ca-key.pem", true),
            ("etcd/server.key", true),
            ("etcd/ca.key", true),
            ("client-a.key", true),
            ("server-ca.key", true),
            ("member-a.pem", false),
            // Kubernetes and k3s use these keys for signatures that are not on certificates
            ("sa.key", false),
            ("service.key", false),
            ("apiserver.key", false),
        ] {
            let named = Layout::ALL.map(|layout| layout.names_key(Path::new(path)));
            assert_eq!(named.contains(&true), expected, "{path}");
        }
    }

    #[test]
    fn certificates_of_members_and_for_peers() {
        for (layout, path, is_of_member, is_for_peers) in [
            (Layout::Kubespray, "pki/member-a.pem", true, true),
            (Layout::Kubespray, "pki/member-a-key.pem", false, false),
            (Layout::Kubespray, "pki/peer-a.pem", false, true),
            (Layout::Kubespray, "pki/admin-a.pem", false, false),
            (Layout::Kubeadm, "pki/etcd/server.crt", true, false),
            (Layout::Kubeadm, "pki/a/etcd/peer.crt", true, true),
            (Layout::Kubeadm, "pki/apiserver.crt", false, false),
            (Layout::Cfssl, "pki/a.pem", false, false),
            (Layout::Cfssl, "pki/peer-a.pem", true, true),
            (Layout::Cfssl, "pki/peer-ca.pem", false, false),
            (Layout::K3s, "pki/server-client.crt", true, false),
            (Layout::K3s, "pki/peer-server-client.crt", true, true),
            (Layout::K3s, "pki/server-ca.crt", false, false),
            (Layout::Etcdadm, "pki/peer.crt", true, true),
        ] {
            let path = Path::new(path);
            let found = (layout.is_of_member(path), layout.is_for_peers(path));
            let expected = (is_of_member, is_for_peers);
            assert_eq!(found, expected, "{layout} {}", path.display());
        }
    }

    #[test]
    fn the_cas_of_leaves() {
        for (layout, path, expected) in [
            (
                Layout::Kubespray,
                "pki/member-a.pem",
                Some(("ca.pem", false)),
            ),
            (Layout::Kubespray, "pki/peer-a.pem", Some(("ca.pem", true))),
            (Layout::Kubespray, "pki/a.pem", None),
            (Layout::Kubespray, "pki/ca.pem", None),
            (Layout::Kubespray, "pki/member-a-key.pem", None),
            (Layout::Cfssl, "pki/a.pem", None),
            (Layout::Kubeadm, "pki/etcd/peer.crt", Some(("ca.crt", true))),
            (Layout::Kubeadm, "server.crt", Some(("ca.crt", false))),
            (
                Layout::Kubeadm,
                "pki/apiserver-etcd-client.crt",
                Some(("etcd/ca.crt", false)),
            ),
            (
                Layout::Etcdadm,
                "pki/apiserver-etcd-client.crt",
                Some(("ca.crt", false)),
            ),
            (
                Layout::K3s,
                "etcd/client.crt",
                Some(("server-ca.crt", false)),
            ),
        ] {
            let found = layout.neighbours(Path::new(path));
            let found = found.map(|one| (one.ca, one.is_for_peers));
            let expected = expected.map(|(ca, is_for_peers)| (PathBuf::from(ca), is_for_peers));
            assert_eq!(found, expected, "{layout} {path}");
        }
    }

    #[test]
    fn kinds_of_cas_by_name() {
        for kind in CaKind::ALL {
            assert_eq!(kind.to_string().parse::<CaKind>().unwrap(), kind);
        }
        assert!("peers".parse::<CaKind>().is_err());
    }
}

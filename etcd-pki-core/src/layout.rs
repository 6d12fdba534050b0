//! File names, for the tools that look for them: one table per layout, read in both directions.

use std::{
    ffi::OsStr,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
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

/// Where a key and its certificate are, below a directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PairPaths {
    /// The certificate's file
    pub certificate: PathBuf,
    /// The key's file
    pub key: PathBuf,
}

/// What a pair of files is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileKind {
    Ca(CaKind),
    /// A CA that another one replaced, under the serial number of its certificate
    ReplacedCa(CaKind),
    Member,
    /// A member's pair for peers, in a layout that names it only where peers have a separate CA
    Peer,
    /// The client that a layout's tools expect next to a member
    Admin,
    Node,
    Client,
}

/// What the name of a file means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identified {
    pub(crate) kind: FileKind,
    /// Empty where files carry no name
    pub(crate) name: String,
    /// The host that has the tree in which the file is
    pub(crate) host: Option<String>,
    /// The file and its other half
    pub(crate) paths: PairPaths,
    /// Whether the file is the key's
    pub(crate) is_key: bool,
}

/// The files around a leaf certificate, as the layout of its name has them, relative to its directory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Neighbours {
    pub(crate) layout: Layout,
    pub(crate) kind: FileKind,
    /// Whether it is a member's certificate for peers, where peers have a separate CA
    pub(crate) is_for_peers: bool,
    /// How many folders of the layout the leaf is in
    pub(crate) levels: usize,
    pub(crate) ca: PathBuf,
    pub(crate) peer_ca: PathBuf,
    /// The certificates of members with names that show their layout
    pub(crate) members: Vec<PathBuf>,
}

/// The names of a layout's files.
struct Table {
    /// How a certificate's file ends
    certificate: &'static str,
    /// How a key's file ends
    key: &'static str,
    /// What comes before the ending. No two rows are equal. A member's pair for clients comes
    /// before its pair for peers.
    rows: &'static [Row],
}

type Row = (FileKind, &'static str);

/// The place of a name in a table
const NAME: &str = "{name}";
/// What follows the usual name of a CA that was replaced
const REPLACED: &str = "-replaced-";

const KUBESPRAY: Table = Table::pem(&[
    (FileKind::Ca(CaKind::Client), "ca"),
    (FileKind::ReplacedCa(CaKind::Client), "ca-replaced-{name}"),
    (FileKind::Ca(CaKind::Peer), "peer-ca"),
    (
        FileKind::ReplacedCa(CaKind::Peer),
        "peer-ca-replaced-{name}",
    ),
    (FileKind::Member, "member-{name}"),
    (FileKind::Peer, "peer-{name}"),
    (FileKind::Admin, "admin-{name}"),
    (FileKind::Node, "node-{name}"),
    (FileKind::Client, "client-{name}"),
]);

const KUBEADM: Table = Table::crt(&[
    (FileKind::Ca(CaKind::Client), "etcd/ca"),
    (
        FileKind::ReplacedCa(CaKind::Client),
        "etcd/ca-replaced-{name}",
    ),
    (FileKind::Ca(CaKind::Peer), "etcd/peer-ca"),
    (
        FileKind::ReplacedCa(CaKind::Peer),
        "etcd/peer-ca-replaced-{name}",
    ),
    (FileKind::Member, "etcd/server"),
    (FileKind::Member, "etcd/peer"),
    (FileKind::Admin, "etcd/healthcheck-client"),
    (FileKind::Node, "apiserver-etcd-client"),
    (FileKind::Client, "etcd/client-{name}"),
]);

const CFSSL: Table = Table::pem(&[
    (FileKind::Ca(CaKind::Client), "ca"),
    (FileKind::ReplacedCa(CaKind::Client), "ca-replaced-{name}"),
    (FileKind::Ca(CaKind::Peer), "peer-ca"),
    (
        FileKind::ReplacedCa(CaKind::Peer),
        "peer-ca-replaced-{name}",
    ),
    (FileKind::Member, "{name}"),
    (FileKind::Member, "peer-{name}"),
    (FileKind::Node, "node-{name}"),
    (FileKind::Client, "client-{name}"),
]);

const K3S: Table = Table::crt(&[
    (FileKind::Ca(CaKind::Client), "server-ca"),
    (
        FileKind::ReplacedCa(CaKind::Client),
        "server-ca-replaced-{name}",
    ),
    (FileKind::Ca(CaKind::Peer), "peer-ca"),
    (
        FileKind::ReplacedCa(CaKind::Peer),
        "peer-ca-replaced-{name}",
    ),
    (FileKind::Member, "server-client"),
    (FileKind::Member, "peer-server-client"),
    (FileKind::Node, "client"),
    (FileKind::Client, "client-{name}"),
]);

const ETCDADM: Table = Table::crt(&[
    (FileKind::Ca(CaKind::Client), "ca"),
    (FileKind::ReplacedCa(CaKind::Client), "ca-replaced-{name}"),
    (FileKind::Ca(CaKind::Peer), "peer-ca"),
    (
        FileKind::ReplacedCa(CaKind::Peer),
        "peer-ca-replaced-{name}",
    ),
    (FileKind::Member, "server"),
    (FileKind::Member, "peer"),
    (FileKind::Admin, "etcdctl-etcd-client"),
    (FileKind::Node, "apiserver-etcd-client"),
    (FileKind::Client, "client-{name}"),
]);

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

    /// Where a CA is. Only a cluster with a separate peer CA has the files of [`CaKind::Peer`].
    #[must_use]
    pub fn ca(self, kind: CaKind) -> PairPaths {
        let table = self.table();
        // Every table has both, as a test shows
        let pattern = table.patterns(FileKind::Ca(kind)).next();
        table.paths(pattern.unwrap_or_default(), "")
    }

    /// Where the pairs of a role are: one, or two where a member has one pair for clients and one
    /// for peers, in this order.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] for a name that cannot be part of a file's name.
    pub fn pairs(self, role: Role, name: &str) -> Result<Vec<PairPaths>> {
        check_file_name(name)?;
        let table = self.table();
        Ok(table
            .patterns(role.into())
            .map(|pattern| table.paths(pattern, name))
            .collect())
    }

    /// Where a member's pair for peers is, if peers have a separate CA.
    ///
    /// # Errors
    ///
    /// As [`Layout::pairs`].
    pub fn peer_pair(self, name: &str) -> Result<PairPaths> {
        check_file_name(name)?;
        let table = self.table();
        Ok(table.paths(table.peer_pattern().unwrap_or_default(), name))
    }

    /// Where the client's pair is that the layout's own tools expect next to a member.
    ///
    /// # Errors
    ///
    /// As [`Layout::pairs`].
    pub fn member_client(self, name: &str) -> Result<Option<PairPaths>> {
        check_file_name(name)?;
        let table = self.table();
        let pattern = table.patterns(FileKind::Admin).next();
        Ok(pattern.map(|pattern| table.paths(pattern, name)))
    }

    /// Whether file names contain the host, so that files of several hosts fit in one directory.
    #[must_use]
    pub const fn names_hosts(self) -> bool {
        match self {
            Self::Kubespray | Self::Cfssl => true,
            Self::Kubeadm | Self::K3s | Self::Etcdadm => false,
        }
    }

    /// Whether peers have a separate CA, whatever a specification requires.
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

    /// Reads the name of a certificate's or key's file, as a path below the directory: the inverse
    /// of [`Layout::ca`], [`Layout::pairs`], [`Layout::peer_pair`] and [`Layout::member_client`].
    ///
    /// Where names contain no host, the files of one may be in a tree that has the host's name. CAs
    /// and clients of their own have no tree.
    pub(crate) fn identify(self, path: &Path) -> Option<Identified> {
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
            .filter(|(kind, pattern)| kind.ca().is_none() && !pattern.contains(NAME));
        let ((kind, pattern), name) = row_of(of_hosts.copied(), stem)?;
        Some(Identified {
            kind,
            name: name.to_owned(),
            host: Some(host.to_owned()),
            paths: table.paths(pattern, name).below(Path::new(host)),
            is_key,
        })
    }

    /// Whether every file name may be a member's, so that one alone proves nothing: cfssl names a
    /// member's certificate after the member and nothing else.
    pub(crate) fn takes_any_name(self) -> bool {
        self.table()
            .rows
            .iter()
            .any(|(_, pattern)| *pattern == NAME)
    }

    /// Whether a file has the name of a key, of a CA or a leaf. Directories do not matter.
    pub(crate) fn names_key(self, path: &Path) -> bool {
        self.row_of_file(path).is_some_and(|(_, is_key)| is_key)
    }

    /// Whether a file has the name of a CA that another one replaced. Directories do not matter.
    pub(crate) fn names_replaced_ca(self, path: &Path) -> bool {
        let row = self.row_of_file(path);
        row.is_some_and(|((kind, _), _)| matches!(kind, FileKind::ReplacedCa(_)))
    }

    /// Whether a file has the name of a member's certificate, as far as the name alone shows this.
    /// Directories do not matter.
    pub(crate) fn is_of_member(self, path: &Path) -> bool {
        self.row_of_file(path)
            .is_some_and(|((kind, pattern), is_key)| {
                kind == FileKind::Member && pattern != NAME && !is_key
            })
    }

    /// What a file is for by its own name in any layout, and whether the name is a key's. Names that
    /// every file may have do not count, nor do directories.
    pub(crate) fn kind_by_name(path: &Path) -> Option<(FileKind, bool)> {
        Self::ALL.into_iter().find_map(|layout| {
            let ((kind, pattern), is_key) = layout.row_of_file(path)?;
            (pattern != NAME).then_some((kind, is_key))
        })
    }

    /// Whether a file may have the name of a certificate that members present to each other: their
    /// only one, or the one for peers. Directories do not matter.
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

    /// The files around a leaf certificate with a name of this layout; `None` for other names, and for
    /// names that every file may have. Only the file's own name matters.
    pub(crate) fn neighbours(self, path: &Path) -> Option<Neighbours> {
        let ((kind, file), is_key) = self.row_of_file(path)?;
        let is_ca = matches!(kind, FileKind::Ca(_) | FileKind::ReplacedCa(_));
        if is_key || is_ca || file == NAME {
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

    /// The row that has a file's own name, without its directory, and whether it is the key's.
    fn row_of_file(self, path: &Path) -> Option<(Row, bool)> {
        let table = self.table();
        let (stem, is_key) = table.stem(path.file_name()?.to_str()?)?;
        let rows = table
            .rows
            .iter()
            .map(|(kind, pattern)| (*kind, file_of(pattern)));
        let (row, _) = row_of(rows, stem)?;
        Some((row, is_key))
    }

    const fn table(self) -> &'static Table {
        match self {
            Self::Kubespray => &KUBESPRAY,
            Self::Kubeadm => &KUBEADM,
            Self::Cfssl => &CFSSL,
            Self::K3s => &K3S,
            Self::Etcdadm => &ETCDADM,
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

/// One of the CAs of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaKind {
    /// The CA of clients, and of peers unless they have a separate one
    Client,
    /// The separate CA of peers
    Peer,
}

impl CaKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Client, Self::Peer];

    /// Its name, as it is typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Peer => "peer",
        }
    }
}

impl fmt::Display for CaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for CaKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        words::one_of(text, "CA", &Self::ALL, Self::name)
    }
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

    /// The files under which a CA with these files is kept when another one replaces it:
    /// `ca-replaced-SERIAL.pem` and `ca-replaced-SERIAL-key.pem` for `ca.pem` and `ca-key.pem`.
    pub(crate) fn replaced(&self, serial: &str) -> Self {
        let text = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let stem = text(self.certificate.file_stem());
        let renamed = |path: &Path| {
            let own = text(path.file_stem());
            // The key of `x.pem` is `x-key.pem`, and that of `x.crt` is `x.key`
            let name = match own.strip_prefix(&stem) {
                Some(rest) => format!("{stem}{REPLACED}{serial}{rest}"),
                None => format!("{own}{REPLACED}{serial}"),
            };
            match path.extension() {
                Some(extension) => path.with_file_name(format!("{name}.{}", text(Some(extension)))),
                None => path.with_file_name(name),
            }
        };
        Self {
            certificate: renamed(&self.certificate),
            key: renamed(&self.key),
        }
    }
}

/// Whether a file has the name of a replaced CA in some layout. Directories do not matter.
pub(crate) fn is_replaced_ca(path: &Path) -> bool {
    Layout::ALL
        .iter()
        .any(|layout| layout.names_replaced_ca(path))
}

impl FileKind {
    /// The CA, if the files are those of a CA that is in use.
    pub(crate) fn ca(self) -> Option<CaKind> {
        match self {
            Self::Ca(kind) => Some(kind),
            _ => None,
        }
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
    /// Whether the file is a certificate's, and not a CA's.
    pub(crate) fn is_leaf_certificate(&self) -> bool {
        !matches!(self.kind, FileKind::Ca(_) | FileKind::ReplacedCa(_)) && !self.is_key
    }
}

impl Table {
    const fn pem(rows: &'static [Row]) -> Self {
        Self {
            certificate: ".pem",
            key: "-key.pem",
            rows,
        }
    }

    const fn crt(rows: &'static [Row]) -> Self {
        Self {
            certificate: ".crt",
            key: ".key",
            rows,
        }
    }

    fn patterns(&self, of: FileKind) -> impl Iterator<Item = &'static str> {
        let rows = self.rows.iter().filter(move |(kind, _)| *kind == of);
        rows.map(|(_, pattern)| *pattern)
    }

    /// The pattern of a member's pair for peers: the last of its pairs.
    fn peer_pattern(&self) -> Option<&'static str> {
        let mut rows = self.rows.iter().rev();
        let row = rows.find(|(kind, _)| matches!(kind, FileKind::Member | FileKind::Peer));
        row.map(|(_, pattern)| *pattern)
    }

    fn paths(&self, pattern: &str, name: &str) -> PairPaths {
        let stem = pattern.replace(NAME, name);
        PairPaths {
            certificate: format!("{stem}{}", self.certificate).into(),
            key: format!("{stem}{}", self.key).into(),
        }
    }

    /// A path without its ending, and whether this is a key's.
    fn stem<'a>(&self, path: &'a str) -> Option<(&'a str, bool)> {
        // NAME-key.pem ends in .pem too
        if let Some(stem) = path.strip_suffix(self.key) {
            return Some((stem, true));
        }
        Some((path.strip_suffix(self.certificate)?, false))
    }
}

/// The row that has a stem, and the name in it: of several rows the one that leaves the shortest
/// name, since `{name}` takes `client-NAME` too.
fn row_of(rows: impl Iterator<Item = Row>, stem: &str) -> Option<(Row, &str)> {
    let (row, name) = rows
        .filter_map(|row| Some((row, name_in(row.1, stem)?)))
        .min_by_key(|(_, name)| name.len())?;
    check_file_name(name).ok()?;
    Some((row, name))
}

/// The name in a stem, which is empty where the pattern has none.
fn name_in<'a>(pattern: &str, stem: &'a str) -> Option<&'a str> {
    let Some((before, after)) = pattern.split_once(NAME) else {
        return (pattern == stem).then_some("");
    };
    let name = stem.strip_prefix(before)?.strip_suffix(after)?;
    let is_name = !name.is_empty() && !name.contains('/');
    is_name.then_some(name)
}

/// The last component of a pattern.
fn file_of(pattern: &'static str) -> &'static str {
    pattern.rsplit_once('/').map_or(pattern, |(_, file)| file)
}

/// Refuses a name that leaves the directory, hides its file, reads as an option of some tool, or
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

    /// A pair under the name of each kind that a layout has.
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
        // Most layouts have this pair whichever CA signs it
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

    /// A replaced CA is no CA in use and no leaf, wherever a name can be.
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
                    assert!(is_replaced_ca(&Path::new("pki").join(path)));
                    assert!(!is_replaced_ca(of));
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
            // Kubernetes and k3s sign other things than certificates with these
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

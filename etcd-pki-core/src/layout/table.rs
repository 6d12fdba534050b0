//! Tables of file names, one for each layout.

use super::{CaKind, FileKind, Layout, PairPaths, RotationFile, check_file_name};

/// The file names of a layout.
pub(super) struct Table {
    /// The ending of a certificate's file
    certificate: &'static str,
    /// The ending of a key's file
    key: &'static str,
    /// The names without their endings. No two rows are equal. A member's pair for clients comes
    /// before its pair for peers.
    pub(super) rows: &'static [Row],
}

pub(super) type Row = (FileKind, &'static str);

/// The placeholder for a name in a table
pub(super) const NAME: &str = "{name}";
/// The text after the usual name of a replaced CA
pub(super) const REPLACED: &str = "-replaced-";

const KUBESPRAY: Table = Table::pem(&[
    (FileKind::Ca(CaKind::Client), "ca"),
    (FileKind::ReplacedCa(CaKind::Client), "ca-replaced-{name}"),
    (
        FileKind::Rotation(CaKind::Client, RotationFile::Next),
        "ca-next",
    ),
    (
        FileKind::Rotation(CaKind::Client, RotationFile::Previous),
        "ca-previous",
    ),
    (
        FileKind::Rotation(CaKind::Client, RotationFile::Link),
        "ca-link",
    ),
    (FileKind::Ca(CaKind::Peer), "peer-ca"),
    (
        FileKind::ReplacedCa(CaKind::Peer),
        "peer-ca-replaced-{name}",
    ),
    (
        FileKind::Rotation(CaKind::Peer, RotationFile::Next),
        "peer-ca-next",
    ),
    (
        FileKind::Rotation(CaKind::Peer, RotationFile::Previous),
        "peer-ca-previous",
    ),
    (
        FileKind::Rotation(CaKind::Peer, RotationFile::Link),
        "peer-ca-link",
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
    (
        FileKind::Rotation(CaKind::Client, RotationFile::Next),
        "etcd/ca-next",
    ),
    (
        FileKind::Rotation(CaKind::Client, RotationFile::Previous),
        "etcd/ca-previous",
    ),
    (
        FileKind::Rotation(CaKind::Client, RotationFile::Link),
        "etcd/ca-link",
    ),
    (FileKind::Ca(CaKind::Peer), "etcd/peer-ca"),
    (
        FileKind::ReplacedCa(CaKind::Peer),
        "etcd/peer-ca-replaced-{name}",
    ),
    (
        FileKind::Rotation(CaKind::Peer, RotationFile::Next),
        "etcd/peer-ca-next",
    ),
    (
        FileKind::Rotation(CaKind::Peer, RotationFile::Previous),
        "etcd/peer-ca-previous",
    ),
    (
        FileKind::Rotation(CaKind::Peer, RotationFile::Link),
        "etcd/peer-ca-link",
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
    (
        FileKind::Rotation(CaKind::Client, RotationFile::Next),
        "ca-next",
    ),
    (
        FileKind::Rotation(CaKind::Client, RotationFile::Previous),
        "ca-previous",
    ),
    (
        FileKind::Rotation(CaKind::Client, RotationFile::Link),
        "ca-link",
    ),
    (FileKind::Ca(CaKind::Peer), "peer-ca"),
    (
        FileKind::ReplacedCa(CaKind::Peer),
        "peer-ca-replaced-{name}",
    ),
    (
        FileKind::Rotation(CaKind::Peer, RotationFile::Next),
        "peer-ca-next",
    ),
    (
        FileKind::Rotation(CaKind::Peer, RotationFile::Previous),
        "peer-ca-previous",
    ),
    (
        FileKind::Rotation(CaKind::Peer, RotationFile::Link),
        "peer-ca-link",
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
    (
        FileKind::Rotation(CaKind::Client, RotationFile::Next),
        "server-ca-next",
    ),
    (
        FileKind::Rotation(CaKind::Client, RotationFile::Previous),
        "server-ca-previous",
    ),
    (
        FileKind::Rotation(CaKind::Client, RotationFile::Link),
        "server-ca-link",
    ),
    (FileKind::Ca(CaKind::Peer), "peer-ca"),
    (
        FileKind::ReplacedCa(CaKind::Peer),
        "peer-ca-replaced-{name}",
    ),
    (
        FileKind::Rotation(CaKind::Peer, RotationFile::Next),
        "peer-ca-next",
    ),
    (
        FileKind::Rotation(CaKind::Peer, RotationFile::Previous),
        "peer-ca-previous",
    ),
    (
        FileKind::Rotation(CaKind::Peer, RotationFile::Link),
        "peer-ca-link",
    ),
    (FileKind::Member, "server-client"),
    (FileKind::Member, "peer-server-client"),
    (FileKind::Node, "client"),
    (FileKind::Client, "client-{name}"),
]);

const ETCDADM: Table = Table::crt(&[
    (FileKind::Ca(CaKind::Client), "ca"),
    (FileKind::ReplacedCa(CaKind::Client), "ca-replaced-{name}"),
    (
        FileKind::Rotation(CaKind::Client, RotationFile::Next),
        "ca-next",
    ),
    (
        FileKind::Rotation(CaKind::Client, RotationFile::Previous),
        "ca-previous",
    ),
    (
        FileKind::Rotation(CaKind::Client, RotationFile::Link),
        "ca-link",
    ),
    (FileKind::Ca(CaKind::Peer), "peer-ca"),
    (
        FileKind::ReplacedCa(CaKind::Peer),
        "peer-ca-replaced-{name}",
    ),
    (
        FileKind::Rotation(CaKind::Peer, RotationFile::Next),
        "peer-ca-next",
    ),
    (
        FileKind::Rotation(CaKind::Peer, RotationFile::Previous),
        "peer-ca-previous",
    ),
    (
        FileKind::Rotation(CaKind::Peer, RotationFile::Link),
        "peer-ca-link",
    ),
    (FileKind::Member, "server"),
    (FileKind::Member, "peer"),
    (FileKind::Admin, "etcdctl-etcd-client"),
    (FileKind::Node, "apiserver-etcd-client"),
    (FileKind::Client, "client-{name}"),
]);

impl Layout {
    pub(super) const fn table(self) -> &'static Table {
        match self {
            Self::Kubespray => &KUBESPRAY,
            Self::Kubeadm => &KUBEADM,
            Self::Cfssl => &CFSSL,
            Self::K3s => &K3S,
            Self::Etcdadm => &ETCDADM,
        }
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

    pub(super) fn patterns(&self, of: FileKind) -> impl Iterator<Item = &'static str> {
        let rows = self.rows.iter().filter(move |(kind, _)| *kind == of);
        rows.map(|(_, pattern)| *pattern)
    }

    /// The pattern of a member's peer pair: the last of its pairs.
    pub(super) fn peer_pattern(&self) -> Option<&'static str> {
        let mut rows = self.rows.iter().rev();
        let row = rows.find(|(kind, _)| matches!(kind, FileKind::Member | FileKind::Peer));
        row.map(|(_, pattern)| *pattern)
    }

    pub(super) fn paths(&self, pattern: &str, name: &str) -> PairPaths {
        let stem = pattern.replace(NAME, name);
        PairPaths {
            certificate: format!("{stem}{}", self.certificate).into(),
            key: format!("{stem}{}", self.key).into(),
        }
    }

    /// The path without its ending, and whether the file is a key.
    pub(super) fn stem<'a>(&self, path: &'a str) -> Option<(&'a str, bool)> {
        // NAME-key.pem also ends in .pem
        if let Some(stem) = path.strip_suffix(self.key) {
            return Some((stem, true));
        }
        Some((path.strip_suffix(self.certificate)?, false))
    }
}

/// The row that matches a stem, and the name in the stem. Of several rows this is the row with the
/// shortest name, because `{name}` also matches `client-NAME`.
pub(super) fn row_of(rows: impl Iterator<Item = Row>, stem: &str) -> Option<(Row, &str)> {
    let (row, name) = rows
        .filter_map(|row| Some((row, name_in(row.1, stem)?)))
        .min_by_key(|(_, name)| name.len())?;
    check_file_name(name).ok()?;
    Some((row, name))
}

/// The name in a stem. It is empty if the pattern has no name.
fn name_in<'a>(pattern: &str, stem: &'a str) -> Option<&'a str> {
    let Some((before, after)) = pattern.split_once(NAME) else {
        return (pattern == stem).then_some("");
    };
    let name = stem.strip_prefix(before)?.strip_suffix(after)?;
    let is_name = !name.is_empty() && !name.contains('/');
    is_name.then_some(name)
}

/// The last component of a pattern.
pub(super) fn file_of(pattern: &'static str) -> &'static str {
    pattern.rsplit_once('/').map_or(pattern, |(_, file)| file)
}

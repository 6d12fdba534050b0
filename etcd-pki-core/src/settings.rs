//! The settings that etcd, etcdctl and kube-apiserver need to find the files of a store.

mod peers;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use crate::{
    cluster::Cluster,
    error::{Error, Result},
    layout::{CaKind, PairPaths},
    role::Role,
    store::{Store, existing_file},
    text,
};

/// The settings for one program, in the form that the program reads.
///
/// `Display` writes the text for a file or a shell: lines of an `EnvironmentFile` for etcd,
/// `export` lines for etcdctl, flags for kube-apiserver. Paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    form: Form,
    entries: Vec<(String, String)>,
    optional: Vec<Optional>,
    /// The directories of the files, as absolute paths: the tree of the host, and the store
    directories: [PathBuf; 2],
}

/// An optional setting.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Optional {
    /// The effect of the setting
    remark: &'static str,
    entry: (String, String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    EnvironmentFile,
    Exports,
    Flags,
}

impl Settings {
    /// The `ETCD_*` lines of a member: the certificates for clients and for peers, and the
    /// requirement that clients and peers present a certificate (`server/embed/config.go`). If the
    /// directory has a separate tree for each host, the paths are in the host's tree.
    ///
    /// If the directory has the revocation list `revoked.crl`, etcd reads it at each connection. An
    /// etcd configuration file cannot name such a list (`embed/config.go`).
    ///
    /// [`Settings::optional`] contains the allowed names of peers if the directory has the
    /// certificates of several members. Otherwise use [`Settings::etcd_of`], which knows all
    /// members. Members with different lists refuse each other.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if one of the files is missing;
    /// [`Error::InvalidName`].
    pub fn etcd(store: &Store, host: &str) -> Result<Self> {
        Self::of_member(store, host, |peers| peers::common_names(store, peers))
    }

    /// The `ETCD_*` lines of a member, as from [`Settings::etcd`], with the names of all members of
    /// the cluster.
    ///
    /// # Errors
    ///
    /// The errors of [`Settings::etcd`].
    pub fn etcd_of(cluster: &Cluster, store: &Store, host: &str) -> Result<Self> {
        Self::of_member(store, host, |_| peers::common_names_of(cluster))
    }

    fn of_member(
        store: &Store,
        host: &str,
        names: impl FnOnce(&Path) -> Result<Option<Vec<String>>>,
    ) -> Result<Self> {
        let layout = store.layout();
        let mut pairs = layout.pairs(Role::Member, host)?;
        let clients = trusted(store)?;
        let mut peers = clients.clone();
        // A separate peer CA has signed a pair for peers
        let apart = layout.ca(CaKind::Peer).below(store.directory());
        if let Ok(ca) = existing_file(&apart.certificate) {
            peers = ca;
            pairs.truncate(1);
            pairs.push(layout.peer_pair(host)?);
        }
        let pairs = existing(store, host, &pairs)?;
        // The layout lists the pair for clients first and the pair for peers last. One pair may be
        // both
        let mut entries = Vec::new();
        for (prefix, pair, trusted) in [
            ("ETCD_", pairs.first(), &clients),
            ("ETCD_PEER_", pairs.last(), &peers),
        ] {
            let Some(pair) = pair else { continue };
            entries.extend([
                (format!("{prefix}CERT_FILE"), text(&pair.certificate)),
                (format!("{prefix}KEY_FILE"), text(&pair.key)),
                (format!("{prefix}TRUSTED_CA_FILE"), text(trusted)),
                (format!("{prefix}CLIENT_CERT_AUTH"), "true".to_owned()),
            ]);
        }
        // etcd reads one list in each place, so the list is over all CAs
        if let Ok(list) = existing_file(&store.list_paths().der) {
            let names = ["ETCD_CLIENT_CRL_FILE", "ETCD_PEER_CRL_FILE"];
            entries.extend(names.map(|name| (name.to_owned(), text(&list))));
        }
        let optional = names(&peers)?.map(|names| Optional {
            remark: "To take only these names for peers (a list from etcd 3.5.15 on, one name before):",
            entry: ("ETCD_PEER_CERT_ALLOWED_CN".to_owned(), names.join(",")),
        });
        Ok(Self {
            form: Form::EnvironmentFile,
            entries,
            optional: optional.into_iter().collect(),
            directories: directories(store, host)?,
        })
    }

    /// The `ETCDCTL_*` exports with which etcdctl uses a pair.
    ///
    /// # Errors
    ///
    /// The errors of [`Settings::etcd`].
    pub fn etcdctl(store: &Store, role: Role, name: &str) -> Result<Self> {
        let pair = existing_pairs(store, role, name)?.swap_remove(0);
        Self::exports(store, name, &pair)
    }

    /// The `ETCDCTL_*` exports for the client pair that the layout's own tools expect next to a
    /// member.
    ///
    /// # Errors
    ///
    /// The errors of [`Settings::etcd`]; [`Error::Unsupported`] for a
    /// layout without such a pair.
    pub fn etcdctl_admin(store: &Store, host: &str) -> Result<Self> {
        let layout = store.layout();
        let pair = layout.member_client(host)?.ok_or_else(|| {
            Error::unsupported(
                format!("an admin's pair in the {layout} layout"),
                "name a client, member or node instead",
            )
        })?;
        Self::exports(store, host, &existing(store, host, &[pair])?.swap_remove(0))
    }

    fn exports(store: &Store, host: &str, pair: &PairPaths) -> Result<Self> {
        Ok(Self {
            form: Form::Exports,
            entries: vec![
                ("ETCDCTL_CACERT".to_owned(), text(&trusted(store)?)),
                ("ETCDCTL_CERT".to_owned(), text(&pair.certificate)),
                ("ETCDCTL_KEY".to_owned(), text(&pair.key)),
            ],
            optional: Vec::new(),
            directories: directories(store, host)?,
        })
    }

    /// The flags with which kube-apiserver connects to etcd with a node's pair.
    ///
    /// # Errors
    ///
    /// The errors of [`Settings::etcd`].
    pub fn apiserver(store: &Store, host: &str) -> Result<Self> {
        let pair = existing_pairs(store, Role::Node, host)?.swap_remove(0);
        Ok(Self {
            form: Form::Flags,
            entries: vec![
                ("--etcd-cafile".to_owned(), text(&trusted(store)?)),
                ("--etcd-certfile".to_owned(), text(&pair.certificate)),
                ("--etcd-keyfile".to_owned(), text(&pair.key)),
            ],
            optional: Vec::new(),
            directories: directories(store, host)?,
        })
    }

    /// The settings for a host that has the files in another directory, such as one to which the
    /// result of [`Cluster::export`] is copied.
    ///
    /// ```
    /// use etcd_pki_core::{CaKind, CertificateAuthority, Identity, Layout, Role, Store, settings::Settings};
    ///
    /// # let parent = tempfile::tempdir()?;
    /// let store = Store::new(parent.path().join("pki"), Layout::Kubespray);
    /// let ca = CertificateAuthority::create("etcd-ca")?;
    /// let files = store.lock()?;
    /// files.write_ca(CaKind::Client, &ca, None)?;
    /// files.write(&ca.issue(Role::Member, Identity::new("etcd-1")?)?)?;
    /// let settings = Settings::etcd(&store, "etcd-1")?.with_directory("/etc/ssl/etcd/ssl");
    /// assert_eq!(settings.entries()[0].1, "/etc/ssl/etcd/ssl/member-etcd-1.pem");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_directory(mut self, directory: impl AsRef<Path>) -> Self {
        for (_, value) in &mut self.entries {
            let mut here = self.directories.iter();
            if let Some(below) = here.find_map(|old| Path::new(value).strip_prefix(old).ok()) {
                *value = text(&directory.as_ref().join(below));
            }
        }
        self
    }

    /// Names and values, unquoted.
    #[must_use]
    pub fn entries(&self) -> &[(String, String)] {
        &self.entries
    }

    /// Names and values of the optional settings, unquoted. With `ETCD_PEER_CERT_ALLOWED_CN` a
    /// member accepts only peers with the common names of the members.
    pub fn optional(&self) -> impl Iterator<Item = &(String, String)> {
        self.optional.iter().map(|optional| &optional.entry)
    }

    fn line(&self, (name, value): &(String, String)) -> String {
        // A common name with a line break would add lines to the output
        let value = text::printable(value);
        match self.form {
            Form::EnvironmentFile => format!("{name}={}", quoted_for_systemd(&value)),
            Form::Exports => format!("export {name}={}", quoted_for_shell(&value)),
            Form::Flags => format!("{name}={}", quoted_for_shell(&value)),
        }
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            writeln!(f, "{}", self.line(entry))?;
        }
        for Optional { remark, entry } in &self.optional {
            writeln!(f, "# {remark}\n# {}", self.line(entry))?;
        }
        Ok(())
    }
}

fn existing_pairs(store: &Store, role: Role, name: &str) -> Result<Vec<PairPaths>> {
    existing(store, name, &store.layout().pairs(role, name)?)
}

/// The existing files of the pairs: in the directory, or in the host's tree if the layout's names
/// contain no host.
fn existing(store: &Store, host: &str, pairs: &[PairPaths]) -> Result<Vec<PairPaths>> {
    let tree = store.directory().join(host);
    pairs
        .iter()
        .map(|pair| {
            let in_tree = pair.below(&tree);
            let is_in_tree =
                !store.layout().names_hosts() && existing_file(&in_tree.certificate).is_ok();
            let pair = if is_in_tree {
                in_tree
            } else {
                pair.below(store.directory())
            };
            Ok(PairPaths {
                certificate: existing_file(&pair.certificate)?,
                key: existing_file(&pair.key)?,
            })
        })
        .collect()
}

/// The tree of a host in a store, and the store, as absolute paths.
fn directories(store: &Store, host: &str) -> Result<[PathBuf; 2]> {
    let store = existing_file(store.directory())?;
    Ok([store.join(host), store])
}

fn trusted(store: &Store) -> Result<PathBuf> {
    existing_file(&store.ca_paths(CaKind::Client).certificate)
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn is_plain(value: &str) -> bool {
    value
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"/._-+:@,".contains(&byte))
}

/// Quotes a value for systemd. Between double quotes, systemd reads a backslash as an escape
/// (`systemd.exec(5)`, EnvironmentFile=).
fn quoted_for_systemd(value: &str) -> String {
    if is_plain(value) {
        return value.to_owned();
    }
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", escaped.replace('$', "\\$").replace('`', "\\`"))
}

fn quoted_for_shell(value: &str) -> String {
    if is_plain(value) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting() {
        assert_eq!(quoted_for_shell("/etc/ssl/a.pem"), "/etc/ssl/a.pem");
        assert_eq!(quoted_for_shell("/a b/it's"), "'/a b/it'\\''s'");
        assert_eq!(quoted_for_systemd("/a \"b\""), "\"/a \\\"b\\\"\"");
    }

    #[test]
    fn a_value_is_one_line() {
        let entry = ("A".to_owned(), "b\nETCD_NAME=c\u{202e}".to_owned());
        for (form, line) in [
            (Form::EnvironmentFile, r#"A="b\\u000aETCD_NAME=c\\u202e""#),
            (Form::Exports, r"export A='b\u000aETCD_NAME=c\u202e'"),
            (Form::Flags, r"A='b\u000aETCD_NAME=c\u202e'"),
        ] {
            let settings = Settings {
                form,
                entries: Vec::new(),
                optional: Vec::new(),
                directories: Default::default(),
            };
            assert_eq!(settings.line(&entry), line);
        }
    }
}

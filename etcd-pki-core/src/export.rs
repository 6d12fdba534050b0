//! Exports one host's files from a directory with the files of all hosts.

use std::{
    collections::HashSet,
    fmt, iter,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::{
    cluster::{Cluster, Desired},
    error::{Error, Result},
    finding::Finding,
    inspect::issuer::{self, Issuer},
    key::PrivateKey,
    layout::{CaKind, Layout, PairPaths},
    store::{
        Attributes, CaAttributes, Overwrite, PairTexts, Stamp, Store, group, is_empty, look_below,
        look_existing_below, may_give, owner_of_directory, read_below, read_existing_below, tree,
        trusted_owner, user, user_name,
    },
    verify::{self, Use, held_certificates, unacceptable},
    x509::{
        bundle::{Bundle, all_pem},
        certificate::Certificate,
    },
};

/// The result of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// The path of each file
    pub files: Vec<PathBuf>,
    /// The specification's owner and group, if they could not be set here: they are unknown on this
    /// host, or the process is not root. Set them on the destination host
    pub not_given: Vec<String>,
    /// The other files in the directory that have names of the layout, such as keys of an earlier
    /// export that the host no longer uses. They stay as they are
    pub other_files: Vec<PathBuf>,
}

/// The files that an export would write, and the other files of its directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportChanges {
    /// Each file of the host
    pub files: Vec<ExportFile>,
    /// The other files in the directory that have names of the layout, such as keys of an earlier
    /// export that the host no longer uses. An export does not change them
    pub other_files: Vec<PathBuf>,
    /// Whether the directory has files, so that an export requires [`Overwrite::Replace`]
    pub needs_overwrite: bool,
}

impl ExportChanges {
    /// Whether an export would change a file.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.files
            .iter()
            .any(|file| file.state != ExportState::UpToDate)
    }
}

/// A file of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportFile {
    /// The path in the directory of the export
    pub path: PathBuf,
    /// The path in the directory of all hosts
    pub source: PathBuf,
    /// Whether it contains a private key
    pub secret: bool,
    /// The state of the file at the path
    pub state: ExportState,
}

/// The state of a file in the directory of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportState {
    /// The file is as an export would write it
    UpToDate,
    /// There is no file
    Missing,
    /// The file has other contents
    OtherContents,
    /// The file has another owner, group or mode
    OtherPermissions,
}

impl fmt::Display for ExportState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UpToDate => "up to date",
            Self::Missing => "missing",
            Self::OtherContents => "other contents",
            Self::OtherPermissions => "other permissions",
        })
    }
}

impl Cluster {
    /// Copies the files of one host into a separate directory, with the paths that they have on
    /// that host: its keys and certificates, the certificates of the CAs without their keys, and the
    /// revocation lists.
    ///
    /// Each pair is checked first: the key must match the certificate, and a CA of the cluster must
    /// have signed it.
    ///
    /// [`Overwrite::Replace`] replaces the files that it writes. Files of an earlier export that
    /// the host no longer uses stay in the directory, including private keys, and
    /// [`Exported::other_files`] lists them.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] for a host that is not in the cluster; [`Error::KeyMismatch`] if a
    /// key does not match its certificate; [`Error::Signature`] if no CA of the cluster signed a
    /// certificate; [`Error::ExistingFile`] if the directory is not empty, unless its files may be
    /// replaced; [`Error::Io`], [`Error::SymbolicLink`]. After an error nothing has changed.
    pub fn export(
        &self,
        store: &Store,
        host: &str,
        out: &Path,
        overwrite: Overwrite,
    ) -> Result<Exported> {
        // An unknown host is an error in any directory
        self.desired_on(host)?;
        if overwrite == Overwrite::Refuse && !is_empty(out) {
            return Err(Error::ExistingFile {
                path: out.to_owned(),
            });
        }
        let host = self.files_of(store, host)?;
        let (attributes, not_given) = self.exported_attributes();
        let store = Store::new(out, self.layout());
        let files = store.lock()?.without_inheritance();
        files.give_directories(&attributes)?;
        let pairs: Vec<_> = host.paths.iter().zip(host.texts).collect();
        files.put_pairs(&pairs, overwrite, &attributes)?;
        for (path, text) in &host.trusted {
            let attributes = attributes.for_ca();
            files.put_file(path, text.as_bytes(), false, overwrite, &attributes)?;
        }
        let lists: Vec<_> = host
            .lists
            .iter()
            .map(|(path, text)| (&**path, &**text))
            .collect();
        files.put_lists(&lists, &attributes)?;
        let pairs = host.paths.iter().flat_map(|paths| {
            let PairPaths { certificate, key } = paths;
            [certificate, key]
        });
        let trusted = host.trusted.iter().map(|(path, _)| path);
        let lists = host.lists.iter().map(|(path, _)| path);
        let files = trusted.chain(pairs).chain(lists);
        let files: Vec<PathBuf> = files.map(|path| out.join(path)).collect();
        Ok(Exported {
            other_files: other_files(out, self.layout(), &files),
            files,
            not_given,
        })
    }

    /// The files that [`Cluster::export`] would change in a directory, which need not exist.
    /// Changes nothing, and checks the pairs as an export does.
    ///
    /// # Errors
    ///
    /// The errors of [`Cluster::export`], except [`Error::ExistingFile`].
    pub fn export_changes(&self, store: &Store, host: &str, out: &Path) -> Result<ExportChanges> {
        let host = self.files_of(store, host)?;
        let (attributes, _) = self.exported_attributes();
        let of_ca = attributes.for_ca();
        let mut files = Vec::with_capacity(host.trusted.len() + 2 * host.paths.len());
        let mut add = |path: &Path, source: &Path, contents: &[u8], secret, attributes| {
            let state = state(out, path, contents, secret, attributes)?;
            files.push(ExportFile {
                path: out.join(path),
                source: store.directory().join(source),
                secret,
                state,
            });
            Ok::<_, Error>(())
        };
        for (path, text) in &host.trusted {
            add(path, path, text.as_bytes(), false, &of_ca)?;
        }
        for (path, list) in &host.lists {
            add(path, path, list, false, &attributes)?;
        }
        for ((paths, from), texts) in host.paths.iter().zip(&host.sources).zip(&host.texts) {
            let certificate = texts.certificate.as_bytes();
            let (path, source) = (&paths.certificate, &from.certificate);
            add(path, source, certificate, false, &attributes)?;
            add(
                &paths.key,
                &from.key,
                texts.key.as_bytes(),
                true,
                &attributes,
            )?;
        }
        let own: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
        Ok(ExportChanges {
            files,
            other_files: other_files(out, self.layout(), &own),
            needs_overwrite: !is_empty(out),
        })
    }

    /// Reads and checks the files of a host.
    fn files_of(&self, store: &Store, host: &str) -> Result<HostFiles> {
        let desired = self.desired_on(host)?;
        let mut bundles: Vec<(CaKind, Vec<Certificate>)> = Vec::new();
        let mut trusted = Vec::new();
        for ca in desired.cas {
            let bundle = certificates_of(store, &ca.paths.certificate)?;
            trusted.push((ca.paths.certificate, all_pem(&bundle)));
            bundles.push((ca.kind, bundle));
        }
        let owners = Owners {
            attributes: &self.exported_attributes().0,
            of_store: owner_of_directory(store.directory()),
        };
        let sources = self.sources(host)?;
        let mut texts = Vec::with_capacity(sources.len());
        for (pair, from) in desired.pairs.iter().zip(&sources) {
            let bundle = bundles.iter().find(|(kind, _)| *kind == pair.ca);
            let bundle = bundle.map_or(&[][..], |(_, bundle)| bundle);
            texts.push(read_pair(store, from, bundle, &owners)?);
        }
        // etcd would refuse every connection with a list that it cannot read
        let has_list = store.lists()?.list.is_some();
        let paths = self.layout().revocation_lists();
        let lists = [paths.der, paths.pem]
            .into_iter()
            .filter(|_| has_list)
            .filter_map(|path| {
                let bytes = read_below(store.directory(), &path).transpose()?;
                Some(bytes.map(|bytes| (path, bytes)))
            });
        let lists = lists.collect::<Result<_>>()?;
        Ok(HostFiles {
            trusted,
            lists,
            paths: desired.pairs.into_iter().map(|pair| pair.paths).collect(),
            sources,
            texts,
        })
    }

    /// The modes of the specification, with owner and group if this host knows them and allows
    /// setting them. The second value lists the names that could not be set.
    fn exported_attributes(&self) -> (Attributes, Vec<String>) {
        let files = &self.spec().files;
        let mut not_given = Vec::new();
        let mut number = |name: &Option<String>, look_up: fn(&str) -> Result<u32>| {
            let name = name.as_ref()?;
            let number = look_up(name).ok().filter(|_| may_give());
            if number.is_none() {
                not_given.push(name.clone());
            }
            number
        };
        let attributes = Attributes {
            owner: number(&files.owner, user),
            group: number(&files.group, group),
            key_mode: files.key_mode,
            certificate_mode: files.certificate_mode,
            directory_mode: files.directory_mode,
            ca: CaAttributes {
                owner: number(&files.ca.owner, user),
                group: number(&files.ca.group, group),
                key_mode: None,
            },
            ..Attributes::default()
        };
        (attributes, not_given)
    }

    /// The paths of a host's pairs in the directory of all hosts, in order.
    fn sources(&self, host: &str) -> Result<Vec<PairPaths>> {
        let Desired { pairs, .. } = self.desired()?;
        let own = pairs
            .into_iter()
            .filter(|pair| pair.host.as_deref() == Some(host));
        Ok(own.map(|pair| pair.paths).collect())
    }
}

/// The files of one host.
struct HostFiles {
    /// The certificates of the CAs, with their paths
    trusted: Vec<(PathBuf, String)>,
    /// The revocation lists, with their paths
    lists: Vec<(PathBuf, Vec<u8>)>,
    /// The paths of its pairs on the host
    paths: Vec<PairPaths>,
    /// The paths of its pairs in the directory of all hosts
    sources: Vec<PairPaths>,
    /// The contents of its pairs
    texts: Vec<PairTexts>,
}

/// The state of a file in the directory of an export.
fn state(
    out: &Path,
    path: &Path,
    contents: &[u8],
    secret: bool,
    attributes: &Attributes,
) -> Result<ExportState> {
    let stamp_of = |stamp: &Stamp| {
        let is_other = attributes.mended_mode(stamp, secret).is_some()
            || attributes.is_of_another(stamp, secret)
            // An export does not leave a key to a user who should not have it
            || (secret && !trusted_owner(stamp, attributes, owner_of_directory(out)));
        match is_other {
            true => ExportState::OtherPermissions,
            false => ExportState::UpToDate,
        }
    };
    let found = match look_below(out, path) {
        Err(error) if error.is_too_large() => return Ok(ExportState::OtherContents),
        found => found?,
    };
    Ok(
        match found.map(|(bytes, stamp)| (Zeroizing::new(bytes), stamp)) {
            None => ExportState::Missing,
            Some((bytes, _)) if *bytes != contents => ExportState::OtherContents,
            Some((_, stamp)) => stamp_of(&stamp),
        },
    )
}

/// The files of a directory that have names of the layout and are not among these.
fn other_files(directory: &Path, layout: Layout, written: &[PathBuf]) -> Vec<PathBuf> {
    let written: HashSet<&PathBuf> = written.iter().collect();
    let is_named = |path: &Path| {
        let relative = path.strip_prefix(directory).ok();
        relative.is_some_and(|relative| layout.identify(relative).is_some())
    };
    let files = tree(directory).into_iter().filter_map(|file| file.ok());
    files
        .filter(|path| is_named(path) && !written.contains(path))
        .collect()
}

/// The users who may own an exported key.
struct Owners<'a> {
    attributes: &'a Attributes,
    of_store: u32,
}

/// Reads a pair and checks that its parts match. The key keeps its format.
fn read_pair(
    store: &Store,
    relative: &PairPaths,
    bundle: &[Certificate],
    owners: &Owners<'_>,
) -> Result<PairTexts> {
    let paths = relative.below(store.directory());
    let (key, stamp) = look_existing_below(store.directory(), &relative.key)?;
    let key = Zeroizing::new(key);
    if !trusted_owner(&stamp, owners.attributes, owners.of_store) {
        return Err(Error::UntrustedOwner {
            path: paths.key.clone(),
            owner: user_name(stamp.account().owner),
        });
    }
    let in_key = |error: Error| error.in_file(&paths.key);
    let private = PrivateKey::from_bytes(&key, None).map_err(in_key)?;
    let mut all = certificates_of(store, &relative.certificate)?;
    let text = all_pem(&all);
    let chain = all.split_off(1);
    let in_certificate = |error: Error| error.in_file(&paths.certificate);
    let pair = Bundle::new(private, all.swap_remove(0), chain).map_err(in_certificate)?;
    check_issuer(pair.certificate(), pair.chain(), bundle).map_err(in_certificate)?;
    let of_ca = bundle
        .iter()
        .find(|ca| ca.public_key() == pair.certificate().public_key());
    if let Some(ca) = of_ca {
        return Err(in_key(Error::CaKeyInLeaf {
            subject: ca.subject(),
        }));
    }
    let texts = PairTexts {
        // A DER key is not text
        key: match std::str::from_utf8(&key) {
            Ok(text) => Zeroizing::new(text.to_owned()),
            Err(_) => pair.to_secret_pem(),
        },
        certificate: text,
    };
    let (certificate, key) = (texts.certificate.as_bytes(), texts.key.as_bytes());
    let (_, refused) = held_certificates(Use::Certificate, certificate);
    let refused = refused.or_else(|| verify::key_pair(certificate, key).err());
    match refused {
        None | Some(Finding::NotSupported { .. }) => Ok(texts),
        Some(finding) => Err(unacceptable(finding).in_file(&paths.certificate)),
    }
}

/// All certificates in a file of the store. A symbolic link is refused, because its target may
/// belong to another user.
fn certificates_of(store: &Store, relative: &Path) -> Result<Vec<Certificate>> {
    let bytes = read_existing_below(store.directory(), relative)?;
    let all = Certificate::all_from_bytes(&bytes);
    all.map_err(|error| error.in_file(store.directory().join(relative)))
}

/// Fails if no CA of a bundle signed the certificate, or one of its chain.
fn check_issuer(
    certificate: &Certificate,
    chain: &[Certificate],
    bundle: &[Certificate],
) -> Result<()> {
    // The link certificate of a finished rotation may follow a certificate whose CA is trusted
    let mut all = iter::once(certificate).chain(chain);
    if all.any(|one| issuer::is_signed_by(one, bundle)) {
        return Ok(());
    }
    let top = chain.last().unwrap_or(certificate);
    if bundle.contains(top) {
        return Ok(());
    }
    match issuer::of(top, bundle.iter().map(|ca| ((), ca))) {
        // etcd accepts the certificate if it knows the algorithm
        Issuer::Ca(()) | Issuer::NotSupported(_) => Ok(()),
        Issuer::Refused(reason) => Err(Error::Signature {
            what: "certificate",
            reason,
        }),
        Issuer::Unknown { same_name, .. } => Err(Error::Signature {
            what: "certificate",
            reason: if same_name {
                format!("no CA {} of the bundle signed it", top.issuer())
            } else {
                format!("its issuer {} is not trusted", top.issuer())
            },
        }),
    }
}

#[cfg(all(test, feature = "yaml"))]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt as _,
    };

    use super::*;
    use crate::plan::{ApplyOptions, PlanOptions};

    /// The states are those before an export, and afterwards each file is up to date.
    #[test]
    fn the_changes_of_an_export() {
        let scratch = tempfile::tempdir().unwrap();
        let (all, out) = (scratch.path().join("all"), scratch.path().join("out"));
        let cluster = Cluster::from_yaml(
            "layout: kubeadm\nmembers: [{name: m1, addresses: [10.0.0.1]}, {name: m2, addresses: [10.0.0.2]}]",
        )
        .unwrap();
        let store = Store::new(&all, cluster.layout());
        let applied = cluster.apply(&store, &PlanOptions::new(), &ApplyOptions::new());
        assert!(applied.unwrap().into_result().is_ok());
        let changes = || cluster.export_changes(&store, "m1", &out).unwrap();
        let states = |changes: &ExportChanges| {
            let mut states: Vec<_> = changes.files.iter().map(|file| file.state).collect();
            states.dedup();
            states
        };

        let before = changes();
        assert!(before.is_changed() && !before.needs_overwrite && !out.exists());
        assert_eq!(states(&before), [ExportState::Missing]);
        for file in &before.files {
            let below = file.path.strip_prefix(&out).unwrap();
            let is_shared = file.source == all.join("etcd/ca.crt");
            assert!(
                is_shared || file.source == all.join("m1").join(below),
                "{file:?}"
            );
        }
        let exported = cluster.export(&store, "m1", &out, Overwrite::Refuse);
        let paths: Vec<_> = before.files.iter().map(|file| file.path.clone()).collect();
        assert_eq!(exported.unwrap().files, paths);
        let done = changes();
        assert!(!done.is_changed() && done.needs_overwrite && done.other_files.is_empty());

        let key = out.join("etcd/peer.key");
        fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
        fs::write(out.join("etcd/server.crt"), "other").unwrap();
        fs::remove_file(out.join("etcd/server.key")).unwrap();
        fs::write(out.join("etcd/client-old.key"), "").unwrap();
        let other = changes();
        let state = |name: &str| {
            let path = out.join(name);
            let mut files = other.files.iter();
            files.find(|file| file.path == path).unwrap().state
        };
        assert_eq!(state("etcd/peer.key"), ExportState::OtherPermissions);
        assert_eq!(state("etcd/server.crt"), ExportState::OtherContents);
        assert_eq!(state("etcd/server.key"), ExportState::Missing);
        assert_eq!(state("etcd/peer.crt"), ExportState::UpToDate);
        assert_eq!(other.other_files, [out.join("etcd/client-old.key")]);
    }
}

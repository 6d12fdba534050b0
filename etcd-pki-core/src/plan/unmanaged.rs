//! Finds the pairs of a directory that are not in the specification.

use std::{
    collections::HashSet,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use crate::{
    cluster::DesiredCa,
    error::{Error, Result},
    finding::Finding,
    inspect::{PairFiles, Part, Stamps, issuer, public, rules},
    key::PublicKey,
    layout::{CaKind, Identified, PairPaths},
    store::{Store, first_certificate, read_certificates, tree},
    x509::certificate::Certificate,
};

/// The unmanaged pairs of a directory, and its unmanaged CA.
#[derive(Debug, Default)]
pub(super) struct Unmanaged {
    /// The pairs with a name of the layout that a CA of the directory signed. All other files
    /// belong to other programs
    pub(super) pairs: Vec<UnmanagedPair>,
    /// The peer CA, if the specification has no separate peer CA
    pub(super) ca: Option<PairPaths>,
}

/// A pair that is not in the specification.
#[derive(Debug)]
pub(super) struct UnmanagedPair {
    pub(super) paths: PairPaths,
    /// The state of its files at planning
    pub(super) stamps: Stamps,
    /// The certificate, which a CA of the directory signed
    pub(super) certificate: Certificate,
    /// The host or client of its file name; empty if the layout's names contain none
    name: String,
    /// The host with the tree that contains the pair
    host: Option<String>,
}

impl UnmanagedPair {
    /// Whether the pair belongs to this host or client.
    pub(super) fn is_of(&self, name: &str) -> bool {
        self.name == name || self.host.as_deref() == Some(name)
    }

    /// The reason why its files must stay: the key may be the only copy of another one, or
    /// the key cannot be read and its use is unknown. `ca_of` returns the file of the CA with a
    /// given key.
    pub(super) fn obstacle(
        &self,
        directory: &Path,
        ca_of: impl Fn(&PublicKey) -> Option<PathBuf>,
    ) -> Result<Option<Finding>> {
        let paths = self.paths.below(directory);
        if paths.key.is_symlink() {
            return Ok(Some(Finding::Blocked {
                reason: format!("{} is a symbolic link", paths.key.display()),
                path: paths.key,
            }));
        }
        let files = PairFiles::read(paths)?;
        let key = match public(files.key(None).0) {
            Part::Missing => return Ok(None),
            Part::Unusable(finding) => return Ok(Some(finding)),
            Part::Present(key) => key,
        };
        let mismatch = rules::key_match(&self.certificate, Some(&key), Some(&self.paths.key));
        Ok(mismatch.or_else(|| Some(Finding::CaKey { ca: ca_of(&key)? })))
    }
}

impl Unmanaged {
    /// Finds the pairs that are neither desired nor one of these CAs.
    pub(super) fn find<'a>(
        store: &Store,
        desired: impl Iterator<Item = &'a PairPaths>,
        cas: &[(CaKind, &[Certificate])],
    ) -> Result<Self> {
        let mut signers: Vec<&Certificate> =
            cas.iter().flat_map(|(_, bundle)| bundle.iter()).collect();
        let has_peers = cas.iter().any(|(kind, _)| *kind == CaKind::Peer);
        let peer_ca = store.layout().ca(CaKind::Peer);
        let peer_ca = Some(peer_ca).filter(|paths| !has_peers && exists(store, paths));
        let former = peer_ca
            .as_ref()
            .and_then(|paths| ca_in(&store.directory().join(&paths.certificate)));
        signers.extend(former.as_ref());
        Ok(Self {
            pairs: pairs(store, desired, &signers)?,
            ca: peer_ca,
        })
    }
}

/// Whether a CA's certificate exists, or at least its key.
fn exists(store: &Store, ca: &PairPaths) -> bool {
    let paths = ca.below(store.directory());
    if paths.certificate.exists() {
        ca_in(&paths.certificate).is_some()
    } else {
        paths.key.exists()
    }
}

/// The first certificate of a file, if it is a CA certificate.
fn ca_in(path: &Path) -> Option<Certificate> {
    first_certificate(path).filter(Certificate::is_ca)
}

fn pairs<'a>(
    store: &Store,
    desired: impl Iterator<Item = &'a PairPaths>,
    cas: &[&Certificate],
) -> Result<Vec<UnmanagedPair>> {
    let desired: HashSet<&OsStr> = desired
        .flat_map(|pair| [pair.certificate.as_os_str(), pair.key.as_os_str()])
        .collect();
    let mut unmanaged = Vec::new();
    for name in file_names(store)? {
        if desired.contains(name.as_os_str()) {
            continue;
        }
        let Some(identified) = leaf(store, &name) else {
            continue;
        };
        let certificates = read_certificates(&store.directory().join(&name));
        // The certificates after the first one are its chain
        let certificate = certificates.into_iter().flatten().next();
        if let Some(certificate) = certificate.filter(|one| is_signed(one, cas)) {
            unmanaged.push(UnmanagedPair {
                stamps: Stamps::now(&identified.paths.below(store.directory()))?,
                paths: identified.paths,
                certificate,
                name: identified.name,
                host: identified.host,
            });
        }
    }
    Ok(unmanaged)
}

fn is_signed(certificate: &Certificate, cas: &[&Certificate]) -> bool {
    !certificate.is_ca() && issuer::is_signed_by(certificate, cas.iter().copied())
}

/// Identifies a file, if it is a leaf certificate with a name of the layout.
fn leaf(store: &Store, name: &Path) -> Option<Identified> {
    let identified = store.layout().identify(name)?;
    identified.is_leaf_certificate().then_some(identified)
}

/// The files of the directory, and of hosts' trees if the layout has them, as relative paths.
fn file_names(store: &Store) -> Result<Vec<PathBuf>> {
    if store.layout().names_hosts() {
        return store.file_names();
    }
    let files = tree(store.directory()).into_iter().flatten();
    let relative = |path: PathBuf| {
        path.strip_prefix(store.directory())
            .ok()
            .map(Path::to_owned)
    };
    Ok(files.filter_map(relative).collect())
}

/// Refuses to create a CA next to certificates that another CA signed. On a host that was rebuilt,
/// no member would trust the new CA. A key without its certificate is allowed, because it is an
/// interrupted creation.
///
/// `signed` is a certificate of the directory that this CA should have signed, if there is one.
///
/// # Errors
///
/// [`Error::ExistingCa`].
pub(super) fn check_orphans(
    desired: &DesiredCa,
    has_key: bool,
    store: &Store,
    signed: Option<PathBuf>,
) -> Result<()> {
    if desired.kind == CaKind::Client {
        store.check_other_layout(desired.common_name().as_deref())?;
    }
    let orphan = match (signed, desired.kind) {
        (None, CaKind::Client) => any_leaf(store)?,
        (signed, _) => signed,
    };
    let Some(path) = orphan else { return Ok(()) };
    let found = if has_key {
        let key = desired.paths.key.display();
        format!("{key} without its certificate, and {}", path.display())
    } else {
        format!("{}, which another CA has signed", path.display())
    };
    Err(Error::ExistingCa {
        directory: store.directory().to_owned(),
        found,
        layout: None,
        lacks_certificate: false,
    })
}

/// Finds a leaf certificate with a name of the layout.
fn any_leaf(store: &Store) -> Result<Option<PathBuf>> {
    let mut names = file_names(store)?.into_iter();
    Ok(names.find(|name| {
        let is_leaf =
            || first_certificate(&store.directory().join(name)).is_some_and(|first| !first.is_ca());
        leaf(store, name).is_some() && is_leaf()
    }))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;
    use crate::{
        layout::Layout,
        store::parent,
        test_certificates::{self, Made},
    };

    fn ca(name: &str) -> Made {
        Made::root(test_certificates::ca(name, None))
    }

    /// Writes certificates below a directory.
    fn write(directory: &Path, files: &[(&str, &Made)]) {
        for (file, made) in files {
            let path = directory.join(file);
            fs::create_dir_all(parent(&path)).unwrap();
            fs::write(path, made.certificate.to_pem()).unwrap();
        }
    }

    /// The unmanaged pairs have a name of the layout, and a CA of the directory signed them.
    #[test]
    fn pairs_that_are_unmanaged() {
        let [one, peers, stranger] = ["one", "peers", "stranger"].map(ca);
        let leaf = |ca: &Made| ca.sign(test_certificates::member("a"));
        let below = one.sign(test_certificates::ca("below", None));
        for (layout, peer_ca, files) in [
            (
                Layout::Kubespray,
                "peer-ca.pem",
                &[
                    ("client-a.pem", &leaf(&one), true),
                    ("client-b.pem", &leaf(&stranger), false),
                    ("client-c.pem", &below, false),
                    ("member-desired.pem", &leaf(&one), false),
                    ("peer-a.pem", &leaf(&peers), true),
                    ("x.pem", &leaf(&one), false),
                ][..],
            ),
            (
                Layout::Kubeadm,
                "etcd/peer-ca.crt",
                &[
                    ("etcd/client-a.crt", &leaf(&one), true),
                    ("host/etcd/peer.crt", &leaf(&peers), true),
                    ("host/other/peer.crt", &leaf(&one), false),
                ],
            ),
        ] {
            let scratch = tempfile::tempdir().unwrap();
            let store = Store::new(scratch.path(), layout);
            let all: Vec<_> = files.iter().map(|(file, made, _)| (*file, *made)).collect();
            write(scratch.path(), &all);
            write(scratch.path(), &[(peer_ca, &peers)]);
            let desired = PairPaths {
                certificate: "member-desired.pem".into(),
                key: "member-desired-key.pem".into(),
            };
            let clients = [one.certificate.clone()];
            let found = |cas: &[(CaKind, &[Certificate])]| {
                let found = Unmanaged::find(&store, std::iter::once(&desired), cas).unwrap();
                let pairs = found
                    .pairs
                    .iter()
                    .map(|pair| pair.paths.certificate.clone());
                (pairs.collect::<Vec<_>>(), found.ca)
            };
            let listed = files.iter().filter(|(.., is_listed)| *is_listed);
            let listed: Vec<_> = listed.map(|(file, ..)| PathBuf::from(file)).collect();
            // A peer CA that the specification does not have is unmanaged, and counts as a signer
            let (pairs, unmanaged) = found(&[(CaKind::Client, &clients)]);
            assert_eq!(pairs, listed);
            assert_eq!(unmanaged, Some(layout.ca(CaKind::Peer)));
            // The specification has a peer CA, and it is another one
            let others = [stranger.certificate.clone()];
            let (pairs, unmanaged) = found(&[(CaKind::Client, &clients), (CaKind::Peer, &others)]);
            assert!(!pairs.contains(&PathBuf::from("peer-a.pem")));
            assert_eq!(unmanaged, None);
        }
    }

    /// Files in the place of a peer CA that the specification does not have.
    #[test]
    fn unmanaged_cas() {
        let peers = ca("peers");
        let leaf = peers.sign(test_certificates::leaf("a"));
        for (files, expected) in [
            (&[][..], false),
            (&[("peer-ca.pem", &peers)], true),
            (&[("peer-ca-key.pem", &peers)], true),
            (
                &[("peer-ca.pem", &leaf), ("peer-ca-key.pem", &peers)],
                false,
            ),
        ] {
            let scratch = tempfile::tempdir().unwrap();
            write(scratch.path(), files);
            let store = Store::new(scratch.path(), Layout::Kubespray);
            let found = Unmanaged::find(&store, std::iter::empty(), &[]).unwrap();
            assert_eq!(found.ca.is_some(), expected);
        }
    }

    /// A pair belongs to the name in its file name, and to the host with its tree.
    #[test]
    fn names_of_pairs() {
        let scratch = tempfile::tempdir().unwrap();
        let one = ca("one");
        let leaf = one.sign(test_certificates::member("a"));
        write(
            scratch.path(),
            &[("etcd/client-a.crt", &leaf), ("b/etcd/peer.crt", &leaf)],
        );
        let store = Store::new(scratch.path(), Layout::Kubeadm);
        let cas = [one.certificate];
        let cas = [(CaKind::Client, &cas[..])];
        let found = Unmanaged::find(&store, std::iter::empty(), &cas).unwrap();
        let names = found.pairs.iter().map(|pair| {
            let names = ["a", "b", "peer"].into_iter();
            names.filter(|name| pair.is_of(name)).collect::<Vec<_>>()
        });
        assert_eq!(names.collect::<Vec<_>>(), [["b"], ["a"]]);
    }

    /// The files of a pair stay if the key may be the only copy of another one.
    #[test]
    fn pairs_that_must_stay() {
        let scratch = tempfile::tempdir().unwrap();
        let one = ca("one");
        let other = ca("other");
        let leaf = one.sign(test_certificates::leaf("a"));
        write(scratch.path(), &[("client-a.pem", &leaf)]);
        let store = Store::new(scratch.path(), Layout::Kubespray);
        let cas = [one.certificate];
        let cas = [(CaKind::Client, &cas[..])];
        let found = Unmanaged::find(&store, std::iter::empty(), &cas).unwrap();
        let key = scratch.path().join("client-a-key.pem");
        let obstacle = |of_ca: bool| {
            let ca = |_: &PublicKey| of_ca.then(|| PathBuf::from("ca.pem"));
            let found = found.pairs[0].obstacle(scratch.path(), ca).unwrap();
            found.map(|finding| finding.code())
        };
        assert_eq!(obstacle(true), None);
        let text = |made: &Made| made.private_key().to_secret_pem();
        for (text, codes) in [
            (&**text(&leaf), [None, Some("EP014")]),
            (&**text(&other), [Some("EP005"); 2]),
            ("damaged", [Some("EP012"); 2]),
        ] {
            fs::write(&key, text).unwrap();
            assert_eq!([false, true].map(obstacle), codes, "{text}");
        }
        fs::rename(&key, scratch.path().join("moved")).unwrap();
        symlink("moved", &key).unwrap();
        assert_eq!(obstacle(false), Some("EP018"));
    }
}

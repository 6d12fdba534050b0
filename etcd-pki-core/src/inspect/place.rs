//! Finds what belongs to a certificate's file: the CA that etcd trusts for it, the store with that
//! CA, and the key next to it.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use super::{
    contents::{is_named_as_certificate, key_path, key_paths, use_of},
    issuer,
    lists::revocation_file,
    reading::Reading,
    rules,
    surroundings::{Cas, Surroundings, directory_of_trees},
};
use crate::{
    error::{Error, Result},
    finding::Finding,
    layout::{CaKind, Layout},
    store::{self, Store, parent, read_regular_file},
    verify::{self, Use, Verifier},
    x509::certificate::Certificate,
};

/// Creates a verifier that trusts the CA that etcd trusts for the certificate in this file. It
/// depends on the file's place and name: the CA is in the CA file of the layout, in that of the
/// peer CA for a member's certificate for peers, or else next to the certificate. A
/// [`Check`](super::Check) uses the same CAs. If the revocation list `revoked.crl` is next to the
/// CA, the verifier refuses its certificates.
///
/// ```
/// use etcd_pki_core::{Cluster, Layout, Store, cluster::Peers, inspect};
///
/// # let parent = tempfile::tempdir()?;
/// # let directory = parent.path().join("pki");
/// let cluster = Cluster::from_yaml("layout: kubeadm\nca: {peers: separate}\nmembers: [etcd-1]\n")?;
/// let _ = cluster.plan(&Store::new(&directory, Layout::Kubeadm))?.apply()?;
///
/// // The peer CA signed it
/// let file = directory.join("etcd/peer.crt");
/// let verdict = inspect::verifier(&file)?.verify_file(&file, &std::fs::read(&file)?)?;
/// assert!(verdict.is_accepted());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Io`] with the kind `NotFound` if there is no CA next to the file, and for a CA file
/// that cannot be read; [`Error::Malformed`] for a CA file that etcd-pki cannot parse.
pub fn verifier(certificate: impl AsRef<Path>) -> Result<Verifier> {
    let path = certificate.as_ref();
    let files = trusted_files(path);
    let [first, others @ ..] = files.as_slice() else {
        return Err(Error::Io {
            action: "find a CA next to",
            path: path.to_owned(),
            error: io::ErrorKind::NotFound.into(),
        });
    };
    let mut verifier = Verifier::trusting(first, &read_regular_file(first)?)?;
    for other in others {
        verifier = verifier.and_trusting(other, &read_regular_file(other)?)?;
    }
    let lists: BTreeSet<PathBuf> = files.iter().filter_map(revocation_file).collect();
    for list in lists {
        verifier = verifier.with_revocation_file(&list, &read_regular_file(&list)?);
    }
    Ok(verifier)
}

/// The store with the CA for a certificate's file. Its layout is the one that the file's name
/// shows, or else the one of a CA file in the same directory. `None` if there is no CA.
#[must_use]
pub fn store_of(certificate: impl AsRef<Path>) -> Option<Store> {
    let path = certificate.as_ref();
    let own = parent(path);
    let is_here = |file: &Path| !store::is_absent(&own.join(file));
    let named = Layout::ALL.into_iter().filter_map(|layout| {
        let found = layout.neighbours(path)?;
        let directory = store_directory(own, layout, &found.ca)?;
        is_here(&found.ca).then_some((found, directory))
    });
    let named = named.min_by_key(|(found, _)| !found.members.iter().any(|member| is_here(member)));
    if let Some((found, directory)) = named {
        return Some(Store::new(directory, found.layout));
    }
    let has_ca = |store: &Store| !store::is_absent(&store.ca_paths(CaKind::Client).certificate);
    let stores = Layout::ALL.map(|layout| Store::new(own, layout));
    let trees = Layout::ALL.into_iter();
    let trees =
        trees.filter_map(|layout| Some(Store::new(directory_of_trees(path, layout)?, layout)));
    stores.into_iter().chain(trees).find(has_ca)
}

/// The kind of CA of a store that etcd trusts for the certificate in a file, according to the
/// file's name. It is the peer CA for a member's certificate for peers, if there is a separate peer
/// CA.
#[must_use]
pub fn ca_kind(store: &Store, certificate: impl AsRef<Path>) -> CaKind {
    let found = store.layout().neighbours(certificate.as_ref());
    let is_for_peers = found.is_some_and(|found| found.is_for_peers);
    let peer_ca = store.ca_paths(CaKind::Peer).certificate;
    if is_for_peers && !store::is_absent(&peer_ca) {
        CaKind::Peer
    } else {
        CaKind::Client
    }
}

/// The finding for a certificate of a client or node that the peer port of the store's etcd
/// accepts. `None` if there is a separate peer CA that did not sign it.
#[must_use]
pub fn peer_port_of(store: &Store, certificate: &Certificate) -> Option<Finding> {
    let peer_ca = store.ca_paths(CaKind::Peer).certificate;
    let file = read_regular_file(&peer_ca).unwrap_or_default();
    let cas = verify::held_bundle(&file).0.unwrap_or_default();
    let is_separate = !cas.is_empty() && !issuer::is_signed_by(certificate, &cas);
    let finding = || rules::peer_port(certificate, None);
    (!is_separate).then(finding).flatten()
}

/// The path for the key of a certificate or request that is written to a file. For a certificate it
/// is the existing key, or the path at which every command finds the key.
#[must_use]
pub fn key_path_of(out: &Path) -> PathBuf {
    if is_named_as_certificate(out) {
        return key_path(out);
    }
    let mut name = out.file_stem().unwrap_or_default().to_owned();
    name.push("-key.pem");
    out.with_file_name(name)
}

/// The certificates of a file that may belong to a key: each CA of a trust bundle, or else the
/// first certificate.
///
/// # Errors
///
/// As [`Certificate::all_from_bytes`].
pub fn certificates_of_key(path: &Path, file: &[u8]) -> Result<Vec<Certificate>> {
    let mut all = Certificate::all_from_bytes(file)?;
    let has_leaf = all.iter().any(|one| !one.is_ca());
    if has_leaf || use_of(path, file) != Use::TrustedCa {
        all.truncate(1);
    }
    Ok(all)
}

/// The file next to a certificate that contains its key; `None` if there is none.
#[must_use]
pub fn key_of(certificate: impl AsRef<Path>) -> Option<PathBuf> {
    let mut paths = key_paths(certificate.as_ref()).into_iter();
    paths.find(|path| !store::is_absent(path))
}

/// The directory of a store, from the path of its CA relative to a leaf's directory.
fn store_directory(own: &Path, layout: Layout, ca: &Path) -> Option<PathBuf> {
    let of_layout = layout.ca(CaKind::Client).certificate;
    if of_layout == ca {
        return Some(own.to_owned());
    }
    // The leaf is in the folder that the layout has for the CA
    let folder = of_layout.parent()?;
    match own.file_name() {
        Some(name) => (name == folder.as_os_str()).then(|| parent(own).to_owned()),
        None => {
            let real = own.canonicalize().ok()?;
            let is_it = real.file_name() == Some(folder.as_os_str());
            is_it.then(|| own.join(".."))
        }
    }
}

/// The files of the CAs that etcd trusts for the certificate in a file.
fn trusted_files(path: &Path) -> Vec<PathBuf> {
    let reading = Reading::of([path]);
    let surroundings = Surroundings::of(&reading.contents);
    let Cas {
        trusted,
        empty,
        near,
        around,
        ..
    } = surroundings.cas(path);
    if let Some(empty) = empty {
        return vec![empty];
    }
    let others = |cas: Vec<(&Path, _)>| -> Vec<PathBuf> {
        let files = cas.into_iter().map(|(file, _)| file);
        files
            .filter(|file| *file != path)
            .map(Path::to_owned)
            .collect()
    };
    // etcd trusts a CA in its own file
    let mut files: Vec<PathBuf> = trusted.iter().map(|(file, _)| file.to_path_buf()).collect();
    if files.is_empty() {
        files = others(near);
    }
    if files.is_empty() {
        files = others(around);
    }
    if files.is_empty() {
        // The file may not exist yet
        let store = store_of(path);
        files.extend(store.map(|store| store.ca_paths(ca_kind(&store, path)).certificate));
    }
    files.dedup();
    files
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::test_certificates::{self, Made};

    /// A directory with CA certificates in these files.
    fn directory(files: &[&str]) -> tempfile::TempDir {
        let scratch = tempfile::tempdir().unwrap();
        let text = Made::root(test_certificates::ca("ca", None));
        let text = text.certificate.to_pem();
        for file in files {
            let path = scratch.path().join(file);
            fs::create_dir_all(parent(&path)).unwrap();
            fs::write(path, &text).unwrap();
        }
        scratch
    }

    /// The store of a file by the CAs and the members around it. If a name is in several layouts,
    /// the files of members show the layout.
    #[test]
    fn stores_of_files() {
        for (files, file, expected) in [
            (
                &["a/ca.pem"][..],
                "a/member-a.pem",
                Some(("a", Layout::Kubespray)),
            ),
            (
                &["a/etcd/ca.crt"],
                "a/etcd/server.crt",
                Some(("a", Layout::Kubeadm)),
            ),
            (
                &["a/b/ca.crt"],
                "a/b/server.crt",
                Some(("a/b", Layout::Etcdadm)),
            ),
            (
                &["a/etcd/ca.crt"],
                "a/apiserver-etcd-client.crt",
                Some(("a", Layout::Kubeadm)),
            ),
            (
                &["a/ca.crt", "a/etcd/ca.crt"],
                "a/apiserver-etcd-client.crt",
                Some(("a", Layout::Kubeadm)),
            ),
            (
                &["a/ca.crt", "a/etcd/ca.crt", "a/server.crt"],
                "a/apiserver-etcd-client.crt",
                Some(("a", Layout::Etcdadm)),
            ),
            // The name shows no layout
            (&["a/ca.pem"], "a/x.pem", Some(("a", Layout::Kubespray))),
            (&["a/server-ca.crt"], "a/x.crt", Some(("a", Layout::K3s))),
            (
                &["a/server-ca.crt"],
                "a/server.crt",
                Some(("a", Layout::K3s)),
            ),
            // The tree of a host
            (
                &["a/etcd/ca.crt"],
                "a/host/etcd/server.crt",
                Some(("a", Layout::Kubeadm)),
            ),
            (
                &["a/ca.crt"],
                "a/host/server.crt",
                Some(("a", Layout::Etcdadm)),
            ),
            (&["a/ca.pem"], "a/host/member-a.pem", None),
            (&["ca.pem"], "a/member-a.pem", None),
        ] {
            let scratch = directory(files);
            let found = store_of(scratch.path().join(file));
            let found = found.as_ref().map(|found| {
                let directory = found.directory().strip_prefix(scratch.path()).unwrap();
                (directory.to_str().unwrap(), found.layout())
            });
            assert_eq!(found, expected, "{files:?} {file}");
        }
    }

    /// The last part of a path may be `..`. Then the real folder counts.
    #[test]
    fn stores_of_unusual_paths() {
        for (ca, file, expected) in [
            ("etcd/ca.crt", "etcd/sub/../server.crt", Layout::Kubeadm),
            ("other/ca.crt", "other/sub/../server.crt", Layout::Etcdadm),
        ] {
            let scratch = directory(&[ca]);
            let file = scratch.path().join(file);
            fs::create_dir(file.parent().and_then(Path::parent).unwrap()).unwrap();
            let found = store_of(&file).map(|store| store.layout());
            assert_eq!(found, Some(expected), "{ca}");
        }
    }

    /// A member's certificate for peers belongs to the peer CA, if there is one.
    #[test]
    fn kinds_of_cas() {
        for (layout, peer_ca, for_peers, for_clients) in [
            (
                Layout::Kubespray,
                "peer-ca.pem",
                "peer-a.pem",
                "member-a.pem",
            ),
            (
                Layout::Kubeadm,
                "etcd/peer-ca.crt",
                "etcd/peer.crt",
                "etcd/server.crt",
            ),
        ] {
            for (files, expected) in [(&[peer_ca][..], CaKind::Peer), (&[], CaKind::Client)] {
                let scratch = directory(files);
                let store = Store::new(scratch.path(), layout);
                let kind = |file: &str| ca_kind(&store, scratch.path().join(file));
                assert_eq!(kind(for_peers), expected);
                assert_eq!(kind(for_clients), CaKind::Client);
                assert_eq!(kind("x.pem"), CaKind::Client);
            }
        }
    }

    #[test]
    fn keys_of_files() {
        for (files, expected) in [
            (&[][..], None),
            (&["a.key"], Some("a.key")),
            (&["a-key.pem"], Some("a-key.pem")),
            (&["a.key", "a-key.pem"], Some("a-key.pem")),
        ] {
            let scratch = directory(files);
            let found = key_of(scratch.path().join("a.pem"));
            assert_eq!(found, expected.map(|file| scratch.path().join(file)));
        }
    }

    /// The CA files that etcd trusts for a file: those of its layout, or else other CAs that are
    /// near, or else those around it, or that of the store with the tree of its host.
    #[test]
    fn files_of_trusted_cas() {
        for (files, file, expected) in [
            (
                &["a/ca.pem", "a/my-ca.pem", "ca.pem"][..],
                "a/member-a.pem",
                &["a/ca.pem"][..],
            ),
            (
                &["a/ca.pem", "a/server-ca.crt"],
                "a/x.pem",
                &["a/ca.pem", "a/server-ca.crt"],
            ),
            (
                &["a/my-ca.pem", "a/other-ca.pem", "my-ca.pem"],
                "a/x.pem",
                &["a/my-ca.pem", "a/other-ca.pem"],
            ),
            (&["my-ca.pem"], "a/x.pem", &["my-ca.pem"]),
            (&["my-ca.pem"], "a/my-ca.pem", &["my-ca.pem"]),
            (&["ca.pem"], "ca.pem", &["ca.pem"]),
            (
                &["a/etcd/ca.crt"],
                "a/host/etcd/server.crt",
                &["a/etcd/ca.crt"],
            ),
            (&[], "a/x.pem", &[]),
        ] {
            let scratch = directory(files);
            let path = scratch.path().join(file);
            fs::create_dir_all(parent(&path)).unwrap();
            if !files.contains(&file) {
                let leaf = Made::root(test_certificates::leaf("a"));
                fs::write(&path, leaf.certificate.to_pem()).unwrap();
            }
            let expected: Vec<_> = expected
                .iter()
                .map(|file| scratch.path().join(file))
                .collect();
            assert_eq!(trusted_files(&path), expected, "{files:?} {file}");
            assert_eq!(verifier(&path).is_ok(), !expected.is_empty());
        }
        // Two certificates of a file are one file. A file without a certificate is not skipped
        let scratch = directory(&["ca.pem", "my-ca.pem"]);
        let ca = scratch.path().join("ca.pem");
        let text = fs::read_to_string(&ca).unwrap();
        let other = Made::root(test_certificates::ca("other", None));
        let request =
            "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n";
        for text in [text + &other.certificate.to_pem(), request.to_owned()] {
            fs::write(&ca, text).unwrap();
            let found = trusted_files(&scratch.path().join("member-a.pem"));
            assert_eq!(found, std::slice::from_ref(&ca));
        }
    }
}

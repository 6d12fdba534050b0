//! Finds the files around a certificate: the CAs that may have signed it, and the keys of other
//! files.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

use super::{
    contents::{Contents, EXTENSIONS, Key, is_named_as_ca, key_paths},
    issuer, rules,
};
use crate::{
    finding::Finding,
    layout::{CaKind, FileKind, Layout, Neighbours, is_idle_ca},
    store::{self, parent},
    x509::certificate::Certificate,
};

/// The CAs of each directory with certificates, and of the directories around it.
pub(super) struct Surroundings<'a> {
    cas: HashMap<PathBuf, Vec<(PathBuf, Certificate)>>,
    keys: HashSet<&'a Path>,
}

/// The layout of a leaf's name, and the CA files of this layout.
pub(super) struct Place {
    pub(super) neighbours: Neighbours,
    /// The CA's file, which exists
    ca: PathBuf,
    peer_ca: PathBuf,
    /// Whether the CA is in the directory with the trees of all hosts
    is_above: bool,
    /// Whether the leaf certainly belongs to this CA. A directory above may have another purpose
    is_certain: bool,
}

/// The CAs that may have signed a certificate.
#[derive(Default)]
pub(super) struct Cas<'a> {
    /// The CAs in the certificate's directory
    pub(super) near: Vec<(&'a Path, &'a Certificate)>,
    /// The CAs in its file, in the directory above, and in `etcd` below
    pub(super) around: Vec<(&'a Path, &'a Certificate)>,
    /// The CAs that etcd trusts; other CAs may be kept nearby. They are in the CA file of the
    /// layout that the certificate's name shows. If it shows no layout, they are in every file with
    /// the name of a CA in a layout, in the certificate's directory and in `etcd` below
    pub(super) trusted: Vec<(&'a Path, &'a Certificate)>,
    /// The layout that the certificate's name shows, if its CA file exists
    pub(super) place: Option<Place>,
    /// The CA file of that layout, if it contains no certificate
    pub(super) empty: Option<PathBuf>,
    /// The CAs of the separate peer CA
    peers: Vec<(&'a Path, &'a Certificate)>,
}

impl<'a> Surroundings<'a> {
    /// Collects the CAs of the files that were read. Other CAs in these directories are found by
    /// name.
    pub(super) fn of(read: &'a BTreeMap<PathBuf, Contents>) -> Self {
        let mut cas: HashMap<PathBuf, Vec<(PathBuf, Certificate)>> = HashMap::new();
        let mut keys = HashSet::new();
        for (path, contents) in read {
            let Contents::Certificates(certificates) = contents else {
                continue;
            };
            keys.extend(certificates.key.path.as_deref());
            for directory in directories_of(path) {
                cas.entry(directory)
                    .or_insert_with_key(|directory| named_as_cas(directory, read));
            }
            // A leaf's chain only counts for its own file, and etcd does not trust a CA that was
            // replaced
            let has_cas = certificates.are_cas() || is_trusted_by_name(path);
            if has_cas && !is_idle_ca(path) {
                let own = cas.entry(parent(path).to_owned()).or_default();
                let all = certificates.all.iter();
                own.extend(all.map(|one| (path.to_path_buf(), one.clone())));
            }
        }
        Self { cas, keys }
    }

    /// Whether a file is the key of a certificate that was read.
    pub(super) fn has_key(&self, path: &Path) -> bool {
        self.keys.contains(path)
    }

    /// The CAs around a certificate's file.
    pub(super) fn cas(&self, path: &Path) -> Cas<'_> {
        let [own, rest @ ..] = around(path);
        // A CA of another layout next to the leaf is nearer
        let has_nearer = || !self.trusted_by_name(path).is_empty();
        let place = place(path).filter(|place| !place.is_above || !has_nearer());
        let (trusted, peers) = match &place {
            Some(found) => {
                let peers: Vec<_> = self.in_file(&found.peer_ca).collect();
                let trusted = if found.neighbours.is_for_peers && !peers.is_empty() {
                    peers.clone()
                } else {
                    self.in_file(&found.ca).collect()
                };
                (trusted, peers)
            }
            None => (self.trusted_by_name(path), self.peer_cas_by_name(path)),
        };
        let ca = place.as_ref().filter(|_| trusted.is_empty());
        let ca = ca.map(|found| found.ca.clone());
        Cas {
            empty: ca.filter(|ca| has_no_certificate(ca)),
            trusted,
            place,
            peers,
            near: self.in_directory(&own).collect(),
            around: rest
                .iter()
                .flat_map(|directory| self.in_directory(directory))
                .collect(),
        }
    }

    /// The certificates of a CA's file.
    fn in_file(&self, ca: &Path) -> impl Iterator<Item = (&Path, &Certificate)> {
        let name = ca.file_name().map(ToOwned::to_owned);
        self.in_directory(parent(ca))
            .filter(move |(path, _)| path.file_name() == name.as_deref())
    }

    /// The CAs in files with the name of a CA in any layout.
    fn trusted_by_name(&self, path: &Path) -> Vec<(&Path, &Certificate)> {
        let [own, below, _] = around(path);
        let all = [&own, &below].into_iter();
        let all = all.flat_map(|directory| self.in_directory(directory));
        all.filter(|(path, _)| is_trusted_by_name(path)).collect()
    }

    /// The CAs in files with the name of a peer CA in any layout.
    fn peer_cas_by_name(&self, path: &Path) -> Vec<(&Path, &Certificate)> {
        let is_peer_ca = |path: &Path| {
            let kind = Layout::kind_by_name(path);
            kind == Some((FileKind::Ca(CaKind::Peer), false))
        };
        let all = around(path);
        let all = all.iter();
        let all = all.flat_map(|directory| self.in_directory(directory));
        all.filter(|(path, _)| is_peer_ca(path)).collect()
    }

    pub(super) fn in_directory(
        &self,
        directory: &Path,
    ) -> impl Iterator<Item = (&Path, &Certificate)> {
        let found = self.cas.get(directory).into_iter().flatten();
        found.map(|(path, certificate)| (path.as_path(), certificate))
    }
}

impl<'a> Cas<'a> {
    /// All CAs. The nearest come first.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'a Path, &'a Certificate)> + '_ {
        self.near.iter().chain(&self.around).copied()
    }

    /// Whether a certificate belongs to etcd, and not to Kubernetes next to it. The name of a CA of
    /// Kubernetes shows the latter, unless the certificate's own name or the trusted CA shows the
    /// former.
    pub(super) fn are_of_etcd(&self, certificate: &Certificate) -> bool {
        let issuer = certificate.issuer_common_name();
        if !rules::is_named_as_kubernetes_ca(issuer.as_deref()) {
            return true;
        }
        let Some(Place { neighbours, .. }) = &self.place else {
            return false;
        };
        // K3s has `client-NAME.crt` and `server-ca.crt` of Kubernetes in the directory above etcd's
        let may_be_of_kubernetes =
            neighbours.kind == FileKind::Client && !neighbours.layout.names_hosts();
        let cas = || self.trusted.iter().map(|(_, ca)| *ca);
        !may_be_of_kubernetes
            || cas().any(|ca| !rules::is_named_as_kubernetes_ca(ca.common_name().as_deref()))
            || issuer::is_signed_by(certificate, cas())
    }

    /// Whether there is a separate peer CA that did not sign a certificate. Members then do not
    /// accept it.
    pub(super) fn keep_peers_separate(&self, certificate: &Certificate) -> bool {
        let peers = || self.peers.iter().map(|(_, ca)| *ca);
        !self.peers.is_empty() && !issuer::is_signed_by(certificate, peers())
    }

    /// The file of the CA that should have signed a leaf: the CA that the leaf names, or else the
    /// first one if the leaf certainly belongs to it.
    pub(super) fn expected(
        &self,
        certificate: &Certificate,
        cas: &[(&'a Path, &Certificate)],
    ) -> Option<&'a Path> {
        let is_of_etcd = |place: &Place| place.is_certain && !is_of_kubeadm(place, cas);
        let is_certain = self.place.as_ref().is_none_or(is_of_etcd);
        let namesake = cas.iter().find(|(_, ca)| certificate.names_issuer(ca));
        let first = cas.first().filter(|_| is_certain);
        let (path, _) = namesake.or(first)?;
        Some(path)
    }

    /// Adds the certificates after it in its file.
    pub(super) fn with(mut self, chain: impl Iterator<Item = (&'a Path, &'a Certificate)>) -> Self {
        self.around.extend(chain);
        self
    }
}

/// Whether a node's certificate is next to kubeadm's own CA, which has the file name of etcdadm's
/// CA. With an external etcd, kubeadm keeps etcd's CA wherever its configuration says.
fn is_of_kubeadm(place: &Place, cas: &[(&Path, &Certificate)]) -> bool {
    const KUBEADM: &str = "kubernetes";
    place.neighbours.kind == FileKind::Node
        && !place.neighbours.layout.names_hosts()
        && cas
            .iter()
            .all(|(_, ca)| ca.common_name().as_deref() == Some(KUBEADM))
}

/// Whether a layout has this name for a CA's certificate.
pub(super) fn is_trusted_by_name(path: &Path) -> bool {
    matches!(Layout::kind_by_name(path), Some((FileKind::Ca(_), false)))
}

/// The layout that a leaf's name shows, if the layout's CA file exists: next to the leaf, or in the
/// directory with the trees of all hosts. A layout with files of a member in the directory is
/// preferred, otherwise the first.
fn place(leaf: &Path) -> Option<Place> {
    let own = parent(leaf);
    let found = || {
        let all = Layout::ALL.into_iter();
        all.filter_map(|layout| layout.neighbours(leaf))
    };
    let next_to = found().map(|neighbours| Place {
        ca: own.join(&neighbours.ca),
        peer_ca: own.join(&neighbours.peer_ca),
        is_above: false,
        is_certain: true,
        neighbours,
    });
    let in_trees = found().filter_map(|neighbours| {
        let directory = directory_of_trees(leaf, neighbours.layout)?;
        let full = |kind| neighbours.layout.ca(kind).below(&directory);
        let (ca, peer_ca) = (full(CaKind::Client), full(CaKind::Peer));
        Some(Place {
            is_certain: !store::is_absent(&ca.key) || !store::is_absent(&peer_ca.key),
            is_above: true,
            ca: ca.certificate,
            peer_ca: peer_ca.certificate,
            neighbours,
        })
    });
    let is_missing = |place: &Place| {
        let mut members = place.neighbours.members.iter();
        !members.any(|member| !store::is_absent(&own.join(member)))
    };
    let has_ca = |place: &Place| !store::is_absent(&place.ca);
    let best = next_to.filter(has_ca).min_by_key(is_missing);
    best.or_else(|| in_trees.filter(has_ca).min_by_key(is_missing))
}

/// The directory with the trees of all hosts, if a file has the place of a leaf in such a tree.
/// Layouts without hosts in their names have these trees.
pub(super) fn directory_of_trees(path: &Path, layout: Layout) -> Option<PathBuf> {
    if layout.names_hosts() {
        return None;
    }
    let levels = layout.neighbours(path)?.levels + 2;
    let above = |path: &Path| {
        let directory = path.ancestors().nth(levels)?;
        let below = path.strip_prefix(directory).ok()?;
        // The tools of Kubernetes keep etcd's files there, and their own CAs above
        let host = layout.identify(below)?.host?;
        let directory = match directory {
            empty if empty == Path::new("") => Path::new("."),
            directory => directory,
        };
        (host != "etcd").then(|| directory.to_owned())
    };
    // A user in the tree writes only the end of the path
    let full = || {
        let own = parent(path).canonicalize().ok()?;
        above(&own.join(path.file_name()?))
    };
    above(path).or_else(full)
}

/// Whether a CA's file can be read and contains no certificate.
fn has_no_certificate(ca: &Path) -> bool {
    let contents = Contents::of(ca, store::owner_of_directory(parent(ca)));
    matches!(
        contents,
        Contents::Unreadable(Finding::NotReadByEtcd { .. } | Finding::NoCertificate)
    )
}

/// A file's directory, `etcd` below it, and the directory above. The tools of Kubernetes keep
/// etcd's CA in `etcd`.
fn around(path: &Path) -> [PathBuf; 3] {
    let own = parent(path);
    [own.to_owned(), own.join("etcd"), parent(own).to_owned()]
}

/// The directories with the CAs around a certificate's file.
pub(super) fn directories_of(path: &Path) -> impl Iterator<Item = PathBuf> {
    let trees = place(path).map(|place| parent(&place.ca).to_owned());
    around(path).into_iter().chain(trees)
}

/// The CAs of a directory that were not read yet. They are found by name and get no findings.
pub(super) fn named_as_cas(
    directory: &Path,
    read: &BTreeMap<PathBuf, Contents>,
) -> Vec<(PathBuf, Certificate)> {
    let mut found = Vec::new();
    let owner = store::owner_of_directory(directory);
    for path in store::files(directory) {
        // A user in that directory writes the path without `./`
        let path = path.strip_prefix(".").unwrap_or(&path).to_owned();
        if !is_named_as_ca(&path) || read.contains_key(&path) {
            continue;
        }
        if let Contents::Certificates(certificates) = Contents::of(&path, owner) {
            let all = certificates.all.into_iter();
            found.extend(all.map(|one| (path.clone(), one)));
        }
    }
    found
}

/// The keys with a layout's name that have no certificate, each with a finding.
///
/// On a host that uses an exchange directory, a key may wait for its certificate. Then either the
/// directory has no leaf certificate and no CA key yet, or the request is next to the key.
pub(super) fn keys_without_certificate(
    read: &BTreeMap<PathBuf, Contents>,
    surroundings: &Surroundings<'_>,
) -> Vec<(PathBuf, Finding)> {
    let in_use: HashSet<&Path> = read
        .iter()
        .filter(|(_, contents)| is_in_use(contents))
        .map(|(path, _)| parent(path))
        .collect();
    let is_alone = |path: &Path| {
        !surroundings.has_key(path)
            && !is_key_of_rotation(path)
            && in_use.contains(parent(path))
            && Layout::ALL.iter().any(|layout| layout.names_key(path))
            && companions(path).iter().all(|path| store::is_absent(path))
            && !fits_any(path, read)
    };
    let keys = read
        .iter()
        .filter(|(path, contents)| matches!(contents, Contents::Key(_)) && is_alone(path));
    keys.map(|(path, _)| (path.to_path_buf(), Finding::MissingCertificate))
        .collect()
}

/// Whether a file has the name of a key of a rotation. Its CA is in the trust bundle.
fn is_key_of_rotation(path: &Path) -> bool {
    matches!(
        Layout::kind_by_name(path),
        Some((FileKind::Rotation(..), true))
    )
}

/// Whether a directory with this file already has certificates, or issues its own.
fn is_in_use(contents: &Contents) -> bool {
    match contents {
        Contents::Certificates(certificates) => {
            !certificates.are_cas() || certificates.key.path.is_some()
        }
        _ => false,
    }
}

/// The certificates that a key may belong to according to its name, and its request.
fn companions(key: &Path) -> Vec<PathBuf> {
    let stem = key.file_stem().unwrap_or_default().to_string_lossy();
    let stem = stem.strip_suffix("-key").unwrap_or(&stem);
    let called = |extension: &str| key.with_file_name(format!("{stem}.{extension}"));
    let certificates = EXTENSIONS.map(called).into_iter();
    let certificates = certificates.filter(|path| key_paths(path).iter().any(|found| found == key));
    certificates.chain([called("csr")]).collect()
}

/// Whether the key matches a certificate with another name.
fn fits_any(key: &Path, read: &BTreeMap<PathBuf, Contents>) -> bool {
    let Some(public) =
        Key::at(key, store::owner_of_directory(parent(key))).and_then(|key| key.public)
    else {
        return false;
    };
    let is_its = |certificate: &Certificate| *certificate.public_key() == public;
    read.values().any(|contents| match contents {
        Contents::Certificates(certificates) => certificates.all.iter().any(is_its),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{super::reading::Reading, *};
    use crate::test_certificates::{self, Made};

    fn ca(name: &str) -> Made {
        Made::root(test_certificates::ca(name, None))
    }

    /// Writes certificates to files below a directory.
    fn write(directory: &Path, files: &[(&str, &Made)]) {
        for (file, made) in files {
            let path = directory.join(file);
            fs::create_dir_all(parent(&path)).unwrap();
            fs::write(path, made.certificate.to_pem()).unwrap();
        }
    }

    /// The common names of some CAs, in order.
    fn names(cas: &[(&Path, &Certificate)]) -> Vec<String> {
        cas.iter().filter_map(|(_, ca)| ca.common_name()).collect()
    }

    #[test]
    fn what_belongs_to_a_key() {
        for (key, expected) in [
            ("a/b.lan-key.pem", &["a/b.lan.pem", "a/b.lan.csr"][..]),
            (
                "a/b.key",
                &[
                    "a/b.pem", "a/b.crt", "a/b.cer", "a/b.cert", "a/b.der", "a/b.csr",
                ],
            ),
        ] {
            let expected: Vec<_> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(companions(Path::new(key)), expected);
        }
    }

    /// The CAs of each place around a leaf. The name of the leaf decides which of them etcd trusts.
    #[test]
    fn cas_of_each_place() {
        let scratch = tempfile::tempdir().unwrap();
        let own = scratch.path().join("pki");
        let [one, above, below, peers, other] = ["one", "above", "below", "peers", "other"].map(ca);
        let leaf = one.sign(test_certificates::member("a"));
        write(
            scratch.path(),
            &[
                ("ca.pem", &above),
                ("pki/ca.pem", &one),
                ("pki/etcd/ca.crt", &below),
                ("pki/peer-ca.pem", &peers),
                ("pki/other.pem", &other),
                ("pki/member-a.pem", &leaf),
                ("pki/peer-a.pem", &leaf),
                ("pki/x.pem", &leaf),
            ],
        );
        let leaves = ["member-a.pem", "peer-a.pem", "x.pem"].map(|file| own.join(file));
        let reading = Reading::of(&leaves);
        let surroundings = Surroundings::of(&reading.contents);
        for (leaf, layout, trusted) in [
            (&leaves[0], Some(Layout::Kubespray), &["one"][..]),
            (&leaves[1], Some(Layout::Kubespray), &["peers"]),
            (&leaves[2], None, &["one", "peers", "below"]),
        ] {
            let cas = surroundings.cas(leaf);
            let found = cas.place.as_ref().map(|found| found.neighbours.layout);
            assert_eq!(found, layout, "{}", leaf.display());
            assert_eq!(names(&cas.trusted), trusted, "{}", leaf.display());
            assert_eq!(names(&cas.peers), ["peers"]);
            // A file that was not given is found only by the name of a CA
            assert_eq!(names(&cas.near), ["one", "peers"]);
            assert_eq!(names(&cas.around), ["below", "above"]);
            assert_eq!(cas.empty, None);
            let chain = [(own.as_path(), &other.certificate)];
            assert_eq!(
                names(&cas.with(chain.into_iter()).around),
                ["below", "above", "other"]
            );
        }
    }

    /// The key of a certificate that was read. Other keys have no certificate.
    #[test]
    fn keys_of_certificates() {
        let scratch = tempfile::tempdir().unwrap();
        let made = ca("a");
        write(scratch.path(), &[("a.pem", &made)]);
        for file in ["a-key.pem", "b-key.pem"] {
            let key = made.private_key();
            fs::write(scratch.path().join(file), &**key.to_secret_pem()).unwrap();
        }
        let reading = Reading::of([scratch.path()]);
        let surroundings = Surroundings::of(&reading.contents);
        assert!(surroundings.has_key(&scratch.path().join("a-key.pem")));
        assert!(!surroundings.has_key(&scratch.path().join("b-key.pem")));
    }

    /// If a name is in several layouts, the files of members show the layout. Otherwise it is the
    /// first layout with a CA.
    #[test]
    fn layouts_with_one_name() {
        let root = ca("ca");
        for (files, expected) in [
            (&["ca.crt"][..], Some(Layout::Etcdadm)),
            (&["etcd/ca.crt"], Some(Layout::Kubeadm)),
            (&["ca.crt", "etcd/ca.crt"], Some(Layout::Kubeadm)),
            (
                &["ca.crt", "etcd/ca.crt", "server.crt"],
                Some(Layout::Etcdadm),
            ),
            (
                &["ca.crt", "etcd/ca.crt", "etcd/server.crt"],
                Some(Layout::Kubeadm),
            ),
            (&["server.crt"], None),
        ] {
            let scratch = tempfile::tempdir().unwrap();
            for file in files {
                write(scratch.path(), &[(*file, &root)]);
            }
            let leaf = scratch.path().join("apiserver-etcd-client.crt");
            let found = place(&leaf).map(|found| found.neighbours.layout);
            assert_eq!(found, expected, "{files:?}");
        }
    }

    /// A CA file without a certificate differs from a CA file that cannot be read: etcd trusts no
    /// CA, or the reason is a finding about that file.
    #[test]
    fn ca_files_without_certificates() {
        let scratch = tempfile::tempdir().unwrap();
        let leaf = scratch.path().join("member-a.pem");
        let path = scratch.path().join("ca.pem");
        write(scratch.path(), &[("member-a.pem", &ca("a"))]);
        let block = |label: &str| format!("-----BEGIN {label}-----\nMAA=\n-----END {label}-----\n");
        for (text, is_empty) in [
            (block("CERTIFICATE REQUEST"), true),
            (block("X509 CRL"), true),
            (block("CERTIFICATE"), false),
        ] {
            fs::write(&path, &text).unwrap();
            let reading = Reading::of([&leaf]);
            let surroundings = Surroundings::of(&reading.contents);
            let cas = surroundings.cas(&leaf);
            assert!(cas.place.is_some() && cas.trusted.is_empty());
            assert_eq!(cas.empty.is_some(), is_empty, "{text}");
        }
    }

    /// The names of a leaf and of the trusted CA, and the signature, show that a certificate of
    /// a CA with a name of Kubernetes is for etcd.
    #[test]
    fn certificates_of_etcd_and_of_kubernetes() {
        let kubernetes = ca("kubernetes-ca");
        let namesake = ca("kubernetes-ca");
        let etcd = ca("etcd-ca");
        let leaf = kubernetes.sign(test_certificates::leaf("a")).certificate;
        let path = Path::new("ca.crt");
        let of = |neighbours: Option<(Layout, &str)>, trusted: &[&Made]| {
            let place = neighbours.map(|(layout, name)| Place {
                neighbours: layout.neighbours(Path::new(name)).unwrap(),
                ca: path.to_owned(),
                peer_ca: PathBuf::new(),
                is_above: false,
                is_certain: true,
            });
            let trusted = trusted.iter().map(|made| (path, &made.certificate));
            let cas = Cas {
                place,
                trusted: trusted.collect(),
                ..Cas::default()
            };
            cas.are_of_etcd(&leaf)
        };
        let client = Some((Layout::K3s, "client-a.crt"));
        for (neighbours, trusted, expected) in [
            (None, &[&etcd][..], false),
            (Some((Layout::Kubeadm, "server.crt")), &[], true),
            (Some((Layout::Kubespray, "client-a.pem")), &[], true),
            (client, &[], false),
            (client, &[&namesake], false),
            (client, &[&namesake, &kubernetes], true),
            (client, &[&namesake, &etcd], true),
        ] {
            let what = format!("{neighbours:?}, {} trusted", trusted.len());
            assert_eq!(of(neighbours, trusted), expected, "{what}");
        }
        let of_etcd = etcd.sign(test_certificates::leaf("a")).certificate;
        assert!(Cas::default().are_of_etcd(&of_etcd));
    }

    /// Members accept a certificate only if the separate peer CA signed it, if there is one.
    #[test]
    fn certificates_that_peers_accept() {
        let [peers, clients] = ["peers", "clients"].map(ca);
        let leaf = clients.sign(test_certificates::leaf("a")).certificate;
        let path = Path::new("peer-ca.pem");
        for (cas, expected) in [
            (&[][..], false),
            (&[&peers][..], true),
            (&[&peers, &clients], false),
        ] {
            let cas = Cas {
                peers: cas.iter().map(|made| (path, &made.certificate)).collect(),
                ..Cas::default()
            };
            assert_eq!(cas.keep_peers_separate(&leaf), expected);
        }
    }
}

//! Reads the current state of a directory: its layout, trust bundles, pairs and other files.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{
    ca,
    check::Check,
    checked::Checked,
    contents::{Certificates, Contents},
    reading::Reading,
};
use crate::{
    error::Result,
    finding::Finding,
    key::PublicKey,
    layout::{CaKind, FileKind, Identified, Layout, PairPaths},
    store::{canonical, is_directory, link_target, owner_of_directory},
    x509::certificate::Certificate,
};

/// Reads a directory once, and returns its current state.
///
/// ```
/// use etcd_pki_core::{CaKind, CertificateAuthority, Layout, Store, inspect};
///
/// # let parent = tempfile::tempdir()?;
/// # let directory = parent.path().join("ssl");
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// Store::new(&directory, Layout::Kubespray).lock()?.write_ca(CaKind::Client, &ca, None)?;
///
/// let state = inspect::directory(&directory)?;
/// assert_eq!(state.bundles()[0].signing_ca(), Some(ca.certificate()));
/// assert_eq!(state.findings().count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Io`](crate::Error::Io) if the directory cannot be listed. A file that cannot be read is
/// not an error, but a finding.
pub fn directory(path: impl AsRef<Path>) -> Result<Directory> {
    Directory::read(path.as_ref(), None)
}

/// The current state of a directory.
#[derive(Clone, Debug)]
pub struct Directory {
    path: PathBuf,
    layout: Option<Layout>,
    bundles: Vec<TrustBundle>,
    pairs: Vec<CurrentPair>,
    others: Vec<OtherFile>,
    replaced: Vec<Certificate>,
    results: Vec<Checked>,
}

/// The CA certificates of a file such as `ca.pem`.
#[derive(Clone, Debug)]
pub struct TrustBundle {
    kind: CaKind,
    paths: PairPaths,
    certificates: Vec<Certificate>,
    signing: Option<usize>,
}

/// The current files of a leaf certificate and its key.
#[derive(Clone, Debug)]
pub struct CurrentPair {
    pub(crate) kind: FileKind,
    /// The host with the tree that contains the files
    pub(crate) host: Option<String>,
    /// The name in the file name; empty if the layout's names contain none
    pub(crate) name: String,
    pub(crate) paths: PairPaths,
    pub(crate) certificate: Option<Certificate>,
    /// The certificates after it in its file
    pub(crate) chain: Vec<Certificate>,
    pub(crate) key: Option<PublicKey>,
}

/// A file without a name of the layout.
#[derive(Clone, Debug)]
pub(crate) struct OtherFile {
    pub(crate) path: PathBuf,
    /// Its certificates, in the order of the file
    pub(crate) certificates: Vec<Certificate>,
    /// Whether it is a symbolic link to another file of the directory, which is judged under its
    /// own name
    pub(crate) is_link: bool,
}

impl Directory {
    /// Reads a directory with the names of a layout, or with the best matching layout.
    pub(crate) fn read(path: &Path, layout: Option<Layout>) -> Result<Self> {
        // If the directory is missing, this gives the operating system's error
        is_directory(path)?;
        let reading = Reading::of([path]);
        let relative = |file: &Path| file.strip_prefix(path).unwrap_or(file).to_owned();
        let files: Vec<PathBuf> = reading.contents.keys().map(|file| relative(file)).collect();
        let layout = layout.or_else(|| recognize(files.iter().map(PathBuf::as_path)));
        let mut state = Self {
            path: path.to_owned(),
            layout,
            bundles: Vec::new(),
            pairs: Vec::new(),
            others: Vec::new(),
            replaced: Vec::new(),
            results: Check::new().judge(&reading),
        };
        let own: BTreeSet<PathBuf> = files
            .iter()
            .map(|file| path.join(file))
            .filter(|file| link_target(file).is_none())
            .map(|file| canonical(&file))
            .collect();
        let mut pairs: BTreeMap<(FileKind, Option<String>, String, PathBuf), PairPaths> =
            BTreeMap::new();
        for file in files {
            let target = link_target(&path.join(&file));
            let is_link = target.is_some_and(|target| own.contains(&target));
            let identified = layout.and_then(|layout| layout.identify(&file));
            match identified.filter(|_| !is_link) {
                Some(Identified {
                    kind: FileKind::ReplacedCa(_) | FileKind::Rotation(..),
                    ..
                }) => state.replaced.extend(all(&reading, &path.join(&file))),
                Some(Identified {
                    kind,
                    name,
                    host,
                    paths,
                    ..
                }) => {
                    let certificate = paths.certificate.clone();
                    pairs.insert((kind, host, name, certificate), paths);
                }
                None => state.others.push(OtherFile {
                    certificates: all(&reading, &path.join(&file)),
                    path: file,
                    is_link,
                }),
            }
        }
        for ((kind, host, name, _), paths) in pairs {
            state.add(&reading, (kind, host, name), paths);
        }
        Ok(state)
    }

    fn add(
        &mut self,
        reading: &Reading,
        (kind, host, name): (FileKind, Option<String>, String),
        paths: PairPaths,
    ) {
        let full = paths.below(&self.path);
        let certificates = certificates(reading, &full.certificate);
        let key = match certificates {
            Some(certificates) => certificates.key.public.clone(),
            None => super::contents::Key::at(&full.key, owner_of_directory(&self.path))
                .and_then(|key| key.public),
        };
        match (kind.ca(), certificates) {
            (Some(kind), Some(Certificates { all, .. })) => {
                let signing = ca::signing(all, key.as_ref(), None);
                let has_key = key.as_ref() == Some(all[signing].public_key());
                self.bundles.push(TrustBundle {
                    kind,
                    paths,
                    certificates: all.clone(),
                    signing: has_key.then_some(signing),
                });
            }
            (Some(_), None) => {}
            (None, certificates) => self.pairs.push(CurrentPair {
                kind,
                host,
                name,
                paths,
                certificate: certificates.and_then(|all| all.all.first()).cloned(),
                chain: certificates
                    .map_or(Vec::new(), |all| all.all.iter().skip(1).cloned().collect()),
                key,
            }),
        }
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The layout of the file names; `None` if no layout matches.
    #[must_use]
    pub fn layout(&self) -> Option<Layout> {
        self.layout
    }

    /// The trust bundles: the one for clients, and the one for peers if there is a separate peer
    /// CA.
    #[must_use]
    pub fn bundles(&self) -> &[TrustBundle] {
        &self.bundles
    }

    /// The pairs of members, nodes and clients.
    #[must_use]
    pub fn pairs(&self) -> &[CurrentPair] {
        &self.pairs
    }

    /// The other files, relative to the directory.
    pub fn other_files(&self) -> impl Iterator<Item = &Path> {
        self.others.iter().map(|other| other.path.as_path())
    }

    pub(crate) fn others(&self) -> &[OtherFile] {
        &self.others
    }

    /// The replaced CAs and those of a rotation, if their files have a name of the layout.
    pub(crate) fn replaced_cas(&self) -> &[Certificate] {
        &self.replaced
    }

    /// The result for each certificate and file.
    #[must_use]
    pub fn results(&self) -> &[Checked] {
        &self.results
    }

    /// All findings.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.results.iter().flat_map(Checked::findings)
    }
}

impl TrustBundle {
    /// The kind of CA.
    #[must_use]
    pub fn kind(&self) -> CaKind {
        self.kind
    }

    /// The files of the CA, relative to the directory.
    #[must_use]
    pub fn paths(&self) -> &PairPaths {
        &self.paths
    }

    /// The CA certificates, in the order of the file.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The CA with its key in the directory; `None` if the key is elsewhere.
    #[must_use]
    pub fn signing_ca(&self) -> Option<&Certificate> {
        self.certificates.get(self.signing?)
    }
}

impl CurrentPair {
    /// The files, relative to the directory.
    #[must_use]
    pub fn paths(&self) -> &PairPaths {
        &self.paths
    }

    /// The leaf certificate; `None` if it is missing or cannot be read.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// The public key; `None` if the key is missing or cannot be read.
    #[must_use]
    pub fn key(&self) -> Option<&PublicKey> {
        self.key.as_ref()
    }
}

fn certificates<'a>(reading: &'a Reading, file: &Path) -> Option<&'a Certificates> {
    match reading.contents.get(file)? {
        Contents::Certificates(certificates) => Some(certificates),
        _ => None,
    }
}

/// The certificates of a file.
fn all(reading: &Reading, file: &Path) -> Vec<Certificate> {
    certificates(reading, file).map_or(Vec::new(), |found| found.all.clone())
}

/// The layout that matches most of these files. A layout with files of members is preferred.
pub(crate) fn recognize<'a>(files: impl Iterator<Item = &'a Path> + Clone) -> Option<Layout> {
    let mut best: Option<((bool, usize), Layout)> = None;
    for layout in Layout::ALL {
        let found: Vec<Identified> = files
            .clone()
            .filter_map(|path| layout.identify(path))
            .collect();
        let has_members = if layout.takes_any_name() {
            // In this layout every file name may be a member's, so a real member is one with a peer
            // pair
            let members = pairs_of_members(&found);
            if members.values().all(|pairs| pairs.len() < 2) {
                continue;
            }
            true
        } else {
            let is_members =
                |found: &Identified| matches!(found.kind, FileKind::Member | FileKind::Admin);
            found.iter().any(is_members)
        };
        let rank = (has_members, found.len());
        let is_better = best.is_none_or(|(best, _)| rank > best);
        if is_better && !found.is_empty() {
            best = Some((rank, layout));
        }
    }
    best.map(|(_, layout)| layout)
}

/// The files of members' pairs, by the member's name.
fn pairs_of_members(found: &[Identified]) -> BTreeMap<&str, BTreeSet<&Path>> {
    let mut pairs: BTreeMap<&str, BTreeSet<&Path>> = BTreeMap::new();
    for one in found.iter().filter(|one| one.kind == FileKind::Member) {
        let of_one = pairs.entry(&one.name).or_default();
        of_one.insert(&one.paths.certificate);
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_recognized_by_the_names_of_files() {
        for (files, expected) in [
            (vec!["ca.pem", "member-a.pem"], Some(Layout::Kubespray)),
            (vec!["ca.pem", "ca-key.pem"], Some(Layout::Kubespray)),
            (
                vec!["ca.pem", "ca-key.pem", "node-a.pem"],
                Some(Layout::Kubespray),
            ),
            (
                vec!["ca.pem", "10.0.0.1.pem", "peer-10.0.0.1.pem"],
                Some(Layout::Cfssl),
            ),
            (
                vec!["ca.pem", "admin-a.pem", "x.pem", "y.pem"],
                Some(Layout::Kubespray),
            ),
            (
                vec!["ca.crt", "etcd/ca.crt", "etcd/peer.crt"],
                Some(Layout::Kubeadm),
            ),
            (
                vec!["etcd/ca.crt", "a/etcd/server.crt"],
                Some(Layout::Kubeadm),
            ),
            (vec!["a.txt"], None),
            (vec!["ssl/ca.pem"], None),
        ] {
            let found = recognize(files.iter().map(Path::new));
            assert_eq!(found, expected, "{files:?}");
        }
    }

    /// The signing CA of a bundle is the one with the key in the directory, at any place. A key of
    /// none of them, and a key that cannot be read, show no signing CA.
    #[test]
    fn signing_cas() {
        use crate::{
            key::Passphrase,
            test_certificates::{self, Made},
        };

        let scratch = tempfile::tempdir().unwrap();
        let [one, two, other] =
            ["one", "two", "other"].map(|name| Made::root(test_certificates::ca(name, None)));
        let texts = [&one, &two].map(|made| made.certificate.to_pem());
        std::fs::write(scratch.path().join("ca.pem"), texts.concat()).unwrap();
        let text = |made: &Made| made.private_key().to_secret_pem();
        let passphrase = Passphrase::new("secret".to_owned());
        let encrypted = one.private_key().to_encrypted_pem(&passphrase).unwrap();
        for (key, expected) in [
            (None, None),
            (Some(&**text(&one)), Some("one")),
            (Some(&**text(&two)), Some("two")),
            (Some(&**text(&other)), None),
            (Some(encrypted.as_str()), None),
        ] {
            if let Some(key) = key {
                std::fs::write(scratch.path().join("ca-key.pem"), key).unwrap();
            }
            let state = directory(scratch.path()).unwrap();
            let found = state.bundles()[0].signing_ca();
            let found = found.and_then(Certificate::common_name);
            assert_eq!(found.as_deref(), expected);
        }
    }
}

//! Finds the CA that signed each certificate of a directory: a CA of the layout, or another one.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{Remark, recognize};
use crate::{
    error::Error,
    inspect::{
        CurrentPair, Directory, TrustBundle,
        issuer::{self, Issuer},
    },
    layout::{CaKind, FileKind, Layout},
    role::Role,
    x509::certificate::Certificate,
};

/// The CAs of a directory by their signatures, and the leaves that other CAs signed.
pub(super) struct Signers<'a> {
    /// The described CA of each trust bundle
    cas: Vec<(CaKind, &'a Certificate)>,
    /// The CAs of other files that signed leaves, by the leaf's file
    others: BTreeMap<&'a Path, CaInFile<'a>>,
    /// The CAs in files that are named after leaves
    misnamed: BTreeMap<&'a Path, (FileKind, &'a Certificate)>,
    /// The leaves that other CAs of the trust bundle signed; the keys of these CAs are not in the
    /// directory
    of_bundle: Vec<(&'a Path, CaInFile<'a>)>,
}

/// A CA and its file.
#[derive(Clone, Copy)]
struct CaInFile<'a> {
    path: &'a Path,
    certificate: &'a Certificate,
}

/// A CA in the layout's place for a CA that signed none of the certificates.
pub(super) struct Stranger<'a> {
    bundle: &'a TrustBundle,
    ca: &'a Certificate,
    /// The first certificate that it did not sign
    leaf: &'a CurrentPair,
    issuer: String,
    /// The file of the CA that signed the leaf, if the directory has it
    signer: Option<&'a Path>,
    /// A subdirectory with the files of a CA that signed leaves
    below: Option<PathBuf>,
}

/// The kind of CA that signed a leaf.
enum Signer<'a> {
    /// The described CA, one below it, or one that it replaced
    Ca,
    /// Another CA of the trust bundle
    OfBundle(CaInFile<'a>),
    /// A CA of another file
    Other(CaInFile<'a>),
    /// The CA of the other kind: the peer CA for a client, or the client CA for a peer
    OfOtherKind(CaInFile<'a>),
    Unknown,
}

impl<'a> Signers<'a> {
    /// Finds the CAs.
    ///
    /// A CA is the right one if it signed one of the leaves, or if there are no leaves. Its place
    /// alone proves nothing: in many directories with certificates for etcd, `ca.crt` is the CA of
    /// Kubernetes.
    pub(super) fn of(state: &'a Directory, layout: Layout) -> Result<Self, Box<Stranger<'a>>> {
        let mut found = Self {
            cas: Vec::new(),
            others: BTreeMap::new(),
            misnamed: misnamed(state),
            of_bundle: Vec::new(),
        };
        let others = other_cas(state);
        for bundle in state.bundles() {
            let leaves: Vec<&CurrentPair> = state
                .pairs()
                .iter()
                .filter(|pair| kind_for(state, layout, pair) == bundle.kind())
                .filter(|pair| certificate(pair).is_some_and(|one| !one.is_ca()))
                .collect();
            let Some(ca) = ca_of(bundle, &leaves) else {
                continue;
            };
            found.cas.push((bundle.kind(), ca));
            if !ca.is_ca() {
                continue;
            }
            let mut strangers = Vec::new();
            let mut has_signed = false;
            for leaf in leaves {
                let Some(certificate) = certificate(leaf) else {
                    continue;
                };
                let signer = signer_of(certificate, leaf, state, bundle, ca, &others);
                let path = leaf.paths().certificate.as_path();
                match signer {
                    Signer::Ca => has_signed = true,
                    Signer::OfBundle(ca) => {
                        strangers.push((leaf, ca.subject(), Some(ca.path)));
                        if bundle.signing_ca().is_some() {
                            found.of_bundle.push((path, ca));
                        }
                    }
                    Signer::Other(ca) => {
                        strangers.push((leaf, ca.subject(), Some(ca.path)));
                        found.others.insert(path, ca);
                    }
                    Signer::OfOtherKind(ca) => strangers.push((leaf, ca.subject(), Some(ca.path))),
                    Signer::Unknown => {
                        strangers.push((leaf, certificate.issuer().to_string(), None));
                    }
                }
            }
            // A signer in this directory explains more than one elsewhere
            let is_here = strangers.iter().position(|(.., path)| path.is_some());
            let first = is_here.unwrap_or_default();
            if !has_signed && first < strangers.len() {
                let files = strangers.iter().filter_map(|(.., path)| *path);
                let below = recognize::directory_of_ca(files);
                let (leaf, issuer, signer) = strangers.swap_remove(first);
                return Err(Box::new(Stranger {
                    bundle,
                    ca,
                    leaf,
                    issuer,
                    signer,
                    below,
                }));
            }
        }
        Ok(found)
    }

    /// The described CA of a trust bundle.
    pub(super) fn ca(&self, kind: CaKind) -> Option<&'a Certificate> {
        let mut cas = self.cas.iter();
        cas.find(|(of, _)| *of == kind).map(|(_, ca)| *ca)
    }

    /// Whether to leave a pair out: a CA of another file signed its certificate, or the certificate
    /// is a CA.
    pub(super) fn leaves_out(&self, pair: &CurrentPair) -> bool {
        let path = pair.paths().certificate.as_path();
        self.others.contains_key(path) || self.misnamed.contains_key(path)
    }

    /// Remarks on the certificates that other CAs signed.
    pub(super) fn remarks(&self) -> impl Iterator<Item = Remark> {
        let left_out = self.others.iter().map(|(path, ca)| {
            let text = format!(
                "is signed by {} ({}), another CA of this directory, so it is left out",
                ca.subject(),
                ca.path.display()
            );
            Remark::new(*path, text)
        });
        let kept = self.of_bundle.iter().map(|(path, ca)| {
            let text = format!(
                "is signed by {}, another CA of {}, and its key is not here",
                ca.subject(),
                ca.path.display()
            );
            Remark::new(*path, text)
        });
        let misnamed = self.misnamed.iter().map(|(path, (kind, ca))| {
            let role = match kind {
                FileKind::Member | FileKind::Peer => Role::Member,
                FileKind::Node => Role::Node,
                _ => Role::Client,
            };
            let text = format!(
                "a CA, {}, with the name of a {role}'s certificate, so it is left out",
                ca.subject()
            );
            Remark::new(*path, text)
        });
        left_out.chain(kept).chain(misnamed)
    }
}

impl CaInFile<'_> {
    fn subject(&self) -> String {
        self.certificate.subject().to_string()
    }
}

impl Stranger<'_> {
    /// The layout in which the signer's file is the CA.
    pub(super) fn layout(&self) -> Option<Layout> {
        let signer = self.signer?;
        let is_ca = |layout: &Layout| layout.ca(CaKind::Client).certificate == signer;
        // A trust bundle of this layout already has the right file
        let is_elsewhere = signer != self.bundle.paths().certificate;
        let mut layouts = Layout::ALL.into_iter().filter(|_| is_elsewhere);
        layouts.find(is_ca)
    }

    /// The error for the directory.
    pub(super) fn error(&self, state: &Directory, layout: Layout) -> Error {
        let Self {
            bundle, ca, leaf, ..
        } = self;
        let file = bundle.paths().certificate.as_path();
        let subject = ca.subject().to_string();
        let issuer = self.issuer.as_str();
        let (signer, of_signer) = match self.signer {
            Some(path) if issuer == subject => (
                format!("another {issuer} ({})", path.display()),
                path.display().to_string(),
            ),
            Some(path) => (
                format!("{issuer} ({})", path.display()),
                path.display().to_string(),
            ),
            None if issuer == subject => (
                "another CA of this name, which is not in the directory".to_owned(),
                "that CA's certificate".to_owned(),
            ),
            None => (
                format!("{issuer}, which is not in the directory"),
                format!("the certificate of {issuer}"),
            ),
        };
        let key = &bundle.paths().key;
        let reason = format!(
            "{}, {subject}, signed none of its certificates: {} is signed by {signer}",
            file.display(),
            leaf.paths().certificate.display(),
        );
        let hint = if let Some(below) = &self.below {
            recognize::did_you_mean(state.path(), below)
        } else if self.signer == Some(file) {
            format!(
                "write the key of {issuer} to {key}, or move {key} out of the directory",
                key = key.display()
            )
        } else if bundle.kind() == CaKind::Peer && !layout.separates_peers() {
            format!(
                "move {} and {} out of the directory",
                file.display(),
                key.display()
            )
        } else if layout == Layout::Etcdadm && leaf.kind == FileKind::Node {
            // In kubeadm's layout, ca.crt is the CA of Kubernetes, and etcd's CA is in etcd/
            let place = Layout::Kubeadm.ca(CaKind::Client).certificate;
            let place = state.path().join(place);
            format!("copy {of_signer} to {}", place.display())
        } else {
            format!(
                "copy {of_signer} as {}, and what that CA signed, to another directory, and adopt that",
                file.display()
            )
        };
        Error::NotAdoptable {
            directory: state.path().to_owned(),
            reason,
            hint,
        }
    }
}

/// The described CA of a bundle: the CA with its key in the directory, otherwise the one that
/// signed most of the leaves; of several, the first.
fn ca_of<'a>(bundle: &'a TrustBundle, leaves: &[&CurrentPair]) -> Option<&'a Certificate> {
    let all = bundle.certificates();
    if let Some(ca) = bundle.signing_ca() {
        return Some(ca);
    }
    let signatures = |ca: &Certificate| {
        let leaves = leaves.iter().filter_map(|leaf| certificate(leaf));
        leaves
            .filter(|leaf| issuer::is_signed_by(leaf, [ca]))
            .count()
    };
    let counts = all.iter().rev().map(|ca| (signatures(ca), ca));
    // The order is reversed, and `max_by_key` returns the last maximum: the first CA in the file
    let most = counts.max_by_key(|(count, _)| *count);
    most.map(|(_, ca)| ca)
}

/// Finds the CA that signed a leaf, or the last of the chain in its file.
fn signer_of<'a>(
    leaf: &Certificate,
    pair: &CurrentPair,
    state: &'a Directory,
    bundle: &'a TrustBundle,
    ca: &Certificate,
    others: &[CaInFile<'a>],
) -> Signer<'a> {
    let all = bundle.certificates();
    // A replaced CA belongs to this cluster
    let replaced = state.replaced_cas();
    let own = || {
        let own = all.iter().filter(|one| one.public_key() == ca.public_key());
        own.chain(replaced)
    };
    let in_bundle = cas_of(bundle);
    let of_cluster: Vec<CaInFile<'a>> = state.bundles().iter().flat_map(cas_of).collect();
    let links = chain(leaf, &pair.chain);
    for link in &links {
        match issuer_among(link, in_bundle.clone()) {
            Issuer::Ca(one) if is_below(one.certificate, own(), all) => return Signer::Ca,
            Issuer::Ca(one) => return Signer::OfBundle(one),
            _ if issuer::is_signed_by(link, replaced) => return Signer::Ca,
            _ => {}
        }
    }
    for link in &links {
        if let Issuer::Ca(other) = issuer_among(link, others.iter().copied()) {
            return Signer::Other(other);
        }
        if let Issuer::Ca(other) = issuer_among(link, of_cluster.iter().copied()) {
            return Signer::OfOtherKind(other);
        }
    }
    // If the algorithm is not supported, the names decide
    let is_uncertain =
        |issuer: &Issuer<_>| matches!(issuer, Issuer::NotSupported(_) | Issuer::Refused(_));
    for link in links {
        if is_uncertain(&issuer_among(link, in_bundle.clone())) {
            return Signer::Ca;
        }
        if is_uncertain(&issuer_among(link, others.iter().copied())) {
            let mut named = others.iter();
            if let Some(other) = named.find(|other| link.names_issuer(other.certificate)) {
                return Signer::Other(*other);
            }
        }
    }
    Signer::Unknown
}

/// The leaf and the certificates after it, as long as each one signed the one before.
fn chain<'a>(leaf: &'a Certificate, following: &'a [Certificate]) -> Vec<&'a Certificate> {
    let mut links = vec![leaf];
    let mut top = leaf;
    for above in following {
        if !issuer::is_signed_by(top, [above]) {
            break;
        }
        links.push(above);
        top = above;
    }
    links
}

fn issuer_among<'a>(
    certificate: &Certificate,
    cas: impl IntoIterator<Item = CaInFile<'a>>,
) -> Issuer<CaInFile<'a>> {
    let cas = cas.into_iter().map(|ca| (ca, ca.certificate));
    issuer::of(certificate, cas)
}

fn cas_of(bundle: &TrustBundle) -> impl Iterator<Item = CaInFile<'_>> + Clone {
    let path = bundle.paths().certificate.as_path();
    let all = bundle.certificates().iter();
    all.map(move |certificate| CaInFile { path, certificate })
}

/// Whether a CA of a bundle is one of these, or below one of them.
fn is_below<'a>(
    ca: &Certificate,
    tops: impl Iterator<Item = &'a Certificate> + Clone,
    bundle: &[Certificate],
) -> bool {
    let mut current = ca;
    for _ in bundle {
        if tops
            .clone()
            .any(|top| top.public_key() == current.public_key())
        {
            return true;
        }
        if issuer::is_signed_by(current, tops.clone()) {
            return true;
        }
        let above = bundle
            .iter()
            .filter(|one| one.public_key() != current.public_key());
        match issuer::of(current, above.map(|one| (one, one))) {
            Issuer::Ca(above) => current = above,
            _ => return false,
        }
    }
    false
}

/// The CAs in files that are not CA files of the layout. A CA with the key of one of the layout's
/// CAs is left out, because it is the same CA.
fn other_cas(state: &Directory) -> Vec<CaInFile<'_>> {
    let files = state.others().iter().filter(|other| !other.is_link);
    let of_files = files.flat_map(|other| {
        let path = other.path.as_path();
        other.certificates.iter().map(move |one| (path, one))
    });
    // In most layouts, `client-ca.crt` is the name of a client
    let of_leaves = state
        .pairs()
        .iter()
        .filter_map(|pair| Some((pair.paths().certificate.as_path(), certificate(pair)?)));
    of_files
        .chain(of_leaves)
        .filter(|(_, certificate)| is_other_ca(state, certificate))
        .map(|(path, certificate)| CaInFile { path, certificate })
        .collect()
}

/// Whether a certificate is a CA with a key that is in none of the trust bundles.
fn is_other_ca(state: &Directory, certificate: &Certificate) -> bool {
    let mut bundles = state.bundles().iter().flat_map(TrustBundle::certificates);
    certificate.is_ca() && bundles.all(|one| one.public_key() != certificate.public_key())
}

/// The CAs in files that the layout names after a member, node or client.
fn misnamed(state: &Directory) -> BTreeMap<&Path, (FileKind, &Certificate)> {
    let named = state.pairs().iter().filter(|pair| !pair.name.is_empty());
    named
        .filter_map(|pair| {
            let ca = certificate(pair).filter(|one| is_other_ca(state, one))?;
            Some((pair.paths().certificate.as_path(), (pair.kind, ca)))
        })
        .collect()
}

fn certificate(pair: &CurrentPair) -> Option<&Certificate> {
    pair.certificate.as_ref()
}

/// The CA that should have signed a pair.
fn kind_for(state: &Directory, layout: Layout, pair: &CurrentPair) -> CaKind {
    let has_peer_ca = state
        .bundles()
        .iter()
        .any(|bundle| bundle.kind() == CaKind::Peer);
    let is_for_peers = match pair.kind {
        FileKind::Peer => true,
        FileKind::Member => layout.peer_pair(&pair.name).is_ok_and(|peer| {
            let peer = pair
                .host
                .as_ref()
                .map_or_else(|| peer.clone(), |host| peer.below(Path::new(host)));
            peer == *pair.paths()
        }),
        _ => false,
    };
    if is_for_peers && has_peer_ca {
        CaKind::Peer
    } else {
        CaKind::Client
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        store::parent,
        test_certificates::{self, Made},
    };

    fn ca(name: &str) -> Made {
        Made::root(test_certificates::ca(name, None))
    }

    /// Reads a directory with these certificates.
    fn state(layout: Layout, files: &[(&str, &Made)]) -> Directory {
        let scratch = tempfile::tempdir().unwrap();
        for (file, made) in files {
            let path = scratch.path().join(file);
            fs::create_dir_all(parent(&path)).unwrap();
            fs::write(path, made.certificate.to_pem()).unwrap();
        }
        Directory::read(scratch.path(), Some(layout)).unwrap()
    }

    /// A CA of a bundle is below another one also through a third CA.
    #[test]
    fn chains_within_a_bundle() {
        let root = ca("root");
        let upper = root.sign(test_certificates::ca("upper", None));
        let lower = upper.sign(test_certificates::ca("lower", None));
        let [root, upper, lower] = [root, upper, lower].map(|made| made.certificate);
        let stranger = ca("root").certificate;
        let all = [&lower, &upper, &root].map(Clone::clone);
        for (one, top, bundle, expected) in [
            (&root, &root, &all[..], true),
            (&upper, &root, &all, true),
            (&lower, &root, &all, true),
            (&lower, &upper, &all, true),
            (&upper, &lower, &all, false),
            (&lower, &stranger, &all, false),
            // The CA between them is missing
            (&lower, &root, &[lower.clone(), root.clone()], false),
        ] {
            let found = is_below(one, std::iter::once(top), bundle);
            assert_eq!(found, expected, "{} {}", one.subject(), top.subject());
        }
    }

    /// If there is a separate peer CA, it should have signed the pairs for peers: a pair with
    /// a name of its own, or the last pair of a member.
    #[test]
    fn cas_of_pairs() {
        let [one, peers] = ["one", "peers"].map(ca);
        let leaf = one.sign(test_certificates::member("a"));
        for (layout, cas, pairs) in [
            (
                Layout::Kubespray,
                ["ca.pem", "peer-ca.pem"],
                &[
                    ("client-a.pem", false),
                    ("member-a.pem", false),
                    ("peer-a.pem", true),
                ][..],
            ),
            (
                Layout::Kubeadm,
                ["etcd/ca.crt", "etcd/peer-ca.crt"],
                &[
                    ("etcd/peer.crt", true),
                    ("etcd/server.crt", false),
                    ("host/etcd/peer.crt", true),
                    ("host/etcd/server.crt", false),
                ],
            ),
        ] {
            for has_peer_ca in [false, true] {
                let mut files: Vec<_> = pairs.iter().map(|(file, _)| (*file, &leaf)).collect();
                files.push((cas[0], &one));
                if has_peer_ca {
                    files.push((cas[1], &peers));
                }
                let state = state(layout, &files);
                assert_eq!(state.pairs().len(), pairs.len());
                for pair in state.pairs() {
                    let file = &pair.paths().certificate;
                    let listed = pairs.iter().find(|(name, _)| Path::new(name) == file);
                    let expected = if listed.unwrap().1 && has_peer_ca {
                        CaKind::Peer
                    } else {
                        CaKind::Client
                    };
                    let found = kind_for(&state, layout, pair);
                    assert_eq!(found, expected, "{layout} {}", file.display());
                }
            }
        }
    }

    /// A pair is left out if a CA of another file signed it, or if it is such a CA.
    #[test]
    fn pairs_that_are_left_out() {
        let [one, other, named] = ["one", "other", "named"].map(ca);
        let (own, foreign) = (
            one.sign(test_certificates::member("a")),
            other.sign(test_certificates::leaf("b")),
        );
        let state = state(
            Layout::Kubespray,
            &[
                ("ca.pem", &one),
                ("other.pem", &other),
                ("member-a.pem", &own),
                ("client-b.pem", &foreign),
                ("client-named.pem", &named),
            ],
        );
        let Ok(signers) = Signers::of(&state, Layout::Kubespray) else {
            panic!("the CA signed a certificate");
        };
        let left_out: Vec<_> = state
            .pairs()
            .iter()
            .filter(|pair| signers.leaves_out(pair))
            .map(|pair| pair.paths().certificate.display().to_string())
            .collect();
        assert_eq!(left_out, ["client-b.pem", "client-named.pem"]);
    }
}

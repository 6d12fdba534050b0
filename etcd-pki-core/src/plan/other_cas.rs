//! Finds the CAs of a directory that are not CAs of the cluster.

use std::path::{Path, PathBuf};

use crate::{
    finding::Finding,
    inspect::{
        CurrentCa,
        issuer::{self, Issuer},
    },
    key::PublicKey,
    layout::{CaKind, is_idle_ca},
    store::{Attributes, Store, read_certificates, tree},
    x509::certificate::Certificate,
};

/// The CA certificates in the files of a directory, each with its file, relative to the directory.
///
/// Other programs may trust a CA that is not a CA of the cluster. Therefore the certificates of
/// such a CA are not changed.
#[derive(Debug)]
pub(super) struct OtherCas {
    /// The CAs that sign for the cluster. When the specification changes, peer pairs can move from
    /// one of them to the other
    own: Vec<(PathBuf, Certificate)>,
    /// The CAs that `ca new --replace-ca` replaced, and those of a rotation that do not sign now
    replaced: Vec<(PathBuf, Certificate)>,
    others: Vec<(PathBuf, Certificate)>,
}

impl OtherCas {
    /// Reads every file of the directory and of its subdirectories. Files that cannot be read count
    /// as files without a CA.
    ///
    /// `read` contains the CAs of the cluster that have already been read.
    pub(super) fn read(store: &Store, read: &[(CaKind, &CurrentCa)]) -> Self {
        let mut own = Vec::new();
        let mut others = Vec::new();
        let mut rotated = Vec::new();
        for kind in CaKind::ALL {
            let relative = store.layout().ca(kind);
            let paths = store.ca_paths(kind);
            let here;
            let current = match read.iter().find(|(one, _)| *one == kind) {
                Some((_, current)) => *current,
                None => match CurrentCa::read(&paths, &relative, None, &Attributes::default()) {
                    Ok(current) => {
                        here = current;
                        &here
                    }
                    Err(_) => continue,
                },
            };
            let path = &relative.certificate;
            let with_path = |certificate: &Certificate| (path.clone(), certificate.clone());
            own.extend(current.certificate().map(with_path));
            rotated.extend(current.rotation.partner().map(with_path));
            others.extend(current.bundle.iter().map(with_path));
        }
        let bundles = CaKind::ALL.map(|kind| store.ca_paths(kind).certificate);
        let files = tree(store.directory()).into_iter().flatten();
        let files = files.filter(|path| !bundles.contains(path));
        others.extend(files.flat_map(|path| {
            let certificates = read_certificates(&path).unwrap_or_default();
            // The certificates after a leaf in its file are its chain
            let is_ca_file = certificates.first().is_some_and(Certificate::is_ca);
            let relative = path.strip_prefix(store.directory()).unwrap_or(&path);
            let relative = relative.to_owned();
            let certificates = certificates.into_iter().filter(move |_| is_ca_file);
            certificates.map(move |certificate| (relative.clone(), certificate))
        }));
        others.retain(|(_, certificate)| certificate.is_ca());
        let (mut replaced, mut others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|(path, _)| is_idle_ca(path));
        replaced.extend(rotated);
        // A copy or an earlier certificate of a CA is not a different CA
        others.retain(|(_, ca)| {
            let mut known = own.iter().chain(&replaced);
            !known.any(|(_, one): &(_, Certificate)| one.public_key() == ca.public_key())
        });
        Self {
            own,
            replaced,
            others,
        }
    }

    /// Adds CAs that sign for the cluster, each with its file.
    pub(super) fn with_own(
        mut self,
        own: impl IntoIterator<Item = (PathBuf, Certificate)>,
    ) -> Self {
        self.own.extend(own);
        let own = &self.own;
        self.others.retain(|(_, ca)| {
            let mut known = own.iter();
            !known.any(|(_, one)| one.public_key() == ca.public_key())
        });
        self
    }

    /// The file of the CA with this key.
    pub(super) fn of_key(&self, key: &PublicKey) -> Option<&Path> {
        let mut all = self.others.iter().chain(&self.replaced).chain(&self.own);
        let (path, _) = all.find(|(_, ca)| ca.public_key() == key)?;
        Some(path)
    }

    /// Whether a leaf certificate must not be replaced. If so, the reason is put before the other
    /// reasons. All kinds of plans call this.
    pub(super) fn forbid(
        &self,
        leaf: &Certificate,
        chain: &[Certificate],
        path: &Path,
        reasons: &mut Vec<Finding>,
    ) -> bool {
        let Some(finding) = self.forbids(leaf, chain, path) else {
            return false;
        };
        reasons.retain(|reason| !matches!(reason, Finding::OtherCa { .. }) && *reason != finding);
        reasons.insert(0, finding);
        true
    }

    /// The reason why a leaf certificate must not be replaced: another CA signed it, another
    /// CA is above its issuer, or this cannot be judged here. `path` is the leaf's file, and
    /// `chain` contains the certificates after it in that file.
    ///
    /// Certificates of the cluster's CAs and of replaced CAs may be replaced.
    pub(super) fn forbids(
        &self,
        leaf: &Certificate,
        chain: &[Certificate],
        path: &Path,
    ) -> Option<Finding> {
        let signed_by = |ca: &Path| Finding::SignedByOtherCa {
            issuer: leaf.issuer(),
            ca: ca.to_owned(),
        };
        let own = self.own.iter().chain(&self.replaced);
        if let Issuer::Ca(_) | Issuer::Refused(_) = issuer_of(leaf, own) {
            return None;
        }
        match issuer_of(leaf, &self.others) {
            Issuer::Ca(ca) => return Some(signed_by(ca)),
            Issuer::Unknown { .. } => {}
            unclear => return unclear.refusal(leaf, None),
        }
        let mut below = leaf;
        for above in chain {
            let unclear = match issuer::of(below, [((), above)]) {
                Issuer::Unknown { .. } => return None,
                issuer => issuer.refusal(below, None),
            };
            let known = || self.own.iter().chain(&self.others);
            let is_known = known().any(|(_, ca)| ca.public_key() == above.public_key());
            if is_known || !matches!(issuer_of(above, known()), Issuer::Unknown { .. }) {
                return unclear.or_else(|| Some(signed_by(path)));
            }
            below = above;
        }
        None
    }
}

fn issuer_of<'a>(
    certificate: &Certificate,
    cas: impl IntoIterator<Item = &'a (PathBuf, Certificate)>,
) -> Issuer<&'a Path> {
    let cas = cas.into_iter().map(|(path, ca)| (path.as_path(), ca));
    issuer::of(certificate, cas)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{
        layout::Layout,
        test_certificates::{self, Made},
    };

    fn root(name: &str) -> Made {
        Made::root(test_certificates::ca(name, None))
    }

    /// The reason why a leaf of this signer must not be replaced. The reason names the file
    /// of the CA.
    fn forbidden(cas: &OtherCas, signer: &Made, chain: &[&Made]) -> Option<String> {
        let leaf = signer.sign(test_certificates::leaf("leaf")).certificate;
        let chain: Vec<_> = chain.iter().map(|made| made.certificate.clone()).collect();
        match cas.forbids(&leaf, &chain, Path::new("leaf.pem"))? {
            Finding::SignedByOtherCa { ca, .. } => Some(ca.display().to_string()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_another_ca_signed_stays() {
        let [own, replaced, other, stranger] = ["own", "replaced", "other", "stranger"].map(root);
        let with = |name: &str, made: &Made| vec![(PathBuf::from(name), made.certificate.clone())];
        let cas = OtherCas {
            own: with("ca.pem", &own),
            replaced: with("ca-replaced-1.pem", &replaced),
            others: with("other.pem", &other),
        };
        let below = |made: &Made| made.sign(test_certificates::ca("below", None));
        let (of_other, of_own, of_stranger) = (below(&other), below(&own), below(&stranger));
        let lower = below(&of_other);
        let by = |path: &str| Some(path.to_owned());
        assert_eq!(forbidden(&cas, &own, &[]), None);
        assert_eq!(forbidden(&cas, &replaced, &[]), None);
        assert_eq!(forbidden(&cas, &other, &[]), by("other.pem"));
        assert_eq!(forbidden(&cas, &stranger, &[]), None);
        assert_eq!(forbidden(&cas, &stranger, &[&stranger]), None);
        // A certificate below a CA of the directory is protected too
        assert_eq!(forbidden(&cas, &of_other, &[]), None);
        assert_eq!(forbidden(&cas, &of_other, &[&of_other]), by("leaf.pem"));
        assert_eq!(forbidden(&cas, &of_own, &[&of_own]), by("leaf.pem"));
        assert_eq!(
            forbidden(&cas, &lower, &[&lower, &of_other]),
            by("leaf.pem")
        );
        assert_eq!(forbidden(&cas, &lower, &[&lower]), None);
        assert_eq!(forbidden(&cas, &lower, &[&of_other]), None);
        assert_eq!(
            forbidden(&cas, &of_stranger, &[&of_stranger, &stranger]),
            None
        );
        // The file of each CA's key
        for (made, path) in [
            (&own, Some("ca.pem")),
            (&replaced, Some("ca-replaced-1.pem")),
            (&other, Some("other.pem")),
            (&stranger, None),
        ] {
            let found = cas.of_key(made.certificate.public_key());
            assert_eq!(found, path.map(Path::new));
        }
    }

    #[test]
    fn cas_of_a_directory() {
        let scratch = tempfile::tempdir().unwrap();
        let [own, replaced, other, bundled, followed, given] =
            ["own", "replaced", "other", "bundled", "followed", "given"].map(root);
        let renewed = own.again(|params| params.not_after = rcgen::date_time_ymd(2090, 1, 1));
        let leaf = own.sign(test_certificates::leaf("leaf"));
        let write = |name: &str, all: &[&Made]| {
            let path = scratch.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let texts = all.iter().map(|made| made.certificate.to_pem());
            fs::write(path, texts.collect::<String>()).unwrap();
        };
        write("ca.pem", &[&own, &bundled]);
        write("copies/copy.pem", &[&own, &renewed]);
        write("copies/other.pem", &[&other]);
        write("ca-replaced-1.pem", &[&replaced]);
        write("copies/of-replaced.pem", &[&replaced]);
        write("node.pem", &[&leaf, &followed]);
        fs::write(scratch.path().join("notes.pem"), "notes").unwrap();
        let store = Store::new(scratch.path(), Layout::Kubespray);
        let names = |cas: &[(PathBuf, Certificate)]| {
            let names = cas.iter().map(|(path, ca)| {
                let name = ca.common_name().unwrap_or_default();
                format!("{} {name}", path.display())
            });
            names.collect::<Vec<_>>()
        };
        let read = OtherCas::read(&store, &[]);
        assert_eq!(names(&read.own), ["ca.pem own"]);
        assert_eq!(names(&read.replaced), ["ca-replaced-1.pem replaced"]);
        assert_eq!(
            names(&read.others),
            ["ca.pem bundled", "copies/other.pem other"]
        );
        // A CA that was read before is not read again
        let before = tempfile::tempdir().unwrap();
        let paths = store.layout().ca(CaKind::Client);
        let path = before.path().join(&paths.certificate);
        fs::write(path, given.certificate.to_pem()).unwrap();
        let there = paths.below(before.path());
        let current = CurrentCa::read(&there, &paths, None, &Attributes::default()).unwrap();
        let read = OtherCas::read(&store, &[(CaKind::Client, &current)]);
        assert_eq!(names(&read.own), ["ca.pem given"]);
    }

    /// The reason comes first, once, and replaces the reason that another CA signed the leaf. The
    /// other reasons stay.
    #[test]
    fn reasons_of_what_stays() {
        let other = root("other");
        let leaf = other.sign(test_certificates::leaf("leaf")).certificate;
        let mut cas = OtherCas {
            own: Vec::new(),
            replaced: Vec::new(),
            others: vec![(PathBuf::from("other.pem"), other.certificate)],
        };
        let finding = cas.forbids(&leaf, &[], Path::new("leaf.pem")).unwrap();
        let other_ca = Finding::OtherCa {
            issuer: leaf.issuer(),
            ca: None,
            same_name: false,
        };
        let before = [finding.clone(), Finding::MissingKey, other_ca];
        let mut reasons = before.to_vec();
        assert!(cas.forbid(&leaf, &[], Path::new("leaf.pem"), &mut reasons));
        assert_eq!(reasons, [finding, Finding::MissingKey]);
        cas.others.clear();
        let mut reasons = before.to_vec();
        assert!(!cas.forbid(&leaf, &[], Path::new("leaf.pem"), &mut reasons));
        assert_eq!(reasons, before);
    }
}

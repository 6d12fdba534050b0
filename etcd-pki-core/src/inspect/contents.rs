//! Reads the contents of a file, and finds the key next to it.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::rules;
use crate::{
    error::{Error, Result},
    finding::Finding,
    foreign,
    key::{PrivateKey, PublicKey},
    layout::{FileKind, Layout, is_list},
    pem,
    store::{Attributes, Stamp, look, read_file},
    verify::{self, Use},
    x509::certificate::Certificate,
};

/// The extensions of certificate files
pub(super) const EXTENSIONS: [&str; 5] = ["pem", "crt", "cer", "cert", "der"];

/// The contents of a file.
#[derive(Debug)]
pub(super) enum Contents {
    /// Certificates
    Certificates(Box<Certificates>),
    /// Only a private key, with the findings about its file
    Key(Vec<Finding>),
    /// Content that is not judged, such as a request or a revocation list
    Other,
    /// Unknown content
    Unreadable(Finding),
}

/// The certificates of a file, and their key.
#[derive(Debug)]
pub(super) struct Certificates {
    /// At least one
    pub(super) all: Vec<Certificate>,
    /// Whether etcd can only use them as trusted CAs
    is_bundle: bool,
    /// The key in the file or next to it
    pub(super) key: Key,
    /// The findings about the file
    pub(super) findings: Vec<Finding>,
}

/// The key of a file of certificates.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) path: Option<PathBuf>,
    pub(super) public: Option<PublicKey>,
    /// The finding about its file
    pub(super) finding: Option<Finding>,
    /// The reason why etcd cannot read it. For a CA's key this is not a fault
    pub(super) refused: Option<Finding>,
    /// The finding about its owner, if it is a leaf's key
    pub(super) owner: Option<Finding>,
    /// The finding about its owner, if it is a CA's key
    pub(super) ca_owner: Option<Finding>,
}

impl Contents {
    /// Reads a file of a store. `store_owner` is the owner of the store's directory.
    pub(super) fn of(path: &Path, store_owner: u32) -> Self {
        let (bytes, stamp) = match read(path) {
            Ok(Some(file)) => file,
            // Reading it gives the error, unless the file has just been created
            Ok(None) => {
                return match read_file(path) {
                    Ok(_) => Self::of(path, store_owner),
                    Err(error) => Self::Unreadable(rules::unusable(error)),
                };
            }
            // A monitoring user should not need to read keys
            Err(error) if rules::is_denied(&error) && is_key(path) => return Self::Key(Vec::new()),
            Err(error) => return Self::Unreadable(rules::unusable(error)),
        };
        if is_list(path) {
            // It is judged with the other lists
            return Self::Other;
        }
        if let Some(empty) = rules::empty(path, &bytes) {
            return if is_key(path) {
                Self::Key(vec![empty])
            } else {
                Self::Unreadable(empty)
            };
        }
        let of = use_of(path, &bytes);
        let (certificates, refused) = verify::held_certificates(of, &bytes);
        match certificates {
            Ok(all) => {
                let key = Key::within(path, &bytes, &stamp, store_owner)
                    .unwrap_or_else(|| Key::next_to(path, store_owner));
                // The certificate `x-key` of a pair has its own key next to it
                let is_misplaced = is_key(path) && key.path.is_none();
                let misplaced = is_misplaced.then(|| rules::certificate_in_place_of_key(path));
                let owner = (of == Use::TrustedCa)
                    .then(|| rules::ca_owner(path, &stamp, &Attributes::default(), store_owner))
                    .flatten();
                Self::Certificates(Box::new(Certificates {
                    all,
                    is_bundle: of == Use::TrustedCa,
                    key,
                    findings: permissions(path, &stamp, false)
                        .into_iter()
                        .chain(owner)
                        .chain(for_etcd(path, &bytes, refused))
                        .chain(misplaced)
                        .collect(),
                }))
            }
            Err(Error::MissingBlock { found, .. }) => {
                if found.iter().any(|what| what.ends_with("private key")) {
                    let (_, refused) = verify::held_key(&bytes, None);
                    let for_etcd = for_etcd(path, &bytes, refused);
                    let for_etcd = for_etcd.filter(|_| !is_named_as_ca_key(path));
                    let is_misplaced = is_in_place_of_certificate(path);
                    let misplaced = is_misplaced.then(|| rules::key_in_place_of_certificate(path));
                    let owner = if is_named_as_ca_key(path) {
                        rules::ca_key_owner(path, &stamp, &Attributes::default())
                    } else {
                        rules::key_owner(path, &stamp, &Attributes::default(), store_owner)
                    };
                    let findings = permissions(path, &stamp, true).into_iter();
                    let findings = findings.chain(for_etcd).chain(misplaced);
                    Self::Key(findings.chain(owner).collect())
                } else if found.iter().any(|what| what.ends_with("certificate")) {
                    // A certificate with another label, such as OpenSSL's `TRUSTED CERTIFICATE`
                    for_etcd(path, &bytes, refused).map_or(Self::Other, Self::Unreadable)
                } else if matches!(Layout::kind_by_name(path), Some((_, false))) {
                    // For example a request or a revocation list
                    let finding = for_etcd(path, &bytes, refused);
                    Self::Unreadable(finding.unwrap_or(Finding::NoCertificate))
                } else {
                    Self::Other
                }
            }
            Err(Error::Malformed { reason, .. })
                if foreign::is_pkcs7_in_pem(&bytes)
                    && foreign::hint(&reason).is_some()
                    && matches!(Layout::kind_by_name(path), Some((_, false))) =>
            {
                let fix = foreign::hint(&reason).unwrap_or_default();
                let path = Some(path.to_owned());
                Self::Unreadable(Finding::NotReadByEtcd { path, reason, fix })
            }
            // A key or a revocation list in DER
            Err(_) if is_key(path) || is_der(path) => Self::Other,
            Err(error) => Self::Unreadable(rules::unusable(error.in_file(path))),
        }
    }
}

impl Certificates {
    /// Whether they are CAs, as opposed to a leaf and its chain.
    pub(super) fn are_cas(&self) -> bool {
        self.is_bundle
    }

    /// The index of the certificate that the key belongs to: the first one, with its chain after
    /// it, or in a trust bundle the CA that matches. A leaf after its CA does not count, because Go
    /// uses the first certificate with the key (`X509KeyPair` in `crypto/tls/tls.go`).
    pub(super) fn index_of_key(&self) -> usize {
        let key = self.key.public.as_ref();
        let fits = |one: &Certificate| one.is_ca() && Some(one.public_key()) == key;
        let fitting = self.all.iter().position(fits);
        fitting.filter(|_| self.are_cas()).unwrap_or(0)
    }
}

impl Key {
    /// Reads a key in the certificates' own file, which the kubelet uses.
    fn within(path: &Path, bytes: &[u8], stamp: &Stamp, store_owner: u32) -> Option<Self> {
        let (key, refused) = verify::held_key(bytes, None);
        if matches!(
            key,
            Err(Error::MissingBlock { .. } | Error::Malformed { .. })
        ) {
            return None;
        }
        let refused = refused.map(|finding| finding.in_file(path));
        Some(Self::of(path, key, refused, (bytes, stamp), store_owner))
    }

    /// Reads a key in a separate file, found by the usual names of the two files.
    fn next_to(certificate: &Path, store_owner: u32) -> Self {
        let found = key_paths(certificate)
            .iter()
            .find_map(|path| Self::at(path, store_owner));
        found.unwrap_or(Self {
            path: None,
            public: None,
            finding: None,
            refused: None,
            owner: None,
            ca_owner: None,
        })
    }

    /// Reads the key at a path; `None` if there is no file.
    pub(super) fn at(path: &Path, store_owner: u32) -> Option<Self> {
        let finding = match read(path) {
            Ok(None) => return None,
            Ok(Some((bytes, stamp))) => {
                let (key, refused) = verify::held_key(&bytes, None);
                let refused = for_etcd(path, &bytes, refused);
                return Some(Self::of(path, key, refused, (&bytes, &stamp), store_owner));
            }
            Err(error) if rules::is_denied(&error) => None,
            Err(error) => Some(rules::unusable(error)),
        };
        Some(Self {
            path: Some(path.to_owned()),
            public: None,
            finding,
            refused: None,
            owner: None,
            ca_owner: None,
        })
    }

    fn of(
        path: &Path,
        key: Result<PrivateKey>,
        refused: Option<Finding>,
        (bytes, stamp): (&[u8], &Stamp),
        store_owner: u32,
    ) -> Self {
        let (public, finding) = match key {
            _ if rules::empty(path, bytes).is_some() => (None, rules::empty(path, bytes)),
            Ok(key) => (Some(key.public_key().clone()), None),
            // The key may be the right one
            Err(Error::EncryptedKey | Error::Unsupported { .. }) => (None, None),
            Err(error) => (None, Some(rules::unusable(error.in_file(path)))),
        };
        Self {
            path: Some(path.to_owned()),
            public,
            refused: refused.filter(|_| finding.is_none()),
            finding: finding.or_else(|| permissions(path, stamp, true).pop()),
            owner: rules::key_owner(path, stamp, &Attributes::default(), store_owner),
            ca_owner: rules::ca_key_owner(path, stamp, &Attributes::default()),
        }
    }
}

/// Whether a file of a directory may contain certificates or keys.
pub(super) fn is_candidate(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    is_key(path) || EXTENSIONS.iter().any(|known| extension == *known)
}

/// Whether a path has the name of a certificate file.
pub(super) fn is_named_as_certificate(path: &Path) -> bool {
    is_candidate(path) && !is_key(path)
}

/// Whether a path has a usual name for a CA's certificate, in a layout or of another tool.
pub(super) fn is_file_of_ca(path: &Path) -> bool {
    match Layout::kind_by_name(path) {
        Some((FileKind::Ca(_), _)) => true,
        Some(_) => false,
        None => is_named_as_ca(path),
    }
}

/// Whether a path has the name of a CA's certificate.
pub(super) fn is_named_as_ca(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    is_ca_stem(&stem) && is_named_as_certificate(path)
}

/// Whether a path has the name of a CA's key.
fn is_named_as_ca_key(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    is_ca_stem(stem.strip_suffix("-key").unwrap_or(&stem)) && is_key(path)
}

fn is_ca_stem(stem: &str) -> bool {
    stem == "ca" || stem.ends_with("-ca")
}

/// Whether a path should contain a certificate and not a key, either by its name, or because there
/// is a certificate at the path of its key.
fn is_in_place_of_certificate(path: &Path) -> bool {
    if is_key(path) {
        return false;
    }
    let extension = path.extension().unwrap_or_default();
    let is_named = extension != "pem" && !is_der(path) && is_named_as_certificate(path);
    let has_certificate_as_key = || {
        let found = key_paths(path).iter().find_map(|path| read(path).ok()?);
        found.is_some_and(|(bytes, _)| Certificate::all_from_bytes(&bytes).is_ok())
    };
    is_named || Layout::kind_by_name(path).is_some() || has_certificate_as_key()
}

/// Whether a path has the name of a key.
fn is_key(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.extension().is_some_and(|extension| extension == "key") || stem.ends_with("-key")
}

fn is_der(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "der")
}

/// The path of a certificate's key: the first existing one of [`key_paths`], or the usual path.
pub(crate) fn key_path(certificate: &Path) -> PathBuf {
    let paths = key_paths(certificate);
    let existing = paths.iter().find(|path| path.symlink_metadata().is_ok());
    existing.or(paths.first()).cloned().unwrap_or_default()
}

/// The possible paths of a certificate's key: `x-key.pem` and `x.key` for `x.pem`, and the reverse
/// order for `x.crt`.
pub(super) fn key_paths(certificate: &Path) -> Vec<PathBuf> {
    let stem = certificate.file_stem().unwrap_or_default();
    let extension = certificate.extension().unwrap_or_default();
    let with_key_extension = certificate.with_extension("key");
    // The stem is a host's name and may contain dots
    let mut name = stem.to_owned();
    name.push("-key.");
    name.push(extension);
    let suffixed = certificate.with_file_name(name);
    if extension == "pem" {
        vec![suffixed, with_key_extension]
    } else {
        vec![with_key_extension, suffixed]
    }
}

fn read(path: &Path) -> Result<Option<(Zeroizing<Vec<u8>>, Stamp)>> {
    Ok(look(path)?.map(|(bytes, stamp)| (Zeroizing::new(bytes), stamp)))
}

/// The findings about a file's permissions, if no specification gives others.
fn permissions(path: &Path, stamp: &Stamp, secret: bool) -> Vec<Finding> {
    rules::permissions(path, stamp, secret, &Attributes::default())
}

/// The way in which etcd can use a file of certificates.
pub(super) fn use_of(path: &Path, bytes: &[u8]) -> Use {
    let begins_with_ca = || {
        let all = Certificate::all_from_bytes(bytes);
        all.is_ok_and(|all| all.first().is_some_and(Certificate::is_ca))
    };
    let is_ca = match Layout::kind_by_name(path) {
        Some((kind, _)) if kind.is_of_ca() => true,
        // A host's name may be `x-ca`, and K3s has a `client-ca.crt`
        Some(_) => is_named_as_ca(path) && begins_with_ca(),
        None => is_named_as_ca(path) || begins_with_ca(),
    };
    if is_ca {
        Use::TrustedCa
    } else {
        Use::Certificate
    }
}

/// Whether a layout has this name for a leaf certificate, and no other tool has it for a CA.
pub(super) fn is_named_as_leaf(path: &Path) -> bool {
    let is_leaf = matches!(
        Layout::kind_by_name(path),
        Some((kind, false)) if !kind.is_of_ca()
    );
    is_leaf && !is_named_as_ca(path)
}

/// The reason why etcd cannot read a file, or what etcd skips in it. A file with the name of
/// a DER file is not for etcd.
fn for_etcd(path: &Path, bytes: &[u8], refused: Option<Finding>) -> Option<Finding> {
    let finding = refused.or_else(|| verify::skipped_blocks(bytes));
    let finding = finding.filter(|_| !pem::is_der_by_name(path, bytes));
    finding.map(|finding| finding.in_file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_by_the_names_of_certificates() {
        for (certificate, key) in [
            ("a/member-x.pem", "a/member-x-key.pem"),
            ("a/peer.crt", "a/peer.key"),
            ("member-x.example.com.pem", "member-x.example.com-key.pem"),
        ] {
            assert_eq!(key_paths(Path::new(certificate))[0], Path::new(key));
            assert!(is_key(Path::new(key)) && !is_key(Path::new(certificate)));
        }
    }

    #[test]
    fn names_of_cas() {
        for name in ["ca.pem", "etcd/ca.crt", "peer-ca.pem", "server-ca.crt"] {
            assert!(is_named_as_ca(Path::new(name)), "{name}");
        }
        for name in ["ca-key.pem", "ca.key", "ca.srl", "local.pem", "alpaca.crt"] {
            assert!(!is_named_as_ca(Path::new(name)), "{name}");
        }
        for (name, expected) in [
            ("ca-key.pem", true),
            ("etcd/peer-ca.key", true),
            ("ca.pem", false),
            ("alpaca-key.pem", false),
        ] {
            assert_eq!(is_named_as_ca_key(Path::new(name)), expected, "{name}");
        }
    }

    /// A file of PKCS#7 in the place of a CA has no certificate for etcd. A damaged certificate next to
    /// it is reported as damaged.
    #[test]
    fn pkcs7_in_the_place_of_a_ca() {
        let pkcs7 = "-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----\n";
        let damaged = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("ca.pem");
        for (text, code) in [
            (pkcs7.to_owned(), "EP041"),
            (format!("{damaged}{pkcs7}"), "EP012"),
            (damaged.to_owned(), "EP012"),
        ] {
            std::fs::write(&path, text).unwrap();
            let Contents::Unreadable(finding) = Contents::of(&path, 0) else {
                panic!("{code}");
            };
            assert_eq!(finding.code(), code, "{finding}");
            assert!(!finding.fix().is_empty(), "{finding}");
        }
    }

    /// A path should contain a certificate by its name, or because there is a certificate at the
    /// path of its key.
    #[test]
    fn files_in_the_places_of_certificates() {
        use crate::test_certificates::{self, Made};

        let scratch = tempfile::tempdir().unwrap();
        let certificate = Made::root(test_certificates::leaf("a")).certificate;
        let text = certificate.to_pem();
        std::fs::write(scratch.path().join("swapped-key.pem"), text).unwrap();
        std::fs::write(scratch.path().join("right-key.pem"), "a key").unwrap();
        for (name, expected) in [
            ("a.crt", true),
            ("a.cer", true),
            ("member-etcd-1.pem", true),
            ("swapped.pem", true),
            ("right.pem", false),
            ("other.pem", false),
            ("a.der", false),
            ("a.txt", false),
            ("a.key", false),
            ("member-etcd-1-key.pem", false),
        ] {
            let found = is_in_place_of_certificate(&scratch.path().join(name));
            assert_eq!(found, expected, "{name}");
        }
        assert!(
            is_der(Path::new("a.der")) && !is_der(Path::new("a.pem")) && !is_der(Path::new("a"))
        );
    }

    /// A damaged file is not judged if its name is that of a key or of a DER file: it may have
    /// another content.
    #[test]
    fn damaged_files() {
        let scratch = tempfile::tempdir().unwrap();
        let damaged = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        for (name, is_judged) in [
            ("a.crt", true),
            ("a.pem", true),
            ("a-key.pem", false),
            ("a.key", false),
            ("a.der", false),
        ] {
            let path = scratch.path().join(name);
            std::fs::write(&path, damaged).unwrap();
            let found = Contents::of(&path, 0);
            let expected = if is_judged {
                matches!(found, Contents::Unreadable(_))
            } else {
                matches!(found, Contents::Other)
            };
            assert!(expected, "{name}: {found:?}");
        }
    }

    /// The key in the file of a certificate counts before a key next to it.
    #[test]
    fn keys_of_a_certificate() {
        use crate::test_certificates::{self, Made};

        let scratch = tempfile::tempdir().unwrap();
        let [own, other] = ["own", "other"].map(|name| Made::root(test_certificates::leaf(name)));
        let path = scratch.path().join("kubelet.pem");
        let next = scratch.path().join("kubelet-key.pem");
        let certificate = own.certificate.to_pem();
        let key = own.private_key().to_secret_pem();
        let with_key = format!("{certificate}{}", &**key);
        for (text, has_next, expected) in [
            (&certificate, false, None),
            (&certificate, true, Some((&next, &other))),
            (&with_key, true, Some((&path, &own))),
            (&with_key, false, Some((&path, &own))),
        ] {
            std::fs::write(&path, text).unwrap();
            let _ = std::fs::remove_file(&next);
            if has_next {
                std::fs::write(&next, &**other.private_key().to_secret_pem()).unwrap();
            }
            let Contents::Certificates(found) = Contents::of(&path, 0) else {
                panic!("{text}");
            };
            assert_eq!(found.key.path.as_ref(), expected.map(|(path, _)| path));
            let public = expected.map(|(_, made)| made.certificate.public_key());
            assert_eq!(found.key.public.as_ref(), public);
        }
    }

    #[test]
    fn names_of_leaves() {
        for (name, expected) in [
            ("member-a.pem", true),
            ("etcd/client-a.crt", true),
            ("client-ca.crt", false),
            ("ca.pem", false),
            ("ca-replaced-1.pem", false),
            ("member-a-key.pem", false),
            ("x.pem", false),
        ] {
            assert_eq!(is_named_as_leaf(Path::new(name)), expected, "{name}");
        }
    }
}

//! The files of a pair, which are read once and judged by their contents.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::rules;
use crate::{
    error::{Error, Result},
    finding::Finding,
    key::{Passphrase, PrivateKey, PublicKey},
    layout::PairPaths,
    pem,
    store::{Attributes, Stamp, is_link, look},
    verify::{self, Held, Use},
    x509::certificate::Certificate,
};

/// The contents of a path.
#[derive(Debug)]
pub(crate) enum Part<T> {
    /// No file, or a file that is empty or has only zero bytes
    Missing,
    /// The expected contents
    Present(T),
    /// Other contents, or a file that cannot be read
    Unusable(Finding),
}

impl<T> Part<T> {
    /// The expected contents, if they are present.
    pub(crate) fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Missing | Self::Unusable(_) => None,
        }
    }

    /// The expected contents, if they are present.
    pub(crate) fn into_present(self) -> Option<T> {
        match self {
            Self::Present(value) => Some(value),
            Self::Missing | Self::Unusable(_) => None,
        }
    }

    /// Converts contents that are present.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Part<U> {
        match self {
            Self::Missing => Part::Missing,
            Self::Present(value) => Part::Present(change(value)),
            Self::Unusable(finding) => Part::Unusable(finding),
        }
    }
}

/// The two files of a pair at the time of reading. Symbolic links are followed.
pub(crate) struct PairFiles {
    paths: PairPaths,
    certificate: Option<File>,
    key: Option<File>,
}

/// A file: its bytes, or the reason why they cannot be read.
struct File {
    bytes: Result<Zeroizing<Vec<u8>>>,
    stamp: Stamp,
}

/// The metadata of a pair's files at the time of reading. It shows later changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamps {
    certificate: Option<Stamp>,
    key: Option<Stamp>,
}

impl PairFiles {
    /// Reads the files. A file that cannot be read or is too large is unusable.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] for a directory that cannot be searched.
    pub(crate) fn read(paths: PairPaths) -> Result<Self> {
        Ok(Self {
            certificate: File::read(&paths.certificate)?,
            key: File::read(&paths.key)?,
            paths,
        })
    }

    /// The certificates of the certificate's file, and the reason why etcd cannot read it
    /// with this use, although etcd-pki can.
    pub(crate) fn certificates(&self, of: Use) -> (Part<Vec<Certificate>>, Option<Finding>) {
        part(
            &self.paths.certificate,
            self.certificate.as_ref(),
            |bytes| verify::held_certificates(of, bytes),
        )
    }

    /// The certificates of a trust bundle including those that etcd skips, and a finding with the
    /// lines of these; `None` if etcd skips none.
    pub(crate) fn with_skipped(&self) -> Option<(Vec<Certificate>, Finding)> {
        let bytes = self.certificate.as_ref().and_then(File::bytes)?;
        let (all, finding) = verify::held_bundle(bytes);
        let skipped = finding.filter(|one| matches!(one, Finding::SkippedBlocks { .. }))?;
        Some((all.ok()?, skipped.in_file(&self.paths.certificate)))
    }

    /// A finding for each file that is empty or has only zero bytes. Such a file counts as missing.
    pub(crate) fn empty(&self, relative: &PairPaths) -> Vec<Finding> {
        let files = [
            (&relative.key, &self.key),
            (&relative.certificate, &self.certificate),
        ];
        let contents = files
            .into_iter()
            .filter_map(|(path, file)| Some((path, file.as_ref()?.bytes()?)));
        contents
            .filter_map(|(path, bytes)| rules::empty(path, bytes))
            .collect()
    }

    /// The private key, and the reason why etcd cannot read its file, although etcd-pki can.
    /// An encrypted key requires its passphrase.
    pub(crate) fn key(
        &self,
        passphrase: Option<&Passphrase>,
    ) -> (Part<PrivateKey>, Option<Finding>) {
        part(&self.paths.key, self.key.as_ref(), |bytes| {
            verify::held_key(bytes, passphrase)
        })
    }

    /// Whether the certificate's file contains only this number of certificates, so that rewriting
    /// them loses nothing. The parameters of a curve, which OpenSSL writes before a key, are
    /// ignored.
    pub(crate) fn has_only_certificates(&self, count: usize) -> bool {
        let bytes = self.certificate.as_ref().and_then(File::bytes);
        bytes.is_some_and(|bytes| match pem::read("certificate", bytes) {
            Ok(blocks) => {
                let blocks = blocks.iter();
                blocks
                    .filter(|block| block.label != "EC PARAMETERS")
                    .count()
                    == count
            }
            Err(_) => pem::is_der(bytes) && count == 1,
        })
    }

    /// Whether the certificate's file contains a private key. A new certificate would destroy the
    /// key.
    pub(crate) fn certificate_file_has_key(&self) -> bool {
        let bytes = self.certificate.as_ref().and_then(File::bytes);
        bytes.is_some_and(has_private_key)
    }

    /// The bytes of the key's file, if it can be read.
    pub(crate) fn key_bytes(&self) -> Option<&[u8]> {
        self.key.as_ref()?.bytes()
    }

    /// The bytes of both files, if both can be read.
    pub(crate) fn bytes(&self) -> Option<(&[u8], &[u8])> {
        Some((
            self.certificate.as_ref()?.bytes()?,
            self.key.as_ref()?.bytes()?,
        ))
    }

    /// A finding for each file with a wrong mode or owner. Symbolic links are skipped, because they
    /// are judged in the directory of their target.
    pub(crate) fn permissions(&self, relative: &PairPaths, desired: &Attributes) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (path, shown, file, secret) in self.each(relative) {
            if !is_link(path) {
                findings.extend(rules::permissions(shown, &file.stamp, secret, desired));
            }
        }
        findings
    }

    /// A finding about the owner of the key, if this user may not own it.
    pub(crate) fn key_owner(
        &self,
        shown: &Path,
        desired: &Attributes,
        store_owner: u32,
    ) -> Option<Finding> {
        let stamp = &self.key.as_ref()?.stamp;
        rules::key_owner(shown, stamp, desired, store_owner)
    }

    /// A finding about the owner of a CA's key, if this user is unprivileged.
    pub(crate) fn ca_key_owner(&self, shown: &Path, desired: &Attributes) -> Option<Finding> {
        rules::ca_key_owner(shown, &self.key.as_ref()?.stamp, desired)
    }

    /// A finding about the owner of a CA's certificates, if this user may not own them.
    pub(crate) fn ca_owner(
        &self,
        shown: &Path,
        desired: &Attributes,
        store_owner: u32,
    ) -> Option<Finding> {
        let stamp = &self.certificate.as_ref()?.stamp;
        rules::ca_owner(shown, stamp, desired, store_owner)
    }

    /// The files with further names (hard links). These names keep the old content when the file is
    /// replaced.
    pub(crate) fn hard_links(&self) -> Vec<PathBuf> {
        let files = self.each(&self.paths);
        let linked = files.filter(|(_, _, file, _)| file.stamp.links() > 1);
        linked.map(|(path, ..)| path.to_owned()).collect()
    }

    /// The files with permissions that matter. A directory at the key's path is skipped, because
    /// its mode does not apply to a key.
    fn each<'a>(
        &'a self,
        relative: &'a PairPaths,
    ) -> impl Iterator<Item = (&'a Path, &'a Path, &'a File, bool)> {
        let certificate = self.certificate.as_ref();
        let certificate = certificate.map(|file| {
            (
                &*self.paths.certificate,
                &*relative.certificate,
                file,
                false,
            )
        });
        let key = self.key.as_ref();
        let key = key.map(|file| (&*self.paths.key, &*relative.key, file, true));
        let files = certificate.into_iter().chain(key);
        files.filter(|(_, _, file, _)| !file.is_blocked())
    }

    /// The metadata of both files.
    pub(crate) fn stamps(&self) -> Stamps {
        let stamp = |file: &Option<File>| file.as_ref().map(|file| file.stamp.clone());
        Stamps {
            certificate: stamp(&self.certificate),
            key: stamp(&self.key),
        }
    }
}

impl File {
    fn read(path: &Path) -> Result<Option<Self>> {
        match look(path) {
            Ok(found) => Ok(found.map(|(bytes, stamp)| Self {
                bytes: Ok(Zeroizing::new(bytes)),
                stamp,
            })),
            Err(error) if error.is_too_large() || error.is_in_the_way() => Ok(Stamp::of(path)?
                .map(|stamp| Self {
                    bytes: Err(error),
                    stamp,
                })),
            Err(error) => Err(error),
        }
    }

    fn bytes(&self) -> Option<&[u8]> {
        self.bytes.as_deref().map(Vec::as_slice).ok()
    }

    /// Whether this is not a regular file, or this user may not read it.
    fn is_blocked(&self) -> bool {
        self.bytes.as_ref().is_err_and(Error::is_in_the_way)
    }
}

impl Stamps {
    /// Reads the metadata of the files now.
    pub(crate) fn now(paths: &PairPaths) -> Result<Self> {
        Ok(Self {
            certificate: Stamp::of(&paths.certificate)?,
            key: Stamp::of(&paths.key)?,
        })
    }

    /// The metadata of a certificate without its key.
    pub(crate) fn of_certificate(certificate: Option<Stamp>) -> Self {
        Self {
            certificate,
            key: None,
        }
    }

    /// Whether there is a file at the key's path.
    pub(crate) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// Fails if the files have changed.
    ///
    /// # Errors
    ///
    /// [`Error::FileChanged`] with the first changed file; [`Error::Io`].
    pub(crate) fn check(&self, paths: &PairPaths) -> Result<()> {
        self.check_now(&Self::now(paths)?, paths)
    }

    /// Fails if the metadata of the files has changed.
    ///
    /// # Errors
    ///
    /// [`Error::FileChanged`] with the first changed file.
    pub(crate) fn check_now(&self, now: &Self, paths: &PairPaths) -> Result<()> {
        let differ = |then: &Option<Stamp>, now: &Option<Stamp>| match (then, now) {
            (Some(then), Some(now)) => !then.is_of_same(now),
            (then, now) => then.is_some() != now.is_some(),
        };
        let changed = if differ(&self.certificate, &now.certificate) {
            &paths.certificate
        } else if differ(&self.key, &now.key) {
            &paths.key
        } else {
            return Ok(());
        };
        Err(Error::FileChanged {
            path: changed.clone(),
        })
    }
}

/// Reads the contents of a file. An empty file counts as missing, because a full disk leaves such
/// files. A file with only zero bytes counts as missing too, because a crash leaves such files.
fn part<T>(
    path: &Path,
    file: Option<&File>,
    read: impl FnOnce(&[u8]) -> Held<T>,
) -> (Part<T>, Option<Finding>) {
    let Some(file) = file else {
        return (Part::Missing, None);
    };
    match &file.bytes {
        Ok(bytes) if bytes.iter().all(|byte| *byte == 0) => (Part::Missing, None),
        Ok(bytes) => match read(bytes) {
            (Ok(value), refused) => (Part::Present(value), refused),
            // It may be the right key, in a form that etcd cannot read
            (Err(Error::EncryptedKey | Error::Unsupported { .. }), Some(refused)) => {
                (Part::Unusable(refused.in_file(path)), None)
            }
            (Err(error), _) => {
                let finding = rules::unusable(error.in_file(path));
                (Part::Unusable(finding), None)
            }
        },
        Err(error) => (Part::Unusable(rules::unusable_file(path, error)), None),
    }
}

/// Whether bytes contain a private key, encrypted or not.
pub(crate) fn has_private_key(bytes: &[u8]) -> bool {
    match PrivateKey::from_bytes(bytes, None) {
        Ok(_)
        | Err(Error::EncryptedKey | Error::Unsupported { .. } | Error::SeveralBlocks { .. }) => {
            true
        }
        Err(Error::Malformed { .. }) => pem::begins_private_key(bytes),
        Err(_) => false,
    }
}

/// The public key of a private key.
pub(crate) fn public(key: Part<PrivateKey>) -> Part<PublicKey> {
    key.map(|key| key.public_key().clone())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::test_certificates::{self, Made};

    /// A directory, and the paths of a pair in it.
    fn scratch() -> (tempfile::TempDir, PairPaths) {
        let scratch = tempfile::tempdir().unwrap();
        let paths = PairPaths {
            certificate: scratch.path().join("a.pem"),
            key: scratch.path().join("a-key.pem"),
        };
        (scratch, paths)
    }

    fn made() -> Made {
        Made::root(test_certificates::leaf("a"))
    }

    /// The content of a certificate's file that a new certificate would destroy.
    #[test]
    fn other_content_of_a_file_of_certificates() {
        let (_scratch, paths) = scratch();
        let made = made();
        let certificate = made.certificate.to_pem();
        let key = made.private_key();
        let passphrase = Passphrase::new("secret".to_owned());
        let encrypted = key.to_encrypted_pem(&passphrase).unwrap();
        let key = key.to_secret_pem();
        let parameters =
            "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
        let damaged = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
        let text = |parts: &[&str]| parts.concat().into_bytes();
        for (bytes, count, has_only, has_key) in [
            (text(&[&certificate]), 1, true, false),
            (text(&[&certificate, &certificate]), 2, true, false),
            (text(&[&certificate, &certificate]), 1, false, false),
            (text(&[parameters, &certificate]), 1, true, false),
            (text(&[&certificate, &key]), 1, false, true),
            (text(&[&certificate, &encrypted]), 1, false, true),
            (text(&[&certificate, damaged]), 1, false, true),
            (made.certificate.as_der().to_vec(), 1, true, false),
            (made.certificate.as_der().to_vec(), 2, false, false),
            (text(&["a text"]), 1, false, false),
            (Vec::new(), 0, false, false),
        ] {
            fs::write(&paths.certificate, &bytes).unwrap();
            let files = PairFiles::read(paths.clone()).unwrap();
            let what = String::from_utf8_lossy(&bytes);
            assert_eq!(files.has_only_certificates(count), has_only, "{what}");
            assert_eq!(files.certificate_file_has_key(), has_key, "{what}");
        }
    }

    /// The bytes of a pair, which its mark in the cache depends on.
    #[test]
    fn bytes_of_both_files() {
        let (_scratch, paths) = scratch();
        let bytes = || {
            let files = PairFiles::read(paths.clone()).unwrap();
            files
                .bytes()
                .map(|(one, other)| (one.to_vec(), other.to_vec()))
        };
        assert_eq!(bytes(), None);
        fs::write(&paths.certificate, "certificate").unwrap();
        assert_eq!(bytes(), None);
        fs::write(&paths.key, "key").unwrap();
        assert_eq!(bytes(), Some((b"certificate".to_vec(), b"key".to_vec())));
        fs::remove_file(&paths.certificate).unwrap();
        assert_eq!(bytes(), None);
    }

    #[test]
    fn files_with_further_names() {
        let (scratch, paths) = scratch();
        fs::write(&paths.certificate, "certificate").unwrap();
        fs::write(&paths.key, "key").unwrap();
        let linked = || PairFiles::read(paths.clone()).unwrap().hard_links();
        assert_eq!(linked(), [""; 0].map(PathBuf::from));
        fs::hard_link(&paths.key, scratch.path().join("other")).unwrap();
        assert_eq!(linked(), std::slice::from_ref(&paths.key));
        fs::hard_link(&paths.certificate, scratch.path().join("another")).unwrap();
        assert_eq!(linked(), [paths.certificate.clone(), paths.key.clone()]);
    }

    /// A directory at the path of a key has neither the permissions nor the further names of
    /// a key.
    #[test]
    fn a_directory_in_the_place_of_a_key() {
        let (scratch, paths) = scratch();
        fs::create_dir_all(paths.key.join("below")).unwrap();
        let files = PairFiles::read(paths.clone()).unwrap();
        let relative = PairPaths {
            certificate: "a.pem".into(),
            key: "a-key.pem".into(),
        };
        assert_eq!(files.permissions(&relative, &Attributes::default()), []);
        assert_eq!(files.hard_links(), [""; 0].map(PathBuf::from));
        assert!(matches!(files.key(None).0, Part::Unusable(_)));
        drop(scratch);
    }

    /// A file that fails to be read is an error, and not an unusable file that may be replaced.
    #[test]
    fn a_file_that_fails_to_be_read() {
        // Reading the first page of a process fails with an input/output error
        let Ok(failing) = Path::new("/proc/self/mem").canonicalize() else {
            return;
        };
        let (_scratch, paths) = scratch();
        let paths = PairPaths {
            certificate: failing,
            ..paths
        };
        assert!(PairFiles::read(paths).is_err());
    }
}

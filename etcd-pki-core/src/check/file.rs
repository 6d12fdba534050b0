//! What a file holds, and the key beside it.

use std::{
    io,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use super::finding::Finding;
use crate::{
    certificate::Certificate,
    error::{Error, Result},
    key::{PrivateKey, PublicKey},
    pem,
    store::{Attributes, Stamp, look, read_file},
};

/// The ends of the names of certificates' files
pub(super) const EXTENSIONS: [&str; 5] = ["pem", "crt", "cer", "cert", "der"];

/// What a file holds.
#[derive(Debug)]
pub(super) enum Contents {
    /// Certificates
    Certificates(Certificates),
    /// A private key alone, and what is wrong with its file
    Key(Vec<Finding>),
    /// Nothing that is looked at here, such as a request or a revocation list
    Other,
    /// What it holds is not known
    Unreadable(Finding),
}

/// What a file of certificates holds, and what belongs to it.
#[derive(Debug)]
pub(super) struct Certificates {
    /// One at least
    pub(super) all: Vec<Certificate>,
    /// The key that is with or beside them
    pub(super) key: Key,
    /// What is wrong with the file
    pub(super) findings: Vec<Finding>,
}

/// The key of a file of certificates.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) path: Option<PathBuf>,
    pub(super) public: Option<PublicKey>,
    /// What is wrong with its file, whose ever it is
    pub(super) finding: Option<Finding>,
    /// That etcd does not read it, which is no fault of an authority's key
    pub(super) in_der: Option<Finding>,
}

impl Contents {
    /// Reads a file.
    pub(super) fn of(path: &Path) -> Self {
        let (bytes, stamp) = match read(path) {
            Ok(Some(file)) => file,
            // Reading says why, unless it has come just now
            Ok(None) => {
                return match read_file(path) {
                    Ok(_) => Self::of(path),
                    Err(error) => Self::Unreadable(unreadable(error)),
                };
            }
            // Who watches need not be one who may read keys
            Err(error) if is_denied(&error) && is_key(path) => return Self::Key(Vec::new()),
            Err(error) => return Self::Unreadable(unreadable(error)),
        };
        match Certificate::all_from_bytes(&bytes) {
            Ok(all) => Self::Certificates(Certificates {
                all,
                key: Key::within(path, &bytes, &stamp).unwrap_or_else(|| Key::beside(path)),
                findings: writable(&stamp)
                    .into_iter()
                    .chain(in_der(path, &bytes))
                    .collect(),
            }),
            Err(Error::Missing { found, .. }) => {
                if found.iter().any(|what| what.ends_with("private key")) {
                    let in_der = in_der(path, &bytes).filter(|_| !is_called_authority_key(path));
                    Self::Key(readable(path, &stamp).into_iter().chain(in_der).collect())
                } else {
                    Self::Other
                }
            }
            // A key or a revocation list in DER
            Err(_) if is_key(path) || is_der(path) => Self::Other,
            Err(error) => Self::Unreadable(unreadable(error.in_file(path))),
        }
    }
}

impl Certificates {
    /// Whether they are authorities' own, and no chain behind a leaf.
    pub(super) fn are_authorities(&self) -> bool {
        self.all.first().is_some_and(Certificate::is_authority)
    }

    /// Whose key it should be: the first one's, behind which its chain stands; of a file of authorities, which has the earlier
    /// ones as well while they are exchanged, that of whichever it fits.
    pub(super) fn index_of_key(&self) -> usize {
        let fits = |one: &Certificate| Some(one.public_key()) == self.key.public.as_ref();
        let fitting = self.all.iter().position(fits);
        fitting.filter(|_| self.are_authorities()).unwrap_or(0)
    }
}

impl Key {
    /// The one in the certificates' own file, as the kubelet's.
    fn within(path: &Path, bytes: &[u8], stamp: &Stamp) -> Option<Self> {
        let key = PrivateKey::from_bytes(bytes, None);
        if matches!(key, Err(Error::Missing { .. } | Error::Malformed { .. })) {
            return None;
        }
        Some(Self::of(path, key, bytes, stamp))
    }

    /// The one in a file of its own, by the habits of naming the two.
    fn beside(certificate: &Path) -> Self {
        let found = key_paths(certificate)
            .iter()
            .find_map(|path| Self::at(path));
        found.unwrap_or(Self {
            path: None,
            public: None,
            finding: None,
            in_der: None,
        })
    }

    /// The one at a path; `None` if there is nothing.
    pub(super) fn at(path: &Path) -> Option<Self> {
        let finding = match read(path) {
            Ok(None) => return None,
            Ok(Some((bytes, stamp))) => {
                let key = PrivateKey::from_bytes(&bytes, None);
                return Some(Self::of(path, key, &bytes, &stamp));
            }
            Err(error) if is_denied(&error) => None,
            Err(error) => Some(unreadable(error)),
        };
        Some(Self {
            path: Some(path.to_owned()),
            public: None,
            finding,
            in_der: None,
        })
    }

    fn of(path: &Path, key: Result<PrivateKey>, bytes: &[u8], stamp: &Stamp) -> Self {
        let (public, finding) = match key {
            Ok(key) => (Some(key.public_key().clone()), None),
            // It may be the right one
            Err(Error::EncryptedKey | Error::Unsupported { .. }) => (None, None),
            Err(error) => (None, Some(unreadable(error.in_file(path)))),
        };
        Self {
            path: Some(path.to_owned()),
            public,
            in_der: in_der(path, bytes).filter(|_| finding.is_none()),
            finding: finding.or_else(|| readable(path, stamp)),
        }
    }
}

/// Whether a file in a directory may hold what is looked at here.
pub(super) fn is_candidate(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    is_key(path) || EXTENSIONS.iter().any(|known| extension == *known)
}

/// Whether something is called as a certificate's file.
pub(super) fn is_called_certificate(path: &Path) -> bool {
    is_candidate(path) && !is_key(path)
}

/// Whether a file is called as an authority's.
pub(super) fn is_called_authority(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    names_authority(&stem) && is_called_certificate(path)
}

/// Whether a file is called as an authority's key.
fn is_called_authority_key(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    names_authority(stem.strip_suffix("-key").unwrap_or(&stem)) && is_key(path)
}

fn names_authority(stem: &str) -> bool {
    stem == "ca" || stem.ends_with("-ca")
}

/// Whether a file is called as a key.
fn is_key(path: &Path) -> bool {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.extension().is_some_and(|extension| extension == "key") || stem.ends_with("-key")
}

fn is_der(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "der")
}

/// Whether a file is called as one in PEM. `.cer` and `.cert` are used for both.
fn is_called_pem(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    ["pem", "crt", "key"]
        .iter()
        .any(|known| extension == *known)
}

/// Where the key of a certificate may be: `x-key.pem` and `x.key` of `x.pem`, and the other way round of `x.crt`.
pub(super) fn key_paths(certificate: &Path) -> Vec<PathBuf> {
    let stem = certificate.file_stem().unwrap_or_default();
    let extension = certificate.extension().unwrap_or_default();
    let apart = certificate.with_extension("key");
    // The stem may have dots: it is a host's name
    let mut name = stem.to_owned();
    name.push("-key.");
    name.push(extension);
    let suffixed = certificate.with_file_name(name);
    if extension == "pem" {
        vec![suffixed, apart]
    } else {
        vec![apart, suffixed]
    }
}

fn read(path: &Path) -> Result<Option<(Zeroizing<Vec<u8>>, Stamp)>> {
    Ok(look(path)?.map(|(bytes, stamp)| (Zeroizing::new(bytes), stamp)))
}

/// What is wrong with the mode of a key's file: what a plan would mend.
fn readable(path: &Path, stamp: &Stamp) -> Option<Finding> {
    Attributes::default().mended_mode(stamp, true)?;
    Some(Finding::KeyReadable {
        key: path.to_owned(),
        mode: stamp.mode(),
    })
}

/// What is wrong with the mode of a certificate's file: what a plan would mend.
fn writable(stamp: &Stamp) -> Option<Finding> {
    Attributes::default().mended_mode(stamp, false)?;
    Some(Finding::Writable { mode: stamp.mode() })
}

/// That a file is called as one in PEM and holds DER.
fn in_der(path: &Path, bytes: &[u8]) -> Option<Finding> {
    let refused = pem::refuse_der(bytes).err();
    let refused = refused.filter(|_| is_called_pem(path));
    refused.map(|error| unreadable(error.in_file(path)))
}

fn is_denied(error: &Error) -> bool {
    matches!(error, Error::Io { error, .. } if error.kind() == io::ErrorKind::PermissionDenied)
}

pub(super) fn unreadable(error: Error) -> Finding {
    Finding::Unreadable {
        damaged: !matches!(error, Error::Io { .. }),
        reason: error.to_string(),
    }
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
    fn names_of_authorities() {
        for name in ["ca.pem", "etcd/ca.crt", "peer-ca.pem", "server-ca.crt"] {
            assert!(is_called_authority(Path::new(name)), "{name}");
        }
        for name in ["ca-key.pem", "ca.key", "ca.srl", "local.pem", "alpaca.crt"] {
            assert!(!is_called_authority(Path::new(name)), "{name}");
        }
        for (name, expected) in [
            ("ca-key.pem", true),
            ("etcd/peer-ca.key", true),
            ("ca.pem", false),
            ("alpaca-key.pem", false),
        ] {
            assert_eq!(is_called_authority_key(Path::new(name)), expected, "{name}");
        }
    }
}

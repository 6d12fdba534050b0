//! What there is of a pair.

use crate::{
    certificate::Certificate,
    cluster::Wanted,
    error::{Error, Result},
    key::{PrivateKey, PublicKey},
    layout::PairPaths,
    store::{Attributes, Stamp, Store, look},
};

use super::Cause;

/// What a file holds.
#[derive(Debug)]
pub(super) enum Part<T> {
    /// There is no such file
    Absent,
    /// What it should hold
    Present(T),
    /// Something else, or nothing that can be read; with the reason
    Unusable(String),
}

/// What there is of a pair: of the key, its public part alone.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) certificate: Part<Certificate>,
    pub(super) key: Part<PublicKey>,
    /// Wrong modes and owners
    pub(super) modes: Vec<Cause>,
    /// What must be as it is now when the plan is carried out
    pub(super) stamps: Stamps,
    /// Whether a file has further names, which keep the old content when it is replaced
    pub(super) hard_links: Vec<std::path::PathBuf>,
}

/// How the files of a pair were when they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamps {
    certificate: Option<Stamp>,
    key: Option<Stamp>,
}

impl Stamps {
    /// How they are now.
    pub(super) fn now(paths: &PairPaths) -> Result<Self> {
        Ok(Self {
            certificate: Stamp::of(&paths.certificate)?,
            key: Stamp::of(&paths.key)?,
        })
    }

    /// Fails if they are not as they were.
    pub(super) fn check(&self, paths: &PairPaths) -> Result<()> {
        let now = Self::now(paths)?;
        let changed = if now.certificate != self.certificate {
            &paths.certificate
        } else if now.key != self.key {
            &paths.key
        } else {
            return Ok(());
        };
        Err(Error::Changed {
            path: changed.clone(),
        })
    }
}

impl Found {
    /// Looks for the pair of what is wanted.
    pub(super) fn of(wanted: &Wanted, store: &Store, attributes: &Attributes) -> Result<Self> {
        let paths = wanted.paths.below(store.directory());
        let certificate_file = look(&paths.certificate)?;
        let key_file = look(&paths.key)?;
        let mut modes = Vec::new();
        let mut hard_links = Vec::new();
        for (path, file, secret) in [
            (&paths.certificate, &certificate_file, false),
            (&paths.key, &key_file, true),
        ] {
            let Some((_, stamp)) = file else { continue };
            if let Some(mode) = attributes.mended_mode(stamp, secret) {
                modes.push(Cause::Mode {
                    path: path.clone(),
                    found: stamp.mode(),
                    wanted: mode,
                });
            }
            if attributes.is_of_another(stamp) {
                modes.push(Cause::Owner { path: path.clone() });
            }
            if stamp.links() > 1 {
                hard_links.push(path.clone());
            }
        }
        let stamps = Stamps {
            certificate: certificate_file.as_ref().map(|(_, stamp)| stamp.clone()),
            key: key_file.as_ref().map(|(_, stamp)| stamp.clone()),
        };
        let bytes =
            |file: Option<(Vec<u8>, Stamp)>| file.map(|(bytes, _)| zeroize::Zeroizing::new(bytes));
        Ok(Self {
            certificate: part(
                &paths.certificate,
                bytes(certificate_file).as_deref(),
                |bytes| {
                    // The first is the leaf, and what follows is its chain
                    Ok(Certificate::all_from_bytes(bytes)?.swap_remove(0))
                },
            ),
            key: part(&paths.key, bytes(key_file).as_deref(), |bytes| {
                Ok(PrivateKey::from_bytes(bytes, None)?.public_key().clone())
            }),
            modes,
            stamps,
            hard_links,
        })
    }
}

fn part<T>(
    path: &std::path::Path,
    bytes: Option<&Vec<u8>>,
    read: impl FnOnce(&[u8]) -> Result<T>,
) -> Part<T> {
    let Some(bytes) = bytes else {
        return Part::Absent;
    };
    match read(bytes) {
        Ok(value) => Part::Present(value),
        Err(error) => Part::Unusable(error.in_file(path).to_string()),
    }
}

//! What there is of a pair.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{
    Cause,
    record::{Mark, Marker, Record},
};
use crate::{
    certificate::Certificate,
    cluster::Wanted,
    error::{Error, Result},
    key::{PrivateKey, PublicKey},
    layout::PairPaths,
    pem,
    store::{Attributes, Stamp, Store, is_link, look},
};

/// What a file holds.
#[derive(Debug)]
pub(super) enum Part<T> {
    /// There is no such file
    Absent,
    /// What it should hold
    Present(T),
    /// Something else, or nothing that can be read: [`Cause::Unreadable`], or [`Cause::InTheWay`] of what is never replaced
    Unusable(Cause),
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
    /// The files with further names, which keep the old content when it is replaced
    pub(super) hard_links: Vec<PathBuf>,
    /// The mark by which the pair is known again, once it was found to be as it should be
    pub(super) mark: Option<Mark>,
    /// Whether it was checked before that the key is the certificate's, and that its authority has signed it
    pub(super) was_checked: bool,
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

    /// Whether there is a file in the key's place.
    pub(super) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// Fails if they are not as they were.
    pub(super) fn check(&self, paths: &PairPaths) -> Result<()> {
        let now = Self::now(paths)?;
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
        Err(Error::Changed {
            path: changed.clone(),
        })
    }
}

impl Found {
    /// Looks for the pair of what is wanted. If its bytes are `known`, only its certificate is read.
    pub(super) fn of(
        wanted: &Wanted,
        store: &Store,
        attributes: &Attributes,
        known: Option<(&Marker, &Record)>,
    ) -> Result<Self> {
        let files = Files::look(wanted, store)?;
        let certificate = files.certificate();
        let mark = known.and_then(|(marker, _)| files.mark(marker));
        let was_checked = known
            .zip(mark.as_ref())
            .is_some_and(|((_, record), mark)| record.has(mark));
        let key = match &certificate {
            Part::Present(certificate) if was_checked => {
                Part::Present(certificate.public_key().clone())
            }
            _ => files.leaf_key().map(|key| key.public_key().clone()),
        };
        Ok(Self {
            mark,
            was_checked,
            ..files.found(certificate, key, attributes)
        })
    }

    /// Looks for an authority, and reads its key. One that is encrypted, or of a kind that is not used, is left to who signs.
    pub(super) fn of_authority(
        wanted: &Wanted,
        store: &Store,
        attributes: &Attributes,
    ) -> Result<(Self, Option<PrivateKey>)> {
        let mut files = Files::look(wanted, store)?;
        // What is not read is not damaged
        for file in [&mut files.certificate, &mut files.key] {
            if let Some(File {
                bytes: Err(error), ..
            }) = file.take_if(|file| file.bytes.is_err())
            {
                return Err(error);
            }
        }
        let (certificate, key) = (files.certificate(), files.key());
        if let Part::Unusable(cause) = &key
            && files.key_is_damaged()
        {
            return Err(Error::malformed("authority", cause));
        }
        let (key, private) = match key {
            Part::Present(key) => (Part::Present(key.public_key().clone()), Some(key)),
            other => (other.map(|key| key.public_key().clone()), None),
        };
        Ok((files.found(certificate, key, attributes), private))
    }
}

/// The files of a pair.
struct Files {
    paths: PairPaths,
    certificate: Option<File>,
    key: Option<File>,
}

/// What a file holds, unless that is nothing for us, and what it is like. It may be a key.
struct File {
    bytes: Result<Zeroizing<Vec<u8>>>,
    stamp: Stamp,
}

impl File {
    fn look(path: &Path) -> Result<Option<Self>> {
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

    fn is_in_the_way(&self) -> bool {
        self.bytes.as_ref().is_err_and(Error::is_in_the_way)
    }

    fn bytes(&self) -> Option<&[u8]> {
        self.bytes.as_deref().map(Vec::as_slice).ok()
    }
}

impl Files {
    fn look(wanted: &Wanted, store: &Store) -> Result<Self> {
        let paths = wanted.paths.below(store.directory());
        Ok(Self {
            certificate: File::look(&paths.certificate)?,
            key: File::look(&paths.key)?,
            paths,
        })
    }

    /// The certificate: the first is the leaf, and what follows is its chain.
    fn certificate(&self) -> Part<Certificate> {
        part(
            &self.paths.certificate,
            self.certificate.as_ref(),
            |bytes| {
                pem::refuse_der(bytes)?;
                Ok(Certificate::all_from_bytes(bytes)?.swap_remove(0))
            },
        )
    }

    /// The key as etcd reads it.
    fn leaf_key(&self) -> Part<PrivateKey> {
        part(&self.paths.key, self.key.as_ref(), |bytes| {
            pem::refuse_der(bytes)?;
            PrivateKey::from_bytes(bytes, None)
        })
    }

    /// The key as only etcd-pki reads it.
    fn key(&self) -> Part<PrivateKey> {
        part(&self.paths.key, self.key.as_ref(), |bytes| {
            PrivateKey::from_bytes(bytes, None)
        })
    }

    /// Whether no passphrase helps.
    fn key_is_damaged(&self) -> bool {
        let bytes = self.key.as_ref().and_then(File::bytes);
        bytes.is_some_and(|bytes| {
            PrivateKey::from_bytes(bytes, None).is_err_and(|error| error.is_of_contents())
        })
    }

    fn mark(&self, marker: &Marker) -> Option<Mark> {
        let certificate = self.certificate.as_ref()?.bytes()?;
        Some(marker.mark(certificate, self.key.as_ref()?.bytes()?))
    }

    fn found(
        self,
        certificate: Part<Certificate>,
        key: Part<PublicKey>,
        attributes: &Attributes,
    ) -> Found {
        let paths = &self.paths;
        let mut modes = Vec::new();
        let mut hard_links = Vec::new();
        for (path, file, secret) in [
            (&paths.certificate, &self.certificate, false),
            (&paths.key, &self.key, true),
        ] {
            // A directory's mode says nothing of a key
            let Some(File { stamp, .. }) = file.as_ref().filter(|file| !file.is_in_the_way())
            else {
                continue;
            };
            let mode = attributes.mended_mode(stamp, secret);
            let mode = mode.map(|wanted| Cause::Mode {
                path: path.clone(),
                found: stamp.mode(),
                wanted,
            });
            let owner = attributes.is_of_another(stamp);
            let owner = owner.then(|| Cause::Owner { path: path.clone() });
            let causes = mode.into_iter().chain(owner);
            // What a link leads to is mended where it is, if it is ours
            modes.extend(causes.filter(|_| !is_link(path)));
            if stamp.links() > 1 {
                hard_links.push(path.clone());
            }
        }
        Found {
            certificate,
            key,
            modes,
            stamps: Stamps {
                certificate: self.certificate.map(|file| file.stamp),
                key: self.key.map(|file| file.stamp),
            },
            hard_links,
            mark: None,
            was_checked: false,
        }
    }
}

impl<T> Part<T> {
    /// What it should hold, if it does.
    pub(super) fn present(&self) -> Option<&T> {
        match self {
            Self::Present(value) => Some(value),
            _ => None,
        }
    }

    fn map<U>(self, change: impl FnOnce(T) -> U) -> Part<U> {
        match self {
            Self::Absent => Part::Absent,
            Self::Present(value) => Part::Present(change(value)),
            Self::Unusable(reason) => Part::Unusable(reason),
        }
    }
}

fn part<T>(path: &Path, file: Option<&File>, read: impl FnOnce(&[u8]) -> Result<T>) -> Part<T> {
    let Some(file) = file else {
        return Part::Absent;
    };
    let unreadable = |error: &dyn ToString| {
        let reason = error.to_string();
        Part::Unusable(Cause::Unreadable { reason })
    };
    match &file.bytes {
        Ok(bytes) => match read(bytes) {
            Ok(value) => Part::Present(value),
            Err(error) => unreadable(&error.in_file(path)),
        },
        // Nobody knows whether a key that may not be read is a good one
        Err(error) if error.is_in_the_way() => Part::Unusable(Cause::InTheWay {
            path: path.to_owned(),
            reason: error.to_string(),
        }),
        Err(error) => unreadable(error),
    }
}

//! Reads the state of a CA's rotation. The files alone show it: the order of the trust bundle, the
//! link certificate, and the keys.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    time::SystemTime,
};

use zeroize::Zeroizing;

use crate::{
    ca::{allows_link, follows_leaves, is_link_of, old_ca},
    error::{Error, Result},
    finding::Finding,
    key::{PrivateKey, PublicKey},
    layout::{CaKind, Layout, PairPaths, RotationFile},
    signing,
    store::{parent, read_below},
    words,
    x509::certificate::Certificate,
};

/// The stage of a CA's rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// There is one CA, and no rotation
    Steady,
    /// Both CAs are in the trust bundle, and the old CA signs
    Trusted,
    /// Both CAs are in the trust bundle, and the new CA signs
    Switched,
}

impl Stage {
    /// All stages, in their order.
    pub const ALL: [Self; 3] = [Self::Steady, Self::Trusted, Self::Switched];

    /// The name, as it is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Trusted => "trusted",
            Self::Switched => "switched",
        }
    }
}

impl FromStr for Stage {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        words::one_of(text, "stage", &Self::ALL, Self::name)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How hosts that still trust only the old CA accept the leaves of the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// Each leaf is followed by a link certificate, with which the old CA vouches for the new one.
    /// No host must be restarted before the old CA is dropped
    Link,
    /// Hosts that trust only the old CA do not accept these leaves. So every member and client must
    /// trust both CAs before the new CA signs. This is necessary if the old CA has path length 0
    Bundle,
}

impl Strategy {
    /// All strategies.
    pub const ALL: [Self; 2] = [Self::Link, Self::Bundle];

    /// The name, as it is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Bundle => "bundle",
        }
    }

    /// The best strategy that the certificate of the old CA allows.
    pub(crate) fn of(old: &Certificate) -> Self {
        if allows_link(old) {
            Self::Link
        } else {
            Self::Bundle
        }
    }
}

impl FromStr for Strategy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        words::one_of(text, "strategy", &Self::ALL, Self::name)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The state of a CA's rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RotationState {
    pub(crate) stage: Stage,
    /// The old CA, if a rotation is under way. After a rotation it is the previous CA, until it is
    /// forgotten
    pub(crate) old: Option<Certificate>,
    /// The new CA, if a rotation is under way
    pub(crate) new: Option<Certificate>,
    /// The certificate with which the old CA vouches for the new one
    pub(crate) link: Option<Certificate>,
    /// Whether the files of the previous CA are kept after a rotation
    pub(crate) keeps_previous: bool,
    /// Whether an interrupted change must be finished or undone
    pub(crate) is_unfinished: bool,
    /// Whether the interrupted change is the last one, which drops the old CA
    pub(crate) is_at_end: bool,
    /// The reason why the files fit no stage
    pub(crate) fault: Option<String>,
}

/// The finding about the rotation of the CA in this file. Its name shows the layout.
pub(super) fn finding(path: &Path, bundle: &[Certificate]) -> Option<Finding> {
    let name = path.file_name()?;
    let mut cas = Layout::ALL
        .into_iter()
        .flat_map(|layout| CaKind::ALL.map(|kind| layout.ca(kind)));
    let ca = cas.find(|ca| ca.certificate.file_name() == Some(name))?;
    let ca = PairPaths {
        certificate: name.into(),
        key: ca.key.file_name()?.into(),
    };
    RotationState::read(parent(path), &ca, bundle).finding(path)
}

/// A key's file. Without a passphrase the key itself may be unknown.
struct KeyFile {
    public: Option<PublicKey>,
    sha256: Vec<u8>,
}

/// The files of a rotation.
struct Files {
    key: Option<KeyFile>,
    next: Option<KeyFile>,
    previous: Option<KeyFile>,
    previous_certificate: Option<Certificate>,
    link: Option<Certificate>,
}

impl RotationState {
    /// Reads the state. `ca` has the files of the CA relative to the directory, and `bundle` the
    /// certificates of its trust bundle.
    pub(crate) fn read(directory: &Path, ca: &PairPaths, bundle: &[Certificate]) -> Self {
        match Files::read(directory, ca) {
            Ok(files) => files.state(ca, bundle),
            Err(error) => Self {
                fault: Some(error.to_string()),
                ..Self::steady()
            },
        }
    }

    const fn steady() -> Self {
        Self {
            stage: Stage::Steady,
            old: None,
            new: None,
            link: None,
            keeps_previous: false,
            is_unfinished: false,
            is_at_end: false,
            fault: None,
        }
    }

    /// The CA of the rotation that does not sign. The other CA signs the leaves of this one again.
    pub(crate) fn partner(&self) -> Option<&Certificate> {
        match self.stage {
            Stage::Steady => None,
            Stage::Trusted => self.new.as_ref(),
            Stage::Switched => self.old.as_ref(),
        }
    }

    /// The link certificate that follows leaves in their files.
    pub(crate) fn link_of_leaves(
        &self,
        bundle: &[Certificate],
        now: SystemTime,
    ) -> Option<&Certificate> {
        let new = self.new.as_ref()?;
        let link = self.link.as_ref();
        link.filter(|_| self.stage == Stage::Switched)
            .filter(|link| follows_leaves(link, new, bundle, now))
    }

    /// The strategy, if a rotation is under way.
    pub(crate) fn strategy(&self) -> Option<Strategy> {
        let old = self.old.as_ref()?;
        (self.stage != Stage::Steady).then(|| Strategy::of(old))
    }

    /// The finding about files that fit no stage, or about a change that was interrupted.
    pub(crate) fn finding(&self, ca: &Path) -> Option<Finding> {
        let reason = match (&self.fault, self.is_unfinished) {
            (Some(fault), _) => fault.clone(),
            (None, true) => "a change of it was interrupted".to_owned(),
            (None, false) => return None,
        };
        Some(Finding::Rotation {
            path: ca.to_owned(),
            reason,
        })
    }
}

impl Files {
    fn read(directory: &Path, ca: &PairPaths) -> Result<Self> {
        let [next, previous, link] = [
            RotationFile::Next,
            RotationFile::Previous,
            RotationFile::Link,
        ]
        .map(|file| ca.rotation(file));
        let contents = |path: &PathBuf| -> Result<Option<Zeroizing<Vec<u8>>>> {
            let bytes = read_below(directory, path)?.map(Zeroizing::new);
            // A crash leaves files that are empty or have only zero bytes
            Ok(bytes.filter(|bytes| bytes.iter().any(|byte| *byte != 0)))
        };
        let key = |path: &PathBuf| Ok::<_, Error>(contents(path)?.map(|bytes| KeyFile::of(&bytes)));
        let certificate = |path: &PathBuf| {
            let bytes = contents(path)?;
            let read = bytes.map(|bytes| Certificate::from_bytes(&bytes));
            read.transpose().map_err(|error| error.in_file(path))
        };
        let (next, previous_key) = (key(&next.key)?, key(&previous.key)?);
        let previous_certificate = certificate(&previous.certificate)?;
        let link = certificate(&link.certificate)?;
        let is_rotated = next.is_some()
            || previous_key.is_some()
            || previous_certificate.is_some()
            || link.is_some();
        Ok(Self {
            // The CA's key is compared only with the keys of a rotation
            key: if is_rotated { key(&ca.key)? } else { None },
            next,
            previous: previous_key,
            previous_certificate,
            link,
        })
    }

    fn state(self, ca: &PairPaths, bundle: &[Certificate]) -> RotationState {
        let keeps_previous = self.previous.is_some() || self.previous_certificate.is_some();
        let steady = RotationState {
            old: self.previous_certificate.clone(),
            keeps_previous,
            ..RotationState::steady()
        };
        let named = |file, is_key| {
            let paths = ca.rotation(file);
            let path = if is_key { paths.key } else { paths.certificate };
            path.display().to_string()
        };
        let fault = |reason: String| RotationState {
            fault: Some(reason),
            ..steady.clone()
        };
        let link_name = || named(RotationFile::Link, false);
        let has_key = |key: &Option<KeyFile>| {
            let public = key.as_ref().and_then(|key| key.public.as_ref());
            public.is_some_and(|key| bundle.iter().any(|one| one.public_key() == key))
        };
        let Some(link) = self.link.clone() else {
            let previous = self.previous_certificate.as_ref();
            let is_trusted = previous.is_some_and(|old| {
                bundle
                    .iter()
                    .any(|one| one.public_key() == old.public_key())
            });
            if has_key(&self.next) || has_key(&self.previous) || is_trusted {
                let bundle = ca.certificate.display();
                return fault(format!(
                    "{bundle} has the old and the new CA, and {} is missing",
                    link_name()
                ));
            }
            return RotationState {
                // The key of the new CA is written first, and removed last
                is_unfinished: self.next.is_some(),
                ..steady
            };
        };
        let new = bundle.iter().find(|one| is_link_of(&link, one));
        let old = old_ca(&link, bundle);
        let (old, new) = match (old, new) {
            (Some(old), Some(new)) => (old.clone(), new.clone()),
            (old, new) => {
                let named = bundle
                    .iter()
                    .find(|one| !is_link_of(&link, one) && link.names_issuer(one));
                if let Some(named) = named.filter(|_| old.is_none()) {
                    let error = link.check_issued_by(named).err();
                    let error = error.map(|error| error.to_string()).unwrap_or_default();
                    return fault(format!("{} does not verify: {error}", link_name()));
                }
                if old.is_none() && new.is_none() {
                    return fault(format!(
                        "{} is of {}, and {} has neither this CA nor the one that signed it",
                        link_name(),
                        link.subject(),
                        ca.certificate.display()
                    ));
                }
                // The signing CA of these interrupted changes is the only one in the trust bundle. A
                // bundle that somebody cut has the other one
                let is_cut = new.is_none() && keeps_previous;
                let rest = old.or(new).map(Certificate::public_key);
                let key = self.key.as_ref().and_then(|key| key.public.as_ref());
                if is_cut || (key.is_some() && key != rest) {
                    return fault(format!(
                        "{} lacks one of the two CAs of {}, and {} is the key of a CA that signs",
                        ca.certificate.display(),
                        link_name(),
                        ca.key.display()
                    ));
                }
                // The trust bundle is written last in the first stage, and first in the others
                return RotationState {
                    is_unfinished: true,
                    is_at_end: new.is_some(),
                    ..steady
                };
            }
        };
        if old.subject() == new.subject() {
            return fault(format!(
                "the old and the new CA have the same name, {}, which shows a verifier no difference",
                old.subject()
            ));
        }
        let stage = match self.stage(&old, &new, bundle) {
            Ok(stage) => stage,
            Err(wrong) => {
                return fault(match wrong {
                    Wrong::Key => format!(
                        "{} is the key of neither {} nor {}",
                        ca.key.display(),
                        old.subject(),
                        new.subject()
                    ),
                    Wrong::Other(file, owner) => {
                        let owner = if owner { &old } else { &new };
                        format!(
                            "{} is not the key of {}",
                            named(file, true),
                            owner.subject()
                        )
                    }
                    Wrong::Missing(file, owner) => {
                        let owner = if owner { &old } else { &new };
                        format!(
                            "{}, the key of {}, is missing",
                            named(file, true),
                            owner.subject()
                        )
                    }
                });
            }
        };
        let is_before = |one: &Certificate, other: &Certificate| {
            let place = |ca: &Certificate| bundle.iter().position(|found| found == ca);
            place(one) < place(other)
        };
        let is_unfinished = match stage {
            Stage::Switched => self.next.is_some() || !is_before(&new, &old),
            _ => keeps_previous || !is_before(&old, &new),
        };
        RotationState {
            stage,
            old: Some(old),
            new: Some(new),
            link: Some(link),
            keeps_previous,
            is_unfinished,
            is_at_end: false,
            fault: None,
        }
    }

    /// The stage of a rotation with both CAs in the trust bundle: the CA with its key at the usual
    /// path signs.
    fn stage(
        &self,
        old: &Certificate,
        new: &Certificate,
        bundle: &[Certificate],
    ) -> std::result::Result<Stage, Wrong> {
        let is_of = |key: &Option<KeyFile>, ca: &Certificate| {
            let key = key.as_ref()?.public.as_ref()?;
            Some(key == ca.public_key())
        };
        let is_same = |one: &Option<KeyFile>, other: &Option<KeyFile>| {
            let digests = one.as_ref().zip(other.as_ref());
            digests.is_some_and(|(one, other)| one.sha256 == other.sha256)
        };
        let stage = match (is_of(&self.key, old), is_of(&self.key, new)) {
            (Some(true), _) => Stage::Trusted,
            (_, Some(true)) => Stage::Switched,
            (Some(false), Some(false)) => return Err(Wrong::Key),
            // The key is encrypted or elsewhere
            _ if is_same(&self.key, &self.next) => Stage::Switched,
            _ if is_same(&self.key, &self.previous) || self.next.is_some() => Stage::Trusted,
            _ if self.previous.is_some() => Stage::Switched,
            _ => {
                let first = bundle.iter().find(|one| *one == old || *one == new);
                if first == Some(new) {
                    Stage::Switched
                } else {
                    Stage::Trusted
                }
            }
        };
        if is_of(&self.next, new) == Some(false) {
            return Err(Wrong::Other(RotationFile::Next, false));
        }
        if is_of(&self.previous, old) == Some(false) {
            return Err(Wrong::Other(RotationFile::Previous, true));
        }
        if stage == Stage::Trusted && self.key.is_some() && self.next.is_none() {
            return Err(Wrong::Missing(RotationFile::Next, false));
        }
        Ok(stage)
    }
}

/// What is wrong with the keys. The second value is whether the key should be that of the old CA.
enum Wrong {
    Key,
    Other(RotationFile, bool),
    Missing(RotationFile, bool),
}

impl KeyFile {
    fn of(bytes: &[u8]) -> Self {
        Self {
            public: PrivateKey::from_bytes(bytes, None)
                .ok()
                .map(|key| key.public_key().clone()),
            sha256: signing::sha256(bytes),
        }
    }
}

#[cfg(test)]
mod tests;

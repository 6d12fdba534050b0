//! The cache of verified pairs. It avoids verifying thirty thousand signatures again in each run.
//!
//! A plan without changes spends most of its time on verifying signatures and importing keys. A
//! pair with the same bytes as before needs neither. A hidden file in the directory has a mark for
//! each such pair: a MAC of both files, with a key that is derived from the private key of their
//! CA. Only the owner of that private key can create a mark, and the owner can sign certificates
//! anyway, so the file needs no trust. A mark that is damaged, old or of another CA is ignored: the
//! pair is verified, and the next `apply` writes the file again. Names, usages, expiry and modes
//! are compared in each run.
//!
//! There is no such file in small directories, and none if the CA key is encrypted or elsewhere.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use crate::{
    key::PrivateKey,
    layout::CaKind,
    signing::{MAC_LENGTH, MacKey},
    store::{Attributes, LockedStore, Overwrite, Store, look},
};

const NAME: &str = ".etcd-pki-checked";
const FIRST_LINE: &[u8] = b"etcd-pki: marks of the pairs that were checked; it may be removed\n";
/// The purpose of the derived key. Other kinds of marks need another text.
const PURPOSE: &[u8] = b"etcd-pki: the key is the certificate's, and the CA has signed it";
/// The minimum number of pairs. Fewer pairs are verified in a hundredth of a second
const WORTH_IT: usize = 256;

/// The mark of a verified pair.
pub(super) type Mark = [u8; MAC_LENGTH];

/// The key that creates the marks of a CA's pairs.
#[derive(Debug)]
pub(super) struct Marker(MacKey);

/// The current marks of a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cache(HashSet<Mark>);

/// The marks of a directory after its plan is applied.
#[derive(Debug)]
pub(super) struct NextCache {
    before: Cache,
    kept: Cache,
    markers: HashMap<CaKind, Marker>,
}

impl Marker {
    pub(super) fn of(ca: &PrivateKey) -> Option<Self> {
        MacKey::derive(&ca.to_secret_der(), PURPOSE).ok().map(Self)
    }

    /// Creates the mark of a pair from the bytes of its files.
    pub(super) fn mark(&self, certificate: &[u8], key: &[u8]) -> Mark {
        self.0.mac(&[certificate, key])
    }
}

impl Cache {
    /// Reads the marks of a directory. A file that cannot be read counts as empty.
    pub(super) fn read(store: &Store) -> Self {
        let file = look(&store.directory().join(NAME)).ok().flatten();
        let bytes = file.map(|(bytes, _)| bytes).unwrap_or_default();
        let marks = bytes.strip_prefix(FIRST_LINE).unwrap_or_default();
        let marks = marks.chunks_exact(MAC_LENGTH);
        Self(marks.filter_map(|mark| mark.try_into().ok()).collect())
    }

    pub(super) fn has(&self, mark: &Mark) -> bool {
        self.0.contains(mark)
    }
}

impl NextCache {
    pub(super) fn new(
        before: Cache,
        kept: impl Iterator<Item = Mark>,
        markers: HashMap<CaKind, Marker>,
    ) -> Self {
        Self {
            before,
            kept: Cache(kept.collect()),
            markers,
        }
    }

    pub(super) fn marker(&self, kind: CaKind) -> Option<&Marker> {
        self.markers.get(&kind)
    }

    /// Whether the marks are enough to need a file, and differ from those in the current file.
    pub(super) fn is_news(&self) -> bool {
        self.differs(&self.kept)
    }

    fn differs(&self, next: &Cache) -> bool {
        next.0.len() >= WORTH_IT && *next != self.before
    }

    /// Writes the marks, including those of new pairs. A failure is ignored, because the pairs are
    /// then verified again.
    pub(super) fn write(&self, new: impl Iterator<Item = Mark>, files: &LockedStore) {
        let mut next = self.kept.clone();
        next.0.extend(new);
        if !self.differs(&next) {
            return;
        }
        let mut marks: Vec<&Mark> = next.0.iter().collect();
        marks.sort_unstable();
        let marks = marks.into_iter().flatten();
        let bytes: Vec<u8> = FIRST_LINE.iter().chain(marks).copied().collect();
        let usual = Attributes::default();
        let _ = files.put_file(Path::new(NAME), &bytes, true, Overwrite::Replace, &usual);
    }
}

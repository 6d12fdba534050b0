//! What was checked before, so that thirty thousand signatures are not checked again whenever nothing is to be done.
//!
//! Checking signatures and importing keys is most of the work of a plan in which everything is kept. A pair whose two files have
//! the very bytes that were checked before needs neither. For each such pair, a dot file in the directory has a mark: a MAC of
//! both files under a key that is derived from the private key of their authority. Whoever could forge a mark could as well sign
//! certificates, so nothing in the file is trusted. A mark that is damaged, old or another authority's is like none: the pair
//! is checked, and the next `apply` writes the file anew. Names, usages, expiry and modes are looked at each time.
//!
//! Small directories have no such file, nor have those where an authority's key is encrypted or elsewhere.

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
/// What the authority's key is derived for. Marks of another kind need another text.
const PURPOSE: &[u8] = b"etcd-pki: the key is the certificate's, and the authority has signed it";
/// Fewer pairs are checked in a hundredth of a second
const WORTH_IT: usize = 256;

/// The mark of a pair that was checked.
pub(super) type Mark = [u8; MAC_LENGTH];

/// The key by which the pairs of an authority are marked.
#[derive(Debug)]
pub(super) struct Marker(MacKey);

/// The marks that a directory has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Record(HashSet<Mark>);

/// The marks that a directory is to have when its plan is carried out.
#[derive(Debug)]
pub(super) struct NextRecord {
    before: Record,
    kept: Record,
    markers: HashMap<CaKind, Marker>,
}

impl Marker {
    pub(super) fn of(authority: &PrivateKey) -> Option<Self> {
        MacKey::derive(&authority.to_secret_der(), PURPOSE)
            .ok()
            .map(Self)
    }

    /// The mark of a pair, by the bytes of its files.
    pub(super) fn mark(&self, certificate: &[u8], key: &[u8]) -> Mark {
        self.0.mac(&[certificate, key])
    }
}

impl Record {
    /// What cannot be read has none.
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

impl NextRecord {
    pub(super) fn new(
        before: Record,
        kept: impl Iterator<Item = Mark>,
        markers: HashMap<CaKind, Marker>,
    ) -> Self {
        Self {
            before,
            kept: Record(kept.collect()),
            markers,
        }
    }

    pub(super) fn marker(&self, issuer: CaKind) -> Option<&Marker> {
        self.markers.get(&issuer)
    }

    /// A new authority.
    pub(super) fn add_marker(&mut self, issuer: CaKind, marker: Option<Marker>) {
        self.markers.extend(marker.map(|marker| (issuer, marker)));
    }

    /// Whether it is worth a file, and differs from the one that is there.
    pub(super) fn is_news(&self) -> bool {
        self.kept.0.len() >= WORTH_IT && self.kept != self.before
    }

    /// Writes it, with the marks of what is new. That it cannot be written is no failure: the pairs will be checked again.
    pub(super) fn write(mut self, new: impl Iterator<Item = Mark>, files: &LockedStore) {
        self.kept.0.extend(new);
        if !self.is_news() {
            return;
        }
        let mut marks: Vec<&Mark> = self.kept.0.iter().collect();
        marks.sort_unstable();
        let marks = marks.into_iter().flatten();
        let bytes: Vec<u8> = FIRST_LINE.iter().chain(marks).copied().collect();
        let usual = Attributes::default();
        let _ = files.put_file(Path::new(NAME), &bytes, true, Overwrite::Replace, &usual);
    }
}

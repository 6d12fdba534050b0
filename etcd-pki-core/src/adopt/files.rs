//! Describes ownership and permissions of the files of a directory.

use std::path::PathBuf;

use super::{Remark, habits::most_frequent, pair::Pair};
use crate::{
    cluster::{Cluster, ClusterSpec, FilesSpec},
    finding::Finding,
    inspect::rules,
    layout::CaKind,
    store::{Account, Attributes, Stamp, Store, group_name, user_name, usual_mode},
};

/// The read bits of a mode: a remark reports a key that more users may read
const READABLE: u32 = 0o444;

/// The owner, group and modes that all existing files have, where new files would differ. With
/// these fields, new files are like the existing ones.
pub(super) fn files(store: &Store, pairs: &[Pair], remarks: &mut Vec<Remark>) -> FilesSpec {
    let of_pairs = files_of_pairs(store, pairs, remarks);
    with_ca_key(of_pairs, store, remarks)
}

/// Adds group and mode of the CA's key if they differ from the usual ones. An unprivileged owner
/// becomes a remark: no specification should require one.
fn with_ca_key(mut said: FilesSpec, store: &Store, remarks: &mut Vec<Remark>) -> FilesSpec {
    let path = store.layout().ca(CaKind::Client).key;
    let Some(stamp) = Stamp::of_regular(&store.directory().join(&path)) else {
        return said;
    };
    let owner = rules::ca_key_owner(&path, &stamp, &Attributes::default());
    if let Some(finding @ Finding::CaKeyOwner { owner, .. }) = &owner {
        let text = format!(
            "belongs to {owner}, who can sign certificates: {}",
            finding.fix()
        );
        remarks.push(Remark::new(&path, text));
        return said;
    }
    let (account, own) = (stamp.account(), Account::own());
    if account.group != own.group {
        said = with(said, |said| said.ca.group = Some(group_name(account.group)));
    }
    let mode = stamp.mode();
    let is_good = Attributes::default().mended_mode(&stamp, true).is_none();
    if is_good && mode != usual_mode(true) {
        said = with(said, |said| said.ca.key_mode = Some(mode));
    }
    said
}

fn files_of_pairs(store: &Store, pairs: &[Pair], remarks: &mut Vec<Remark>) -> FilesSpec {
    let files = File::all(store, pairs);
    let Some(account) = most_frequent(files.iter().map(|file| file.stamp.account())) else {
        return FilesSpec::default();
    };
    if let Some(file) = files.iter().find(|file| file.stamp.account() != account) {
        remarks.push(file.of_another(account));
        return FilesSpec::default();
    }
    let mut said = FilesSpec::default();
    let own = Account::own();
    if account.owner != own.owner {
        said = with(said, |said| said.owner = Some(user_name(account.owner)));
    }
    if account.group != own.group {
        said = with(said, |said| said.group = Some(group_name(account.group)));
    }
    let (certificate_mode, key_mode) = (common_mode(&files, false), common_mode(&files, true));
    said = with(said, |said| said.certificate_mode = certificate_mode);
    said = with(said, |said| said.key_mode = key_mode);
    if said.key_mode.is_none() {
        remarks.extend(files.iter().find_map(File::less_readable));
    }
    said
}

/// A regular file of a pair. Links are excluded, because the target may belong to anyone.
struct File {
    /// The path, relative to the directory
    path: PathBuf,
    secret: bool,
    stamp: Stamp,
}

impl File {
    fn all(store: &Store, pairs: &[Pair]) -> Vec<Self> {
        let paths = pairs.iter().flat_map(|pair| {
            let paths = &pair.paths;
            // A CA's key is described separately
            let key = pair.is_leaf().then_some((&paths.key, true));
            [(&paths.certificate, false)].into_iter().chain(key)
        });
        let files = paths.filter_map(|(path, secret)| {
            Some(Self {
                stamp: Stamp::of_regular(&store.directory().join(path))?,
                path: path.clone(),
                secret,
            })
        });
        files.collect()
    }

    /// Whether a plan accepts its mode.
    fn has_good_mode(&self) -> bool {
        let attributes = Attributes::default();
        attributes.mended_mode(&self.stamp, self.secret).is_none()
    }

    fn of_another(&self, most: Account) -> Remark {
        Remark::new(
            &self.path,
            format!(
                "is of {}, most files of {most}: new ones will belong to the user that runs apply, unless `files` sets an owner",
                self.stamp.account()
            ),
        )
    }

    /// A remark on a key that more users may read than a new key.
    fn less_readable(&self) -> Option<Remark> {
        let usual = usual_mode(true);
        let lost = self.stamp.mode() & READABLE & !usual;
        let is_told = self.secret && self.has_good_mode() && lost != 0;
        is_told.then(|| {
            let text = format!(
                "has mode {:04o}: a new key will have {usual:04o}, unless `files` sets a mode",
                self.stamp.mode()
            );
            Remark::new(&self.path, text)
        })
    }
}

/// The mode that all files of a kind with an accepted mode share, unless it is the usual one.
fn common_mode(files: &[File], secret: bool) -> Option<u32> {
    let files = files.iter().filter(|file| file.secret == secret);
    let mut modes = files
        .filter(|file| file.has_good_mode())
        .map(|file| file.stamp.mode());
    let mode = modes.next()?;
    (mode != usual_mode(secret) && modes.all(|other| other == mode)).then_some(mode)
}

/// Applies a change if a specification can contain the result. Otherwise it returns the files
/// unchanged: a mode with an execute bit, for example, stays with the tool that set it.
fn with(files: FilesSpec, change: impl FnOnce(&mut FilesSpec)) -> FilesSpec {
    let mut changed = files.clone();
    change(&mut changed);
    let spec = ClusterSpec {
        files: changed.clone(),
        ..ClusterSpec::default()
    };
    match Cluster::try_from(spec) {
        Ok(_) => changed,
        Err(_) => files,
    }
}

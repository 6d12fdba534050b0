//! Whose files are, and who may read them.

use std::{
    fmt,
    fs::{self, File, Metadata},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

use nix::unistd::{Gid, Group, Uid, User, getegid, geteuid};
use rustix::{fs::OFlags, io::Errno};

use super::file::{io_error, read_opened};
use crate::error::{Error, Result};

const SECRET_MODE: u32 = 0o600;
const PUBLIC_MODE: u32 = 0o644;
/// What others than the owner and the group may do with a key: nothing
const OTHERS: u32 = 0o007;
/// What they may not do with a certificate: put another in its place, which is trusted then
const OTHERS_WRITE: u32 = 0o002;

/// What a file was like when it was looked at: by it one that has changed since is noticed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    mode: u32,
    owner: u32,
    group: u32,
    links: u64,
}

impl Stamp {
    /// That of the file at a path, or that a symbolic link there leads to; `None` if there is none.
    pub(crate) fn of(path: &Path) -> Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(Self::from(&metadata))),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(io_error("read", path)(error)),
        }
    }

    /// Whether it is that of the same file, unchanged. A name more or less does not change it: what was left behind when a run was cut
    /// off may have been one.
    pub(crate) fn is_of_same(&self, now: &Self) -> bool {
        let links = now.links;
        Self {
            links,
            ..self.clone()
        } == *now
    }

    /// That of a regular file itself; `None` for a link and whatever else is at a path.
    pub(crate) fn of_regular(path: &Path) -> Option<Self> {
        let metadata = fs::symlink_metadata(path).ok()?;
        metadata.is_file().then(|| Self::from(&metadata))
    }

    /// Whose it is.
    pub(crate) fn account(&self) -> Account {
        Account {
            owner: self.owner,
            group: self.group,
        }
    }

    /// Its permissions.
    pub(crate) fn mode(&self) -> u32 {
        self.mode
    }

    /// Whether others than the owner and the group may do more with it than they should.
    fn is_open(&self, secret: bool) -> bool {
        let refused = if secret { OTHERS } else { OTHERS_WRITE };
        self.mode & refused != 0
    }

    /// How many names the file has.
    pub(crate) fn links(&self) -> u64 {
        self.links
    }
}

impl From<&Metadata> for Stamp {
    fn from(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            mode: metadata.mode() & 0o777,
            owner: metadata.uid(),
            group: metadata.gid(),
            links: metadata.nlink(),
        }
    }
}

/// Whose a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) owner: u32,
    pub(crate) group: u32,
}

impl Account {
    /// Whose a file is that this process makes.
    pub(crate) fn own() -> Self {
        Self {
            owner: geteuid().as_raw(),
            group: getegid().as_raw(),
        }
    }
}

impl fmt::Display for Account {
    /// As `chown` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (owner, group) = (user_name(self.owner), group_name(self.group));
        write!(f, "{owner}:{group}")
    }
}

/// A file's contents and what it is like; `None` if there is none.
pub(crate) fn look(path: &Path) -> Result<Option<(Vec<u8>, Stamp)>> {
    match open_regular(path) {
        Ok((file, metadata)) => {
            let bytes = read_opened(&file, metadata.len(), path)?;
            Ok(Some((bytes, Stamp::from(&metadata))))
        }
        Err(Error::Io { error, .. }) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a whole file that nobody named, but a layout did, following symbolic links. Unlike [`read_file`](super::read_file), it
/// takes a regular file alone, and so waits for no pipe.
///
/// # Errors
///
/// [`Error::Io`]; [`Error::TooLarge`] over 16 MiB.
pub fn read_regular_file(path: &Path) -> Result<Vec<u8>> {
    let (file, metadata) = open_regular(path)?;
    read_opened(&file, metadata.len(), path)
}

fn open_regular(path: &Path) -> Result<(File, Metadata)> {
    // A pipe that nobody writes into would be waited for
    let file = File::options()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)
        .map_err(|error| match is(&error, Errno::NXIO) {
            // A socket is not opened
            true => irregular(path),
            false => io_error("read", path)(error),
        })?;
    let metadata = file.metadata().map_err(io_error("read", path))?;
    if !metadata.is_file() {
        return Err(irregular(path));
    }
    Ok((file, metadata))
}

fn irregular(path: &Path) -> Error {
    Error::Irregular {
        path: path.to_owned(),
    }
}

/// Nothing, or a link that leads nowhere or in a circle.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    ) || is(error, Errno::LOOP)
}

fn is(error: &io::Error, number: Errno) -> bool {
    error.raw_os_error() == Some(number.raw_os_error())
}

/// Owner, group and modes of files, as far as they were said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) owner: Option<u32>,
    pub(crate) group: Option<u32>,
    pub(crate) key_mode: Option<u32>,
    pub(crate) certificate_mode: Option<u32>,
    pub(crate) directory_mode: Option<u32>,
    /// Whether what is replaced or removed is kept, as a dot file beside it
    pub(crate) backup: bool,
    /// Whether a symbolic link is replaced like a file; what it leads to stays
    pub(crate) replaces_links: bool,
}

impl Attributes {
    /// The mode that a file should have instead of its own: the one that was said, or the usual one of a key that everybody may
    /// read, and of a certificate that everybody may write. A key's 0640, as Kubespray's copies have, is no fault.
    pub(crate) fn mended_mode(&self, stamp: &Stamp, secret: bool) -> Option<u32> {
        match self.said_mode(secret) {
            Some(mode) if mode != stamp.mode => Some(mode),
            None if stamp.is_open(secret) => Some(usual_mode(secret)),
            _ => None,
        }
    }

    /// Whether a file is another's than was said.
    pub(crate) fn is_of_another(&self, stamp: &Stamp) -> bool {
        let differs = |said: Option<u32>, found| said.is_some_and(|said| said != found);
        differs(self.owner, stamp.owner) || differs(self.group, stamp.group)
    }

    /// Owner, group and mode of a file that is written: what was said, else what the file in its place has, else its writer's own.
    pub(super) fn of_new(
        &self,
        secret: bool,
        existing: Option<&Stamp>,
    ) -> (Option<u32>, Option<u32>, u32) {
        let kept = existing.filter(|stamp| !stamp.is_open(secret));
        let kept = kept.map_or(usual_mode(secret), Stamp::mode);
        (
            self.owner.or(existing.map(|stamp| stamp.owner)),
            self.group.or(existing.map(|stamp| stamp.group)),
            self.said_mode(secret).unwrap_or(kept),
        )
    }

    fn said_mode(&self, secret: bool) -> Option<u32> {
        if secret {
            self.key_mode
        } else {
            self.certificate_mode
        }
    }
}

/// The mode of a new file.
pub(crate) fn usual_mode(secret: bool) -> u32 {
    if secret { SECRET_MODE } else { PUBLIC_MODE }
}

/// Whether this process may give files to other users.
pub(crate) fn may_give() -> bool {
    geteuid().is_root()
}

/// The number of a user, by name or number.
pub(crate) fn user(name: &str) -> Result<u32> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let found = User::from_name(name).ok().flatten();
    found
        .map(|user| user.uid.as_raw())
        .ok_or_else(|| nobody(name, "user"))
}

/// The number of a group, by name or number.
pub(crate) fn group(name: &str) -> Result<u32> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let found = Group::from_name(name).ok().flatten();
    found
        .map(|group| group.gid.as_raw())
        .ok_or_else(|| nobody(name, "group"))
}

/// The name of a user, or its number where this host knows none.
pub(crate) fn user_name(number: u32) -> String {
    let known = User::from_uid(Uid::from_raw(number)).ok().flatten();
    let known = known.map(|user| user.name);
    let known = known.filter(|name| user(name).is_ok_and(|found| found == number));
    known.unwrap_or_else(|| number.to_string())
}

/// The name of a group, or its number where this host knows none.
pub(crate) fn group_name(number: u32) -> String {
    let known = Group::from_gid(Gid::from_raw(number)).ok().flatten();
    let known = known.map(|group| group.name);
    let known = known.filter(|name| group(name).is_ok_and(|found| found == number));
    known.unwrap_or_else(|| number.to_string())
}

fn nobody(name: &str, kind: &str) -> Error {
    Error::InvalidName {
        name: name.to_owned(),
        reason: format!("is no {kind} of this host"),
    }
}

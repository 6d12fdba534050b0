//! Owner, group, mode and access control list of files, and the rules for owners of keys.

use std::{
    fmt,
    fs::{self, File, Metadata, Permissions},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown},
    path::Path,
};

use nix::unistd::{Gid, Group, Uid, User, getegid, geteuid};
use rustix::{
    fs::{XattrFlags, fgetxattr, fsetxattr},
    io::Errno,
};

use super::path::{io_error, is};
use crate::error::{Error, Result};

const SECRET_MODE: u32 = 0o600;
const PUBLIC_MODE: u32 = 0o644;
/// The permissions for a key that other users than the owner and the group must not have
const OTHERS: u32 = 0o007;
/// The permission for a certificate that they must not have: with it, they could replace the
/// certificate by another one, which is then trusted
/// then trusted
const OTHERS_WRITE: u32 = 0o002;
/// The extended attribute that contains a POSIX access control list, acl(5)
const ACCESS_LIST: &str = "system.posix_acl_access";
/// The largest value of an extended attribute, xattr(7)
const ACCESS_LIST_LIMIT: usize = 64 * 1024;

/// Identity, size, time and permissions of a file at one moment. Any change makes the stamp
/// different.
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
    /// The stamp of the file that a path leads to; `None` if it is missing.
    pub(crate) fn of(path: &Path) -> Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(Self::from(&metadata))),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(io_error("read", path)(error)),
        }
    }

    /// Whether both stamps belong to the same unchanged file. The number of names is ignored,
    /// because a killed run may have left a name.
    pub(crate) fn is_of_same(&self, now: &Self) -> bool {
        let links = now.links;
        Self {
            links,
            ..self.clone()
        } == *now
    }

    /// The stamp of a regular file; `None` for a symbolic link and for anything else.
    pub(crate) fn of_regular(path: &Path) -> Option<Self> {
        let metadata = fs::symlink_metadata(path).ok()?;
        metadata.is_file().then(|| Self::from(&metadata))
    }

    /// The stamp of the regular file that a path leads to; `None` for a pipe and for anything else.
    pub(crate) fn of_file(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        metadata.is_file().then(|| Self::from(&metadata))
    }

    /// The owner and the group.
    pub(crate) fn account(&self) -> Account {
        Account {
            owner: self.owner,
            group: self.group,
        }
    }

    /// The permissions.
    pub(crate) fn mode(&self) -> u32 {
        self.mode
    }

    /// Whether users other than the owner and the group have too many permissions.
    fn is_open(&self, secret: bool) -> bool {
        let refused = if secret { OTHERS } else { OTHERS_WRITE };
        self.mode & refused != 0
    }

    /// The number of names.
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

/// Whether an error means that there is no file: nothing exists at the path, or a symbolic link is
/// broken or circular.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    ) || is(error, Errno::LOOP)
}

/// The owner and the group of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) owner: u32,
    pub(crate) group: u32,
}

impl Account {
    /// The account of files that this process creates.
    pub(crate) fn own() -> Self {
        Self {
            owner: geteuid().as_raw(),
            group: getegid().as_raw(),
        }
    }
}

impl fmt::Display for Account {
    /// Writes the account in the form of `chown`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (owner, group) = (user_name(self.owner), group_name(self.group));
        write!(f, "{owner}:{group}")
    }
}

/// Owner, group and modes of files. Unset fields keep the values of the file, or the default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) owner: Option<u32>,
    pub(crate) group: Option<u32>,
    pub(crate) key_mode: Option<u32>,
    pub(crate) certificate_mode: Option<u32>,
    pub(crate) directory_mode: Option<u32>,
    /// The different values for a CA's files
    pub(crate) ca: CaAttributes,
    /// Whether these are the values for a CA's files
    pub(crate) is_of_ca: bool,
    /// Whether owner and group are those of keys only. Certificates keep theirs
    pub(crate) is_of_keys_only: bool,
    /// Whether a replaced or removed file is kept as a hidden file in the same directory
    pub(crate) backup: bool,
    /// Whether a symbolic link is replaced like a file. Its target does not change
    pub(crate) replaces_links: bool,
}

/// Owner and group of a CA's files, and the mode of its key. Unset fields have the default for the
/// key, which only the user who creates it may read. For the other files they have the values of
/// other certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CaAttributes {
    pub(crate) owner: Option<u32>,
    pub(crate) group: Option<u32>,
    pub(crate) key_mode: Option<u32>,
}

impl Attributes {
    /// The attributes for a CA's files.
    pub(crate) fn for_ca(&self) -> Self {
        Self {
            is_of_ca: true,
            ..self.clone()
        }
    }

    /// The specified owner of a file.
    pub(crate) fn owner_of(&self, secret: bool) -> Option<u32> {
        let of_leaf = self.owner.filter(|_| self.is_for(secret));
        let of_ca = self.ca.owner.filter(|_| self.is_of_ca);
        of_ca.or(of_leaf)
    }

    /// The specified group of a file.
    pub(crate) fn group_of(&self, secret: bool) -> Option<u32> {
        let of_leaf = self.group.filter(|_| self.is_for(secret));
        let of_ca = self.ca.group.filter(|_| self.is_of_ca);
        of_ca.or(of_leaf)
    }

    /// Whether the owner and the group of leaf files apply to a file.
    fn is_for(&self, secret: bool) -> bool {
        if secret {
            !self.is_of_ca
        } else {
            !self.is_of_keys_only
        }
    }

    /// The mode that a file should have, if its current mode is wrong. This is the specified mode.
    /// Without one, it is the default for a key that every user may read, and for a certificate
    /// that every user may write. A key with mode 0640, as in Kubespray's copies, is not a fault.
    pub(crate) fn mended_mode(&self, stamp: &Stamp, secret: bool) -> Option<u32> {
        match self.specified_mode(secret) {
            Some(mode) if mode != stamp.mode => Some(mode),
            None if stamp.is_open(secret) => Some(usual_mode(secret)),
            _ => None,
        }
    }

    /// Whether a file has another owner or group than specified.
    pub(crate) fn is_of_another(&self, stamp: &Stamp, secret: bool) -> bool {
        let differs = |specified: Option<u32>, current| {
            specified.is_some_and(|specified| specified != current)
        };
        differs(self.owner_of(secret), stamp.owner) || differs(self.group_of(secret), stamp.group)
    }

    /// The mode of a new file: the specified mode, or else the mode of the file that it replaces
    /// unless that is too open, or else the default.
    pub(super) fn mode_of_new(&self, secret: bool, existing: Option<&Stamp>) -> u32 {
        let kept = existing.filter(|stamp| !stamp.is_open(secret));
        let kept = kept.map_or(usual_mode(secret), Stamp::mode);
        self.specified_mode(secret).unwrap_or(kept)
    }

    fn specified_mode(&self, secret: bool) -> Option<u32> {
        if secret && self.is_of_ca {
            self.ca.key_mode
        } else if secret {
            self.key_mode
        } else {
            self.certificate_mode
        }
    }
}

/// Whether the owner of a key is allowed: root, the user of this process, the specified owner, or
/// the owner of the store's directory.
pub(crate) fn trusted_owner(stamp: &Stamp, attributes: &Attributes, store_owner: u32) -> bool {
    let owner = stamp.owner;
    is_privileged_owner(stamp, attributes) || owner == store_owner
}

/// Whether the owner of a CA's certificates is allowed. The rule is that for a key, with the owner
/// that is specified for certificates.
pub(crate) fn trusted_ca_owner(stamp: &Stamp, attributes: &Attributes, store_owner: u32) -> bool {
    let owner = stamp.owner;
    let is_specified = attributes.owner_of(false) == Some(owner);
    trusted_owner(stamp, attributes, store_owner) || is_specified
}

/// The mode of a CA's directory in which other users may add files. These are all users, even with
/// a sticky bit that protects the files of others, or the users of a group. The group does not
/// count if it is root's, the owner's own or the specified one. `None` for other directories.
pub(crate) fn shared_directory_mode(path: &Path, group: Option<u32>) -> Option<u32> {
    const GROUP_WRITES: u32 = 0o020;
    const OTHERS_WRITE: u32 = 0o002;
    let metadata = fs::metadata(path).ok()?;
    let mode = metadata.mode() & 0o7777;
    let own_group = metadata.gid();
    let is_closed =
        own_group == 0 || group == Some(own_group) || is_private_group(own_group, metadata.uid());
    let is_shared = mode & OTHERS_WRITE != 0 || (mode & GROUP_WRITES != 0 && !is_closed);
    is_shared.then_some(mode)
}

/// Whether a group belongs to one user: it has the user's number or name.
fn is_private_group(group: u32, user: u32) -> bool {
    group == user || group_name(group) == user_name(user)
}

/// Whether the owner of a key is root, the user of this process, or the specified owner.
pub(crate) fn is_privileged_owner(stamp: &Stamp, attributes: &Attributes) -> bool {
    let owner = stamp.owner;
    owner == 0 || owner == geteuid().as_raw() || attributes.owner_of(true) == Some(owner)
}

/// The owner of a directory. If it is missing, this is the user of this process, who will create
/// it.
pub(crate) fn owner_of_directory(path: &Path) -> u32 {
    fs::metadata(path).map_or_else(|_| geteuid().as_raw(), |metadata| metadata.uid())
}

/// A POSIX access control list, in the form that the system stores.
pub(super) struct AccessList(Vec<u8>);

impl AccessList {
    /// The access control list of a file, if it has one.
    pub(super) fn of(file: &File) -> io::Result<Option<Self>> {
        for size in [1024, ACCESS_LIST_LIMIT] {
            let mut value = vec![0; size];
            match fgetxattr(file, ACCESS_LIST, &mut value[..]) {
                Ok(length) => {
                    value.truncate(length);
                    return Ok(Some(Self(value)));
                }
                Err(Errno::RANGE) => {}
                Err(Errno::NODATA | Errno::NOTSUP | Errno::NOSYS) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        Err(Errno::RANGE.into())
    }

    /// Sets the access control list of a file.
    pub(super) fn give(&self, file: &File) -> io::Result<()> {
        fsetxattr(file, ACCESS_LIST, &self.0, XattrFlags::empty()).map_err(io::Error::from)
    }
}

/// Sets owner, group and mode of a file.
pub(super) fn give(
    file: &File,
    owner: Option<u32>,
    group: Option<u32>,
    mode: u32,
) -> io::Result<()> {
    let current = file.metadata()?;
    let differs = |desired: Option<u32>, current| desired.is_some_and(|desired| desired != current);
    if differs(owner, current.uid()) || differs(group, current.gid()) {
        fchown(file, owner, group)?;
    }
    // The umask changes the mode at creation, but not this mode
    file.set_permissions(Permissions::from_mode(mode))
}

/// The default mode of a file.
pub(crate) fn usual_mode(secret: bool) -> u32 {
    if secret { SECRET_MODE } else { PUBLIC_MODE }
}

/// Whether this process may change the owner of files.
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
        .ok_or_else(|| unknown(name, "user"))
}

/// The number of a group, by name or number.
pub(crate) fn group(name: &str) -> Result<u32> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let found = Group::from_name(name).ok().flatten();
    found
        .map(|group| group.gid.as_raw())
        .ok_or_else(|| unknown(name, "group"))
}

/// The name of a user, or its number if this host has no name for it.
pub(crate) fn user_name(number: u32) -> String {
    let known = User::from_uid(Uid::from_raw(number)).ok().flatten();
    let known = known.map(|user| user.name);
    let known = known.filter(|name| user(name).is_ok_and(|found| found == number));
    known.unwrap_or_else(|| number.to_string())
}

/// The name of a group, or its number if this host has no name for it.
pub(crate) fn group_name(number: u32) -> String {
    let known = Group::from_gid(Gid::from_raw(number)).ok().flatten();
    let known = known.map(|group| group.name);
    let known = known.filter(|name| group(name).is_ok_and(|found| found == number));
    known.unwrap_or_else(|| number.to_string())
}

fn unknown(name: &str, kind: &str) -> Error {
    Error::InvalidName {
        name: name.to_owned(),
        reason: format!("is no {kind} of this host"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(owner: u32, mode: u32) -> Stamp {
        Stamp {
            device: 1,
            inode: 2,
            length: 3,
            modified: (4, 5),
            mode,
            owner,
            group: 7,
            links: 1,
        }
    }

    /// A user who is neither root nor the user of the tests.
    fn stranger(number: u32) -> u32 {
        geteuid().as_raw() + 70_000 + number
    }

    #[test]
    fn owners_of_keys() {
        let (store, specified, other) = (stranger(1), stranger(2), stranger(3));
        let attributes = Attributes {
            owner: Some(specified),
            ..Attributes::default()
        };
        for owner in [0, geteuid().as_raw(), specified] {
            assert!(is_privileged_owner(&stamp(owner, 0o600), &attributes));
            assert!(trusted_owner(&stamp(owner, 0o600), &attributes, store));
        }
        for owner in [store, other] {
            let stamp = stamp(owner, 0o600);
            assert!(!is_privileged_owner(&stamp, &attributes));
            assert_eq!(trusted_owner(&stamp, &attributes, store), owner == store);
        }
        // The owner of leaf keys may not own the CA's key, unless the specification names this
        // owner for the CA's files
        let ca = attributes.for_ca();
        assert!(!is_privileged_owner(&stamp(specified, 0o600), &ca));
        let ca = Attributes {
            ca: CaAttributes {
                owner: Some(specified),
                ..CaAttributes::default()
            },
            ..ca
        };
        assert!(is_privileged_owner(&stamp(specified, 0o600), &ca));
    }

    #[test]
    fn accounts_of_files() {
        let leaf = Attributes {
            owner: Some(10),
            group: Some(11),
            ca: CaAttributes {
                owner: Some(20),
                group: Some(21),
                key_mode: None,
            },
            ..Attributes::default()
        };
        let ca = leaf.for_ca();
        let plain_ca = Attributes {
            ca: CaAttributes::default(),
            ..ca.clone()
        };
        for (attributes, secret, owner, group) in [
            (&leaf, true, Some(10), Some(11)),
            (&leaf, false, Some(10), Some(11)),
            (&ca, true, Some(20), Some(21)),
            (&ca, false, Some(20), Some(21)),
            (&plain_ca, true, None, None),
            (&plain_ca, false, Some(10), Some(11)),
            (&Attributes::default(), true, None, None),
        ] {
            assert_eq!(attributes.owner_of(secret), owner, "{attributes:?}");
            assert_eq!(attributes.group_of(secret), group, "{attributes:?}");
        }
        // A different owner or a different group counts as a difference
        let file = stamp(10, 0o600);
        for (owner, group, differs) in [
            (None, None, false),
            (Some(10), Some(7), false),
            (Some(11), Some(7), true),
            (Some(10), Some(8), true),
            (None, Some(8), true),
        ] {
            let attributes = Attributes {
                owner,
                group,
                ..Attributes::default()
            };
            assert_eq!(attributes.is_of_another(&file, true), differs);
        }
    }

    #[test]
    fn modes_of_files() {
        let none = Attributes::default();
        let specified = Attributes {
            key_mode: Some(0o640),
            certificate_mode: Some(0o664),
            ca: CaAttributes {
                key_mode: Some(0o400),
                ..CaAttributes::default()
            },
            ..Attributes::default()
        };
        let ca = specified.for_ca();
        // The attributes, whether the file is a key, its current mode, the mode that it should
        // have, and the mode of a new file that replaces it
        for (attributes, secret, current, mended, of_new) in [
            (&none, true, 0o600, None, 0o600),
            (&none, true, 0o640, None, 0o640),
            (&none, true, 0o644, Some(0o600), 0o600),
            (&none, true, 0o601, Some(0o600), 0o600),
            (&none, false, 0o644, None, 0o644),
            (&none, false, 0o600, None, 0o600),
            (&none, false, 0o664, None, 0o664),
            (&none, false, 0o666, Some(0o644), 0o644),
            (&specified, true, 0o640, None, 0o640),
            (&specified, true, 0o600, Some(0o640), 0o640),
            (&specified, false, 0o664, None, 0o664),
            (&specified, false, 0o644, Some(0o664), 0o664),
            (&ca, true, 0o400, None, 0o400),
            (&ca, true, 0o640, Some(0o400), 0o400),
            (&ca, false, 0o644, Some(0o664), 0o664),
        ] {
            let stamp = stamp(0, current);
            let what = format!("{attributes:?} {secret} {current:o}");
            assert_eq!(attributes.mended_mode(&stamp, secret), mended, "{what}");
            assert_eq!(
                attributes.mode_of_new(secret, Some(&stamp)),
                of_new,
                "{what}"
            );
        }
        assert_eq!(none.mode_of_new(true, None), 0o600);
        assert_eq!(none.mode_of_new(false, None), 0o644);
        assert_eq!(ca.mode_of_new(true, None), 0o400);
    }

    #[test]
    fn a_change_shows() {
        let before = stamp(1, 0o600);
        let with = |change: fn(&mut Stamp)| {
            let mut after = before.clone();
            change(&mut after);
            before.is_of_same(&after)
        };
        assert!(with(|_| {}));
        assert!(with(|after| after.links = 2));
        assert!(!with(|after| after.device += 1));
        assert!(!with(|after| after.inode += 1));
        assert!(!with(|after| after.length += 1));
        assert!(!with(|after| after.modified.1 += 1));
        assert!(!with(|after| after.mode = 0o640));
        assert!(!with(|after| after.owner += 1));
        assert!(!with(|after| after.group += 1));
    }

    #[test]
    fn users_and_groups_by_name_or_number() {
        assert_eq!(user("0").unwrap(), 0);
        assert_eq!(user("root").unwrap(), 0);
        assert_eq!(group("root").unwrap(), 0);
        assert_eq!(group("12345").unwrap(), 12345);
        assert!(user("no such user").is_err() && group("no such group").is_err());
        assert_eq!(user_name(0), "root");
        assert_eq!(group_name(0), "root");
        assert_eq!(user_name(3_999_999_999), "3999999999");
        assert_eq!(group_name(3_999_999_999), "3999999999");
    }

    /// The owner that is specified for certificates may own a CA's certificates, and not its key.
    #[test]
    fn owners_of_ca_certificates() {
        let (store, specified, other) = (stranger(1), stranger(2), stranger(3));
        let attributes = Attributes {
            owner: Some(specified),
            ..Attributes::default()
        };
        for (owner, expected) in [(0, true), (store, true), (specified, true), (other, false)] {
            let stamp = stamp(owner, 0o644);
            let ca = attributes.for_ca();
            assert_eq!(trusted_ca_owner(&stamp, &ca, store), expected, "{owner}");
        }
    }

    #[test]
    fn groups_of_one_user() {
        assert!(is_private_group(70_001, 70_001));
        assert!(!is_private_group(70_001, 70_002));
        // On many hosts, the numbers of these users and groups differ
        for name in ["games", "man", "nobody"] {
            if let (Ok(user), Ok(group)) = (user(name), group(name)) {
                assert!(is_private_group(group, user), "{name}");
            }
        }
    }

    /// A directory is shared if all users or a foreign group may add files. Only root can test
    /// groups.
    #[test]
    fn shared_directories() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path();
        let shared = |mode: u32, group| {
            fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
            let found = shared_directory_mode(path, group);
            assert!(found.is_none_or(|found| found == mode));
            found.is_some()
        };
        for (mode, expected) in [(0o755, false), (0o702, true), (0o1777, true)] {
            assert_eq!(shared(mode, None), expected, "{mode:o}");
        }
        let (owner, group) = (stranger(1), stranger(2));
        if std::os::unix::fs::chown(path, Some(owner), Some(group)).is_err() {
            return;
        }
        for (mode, specified, expected) in [
            (0o755, None, false),
            (0o705, None, false),
            (0o775, None, true),
            (0o720, Some(stranger(3)), true),
            (0o775, Some(group), false),
            (0o777, Some(group), true),
        ] {
            assert_eq!(shared(mode, specified), expected, "{mode:o} {specified:?}");
        }
        for group in [0, owner] {
            std::os::unix::fs::chown(path, Some(owner), Some(group)).unwrap();
            assert!(!shared(0o775, None) && shared(0o777, None));
        }
    }

    /// An access control list with many entries is read as a whole.
    #[test]
    fn long_access_control_lists() {
        let file = tempfile::tempfile().unwrap();
        // The form of acl_ea_header and acl_ea_entry in the kernel's posix_acl_xattr.h
        let none = u32::MAX;
        let mut entries = vec![(1_u16, 6_u16, none)];
        entries.extend((70_000..70_200).map(|user| (2, 4, user)));
        entries.extend([(4, 4, none), (16, 4, none), (32, 0, none)]);
        let mut value = 2_u32.to_le_bytes().to_vec();
        for (tag, permissions, user) in entries {
            value.extend(tag.to_le_bytes());
            value.extend(permissions.to_le_bytes());
            value.extend(user.to_le_bytes());
        }
        // Not all file systems have such lists
        if AccessList(value.clone()).give(&file).is_err() {
            return;
        }
        let found = AccessList::of(&file).unwrap();
        assert!(found.is_some_and(|found| found.0 == value));
    }
}

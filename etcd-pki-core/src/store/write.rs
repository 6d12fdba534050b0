//! Writes files: each one atomically, and several files all or none.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::{
    directory::Directory,
    draft::{Draft, Temporary},
    old::{Old, copy_of},
    path::{check_only_name, io_error, irregular},
    permissions::{Attributes, Stamp, give, trusted_owner, user_name, usual_mode},
    replace::Replace,
};
use crate::{
    error::{Error, Result},
    time::clock,
};

/// Whether an existing file may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// An existing file is an error
    Refuse,
    /// An existing file is replaced, and the new file keeps its owner, group, mode and access
    /// control list. However, a key is closed to users other than its owner and group, and no file
    /// stays writable for them
    Replace,
}

/// A file to write in an open directory.
pub(super) struct Target<'a> {
    pub(super) directory: Directory,
    pub(super) name: OsString,
    pub(super) contents: &'a [u8],
    pub(super) secret: bool,
    pub(super) replace: Replace,
}

impl Target<'_> {
    fn path(&self) -> PathBuf {
        self.directory.path_of(&self.name)
    }
}

/// The rules for all files that are written together.
pub(super) struct Rules<'a> {
    pub(super) attributes: &'a Attributes,
    /// Whether a new file takes over the owner, group and access control list of the file that it
    /// replaces
    pub(super) inherits: bool,
    /// The owner of the store's directory; `None` means the owner of the file's directory
    pub(super) store_owner: Option<u32>,
    /// Called when all files are complete and on the disk, before the first one is at its path
    pub(super) before: &'a dyn Fn() -> Result<()>,
}

/// Writes files, all or none. The caller holds the lock.
pub(super) fn write_together(targets: &[Target<'_>], rules: &Rules<'_>) -> Result<()> {
    let staged = targets
        .iter()
        .map(|target| Staged::new(target, rules))
        .collect::<Result<Vec<_>>>()?;
    (rules.before)()?;
    let mut directories: Vec<&Directory> = Vec::new();
    for target in targets {
        if !directories
            .iter()
            .any(|one| one.path() == target.directory.path())
        {
            directories.push(&target.directory);
        }
    }
    let sync = || {
        directories
            .iter()
            .try_for_each(|directory| directory.sync())
    };
    let mut replaced = Vec::new();
    for file in staged {
        // Nothing can fail after the last file, so only the other files may have to be restored
        let before = (replaced.len() + 1 < targets.len()).then(|| Before::of(&file));
        if let Err(error) = file.put() {
            replaced.into_iter().try_for_each(Before::bring_back)?;
            sync()?;
            return Err(error);
        }
        replaced.extend(before);
    }
    sync()
}

/// A file that is complete and on the disk, but not yet at its path.
struct Staged<'a> {
    target: &'a Target<'a>,
    draft: Draft,
    existing: Existing,
    backup: bool,
}

impl<'a> Staged<'a> {
    fn new(target: &'a Target<'a>, rules: &Rules<'_>) -> Result<Self> {
        let existing = Existing::at(target, rules)?;
        let path = target.path();
        let (attributes, old) = (rules.attributes, existing.old());
        let stamp = old.map(|old| &old.stamp);
        let inherited = stamp.filter(|_| rules.inherits).map(Stamp::account);
        let owner = attributes
            .owner_of(target.secret)
            .or(inherited.map(|old| old.owner));
        let group = attributes
            .group_of(target.secret)
            .or(inherited.map(|old| old.group));
        let mut mode = attributes.mode_of_new(target.secret, stamp);
        let list = old.and_then(|old| old.list.as_ref());
        if list.is_some() && !rules.inherits {
            // The group's part of this mode is the mask of the access control list, acl(5)
            mode = attributes.mode_of_new(target.secret, None);
        }
        let mut draft = Draft::new(&target.directory)?;
        let file = draft.file();
        give(file, owner, group, usual_mode(true)).map_err(io_error("set owner of", &path))?;
        if let Some(list) = list.filter(|_| rules.inherits) {
            list.give(file)
                .map_err(io_error("keep the access control list of", &path))?;
        }
        // This comes after the access control list, because that changes the mode as well
        give(file, None, None, mode).map_err(io_error("set owner and mode of", &path))?;
        draft
            .write(target.contents)
            .and_then(|()| draft.sync())
            .map_err(io_error("write in", target.directory.path()))?;
        Ok(Self {
            target,
            draft,
            existing,
            backup: attributes.backup,
        })
    }

    fn put(self) -> Result<()> {
        let Target {
            directory, name, ..
        } = self.target;
        let path = self.target.path();
        if matches!(self.existing, Existing::Nothing) {
            return self.draft.put_new(directory, name, &path);
        }
        self.existing.check(directory, name, &path)?;
        if self.backup {
            keep(directory, name, name)?;
        }
        self.draft.replace(directory, name, &path)
    }
}

/// An existing file at a path that may be replaced.
enum Existing {
    Nothing,
    /// A symbolic link, with an owner and a mode that do not matter
    Link,
    File(Old),
}

impl Existing {
    /// Opens the existing file, and refuses to replace it unless the rule allows that.
    fn at(target: &Target<'_>, rules: &Rules<'_>) -> Result<Self> {
        let (directory, name) = (&target.directory, &target.name);
        let Some(metadata) = directory.metadata(name)? else {
            return Ok(Self::Nothing);
        };
        let path = target.path();
        if metadata.is_symlink() {
            let replaces = rules.attributes.replaces_links;
            if replaces && !matches!(target.replace, Replace::Nothing | Replace::Blank) {
                return Ok(Self::Link);
            }
            return Err(Error::SymbolicLink { path });
        }
        if !metadata.is_file() {
            return Err(irregular(&path));
        }
        if target.replace == Replace::Nothing {
            return Err(Error::ExistingFile { path });
        }
        let old = match directory.open_regular(name) {
            Ok(Some((file, metadata))) => Old::read(&file, Stamp::from(&metadata), &path)?,
            Ok(None) => return Ok(Self::Nothing),
            Err(Error::Io { error, .. })
                if target.replace == Replace::Any
                    && error.kind() == io::ErrorKind::PermissionDenied =>
            {
                Old {
                    stamp: Stamp::from(&metadata),
                    contents: None,
                    list: None,
                }
            }
            Err(error) => return Err(error),
        };
        let contents = old.contents.as_deref().map(Vec::as_slice);
        target.replace.check(&path, contents)?;
        if target.secret && rules.inherits {
            let store_owner = match rules.store_owner {
                Some(owner) => owner,
                None => directory.own_metadata()?.uid(),
            };
            if !trusted_owner(&old.stamp, rules.attributes, store_owner) {
                let owner = user_name(old.stamp.account().owner);
                return Err(Error::UntrustedOwner { path, owner });
            }
        }
        Ok(Self::File(old))
    }

    fn old(&self) -> Option<&Old> {
        match self {
            Self::File(old) => Some(old),
            Self::Nothing | Self::Link => None,
        }
    }

    /// Fails if another file is now at the path.
    fn check(&self, directory: &Directory, name: &OsStr, path: &Path) -> Result<()> {
        let current = directory.metadata(name)?;
        let is_same = match (self, &current) {
            (Self::Nothing, None) => true,
            (Self::Link, Some(current)) => current.is_symlink(),
            (Self::File(old), Some(current)) => {
                current.is_file() && old.stamp.is_of_same(&Stamp::from(current))
            }
            _ => false,
        };
        if is_same {
            return Ok(());
        }
        Err(Error::FileChanged {
            path: path.to_owned(),
        })
    }
}

/// The old file at the path of a new one. It can be restored until all new files are at their
/// paths.
enum Before<'a> {
    Nothing(&'a Target<'a>),
    /// A copy without a name, so that a killed run leaves no file
    Copy(&'a Target<'a>, Draft),
    /// A second name of a symbolic link, or of a file if the system does not support files without
    /// a name
    SecondName(&'a Target<'a>, Temporary),
    /// It cannot be restored
    Lost,
}

impl<'a> Before<'a> {
    fn of(file: &Staged<'a>) -> Self {
        let target = file.target;
        let directory = &target.directory;
        let copied = match &file.existing {
            Existing::Nothing => return Self::Nothing(target),
            Existing::Link => None,
            Existing::File(old) => copy_of(old, directory),
        };
        if let Some(copy) = copied {
            return Self::Copy(target, copy);
        }
        match Temporary::second_name(directory, &target.name) {
            Some(second) => Self::SecondName(target, second),
            None => Self::Lost,
        }
    }

    /// Reverts the changes of this call, but no changes of other processes. A file that cannot be
    /// restored to its path is kept as a backup.
    fn bring_back(self) -> Result<()> {
        match self {
            Self::Nothing(target) => {
                let removed = target.directory.unlink(&target.name);
                removed.map_err(io_error("remove the new", &target.path()))
            }
            Self::Copy(target, copy) => {
                let path = target.path();
                copy.sync().map_err(io_error("bring back the old", &path))?;
                copy.replace(&target.directory, &target.name, &path)
            }
            Self::SecondName(target, second) => {
                let directory = &target.directory;
                match directory.rename(second.name(), &target.name) {
                    Ok(()) => {
                        second.forget();
                        Ok(())
                    }
                    Err(error) => {
                        keep(directory, &target.name, second.name())?;
                        Err(io_error("bring back the old", &target.path())(error))
                    }
                }
            }
            Self::Lost => Ok(()),
        }
    }
}

/// Removes a file. If the attributes request a backup, the file is kept under another name.
pub(super) fn remove(directory: &Directory, name: &OsStr, attributes: &Attributes) -> Result<()> {
    if attributes.backup {
        keep(directory, name, name)?;
    }
    let path = directory.path_of(name);
    directory.unlink(name).map_err(io_error("remove", &path))?;
    directory.sync()
}

/// Corrects owner, group and mode of a file. A symbolic link does not change.
pub(super) fn fix_permissions(
    directory: &Directory,
    name: &OsStr,
    secret: bool,
    attributes: &Attributes,
) -> Result<()> {
    let path = directory.path_of(name);
    let Some(metadata) = directory.metadata(name)? else {
        return Ok(());
    };
    if metadata.is_symlink() {
        return Ok(());
    }
    let stamp = Stamp::from(&metadata);
    let mode = attributes.mended_mode(&stamp, secret);
    if mode.is_none() && !attributes.is_of_another(&stamp, secret) {
        // Nothing must change, so it does not matter whether the mode can be set
        return Ok(());
    }
    let failed = || io_error("set owner and mode of", &path);
    let Some((file, metadata)) = directory.open_regular(name).map_err(|error| match error {
        Error::Io { error, .. } => failed()(error),
        error => error,
    })?
    else {
        return Ok(());
    };
    check_only_name(&metadata, &path)?;
    let mode = mode.unwrap_or(stamp.mode());
    let (owner, group) = (attributes.owner_of(secret), attributes.group_of(secret));
    give(&file, owner, group, mode).map_err(failed())?;
    file.sync_all().map_err(failed())
}

/// Gives the file with the name `content` a second name next to `name`, such as
/// `.client-root.pem.2027-01-31T12:00:00Z.bak`. The file keeps this name when it is replaced.
fn keep(directory: &Directory, name: &OsStr, content: &OsStr) -> Result<()> {
    let path = directory.path_of(name);
    let name = name.to_string_lossy();
    let now = clock::rfc3339(clock::now());
    for number in 0..1_000 {
        let number = if number == 0 {
            String::new()
        } else {
            format!(".{number}")
        };
        let backup = format!(".{name}.{now}{number}.bak");
        match directory.link(content, OsStr::new(&backup)) {
            Err(rustix::io::Errno::EXIST) => {}
            linked => return linked.map_err(io_error("keep a copy of", &path)),
        }
    }
    let error = io::Error::from(io::ErrorKind::AlreadyExists);
    Err(io_error("keep a copy of", &path)(error))
}

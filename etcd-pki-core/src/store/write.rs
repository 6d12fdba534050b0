//! Writes files: each one atomically, and several files all or none.

use std::{
    ffi::{OsStr, OsString},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::{
    Store,
    directory::Directory,
    draft::{Draft, Temporary},
    lock::{Locked, Scope, has_ca_in, is_store, said_once},
    old::{Old, copy_of},
    path::{check_only_name, io_error, irregular, parent},
    permissions::{Attributes, Stamp, give, trusted_owner, user_name, usual_mode},
    replace::Replace,
    replaced,
};
use crate::{
    error::{Error, Result},
    layout::{Layout, PairPaths},
    time::clock,
    x509::{bundle, certificate::Certificate},
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

/// A file to be written.
#[derive(Clone, Debug)]
pub struct NewFile<'a> {
    /// The path of the file
    pub path: PathBuf,
    /// The contents of the file
    pub contents: &'a [u8],
    /// Whether it contains a private key: then its mode is 0600 instead of 0644
    pub secret: bool,
}

/// Writes several files, all or none. Each file is complete and on the disk before the first one
/// replaces its old file. No file is written through a symbolic link. A key is never readable by
/// other users, not even briefly.
///
/// A certificate never replaces a private key, and a leaf certificate never replaces a CA
/// certificate. A new file takes over the owner, group, mode and access control list of the file
/// that it replaces. A key that is written alone belongs to the user who writes it. A key that is
/// written with its certificate replaces only a key that belongs to root, to this user or to the
/// owner of the directory.
///
/// # Errors
///
/// [`Error::ExistingFile`], [`Error::NotReplaceable`], [`Error::UntrustedOwner`],
/// [`Error::SymbolicLink`], [`Error::FileChanged`], [`Error::Io`], [`Error::Locked`].
///
/// After an error the files are the old ones, with two exceptions. The system may allow one rename,
/// refuse the next, and refuse to restore the old file; then one new file may stay without the
/// others. The system may also refuse the final sync of the directory; then all files are the new
/// ones, but may not be on the disk.
pub fn write_files(files: &[NewFile<'_>], overwrite: Overwrite) -> Result<()> {
    write_files_with(files, overwrite, || ())
}

/// Writes several files as [`write_files`] does. Calls `waiting` once if another etcd-pki process
/// holds the lock of one of their directories.
///
/// # Errors
///
/// The errors of [`write_files`].
pub fn write_files_with(
    files: &[NewFile<'_>],
    overwrite: Overwrite,
    waiting: impl FnOnce(),
) -> Result<()> {
    let paths: Vec<&Path> = files.iter().map(|file| &*file.path).collect();
    LockedFiles::lock(&paths, waiting)?.write(files, overwrite)
}

/// The locks of the directories of some files. Take them before reading files that you will change.
/// No other etcd-pki process writes there until the value is dropped.
///
/// ```
/// use etcd_pki_core::{PrivateKey, store::{LockedFiles, NewFile, Overwrite}};
///
/// # let parent = tempfile::tempdir()?;
/// let path = parent.path().join("app-key.pem");
/// let files = LockedFiles::lock(&[&path], || eprintln!("waiting"))?;
/// if !path.exists() {
///     let key = PrivateKey::generate()?.to_secret_pem();
///     let file = NewFile { path, contents: key.as_bytes(), secret: true };
///     files.write(&[file], Overwrite::Refuse)?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LockedFiles {
    locks: Vec<Locked>,
}

impl LockedFiles {
    /// Takes the locks, and removes the temporary files of killed runs. Calls `waiting` once if
    /// another etcd-pki process holds a lock.
    ///
    /// # Errors
    ///
    /// [`Error::Io`], [`Error::Locked`].
    pub fn lock(paths: &[&Path], waiting: impl FnOnce()) -> Result<Self> {
        let mut waits = said_once(waiting);
        let locks = locks_of(paths)?
            .into_iter()
            .map(|(path, scope)| Locked::take(&path, scope, &mut waits))
            .collect::<Result<Vec<_>>>()?;
        for lock in &locks {
            // Other users may have left files that this user cannot remove
            let _ = lock.directory().remove_stale();
        }
        Ok(Self { locks })
    }

    /// Replaces a CA: writes files in the locked directories as [`write_files`] does. First it
    /// keeps the old files of the CA under other names, such as `x-replaced-SERIAL.pem` for
    /// `x.pem`. Their paths are returned. The other CAs of the old trust bundle follow the new one.
    ///
    /// # Errors
    ///
    /// The errors of [`LockedFiles::write`]; [`Error::Malformed`] if none of the files is a
    /// certificate for the path of the CA, or if no key shows which CA of a trust bundle is
    /// replaced; the errors of `record`, which is called as by [`LockedFiles::write_recorded`].
    pub fn replace_ca<'a>(
        &self,
        files: &[NewFile<'a>],
        ca: &PairPaths,
        record: impl Fn() -> Result<()>,
    ) -> Result<Option<PairPaths>> {
        let new = files.iter().find(|file| file.path == ca.certificate);
        let new = Certificate::from_bytes(new.map_or(&[], |file| file.contents))?;
        let signed = || Store::new(parent(&ca.certificate), Layout::default()).held();
        let kept = replaced::keep(ca, &new, None, signed, |path| {
            let name = path.file_name().ok_or_else(|| irregular(path))?;
            Ok((self.directory_of(path)?, name.to_owned()))
        })?;
        let others = kept.iter().flat_map(|kept| kept.others.iter().cloned());
        let bundle = bundle::all_pem(&std::iter::once(new).chain(others).collect::<Vec<_>>());
        let with_bundle = |file: &NewFile<'a>| match file.path == ca.certificate {
            true => NewFile {
                contents: bundle.as_bytes(),
                ..file.clone()
            },
            false => file.clone(),
        };
        let files: Vec<NewFile<'_>> = files.iter().map(with_bundle).collect();
        match self.write_by(&files, &Attributes::default(), &record, |_| Replace::KeptCa) {
            Ok(()) => Ok(kept.map(|kept| kept.paths)),
            Err(error) => {
                if let Some(kept) = kept {
                    kept.undo();
                }
                Err(error)
            }
        }
    }

    /// The locked directory of a file.
    pub(super) fn directory_of(&self, file: &Path) -> Result<Directory> {
        let path = parent(file);
        let mut locks = self.locks.iter().map(Locked::directory);
        let locked = locks.find(|directory| directory.is_at(path));
        let locked = locked.ok_or_else(|| Error::DirectoryGone {
            path: path.to_owned(),
        })?;
        Ok(locked.again()?.called(path))
    }

    /// Writes files in the locked directories as [`write_files`] does.
    ///
    /// # Errors
    ///
    /// The errors of [`write_files`]; [`Error::DirectoryGone`] for a file in another directory.
    pub fn write(&self, files: &[NewFile<'_>], overwrite: Overwrite) -> Result<()> {
        self.write_recorded(files, overwrite, || Ok(()))
    }

    /// Writes files as [`LockedFiles::write`] does. Calls `record` when all files are complete and
    /// on the disk, before the first one is at its path; see [`record_issued`](super::record_issued).
    ///
    /// # Errors
    ///
    /// The errors of [`LockedFiles::write`] and of `record`. After an error of `record` nothing has
    /// changed.
    pub fn write_recorded(
        &self,
        files: &[NewFile<'_>],
        overwrite: Overwrite,
        record: impl Fn() -> Result<()>,
    ) -> Result<()> {
        self.write_by(
            files,
            &Attributes::default(),
            &record,
            |file| match overwrite {
                Overwrite::Refuse => Replace::Nothing,
                Overwrite::Replace => Replace::by(file.contents, file.secret),
            },
        )
    }

    /// Writes files in the locked directories. The attributes and the rule decide on owners, modes
    /// and on what may be replaced.
    pub(super) fn write_by(
        &self,
        files: &[NewFile<'_>],
        attributes: &Attributes,
        before: &dyn Fn() -> Result<()>,
        replace: impl Fn(&NewFile<'_>) -> Replace,
    ) -> Result<()> {
        let mut targets = Vec::with_capacity(files.len());
        for file in files {
            let name = file.path.file_name().ok_or_else(|| irregular(&file.path))?;
            targets.push(Target {
                directory: self.directory_of(&file.path)?,
                name: name.to_owned(),
                contents: file.contents,
                secret: file.secret,
                replace: replace(file),
            });
        }
        write_together(
            &targets,
            &Rules {
                attributes,
                // A key that is written alone does not belong to a pair
                inherits: files.len() > 1 || files.iter().any(|file| !file.secret),
                store_owner: None,
                before,
            },
        )
    }
}

/// The locks for writing these files. Each directory is locked once, and always in the same order,
/// so that two processes never wait for each other.
fn locks_of(files: &[&Path]) -> Result<Vec<(PathBuf, Scope)>> {
    let mut locks = Vec::new();
    for file in files {
        let directory = parent(file);
        let path = directory
            .canonicalize()
            .map_err(io_error("use the directory", directory))?;
        let opened = Directory::open(&path)?;
        // If a store's layout has the CA in this folder, the lock of the store covers the folder
        if let (Some(above), Some(folder)) = (path.parent(), path.file_name())
            && let Ok(store) = Directory::open(above)
            && has_ca_in(&store, folder)
        {
            locks.push((above.to_owned(), Scope::Store));
        }
        let scope = if is_store(&opened) {
            Scope::Store
        } else {
            Scope::Files
        };
        locks.push((path, scope));
    }
    locks.sort_by(|(one, _), (other, _)| one.cmp(other));
    locks.dedup_by(|(one, _), (other, _)| one == other);
    Ok(locks)
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

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    };

    use super::*;

    fn file<'a>(path: &Path, contents: &'a str, secret: bool) -> NewFile<'a> {
        NewFile {
            path: path.to_owned(),
            contents: contents.as_bytes(),
            secret,
        }
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o777
    }

    #[test]
    fn modes_of_new_and_of_replaced_files() {
        let directory = tempfile::tempdir().unwrap();
        let (key, certificate) = (directory.path().join("k"), directory.path().join("c"));
        let write = |overwrite| {
            let files = [file(&key, "new", true), file(&certificate, "new", false)];
            write_files(&files, overwrite)
        };
        write(Overwrite::Refuse).unwrap();
        assert_eq!((mode(&key), mode(&certificate)), (0o600, 0o644));

        assert!(matches!(
            write(Overwrite::Refuse),
            Err(Error::ExistingFile { .. })
        ));
        for (path, before, after) in [
            (&key, 0o640, 0o640),
            (&key, 0o644, 0o600),
            (&certificate, 0o664, 0o664),
            (&certificate, 0o666, 0o644),
        ] {
            fs::set_permissions(path, Permissions::from_mode(before)).unwrap();
            write(Overwrite::Replace).unwrap();
            assert_eq!(mode(path), after);
        }
    }

    #[test]
    fn all_files_or_none() {
        let directory = tempfile::tempdir().unwrap();
        let (key, certificate) = (directory.path().join("k"), directory.path().join("c"));
        fs::write(&certificate, "old").unwrap();
        let files = [file(&key, "new", true), file(&certificate, "new", false)];
        assert!(write_files(&files, Overwrite::Refuse).is_err());
        assert!(!key.exists());
        assert_eq!(fs::read(&certificate).unwrap(), b"old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn never_through_a_symbolic_link() {
        let directory = tempfile::tempdir().unwrap();
        let (link, target) = (
            directory.path().join("link"),
            directory.path().join("target"),
        );
        symlink(&target, &link).unwrap();
        for overwrite in [Overwrite::Refuse, Overwrite::Replace] {
            let written = write_files(&[file(&link, "new", false)], overwrite);
            assert!(matches!(written, Err(Error::SymbolicLink { .. })));
        }
        assert!(!target.exists());
    }

    /// The contents of the opened file decide what a plan may replace in a store.
    #[test]
    fn a_pair_replaces_nothing_but_its_own() {
        use crate::{CertificateAuthority, Identity, Layout, Role, Store};

        let directory = tempfile::tempdir().unwrap();
        let store = Store::new(directory.path(), Layout::Kubespray);
        let ca = CertificateAuthority::create("ca").unwrap();
        let locked = store.lock().unwrap();
        locked.write_ca(crate::CaKind::Client, &ca, None).unwrap();
        let bundle = ca.issue(Role::Client, Identity::new("c").unwrap()).unwrap();
        let pair = locked.write(&bundle).unwrap().remove(0);
        let other = ca.issue(Role::Client, Identity::new("c").unwrap()).unwrap();
        let below = Layout::Kubespray
            .pairs(Role::Client, "c")
            .unwrap()
            .remove(0);
        let before = fs::read(&pair.key).unwrap();
        for odd in [ca.certificate().to_pem(), "notes".to_owned()] {
            fs::write(&pair.certificate, &odd).unwrap();
            let refused = locked.write_pairs(&[(&other, &below)], Overwrite::Replace);
            let refused = refused.unwrap_err();
            assert!(matches!(refused, Error::NotReplaceable { .. }), "{refused}");
            assert_eq!(fs::read(&pair.certificate).unwrap(), odd.as_bytes());
            assert_eq!(fs::read(&pair.key).unwrap(), before);
        }
        // A crash leaves zero bytes
        fs::write(&pair.certificate, [0; 700]).unwrap();
        fs::write(&pair.key, "").unwrap();
        locked.write(&other).unwrap();
        assert_ne!(fs::read(&pair.key).unwrap(), b"");
        // A leaf never replaces the CA
        let place = Layout::Kubespray.ca(crate::CaKind::Client);
        let refused = locked.write_pairs(&[(&other, &place)], Overwrite::Replace);
        assert!(matches!(refused, Err(Error::NotReplaceable { .. })));
    }
}

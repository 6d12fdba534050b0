//! Files that will be replaced: their contents, and copies of them.

use std::{ffi::OsStr, fs::File, io, path::Path};

use zeroize::Zeroizing;

use super::{
    directory::Directory,
    draft::Draft,
    path::{io_error, irregular},
    permissions::{AccessList, Stamp, give, usual_mode},
    read::read_opened,
};
use crate::error::{Error, Result};

/// A file that will be replaced.
pub(super) struct Old {
    pub(super) stamp: Stamp,
    /// `None` if the file is too large, or if this user may not read it
    pub(super) contents: Option<Zeroizing<Vec<u8>>>,
    pub(super) list: Option<AccessList>,
}

impl Old {
    /// The file with this name, if there is one.
    ///
    /// # Errors
    ///
    /// [`Error::SymbolicLink`], [`Error::NotAFile`], [`Error::Io`].
    pub(super) fn at(directory: &Directory, name: &OsStr) -> Result<Option<Self>> {
        let path = directory.path_of(name);
        let Some(metadata) = directory.metadata(name)? else {
            return Ok(None);
        };
        if metadata.is_symlink() {
            return Err(Error::SymbolicLink { path });
        }
        if !metadata.is_file() {
            return Err(irregular(&path));
        }
        let Some((file, metadata)) = directory.open_regular(name)? else {
            return Ok(None);
        };
        Self::read(&file, Stamp::from(&metadata), &path).map(Some)
    }

    /// The contents, unless the file is too large.
    pub(super) fn contents(&self) -> Option<&[u8]> {
        self.contents.as_deref().map(Vec::as_slice)
    }

    /// Reads an opened file.
    pub(super) fn read(file: &File, stamp: Stamp, path: &Path) -> Result<Self> {
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let contents = match read_opened(file, length, path) {
            Err(error) if error.is_too_large() => None,
            read => Some(Zeroizing::new(read?)),
        };
        let list = AccessList::of(file).map_err(io_error("read the access control list of", path));
        Ok(Self {
            stamp,
            contents,
            list: list?,
        })
    }
}

/// Copies a file with its permissions. The copy is not synced to the disk yet.
pub(super) fn copy_of(old: &Old, directory: &Directory) -> Option<Draft> {
    copied(old, Draft::unnamed(directory)?)
}

/// Writes a copy of a file under another name. Nothing may exist under this name.
///
/// # Errors
///
/// [`Error::ExistingFile`], [`Error::Io`].
pub(super) fn copy(old: &Old, directory: &Directory, name: &OsStr) -> Result<()> {
    let path = directory.path_of(name);
    let failed = io_error::<io::Error>("keep a copy at", &path);
    let draft = copied(old, Draft::new(directory)?);
    let draft = draft.ok_or_else(|| failed(io::Error::last_os_error()))?;
    draft
        .sync()
        .map_err(io_error("write in", directory.path()))?;
    draft.put_new(directory, name, &path)
}

fn copied(old: &Old, mut draft: Draft) -> Option<Draft> {
    let contents = old.contents.as_deref()?;
    let account = old.stamp.account();
    let file = draft.file();
    give(
        file,
        Some(account.owner),
        Some(account.group),
        usual_mode(true),
    )
    .ok()?;
    if let Some(list) = &old.list {
        list.give(file).ok()?;
    }
    give(file, None, None, old.stamp.mode()).ok()?;
    draft.write(contents).ok()?;
    Some(draft)
}

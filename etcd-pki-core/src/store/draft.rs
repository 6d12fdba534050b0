//! Files that are being written. A file is complete and on the disk before it is at its path.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Seek as _, Write as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
};

use super::{
    directory::{Directory, temporary_name},
    path::io_error,
    permissions::{AccessList, give},
};
use crate::error::{Error, Result};

/// The number of names that are tried. A name can be taken by chance, or because of another user
const ATTEMPTS: usize = 16;

/// A file that is not yet at its path. With O_TMPFILE it has no name, and is removed when the
/// process ends. Without O_TMPFILE it has a temporary name, which the next writer removes.
#[derive(Debug)]
pub(super) struct Draft {
    file: File,
    temporary: Option<Temporary>,
}

impl Draft {
    pub(super) fn new(directory: &Directory) -> Result<Self> {
        match Self::unnamed(directory) {
            Some(draft) => Ok(draft),
            None => Self::named(directory),
        }
    }

    /// Creates a file without a name; `None` if the system does not support this.
    pub(super) fn unnamed(directory: &Directory) -> Option<Self> {
        let file = directory.open_unnamed().ok()?;
        Some(Self::of(file, None))
    }

    fn named(directory: &Directory) -> Result<Self> {
        let failed = || io_error::<io::Error>("write in", directory.path());
        for _ in 0..ATTEMPTS {
            let name = OsString::from(temporary_name().map_err(failed())?);
            match directory.create_new(&name) {
                Ok(file) => {
                    let temporary = Temporary::new(directory, name)?;
                    return Ok(Self::of(file, Some(temporary)));
                }
                Err(Errno::EXIST) => {}
                Err(error) => return Err(failed()(error.into())),
            }
        }
        Err(failed()(io::ErrorKind::AlreadyExists.into()))
    }

    fn of(file: File, temporary: Option<Temporary>) -> Self {
        // The lock shows other writers that the file does not belong to a killed run
        let _ = flock(&file, FlockOperation::NonBlockingLockExclusive);
        Self { file, temporary }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Writes the contents.
    pub(super) fn write(&mut self, contents: &[u8]) -> io::Result<()> {
        self.file.write_all(contents)
    }

    /// Waits until the contents are on the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Moves the file to a path without a file.
    ///
    /// # Errors
    ///
    /// [`Error::ExistingFile`] if the path is taken; [`Error::Io`].
    pub(super) fn put_new(
        mut self,
        directory: &Directory,
        name: &OsStr,
        path: &Path,
    ) -> Result<()> {
        let placed = |result| match result {
            Err(Errno::EXIST) => Err(Error::ExistingFile {
                path: path.to_owned(),
            }),
            result => result.map_err(io_error("write", path)),
        };
        if self.temporary.is_none() {
            match directory.link_unnamed(&self.file, name) {
                Ok(()) => return Ok(()),
                Err(Errno::EXIST) => return placed(Err(Errno::EXIST)),
                // This file cannot get a name, so a copy with a name is used
                Err(_) => self = self.copy(directory)?,
            }
        }
        let Some(temporary) = self.temporary.take() else {
            return placed(Err(Errno::NOENT));
        };
        placed(directory.rename_new(&temporary.name, name))?;
        temporary.forget();
        Ok(())
    }

    /// Moves the file to a path, and replaces a file or a symbolic link there.
    pub(super) fn replace(
        mut self,
        directory: &Directory,
        name: &OsStr,
        path: &Path,
    ) -> Result<()> {
        self = self.with_name(directory)?;
        let Some(temporary) = self.temporary.take() else {
            return Err(io_error("write", path)(Errno::NOENT));
        };
        directory
            .rename(&temporary.name, name)
            .map_err(io_error("write", path))?;
        temporary.forget();
        Ok(())
    }

    /// Gives the file a temporary name, which a rename requires.
    fn with_name(mut self, directory: &Directory) -> Result<Self> {
        if self.temporary.is_some() {
            return Ok(self);
        }
        let failed = || io_error::<io::Error>("write in", directory.path());
        for _ in 0..ATTEMPTS {
            let name = OsString::from(temporary_name().map_err(failed())?);
            match directory.link_unnamed(&self.file, &name) {
                Ok(()) => {
                    self.temporary = Some(Temporary::new(directory, name)?);
                    return Ok(self);
                }
                Err(Errno::EXIST) => {}
                Err(_) => return self.copy(directory),
            }
        }
        Err(failed()(io::ErrorKind::AlreadyExists.into()))
    }

    /// Copies a file that cannot get a name to a file with a temporary name.
    fn copy(mut self, directory: &Directory) -> Result<Self> {
        let mut copy = Self::named(directory)?;
        let mut copied = || {
            let metadata = self.file.metadata()?;
            let (owner, group) = (metadata.uid(), metadata.gid());
            let mode = metadata.permissions().mode() & 0o7777;
            give(&copy.file, Some(owner), Some(group), mode)?;
            if let Some(list) = AccessList::of(&self.file)? {
                list.give(&copy.file)?;
            }
            self.file.rewind()?;
            io::copy(&mut self.file, &mut copy.file)?;
            copy.file.sync_all()
        };
        copied().map_err(io_error("write in", directory.path()))?;
        Ok(copy)
    }
}

/// A temporary name. It is removed unless its file is renamed.
#[derive(Debug)]
pub(super) struct Temporary {
    directory: Directory,
    name: OsString,
}

impl Temporary {
    fn new(directory: &Directory, name: OsString) -> Result<Self> {
        Ok(Self {
            directory: directory.again()?,
            name,
        })
    }

    /// Creates a temporary second name (hard link) for a file or a symbolic link; `None` if the
    /// system does not support this.
    pub(super) fn second_name(directory: &Directory, name: &OsStr) -> Option<Self> {
        let second = OsString::from(temporary_name().ok()?);
        directory.link(name, &second).ok()?;
        Self::new(directory, second).ok()
    }

    pub(super) fn name(&self) -> &OsStr {
        &self.name
    }

    /// Keeps the name from being removed, because it no longer exists.
    pub(super) fn forget(mut self) {
        self.name.clear();
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            // If this fails, the next writer removes the file
            let _ = self.directory.unlink(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    type Make = fn(&Directory) -> Draft;

    /// With and without O_TMPFILE.
    const MAKES: [Make; 2] = [
        |directory| Draft::new(directory).unwrap(),
        |directory| Draft::named(directory).unwrap(),
    ];

    #[test]
    fn a_draft_takes_its_place_or_leaves_nothing() {
        for make in MAKES {
            let path = tempfile::tempdir().unwrap();
            let directory = Directory::open(path.path()).unwrap();
            let (name, place) = (OsStr::new("x"), path.path().join("x"));
            let draft = |contents: &[u8]| {
                let mut draft = make(&directory);
                draft.write(contents).unwrap();
                draft.sync().unwrap();
                draft
            };
            draft(b"new").put_new(&directory, name, &place).unwrap();
            assert_eq!(fs::read(&place).unwrap(), b"new");
            let refused = draft(b"other").put_new(&directory, name, &place);
            assert!(matches!(refused, Err(Error::ExistingFile { .. })));
            draft(b"other").replace(&directory, name, &place).unwrap();
            assert_eq!(fs::read(&place).unwrap(), b"other");
            let copy = draft(b"copied").copy(&directory).unwrap();
            copy.replace(&directory, name, &place).unwrap();
            assert_eq!(fs::read(&place).unwrap(), b"copied");
            drop(draft(b"never"));
            assert_eq!(fs::read_dir(path.path()).unwrap().count(), 1);
        }
    }
}

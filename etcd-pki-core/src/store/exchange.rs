//! Exchange directories. Another user may write to one at any time.
//!
//! The directory is opened once, and symbolic links in the user's path are followed. All files
//! below it are accessed through its descriptor, and never through a symbolic link. There is no
//! lock, because each side could use it to block the other. Each file is replaced atomically.

use std::{
    ffi::{OsStr, OsString},
    io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use super::{
    directory::{Directory, make_directory},
    path::{io_error, irregular},
    permissions::{Attributes, Stamp, is_absent},
    read::read_in,
    replace::Replace,
    write::{Rules, Target, write_together},
};
use crate::{
    error::{Error, Result},
    limits,
};

/// An exchange directory. All paths are relative to it.
#[derive(Debug)]
pub(crate) struct Exchange {
    path: PathBuf,
    /// Unset while the directory is missing
    root: OnceLock<Directory>,
}

/// The files below a folder.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Their paths relative to the folder, in order, without hidden files
    pub(crate) files: Vec<PathBuf>,
    /// The errors of the parts that cannot be listed
    pub(crate) failures: Vec<Error>,
}

impl Exchange {
    /// Opens a directory. It must exist.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let root = Directory::open_to_list(path)?;
        Ok(Self {
            path: path.to_owned(),
            root: OnceLock::from(root),
        })
    }

    /// Opens a directory. If it is missing, the first write creates it.
    pub(crate) fn open_or_make(path: &Path) -> Result<Self> {
        match Self::open(path) {
            Err(Error::Io { error, .. }) if is_absent(&error) => Ok(Self {
                path: path.to_owned(),
                root: OnceLock::new(),
            }),
            opened => opened,
        }
    }

    /// The path that the user gave.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The names of the folders, and the names of all other entries. Symbolic links are not
    /// folders.
    pub(crate) fn entries(&self) -> Result<(Vec<OsString>, Vec<OsString>)> {
        let Some(root) = self.root.get() else {
            return Ok((Vec::new(), Vec::new()));
        };
        let (mut folders, mut others) = root.entries()?;
        folders.sort();
        others.sort();
        Ok((folders, others))
    }

    /// Whether an entry is a symbolic link.
    pub(crate) fn is_link(&self, name: &OsStr) -> bool {
        let metadata = self.root.get().map(|root| root.metadata(name));
        metadata
            .is_some_and(|found| found.is_ok_and(|found| found.is_some_and(|one| one.is_symlink())))
    }

    /// Reads a file; `None` if it is missing. Does not wait for a pipe.
    pub(crate) fn read(&self, path: &Path) -> Result<Option<Vec<u8>>> {
        match self.root.get() {
            Some(root) => Ok(read_in(root, path)?.map(|(bytes, _)| bytes)),
            None => Ok(None),
        }
    }

    /// The metadata of a file; `None` if it is missing. For a symbolic link, this is the metadata
    /// of the link.
    pub(crate) fn stamp(&self, path: &Path) -> Result<Option<Stamp>> {
        let (Some(root), Some(name)) = (self.root.get(), path.file_name()) else {
            return Ok(None);
        };
        let folder = match root.below(path.parent().unwrap_or(Path::new(""))) {
            Err(Error::Io { error, .. }) if is_absent(&error) => None,
            opened => opened?,
        };
        let Some(folder) = folder else {
            return Ok(None);
        };
        Ok(folder.metadata(name)?.as_ref().map(Stamp::from))
    }

    /// Lists the entries below a folder that have this extension. An entry that is not a file is
    /// also listed, and reading it fails. A directory that cannot be listed does not stop the
    /// others.
    /// others.
    ///
    /// # Errors
    ///
    /// [`Error::SymbolicLink`] and [`Error::Io`] if the folder itself cannot be opened.
    pub(crate) fn files(&self, folder: &Path, extension: &str) -> Result<Listing> {
        let missing = || {
            let error = io::Error::from(io::ErrorKind::NotFound);
            io_error("list", &self.path.join(folder))(error)
        };
        let root = self.root.get().ok_or_else(missing)?;
        let opened = root.below(folder)?.ok_or_else(missing)?;
        let mut listing = Listing::default();
        // This list has paths and not descriptors, because another user may have created thousands
        // of folders
        let mut waiting = vec![PathBuf::new()];
        let mut entered = 0;
        while let Some(path) = waiting.pop() {
            entered += 1;
            let is_too_deep = path.iter().count() > limits::EXCHANGE_DEPTH;
            if is_too_deep || entered > limits::EXCHANGE_FOLDERS {
                let path = self.path.join(folder).join(&path);
                let reason = match is_too_deep {
                    true => format!(
                        "it is more than {} directories deep",
                        limits::EXCHANGE_DEPTH
                    ),
                    false => format!(
                        "there are more than {} directories",
                        limits::EXCHANGE_FOLDERS
                    ),
                };
                let error = io::Error::other(reason);
                listing.failures.push(io_error("list", &path)(error));
                if is_too_deep {
                    continue;
                }
                break;
            }
            let entries = match opened.below(&path) {
                Ok(Some(directory)) => directory.entries(),
                // The folder has been removed
                Ok(None) => continue,
                Err(error) => Err(error),
            };
            let (folders, others) = match entries {
                Ok(entries) => entries,
                Err(error) => {
                    listing.failures.push(error);
                    continue;
                }
            };
            waiting.extend(folders.iter().map(|name| path.join(name)));
            let files = others.iter().filter(|name| {
                let has_extension = Path::new(name)
                    .extension()
                    .is_some_and(|end| end == extension);
                has_extension && !name.as_encoded_bytes().starts_with(b".")
            });
            listing.files.extend(files.map(|name| path.join(name)));
        }
        listing.files.sort();
        Ok(listing)
    }

    /// Writes files below a folder, all or none. Creates the folder if it is missing.
    pub(crate) fn write(&self, folder: &Path, files: &[(&Path, &[u8])]) -> Result<()> {
        let attributes = Attributes::default();
        let opened = self.root_to_write()?.make_below(folder, &attributes)?;
        let mut targets = Vec::with_capacity(files.len());
        for (path, contents) in files {
            let name = path
                .file_name()
                .ok_or_else(|| irregular(&self.path.join(folder).join(path)))?;
            let directory = path.parent().unwrap_or(Path::new(""));
            targets.push(Target {
                directory: opened.make_below(directory, &attributes)?,
                name: name.to_owned(),
                contents,
                secret: false,
                replace: Replace::Any,
            });
        }
        for target in &targets {
            // The other side may have left files that this user cannot remove
            let _ = target.directory.remove_stale();
        }
        write_together(
            &targets,
            &Rules {
                attributes: &attributes,
                inherits: true,
                store_owner: None,
                before: &|| Ok(()),
            },
        )
    }

    /// The directory, which is created if it is missing. If it was moved since it was opened, this
    /// is an error.
    fn root_to_write(&self) -> Result<&Directory> {
        let root = match self.root.get() {
            Some(root) => root,
            None => {
                make_directory(&self.path, &Attributes::default())?;
                let opened = Directory::open(&self.path)?;
                self.root.get_or_init(|| opened)
            }
        };
        if root.is_at(&self.path) {
            return Ok(root);
        }
        Err(Error::DirectoryGone {
            path: self.path.clone(),
        })
    }
}

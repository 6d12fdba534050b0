//! One file of a store at a time.

use std::{fs, path::Path};

use super::{
    Attributes, LockedStore, NewFile, Overwrite, directory,
    file::{self, io_error},
};
use crate::error::Result;

impl LockedStore {
    /// Writes a file by its path below the directory.
    pub(crate) fn put_file(
        &self,
        path: &Path,
        contents: &[u8],
        secret: bool,
        overwrite: Overwrite,
        attributes: &Attributes,
    ) -> Result<()> {
        let path = self.store.directory.join(path);
        if let Some(parent) = path.parent() {
            directory::make_directory(parent, attributes)?;
        }
        let file = NewFile {
            path,
            contents,
            secret,
        };
        file::write_locked(&[file], overwrite, attributes)
    }

    /// Removes a file by its path below the directory.
    pub(crate) fn remove_file(&self, path: &Path) -> Result<()> {
        let path = self.store.directory.join(path);
        fs::remove_file(&path).map_err(io_error("remove", &path))
    }
}

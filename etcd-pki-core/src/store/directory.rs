//! The directory that files are in.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use super::{
    attributes::Attributes,
    file::io_error,
    staged::{give, is_temporary},
};
use crate::error::Result;

const DIRECTORY_MODE: u32 = 0o700;

/// Makes a directory, and those above it that are missing, and tells which: for its owner alone, unless mode and owner were said.
/// One that exists stays as it is.
pub(super) fn make_directory(path: &Path, attributes: &Attributes) -> Result<Vec<PathBuf>> {
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => return Ok(Vec::new()),
        Ok(_) => {
            let error = io::Error::from(io::ErrorKind::NotADirectory);
            return Err(io_error("use the directory", path)(error));
        }
        Err(_) => {}
    }
    let is_missing = |above: &&Path| *above != Path::new("") && !above.exists();
    let missing: Vec<&Path> = path.ancestors().take_while(is_missing).collect();
    let mut made = Vec::with_capacity(missing.len());
    for directory in missing.into_iter().rev() {
        match DirBuilder::new().mode(DIRECTORY_MODE).create(directory) {
            // Somebody else was faster
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => {}
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists && directory.is_symlink() =>
            {
                let kind = io::ErrorKind::NotFound;
                let error = io::Error::new(kind, "it is a link that leads nowhere");
                return Err(io_error("use the directory", directory)(error));
            }
            created => {
                created.map_err(io_error("create the directory", directory))?;
                give_directory(directory, attributes)?;
                sync_directory(parent(directory))?;
                made.push(directory.to_owned());
            }
        }
    }
    Ok(made)
}

/// Gives a directory that was just made its mode, and to whom it was said that it belongs.
pub(super) fn give_directory(path: &Path, attributes: &Attributes) -> Result<()> {
    let mode = attributes.directory_mode.unwrap_or(DIRECTORY_MODE);
    File::open(path)
        .and_then(|opened| give(&opened, attributes.owner, attributes.group, mode))
        .map_err(io_error("set owner and mode of", path))
}

/// Removes what an earlier run of ours left when it was cut off. Only under the lock: it may be a file in the making.
pub(super) fn remove_stale(directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory).map_err(io_error("list", directory))? {
        let entry = entry.map_err(io_error("list", directory))?;
        if is_temporary(Path::new(&entry.file_name())) && is_file(&entry) {
            let path = entry.path();
            fs::remove_file(&path).map_err(io_error("remove", &path))?;
        }
    }
    Ok(())
}

/// The files in a directory, by name, but for dot files, which are kept beside them; none if there is no directory.
pub(super) fn list(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error("list", directory)(error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io_error("list", directory))?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        // Neither directories, nor pipes that nobody writes into
        if !is_hidden && is_file(&entry) {
            files.push(entry.path());
        }
    }
    // Of one directory, the order of their bytes is that of the paths, and found without parting these
    files.sort_unstable_by(|one, other| one.as_os_str().cmp(other.as_os_str()));
    Ok(files)
}

/// Whether it is a file, or a link to one. The directory tells it of most, without a look at each.
fn is_file(entry: &fs::DirEntry) -> bool {
    match entry.file_type() {
        Ok(kind) if kind.is_file() => true,
        Ok(kind) if kind.is_symlink() => entry.path().is_file(),
        _ => false,
    }
}

/// Removes the directories above a path that are empty now, up to this one.
pub(super) fn remove_empty(directory: &Path, path: &Path) {
    let above = path.ancestors().skip(1);
    for empty in above.take_while(|above| *above != directory) {
        if fs::remove_dir(empty).is_err() {
            return;
        }
    }
}

pub(super) fn sync_directory(directory: &Path) -> Result<()> {
    File::open(directory)
        .and_then(|opened| opened.sync_all())
        .map_err(io_error("write in", directory))
}

/// The directory of a file. A bare name is in the working directory.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_files_of_ours_go_and_others_stay() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(".etcd-pki-x.tmp"), "").unwrap();
        fs::write(directory.path().join(".other.tmp"), "").unwrap();
        remove_stale(directory.path()).unwrap();
        let left = fs::read_dir(directory.path()).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, [".other.tmp"]);
        assert!(list(directory.path()).unwrap().is_empty());
    }
}

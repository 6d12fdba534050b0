//! Reads existing keys for new certificates.

use std::path::{Component, Path, PathBuf};

use zeroize::Zeroizing;

use super::{
    Store,
    path::{canonical, parent},
    permissions::{
        Attributes, Stamp, is_privileged_owner, owner_of_directory, trusted_owner, user_name,
    },
    read::{look_existing_below, look_named},
};
use crate::{
    error::{Error, Result},
    key::{Passphrase, PrivateKey},
};

impl Store {
    /// Reads an existing key for a new CA. A key in the directory must belong to root or to the
    /// user of this process, because another owner could sign with it. A key elsewhere is read as
    /// by [`read_private_key`].
    ///
    /// # Errors
    ///
    /// [`Error::UntrustedOwner`] and [`Error::SymbolicLink`] for a key in the directory;
    /// [`Error::Io`], [`Error::TooLarge`]; inside [`Error::File`], the errors of
    /// [`PrivateKey::from_bytes`].
    pub fn key_for_ca(&self, path: &Path, passphrase: Option<&Passphrase>) -> Result<PrivateKey> {
        self.key_for(path, passphrase, is_privileged_owner)
    }

    /// Reads an existing key for a new leaf certificate. A key in the directory must belong to
    /// root, to the user of this process or to the owner of the directory. A key elsewhere is read
    /// as by [`read_private_key`].
    ///
    /// # Errors
    ///
    /// The errors of [`Store::key_for_ca`].
    pub fn key_for_leaf(&self, path: &Path, passphrase: Option<&Passphrase>) -> Result<PrivateKey> {
        let owner = owner_of_directory(&self.directory);
        self.key_for(path, passphrase, |stamp, attributes| {
            trusted_owner(stamp, attributes, owner)
        })
    }

    fn key_for(
        &self,
        path: &Path,
        passphrase: Option<&Passphrase>,
        is_trusted: impl FnOnce(&Stamp, &Attributes) -> bool,
    ) -> Result<PrivateKey> {
        let bytes = match below(&self.directory, path) {
            Some(below) => {
                let (bytes, stamp) = look_existing_below(&self.directory, &below)?;
                let bytes = Zeroizing::new(bytes);
                if !is_trusted(&stamp, &Attributes::default()) {
                    return Err(Error::UntrustedOwner {
                        path: path.to_owned(),
                        owner: user_name(stamp.account().owner),
                    });
                }
                bytes
            }
            None => read_named(path)?,
        };
        PrivateKey::from_bytes(&bytes, passphrase).map_err(|error| error.in_file(path))
    }
}

/// Reads an existing key for a new certificate. The key must belong to root, to the user of this
/// process or to the owner of its directory, because any other owner has a copy of it. The owner of
/// a pipe is not checked.
///
/// # Errors
///
/// [`Error::UntrustedOwner`], [`Error::Io`], [`Error::TooLarge`]; inside [`Error::File`], the
/// errors of [`PrivateKey::from_bytes`].
pub fn read_private_key(path: &Path, passphrase: Option<&Passphrase>) -> Result<PrivateKey> {
    let bytes = read_named(path)?;
    PrivateKey::from_bytes(&bytes, passphrase).map_err(|error| error.in_file(path))
}

/// Reads a key file at a path that the user gave, and checks its owner.
fn read_named(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let (bytes, stamp) = look_named(path)?;
    let bytes = Zeroizing::new(bytes);
    let owner = owner_of_directory(parent(&canonical(path)));
    match stamp.filter(|stamp| !trusted_owner(stamp, &Attributes::default(), owner)) {
        Some(stamp) => Err(Error::UntrustedOwner {
            path: path.to_owned(),
            owner: user_name(stamp.account().owner),
        }),
        None => Ok(bytes),
    }
}

/// The path of a file below a directory, if the file is in the directory by its name or through
/// symbolic links.
fn below(directory: &Path, path: &Path) -> Option<PathBuf> {
    let strip = |path: &Path, directory: &Path| {
        let below = path.strip_prefix(directory).ok()?;
        let mut parts = below.components();
        let is_below = parts.all(|part| matches!(part, Component::Normal(_)));
        (is_below && below != Path::new("")).then(|| below.to_owned())
    };
    // The name is compared first: it shows a symbolic link at the path, or above it but below the
    // directory
    let named = std::path::absolute(path)
        .ok()
        .zip(std::path::absolute(directory).ok());
    if let Some(below) = named.and_then(|(path, directory)| strip(&path, &directory)) {
        return Some(below);
    }
    let directory = directory.canonicalize().ok()?;
    let name = path.file_name();
    let in_folder = name.and_then(|name| Some(parent(path).canonicalize().ok()?.join(name)));
    in_folder
        .and_then(|path| strip(&path, &directory))
        .or_else(|| strip(&path.canonicalize().ok()?, &directory))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn a_file_of_the_directory_by_each_path() {
        let place = tempfile::tempdir().unwrap();
        let at = |path: &str| place.path().join(path);
        fs::create_dir_all(at("p/sub")).unwrap();
        fs::create_dir(at("q")).unwrap();
        for file in ["p/k", "p/sub/k", "q/k"] {
            fs::write(at(file), "").unwrap();
        }
        symlink("p", at("l")).unwrap();
        symlink("../q/k", at("p/out")).unwrap();
        symlink("../q", at("p/folder")).unwrap();
        symlink("../p/k", at("q/in")).unwrap();
        for (path, expected) in [
            ("p/k", Some("k")),
            ("p/sub/k", Some("sub/k")),
            ("p/./sub/../k", Some("k")),
            ("l/k", Some("k")),
            ("q/in", Some("k")),
            ("p/out", Some("out")),
            ("l/out", Some("out")),
            ("p/folder/k", Some("folder/k")),
            ("p/missing", Some("missing")),
            ("q/k", None),
            ("p/../q/k", None),
            ("p", None),
        ] {
            for directory in ["p", "l"] {
                let found = below(&at(directory), &at(path));
                let is_by_link = path == "p/folder/k" && directory == "l";
                let expected = expected.filter(|_| !is_by_link).map(PathBuf::from);
                assert_eq!(found, expected, "{path} in {directory}");
            }
        }
    }
}

//! A file in the making: whole and on the disk before it takes its place.

use std::{
    fs::{self, File, Permissions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::{
    attributes::{Attributes, Stamp},
    directory::parent,
    file::{NewFile, Overwrite, io_error},
};
use crate::{
    clock,
    error::{Error, Result},
};

const TEMPORARY_PREFIX: &str = ".etcd-pki-";
const TEMPORARY_SUFFIX: &str = ".tmp";

/// Whether a file is, by its name, one in the making.
pub(super) fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(TEMPORARY_PREFIX) && name.ends_with(TEMPORARY_SUFFIX)
}

/// A file that is whole, on the disk, and not yet in its place.
pub(super) struct Staged {
    temporary: NamedTempFile,
    pub(super) target: PathBuf,
    pub(super) replaces: bool,
    backup: bool,
}

impl Staged {
    pub(super) fn new(
        file: &NewFile<'_>,
        overwrite: Overwrite,
        attributes: &Attributes,
    ) -> Result<Self> {
        let target = &file.path;
        let existing = Existing::at(target, overwrite, attributes)?;
        let directory = parent(target);
        let failed = || io_error("write in", directory);
        let mut temporary = temporary()
            // Nobody else reads it while it is made
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(directory)
            .map_err(failed())?;
        let (owner, group, mode) = attributes.of_new(file.secret, existing.stamp());
        give(temporary.as_file(), owner, group, mode)
            .map_err(io_error("set owner and mode of", target))?;
        temporary.write_all(file.contents).map_err(failed())?;
        temporary.as_file().sync_all().map_err(failed())?;
        Ok(Self {
            temporary,
            target: target.clone(),
            replaces: !matches!(existing, Existing::Nothing),
            backup: attributes.backup,
        })
    }

    pub(super) fn put(self) -> Result<()> {
        let target = &self.target;
        if self.replaces {
            if self.backup {
                keep(target)?;
            }
            self.temporary
                .persist(target)
                .map_err(|error| io_error("write", target)(error.error))?;
            return Ok(());
        }
        match self.temporary.persist_noclobber(target) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::Exists {
                    path: target.clone(),
                })
            }
            Err(error) => Err(io_error("write", target)(error.error)),
        }
    }
}

/// What was in the place of a file that is put there: it can come back as long as its companions are not in theirs.
pub(super) enum Before {
    Nothing(PathBuf),
    /// Under a second name; none where the system has no hard links
    File(PathBuf, Option<NamedTempFile<()>>),
}

impl Before {
    pub(super) fn of(file: &Staged) -> Self {
        let target = file.target.clone();
        if !file.replaces {
            return Self::Nothing(target);
        }
        let second_name = temporary().make_in(parent(&target), |path| fs::hard_link(&target, path));
        Self::File(target, second_name.ok())
    }

    /// Undoes what this call did, and never what others did. What does not go back is kept as a backup is.
    pub(super) fn bring_back(self) -> Result<()> {
        match self {
            Self::Nothing(target) => {
                fs::remove_file(&target).map_err(io_error("remove the new", &target))
            }
            Self::File(target, Some(second_name)) => match second_name.persist(&target) {
                Ok(_) => Ok(()),
                Err(failed) => {
                    keep_beside(&target, failed.file.path())?;
                    Err(io_error("bring back the old", &target)(failed.error))
                }
            },
            Self::File(_, None) => Ok(()),
        }
    }
}

/// A file in the making, by its name.
fn temporary() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY_PREFIX).suffix(TEMPORARY_SUFFIX);
    builder
}

/// What is in the target's place, and may be replaced.
enum Existing {
    Nothing,
    /// A symbolic link; whose it is and its mode say nothing
    Link,
    File(Stamp),
}

impl Existing {
    fn at(target: &Path, overwrite: Overwrite, attributes: &Attributes) -> Result<Self> {
        let metadata = match target.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Nothing),
            Err(error) => return Err(io_error("write", target)(error)),
        };
        if metadata.is_symlink() {
            if overwrite == Overwrite::Replace && attributes.replaces_links {
                return Ok(Self::Link);
            }
            return Err(Error::SymbolicLink {
                path: target.to_owned(),
            });
        }
        if !metadata.is_file() {
            return Err(Error::Irregular {
                path: target.to_owned(),
            });
        }
        if overwrite == Overwrite::Refuse {
            return Err(Error::Exists {
                path: target.to_owned(),
            });
        }
        Ok(Self::File(Stamp::from(&metadata)))
    }

    fn stamp(&self) -> Option<&Stamp> {
        match self {
            Self::File(stamp) => Some(stamp),
            Self::Nothing | Self::Link => None,
        }
    }
}

/// Gives a file a second name, so that it stays when it is replaced: `.client-root.pem.2027-01-31T12:00:00Z.bak`.
pub(super) fn keep(path: &Path) -> Result<()> {
    keep_beside(path, path)
}

/// Gives the content of a file a second name beside another one.
fn keep_beside(path: &Path, content: &Path) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let now = clock::rfc3339(clock::now());
    for number in 0..1_000 {
        let number = if number == 0 {
            String::new()
        } else {
            format!(".{number}")
        };
        let backup = path.with_file_name(format!(".{name}.{now}{number}.bak"));
        match fs::hard_link(content, &backup) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            linked => return linked.map_err(io_error("keep a copy of", path)),
        }
    }
    Err(io_error("keep a copy of", path)(
        io::ErrorKind::AlreadyExists.into(),
    ))
}

/// Gives a file its owner, group and mode.
pub(super) fn give(
    file: &File,
    owner: Option<u32>,
    group: Option<u32>,
    mode: u32,
) -> io::Result<()> {
    let own = file.metadata()?;
    let differs = |wanted: Option<u32>, found| wanted.is_some_and(|wanted| wanted != found);
    if differs(owner, own.uid()) || differs(group, own.gid()) {
        fchown(file, owner, group)?;
    }
    // The mode of creation is cut by the umask; this one is not
    file.set_permissions(Permissions::from_mode(mode))
}

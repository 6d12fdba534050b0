//! Directories of keys and certificates. Only this module and its submodules access the disk.

mod ca;
mod directory;
mod draft;
mod exchange;
mod keys;
mod lists;
mod lock;
mod locked;
mod locked_files;
mod members;
mod old;
mod other_layout;
mod path;
mod permissions;
mod read;
mod record;
mod replace;
mod replaced;
mod staged;
mod tree;
mod turns;
mod write;

use std::path::{Path, PathBuf};

use self::lock::{Locked, Scope};
pub use self::{
    ca::{StoreAt, read_ca, read_ca_to_renew},
    keys::read_private_key,
    locked::LockedStore,
    locked_files::{LockedFiles, NewFile, write_files, write_files_with},
    path::has_further_names,
    read::{READ_LIMIT, read_file, read_regular_file},
    record::{Issuance, Record, RecordDamage, RecordEntry, RecordedCa, record_issued, record_path},
    staged::{Installation, Installed, staged_key_path},
    write::Overwrite,
};
pub(crate) use self::{
    exchange::Exchange,
    lists::{Known, ListChange, Lists, Owner, WrittenLists, is_issued_by_any},
    locked::PairTexts,
    path::{
        canonical, existing_file, is_absent, is_directory, is_link, is_same, link_target,
        open_directory_mode, parent,
    },
    permissions::{
        Account, Attributes, CaAttributes, Stamp, group, group_name, is_privileged_owner, may_give,
        owner_of_directory, shared_directory_mode, trusted_ca_owner, trusted_owner, user,
        user_name, usual_mode,
    },
    read::{
        first_certificate, look, look_below, look_existing_below, read_below, read_certificates,
        read_existing_below, unless_too_large,
    },
    record::check_record,
    tree::{Entry, files, is_empty, tree, whole_tree},
};
use crate::{
    error::Result,
    layout::{CaKind, Layout, ListPaths, PairPaths},
    x509::certificate::Certificate,
};

/// A directory with a layout. Reading follows symbolic links. Writing requires the [`LockedStore`].
///
/// ```
/// use etcd_pki_core::{CaKind, CertificateAuthority, Identity, Layout, Role, Store};
///
/// # let parent = tempfile::tempdir()?;
/// # let directory = parent.path().join("ssl");
/// let store = Store::new(directory, Layout::Kubespray);
/// let ca = CertificateAuthority::create("etcd-ca")?;
/// store.lock()?.write_ca(CaKind::Client, &ca, None)?;
///
/// let ca = store.ca(CaKind::Client, None)?;
/// let bundle = ca.issue(Role::Client, Identity::new("backup")?)?;
/// let written = store.lock()?.write(&bundle)?;
/// assert!(written[0].certificate.ends_with("client-backup.pem"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
    layout: Layout,
}

impl Store {
    /// Creates a store for a directory. The directory need not exist, and this does not access the
    /// disk.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, layout: Layout) -> Self {
        Self {
            directory: directory.into(),
            layout,
        }
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The layout.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The paths of a CA's files. The files need not exist.
    #[must_use]
    pub fn ca_paths(&self, kind: CaKind) -> PairPaths {
        self.layout.ca(kind).below(&self.directory)
    }

    /// The paths of the revocation lists. The files need not exist.
    #[must_use]
    pub fn list_paths(&self) -> ListPaths {
        self.layout.revocation_lists().below(&self.directory)
    }

    /// Whether this is a name of the layout for a leaf certificate. The directory may also contain
    /// other certificates.
    #[must_use]
    pub fn is_named(&self, path: &Path) -> bool {
        let below = path.strip_prefix(&self.directory);
        let found = below.ok().and_then(|path| self.layout.identify(path));
        found.is_some_and(|found| found.is_leaf_certificate())
    }

    /// The names of the files in the directory.
    pub(crate) fn file_names(&self) -> Result<Vec<PathBuf>> {
        let files = tree::list(&self.directory)?.into_iter();
        Ok(files
            .filter_map(|path| path.file_name().map(PathBuf::from))
            .collect())
    }

    /// The certificate files, sorted by name, each with its first certificate. These are the files
    /// in the directory and, if the layout's names contain no host, the files in the trees of
    /// hosts. Hidden files are ignored.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io) if a directory cannot be listed. A file without a readable
    /// certificate is ignored.
    pub fn certificates(&self) -> Result<Vec<(PathBuf, Certificate)>> {
        let files = self.certificate_files()?.into_iter();
        let found = files.filter_map(|path| first_certificate(&path).map(|first| (path, first)));
        Ok(found.collect())
    }

    /// The first certificate of each readable file.
    fn held(&self) -> Vec<Certificate> {
        let all = self.certificates().unwrap_or_default();
        all.into_iter()
            .map(|(_, certificate)| certificate)
            .collect()
    }

    /// The files that may contain certificates.
    fn certificate_files(&self) -> Result<Vec<PathBuf>> {
        let files = tree::list(&self.directory)?;
        if self.layout.names_hosts() {
            return Ok(files);
        }
        Ok(tree(&self.directory).into_iter().flatten().collect())
    }

    /// Takes the lock of the store: the file `.etcd-pki.lock` in its directory. Creates the
    /// directory if it is missing. Waits up to a minute for another etcd-pki process.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io), [`Error::Locked`](crate::Error::Locked).
    pub fn lock(&self) -> Result<LockedStore> {
        self.lock_with(|| ())
    }

    /// Takes the lock as [`Store::lock`] does. Calls `waiting` once if it has to wait.
    ///
    /// # Errors
    ///
    /// The errors of [`Store::lock`].
    pub fn lock_with(&self, waiting: impl FnOnce()) -> Result<LockedStore> {
        self.lock_while(lock::said_once(waiting))
    }

    /// Takes the lock as [`Store::lock`] does. While it waits, it calls `goes_on` fifty times a
    /// second, and stops if the answer is `false`.
    ///
    /// # Errors
    ///
    /// The errors of [`Store::lock`]; [`Error::Interrupted`](crate::Error::Interrupted).
    pub fn lock_while(&self, goes_on: impl FnMut() -> bool) -> Result<LockedStore> {
        let made = directory::make_directory(&self.directory, &Attributes::default())?;
        let lock = Locked::take(&self.directory, Scope::Store, goes_on)?;
        lock.directory().remove_stale()?;
        Ok(LockedStore {
            store: self.clone(),
            made,
            lock,
            inherits: true,
            records: true,
        })
    }
}

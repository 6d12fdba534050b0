//! Installs staged keys: a new key waits next to the key in use until it has a certificate, and
//! then both are installed together.

use std::{
    ffi::OsString,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustix::io::Errno;
use zeroize::Zeroizing;

use super::{
    directory::Directory,
    locked_files::{LockedFiles, NewFile},
    path::{io_error, irregular, parent},
    permissions::{Attributes, trusted_owner, user, user_name},
    read::read_in,
    replace::Replace,
};
use crate::{
    error::{Error, Result},
    key::{Passphrase, PrivateKey},
    layout::PairPaths,
    x509::{
        bundle::{all_pem, check_chain, check_pair},
        certificate::Certificate,
    },
};

/// The path of the staged key for a key: a hidden file next to it, such as `.etcd-key.pem.next` for
/// `etcd-key.pem`. The current key stays in use until the staged key has a certificate.
///
/// ```
/// use std::path::Path;
/// use etcd_pki_core::store::staged_key_path;
///
/// let staged = staged_key_path(Path::new("ssl/etcd-key.pem"));
/// assert_eq!(staged, Path::new("ssl/.etcd-key.pem.next"));
/// ```
#[must_use]
pub fn staged_key_path(key: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(key.file_name().unwrap_or_default());
    name.push(".next");
    key.with_file_name(name)
}

/// The installation of a signed certificate. If the certificate is for the staged key
/// ([`staged_key_path`]), both replace the pair in use. The new key has the group and mode of the
/// key that it replaces, without access for other users.
///
/// ```
/// use etcd_pki_core::{
///     CertificateAuthority, CertificateRequest, Identity, PrivateKey, Role,
///     layout::PairPaths,
///     store::{Installation, NewFile, Overwrite, staged_key_path, write_files},
/// };
///
/// # let directory = tempfile::tempdir()?;
/// # let ca = CertificateAuthority::create("etcd-ca")?;
/// let paths = PairPaths {
///     certificate: directory.path().join("backup.pem"),
///     key: directory.path().join("backup-key.pem"),
/// };
/// let old = ca.issue(Role::Client, Identity::new("backup")?)?;
/// let key = PrivateKey::generate()?;
/// let file = |path, contents, secret| NewFile { path, contents, secret };
/// let (certificate, secret, staged) = (old.to_pem(), old.to_secret_pem(), key.to_secret_pem());
/// write_files(
///     &[
///         file(paths.certificate.clone(), certificate.as_bytes(), false),
///         file(paths.key.clone(), secret.as_bytes(), true),
///         file(staged_key_path(&paths.key), staged.as_bytes(), true),
///     ],
///     Overwrite::Refuse,
/// )?;
///
/// let request = CertificateRequest::create(&key, Role::Client, Identity::new("backup")?)?;
/// let signed = ca.sign(&request, Role::Client, Identity::new("backup")?)?;
/// let installed = Installation::new(paths.clone(), signed.to_pem())?.apply()?;
/// assert!(installed.certificate && installed.key);
/// assert!(!staged_key_path(&paths.key).exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Installation<'a> {
    paths: PairPaths,
    certificates: Vec<Certificate>,
    passphrase: Option<&'a Passphrase>,
    attributes: Attributes,
}

/// The files that an installation changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Installed {
    /// Whether the certificate is written
    pub certificate: bool,
    /// Whether the staged key replaces the key in use
    pub key: bool,
    /// Whether the staged key's file is removed: with its installation, or because an interrupted
    /// run has installed it
    pub staged_key: bool,
}

impl Installed {
    /// Whether a file changes.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.certificate || self.key || self.staged_key
    }
}

impl<'a> Installation<'a> {
    /// Creates the installation of a certificate, followed by its chain, in PEM or DER. It reads no
    /// file.
    ///
    /// # Errors
    ///
    /// The errors of [`Certificate::all_from_bytes`]; [`Error::Malformed`] for a CA certificate,
    /// and for a chain with a certificate that does not belong to it; [`Error::Signature`] if a
    /// certificate is not signed by the next one.
    pub fn new(paths: PairPaths, certificates: impl AsRef<[u8]>) -> Result<Self> {
        let certificates = Certificate::all_from_bytes(certificates.as_ref())?;
        if let Some((leaf, chain)) = certificates.split_first() {
            if leaf.is_ca() {
                let reason = format!("{} is a CA, and not a leaf", leaf.subject());
                return Err(Error::malformed("certificate of a pair", reason));
            }
            check_chain(leaf, chain)?;
        }
        Ok(Self {
            paths,
            certificates,
            passphrase: None,
            attributes: Attributes {
                is_of_keys_only: true,
                ..Attributes::default()
            },
        })
    }

    /// Sets the passphrase of the keys. They stay encrypted.
    #[must_use]
    pub fn with_passphrase(self, passphrase: &'a Passphrase) -> Self {
        Self {
            passphrase: Some(passphrase),
            ..self
        }
    }

    /// Sets the owner of an installed key, by name or number. The keys may belong to this user.
    /// Without it, an installed key has the owner of the key that it replaces.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] for a user whom this host does not know.
    pub fn with_key_owner(mut self, owner: &str) -> Result<Self> {
        self.attributes.owner = Some(user(owner)?);
        Ok(self)
    }

    /// The certificate that is installed, followed by its chain.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The files that [`Installation::apply`] would change now. Changes nothing, and takes no lock.
    ///
    /// # Errors
    ///
    /// [`Error::KeyMismatch`] if the certificate is for neither of the two keys;
    /// [`Error::UntrustedOwner`] for a key that belongs neither to root, nor to this user, nor to
    /// the specified owner, nor to the owner of its directory; [`Error::NotReplaceable`],
    /// [`Error::SymbolicLink`], [`Error::NotAFile`], [`Error::Io`]; the errors of
    /// [`PrivateKey::from_bytes`].
    pub fn changes(&self) -> Result<Installed> {
        let open = |path: &Path| Directory::open(parent(path));
        Ok(self.find(open)?.changes)
    }

    /// Installs the certificate, and also the staged key if the certificate is for it. It writes
    /// the key first, and the certificate directly after it. Changes nothing if both are installed.
    ///
    /// An interrupted run may leave a new key with the old certificate. The next run installs the
    /// certificate.
    ///
    /// # Errors
    ///
    /// The errors of [`Installation::changes`] and of [`write_files`](super::write_files). After an
    /// error the old pair is in use, as after an error of `write_files`.
    pub fn apply(&self) -> Result<Installed> {
        self.apply_with(|| ())
    }

    /// Installs as [`Installation::apply`] does. Calls `waiting` once if another etcd-pki process
    /// holds the lock of a directory.
    ///
    /// # Errors
    ///
    /// The errors of [`Installation::apply`].
    pub fn apply_with(&self, waiting: impl FnOnce()) -> Result<Installed> {
        let PairPaths { certificate, key } = &self.paths;
        let files = LockedFiles::lock(&[certificate, key], waiting)?;
        let found = self.find(|path| files.directory_of(path))?;
        let text = all_pem(&self.certificates);
        let mut new = Vec::with_capacity(2);
        if let Some(contents) = found.staged.as_ref().filter(|_| found.changes.key) {
            new.push(NewFile {
                path: key.clone(),
                contents,
                secret: true,
            });
        }
        // Writing the key alone would lose the owner of the old key, so both files are written
        if found.changes.certificate || found.changes.key {
            new.push(NewFile {
                path: certificate.clone(),
                contents: text.as_bytes(),
                secret: false,
            });
        }
        if !new.is_empty() {
            files.write_by(&new, &self.attributes, &|| Ok(()), |file| {
                match file.secret {
                    true => Replace::Key,
                    false => Replace::Leaf,
                }
            })?;
        }
        if found.changes.staged_key {
            let staged = staged_key_path(key);
            let directory = files.directory_of(key)?;
            let removed = directory.unlink(staged.file_name().unwrap_or_default());
            removed.map_err(io_error("remove", &staged))?;
            directory.sync()?;
        }
        Ok(found.changes)
    }

    /// Reads the files, and decides what changes.
    fn find(&self, open: impl Fn(&Path) -> Result<Directory>) -> Result<Found> {
        let leaf = self.certificates.first().ok_or(Error::MissingBlock {
            what: "certificate",
            found: Vec::new(),
        })?;
        let PairPaths { certificate, key } = &self.paths;
        let staged_path = staged_key_path(key);
        let folder = open(key)?;
        let current = self.secret(&folder, key)?;
        let staged = self.secret(&folder, &staged_path)?;
        let pem = all_pem(&self.certificates);
        let installed = read_in(&open(certificate)?, name_of(certificate)?)?;
        let is_installed = match &installed {
            Some((bytes, _)) if bytes == pem.as_bytes() => true,
            Some((bytes, _)) => {
                Replace::Leaf.check(certificate, Some(bytes))?;
                false
            }
            None => false,
        };

        let matched = match &current {
            Some(bytes) => self.check(leaf, bytes, key),
            None => Err(io_error("read", key)(Errno::NOENT)),
        };
        let Err(mismatch) = matched else {
            let changes = Installed {
                certificate: !is_installed,
                key: false,
                // The bytes are the same if the last run was interrupted after the first rename
                staged_key: staged.is_some() && staged == current,
            };
            return Ok(Found { changes, staged });
        };
        let Some(bytes) = &staged else {
            return Err(mismatch);
        };
        self.check(leaf, bytes, &staged_path)?;
        if let Some(current) = &current {
            Replace::Key.check(key, Some(current))?;
        }
        let changes = Installed {
            certificate: !is_installed,
            key: true,
            staged_key: true,
        };
        Ok(Found { changes, staged })
    }

    /// The contents of a key's file; `None` if it is missing, or is empty after a system crash.
    fn secret(&self, folder: &Directory, path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let Some((bytes, stamp)) = read_in(folder, name_of(path)?)? else {
            return Ok(None);
        };
        let bytes = Zeroizing::new(bytes);
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let owner_of_folder = folder.own_metadata()?.uid();
        if !trusted_owner(&stamp, &self.attributes, owner_of_folder) {
            return Err(Error::UntrustedOwner {
                path: path.to_owned(),
                owner: user_name(stamp.account().owner),
            });
        }
        Ok(Some(bytes))
    }

    /// Fails if the certificate is not for this key.
    fn check(&self, leaf: &Certificate, key: &[u8], path: &Path) -> Result<()> {
        let key = PrivateKey::from_bytes(key, self.passphrase);
        let matched = key.and_then(|key| check_pair(leaf, &key));
        matched.map_err(|error| error.in_file(path))
    }
}

/// The state of the files before an installation.
struct Found {
    changes: Installed,
    staged: Option<Zeroizing<Vec<u8>>>,
}

/// The name of a file in its directory.
fn name_of(path: &Path) -> Result<&Path> {
    let name = path.file_name().ok_or_else(|| irregular(path))?;
    Ok(Path::new(name))
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt as _, chown, symlink},
    };

    use tempfile::TempDir;

    use super::*;
    use crate::{
        ca::CertificateAuthority,
        request::CertificateRequest,
        role::Role,
        store::{Overwrite, may_give, write_files},
        x509::identity::Identity,
    };

    /// A pair in use, a staged key, and the certificate for it.
    struct Scene {
        directory: TempDir,
        paths: PairPaths,
        old: (String, String),
        staged: String,
        signed: String,
    }

    impl Scene {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let paths = PairPaths {
                certificate: directory.path().join("c.pem"),
                key: directory.path().join("c-key.pem"),
            };
            let ca = CertificateAuthority::create("etcd-ca").unwrap();
            let who = || Identity::new("c").unwrap();
            let old = ca.issue(Role::Client, who()).unwrap();
            let key = PrivateKey::generate().unwrap();
            let request = CertificateRequest::create(&key, Role::Client, who()).unwrap();
            let signed = ca.sign(&request, Role::Client, who()).unwrap();
            let scene = Self {
                directory,
                paths,
                old: (old.to_pem(), old.to_secret_pem().to_string()),
                staged: key.to_secret_pem().to_string(),
                signed: signed.to_pem(),
            };
            scene.write(&scene.old.0, &scene.old.1, Some(&scene.staged));
            scene
        }

        fn write(&self, certificate: &str, key: &str, staged: Option<&str>) {
            let file = |path, contents, secret| NewFile {
                path,
                contents,
                secret,
            };
            let PairPaths {
                certificate: path,
                key: key_path,
            } = self.paths.clone();
            let mut files = vec![
                file(path, certificate.as_bytes(), false),
                file(key_path, key.as_bytes(), true),
            ];
            let path = staged_key_path(&self.paths.key);
            match staged {
                Some(staged) => files.push(file(path, staged.as_bytes(), true)),
                None => {
                    let _ = fs::remove_file(path);
                }
            }
            write_files(&files, Overwrite::Replace).unwrap();
        }

        fn installation(&self) -> Installation<'_> {
            Installation::new(self.paths.clone(), &self.signed).unwrap()
        }

        /// The certificate, the key and the staged key.
        fn files(&self) -> [Option<String>; 3] {
            let PairPaths { certificate, key } = &self.paths;
            let paths = [certificate, key, &staged_key_path(key)];
            paths.map(|path| fs::read_to_string(path).ok())
        }
    }

    /// An interrupted run leaves one of these states. From each of them, the next run reaches the
    /// same state.
    #[test]
    fn each_state_of_an_interrupted_run_is_finished() {
        let scene = Scene::new();
        let (certificate, key) = &scene.old;
        let installed = |certificate, key, staged_key| Installed {
            certificate,
            key,
            staged_key,
        };
        for (certificate, key, staged, expected) in [
            (certificate, key, true, installed(true, true, true)),
            (
                certificate,
                &scene.staged,
                true,
                installed(true, false, true),
            ),
            (
                &scene.signed,
                &scene.staged,
                true,
                installed(false, false, true),
            ),
            (
                &scene.signed,
                &scene.staged,
                false,
                installed(false, false, false),
            ),
            (
                certificate,
                &scene.staged,
                false,
                installed(true, false, false),
            ),
        ] {
            let staged = staged.then_some(&*scene.staged);
            scene.write(certificate, key, staged);
            let before = scene.files();
            assert_eq!(scene.installation().changes().unwrap(), expected);
            assert_eq!(scene.files(), before);
            assert_eq!(scene.installation().apply().unwrap(), expected);
            let after = [Some(scene.signed.clone()), Some(scene.staged.clone()), None];
            assert_eq!(scene.files(), after);
            assert!(!scene.installation().apply().unwrap().is_changed());
        }
        // Nothing else is left in the directory
        assert_eq!(fs::read_dir(scene.directory.path()).unwrap().count(), 2);
    }

    /// A certificate that matches neither key changes nothing, and neither does a file at the path
    /// that must not be replaced.
    #[test]
    fn a_refusal_leaves_the_pair_in_use() {
        let scene = Scene::new();
        let unchanged = scene.files();
        let ca = CertificateAuthority::create("other").unwrap();
        let other = ca.issue(Role::Client, Identity::new("c").unwrap()).unwrap();
        let other = Installation::new(scene.paths.clone(), other.to_pem()).unwrap();
        for refused in [other.changes(), other.apply()] {
            let refused = refused.unwrap_err();
            assert!(refused.to_string().contains("does not match"), "{refused}");
        }
        let of_ca = Installation::new(scene.paths.clone(), ca.certificate().to_pem());
        assert!(of_ca.is_err());
        assert_eq!(scene.files(), unchanged);

        // A file at the certificate's path that is no certificate
        fs::write(&scene.paths.certificate, "notes").unwrap();
        for refused in [scene.installation().changes(), scene.installation().apply()] {
            assert!(matches!(refused, Err(Error::NotReplaceable { .. })));
        }
        assert_eq!(scene.files()[1..], unchanged[1..]);
        fs::write(&scene.paths.certificate, &scene.old.0).unwrap();

        // A symbolic link at each path
        for path in [
            &scene.paths.key,
            &staged_key_path(&scene.paths.key),
            &scene.paths.certificate,
        ] {
            let elsewhere = path.with_extension("elsewhere");
            fs::rename(path, &elsewhere).unwrap();
            symlink(&elsewhere, path).unwrap();
            for refused in [scene.installation().changes(), scene.installation().apply()] {
                assert!(matches!(refused, Err(Error::SymbolicLink { .. })));
            }
            fs::rename(&elsewhere, path).unwrap();
        }
        assert_eq!(scene.files(), unchanged);
    }

    #[test]
    fn encrypted_keys_stay_encrypted() {
        let scene = Scene::new();
        let passphrase = Passphrase::new(b"correct horse".to_vec());
        let key = PrivateKey::from_pem(&scene.staged).unwrap();
        let encrypted = key.to_encrypted_pem(&passphrase).unwrap();
        scene.write(&scene.old.0, &scene.old.1, Some(&encrypted));
        assert!(scene.installation().apply().is_err());
        let installation = scene.installation().with_passphrase(&passphrase);
        assert!(installation.apply().unwrap().key);
        assert_eq!(scene.files()[1].as_deref(), Some(encrypted.as_str()));
        assert!(!installation.apply().unwrap().is_changed());
    }

    /// The installed key has the mode and the owner of the key that it replaces, or the specified
    /// owner. The certificate keeps its own.
    #[test]
    fn owners_and_modes() {
        let scene = Scene::new();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        let permissions = fs::Permissions::from_mode(0o640);
        fs::set_permissions(&scene.paths.key, permissions).unwrap();
        scene.installation().apply().unwrap();
        assert_eq!(mode(&scene.paths.key), 0o640);
        assert_eq!(mode(&scene.paths.certificate), 0o644);
        assert!(scene.installation().with_key_owner("no such user").is_err());
        if !may_give() {
            return;
        }
        let stranger = "12345";
        scene.write(&scene.old.0, &scene.old.1, Some(&scene.staged));
        chown(&scene.paths.key, Some(12345), None).unwrap();
        let refused = scene.installation().apply();
        assert!(matches!(refused, Err(Error::UntrustedOwner { .. })));
        let owned = scene.installation().with_key_owner(stranger).unwrap();
        assert!(owned.apply().unwrap().key);
        let owner = |path: &Path| fs::metadata(path).unwrap().uid();
        assert_eq!(owner(&scene.paths.key), 12345);
        assert_eq!(owner(&scene.paths.certificate), 0);
    }
}

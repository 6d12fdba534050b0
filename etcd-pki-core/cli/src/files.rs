//! The files that commands create: written together, or printed if one is called `-`.

use std::path::Path;

use etcd_pki_core::{
    Certificate, Error, Layout, PrivateKey, PublicKey, Store,
    internal::read_file,
    layout::PairPaths,
    store::{LockedFiles, NewFile, Overwrite},
};
use zeroize::Zeroizing;

use crate::{
    failure::{Failure, Message},
    input::is_standard,
    options::key_beside,
    output,
};

/// What a new file may replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replacing {
    Nothing,
    /// Any file but the certificate or the key of a CA
    Files,
    /// A CA too
    CaFiles,
}

impl Replacing {
    pub(crate) fn overwrite(self) -> Overwrite {
        match self {
            Self::Nothing => Overwrite::Refuse,
            Self::Files | Self::CaFiles => Overwrite::Replace,
        }
    }
}

/// A file to be written or printed.
pub(crate) struct File<'a> {
    path: &'a Path,
    contents: &'a [u8],
    /// Its public key, if it holds a private key
    key: Option<&'a PublicKey>,
}

impl<'a> File<'a> {
    pub(crate) fn path(&self) -> &'a Path {
        self.path
    }

    pub(crate) fn public(path: &'a Path, contents: &'a str) -> Self {
        Self {
            path,
            contents: contents.as_bytes(),
            key: None,
        }
    }

    /// A private key, which only its owner may read.
    pub(crate) fn secret(path: &'a Path, contents: &'a str, key: &'a PublicKey) -> Self {
        Self {
            path,
            contents: contents.as_bytes(),
            key: Some(key),
        }
    }
}

/// Locks the directories of files, before they are read and replaced. Standard output needs no
/// lock.
pub(crate) fn lock(paths: &[&Path]) -> Result<LockedFiles, Failure> {
    let paths: Vec<&Path> = paths
        .iter()
        .copied()
        .filter(|path| !is_standard(path))
        .collect();
    let directory = paths
        .first()
        .map_or(Path::new("."), |path| directory_of(path));
    let waiting = || output::waiting_for(directory);
    Ok(LockedFiles::lock(&paths, waiting)?)
}

/// Writes files as [`write_locked`] does, in directories that it locks.
pub(crate) fn write(
    files: &[File<'_>],
    replacing: Replacing,
) -> Result<Option<PairPaths>, Failure> {
    let paths: Vec<_> = files.iter().map(File::path).collect();
    write_locked(files, replacing, &lock(&paths)?, &unrecorded)
}

/// The record of files without a certificate that a CA signed.
pub(crate) fn unrecorded() -> etcd_pki_core::Result<()> {
    Ok(())
}

/// Writes all of the files or none, in directories that are locked, and then prints those that are
/// called `-`, in their order. Calls `record` when the files are complete, before the first one is
/// at its path or printed. Returns the paths under which the files of a replaced CA are kept.
pub(crate) fn write_locked(
    files: &[File<'_>],
    replacing: Replacing,
    locked: &LockedFiles,
    record: &dyn Fn() -> etcd_pki_core::Result<()>,
) -> Result<Option<PairPaths>, Failure> {
    let (printed, written): (Vec<_>, Vec<_>) =
        files.iter().partition(|file| is_standard(file.path));
    if replacing == Replacing::Files {
        written.iter().try_for_each(|file| spare_ca(file))?;
    }
    // A key is written before the certificate or request that belongs to it
    let new: Vec<_> = written
        .iter()
        .rev()
        .map(|file| NewFile {
            path: file.path.to_owned(),
            contents: file.contents,
            secret: file.key.is_some(),
        })
        .collect();
    let ca = ca_paths(&written).filter(|_| replacing == Replacing::CaFiles);
    let kept = match ca {
        Some(ca) => locked.replace_ca(&new, &ca, record)?,
        None => {
            locked.write_recorded(&new, replacing.overwrite(), record)?;
            None
        }
    };
    printed
        .iter()
        .try_for_each(|file| output::print_bytes(file.contents))?;
    Ok(kept)
}

/// The files of the CA that is replaced: its certificate, and the key that is written with it or is
/// next to it.
fn ca_paths(written: &[&File<'_>]) -> Option<PairPaths> {
    let certificate = written.iter().find(|file| file.key.is_none())?.path;
    let key = written.iter().find(|file| file.key.is_some());
    Some(PairPaths {
        certificate: certificate.to_owned(),
        key: key.map_or_else(|| key_beside(certificate), |file| file.path.to_owned()),
    })
}

/// Refuses to replace a file of a CA: its certificate, and its key unless the new file has the same
/// key.
pub(crate) fn spare_ca(file: &File<'_>) -> Result<(), Failure> {
    if !file.path.is_file() {
        return Ok(());
    }
    let old = Zeroizing::new(read_file(file.path)?);
    // The CA certificates after a leaf in its file are its chain
    let has_certificate = Certificate::all_from_bytes(&old)
        .is_ok_and(|all| all.first().is_some_and(Certificate::is_ca));
    let cas = ca_keys_beside(file.path)?;
    let is_key_of_ca = |key: etcd_pki_core::Result<PrivateKey>| match key {
        Ok(key) => Some(key.public_key()) != file.key && cas.contains(key.public_key()),
        // This key cannot be read. It counts as a CA's if there is a CA and the new key is not its
        // key
        Err(Error::EncryptedKey | Error::Unsupported { .. }) => {
            !cas.is_empty() && !file.key.is_some_and(|key| cas.contains(key))
        }
        Err(_) => false,
    };
    if !has_certificate && !keys(&old).any(is_key_of_ca) {
        return Ok(());
    }
    Err(Failure::Failed(Message {
        text: format!("{} belongs to a CA", file.path.display()),
        hint: Some(
            "nothing was changed, and --force does not replace it; name another file, or make a new CA on purpose with \
             `etcd-pki ca new --replace-ca`"
                .to_owned(),
        ),
    }))
}

/// Each key of a file, or the error of reading it.
fn keys(file: &[u8]) -> impl Iterator<Item = etcd_pki_core::Result<PrivateKey>> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let mut begins: Vec<usize> = file
        .windows(BEGIN.len())
        .enumerate()
        .filter(|(_, window)| *window == BEGIN)
        .map(|(place, _)| place)
        .collect();
    if begins.is_empty() {
        // DER
        begins.push(0);
    }
    let ends = begins.clone().into_iter().skip(1).chain([file.len()]);
    let blocks = begins.into_iter().zip(ends);
    blocks.map(|(begin, end)| PrivateKey::from_bytes(&file[begin..end], None))
}

/// The public keys of the CAs with a certificate in the same directory as a file.
fn ca_keys_beside(path: &Path) -> Result<Vec<PublicKey>, Failure> {
    let store = Store::new(directory_of(path), Layout::default());
    let certificates = store
        .certificates()?
        .into_iter()
        .map(|(_, certificate)| certificate);
    Ok(certificates
        .filter(Certificate::is_ca)
        .map(|ca| ca.public_key().clone())
        .collect())
}

/// The directory of a file. A bare name is in the working directory.
pub(crate) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Whether two paths lead to the same file.
pub(crate) fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// The error for a file of a CA that blocks a new one.
pub(crate) fn ca_exists(path: &Path) -> Error {
    let name = path.file_name().unwrap_or(path.as_os_str());
    Error::ExistingCa {
        directory: directory_of(path).to_owned(),
        found: name.to_string_lossy().into_owned(),
        layout: None,
        lacks_certificate: false,
    }
}

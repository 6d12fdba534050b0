//! The files that are made: written together, or printed where one is called `-`.

use std::path::{Path, PathBuf};

use etcd_pki_core::{
    Certificate, Error, NewFile, Overwrite, PublicKey, read_file, write_files_with,
};

use crate::{
    failure::{Failure, Message},
    input::is_standard,
    output,
};

/// What a new file may take the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replacing {
    Nothing,
    /// Any file but the certificate or the key of an authority
    Files,
    /// An authority too: all that it has signed is worth nothing then
    Authorities,
}

impl Replacing {
    pub(crate) fn overwrite(self) -> Overwrite {
        match self {
            Self::Nothing => Overwrite::Refuse,
            Self::Files | Self::Authorities => Overwrite::Replace,
        }
    }
}

/// A file to be written or printed.
pub(crate) struct File<'a> {
    path: &'a Path,
    contents: &'a [u8],
    /// The key that it holds, if it holds a private one
    key: Option<&'a PublicKey>,
}

impl<'a> File<'a> {
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

/// Writes all of the files or none, and then prints those that are called `-`, in their order.
pub(crate) fn write(files: &[File<'_>], replacing: Replacing) -> Result<(), Failure> {
    let (printed, written): (Vec<_>, Vec<_>) =
        files.iter().partition(|file| is_standard(file.path));
    if replacing == Replacing::Files {
        written.iter().try_for_each(|file| spare_authority(file))?;
    }
    // A key is in its place before what belongs to it
    let new: Vec<_> = written
        .iter()
        .rev()
        .map(|file| NewFile {
            path: file.path.to_owned(),
            contents: file.contents,
            secret: file.key.is_some(),
        })
        .collect();
    if let Some(first) = new.first() {
        let directory = first.path.parent().unwrap_or(Path::new("."));
        write_files_with(&new, replacing.overwrite(), || {
            output::waiting_for(directory)
        })?;
    }
    printed
        .iter()
        .try_for_each(|file| output::print_bytes(file.contents))
}

/// Refuses to replace an authority's certificate, or its key by another.
fn spare_authority(file: &File<'_>) -> Result<(), Failure> {
    let certificate = match file.key {
        Some(_) => certificate_beside(file.path),
        None => Some(file.path.to_owned()),
    };
    let authority = certificate
        .filter(|_| file.path.exists())
        .and_then(|path| read_file(&path).ok())
        .and_then(|bytes| Certificate::all_from_bytes(&bytes).ok())
        .and_then(|certificates| certificates.into_iter().next())
        .filter(Certificate::is_authority);
    match (authority, file.key) {
        (None, _) => Ok(()),
        (Some(authority), Some(key)) if authority.public_key() == key => Ok(()),
        (Some(_), _) => Err(Failure::Failed(Message {
            text: format!("{} is an authority's", file.path.display()),
            hint: Some(
                "nothing was changed, and --force does not replace it; name another file, or make a new authority on \
                 purpose with `etcd-pki ca new --replace-ca`"
                    .to_owned(),
            ),
        })),
    }
}

/// The error for an authority's file that is in the way.
pub(crate) fn authority_exists(path: &Path) -> Error {
    let directory = path.parent().filter(|parent| *parent != Path::new(""));
    let name = path.file_name().unwrap_or(path.as_os_str());
    Error::AuthorityExists {
        directory: directory.unwrap_or(Path::new(".")).to_owned(),
        found: name.to_string_lossy().into_owned(),
    }
}

/// Where the certificate of this key is, by the habits of naming the two.
fn certificate_beside(key: &Path) -> Option<PathBuf> {
    let name = key.file_name()?.to_str()?;
    let name = match name.strip_suffix("-key.pem") {
        Some(stem) => format!("{stem}.pem"),
        None => format!("{}.crt", name.strip_suffix(".key")?),
    };
    Some(key.with_file_name(name))
}

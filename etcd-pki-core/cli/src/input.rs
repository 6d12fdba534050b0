//! The input of commands: files, and standard input as the file called `-`.

use std::{
    cell::OnceCell,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use etcd_pki_core::{
    Certificate, CertificateRequest, Error, Passphrase, PrivateKey, Result,
    internal::{READ_LIMIT, read_file, read_regular_file},
};
use zeroize::Zeroizing;

/// The input of a command. Standard input is read once, so every `-` has the same contents: a key
/// and its certificate can come through one pipe.
#[derive(Default)]
pub(crate) struct Input {
    standard_input: OnceCell<Zeroizing<Vec<u8>>>,
}

impl Input {
    /// All of a file.
    pub(crate) fn bytes(&self, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
        if !is_standard(path) {
            return read_file(path).map(Zeroizing::new);
        }
        if let Some(bytes) = self.standard_input.get() {
            return Ok(bytes.clone());
        }
        let bytes = read_standard_input()?;
        Ok(self.standard_input.get_or_init(|| bytes).clone())
    }

    /// Every certificate in a file.
    pub(crate) fn certificates(&self, path: &Path) -> Result<Vec<Certificate>> {
        self.parse(path, Certificate::all_from_bytes)
    }

    /// The request in a file. Its own signature is valid.
    pub(crate) fn request(&self, path: &Path) -> Result<CertificateRequest> {
        self.parse(path, CertificateRequest::from_bytes)
    }

    /// The private key in a file.
    pub(crate) fn private_key(
        &self,
        path: &Path,
        passphrase: Option<&Passphrase>,
    ) -> Result<PrivateKey> {
        self.parse(path, |bytes| PrivateKey::from_bytes(bytes, passphrase))
    }

    /// Parses a file. An error has the file's name.
    pub(crate) fn parse<T>(
        &self,
        path: &Path,
        parse: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        parse(&self.bytes(path)?).map_err(|error| error.in_file(called(path)))
    }
}

/// Parses a file at a path of the layout. A pipe at such a path is an error, while a command waits
/// for a pipe that an argument names.
pub(crate) fn parse_in_place<T>(path: &Path, parse: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
    let bytes = read_regular_file(path).map(Zeroizing::new)?;
    parse(&bytes).map_err(|error| error.in_file(path))
}

/// Whether a file is standard input or standard output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The name of an input file in messages.
pub(crate) fn called(path: &Path) -> PathBuf {
    if is_standard(path) {
        PathBuf::from("standard input")
    } else {
        path.to_owned()
    }
}

fn read_standard_input() -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    io::stdin()
        .lock()
        .take(READ_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::Io {
            action: "read",
            path: called(Path::new("-")),
            error,
        })?;
    if bytes.len() as u64 > READ_LIMIT {
        return Err(Error::TooLarge { limit: READ_LIMIT }.in_file(called(Path::new("-"))));
    }
    Ok(bytes)
}

//! The paths of a key and its certificate.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::table::REPLACED;

/// The paths of a key and its certificate, below a directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PairPaths {
    /// The certificate's file
    pub certificate: PathBuf,
    /// The key's file
    pub key: PathBuf,
}

impl PairPaths {
    /// The same paths below a directory.
    #[must_use]
    pub fn below(&self, directory: &Path) -> Self {
        Self {
            certificate: directory.join(&self.certificate),
            key: directory.join(&self.key),
        }
    }

    /// The paths of another CA next to this one: `ca-next.pem` and `ca-next-key.pem` for `ca.pem`
    /// and `ca-key.pem`.
    pub(crate) fn with_word(&self, word: &str) -> Self {
        self.after_stem(&format!("-{word}"))
    }

    /// The paths that keep a CA after another CA replaces it: `ca-replaced-SERIAL.pem` and
    /// `ca-replaced-SERIAL-key.pem` for `ca.pem` and `ca-key.pem`.
    pub(crate) fn replaced(&self, serial: &str) -> Self {
        self.after_stem(&format!("{REPLACED}{serial}"))
    }

    /// The paths with more text after the stem of the certificate.
    fn after_stem(&self, more: &str) -> Self {
        let text = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let stem = text(self.certificate.file_stem());
        let renamed = |path: &Path| {
            let own = text(path.file_stem());
            // The key of `x.pem` is `x-key.pem`, and that of `x.crt` is `x.key`
            let name = match own.strip_prefix(&stem) {
                Some(rest) => format!("{stem}{more}{rest}"),
                None => format!("{own}{more}"),
            };
            match path.extension() {
                Some(extension) => path.with_file_name(format!("{name}.{}", text(Some(extension)))),
                None => path.with_file_name(name),
            }
        };
        Self {
            certificate: renamed(&self.certificate),
            key: renamed(&self.key),
        }
    }
}

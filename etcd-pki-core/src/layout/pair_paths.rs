//! The paths of a key and its certificate.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::{identify::RotationFile, table::REPLACED};

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

    /// The paths that keep a CA after another CA replaces it: `ca-replaced-SERIAL.pem` and
    /// `ca-replaced-SERIAL-key.pem` for `ca.pem` and `ca-key.pem`.
    pub(crate) fn replaced(&self, serial: &str) -> Self {
        self.with_suffix(&format!("{REPLACED}{serial}"))
    }

    /// The paths of a file of a rotation next to the CA: `ca-next-key.pem`, `ca-previous.pem` and
    /// `ca-previous-key.pem`, `ca-link.pem` for `ca.pem` and `ca-key.pem`.
    pub(crate) fn rotation(&self, file: RotationFile) -> Self {
        self.with_suffix(file.suffix())
    }

    /// The paths with this text after the usual name of the CA.
    fn with_suffix(&self, suffix: &str) -> Self {
        let text = |part: Option<&OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
        let stem = text(self.certificate.file_stem());
        let renamed = |path: &Path| {
            let own = text(path.file_stem());
            // The key of `x.pem` is `x-key.pem`, and that of `x.crt` is `x.key`
            let name = match own.strip_prefix(&stem) {
                Some(rest) => format!("{stem}{suffix}{rest}"),
                None => format!("{own}{suffix}"),
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

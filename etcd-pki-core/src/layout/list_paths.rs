//! The paths of revocation lists.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::{CaKind, Layout};

/// The list for etcd, in DER
const DER: &str = "revoked.crl";
/// The lists for other programs, in PEM
const PEM: &str = "revoked.pem";

/// The files of a directory's revocation lists. They are next to the CA's certificate.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListPaths {
    /// `revoked.crl`, in DER: one list over all CAs, because etcd reads one file
    pub der: PathBuf,
    /// `revoked.pem`, in PEM: a separate list of each CA, for OpenSSL, nginx and others
    pub pem: PathBuf,
}

impl ListPaths {
    /// The files in a directory.
    pub(crate) fn within(directory: &Path) -> Self {
        Self {
            der: directory.join(DER),
            pem: directory.join(PEM),
        }
    }

    /// The same paths below a directory.
    #[must_use]
    pub fn below(&self, directory: &Path) -> Self {
        Self {
            der: directory.join(&self.der),
            pem: directory.join(&self.pem),
        }
    }
}

impl Layout {
    /// The paths of the revocation lists: `revoked.crl` and `revoked.pem` next to the CA's
    /// certificate.
    #[must_use]
    pub fn revocation_lists(self) -> ListPaths {
        let ca = self.ca(CaKind::Client).certificate;
        ListPaths::within(ca.parent().unwrap_or(Path::new("")))
    }
}

/// Whether a file has the name of a revocation list. Ignores directories.
pub(crate) fn is_list(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    [DER, PEM].map(OsStr::new).contains(&name)
}

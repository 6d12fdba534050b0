//! Finds the members of a directory.

use super::{Store, read::first_certificate};
use crate::{error::Result, role::Role, x509::certificate::Certificate};

impl Store {
    /// The common names of the members with certificates in the store, in the order of their files.
    /// The signer of a certificate does not matter. A CA that [`Store::ca`] loads refuses these
    /// names for nodes and clients.
    ///
    /// # Errors
    ///
    /// [`Error::Io`](crate::Error::Io) if a directory cannot be listed. A file without a readable
    /// certificate is ignored.
    pub fn member_common_names(&self) -> Result<Vec<String>> {
        let members = self.members()?;
        Ok(unique(members.iter().filter_map(Certificate::common_name)))
    }

    /// The certificates in files with a name for members.
    fn members(&self) -> Result<Vec<Certificate>> {
        let files = self.certificate_files()?.into_iter();
        let files = files.filter(|path| self.layout.is_of_member(path));
        let certificates = files.filter_map(|path| first_certificate(&path));
        Ok(certificates
            .filter(|certificate| certificate.role() == Some(Role::Member))
            .collect())
    }
}

fn unique(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut unique = Vec::new();
    for name in names {
        if !unique.contains(&name) {
            unique.push(name);
        }
    }
    unique
}

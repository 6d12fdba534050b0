//! Finds the members of a directory.

use super::{Store, read::first_certificate};
use crate::{error::Result, layout::FileKind, role::Role, x509::certificate::Certificate};

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

    /// The names of the members with certificates in the store, in the order of their files. If the
    /// file names of the layout contain no name, the certificate's name is used.
    pub(crate) fn member_names(&self) -> Result<Vec<String>> {
        let files = self.certificate_files()?.into_iter();
        let names = files.filter_map(|path| {
            let below = path.strip_prefix(&self.directory).ok()?;
            let found = self.layout.identify(below)?;
            let is_member = matches!(found.kind, FileKind::Member | FileKind::Peer);
            if !is_member || found.is_key {
                return None;
            }
            let certificate = first_certificate(&path)?;
            let names = [found.host, Some(found.name).filter(|name| !name.is_empty())];
            let name = names.into_iter().flatten().next();
            let own = || certificate.dns_names().first().cloned();
            name.or_else(own).or_else(|| certificate.common_name())
        });
        Ok(unique(names))
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

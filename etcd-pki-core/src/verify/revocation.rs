//! Refuses revoked certificates, as etcd does.

use std::path::{Path, PathBuf};

use super::Verifier;
use crate::{
    finding::Finding,
    pem,
    x509::{certificate::Certificate, revocation_list::RevocationList},
};

/// A list, and its file if it is in one.
#[derive(Clone, Debug)]
pub(super) struct HeldList {
    path: Option<PathBuf>,
    list: RevocationList,
}

impl Verifier {
    /// Refuses the certificates of a revocation list. etcd compares only the serial numbers, of
    /// each certificate that a client or peer presents (`checkCRL` in
    /// `client/pkg/transport/listener_tls.go`), so this compares nothing else.
    pub fn with_revocation_list(mut self, list: RevocationList) -> Self {
        self.lists.push(HeldList { path: None, list });
        self
    }

    /// Refuses the certificates of a revocation list in a file, as etcd does with
    /// `ETCD_CLIENT_CRL_FILE`. If etcd cannot read the list, every verdict has this reason: etcd
    /// then refuses every connection with a certificate.
    pub fn with_revocation_file(mut self, path: impl AsRef<Path>, file: &[u8]) -> Self {
        let path = path.as_ref();
        match held_list(path, file) {
            Ok(list) => self.lists.push(HeldList {
                path: Some(path.to_owned()),
                list,
            }),
            Err(finding) => self.unusable_lists.push(finding),
        }
        self
    }

    /// The reasons of the lists against a certificate and those that are presented with it.
    pub(super) fn revocations(&self, certificate: &Certificate) -> Vec<Finding> {
        let mut reasons = self.unusable_lists.clone();
        for HeldList { path, list } in &self.lists {
            let presented = std::iter::once(certificate).chain(&self.intermediates);
            let found = presented.filter_map(|one| revoked(one, list, path.as_deref()));
            reasons.extend(found);
        }
        reasons
    }
}

/// The finding for a certificate with the serial number of an entry.
pub(crate) fn revoked(
    certificate: &Certificate,
    list: &RevocationList,
    path: Option<&Path>,
) -> Option<Finding> {
    let own = list.revoked(certificate);
    let entry = own.or_else(|| list.revoked_serial(certificate.serial_number()))?;
    Some(Finding::Revoked {
        subject: certificate.subject(),
        serial: certificate.serial_number().to_string(),
        list: path.map(Path::to_owned),
        since: Some(entry.revoked_at()),
        reason: entry.reason(),
    })
}

/// The list in a file, or the reason why etcd cannot read it (`ParseRevocationList` in
/// `crypto/x509/parser.go`).
pub(crate) fn held_list(path: &Path, file: &[u8]) -> Result<RevocationList, Finding> {
    let refused = |reason: String| Finding::UnusableList {
        path: path.to_owned(),
        reason,
        refused: true,
    };
    if file.iter().all(|byte| *byte == 0) {
        return Err(refused("it is empty".to_owned()));
    }
    if pem::is_pem(file) {
        return Err(refused("it is PEM, and etcd reads only DER".to_owned()));
    }
    RevocationList::from_der(file).map_err(|error| refused(error.to_string()))
}

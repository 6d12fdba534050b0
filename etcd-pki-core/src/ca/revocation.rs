//! Signs revocation lists.

use super::{BACKDATE, CaAt, CertificateAuthority, SigningKey};
use crate::{
    error::Result,
    time::clock,
    x509::revocation_list::{ListBuilder, NewRevocationList, RevocationList},
};

impl CertificateAuthority {
    /// Signs a list of revoked certificates. Only this CA's own certificates can be in it, unless
    /// it is [indirect](NewRevocationList::indirect).
    ///
    /// # Errors
    ///
    /// [`Error::Malformed`](crate::Error::Malformed) for a certificate of another CA in a list that
    /// is not indirect, and for a number that is not above that of an earlier list;
    /// [`Error::InvalidValidity`](crate::Error::InvalidValidity),
    /// [`Error::Signer`](crate::Error::Signer), [`Error::Signature`](crate::Error::Signature).
    pub fn sign_revocation_list(&self, content: &NewRevocationList) -> Result<RevocationList> {
        self.at(clock::now()).sign_revocation_list(content)
    }
}

impl CaAt<'_> {
    /// Signs a list as [`CertificateAuthority::sign_revocation_list`] does, at this time.
    ///
    /// # Errors
    ///
    /// Those of [`CertificateAuthority::sign_revocation_list`].
    pub fn sign_revocation_list(&self, content: &NewRevocationList) -> Result<RevocationList> {
        let ca = self.ca;
        let now = clock::whole_seconds(self.now);
        clock::check_beginning(now)?;
        // Hosts with slow clocks refuse every certificate before this time
        let this_update = (now - BACKDATE).max(ca.certificate.not_before()).min(now);
        let list = ListBuilder {
            issuer: &ca.issuer,
            key_identifier: &ca.key_identifier,
            number: content.number(now)?,
            this_update,
            next_update: content.validity.end(now)?,
            is_indirect: content.is_indirect,
            entries: &content.entries,
        }
        .sign(ca.scheme, |bytes| ca.sign_bytes(bytes))?;
        if let SigningKey::Elsewhere(_) = ca.signer {
            list.check_issued_by(&ca.certificate)?;
        }
        Ok(list)
    }
}

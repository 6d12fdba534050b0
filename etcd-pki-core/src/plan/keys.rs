//! The keys that a plan needs.

use super::{Action, Plan};
use crate::{error::Result, key::Passphrase, store::Store};

impl Plan {
    /// Opens the keys of the authorities that it signs with, and changes nothing. [`Plan::apply`] consumes the plan; a passphrase
    /// that is wrong can be found before that.
    ///
    /// # Errors
    ///
    /// Under [`Error::File`](crate::Error::File), [`Error::EncryptedKey`](crate::Error::EncryptedKey),
    /// [`Error::WrongPassphrase`](crate::Error::WrongPassphrase) and what else
    /// [`PrivateKey::from_bytes`](crate::PrivateKey::from_bytes) refuses; [`Error::Io`](crate::Error::Io).
    pub fn check_keys(&self, store: &Store, passphrase: Option<&Passphrase>) -> Result<()> {
        let authorities = self.steps.iter().filter(|step| step.wanted.is_authority());
        let mut needed = authorities.filter(|step| match step.action {
            Action::Create => step.stamps.has_key(),
            Action::Renew => true,
            Action::Keep | Action::Mode | Action::Reissue => self.signs(step.wanted.issuer),
        });
        needed.try_for_each(|step| {
            let key = store.load_ca_key(&step.wanted.paths, passphrase);
            key.map(drop)
        })
    }
}

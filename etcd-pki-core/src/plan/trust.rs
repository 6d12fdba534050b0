//! The CA certificates that a host trusts, and those that arrive in the exchange directory.

use std::path::Path;

use super::{exchange::Refusal, here::check_ca};
use crate::{
    bundle::{all_pem, check_chain},
    certificate::Certificate,
    cluster::DesiredCa,
    error::{Error, Result},
    inspect::CurrentCa,
    store::{Attributes, Store, read_below},
};

/// What a host trusts for one of the cluster's CAs.
#[derive(Debug)]
pub(super) struct Trust {
    pub(super) desired: DesiredCa,
    pub(super) current: CurrentCa,
    /// The certificates that leaves are compared with; none if the host has no CA yet
    pub(super) bundle: Vec<Certificate>,
    /// The bundle that arrived and is installed, in PEM
    pub(super) arrived: Option<String>,
}

impl Trust {
    /// Reads a CA on its host and in the exchange directory. What arrived is accepted if the host has
    /// no CA, or if it is a later certificate of the same key.
    pub(super) fn read(
        desired: DesiredCa,
        store: &Store,
        folder: &Path,
        permissions: &Attributes,
        refused: &mut Vec<Refusal>,
    ) -> Result<Self> {
        let paths = desired.paths.below(store.directory());
        let common_name = desired.common_name();
        let current = CurrentCa::read(&paths, &desired.paths, common_name.as_deref(), permissions)?;
        if let Some(certificate) = current.certificate() {
            check_ca(&desired, &paths, certificate, None)?;
        }
        let path = folder.join(&desired.paths.certificate);
        let arrived = arrived(&desired, folder).unwrap_or_else(|error| {
            refused.push(Refusal::of(path.clone(), error));
            Vec::new()
        });
        let is_new = match (current.certificate(), arrived.first()) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(here), Some(there)) if there.public_key() != here.public_key() => {
                refused.push(Refusal::new(
                    path,
                    format_args!(
                        "another CA than {}, which is trusted here; replace that file by hand to trust the other CA",
                        paths.certificate.display()
                    ),
                ));
                false
            }
            // An older one was left from before the renewal
            (Some(here), Some(there)) => there.not_before() > here.not_before(),
        };
        let (bundle, arrived) = if is_new {
            let text = all_pem(&arrived)?;
            (arrived, Some(text))
        } else {
            (current.bundle.clone(), None)
        };
        Ok(Self {
            desired,
            current,
            bundle,
            arrived,
        })
    }

    /// The certificate of the CA that signs leaves.
    pub(super) fn certificate(&self) -> Option<&Certificate> {
        match &self.arrived {
            Some(_) => self.bundle.first(),
            None => self.current.certificate(),
        }
    }
}

/// The certificates that arrived for a CA, its own first, if they are what they should be.
fn arrived(desired: &DesiredCa, folder: &Path) -> Result<Vec<Certificate>> {
    let Some(bytes) = read_below(folder, &desired.paths.certificate)? else {
        return Ok(Vec::new());
    };
    let all = Certificate::all_from_bytes(&bytes)?;
    let Some((first, above)) = all.split_first() else {
        return Ok(Vec::new());
    };
    let paths = desired.paths.below(folder);
    check_ca(desired, &paths, first, None).map_err(|error| match error {
        Error::AnotherAuthority { found, wanted, .. } => Error::malformed(
            "CA certificate",
            format_args!("it is {found}, and the specification gives {wanted}"),
        ),
        error => error,
    })?;
    if first.is_self_issued() {
        first.check_issued_by(first)?;
    } else {
        check_chain(first, above)?;
    }
    Ok(all)
}

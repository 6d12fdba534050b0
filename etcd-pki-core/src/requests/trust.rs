//! The authority's certificate, as it travels to a host and is trusted there.

use std::path::Path;

use super::Refusal;
use crate::{
    bundle::{all_pem, check_chain},
    certificate::Certificate,
    cluster::Wanted,
    error::{Error, Result},
    layout::CaKind,
    plan::check_authority_certificate,
    store::{Store, look, read_below},
};

/// What a host trusts for one of the cluster's authorities.
#[derive(Debug)]
pub(super) struct Trust {
    pub(super) wanted: Wanted,
    /// That by which leaves are judged; none was found here, and none has come
    pub(super) certificate: Option<Certificate>,
    /// What has come and is to be put in its place, in PEM
    pub(super) arrived: Option<String>,
}

impl Trust {
    /// Looks for an authority on its host, and among what came. What is there is believed; what came is taken where there is
    /// none, or where it is a later certificate of the same key.
    pub(super) fn find(
        wanted: Wanted,
        store: &Store,
        travelling: &Path,
        refused: &mut Vec<Refusal>,
    ) -> Result<Self> {
        let directory = store.directory();
        let here = match look(&directory.join(&wanted.paths.certificate))? {
            Some((bytes, _)) => {
                let path = directory.join(&wanted.paths.certificate);
                let mut all =
                    Certificate::all_from_bytes(&bytes).map_err(|error| error.in_file(&path))?;
                let first = all.swap_remove(0);
                check_authority_certificate(&wanted, directory, &first)?;
                Some(first)
            }
            None => None,
        };
        let came = arrived(&wanted, travelling).unwrap_or_else(|error| {
            let path = travelling.join(&wanted.paths.certificate);
            refused.push(Refusal::of(path, error));
            None
        });
        let (certificate, arrived) = match (here, came) {
            (here, None) => (here, None),
            (None, Some(all)) => (all.first().cloned(), Some(all_pem(&all)?)),
            (Some(here), Some(all)) => {
                let came = all.first().filter(|came| **came != here);
                match came {
                    Some(came) if came.public_key() != here.public_key() => {
                        refused.push(Refusal::new(
                            travelling.join(&wanted.paths.certificate),
                            format_args!(
                                "another authority than {}, which is trusted here; replace that by hand if it is meant",
                                directory.join(&wanted.paths.certificate).display()
                            ),
                        ));
                        (Some(here), None)
                    }
                    // An older one has been lying there since before the renewal
                    Some(came) if came.not_before() > here.not_before() => {
                        (Some(came.clone()), Some(all_pem(&all)?))
                    }
                    _ => (Some(here), None),
                }
            }
        };
        Ok(Self {
            wanted,
            certificate,
            arrived,
        })
    }

    pub(super) fn issuer(&self) -> CaKind {
        self.wanted.issuer
    }
}

/// The certificates that came for an authority, its own first, if they are what they should be.
fn arrived(wanted: &Wanted, travelling: &Path) -> Result<Option<Vec<Certificate>>> {
    let Some(bytes) = read_below(travelling, &wanted.paths.certificate)? else {
        return Ok(None);
    };
    let all = Certificate::all_from_bytes(&bytes)?;
    let Some((first, above)) = all.split_first() else {
        return Ok(None);
    };
    check_authority_certificate(wanted, travelling, first).map_err(|error| match error {
        Error::AnotherAuthority { found, wanted, .. } => Error::malformed(
            "authority's certificate",
            format_args!("it is {found}, and the specification says {wanted}"),
        ),
        error => error,
    })?;
    if first.is_self_issued() {
        first.check_issued_by(first)?;
    } else {
        check_chain(first, above)?;
    }
    Ok(Some(all))
}

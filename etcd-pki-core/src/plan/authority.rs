//! What is to be done with an authority: it is made where there is none, and never in the place of another.

use std::time::SystemTime;

use super::{
    Action, Cause, Step, decision,
    found::{Found, Part},
    planning::kept_until,
    surplus,
};
use crate::{
    certificate::Certificate,
    cluster::{Issuer, Wanted},
    error::{Error, Result},
    key::PublicKey,
    layout::PairPaths,
    store::{Attributes, Store},
};

/// What is to be done with an authority, and the certificate by which leaves are judged if it is there.
pub(super) fn authority_step<'a, L>(
    wanted: Wanted,
    store: &Store,
    attributes: &Attributes,
    leaves: impl Fn() -> L,
    now: SystemTime,
) -> Result<(Step, Option<Certificate>)>
where
    L: Iterator<Item = &'a (Wanted, Found)>,
{
    let found = Found::of(&wanted, store, attributes)?;
    let paths = wanted.paths.below(store.directory());
    let (action, causes, certificate) = match (&found.certificate, &found.key) {
        (Part::Absent, Part::Absent) => {
            // A rebuilt host must not make a new authority beside what the old one signed
            let orphan = leaves()
                .find(|(_, leaf)| matches!(leaf.certificate, Part::Present(_)))
                .map(|(leaf, _)| leaf.paths.certificate.clone());
            let orphan = match (orphan, wanted.issuer) {
                (None, Issuer::Cluster) => surplus::any(store)?,
                (orphan, _) => orphan,
            };
            if let Some(path) = orphan {
                return Err(Error::AuthorityExists {
                    directory: store.directory().to_owned(),
                    found: format!("{}, which another authority has signed", path.display()),
                });
            }
            let causes = vec![Cause::MissingKey, Cause::MissingCertificate];
            (Action::Create, causes, None)
        }
        (Part::Present(certificate), key) => {
            check_authority(&wanted, &paths, certificate, key)?;
            let (mut action, causes) = decision::authority(&wanted, certificate, &found, now);
            if action == Action::Renew && matches!(key, Part::Absent) {
                // Its key is elsewhere, and so is its renewal
                action = Action::Keep;
            }
            (action, causes, Some(certificate.clone()))
        }
        (Part::Unusable(reason), _) => {
            return Err(Error::malformed("authority", reason));
        }
        (Part::Absent, _) => {
            return Err(Error::AuthorityExists {
                directory: store.directory().to_owned(),
                found: format!("{} without its certificate", wanted.paths.key.display()),
            });
        }
    };
    let keeps_serial = certificate.as_ref().is_some_and(|authority| {
        leaves().any(|(_, leaf)| match &leaf.certificate {
            Part::Present(leaf) => leaf.names_issuer_by_serial(authority.serial_number()),
            _ => false,
        })
    });
    let step = Step {
        due: kept_until(action, &wanted, certificate.as_ref()),
        not_after: certificate.as_ref().map(Certificate::not_after),
        hard_links: found.hard_links,
        key: None,
        keeps_serial,
        stamps: found.stamps,
        wanted,
        paths,
        action,
        causes,
    };
    Ok((step, certificate))
}

/// Refuses an authority that cannot be the one that is wanted.
pub(super) fn check_authority(
    wanted: &Wanted,
    paths: &PairPaths,
    certificate: &Certificate,
    key: &Part<PublicKey>,
) -> Result<()> {
    if !certificate.is_authority() {
        return Err(Error::NotAnAuthority {
            subject: certificate.subject(),
            reason: "its basicConstraints do not say CA:TRUE".to_owned(),
        }
        .in_file(&paths.certificate));
    }
    let common_name = wanted.identity.common_name(str::to_owned)?;
    if certificate.common_name() != common_name {
        return Err(Error::AnotherAuthority {
            path: paths.certificate.clone(),
            found: certificate.subject(),
            wanted: common_name.unwrap_or_default(),
        });
    }
    match key {
        Part::Present(key) if certificate.public_key() != key => Err(Error::KeyMismatch {
            expected: certificate.public_key().fingerprint_sha256(),
            found: key.fingerprint_sha256(),
        }
        .in_file(&paths.key)),
        // An encrypted key is looked at when something is to be signed
        _ => Ok(()),
    }
}

//! What is to be done with an authority: it is made where there is none, and never in the place of another.

use std::time::SystemTime;

use super::{
    Action, Cause, Step, decision,
    found::{Found, Part},
    planning::{Leaf, kept_until},
    record::Marker,
    surplus,
};
use crate::{
    certificate::Certificate,
    cluster::{Issuer, Wanted},
    error::{Error, Result},
    key::PublicKey,
    layout::PairPaths,
    store::{Attributes, Stamp, Store},
};

/// An authority that is wanted, and what there is of it.
pub(super) struct Authority {
    wanted: Wanted,
    found: Found,
    /// By which what it has signed is marked, if its key can be read
    pub(super) marker: Option<Marker>,
}

impl Authority {
    /// Looks for an authority, and refuses one that cannot be the one that is wanted.
    pub(super) fn find(wanted: Wanted, store: &Store, attributes: &Attributes) -> Result<Self> {
        let (found, key) = Found::of_authority(&wanted, store, attributes)?;
        match (&found.certificate, &found.key) {
            (Part::Absent, Part::Absent) => {}
            (Part::Present(certificate), key) => {
                let paths = wanted.paths.below(store.directory());
                check_authority(&wanted, &paths, certificate, key)?;
            }
            (Part::Unusable(reason), _) => {
                return Err(Error::malformed("authority", reason));
            }
            (Part::Absent, _) => {
                return Err(Error::AuthorityExists {
                    directory: store.directory().to_owned(),
                    found: format!("{} without its certificate", wanted.paths.key.display()),
                    layout: None,
                });
            }
        }
        Ok(Self {
            marker: key.as_ref().and_then(Marker::of),
            wanted,
            found,
        })
    }

    pub(super) fn issuer(&self) -> Issuer {
        self.wanted.issuer
    }

    /// The certificate by which leaves are judged, if it is there.
    pub(super) fn certificate(&self) -> Option<&Certificate> {
        match &self.found.certificate {
            Part::Present(certificate) => Some(certificate),
            _ => None,
        }
    }

    /// Whether it was not there when it was looked for, and is now.
    pub(super) fn has_appeared(&self, store: &Store) -> Result<bool> {
        let paths = self.wanted.paths.below(store.directory());
        Ok(self.certificate().is_none() && Stamp::of(&paths.certificate)?.is_some())
    }

    /// What is to be done with it, beside the leaves that are to be its own.
    pub(super) fn step<'a>(
        self,
        store: &Store,
        mut leaves: impl Iterator<Item = &'a Leaf>,
        now: SystemTime,
    ) -> Result<Step> {
        let Some(certificate) = self.certificate() else {
            self.check_orphans(store, leaves)?;
            let causes = vec![Cause::MissingKey, Cause::MissingCertificate];
            return Ok(self.into_step(store, Action::Create, causes));
        };
        let (mut action, causes) = decision::authority(&self.wanted, certificate, &self.found, now);
        if action == Action::Renew && matches!(self.found.key, Part::Absent) {
            // Its key is elsewhere, and so is its renewal
            action = decision::of_modes(&self.found);
        }
        let serial = certificate.serial_number().as_bytes();
        let keeps_serial = leaves.any(|leaf| leaf.authority_serial.as_deref() == Some(serial));
        Ok(Step {
            keeps_serial,
            ..self.into_step(store, action, causes)
        })
    }

    /// A rebuilt host must not make a new authority beside what the old one signed.
    fn check_orphans<'a>(
        &self,
        store: &Store,
        mut leaves: impl Iterator<Item = &'a Leaf>,
    ) -> Result<()> {
        if self.wanted.issuer == Issuer::Cluster {
            let common_name = self.wanted.identity.common_name(str::to_owned)?;
            store.check_other_layout(common_name.as_deref())?;
        }
        let orphan = leaves
            .find(|leaf| leaf.has_certificate)
            .map(|leaf| leaf.wanted().paths.certificate.clone());
        let orphan = match (orphan, self.wanted.issuer) {
            (None, Issuer::Cluster) => surplus::any(store)?,
            (orphan, _) => orphan,
        };
        let Some(path) = orphan else { return Ok(()) };
        Err(Error::AuthorityExists {
            directory: store.directory().to_owned(),
            found: format!("{}, which another authority has signed", path.display()),
            layout: None,
        })
    }

    fn into_step(self, store: &Store, action: Action, causes: Vec<Cause>) -> Step {
        let certificate = self.certificate();
        Step {
            due: kept_until(action, &self.wanted, certificate),
            not_after: certificate.map(Certificate::not_after),
            paths: self.wanted.paths.below(store.directory()),
            hard_links: self.found.hard_links,
            key: None,
            keeps_serial: false,
            stamps: self.found.stamps,
            wanted: self.wanted,
            action,
            causes,
        }
    }
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

//! What is to be done with an authority: it is made where there is none, and never in the place of another.

use std::time::SystemTime;

use super::{
    Action, Cause, Step,
    create::check_orphans,
    decision::{self, Signatory},
    found::{Found, Part},
    planning::{Leaf, kept_until},
    record::Marker,
};
use crate::{
    certificate::Certificate,
    cluster::{ClusterAuthority, Wanted},
    error::{Error, Result},
    key::PublicKey,
    layout::{CaKind, PairPaths},
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
            // The key alone is that of an authority whose making was cut off, or of one that has signed what is there
            (Part::Absent, _) => {}
            (Part::Present(certificate), key) => {
                let paths = wanted.paths.below(store.directory());
                check_authority(&wanted, &paths, certificate, key)?;
            }
            (Part::Unusable(cause), _) => {
                return Err(Error::malformed("authority", cause));
            }
        }
        Ok(Self {
            marker: key.as_ref().and_then(Marker::of),
            wanted,
            found,
        })
    }

    pub(super) fn issuer(&self) -> CaKind {
        self.wanted.issuer
    }

    /// The certificate by which leaves are judged, if it is there.
    pub(super) fn certificate(&self) -> Option<&Certificate> {
        match &self.found.certificate {
            Part::Present(certificate) => Some(certificate),
            _ => None,
        }
    }

    /// What its leaves are judged by, if it is there.
    pub(super) fn signatory(&self, now: SystemTime) -> Option<Signatory<'_>> {
        self.certificate().map(|certificate| Signatory {
            certificate,
            is_renewed: self.decide(certificate, now).0 == Action::Renew,
        })
    }

    /// What is done with one that is there. If its key is elsewhere, so is its renewal.
    fn decide(&self, certificate: &Certificate, now: SystemTime) -> (Action, Vec<Cause>) {
        match decision::authority(&self.wanted, certificate, &self.found, now) {
            (Action::Renew, causes) if matches!(self.found.key, Part::Absent) => {
                (decision::of_modes(&self.found), causes)
            }
            decided => decided,
        }
    }

    /// Whether it was not there when it was looked for, and is now.
    pub(super) fn has_appeared(&self, store: &Store) -> Result<bool> {
        let paths = self.wanted.paths.below(store.directory());
        Ok(self.certificate().is_none() && Stamp::of(&paths.certificate)?.is_some())
    }

    /// What is to be done with it, beside the leaves that are to be its own, and what was `said` of it.
    pub(super) fn step<'a>(
        self,
        store: &Store,
        said: &ClusterAuthority,
        mut leaves: impl Iterator<Item = &'a Leaf>,
        now: SystemTime,
    ) -> Result<Step> {
        let Some(certificate) = self.certificate() else {
            let signed = leaves
                .find(|leaf| leaf.has_certificate)
                .map(|leaf| leaf.wanted().paths.certificate.clone());
            let has_key = self.found.stamps.has_key();
            check_orphans(&self.wanted, has_key, store, signed)?;
            let causes = match &self.found.key {
                Part::Absent => vec![Cause::MissingKey, Cause::MissingCertificate],
                Part::Present(key) => [Cause::MissingCertificate]
                    .into_iter()
                    .chain(other_algorithm(key, said))
                    .collect(),
                Part::Unusable(_) => vec![Cause::MissingCertificate],
            };
            return Ok(self.into_step(store, Action::Create, causes));
        };
        let (action, mut causes) = self.decide(certificate, now);
        if matches!(action, Action::Keep | Action::Mode) {
            causes.extend(never_changed(certificate, said));
        }
        let serial = certificate.serial_number().as_bytes();
        let keeps_serial = leaves.any(|leaf| leaf.authority_serial.as_deref() == Some(serial));
        Ok(Step {
            keeps_serial,
            ..self.into_step(store, action, causes)
        })
    }

    fn into_step(self, store: &Store, action: Action, causes: Vec<Cause>) -> Step {
        let certificate = self.certificate();
        Step {
            due: kept_until(action, &self.wanted, certificate),
            not_before: certificate.map(Certificate::not_before),
            not_after: certificate.map(Certificate::not_after),
            ends_with_authority: false,
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

/// What was said of an authority that is there and is otherwise. It stays so: another would not be trusted.
fn never_changed(certificate: &Certificate, said: &ClusterAuthority) -> Vec<Cause> {
    let found = certificate.organizations();
    let organization = said
        .organization()
        .filter(|organization| found != [*organization]);
    let organization = organization.map(|wanted| Cause::Organization {
        found: found.clone(),
        wanted: Some(wanted.to_owned()),
    });
    let algorithm = other_algorithm(certificate.public_key(), said);
    algorithm.into_iter().chain(organization).collect()
}

/// Another algorithm than the one that was said of an authority's key.
fn other_algorithm(key: &PublicKey, said: &ClusterAuthority) -> Option<Cause> {
    let wanted = said.key_algorithm()?;
    let is_met = key.algorithm().is_some_and(|found| wanted.is_met_by(found));
    (!is_met).then(|| Cause::Algorithm {
        found: key.algorithm_name().to_owned(),
        wanted: wanted.name().to_owned(),
    })
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

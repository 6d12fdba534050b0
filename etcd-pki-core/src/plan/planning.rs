//! Reading what is in a directory, and deciding what is to be done there.

use std::{collections::HashMap, time::SystemTime};

use rayon::prelude::*;

use super::{
    Action, Plan, Step,
    authority::authority_step,
    decision::{self, leaf_profile},
    found::{Found, Part},
    surplus,
};
use crate::{
    certificate::Certificate,
    clock,
    cluster::{Cluster, ClusterFiles, Wanted},
    error::{Error, Result},
    key::PublicKey,
    store::{Attributes, Store, group, user},
};

impl Cluster {
    /// Reads what is in a directory and decides what is to be done there. Nothing is written.
    ///
    /// # Errors
    ///
    /// [`Error::AuthorityExists`] if certificates are there and their authority is not; [`Error::KeyMismatch`],
    /// [`Error::NotAnAuthority`] and [`Error::AnotherAuthority`] for an authority that cannot be the specification's;
    /// [`Error::Io`] for what cannot be read.
    pub fn plan(&self, store: &Store) -> Result<Plan> {
        self.plan_for(store, None, clock::now())
    }

    /// Plans as [`Cluster::plan`] does, for one host's own directory, or at another instant.
    ///
    /// # Errors
    ///
    /// As [`Cluster::plan`], and [`Error::InvalidName`] for a host that is none of the cluster's.
    pub fn plan_for(&self, store: &Store, host: Option<&str>, now: SystemTime) -> Result<Plan> {
        let attributes = attributes(self.files())?;
        let (authorities, leaves): (Vec<_>, Vec<_>) = self
            .wanted(host)?
            .into_iter()
            .partition(Wanted::is_authority);
        let found = leaves
            .into_par_iter()
            .map(|wanted| {
                let found = Found::of(&wanted, store, &attributes)?;
                Ok((wanted, found))
            })
            .collect::<Result<Vec<_>>>()?;

        let mut signers = HashMap::new();
        let mut steps = Vec::with_capacity(found.len() + authorities.len());
        for wanted in authorities {
            let issuer = wanted.issuer;
            let of_this = || found.iter().filter(|(leaf, _)| leaf.issuer == issuer);
            let (step, certificate) = authority_step(wanted, store, &attributes, of_this, now)?;
            signers.extend(certificate.map(|certificate| (issuer, certificate)));
            steps.push(step);
        }
        let surplus = match host {
            // One host's directory may hold what others gave it
            Some(_) => Vec::new(),
            None => {
                let wanted = found.iter().map(|(wanted, _)| &wanted.paths);
                let signers: Vec<_> = signers.values().collect();
                surplus::find(store, wanted, &signers)?
            }
        };
        let shared = shared_keys(&found);
        let leaves = found
            .into_par_iter()
            .map(|(wanted, found)| {
                let signer = signers.get(&wanted.issuer);
                leaf_step(wanted, found, store, signer, &shared, now)
            })
            .collect::<Result<Vec<_>>>()?;
        steps.extend(leaves);
        Ok(Plan {
            directory: store.directory().to_owned(),
            steps,
            surplus,
            prunes: false,
            attributes,
        })
    }
}

/// The owner, group and modes that a specification says, its names looked up on this host.
pub(super) fn attributes(files: &ClusterFiles) -> Result<Attributes> {
    Ok(Attributes {
        owner: files.owner().map(user).transpose()?,
        group: files.group().map(group).transpose()?,
        key_mode: files.key_mode(),
        certificate_mode: files.certificate_mode(),
        directory_mode: files.directory_mode(),
        backup: false,
    })
}

fn leaf_step(
    wanted: Wanted,
    found: Found,
    store: &Store,
    signer: Option<&Certificate>,
    shared: &HashMap<PublicKey, usize>,
    now: SystemTime,
) -> Result<Step> {
    let Some(profile) = leaf_profile(&wanted) else {
        return Err(Error::malformed("plan", "an authority among the leaves"));
    };
    let is_shared = match &found.key {
        Part::Present(key) => shared.get(key).is_some_and(|count| *count > 1),
        _ => false,
    };
    let (action, causes) = decision::leaf(&wanted, profile, &found, signer, is_shared, now)?;
    let certificate = match &found.certificate {
        Part::Present(certificate) => Some(certificate),
        _ => None,
    };
    Ok(Step {
        due: kept_until(action, &wanted, certificate),
        not_after: certificate.map(Certificate::not_after),
        paths: wanted.paths.below(store.directory()),
        key: match found.key {
            Part::Present(key) => Some(key),
            _ => None,
        },
        hard_links: found.hard_links,
        keeps_serial: false,
        stamps: found.stamps,
        wanted,
        action,
        causes,
    })
}

/// From when on what is kept will be due.
pub(super) fn kept_until(
    action: Action,
    wanted: &Wanted,
    certificate: Option<&Certificate>,
) -> Option<SystemTime> {
    let certificate = certificate.filter(|_| matches!(action, Action::Keep | Action::Mode))?;
    let (begin, end) = (certificate.not_before(), certificate.not_after());
    Some(wanted.renew_before.begins(begin, end))
}

/// How many pairs have each key.
pub(super) fn shared_keys(found: &[(Wanted, Found)]) -> HashMap<PublicKey, usize> {
    let mut counts = HashMap::with_capacity(found.len());
    for (_, found) in found {
        if let Part::Present(key) = &found.key {
            *counts.entry(key.clone()).or_insert(0) += 1;
        }
    }
    counts
}

//! A pair judged by a plan's own decisions where its key and its certificate are in different places, as where requests travel.

use std::{path::Path, time::SystemTime};

use super::{
    Action, Cause,
    authority::check_authority,
    decision::{self, Signatory, leaf_profile},
    found::{Found, Part, Stamps},
    links,
    planning::attributes,
    sharing::need_own_keys,
};
use crate::{
    certificate::Certificate,
    cluster::{ClusterFiles, Wanted},
    error::{Error, Result},
    key::PublicKey,
    profile::Profile,
    store::{Attributes, Store},
};

/// What is wanted of a leaf, and what there is of it.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) wanted: Wanted,
    found: Found,
    key_is_shared: bool,
}

impl Pair {
    /// Looks for the pairs of what is wanted.
    pub(crate) fn find(
        wanted: Vec<Wanted>,
        store: &Store,
        attributes: &Attributes,
    ) -> Result<Vec<Self>> {
        let found = wanted
            .into_iter()
            .map(|wanted| {
                let found = Found::of(&wanted, store, attributes, None)?;
                Ok((wanted, found))
            })
            .collect::<Result<Vec<_>>>()?;
        let keys = found.iter().map(|(_, found)| found.key.present());
        // Whoever signs refuses an authority's key
        let shared = need_own_keys(std::iter::empty(), keys, |index| {
            let key = store.directory().join(&found[index].0.paths.key);
            links::target_within(store.directory(), &key).is_some()
        });
        let pairs = found
            .into_iter()
            .enumerate()
            .map(|(index, (wanted, found))| Self {
                key_is_shared: shared.contains(&index),
                wanted,
                found,
            });
        Ok(pairs.collect())
    }

    /// What a plan would do with it in this directory, and why. Links are in the way, for none is replaced.
    pub(crate) fn judge(
        &self,
        directory: &Path,
        ca: Option<&Certificate>,
        now: SystemTime,
    ) -> Result<(Action, Vec<Cause>)> {
        let profile = profile(&self.wanted)?;
        let (action, mut causes) = decision::leaf(
            &self.wanted,
            profile,
            &self.found,
            ca.map(Signatory::from),
            self.key_is_shared,
            now,
        )?;
        let paths = self.wanted.paths.below(directory);
        let links = links::in_the_way(directory, &paths, action).into_iter();
        causes.extend(links.map(links::never_replaced));
        Ok((action, causes))
    }

    /// The certificate that is there.
    pub(crate) fn certificate(&self) -> Option<&Certificate> {
        self.found.certificate.present()
    }

    /// The key that is there.
    pub(crate) fn key(&self) -> Option<&PublicKey> {
        self.found.key.present()
    }

    /// Whether there is a file in the key's place, whatever it holds.
    pub(crate) fn has_key_file(&self) -> bool {
        !matches!(self.found.key, Part::Absent)
    }

    /// The files with further names.
    pub(crate) fn hard_links(&self) -> &[std::path::PathBuf] {
        &self.found.hard_links
    }

    /// Fails if the files are not as they were when they were looked at.
    pub(crate) fn check_unchanged(&self, directory: &Path) -> Result<()> {
        self.found.stamps.check(&self.wanted.paths.below(directory))
    }
}

/// What a plan would do with a key and a certificate that are not in one directory, and why.
pub(crate) fn judge(
    wanted: &Wanted,
    key: &PublicKey,
    certificate: Option<&Certificate>,
    ca: Option<&Certificate>,
    now: SystemTime,
) -> Result<(Action, Vec<Cause>)> {
    let found = Found {
        certificate: certificate.map_or(Part::Absent, |one| Part::Present(one.clone())),
        key: Part::Present(key.clone()),
        modes: Vec::new(),
        stamps: Stamps::default(),
        hard_links: Vec::new(),
        mark: None,
        was_checked: false,
    };
    let ca = ca.map(Signatory::from);
    decision::leaf(wanted, profile(wanted)?, &found, ca, false, now)
}

/// The profile of what is no authority.
pub(crate) fn profile(wanted: &Wanted) -> Result<&Profile> {
    leaf_profile(wanted)
        .ok_or_else(|| Error::malformed("plan", "an authority in the place of a leaf"))
}

/// The owner, group and modes that a specification says.
pub(crate) fn attributes_of(files: &ClusterFiles) -> Result<Attributes> {
    attributes(files)
}

/// Refuses a certificate that cannot be the authority that is wanted.
pub(crate) fn check_authority_certificate(
    wanted: &Wanted,
    directory: &Path,
    certificate: &Certificate,
) -> Result<()> {
    let paths = wanted.paths.below(directory);
    check_authority(wanted, &paths, certificate, &Part::Absent)
}

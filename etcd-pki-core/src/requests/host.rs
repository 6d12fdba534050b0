//! What is to be done on a host: keys to make, requests to write, certificates to install.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{
    Refusal, check_apart,
    host_step::{HostAction, HostStep},
    trust::Trust,
};
use crate::{
    cluster::{Cluster, Wanted},
    error::Result,
    plan::{Pair, attributes_of},
    store::{Attributes, Store},
};

/// What is to be done on a host whose keys stay there. It was made by reading, and [`HostPlan::apply`] consumes it.
#[derive(Debug)]
#[must_use]
pub struct HostPlan {
    pub(super) directory: PathBuf,
    /// The host's folder among what travels
    pub(super) folder: PathBuf,
    pub(super) trusts: Vec<Trust>,
    pub(super) steps: Vec<HostStep>,
    pub(super) attributes: Attributes,
    refused: Vec<Refusal>,
}

impl HostPlan {
    /// The host's folder among what travels.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Every pair of the host, also those that are kept: its members', then its nodes'.
    #[must_use]
    pub fn steps(&self) -> &[HostStep] {
        &self.steps
    }

    /// The pairs that are not as they should be, those that wait for their certificates among them.
    pub fn changes(&self) -> impl Iterator<Item = &HostStep> {
        let steps = self.steps.iter();
        steps.filter(|step| step.action != HostAction::Keep)
    }

    /// The authorities' certificates that came and are to be trusted from now on: where each goes, and its SHA-256.
    pub fn trusted(&self) -> impl Iterator<Item = (PathBuf, String)> {
        self.trusts.iter().filter_map(|trust| {
            trust.arrived.as_ref()?;
            let path = self.directory.join(&trust.wanted.paths.certificate);
            Some((path, trust.certificate.as_ref()?.fingerprint_sha256()))
        })
    }

    /// What came and is not taken.
    #[must_use]
    pub fn refused(&self) -> &[Refusal] {
        &self.refused
    }

    /// Whether carrying it out would change nothing.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.trusted().next().is_none() && self.work().next().is_none()
    }

    /// The changes that are not waited for.
    pub(super) fn work(&self) -> impl Iterator<Item = &HostStep> {
        self.changes()
            .filter(|step| step.action != HostAction::Wait)
    }
}

impl Cluster {
    /// Reads what a host has, and what has come for it into its folder of a travelling directory, and decides what is to be done
    /// there: which keys to make, which certificates to request, which to install. Nothing is written, and no key of an
    /// authority is needed.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`](crate::Error::InvalidName) for a host that is none of the cluster's, and for a travelling directory that is the cluster's own;
    /// [`Error::NotAnAuthority`](crate::Error::NotAnAuthority) and [`Error::AnotherAuthority`](crate::Error::AnotherAuthority) for a trusted certificate that cannot be the specification's;
    /// [`Error::Io`](crate::Error::Io) for what cannot be read. What came and is not as it should be is no error: [`HostPlan::refused`] tells it. Nor is
    /// what is in the way of a pair: [`HostStep::causes`] tells it, and [`HostPlan::apply`] fails for that pair.
    pub fn plan_host(
        &self,
        store: &Store,
        host: &str,
        travelling: &Path,
        now: SystemTime,
    ) -> Result<HostPlan> {
        let attributes = attributes_of(self.files())?;
        let wanted = self.wanted(Some(host))?;
        let folder = travelling.join(host);
        check_apart(store, &folder)?;
        check_apart(store, travelling)?;
        let (authorities, leaves): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(Wanted::is_authority);
        let mut refused = Vec::new();
        let trusts = authorities
            .into_iter()
            .map(|wanted| Trust::find(wanted, store, &folder, &mut refused))
            .collect::<Result<Vec<_>>>()?;
        let steps = Pair::find(leaves, store, &attributes)?
            .into_iter()
            .map(|pair| {
                let trust = trusts
                    .iter()
                    .find(|trust| trust.issuer() == pair.wanted.issuer);
                HostStep::of(pair, store, &folder, trust, &mut refused, now)
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(HostPlan {
            directory: store.directory().to_owned(),
            folder,
            trusts,
            steps,
            attributes,
            refused,
        })
    }
}

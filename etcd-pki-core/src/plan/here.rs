//! Plans the pairs of a directory, with the CAs that sign them.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::SystemTime,
};

use rayon::prelude::*;

use super::{
    Action, Contents, Mode, Plan, PlanOptions, PlannedCa, Prune, Step, Target,
    ca::Ca,
    cache::{Cache, Mark, NextCache},
    current::Current,
    decide::{self, Decision, SigningCa},
    links::{links, put_unusable_links_first, target_within},
    lists::{CurrentLists, creates_ca},
    other_cas::OtherCas,
    permissions,
    shared_keys::{CaWithKey, SharedKey, shared_keys},
    unmanaged::{Unmanaged, UnmanagedPair},
    work::Work,
};
use crate::{
    cluster::{Cluster, Desired, DesiredPair},
    error::{Error, Result},
    finding::Finding,
    key::PublicKey,
    store::{Attributes, Store},
    x509::{bundle::certificates_pem, certificate::Certificate},
};

/// Plans the pairs of a directory.
pub(super) fn plan(cluster: &Cluster, store: &Store, options: &PlanOptions) -> Result<Plan> {
    let now = options.now();
    let permissions = permissions(&cluster.spec().files, options.backup)?;
    let Desired { cas, mut pairs } = match &options.host {
        Some(host) => cluster.desired_on(host)?,
        None => cluster.desired()?,
    };
    if let Some(name) = &options.only {
        only(name, &mut pairs);
        if pairs.is_empty() && options.prune.is_none() {
            return Err(nobody(name));
        }
    }
    let cas = cas
        .into_iter()
        .map(|desired| Ca::read(desired, store, &permissions, options, now))
        .collect::<Result<Vec<_>>>()?;
    let view = View {
        store,
        directory: Arc::from(store.directory()),
        permissions: &permissions,
        cas: &cas,
        cache: Cache::read(store),
        lists: CurrentLists::read(cluster, store, now)?,
        other_cas: OnceLock::new(),
        options,
        now,
    };
    let mut leaves = pairs
        .into_par_iter()
        .map(|desired| view.leaf(desired, None))
        .collect::<Result<Vec<_>>>()?;
    view.separate_shared_keys(&mut leaves)?;
    for ca in &cas {
        if ca.has_appeared(store)? {
            // Another process has created the CA since then, and has signed the leaves that were
            // read
            return plan(cluster, store, options);
        }
    }
    let is_part = options.host.is_some() || options.only.is_some();
    let unmanaged = find_unmanaged(cluster, store, options, &leaves, &cas)?;
    if let Some(name) = &options.only
        && leaves.is_empty()
        && unmanaged.pairs.is_empty()
    {
        return Err(nobody(name));
    }
    let mut removals = view.removals(&unmanaged)?;
    let View {
        cache,
        directory,
        lists,
        ..
    } = view;
    let mut steps = Vec::with_capacity(leaves.len() + cas.len());
    let mut markers = HashMap::new();
    let mut planned = Vec::new();
    for mut ca in cas {
        let kind = ca.desired.kind;
        markers.extend(ca.marker.take().map(|marker| (kind, marker)));
        planned.push(PlannedCa {
            kind,
            paths: ca.desired.paths.below(&directory),
            stamps: ca.current.stamps.clone(),
        });
        let own = || {
            let is_own = |leaf: &&Leaf| leaf.step.pair().is_some_and(|pair| pair.ca == kind);
            leaves.iter().filter(is_own)
        };
        let signed = || {
            let leaf = own().find(|leaf| leaf.has_certificate);
            Ok(leaf.map(|leaf| leaf.step.relative_paths().certificate.clone()))
        };
        let is_named = |ca: &Certificate| {
            let serial = Some(ca.serial_number().as_bytes());
            own().any(|leaf| leaf.ca_serial.as_deref() == serial)
        };
        steps.push(ca.into_step(store, &directory, signed, is_named)?);
    }
    // A plan for a part of the pairs has only a part of the marks
    let cache = (!is_part).then(|| {
        let kept = leaves.iter().filter_map(Leaf::kept_mark);
        NextCache::new(cache, kept, markers)
    });
    steps.extend(leaves.into_iter().map(|leaf| leaf.step));
    // The host with the CA keeps the lists
    if options.host.is_none() && !options.is_part {
        let removed = removals.iter().filter_map(|step| step.removed.clone());
        let removed = removed.map(|certificate| (None, certificate));
        let replaced = steps.iter().enumerate().filter_map(|(place, step)| {
            let is_replaced = step.action == Action::Reissue;
            let certificate = step.removed.clone().filter(|_| is_replaced)?;
            Some((Some(place), certificate))
        });
        let replaced = replaced.chain(removed).filter(|_| options.revoke).collect();
        let creates_ca = creates_ca(&steps);
        let step = lists.step(store, &directory, options, replaced, creates_ca)?;
        if let Some(step) = &step {
            keep_unrevoked(&lists, step, &mut steps, &mut removals, options)?;
        }
        steps.extend(step);
    }
    let mut nothing_to_prune = Vec::new();
    if let Some(prune) = &options.prune {
        steps.extend(removals);
        if let Prune::Names(names) = prune {
            let is_missing = |name: &&String| !unmanaged.pairs.iter().any(|pair| pair.is_of(name));
            nothing_to_prune.extend(names.iter().filter(is_missing).cloned());
        }
    }
    Ok(Plan(Arc::new(Contents {
        store: store.clone(),
        mode: Mode::Pairs,
        now,
        steps,
        unmanaged: unmanaged.pairs.into_iter().map(|pair| pair.paths).collect(),
        unmanaged_ca: unmanaged.ca,
        nothing_to_prune,
        refused: Vec::new(),
        hosts_without_request: Vec::new(),
        cas: planned,
        cache,
        permissions,
        records: cluster.spec().ca.record,
    })))
}

/// If the lists cannot be written, blocks the steps that remove or replace a certificate that they
/// must list: it would stay valid, and could no longer be found for its revocation.
fn keep_unrevoked(
    lists: &CurrentLists,
    of_lists: &Step,
    steps: &mut [Step],
    removals: &mut [Step],
    options: &PlanOptions,
) -> Result<()> {
    if of_lists.action != Action::Blocked {
        return Ok(());
    }
    let replacements = steps.iter_mut().map(|step| (step, false));
    let removals = removals.iter_mut().map(|step| (step, true));
    for (step, is_removal) in replacements.chain(removals) {
        let changes = matches!(step.action, Action::Remove | Action::Reissue);
        let Some(certificate) = step.removed.as_ref().filter(|_| changes) else {
            continue;
        };
        let is_requested = options.revoke && lists.must_add(certificate, options.now())?;
        if is_requested || (is_removal && lists.is_missing(certificate)) {
            step.reasons.splice(0..0, of_lists.reasons.first().cloned());
            step.block();
        }
    }
    Ok(())
}

/// Keeps only the pairs of one host or client.
fn only(name: &str, pairs: &mut Vec<DesiredPair>) {
    pairs.retain(|pair| pair.host.as_deref() == Some(name) || pair.identity.name() == Some(name));
}

/// The error for a name that the cluster does not have.
fn nobody(name: &str) -> Error {
    Error::InvalidName {
        name: name.to_owned(),
        reason: "is no host and no user of the cluster".to_owned(),
    }
}

/// The unmanaged pairs that the plan lists. A plan for one host or name only lists the pairs that
/// it removes, because one host's directory may have files from other hosts.
fn find_unmanaged(
    cluster: &Cluster,
    store: &Store,
    options: &PlanOptions,
    leaves: &[Leaf],
    cas: &[Ca],
) -> Result<Unmanaged> {
    let of_plan = leaves.iter().map(|leaf| leaf.step.relative_paths());
    let bundles: Vec<_> = cas
        .iter()
        .map(|ca| (ca.desired.kind, ca.current.bundle.as_slice()))
        .collect();
    let is_listed: Box<dyn Fn(&UnmanagedPair) -> bool> = match (&options.prune, &options.only) {
        _ if options.is_part => return Ok(Unmanaged::default()),
        (Some(Prune::Names(names)), _) if options.host.is_some() || options.only.is_some() => {
            Box::new(|pair| names.iter().any(|name| pair.is_of(name)))
        }
        (Some(Prune::All), Some(only)) if options.host.is_none() => {
            Box::new(|pair| pair.is_of(only))
        }
        (_, None) if options.host.is_none() => return Unmanaged::find(store, of_plan, &bundles),
        _ => return Ok(Unmanaged::default()),
    };
    let everything = cluster.desired()?.pairs;
    let desired = of_plan.chain(everything.iter().map(|pair| &pair.paths));
    let mut unmanaged = Unmanaged::find(store, desired, &bundles)?;
    unmanaged.pairs.retain(is_listed);
    unmanaged.ca = None;
    Ok(unmanaged)
}

/// A leaf's step, and the data that other steps need. The certificate itself is dropped, because
/// there may be thirty thousand.
struct Leaf {
    step: Step,
    /// Whether the path has a certificate
    has_certificate: bool,
    /// The serial number with which it names its CA, if it has one
    ca_serial: Option<Vec<u8>>,
    mark: Option<Mark>,
}

impl Leaf {
    /// The mark of a pair that is kept.
    fn kept_mark(&self) -> Option<Mark> {
        self.mark
            .filter(|_| matches!(self.step.action, Action::Keep | Action::Chmod))
    }
}

/// The data that each leaf is compared with.
struct View<'a> {
    store: &'a Store,
    directory: Arc<Path>,
    permissions: &'a Attributes,
    cas: &'a [Ca],
    cache: Cache,
    lists: CurrentLists,
    /// The CAs of the directory that are not CAs of the cluster. They are read when needed
    other_cas: OnceLock<OtherCas>,
    options: &'a PlanOptions,
    now: SystemTime,
}

impl View<'_> {
    /// Reads a pair and decides what to do with it.
    fn leaf(&self, desired: DesiredPair, shared: Option<SharedKey>) -> Result<Leaf> {
        let ca = self.cas.iter().find(|ca| ca.desired.kind == desired.ca);
        let marker = ca.and_then(|ca| ca.marker.as_ref());
        let known = marker.map(|marker| (marker, &self.cache));
        let mut current = Current::read(&self.directory, &desired.paths, self.permissions, known)?;
        let list = self.store.layout().revocation_lists().der;
        current.revoked = current
            .certificate
            .present()
            .and_then(|certificate| self.lists.revoked(certificate, &list));
        let signing = ca.and_then(Ca::signing);
        let decide = |shared: Option<&SharedKey>| {
            decide::pair(
                &desired,
                &current,
                signing,
                shared,
                self.options.rekey,
                self.now,
            )
        };
        let mut decision = decide(shared.as_ref())?;
        if let Some(ca) = self.ca_with_key(&current, decision.action)
            && shared.is_none()
        {
            decision = decide(Some(&SharedKey::of_ca(ca)))?;
        }
        let Decision {
            action,
            mut reasons,
            rechains,
        } = decision;
        let certificate = current.certificate.present();
        let is_other_cas = !rechains
            && self.is_other_cas(&current, &desired.paths.certificate, action, &mut reasons);
        let paths = desired.paths.below(&self.directory);
        put_unusable_links_first(&self.directory, &paths, &current, &mut reasons);
        let links = links(&self.directory, &paths, action);
        let blocks = |link: &Finding| {
            !(self.options.replace_links && matches!(link, Finding::SymbolicLink { .. }))
        };
        let of_ca = match action {
            Action::Create | Action::Reissue | Action::Renew => ca.and_then(|ca| {
                if rechains {
                    ca.rotation_fault()
                } else {
                    ca.blocks(self.now)
                }
            }),
            _ => None,
        };
        let is_blocked = links.iter().any(blocks) || is_other_cas || of_ca.is_some();
        reasons.splice(0..0, of_ca);
        reasons.extend(links);
        let (not_before, not_after) = (
            certificate.map(Certificate::not_before),
            certificate.map(Certificate::not_after),
        );
        let is_kept = matches!(action, Action::Keep | Action::Chmod);
        let life = not_before.zip(not_after).filter(|_| is_kept);
        let renew_before = desired.renew_before;
        let validity = desired.profile.validity();
        let impossible_validity = decide::impossible_validity(validity, &desired.paths, self.now)
            .or_else(|| ca.and_then(Ca::cannot_be_created));
        let work = match signing.filter(|_| rechains && action == Action::Renew) {
            Some(ca) => rechained(&current, ca),
            None => work(action, &current),
        };
        let has_certificate = certificate.is_some();
        let is_replaced = self.options.revoke && action == Action::Reissue;
        let replaced = certificate.filter(|_| is_replaced).cloned();
        let ca_serial =
            certificate.and_then(|certificate| certificate.extensions().issuer_serial.clone());
        let mut step = Step {
            due: life.map(|(begin, end)| renew_before.begins(begin, end)),
            not_before,
            not_after,
            removed: replaced,
            key: current.key.into_present(),
            following: current.chain,
            hard_links: current.hard_links,
            stamps: current.stamps,
            reasons,
            ..Step::new(action, Target::Pair(desired), &self.directory, work)
        };
        if is_blocked {
            step.block();
        }
        Ok(Leaf {
            step: step.with_validity_error(impossible_validity.as_ref()),
            has_certificate,
            ca_serial,
            mark: current.mark,
        })
    }

    /// Whether a leaf certificate must not be replaced because another CA of the directory signed
    /// it, and other programs may trust that CA. If so, the reason is put first.
    fn is_other_cas(
        &self,
        current: &Current,
        path: &Path,
        action: Action,
        decided: &mut Vec<Finding>,
    ) -> bool {
        let is_written = matches!(action, Action::Renew | Action::Reissue);
        let Some(certificate) = current.certificate.present().filter(|_| is_written) else {
            return false;
        };
        let chain = &current.chain;
        self.other_cas().forbid(certificate, chain, path, decided)
    }

    fn other_cas(&self) -> &OtherCas {
        self.other_cas.get_or_init(|| {
            let cas = self.cas.iter();
            let cas: Vec<_> = cas.map(|ca| (ca.desired.kind, &ca.current)).collect();
            OtherCas::read(self.store, &cas)
        })
    }

    /// The file of a CA with the same key as a pair that would be written. Such a key must be
    /// neither certified nor replaced.
    fn ca_with_key(&self, current: &Current, action: Action) -> Option<PathBuf> {
        let is_written = matches!(action, Action::Renew | Action::Reissue);
        let key = current.key.present().filter(|_| is_written)?;
        self.other_cas().of_key(key).map(Path::to_owned)
    }

    /// The steps for the requested removals.
    fn removals(&self, unmanaged: &Unmanaged) -> Result<Vec<Step>> {
        let is_removed = |pair: &&UnmanagedPair| match &self.options.prune {
            None => false,
            Some(Prune::All) => true,
            Some(Prune::Names(names)) => names.iter().any(|name| pair.is_of(name)),
        };
        let pairs = unmanaged.pairs.iter().filter(is_removed);
        pairs.map(|pair| self.removal(pair)).collect()
    }

    fn removal(&self, pair: &UnmanagedPair) -> Result<Step> {
        let ca_of = |key: &PublicKey| self.other_cas().of_key(key).map(Path::to_owned);
        let obstacle = pair.obstacle(&self.directory, ca_of)?;
        let (action, work, removed) = match obstacle {
            Some(_) => (Action::Blocked, Work::None, None),
            None => (Action::Remove, Work::Remove, Some(pair.certificate.clone())),
        };
        let target = Target::Files(pair.paths.clone());
        Ok(Step {
            reasons: obstacle.into_iter().collect(),
            stamps: pair.stamps.clone(),
            not_before: Some(pair.certificate.not_before()),
            not_after: Some(pair.certificate.not_after()),
            removed,
            ..Step::new(action, target, &self.directory, work)
        })
    }

    /// Decides again about pairs with a key that another pair or a CA also has.
    fn separate_shared_keys(&self, leaves: &mut [Leaf]) -> Result<()> {
        let cas = self.cas.iter().flat_map(Ca::with_keys);
        let cas: Vec<CaWithKey<'_>> = cas.collect();
        let keys = leaves.iter().map(|leaf| leaf.step.key.as_ref());
        let shared = shared_keys(&cas, keys, |place| {
            let key = leaves[place].step.paths().key;
            target_within(&self.directory, &key).is_some()
        });
        for (place, shared) in shared {
            let Target::Pair(desired) = &leaves[place].step.target else {
                continue;
            };
            leaves[place] = self.leaf(desired.clone(), Some(shared))?;
        }
        Ok(())
    }
}

/// Writes the same certificate, with the certificates that should follow it.
pub(super) fn rechained(current: &Current, ca: SigningCa<'_>) -> Work {
    match current.certificate.present() {
        Some(leaf) => Work::Rechain {
            certificates: certificates_pem(leaf, &ca.chain_after(current.chain())),
        },
        None => Work::None,
    }
}

fn work(action: Action, current: &Current) -> Work {
    match (action, current.key.present()) {
        (Action::Create | Action::Reissue, _) => Work::Issue,
        (Action::Renew, Some(key)) => Work::Certify {
            key: key.clone(),
            rewrites_key: current.needs_key_rewrite(),
        },
        (Action::Chmod, _) => Work::Chmod,
        _ => Work::None,
    }
}

#[cfg(test)]
mod tests;

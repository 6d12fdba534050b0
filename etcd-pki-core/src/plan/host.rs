//! Plans a host that has its own keys: generates keys, writes requests, and installs certificates.

use std::{
    cell::LazyCell,
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use zeroize::Zeroizing;

use super::{
    Action, Contents, Mode, Plan, PlanOptions, Step, Target,
    current::Current,
    decide::{self, Decision, LinkRule, SigningCa},
    exchange::{Refusal, check_separate, request_path},
    file_renewal::key_of,
    here::rechained,
    links::{links, put_unusable_links_first, target_within},
    lists::CurrentLists,
    other_cas::OtherCas,
    permissions,
    shared_keys::{CaWithKey, SharedKey, shared_keys},
    step::Shown,
    trust::{Arrival, Trust, unmatched},
    work::{KeySource, TrustText, Work},
};
use crate::{
    cluster::{Cluster, Desired, DesiredPair},
    error::{Error, Result},
    finding::Finding,
    inspect::{Part, rules},
    key::{PrivateKey, PublicKey},
    limits,
    request::CertificateRequest,
    store::{
        Attributes, Exchange, Store, look_below, owner_of_directory, read_below, staged_key_path,
        trusted_owner, unless_too_large, user_name,
    },
    verify::refused_as_too_large,
    x509::{
        bundle::{certificates_pem, check_chain},
        certificate::Certificate,
    },
};

/// Plans a host. Reads its directory, and its folder in the exchange directory.
pub(super) fn plan(
    cluster: &Cluster,
    store: &Store,
    host: &str,
    exchange: &Path,
    options: &PlanOptions,
) -> Result<Plan> {
    let now = options.now();
    let permissions = permissions(&cluster.spec().files, options.backup)?;
    let Desired { cas, pairs } = cluster.desired_on(host)?;
    check_separate(store, &exchange.join(host))?;
    check_separate(store, exchange)?;
    let exchange = Arc::new(Exchange::open_or_make(exchange)?);
    let directory: Arc<Path> = Arc::from(store.directory());
    let mut refused = Vec::new();
    let lists = CurrentLists::read(cluster, store, now)?;
    let list = store.layout().revocation_lists().der;
    let read = |pair: &DesiredPair| {
        let mut current = Current::read(&directory, &pair.paths, &permissions, None)?;
        let certificate = current.certificate.present();
        current.revoked = certificate.and_then(|one| lists.revoked(one, &list));
        Ok(current)
    };
    let current = pairs.iter().map(read).collect::<Result<Vec<_>>>()?;
    let pairs: Vec<(DesiredPair, Current)> = pairs.into_iter().zip(current).collect();
    let arrival = Arrival {
        store,
        exchange: &exchange,
        host,
        permissions: &permissions,
        options,
        pairs: &pairs,
        now,
    };
    let trusts = cas
        .into_iter()
        .map(|desired| Trust::read(desired, &arrival, &mut refused))
        .collect::<Result<Vec<_>>>()?;
    let bundles = trusts.iter().flat_map(|trust| {
        let ca = |certificate| CaWithKey {
            path: &trust.desired.paths.certificate,
            certificate,
            has_key: false,
        };
        trust.bundle.iter().map(ca)
    });
    let bundles: Vec<CaWithKey<'_>> = bundles.collect();
    let keys = pairs.iter().map(|(_, current)| current.key.present());
    let shared = shared_keys(&bundles, keys, |place| {
        target_within(&directory, &directory.join(&pairs[place].0.paths.key)).is_some()
    });
    let mut shared: HashMap<usize, SharedKey> = shared.into_iter().collect();
    refused.extend(unmatched(&trusts, &arrival));
    let mut steps: Vec<Step> = trusts
        .iter()
        .filter_map(|trust| trust_step(trust, &directory, now))
        .collect();
    let other_cas = LazyCell::new(|| {
        let cas = trusts
            .iter()
            .map(|trust| (trust.desired.kind, &trust.current));
        let cas: Vec<_> = cas.collect();
        OtherCas::read(store, &cas).with_own(trusts.iter().flat_map(Trust::named))
    });
    for (place, (pair, current)) in pairs.into_iter().enumerate() {
        let trust = trusts.iter().find(|trust| trust.desired.kind == pair.ca);
        let mut host = HostPair {
            pair,
            current,
            ca: trust.and_then(signing),
            obstacle: trust.and_then(Trust::obstacle),
            other_cas: &other_cas,
            directory: &directory,
            permissions: &permissions,
            exchange: &exchange,
            host,
            now,
            refused: &mut refused,
        };
        steps.push(host.step(shared.remove(&place).as_ref())?);
    }
    Ok(Plan(Arc::new(Contents {
        store: store.clone(),
        mode: Mode::Host {
            folder: exchange.path().join(host),
            exchange,
            host: host.to_owned(),
        },
        now,
        steps,
        unmanaged: Vec::new(),
        unmanaged_ca: None,
        nothing_to_prune: Vec::new(),
        refused,
        hosts_without_request: Vec::new(),
        cas: Vec::new(),
        cache: None,
        permissions,
        records: false,
    })))
}

fn signing(trust: &Trust) -> Option<SigningCa<'_>> {
    Some(SigningCa {
        certificate: trust.certificate()?,
        bundle: &trust.bundle,
        path: Some(&trust.desired.paths.certificate),
        // The CA signs elsewhere
        chain: None,
        is_renewed: false,
        rotated: &trust.rotated,
        // Where the CA is, the certificates after a leaf are chosen
        link: match trust.rotated.as_slice() {
            [] => LinkRule::Refused,
            _ => LinkRule::Optional,
        },
    })
}

/// The step that installs a CA's certificates. It is blocked if none of them is trusted, or if the
/// CA has expired and no new certificate has arrived.
fn trust_step(trust: &Trust, directory: &Arc<Path>, now: SystemTime) -> Option<Step> {
    let target = Target::Ca(trust.desired.clone());
    let stamps = trust.current.stamps.clone();
    if let Some(obstacle) = trust.obstacle() {
        return Some(Step {
            reasons: vec![obstacle.clone()],
            not_after: trust.certificate().map(Certificate::not_after),
            stamps,
            ..Step::new(Action::Blocked, target, directory, Work::None)
        });
    }
    let Some(change) = &trust.change else {
        let certificate = trust.certificate();
        let expired = certificate.and_then(|one| rules::expired(one, now));
        let reasons: Vec<_> = trust.untrusted.iter().cloned().chain(expired).collect();
        return (!reasons.is_empty()).then(|| Step {
            reasons,
            not_after: certificate.map(Certificate::not_after),
            stamps,
            ..Step::new(Action::Blocked, target, directory, Work::None)
        });
    };
    let signing = trust.certificate();
    let others = trust.bundle.iter().filter(|one| Some(*one) != signing);
    let work = Work::Trust {
        certificates: TrustText::Known(change.text.clone()),
        link: None,
    };
    Some(Step {
        trusted: signing.into_iter().chain(others).map(Shown::of).collect(),
        untrusted: change.removed.iter().map(Shown::of).collect(),
        stamps,
        ..Step::new(Action::Trust, target, directory, work)
    })
}

/// A pair of the host, and the data that its step depends on.
struct HostPair<'a, F> {
    pair: DesiredPair,
    current: Current,
    ca: Option<SigningCa<'a>>,
    /// The reason why the CA's file is not trusted or not changed
    obstacle: Option<&'a Finding>,
    other_cas: &'a LazyCell<OtherCas, F>,
    directory: &'a Arc<Path>,
    permissions: &'a Attributes,
    exchange: &'a Exchange,
    host: &'a str,
    now: SystemTime,
    refused: &'a mut Vec<Refusal>,
}

impl<F: FnOnce() -> OtherCas> HostPair<'_, F> {
    fn step(&mut self, shared: Option<&SharedKey>) -> Result<Step> {
        let Decision {
            action,
            mut reasons,
            rechains,
        } = decide::pair(&self.pair, &self.current, self.ca, shared, false, self.now)?;
        let is_replaced = matches!(action, Action::Renew | Action::Reissue);
        let leaf = self.current.certificate.present().filter(|_| is_replaced);
        let leaf = leaf.filter(|_| !rechains);
        let is_other_cas = leaf.is_some_and(|leaf| {
            let path = &self.pair.paths.certificate;
            let chain = &self.current.chain;
            self.other_cas.forbid(leaf, chain, path, &mut reasons)
        });
        let paths = self.pair.paths.below(self.directory);
        put_unusable_links_first(self.directory, &paths, &self.current, &mut reasons);
        // Symbolic links are not replaced on a host
        let links = links(self.directory, &paths, action).into_iter();
        reasons.extend(links.map(|link| match link {
            Finding::SymbolicLink { path, .. } => {
                let reason = format!("{} is a symbolic link", path.display());
                Finding::Blocked { path, reason }
            }
            link => link,
        }));
        let is_blocked = |reasons: &[Finding]| {
            let mut reasons = reasons.iter();
            reasons.any(|reason| matches!(reason, Finding::Blocked { .. }))
        };
        let mut decided = (Action::Blocked, Work::None);
        if action != Action::Blocked && !is_other_cas && !is_blocked(&reasons) {
            let rechaining = self.ca.filter(|_| rechains && action == Action::Renew);
            let work = match rechaining {
                Some(ca) => Ok((Action::Renew, rechained(&self.current, ca))),
                None => self.decide(action),
            };
            match work {
                Ok((Action::Install, _)) if self.obstacle.is_some() => {
                    reasons.splice(0..0, self.obstacle.cloned());
                }
                Ok(work) => decided = work,
                Err(error) => reasons.push(blocked(error)?),
            }
        }
        let (action, work) = decided;
        let request = self.below(&request_path(&self.pair.paths));
        let request = self.exchange.path().join(request);
        let target = Target::Pair(self.pair.clone());
        let certificate = self.current.certificate.present();
        let validity = self.pair.profile.validity();
        let impossible_validity = decide::impossible_validity(validity, &self.pair.paths, self.now);
        let step = Step {
            reasons,
            request: Some(request),
            not_after: certificate.map(Certificate::not_after),
            hard_links: self.current.hard_links.clone(),
            stamps: self.current.stamps.clone(),
            ..Step::new(action, target, self.directory, work)
        };
        Ok(step.with_validity_error(impossible_validity.as_ref()))
    }

    /// A file of the host's folder, relative to the exchange directory.
    fn below(&self, relative: &Path) -> PathBuf {
        Path::new(self.host).join(relative)
    }

    /// Decides the step from the due action, the arrived certificates and the existing requests.
    fn decide(&mut self, due: Action) -> Result<(Action, Work)> {
        let (source, key) = match due {
            Action::Keep => return Ok((Action::Keep, Work::None)),
            Action::Chmod => return Ok((Action::Chmod, Work::Chmod)),
            Action::Renew => (KeySource::Current, Some(self.key()?)),
            _ if matches!(self.current.key, Part::Missing) => (KeySource::New, None),
            // The current key stays in use until the next key has its certificate
            _ => match self.waiting_key()? {
                Some(key) => (KeySource::Waiting, Some(key)),
                None => (KeySource::NewWaiting, None),
            },
        };
        let Some(key) = key else {
            return Ok((Action::Request, Work::Request { key: source }));
        };
        match self.arrived(key.public_key()) {
            Ok(Some(certificates)) => {
                let work = Work::Install {
                    certificates,
                    key: source,
                };
                return Ok((Action::Install, work));
            }
            Ok(None) => {}
            Err(refusal) => self.refused.push(refusal),
        }
        if self.is_requested(&key)? {
            return Ok((Action::Wait, Work::None));
        }
        Ok((Action::Request, Work::Request { key: source }))
    }

    /// The certificate that arrived for a key, with its chain, if it matches the specification.
    fn arrived(&self, key: &PublicKey) -> std::result::Result<Option<String>, Refusal> {
        let relative = &self.pair.paths.certificate;
        let below = self.below(relative);
        let path = self.exchange.path().join(&below);
        let refusal = |error| Refusal::of(path.clone(), error);
        let file = self.exchange.read(&below).map_err(refusal)?;
        let Some(bytes) = file else { return Ok(None) };
        let all = Certificate::all_from_bytes(&bytes).map_err(refusal)?;
        let Some((leaf, chain)) = all.split_first() else {
            return Ok(None);
        };
        // An installed certificate stays in the folder until another certificate replaces it
        if self.current.certificate.present() == Some(leaf) {
            return Ok(None);
        }
        let Some(ca) = self.ca else {
            let reason = "no CA is trusted here yet to verify it with";
            return Err(Refusal::new(path, reason));
        };
        let current = Current::of(key, &all);
        let Decision {
            action,
            reasons,
            rechains,
        } = decide::pair(&self.pair, &current, Some(ca), None, false, self.now).map_err(refusal)?;
        if action != Action::Keep && !rechains {
            let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
            return Err(Refusal::new(path, reasons.join("; ")));
        }
        let limit = limits::EXCHANGE_CHAIN;
        limits::check("chain", chain.len(), limit, "certificates").map_err(refusal)?;
        check_chain(leaf, chain).map_err(refusal)?;
        let rechained = rechains.then(|| ca.chain_after(chain));
        let chain = rechained.as_deref().unwrap_or(chain);
        let all = std::iter::once(leaf).chain(chain);
        if let Some(finding) = refused_as_too_large(all.map(|one| one.as_der().len())) {
            return Err(Refusal::new(path, finding));
        }
        Ok(Some(certificates_pem(leaf, chain)))
    }

    /// Whether the folder already has the same request for a key.
    fn is_requested(&self, key: &PrivateKey) -> Result<bool> {
        let path = self.below(&request_path(&self.pair.paths));
        let file = unless_too_large(self.exchange.read(&path));
        // An error in the exchange directory must only block this pair
        let file = file.map_err(|error| Error::Blocked {
            path: self.exchange.path().join(&path),
            reason: error.to_string(),
        })?;
        let request = file.and_then(|bytes| CertificateRequest::from_bytes(&bytes).ok());
        let Some(request) = request.filter(|request| request.public_key() == key.public_key())
        else {
            return Ok(false);
        };
        let pair = &self.pair;
        let desired = CertificateRequest::create(key, pair.profile, &pair.identity)?;
        Ok(request.claims() == desired.claims())
    }

    /// The current key. Planning has just read it.
    fn key(&self) -> Result<PrivateKey> {
        let path = &self.pair.paths.key;
        let file = read_below(self.directory, path)?;
        key_of(&self.directory.join(path), file)
    }

    /// The key that waits for its certificate, if its algorithm matches the specification.
    fn waiting_key(&self) -> Result<Option<PrivateKey>> {
        let path = staged_key_path(&self.pair.paths.key);
        let read = look_below(self.directory, &path);
        let Some((bytes, stamp)) = unless_too_large(read)? else {
            return Ok(None);
        };
        let bytes = Zeroizing::new(bytes);
        let store_owner = owner_of_directory(self.directory);
        if !trusted_owner(&stamp, self.permissions, store_owner) {
            let owner = user_name(stamp.account().owner);
            let path = self.directory.join(path);
            return Err(Error::UntrustedOwner { path, owner });
        }
        let key = PrivateKey::from_bytes(&bytes, None).ok();
        let algorithm = self.pair.profile.algorithm();
        // The waiting key equals the current key if its installation was interrupted in the last
        // step
        let is_other = |key: &PrivateKey| self.current.key.present() != Some(key.public_key());
        Ok(key.filter(|key| algorithm.is_met_by(key.algorithm()) && is_other(key)))
    }
}

/// Converts an error about something that is never replaced into a finding. Other errors are
/// returned.
fn blocked(error: Error) -> Result<Finding> {
    let path = match &error {
        Error::Blocked { path, reason } => {
            return Ok(Finding::Blocked {
                path: path.clone(),
                reason: reason.clone(),
            });
        }
        Error::SymbolicLink { path }
        | Error::NotAFile { path }
        | Error::UntrustedOwner { path, .. } => path.clone(),
        Error::Io { path, .. } if error.is_in_the_way() => path.clone(),
        _ => return Err(error),
    };
    let reason = error.to_string();
    Ok(Finding::Blocked { path, reason })
}

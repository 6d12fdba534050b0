//! Planning a host with keys of its own: keys to make, requests to write, certificates to install.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use zeroize::Zeroizing;

use super::{
    Action, Contents, Mode, Plan, PlanOptions, Step, Target,
    decide::{self, Current, Decision, SigningCa},
    exchange::{Refusal, check_separate, request_path},
    here::{links, put_unusable_links_first, shared_keys, target_within},
    permissions,
    step::{KeySource, Work},
    trust::Trust,
};
use crate::{
    bundle::{all_pem, check_chain},
    certificate::Certificate,
    cluster::{Cluster, Desired, DesiredPair},
    error::{Error, Result},
    finding::Finding,
    inspect::Part,
    key::{PrivateKey, PublicKey},
    layout::PairPaths,
    request::CertificateRequest,
    store::{Store, look, read_below, unless_too_large},
    verify,
};

/// Plans a host: reads its directory, and its folder of the exchange directory.
pub(super) fn plan(
    cluster: &Cluster,
    store: &Store,
    host: &str,
    exchange: &Path,
    options: &PlanOptions,
) -> Result<Plan> {
    let now = options.now();
    let permissions = permissions(cluster.files(), options)?;
    let Desired { cas, pairs } = cluster.desired_on(host)?;
    let folder = exchange.join(host);
    check_separate(store, &folder)?;
    check_separate(store, exchange)?;
    let directory: Arc<Path> = Arc::from(store.directory());
    let mut refused = Vec::new();
    let trusts = cas
        .into_iter()
        .map(|desired| Trust::read(desired, store, &folder, &permissions, &mut refused))
        .collect::<Result<Vec<_>>>()?;
    let current = pairs
        .iter()
        .map(|pair| Current::read(&directory, &pair.paths, &permissions, None))
        .collect::<Result<Vec<_>>>()?;
    let keys = current.iter().map(|current| current.key.present());
    // The CA refuses requests with its own key
    let shared = shared_keys(std::iter::empty(), keys, |place| {
        target_within(&directory, &directory.join(&pairs[place].paths.key)).is_some()
    });
    let mut steps: Vec<Step> = trusts
        .iter()
        .filter_map(|trust| trust_step(trust, &directory))
        .collect();
    for (place, (pair, current)) in pairs.into_iter().zip(current).enumerate() {
        let trust = trusts.iter().find(|trust| trust.desired.kind == pair.ca);
        let mut host = HostPair {
            pair,
            current,
            ca: trust.and_then(signing),
            directory: &directory,
            folder: &folder,
            now,
            refused: &mut refused,
        };
        steps.push(host.step(shared.contains(&place))?);
    }
    Ok(Plan(Arc::new(Contents {
        store: store.clone(),
        mode: Mode::Host { folder },
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
    })))
}

fn signing(trust: &Trust) -> Option<SigningCa<'_>> {
    Some(SigningCa {
        certificate: trust.certificate()?,
        bundle: &trust.bundle,
        path: Some(&trust.desired.paths.certificate),
        is_renewed: false,
    })
}

/// The step that installs a CA's certificates.
fn trust_step(trust: &Trust, directory: &Arc<Path>) -> Option<Step> {
    let certificates = trust.arrived.clone()?;
    let sha256 = trust.certificate()?.fingerprint_sha256();
    let work = Work::Trust {
        certificates: Some(certificates),
    };
    let target = Target::Ca(trust.desired.clone());
    Some(Step {
        fingerprint: Some(sha256),
        stamps: trust.current.stamps.clone(),
        ..Step::new(Action::Trust, target, directory, work)
    })
}

/// A pair of the host, and what its step is decided from.
struct HostPair<'a> {
    pair: DesiredPair,
    current: Current,
    ca: Option<SigningCa<'a>>,
    directory: &'a Arc<Path>,
    folder: &'a Path,
    now: SystemTime,
    refused: &'a mut Vec<Refusal>,
}

impl HostPair<'_> {
    fn step(&mut self, key_is_shared: bool) -> Result<Step> {
        let Decision {
            action,
            mut reasons,
        } = decide::pair(
            &self.pair,
            &self.current,
            self.ca,
            key_is_shared,
            false,
            self.now,
        )?;
        let paths = self.pair.paths.below(self.directory);
        put_unusable_links_first(self.directory, &paths, &self.current, &mut reasons);
        // Links are not replaced on a host
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
        if action != Action::Blocked && !is_blocked(&reasons) {
            match self.decide(action, &paths) {
                Ok(work) => decided = work,
                Err(error) => reasons.push(blocked(error)?),
            }
        }
        let (action, work) = decided;
        let request = self.folder.join(request_path(&self.pair.paths));
        let target = Target::Pair(self.pair.clone());
        let certificate = self.current.certificate.present();
        Ok(Step {
            reasons,
            request: Some(request),
            not_after: certificate.map(Certificate::not_after),
            hard_links: self.current.hard_links.clone(),
            stamps: self.current.stamps.clone(),
            ..Step::new(action, target, self.directory, work)
        })
    }

    /// Decides from what is due, what has arrived, and what is requested.
    fn decide(&mut self, due: Action, paths: &PairPaths) -> Result<(Action, Work)> {
        let (source, key) = match due {
            Action::Keep => return Ok((Action::Keep, Work::None)),
            Action::Chmod => return Ok((Action::Chmod, Work::Chmod)),
            Action::Renew => (KeySource::Current, Some(read_key(&paths.key)?)),
            _ if matches!(self.current.key, Part::Missing) => (KeySource::New, None),
            // The current key is used until the next one has its certificate
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

    /// The certificate that arrived for a key, with its chain, if it is what the specification gives.
    fn arrived(&self, key: &PublicKey) -> std::result::Result<Option<String>, Refusal> {
        let relative = &self.pair.paths.certificate;
        let path = self.folder.join(relative);
        let refusal = |error| Refusal::of(path.clone(), error);
        let file = read_below(self.folder, relative).map_err(refusal)?;
        let Some(bytes) = file else { return Ok(None) };
        let all = Certificate::all_from_bytes(&bytes).map_err(refusal)?;
        let Some((leaf, chain)) = all.split_first() else {
            return Ok(None);
        };
        // An installed certificate stays in the folder until another one replaces it
        if self.current.certificate.present() == Some(leaf) {
            return Ok(None);
        }
        let Some(ca) = self.ca else {
            let reason = "there is no CA certificate to verify it with";
            return Err(Refusal::new(path, reason));
        };
        let current = Current::of(key, Some(leaf));
        let Decision { action, reasons } =
            decide::pair(&self.pair, &current, Some(ca), false, false, self.now)
                .map_err(refusal)?;
        if action != Action::Keep {
            let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
            return Err(Refusal::new(path, reasons.join("; ")));
        }
        check_chain(leaf, chain).map_err(refusal)?;
        all_pem(&all).map(Some).map_err(refusal)
    }

    /// Whether the folder has the request that would be written for a key.
    fn is_requested(&self, key: &PrivateKey) -> Result<bool> {
        let file = unless_too_large(read_below(self.folder, &request_path(&self.pair.paths)))?;
        let request = file.and_then(|bytes| CertificateRequest::from_bytes(&bytes).ok());
        let Some(request) = request.filter(|request| request.public_key() == key.public_key())
        else {
            return Ok(false);
        };
        let pair = &self.pair;
        let desired = CertificateRequest::create(key, pair.profile, &pair.identity)?;
        Ok(request.claims() == desired.claims())
    }

    /// The key that waits for its certificate, if its algorithm is right.
    fn waiting_key(&self) -> Result<Option<PrivateKey>> {
        let path = self.directory.join(waiting_key_path(&self.pair.paths));
        let Some((bytes, _)) = unless_too_large(look(&path))? else {
            return Ok(None);
        };
        let bytes = Zeroizing::new(bytes);
        let key = PrivateKey::from_bytes(&bytes, None).ok();
        let algorithm = self.pair.profile.key_algorithm();
        // It is the current key if installing it was interrupted at the very end
        let is_other = |key: &PrivateKey| self.current.key.present() != Some(key.public_key());
        Ok(key.filter(|key| algorithm.is_met_by(key.algorithm()) && is_other(key)))
    }
}

/// The path of a key that waits for its certificate while another one is used: a hidden file next to
/// that key.
pub(super) fn waiting_key_path(pair: &PairPaths) -> PathBuf {
    let name = pair.key.file_name().unwrap_or_default().to_string_lossy();
    pair.key.with_file_name(format!(".{name}.next"))
}

/// The key of a file that existed a moment ago.
///
/// # Errors
///
/// [`Error::Changed`] if it is missing now; the errors of [`PrivateKey::from_bytes`]; [`Error::Io`].
pub(super) fn read_key(path: &Path) -> Result<PrivateKey> {
    let Some((bytes, _)) = look(path)? else {
        return Err(Error::Changed {
            path: path.to_owned(),
        });
    };
    let bytes = Zeroizing::new(bytes);
    let (key, _) = verify::held_key(&bytes, None);
    key.map_err(|error| error.in_file(path))
}

/// The finding for something that is never replaced, if the error is about that.
fn blocked(error: Error) -> Result<Finding> {
    let path = match &error {
        Error::SymbolicLink { path } | Error::Irregular { path } => path.clone(),
        Error::Io { path, .. } if error.is_in_the_way() => path.clone(),
        _ => return Err(error),
    };
    let reason = error.to_string();
    Ok(Finding::Blocked { path, reason })
}

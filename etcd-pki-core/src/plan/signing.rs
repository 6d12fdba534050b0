//! Planning where the CA is: which requests of the exchange directory are signed, and which refused.

use std::{
    collections::{HashMap, HashSet},
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use super::{
    Action, Contents, Mode, Plan, PlanOptions, PlannedCa, Step, Target,
    copies::refuse_copies,
    decide::{self, Current, Decision, SigningCa},
    exchange::{EXTENSION, Refusal, Request, cannot, check_separate, request_path},
    here::check_ca,
    permissions,
    step::Work,
    unmanaged::check_orphans,
};
use crate::{
    bundle::all_pem,
    certificate::Certificate,
    cluster::{Cluster, Desired, DesiredCa, DesiredPair},
    error::{Error, Result},
    inspect::{CurrentCa, Part, Stamps, rules},
    key::PublicKey,
    layout::{CaKind, PairPaths},
    limits,
    request::CertificateRequest,
    store::{Attributes, Exchange, Store, unless_too_large},
    verify::SigningChain,
};

/// Plans the requests of an exchange directory. It reads no private key, except that of the CA.
pub(super) fn plan(
    cluster: &Cluster,
    store: &Store,
    exchange: &Path,
    options: &PlanOptions,
) -> Result<Plan> {
    check_separate(store, exchange)?;
    let exchange = Exchange::open(exchange)?;
    let now = options.now();
    cluster.check_validities(now)?;
    let permissions = permissions(&cluster.spec().files, options)?;
    let Desired { cas, pairs } = cluster.desired()?;
    let cas = cas
        .into_iter()
        .map(|desired| Ca::read(desired, &pairs, store, &permissions))
        .collect::<Result<Vec<_>>>()?;
    let signing: HashMap<CaKind, SigningCa<'_>> = cas
        .iter()
        .filter_map(|ca| Some((ca.desired.kind, ca.signing()?)))
        .collect();

    let mut desired = by_host(cluster, pairs);
    let (folders, others) = exchange.entries()?;
    let mut refused = not_folders(&exchange, &others, &cluster.hosts());
    let mut hosts = Vec::new();
    let mut requests = Vec::new();
    for folder in folders {
        let Some((host, desired)) = folder.to_str().and_then(|name| desired.remove_entry(name))
        else {
            let name = folder.to_string_lossy();
            let reason = format!("{name} is no host of the specification");
            refuse_strays(
                &exchange,
                Path::new(&folder),
                &HashMap::new(),
                &reason,
                &mut refused,
            );
            continue;
        };
        let reason = format!("no pair of {host} has this name in the specification");
        // What cannot be opened is refused once, and not for each of its files
        if refuse_strays(&exchange, Path::new(&host), &desired, &reason, &mut refused) {
            requests.extend(requests_of(&host, desired, &exchange, &mut refused));
            hosts.push(host);
        }
    }
    let hosts_without_request = without_request(cluster, &requests, &refused, exchange.path());
    refuse_ca_keys(&cas, &mut requests, &mut refused);
    refuse_copies(&mut requests, &signing, &exchange, &mut refused);

    let directory: Arc<Path> = Arc::from(store.directory());
    let mut steps: Vec<Step> = cas.iter().map(|ca| ca.step(&directory, now)).collect();
    let trusts = hosts
        .iter()
        .map(|host| trust_steps(host, &cas, &exchange, &mut refused))
        .collect::<Result<Vec<_>>>()?;
    steps.extend(trusts.into_iter().flatten());
    for request in requests {
        let ca = signing.get(&request.pair.ca).copied();
        match request.into_step(&exchange, ca, now) {
            Ok(step) => steps.push(step),
            Err(refusal) => refused.push(refusal),
        }
    }
    let cas = cas.into_iter().map(|ca| PlannedCa {
        kind: ca.desired.kind,
        paths: ca.desired.paths.below(store.directory()),
        stamps: ca.current.stamps,
    });
    Ok(Plan(Arc::new(Contents {
        store: store.clone(),
        mode: Mode::Signing {
            exchange: Arc::new(exchange),
        },
        now,
        steps,
        unmanaged: Vec::new(),
        unmanaged_ca: None,
        nothing_to_prune: Vec::new(),
        refused,
        hosts_without_request,
        cas: cas.collect(),
        cache: None,
        permissions,
    })))
}

/// A CA of the cluster, where its key is.
struct Ca {
    desired: DesiredCa,
    current: CurrentCa,
    chain: Option<SigningChain>,
}

impl Ca {
    /// Reads a CA. It refuses one that cannot be the CA of the specification, and to create one next
    /// to certificates that another one signed.
    fn read(
        desired: DesiredCa,
        pairs: &[DesiredPair],
        store: &Store,
        permissions: &Attributes,
    ) -> Result<Self> {
        let paths = desired.paths.below(store.directory());
        let common_name = desired.common_name();
        let current = CurrentCa::read(&paths, &desired.paths, common_name.as_deref(), permissions)?;
        match current.certificate() {
            Some(certificate) => check_ca(&desired, &paths, certificate, None)?,
            None => {
                let signed = signed(desired.kind, pairs, store)?;
                let has_key = !matches!(current.key, Part::Missing);
                check_orphans(&desired, has_key, store, signed)?;
            }
        }
        Ok(Self {
            chain: current.signing_chain(),
            desired,
            current,
        })
    }

    fn signing(&self) -> Option<SigningCa<'_>> {
        Some(SigningCa {
            certificate: self.current.certificate()?,
            bundle: &self.current.bundle,
            path: Some(&self.desired.paths.certificate),
            chain: self.chain.as_ref(),
            is_renewed: false,
        })
    }

    /// The step that creates the CA, or keeps it.
    fn step(&self, directory: &Arc<Path>, now: SystemTime) -> Step {
        let target = Target::Ca(self.desired.clone());
        let certificate = self.current.certificate();
        // It signs nothing, and is renewed by a plan of its own directory
        let expired = certificate.and_then(|certificate| rules::expired(certificate, now));
        let (action, work) = match certificate {
            Some(_) if expired.is_some() => (Action::Blocked, Work::None),
            Some(_) => (Action::Keep, Work::None),
            None => {
                let has_key = !matches!(self.current.key, Part::Missing);
                (Action::Create, Work::CreateCa { has_key })
            }
        };
        Step {
            reasons: expired.into_iter().collect(),
            not_after: certificate.map(Certificate::not_after),
            stamps: self.current.stamps.clone(),
            ..Step::new(action, target, directory, work)
        }
    }
}

/// A certificate of the directory that a missing CA must have signed: for peers one of the pairs of
/// the specification, otherwise any leaf.
fn signed(kind: CaKind, pairs: &[DesiredPair], store: &Store) -> Result<Option<PathBuf>> {
    let directory = store.directory();
    if kind == CaKind::Peer {
        let mut own = pairs
            .iter()
            .filter(|pair| pair.ca == kind)
            .map(|pair| &pair.paths.certificate);
        return Ok(own.find(|path| directory.join(path).exists()).cloned());
    }
    let mut certificates = store.certificates()?.into_iter();
    let leaf = certificates.find(|(_, certificate)| !certificate.is_authority());
    Ok(leaf.map(|(path, _)| path.strip_prefix(directory).unwrap_or(&path).to_owned()))
}

/// The pairs of each host by the names of their requests, with the paths that they have on the host.
fn by_host(
    cluster: &Cluster,
    pairs: Vec<DesiredPair>,
) -> HashMap<String, HashMap<PathBuf, DesiredPair>> {
    let mut hosts: HashMap<String, HashMap<PathBuf, DesiredPair>> = HashMap::new();
    for mut pair in pairs {
        let Some(host) = pair.host.clone() else {
            continue;
        };
        if !cluster.layout().names_hosts() {
            pair.paths = on_host(&pair.paths, &host);
        }
        let own = hosts.entry(host).or_default();
        own.insert(request_path(&pair.paths), pair);
    }
    hosts
}

/// Paths relative to a host's own directory, if they are in its tree.
fn on_host(paths: &PairPaths, host: &str) -> PairPaths {
    let own = |path: &Path| path.strip_prefix(host).unwrap_or(path).to_owned();
    PairPaths {
        certificate: own(&paths.certificate),
        key: own(&paths.key),
    }
}

/// The steps that give a host the CAs' certificates, where it does not have them.
fn trust_steps(
    host: &str,
    cas: &[Ca],
    exchange: &Exchange,
    refused: &mut Vec<Refusal>,
) -> Result<Vec<Step>> {
    let folder: Arc<Path> = Arc::from(exchange.path().join(host));
    let mut steps = Vec::new();
    for ca in cas {
        let path = &ca.desired.paths.certificate;
        let below = Path::new(host).join(path);
        let certificates = match ca.current.bundle.as_slice() {
            [] => None,
            bundle => Some(all_pem(bundle)?),
        };
        let current = unless_too_large(exchange.read(&below));
        let current = current.and_then(|bytes| Ok((bytes, exchange.stamp(&below)?)));
        let (bytes, stamp) = match current {
            Ok(current) => current,
            Err(error) => {
                refused.push(Refusal::of(folder.join(path), error));
                continue;
            }
        };
        let is_current = match (&certificates, &bytes) {
            (Some(text), Some(bytes)) => text.as_bytes() == bytes.as_slice(),
            _ => false,
        };
        if !is_current {
            steps.push(Step {
                shown: Some(below),
                stamps: Stamps::of_certificate(stamp),
                host: Some(host.to_owned()),
                ..Step::new(
                    Action::Trust,
                    Target::Ca(ca.desired.clone()),
                    &folder,
                    Work::Trust { certificates },
                )
            });
        }
    }
    Ok(steps)
}

impl Request {
    /// The step for a request, from its key and the certificate next to it.
    fn into_step(
        self,
        exchange: &Exchange,
        ca: Option<SigningCa<'_>>,
        now: SystemTime,
    ) -> std::result::Result<Step, Refusal> {
        let key = self.request.public_key();
        let refusal = |error| Refusal::of(self.path.clone(), error);
        let certificate = self.certificate(exchange).map_err(refusal)?;
        // Without a CA no certificate is its own
        let leaf = certificate.as_ref().filter(|_| ca.is_some());
        let current = Current::of(key, leaf);
        let Decision { action, reasons } =
            decide::pair(&self.pair, &current, ca, None, false, now).map_err(refusal)?;
        if action == Action::Reissue {
            let algorithm = self.pair.profile.key_algorithm();
            let reason = format!("its key is {}, should be {algorithm}", key.algorithm_name());
            return Err(Refusal::new(self.path, reason));
        }
        let refused = decide::refusal(&self.pair, ca, now).map_err(refusal)?;
        let (action, work) = match action {
            Action::Keep => (Action::Keep, Work::None),
            _ if refused.is_some() => (Action::Blocked, Work::None),
            // A link is refused; anything else that is no certificate is replaced
            _ => (Action::Sign, Work::Sign(Box::new(self.request))),
        };
        let folder: Arc<Path> = Arc::from(exchange.path().join(&self.host));
        let host = Path::new(&self.host);
        let shown = host.join(request_path(&self.pair.paths));
        let stamp = exchange.stamp(&host.join(&self.pair.paths.certificate));
        let stamp = stamp.map_err(|error| Refusal::of(self.path.clone(), error))?;
        Ok(Step {
            reasons,
            stamps: Stamps::of_certificate(stamp),
            shown: Some(shown),
            request: Some(self.path),
            not_after: leaf.map(Certificate::not_after),
            ..Step::new(action, Target::Pair(self.pair), &folder, work)
        })
    }
}

/// The requests in a host's folder that are for pairs of that host, and that their own keys signed.
/// They are read by their names, whatever else is in the folder.
fn requests_of(
    host: &str,
    desired: HashMap<PathBuf, DesiredPair>,
    exchange: &Exchange,
    refused: &mut Vec<Refusal>,
) -> Vec<Request> {
    let mut desired: Vec<_> = desired.into_iter().collect();
    desired.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut requests = Vec::new();
    for (file, pair) in desired {
        let below = Path::new(host).join(&file);
        let path = exchange.path().join(&below);
        let request = exchange.read(&below).and_then(|bytes| {
            let request = bytes.map(|bytes| CertificateRequest::from_bytes(&bytes));
            request.transpose()
        });
        match request {
            Ok(Some(request)) => requests.push(Request {
                host: host.to_owned(),
                pair,
                request,
                path,
            }),
            Ok(None) => {}
            Err(error) => refused.push(Refusal::of(path, error)),
        }
    }
    requests
}

/// Refuses the requests below a folder that are not desired, and what cannot be listed. It gives
/// whether the folder can be opened.
fn refuse_strays(
    exchange: &Exchange,
    folder: &Path,
    desired: &HashMap<PathBuf, DesiredPair>,
    reason: &str,
    refused: &mut Vec<Refusal>,
) -> bool {
    let full = exchange.path().join(folder);
    let listing = match exchange.files(folder, EXTENSION) {
        Ok(listing) => listing,
        Err(error) => {
            refused.push(Refusal::of(full, error));
            return false;
        }
    };
    let strays = listing.files.iter();
    let strays: Vec<&PathBuf> = strays.filter(|file| !desired.contains_key(*file)).collect();
    let (named, others) = strays.split_at(strays.len().min(limits::EXCHANGE_STRAYS));
    refused.extend(
        named
            .iter()
            .map(|file| Refusal::new(full.join(file), reason)),
    );
    if !others.is_empty() {
        let reason = format!("it has {} more requests of that kind", others.len());
        refused.push(Refusal::new(&full, reason));
    }
    let failures = listing.failures.into_iter();
    refused.extend(failures.map(|error| match error {
        Error::Io {
            action,
            path,
            error,
        } => Refusal::new(path, cannot(action, &error)),
        Error::SymbolicLink { path } => Refusal::new(path, "it is a symbolic link"),
        error => Refusal::new(&full, error),
    }));
    true
}

/// Hosts' names that are no folders: what is written below a link would replace other files.
fn not_folders(exchange: &Exchange, others: &[OsString], hosts: &[&str]) -> Vec<Refusal> {
    let hosts: HashSet<&OsStr> = hosts.iter().map(OsStr::new).collect();
    let of_hosts = others
        .iter()
        .filter(|name| hosts.contains(name.as_os_str()));
    let refused = of_hosts.map(|name| {
        let reason = match exchange.is_link(name) {
            true => "it is a symbolic link",
            false => "it is no directory",
        };
        Refusal::new(exchange.path().join(name), reason)
    });
    refused.collect()
}

/// The hosts without a request, not even a refused one.
fn without_request(
    cluster: &Cluster,
    requests: &[Request],
    refused: &[Refusal],
    exchange: &Path,
) -> Vec<String> {
    let folders = refused.iter().filter_map(|one| {
        let relative = one.path.strip_prefix(exchange).ok()?;
        relative.iter().next()?.to_str()
    });
    let with_request: HashSet<&str> = requests
        .iter()
        .map(|request| request.host.as_str())
        .chain(folders)
        .collect();
    let hosts = cluster.hosts().into_iter();
    hosts
        .filter(|host| !with_request.contains(host))
        .map(str::to_owned)
        .collect()
}

/// Refuses the requests with a key of these CAs, or of a CA above them.
fn refuse_ca_keys(cas: &[Ca], requests: &mut Vec<Request>, refused: &mut Vec<Refusal>) {
    let certificates = cas.iter().flat_map(|ca| &ca.current.bundle);
    let owners: HashMap<&PublicKey, &Certificate> = certificates
        .map(|certificate| (certificate.public_key(), certificate))
        .collect();
    requests.retain(|request| {
        let Some(owner) = owners.get(request.request.public_key()) else {
            return true;
        };
        let subject = owner.subject();
        refused.push(Refusal::of(
            request.path.clone(),
            Error::AuthorityKey { subject },
        ));
        false
    });
}

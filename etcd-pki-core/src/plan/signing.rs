//! Plans the CA's side of an exchange: which requests are signed, and which are refused.

use std::{
    cell::LazyCell,
    collections::{HashMap, HashSet},
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use super::{
    Action, Contents, Mode, Plan, PlanOptions, PlannedCa, Step, Target,
    ca::Ca,
    copies::refuse_copies,
    current::Current,
    decide::{self, Decision, SigningCa},
    exchange::{EXTENSION, Refusal, Request, cannot, check_separate, request_path},
    lists::{CurrentLists, creates_ca},
    other_cas::OtherCas,
    permissions,
    work::{TrustText, Work},
};
use crate::{
    cluster::{Cluster, Desired, DesiredPair},
    error::{Error, Result},
    finding::Finding,
    inspect::Stamps,
    key::PublicKey,
    layout::{CaKind, PairPaths},
    limits,
    request::CertificateRequest,
    store::{Exchange, Store, unless_too_large},
    x509::certificate::Certificate,
};

/// Plans the requests of an exchange directory. Reads no private key except the CA's.
pub(super) fn plan(
    cluster: &Cluster,
    store: &Store,
    exchange: &Path,
    options: &PlanOptions,
) -> Result<Plan> {
    check_separate(store, exchange)?;
    let exchange = Exchange::open(exchange)?;
    let now = options.now();
    let permissions = permissions(&cluster.spec().files, options.backup)?;
    let Desired { cas, pairs } = cluster.desired()?;
    let cas = cas
        .into_iter()
        .map(|desired| Ca::read(desired, store, &permissions, options, now))
        .collect::<Result<Vec<_>>>()?;
    let signing: HashMap<CaKind, SigningCa<'_>> = cas
        .iter()
        .filter_map(|ca| Some((ca.desired.kind, ca.signing()?)))
        .collect();

    let of_peers: Vec<PathBuf> = pairs
        .iter()
        .filter(|pair| pair.ca == CaKind::Peer)
        .map(|pair| pair.paths.certificate.clone())
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
        // A folder that cannot be opened is refused once, and not for each of its files
        if refuse_strays(&exchange, Path::new(&host), &desired, &reason, &mut refused) {
            requests.extend(requests_of(&host, desired, &exchange, &mut refused));
            hosts.push(host);
        }
    }
    let hosts_without_request = without_request(cluster, &requests, &refused, exchange.path());
    refuse_ca_keys(&cas, &mut requests, &mut refused);
    refuse_copies(&mut requests, &signing, &exchange, &mut refused);

    let directory: Arc<Path> = Arc::from(store.directory());
    let trusts = hosts
        .iter()
        .map(|host| trust_steps(host, &cas, &exchange, now, &mut refused))
        .collect::<Result<Vec<_>>>()?;
    let other_cas = LazyCell::new(|| {
        let cas: Vec<_> = cas
            .iter()
            .map(|ca| (ca.desired.kind, &ca.current))
            .collect();
        OtherCas::read(store, &cas)
    });
    let lists = CurrentLists::read(cluster, store, now)?;
    let mut signed_steps = Vec::with_capacity(requests.len());
    let mut serials: HashSet<Vec<u8>> = HashSet::new();
    for request in requests {
        let kind = request.pair.ca;
        let ca = cas.iter().find(|ca| ca.desired.kind == kind);
        let signer = Signer {
            ca: signing.get(&kind).copied(),
            blocked: ca.and_then(|ca| ca.blocks(now)),
            cannot_be_created: ca.and_then(Ca::cannot_be_created),
            other_cas: &other_cas,
            lists: &lists,
            list: &store.layout().revocation_lists().der,
            now,
        };
        match request.into_step(&exchange, &signer) {
            Ok((step, serial)) => {
                serials.extend(serial);
                signed_steps.push(step);
            }
            Err(refusal) => refused.push(refusal),
        }
    }
    drop(other_cas);
    drop(signing);
    let mut steps = Vec::with_capacity(signed_steps.len() + cas.len());
    let mut planned = Vec::new();
    for ca in cas {
        let kind = ca.desired.kind;
        planned.push(PlannedCa {
            kind,
            paths: ca.desired.paths.below(store.directory()),
            stamps: ca.current.stamps.clone(),
        });
        let is_named = |ca: &Certificate| {
            serials.contains(ca.serial_number().as_bytes()) || is_named_in(store, ca)
        };
        let signed = || signed(kind, &of_peers, store);
        steps.push(Step {
            // The hosts' certificates are due earlier than the CA, and they are not here
            due: None,
            ..ca.into_step(store, &directory, signed, is_named)?
        });
    }
    steps.extend(trusts.into_iter().flatten());
    steps.extend(signed_steps);
    let creates_ca = creates_ca(&steps);
    steps.extend(lists.step(store, &directory, options, Vec::new(), creates_ca)?);
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
        cas: planned,
        cache: None,
        permissions,
        records: cluster.spec().ca.record,
    })))
}

/// A certificate of the directory that a missing CA must have signed: for peers a pair of the
/// specification, otherwise any leaf.
fn signed(kind: CaKind, of_peers: &[PathBuf], store: &Store) -> Result<Option<PathBuf>> {
    let directory = store.directory();
    if kind == CaKind::Peer {
        let mut own = of_peers.iter();
        return Ok(own.find(|path| directory.join(path).exists()).cloned());
    }
    let mut certificates = store.certificates()?.into_iter();
    let leaf = certificates.find(|(_, certificate)| !certificate.is_ca());
    Ok(leaf.map(|(path, _)| path.strip_prefix(directory).unwrap_or(&path).to_owned()))
}

/// Whether a certificate of the directory names this CA certificate by its serial number.
fn is_named_in(store: &Store, ca: &Certificate) -> bool {
    let serial = ca.serial_number();
    let certificates = store.certificates().unwrap_or_default();
    // A root may name itself by its serial number
    let mut others = certificates.iter().filter(|(_, other)| other != ca);
    others.any(|(_, leaf)| leaf.names_issuer_by_serial(serial))
}

/// The pairs of each host, by the names of their requests, with the paths that they have on the
/// host.
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

/// The paths relative to a host's own directory, if they are in the host's tree.
fn on_host(paths: &PairPaths, host: &str) -> PairPaths {
    let own = |path: &Path| path.strip_prefix(host).unwrap_or(path).to_owned();
    PairPaths {
        certificate: own(&paths.certificate),
        key: own(&paths.key),
    }
}

/// The steps that deliver the CAs' certificates to the hosts that do not have them. A CA that
/// cannot be created has no certificates to deliver.
fn trust_steps(
    host: &str,
    cas: &[Ca],
    exchange: &Exchange,
    now: SystemTime,
    refused: &mut Vec<Refusal>,
) -> Result<Vec<Step>> {
    let folder: Arc<Path> = Arc::from(exchange.path().join(host));
    let mut steps = Vec::new();
    for ca in cas {
        let path = &ca.desired.paths.certificate;
        let below = Path::new(host).join(path);
        let certificates = ca.trust_text();
        if matches!(certificates, TrustText::Made(_)) && ca.blocks(now).is_some() {
            continue;
        }
        let current = unless_too_large(exchange.read(&below));
        let current = current.and_then(|bytes| Ok((bytes, exchange.stamp(&below)?)));
        let (bytes, stamp) = match current {
            Ok(current) => current,
            Err(error) => {
                refused.push(Refusal::of(folder.join(path), error));
                continue;
            }
        };
        let link = ca.link_text();
        let has_link = link.as_ref().is_none_or(|link| {
            let current = exchange.read(&Path::new(host).join(&link.path));
            current.is_ok_and(|bytes| bytes.is_some_and(|bytes| bytes == link.text.as_bytes()))
        });
        let is_current = match (&certificates, &bytes) {
            (TrustText::Known(text), Some(bytes)) => text.as_bytes() == bytes.as_slice(),
            _ => false,
        };
        let is_current = is_current && has_link;
        if !is_current {
            steps.push(Step {
                shown: Some(below),
                stamps: Stamps::of_certificate(stamp),
                host: Some(host.to_owned()),
                ..Step::new(
                    Action::Trust,
                    Target::Ca(ca.desired.clone()),
                    &folder,
                    Work::Trust { certificates, link },
                )
            });
        }
    }
    Ok(steps)
}

/// The CA that signs the requests of its pairs.
struct Signer<'a, F> {
    /// The CA; `None` if the plan creates it
    ca: Option<SigningCa<'a>>,
    /// The reason why it cannot sign
    blocked: Option<Finding>,
    /// The reason why it cannot be created
    cannot_be_created: Option<Finding>,
    other_cas: &'a LazyCell<OtherCas, F>,
    /// The revocation lists, and the path of the list for etcd
    lists: &'a CurrentLists,
    list: &'a Path,
    now: SystemTime,
}

impl Request {
    /// Creates the step for a request, from its key and the certificate next to it. Also returns
    /// the serial number with which that certificate names its CA.
    fn into_step<F: FnOnce() -> OtherCas>(
        self,
        exchange: &Exchange,
        signer: &Signer<'_, F>,
    ) -> std::result::Result<(Step, Option<Vec<u8>>), Refusal> {
        let &Signer { ca, now, .. } = signer;
        let key = self.request.public_key();
        let refusal = |error| Refusal::of(self.path.clone(), error);
        let certificates = self.certificates(exchange).map_err(refusal)?;
        let certificate = certificates.first();
        // Without a CA, no certificate can be the CA's
        let leaf = certificate.filter(|_| ca.is_some());
        let mut current = Current::of(key, if leaf.is_some() { &certificates } else { &[] });
        current.revoked = leaf.and_then(|leaf| signer.lists.revoked(leaf, signer.list));
        let Decision {
            action,
            mut reasons,
            rechains,
        } = decide::pair(&self.pair, &current, ca, None, false, now).map_err(refusal)?;
        // Its host takes the link certificate of a finished rotation out of the file
        let is_left = |one: &Finding| matches!(one, Finding::LinkCertificate { is_missing: false });
        let action = match action {
            Action::Renew if rechains && reasons.iter().any(is_left) => {
                reasons.retain(|reason| !is_left(reason));
                Action::Keep
            }
            action => action,
        };
        if action == Action::Reissue {
            let algorithm = self.pair.profile.algorithm();
            let reason = match current.compromised(key) {
                Some(revoked) => format!(
                    "{revoked}; its host must request a certificate for a new key: copy {} to its directory and \
                     apply there",
                    signer.list.display()
                ),
                None => format!("its key is {}, should be {algorithm}", key.algorithm_name()),
            };
            return Err(Refusal::new(self.path, reason));
        }
        let refused = decide::refusal(&self.pair, ca, now).map_err(refusal)?;
        let is_signed = action != Action::Keep;
        let forbidden = certificate.filter(|_| is_signed).is_some_and(|leaf| {
            let chain = certificates.get(1..).unwrap_or_default();
            let path = &self.pair.paths.certificate;
            signer.other_cas.forbid(leaf, chain, path, &mut reasons)
        });
        let of_ca = signer
            .blocked
            .clone()
            .filter(|_| is_signed && refused.is_none());
        let is_blocked = refused.is_some() || of_ca.is_some() || forbidden;
        let validity = self.pair.profile.validity();
        let impossible_validity = decide::impossible_validity(validity, &self.pair.paths, now)
            .or_else(|| signer.cannot_be_created.clone());
        reasons.splice(0..0, of_ca);
        let (action, work) = match action {
            Action::Keep => (Action::Keep, Work::None),
            _ if is_blocked => (Action::Blocked, Work::None),
            // A symbolic link is refused. Other content that is not a certificate is replaced
            _ => (Action::Sign, Work::Sign(Box::new(self.request))),
        };
        let folder: Arc<Path> = Arc::from(exchange.path().join(&self.host));
        let host = Path::new(&self.host);
        let shown = host.join(request_path(&self.pair.paths));
        let stamp = exchange.stamp(&host.join(&self.pair.paths.certificate));
        let stamp = stamp.map_err(|error| Refusal::of(self.path.clone(), error))?;
        let serial = certificate.and_then(|leaf| leaf.extensions().issuer_serial.clone());
        let step = Step {
            reasons,
            stamps: Stamps::of_certificate(stamp),
            shown: Some(shown),
            request: Some(self.path),
            not_after: leaf.map(Certificate::not_after),
            ..Step::new(action, Target::Pair(self.pair), &folder, work)
        };
        let step = step.with_validity_error(impossible_validity.as_ref());
        Ok((step, serial))
    }
}

/// The requests in a host's folder that are for pairs of that host and have valid signatures. They
/// are read by name, so other files in the folder have no effect.
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

/// Refuses the requests below a folder that are not desired, and subfolders that cannot be listed.
/// Returns whether the folder can be opened.
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

/// Refuses hosts' names that are not folders. A write below a symbolic link would replace other
/// files.
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

/// The hosts without any request, even a refused one.
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

/// Refuses requests with a key of these CAs, or of a CA above them.
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
            Error::CaKeyInLeaf { subject },
        ));
        false
    });
}

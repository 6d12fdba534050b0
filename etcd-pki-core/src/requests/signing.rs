//! Which of the requests that have come are to be signed, and which are refused.

mod authority;
mod shared;

use std::{
    collections::{HashMap, HashSet},
    fmt,
    path::{Path, PathBuf},
    time::SystemTime,
};

pub(super) use self::authority::Authority;
use self::shared::refuse_copies;
use super::{EXTENSION, Refusal, check_apart, request_path};
use crate::{
    certificate::Certificate,
    cluster::{Cluster, Wanted},
    error::{Error, Result},
    key::PublicKey,
    layout::{CaKind, PairPaths},
    plan::{Action, Cause, attributes_of, judge, profile},
    request::CertificateRequest,
    store::{Attributes, Store, files_below, folders, is_link, read_below, unless_too_large},
};

/// What is to be done with the requests in a travelling directory. It was made by reading, and [`SigningPlan::apply`] consumes it.
#[derive(Debug)]
#[must_use]
pub struct SigningPlan {
    pub(super) travelling: PathBuf,
    pub(super) authorities: Vec<Authority>,
    /// The hosts that have a folder
    pub(super) hosts: Vec<String>,
    pub(super) steps: Vec<SigningStep>,
    pub(super) attributes: Attributes,
    pub(super) now: SystemTime,
    refused: Vec<Refusal>,
    without_request: Vec<String>,
}

/// A request that is good, and what is to be done with it.
#[derive(Debug)]
pub struct SigningStep {
    pub(super) host: String,
    pub(super) wanted: Wanted,
    pub(super) request: CertificateRequest,
    /// In the directory that travels
    path: PathBuf,
    /// Every reason for a certificate; none if the one beside it is as it should be
    causes: Vec<Cause>,
}

impl SigningPlan {
    /// Every request that is good, also those that have their certificate.
    #[must_use]
    pub fn steps(&self) -> &[SigningStep] {
        &self.steps
    }

    /// The requests that are to be signed.
    pub fn changes(&self) -> impl Iterator<Item = &SigningStep> {
        self.steps.iter().filter(|step| !step.causes.is_empty())
    }

    /// The requests that are not signed, and why.
    #[must_use]
    pub fn refused(&self) -> &[Refusal] {
        &self.refused
    }

    /// The hosts of the specification from which no request has come, not even one that is refused.
    #[must_use]
    pub fn without_request(&self) -> &[String] {
        &self.without_request
    }

    /// The authorities that are to be made, because there are none or their making was cut off: their certificates' files.
    pub fn created(&self) -> impl Iterator<Item = &Path> {
        let missing = self
            .authorities
            .iter()
            .filter(|authority| authority.certificates.is_empty());
        missing.map(|authority| authority.wanted.paths.certificate.as_path())
    }
}

impl SigningStep {
    /// The host that asks.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// What it gets.
    #[must_use]
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// The request's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every reason for a certificate; none if the one beside it is as it should be.
    #[must_use]
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }
}

impl fmt::Display for SigningStep {
    /// `sign      etcd-1/member-etcd-1.csr  the certificate is missing`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = Path::new(&self.host).join(request_path(&self.wanted.paths));
        let causes: Vec<String> = self.causes.iter().map(ToString::to_string).collect();
        let request = request.display().to_string();
        write!(f, "sign      {request:<28}  {}", causes.join("; "))
    }
}

impl Cluster {
    /// Reads the requests in a travelling directory, and decides which are to be signed. Nothing is written, and of all that is
    /// secret nothing is read.
    ///
    /// # Errors
    ///
    /// [`Error::AuthorityExists`] if certificates are in the store and their authority is not; [`Error::NotAnAuthority`] and
    /// [`Error::AnotherAuthority`] for an authority that cannot be the specification's; [`Error::InvalidName`] for a travelling
    /// directory that is the store; [`Error::Io`] for what cannot be read. A request that is not as it should be is no error:
    /// [`SigningPlan::refused`] tells it.
    pub fn plan_signing(
        &self,
        store: &Store,
        travelling: &Path,
        now: SystemTime,
    ) -> Result<SigningPlan> {
        check_apart(store, travelling)?;
        let (authorities, leaves): (Vec<_>, Vec<_>) = self
            .wanted(None)?
            .into_iter()
            .partition(Wanted::is_authority);
        let authorities = authorities
            .into_iter()
            .map(|wanted| Authority::find(wanted, &leaves, store))
            .collect::<Result<Vec<_>>>()?;
        let signers: HashMap<CaKind, &Certificate> = authorities
            .iter()
            .filter_map(|one| Some((one.wanted.issuer, one.certificates.first()?)))
            .collect();

        let mut wanted = self.wanted_by_host()?;
        let mut refused = links(travelling, &self.hosts());
        let mut hosts = Vec::new();
        let mut come = Vec::new();
        for folder in folders(travelling)? {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            if let Some(wanted) = wanted.remove(name.as_ref()) {
                hosts.push(name.clone().into_owned());
                come.extend(requests_of(&name, wanted, &folder, &mut refused)?);
            } else {
                let requests = files_below(&folder, EXTENSION)?;
                let reason = format!("{name} is no host of the specification");
                let requests = requests.into_iter().map(|path| folder.join(path));
                refused.extend(requests.map(|path| Refusal::new(path, &reason)));
            }
        }
        let without_request = self.hosts_beside(&come, &refused, travelling);
        refuse_authority_keys(&authorities, &mut come, &mut refused);
        refuse_copies(&mut come, &signers, travelling, &mut refused);
        let mut steps = Vec::with_capacity(come.len());
        for request in come {
            let ca = signers.get(&request.wanted.issuer).copied();
            match request.judged(travelling, ca, now) {
                Ok(step) => steps.push(step),
                Err(refusal) => refused.push(refusal),
            }
        }
        Ok(SigningPlan {
            travelling: travelling.to_owned(),
            authorities,
            hosts,
            steps,
            attributes: attributes_of(self.files())?,
            now,
            refused,
            without_request,
        })
    }

    /// The hosts from which nothing has come.
    fn hosts_beside(
        &self,
        come: &[SigningStep],
        refused: &[Refusal],
        travelling: &Path,
    ) -> Vec<String> {
        let folders = refused.iter().filter_map(|one| {
            one.path
                .strip_prefix(travelling)
                .ok()?
                .iter()
                .next()?
                .to_str()
        });
        let heard: HashSet<&str> = come.iter().map(SigningStep::host).chain(folders).collect();
        let hosts = self.hosts().into_iter();
        hosts
            .filter(|host| !heard.contains(host))
            .map(str::to_owned)
            .collect()
    }

    /// The pairs of each host by the names of their requests, as they lie on the host.
    fn wanted_by_host(&self) -> Result<HashMap<String, HashMap<PathBuf, Wanted>>> {
        let mut hosts: HashMap<String, HashMap<PathBuf, Wanted>> = HashMap::new();
        for mut wanted in self.wanted(None)? {
            let Some(host) = wanted.host.clone() else {
                continue;
            };
            if !self.layout().names_hosts() {
                wanted.paths = wanted.paths.above(&host);
            }
            let pairs = hosts.entry(host).or_default();
            pairs.insert(request_path(&wanted.paths), wanted);
        }
        Ok(hosts)
    }
}

impl PairPaths {
    /// The same files as they are seen from a host's directory, if they are below it.
    fn above(&self, host: &str) -> Self {
        let own = |path: &Path| path.strip_prefix(host).unwrap_or(path).to_owned();
        Self {
            certificate: own(&self.certificate),
            key: own(&self.key),
        }
    }
}

/// The requests in a host's folder that are for pairs of that host, and signed by their own keys.
fn requests_of(
    host: &str,
    mut wanted: HashMap<PathBuf, Wanted>,
    folder: &Path,
    refused: &mut Vec<Refusal>,
) -> Result<Vec<SigningStep>> {
    let mut requests = Vec::new();
    for file in files_below(folder, EXTENSION)? {
        let path = folder.join(&file);
        let Some(wanted) = wanted.remove(&file) else {
            let reason = format!("no pair of {host} has this name in the specification");
            refused.push(Refusal::new(path, reason));
            continue;
        };
        match read(folder, &file) {
            Ok(request) => requests.push(SigningStep {
                host: host.to_owned(),
                wanted,
                request,
                path,
                causes: Vec::new(),
            }),
            Err(error) => refused.push(Refusal::of(path, error)),
        }
    }
    Ok(requests)
}

impl SigningStep {
    /// With what is to be done, judged by the key of the request and the certificate beside it.
    fn judged(
        mut self,
        travelling: &Path,
        ca: Option<&Certificate>,
        now: SystemTime,
    ) -> std::result::Result<Self, Refusal> {
        let wanted = &self.wanted;
        let key = self.request.public_key();
        let refusal = |error| Refusal::of(self.path.clone(), error);
        let beside = self.certificate_beside(travelling).map_err(refusal)?;
        // Without an authority every certificate is another's
        let leaf = beside.as_ref().filter(|_| ca.is_some());
        let (action, causes) = judge(wanted, key, leaf, ca, now).map_err(refusal)?;
        if action == Action::Reissue {
            let algorithm = profile(wanted).map_err(refusal)?.key_algorithm();
            let reason = format!("its key is {}, should be {algorithm}", key.algorithm_name());
            return Err(Refusal::new(self.path, reason));
        }
        self.causes = causes;
        Ok(self)
    }

    /// The certificate that lies beside it. A link there is refused, and whatever else is no certificate is replaced.
    fn certificate_beside(&self, travelling: &Path) -> Result<Option<Certificate>> {
        let folder = travelling.join(&self.host);
        let beside = unless_too_large(read_below(&folder, &self.wanted.paths.certificate))?;
        let all = beside.and_then(|bytes| Certificate::all_from_bytes(&bytes).ok());
        Ok(all.and_then(|all| all.into_iter().next()))
    }
}

fn read(folder: &Path, file: &Path) -> Result<CertificateRequest> {
    match read_below(folder, file)? {
        Some(bytes) => CertificateRequest::from_bytes(&bytes),
        None => Err(Error::Changed {
            path: folder.join(file),
        }),
    }
}

/// Folders that lead elsewhere, where what is written would take the place of other files.
fn links(travelling: &Path, hosts: &[&str]) -> Vec<Refusal> {
    let folders = hosts.iter().map(|host| travelling.join(host));
    folders
        .filter(|folder| is_link(folder))
        .map(|folder| Refusal::new(folder, "it is a symbolic link"))
        .collect()
}

/// Takes out the requests whose key is that of one of these authorities, or of one above them.
fn refuse_authority_keys(
    authorities: &[Authority],
    requests: &mut Vec<SigningStep>,
    refused: &mut Vec<Refusal>,
) {
    let certificates = authorities.iter().flat_map(|one| &one.certificates);
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

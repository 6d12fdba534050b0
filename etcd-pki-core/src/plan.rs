//! Wanted against found: what is to be done so that a directory is as its specification says, and why.

mod apply;
mod decision;
mod due;
mod found;
mod pair;
mod progress;
mod surplus;

use std::{collections::HashMap, fmt, path::PathBuf, time::SystemTime};

use rayon::prelude::*;

pub(crate) use self::pair::{Pair, attributes_of, check_authority_certificate, judge, profile};
pub use self::{
    apply::Report,
    decision::{Action, Cause},
    progress::Progress,
};
use self::{
    decision::leaf_profile,
    found::{Found, Part, Stamps},
};
use crate::{
    certificate::Certificate,
    clock,
    cluster::{Cluster, ClusterFiles, Issuer, Purpose, Wanted},
    error::{Error, Result},
    key::PublicKey,
    layout::PairPaths,
    role::Role,
    store::{Attributes, Store, group, user},
};

/// What is to be done in a directory, each step with its reasons. It was made by reading, and [`Plan::apply`] consumes it.
///
/// ```
/// use etcd_pki_core::{Action, Cluster, Identity, Layout, Store};
///
/// # let parent = tempfile::tempdir()?;
/// # let directory = parent.path().join("ssl");
/// let cluster = Cluster::builder()
///     .members([Identity::new("etcd-1")?.with_names(["10.0.0.11"])?])
///     .clients([Identity::new("root")?])
///     .build()?;
/// let store = Store::open(directory, Layout::Kubespray);
///
/// let plan = cluster.plan(&store)?;
/// assert!(plan.changes().all(|step| step.action() == Action::Create));
/// let report = plan.apply(&store.lock()?, None, |_, _| ())?;
/// assert_eq!(report.created, 4); // the authority, the member, its admin, the client
///
/// assert_eq!(cluster.plan(&store)?.changes().count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Plan {
    directory: PathBuf,
    steps: Vec<Step>,
    surplus: Vec<PairPaths>,
    prunes: bool,
    attributes: Attributes,
}

/// What is to be done with one pair.
#[derive(Debug)]
pub struct Step {
    wanted: Wanted,
    paths: PairPaths,
    action: Action,
    causes: Vec<Cause>,
    due: Option<SystemTime>,
    not_after: Option<SystemTime>,
    hard_links: Vec<PathBuf>,
    /// The key that is there, for which a certificate is renewed
    key: Option<PublicKey>,
    /// Whether a leaf names this authority by its serial number
    keeps_serial: bool,
    stamps: Stamps,
}

impl Plan {
    /// Where.
    #[must_use]
    pub fn directory(&self) -> &std::path::Path {
        &self.directory
    }

    /// Every pair, also those that are kept: the authorities, then members, nodes and clients.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The pairs that are not as they should be.
    pub fn changes(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.action != Action::Keep)
    }

    /// Pairs that the authority has signed and the specification does not have: of hosts and users that are gone.
    #[must_use]
    pub fn surplus(&self) -> &[PairPaths] {
        &self.surplus
    }

    /// Whether carrying it out changes anything.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.changes().next().is_some() || (self.prunes && !self.surplus.is_empty())
    }

    /// Whether carrying it out removes the surplus.
    #[must_use]
    pub fn prunes(&self) -> bool {
        self.prunes
    }

    /// Leaves everything but one name as it is: a host's or a user's. Authorities are made if there is none, and not renewed.
    pub fn only(mut self, name: &str) -> Self {
        self.steps.retain_mut(|step| {
            if step.wanted.is_authority() {
                if step.action != Action::Create {
                    step.action = Action::Keep;
                }
                return true;
            }
            step.wanted.host.as_deref() == Some(name) || step.wanted.identity.name() == Some(name)
        });
        self.surplus.clear();
        self
    }

    /// Makes a new key wherever a certificate is renewed. Between the two renames of a pair, handshakes fail for an instant.
    pub fn rekey(mut self) -> Self {
        for step in &mut self.steps {
            if step.action == Action::Renew && !step.wanted.is_authority() {
                step.action = Action::Reissue;
            }
        }
        self
    }

    /// Has no opinion on what nobody wants: the cluster is a part of what lies in the directory.
    pub fn without_surplus(mut self) -> Self {
        self.surplus.clear();
        self
    }

    /// Removes the surplus when the plan is carried out.
    pub fn prune(mut self) -> Self {
        self.prunes = true;
        self
    }

    /// Keeps what is replaced or removed, in dot files beside it.
    pub fn backup(mut self) -> Self {
        self.attributes.backup = true;
        self
    }

    /// The pair that is kept and will be due first.
    #[must_use]
    pub fn first_due(&self) -> Option<&Step> {
        let kept = self.steps.iter().filter(|step| step.due.is_some());
        kept.min_by_key(|step| step.due)
    }
}

impl Step {
    /// What is wanted.
    #[must_use]
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// Where the pair is.
    #[must_use]
    pub fn paths(&self) -> &PairPaths {
        &self.paths
    }

    /// What is to be done.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// Every reason for it.
    #[must_use]
    pub fn causes(&self) -> &[Cause] {
        &self.causes
    }

    /// From when on a certificate that is kept will be due.
    #[must_use]
    pub fn due(&self) -> Option<SystemTime> {
        self.due
    }

    /// When the certificate that is there ends.
    #[must_use]
    pub fn not_after(&self) -> Option<SystemTime> {
        self.not_after
    }

    /// Files with further names, such as Calico's copies: those keep the old content when the file is replaced.
    #[must_use]
    pub fn hard_links(&self) -> &[PathBuf] {
        match self.action {
            Action::Keep | Action::Mode => &[],
            _ => &self.hard_links,
        }
    }
}

impl fmt::Display for Step {
    /// `renew     member-etcd-1.pem  expires in 12 days; 10.0.0.99 is missing`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.wanted.paths.certificate.display().to_string();
        write!(f, "{:<8}  {file:<28}", self.action)?;
        match self.action {
            Action::Create => write!(f, "  {}", in_words(&self.wanted)),
            _ => {
                let causes: Vec<String> = self.causes.iter().map(ToString::to_string).collect();
                write!(f, "  {}", causes.join("; "))
            }
        }
    }
}

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

/// What is new: an authority's name and algorithm, a member's names, a node's or client's common name.
fn in_words(wanted: &Wanted) -> String {
    const SHOWN: usize = 4;
    let identity = &wanted.identity;
    match &wanted.purpose {
        Purpose::Authority(profile) => {
            let common_name = identity.common_name(str::to_owned).ok().flatten();
            format!(
                "{}, {}",
                common_name.unwrap_or_default(),
                profile.key_algorithm()
            )
        }
        Purpose::Leaf(profile) if profile.role() == Role::Member => {
            let names = profile.alternative_names(identity).unwrap_or_default();
            let shown: Vec<String> = names.iter().take(SHOWN).map(ToString::to_string).collect();
            match names.len().saturating_sub(SHOWN) {
                0 => shown.join(", "),
                more => format!("{}, {more} more", shown.join(", ")),
            }
        }
        Purpose::Leaf(profile) => match profile.common_name(identity) {
            Ok(Some(common_name)) => common_name,
            _ => identity.organization().unwrap_or_default().to_owned(),
        },
    }
}

/// The owner, group and modes that a specification says, its names looked up on this host.
fn attributes(files: &ClusterFiles) -> Result<Attributes> {
    Ok(Attributes {
        owner: files.owner().map(user).transpose()?,
        group: files.group().map(group).transpose()?,
        key_mode: files.key_mode(),
        certificate_mode: files.certificate_mode(),
        directory_mode: files.directory_mode(),
        backup: false,
    })
}

/// What is to be done with an authority, and the certificate by which leaves are judged if it is there.
fn authority_step<'a, L>(
    wanted: Wanted,
    store: &Store,
    attributes: &Attributes,
    leaves: impl Fn() -> L,
    now: SystemTime,
) -> Result<(Step, Option<Certificate>)>
where
    L: Iterator<Item = &'a (Wanted, Found)>,
{
    let found = Found::of(&wanted, store, attributes)?;
    let paths = wanted.paths.below(store.directory());
    let (action, causes, certificate) = match (&found.certificate, &found.key) {
        (Part::Absent, Part::Absent) => {
            // A rebuilt host must not make a new authority beside what the old one signed
            let orphan = leaves()
                .find(|(_, leaf)| matches!(leaf.certificate, Part::Present(_)))
                .map(|(leaf, _)| leaf.paths.certificate.clone());
            let orphan = match (orphan, wanted.issuer) {
                (None, Issuer::Cluster) => surplus::any(store)?,
                (orphan, _) => orphan,
            };
            if let Some(path) = orphan {
                return Err(Error::AuthorityExists {
                    directory: store.directory().to_owned(),
                    found: format!("{}, which another authority has signed", path.display()),
                });
            }
            let causes = vec![Cause::MissingKey, Cause::MissingCertificate];
            (Action::Create, causes, None)
        }
        (Part::Present(certificate), key) => {
            check_authority(&wanted, &paths, certificate, key)?;
            let (mut action, causes) = decision::authority(&wanted, certificate, &found, now);
            if action == Action::Renew && matches!(key, Part::Absent) {
                // Its key is elsewhere, and so is its renewal
                action = Action::Keep;
            }
            (action, causes, Some(certificate.clone()))
        }
        (Part::Unusable(reason), _) => {
            return Err(Error::malformed("authority", reason));
        }
        (Part::Absent, _) => {
            return Err(Error::AuthorityExists {
                directory: store.directory().to_owned(),
                found: format!("{} without its certificate", wanted.paths.key.display()),
            });
        }
    };
    let keeps_serial = certificate.as_ref().is_some_and(|authority| {
        leaves().any(|(_, leaf)| match &leaf.certificate {
            Part::Present(leaf) => leaf.names_issuer_by_serial(authority.serial_number()),
            _ => false,
        })
    });
    let step = Step {
        due: kept_until(action, &wanted, certificate.as_ref()),
        not_after: certificate.as_ref().map(Certificate::not_after),
        hard_links: found.hard_links,
        key: None,
        keeps_serial,
        stamps: found.stamps,
        wanted,
        paths,
        action,
        causes,
    };
    Ok((step, certificate))
}

/// Refuses an authority that cannot be the one that is wanted.
fn check_authority(
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
fn kept_until(
    action: Action,
    wanted: &Wanted,
    certificate: Option<&Certificate>,
) -> Option<SystemTime> {
    let certificate = certificate.filter(|_| matches!(action, Action::Keep | Action::Mode))?;
    let (begin, end) = (certificate.not_before(), certificate.not_after());
    Some(wanted.renew_before.begins(begin, end))
}

/// How many pairs have each key.
fn shared_keys(found: &[(Wanted, Found)]) -> HashMap<PublicKey, usize> {
    let mut counts = HashMap::with_capacity(found.len());
    for (_, found) in found {
        if let Part::Present(key) = &found.key {
            *counts.entry(key.clone()).or_insert(0) += 1;
        }
    }
    counts
}

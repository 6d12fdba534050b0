//! Rotates a CA: a new CA replaces it, while members and clients accept each other throughout.
//!
//! The files of the directory alone show the [`Stage`]. [`Rotation::next`] goes to the next stage
//! if its [`Gate`] is open, and [`Rotation::back`] to the stage before.
//!
//! | stage | trust bundle | keys | who signs |
//! |---|---|---|---|
//! | steady | old CA | `ca-key.pem` | the old CA |
//! | trusted | old CA, new CA | also `ca-next-key.pem` | the old CA |
//! | switched | new CA, old CA | `ca-key.pem` of the new CA, `ca-previous-key.pem` | the new CA |
//! | steady | new CA | also `ca-previous-key.pem`, until it is forgotten | the new CA |

mod change;
mod files;
mod gate;
mod issued;
#[cfg(feature = "probe")]
mod members;
mod report;

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

pub use self::{
    gate::{Gate, MemberState, Obstacle},
    report::{Evidence, IssuedCertificate, MemberReport, Seen},
};
pub use crate::inspect::{Stage, Strategy};
use crate::{
    ca::{CertificateAuthority, next_name},
    cluster::Cluster,
    error::{Error, Result},
    finding::Finding,
    inspect::{CurrentCa, RotationState, issuer},
    key::{KeyAlgorithm, Passphrase, PrivateKey},
    layout::{CaKind, PairPaths, RotationFile},
    profile::{CaProfile, Profile},
    role::Role,
    store::{Attributes, RecordEntry, Store, read_existing_below},
    time::{clock, validity::Validity},
    verify::unacceptable,
    x509::{bundle::Bundle, certificate::Certificate, identity::Identity},
};

/// The rotation of a CA, as the files of its directory show it.
///
/// ```
/// use etcd_pki_core::{
///     CaKind, CertificateAuthority, Layout, Store,
///     trust::rotation::{Evidence, Rotation, RotationOptions, Stage},
/// };
///
/// # let parent = tempfile::tempdir()?;
/// let store = Store::new(parent.path().join("ssl"), Layout::Kubespray);
/// store.lock()?.write_ca(CaKind::Client, &CertificateAuthority::create("etcd-ca")?, None)?;
///
/// // The new CA is trusted, and the old CA still signs
/// let options = RotationOptions::new();
/// let rotation = Rotation::read(&store)?.next(&Evidence::new(), &options)?;
/// assert_eq!(rotation.stage(), Stage::Trusted);
///
/// // The next stage waits for the restart of all members and clients
/// let gate = rotation.gate(&Evidence::new(), &options);
/// assert!(!gate.is_open());
/// assert_eq!(rotation.back(&options)?.stage(), Stage::Steady);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rotation {
    store: Store,
    kind: CaKind,
    bundle: Vec<Certificate>,
    /// The CA that signs now
    signing: Certificate,
    state: RotationState,
    members: Vec<String>,
    /// The leaf certificates of the directory that the other CA of the rotation signed
    leaves: Vec<PathBuf>,
    /// The recorded certificates of the CA that does not sign now that may be in use outside the
    /// directory
    issued: Vec<RecordEntry>,
    /// The first damage of the record
    record_damage: Option<String>,
    /// Whether there is a separate peer CA
    has_peer_ca: bool,
    /// The reason why nothing may be written
    obstacle: Option<Finding>,
}

/// Options for changing the stage of a rotation.
#[derive(Clone, Copy, Default)]
#[must_use]
pub struct RotationOptions<'a> {
    pub(super) passphrase: Option<&'a Passphrase>,
    pub(super) cluster: Option<&'a Cluster>,
    pub(super) strategy: Option<Strategy>,
    pub(super) now: Option<SystemTime>,
    pub(super) waiting: Option<&'a dyn Fn(&Path)>,
}

impl<'a> RotationOptions<'a> {
    /// Creates the default options: the best strategy, and a new CA like the old one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decrypts the keys of the CAs, and encrypts the key of the new CA if that of the old CA is
    /// encrypted.
    pub fn with_passphrase(self, passphrase: &'a Passphrase) -> Self {
        Self {
            passphrase: Some(passphrase),
            ..self
        }
    }

    /// Creates the new CA with the algorithm and the validity that the specification gives, and
    /// writes files with its owners and modes.
    pub fn with_cluster(self, cluster: &'a Cluster) -> Self {
        Self {
            cluster: Some(cluster),
            ..self
        }
    }

    /// Uses this strategy. The default is [`Strategy::Link`] if every member was shown to accept
    /// the link certificate, and otherwise [`Strategy::Bundle`].
    pub fn with_strategy(self, strategy: Strategy) -> Self {
        Self {
            strategy: Some(strategy),
            ..self
        }
    }

    /// Calls this function once if another etcd-pki process holds the lock of the directory.
    pub fn with_waiting(self, waiting: &'a dyn Fn(&Path)) -> Self {
        Self {
            waiting: Some(waiting),
            ..self
        }
    }

    /// Works as if the current time were `now`.
    pub fn at(self, now: SystemTime) -> Self {
        Self {
            now: Some(now),
            ..self
        }
    }

    fn now(&self) -> SystemTime {
        self.now.unwrap_or_else(clock::now)
    }
}

impl std::fmt::Debug for RotationOptions<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RotationOptions")
            .field("strategy", &self.strategy)
            .finish_non_exhaustive()
    }
}

impl Rotation {
    /// Reads the rotation of the CA for clients. Without a separate peer CA, this CA is also the CA
    /// for peers.
    ///
    /// # Errors
    ///
    /// [`Error::Rotation`] if the files fit no stage; [`Error::Io`] if there is no CA; the errors
    /// of reading a CA.
    pub fn read(store: &Store) -> Result<Self> {
        Self::read_ca(store, CaKind::Client)
    }

    /// Reads the rotation of a CA of this kind.
    ///
    /// # Errors
    ///
    /// As [`Rotation::read`].
    pub fn read_ca(store: &Store, kind: CaKind) -> Result<Self> {
        let relative = store.layout().ca(kind);
        let paths = relative.below(store.directory());
        // If the file is missing, this returns the operating system's error
        read_existing_below(store.directory(), &relative.certificate)?;
        let current = CurrentCa::read(&paths, &relative, None, &Attributes::default())?;
        if let Some(finding) = current.refused.as_ref() {
            return Err(unacceptable(finding.clone()).in_file(&paths.certificate));
        }
        let signing = current.certificate().cloned();
        let signing = signing.ok_or(Error::MissingBlock {
            what: "certificate",
            found: Vec::new(),
        })?;
        let state = current.rotation.clone();
        if let Some(fault) = &state.fault {
            return Err(Error::Rotation {
                directory: store.directory().to_owned(),
                reason: fault.clone(),
                hint: "nothing was changed; bring back the files of a backup, so that the trust bundle, the keys and \
                       the link certificate belong to one stage"
                    .to_owned(),
            });
        }
        let other = match state.stage {
            Stage::Steady => state.old.as_ref(),
            _ => state.partner(),
        };
        let leaves = match other {
            Some(other) => leaves_of(store, other)?,
            None => Vec::new(),
        };
        let (issued, record_damage) = match (state.partner(), &state.old, &state.new) {
            (Some(other), Some(old), Some(new)) => {
                let current = if other == old { new } else { old };
                issued::in_use(store, other, current)?
            }
            _ => (Vec::new(), None),
        };
        Ok(Self {
            issued,
            record_damage,
            members: store.member_names()?,
            has_peer_ca: store.ca_paths(CaKind::Peer).certificate.exists(),
            obstacle: current.obstacles().next().cloned(),
            store: store.clone(),
            kind,
            bundle: current.bundle.clone(),
            signing,
            state,
            leaves,
        })
    }

    /// The directory.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The kind of the CA.
    #[must_use]
    pub fn kind(&self) -> CaKind {
        self.kind
    }

    /// The stage.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.state.stage
    }

    /// The strategy, as far as the files show it: the best that the old CA allows.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        let strategy = self.state.strategy();
        strategy.unwrap_or_else(|| Strategy::of(&self.signing))
    }

    /// The old CA. Before a rotation this is the only CA, and afterwards the previous one, until it
    /// is forgotten.
    #[must_use]
    pub fn old_ca(&self) -> Option<&Certificate> {
        match self.stage() {
            Stage::Steady if !self.keeps_previous() => Some(&self.signing),
            _ => self.state.old.as_ref(),
        }
    }

    /// The new CA; `None` before the rotation.
    #[must_use]
    pub fn new_ca(&self) -> Option<&Certificate> {
        match self.stage() {
            Stage::Steady if self.keeps_previous() => Some(&self.signing),
            _ => self.state.new.as_ref(),
        }
    }

    /// The CA that signs now.
    #[must_use]
    pub fn signing_ca(&self) -> &Certificate {
        &self.signing
    }

    /// The certificate with which the old CA vouches for the new one.
    #[must_use]
    pub fn link(&self) -> Option<&Certificate> {
        self.state.link.as_ref()
    }

    /// Whether the key of the previous CA is kept after a rotation. [`Rotation::forget`] removes
    /// it.
    #[must_use]
    pub fn keeps_previous(&self) -> bool {
        self.stage() == Stage::Steady && self.state.keeps_previous
    }

    /// Whether a change was interrupted. The next change finishes or undoes it.
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.state.is_unfinished
    }

    /// The names of the members with certificates in the directory.
    #[must_use]
    pub fn members(&self) -> &[String] {
        &self.members
    }

    /// The certificates of the directory that the other CA of the rotation signed, the one that
    /// does not sign now. The paths are relative to the directory. The next `apply` signs these
    /// certificates again.
    #[must_use]
    pub fn leaves_of_other_ca(&self) -> &[PathBuf] {
        &self.leaves
    }

    /// Issues a client certificate for the question whether a member accepts the link certificates
    /// of this CA. It is valid for five minutes, and only in memory.
    ///
    /// # Errors
    ///
    /// The errors of loading the CA; [`Error::Rotation`] if the old CA does not sign now.
    pub fn trial(&self, options: &RotationOptions<'_>) -> Result<Bundle> {
        if self.stage() == Stage::Switched {
            return Err(self.refused(
                "the new CA signs already".to_owned(),
                "no member has to be asked any more",
            ));
        }
        const LIFE: Validity = Validity::lasting(std::time::Duration::from_secs(300));
        let now = options.now();
        let old = self.store.at(now).load(&self.paths(), options.passphrase)?;
        let own = old.certificate().common_name().unwrap_or_default();
        let name = next_name(&own, now, |_| false);
        let identity = Identity::from_common_name(&name)?;
        let profile = Profile::ca().with_validity(LIFE);
        let trial =
            CertificateAuthority::create_for(PrivateKey::generate()?, &identity, profile, now)?;
        let link = old.at(now).link(trial.certificate())?;
        let client = Role::Client.profile().with_validity(LIFE);
        let trial = trial.with_link(link)?;
        let mut identity = Identity::new("etcd-pki-trial")?;
        if self.kind == CaKind::Peer {
            // etcd's peer port compares the names of a certificate with the host of its owner
            identity = identity.without_alternative_names();
        }
        trial.at(now).issue(client, identity)
    }

    /// The files of the CA, relative to the directory.
    fn paths(&self) -> PairPaths {
        self.store.layout().ca(self.kind)
    }

    /// A file of the rotation, relative to the directory.
    fn file(&self, file: RotationFile) -> PairPaths {
        self.paths().rotation(file)
    }

    /// Whether the CA may be followed by link certificates.
    fn allows_link(&self) -> bool {
        self.strategy() == Strategy::Link
    }

    fn refused(&self, reason: String, hint: &str) -> Error {
        Error::Rotation {
            directory: self.store.directory().to_owned(),
            reason,
            hint: hint.to_owned(),
        }
    }

    /// The identity of the next CA, and its profile.
    fn next_ca(&self, options: &RotationOptions<'_>) -> Result<(Identity, CaProfile)> {
        let desired = options.cluster.map(Cluster::desired).transpose()?;
        let desired = desired.and_then(|desired| {
            let mut cas = desired.cas.into_iter();
            cas.find(|ca| ca.kind == self.kind)
        });
        if let Some(desired) = &desired
            && !desired.is_named(&self.signing)
        {
            return Err(Error::OtherCa {
                path: self.store.ca_paths(self.kind).certificate,
                found: self.signing.subject(),
                wanted: desired.common_name().unwrap_or_default(),
            });
        }
        let named = desired.as_ref().and_then(|desired| desired.common_name());
        let named = named.or_else(|| self.signing.common_name());
        let is_taken = |name: &str| {
            let mut names = self.bundle.iter().filter_map(Certificate::common_name);
            names.any(|taken| taken == name)
        };
        let name = next_name(&named.unwrap_or_default(), options.now(), is_taken);
        let mut identity = Identity::from_common_name(&name)?;
        if let [organization] = self.signing.organizations().as_slice() {
            identity = identity.with_organization(organization)?;
        }
        let usual = desired
            .as_ref()
            .map_or(Profile::ca(), |desired| desired.profile);
        let algorithm = desired.as_ref().and_then(|desired| desired.algorithm);
        let current = self.signing.public_key().algorithm();
        let algorithm = algorithm.or(current.map(KeyAlgorithm::made));
        let profile = usual.with_algorithm(algorithm.unwrap_or_default());
        if options.cluster.is_some() {
            return Ok((identity, profile));
        }
        let (begin, end) = (self.signing.not_before(), self.signing.not_after());
        let life = end.duration_since(begin).unwrap_or_default();
        Ok((identity, profile.with_validity(Validity::lasting(life))))
    }
}

/// The leaf certificates of a directory that a CA signed, relative to the directory.
fn leaves_of(store: &Store, ca: &Certificate) -> Result<Vec<PathBuf>> {
    let all = store.certificates()?.into_iter();
    let own = all.filter(|(_, leaf)| !leaf.is_ca() && issuer::is_signed_by(leaf, [ca]));
    let relative = own.map(|(path, _)| {
        let below = path.strip_prefix(store.directory());
        below.map(Path::to_owned).unwrap_or(path)
    });
    Ok(relative.collect())
}

#[cfg(test)]
mod tests;

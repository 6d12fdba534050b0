//! Data that the steps of a run share.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::AtomicUsize},
    time::SystemTime,
};

use crate::{
    ca::CertificateAuthority,
    cluster::DesiredPair,
    error::{Error, Result},
    finding::Finding,
    key::{Passphrase, PrivateKey},
    layout::CaKind,
    plan::{
        Contents, Step,
        cache::{Mark, Marker},
        file_renewal::{FileRenewal, key_of},
        report::Product,
    },
    store::{Attributes, Issuance, LockedStore, record_issued},
    x509::certificate::Certificate,
};

/// The data that the steps of a run share: the plan, the locked store and the CAs.
pub(super) struct Shared<'a> {
    pub(super) plan: &'a Contents,
    pub(super) files: &'a LockedStore,
    pub(super) passphrase: Option<&'a Passphrase>,
    /// The CAs that sign
    pub(super) signers: HashMap<CaKind, CertificateAuthority>,
    /// The CAs that renew certificates by path
    renewal_signers: Mutex<HashMap<Option<CaKind>, Arc<CertificateAuthority>>>,
    /// The keys that create the marks for CAs that this run creates
    pub(super) markers: HashMap<CaKind, Marker>,
    /// The number of keys of requests that failed after the key was written
    pub(super) further_keys: AtomicUsize,
}

/// An entry of the record that must be on the disk before its certificate is written.
pub(super) struct Recorded {
    pub(super) issuance: Issuance,
    /// The certificate file of the CA, if the record is not that of the plan's directory
    pub(super) ca_certificate: Option<PathBuf>,
}

/// The data that a changed pair adds to the cache and to the report.
#[derive(Default)]
pub(super) struct Changed {
    pub(super) mark: Option<Mark>,
    pub(super) product: Product,
}

impl<'a> Shared<'a> {
    pub(super) fn new(
        plan: &'a Contents,
        files: &'a LockedStore,
        passphrase: Option<&'a Passphrase>,
    ) -> Self {
        Self {
            plan,
            files,
            passphrase,
            signers: HashMap::new(),
            renewal_signers: Mutex::default(),
            markers: HashMap::new(),
            further_keys: AtomicUsize::new(0),
        }
    }

    /// The permissions of a step's files. A symbolic link is replaced only if the plan has that as
    /// a reason.
    pub(super) fn permissions(&self, step: &Step) -> Attributes {
        let mut reasons = step.reasons.iter();
        let replaces_links = reasons.any(|reason| matches!(reason, Finding::SymbolicLink { .. }));
        Attributes {
            replaces_links,
            ..self.plan.permissions.clone()
        }
    }

    pub(super) fn signer(&self, kind: CaKind) -> Result<&CertificateAuthority> {
        self.signers.get(&kind).ok_or(Error::MissingBlock {
            what: "private key of its CA",
            found: Vec::new(),
        })
    }

    /// The CA that renews certificates by path. It is only loaded once.
    pub(super) fn renewal_signer(
        &self,
        renewal: &FileRenewal,
    ) -> Result<Arc<CertificateAuthority>> {
        let kind = renewal.ca;
        let mut loaded = self
            .renewal_signers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(signer) = loaded.get(&kind) {
            return Ok(Arc::clone(signer));
        }
        let now = self.plan.now;
        let signer = renewal.signer.load(kind, self.passphrase, now)?;
        loaded.insert(kind, Arc::clone(&signer));
        Ok(signer)
    }

    /// The entry for a certificate of a CA of the directory, unless the plan records none.
    pub(super) fn recorded(
        &self,
        certificate: &Certificate,
        ca: &CertificateAuthority,
    ) -> Option<Recorded> {
        self.plan.records.then(|| Recorded {
            issuance: Issuance::new(certificate, ca),
            ca_certificate: None,
        })
    }

    /// Adds the entries of a batch to their records.
    pub(super) fn record_batch(&self, recorded: Vec<Recorded>) -> Result<()> {
        let mut records: BTreeMap<Option<PathBuf>, Vec<Issuance>> = BTreeMap::new();
        for one in recorded {
            let issued = records.entry(one.ca_certificate).or_default();
            issued.push(one.issuance);
        }
        records.into_iter().try_for_each(|(ca, issued)| match ca {
            Some(ca) => record_issued(&ca, &issued),
            None => self.record(&issued),
        })
    }

    /// Adds certificates to the record of the directory's CAs.
    pub(super) fn record(&self, issued: &[Issuance]) -> Result<()> {
        if !self.plan.records {
            return Ok(());
        }
        self.files.record(issued, &self.plan.permissions)
    }

    pub(super) fn marker(&self, kind: CaKind) -> Option<&Marker> {
        let cache = self.plan.cache.as_ref()?;
        self.markers.get(&kind).or_else(|| cache.marker(kind))
    }

    /// Reads a key by its path below the locked directory.
    pub(super) fn key(&self, path: &Path) -> Result<PrivateKey> {
        let full = self.plan.store.directory().join(path);
        key_of(&full, self.files.read(path)?)
    }
}

/// The requested expiry, if it was shortened and the specification gives a validity.
pub(super) fn requested_end(pair: &DesiredPair, cut: Option<SystemTime>) -> Option<SystemTime> {
    cut.filter(|_| pair.profile.asked_validity().is_some())
}

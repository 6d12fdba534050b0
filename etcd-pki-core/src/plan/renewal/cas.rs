//! The CAs that may sign renewed certificates.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use crate::{
    ca::CertificateAuthority,
    error::{Error, Result},
    finding::Finding,
    inspect::{
        CurrentCa, Part,
        issuer::{self, Issuer},
    },
    layout::CaKind,
    plan::{PlannedCa, file_renewal::RenewalCa, other_cas::OtherCas},
    store::{Attributes, Store},
    verify::SigningChain,
    x509::certificate::Certificate,
};

/// The CAs that may have signed the certificates.
pub(super) struct Cas(Vec<(Option<CaKind>, PathBuf, CaState)>);

/// A CA, or the reason why it cannot be read.
enum CaState {
    Given(Certificate, Arc<SigningChain>),
    Current(Box<CurrentCa>, Arc<SigningChain>),
    Unreadable(Error),
}

impl Cas {
    pub(super) fn read(ca: &RenewalCa) -> Result<Self> {
        let given = |ca: &CertificateAuthority| {
            let (certificate, chain) = (ca.certificate().clone(), Arc::clone(ca.signing_chain()));
            (None, PathBuf::new(), CaState::Given(certificate, chain))
        };
        let (store, mut cas) = match ca {
            RenewalCa::Given(ca) => return Ok(Self(vec![given(ca)])),
            RenewalCa::Store {
                store,
                given: signer,
            } => (store, Vec::from_iter(signer.iter().map(|ca| given(ca)))),
        };
        for kind in CaKind::ALL {
            let relative = store.layout().ca(kind);
            let paths = relative.below(store.directory());
            let state = match CurrentCa::read(&paths, &relative, None, &Attributes::default()) {
                Ok(current) => match current.signing_chain() {
                    Some(chain) => CaState::Current(Box::new(current), Arc::new(chain)),
                    None => continue,
                },
                Err(error) => CaState::Unreadable(error),
            };
            cas.push((Some(kind), paths.certificate, state));
        }
        let is_readable = |state: &CaState| !matches!(state, CaState::Unreadable(_));
        if cas.iter().any(|(_, _, state)| is_readable(state)) {
            return Ok(Self(cas));
        }
        match cas.pop() {
            Some((_, _, CaState::Unreadable(error))) => Err(error),
            _ => {
                // Returns the operating system's error, unless the CA has just been created
                store.ca(CaKind::Client, None)?;
                let path = store.ca_paths(CaKind::Client).certificate;
                Err(Error::FileChanged { path })
            }
        }
    }

    /// Warnings about a CA of the store that signs.
    pub(super) fn warnings(&self, kind: Option<CaKind>) -> Vec<Finding> {
        let mut states = self
            .0
            .iter()
            .filter(|(one, ..)| kind.is_some() && *one == kind);
        let current = states.find_map(|(_, _, state)| match state {
            CaState::Current(current, _) => Some(current),
            _ => None,
        });
        let warnings = current.map(|ca| ca.owner.iter().chain(&ca.warnings).cloned().collect());
        warnings.unwrap_or_default()
    }

    /// The other CAs in a directory.
    pub(super) fn others_in(&self, directory: &Store) -> OtherCas {
        let mut current = Vec::new();
        let mut given = Vec::new();
        for (kind, path, state) in &self.0 {
            match (kind, state) {
                (Some(kind), CaState::Current(ca, _)) => current.push((*kind, &**ca)),
                (_, CaState::Given(ca, _)) => given.push((path.clone(), ca.clone())),
                _ => {}
            }
        }
        OtherCas::read(directory, &current).with_own(given)
    }

    /// The CAs of the store that may sign.
    pub(super) fn planned(&self, ca: &RenewalCa) -> Vec<PlannedCa> {
        let RenewalCa::Store { store, .. } = ca else {
            return Vec::new();
        };
        let planned = self.0.iter().filter_map(|(kind, _, state)| match state {
            CaState::Current(current, _) => {
                let kind = (*kind)?;
                Some(PlannedCa {
                    kind,
                    paths: store.ca_paths(kind),
                    stamps: current.stamps.clone(),
                })
            }
            CaState::Given(..) | CaState::Unreadable(_) => None,
        });
        planned.collect()
    }

    /// Fails if no CA can sign here. The error is that of the first CA.
    pub(super) fn can_any_sign(&self, ca: &RenewalCa, now: SystemTime) -> Result<()> {
        let can_sign = |(_, path, state): &(Option<CaKind>, PathBuf, CaState)| match state {
            CaState::Given(..) => true,
            CaState::Current(current, _) => can_sign(current, path).is_ok(),
            CaState::Unreadable(_) => false,
        };
        if self.0.iter().any(can_sign) {
            return Ok(());
        }
        let kind = self.0.first().and_then(|(kind, ..)| *kind);
        ca.load(kind, None, now).map(drop)
    }

    /// The CA that renews a certificate, with Go's judgement of certificates that it signs; or the
    /// reason why there is no such CA.
    pub(super) fn signer(
        &self,
        certificate: &Certificate,
    ) -> std::result::Result<(Option<CaKind>, &SigningChain), Finding> {
        let candidates = self.0.iter().flat_map(|entry| {
            let bundle = match &entry.2 {
                CaState::Current(current, _) => current.bundle.as_slice(),
                CaState::Given(ca, _) => std::slice::from_ref(ca),
                CaState::Unreadable(_) => &[],
            };
            bundle.iter().map(move |ca| ((entry, ca), ca))
        });
        match issuer::of(certificate, candidates) {
            Issuer::Ca(((kind, path, state), ca)) => match state {
                CaState::Given(_, chain) => Ok((*kind, chain)),
                CaState::Current(current, chain)
                    if current.certificate() == Some(ca)
                        || current.rotation.partner() == Some(ca) =>
                {
                    can_sign(current, path).map(|()| (*kind, &**chain))
                }
                _ => Err(other_ca(certificate, path)),
            },
            unknown @ Issuer::Unknown { .. } => {
                // A certificate without a matching CA is assumed to come from the CA that cannot be
                // read
                let unreadable = self.0.iter().find_map(|(_, path, state)| match state {
                    CaState::Unreadable(error) => Some((path, error)),
                    _ => None,
                });
                Err(match unreadable {
                    Some((path, error)) => Finding::Blocked {
                        path: path.clone(),
                        reason: format!("its CA cannot sign: {error}"),
                    },
                    None => {
                        let mut paths = self.0.iter().map(|(_, path, _)| path.as_path());
                        let path = paths.find(|path| *path != Path::new(""));
                        let path = path.unwrap_or(Path::new(""));
                        unknown
                            .refusal(certificate, Some(path))
                            .unwrap_or_else(|| other_ca(certificate, path))
                    }
                })
            }
            issuer => {
                let path = Path::new("");
                Err(issuer
                    .refusal(certificate, None)
                    .unwrap_or_else(|| other_ca(certificate, path)))
            }
        }
    }
}

/// Checks that a CA can sign here. The error is the reason why it cannot.
fn can_sign(current: &CurrentCa, path: &Path) -> std::result::Result<(), Finding> {
    match &current.key {
        Part::Missing => Err(Finding::Blocked {
            path: path.to_owned(),
            reason: format!("{} is here, and its key is not", path.display()),
        }),
        // The passphrase is needed when the CA signs
        Part::Present(_) | Part::Unusable(_) => match current.links.first() {
            Some(link) => Err(link.clone()),
            None => Ok(()),
        },
    }
}

/// The finding that a CA did not sign a certificate.
fn other_ca(certificate: &Certificate, path: &Path) -> Finding {
    Finding::OtherCa {
        issuer: certificate.issuer(),
        ca: Some(path.to_owned()),
        same_name: false,
    }
}

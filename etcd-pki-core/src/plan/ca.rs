//! Decides what to do with the CAs of the specification where their keys are, and what they can
//! sign.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use super::{
    Action, PlanOptions, Step, Target,
    cache::Marker,
    decide::{self, Decision, LinkRule, SigningCa},
    shared_keys::CaWithKey,
    unmanaged::check_orphans,
    work::{LinkText, TrustText, Work},
};
use crate::{
    cluster::DesiredCa,
    error::{Error, Result},
    finding::Finding,
    inspect::{CurrentCa, Part, Stage, rules},
    key::PublicKey,
    layout::{PairPaths, RotationFile},
    store::{Attributes, Store},
    verify::{SigningChain, unacceptable},
    x509::{bundle::all_pem, certificate::Certificate},
};

/// A CA of the specification, and its current state.
pub(super) struct Ca {
    pub(super) desired: DesiredCa,
    pub(super) current: CurrentCa,
    /// Go's judgement of certificates that the CA signs; `None` if the CA must be created
    chain: Option<SigningChain>,
    /// The decision about the CA; `None` if it must be created
    decision: Option<Decision>,
    /// The other CA of its rotation
    rotated: Vec<Certificate>,
    /// The link certificate that follows leaves in their files
    link: Option<Certificate>,
    /// The reason why no certificate of the CA can be issued now
    impossible_validity: Option<Finding>,
    /// Creates the marks of the pairs that the CA signs, if its key can be read
    pub(super) marker: Option<Marker>,
}

impl Ca {
    /// Reads a CA. Refuses a CA that cannot be the CA of the specification.
    pub(super) fn read(
        desired: DesiredCa,
        store: &Store,
        permissions: &Attributes,
        options: &PlanOptions,
        now: SystemTime,
    ) -> Result<Self> {
        let paths = desired.paths.below(store.directory());
        let common_name = desired.common_name();
        let mut current =
            CurrentCa::read(&paths, &desired.paths, common_name.as_deref(), permissions)?;
        let chain = current.signing_chain();
        let validity = desired.profile.validity();
        let impossible_validity = decide::impossible_validity(validity, &desired.paths, now);
        let decision = match current.certificate() {
            Some(certificate) => {
                if let Some(finding) = current.refused.as_ref().filter(|_| !current.is_bundle_only)
                {
                    // The other content of the file may be the only copy
                    return Err(unacceptable(finding.clone()).in_file(&paths.certificate));
                }
                check_ca(&desired, &paths, certificate, current.key.present())?;
                let mut decision = decide::ca(&desired, certificate, &current, now);
                if options.only.is_some() && decision.action == Action::Renew {
                    decision.action = Action::Keep;
                }
                if decision.action == Action::Renew
                    && let Some(finding) = &impossible_validity
                {
                    decision.action = Action::Blocked;
                    decision.reasons.insert(0, finding.clone());
                }
                // A renewal keeps the extensions, so it would also keep the fault
                if decision.action == Action::Renew
                    && let Some(Err(finding)) = chain.as_ref().map(|one| one.check_cas(now, true))
                {
                    decision.action = Action::Blocked;
                    decision.reasons.insert(0, finding);
                }
                if let Some(finding) = &current.refused {
                    decision.reasons.insert(0, finding.clone());
                    decision.action = match current.obstacles().next() {
                        Some(obstacle) => {
                            decision.reasons.insert(0, obstacle.clone());
                            Action::Blocked
                        }
                        None => Action::Trust,
                    };
                }
                Some(decision)
            }
            None => None,
        };
        let private_key = current.private_key.take();
        let rotation = &current.rotation;
        Ok(Self {
            rotated: rotation.partner().into_iter().cloned().collect(),
            link: rotation.link_of_leaves(&current.bundle, now).cloned(),
            marker: private_key.as_ref().and_then(Marker::of),
            desired,
            current,
            chain,
            decision,
            impossible_validity,
        })
    }

    /// The reason why the CA cannot be created: no certificate can have its validity.
    pub(super) fn cannot_be_created(&self) -> Option<Finding> {
        let finding = self.impossible_validity.as_ref();
        match finding.filter(|_| self.decision.is_none())? {
            Finding::Blocked { path, reason } => Some(Finding::Blocked {
                path: path.clone(),
                reason: format!("{} cannot be created: {reason}", path.display()),
            }),
            _ => None,
        }
    }

    /// The CA that leaves are compared with; `None` if the CA must be created.
    pub(super) fn signing(&self) -> Option<SigningCa<'_>> {
        let decision = self.decision.as_ref()?;
        Some(SigningCa {
            certificate: self.current.certificate()?,
            bundle: &self.current.bundle,
            path: Some(&self.desired.paths.certificate),
            chain: self.chain.as_ref(),
            is_renewed: decision.action == Action::Renew,
            rotated: &self.rotated,
            link: match (&self.link, self.current.rotation.stage) {
                (Some(link), _) => LinkRule::Required(link),
                (None, Stage::Steady) => LinkRule::Refused,
                (None, _) => LinkRule::Optional,
            },
        })
    }

    /// The certificates of the bundle, and for each whether its key is here.
    pub(super) fn with_keys(&self) -> impl Iterator<Item = CaWithKey<'_>> {
        let key = self.current.key.present();
        self.current
            .bundle
            .iter()
            .map(move |certificate| CaWithKey {
                path: &self.desired.paths.certificate,
                certificate,
                has_key: key == Some(certificate.public_key()),
            })
    }

    /// The finding about files of a rotation that fit no stage. It is then unknown which
    /// certificates follow a leaf.
    pub(super) fn rotation_fault(&self) -> Option<Finding> {
        let rotation = &self.current.rotation;
        let finding = rotation.finding(&self.desired.paths.certificate);
        finding.filter(|_| rotation.fault.is_some())
    }

    /// The reason why the CA cannot sign: a symbolic link replaces one of its files, an
    /// untrusted user owns its certificates, its rotation fits no stage, it cannot be created, or it has expired and this plan
    /// cannot renew it.
    pub(super) fn blocks(&self, now: SystemTime) -> Option<Finding> {
        if let Some(obstacle) = self.current.obstacles().next() {
            return Some(obstacle.clone());
        }
        if let Some(fault) = self.rotation_fault() {
            return Some(fault);
        }
        if self.decision.is_none() {
            return self.cannot_be_created();
        }
        let is_blocked = self
            .decision
            .as_ref()
            .is_some_and(|decision| decision.action == Action::Blocked);
        let certificate = self.current.certificate().filter(|_| is_blocked)?;
        let not_after = certificate.not_after();
        (not_after < now).then(|| Finding::Expired {
            subject: Some(certificate.subject()),
            not_after,
        })
    }

    /// The trust bundle that hosts receive: the bundle after this plan.
    pub(super) fn trust_text(&self) -> TrustText {
        let bundle = &self.current.bundle;
        match &self.decision {
            None => TrustText::Made(Vec::new()),
            Some(decision) if decision.action == Action::Renew => TrustText::Made(bundle.clone()),
            Some(_) => TrustText::Known(all_pem(bundle)),
        }
    }

    /// The link certificate that hosts receive during a rotation, with its path. Hosts that trust
    /// the old CA then trust the new one.
    pub(super) fn link_text(&self) -> Option<LinkText> {
        let rotation = &self.current.rotation;
        let link = rotation.link.as_ref();
        let link = link.filter(|_| rotation.stage != Stage::Steady)?;
        Some(LinkText {
            path: self.desired.paths.rotation(RotationFile::Link).certificate,
            text: link.to_pem(),
        })
    }

    /// Whether the CA has been created since it was read. An empty file does not count as a CA.
    pub(super) fn has_appeared(&self, store: &Store) -> Result<bool> {
        if self.decision.is_some() {
            return Ok(false);
        }
        let paths = self.desired.paths.below(store.directory());
        match self.current.stamps.check(&paths) {
            Ok(()) => Ok(false),
            Err(Error::FileChanged { .. }) => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Creates the step of the CA. `signed` returns a certificate of the directory that a missing
    /// CA must have signed. `is_named` is whether a leaf names this certificate of the CA by its
    /// serial number.
    ///
    /// # Errors
    ///
    /// [`Error::ExistingCa`] if another CA signed certificates of the directory;
    /// [`Error::UntrustedOwner`] for a key that any user may have put there.
    pub(super) fn into_step(
        self,
        store: &Store,
        directory: &Arc<Path>,
        signed: impl FnOnce() -> Result<Option<PathBuf>>,
        is_named: impl FnOnce(&Certificate) -> bool,
    ) -> Result<Step> {
        let Self {
            desired,
            current,
            decision,
            impossible_validity,
            ..
        } = self;
        let has_key = !matches!(current.key, Part::Missing);
        let (
            Some(certificate),
            Some(Decision {
                action, reasons, ..
            }),
        ) = (current.certificate(), decision)
        else {
            check_orphans(&desired, has_key, store, signed()?)?;
            let mut warnings = current.warnings.iter();
            let key_owner = warnings.find_map(|warning| match warning {
                Finding::CaKeyOwner { path, owner } => Some((path, owner)),
                _ => None,
            });
            if let Some((path, owner)) = key_owner {
                // The user who put the key there could sign with it
                return Err(Error::UntrustedOwner {
                    path: directory.join(path),
                    owner: owner.clone(),
                });
            }
            let missing = |path, absent| rules::missing(&current.empty, path, absent);
            let paths = &desired.paths;
            let mut reasons = vec![missing(&paths.certificate, Finding::MissingCertificate)];
            match &current.key {
                Part::Missing => reasons.insert(0, missing(&paths.key, Finding::MissingKey)),
                Part::Present(key) => reasons.extend(decide::other_ca_algorithm(&desired, key)),
                Part::Unusable(_) => {}
            }
            let work = Work::CreateCa { has_key };
            let is_blocked = !current.links.is_empty() || impossible_validity.is_some();
            reasons.extend(current.warnings);
            reasons.splice(0..0, current.links);
            reasons.splice(0..0, impossible_validity.clone());
            let mut step = Step {
                reasons,
                stamps: current.stamps,
                hard_links: current.hard_links,
                ..Step::new(Action::Create, Target::Ca(desired), directory, work)
            };
            if is_blocked {
                step.block();
            }
            return Ok(step.with_validity_error(impossible_validity.as_ref()));
        };
        let work = match action {
            Action::Renew => Work::RenewCa {
                keeps_serial: is_named(certificate),
            },
            Action::Chmod => Work::Chmod,
            // The certificates stay the same, in the form that etcd reads
            Action::Trust => Work::Trust {
                certificates: TrustText::Known(all_pem(&current.bundle)),
                link: None,
            },
            _ => Work::None,
        };
        let (not_before, not_after) = (certificate.not_before(), certificate.not_after());
        let is_kept = matches!(action, Action::Keep | Action::Chmod);
        let step = Step {
            due: is_kept.then(|| desired.renew_before.begins(not_before, not_after)),
            reasons,
            not_before: Some(not_before),
            not_after: Some(not_after),
            stamps: current.stamps,
            hard_links: current.hard_links,
            ..Step::new(action, Target::Ca(desired), directory, work)
        };
        Ok(step.with_validity_error(impossible_validity.as_ref()))
    }
}

/// Refuses a certificate that cannot be the CA of the specification.
///
/// # Errors
///
/// [`Error::NotACa`], [`Error::OtherCa`], [`Error::KeyMismatch`].
pub(super) fn check_ca(
    desired: &DesiredCa,
    paths: &PairPaths,
    certificate: &Certificate,
    key: Option<&PublicKey>,
) -> Result<()> {
    if !certificate.is_ca() {
        return Err(Error::NotACa {
            subject: certificate.subject(),
            reason: "its basicConstraints do not say CA:TRUE".to_owned(),
        }
        .in_file(&paths.certificate));
    }
    let common_name = desired.common_name();
    if !desired.is_named(certificate) {
        return Err(Error::OtherCa {
            path: paths.certificate.clone(),
            found: certificate.subject(),
            wanted: common_name.unwrap_or_else(|| "a CA without a common name".to_owned()),
        });
    }
    match key {
        Some(key) if certificate.public_key() != key => Err(Error::KeyMismatch {
            expected: certificate.public_key().fingerprint_sha256(),
            found: key.fingerprint_sha256(),
        }
        .in_file(&paths.key)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ca::CertificateAuthority,
        cluster::{Cluster, ClusterSpec},
        layout::{CaKind, Layout},
        test_certificates::{self, Made},
    };

    /// The CA of a cluster, with the name `etcd-ca`.
    fn desired() -> DesiredCa {
        let cluster = Cluster::try_from(ClusterSpec::default()).unwrap();
        cluster.desired().unwrap().cas.remove(0)
    }

    /// Another process creates the CA after it was read.
    #[test]
    fn a_ca_that_appears() {
        let scratch = tempfile::tempdir().unwrap();
        let store = Store::new(scratch.path(), Layout::Kubespray);
        let read = || {
            let (permissions, options) = (Attributes::default(), PlanOptions::new());
            Ca::read(desired(), &store, &permissions, &options, SystemTime::now()).unwrap()
        };
        let before = read();
        assert!(!before.has_appeared(&store).unwrap());
        let ca = CertificateAuthority::create("etcd-ca").unwrap();
        let locked = store.lock().unwrap();
        locked.write_ca(CaKind::Client, &ca, None).unwrap();
        assert!(before.has_appeared(&store).unwrap());
        assert!(!read().has_appeared(&store).unwrap());
    }

    #[test]
    fn cas_of_a_specification() {
        let ca = |name| Made::root(test_certificates::ca(name, None));
        let (own, namesake, other) = (ca("etcd-ca"), ca("etcd-ca"), ca("other"));
        let leaf = Made::root(test_certificates::leaf("etcd-ca"));
        let desired = desired();
        let check = |one: &Made, key: Option<&Made>| {
            let key = key.map(|made| made.certificate.public_key());
            check_ca(&desired, &desired.paths, &one.certificate, key)
        };
        assert!(check(&own, None).is_ok());
        assert!(check(&own, Some(&own)).is_ok());
        let inner = |result: Result<()>| match result.unwrap_err() {
            Error::File { error, .. } => *error,
            error => error,
        };
        assert!(matches!(
            inner(check(&own, Some(&namesake))),
            Error::KeyMismatch { .. }
        ));
        assert!(matches!(inner(check(&other, None)), Error::OtherCa { .. }));
        assert!(matches!(inner(check(&leaf, None)), Error::NotACa { .. }));
    }
}

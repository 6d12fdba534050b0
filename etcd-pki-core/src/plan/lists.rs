//! Plans the change of a directory's revocation lists.

use std::{path::Path, sync::Arc, time::SystemTime};

use super::{
    Action, PlanOptions, Step, Target,
    work::{Revocations, Work},
};
use crate::{
    cluster::{Cluster, RevokedSpec},
    error::{Error, Result},
    finding::Finding,
    inspect::{Stamps, outdated},
    layout::{CaKind, PairPaths},
    store::{Known, Lists, Owner, Store, read_below},
    x509::{
        certificate::Certificate,
        revocation_list::{RevocationReason, Revoked, WHAT},
        serial::SerialNumber,
    },
};

/// The subject of a certificate of which only the serial number is known
const UNKNOWN: &str = "a certificate";

/// The revocation lists of a directory, and the certificates that the specification revokes.
#[derive(Debug, Default)]
pub(super) struct CurrentLists {
    lists: Lists,
    /// The reason why the lists cannot be used
    unusable: Option<Error>,
    /// The certificates that the specification revokes and the lists do not have yet
    missing: Vec<Known>,
    /// The serial numbers that the specification revokes, if there is no CA yet
    serials: Vec<(SerialNumber, Option<RevocationReason>)>,
}

impl CurrentLists {
    /// Reads the lists. Reads no certificate if there is nothing to revoke.
    pub(super) fn read(cluster: &Cluster, store: &Store, now: SystemTime) -> Result<Self> {
        let revoked = &cluster.spec().revoked;
        let der = store.list_paths().der;
        if revoked.is_empty() && der.symlink_metadata().is_err() {
            return Ok(Self::default());
        }
        let mut current = Self::default();
        match store.lists() {
            Ok(lists) if lists.list.is_none() && der.symlink_metadata().is_ok() => {
                // Its entries are lost, and a new list would accept their certificates again
                current.unusable = Some(Error::malformed(WHAT, "it is empty"));
            }
            Ok(lists) => current.lists = lists,
            Err(error) => current.unusable = Some(error),
        }
        current.add_specified(revoked, store, now)?;
        Ok(current)
    }

    fn add_specified(
        &mut self,
        revoked: &[RevokedSpec],
        store: &Store,
        now: SystemTime,
    ) -> Result<()> {
        let owners: Vec<Owner<'_>> = revoked.iter().filter_map(owner).collect();
        let found = store.certificates_of_all(&owners)?;
        // A damaged record is a finding, and does not stop a plan
        let recorded = store.recorded_of_all(&owners, now).unwrap_or_default();
        for (place, entry) in revoked.iter().enumerate() {
            let with_reason = |one: Revoked| match entry.reason {
                Some(reason) => one.with_reason(reason),
                None => one,
            };
            let mut is_found = false;
            for (_, certificate) in found.iter().filter(|(owner, _)| *owner == place) {
                is_found = true;
                if certificate.not_after() < now {
                    // The lists drop such an entry
                    continue;
                }
                let one = with_reason(Revoked::at(certificate, now)?);
                self.add(Known::of(certificate, one));
            }
            for (_, one) in recorded.iter().filter(|(owner, _)| *owner == place) {
                is_found = true;
                self.add(Known {
                    entry: with_reason(one.entry.clone()),
                    ..one.clone()
                });
            }
            let Some(serial) = entry.serial.as_ref().filter(|_| !is_found) else {
                continue;
            };
            if let Some(ca) = store.ca_with_serial(serial)? {
                // etcd would refuse every certificate that comes with it
                return Err(Error::Specification {
                    position: None,
                    field: format!("revoked[{place}].serial"),
                    reason: format!("is the serial number of the CA {}", ca.subject()),
                    hint: None,
                });
            }
            let Ok(ca) = store.signing_ca() else {
                self.serials.push((serial.clone(), entry.reason));
                continue;
            };
            if self.lists.entry_with_serial(serial).is_none() {
                self.add(Known {
                    entry: with_reason(Revoked::serial_at(serial.clone(), &ca, now)?),
                    subject: None,
                    not_after: None,
                    is_member: false,
                });
            }
        }
        Ok(())
    }

    fn add(&mut self, one: Known) {
        let entry = &one.entry;
        let is_same = |other: &Known| {
            other.entry.issuer_der() == entry.issuer_der()
                && other.entry.serial_number() == entry.serial_number()
        };
        let is_listed = self.lists.has(entry);
        if !is_listed && !self.missing.iter().any(is_same) {
            self.missing.push(one);
        }
    }

    /// The reason to replace a certificate: it is revoked, or this plan revokes it.
    pub(super) fn revoked(&self, certificate: &Certificate, list: &Path) -> Option<Finding> {
        if let Some(entry) = self
            .lists
            .list
            .as_ref()
            .and_then(|list| list.revoked(certificate))
        {
            return Some(Finding::Revoked {
                subject: certificate.subject(),
                serial: certificate.serial_number().to_string(),
                list: Some(list.to_owned()),
                since: Some(entry.revoked_at()),
                reason: entry.reason(),
            });
        }
        let mut missing = self.missing.iter();
        let known = missing.find(|known| known.entry.is_of(certificate))?;
        Some(not_listed(known))
    }

    /// Whether the plan must revoke a certificate that a step replaces or removes, because the
    /// user requested it. An expired certificate needs no entry.
    pub(super) fn must_add(&self, certificate: &Certificate, now: SystemTime) -> Result<bool> {
        let entry = Revoked::at(certificate, now)?;
        Ok(certificate.not_after() >= now && !self.lists.has(&entry))
    }

    /// Whether the specification revokes a certificate that the lists do not have yet.
    pub(super) fn is_missing(&self, certificate: &Certificate) -> bool {
        let mut missing = self.missing.iter();
        missing.any(|known| known.entry.is_of(certificate))
    }

    /// The step that changes the lists; `None` if they are up to date. Lists that cannot be used
    /// always have a blocked step. `replaced` are the
    /// certificates of steps that replace or remove them, with the places of these steps.
    pub(super) fn step(
        &self,
        store: &Store,
        directory: &Arc<Path>,
        options: &PlanOptions,
        replaced: Vec<(Option<usize>, Certificate)>,
        creates_ca: bool,
    ) -> Result<Option<Step>> {
        let now = options.now();
        let mut entries: Vec<(Option<usize>, Known)> = self
            .missing
            .iter()
            .map(|known| (None, known.clone()))
            .collect();
        for (place, certificate) in replaced {
            if self.must_add(&certificate, now)? {
                let entry = Revoked::at(&certificate, now)?;
                entries.push((place, Known::of(&certificate, entry)));
            }
        }
        let paths = store.layout().revocation_lists();
        let due = self.lists.list.as_ref().and_then(|list| {
            let life = list
                .next_update()?
                .duration_since(list.this_update())
                .ok()?;
            // The last third of its life
            outdated(&paths.der, list, now + life / 3)
        });
        let serials = self.serials.clone();
        let is_current = entries.is_empty() && serials.is_empty() && due.is_none();
        if is_current && self.unusable.is_none() {
            return Ok(None);
        }
        let target = Target::Files(PairPaths {
            certificate: paths.der.clone(),
            key: paths.pem,
        });
        let mut reasons: Vec<Finding> =
            entries.iter().map(|(_, known)| not_listed(known)).collect();
        reasons.extend(serials.iter().map(|(serial, reason)| Finding::Revoked {
            subject: UNKNOWN.to_owned(),
            serial: serial.to_string(),
            list: None,
            since: None,
            reason: *reason,
        }));
        let action = if entries.is_empty() && serials.is_empty() {
            Action::Renew
        } else {
            Action::Revoke
        };
        reasons.extend(due);
        let key = store.layout().ca(CaKind::Client).key;
        let has_key = creates_ca || read_below(store.directory(), &key)?.is_some();
        let obstacle = match &self.unusable {
            Some(error) => Some(Finding::UnusableList {
                path: paths.der.clone(),
                reason: error.to_string(),
                refused: false,
            }),
            None if !has_key => Some(Finding::Blocked {
                reason: format!("{} is not here, and it must sign the list", key.display()),
                path: key,
            }),
            None => None,
        };
        if obstacle.is_some() && action == Action::Renew && self.unusable.is_none() {
            // The host with the key signs it again
            return Ok(None);
        }
        let is_blocked = obstacle.is_some();
        reasons.splice(0..0, obstacle);
        let work = Work::Revoke(Box::new(Revocations { entries, serials }));
        let mut step = Step {
            stamps: Stamps::now(&PairPaths {
                certificate: store.list_paths().der,
                key: store.list_paths().pem,
            })?,
            reasons,
            ..Step::new(action, target, directory, work)
        };
        if is_blocked {
            step.block();
        }
        Ok(Some(step))
    }
}

/// Whether these steps create the CA that signs the lists.
pub(super) fn creates_ca(steps: &[Step]) -> bool {
    steps.iter().any(|step| {
        matches!(step.work, Work::CreateCa { .. })
            && step.ca().is_some_and(|ca| ca.kind == CaKind::Client)
    })
}

/// The certificates that an entry of the specification names.
fn owner(entry: &RevokedSpec) -> Option<Owner<'_>> {
    let client = entry.client.as_deref().map(Owner::Client);
    let host = || entry.host.as_deref().map(Owner::Host);
    let serial = || entry.serial.as_ref().map(Owner::Serial);
    client.or_else(host).or_else(serial)
}

/// The reason to revoke a certificate.
fn not_listed(known: &Known) -> Finding {
    Finding::Revoked {
        subject: known.subject.clone().unwrap_or_else(|| UNKNOWN.to_owned()),
        serial: known.entry.serial_number().to_string(),
        list: None,
        since: None,
        reason: known.entry.reason(),
    }
}

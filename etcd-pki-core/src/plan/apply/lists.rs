//! Changes the revocation lists of a directory.

use super::shared::Shared;
use crate::{
    ca::CertificateAuthority,
    error::Result,
    plan::{report::Executed, report::Outcome, work::Revocations},
    store::{Known, ListChange},
    x509::revocation_list::{Revoked, USUAL_VALIDITY},
};

/// Signs and writes the lists. A certificate that a failed step was to replace is not revoked,
/// because it is still in use.
pub(super) fn change(
    shared: &Shared<'_>,
    revocations: &Revocations,
    executed: &[Executed],
) -> Result<()> {
    let is_done = |place: usize| {
        let mut steps = executed.iter().filter(|one| one.step == place);
        steps.any(|one| matches!(one.outcome, Outcome::Done))
    };
    let entries = revocations.entries.iter();
    let entries = entries.filter(|(place, _)| place.is_none_or(is_done));
    let mut added: Vec<Known> = entries.map(|(_, known)| known.clone()).collect();
    let signers = shared
        .files
        .store()
        .list_signers(shared.passphrase, shared.plan.now)?;
    for (serial, reason) in &revocations.serials {
        let Some(ca) = signers.first().map(CertificateAuthority::certificate) else {
            continue;
        };
        let entry = Revoked::serial_at(serial.clone(), ca, shared.plan.now)?;
        added.push(Known {
            entry: match reason {
                Some(reason) => entry.with_reason(*reason),
                None => entry,
            },
            subject: None,
            not_after: None,
            is_member: false,
        });
    }
    let change = ListChange {
        signers: &signers,
        added,
        validity: USUAL_VALIDITY,
        now: shared.plan.now,
    };
    let changed = shared.files.change_lists(change, &shared.plan.permissions);
    changed.map(|_| ())
}

//! Finds the recorded certificates of the old CA that may still be in use outside the directory.

use std::{
    collections::{HashMap, HashSet},
    time::SystemTime,
};

use super::{IssuedCertificate, Rotation};
use crate::{
    error::Result,
    store::{RecordEntry, Store},
    x509::certificate::Certificate,
};

/// The recorded leaf certificates of a CA that may be in use. They are not revoked, and no later
/// certificate of this CA or of the other CA of the rotation has the same subject, names and role.
/// Without a record nothing is known. Also returns the first damage of the record.
///
/// # Errors
///
/// The errors of [`Store::record`].
pub(super) fn in_use(
    store: &Store,
    ca: &Certificate,
    other: &Certificate,
) -> Result<(Vec<RecordEntry>, Option<String>)> {
    let Some(record) = store.record()? else {
        return Ok((Vec::new(), None));
    };
    let damage = record.damage().first();
    let damage = damage.map(|damage| format!("line {}: {}", damage.line, damage.reason));
    let entries = record.entries();
    let owner = |entry: &RecordEntry| (entry.subject.clone(), entry.names.clone(), entry.role);
    let last: HashMap<_, _> = entries
        .iter()
        .enumerate()
        .filter(|(_, entry)| entry.is_issued_by(ca) || entry.is_issued_by(other))
        .map(|(place, entry)| (owner(entry), place))
        .collect();
    // A list that cannot be read revokes nothing
    let lists = store.lists().unwrap_or_default();
    let revoked = lists.list.iter().flat_map(|list| list.entries());
    let revoked: HashSet<_> = revoked.map(|one| one.serial_number()).collect();
    let found = entries.iter().enumerate().filter(|(place, entry)| {
        entry.is_issued_by(ca)
            && !entry.is_ca
            && last.get(&owner(entry)) == Some(place)
            && !revoked.contains(&entry.serial)
    });
    Ok((found.map(|(_, entry)| entry.clone()).collect(), damage))
}

impl Rotation {
    /// The certificates of the old CA that are in the record of the directory, and that may still
    /// be in use outside the directory at this time. Before the new CA signs, there are none.
    #[must_use]
    pub fn issued_in_use(&self, now: SystemTime) -> Vec<IssuedCertificate> {
        let valid = self.issued.iter().filter(|entry| entry.is_valid_at(now));
        valid
            .map(|entry| IssuedCertificate {
                serial: entry.serial.to_string(),
                subject: entry.subject.clone(),
            })
            .collect()
    }
}

//! Finds certificates to revoke that are no longer in the directory: the record of its CAs has
//! them.

use std::time::SystemTime;

use super::{Known, Owner};
use crate::{
    error::Result,
    role::Role,
    store::{RecordEntry, Store},
    x509::revocation_list::Revoked,
};

impl Store {
    /// The recorded certificates of these owners that a CA of the directory issued and that have
    /// not expired, each with the place of its owner. Without a record there are none.
    ///
    /// # Errors
    ///
    /// The errors of [`Store::record`].
    pub(crate) fn recorded_of_all(
        &self,
        owners: &[Owner<'_>],
        now: SystemTime,
    ) -> Result<Vec<(usize, Known)>> {
        if owners.is_empty() {
            return Ok(Vec::new());
        }
        let Some(record) = self.record()? else {
            return Ok(Vec::new());
        };
        let cas = self.list_cas()?;
        let mut found = Vec::new();
        for entry in record.entries() {
            let owned = owners.iter().enumerate();
            let mut places = owned.filter(|(_, owner)| is_of(entry, owner)).peekable();
            if entry.is_ca || entry.not_after < now || places.peek().is_none() {
                continue;
            }
            let Some(ca) = cas.iter().find(|ca| entry.is_issued_by(ca)) else {
                continue;
            };
            let known = Known {
                entry: Revoked::serial_at(entry.serial.clone(), ca, now)?,
                subject: Some(entry.subject.clone()),
                not_after: Some(entry.not_after),
                is_member: entry.role == Some(Role::Member),
            };
            found.extend(places.map(|(place, _)| (place, known.clone())));
        }
        Ok(found)
    }
}

/// Whether a recorded certificate belongs to an owner. The record has no file names, so this
/// follows from the common name, and from the host that requested it.
fn is_of(entry: &RecordEntry, owner: &Owner<'_>) -> bool {
    const OF_HOSTS: [&str; 3] = ["etcd-member-", "etcd-node-", "etcd-admin-"];
    let common_name = entry.common_name.as_deref().unwrap_or_default();
    match owner {
        Owner::Serial(serial) => entry.serial == **serial,
        Owner::Client(name) => common_name == *name && !is_of_member(entry),
        Owner::Host(name) => {
            let mut prefixes = OF_HOSTS.iter();
            entry.requester.as_deref() == Some(*name)
                || prefixes.any(|prefix| common_name.strip_prefix(prefix) == Some(*name))
        }
    }
}

/// Whether a recorded certificate is a member's. A member may have the name of a client as its
/// common name.
fn is_of_member(entry: &RecordEntry) -> bool {
    match entry.role {
        Some(role) => role == Role::Member,
        None => {
            let common_name = entry.common_name.as_deref().unwrap_or_default();
            common_name.starts_with("etcd-member-")
        }
    }
}

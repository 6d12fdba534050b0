//! Pairs of hosts and users that are gone.

use std::{
    collections::HashSet,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use crate::{
    certificate::Certificate,
    error::Result,
    layout::PairPaths,
    role::Role,
    store::{Store, read_file},
};

/// The pairs in the directory itself that nobody wants: certificates of one of these authorities, under a name that the layout
/// gives to somebody. What else lies there is somebody else's.
pub(super) fn find<'a>(
    store: &Store,
    wanted: impl Iterator<Item = &'a PairPaths>,
    authorities: &[&Certificate],
) -> Result<Vec<PairPaths>> {
    let wanted: HashSet<&OsStr> = wanted
        .flat_map(|pair| [pair.certificate.as_os_str(), pair.key.as_os_str()])
        .collect();
    let mut surplus = Vec::new();
    for name in store.file_names()? {
        if wanted.contains(name.as_os_str()) {
            continue;
        }
        let Some(pair) = pair_of(store, &name) else {
            continue;
        };
        let is_ours = read_file(&store.directory().join(&name))
            .and_then(|bytes| Certificate::all_from_bytes(&bytes))
            .is_ok_and(|all| all.iter().any(|one| is_signed(one, authorities)));
        if is_ours {
            surplus.push(pair);
        }
    }
    Ok(surplus)
}

/// A certificate that the layout gives to somebody, whoever that is.
pub(super) fn any(store: &Store) -> Result<Option<PathBuf>> {
    let names = store.file_names()?.into_iter();
    let mut leaves = names.filter(|name| {
        let is_leaf = || {
            read_file(&store.directory().join(name))
                .and_then(|bytes| Certificate::all_from_bytes(&bytes))
                .is_ok_and(|all| all.first().is_some_and(|first| !first.is_authority()))
        };
        pair_of(store, name).is_some() && is_leaf()
    });
    Ok(leaves.next())
}

fn is_signed(certificate: &Certificate, authorities: &[&Certificate]) -> bool {
    let mut authorities = authorities.iter();
    !certificate.is_authority() && authorities.any(|ca| certificate.check_issued_by(ca).is_ok())
}

/// The pair of which this is the certificate, if the layout names files so.
fn pair_of(store: &Store, name: &Path) -> Option<PairPaths> {
    let stem = name.file_stem()?.to_str()?;
    let layout = store.layout();
    let of_role = |role: Role| {
        let host = stem.strip_prefix(&format!("{role}-"))?;
        layout
            .pairs(role, host)
            .ok()?
            .into_iter()
            .find(|pair| pair.certificate == name)
    };
    let admin = || {
        let host = stem.strip_prefix("admin-")?;
        let pair = layout.member_client(host).ok()??;
        (pair.certificate == name).then_some(pair)
    };
    Role::ALL.into_iter().find_map(of_role).or_else(admin)
}

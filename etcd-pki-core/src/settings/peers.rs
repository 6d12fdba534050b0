//! The common names that members accept from each other.

use std::path::Path;

use crate::{
    cluster::{Cluster, Desired},
    error::Result,
    inspect::issuer,
    role::Role,
    store::{Store, first_certificate, read_certificates, tree},
};

/// The common names of the certificates that members present to each other, in the order of their
/// files. The files in every host's tree count too. `None` if the names are not known.
///
/// The names are not known if the directory has one member: it may be that host's own directory,
/// with copies and earlier certificates. They are not known either if a name cannot be in a list.
pub(super) fn common_names(store: &Store, ca: &Path) -> Result<Option<Vec<String>>> {
    let cas = read_certificates(ca)?;
    let files = tree(store.directory()).into_iter().flatten();
    let mut all = Vec::new();
    for path in files.filter(|path| store.layout().is_for_peers(path)) {
        let Some(certificate) = first_certificate(&path) else {
            continue;
        };
        let mut signers = cas.iter();
        let is_member = certificate.role() == Some(Role::Member)
            && signers.any(|signer| issuer::is_signed_by(&certificate, [signer]));
        if is_member {
            all.push(certificate.common_name());
        }
    }
    Ok(listed(all).filter(|names| names.len() > 1))
}

/// The common names that the members of a cluster present to each other.
pub(super) fn common_names_of(cluster: &Cluster) -> Result<Option<Vec<String>>> {
    let Desired { pairs, .. } = cluster.desired()?;
    let mut of_hosts: Vec<(Option<String>, Option<String>)> = Vec::new();
    for pair in pairs.iter().filter(|pair| pair.role() == Role::Member) {
        let common_name = pair.common_name()?;
        match of_hosts.last_mut() {
            // The peer pair is the last pair of a host
            Some((host, last)) if *host == pair.host => *last = common_name,
            _ => of_hosts.push((pair.host.clone(), common_name)),
        }
    }
    Ok(listed(of_hosts.into_iter().map(|(_, name)| name).collect()))
}

/// The distinct names, if all of them can be in a list on one line.
fn listed(all: Vec<Option<String>>) -> Option<Vec<String>> {
    let is_listable = |name: &String| !name.contains(',') && !name.chars().any(char::is_control);
    let mut names: Vec<String> = Vec::new();
    for name in all {
        let name = name.filter(is_listable)?;
        if !names.contains(&name) {
            names.push(name);
        }
    }
    (!names.is_empty()).then_some(names)
}

//! The names by which members may be known to each other.

use std::path::Path;

use crate::{
    error::Result,
    inspect::issuer,
    role::Role,
    store::{Store, first_certificate, read_certificates, tree},
};

/// The common names of the certificates that members present to each other, those of every host's tree included, in the order of
/// their files: those that `authority` has signed. One that could not stand in a list or on a line is left out.
pub(super) fn common_names(store: &Store, authority: &Path) -> Result<Vec<String>> {
    let authorities = read_certificates(authority)?;
    let is_listable = |name: &String| !name.contains(',') && !name.chars().any(char::is_control);
    let files = tree(store.directory()).into_iter().flatten();
    let mut names: Vec<String> = Vec::new();
    for path in files.filter(|path| store.layout().is_for_peers(path)) {
        let Some(certificate) = first_certificate(&path) else {
            continue;
        };
        let mut signers = authorities.iter();
        let is_member = certificate.role() == Some(Role::Member)
            && signers.any(|signer| issuer::is_signed_by(&certificate, [signer]));
        if is_member {
            let name = certificate.common_name().filter(is_listable);
            names.extend(name.filter(|name| !names.contains(name)));
        }
    }
    Ok(names)
}

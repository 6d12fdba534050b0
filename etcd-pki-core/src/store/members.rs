//! The members of a directory.

use super::{Store, file::read_file};
use crate::{certificate::Certificate, error::Result, role::Role};

/// The common names of the members whose certificates are in the store, in the order of their files: those that its authority
/// has signed, under the names of members' files. One that could not stand in a list or on a line is left out.
pub(crate) fn member_common_names(store: &Store) -> Result<Vec<String>> {
    let authority = Certificate::all_from_bytes(&read_file(&store.authority_paths().certificate)?)?;
    let is_listable = |name: &String| !name.contains(',') && !name.chars().any(char::is_control);
    let mut names: Vec<String> = Vec::new();
    for (path, certificate) in store.certificates()? {
        let is_member = store.layout.is_of_member(&path)
            && certificate.role() == Some(Role::Member)
            && authority
                .iter()
                .any(|ca| certificate.check_issued_by(ca).is_ok());
        if is_member {
            let name = certificate.common_name().filter(is_listable);
            names.extend(name.filter(|name| !names.contains(name)));
        }
    }
    Ok(names)
}

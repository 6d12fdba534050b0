//! Finds the name of a host if the file names do not contain it.

use std::collections::BTreeSet;

use super::{Remark, pair::Pair};
use crate::{
    layout::FileKind,
    x509::{certificate::Certificate, identity::AlternativeName},
};

/// The names of hosts and clients. A name comes from the file, from the host's directory, or from
/// the certificate.
pub(super) struct Hosts {
    /// The only host of a directory without a subdirectory for each host
    flat: Option<String>,
}

impl Hosts {
    pub(super) fn of(pairs: &[Pair], remarks: &mut Vec<Remark>) -> Self {
        let nameless = |pair: &&Pair| pair.is_leaf() && pair.name.is_empty() && pair.tree.is_none();
        let Some(first) = pairs.iter().find(nameless) else {
            warn_of_trees(pairs, remarks);
            return Self { flat: None };
        };
        let mut members = pairs
            .iter()
            .filter(nameless)
            .filter(|pair| pair.kind == FileKind::Member);
        let named = members.find_map(|pair| host_in(pair.certificate.as_ref()?));
        let flat = named.unwrap_or_else(|| {
            let name = "host";
            remarks.push(Remark::new(
                first.file(),
                format!(
                    "no file here names the host, so it is called {name:?}: write its name instead"
                ),
            ));
            name.to_owned()
        });
        Self { flat: Some(flat) }
    }

    /// The name of a pair's entry; `None` if it has none.
    pub(super) fn name<'a>(&'a self, pair: &'a Pair) -> Option<&'a str> {
        if !pair.name.is_empty() {
            return Some(&pair.name);
        }
        pair.tree.as_deref().or(self.flat.as_deref())
    }
}

/// Adds a remark on a subdirectory for the only host: with one host, a layout without host names
/// has no subdirectories.
fn warn_of_trees(pairs: &[Pair], remarks: &mut Vec<Remark>) {
    let trees: BTreeSet<&str> = pairs
        .iter()
        .filter_map(|pair| pair.tree.as_deref())
        .collect();
    if let (1, Some(tree)) = (trees.len(), trees.first()) {
        remarks.push(Remark::new(
            *tree,
            "is the only host's directory, and the files of a single host are looked for above it: move them there",
        ));
    }
}

/// The common name if it is also an alternative name, otherwise the first name that is not
/// loopback.
fn host_in(certificate: &Certificate) -> Option<String> {
    let names = certificate.dns_names();
    let addresses = certificate.ip_addresses().iter().map(ToString::to_string);
    let answers: Vec<String> = names.iter().cloned().chain(addresses).collect();
    let common_name = certificate.common_name();
    if let Some(common_name) = common_name.filter(|name| answers.contains(name)) {
        return Some(common_name);
    }
    let loopback = AlternativeName::loopback().iter();
    let loopback: Vec<String> = loopback.map(ToString::to_string).collect();
    answers
        .into_iter()
        .find(|name| !loopback.contains(name) && !name.starts_with("*."))
}

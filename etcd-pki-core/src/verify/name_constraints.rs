//! What a CA is limited to (RFC 5280, section 4.2.1.10), compared as Go compares it.

use std::net::IpAddr;

use x509_cert::ext::pkix::{NameConstraints, constraints::name::GeneralSubtree, name::GeneralName};

use super::Reason;
use crate::{certificate::Certificate, extensions::AlternativeNames};

/// Whether every alternative name of the leaf is one that the CA may sign for.
pub(super) fn check(authority: &Certificate, leaf: &Certificate) -> Result<(), Reason> {
    let Some(constraints) = &authority.extensions().name_constraints else {
        return Ok(());
    };
    let Some(names) = leaf.alternative_names() else {
        return Ok(());
    };
    let permitted = constraints
        .permitted_subtrees
        .as_deref()
        .unwrap_or_default();
    let excluded = constraints.excluded_subtrees.as_deref().unwrap_or_default();
    for name in Name::all(names) {
        let is_excluded = excluded
            .iter()
            .any(|tree| name.is_in(tree) == Some(true) || name.may_stand_for_one_in(tree));
        let relevant = || permitted.iter().filter_map(|tree| name.is_in(tree));
        let is_permitted = relevant().next().is_none() || relevant().any(|inside| inside);
        if is_excluded || !is_permitted {
            return Err(Reason::NameConstraint {
                authority: authority.subject(),
                name: name.text(),
            });
        }
    }
    Ok(())
}

enum Name<'a> {
    Dns(&'a str),
    Ip(IpAddr),
    Uri(&'a str),
    Email(&'a str),
}

impl<'a> Name<'a> {
    fn all(names: &'a AlternativeNames) -> impl Iterator<Item = Self> {
        let dns = names.dns.iter().map(|name| Self::Dns(name));
        let ip = names.ip.iter().map(|address| Self::Ip(*address));
        let uri = names.uri.iter().map(|uri| Self::Uri(uri));
        let email = names.email.iter().map(|email| Self::Email(email));
        dns.chain(ip).chain(uri).chain(email)
    }

    fn text(&self) -> String {
        match self {
            Self::Dns(text) | Self::Uri(text) | Self::Email(text) => (*text).to_owned(),
            Self::Ip(address) => address.to_string(),
        }
    }

    /// Whether it is a wildcard that stands for a name in a subtree, among others.
    fn may_stand_for_one_in(&self, tree: &GeneralSubtree) -> bool {
        match (self, &tree.base) {
            (Self::Dns(name), GeneralName::DnsName(base)) => {
                name.strip_prefix("*.").is_some_and(|parent| {
                    let base = base.as_str().trim_start_matches('.');
                    base.split_once('.')
                        .is_some_and(|(_, above)| above.eq_ignore_ascii_case(parent))
                })
            }
            _ => false,
        }
    }

    /// Whether it is inside of a subtree; `None` if the subtree is of another kind of name.
    fn is_in(&self, tree: &GeneralSubtree) -> Option<bool> {
        match (self, &tree.base) {
            (Self::Dns(name), GeneralName::DnsName(base)) => Some(is_below(name, base.as_str())),
            (Self::Ip(address), GeneralName::IpAddress(base)) => {
                Some(is_in_network(*address, base.as_bytes()))
            }
            (Self::Uri(uri), GeneralName::UniformResourceIdentifier(base)) => {
                let url = url::Url::parse(uri).ok();
                // One without a host's name is inside of nothing, and Go refuses it
                let host = url.as_ref().and_then(url::Url::host_str);
                let host =
                    host.filter(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().is_err());
                Some(host.is_some_and(|host| is_host_of(host, base.as_str())))
            }
            (Self::Email(email), GeneralName::Rfc822Name(base)) => {
                let (local, host) = email.rsplit_once('@').unwrap_or(("", email));
                Some(match base.as_str().rsplit_once('@') {
                    // The case of what stands before the @ is a difference
                    Some((wanted, base)) => local == wanted && host.eq_ignore_ascii_case(base),
                    None => is_host_of(host, base.as_str()),
                })
            }
            _ => None,
        }
    }
}

/// Whether constraints are on kinds of names that Go does not compare.
pub(super) fn has_other_kinds(constraints: &NameConstraints) -> bool {
    let trees = [
        &constraints.permitted_subtrees,
        &constraints.excluded_subtrees,
    ];
    trees.into_iter().flatten().flatten().any(|tree| {
        !matches!(
            tree.base,
            GeneralName::DnsName(_)
                | GeneralName::IpAddress(_)
                | GeneralName::Rfc822Name(_)
                | GeneralName::UniformResourceIdentifier(_)
        )
    })
}

/// A DNS subtree holds its base and all below it, or only what is below it if it begins with a dot; an empty one holds all.
fn is_below(name: &str, base: &str) -> bool {
    let (name, base) = (name.to_ascii_lowercase(), base.to_ascii_lowercase());
    let (base, holds_itself) = match base.strip_prefix('.') {
        Some(parent) => (parent, false),
        None => (&*base, true),
    };
    base.is_empty()
        || (holds_itself && name == base)
        || name
            .strip_suffix(base)
            .is_some_and(|rest| rest.ends_with('.'))
}

/// For URIs and e-mail addresses, only a base with a leading dot holds what is below it.
fn is_host_of(host: &str, base: &str) -> bool {
    match base.strip_prefix('.') {
        Some(parent) => is_below(host, parent) && !host.eq_ignore_ascii_case(parent),
        None => host.eq_ignore_ascii_case(base),
    }
}

/// An address subtree is a network and its mask, of the same length.
fn is_in_network(address: IpAddr, base: &[u8]) -> bool {
    let octets = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    if base.len() != octets.len() * 2 {
        return false;
    }
    let (network, mask) = base.split_at(octets.len());
    octets
        .iter()
        .zip(network)
        .zip(mask)
        .all(|((octet, network), mask)| octet & mask == network & mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtrees() {
        assert!(is_below("a.example.com", "example.com"));
        assert!(is_below("example.com", "example.com"));
        assert!(is_below("anything", ""));
        assert!(!is_below("badexample.com", "example.com"));
        assert!(
            !is_below("example.com", ".example.com") && is_below("a.example.com", ".example.com")
        );
        assert!(is_host_of("a.example.com", ".example.com"));
        assert!(!is_host_of("a.example.com", "example.com"));
        let ten = [10, 0, 0, 0, 255, 0, 0, 0];
        assert!(is_in_network("10.1.2.3".parse().unwrap(), &ten));
        assert!(!is_in_network("11.1.2.3".parse().unwrap(), &ten));
        assert!(!is_in_network("::1".parse().unwrap(), &ten));
    }
}

//! What a CA is limited to (RFC 5280, section 4.2.1.10), compared as Go compares it.

use std::net::IpAddr;

use x509_cert::ext::pkix::{NameConstraints, constraints::name::GeneralSubtree, name::GeneralName};

use super::Reason;
use crate::{certificate::Certificate, extensions::AlternativeNames, limits};

/// Whether every alternative name of the certificates below a CA is one that the CA may sign for.
pub(super) fn check(authority: &Certificate, below: &[Certificate]) -> Result<(), Reason> {
    let Some(constraints) = &authority.extensions().name_constraints else {
        return Ok(());
    };
    let permitted = Subtrees::of(constraints.permitted_subtrees.as_deref());
    let excluded = Subtrees::of(constraints.excluded_subtrees.as_deref());
    let mut comparisons = 0;
    let names = below.iter().filter_map(Certificate::alternative_names);
    for name in names.flat_map(Name::all) {
        let (permitted, excluded) = (permitted.like(&name), excluded.like(&name));
        // Counted as Go counts them (`checkNameConstraints`)
        comparisons += permitted.len() + excluded.len();
        if comparisons > limits::NAME_COMPARISONS {
            return Err(Reason::TooManyConstraints {
                authority: authority.subject(),
            });
        }
        let is_excluded = excluded
            .iter()
            .any(|tree| name.is_in(tree) || name.may_stand_for_one_in(tree));
        let is_permitted = permitted.is_empty() || permitted.iter().any(|tree| name.is_in(tree));
        if is_excluded || !is_permitted {
            return Err(Reason::NameConstraint {
                authority: authority.subject(),
                name: name.text(),
            });
        }
    }
    Ok(())
}

/// Subtrees by the kinds of names that they limit: each name is compared with those of its kind alone.
#[derive(Default)]
struct Subtrees<'a> {
    dns: Vec<&'a GeneralSubtree>,
    ip: Vec<&'a GeneralSubtree>,
    uri: Vec<&'a GeneralSubtree>,
    email: Vec<&'a GeneralSubtree>,
}

impl<'a> Subtrees<'a> {
    fn of(trees: Option<&'a [GeneralSubtree]>) -> Self {
        let mut all = Self::default();
        for tree in trees.unwrap_or_default() {
            match tree.base {
                GeneralName::DnsName(_) => all.dns.push(tree),
                GeneralName::IpAddress(_) => all.ip.push(tree),
                GeneralName::UniformResourceIdentifier(_) => all.uri.push(tree),
                GeneralName::Rfc822Name(_) => all.email.push(tree),
                _ => {}
            }
        }
        all
    }

    fn like(&self, name: &Name<'_>) -> &[&'a GeneralSubtree] {
        match name {
            Name::Dns(_) => &self.dns,
            Name::Ip(_) => &self.ip,
            Name::Uri { .. } => &self.uri,
            Name::Email(_) => &self.email,
        }
    }
}

enum Name<'a> {
    Dns(&'a str),
    Ip(IpAddr),
    Uri {
        text: &'a str,
        /// None for one without a host's name, which is inside of nothing, and which Go refuses
        host: Option<String>,
    },
    Email(&'a str),
}

impl<'a> Name<'a> {
    fn all(names: &'a AlternativeNames) -> impl Iterator<Item = Self> {
        let dns = names.dns.iter().map(|name| Self::Dns(name));
        let ip = names.ip.iter().map(|address| Self::Ip(*address));
        let uri = names.uri.iter().map(|uri| Self::Uri {
            text: uri,
            host: host_of(uri),
        });
        let email = names.email.iter().map(|email| Self::Email(email));
        dns.chain(ip).chain(uri).chain(email)
    }

    fn text(&self) -> String {
        match self {
            Self::Dns(text) | Self::Uri { text, .. } | Self::Email(text) => (*text).to_owned(),
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

    /// Whether it is inside of a subtree.
    fn is_in(&self, tree: &GeneralSubtree) -> bool {
        match (self, &tree.base) {
            (Self::Dns(name), GeneralName::DnsName(base)) => is_below(name, base.as_str()),
            (Self::Ip(address), GeneralName::IpAddress(base)) => {
                is_in_network(*address, base.as_bytes())
            }
            (Self::Uri { host, .. }, GeneralName::UniformResourceIdentifier(base)) => {
                let host = host.as_deref();
                host.is_some_and(|host| is_host_of(host, base.as_str()))
            }
            (Self::Email(email), GeneralName::Rfc822Name(base)) => {
                let (local, host) = email.rsplit_once('@').unwrap_or(("", email));
                match base.as_str().rsplit_once('@') {
                    // The case of what stands before the @ is a difference
                    Some((wanted, base)) => local == wanted && host.eq_ignore_ascii_case(base),
                    None => is_host_of(host, base.as_str()),
                }
            }
            _ => false,
        }
    }
}

/// The host's name of a URI, if it has one and that is no address.
fn host_of(uri: &str) -> Option<String> {
    let url = url::Url::parse(uri).ok()?;
    let host = url.host_str()?;
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    (!is_address).then(|| host.to_owned())
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
    let (base, holds_itself) = match base.strip_prefix('.') {
        Some(parent) => (parent, false),
        None => (base, true),
    };
    if base.is_empty() {
        return true;
    }
    // In bytes, for only as many are compared as the base has
    let Some(above) = name.len().checked_sub(base.len()) else {
        return false;
    };
    let (above, end) = name.as_bytes().split_at(above);
    end.eq_ignore_ascii_case(base.as_bytes())
        && match above {
            [] => holds_itself,
            above => above.ends_with(b"."),
        }
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
    let (v4, v6);
    let octets: &[u8] = match address {
        IpAddr::V4(address) => {
            v4 = address.octets();
            &v4
        }
        IpAddr::V6(address) => {
            v6 = address.octets();
            &v6
        }
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
        assert!(is_below("anything", "") && is_below("anything", "."));
        assert!(is_below("A.example.COM", "Example.com") && !is_below("com", "example.com"));
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

//! What a CA is limited to (RFC 5280, section 4.2.1.10), compared as Go compares it
//! (`crypto/x509/constraints.go`).

use std::net::IpAddr;

use x509_cert::ext::pkix::{constraints::name::GeneralSubtree, name::GeneralName};

use super::{
    Reason,
    parse::{names, uri},
};
use crate::{certificate::Certificate, extensions::AlternativeNames};

mod network;

use self::network::Networks;

/// Whether every alternative name of a certificate is one that the CA may sign for.
pub(super) fn check(authority: &Certificate, certificate: &Certificate) -> Result<(), Reason> {
    let Some(constraints) = &authority.extensions().name_constraints else {
        return Ok(());
    };
    let Some(names) = certificate.alternative_names() else {
        return Ok(());
    };
    let permitted = Limits::of(constraints.permitted_subtrees.as_deref(), false);
    let excluded = Limits::of(constraints.excluded_subtrees.as_deref(), true);
    match forbidden(names, &permitted, &excluded) {
        None => Ok(()),
        Some(name) => Err(Reason::NameConstraint {
            authority: authority.subject(),
            name,
        }),
    }
}

/// The first name that is not permitted or is excluded. Names that Go cannot compare are forbidden,
/// whatever the limits are.
fn forbidden(
    names: &AlternativeNames,
    permitted: &Limits<'_>,
    excluded: &Limits<'_>,
) -> Option<String> {
    let is_forbidden = |name: Option<Name<'_>>| {
        name.is_none_or(|name| {
            permitted.hold(&name) == Some(false) || excluded.hold(&name) == Some(true)
        })
    };
    let bad_address = names
        .ip
        .iter()
        .find(|address| is_forbidden(Some(Name::Address(**address))));
    let first = |texts: &[String], name: fn(&str) -> Option<Name<'_>>| {
        texts.iter().find(|text| is_forbidden(name(text))).cloned()
    };
    bad_address
        .map(ToString::to_string)
        .or_else(|| first(&names.dns, dns))
        .or_else(|| first(&names.uri, uri))
        .or_else(|| first(&names.email, email))
}

/// A name that can be compared.
enum Name<'a> {
    Address(IpAddr),
    Dns(&'a str),
    UriHost(String),
    Email(names::Mailbox),
}

fn dns(name: &str) -> Option<Name<'_>> {
    names::is_domain(name, false).then_some(Name::Dns(name))
}

/// The host of a URI, which has to be a name (`parseURIs`).
fn uri(uri: &str) -> Option<Name<'_>> {
    let host = uri::host(uri).filter(|host| !host.is_empty() && !host.starts_with('['))?;
    let host = match host.split_once(':') {
        Some((name, port)) => {
            // What cannot be parted from its port (`net.SplitHostPort`)
            (!port.contains(':') && !host.contains([']', '['])).then_some(name)?
        }
        None => &host,
    };
    let is_name = host.parse::<IpAddr>().is_err() && names::is_domain(host, false);
    is_name.then(|| Name::UriHost(host.to_owned()))
}

fn email(email: &str) -> Option<Name<'_>> {
    let mailbox = names::mailbox(email)?;
    names::is_domain(&mailbox.domain, false).then_some(Name::Email(mailbox))
}

/// The subtrees of one field, by the kind of their names. Go ignores kinds that it does not know,
/// unless they are critical.
#[derive(Default)]
struct Limits<'a> {
    are_excluded: bool,
    networks: Vec<&'a [u8]>,
    dns: Vec<&'a str>,
    uri: Vec<&'a str>,
    email: Vec<&'a str>,
}

impl<'a> Limits<'a> {
    fn of(trees: Option<&'a [GeneralSubtree]>, are_excluded: bool) -> Self {
        let mut limits = Self {
            are_excluded,
            ..Self::default()
        };
        for tree in trees.unwrap_or_default() {
            match &tree.base {
                GeneralName::IpAddress(base) => limits.networks.push(base.as_bytes()),
                GeneralName::DnsName(base) => limits.dns.push(base.as_str()),
                GeneralName::UniformResourceIdentifier(base) => limits.uri.push(base.as_str()),
                GeneralName::Rfc822Name(base) => limits.email.push(base.as_str()),
                _ => {}
            }
        }
        limits
    }

    /// Whether a name is in one of the subtrees; `None` if there is none for its kind.
    fn hold(&self, name: &Name<'_>) -> Option<bool> {
        match name {
            Name::Address(address) => {
                (!self.networks.is_empty()).then(|| Networks::new(&self.networks).hold(*address))
            }
            Name::Dns(name) => self.domains_hold(&self.dns, name),
            Name::UriHost(host) => self.domains_hold(&self.uri, host),
            Name::Email(mailbox) => {
                let (mailboxes, domains): (Vec<_>, Vec<_>) =
                    self.email.iter().partition(|base| base.contains('@'));
                let has_mailbox = mailboxes
                    .into_iter()
                    .filter_map(names::mailbox)
                    .any(|base| {
                        // The case of the local part is a difference
                        base.local == mailbox.local
                            && base.domain.eq_ignore_ascii_case(&mailbox.domain)
                    });
                let has_domain = self.domains_hold(&domains, &mailbox.domain) == Some(true);
                (!self.email.is_empty()).then_some(has_mailbox || has_domain)
            }
        }
    }

    fn domains_hold(&self, bases: &[&str], name: &str) -> Option<bool> {
        let holds =
            |base: &&str| is_below(name, base) || (self.are_excluded && may_be_in(name, base));
        (!bases.is_empty()).then(|| bases.iter().any(holds))
    }
}

/// A subtree holds its base and all below it, or only what is below it if it begins with a dot; an
/// empty one holds all (`dnsHasSuffix`). This is the same for DNS names, hosts of URIs and hosts of
/// e-mail addresses.
fn is_below(name: &str, base: &str) -> bool {
    let Some(start) = name.len().checked_sub(base.len()) else {
        return false;
    };
    let (above, end) = name.as_bytes().split_at(start);
    end.eq_ignore_ascii_case(base.as_bytes())
        && (base.is_empty() || base.starts_with('.') || above.is_empty() || above.ends_with(b"."))
}

/// Whether a wildcard stands for the base of a subtree, among others: they differ in their first
/// labels only (`parentConstraints`).
fn may_be_in(name: &str, base: &str) -> bool {
    let parent = |name: &'_ str| name.find('.').map(|dot| name[dot..].to_ascii_lowercase());
    name.starts_with('*') && parent(base).is_some_and(|above| parent(name) == Some(above))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subtrees() {
        for (name, base) in [
            ("a.example.com", "example.com"),
            ("example.com", "example.com"),
            ("A.Example.COM", "example.com"),
            ("a.example.com", "EXAMPLE.com"),
            ("anything", ""),
            ("a.example.com", ".example.com"),
        ] {
            assert!(is_below(name, base), "{name} {base}");
        }
        for (name, base) in [
            ("badexample.com", "example.com"),
            ("example.com", ".example.com"),
            ("com", "example.com"),
            ("a.example.org", "example.com"),
        ] {
            assert!(!is_below(name, base), "{name} {base}");
        }
    }

    #[test]
    fn wildcards() {
        for (name, base) in [
            ("*.etcd.svc", "a.etcd.svc"),
            ("*.ETCD.svc", "a.etcd.SVC"),
            ("*.etcd.svc", ".etcd.svc"),
        ] {
            assert!(may_be_in(name, base), "{name} {base}");
        }
        for (name, base) in [
            ("*.etcd.svc", ".a.etcd.svc"),
            ("*.svc", "svc"),
            ("b.etcd.svc", "a.etcd.svc"),
            ("*", "a"),
        ] {
            assert!(!may_be_in(name, base), "{name} {base}");
        }
    }
}

//! Applies the name constraints of a CA (RFC 5280, section 4.2.1.10) as Go does
//! (`crypto/x509/constraints.go`).

use std::{borrow::Cow, net::IpAddr};

use x509_cert::ext::pkix::{constraints::name::GeneralSubtree, name::GeneralName};

use super::parse::names;
use crate::{
    finding::Finding,
    limits, uri,
    x509::{certificate::Certificate, extensions::AlternativeNames},
};

mod network;

use self::network::Networks;

/// Checks that a CA may sign for every alternative name in the certificates below it.
///
/// The comparisons are those of Go 1.26, but their number has the limit of earlier versions: etcd
/// 3.4 to 3.6 refuse a certificate that needs more, and the limit also bounds the work.
pub(super) fn check<'a>(
    ca: &Certificate,
    below: impl Iterator<Item = &'a AlternativeNames>,
) -> Result<(), Finding> {
    let Some(constraints) = &ca.extensions().name_constraints else {
        return Ok(());
    };
    let permitted = Limits::of(constraints.permitted_subtrees.as_deref(), false);
    let excluded = Limits::of(constraints.excluded_subtrees.as_deref(), true);
    let mut comparisons = 0;
    for (text, name) in below.flat_map(all) {
        // Names that Go cannot compare are always excluded
        let is_excluded = match &name {
            None => true,
            Some(name) => {
                comparisons += permitted.count(name) + excluded.count(name);
                if comparisons > limits::NAME_COMPARISONS {
                    return Err(Finding::TooManyConstraints { ca: ca.subject() });
                }
                permitted.hold(name) == Some(false) || excluded.hold(name) == Some(true)
            }
        };
        if is_excluded {
            return Err(Finding::NameConstraint {
                ca: ca.subject(),
                name: text.into_owned(),
            });
        }
    }
    Ok(())
}

/// Each name as text, and in a form that can be compared; `None` if Go cannot compare it.
fn all(names: &AlternativeNames) -> impl Iterator<Item = (Cow<'_, str>, Option<Name<'_>>)> {
    type Read = fn(&str) -> Option<Name<'_>>;
    let addresses = names.ip.iter().map(|address| {
        let name = Some(Name::Address(*address));
        (Cow::Owned(address.to_string()), name)
    });
    let kinds: [(&[String], Read); 3] =
        [(&names.dns, dns), (&names.uri, uri), (&names.email, email)];
    let texts = kinds.into_iter().flat_map(|(texts, read)| {
        let texts = texts.iter();
        texts.map(move |text| (Cow::Borrowed(text.as_str()), read(text)))
    });
    addresses.chain(texts)
}

/// A name in a form that can be compared.
enum Name<'a> {
    Address(IpAddr),
    Dns(&'a str),
    UriHost(String),
    Email(names::Mailbox),
}

fn dns(name: &str) -> Option<Name<'_>> {
    names::is_domain(name, false).then_some(Name::Dns(name))
}

/// The host of a URI, which must be a name (`parseURIs`).
fn uri(uri: &str) -> Option<Name<'_>> {
    let host = uri::host(uri).filter(|host| !host.is_empty() && !host.starts_with('['))?;
    let host = match host.split_once(':') {
        Some((name, port)) => {
            // Refuses text that cannot be separated from its port (`net.SplitHostPort`)
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

/// The subtrees of one field, by kind of name. Go ignores unknown kinds unless the extension is
/// critical.
#[derive(Default)]
struct Limits<'a> {
    are_excluded: bool,
    networks: Networks<'a>,
    /// The number of networks
    network_count: usize,
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
        let mut networks = Vec::new();
        for tree in trees.unwrap_or_default() {
            match &tree.base {
                GeneralName::IpAddress(base) => networks.push(base.as_bytes()),
                GeneralName::DnsName(base) => limits.dns.push(base.as_str()),
                GeneralName::UniformResourceIdentifier(base) => limits.uri.push(base.as_str()),
                GeneralName::Rfc822Name(base) => limits.email.push(base.as_str()),
                _ => {}
            }
        }
        limits.network_count = networks.len();
        limits.networks = Networks::new(&networks);
        limits
    }

    /// The number of subtrees for the kind of a name.
    fn count(&self, name: &Name<'_>) -> usize {
        match name {
            Name::Address(_) => self.network_count,
            Name::Dns(_) => self.dns.len(),
            Name::UriHost(_) => self.uri.len(),
            Name::Email(_) => self.email.len(),
        }
    }

    /// Whether a name is in one of the subtrees; `None` if there is none for its kind.
    fn hold(&self, name: &Name<'_>) -> Option<bool> {
        match name {
            Name::Address(address) => {
                (self.network_count > 0).then(|| self.networks.hold(*address))
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
                        // The local part is compared in exact case
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

/// Whether a name is in a subtree (`dnsHasSuffix`). A subtree contains its base and everything
/// below it. If the base begins with a dot, it contains only what is below; if the base is empty,
/// it contains everything. The rule is the same for DNS names, hosts of URIs and hosts of e-mail
/// addresses.
fn is_below(name: &str, base: &str) -> bool {
    let Some(start) = name.len().checked_sub(base.len()) else {
        return false;
    };
    let (above, end) = name.as_bytes().split_at(start);
    end.eq_ignore_ascii_case(base.as_bytes())
        && (base.is_empty() || base.starts_with('.') || above.is_empty() || above.ends_with(b"."))
}

/// Whether a wildcard matches the base of a subtree: they differ only in their first labels
/// (`parentConstraints`).
fn may_be_in(name: &str, base: &str) -> bool {
    let parent = |name: &'_ str| name.find('.').map(|dot| name[dot..].to_ascii_lowercase());
    name.starts_with('*') && parent(base).is_some_and(|above| parent(name) == Some(above))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_certificates::{self, Made};

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

    /// Every name is compared with every subtree of its kind, permitted and excluded.
    #[test]
    fn comparisons_are_limited() {
        const NAMES: usize = 500;
        let subtrees = |count: usize, domain: &str| -> Vec<rcgen::GeneralSubtree> {
            let subtree = |_| rcgen::GeneralSubtree::DnsName(domain.to_owned());
            (0..count).map(subtree).collect()
        };
        let each = limits::NAME_COMPARISONS / NAMES;
        let mut params = test_certificates::ca("ca", None);
        params.name_constraints = Some(rcgen::NameConstraints {
            permitted_subtrees: subtrees(each - 100, "svc"),
            excluded_subtrees: subtrees(100, "org"),
        });
        let ca = Made::root(params).certificate;
        let names = |dns: usize, email: usize| AlternativeNames {
            dns: vec!["a.svc".to_owned(); dns],
            email: vec!["a@svc".to_owned(); email],
            ..AlternativeNames::default()
        };
        let check = |names: &AlternativeNames| check(&ca, std::iter::once(names));
        assert_eq!(check(&names(NAMES, 0)), Ok(()));
        assert_eq!(check(&names(NAMES, 10)), Ok(()));
        let refused = check(&names(NAMES + 1, 0));
        assert!(matches!(refused, Err(Finding::TooManyConstraints { .. })));
    }
}

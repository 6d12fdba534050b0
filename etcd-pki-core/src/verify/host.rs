//! Represents the host that a client connects to, and compares it with certificates.

use std::{fmt, net::IpAddr, str::FromStr};

use crate::{
    error::Result,
    finding::Finding,
    x509::{
        certificate::Certificate,
        identity::{AlternativeName, DnsName},
    },
};

/// The host that a client connects to: a name or an address, as in a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Name(DnsName),
    Address(IpAddr),
}

impl FromStr for Host {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.parse()? {
            AlternativeName::Dns(name) => Ok(Self(Kind::Name(name))),
            AlternativeName::Ip(address) => Ok(Self(Kind::Address(address))),
            AlternativeName::Uri(_) => Err(crate::Error::InvalidAlternativeName {
                text: text.to_owned(),
                reason: "a host is a name or an address".to_owned(),
                hint: None,
            }),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Name(name) => f.write_str(name.as_str()),
            Kind::Address(address) => address.fmt(f),
        }
    }
}

impl Host {
    /// Addresses are compared only with addresses, and names only with DNS names. Common names are
    /// never used (`VerifyHostname`).
    pub(super) fn check(&self, certificate: &Certificate) -> std::result::Result<(), Finding> {
        let matches = match &self.0 {
            Kind::Address(address) => certificate
                .ip_addresses()
                .iter()
                .any(|own| own.to_canonical() == address.to_canonical()),
            Kind::Name(name) => certificate
                .dns_names()
                .iter()
                .any(|pattern| matches(pattern, name.as_str())),
        };
        if matches {
            return Ok(());
        }
        let dns = certificate.dns_names().iter().cloned();
        let addresses = certificate.ip_addresses().iter().map(ToString::to_string);
        let names: Vec<String> = dns.chain(addresses).collect();
        let common_name = certificate.common_name();
        Err(Finding::WrongHost {
            host: self.to_string(),
            common_name_only: names.is_empty()
                && common_name.is_some_and(|name| name == self.to_string()),
            names,
        })
    }
}

/// Compares labels one by one; `*` matches one whole label, the leftmost (`matchHostnames`). Text
/// that is not a host name is compared as a whole.
fn matches(pattern: &str, name: &str) -> bool {
    if !is_host_name(name.strip_suffix('.').unwrap_or(name), false) || !is_host_name(pattern, true)
    {
        return !matches!(pattern, "" | ".") && pattern.eq_ignore_ascii_case(name);
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let pattern_labels = pattern.split('.');
    pattern_labels.clone().count() == name.split('.').count()
        && pattern_labels
            .zip(name.split('.'))
            .enumerate()
            .all(|(index, (pattern, label))| {
                (index == 0 && pattern == "*") || pattern.eq_ignore_ascii_case(label)
            })
}

/// Labels of letters, digits, `-` (not first) and `_`. A pattern may begin with the label `*` if
/// other labels follow (`validHostname`).
pub(crate) fn is_host_name(name: &str, is_pattern: bool) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    match name.split_once('.') {
        Some(("*", parent)) if is_pattern => parent.split('.').all(is_label),
        _ => name.split('.').all(is_label),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_one_label() {
        assert!(matches("*.etcd.svc", "etcd-1.etcd.svc"));
        assert!(matches("ETCD-1", "etcd-1"));
        assert!(!matches("*.etcd.svc", "etcd.svc"));
        assert!(!matches("*.svc", "a.b.svc"));
        assert!(!matches("a.*", "a.b"));
    }
    /// The results are those of `validHostname` in Go's `crypto/x509/verify.go`.
    #[test]
    fn names_of_hosts() {
        let both = ["a", "a.b", "1", "a-", "a_b.c", "_a", "xn--a.B9"];
        let patterns = ["*.a", "*.a.b"];
        let neither = [
            "", ".", "a.", ".a", "a..b", "-a", "a.-b", "a b", "a!", "a:1", "\u{e9}", "*", "*.",
            "*.*.a", "a.*", "*a.b", "*.-a", "*.a!",
        ];
        for name in both {
            assert!(
                is_host_name(name, false) && is_host_name(name, true),
                "{name}"
            );
        }
        for name in patterns {
            assert!(
                !is_host_name(name, false) && is_host_name(name, true),
                "{name}"
            );
        }
        for name in neither {
            assert!(
                !is_host_name(name, false) && !is_host_name(name, true),
                "{name}"
            );
        }
    }

    /// Text that is not a host name matches only itself, in upper or lower case.
    #[test]
    fn other_names_are_compared_as_a_whole() {
        for (pattern, name) in [
            ("a b.svc", "A B.svc"),
            ("*.svc", "*.SVC"),
            ("-a", "-a"),
            ("a.svc", "a.svc."),
            ("*.svc", "a.svc."),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("", ""),
            (".", "."),
            ("*.a!", "b.a!"),
            ("*.-a", "b.-a"),
            ("a.svc.", "a.svc"),
            ("*", "a"),
            ("a b", "a"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}

//! Reads the names in the section `[alt_names]` of an openssl.conf.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    net::IpAddr,
};

use super::openssl_conf;
use crate::{
    error::{Error, Position, Result},
    text,
    x509::identity::AlternativeName,
};

const SECTION: &str = "alt_names";
const DNS: &str = "DNS";
const IP: &str = "IP";
const KINDS: [&str; 3] = [DNS, IP, "URI"];

/// The names of the section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AltNames {
    /// All names in order, each once
    pub(super) names: Vec<AlternativeName>,
    /// The addresses that the file lists as DNS names
    pub(super) misplaced: Vec<MisplacedAddress>,
}

/// An address among the DNS names of an openssl.conf, where no verifier looks for one. Its
/// [`Display`](fmt::Display) form is one line that reports it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MisplacedAddress {
    line: usize,
    key: String,
    address: IpAddr,
}

impl MisplacedAddress {
    /// The line, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The key that the line gives the address, such as `DNS.3`.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }
}

impl fmt::Display for MisplacedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, key, address } = self;
        write!(
            f,
            "line {line}: {key}: {address} is an address and is used as one, since no client looks for it among DNS names"
        )
    }
}

/// Reads the section. Variables may be in the other sections, and `environment` is OpenSSL's
/// section `ENV`.
pub(super) fn parse(text: &str, environment: impl Fn(&str) -> Option<String>) -> Result<AltNames> {
    let entries = openssl_conf::read(text, environment)?;
    let mut keys = HashMap::new();
    let mut seen = HashSet::new();
    let mut names = Vec::new();
    let mut misplaced = Vec::new();
    for entry in &entries {
        if entry.section != SECTION {
            continue;
        }
        let (key, position) = (entry.name.as_str(), entry.position);
        if let Some(first) = keys.insert(key, position.line) {
            // OpenSSL would silently ignore the first one
            let reason = format!("it is in line {first} already");
            return Err(fault(position, key, reason, Some(RENUMBER.to_owned())));
        }
        let name =
            name(key, &entry.value).map_err(|(reason, hint)| fault(position, key, reason, hint))?;
        if let (AlternativeName::Ip(address), DNS) = (&name, kind(key)) {
            misplaced.push(MisplacedAddress {
                line: position.line,
                key: key.to_owned(),
                address: *address,
            });
        }
        if seen.insert(name.clone()) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return Err(Error::Specification {
            position: None,
            field: format!("[{SECTION}]"),
            reason: "it is not there, or has no names".to_owned(),
            hint: Some("clients connect to etcd by the names and addresses in it".to_owned()),
        });
    }
    Ok(AltNames { names, misplaced })
}

const EXAMPLE: &str =
    "nothing was changed; in the openssl.conf write DNS.1 = etcd-1 or IP.1 = 10.0.0.11";
const RENUMBER: &str = "give each name a number of its own";

/// Reads the name of a line; the error is the reason and a hint. An address is accepted under `IP`
/// and `DNS`: if a host's name in the inventory is its address, it is listed as a DNS name.
fn name(key: &str, value: &str) -> std::result::Result<AlternativeName, (String, Option<String>)> {
    let kind = kind(key);
    if !KINDS.contains(&kind) {
        let reason = format!(
            "etcd looks at names of the kinds {} alone",
            KINDS.join(", ")
        );
        return Err((reason, None));
    }
    if value.trim() != value {
        // OpenSSL keeps them in the name, and no host has such a name
        let reason = format!(
            "{} is not one: it has blanks around it",
            text::quoted(value)
        );
        return Err((reason, None));
    }
    if let (DNS, Ok(address)) = (kind, format!("{IP}:{value}").parse()) {
        return Ok(address);
    }
    format!("{kind}:{value}")
        .parse()
        .map_err(|error: Error| match error {
            Error::InvalidAlternativeName { reason, hint, .. } => (
                format!("{} is not one: {reason}", text::quoted(value)),
                hint,
            ),
            error => (error.to_string(), error.hint()),
        })
}

/// The kind of name that a line gives.
fn kind(key: &str) -> &str {
    key.split('.').next().unwrap_or_default()
}

fn fault(position: Position, field: &str, reason: String, hint: Option<String>) -> Error {
    Error::Specification {
        position: Some(position),
        field: field.to_owned(),
        reason,
        hint: hint.or_else(|| Some(EXAMPLE.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<AltNames> {
        super::parse(text, |_| None)
    }

    #[test]
    fn names_in_their_order_each_once() {
        let text = "\u{feff}\
DNS.1 = outside\r
[ alt_names ] # the only section that counts
  DNS.1=localhost\r
DNS.2 = Etcd-1.lan   # its own
# DNS.3 = commented.out

IP.1 = 10.0.0.11
DNS.4 = localhost
IP.9 = fd00:0::11
[v3_ca]
DNS.7 = outside
[alt_names]
URI.1 = spiffe://cluster/etcd
DNS = *.etcd.svc
";
        let AltNames { names, misplaced } = parse(text).unwrap();
        assert_eq!(misplaced, []);
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let expected = [
            "localhost",
            "etcd-1.lan",
            "10.0.0.11",
            "fd00::11",
            "spiffe://cluster/etcd",
            "*.etcd.svc",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn an_address_among_the_dns_names_is_one_and_stands_once() {
        let text =
            "[alt_names]\nDNS.1 = a\nDNS.2 = 10.0.0.11\nDNS.3 = [fd00:0::11]\nIP.1 = 10.0.0.11\n";
        let AltNames { names, misplaced } = parse(text).unwrap();
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["a", "10.0.0.11", "fd00::11"]);
        let said: Vec<_> = misplaced.iter().map(ToString::to_string).collect();
        assert!(said[0].starts_with("line 3: DNS.2: 10.0.0.11 is an address and is used as one"));
        assert!(said[1].starts_with("line 4: DNS.3: fd00::11 is an address"));
        assert_eq!(said.len(), 2);
    }

    #[test]
    fn faults_have_their_line() {
        for (line, said) in [
            (
                "  DNS.2 = 10.0.0.300",
                "line 3, column 3: DNS.2: \"10.0.0.300\" is not one",
            ),
            (
                "DNS.2 = 10.0.0.0/8",
                "line 3, column 1: DNS.2: \"10.0.0.0/8\" is not one",
            ),
            (
                "DNS.2 = fe80::1%eth0",
                "line 3, column 1: DNS.2: \"fe80::1%eth0\" is not one",
            ),
            (
                "IP.1 = etcd-1",
                "line 3, column 1: IP.1: \"etcd-1\" is not one: this is no address",
            ),
            ("IP.1 =", "line 3, column 1: IP.1: \"\" is not one"),
            // A template joined two lines by mistake
            (
                "DNS.2 = aDNS.3 = b",
                "line 3, column 1: DNS.2: \"aDNS.3 = b\" is not one",
            ),
            ("DNS.2 = $ENV::X", "line 3, column 1: DNS.2: "),
            (
                "DNS.1 = other",
                "line 3, column 1: DNS.1: it is in line 2 already",
            ),
            ("email.1 = a@b", "line 3, column 1: email.1: etcd looks at"),
            ("etcd-1", "line 3, column 1: etcd-1: there is no = in it"),
        ] {
            let error = parse(&format!("[alt_names]\nDNS.1 = a\n{line}\n")).unwrap_err();
            assert!(error.to_string().starts_with(said), "{error}");
            let hint = error.hint().unwrap();
            assert!(!hint.contains("specification"), "{hint}");
        }
        for text in ["", "[alt_names]\n", "DNS.1 = a\n"] {
            let error = parse(text).unwrap_err();
            assert!(
                error
                    .to_string()
                    .starts_with("[alt_names]: it is not there")
            );
        }
    }
}

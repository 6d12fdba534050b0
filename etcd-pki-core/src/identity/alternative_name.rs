//! The names of a certificate's subjectAltName, read from text.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
    sync::LazyLock,
};

use idna::{
    AsciiDenyList,
    uts46::{DnsLength, Hyphens, Uts46},
};
use url::Url;

use crate::{
    error::{Error, Result},
    uri,
};

const DNS: &str = "DNS:";
const URI: &str = "URI:";
/// The second is what `openssl x509 -text` prints
const IP: [&str; 2] = ["IP:", "IP Address:"];
/// Kinds of names that OpenSSL knows and etcd does not look at
const OTHER_KINDS: [&str; 4] = ["email:", "RID:", "dirName:", "otherName:"];

/// One alternative name (RFC 5280, section 4.2.1.6), of the kinds that etcd looks at.
///
/// ```
/// use etcd_pki_core::AlternativeName;
///
/// let name: AlternativeName = "[fd00::11]".parse()?;
/// assert_eq!(name, AlternativeName::Ip("fd00::11".parse().unwrap()));
/// assert_eq!("bücher.example".parse::<AlternativeName>()?.to_string(), "xn--bcher-kva.example");
/// assert!("a..b".parse::<AlternativeName>().is_err());
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AlternativeName {
    /// A DNS name
    Dns(DnsName),
    /// An IPv4 or IPv6 address
    Ip(IpAddr),
    /// A URI
    Uri(Uri),
}

/// A DNS name as certificates hold it: lower-case, A-labels for what is not ASCII, an underscore allowed, `*` allowed as
/// the whole leftmost label.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DnsName(String);

/// An absolute URI.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Uri(String);

impl DnsName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Uri {
    /// The URI as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AlternativeName {
    /// The address of no host, 0.0.0.0.
    pub(crate) fn unspecified() -> &'static Self {
        static NAME: AlternativeName = AlternativeName::Ip(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        &NAME
    }

    /// The names of the loopback: `localhost`, 127.0.0.1 and ::1.
    pub(crate) fn loopback() -> &'static [Self] {
        static NAMES: LazyLock<[AlternativeName; 3]> = LazyLock::new(|| {
            [
                AlternativeName::Dns(DnsName("localhost".to_owned())),
                AlternativeName::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                AlternativeName::Ip(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            ]
        });
        &*NAMES
    }
}

impl AlternativeName {
    /// Reads names with commas between them, as OpenSSL lists them: `DNS:etcd-1.lan, IP:10.0.0.11`. A comma in a URI is a part of
    /// it unless another kind of name follows.
    ///
    /// ```
    /// use etcd_pki_core::AlternativeName;
    ///
    /// let names = AlternativeName::list("DNS:etcd-1.lan, IP Address:10.0.0.11,::1")?;
    /// let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    /// assert_eq!(names, ["etcd-1.lan", "10.0.0.11", "::1"]);
    /// # Ok::<(), etcd_pki_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidAlternativeName`] for the first that is none.
    pub fn list(text: &str) -> Result<Vec<Self>> {
        if !text.contains(',') {
            return Ok(vec![text.parse()?]);
        }
        let mut parts: Vec<String> = Vec::new();
        for part in text.split(',') {
            match parts.last_mut() {
                Some(uri)
                    if strip_prefix(uri.trim(), URI).is_some() && kind(part.trim()).is_none() =>
                {
                    uri.push(',');
                    uri.push_str(part);
                }
                _ => parts.push(part.to_owned()),
            }
        }
        let names = parts.iter().map(|part| match part.trim() {
            "" => Err(invalid(text, "a name in this list is empty", None)),
            part => part.parse(),
        });
        names.collect()
    }
}

impl FromStr for AlternativeName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if let Some(kind) = OTHER_KINDS
            .iter()
            .find(|kind| strip_prefix(text, kind).is_some())
        {
            let reason = format!("etcd looks at no names of the kind {kind}");
            let hint = "leave it out: etcd takes a user from the common name, and hosts are DNS names, addresses and URIs";
            return Err(invalid(text, &reason, Some(hint.to_owned())));
        }
        if let Some(rest) = strip_prefix(text, URI) {
            return rest
                .parse()
                .map(Self::Uri)
                .map_err(|error| about(text, error));
        }
        if let Some(rest) = IP.iter().find_map(|prefix| strip_prefix(text, prefix)) {
            return parse_address(rest)
                .map(Self::Ip)
                .ok_or_else(|| invalid(text, "this is no address", address_hint(rest)));
        }
        if let Some(rest) = strip_prefix(text, DNS) {
            if parse_address(rest).is_some() {
                let hint = format!("write {rest}, or IP:{rest}");
                return Err(invalid(text, "this is an address", Some(hint)));
            }
            return rest
                .parse()
                .map(Self::Dns)
                .map_err(|error| about(text, error));
        }
        match parse_address(text) {
            Some(address) => Ok(Self::Ip(address)),
            None => text.parse().map(Self::Dns),
        }
    }
}

impl From<IpAddr> for AlternativeName {
    /// An IPv4 address written as IPv6 (`::ffff:10.0.0.1`) becomes the IPv4 address, as Go compares them.
    fn from(address: IpAddr) -> Self {
        Self::Ip(address.to_canonical())
    }
}

impl fmt::Display for AlternativeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(&name.0),
            Self::Ip(address) => address.fmt(f),
            Self::Uri(uri) => f.write_str(&uri.0),
        }
    }
}

impl FromStr for DnsName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (wildcard, name) = match text.strip_prefix("*.") {
            Some(rest) => ("*.", rest),
            None => ("", text),
        };
        if let Some(reason) = refused(name) {
            return Err(invalid(text, reason, hint(text)));
        }
        let ascii = Uts46::new()
            .to_ascii(
                name.as_bytes(),
                AsciiDenyList::EMPTY,
                Hyphens::CheckFirstLast,
                DnsLength::Verify,
            )
            .map_err(|_| invalid(text, dns_reason(name), hint(text)))?;
        // What IDNA maps to an address, or to what is refused, such as superscript digits
        if let Some(reason) = refused(&ascii) {
            return Err(invalid(text, reason, hint(&ascii)));
        }
        let well_formed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        if !ascii.bytes().all(well_formed) {
            return Err(invalid(
                text,
                "a letter in it is not allowed in a host's name",
                hint(text),
            ));
        }
        Ok(Self(format!("{wildcard}{ascii}")))
    }
}

impl FromStr for Uri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let reason = match Url::parse(text) {
            _ if !text.is_ascii() => "it is not ASCII".to_owned(),
            _ if text.bytes().any(|byte| byte <= b' ') => "it has blanks".to_owned(),
            // `url` repairs what it can, and Go takes no certificate with such a URI
            Ok(_) if uri::host(text).is_none() => "Go does not read it".to_owned(),
            Ok(_) => return Ok(Self(text.to_owned())),
            Err(error) => error.to_string(),
        };
        Err(invalid(
            text,
            &reason,
            Some("write it whole, such as URI:spiffe://cluster/etcd".to_owned()),
        ))
    }
}

/// The error with the text as it was given, prefix included.
fn about(given: &str, error: Error) -> Error {
    match error {
        Error::InvalidAlternativeName { reason, hint, .. } => invalid(given, &reason, hint),
        error => error,
    }
}

/// Reads `10.0.0.1`, `::1` and `[::1]`.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .filter(|inner| inner.contains(':'))
        .unwrap_or(text);
    let address: IpAddr = bare.parse().ok()?;
    Some(address.to_canonical())
}

/// What IDNA would let pass, and a resolver or Go would not.
fn refused(name: &str) -> Option<&'static str> {
    let last = name.rsplit('.').next().unwrap_or_default();
    if name.is_empty() {
        Some("it is empty")
    } else if name.contains(',') {
        Some("it is a list")
    } else if name.ends_with('.') {
        Some("it ends with a dot")
    } else if name.contains('*') {
        Some("a * may only be the whole leftmost label")
    } else if name.contains("://") {
        Some("it is a URL")
    } else if name.contains('%') && name.contains(':') {
        Some("an address in a certificate has no zone")
    } else if name.contains('/') {
        Some("it is a network or a path")
    } else if name.contains(':') {
        Some("it has a colon")
    } else if name.contains('@') {
        Some("it is an e-mail address")
    } else if last.bytes().all(|byte| byte.is_ascii_digit()) {
        // A name that ends in a number is an address that went wrong: 10.0.0.300
        Some("it ends in a number, as addresses do")
    } else {
        None
    }
}

fn dns_reason(name: &str) -> &'static str {
    let labels = || name.split('.');
    if labels().any(str::is_empty) {
        "it has an empty label"
    } else if labels().any(|label| label.len() > 63) {
        "a label is longer than 63 characters"
    } else if name.len() > 253 {
        "it is longer than 253 characters"
    } else if labels().any(|label| label.starts_with('-') || label.ends_with('-')) {
        "a label begins or ends with a hyphen"
    } else {
        "IDNA does not allow it (RFC 5891, UTS 46)"
    }
}

fn hint(text: &str) -> Option<String> {
    // A hint repeats a part of the text, and no name is so long
    if text.len() > 300 {
        return None;
    }
    if text.contains("://") {
        let host = Url::parse(text).ok()?.host_str()?.to_owned();
        return Some(format!("give the host alone, {host}, or URI:{text}"));
    }
    if text.contains(',') {
        return Some("give each name by itself".to_owned());
    }
    if let Some(name) = text
        .strip_suffix('.')
        .filter(|name| refused(name).is_none())
    {
        return Some(format!(
            "give it without the dot, {name}: verifiers compare it so"
        ));
    }
    if let Some((address, zone)) = text.split_once('%') {
        return Some(format!("{address} without %{zone}"));
    }
    address_hint(text)
}

fn address_hint(text: &str) -> Option<String> {
    let without_port = text.rsplit_once(':').map(|(host, _)| host);
    if let Some(host) =
        without_port.filter(|host| parse_address(host).is_some() || !host.contains(':'))
    {
        return Some(format!("give the host alone, {host}"));
    }
    if let Some((address, _)) = text.split_once('/') {
        return Some(format!("give one address, such as {address}"));
    }
    let numbers = text
        .split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    (numbers && text.parse::<Ipv4Addr>().is_err())
        .then(|| "an IPv4 address has four numbers from 0 to 255, without leading zeros".to_owned())
}

/// The kind that a text says it is.
fn kind(text: &str) -> Option<&'static str> {
    let mut kinds = [DNS, URI].into_iter().chain(IP).chain(OTHER_KINDS);
    kinds.find(|kind| strip_prefix(text, kind).is_some())
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn invalid(text: &str, reason: &str, hint: Option<String>) -> Error {
    Error::InvalidAlternativeName {
        text: text.to_owned(),
        reason: reason.to_owned(),
        hint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        match text.parse::<AlternativeName>() {
            Ok(AlternativeName::Dns(name)) => format!("dns {}", name.as_str()),
            Ok(AlternativeName::Ip(address)) => format!("ip {address}"),
            Ok(AlternativeName::Uri(uri)) => format!("uri {}", uri.as_str()),
            Err(error) => format!("error {error}"),
        }
    }

    #[test]
    fn what_is_accepted() {
        for (text, expected) in [
            ("etcd-1", "dns etcd-1"),
            ("Etcd-1.LAN", "dns etcd-1.lan"),
            ("DNS:a_b.c", "dns a_b.c"),
            ("dns:a", "dns a"),
            ("_etcd-server._tcp.x", "dns _etcd-server._tcp.x"),
            ("*.etcd.svc", "dns *.etcd.svc"),
            ("1etcd", "dns 1etcd"),
            ("10.0.0.1", "ip 10.0.0.1"),
            ("IP:10.0.0.1", "ip 10.0.0.1"),
            ("::1", "ip ::1"),
            ("[::1]", "ip ::1"),
            ("::ffff:10.0.0.1", "ip 10.0.0.1"),
            ("FD00:0::11", "ip fd00::11"),
            ("URI:spiffe://cluster/etcd", "uri spiffe://cluster/etcd"),
            ("münchen.example", "dns xn--mnchen-3ya.example"),
        ] {
            assert_eq!(parsed(text), expected);
        }
    }

    #[test]
    fn what_is_refused() {
        for text in [
            "",
            "*",
            "*.",
            "*.*.x",
            "a.*.b",
            "a*.b",
            "a..b",
            ".a",
            "a.",
            "-a",
            "a-",
            "a b",
            "a\0b",
            "URI:spiffe:\u{7f}/etcd",
            "URI:https://a/%zz",
            "URI:https://a:b/",
            "10.0.0.300",
            "10.0.0",
            "010.0.0.1",
            "1",
            "10.0.0.1:2379",
            "10.0.0.0/8",
            "[::1]:2379",
            "fe80::1%eth0",
            "[10.0.0.1]",
            "::1::",
            "https://10.0.0.1:2380",
            "DNS:10.0.0.1",
            "DNS:::1",
            "IP:etcd-1",
            "IP:10.0.0.300",
            "URI:",
            "URI:/path",
            "URI:spiffe://ü/x",
            "a@b",
            "a\u{202e}b",
            "10.0.0.²",
            "①",
        ] {
            assert!(
                parsed(text).starts_with("error "),
                "{text:?} {}",
                parsed(text)
            );
        }
        assert!(format!("{}.x", "a".repeat(64)).parse::<DnsName>().is_err());
    }

    #[test]
    fn lists() {
        let listed = |text: &str| -> Result<Vec<String>> {
            let names = AlternativeName::list(text)?;
            Ok(names.iter().map(ToString::to_string).collect())
        };
        for (text, expected) in [
            ("a", &["a"][..]),
            ("DNS:a,IP:10.0.0.1", &["a", "10.0.0.1"]),
            (
                "dns:a , ip:::1,URI:spiffe://b/c",
                &["a", "::1", "spiffe://b/c"],
            ),
            ("a,10.0.0.1,b.c", &["a", "10.0.0.1", "b.c"]),
            ("IP Address:10.0.0.1", &["10.0.0.1"]),
            ("URI:http://a/b,c,DNS:d", &["http://a/b,c", "d"]),
        ] {
            assert_eq!(listed(text).unwrap(), expected, "{text}");
        }
        for bad in ["a,,b", "a,", ",", "a,b c", "DNS:a,IP:b", "a,email:a@b"] {
            assert!(listed(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hints_that_help() {
        for (text, reason, hint) in [
            ("email:a@b.c", "of the kind email:", "common name"),
            ("RID:1.2.3", "of the kind RID:", "leave it out"),
            ("dirName:section", "of the kind dirName:", "leave it out"),
            (
                "otherName:1.2;UTF8:x",
                "of the kind otherName:",
                "leave it out",
            ),
            ("a@b.c", "e-mail address", "DNS name"),
            ("a,b", "it is a list", "each name by itself"),
            (
                "etcd-1.lan.",
                "ends with a dot",
                "without the dot, etcd-1.lan:",
            ),
            (
                "DNS:etcd-1.lan.",
                "ends with a dot",
                "without the dot, etcd-1.lan:",
            ),
        ] {
            let error = text.parse::<AlternativeName>().unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
            assert!(error.hint().unwrap().contains(hint), "{:?}", error.hint());
        }
    }

    #[test]
    fn names_that_are_too_long() {
        assert!("a.".repeat(127).parse::<DnsName>().is_err());
    }
}

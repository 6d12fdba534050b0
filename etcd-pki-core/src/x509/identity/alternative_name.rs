//! Reads the names of a certificate's subjectAltName from text.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
    sync::{Arc, LazyLock},
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

/// The kinds of names, as OpenSSL, GnuTLS and Windows write and print them
const KINDS: [(Kind, &str); 13] = [
    (Kind::Dns, "DNS"),
    (Kind::Dns, "dNSName"),
    (Kind::Dns, "DNS Name"),
    (Kind::Ip, "IP"),
    (Kind::Ip, "IP Address"),
    (Kind::Ip, "iPAddress"),
    (Kind::Uri, "URI"),
    (Kind::Uri, "URL"),
    (Kind::Uri, "uniformResourceIdentifier"),
    (Kind::Other("email"), "email"),
    (Kind::Other("RID"), "RID"),
    (Kind::Other("dirName"), "dirName"),
    (Kind::Other("otherName"), "otherName"),
];
/// The text before a list: OpenSSL's option and the output of `openssl x509 -ext subjectAltName`
const TITLES: [&str; 2] = ["subjectAltName", "X509v3 Subject Alternative Name"];

/// The kind of a name in text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Dns,
    Ip,
    Uri,
    /// A kind that OpenSSL supports and etcd does not use
    Other(&'static str),
}

/// An alternative name (RFC 5280, section 4.2.1.6) of a kind that etcd uses.
///
/// ```
/// use etcd_pki_core::x509::AlternativeName;
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

/// A DNS name in the form of certificates: in lower case, with A-labels for non-ASCII labels. It
/// may contain an underscore, and `*` may be the whole leftmost label. A clone shares the text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DnsName(Arc<str>);

/// An absolute URI.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Uri(Arc<str>);

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
    /// The unspecified address, 0.0.0.0.
    pub(crate) fn unspecified() -> &'static Self {
        static NAME: AlternativeName = AlternativeName::Ip(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        &NAME
    }

    /// The names of loopback: `localhost`, 127.0.0.1 and ::1.
    pub(crate) fn loopback() -> &'static [Self] {
        static NAMES: LazyLock<[AlternativeName; 3]> = LazyLock::new(|| {
            [
                AlternativeName::Dns(DnsName("localhost".into())),
                AlternativeName::Ip(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                AlternativeName::Ip(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            ]
        });
        &*NAMES
    }
}

impl AlternativeName {
    /// Reads names separated by commas, as OpenSSL lists them: `DNS:etcd-1.lan, IP:10.0.0.11`, with
    /// or without `subjectAltName =` before them. A comma in a URI is part of it unless another
    /// kind of name follows.
    ///
    /// ```
    /// use etcd_pki_core::x509::AlternativeName;
    ///
    /// let names = AlternativeName::list("DNS:etcd-1.lan, IP Address:10.0.0.11,::1")?;
    /// let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    /// assert_eq!(names, ["etcd-1.lan", "10.0.0.11", "::1"]);
    /// # Ok::<(), etcd_pki_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::InvalidAlternativeName`] for the first invalid name.
    pub fn list(text: &str) -> Result<Vec<Self>> {
        let names = without_title(text);
        if !names.contains(',') {
            return Ok(vec![names.parse()?]);
        }
        let mut parts: Vec<String> = Vec::new();
        for part in names.split(',') {
            match parts.last_mut() {
                Some(uri) if matches!(kind(uri), Some((Kind::Uri, _))) && kind(part).is_none() => {
                    uri.push(',');
                    uri.push_str(part);
                }
                _ => parts.push(part.to_owned()),
            }
        }
        if let [first, rest @ ..] = &parts[..]
            && first.trim() == "critical"
            && !rest.is_empty()
        {
            let hint = Some("leave it out, and give the names alone".to_owned());
            return Err(invalid(
                text,
                "critical marks an extension, and is no name here",
                hint,
            ));
        }
        let names = parts.iter().map(|part| match part.trim() {
            "" => {
                let hint = Some("leave out the comma that has no name next to it".to_owned());
                Err(invalid(text, "a name in this list is empty", hint))
            }
            part => part.parse(),
        });
        names.collect()
    }
}

impl FromStr for AlternativeName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let name = without_title(text);
        let read = match kind(name) {
            Some((Kind::Other(kind), _)) => {
                let reason = format!("etcd looks at no names of the kind {kind}:");
                let hint = "leave it out: etcd takes a user from the common name, and hosts are DNS names, addresses and URIs";
                return Err(invalid(text, &reason, Some(hint.to_owned())));
            }
            Some((Kind::Uri, rest)) => rest.parse().map(Self::Uri),
            Some((Kind::Ip, rest)) => parse_address(rest).map(Self::Ip).ok_or_else(|| {
                let hint = hint(rest);
                invalid(text, "this is no address", hint)
            }),
            Some((Kind::Dns, rest)) if parse_address(rest).is_some() => {
                let hint = format!("write {rest}, or IP:{rest}");
                Err(invalid(text, "this is an address", Some(hint)))
            }
            Some((Kind::Dns, rest)) => rest.parse().map(Self::Dns),
            None => match parse_address(name) {
                Some(address) => Ok(Self::Ip(address)),
                None => name.parse().map(Self::Dns),
            },
        };
        read.map_err(|error| about(text, error))
    }
}

impl From<IpAddr> for AlternativeName {
    /// An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`) becomes the IPv4 address, because Go
    /// compares them in that form.
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
        // IDNA maps some text to an address or to a name that is refused, for example superscript
        // digits
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
        Ok(Self(format!("{wildcard}{ascii}").into()))
    }
}

impl FromStr for Uri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let reason = match Url::parse(text) {
            _ if !text.is_ascii() => "it is not ASCII".to_owned(),
            _ if text.bytes().any(|byte| byte <= b' ') => "it has blanks".to_owned(),
            // `url` repairs some URIs, but Go does not read a certificate with such a URI
            Ok(_) if uri::host(text).is_none() => "Go does not read it".to_owned(),
            Ok(_) => return Ok(Self(text.into())),
            Err(error) => error.to_string(),
        };
        Err(invalid(
            text,
            &reason,
            Some("write it whole, such as URI:spiffe://cluster/etcd".to_owned()),
        ))
    }
}

/// Changes the error to the text as it was given, with its prefix.
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

/// The reason to refuse a name that IDNA accepts, and a resolver or Go does not.
fn refused(name: &str) -> Option<&'static str> {
    let last = name.rsplit('.').next().unwrap_or_default();
    if name.is_empty() {
        Some("it is empty")
    } else if name.contains(',') {
        Some("it is a list")
    } else if name.starts_with('@') {
        Some("it is the name of a section of an openssl.conf")
    } else if name.contains(QUOTES) {
        Some("it has quotes")
    } else if name.contains(is_between) {
        Some("it has blanks or semicolons")
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
        // A name that ends in a number is probably a wrong address, such as 10.0.0.300
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

/// The quotes of shells
const QUOTES: [char; 2] = ['"', '\''];

/// Whether users write the character between names, although commas separate them.
fn is_between(letter: char) -> bool {
    letter == ';' || letter.is_ascii_whitespace()
}

fn hint(text: &str) -> Option<String> {
    // A hint repeats part of the text, and no name is this long
    if text.len() > 300 {
        return None;
    }
    if let Some(separator) = text.find("://") {
        let is_of_scheme = |letter: char| letter.is_ascii_alphanumeric() || "+-.".contains(letter);
        let mut before = text[..separator].char_indices();
        let before = before.rfind(|(_, letter)| !is_of_scheme(*letter));
        let scheme = before.map(|(place, letter)| place + letter.len_utf8());
        // ETCD_INITIAL_CLUSTER contains name=URL
        let url = &text[scheme.unwrap_or_default()..];
        let url = url.split([',', ';', ' ']).next().unwrap_or_default();
        let host = Url::parse(url).ok()?.host_str()?.to_owned();
        return Some(match scheme {
            None if url == text => format!("give the host alone, {host}, or URI:{text}"),
            _ => format!("give the host alone, {host}"),
        });
    }
    if text.contains(',') {
        return Some("give each name by itself".to_owned());
    }
    if text.starts_with('@') {
        return Some("give the names of that section themselves".to_owned());
    }
    if text.contains(QUOTES) {
        let bare = text.replace(QUOTES, "");
        return Some(format!("give it without quotes, {bare}"));
    }
    if text.contains(is_between) {
        let names: Vec<&str> = text
            .split(is_between)
            .filter(|name| !name.is_empty())
            .collect();
        return Some(match &names[..] {
            [name] => format!("give it without blanks, {name}"),
            names => format!("separate names with commas, {}", names.join(",")),
        });
    }
    if let Some(name) = text
        .strip_suffix('.')
        .filter(|name| refused(name).is_none() || parse_address(name).is_some())
    {
        return Some(format!(
            "give it without the dot, {name}: verifiers compare it so"
        ));
    }
    if let Some((address, zone)) = text.split_once('%') {
        let [address, zone] = [address.trim_start_matches('['), zone.trim_end_matches(']')];
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

/// The text without white space around it and without the text before a list.
fn without_title(text: &str) -> &str {
    let text = text.trim_ascii();
    let rest = TITLES.iter().find_map(|title| {
        let rest = strip_prefix(text, title)?.trim_ascii_start();
        rest.strip_prefix([':', '='])
    });
    rest.unwrap_or(text).trim_ascii()
}

/// The kind at the beginning of the text, and the name after it. OpenSSL allows a number after the
/// kind (`v3_name_cmp`): `DNS.1`.
fn kind(text: &str) -> Option<(Kind, &str)> {
    let (head, rest) = text.split_once([':', '='])?;
    let head = head.trim_ascii();
    let head = match head.rsplit_once('.') {
        Some((kind, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => kind,
        _ => head,
    };
    let (kind, _) = KINDS
        .iter()
        .find(|(_, name)| head.eq_ignore_ascii_case(name))?;
    Some((*kind, rest.trim_ascii()))
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
            (" a ", "dns a"),
            ("DNS: a", "dns a"),
            ("DNS : a", "dns a"),
            ("DNS.1:a", "dns a"),
            ("DNS.1 = a", "dns a"),
            ("DNS Name=a", "dns a"),
            ("DNSname: a", "dns a"),
            ("IP Address: 10.0.0.1", "ip 10.0.0.1"),
            ("IPAddress: fd00::11", "ip fd00::11"),
            ("IP.2:10.0.0.1", "ip 10.0.0.1"),
            ("IP:::1", "ip ::1"),
            ("URL=https://a/?b=c", "uri https://a/?b=c"),
            ("subjectAltName = DNS:a", "dns a"),
            ("subjectaltname=10.0.0.1", "ip 10.0.0.1"),
            ("X509v3 Subject Alternative Name: \n    DNS:a", "dns a"),
            ("subjectaltname", "dns subjectaltname"),
            ("dns", "dns dns"),
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
            ("subjectAltName = DNS:a, IP:10.0.0.1", &["a", "10.0.0.1"]),
            (
                "X509v3 Subject Alternative Name: \n    DNS:a, IP Address:10.0.0.1\n",
                &["a", "10.0.0.1"],
            ),
            ("DNSname: a,IPAddress: ::1", &["a", "::1"]),
            ("critical", &["critical"]),
            ("a,critical", &["a", "critical"]),
        ] {
            assert_eq!(listed(text).unwrap(), expected, "{text}");
        }
        for bad in [
            "a,,b",
            "a,",
            ",",
            "a,b c",
            "DNS:a,IP:b",
            "a,email:a@b",
            "critical,a",
        ] {
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
            ("b\u{fc}https://lan/a", "", "give the host alone, lan"),
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
    fn words_of_other_tools() {
        for (text, hint) in [
            ("critical,DNS:a", "leave it out"),
            ("subjectAltName = critical,DNS:a", "leave it out"),
            ("a,", "leave out the comma"),
            ("fe80::1%eth0", "fe80::1 without %eth0"),
            ("[fe80::1%eth0]", "fe80::1 without %eth0"),
            ("IP:fe80::1%eth0", "fe80::1 without %eth0"),
            ("[::1]:2379", "host alone, [::1]"),
            ("IP:[::1]:2379", "host alone, [::1]"),
            ("10.0.0.1:2379", "host alone, 10.0.0.1"),
            ("etcd-1:2379", "host alone, etcd-1"),
            ("DNS:etcd-1:2379", "host alone, etcd-1"),
            ("https://10.0.0.1:2379", "host alone, 10.0.0.1, or URI:"),
            ("IP:https://10.0.0.1:2379", "host alone, 10.0.0.1"),
            ("https://[fd00::1]:2379", "host alone, [fd00::1]"),
            ("etcd-1=https://10.0.0.1:2380", "host alone, 10.0.0.1"),
            ("https://a:2379,https://b:2379", "host alone, a"),
            ("@alt_names", "that section themselves"),
            ("a b", "with commas, a,b"),
            ("DNS:a IP:10.0.0.1", "with commas, a,IP:10.0.0.1"),
            ("a; b", "with commas, a,b"),
            ("\"a\"", "without quotes, a"),
            ("10.0.0.1.", "without the dot, 10.0.0.1"),
            ("10.0.0.0/24", "one address, such as 10.0.0.0"),
            ("010.0.0.1", "without leading zeros"),
        ] {
            let error = AlternativeName::list(text).unwrap_err();
            let found = error.hint().unwrap();
            assert!(found.contains(hint), "{text}: {error}: {found}");
        }
    }

    #[test]
    fn names_that_are_too_long() {
        assert!("a.".repeat(127).parse::<DnsName>().is_err());
    }
}

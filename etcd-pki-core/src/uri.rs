//! Decides whether Go reads a URI, and finds its host (`url.Parse` of `net/url`).
//!
//! The crate `url` follows the WHATWG: it repairs URIs that Go refuses, and refuses some that Go
//! accepts.

use std::net::{IpAddr, Ipv6Addr};

/// The host of a URI, with its port and with brackets around an address; empty if there is none.
/// `None` if Go refuses the URI.
pub(crate) fn host(uri: &str) -> Option<String> {
    let (uri, fragment) = uri.split_once('#').unwrap_or((uri, ""));
    let has_control = uri.bytes().any(|byte| byte < b' ' || byte == 0x7f);
    if has_control || !is_escaped(fragment, Part::Other) {
        return None;
    }
    let (scheme, rest) = scheme(uri)?;
    let (rest, _query) = rest.split_once('?').unwrap_or((rest, ""));
    if !rest.starts_with('/') {
        let (segment, _) = rest.split_once('/').unwrap_or((rest, ""));
        // With a scheme, the URI is opaque. Without one, its first segment must not contain a colon
        return match scheme {
            Some(_) => Some(String::new()),
            None => (!segment.contains(':') && is_escaped(rest, Part::Other)).then(String::new),
        };
    }
    let has_authority = scheme.is_some() || !rest.starts_with("///");
    let Some(rest) = rest.strip_prefix("//").filter(|_| has_authority) else {
        return is_escaped(rest, Part::Other).then(String::new);
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = match authority.rsplit_once('@') {
        None => parse_host(scheme, authority)?,
        Some((user, host)) => {
            if !is_user_information(user) {
                return None;
            }
            parse_host(scheme, host)?
        }
    };
    is_escaped(path, Part::Other).then_some(host)
}

/// Splits the scheme from the rest (`getScheme`). Refuses a colon without a scheme before it.
fn scheme(uri: &str) -> Option<(Option<&str>, &str)> {
    let end = uri.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c));
    match end {
        Some(0) if uri.starts_with(':') => None,
        Some(end)
            if uri[end..].starts_with(':')
                && uri.starts_with(|c: char| c.is_ascii_alphabetic()) =>
        {
            Some((Some(&uri[..end]), &uri[end + 1..]))
        }
        _ => Some((None, uri)),
    }
}

fn is_user_information(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    text.chars().all(is_allowed)
        && text
            .splitn(2, ':')
            .all(|part| is_escaped(part, Part::Other))
}

/// `parseHost`
fn parse_host(scheme: Option<&str>, host: &str) -> Option<String> {
    match host.rfind('[') {
        Some(0) => {
            let (address, port) = host[1..].rsplit_once(']')?;
            let is_good = is_port(port) && is_address_literal(address)?;
            return is_good.then(|| format!("[{}]{port}", unescaped(address)));
        }
        Some(_) => return None,
        None => {}
    }
    if let (Some(first), Some(last)) = (host.find(':'), host.rfind(':')) {
        // Only web URLs are limited to one colon
        let is_web = scheme.is_some_and(|scheme| {
            scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
        });
        if !is_port(&host[if is_web { first } else { last }..]) {
            return None;
        }
    }
    is_escaped(host, Part::Host).then(|| unescaped(host))
}

/// Whether an IPv6 address is valid. It may have a zone after `%25`.
fn is_address_literal(text: &str) -> Option<bool> {
    let (address, zone) = text.split_at(text.find("%25").unwrap_or(text.len()));
    if !is_escaped(address, Part::Host) || !is_escaped(zone, Part::Zone) {
        return None;
    }
    let text = unescaped(text);
    Some(match text.split_once('%') {
        Some((address, zone)) => !zone.is_empty() && address.parse::<Ipv6Addr>().is_ok(),
        None => matches!(text.parse(), Ok(IpAddr::V6(_))),
    })
}

fn is_port(text: &str) -> bool {
    match text.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_digit()),
        None => text.is_empty(),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Host,
    Zone,
    Other,
}

/// Whether each `%` is followed by two digits, and a host has only allowed characters (`unescape`).
fn is_escaped(text: &str, part: Part) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte != b'%' {
            if part != Part::Other && byte.is_ascii() && !is_host_byte(byte) {
                return false;
            }
            at += 1;
            continue;
        }
        let Some(value) = hex_pair(bytes, at + 1) else {
            return false;
        };
        let is_percent = value == b'%' && bytes[at + 1] == b'2';
        let is_allowed = match part {
            Part::Host => value >= 0x80 || is_percent,
            Part::Zone => is_percent || value == b' ' || is_host_byte(value),
            Part::Other => true,
        };
        if !is_allowed {
            return false;
        }
        at += 3;
    }
    true
}

fn hex_pair(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at| char::from(*bytes.get(at)?).to_digit(16);
    u8::try_from(digit(at)? << 4 | digit(at + 1)?).ok()
}

/// `encodeHost` and `encodeZone` in the table of `net/url`
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!\"$&'()*+,:;<=>[]_-.~".contains(&byte)
}

/// The text with its escapes replaced. Invalid UTF-8 is replaced too, because it only has to differ
/// from every name.
fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%').then(|| hex_pair(bytes, at + 1)).flatten();
        plain.push(escaped.unwrap_or(byte));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

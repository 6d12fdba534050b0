//! Facts in words, for people.

use std::net::{IpAddr, Ipv4Addr};

/// The common name if the subject has no other attribute, otherwise the whole subject.
pub(crate) fn subject(subject: &str) -> &str {
    match subject.strip_prefix("CN=") {
        Some(name) if !name.contains([',', '+', '\\']) => name,
        _ if subject.is_empty() => "no one (the subject is empty)",
        _ => subject,
    }
}

/// A public key: `ec-p256, SHA-256 5F1A…`
pub(crate) fn key(algorithm: &str, fingerprint: &str) -> String {
    format!("{algorithm}, SHA-256 {fingerprint}")
}

/// Addresses, with an explanation of the placeholder address 0.0.0.0.
pub(crate) fn addresses(addresses: &[IpAddr]) -> String {
    let text: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    with_note_of_no_host(text.join(", "))
}

pub(crate) fn with_note_of_no_host(addresses: String) -> String {
    if addresses == Ipv4Addr::UNSPECIFIED.to_string() {
        format!("{addresses} (no host: closed to etcd's peer port)")
    } else {
        addresses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects() {
        assert_eq!(subject("CN=etcd-ca"), "etcd-ca");
        assert_eq!(subject("CN=a,O=b"), "CN=a,O=b");
        assert!(subject("").starts_with("no one"));
    }

    #[test]
    fn the_address_of_no_host_is_explained_when_it_is_alone() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let alone = addresses(&[address("0.0.0.0")]);
        assert_eq!(alone, "0.0.0.0 (no host: closed to etcd's peer port)");
        let two = addresses(&[address("0.0.0.0"), address("::1")]);
        assert_eq!(two, "0.0.0.0, ::1");
    }
}

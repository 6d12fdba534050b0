//! Searches networks of name constraints for addresses, as Go does.
//!
//! A network is an address and a mask. If the address has bits outside its mask, Go's binary search
//! can miss addresses in the network, and so does this one.

use std::{
    cmp::Ordering,
    net::{IpAddr, Ipv6Addr},
};

/// The networks of each family, sorted. Networks inside the previous one are left out
/// (`sortAndPrune`).
#[derive(Default)]
pub(super) struct Networks<'a> {
    v4: Vec<Network<'a>>,
    v6: Vec<Network<'a>>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Network<'a> {
    address: &'a [u8],
    mask: &'a [u8],
}

impl<'a> Networks<'a> {
    pub(super) fn new(networks: &[&'a [u8]]) -> Self {
        let family = |length| {
            let family = networks
                .iter()
                .filter(|network| network.len() == 2 * length);
            let networks = family.map(|network| {
                let (address, mask) = network.split_at(length);
                Network { address, mask }
            });
            pruned(networks.collect())
        };
        Self {
            v4: family(4),
            v6: family(16),
        }
    }

    /// Whether an address is in one of the networks of its family (`search`).
    pub(super) fn hold(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => search(&self.v4, &address.octets()),
            IpAddr::V6(address) => search(&self.v6, &address.octets()),
        }
    }
}

fn pruned(mut networks: Vec<Network<'_>>) -> Vec<Network<'_>> {
    networks.sort();
    let mut kept: Vec<Network<'_>> = Vec::with_capacity(networks.len());
    for network in networks {
        if kept.last().is_none_or(|last| !last.has_all_of(network)) {
            kept.push(network);
        }
    }
    kept
}

/// Checks a network that begins at the address, or the last one before it. If there is none, it
/// checks the first network.
fn search(networks: &[Network<'_>], address: &[u8]) -> bool {
    let found = networks.binary_search_by(|network| match network.address.cmp(address) {
        // Go also uses the first of several equal networks
        Ordering::Equal => Ordering::Greater,
        other => other,
    });
    let at = found.unwrap_or_else(|at| at);
    if networks
        .get(at)
        .is_some_and(|network| network.address == address)
    {
        return true;
    }
    networks
        .get(at.saturating_sub(1))
        .is_some_and(|network| network.has(address))
}

impl Network<'_> {
    /// `IPNet.Contains`: an IPv4-mapped IPv6 address counts as an IPv4 address, also in a network.
    fn has(self, address: &[u8]) -> bool {
        let (network, address) = (unmapped(self.address), unmapped(address));
        let mask = &self.mask[self.mask.len() - network.len()..];
        network.len() == address.len()
            && network
                .iter()
                .zip(address)
                .zip(mask)
                .all(|((network, octet), mask)| network & mask == octet & mask)
    }

    /// `ipNetworkSubset`
    fn has_all_of(self, other: Self) -> bool {
        let last = other.address.iter().zip(other.mask);
        let last: Vec<u8> = last.map(|(octet, mask)| octet | !mask).collect();
        self.has(other.address) && self.has(&last)
    }
}

fn unmapped(address: &[u8]) -> &[u8] {
    let mapped = <[u8; 16]>::try_from(address).ok();
    match mapped.and_then(|octets| Ipv6Addr::from(octets).to_ipv4_mapped()) {
        Some(_) => &address[12..],
        None => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Vec<u8> {
        let octets = |text: &str| match text.parse().unwrap() {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let (address, mask) = text.split_once('/').unwrap();
        [octets(address), octets(mask)].concat()
    }

    fn hold(networks: &[&str], address: &str) -> bool {
        let networks: Vec<Vec<u8>> = networks.iter().map(|text| network(text)).collect();
        let networks: Vec<&[u8]> = networks.iter().map(Vec::as_slice).collect();
        Networks::new(&networks).hold(address.parse().unwrap())
    }

    #[test]
    fn addresses() {
        let ten = "10.0.0.0/255.0.0.0";
        assert!(
            hold(&[ten], "10.1.2.3") && hold(&[ten], "10.0.0.0") && hold(&[ten], "10.255.255.255")
        );
        assert!(
            !hold(&[ten], "11.1.2.3") && !hold(&[ten], "9.255.255.255") && !hold(&[ten], "::1")
        );
        let many = [
            "192.168.0.0/255.255.0.0",
            ten,
            "10.1.0.0/255.255.0.0",
            "fd00::/ff00::",
        ];
        for address in ["10.0.0.1", "10.1.2.3", "10.2.0.0", "192.168.1.1", "fd12::1"] {
            assert!(hold(&many, address), "{address}");
        }
        for address in [
            "11.0.0.1",
            "172.16.0.1",
            "192.169.0.0",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!hold(&many, address), "{address}");
        }
        assert!(hold(&["0.0.0.0/0.0.0.0"], "1.2.3.4"));
        // IPv4 addresses in the form of IPv6
        assert!(!hold(&["::/::"], "::ffff:1.2.3.4") && hold(&["::/::"], "::2"));
        assert!(hold(
            &["::ffff:10.0.0.0/ffff:ffff:ffff:ffff:ffff:ffff:ff00:0"],
            "::ffff:10.1.2.3"
        ));
    }
}

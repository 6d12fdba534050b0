//! Defines the endpoints of members: where their client port and their peer port are.

use std::{
    collections::HashMap,
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use super::{Cluster, EntrySpec, PortsSpec};
use crate::{
    error::{Error, Result},
    role::Role,
    verify::is_host_name,
    x509::identity::{AlternativeName, Identity},
};

/// The usual ports of etcd, for clients and for peers (`DefaultListenClientURLs` and
/// `DefaultListenPeerURLs` in `server/embed/config.go`)
const USUAL_PORTS: [u16; 2] = [2379, 2380];

/// A host and a port, such as `10.0.0.11:2379`, `[fd00::11]:2379` or `etcd-1.lan:2379`.
///
/// ```
/// use etcd_pki_core::cluster::Endpoint;
///
/// let endpoint: Endpoint = "[fd00::11]:2379".parse()?;
/// assert_eq!((endpoint.host(), endpoint.port()), ("fd00::11", 2379));
/// assert_eq!(Endpoint::new("fd00::11", 2379)?, endpoint);
/// assert_eq!(endpoint.to_string(), "[fd00::11]:2379");
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// A name, or an address without brackets
    host: String,
    port: u16,
}

impl Endpoint {
    /// The endpoint of a name or an address.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] for a host that is neither a name nor an address, and for port 0.
    pub fn new(host: &str, port: u16) -> Result<Self> {
        let refused = |reason: &str| Error::InvalidName {
            name: host.to_owned(),
            reason: reason.to_owned(),
        };
        if port == 0 {
            return Err(refused("is no endpoint: no server has the port 0"));
        }
        let host = match host.parse::<IpAddr>() {
            Ok(address) => address.to_string(),
            Err(_) => host_name(host)
                .ok_or_else(|| refused("is no endpoint: its host is no name and no address"))?,
        };
        Ok(Self { host, port })
    }

    /// The host: a name, or an address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host's address; `None` for a name.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// The form of a name in which it is resolved. A name in another script has a form in ASCII (RFC
/// 5890).
fn host_name(host: &str) -> Option<String> {
    let is_name = |name: &str| is_host_name(name.strip_suffix('.').unwrap_or(name), false);
    if is_name(host) {
        return Some(host.to_owned());
    }
    // The parser of names ignores blanks around a name, so they are refused here
    if host.is_ascii() || host.contains(char::is_whitespace) {
        return None;
    }
    match host.parse() {
        Ok(AlternativeName::Dns(name)) if is_name(name.as_str()) => Some(name.as_str().to_owned()),
        _ => None,
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    /// # Errors
    ///
    /// [`Error::InvalidName`] for text that is not `HOST:PORT`.
    fn from_str(text: &str) -> Result<Self> {
        let refused = |reason: &str| Error::InvalidName {
            name: text.to_owned(),
            reason: format!("is no endpoint: {reason}"),
        };
        if text.contains("://") {
            return Err(refused("it is a URL"));
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest
                    .split_once("]:")
                    .ok_or_else(|| refused("no port follows the brackets"))?;
                if address.parse::<Ipv6Addr>().is_err() {
                    return Err(refused("in brackets is no IPv6 address"));
                }
                (address, port)
            }
            None => {
                let (host, port) = text
                    .rsplit_once(':')
                    .ok_or_else(|| refused("it has no port"))?;
                if host.contains(':') {
                    return Err(refused("an IPv6 address has brackets before its port"));
                }
                (host, port)
            }
        };
        // `parse` alone would accept a plus sign
        let is_number = port.bytes().all(|digit| digit.is_ascii_digit());
        let port = port.parse().ok().filter(|_| is_number);
        let port = port.ok_or_else(|| refused("a port is a number from 1 to 65535"))?;
        Self::new(host, port).map_err(|error| match error {
            Error::InvalidName { reason, .. } => Error::InvalidName {
                name: text.to_owned(),
                reason,
            },
            error => error,
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// The endpoints of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemberEndpoints {
    /// The member's name
    pub name: String,
    /// The endpoint for clients
    pub client: Endpoint,
    /// The endpoint for peers
    pub peer: Endpoint,
}

impl MemberEndpoints {
    /// The endpoints of a member.
    #[must_use]
    pub fn new(name: impl Into<String>, client: Endpoint, peer: Endpoint) -> Self {
        Self {
            name: name.into(),
            client,
            peer,
        }
    }
}

impl Cluster {
    /// The endpoints of each member, in the order of the specification.
    ///
    /// The host is the member's first address that no other member has. Without one, it is the
    /// member's first address, then its first name, and then its own name. Loopback addresses are
    /// used only for a member that has no others. The ports are those of the specification
    /// (`ports`), or 2379 and 2380.
    ///
    /// ```
    /// use etcd_pki_core::{Cluster, cluster::{ClusterSpec, EntrySpec, PortsSpec}};
    ///
    /// let cluster = Cluster::try_from(ClusterSpec {
    ///     members: vec![
    ///         EntrySpec::new("etcd-1").with_names(["etcd-1.lan", "10.0.0.11"])?,
    ///         EntrySpec {
    ///             ports: PortsSpec { client: Some(4001), peer: None },
    ///             ..EntrySpec::new("etcd-2").with_names(["fd00::12"])?
    ///         },
    ///     ],
    ///     ..ClusterSpec::default()
    /// })?;
    /// let endpoints = cluster.endpoints();
    /// assert_eq!(endpoints[0].client.to_string(), "10.0.0.11:2379");
    /// assert_eq!(endpoints[1].client.to_string(), "[fd00::12]:4001");
    /// assert_eq!(endpoints[1].peer.to_string(), "[fd00::12]:2380");
    /// # Ok::<(), etcd_pki_core::Error>(())
    /// ```
    #[must_use]
    pub fn endpoints(&self) -> Vec<MemberEndpoints> {
        let members: Vec<_> = self.entries(Role::Member).collect();
        let mut owners: HashMap<IpAddr, usize> = HashMap::new();
        for (_, identity) in &members {
            for address in addresses(identity) {
                *owners.entry(address).or_default() += 1;
            }
        }
        let endpoints = members.into_iter().map(|(entry, identity)| {
            let host = host(entry, identity, |address| owners.get(&address) == Some(&1));
            let [client, peer] = self.spec.ports_of(entry);
            let endpoint = |port| Endpoint {
                host: host.clone(),
                port,
            };
            MemberEndpoints {
                name: entry.name.clone(),
                client: endpoint(client),
                peer: endpoint(peer),
            }
        });
        endpoints.collect()
    }
}

/// The name or address of a member to which others connect.
fn host(entry: &EntrySpec, identity: &Identity, is_own: impl Fn(IpAddr) -> bool) -> String {
    let addresses = addresses(identity);
    let is_far = |address: &&IpAddr| !address.is_loopback();
    let best = addresses
        .iter()
        .filter(is_far)
        .find(|address| is_own(**address));
    let address = best
        .or_else(|| addresses.iter().find(is_far))
        .or_else(|| addresses.first());
    if let Some(address) = address {
        return address.to_string();
    }
    let mut names = identity.alternative_names().unwrap_or_default().iter();
    let name = names.find_map(|name| match name {
        AlternativeName::Dns(name) => host_name(name.as_str()),
        _ => None,
    });
    name.or_else(|| host_name(&entry.name))
        .unwrap_or_else(|| entry.name.clone())
}

/// The addresses of a member to which others can connect. The first is its name, if that is an
/// address.
fn addresses(identity: &Identity) -> Vec<IpAddr> {
    let host = identity.host().ok().flatten();
    let names = identity.alternative_names().unwrap_or_default();
    let addresses = host.into_iter().chain(names).filter_map(|name| match name {
        AlternativeName::Ip(address) => Some(*address),
        _ => None,
    });
    addresses
        .filter(|address| !address.is_unspecified())
        .collect()
}

impl super::ClusterSpec {
    /// A member's ports, for clients and for peers.
    pub(super) fn ports_of(&self, member: &EntrySpec) -> [u16; 2] {
        let [client, peer] = USUAL_PORTS;
        let PortsSpec {
            client: of_all,
            peer: of_all_peers,
        } = self.ports;
        [
            member.ports.client.or(of_all).unwrap_or(client),
            member.ports.peer.or(of_all_peers).unwrap_or(peer),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ClusterSpec;

    #[test]
    fn endpoints_as_text() {
        for (text, host, port) in [
            ("10.0.0.11:2379", "10.0.0.11", 2379),
            ("[::1]:1", "::1", 1),
            ("[FD00:0::11]:65535", "fd00::11", 65535),
            ("etcd-1.lan:2379", "etcd-1.lan", 2379),
            ("etcd_1.:2379", "etcd_1.", 2379),
            ("bücher.lan:2379", "xn--bcher-kva.lan", 2379),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!((endpoint.host(), endpoint.port()), (host, port));
            let again: Endpoint = endpoint.to_string().parse().unwrap();
            assert_eq!(again, endpoint);
        }
        for bad in [
            "",
            ":2379",
            "10.0.0.11",
            "10.0.0.11:",
            "10.0.0.11:0",
            "10.0.0.11:65536",
            "10.0.0.11:+1",
            "10.0.0.11: 1",
            "10.0.0.11:2379/",
            "https://10.0.0.11:2379",
            "fd00::11:2379",
            "fd00::11",
            "[fd00::11]",
            "[fd00::11]2379",
            "[10.0.0.11]:2379",
            "[etcd-1]:2379",
            "*.lan:2379",
            "a b:2379",
            "a\n:2379",
            "b\u{fc}cher :2379",
            "URI:a:2379",
        ] {
            let error = bad.parse::<Endpoint>().unwrap_err();
            assert!(matches!(error, Error::InvalidName { .. }), "{bad}");
            assert!(error.to_string().contains("is no endpoint: "), "{error}");
            assert!(error.hint().unwrap().contains("10.0.0.11:2379"), "{bad}");
        }
    }

    #[test]
    fn members_and_their_hosts() {
        let hosts = |members: &[(&str, &[&str])]| -> Vec<String> {
            let members = members
                .iter()
                .map(|(name, names)| EntrySpec::new(*name).with_names(*names).unwrap());
            let cluster = Cluster::try_from(ClusterSpec {
                members: members.collect(),
                ..ClusterSpec::default()
            });
            let endpoints = cluster.unwrap().endpoints().into_iter();
            endpoints.map(|one| one.client.host().to_owned()).collect()
        };
        assert_eq!(
            hosts(&[
                (
                    "etcd-1",
                    &["etcd-1.lan", "127.0.0.1", "10.0.0.1", "10.0.0.9"]
                ),
                ("10.0.0.2", &["10.0.0.3"]),
                ("etcd-3", &["*.lan", "etcd-3.lan"]),
                ("etcd-4", &[]),
                ("etcd-5", &["127.0.0.1"]),
                ("etcd-6", &["etcd-6.lan", "::1"]),
            ]),
            [
                "10.0.0.1",
                "10.0.0.2",
                "etcd-3.lan",
                "etcd-4",
                "127.0.0.1",
                "::1"
            ]
        );
        // The address of a load balancer leads to any member
        assert_eq!(
            hosts(&[
                ("a", &["10.0.0.100", "10.0.0.1"]),
                ("b", &["10.0.0.100", "10.0.0.2"]),
            ]),
            ["10.0.0.1", "10.0.0.2"]
        );
    }
}

//! Lists what must exist for a cluster: its CAs, and each pair of files with the CA that signs it.

use std::{collections::HashSet, time::SystemTime};

use super::{Cluster, renewal::RenewBefore};
use crate::{
    ca::is_same_name,
    error::Result,
    finding::Finding,
    inspect::rules::peer_port_for,
    key::KeyAlgorithm,
    layout::{CaKind, PairPaths},
    profile::{CaProfile, Profile},
    role::Role,
    x509::{
        certificate::Certificate,
        extensions::ExtendedKeyUsage,
        identity::{AlternativeName, Identity},
    },
};

/// All that must exist for a cluster, or for one of its hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Desired {
    /// The CAs
    pub cas: Vec<DesiredCa>,
    /// The pairs: members, nodes and clients, in this order
    pub pairs: Vec<DesiredPair>,
}

/// A CA that must exist.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DesiredCa {
    /// The kind: the CA for clients, or the separate peer CA
    pub kind: CaKind,
    /// Algorithm and validity
    pub profile: CaProfile,
    /// The files, relative to the cluster's directory
    pub paths: PairPaths,
    /// The subject
    pub identity: Identity,
    /// The time before its expiry at which it is renewed
    pub renew_before: RenewBefore,
    /// The algorithm, if the specification gives one. Without one, an existing CA keeps its key
    pub algorithm: Option<KeyAlgorithm>,
}

/// A key and its certificate that must exist.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DesiredPair {
    /// Role, usages, algorithm and validity
    pub profile: Profile,
    /// The files, relative to the cluster's directory
    pub paths: PairPaths,
    /// The subject, with the names of the specification; [`DesiredPair::alternative_names`] adds
    /// those of the role
    pub identity: Identity,
    /// The CA that signs it
    pub ca: CaKind,
    /// The time before its expiry at which it is renewed
    pub renew_before: RenewBefore,
    /// The host that uses it; `None` for a client in the list of clients
    pub host: Option<String>,
    /// Whether etcd's peer port trusts the CA
    pub(crate) is_trusted_by_peers: bool,
}

impl DesiredCa {
    /// The common name, unless the specification gives the CA none.
    #[must_use]
    pub fn common_name(&self) -> Option<String> {
        // `Cluster::try_from` checks it
        let name = self.identity.common_name(str::to_owned);
        name.ok().flatten()
    }
}

impl DesiredCa {
    /// Whether a certificate has the common name of this CA. A rotation adds its time to the name.
    pub(crate) fn is_named(&self, certificate: &Certificate) -> bool {
        let current = certificate.common_name();
        is_same_name(self.common_name().as_deref(), current.as_deref())
    }

    /// The subject, as RFC 4514 writes it.
    pub(crate) fn subject(&self) -> String {
        let organization = self.identity.organization();
        let organization = organization.map(|organization| format!("O={organization}"));
        let name = self.common_name().map(|name| format!("CN={name}"));
        let parts = [name, organization];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        parts.join(",")
    }

    /// The name in a line of output: the common name, or the organization.
    pub(crate) fn name(&self) -> String {
        let organization = || self.identity.organization().map(str::to_owned);
        self.common_name().or_else(organization).unwrap_or_default()
    }
}

impl DesiredPair {
    /// The role.
    #[must_use]
    pub fn role(&self) -> Role {
        self.profile.role()
    }

    /// The common name of the certificate, if it has one.
    ///
    /// # Errors
    ///
    /// None for a pair of a [`Cluster`], which checks its names.
    pub fn common_name(&self) -> Result<Option<String>> {
        self.profile.common_name(&self.identity)
    }

    /// All alternative names of the certificate, with those of the role.
    ///
    /// # Errors
    ///
    /// None for a pair of a [`Cluster`], which checks its names.
    pub fn alternative_names(&self) -> Result<Vec<AlternativeName>> {
        let names = self.profile.alternative_names(&self.identity)?;
        Ok(names.into_iter().cloned().collect())
    }
}

impl DesiredPair {
    /// The reason why etcd's peer port accepts the certificate of this client or node: it has no
    /// DNS name and no address, or it has some of its own. `None` for a member, with a separate
    /// peer CA, and for the profile `kubespray`, which gives all names to every certificate.
    #[must_use]
    pub fn peer_port(&self) -> Option<Finding> {
        let usages = self.profile.extended_key_usages();
        if !self.is_trusted_by_peers || usages.contains(&ExtendedKeyUsage::ServerAuth) {
            return None;
        }
        let names = self.profile.alternative_names(&self.identity).ok()?;
        let (mut dns, mut addresses) = (Vec::new(), Vec::new());
        for name in names {
            match name {
                AlternativeName::Dns(name) => dns.push(name.as_str().to_owned()),
                AlternativeName::Ip(address) => addresses.push(*address),
                AlternativeName::Uri(_) => {}
            }
        }
        peer_port_for(&dns, &addresses)
    }
}

impl DesiredPair {
    /// The finding that a certificate issued at this time is renewed later than specified:
    /// `renew_before` is more than a third of its validity.
    #[must_use]
    pub fn renewed_later(&self, now: SystemTime) -> Option<Finding> {
        let end = self.profile.validity().end(now).ok()?;
        let life = end.duration_since(now).unwrap_or_default();
        self.renew_before.shortened(life)
    }
}

impl Cluster {
    /// The hosts: members and nodes by name, each once.
    #[must_use]
    pub fn hosts(&self) -> Vec<&str> {
        let mut seen = HashSet::new();
        let entries = self.spec.members.iter().chain(&self.spec.nodes);
        entries
            .map(|entry| entry.name.as_str())
            .filter(|name| seen.insert(*name))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cluster::{CaSpec, ClusterSpec, CommonName, DefaultsSpec, EntrySpec, Peers},
        layout::Layout,
        role::Compatibility,
    };

    fn entry(name: &str, names: &[&str]) -> EntrySpec {
        EntrySpec::new(name).with_names(names).unwrap()
    }

    fn two_hosts() -> ClusterSpec {
        ClusterSpec {
            shared_names: vec!["etcd".parse().unwrap()],
            members: vec![entry("m1.lan", &["10.0.0.1"]), entry("m2", &["10.0.0.2"])],
            nodes: vec!["m2".into()],
            clients: vec!["root".into()],
            ..ClusterSpec::default()
        }
    }

    fn cluster(spec: ClusterSpec) -> Cluster {
        Cluster::try_from(spec).unwrap()
    }

    fn in_layout(layout: Layout) -> ClusterSpec {
        ClusterSpec {
            layout,
            ..two_hosts()
        }
    }

    /// Certificate, CA, common name and alternative names of each pair.
    fn shown(cluster: &Cluster, host: Option<&str>) -> Vec<String> {
        let desired = match host {
            Some(host) => cluster.desired_on(host),
            None => cluster.desired(),
        };
        let desired = desired.unwrap();
        let cas = desired
            .cas
            .iter()
            .map(|ca| format!("{} {:?}", ca.paths.certificate.display(), ca.kind));
        let pairs = desired.pairs.iter().map(|pair| {
            let path = pair.paths.certificate.display();
            let common_name = pair.common_name().unwrap().unwrap_or_default();
            let names = pair.alternative_names().unwrap();
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            let names = names.join(",").replace(",localhost,127.0.0.1,::1", ",…");
            format!("{path} {:?} {common_name} {names}", pair.ca)
        });
        cas.chain(pairs).collect()
    }

    #[test]
    fn kubespray_strict() {
        let cluster = cluster(two_hosts());
        let expected = [
            "ca.pem Client",
            "member-m1.lan.pem Client etcd-member-m1.lan m1.lan,10.0.0.1,etcd,…",
            "admin-m1.lan.pem Client etcd-admin-m1.lan 0.0.0.0",
            "member-m2.pem Client etcd-member-m2 m2,10.0.0.2,etcd,…",
            "admin-m2.pem Client etcd-admin-m2 0.0.0.0",
            "node-m2.pem Client etcd-node-m2 0.0.0.0",
            "client-root.pem Client root 0.0.0.0",
        ];
        assert_eq!(shown(&cluster, None), expected);
        let of_one = shown(&cluster, Some("m2"));
        assert_eq!(of_one[1..], expected[3..6]);
        assert!(cluster.desired_on("root").is_err());
    }

    #[test]
    fn kubespray_with_the_names_of_all() {
        let mut spec = two_hosts();
        spec.defaults.profile = Compatibility::Kubespray;
        let cluster = cluster(spec);
        let names = "m1.lan,10.0.0.1,m2,10.0.0.2,etcd,…";
        let shown = shown(&cluster, None);
        assert_eq!(
            shown[1],
            format!(
                "member-m1.lan.pem Client etcd-member-m1 {}",
                "m1.lan,10.0.0.1,m2,10.0.0.2,etcd,…"
            )
        );
        assert_eq!(
            shown[2],
            format!("admin-m1.lan.pem Client etcd-admin-m1 {names}")
        );
        assert_eq!(shown[5], format!("node-m2.pem Client etcd-node-m2 {names}"));
        assert_eq!(shown[6], "client-root.pem Client root 0.0.0.0");
    }

    #[test]
    fn a_member_whose_name_is_not_added_needs_another() {
        let mut spec = ClusterSpec {
            defaults: DefaultsSpec {
                take_names_as_given: true,
                ..DefaultsSpec::default()
            },
            members: vec![entry("m1", &["10.0.0.1"]), "m2".into()],
            ..ClusterSpec::default()
        };
        let error = Cluster::try_from(spec.clone()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "members[1].names: a member needs a name or an address"
        );
        assert!(error.hint().unwrap().contains("shared_names"));
        spec.shared_names.push("etcd".parse().unwrap());
        let cluster = cluster(spec);
        assert_eq!(
            shown(&cluster, None)[3],
            "member-m2.pem Client etcd-member-m2 etcd"
        );
    }

    #[test]
    fn separate_peers() {
        let separate = |layout| {
            cluster(ClusterSpec {
                ca: CaSpec {
                    peers: Some(Peers::Separate),
                    ..CaSpec::default()
                },
                ..in_layout(layout)
            })
        };
        let lines = shown(&separate(Layout::Kubespray), Some("m2"));
        assert_eq!(lines[..2], ["ca.pem Client", "peer-ca.pem Peer"]);
        assert!(lines[2].starts_with("member-m2.pem Client etcd-member-m2"));
        assert!(lines[3].starts_with("peer-m2.pem Peer etcd-member-m2"));

        let lines = shown(&separate(Layout::Kubeadm), Some("m2"));
        assert_eq!(lines[1], "etcd/peer-ca.crt Peer");
        assert!(lines[2].starts_with("etcd/server.crt Client"));
        assert!(lines[3].starts_with("etcd/peer.crt Peer"));
    }

    #[test]
    fn kubeadm_has_a_tree_for_each_of_several_hosts() {
        let cluster = cluster(in_layout(Layout::Kubeadm));
        let paths = |host| -> Vec<String> {
            let lines = shown(&cluster, host);
            let path = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
            lines.iter().map(path).collect()
        };
        let all = paths(None);
        assert_eq!(
            all,
            [
                "etcd/ca.crt",
                "m1.lan/etcd/server.crt",
                "m1.lan/etcd/peer.crt",
                "m1.lan/etcd/healthcheck-client.crt",
                "m2/etcd/server.crt",
                "m2/etcd/peer.crt",
                "m2/etcd/healthcheck-client.crt",
                "m2/apiserver-etcd-client.crt",
                "etcd/client-root.crt",
            ]
        );
        let flat = paths(Some("m2"));
        assert_eq!(flat[1], "etcd/server.crt");
        assert_eq!(flat[4], "apiserver-etcd-client.crt");
        assert_eq!(cluster.hosts(), ["m1.lan", "m2"]);

        let one = Cluster::try_from(ClusterSpec {
            layout: Layout::Kubeadm,
            members: vec!["a".into()],
            nodes: vec!["a".into()],
            ..ClusterSpec::default()
        });
        let lines = shown(&one.unwrap(), None);
        assert!(lines[1].starts_with("etcd/server.crt"));
        assert!(lines[3].contains("kube-etcd-healthcheck-client 0.0.0.0"));
    }

    #[test]
    fn k3s_always_has_a_peer_ca() {
        let cluster = cluster(in_layout(Layout::K3s));
        assert!(cluster.spec().ca.has_separate_peers());
        let lines = shown(&cluster, None);
        let begins = [
            "server-ca.crt Client",
            "peer-ca.crt Peer",
            "m1.lan/server-client.crt Client etcd-member-m1.lan",
            "m1.lan/peer-server-client.crt Peer etcd-member-m1.lan",
            "m2/server-client.crt Client",
            "m2/peer-server-client.crt Peer",
            "m2/client.crt Client etcd-node-m2 0.0.0.0",
            "client-root.crt Client root 0.0.0.0",
        ];
        assert_eq!(lines.len(), begins.len());
        for (line, begin) in lines.iter().zip(begins) {
            assert!(line.starts_with(begin), "{line}");
        }
    }

    #[test]
    fn etcdadm_has_a_client_for_etcdctl() {
        let cluster = cluster(in_layout(Layout::Etcdadm));
        let lines = shown(&cluster, Some("m2"));
        assert!(lines[1].starts_with("server.crt Client etcd-member-m2"));
        assert!(lines[2].starts_with("peer.crt Client etcd-member-m2"));
        let admin = "etcdctl-etcd-client.crt Client m2-etcdctl 0.0.0.0";
        assert_eq!(lines[3], admin);
        assert!(lines[4].starts_with("apiserver-etcd-client.crt Client etcd-node-m2"));
        let lines = shown(&cluster, None);
        assert!(lines[3].starts_with("m1.lan/etcdctl-etcd-client.crt"));
    }

    #[test]
    fn a_generated_name_is_shortened_if_it_is_too_long() {
        let host = format!("etcd.{}", "a".repeat(50));
        let with_member = |member: EntrySpec| {
            Cluster::try_from(ClusterSpec {
                members: vec![member],
                ..ClusterSpec::default()
            })
        };
        let short = EntrySpec {
            common_name: CommonName::Given("short".to_owned()),
            ..EntrySpec::new(&host)
        };
        let cluster = with_member(short).unwrap();
        assert!(shown(&cluster, None)[2].contains(" etcd-admin-etcd 0.0.0.0"));
        assert!(with_member(EntrySpec::new(&host)).is_err());
    }
}

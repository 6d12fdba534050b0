//! Derives the CAs and pairs that a specification requires.

use std::{collections::HashSet, path::Path};

use super::{
    AdminSpec, Cluster, EntrySpec,
    desired::{Desired, DesiredCa, DesiredPair},
    fault::Fault,
};
use crate::{
    error::{Error, Result},
    key::KeyAlgorithm,
    layout::{CaKind, PairPaths},
    profile::Profile,
    role::{Compatibility, Role},
    time::validity::Validity,
    x509::identity::{AlternativeName, Identity, check_common_name, each_once},
};

impl Cluster {
    /// Everything that must exist for the cluster, in the order in which it is created.
    ///
    /// If the file names of a layout contain no host and there are several hosts, the files of each
    /// host are in a subdirectory with the host's name. The CAs and the pairs of clients are above
    /// these.
    ///
    /// # Errors
    ///
    /// None for a cluster, because its names were checked.
    pub fn desired(&self) -> Result<Desired> {
        self.resolve(None)
    }

    /// The pairs of one host and the CAs that sign them, with the paths that the files have on that
    /// host.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] for a host that is neither a member nor a node.
    pub fn desired_on(&self, host: &str) -> Result<Desired> {
        if !self.hosts().contains(&host) {
            return Err(Error::InvalidName {
                name: host.to_owned(),
                reason: "is neither a member nor a node of the cluster".to_owned(),
            });
        }
        self.resolve(Some(host))
    }

    fn resolve(&self, host: Option<&str>) -> Result<Desired> {
        let resolver = Resolver::new(self, host);
        let mut pairs = Vec::new();
        resolver.pairs(|_, pair| pairs.push(pair))?;
        Ok(Desired {
            cas: resolver.cas()?,
            pairs,
        })
    }
}

/// The place of an entry in its cluster: the role, and the index among the entries of that role.
pub(super) type EntryIndex = (Role, usize);

/// Derives pairs and CAs from entries.
pub(super) struct Resolver<'a> {
    cluster: &'a Cluster,
    only: Option<&'a str>,
    /// Whether each host has its own subdirectory
    trees: bool,
    /// The names that members have in addition to their own
    shared: Vec<AlternativeName>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(cluster: &'a Cluster, only: Option<&'a str>) -> Self {
        let trees = only.is_none() && !cluster.layout().names_hosts() && cluster.hosts().len() > 1;
        let shared = match cluster.spec.defaults.profile {
            Compatibility::Kubespray if !cluster.spec.defaults.take_names_as_given => {
                names_of_all(cluster)
            }
            _ => each_once(cluster.spec.shared_names.clone()),
        };
        Self {
            cluster,
            only,
            trees,
            shared,
        }
    }

    pub(super) fn has_trees(&self) -> bool {
        self.trees
    }

    /// The number of names that certificates share, and the number of certificates that have all of
    /// them.
    pub(super) fn shared(&self) -> (usize, usize) {
        let cluster = self.cluster;
        let [members, nodes] =
            [Role::Member, Role::Node].map(|role| cluster.spec.entries(role).len());
        let pairs = cluster
            .layout()
            .pairs(Role::Member, "name")
            .unwrap_or_default();
        let of_member = pairs.len() + usize::from(cluster.spec.ca.has_separate_peers());
        let sharing = match cluster.spec.defaults.profile {
            Compatibility::Kubespray => members * (of_member + 1) + nodes,
            Compatibility::Strict => members * of_member,
        };
        (self.shared.len(), sharing)
    }

    /// Calls `visit` with each pair in order, and with its entry.
    pub(super) fn pairs(
        &self,
        mut visit: impl FnMut(EntryIndex, DesiredPair),
    ) -> std::result::Result<(), Fault> {
        for role in Role::ALL {
            for (index, (entry, identity)) in self.cluster.entries(role).enumerate() {
                let has_host = role != Role::Client;
                let is_included = self.only.is_none_or(|host| has_host && entry.name == host);
                if is_included {
                    self.entry(role, entry, identity, |pair| visit((role, index), pair))
                        .map_err(|error| fault(role, index, entry, &error))?;
                }
            }
        }
        Ok(())
    }

    /// The CAs.
    pub(super) fn cas(&self) -> std::result::Result<Vec<DesiredCa>, Fault> {
        let spec = &self.cluster.spec;
        let algorithm = spec.ca.algorithm.or(spec.defaults.algorithm);
        let mut profile = spec.defaults.profile.ca();
        if let Some(algorithm) = algorithm {
            profile = profile.with_algorithm(algorithm);
        }
        if let Some(validity) = spec.ca.validity {
            profile = profile.with_validity(validity);
        }
        let ca = |kind, common_name: Option<&str>, field| {
            let mut identity = Identity::anonymous();
            if let Some(common_name) = common_name {
                let named = identity.with_common_name(common_name);
                identity = named.map_err(|error| Fault::from_error(field, &error))?;
            }
            if let Some(organization) = &spec.ca.organization {
                let organized = identity.with_organization(organization);
                identity =
                    organized.map_err(|error| Fault::from_error("ca.organization", &error))?;
            }
            Ok(DesiredCa {
                kind,
                profile,
                paths: spec.layout.ca(kind),
                identity,
                renew_before: spec.defaults.renew_before(),
                algorithm: spec.ca.algorithm,
            })
        };
        let common_name = spec.ca.common_name.as_deref();
        let mut cas = vec![ca(CaKind::Client, common_name, "ca.common_name")?];
        if spec.ca.has_separate_peers() {
            let common_name = spec.ca.peer_common_name();
            let common_name = common_name.as_deref();
            cas.push(ca(CaKind::Peer, common_name, "ca.peer_common_name")?);
        }
        Ok(cas)
    }

    fn entry(
        &self,
        role: Role,
        entry: &EntrySpec,
        identity: &Identity,
        mut visit: impl FnMut(DesiredPair),
    ) -> Result<()> {
        let spec = &self.cluster.spec;
        let layout = spec.layout;
        let name = entry.name.as_str();
        let pairs = layout.pairs(role, name)?;
        let profile = self.profile(role, entry);
        let identity = self.identity(role, identity);
        // Signing would refuse these too, but here the error can name the entry
        profile.common_name(&identity)?;
        if role == Role::Member {
            identity.host()?;
            // Without this option, the member's own name is enough
            if spec.defaults.take_names_as_given {
                profile.alternative_names(&identity)?;
            }
        }
        let mut one = |paths: &PairPaths, identity: &Identity, profile, ca| {
            let host = (role != Role::Client).then(|| name.to_owned());
            visit(DesiredPair {
                profile,
                paths: match &host {
                    Some(host) if self.trees => paths.below(Path::new(host)),
                    _ => paths.clone(),
                },
                identity: identity.clone(),
                ca,
                renew_before: spec.defaults.renew_before(),
                host,
                is_trusted_by_peers: ca == CaKind::Peer || !spec.ca.has_separate_peers(),
            });
        };
        if role != Role::Member {
            for pair in &pairs {
                one(pair, &identity, profile, CaKind::Client);
            }
            return Ok(());
        }
        for pair in self.member_pairs(name, pairs)? {
            let identity = match &entry.peer_common_name {
                Some(common_name) if pair.is_for_peers => {
                    identity.clone().with_common_name(common_name)?
                }
                _ => identity.clone(),
            };
            one(&pair.paths, &identity, profile, pair.ca);
        }
        if let (Some(admin), Some(pair)) = (&spec.admin, layout.member_client(name)?) {
            let (identity, profile) = self.admin(name, admin)?;
            profile.common_name(&identity)?;
            one(&pair, &identity, profile, CaKind::Client);
        }
        Ok(())
    }

    /// A member's pairs: the one for clients first, the one for peers last.
    fn member_pairs(&self, name: &str, mut pairs: Vec<PairPaths>) -> Result<Vec<MemberPair>> {
        let mut ca = CaKind::Client;
        if self.cluster.spec.ca.has_separate_peers() {
            pairs.truncate(1);
            pairs.push(self.cluster.layout().peer_pair(name)?);
            ca = CaKind::Peer;
        }
        let pairs = pairs.into_iter().enumerate();
        Ok(pairs
            .map(|(index, paths)| MemberPair {
                paths,
                is_for_peers: index > 0,
                ca: if index > 0 { ca } else { CaKind::Client },
            })
            .collect())
    }

    /// The client that a layout's tools expect next to a member.
    fn admin(&self, host: &str, admin: &AdminSpec) -> Result<(Identity, Profile)> {
        let profile = self.cluster.leaf_profile(Role::Client);
        let profile = adjusted(profile, admin.algorithm, admin.validity);
        let mut identity = Identity::new(host)?.with_common_name(&self.member_client(host))?;
        if let Some(organization) = &admin.organization {
            identity = identity.with_organization(organization)?;
        }
        if admin.without_alternative_names {
            identity = identity.without_alternative_names();
        }
        Ok((self.identity(Role::Node, &identity), profile))
    }

    /// The common name of the client that a layout's tools expect next to a member. The
    /// specification does not give this name, so it may be cut at the host's first dot: always for
    /// Kubespray, as its script does, and otherwise if the whole name is too long.
    fn member_client(&self, host: &str) -> String {
        let common_name = |host| self.cluster.layout().member_client_common_name(host);
        let whole = common_name(host);
        let kubespray = self.cluster.spec.defaults.profile == Compatibility::Kubespray;
        if kubespray || check_common_name(&whole).is_err() {
            return common_name(host.split('.').next().unwrap_or(host));
        }
        whole
    }

    fn profile(&self, role: Role, entry: &EntrySpec) -> Profile {
        let profile = self.cluster.leaf_profile(role);
        let mut profile = adjusted(profile, entry.algorithm, entry.validity);
        if entry.allow_member_common_name {
            profile = profile.with_member_common_name_allowed();
        }
        profile
    }

    /// Adds the names that the role has in this cluster. Kubespray gives the names of all members
    /// to members, their admins and nodes. A client in the list of clients has only its own names.
    fn identity(&self, role: Role, identity: &Identity) -> Identity {
        let compatibility = self.cluster.spec.defaults.profile;
        let shares = match role {
            Role::Member => true,
            Role::Node => compatibility == Compatibility::Kubespray,
            Role::Client => false,
        };
        if shares && identity.alternative_names().is_some() {
            identity.clone().with_shared_names(&self.shared)
        } else {
            identity.clone()
        }
    }
}

/// A pair of a member.
struct MemberPair {
    paths: PairPaths,
    is_for_peers: bool,
    ca: CaKind,
}

impl Cluster {
    pub(super) fn leaf_profile(&self, role: Role) -> Profile {
        let defaults = &self.spec.defaults;
        let usual = defaults.profile.profile(role);
        let mut profile = adjusted(usual, defaults.algorithm, defaults.validity);
        if defaults.take_names_as_given {
            profile = profile.names_as_given();
        }
        profile
    }
}

/// A profile with this algorithm and validity, if they are given.
fn adjusted(
    mut profile: Profile,
    algorithm: Option<KeyAlgorithm>,
    validity: Option<Validity>,
) -> Profile {
    if let Some(algorithm) = algorithm {
        profile = profile.with_algorithm(algorithm);
    }
    if let Some(validity) = validity {
        profile = profile.with_validity(validity);
    }
    profile
}

/// The names and addresses of all members, the shared ones, and those of loopback, each once.
fn names_of_all(cluster: &Cluster) -> Vec<AlternativeName> {
    let members = cluster.identities[0].iter().flat_map(|identity| {
        // An invalid host name is refused with its own entry
        let host = identity.host().ok().flatten();
        host.into_iter()
            .chain(identity.alternative_names().unwrap_or_default())
    });
    let mut seen = HashSet::new();
    members
        .chain(&cluster.spec.shared_names)
        .chain(AlternativeName::loopback())
        .filter(|name| seen.insert(*name))
        .cloned()
        .collect()
}

/// The fault of an entry, with the field that causes it.
fn fault(role: Role, index: usize, entry: &EntrySpec, error: &Error) -> Fault {
    let field = match error {
        Error::NoSubject => "common_name",
        Error::NoAlternativeName => "names",
        Error::MemberCommonName { common_name } if *common_name != entry.name => "common_name",
        _ => "name",
    };
    Fault::from_error(format!("{}[{index}].{field}", role.section()), error)
}

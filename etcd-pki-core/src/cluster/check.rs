//! Contradictions between the parts of a cluster.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use super::{
    Cluster, ClusterAdmin, ClusterEntry,
    desired::DesiredPair,
    fault::Fault,
    resolver::{EntryIndex, Resolver},
    section,
};
use crate::{
    clock,
    identity::AlternativeName,
    layout::{CaKind, PairPaths},
    limits,
    role::Role,
    validity::Validity,
};

type Checked = Result<(), Fault>;

/// Refuses a cluster whose files could not all be made, or would not do what they are for.
pub(super) fn check(cluster: &Cluster) -> Checked {
    if cluster
        .directory
        .as_ref()
        .is_some_and(|path| path.as_os_str().is_empty())
    {
        return Err(Fault::new("directory", "it is empty").hint("leave it out, or write \".\""));
    }
    if cluster.authority.names_peers() && !cluster.authority.has_separate_peers() {
        return Err(
            Fault::new("ca.peer_common_name", "peers have no authority apart")
                .hint("say peers: separate"),
        );
    }
    check_names(cluster)?;
    check_addresses(cluster)?;
    check_times(cluster, clock::now())?;
    check_pairs(cluster)
}

/// Each entry has a name, and shares it with none of its role.
fn check_names(cluster: &Cluster) -> Checked {
    for role in Role::ALL {
        let mut seen = HashMap::new();
        for (index, entry) in cluster.entries(role).iter().enumerate() {
            let field = |name: &str| field((role, index), name);
            if entry.name().is_empty() {
                return Err(Fault::new(field("name"), "it has no name"));
            }
            // A host's name is the same in capitals; a user's is another
            let name = match role {
                Role::Member | Role::Node => entry.name().to_ascii_lowercase(),
                Role::Client => entry.name().to_owned(),
            };
            if let Some(first) = seen.insert(name, index) {
                let reason = format!("{} is already {}[{first}]", entry.name(), section(role));
                return Err(Fault::new(field("name"), reason)
                    .hint("each name stands once among those of a role"));
            }
            if entry.peer_common_name().is_some() && !has_pair_for_peers(cluster, role) {
                let reason = "there is no pair for peers apart";
                return Err(Fault::new(field("peer_common_name"), reason).hint(
                    "say common_name, or give peers an authority apart: ca: {peers: separate}",
                ));
            }
            if role == Role::Member && entry.identity().alternative_names().is_none() {
                return Err(Fault::new(
                    field("san"),
                    "a member is dialled by its names, so its certificate cannot be without",
                ));
            }
        }
    }
    Ok(())
}

/// Whether an entry of the role has two pairs, one of them for peers.
fn has_pair_for_peers(cluster: &Cluster, role: Role) -> bool {
    let pairs = cluster.layout.pairs(role, "name").unwrap_or_default();
    role == Role::Member && (pairs.len() > 1 || cluster.authority.has_separate_peers())
}

/// The addresses of a member, each once, without loopback's.
fn addresses(member: &ClusterEntry) -> HashSet<IpAddr> {
    let identity = member.identity();
    let host = identity.host().ok().flatten();
    let names = identity.alternative_names().unwrap_or_default();
    let addresses = host.into_iter().chain(names).filter_map(|name| match name {
        AlternativeName::Ip(address) => Some(*address),
        _ => None,
    });
    addresses.filter(|address| !address.is_loopback()).collect()
}

/// An address is one member's; loopback's are everybody's. Some members may share an address, such as
/// one of a load balancer, if each of them has another address of its own: else one was copied.
fn check_addresses(cluster: &Cluster) -> Checked {
    let mut counts: HashMap<IpAddr, usize> = HashMap::new();
    for address in cluster.members.iter().flat_map(addresses) {
        *counts.entry(address).or_default() += 1;
    }
    let has_own: Vec<bool> = cluster
        .members
        .iter()
        .map(|member| addresses(member).iter().any(|address| counts[address] == 1))
        .collect();
    let mut owners: HashMap<IpAddr, usize> = HashMap::new();
    for (index, member) in cluster.members.iter().enumerate() {
        let identity = member.identity();
        let host = identity.host().ok().flatten();
        let names = identity.alternative_names().unwrap_or_default();
        for name in host.into_iter().chain(names) {
            let AlternativeName::Ip(address) = name else {
                continue;
            };
            if address.is_loopback() {
                continue;
            }
            let owner = *owners.entry(*address).or_insert(index);
            if owner != index && !(has_own[owner] && has_own[index]) {
                let reason = format!(
                    "{address} is an address of {} and of {}",
                    cluster.members[owner].name(),
                    member.name()
                );
                return Err(Fault::new(format!("members[{index}]"), reason)
                    .about(name.clone())
                    .hint("an address that members share belongs in shared_names"));
            }
        }
    }
    Ok(())
}

/// Validities that a certificate can have, and that outlast the time in which it is due.
fn check_times(cluster: &Cluster, now: SystemTime) -> Checked {
    let life = |field: String, validity: Validity| -> Result<Duration, Fault> {
        let end = validity
            .end(now)
            .map_err(|error| Fault::from_error(field, &error))?;
        Ok(end.duration_since(now).unwrap_or_default())
    };
    if let Some(validity) = cluster.authority.validity() {
        life("ca.validity".to_owned(), validity)?;
    }
    if let Some(validity) = cluster.admin.as_ref().and_then(ClusterAdmin::validity) {
        life("admin.validity".to_owned(), validity)?;
    }
    let usual = cluster.leaf_profile(Role::Member).validity();
    let usual = life("defaults.validity".to_owned(), usual)?;
    let said = cluster.defaults.said_renew_before();
    if said.is_some_and(|before| before.reaches_over(usual)) {
        let reason =
            "a certificate is not valid for that long, so it would be due before it begins";
        return Err(Fault::new("defaults.renew_before", reason)
            .hint("it is at most a third of a certificate's life, such as 30d or 33%"));
    }
    for role in Role::ALL {
        for (index, entry) in cluster.entries(role).iter().enumerate() {
            if let Some(validity) = entry.validity() {
                life(field((role, index), "validity"), validity)?;
            }
        }
    }
    Ok(())
}

/// The names that certificates share are not so many that the work for them is the square of the text.
fn check_shared_names(cluster: &Cluster, (names, certificates): (usize, usize)) -> Checked {
    if names.saturating_mul(certificates) <= limits::SHARED_NAMES {
        return Ok(());
    }
    let reason = format!(
        "{names} names in each of {certificates} certificates are more than {} names in all",
        limits::SHARED_NAMES
    );
    let is_listed = cluster.shared_names.len() > names / 2;
    let (field, hint) = if is_listed {
        (
            "shared_names",
            "Go's TLS reads no certificate of more than 256 KiB: give each member the names that are its own",
        )
    } else {
        (
            "members",
            "the profile kubespray names all members in each certificate; with profile: strict each has its own names",
        )
    };
    Err(Fault::new(field, reason).hint(hint))
}

/// No two pairs are in one file, and nobody else has a member's common name.
fn check_pairs(cluster: &Cluster) -> Checked {
    let resolver = Resolver::new(cluster, None);
    check_shared_names(cluster, resolver.shared())?;
    let mut files: HashMap<PathBuf, Option<EntryIndex>> = HashMap::new();
    let mut members = HashMap::new();
    let mut others = Vec::new();
    let mut collision = None;
    let mut claim = |paths: PairPaths, entry| {
        for path in [paths.certificate, paths.key] {
            if let Some(first) = files.insert(path.clone(), entry) {
                collision.get_or_insert((path, first, entry));
            }
        }
    };
    for ca in resolver.cas()? {
        claim(ca.paths, None);
    }
    resolver.pairs(|entry, pair| {
        if let Some((common_name, allowed)) = common_name(cluster, entry, &pair) {
            if pair.role() == Role::Member {
                members.entry(common_name).or_insert(Some(entry));
            } else if !allowed {
                others.push((common_name, Some(entry)));
            }
        }
        claim(pair.paths, Some(entry));
    })?;
    if let Some((path, first, second)) = collision {
        let reason = format!(
            "{} would be a file of {} and of {}",
            path.display(),
            describe(cluster, first),
            describe(cluster, second)
        );
        let field = second.map_or_else(|| "layout".to_owned(), |entry| field(entry, "name"));
        return Err(Fault::new(field, reason));
    }
    if resolver.has_trees() {
        check_trees(cluster)?;
    }
    for (common_name, entry) in others {
        let (Some(member), Some(entry)) = (members.get(&common_name), entry) else {
            continue;
        };
        let by_name = cluster
            .entry(entry)
            .is_some_and(|entry| entry.name() == common_name);
        let said = if by_name { "name" } else { "common_name" };
        let reason = format!(
            "{} would have the common name of {}, {common_name}",
            describe(cluster, Some(entry)),
            describe(cluster, *member)
        );
        return Err(Fault::new(field(entry, said), reason).hint(
            "etcd's --peer-cert-allowed-cn would take it for that member; choose another common name, or say \
             allow_member_common_name: true",
        ));
    }
    Ok(())
}

/// A host's directory is not the one in which the authority is.
fn check_trees(cluster: &Cluster) -> Checked {
    let authority = cluster.layout.ca(CaKind::Client).certificate;
    for role in [Role::Member, Role::Node] {
        for (index, entry) in cluster.entries(role).iter().enumerate() {
            if authority.starts_with(entry.name()) {
                let reason = format!("{}/ is where the authority is", entry.name());
                return Err(Fault::new(field((role, index), "name"), reason)
                    .hint("with several hosts each has a directory of its name in this layout"));
            }
        }
    }
    Ok(())
}

/// The common name of a pair, and whether it may be a member's.
fn common_name(cluster: &Cluster, entry: EntryIndex, pair: &DesiredPair) -> Option<(String, bool)> {
    let allowed = cluster.entry(entry)?.may_have_member_common_name();
    // Resolving has checked it
    let common_name = pair.common_name().ok()??;
    Some((common_name, allowed))
}

fn field((role, index): EntryIndex, name: &str) -> String {
    format!("{}[{index}].{name}", section(role))
}

fn describe(cluster: &Cluster, entry: Option<EntryIndex>) -> String {
    match entry {
        None => "the authority".to_owned(),
        Some(entry) => {
            let name = cluster.entry(entry).map(ClusterEntry::name);
            format!("{} {}", entry.0, name.unwrap_or_default())
        }
    }
}

//! Checks a specification and creates the cluster. Every contradiction is an error with its field.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    path::PathBuf,
    time::Duration,
};

use super::{
    Cluster, ClusterSpec, CommonName, EntrySpec, FilesSpec, Peers, PortsSpec,
    desired::DesiredPair,
    fault::Fault,
    resolve::{EntryIndex, Resolver},
    revoked,
};
use crate::{
    error::Error,
    layout::{CaKind, PairPaths},
    limits,
    role::Role,
    time::validity::Validity,
    x509::identity::{AlternativeName, Identity, check_common_name},
};

type Checked<T = ()> = Result<T, Fault>;

/// Checks the specification. All files of the returned cluster can be created and serve their
/// purpose.
pub(super) fn checked(mut spec: ClusterSpec) -> Checked<Cluster> {
    if spec
        .directory
        .as_ref()
        .is_some_and(|path| path.as_os_str().is_empty())
    {
        return Err(Fault::new("directory", "it is empty").hint("leave it out, or write \".\""));
    }
    check_ca(&mut spec)?;
    check_files(&spec.files)?;
    check_ports(&spec)?;
    revoked::check(&spec)?;
    if let Some(organization) = spec
        .admin
        .as_ref()
        .and_then(|admin| admin.organization.as_ref())
    {
        check_organization("admin.organization", organization)?;
    }
    let mut cluster = Cluster {
        identities: [
            identities(&spec, Role::Member)?,
            identities(&spec, Role::Node)?,
            identities(&spec, Role::Client)?,
        ],
        spec,
    };
    check_names(&cluster)?;
    check_addresses(&cluster)?;
    check_times(&cluster)?;
    check_pairs(&cluster)?;
    let Cluster { spec, identities } = &mut cluster;
    for (role, identities) in Role::ALL.into_iter().zip(identities) {
        for (entry, identity) in spec.entries_mut(role).iter_mut().zip(identities) {
            let EntrySpec {
                names, addresses, ..
            } = EntrySpec::from(identity.clone());
            (entry.names, entry.addresses) = (names, addresses);
        }
    }
    Ok(cluster)
}

/// Checks the subjects of the CAs, and sets whether there are two.
fn check_ca(spec: &mut ClusterSpec) -> Checked {
    let peers = match (spec.layout.separates_peers(), spec.ca.peers) {
        (true, Some(Peers::Shared)) => {
            let reason = format!("in the {} layout peers have a separate CA", spec.layout);
            return Err(Fault::new("ca.peers", reason).hint("leave it out, or write separate"));
        }
        (true, _) => Peers::Separate,
        (false, given) => given.unwrap_or_default(),
    };
    spec.ca.peers = Some(peers);
    let ca = &spec.ca;
    if ca.peer_common_name != CommonName::Usual && peers == Peers::Shared {
        return Err(
            Fault::new("ca.peer_common_name", "peers have no separate CA")
                .hint("write peers: separate"),
        );
    }
    if let Some(common_name) = &ca.common_name {
        check_common_name(common_name).map_err(in_field("ca.common_name"))?;
    }
    if let CommonName::Given(common_name) = &ca.peer_common_name {
        check_common_name(common_name).map_err(in_field("ca.peer_common_name"))?;
    }
    match &ca.organization {
        Some(organization) => check_organization("ca.organization", organization),
        None => Ok(()),
    }
}

fn check_organization(field: &str, organization: &str) -> Checked {
    let identity = Identity::anonymous().with_organization(organization);
    identity.map(|_| ()).map_err(in_field(field))
}

/// Checks owners and groups as `chown` does. Modes must neither expose a file nor make it
/// unreadable.
fn check_files(files: &FilesSpec) -> Checked {
    for (field, account) in [
        ("files.owner", &files.owner),
        ("files.group", &files.group),
        ("files.ca.owner", &files.ca.owner),
        ("files.ca.group", &files.ca.group),
    ] {
        if let Some(account) = account {
            check_account(account).map_err(in_field(field))?;
        }
    }
    for (field, mode, needed, refused) in [
        ("files.key_mode", files.key_mode, 0o400, 0o137),
        (
            "files.certificate_mode",
            files.certificate_mode,
            0o400,
            0o113,
        ),
        ("files.directory_mode", files.directory_mode, 0o700, 0o002),
        ("files.ca.key_mode", files.ca.key_mode, 0o400, 0o137),
    ] {
        let Some(mode) = mode else { continue };
        let reason = if mode > 0o777 {
            "is more than the nine permissions of a file"
        } else if mode & needed != needed {
            "keeps the owner out"
        } else if mode & refused != 0 {
            "gives more than such a file needs: others than its group would get at it, or it could be run"
        } else {
            continue;
        };
        return Err(Fault::new(field, format!("{mode:04o} {reason}")));
    }
    Ok(())
}

/// Checks that only members have ports, and that a member's two ports differ.
fn check_ports(spec: &ClusterSpec) -> Checked {
    let ports = |ports: &PortsSpec| [("client", ports.client), ("peer", ports.peer)];
    let mut given: Vec<(String, Option<u16>)> = Vec::new();
    for (name, port) in ports(&spec.ports) {
        given.push((format!("ports.{name}"), port));
    }
    for role in Role::ALL {
        for (index, entry) in spec.entries(role).iter().enumerate() {
            let section = field((role, index), "ports");
            if role != Role::Member && entry.ports != PortsSpec::default() {
                let reason = "only members have ports: nodes and clients accept no connections";
                return Err(Fault::new(section, reason));
            }
            for (name, port) in ports(&entry.ports) {
                given.push((format!("{section}.{name}"), port));
            }
        }
    }
    if let Some((field, _)) = given.into_iter().find(|(_, port)| *port == Some(0)) {
        return Err(Fault::new(field, "0 is no port"));
    }
    for (index, member) in spec.members.iter().enumerate() {
        let [client, peer] = spec.ports_of(member);
        if client == peer {
            let is_own = member.ports != PortsSpec::default();
            let place = if is_own {
                field((Role::Member, index), "ports")
            } else {
                "ports".to_owned()
            };
            let reason = format!(
                "clients and peers of {} have the same port {client}",
                member.name
            );
            return Err(Fault::new(place, reason).hint("etcd has one port for each"));
        }
    }
    Ok(())
}

fn check_account(name: &str) -> Result<(), Error> {
    let reason = if name.is_empty() {
        "is empty"
    } else if name.starts_with('-')
        || name.contains([':', '/', ' '])
        || name.chars().any(char::is_control)
    {
        "names no user and no group"
    } else {
        return Ok(());
    };
    Err(Error::InvalidName {
        name: name.to_owned(),
        reason: reason.to_owned(),
    })
}

/// The identities of a role's entries.
fn identities(spec: &ClusterSpec, role: Role) -> Checked<Vec<Identity>> {
    let entries = spec.entries(role).iter().enumerate();
    entries
        .map(|(index, entry)| {
            if entry.name.is_empty() {
                let field = format!("{}[{index}]", role.section());
                return Err(Fault::new(field, "it has no name"));
            }
            let identity = entry.checked_identity();
            identity.map_err(|(name, error)| Fault::from_error(field((role, index), name), &error))
        })
        .collect()
}

/// Checks that names are unique within a role, and that no entry has a field of another role.
fn check_names(cluster: &Cluster) -> Checked {
    for role in Role::ALL {
        let mut seen = HashMap::new();
        for (index, entry) in cluster.spec.entries(role).iter().enumerate() {
            let fault = |name: &str, reason: &str| Fault::new(field((role, index), name), reason);
            // Host names are equal in upper and lower case; user names are not
            let name = match role {
                Role::Member | Role::Node => entry.name.to_ascii_lowercase(),
                Role::Client => entry.name.clone(),
            };
            if let Some(first) = seen.insert(name, index) {
                let reason = format!("{} is already {}[{first}]", entry.name, role.section());
                return Err(fault("name", &reason).hint("names of a role are unique"));
            }
            if let Some(common_name) = &entry.peer_common_name {
                if !has_pair_for_peers(cluster, role) {
                    return Err(
                        fault("peer_common_name", "there is no separate pair for peers").hint(
                            "write common_name, or give peers a separate CA: ca: {peers: separate}",
                        ),
                    );
                }
                let field = field((role, index), "peer_common_name");
                check_common_name(common_name).map_err(in_field(&field))?;
            }
            let has_names = !(entry.names.is_empty() && entry.addresses.is_empty());
            if entry.without_alternative_names && has_names {
                return Err(fault("san", "it is none, and there are names or addresses"));
            }
            if role != Role::Member {
                continue;
            }
            if entry.without_alternative_names {
                let reason =
                    "clients connect to a member by its names, so its certificate needs them";
                return Err(fault("san", reason));
            }
            if entry.allow_member_common_name {
                let reason = "it is for nodes and clients: a member has such a common name";
                return Err(fault("allow_member_common_name", reason));
            }
        }
    }
    Ok(())
}

/// Whether an entry of the role has two pairs, and one of them is for peers.
fn has_pair_for_peers(cluster: &Cluster, role: Role) -> bool {
    let pairs = cluster.layout().pairs(role, "name").unwrap_or_default();
    role == Role::Member && (pairs.len() > 1 || cluster.spec.ca.has_separate_peers())
}

/// The addresses of a member, without loopback's.
fn addresses(identity: &Identity) -> impl Iterator<Item = IpAddr> {
    let host = identity.host().ok().flatten();
    let names = identity.alternative_names().unwrap_or_default();
    let addresses = host.into_iter().chain(names).filter_map(|name| match name {
        AlternativeName::Ip(address) => Some(*address),
        _ => None,
    });
    addresses.filter(|address| !address.is_loopback())
}

/// Checks that only one member has an address; loopback's are allowed in all. Members may share an
/// address, such as that of a load balancer, if each has another address of its own. Otherwise an
/// address was probably copied by mistake.
fn check_addresses(cluster: &Cluster) -> Checked {
    let [members, ..] = &cluster.identities;
    let mut counts: HashMap<IpAddr, usize> = HashMap::new();
    for member in members {
        for address in addresses(member).collect::<HashSet<_>>() {
            *counts.entry(address).or_default() += 1;
        }
    }
    let has_own: Vec<bool> = members
        .iter()
        .map(|member| addresses(member).any(|address| counts[&address] == 1))
        .collect();
    let mut owners: HashMap<IpAddr, usize> = HashMap::new();
    for (index, member) in members.iter().enumerate() {
        for address in addresses(member) {
            let owner = *owners.entry(address).or_insert(index);
            if owner != index && !(has_own[owner] && has_own[index]) {
                let [first, second] = [owner, index].map(|index| &cluster.spec.members[index]);
                let reason = format!(
                    "{address} is an address of {} and of {}",
                    first.name, second.name
                );
                return Err(Fault::new(address_field(index, second, address), reason)
                    .hint("an address that members share belongs in shared_names"));
            }
        }
    }
    Ok(())
}

/// The field of a member that has an address.
fn address_field(index: usize, member: &EntrySpec, address: IpAddr) -> String {
    let name = AlternativeName::from(address);
    let place = |found: Option<usize>, field: &str| found.map(|found| format!("{field}[{found}]"));
    let names = member.names.iter().position(|one| *one == name);
    let addresses = || {
        let mut addresses = member.addresses.iter();
        addresses.position(|one| AlternativeName::from(*one) == name)
    };
    let found = place(names, "names").or_else(|| place(addresses(), "addresses"));
    field(
        (Role::Member, index),
        &found.unwrap_or_else(|| "name".to_owned()),
    )
}

/// Checks that a certificate can have the validities at some time, and that they are longer than
/// `renew_before`.
fn check_times(cluster: &Cluster) -> Checked {
    for (field, validity) in specified_validities(cluster) {
        validity.checked_duration().map_err(in_field(&field))?;
    }
    let usual = cluster.leaf_profile(Role::Member).validity();
    let usual = usual.checked_duration();
    match usual.map_err(in_field("defaults.validity"))? {
        Some(life) => check_renewal(cluster, life),
        None => Ok(()),
    }
}

/// Every validity of the specification, with its field.
fn specified_validities(cluster: &Cluster) -> Vec<(String, Validity)> {
    let ClusterSpec {
        ca,
        defaults,
        admin,
        ..
    } = &cluster.spec;
    let admin = admin.as_ref().and_then(|admin| admin.validity);
    let mut validities = vec![
        ("ca.validity".to_owned(), ca.validity),
        ("admin.validity".to_owned(), admin),
        ("defaults.validity".to_owned(), defaults.validity),
    ];
    for role in Role::ALL {
        for (index, entry) in cluster.spec.entries(role).iter().enumerate() {
            if entry.validity.is_some() {
                validities.push((field((role, index), "validity"), entry.validity));
            }
        }
    }
    let given = validities.into_iter();
    given
        .filter_map(|(field, validity)| Some((field, validity?)))
        .collect()
}

fn check_renewal(cluster: &Cluster, life: Duration) -> Checked {
    let before = cluster.spec.defaults.renew_before;
    if before.is_some_and(|before| before.reaches_over(life)) {
        let reason =
            "a certificate is not valid for that long, so it would be due before it begins";
        return Err(Fault::new("defaults.renew_before", reason)
            .hint("it is at most a third of a certificate's life, such as 30d or 33%"));
    }
    Ok(())
}

/// Limits the names that certificates share: the work for them grows with the square of the text.
fn check_shared_names(cluster: &Cluster, (names, certificates): (usize, usize)) -> Checked {
    if names.saturating_mul(certificates) <= limits::SHARED_NAMES {
        return Ok(());
    }
    let reason = format!(
        "{names} names in each of {certificates} certificates are more than {} names in all",
        limits::SHARED_NAMES
    );
    let is_listed = cluster.spec.shared_names.len() > names / 2;
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

/// Checks that no two pairs share a file, and that only members have a member's common name.
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
        let is_name = cluster
            .spec
            .entry(entry)
            .is_some_and(|entry| entry.name == common_name);
        let name = if is_name { "name" } else { "common_name" };
        let reason = format!(
            "{} would have the common name of {}, {common_name}",
            describe(cluster, Some(entry)),
            describe(cluster, *member)
        );
        return Err(Fault::new(field(entry, name), reason).hint(
            "etcd's --peer-cert-allowed-cn would take it for that member; choose another common name, or write \
             allow_member_common_name: true",
        ));
    }
    Ok(())
}

/// Checks that no host's directory is the directory of the CA.
fn check_trees(cluster: &Cluster) -> Checked {
    let ca = cluster.layout().ca(CaKind::Client).certificate;
    for role in [Role::Member, Role::Node] {
        for (index, entry) in cluster.spec.entries(role).iter().enumerate() {
            if ca.starts_with(&entry.name) {
                let reason = format!("{}/ is where the CA is", entry.name);
                return Err(Fault::new(field((role, index), "name"), reason)
                    .hint("with several hosts each has a directory of its name in this layout"));
            }
        }
    }
    Ok(())
}

/// The common name of a pair, and whether the pair may have a member's common name.
fn common_name(cluster: &Cluster, entry: EntryIndex, pair: &DesiredPair) -> Option<(String, bool)> {
    let allowed = cluster.spec.entry(entry)?.allow_member_common_name;
    // The resolver has already checked the name
    let common_name = pair.common_name().ok()??;
    Some((common_name, allowed))
}

fn field((role, index): EntryIndex, name: &str) -> String {
    format!("{}[{index}].{name}", role.section())
}

fn describe(cluster: &Cluster, entry: Option<EntryIndex>) -> String {
    match entry {
        None => "the CA".to_owned(),
        Some(entry) => {
            let name = cluster.spec.entry(entry).map(|entry| entry.name.as_str());
            format!("{} {}", entry.0, name.unwrap_or_default())
        }
    }
}

fn in_field(field: &str) -> impl Fn(Error) -> Fault {
    move |error| Fault::from_error(field, &error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_files(files: FilesSpec) -> bool {
        let spec = ClusterSpec {
            files,
            ..ClusterSpec::default()
        };
        Cluster::try_from(spec).is_ok()
    }

    #[test]
    fn modes_that_expose_or_hide() {
        for (mode, good) in [
            (0o600, true),
            (0o640, true),
            (0o400, true),
            (0o644, false),
            (0o060, false),
            (0o700, false),
            (600, false),
            (0o4600, false),
        ] {
            let mut files = FilesSpec {
                key_mode: Some(mode),
                ..FilesSpec::default()
            };
            assert_eq!(with_files(files.clone()), good, "{mode:o}");
            files.ca.key_mode = files.key_mode.take();
            assert_eq!(with_files(files), good, "{mode:o}");
        }
        let certificate = |mode| FilesSpec {
            certificate_mode: Some(mode),
            ..FilesSpec::default()
        };
        let directory = |mode| FilesSpec {
            directory_mode: Some(mode),
            ..FilesSpec::default()
        };
        assert!(with_files(certificate(0o644)));
        assert!(!with_files(certificate(0o666)));
        assert!(with_files(directory(0o755)));
        assert!(!with_files(directory(0o600)));
        assert!(!with_files(directory(0o777)));
    }

    #[test]
    fn accounts() {
        for (name, good) in [
            ("1000", true),
            ("", false),
            ("a:b", false),
            ("-a", false),
            ("a b", false),
            ("a/b", false),
        ] {
            let account = || Some(name.to_owned());
            let owner = FilesSpec {
                owner: account(),
                ..FilesSpec::default()
            };
            let mut group = FilesSpec::default();
            group.ca.group = account();
            assert_eq!(
                (with_files(owner), with_files(group)),
                (good, good),
                "{name}"
            );
        }
    }

    /// Whether a specification is valid does not depend on the clock. A plan blocks the entries
    /// with a validity that already ended.
    #[test]
    fn an_end_is_checked_at_planning() {
        let client = |validity: &str| EntrySpec {
            validity: Some(validity.parse().unwrap()),
            ..EntrySpec::new("root")
        };
        let spec = |validity| ClusterSpec {
            clients: vec![client(validity)],
            ..ClusterSpec::default()
        };
        assert!(Cluster::try_from(spec("2021-01-01T00:00:00Z")).is_ok());
        assert!(Cluster::try_from(spec("7979y")).is_ok());
        assert!(Cluster::try_from(spec("8000y")).is_err());
        assert!(Cluster::try_from(spec("2019-01-01T00:00:00Z")).is_err());
    }
}

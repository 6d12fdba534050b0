//! Defines the specification as data: the fields of `cluster.yaml`.

use std::{fmt, net::IpAddr, path::PathBuf};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    RenewBefore,
    admin::AdminSpec,
    choices::{CommonName, Peers},
    revoked::RevokedSpec,
    values::{self, is_default, or_default},
};
use crate::{
    error::{Error, Result},
    key::KeyAlgorithm,
    layout::Layout,
    role::{Compatibility, Role},
    time::validity::Validity,
    x509::identity::{AlternativeName, Identity},
};

const CA_COMMON_NAME: &str = "etcd-ca";

/// The specification of a cluster as data. [`Cluster::try_from`](crate::Cluster) checks it.
///
/// Later versions may add fields, so write the others as `..Default::default()`. Serde reads and
/// writes it in any self-describing format. Errors of `Cluster::from_yaml` contain the line.
///
/// ```
/// use etcd_pki_core::{Cluster, Validity, cluster::{ClusterSpec, EntrySpec}};
///
/// let cluster = Cluster::try_from(ClusterSpec {
///     members: vec![
///         EntrySpec::new("etcd-1").with_names(["etcd-1.lan", "10.0.0.11"])?,
///         EntrySpec::new("etcd-2").with_names(["10.0.0.12"])?,
///     ],
///     clients: vec![
///         "root".into(),
///         EntrySpec { validity: Some(Validity::days(90)), ..EntrySpec::new("backup") },
///     ],
///     ..ClusterSpec::default()
/// })?;
/// assert_eq!(cluster.hosts(), ["etcd-1", "etcd-2"]);
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub struct ClusterSpec {
    /// The names of the files
    #[serde(deserialize_with = "or_default")]
    pub layout: Layout,
    /// The directory of the files
    #[serde(
        serialize_with = "values::write_path",
        skip_serializing_if = "is_default"
    )]
    pub directory: Option<PathBuf>,
    /// The CA
    #[serde(deserialize_with = "or_default")]
    pub ca: CaSpec,
    /// The defaults of members, nodes and clients
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub defaults: DefaultsSpec,
    /// Names and addresses in every member's certificate
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub shared_names: Vec<AlternativeName>,
    /// The members
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub members: Vec<EntrySpec>,
    /// The nodes
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub nodes: Vec<EntrySpec>,
    /// The clients
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub clients: Vec<EntrySpec>,
    /// The client that the layout's tools expect next to each member; `None` leaves it out
    #[serde(
        serialize_with = "super::admin::write_admin",
        deserialize_with = "super::admin::read_admin",
        skip_serializing_if = "is_usual_admin"
    )]
    pub admin: Option<AdminSpec>,
    /// Ownership and permissions of the files
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub files: FilesSpec,
    /// The ports of members, to which a probe connects
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub ports: PortsSpec,
    /// The certificates that are revoked
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub revoked: Vec<RevokedSpec>,
}

/// The CA of a cluster, and whether peers have a separate one: `ca` in a specification.
///
/// ```
/// use etcd_pki_core::cluster::{CaSpec, Peers};
///
/// let ca = CaSpec { peers: Some(Peers::Separate), ..CaSpec::new("prod-ca") };
/// assert_eq!(ca.peer_common_name().as_deref(), Some("prod-peer-ca"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub struct CaSpec {
    /// The common name, `etcd-ca` by default; `None` describes a CA without one
    #[serde(serialize_with = "values::write_text")]
    pub common_name: Option<String>,
    /// The organization
    #[serde(
        serialize_with = "values::write_text",
        skip_serializing_if = "is_default"
    )]
    pub organization: Option<String>,
    /// The algorithm of its key; by default the cluster's algorithm
    #[serde(skip_serializing_if = "is_default")]
    pub algorithm: Option<KeyAlgorithm>,
    /// The validity; by default ten years, or the default of the profile
    #[serde(skip_serializing_if = "is_default")]
    pub validity: Option<Validity>,
    /// Whether peers have a separate CA; by default what the layout requires
    #[serde(skip_serializing_if = "is_shared")]
    pub peers: Option<Peers>,
    /// The common name of the separate peer CA; by default it is derived from the other CA's
    #[serde(skip_serializing_if = "is_default")]
    pub peer_common_name: CommonName,
    /// Whether issued certificates are added to the record of the directory's CAs, as by default
    #[serde(skip_serializing_if = "is_true")]
    pub record: bool,
}

/// The defaults for all certificates of a cluster. An entry may differ: `defaults`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub struct DefaultsSpec {
    /// The tool that the certificates are compatible with
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub profile: Compatibility,
    /// The algorithm of keys, including the CA's; by default the profile's
    #[serde(skip_serializing_if = "is_default")]
    pub algorithm: Option<KeyAlgorithm>,
    /// The validity of certificates, except the CA's; by default the profile's
    #[serde(skip_serializing_if = "is_default")]
    pub validity: Option<Validity>,
    /// The time before their expiry at which certificates are renewed; by default 30 days
    #[serde(skip_serializing_if = "is_default")]
    pub renew_before: Option<RenewBefore>,
    /// Leaves alternative names as they are given, both the shared ones and an entry's own: `san:
    /// given`. The names of members and of loopback are not added, so each member needs at least
    /// one name. Kubespray's script does the same.
    #[serde(
        rename = "san",
        serialize_with = "values::write_given",
        deserialize_with = "values::read_given",
        skip_serializing_if = "is_default"
    )]
    pub take_names_as_given: bool,
}

/// A member, a node or a client, and its differences from the defaults. A plain name is an entry
/// too.
///
/// ```
/// use etcd_pki_core::cluster::EntrySpec;
///
/// let member = EntrySpec::new("etcd-1").with_names(["etcd-1.lan", "10.0.0.11"])?;
/// assert_eq!(member.addresses, ["10.0.0.11".parse::<std::net::IpAddr>().unwrap()]);
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a mapping", remote = "Self")]
pub struct EntrySpec {
    /// The host's or user's name
    #[serde(serialize_with = "values::write_name")]
    pub name: String,
    /// The common name; by default it is derived from the name
    #[serde(skip_serializing_if = "is_default")]
    pub common_name: CommonName,
    /// The common name of a member's pair for peers, if that pair is separate
    #[serde(
        serialize_with = "values::write_text",
        skip_serializing_if = "is_default"
    )]
    pub peer_common_name: Option<String>,
    /// The organization
    #[serde(
        serialize_with = "values::write_text",
        skip_serializing_if = "is_default"
    )]
    pub organization: Option<String>,
    /// Alternative names. They may include addresses, which keep their place.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub names: Vec<AlternativeName>,
    /// Addresses, which follow the names in the certificate
    #[serde(
        serialize_with = "values::write_addresses",
        deserialize_with = "values::read_addresses",
        skip_serializing_if = "is_default"
    )]
    pub addresses: Vec<IpAddr>,
    /// Omits the alternative names of a node or client, even 0.0.0.0: `san: none`.
    /// [`Identity::without_alternative_names`] describes the consequences.
    #[serde(
        rename = "san",
        serialize_with = "values::write_none",
        deserialize_with = "values::read_none",
        skip_serializing_if = "is_default"
    )]
    pub without_alternative_names: bool,
    /// The algorithm of its key; by default the cluster's algorithm
    #[serde(skip_serializing_if = "is_default")]
    pub algorithm: Option<KeyAlgorithm>,
    /// The validity of its certificate; by default as in `defaults`
    #[serde(skip_serializing_if = "is_default")]
    pub validity: Option<Validity>,
    /// Allows a node or client a common name that a member has, or that has the prefix of members.
    /// A list of allowed common names (`--peer-cert-allowed-cn`) would accept it as a member.
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub allow_member_common_name: bool,
    /// The ports of a member, if they differ from those of the cluster
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub ports: PortsSpec,
}

/// Ownership and permissions of a cluster's files.
///
/// Unset fields keep the defaults: a new key has mode 0600, a new certificate 0644, a new directory
/// 0700, and existing files keep their modes. The fields for a CA's key are separate: a user who
/// can read that key can sign any certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub struct FilesSpec {
    /// The owner, a user's name or number
    #[serde(
        serialize_with = "values::write_text",
        deserialize_with = "values::read_account",
        skip_serializing_if = "is_default"
    )]
    pub owner: Option<String>,
    /// The group, a name or a number
    #[serde(
        serialize_with = "values::write_text",
        deserialize_with = "values::read_account",
        skip_serializing_if = "is_default"
    )]
    pub group: Option<String>,
    /// The mode of keys
    #[serde(
        serialize_with = "values::write_mode",
        deserialize_with = "values::read_mode",
        skip_serializing_if = "is_default"
    )]
    pub key_mode: Option<u32>,
    /// The mode of certificates
    #[serde(
        serialize_with = "values::write_mode",
        deserialize_with = "values::read_mode",
        skip_serializing_if = "is_default"
    )]
    pub certificate_mode: Option<u32>,
    /// The mode of new directories
    #[serde(
        serialize_with = "values::write_mode",
        deserialize_with = "values::read_mode",
        skip_serializing_if = "is_default"
    )]
    pub directory_mode: Option<u32>,
    /// The files of a CA
    #[serde(deserialize_with = "or_default", skip_serializing_if = "is_default")]
    pub ca: CaFilesSpec,
}

/// The ports of a member, or of all members: `ports`. No file has them; they are part of
/// [`Cluster::endpoints`](crate::Cluster::endpoints).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub struct PortsSpec {
    /// The port for clients, by default 2379
    #[serde(
        deserialize_with = "values::read_port",
        skip_serializing_if = "is_default"
    )]
    pub client: Option<u16>,
    /// The port for peers, by default 2380
    #[serde(
        deserialize_with = "values::read_port",
        skip_serializing_if = "is_default"
    )]
    pub peer: Option<u16>,
}

/// Ownership and permissions of a CA's files. By default its key belongs to the user who creates
/// it, and its certificate to the owner of the other certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub struct CaFilesSpec {
    /// The owner, a user's name or number
    #[serde(
        serialize_with = "values::write_text",
        deserialize_with = "values::read_account",
        skip_serializing_if = "is_default"
    )]
    pub owner: Option<String>,
    /// The group, a name or a number
    #[serde(
        serialize_with = "values::write_text",
        deserialize_with = "values::read_account",
        skip_serializing_if = "is_default"
    )]
    pub group: Option<String>,
    /// The mode of the key
    #[serde(
        serialize_with = "values::write_mode",
        deserialize_with = "values::read_mode",
        skip_serializing_if = "is_default"
    )]
    pub key_mode: Option<u32>,
}

impl Default for ClusterSpec {
    /// No members, the layout of Kubespray, and the client that its tools expect next to each
    /// member
    fn default() -> Self {
        Self {
            layout: Layout::default(),
            directory: None,
            ca: CaSpec::default(),
            defaults: DefaultsSpec::default(),
            shared_names: Vec::new(),
            members: Vec::new(),
            nodes: Vec::new(),
            clients: Vec::new(),
            admin: Some(AdminSpec::default()),
            files: FilesSpec::default(),
            ports: PortsSpec::default(),
            revoked: Vec::new(),
        }
    }
}

impl DefaultsSpec {
    /// The time before their expiry at which certificates are renewed; 30 days if unset.
    #[must_use]
    pub fn renew_before(&self) -> RenewBefore {
        self.renew_before.unwrap_or_default()
    }
}

impl ClusterSpec {
    pub(super) fn entries(&self, role: Role) -> &[EntrySpec] {
        match role {
            Role::Member => &self.members,
            Role::Node => &self.nodes,
            Role::Client => &self.clients,
        }
    }

    pub(super) fn entries_mut(&mut self, role: Role) -> &mut [EntrySpec] {
        match role {
            Role::Member => &mut self.members,
            Role::Node => &mut self.nodes,
            Role::Client => &mut self.clients,
        }
    }

    pub(super) fn entry(&self, (role, index): (Role, usize)) -> Option<&EntrySpec> {
        self.entries(role).get(index)
    }
}

impl Role {
    /// The field of a specification that contains the entries of the role.
    pub(super) const fn section(self) -> &'static str {
        match self {
            Self::Member => "members",
            Self::Node => "nodes",
            Self::Client => "clients",
        }
    }
}

impl Default for CaSpec {
    /// `etcd-ca`, for clients and peers
    fn default() -> Self {
        Self::new(CA_COMMON_NAME)
    }
}

impl CaSpec {
    /// A CA with this common name.
    #[must_use]
    pub fn new(common_name: impl Into<String>) -> Self {
        Self {
            common_name: Some(common_name.into()),
            organization: None,
            algorithm: None,
            validity: None,
            peers: None,
            peer_common_name: CommonName::Usual,
            record: true,
        }
    }

    /// The common name of a separate peer CA, if it has one. By default it is derived:
    /// `etcd-peer-ca` for `etcd-ca`.
    #[must_use]
    pub fn peer_common_name(&self) -> Option<String> {
        match &self.peer_common_name {
            CommonName::Absent => None,
            CommonName::Given(name) => Some(name.clone()),
            CommonName::Usual => {
                let name = self.common_name.as_deref().unwrap_or(CA_COMMON_NAME);
                let stem = name.strip_suffix("-ca").unwrap_or(name);
                Some(format!("{stem}-peer-ca"))
            }
        }
    }

    /// Whether peers have a separate CA according to this specification. A layout may require one
    /// too.
    #[must_use]
    pub fn has_separate_peers(&self) -> bool {
        self.peers == Some(Peers::Separate)
    }
}

impl EntrySpec {
    /// A member, node or client with this name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    /// Adds names and addresses, as [`Identity::with_names`] reads them.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidAlternativeName`] for text that is neither a name nor an address.
    pub fn with_names<T: AsRef<str>>(self, names: impl IntoIterator<Item = T>) -> Result<Self> {
        let mut all = self.alternative_names();
        for name in names {
            all.extend(AlternativeName::list(name.as_ref())?);
        }
        let (names, addresses) = split_addresses(all);
        Ok(Self {
            names,
            addresses,
            ..self
        })
    }

    /// The identity in the certificate.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`], [`Error::CommonNameLength`] for names that no certificate can have.
    pub fn identity(&self) -> Result<Identity> {
        self.checked_identity().map_err(|(_, error)| error)
    }

    /// The identity, or the invalid field with its error.
    pub(super) fn checked_identity(&self) -> std::result::Result<Identity, (&'static str, Error)> {
        let in_field = |field| move |error| (field, error);
        let mut identity = Identity::new(&self.name).map_err(in_field("name"))?;
        identity = match &self.common_name {
            CommonName::Usual => identity,
            CommonName::Absent => identity.without_common_name(),
            CommonName::Given(common_name) => identity
                .with_common_name(common_name)
                .map_err(in_field("common_name"))?,
        };
        if let Some(organization) = &self.organization {
            identity = identity
                .with_organization(organization)
                .map_err(in_field("organization"))?;
        }
        if self.without_alternative_names {
            return Ok(identity.without_alternative_names());
        }
        Ok(identity.with_alternative_names(self.alternative_names()))
    }

    /// Names and addresses, in the order of the certificate.
    pub(super) fn alternative_names(&self) -> Vec<AlternativeName> {
        let addresses = self.addresses.iter().copied().map(AlternativeName::from);
        self.names.iter().cloned().chain(addresses).collect()
    }
}

/// Splits off the addresses that follow all names. Addresses before a name stay among the names.
fn split_addresses(names: Vec<AlternativeName>) -> (Vec<AlternativeName>, Vec<IpAddr>) {
    let address = |name: &AlternativeName| match name {
        AlternativeName::Ip(address) => Some(*address),
        _ => None,
    };
    let first = names.iter().position(|name| address(name).is_some());
    let first = first.unwrap_or(names.len());
    let addresses: Option<Vec<IpAddr>> = names[first..].iter().map(address).collect();
    match addresses {
        Some(addresses) => (names[..first].to_vec(), addresses),
        None => (names, Vec::new()),
    }
}

impl From<&str> for EntrySpec {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<Identity> for EntrySpec {
    fn from(identity: Identity) -> Self {
        let names = identity.alternative_names();
        let without_alternative_names = names.is_none();
        let (names, addresses) = split_addresses(names.unwrap_or_default().to_vec());
        Self {
            common_name: match identity.specified_common_name() {
                None => CommonName::Usual,
                Some(None) => CommonName::Absent,
                Some(Some(name)) => CommonName::Given(name.to_owned()),
            },
            organization: identity.organization().map(str::to_owned),
            names,
            addresses,
            without_alternative_names,
            ..Self::new(identity.name().unwrap_or_default())
        }
    }
}

impl Serialize for EntrySpec {
    /// Writes only the name if the entry has nothing else
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        if *self == Self::new(self.name.as_str()) {
            return values::write_name(&self.name, serializer);
        }
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for EntrySpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        use std::result::Result;

        struct NameOrFields;

        impl<'de> Visitor<'de> for NameOrFields {
            type Value = EntrySpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or a mapping")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<EntrySpec, E> {
                Ok(EntrySpec::new(name))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EntrySpec, A::Error> {
                EntrySpec::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_any(NameOrFields)
    }
}

fn is_usual_admin(admin: &Option<AdminSpec>) -> bool {
    *admin == Some(AdminSpec::default())
}

fn is_shared(peers: &Option<Peers>) -> bool {
    *peers != Some(Peers::Separate)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_true(value: &bool) -> bool {
    *value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_peer_ca() {
        let named = |name: &str| CaSpec::new(name).peer_common_name();
        assert_eq!(named("etcd-ca").as_deref(), Some("etcd-peer-ca"));
        assert_eq!(named("root").as_deref(), Some("root-peer-ca"));
        let with = |common_name, peer_common_name| {
            let ca = CaSpec {
                common_name,
                peer_common_name,
                ..CaSpec::default()
            };
            ca.peer_common_name()
        };
        let unnamed = with(None, CommonName::Usual);
        assert_eq!(unnamed.as_deref(), Some("etcd-peer-ca"));
        let given = with(None, CommonName::Given("x".to_owned()));
        assert_eq!(given.as_deref(), Some("x"));
        assert_eq!(with(Some("x".to_owned()), CommonName::Absent), None);
    }

    #[test]
    fn addresses_after_all_names_have_a_field_of_their_own() {
        for (names, expected) in [
            (&["a", "10.0.0.1", "10.0.0.2"][..], (1, 2)),
            (&["a", "10.0.0.1", "b"], (3, 0)),
            (&["10.0.0.1"], (0, 1)),
            (&["a"], (1, 0)),
        ] {
            let identity = Identity::new("x").unwrap().with_names(names).unwrap();
            let entry = EntrySpec::from(identity.clone());
            assert_eq!((entry.names.len(), entry.addresses.len()), expected);
            assert_eq!(entry.identity().unwrap(), identity);
            assert_eq!(EntrySpec::new("x").with_names(names).unwrap(), entry);
        }
    }
}

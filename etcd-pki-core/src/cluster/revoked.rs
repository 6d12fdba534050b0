//! The certificates that a specification revokes.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    ClusterSpec,
    fault::Fault,
    values::{self, is_default},
};
use crate::{
    role::Role,
    x509::{revocation_list::RevocationReason, serial::SerialNumber},
};

/// Certificates that a specification revokes: those of a client, those of a host, or the one with a
/// serial number. An entry of `revoked`.
///
/// ```
/// use etcd_pki_core::cluster::RevokedSpec;
///
/// let alice = RevokedSpec::client("alice");
/// assert_eq!(alice.client.as_deref(), Some("alice"));
/// let one = RevokedSpec::serial("4A1C0F".parse()?);
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub struct RevokedSpec {
    /// The client with the certificates
    #[serde(
        serialize_with = "values::write_text",
        skip_serializing_if = "is_default"
    )]
    pub client: Option<String>,
    /// The host with the certificates, as a member or a node
    #[serde(
        alias = "member",
        alias = "node",
        serialize_with = "values::write_text",
        skip_serializing_if = "is_default"
    )]
    pub host: Option<String>,
    /// The serial number of the certificate
    #[serde(
        serialize_with = "write_serial",
        deserialize_with = "read_serial",
        skip_serializing_if = "is_default"
    )]
    pub serial: Option<SerialNumber>,
    /// The reason in the list
    #[serde(skip_serializing_if = "is_default")]
    pub reason: Option<RevocationReason>,
}

impl RevokedSpec {
    /// The certificates of a client.
    #[must_use]
    pub fn client(name: impl Into<String>) -> Self {
        Self {
            client: Some(name.into()),
            ..Self::default()
        }
    }

    /// The certificates of a member or node.
    #[must_use]
    pub fn host(name: impl Into<String>) -> Self {
        Self {
            host: Some(name.into()),
            ..Self::default()
        }
    }

    /// The certificate with a serial number.
    #[must_use]
    pub fn serial(serial: SerialNumber) -> Self {
        Self {
            serial: Some(serial),
            ..Self::default()
        }
    }
}

fn write_serial<S: Serializer>(
    serial: &Option<SerialNumber>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    values::write_text(&serial.as_ref().map(ToString::to_string), serializer)
}

/// Reads a serial number from text. A number is an error: `12E4` without quotes is 120000 in YAML.
fn read_serial<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SerialNumber>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| values::meaning(&text, str::parse))
        .transpose()
}

/// Checks that each entry names one thing, and nothing that the specification requires.
pub(super) fn check(spec: &ClusterSpec) -> Result<(), Fault> {
    for (index, entry) in spec.revoked.iter().enumerate() {
        let field = |name: &str| format!("revoked[{index}]{name}");
        let RevokedSpec {
            client,
            host,
            serial,
            ..
        } = entry;
        let named = [client.is_some(), host.is_some(), serial.is_some()];
        if named.iter().filter(|named| **named).count() != 1 {
            return Err(
                Fault::new(field(""), "it must name one client, host or serial number")
                    .hint("write client: NAME, host: NAME or serial: \"4A1C…\""),
            );
        }
        let has = |role: Role, name: &str| spec.entries(role).iter().any(|one| one.name == name);
        let required = |what: &str, name: &str| {
            Fault::new(
                field(&format!(".{what}")),
                format!("{name} is also a {what} that the specification requires"),
            )
            .hint("remove it there, or revoke one of its certificates by its serial number")
        };
        if let Some(name) = client.as_deref().filter(|name| has(Role::Client, name)) {
            return Err(required("client", name));
        }
        let is_host = |name: &&str| has(Role::Member, name) || has(Role::Node, name);
        if let Some(name) = host.as_deref().filter(is_host) {
            return Err(required("host", name));
        }
    }
    Ok(())
}

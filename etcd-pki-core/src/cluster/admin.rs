//! The client that a layout's tools expect next to each member.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::values::{self, ADMIN, custom, is_default};
use crate::{key::KeyAlgorithm, time::validity::Validity};

/// The client that a layout's tools expect next to each member: Kubespray's `admin-HOST`, kubeadm's
/// `etcd/healthcheck-client`. By default it has the same settings as other clients.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub struct AdminSpec {
    /// The organization
    #[serde(
        serialize_with = "values::write_text",
        skip_serializing_if = "is_default"
    )]
    pub organization: Option<String>,
    /// The algorithm of its key; by default the cluster's algorithm
    #[serde(skip_serializing_if = "is_default")]
    pub algorithm: Option<KeyAlgorithm>,
    /// The validity of its certificate; by default as in `defaults`
    #[serde(skip_serializing_if = "is_default")]
    pub validity: Option<Validity>,
    /// Omits alternative names, as kubeadm does: `san: none`.
    /// [`Identity::without_alternative_names`](crate::Identity::without_alternative_names) describes the consequences.
    #[serde(
        rename = "san",
        serialize_with = "values::write_none",
        deserialize_with = "values::read_none",
        skip_serializing_if = "is_default"
    )]
    pub without_alternative_names: bool,
}

pub(super) fn write_admin<S: Serializer>(
    admin: &Option<AdminSpec>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match admin {
        Some(admin) => admin.serialize(serializer),
        None => serializer.serialize_str("none"),
    }
}

/// Reads the fields of a client, or `none`.
pub(super) fn read_admin<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<AdminSpec>, D::Error> {
    struct NoneOrFields;

    impl<'de> Visitor<'de> for NoneOrFields {
        type Value = Option<AdminSpec>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(ADMIN)
        }

        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(Some(AdminSpec::default()))
        }

        fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
            if word == "none" {
                return Ok(None);
            }
            Err(custom(
                "the only word here is none",
                "admin: none leaves the client out that the layout's tools expect next to each member",
            ))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            AdminSpec::deserialize(MapAccessDeserializer::new(map)).map(Some)
        }
    }

    deserializer.deserialize_any(NoneOrFields)
}

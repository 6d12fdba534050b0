//! Choices in a specification that have more than two values or a meaning for `null`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::values::{word, write};
use crate::{
    error::{Error, Result as CoreResult},
    words,
};

/// Whether one CA signs for clients and peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Peers {
    /// One CA for clients and peers
    #[default]
    Shared,
    /// Peers have a separate CA, so a client's certificate is not accepted on the peer port
    Separate,
}

impl Peers {
    /// Both, the default first.
    pub const ALL: [Self; 2] = [Self::Shared, Self::Separate];

    /// The name, as it is written in a specification.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Separate => "separate",
        }
    }
}

impl fmt::Display for Peers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Peers {
    type Err = Error;

    fn from_str(text: &str) -> CoreResult<Self> {
        words::one_of(text, "word for peers", &Self::ALL, Self::name)
    }
}

impl Serialize for Peers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(self.name(), serializer)
    }
}

impl<'de> Deserialize<'de> for Peers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        word(deserializer, Self::from_str)
    }
}

/// A common name in a specification, in which `null` means none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CommonName {
    /// The usual one, derived from the name
    #[default]
    Usual,
    /// No common name
    Absent,
    /// This one
    Given(String),
}

impl Serialize for CommonName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Given(name) => write(name, serializer),
            Self::Usual | Self::Absent => serializer.serialize_none(),
        }
    }
}

impl<'de> Deserialize<'de> for CommonName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Option::deserialize(deserializer)?;
        Ok(name.map_or(Self::Absent, Self::Given))
    }
}

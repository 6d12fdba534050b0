//! Reads the values of a specification from text, and writes them.
//!
//! Text must be text, not a number or `true`: `key_mode: 0600` and `name: 1` are errors. `null` is
//! the same as a missing field.

use std::{fmt, marker::PhantomData, net::IpAddr, path::PathBuf, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};

use super::{RenewBefore, fault::Fault};
use crate::{
    error::Result as CoreResult,
    key::KeyAlgorithm,
    layout::Layout,
    role::Compatibility,
    time::validity::Validity,
    x509::{identity::AlternativeName, revocation_list::RevocationReason},
};

/// Separates reason and hint in the message of an error.
pub(super) const HINT: &str = "\nhint: ";

/// The required type of a value that is a keyword, a number with a unit, or a number.
pub(super) const WORD: &str = "text";

/// The required type of a port.
pub(super) const PORT: &str = "a port from 1 to 65535";

/// The required type of `admin`.
pub(super) const ADMIN: &str = "none or a mapping";

/// Whether a field has its default value and is therefore not written.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Reads a value; `null` is the default.
pub(super) fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

pub(super) fn custom<E: de::Error>(reason: &str, hint: &str) -> E {
    E::custom(format_args!("{reason}{HINT}{hint}"))
}

/// Parses text; the error has a reason and a hint.
pub(super) fn meaning<T, E: de::Error>(
    text: &str,
    parse: impl FnOnce(&str) -> CoreResult<T>,
) -> Result<T, E> {
    parse(text).map_err(|error| match Fault::from_error("", &error).into_words() {
        (reason, Some(hint)) => custom(&reason, &hint),
        (reason, None) => E::custom(reason),
    })
}

/// Reads a keyword. A number is passed on as text, because the parser of the keyword has the better
/// error.
struct Word<T, F>(F, PhantomData<T>);

impl<T, F: FnOnce(&str) -> CoreResult<T>> Visitor<'_> for Word<T, F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WORD)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        meaning(text, self.0)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        meaning(&number.to_string(), self.0)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        meaning(&number.to_string(), self.0)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        meaning(&number.to_string(), self.0)
    }
}

pub(super) fn word<'de, T, D: Deserializer<'de>>(
    deserializer: D,
    parse: impl FnOnce(&str) -> CoreResult<T>,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(Word(parse, PhantomData))
}

/// Implements Serde for keywords, durations and shares with `Display` and `FromStr`.
macro_rules! words {
    ($($value:ty: $name:expr),+ $(,)?) => {$(
        impl Serialize for $value {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let name: fn(&Self) -> String = $name;
                write(&name(self), serializer)
            }
        }

        impl<'de> Deserialize<'de> for $value {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                word(deserializer, Self::from_str)
            }
        }
    )+};
}

words!(
    Layout: Self::to_string,
    KeyAlgorithm: Self::to_string,
    Validity: Self::to_string,
    RenewBefore: Self::to_string,
    Compatibility: |value| value.name().to_owned(),
    RevocationReason: Self::to_string,
);

impl Serialize for AlternativeName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Uri(uri) => write(&format!("URI:{}", uri.as_str()), serializer),
            name => write(&name.to_string(), serializer),
        }
    }
}

impl<'de> Deserialize<'de> for AlternativeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        meaning(&String::deserialize(deserializer)?, Self::from_str)
    }
}

/// Writes text, in quotes if a YAML parser could read it as another type.
pub(super) fn write<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    #[cfg(feature = "yaml")]
    if !super::plain::is_plain(text) {
        return serde_saphyr::DoubleQuoted(text).serialize(serializer);
    }
    serializer.serialize_str(text)
}

pub(super) fn write_name<S: Serializer>(name: &str, serializer: S) -> Result<S::Ok, S::Error> {
    write(name, serializer)
}

pub(super) fn write_text<S: Serializer>(
    text: &Option<String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match text {
        Some(text) => write(text, serializer),
        None => serializer.serialize_none(),
    }
}

pub(super) fn write_path<S: Serializer>(
    path: &Option<PathBuf>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let text = path
        .as_ref()
        .map(|path| path.to_string_lossy().into_owned());
    write_text(&text, serializer)
}

/// Reads a user or group, by name or number.
pub(super) fn read_account<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    struct Account(String);

    impl<'de> Deserialize<'de> for Account {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            word(deserializer, |text| Ok(Self(text.to_owned())))
        }
    }

    Ok(Option::deserialize(deserializer)?.map(|Account(name)| name))
}

pub(super) fn write_addresses<S: Serializer>(
    addresses: &[IpAddr],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(addresses.iter().copied().map(AlternativeName::from))
}

pub(super) fn read_addresses<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<IpAddr>, D::Error> {
    struct Address(IpAddr);

    impl<'de> Deserialize<'de> for Address {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            match AlternativeName::deserialize(deserializer)? {
                AlternativeName::Ip(address) => Ok(Self(address)),
                other => Err(custom(
                    &format!("{other} is no address"),
                    "what is no IP address belongs in names",
                )),
            }
        }
    }

    let addresses: Vec<Address> = or_default(deserializer)?;
    Ok(addresses
        .into_iter()
        .map(|Address(address)| address)
        .collect())
}

/// Reads a port. Text of digits is a number too, since templates of Ansible give text.
pub(super) fn read_port<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u16>, D::Error> {
    struct Port(u16);

    struct Number;

    impl Visitor<'_> for Number {
        type Value = Port;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(PORT)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Port, E> {
            let is_number = text.bytes().all(|digit| digit.is_ascii_digit());
            let port = text.parse().ok().filter(|port| is_number && *port > 0);
            port.map(Port).ok_or_else(|| {
                let text = crate::text::excerpt(text);
                custom(
                    &format!("{text} is no port"),
                    "a port is a number from 1 to 65535, such as 2379",
                )
            })
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<Port, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<Port, E> {
            self.visit_str(&number.to_string())
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<Port, E> {
            self.visit_str(&number.to_string())
        }
    }

    impl<'de> Deserialize<'de> for Port {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(Number)
        }
    }

    Ok(Option::deserialize(deserializer)?.map(|Port(port)| port))
}

pub(super) fn write_mode<S: Serializer>(
    mode: &Option<u32>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    write_text(&mode.map(|mode| format!("{mode:04o}")), serializer)
}

/// The hint for a mode that is not in octal.
pub(super) const MODE: &str = "write it in quotes and octal, as chmod takes it: \"0600\"";

/// Reads a mode in octal. A number is an error, because its meaning differs: 0600 is 600 in YAML
/// 1.2 and 384 in YAML 1.1, and JSON has no such number.
pub(super) fn read_mode<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u32>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let mode = parse_mode(&text).map(Some);
    mode.ok_or_else(|| {
        let text = crate::text::quoted(&text);
        custom(&format!("{text} is no mode of a file"), MODE)
    })
}

/// Reads a mode as `chmod` does: `0600`, `600`, and `0o600`.
fn parse_mode(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let is_octal = digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    u32::from_str_radix(digits, 8).ok().filter(|_| is_octal)
}

/// Reads the only keyword of a field, which enables an option.
fn only<'de, D: Deserializer<'de>>(
    deserializer: D,
    word: &str,
    hint: &str,
) -> Result<bool, D::Error> {
    match Option::<String>::deserialize(deserializer)? {
        Some(text) if text != word => Err(custom(&format!("the only word here is {word}"), hint)),
        text => Ok(text.is_some()),
    }
}

pub(super) fn write_given<S: Serializer>(_: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("given")
}

/// Reads `san: given`.
pub(super) fn read_given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let hint = "san: given leaves out the names of hosts and loopback's where nobody gives them; names for all members \
                belong in shared_names";
    only(deserializer, "given", hint)
}

pub(super) fn write_none<S: Serializer>(_: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("none")
}

/// Reads `san: none`.
pub(super) fn read_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let hint = "names and addresses have fields of their own; san: none leaves out even 0.0.0.0";
    only(deserializer, "none", hint)
}

#[cfg(test)]
mod tests {
    use super::parse_mode;

    #[test]
    fn modes_as_text() {
        for (text, expected) in [("0600", 0o600), ("600", 0o600), ("0o640", 0o640)] {
            assert_eq!(parse_mode(text), Some(expected));
        }
        for bad in ["", "0o", "0680", "rw", "-600", "+600", "99999999999999"] {
            assert_eq!(parse_mode(bad), None, "{bad}");
        }
    }
}

//! How the values of a specification are read from text, and written.
//!
//! Text is text, and never a number or `true`: `key_mode: 0600` and `name: 1` are errors. `null` is
//! the same as a field that is missing.

use std::{marker::PhantomData, net::IpAddr, str::FromStr};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, Visitor},
};

use super::{
    RenewBefore,
    fault::Fault,
    spec::{AdminSpec, CommonName, Peers},
};
use crate::{
    error::{Error, Result as CoreResult},
    identity::AlternativeName,
    key::KeyAlgorithm,
    layout::Layout,
    role::Compatibility,
    validity::Validity,
};

/// What comes between reason and hint in the message of an error.
pub(super) const HINT: &str = "\nhint: ";

/// What comes between the type that is required and the one of the value.
pub(super) const WANTED: &str = " is wanted, and this is ";

/// Whether a field has its default, and so is not written.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Reads a value, or `null` as the default.
pub(super) fn or_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An error with the reason and the hint of one of this crate.
fn custom<E: de::Error>(error: &Error) -> E {
    let (reason, hint) = Fault::from_error("", error).into_words();
    match hint {
        Some(hint) => E::custom(format_args!("{reason}{HINT}{hint}")),
        None => E::custom(reason),
    }
}

fn custom_with_hint<E: de::Error>(reason: &str, hint: &str) -> E {
    E::custom(format_args!("{reason}{HINT}{hint}"))
}

/// An error for a value of another type. Serde's own does not have the position of the value.
pub(super) fn wrong_type<E: de::Error>(required: &str, is: &str) -> E {
    E::custom(format_args!("{required}{WANTED}{is}"))
}

/// The methods of a visitor for values of another type.
macro_rules! refuse {
    ($required:literal: $($is:ident),+) => {
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str($required)
        }

        $(refuse!(@ $required, $is);)+
    };
    (@ $required:literal, number) => {
        fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
            Err($crate::cluster::values::wrong_type($required, "a number"))
        }

        fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
            Err($crate::cluster::values::wrong_type($required, "a number"))
        }

        fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
            Err($crate::cluster::values::wrong_type($required, "a number"))
        }
    };
    (@ $required:literal, other) => {
        fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
            Err($crate::cluster::values::wrong_type($required, "true or false"))
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Err($crate::cluster::values::wrong_type($required, "nothing"))
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
            Err($crate::cluster::values::wrong_type($required, "a list"))
        }
    };
    (@ $required:literal, mapping) => {
        fn visit_map<A: serde::de::MapAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
            Err($crate::cluster::values::wrong_type($required, "a mapping"))
        }
    };
}

pub(super) use refuse;

/// Reads what a text means.
struct Text<T, F> {
    /// Numbers are passed on as text: whether one is an error is for the parser of the text
    accepts_numbers: bool,
    parse: F,
    value: PhantomData<T>,
}

impl<T, F: FnOnce(&str) -> CoreResult<T>> Text<T, F> {
    fn new(accepts_numbers: bool, parse: F) -> Self {
        Self {
            accepts_numbers,
            parse,
            value: PhantomData,
        }
    }

    fn number<E: de::Error>(self, number: impl ToString) -> Result<T, E> {
        if self.accepts_numbers {
            return self.text(&number.to_string());
        }
        Err(wrong_type("text", "a number"))
    }

    fn text<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(|error| custom(&error))
    }
}

impl<'de, T, F: FnOnce(&str) -> CoreResult<T>> Visitor<'de> for Text<T, F> {
    type Value = T;

    refuse!("text": other, mapping);

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        self.text(text)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.number(number)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        self.number(number)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        self.number(number)
    }
}

/// Text that is any text.
struct Plain(String);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text::new(false, |text| Ok(Self(text.to_owned()))))
    }
}

/// Text, or a number as text.
struct Account(String);

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text::new(true, |text| Ok(Self(text.to_owned()))))
    }
}

/// Words, durations and shares: what `Display` writes and `FromStr` reads.
macro_rules! as_text {
    ($($value:ty),+) => {$(
        impl Serialize for $value {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                write(&self.to_string(), serializer)
            }
        }

        impl<'de> Deserialize<'de> for $value {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Text::new(true, Self::from_str))
            }
        }
    )+};
}

as_text!(Layout, KeyAlgorithm, Validity, RenewBefore, Peers);

impl Serialize for Compatibility {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write(self.name(), serializer)
    }
}

impl<'de> Deserialize<'de> for Compatibility {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Text::new(true, Self::from_str))
    }
}

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
        deserializer.deserialize_any(Text::new(false, Self::from_str))
    }
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
        Ok(name.map_or(Self::Absent, |Plain(name)| Self::Given(name)))
    }
}

/// Writes text, in quotes where a YAML parser could take it for something else.
fn write<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    #[cfg(feature = "yaml")]
    if !super::yaml::is_plain(text) {
        return serde_saphyr::DoubleQuoted(text).serialize(serializer);
    }
    serializer.serialize_str(text)
}

/// A name.
pub(super) mod name {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(name: &str, serializer: S) -> Result<S::Ok, S::Error> {
        write(name, serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<String, D::Error> {
        let name = Option::deserialize(deserializer)?;
        Ok(name.map_or_else(String::new, |Plain(name)| name))
    }
}

/// Text that may be missing.
pub(super) mod text {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        text: &Option<String>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match text {
            Some(text) => write(text, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(|Plain(text)| text))
    }
}

/// A user or group by name or number.
pub(super) mod account {
    use super::*;

    pub(crate) use super::text::serialize;

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<String>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(|Account(name)| name))
    }
}

/// The path of a directory.
pub(super) mod path {
    use std::path::PathBuf;

    use super::*;

    pub(crate) fn serialize<S: Serializer>(
        path: &Option<PathBuf>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = path
            .as_ref()
            .map(|path| path.to_string_lossy().into_owned());
        text::serialize(&text, serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<PathBuf>, D::Error> {
        Ok(text::deserialize(deserializer)?.map(PathBuf::from))
    }
}

/// A list of addresses.
pub(super) mod addresses {
    use super::*;

    struct Address(IpAddr);

    impl<'de> Deserialize<'de> for Address {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            match AlternativeName::deserialize(deserializer)? {
                AlternativeName::Ip(address) => Ok(Self(address)),
                other => Err(custom_with_hint(
                    &format!("{other} is no address"),
                    "what is no IP address belongs in names",
                )),
            }
        }
    }

    pub(crate) fn serialize<S: Serializer>(
        addresses: &[IpAddr],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(addresses.iter().copied().map(AlternativeName::from))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<IpAddr>, D::Error> {
        let addresses: Vec<Address> = or_default(deserializer)?;
        Ok(addresses
            .into_iter()
            .map(|Address(address)| address)
            .collect())
    }
}

/// A mode in octal. A number is an error: 0600 is 600 to YAML 1.2, 384 to YAML 1.1, and JSON has no
/// such number.
pub(super) mod mode {
    use super::*;

    const EXAMPLE: &str = "write it in quotes and octal, as chmod takes it: \"0600\"";

    struct Mode(u32);

    struct Octal;

    impl Octal {
        fn number<E: de::Error>() -> E {
            custom_with_hint("a number can be read as octal or as decimal", EXAMPLE)
        }
    }

    impl<'de> Visitor<'de> for Octal {
        type Value = Mode;

        refuse!("text": other, mapping);

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Mode, E> {
            parse(text).map(Mode).ok_or_else(|| {
                let text = crate::text::quoted(text);
                custom_with_hint(&format!("{text} is no mode of a file"), EXAMPLE)
            })
        }

        fn visit_u64<E: de::Error>(self, _: u64) -> Result<Mode, E> {
            Err(Self::number())
        }

        fn visit_i64<E: de::Error>(self, _: i64) -> Result<Mode, E> {
            Err(Self::number())
        }

        fn visit_f64<E: de::Error>(self, _: f64) -> Result<Mode, E> {
            Err(Self::number())
        }
    }

    impl<'de> Deserialize<'de> for Mode {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(Octal)
        }
    }

    pub(crate) fn serialize<S: Serializer>(
        mode: &Option<u32>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        text::serialize(&mode.map(|mode| format!("{mode:04o}")), serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u32>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(|Mode(mode)| mode))
    }

    /// Reads a mode as `chmod` does: `0600`, `600`, and `0o600`.
    pub(super) fn parse(text: &str) -> Option<u32> {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        let is_octal = digits.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        u32::from_str_radix(digits, 8).ok().filter(|_| is_octal)
    }
}

/// The only word of a field, which turns it on.
fn only<'de, D: Deserializer<'de>>(
    deserializer: D,
    word: &str,
    hint: &str,
) -> Result<bool, D::Error> {
    match Option::deserialize(deserializer)? {
        None => Ok(false),
        Some(Plain(text)) if text == word => Ok(true),
        Some(_) => Err(custom_with_hint(
            &format!("the only word here is {word}"),
            hint,
        )),
    }
}

/// `san: given`.
pub(super) mod given {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(_: &bool, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("given")
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<bool, D::Error> {
        let hint = "san: given leaves out the names of hosts and loopback's where nobody gives them; names for all members \
                    belong in shared_names";
        only(deserializer, "given", hint)
    }
}

/// `san: none`.
pub(super) mod none {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(_: &bool, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("none")
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<bool, D::Error> {
        let hint =
            "names and addresses have fields of their own; san: none leaves out even 0.0.0.0";
        only(deserializer, "none", hint)
    }
}

/// The fields of a client, or `none`.
pub(super) mod admin {
    use serde::de::{MapAccess, value::MapAccessDeserializer};

    use super::*;

    struct Admin(Option<AdminSpec>);

    struct NoneOrFields;

    impl<'de> Visitor<'de> for NoneOrFields {
        type Value = Admin;

        refuse!("none or a mapping": number, other);

        fn visit_str<E: de::Error>(self, word: &str) -> Result<Admin, E> {
            if word == "none" {
                return Ok(Admin(None));
            }
            Err(custom_with_hint(
                "the only word here is none",
                "admin: none leaves the client out that the layout's tools expect next to each member",
            ))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Admin, A::Error> {
            AdminSpec::deserialize(MapAccessDeserializer::new(map)).map(|admin| Admin(Some(admin)))
        }
    }

    impl<'de> Deserialize<'de> for Admin {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(NoneOrFields)
        }
    }

    pub(crate) fn serialize<S: Serializer>(
        admin: &Option<AdminSpec>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match admin {
            Some(admin) => admin.serialize(serializer),
            None => serializer.serialize_str("none"),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<AdminSpec>, D::Error> {
        let admin: Option<Admin> = Option::deserialize(deserializer)?;
        Ok(admin.map_or_else(|| Some(AdminSpec::default()), |Admin(admin)| admin))
    }
}

#[cfg(test)]
mod tests {
    use super::mode;

    #[test]
    fn modes_as_text() {
        for (text, expected) in [("0600", 0o600), ("600", 0o600), ("0o640", 0o640)] {
            assert_eq!(mode::parse(text), Some(expected));
        }
        for bad in ["", "0o", "0680", "rw", "-600", "+600", "99999999999999"] {
            assert_eq!(mode::parse(bad), None, "{bad}");
        }
    }
}

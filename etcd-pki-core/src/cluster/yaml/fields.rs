//! Fields of a mapping, read one by one into what they mean.

use std::{collections::HashMap, str::FromStr};

use super::node::{NUMBER, Node, Scalar, TEXT, TRUTH, Value};
use crate::{
    cluster::fault::Fault,
    error::{Error, Result},
    text,
};

/// A value, and the way to it from the top.
pub(super) struct Slot<'a> {
    pub(super) node: &'a Node,
    pub(super) field: String,
}

/// The fields of a mapping, all of them known and each there once.
pub(super) struct Fields<'a> {
    field: String,
    values: HashMap<&'a str, &'a Node>,
}

impl<'a> Slot<'a> {
    pub(super) fn top(node: &'a Node) -> Self {
        Self {
            node,
            field: String::new(),
        }
    }

    /// Its fields, if it is a mapping of these.
    pub(super) fn fields(&self, known: &[&str]) -> Result<Fields<'a>> {
        let Value::Mapping(entries) = &self.node.value else {
            return Err(self.wrong_type("a mapping"));
        };
        let mut values = HashMap::with_capacity(entries.len());
        let mut lines = HashMap::with_capacity(entries.len());
        for (key, value) in entries.iter() {
            let slot = |name: &str| Self {
                node: key,
                field: join(&self.field, name),
            };
            let Value::Scalar(Scalar { text: name, .. }) = &key.value else {
                return Err(slot("").fail("a field's name is text"));
            };
            let name = name.as_str();
            if !known.contains(&name) {
                let fault = Fault::new(join(&self.field, name), "there is no such field");
                return Err(slot(name).at(fault.hint(nearest(name, known))));
            }
            if let Some(first) = lines.insert(name, key.position.line) {
                return Err(slot(name).fail(format!("it stands here twice, first on line {first}")));
            }
            values.insert(name, value);
        }
        Ok(Fields {
            field: self.field.clone(),
            values,
        })
    }

    /// Its items, if it is a list.
    pub(super) fn items(&self) -> Result<impl Iterator<Item = Self> + use<'a>> {
        let Value::Sequence(items) = &self.node.value else {
            return Err(self.wrong_type("a list"));
        };
        let field = self.field.clone();
        Ok(items.iter().enumerate().map(move |(index, node)| Self {
            node,
            field: format!("{field}[{index}]"),
        }))
    }

    /// Its text, if it is text and could be nothing else.
    pub(super) fn text(&self) -> Result<&'a str> {
        match &self.node.value {
            Value::Scalar(scalar) if scalar.kind() == TEXT => Ok(&scalar.text),
            _ => Err(self.wrong_type("text")),
        }
    }

    /// Its text, be it a number or not.
    pub(super) fn text_or_number(&self) -> Result<&'a str> {
        match &self.node.value {
            Value::Scalar(scalar) if [TEXT, NUMBER].contains(&scalar.kind()) => Ok(&scalar.text),
            _ => Err(self.wrong_type("text")),
        }
    }

    /// Whether it is true.
    pub(super) fn truth(&self) -> Result<bool> {
        match &self.node.value {
            Value::Scalar(scalar) if scalar.kind() == TRUTH => {
                Ok(scalar.text.eq_ignore_ascii_case("true"))
            }
            _ => Err(self.wrong_type("true or false")),
        }
    }

    /// What its text means. That a number is no word is for the reader of the word to say.
    pub(super) fn parse<T: FromStr<Err = Error>>(&self) -> Result<T> {
        let parsed = self.text_or_number()?.parse();
        parsed.map_err(|error| self.wrap(&error))
    }

    pub(super) fn fail(&self, reason: impl Into<String>) -> Error {
        self.at(Fault::new(&self.field, reason))
    }

    pub(super) fn fail_with(&self, reason: impl Into<String>, hint: impl Into<String>) -> Error {
        self.at(Fault::new(&self.field, reason).hint(hint))
    }

    /// What went wrong with this value.
    pub(super) fn wrap(&self, error: &Error) -> Error {
        match error {
            Error::Specification { reason, hint, .. } => Error::Specification {
                position: Some(self.node.position),
                field: self.field.clone(),
                reason: reason.clone(),
                hint: hint.clone(),
            },
            error => self.at(Fault::from_error(&self.field, error)),
        }
    }

    fn at(&self, fault: Fault) -> Error {
        fault.into_error(Some(self.node.position))
    }

    fn wrong_type(&self, wanted: &str) -> Error {
        let is = self.node.kind();
        let reason = format!("{wanted} is wanted, and this is {is}");
        match &self.node.value {
            Value::Scalar(scalar) if wanted == "text" => self.fail_with(
                reason,
                format!("in quotes it is text: \"{}\"", text::excerpt(&scalar.text)),
            ),
            Value::Scalar(scalar) if wanted == "a list" => self.fail_with(
                reason,
                format!("a list of one is [{}]", text::excerpt(&scalar.text)),
            ),
            _ => self.fail(reason),
        }
    }
}

impl<'a> Fields<'a> {
    /// The value of a field, if it has one.
    pub(super) fn get(&self, name: &str) -> Option<Slot<'a>> {
        self.get_or_null(name).filter(|slot| !slot.node.is_null())
    }

    /// The value of a field, if it is there, even if the value is nothing.
    pub(super) fn get_or_null(&self, name: &str) -> Option<Slot<'a>> {
        self.values.get(name).map(|node| Slot {
            node,
            field: join(&self.field, name),
        })
    }

    /// What the value of a field means, if it has one.
    pub(super) fn parse<T: FromStr<Err = Error>>(&self, name: &str) -> Result<Option<T>> {
        self.get(name).map(|slot| slot.parse()).transpose()
    }

    /// The items of a field; none if it is not there.
    pub(super) fn items(&self, name: &str) -> Result<Vec<Slot<'a>>> {
        match self.get(name) {
            Some(slot) => Ok(slot.items()?.collect()),
            None => Ok(Vec::new()),
        }
    }
}

fn join(field: &str, name: &str) -> String {
    match (field, name) {
        ("", name) => name.to_owned(),
        (field, "") => field.to_owned(),
        (field, name) => format!("{field}.{name}"),
    }
}

/// The field that was meant, or all that there are.
fn nearest(name: &str, known: &[&str]) -> String {
    // The distance takes work by the product of both lengths
    let is_short = name.len() <= 100;
    let by_distance = known
        .iter()
        .filter(|_| is_short)
        .map(|known| (distance(name, known), known));
    match by_distance.min() {
        Some((distance, known)) if distance <= 1 + name.chars().count() / 4 => {
            format!("did you mean {known}?")
        }
        _ => format!("the fields here are {}", known.join(", ")),
    }
}

/// How many letters to insert, to leave out or to change (Levenshtein), with case and `-` for `_` free.
fn distance(one: &str, other: &str) -> usize {
    let folded = |text: &str| {
        text.to_lowercase()
            .replace('-', "_")
            .chars()
            .collect::<Vec<_>>()
    };
    let (one, other) = (folded(one), folded(other));
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (above, letter) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (column, known) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != known);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_field_that_was_meant() {
        let known = [
            "name",
            "names",
            "addresses",
            "common_name",
            "organization",
            "validity",
        ];
        for (name, expected) in [
            ("adresses", "did you mean addresses?"),
            ("Common-Name", "did you mean common_name?"),
            ("organisation", "did you mean organization?"),
            ("Name", "did you mean name?"),
            ("validty", "did you mean validity?"),
        ] {
            assert_eq!(nearest(name, &known), expected);
        }
        assert!(nearest("sans", &known).starts_with("the fields here are name, names"));
    }
}

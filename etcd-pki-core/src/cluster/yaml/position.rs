//! Finds the position of a field in YAML, and the field at a position. Used only after an error.

use serde_saphyr::granit_parser::{Event, Marker, Parser, ScalarStyle};

use crate::error::Position;

/// A value of a specification.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// The path, such as `members[1].addresses`
    pub(super) field: String,
    /// The position of the field's name, for a value of a mapping
    pub(super) name: Option<Position>,
    /// The position at which the value begins
    pub(super) value: Position,
    pub(super) kind: Kind,
}

impl Place {
    /// Whether the field is the mode of a file.
    pub(super) fn is_mode(&self) -> bool {
        self.field.ends_with("_mode")
    }
}

/// The type of a value.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// The text, and whether it is unquoted
    Scalar(String, bool),
    List,
    Mapping,
}

/// The value of a field, or of the nearest existing field above it.
pub(super) fn of_field(text: &str, field: &str) -> Option<Place> {
    let mut nearest: Option<Place> = None;
    visit(text, |path, name, value, kind| {
        let is_above = field
            .strip_prefix(path)
            .is_some_and(|rest| path.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']));
        // If a field occurs twice, the second one is the error
        if is_above
            && nearest
                .as_ref()
                .is_none_or(|near| near.field.len() < path.len())
        {
            nearest = Some(place(path, name, value, kind));
        }
        nearest.as_ref().is_none_or(|near| near.field != field)
    });
    nearest
}

/// The value that begins at a position.
pub(super) fn of_value(text: &str, at: Position) -> Option<Place> {
    find(text, |_, value| value == at)
}

/// The field with its name at a position.
pub(super) fn of_name(text: &str, at: Position) -> Option<Place> {
    find(text, |name, _| name == Some(at))
}

fn find(text: &str, matches: impl Fn(Option<Position>, Position) -> bool) -> Option<Place> {
    let mut found = None;
    visit(text, |path, name, value, kind| {
        if matches(name, value) {
            found = Some(place(path, name, value, kind));
        }
        found.is_none()
    });
    found
}

fn place(path: &str, name: Option<Position>, value: Position, kind: &Event<'_>) -> Place {
    Place {
        field: path.to_owned(),
        name,
        value,
        kind: match kind {
            Event::SequenceStart(..) => Kind::List,
            Event::MappingStart(..) => Kind::Mapping,
            Event::Scalar(text, style, ..) => {
                Kind::Scalar(text.to_string(), *style == ScalarStyle::Plain)
            }
            _ => Kind::Scalar(String::new(), true),
        },
    }
}

/// A collection that the parser is in.
struct Level {
    /// The length of the path to it
    path: usize,
    /// The length of the path to its last name or item
    item: usize,
    /// The index of the next item in a list
    index: Option<usize>,
    /// The position of the next value's name in a mapping
    name: Option<Position>,
}

/// Calls `visit` with the path, the position of the name, the position and the event of each value,
/// until it returns false.
fn visit(text: &str, mut visit: impl FnMut(&str, Option<Position>, Position, &Event<'_>) -> bool) {
    let mut path = String::new();
    let mut levels: Vec<Level> = Vec::new();
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { return };
        let is_list = match &event {
            Event::SequenceEnd | Event::MappingEnd => {
                levels.pop();
                continue;
            }
            Event::SequenceStart(..) => Some(true),
            Event::MappingStart(..) => Some(false),
            Event::Scalar(..) | Event::Alias(_) => None,
            _ => continue,
        };
        let position = position(span.start);
        let mut name = None;
        if let Some(level) = levels.last_mut() {
            if let Some(index) = &mut level.index {
                path.truncate(level.path);
                path.push_str(&format!("[{index}]"));
                *index += 1;
            } else if level.name.is_none() {
                path.truncate(level.path);
                if let Event::Scalar(text, ..) = &event {
                    path.push_str(if path.is_empty() { "" } else { "." });
                    path.push_str(text);
                }
                level.name = Some(position);
                level.item = path.len();
                if is_list.is_none() {
                    continue;
                }
            } else {
                path.truncate(level.item);
                name = level.name.take();
            }
        }
        if !visit(&path, name, position, &event) {
            return;
        }
        if let Some(is_list) = is_list {
            levels.push(Level {
                path: path.len(),
                item: path.len(),
                index: is_list.then_some(0),
                name: None,
            });
        }
    }
}

fn position(marker: Marker) -> Position {
    Position {
        line: marker.line(),
        column: marker.col() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a: &f 1\r\nb:\n  - c: {d: [x, y]}\n    e: *f\n? [k]\n: v\n";

    #[test]
    fn fields_and_their_places() {
        let at = |field| {
            let place = of_field(TEXT, field).unwrap();
            (place.field, place.value.line, place.value.column)
        };
        assert_eq!(at(""), (String::new(), 1, 1));
        assert_eq!(at("a"), ("a".to_owned(), 1, 7));
        assert_eq!(at("b[0].c.d[1]"), ("b[0].c.d[1]".to_owned(), 3, 16));
        assert_eq!(at("b[0].e"), ("b[0].e".to_owned(), 4, 8));
        // The nearest existing field above
        assert_eq!(at("b[0].name"), ("b[0]".to_owned(), 3, 5));
        assert_eq!(at("bb"), (String::new(), 1, 1));
    }

    #[test]
    fn places_and_their_fields() {
        let at = |line, column| Position { line, column };
        let field = |place: Option<Place>| place.map(|place| place.field);
        assert_eq!(
            field(of_value(TEXT, at(3, 13))).as_deref(),
            Some("b[0].c.d[0]")
        );
        assert_eq!(field(of_name(TEXT, at(3, 5))).as_deref(), Some("b[0].c"));
        assert_eq!(field(of_value(TEXT, at(3, 5))).as_deref(), Some("b[0]"));
        assert_eq!(field(of_value(TEXT, at(9, 9))), None);
    }
}

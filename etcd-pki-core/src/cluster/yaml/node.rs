//! YAML as a tree in which each value knows its position.

use std::{collections::HashMap, rc::Rc};

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, Tag};

use crate::{
    cluster::fault::Fault,
    error::{Position, Result},
    limits, text,
};

/// A value and where it begins.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) position: Position,
    pub(super) value: Value,
}

/// What is below a value is shared by the aliases that stand for it.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Scalar(Scalar),
    Sequence(Rc<[Node]>),
    Mapping(Rc<[(Node, Node)]>),
}

/// Text, and whether it is text alone: what is not quoted may be a number.
#[derive(Clone, Debug)]
pub(super) struct Scalar {
    pub(super) text: String,
    quoted: bool,
}

impl Node {
    /// Reads the one document of a text.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let options = granit_parser::options! {
            flow_nesting_limit: limits::YAML_NESTING,
            block_nesting_limit: limits::YAML_NESTING,
        };
        let mut composer = Composer {
            events: Parser::new_from_str_with_options(text, options),
            anchors: HashMap::new(),
            values: 0,
            aliased: 0,
        };
        let mut document = None;
        while let Some((event, span)) = composer.next()? {
            match event {
                Event::StreamStart
                | Event::DocumentStart(..)
                | Event::DocumentEnd
                | Event::StreamEnd => {}
                _ if document.is_some() => {
                    return fail(
                        span.start,
                        "a second document begins, and one is a specification",
                    );
                }
                event => document = Some(composer.node(event, span)?),
            }
        }
        let empty = Fault::new("", "the specification is empty");
        let document = document.filter(|document| !document.is_null());
        document.ok_or_else(|| empty.into())
    }

    /// Whether it is nothing, as after `common_name:`.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar(scalar) if scalar.kind() == NOTHING)
    }

    /// What it is, in words.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(scalar) => scalar.kind(),
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }

    /// How many values it is made of.
    fn size(&self) -> usize {
        1 + match &self.value {
            Value::Scalar(_) => 0,
            Value::Sequence(items) => items.iter().map(Self::size).sum(),
            Value::Mapping(fields) => fields
                .iter()
                .map(|(key, value)| key.size() + value.size())
                .sum(),
        }
    }
}

pub(super) const NOTHING: &str = "nothing";
pub(super) const TEXT: &str = "text";
pub(super) const NUMBER: &str = "a number";
pub(super) const TRUTH: &str = "true or false";

impl Scalar {
    /// What it is under the core schema (YAML 1.2.2, section 10.3.2).
    pub(super) fn kind(&self) -> &'static str {
        if self.quoted {
            return TEXT;
        }
        match self.text.as_str() {
            "" | "~" | "null" | "Null" | "NULL" => NOTHING,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => TRUTH,
            text if is_number(text) => NUMBER,
            _ => TEXT,
        }
    }
}

/// Whether this is text without quotes.
pub(super) fn is_text(text: &str) -> bool {
    let scalar = Scalar {
        text: text.to_owned(),
        quoted: false,
    };
    scalar.kind() == TEXT
}

fn is_number(text: &str) -> bool {
    let digits =
        |text: &str, radix| !text.is_empty() && text.chars().all(|digit| digit.is_digit(radix));
    if let Some(octal) = text.strip_prefix("0o") {
        return digits(octal, 8);
    }
    if let Some(hexadecimal) = text.strip_prefix("0x") {
        return digits(hexadecimal, 16);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if [".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN"].contains(&unsigned) {
        return true;
    }
    unsigned.starts_with(|first: char| first == '.' || first.is_ascii_digit())
        && unsigned.parse::<f64>().is_ok()
}

/// Puts events together.
struct Composer<I> {
    events: I,
    anchors: HashMap<usize, Node>,
    /// The values that were read
    values: usize,
    /// The values for which aliases stand
    aliased: usize,
}

impl<'a, I: Iterator<Item = std::result::Result<(Event<'a>, Span), ScanError>>> Composer<I> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>> {
        match self.events.next() {
            None => Ok(None),
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(error)) => fail(
                *error.marker(),
                format!("this is not YAML: {}", error.info()),
            ),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node> {
        self.values += 1;
        if self.values > limits::YAML_VALUES {
            let reason = format!("it has more than {} values", limits::YAML_VALUES);
            return fail(span.start, reason);
        }
        let text_tag = check_tag(event.tag(), span.start)?;
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let text = text.into_owned();
                let quoted = text_tag || style != ScalarStyle::Plain;
                (Value::Scalar(Scalar { text, quoted }), anchor)
            }
            Event::SequenceStart(_, anchor, _) => (Value::Sequence(self.sequence()?), anchor),
            Event::MappingStart(_, anchor, _) => (Value::Mapping(self.mapping()?), anchor),
            Event::Alias(anchor) => (self.alias(anchor, span.start)?, 0),
            _ => return fail(span.start, "a value is wanted here"),
        };
        let node = Node {
            position: position(span.start),
            value,
        };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn sequence(&mut self) -> Result<Rc<[Node]>> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::SequenceEnd) {
                break;
            }
            items.push(self.node(event, span)?);
        }
        Ok(items.into())
    }

    fn mapping(&mut self) -> Result<Rc<[(Node, Node)]>> {
        let mut fields = Vec::new();
        while let Some((event, span)) = self.next()? {
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.node(event, span)?;
            let Some((event, span)) = self.next()? else {
                break;
            };
            fields.push((key, self.node(event, span)?));
        }
        Ok(fields.into())
    }

    fn alias(&mut self, anchor: usize, at: Marker) -> Result<Value> {
        let Some(node) = self.anchors.get(&anchor) else {
            return fail(at, "an alias stands inside of what it stands for");
        };
        self.aliased = self.aliased.saturating_add(node.size());
        if self.aliased > limits::YAML_ALIASED {
            let reason = format!(
                "aliases stand for more than {} values",
                limits::YAML_ALIASED
            );
            return fail(at, reason);
        }
        Ok(node.value.clone())
    }
}

/// Whether a tag says that a scalar is text; what else it may say is not looked at, unless it is no tag of YAML's own.
fn check_tag(tag: Option<&Tag>, at: Marker) -> Result<bool> {
    match tag {
        None => Ok(false),
        Some(tag) if tag.is_yaml_core_schema() => Ok(tag.is_yaml_core_schema_tag("str")),
        Some(tag) => fail(
            at,
            format!(
                "the tag {} means nothing here",
                text::excerpt(&tag.original())
            ),
        ),
    }
}

fn position(marker: Marker) -> Position {
    Position {
        line: marker.line(),
        column: marker.col() + 1,
    }
}

fn fail<T>(at: Marker, reason: impl Into<String>) -> Result<T> {
    Err(Fault::new("", reason).into_error(Some(position(at))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> &'static str {
        Node::parse(&format!("[{text}]")).map_or("an error", |node| match &node.value {
            Value::Sequence(items) => items[0].kind(),
            _ => "no list",
        })
    }

    #[test]
    fn what_is_not_quoted_may_be_a_number() {
        for text in [
            "0600", "384", "-1", "1.5", "1e3", "0x1F", "0o600", ".5", ".inf",
        ] {
            assert_eq!(kind(text), NUMBER, "{text}");
        }
        for text in [
            "\"0600\"", "'1'", "!!str 1", "10.0.0.1", "90d", "33%", "1y", "yes", "inf", "nan", "e3",
        ] {
            assert_eq!(kind(text), TEXT, "{text}");
        }
        assert_eq!(kind("~"), NOTHING);
        assert_eq!(kind("true"), TRUTH);
        assert_eq!(kind("!own x"), "an error");
    }

    #[test]
    fn positions_are_counted_from_one() {
        let error = Node::parse("a: b\r\nc: [d\n").unwrap_err();
        assert!(error.to_string().contains("line 2, column 4"), "{error}");
        let node = Node::parse("\u{feff}a:\n  - b\n").unwrap();
        let Value::Mapping(fields) = &node.value else {
            unreachable!()
        };
        let Value::Sequence(items) = &fields[0].1.value else {
            unreachable!()
        };
        assert_eq!(items[0].position, Position { line: 2, column: 5 });
    }

    #[test]
    fn aliases_copy_within_reason() {
        assert!(Node::parse("a: &a [b]\nc: *a\n").is_ok());
        assert!(Node::parse("a: &a [*a]\n").is_err());
        assert!(Node::parse("a: *b\n").is_err());
        let mut bomb = "a0: &a0 [x, x]\n".to_owned();
        for level in 1..40 {
            let below = level - 1;
            bomb += &format!("a{level}: &a{level} [*a{below}, *a{below}]\n");
        }
        let error = Node::parse(&bomb).unwrap_err();
        assert!(error.to_string().contains("aliases"), "{error}");
        let mut chain = "a0: &a0 [x]\n".to_owned();
        for level in 1..100_000 {
            chain += &format!("a{level}: &a{level} [*a{}]\n", level - 1);
        }
        assert!(Node::parse(&chain).is_err());
    }

    #[test]
    fn a_million_values_and_no_more() {
        // The list is a value too
        let list = |values: usize| format!("[{}b]", "b,".repeat(values - 2));
        assert!(Node::parse(&list(limits::YAML_VALUES)).is_ok());
        for values in [limits::YAML_VALUES + 1, 8 * limits::YAML_VALUES] {
            let error = Node::parse(&list(values)).unwrap_err().to_string();
            assert!(
                error.ends_with("it has more than 1000000 values"),
                "{error}"
            );
        }
    }

    #[test]
    fn anchors_share_what_they_hold() {
        let anchors: String = (0..30).map(|level| format!("&n{level} [")).collect();
        let text = format!("{anchors}{}b{}", "b,".repeat(10), "]".repeat(30));
        let mut node = Node::parse(&text).unwrap();
        for level in 0..30 {
            let Value::Sequence(items) = node.value else {
                panic!("no list at level {level}");
            };
            // The anchors are gone with the composer, so a copy would be nobody's
            assert_eq!(Rc::strong_count(&items), 1);
            node = items[0].clone();
            drop(items);
        }
        let mut composer = Composer {
            events: std::iter::empty(),
            anchors: HashMap::new(),
            values: 0,
            aliased: 0,
        };
        let list: Rc<[Node]> = vec![node.clone(), node].into();
        let position = Position { line: 1, column: 1 };
        let value = Value::Sequence(Rc::clone(&list));
        composer.anchors.insert(1, Node { position, value });
        let alias = composer.alias(1, Marker::default()).unwrap();
        assert!(matches!(alias, Value::Sequence(items) if Rc::ptr_eq(&items, &list)));
    }

    #[test]
    fn one_document_that_says_something() {
        for bad in [
            "",
            "# nothing\n",
            "---\n",
            "a: 1\n---\nb: 2\n",
            &"[".repeat(10_000),
        ] {
            assert!(Node::parse(bad).is_err(), "{bad:.20}");
        }
        assert!(Node::parse("---\na: 1\n...\n").is_ok());
    }
}

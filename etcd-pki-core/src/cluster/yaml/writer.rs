//! Lines of YAML in block style.

use super::scalar::scalar;
use crate::identity::AlternativeName;

/// Lines in block style.
#[derive(Default)]
pub(super) struct Writer {
    text: String,
    indent: usize,
    /// Whether the next line is the first of an item
    begins_item: bool,
}

impl Writer {
    pub(super) fn line(&mut self, line: &str) {
        let indent = if self.begins_item {
            self.begins_item = false;
            format!("{}- ", "  ".repeat(self.indent - 1))
        } else {
            "  ".repeat(self.indent)
        };
        self.text.push_str(&indent);
        self.text.push_str(line);
        self.text.push('\n');
    }

    pub(super) fn field(&mut self, name: &str, text: &str) {
        self.line(&format!("{name}: {}", scalar(text)));
    }

    pub(super) fn said(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.field(name, &value.to_string());
        }
    }

    /// The fields below a name; nothing if there are none.
    pub(super) fn mapping(&mut self, name: &str, fields: impl FnOnce(&mut Self)) {
        let before = self.text.len();
        self.line(&format!("{name}:"));
        let begun = self.text.len();
        self.indent += 1;
        fields(self);
        self.indent -= 1;
        if self.text.len() == begun {
            self.text.truncate(before);
        }
    }

    pub(super) fn names(&mut self, name: &str, names: &[AlternativeName]) {
        self.mapping(name, |yaml| {
            for name in names {
                let text = match name {
                    AlternativeName::Uri(uri) => format!("URI:{}", uri.as_str()),
                    name => name.to_string(),
                };
                yaml.line(&format!("- {}", scalar(&text)));
            }
        });
    }

    /// One of a list that is a scalar, as it is written.
    pub(super) fn item(&mut self, scalar: &str) {
        self.indent += 1;
        self.line(&format!("- {scalar}"));
        self.indent -= 1;
    }

    /// One of a list that has fields.
    pub(super) fn item_of_fields(&mut self, fields: impl FnOnce(&mut Self)) {
        self.indent += 2;
        self.begins_item = true;
        fields(self);
        self.indent -= 2;
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

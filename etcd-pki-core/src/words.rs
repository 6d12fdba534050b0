//! Looks up names in closed lists: roles, algorithms, layouts.

use crate::error::{Error, Result};

/// The value with this name; the error lists all names.
pub(crate) fn one_of<T: Copy>(
    text: &str,
    what: &'static str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T> {
    let found = all.iter().find(|value| name(**value) == text);
    found.copied().ok_or_else(|| Error::InvalidChoice {
        what,
        text: text.to_owned(),
        choices: all.iter().map(|value| name(*value)).collect(),
    })
}

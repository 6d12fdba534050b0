//! Writes bytes as hexadecimal digits.

use std::fmt::Write as _;

/// Writes upper-case digits without separators.
pub(crate) fn upper(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String cannot fail
            let _ = write!(text, "{byte:02X}");
            text
        })
}

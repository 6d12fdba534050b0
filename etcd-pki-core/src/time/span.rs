//! A time, or a share of a certificate's life.

use std::{fmt, time::Duration};

use crate::time::clock;

/// A time, or a share of a certificate's life, as users write it: `30d`, `12h`, `25%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    Lasting(Duration),
    Percent(u8),
}

impl Span {
    /// Parses text. The error is the expected form.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        match text.strip_suffix('%') {
            Some(number) => number
                .parse()
                .map(Self::Percent)
                .map_err(|_| "no whole number of per cent"),
            None => clock::parse_duration(text)
                .map(Self::Lasting)
                .ok_or("neither a number with a unit nor per cent"),
        }
    }

    /// The duration for a certificate with this life.
    pub(crate) fn of_life(self, life: Duration) -> Duration {
        match self {
            Self::Lasting(duration) => duration,
            Self::Percent(percent) => life / 100 * u32::from(percent),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Lasting(duration) => {
                let seconds = duration.as_secs();
                let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
                let (size, unit) = units
                    .into_iter()
                    .find(|(size, _)| seconds.is_multiple_of(*size))
                    .unwrap_or((1, "s"));
                write!(f, "{}{unit}", seconds / size)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text() {
        for (text, shown) in [
            ("30d", "30d"),
            ("36h", "36h"),
            ("2w", "14d"),
            ("90m", "90m"),
            ("45s", "45s"),
            ("0%", "0%"),
            ("100%", "100%"),
        ] {
            assert_eq!(
                Span::parse(text).map(|span| span.to_string()),
                Ok(shown.to_owned())
            );
        }
        for bad in [
            "",
            "30",
            "-1d",
            "1.5%",
            "%",
            "-1%",
            "300%",
            "soon",
            "2027-01-31T12:00:00Z",
        ] {
            assert!(Span::parse(bad).is_err(), "{bad}");
        }
    }
}

//! Defines how long a certificate is valid.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

use crate::{
    error::{Error, Result},
    time::clock,
};

/// The validity of a certificate: a duration from now on, or until a given time.
///
/// A year is 365 days, as is usual for certificates. Text is `90d`, `12h`, `2w`, `10y` or an RFC
/// 3339 time:
///
/// ```
/// use etcd_pki_core::Validity;
///
/// assert_eq!("1y".parse::<Validity>()?, Validity::days(365));
/// assert!("2030-01-01T00:00:00+01:00".parse::<Validity>().is_ok());
/// assert!("next week".parse::<Validity>().is_err());
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity(Inner);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inner {
    Lasting(Duration),
    Until(SystemTime),
}

impl Validity {
    /// A validity of this number of days of 24 hours.
    #[must_use]
    pub const fn days(days: u32) -> Self {
        Self(Inner::Lasting(Duration::from_secs(days as u64 * 86_400)))
    }

    /// A validity of this duration, from now on.
    #[must_use]
    pub const fn lasting(duration: Duration) -> Self {
        Self(Inner::Lasting(duration))
    }

    /// A validity until this time, including that second.
    #[must_use]
    pub const fn until(instant: SystemTime) -> Self {
        Self(Inner::Until(instant))
    }

    /// A validity of this number of years of 365 days.
    #[must_use]
    pub const fn years(years: u32) -> Self {
        Self(Inner::Lasting(Duration::from_secs(
            years as u64 * 365 * 86_400,
        )))
    }

    /// The time of expiry, if the validity begins now.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidValidity`] for an expiry that is not after now, or after the year 9999, the last
    /// that X.509 can represent (RFC 5280, section 4.1.2.5).
    pub fn end(self, now: SystemTime) -> Result<SystemTime> {
        let beyond = || Error::InvalidValidity {
            reason: "the validity ends past the year 9999, the last that a certificate can hold"
                .to_owned(),
        };
        let end = match self.0 {
            Inner::Lasting(duration) => now.checked_add(duration).ok_or_else(beyond)?,
            Inner::Until(instant) => instant,
        };
        let end = clock::whole_seconds(end);
        if end > clock::end_of_time() {
            return Err(beyond());
        }
        if end <= now {
            return Err(Error::InvalidValidity {
                reason: format!(
                    "the validity would end on {}, which is not after now",
                    clock::rfc3339(end)
                ),
            });
        }
        Ok(end)
    }
}

impl Validity {
    /// The duration; `None` for a validity until a given time.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidValidity`] for a validity that no certificate can have at any time: even at the
    /// earliest time of a correct clock, it would end after the year 9999 or before it begins.
    pub(crate) fn checked_duration(self) -> Result<Option<Duration>> {
        match self.0 {
            Inner::Until(end) if end <= clock::earliest() => Err(Error::InvalidValidity {
                reason: format!(
                    "the validity would end on {}, before any certificate begins",
                    clock::rfc3339(end)
                ),
            }),
            Inner::Until(_) => self.end(clock::earliest()).map(|_| None),
            Inner::Lasting(duration) => self.end(clock::earliest()).map(|_| Some(duration)),
        }
    }
}

impl fmt::Display for Validity {
    /// Writes the form that is read: `10y`, `90d`, `12h`, or a time
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Inner::Lasting(duration) => f.write_str(&clock::duration_in_words(duration)),
            Inner::Until(instant) => f.write_str(&clock::rfc3339(instant)),
        }
    }
}

impl FromStr for Validity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = |reason: &str| Error::InvalidDuration {
            text: text.to_owned(),
            reason: reason.to_owned(),
        };
        if let Some(duration) = clock::parse_duration(text) {
            if duration.is_zero() {
                return Err(invalid("it is zero"));
            }
            return Ok(Self::lasting(duration));
        }
        if text.starts_with('-') {
            return Err(invalid("it is negative"));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
            return Err(invalid("it has no unit"));
        }
        clock::parse_rfc3339(text)
            .map(Self::until)
            .ok_or_else(|| invalid("neither a number with a unit nor RFC 3339"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn ends_are_in_whole_seconds_and_in_the_future() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000);
        let half = Validity::lasting(Duration::from_millis(1_500));
        assert_eq!(half.end(now).unwrap(), now + Duration::from_secs(1));
        assert!(Validity::until(now).end(now).is_err());
        assert!(Validity::until(UNIX_EPOCH).end(now).is_err());
    }

    #[test]
    fn the_year_9999_is_the_last() {
        let now = clock::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
        assert!(Validity::years(7_900).end(now).is_ok());
        assert!(Validity::years(8_000).end(now).is_err());
        assert!(Validity::lasting(Duration::MAX).end(now).is_err());
    }

    #[test]
    fn text() {
        for good in ["90d", "12h", "10y", "45s", "2027-01-31T12:00:00Z"] {
            assert_eq!(good.parse::<Validity>().unwrap().to_string(), good);
        }
        assert_eq!("2w".parse::<Validity>().unwrap().to_string(), "14d");
        for bad in [
            "",
            "d",
            "90",
            "-1d",
            "0d",
            "1.5d",
            "90 d",
            "9999999999999999999y",
            "2027-13-01T00:00:00Z",
            "2027-01-31",
        ] {
            assert!(bad.parse::<Validity>().is_err(), "{bad}");
        }
    }
}

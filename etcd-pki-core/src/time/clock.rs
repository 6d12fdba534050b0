//! Reads the clock, and converts times to and from text.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use der::DateTime;
use jiff::Timestamp;

use crate::error::{Error, Result};

/// 2020-01-01T00:00:00Z: etcd-pki did not exist before. A machine without a battery for its clock
/// starts in 1970 or at the date of its firmware.
const EARLIEST: u64 = 1_577_836_800;

/// The current time in whole seconds, because certificates have no fractions of a second.
pub(crate) fn now() -> SystemTime {
    whole_seconds(SystemTime::now())
}

/// Refuses the time of this machine's clock if it is impossible. A certificate issued at such a
/// time would be expired, or not valid yet.
///
/// # Errors
///
/// [`Error::Clock`].
pub fn check_clock() -> Result<()> {
    check_reading(now())
}

/// The time of this machine's clock if it is impossible.
pub(crate) fn wrong_reading() -> Option<SystemTime> {
    let now = now();
    is_too_early(now).then_some(now)
}

fn check_reading(now: SystemTime) -> Result<()> {
    if is_too_early(now) {
        return Err(Error::Clock { now });
    }
    Ok(())
}

/// Refuses a validity that begins at an impossible time, if the clock of this machine is wrong. If
/// the clock is right, the caller chose that time deliberately.
pub(crate) fn check_beginning(begin: SystemTime) -> Result<()> {
    if is_too_early(begin) {
        return check_clock();
    }
    Ok(())
}

fn is_too_early(instant: SystemTime) -> bool {
    instant < earliest()
}

/// The earliest time that a correct clock can show.
pub(crate) fn earliest() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(EARLIEST)
}

/// The time without its fraction of a second.
pub(crate) fn whole_seconds(instant: SystemTime) -> SystemTime {
    match instant.duration_since(UNIX_EPOCH) {
        Ok(since) => UNIX_EPOCH + Duration::from_secs(since.as_secs()),
        Err(before) => UNIX_EPOCH - Duration::from_secs(before.duration().as_secs()),
    }
}

/// Formats a time as RFC 3339 in UTC, to the second: `2027-01-31T12:00:00Z`.
///
/// Certificates contain no time before the year -9999 or after 9999. Such a time is written as the
/// nearest one in this range.
#[must_use]
pub fn rfc3339(instant: SystemTime) -> String {
    let instant = whole_seconds(instant).min(end_of_time());
    // jiff's times end a day before the year 10000, because of time zones; those of `der` start in
    // 1970
    match DateTime::from_system_time(instant) {
        Ok(date) => date.to_string(),
        Err(_) => format!(
            "{:.0}",
            Timestamp::try_from(instant).unwrap_or(Timestamp::MIN)
        ),
    }
}

/// Reads an RFC 3339 time with any offset, to the second: `2027-01-31T12:00:00+01:00`. `None` for
/// other text.
#[must_use]
pub fn parse_rfc3339(text: &str) -> Option<SystemTime> {
    if let Ok(date) = text.parse::<DateTime>() {
        return Some(date.to_system_time());
    }
    let timestamp: Timestamp = text.parse().ok()?;
    let seconds = Duration::from_secs(timestamp.as_second().unsigned_abs());
    Some(if timestamp.as_second() < 0 {
        UNIX_EPOCH - seconds
    } else {
        UNIX_EPOCH + seconds
    })
}

/// The last second that a certificate can contain: 9999-12-31T23:59:59Z (RFC 5280, section
/// 4.1.2.5).
pub(crate) fn end_of_time() -> SystemTime {
    // `Timestamp::MAX` is a day earlier, because of time zones
    UNIX_EPOCH + Duration::from_secs(253_402_300_799)
}

/// Writes a duration of whole seconds in the form that is read: `90d`, `12h`, `10y`.
pub(crate) fn duration_in_words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [
        (365 * 86_400, "y"),
        (86_400, "d"),
        (3_600, "h"),
        (60, "m"),
        (1, "s"),
    ];
    let (size, unit) = units
        .into_iter()
        .find(|(size, _)| seconds.is_multiple_of(*size))
        .unwrap_or((1, "s"));
    format!("{}{unit}", seconds / size)
}

/// Reads a duration: `90d`, `12h`, `10y`, `2w`, `30m` or `45s`. A year is 365 days.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        "y" => 365 * 86_400,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_before_2020_is_wrong() {
        let instant = |text: &str| parse_rfc3339(text).unwrap();
        for wrong in [
            "1960-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z",
            "2019-12-31T23:59:59Z",
        ] {
            let error = check_reading(instant(wrong)).unwrap_err();
            assert!(error.to_string().contains(wrong), "{error}");
            assert!(error.hint().is_some());
            // The clock of this machine is right, so the time was chosen deliberately
            assert!(check_beginning(instant(wrong)).is_ok());
        }
        for right in [
            "2020-01-01T00:00:00Z",
            "2026-11-30T00:00:00Z",
            "2106-02-07T06:28:16Z",
        ] {
            assert!(check_reading(instant(right)).is_ok());
        }
        assert!(check_clock().is_ok());
    }
}

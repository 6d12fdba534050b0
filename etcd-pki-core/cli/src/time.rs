//! Instants and durations in the forms that people read and write.

use std::{
    sync::Once,
    time::{Duration, SystemTime},
};

use etcd_pki_core::{
    Certificate, Result, Validity,
    internal::{check_clock, parse_rfc3339, rfc3339},
};

use crate::output;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The present time. The core takes the time of a decision from its caller. Warns once if the clock
/// cannot be right.
pub(crate) fn now() -> SystemTime {
    static CHECK: Once = Once::new();
    CHECK.call_once(|| {
        if let Err(wrong) = check_clock() {
            output::say(format_args!("warning: {wrong}"));
        }
    });
    SystemTime::now()
}

/// Parses an instant: RFC 3339, or a duration from now on such as `30d`.
pub(crate) fn instant(text: &str) -> Result<SystemTime> {
    match parse_rfc3339(text) {
        Some(instant) => Ok(instant),
        None => text.parse::<Validity>()?.end(now()),
    }
}

/// `2027-11-23`
pub(crate) fn day(instant: SystemTime) -> String {
    let mut text = rfc3339(instant);
    text.truncate("2027-11-23".len());
    text
}

/// `2026-11-23 18:00 to 2027-11-23 18:05 UTC, 365 days left`
pub(crate) fn validity(certificate: &Certificate) -> String {
    let (begin, end) = (certificate.not_before(), certificate.not_after());
    let state = match (now().duration_since(begin), end.duration_since(now())) {
        (Err(early), _) => format!("begins in {}", in_words(early.duration())),
        (Ok(_), Ok(left)) => format!("{} left", in_words(left)),
        (Ok(_), Err(late)) => format!("expired {} ago", in_words(late.duration())),
    };
    format!("{} to {} UTC, {state}", minute(begin), minute(end))
}

fn minute(instant: SystemTime) -> String {
    let mut text = rfc3339(instant).replacen('T', " ", 1);
    text.truncate("2027-11-23 18:05".len());
    text
}

/// A duration in the largest unit of which it has at least two.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    let (unit, name) = [(DAY, "days"), (HOUR, "hours"), (MINUTE, "minutes")]
        .into_iter()
        .find(|(unit, _)| seconds >= 2 * unit)
        .unwrap_or((1, "seconds"));
    format!("{} {name}", seconds / unit)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn words() {
        for (seconds, words) in [
            (0, "0 seconds"),
            (119, "119 seconds"),
            (120, "2 minutes"),
            (2 * DAY - 1, "47 hours"),
            (365 * DAY, "365 days"),
        ] {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }

    #[test]
    fn instants() {
        let instant = instant("1970-01-02T01:00:00+01:00").unwrap();
        assert_eq!(instant, UNIX_EPOCH + Duration::from_secs(DAY));
        assert_eq!(
            (day(instant), minute(instant)),
            ("1970-01-02".into(), "1970-01-02 00:00".into())
        );
        assert!(super::instant("30d").unwrap() > now());
        assert!(super::instant("tomorrow").is_err());
    }
}

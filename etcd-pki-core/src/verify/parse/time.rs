//! Decides whether Go reads a time in a certificate (`ReadASN1UTCTime`, `ReadASN1GeneralizedTime`).
//!
//! Go parses it with a layout of `time.Parse`, and refuses text that it would write differently.

/// Checks `YYMMDDhhmm[ss]` and a zone.
pub(super) fn is_utc_time(text: &[u8]) -> bool {
    let Some((digits, zone)) = split(text) else {
        return false;
    };
    // Years from 69 on are in the previous century; leap years are the same in both
    (digits.len() == 12 || digits.len() == 10) && is_zone(zone) && is_instant(2000, digits)
}

/// Checks `YYYYMMDDhhmmss` and a zone.
pub(super) fn is_generalized_time(text: &[u8]) -> bool {
    let Some((digits, zone)) = split(text) else {
        return false;
    };
    let Some((century, rest)) = digits.split_at_checked(2) else {
        return false;
    };
    rest.len() == 12 && is_zone(zone) && is_instant(number(century) * 100, rest)
}

/// Splits the leading digits from the zone.
fn split(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit())?;
    text.split_at_checked(end)
}

/// Checks `Z`, or hours and minutes that are not zero, because Go writes those as `Z`. It accepts
/// 24 hours.
fn is_zone(zone: &[u8]) -> bool {
    match zone {
        [b'Z'] => true,
        [b'+' | b'-', digits @ ..]
            if digits.len() == 4 && digits.iter().all(u8::is_ascii_digit) =>
        {
            let (hours, minutes) = (number(&digits[..2]), number(&digits[2..]));
            hours <= 24 && minutes < 60 && (hours, minutes) != (0, 0)
        }
        _ => false,
    }
}

/// Checks the year of the century, month, day, hour, minute and optional second, with two digits
/// each.
fn is_instant(century: u32, digits: &[u8]) -> bool {
    let mut pairs = digits.chunks(2).map(number);
    let mut next = || pairs.next().unwrap_or_default();
    let (year, month, day) = (century + next(), next(), next());
    let (hour, minute, second) = (next(), next(), next());
    (1..=days(year, month)).contains(&day) && hour < 24 && minute < 60 && second < 60
}

fn days(year: u32, month: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => 0,
    }
}

fn number(digits: &[u8]) -> u32 {
    digits
        .iter()
        .fold(0, |value, digit| value * 10 + u32::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected results come from `go run` with `cryptobyte`.
    #[test]
    fn times() {
        for good in [
            "260101000000Z",
            "491231235959Z",
            "500101000000Z",
            "000229000000Z",
            "2601010000Z",
            "260101000000+0100",
            "260101000000-2400",
            "260101000000+0001",
            "961231000000Z",
            "040229000000Z",
            "260228000000Z",
        ] {
            assert!(is_utc_time(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "260101000000",
            "260101000060Z",
            "260101006000Z",
            "260101240000Z",
            "260001000000Z",
            "261301000000Z",
            "260100000000Z",
            "260230000000Z",
            "260229000000Z",
            "010229000000Z",
            "970229000000Z",
            "260431000000Z",
            "260132000000Z",
            "260101000000+0000",
            "260101000000+0160",
            "260101000000+2500",
            "260101000000.5Z",
            "20260101000000Z",
            "26010100000Z",
            "260101000000Z ",
            "26010100Z",
            "260101000000+01:0",
            "260101000000+010",
            "2601010000000Z",
        ] {
            assert!(!is_utc_time(bad.as_bytes()), "{bad}");
        }
        for good in [
            "20500101000000Z",
            "99991231235959Z",
            "00000101000000Z",
            "20000229000000Z",
            "20040229000000Z",
            "19990228000000Z",
            "19960229000000Z",
            "00040229000000Z",
        ] {
            assert!(is_generalized_time(good.as_bytes()), "{good}");
        }
        for bad in [
            "19000229000000Z",
            "21000229000000Z",
            "20010229000000Z",
            "20020229000000Z",
            "20030229000000Z",
            "205001010000Z",
            "2050010100000Z",
            "20500101000000.0Z",
            "Z",
            "2Z",
            "20500101000000+0000",
        ] {
            assert!(!is_generalized_time(bad.as_bytes()), "{bad}");
        }
        assert!(is_generalized_time(b"20500101000000+0130"));
    }
}

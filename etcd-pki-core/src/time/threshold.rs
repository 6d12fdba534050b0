//! Defines how long before its expiry a certificate is reported.

use std::{
    cmp::Ordering,
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

use crate::{
    error::{Error, Result},
    time::span::Span,
};

/// The time before its expiry at which a certificate is reported: a duration, or a share of its
/// life.
///
/// Text is `30d`, `12h` or `33%`. It is used without a limit. [`Threshold::WARNING`] and
/// [`Threshold::CRITICAL`] have one, a share of the certificate's life, so a short-lived
/// certificate is not reported from its first day.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use etcd_pki_core::time::Threshold;
///
/// let (begin, day) = (SystemTime::UNIX_EPOCH, Duration::from_secs(86_400));
/// let thirty_days: Threshold = "30d".parse()?;
/// assert_eq!(thirty_days.begins(begin, begin + day * 30), begin);
/// assert_eq!(Threshold::WARNING.begins(begin, begin + day * 30), begin + day * 20);
/// assert_eq!("25%".parse::<Threshold>()?.begins(begin, begin + day * 100), begin + day * 75);
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold(Inner);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inner {
    Said(Span),
    /// A time, limited to one part in this many of the certificate's life
    AtMost(Duration, u32),
}

impl Threshold {
    /// Thirty days, and at most a third of a certificate's life. A plan renews certificates at that
    /// time.
    pub const WARNING: Self = Self(Inner::AtMost(Duration::from_secs(30 * 86_400), 3));
    /// Seven days, and at most a tenth of a certificate's life.
    pub const CRITICAL: Self = Self(Inner::AtMost(Duration::from_secs(7 * 86_400), 10));

    /// The warning threshold of a CA: 180 days, and at most a third of its life. All hosts need the
    /// renewed CA before it can sign.
    pub const CA_WARNING: Self = Self(Inner::AtMost(Duration::from_secs(180 * 86_400), 3));
    /// The critical threshold of a CA: thirty days, and at most a tenth of its life.
    pub const CA_CRITICAL: Self = Self(Inner::AtMost(Duration::from_secs(30 * 86_400), 10));

    /// A time.
    #[must_use]
    pub const fn lasting(duration: Duration) -> Self {
        Self(Inner::Said(Span::Lasting(duration)))
    }

    /// A share of each certificate's life.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidDuration`] for more than 100 percent.
    pub fn percent(percent: u8) -> Result<Self> {
        if percent > 100 {
            return Err(invalid(&format!("{percent}%"), "it is more than 100%"));
        }
        Ok(Self(Inner::Said(Span::Percent(percent))))
    }

    /// The time before expiry for a certificate with this life.
    #[must_use]
    pub fn of_life(self, life: Duration) -> Duration {
        match self.0 {
            Inner::Said(span) => span.of_life(life),
            Inner::AtMost(duration, part) => duration.min(life / part),
        }
    }

    /// The time from which a certificate is reported.
    #[must_use]
    pub fn begins(self, not_before: SystemTime, not_after: SystemTime) -> SystemTime {
        let life = not_after.duration_since(not_before).unwrap_or_default();
        // If the threshold is too long to subtract, it counts as always reached
        let begins = not_after.checked_sub(self.of_life(life));
        begins.unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

impl PartialOrd for Threshold {
    /// Compares two times or two shares. A time and a share cannot be compared without a
    /// certificate.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.0, other.0) {
            (Inner::Said(Span::Percent(one)), Inner::Said(Span::Percent(other))) => {
                Some(one.cmp(&other))
            }
            (Inner::Said(Span::Lasting(one)), Inner::Said(Span::Lasting(other))) => {
                Some(one.cmp(&other))
            }
            _ => (self == other).then_some(Ordering::Equal),
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Inner::Said(span) => span.fmt(f),
            Inner::AtMost(duration, _) => Span::Lasting(duration).fmt(f),
        }
    }
}

impl FromStr for Threshold {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match Span::parse(text) {
            Ok(Span::Percent(percent)) => Self::percent(percent),
            Ok(span) => Ok(Self(Inner::Said(span))),
            Err(reason) => Err(invalid(text, reason)),
        }
    }
}

fn invalid(text: &str, reason: &str) -> Error {
    Error::InvalidDuration {
        text: text.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn usual_ones_shrink_with_a_life() {
        for (life, warning, critical) in [(365, 30, 7), (90, 30, 7), (30, 10, 3)] {
            assert_eq!(Threshold::WARNING.of_life(DAY * life), DAY * warning);
            assert_eq!(Threshold::CRITICAL.of_life(DAY * life), DAY * critical);
        }
    }

    #[test]
    fn at_most_a_whole_life() {
        for good in ["30d", "0%", "100%", "0d"] {
            assert_eq!(good.parse::<Threshold>().unwrap().to_string(), good);
        }
        for bad in ["101%", "soon"] {
            assert!(bad.parse::<Threshold>().is_err(), "{bad}");
        }
    }

    #[test]
    fn order() {
        let threshold = |text: &str| text.parse::<Threshold>().unwrap();
        assert!(threshold("7d") < threshold("30d"));
        assert!(threshold("50%") > threshold("9%"));
        assert_eq!(threshold("7d").partial_cmp(&threshold("9%")), None);
    }

    #[test]
    fn longer_than_time_itself() {
        let forever = Threshold::lasting(Duration::MAX);
        let now = SystemTime::now();
        assert!(forever.begins(now, now + DAY) <= now);
    }
}

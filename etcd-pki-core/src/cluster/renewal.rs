//! Specifies how long before its expiry a certificate is due for renewal.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

use super::fault::Fault;
use crate::{
    error::{Error, Result},
    finding::Finding,
    time::{clock, span::Span},
};

/// The time before its expiry at which a certificate is due for renewal: a duration, or a share of
/// its life.
///
/// The limit is a third of the certificate's life. Without it, a certificate with a life shorter
/// than the time would be due as soon as it is issued. Text is `30d`, `12h` or `25%`:
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use etcd_pki_core::cluster::RenewBefore;
///
/// let (begin, day) = (SystemTime::UNIX_EPOCH, Duration::from_secs(86_400));
/// let thirty_days: RenewBefore = "30d".parse()?;
/// assert_eq!(thirty_days.begins(begin, begin + day * 365), begin + day * 335);
/// assert_eq!(thirty_days.begins(begin, begin + day * 30), begin + day * 20);
/// assert_eq!("25%".parse::<RenewBefore>()?.begins(begin, begin + day * 100), begin + day * 75);
/// # Ok::<(), etcd_pki_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenewBefore(Span);

impl RenewBefore {
    /// A number of days of 24 hours.
    #[must_use]
    pub const fn days(days: u32) -> Self {
        Self(Span::Lasting(Duration::from_secs(days as u64 * 86_400)))
    }

    /// A time.
    #[must_use]
    pub const fn lasting(duration: Duration) -> Self {
        Self(Span::Lasting(duration))
    }

    /// A share of each certificate's life.
    ///
    /// # Errors
    ///
    /// [`Error::Specification`] unless the share is 1 to 33.
    pub fn percent(percent: u8) -> Result<Self> {
        match percent {
            0 => Err(invalid("0%", "is no time")),
            1..=33 => Ok(Self(Span::Percent(percent))),
            _ => Err(invalid(
                &format!("{percent}%"),
                "is more than a third of a certificate's life",
            )),
        }
    }

    /// The time from which a certificate is due.
    #[must_use]
    pub fn begins(self, not_before: SystemTime, not_after: SystemTime) -> SystemTime {
        let life = not_after.duration_since(not_before).unwrap_or_default();
        let before = self.0.of_life(life);
        clock::whole_seconds(not_after - self.capped(life).unwrap_or(before))
    }

    /// The limit, a third of the certificate's life, if this time is longer. The certificate is
    /// then due that long before its expiry.
    ///
    /// ```
    /// use std::time::Duration;
    /// use etcd_pki_core::cluster::RenewBefore;
    ///
    /// let year = Duration::from_secs(365 * 86_400);
    /// assert_eq!(RenewBefore::days(400).capped(year), Some(year / 3));
    /// assert_eq!(RenewBefore::days(30).capped(year), None);
    /// ```
    #[must_use]
    pub fn capped(self, life: Duration) -> Option<Duration> {
        let third = life / 3;
        (self.0.of_life(life) > third).then_some(third)
    }

    /// The finding that a certificate of this life is due later than requested. The default of 30
    /// days is not a request.
    pub(crate) fn shortened(self, life: Duration) -> Option<Finding> {
        let is_shortened = self != Self::default() && self.capped(life).is_some();
        is_shortened.then(|| Finding::DueTooEarly {
            requested: self.to_string(),
            life,
        })
    }

    /// Whether a certificate would be due without the limit of a third of its life.
    pub(crate) fn is_reached(
        self,
        not_before: SystemTime,
        not_after: SystemTime,
        now: SystemTime,
    ) -> bool {
        let life = not_after.duration_since(not_before).unwrap_or_default();
        let left = not_after.duration_since(now).unwrap_or_default();
        left <= self.0.of_life(life)
    }

    /// Whether it is at least as long as the whole life.
    pub(crate) fn reaches_over(self, life: Duration) -> bool {
        matches!(self.0, Span::Lasting(duration) if duration >= life)
    }
}

impl Default for RenewBefore {
    /// Thirty days
    fn default() -> Self {
        Self::days(30)
    }
}

impl fmt::Display for RenewBefore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RenewBefore {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match Span::parse(text) {
            Ok(Span::Percent(percent)) => Self::percent(percent),
            Ok(Span::Lasting(Duration::ZERO)) => Err(invalid(text, "is no time")),
            Ok(span) => Ok(Self(span)),
            Err(reason) => Err(invalid(text, &format!("is {reason}"))),
        }
    }
}

fn invalid(text: &str, reason: &str) -> Error {
    let fault = Fault::new("renew_before", format!("{text:?} {reason}"));
    fault.hint("write 30d, 12h or 25%, at most 33%").into()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn never_more_than_a_third() {
        let year = UNIX_EPOCH + DAY * 365;
        let long = RenewBefore::days(1_000).begins(UNIX_EPOCH, year);
        assert_eq!(year.duration_since(long).unwrap(), DAY * 365 / 3);
        let third = RenewBefore::percent(33).unwrap().begins(UNIX_EPOCH, year);
        assert!(third > long);
        // The certificate expires before it becomes valid, as no certificate should
        assert_eq!(RenewBefore::default().begins(year, UNIX_EPOCH), UNIX_EPOCH);
    }

    #[test]
    fn what_is_more_than_a_third_is_reported() {
        let year = DAY * 365;
        for (before, life, capped) in [
            (RenewBefore::days(400), year, Some(year / 3)),
            (RenewBefore::days(122), year, Some(year / 3)),
            (RenewBefore::days(121), year, None),
            (RenewBefore::days(30), DAY * 90, None),
            (RenewBefore::days(30), DAY * 89, Some(DAY * 89 / 3)),
            (RenewBefore::percent(33).unwrap(), year, None),
            (
                RenewBefore::percent(33).unwrap(),
                Duration::from_secs(1),
                None,
            ),
            (RenewBefore::days(1), Duration::ZERO, Some(Duration::ZERO)),
        ] {
            assert_eq!(before.capped(life), capped, "{before} of {life:?}");
        }
    }

    #[test]
    fn at_least_something_and_at_most_a_third() {
        for good in ["30d", "12h", "1%", "33%"] {
            assert_eq!(good.parse::<RenewBefore>().unwrap().to_string(), good);
        }
        for bad in ["30", "0d", "0%", "34%"] {
            assert!(bad.parse::<RenewBefore>().is_err(), "{bad}");
        }
    }
}

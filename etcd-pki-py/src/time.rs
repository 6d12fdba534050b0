//! Instants and durations from Python. An instant must have a time zone.

use std::time::{Duration, SystemTime};

use etcd_pki_core::{Error, Validity, cluster::RenewBefore, time::Threshold};
use pyo3::{
    prelude::*,
    types::{PyDateTime, PyDelta, PyString},
};

use crate::{
    error::{OrRaise as _, raise},
    text::{Text, expected},
};

/// An instant, given as an aware `datetime`.
#[derive(Clone, Copy)]
pub(crate) struct Instant(pub(crate) SystemTime);

impl FromPyObject<'_, '_> for Instant {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if !object.is_instance_of::<PyDateTime>() {
            return Err(expected("datetime", &object));
        }
        // A naive datetime has no time zone, so its instant is unknown
        if object.call_method0("utcoffset")?.is_none() {
            return Err(raise(Error::InvalidDuration {
                text: object.str()?.extract()?,
                reason: "it has no time zone: write datetime.now(timezone.utc)".to_owned(),
            }));
        }
        // The core's clock begins in 1970, and no certificate of etcd is older
        object.extract().map(Self).map_err(|_| {
            raise(Error::InvalidDuration {
                text: object.to_string(),
                reason: "it is before 1970".to_owned(),
            })
        })
    }
}

/// The given instant, or now.
pub(crate) fn instant(now: Option<Instant>) -> SystemTime {
    now.map_or_else(SystemTime::now, |Instant(instant)| instant)
}

/// A duration, given as a `timedelta`.
struct Span(Duration);

impl FromPyObject<'_, '_> for Span {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let zero = PyDelta::new(object.py(), 0, 0, 0, false)?;
        if object.lt(zero)? {
            return Err(raise(Error::InvalidDuration {
                text: object.str()?.extract()?,
                reason: "it is negative".to_owned(),
            }));
        }
        object.extract().map(Self)
    }
}

/// A validity, given as a `timedelta`, an aware `datetime` or text such as `90d`.
pub(crate) struct ValidityArgument(pub(crate) Validity);

impl FromPyObject<'_, '_> for ValidityArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let validity = if object.is_instance_of::<PyDelta>() {
            Validity::lasting(object.extract::<Span>()?.0)
        } else if object.is_instance_of::<PyDateTime>() {
            Validity::until(object.extract::<Instant>()?.0)
        } else if object.is_instance_of::<PyString>() {
            object.extract::<Text>()?.0.parse().or_raise()?
        } else {
            return Err(expected("timedelta, datetime or str", &object));
        };
        Ok(Self(validity))
    }
}

/// A time before an expiry, given as a `timedelta` or text such as `30d` or `33%`.
pub(crate) struct Before<T>(pub(crate) T);

/// The types that [`Before`] can hold.
pub(crate) trait Lasting: std::str::FromStr<Err = Error> {
    fn lasting(duration: Duration) -> Self;
}

impl Lasting for RenewBefore {
    fn lasting(duration: Duration) -> Self {
        Self::lasting(duration)
    }
}

impl Lasting for Threshold {
    fn lasting(duration: Duration) -> Self {
        Self::lasting(duration)
    }
}

impl<T: Lasting> FromPyObject<'_, '_> for Before<T> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyDelta>() {
            return Ok(Self(T::lasting(object.extract::<Span>()?.0)));
        }
        if object.is_instance_of::<PyString>() {
            return object.extract::<Text>()?.0.parse().or_raise().map(Self);
        }
        Err(expected("timedelta or str", &object))
    }
}

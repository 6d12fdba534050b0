//! Defines validities and thresholds. Only this module reads the clock.

pub(crate) mod clock;
pub(crate) mod span;
pub(crate) mod threshold;
pub(crate) mod validity;

pub use self::{threshold::Threshold, validity::Validity};

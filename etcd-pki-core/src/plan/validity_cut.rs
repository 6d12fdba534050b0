//! A validity that was asked for and cannot be had.

use std::{path::PathBuf, time::SystemTime};

/// A certificate that ends with its authority, before the end that the specification asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValidityCut {
    /// The certificate's file
    pub path: PathBuf,
    /// The end that was asked for
    pub asked: SystemTime,
    /// The end that it has
    pub not_after: SystemTime,
}

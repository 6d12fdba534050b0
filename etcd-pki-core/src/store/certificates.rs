//! The certificates in a file that nobody named, but a layout did.

use std::path::Path;

use super::attributes::read_regular_file;
use crate::{certificate::Certificate, error::Result};

/// Every certificate in a file; what is wrong with one is told with the file's name.
pub(crate) fn read_certificates(path: &Path) -> Result<Vec<Certificate>> {
    let bytes = read_regular_file(path)?;
    Certificate::all_from_bytes(&bytes).map_err(|error| error.in_file(path))
}

/// The first certificate in a file, if there is one and it can be read.
pub(crate) fn first_certificate(path: &Path) -> Option<Certificate> {
    read_certificates(path).ok()?.into_iter().next()
}

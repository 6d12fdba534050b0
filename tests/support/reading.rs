//! Reads files.

use std::{fs, path::Path};

use etcd_pki_core::Certificate;

/// The first certificate in a file.
#[must_use]
#[track_caller]
pub fn read_certificate(path: impl AsRef<Path>) -> Certificate {
    let path = path.as_ref();
    let contents = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Certificate::from_pem(contents).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

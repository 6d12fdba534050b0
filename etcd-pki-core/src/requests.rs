//! Keys that stay on their hosts: requests travel to the authority, certificates travel back, and nothing secret does.
//!
//! What travels is a directory with a folder for each host. There the host puts its requests ([`HostPlan`]), the authority puts
//! a certificate beside each ([`SigningPlan`]), and the host installs those ([`HostPlan`] again). Both sides have the
//! specification, and each believes it and not what travels.

mod host;
mod host_step;
mod install;
mod key;
mod sign;
mod signing;
mod trust;

use std::{
    fmt,
    path::{Path, PathBuf},
};

pub use self::{
    host::HostPlan,
    host_step::{HostAction, HostStep},
    install::HostReport,
    sign::{NotGranted, SigningReport},
    signing::{SigningPlan, SigningStep},
};
use crate::{
    error::{Error, Result},
    layout::PairPaths,
    store::{Store, is_same},
};

/// What the name of a request's file ends in
const EXTENSION: &str = "csr";

/// A file among what travels that is not taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The file
    pub path: PathBuf,
    /// What is wrong with it
    pub reason: String,
}

impl Refusal {
    fn new(path: impl Into<PathBuf>, reason: impl fmt::Display) -> Self {
        Self {
            path: path.into(),
            reason: reason.to_string(),
        }
    }

    /// For an error, which may name the file itself.
    fn of(path: PathBuf, error: Error) -> Self {
        match error {
            Error::File { path, error } => Self::new(path, error),
            Error::Io {
                action,
                path: there,
                error,
            } if there == path => Self::new(path, format_args!("cannot {action} it: {error}")),
            Error::Irregular { path: there } if there == path => {
                Self::new(path, "it is no regular file")
            }
            error => Self::new(path, error),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

/// Where the request for a pair is, seen from its host's folder: `member-etcd-1.csr` for `member-etcd-1.pem`.
fn request_path(pair: &PairPaths) -> PathBuf {
    pair.certificate.with_extension(EXTENSION)
}

/// Refuses to let the directory of the keys travel.
fn check_apart(store: &Store, travelling: &Path) -> Result<()> {
    if is_same(store.directory(), travelling) {
        return Err(Error::InvalidName {
            name: travelling.display().to_string(),
            reason:
                "is the cluster's own directory, which has keys: let the requests travel in another"
                    .to_owned(),
        });
    }
    Ok(())
}

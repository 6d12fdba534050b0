//! The programs with which the tests judge certificates, in wrappers that make a test readable.
//!
//! `tests/setup.sh` installs the programs. A missing program fails the test, which names it; no
//! test is skipped. Every program ends by itself: each call has a time limit, and servers also end
//! with the thread that started them.
#![forbid(unsafe_code)]
#![allow(
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "a program may be run only for its effect"
)]
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "only tests use this crate, and a panic reports their failure"
)]

// Used by all modules here
mod output;
mod scratch;
mod tool;
mod verdict;

// Certificates and directories that are judged
pub mod adopted;
pub mod cluster;
mod credentials;
mod directory;
mod fixture;
pub mod foreign;
pub mod fuzz;
pub mod kubespray;
pub mod machines;
pub mod pki;
mod reading;
pub mod sweep;

// The judges
pub mod apiserver;
pub mod command;
pub mod etcd;
pub mod gnutls;
pub mod go;
pub mod nss;
pub mod openssl;
pub mod pkilint;
pub mod prometheus;
pub mod pyca;
pub mod python;
pub mod record;

pub use crate::{
    credentials::Credentials,
    directory::Directory,
    fixture::{Certificates, certificates, each},
    output::{Output, run, stderr_of},
    reading::read_certificate,
    scratch::Scratch,
    tool::Tool,
    verdict::Verdict,
};

/// The name of the lock file, which stays in the directory of a store.
pub const LOCK_FILE: &str = ".etcd-pki.lock";

/// Whether a path is that of a lock file: of a store, or of a user in another directory.
#[must_use]
pub fn is_lock(path: impl AsRef<std::path::Path>) -> bool {
    let name = path.as_ref().file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    name.starts_with(".etcd-pki") && name.ends_with(".lock")
}

/// Whether a path has the name of a file that commands write for themselves: a lock file, or the
/// record of issued certificates.
#[must_use]
pub fn is_own_file(path: impl AsRef<std::path::Path>) -> bool {
    let name = path.as_ref().file_name();
    is_lock(&path) || name.is_some_and(|name| name == record::RECORD_FILE)
}

//! What the tests judge certificates with: programs of others, wrapped so that a test reads as the
//! question it asks.
//!
//! `tests/setup.sh` brings the programs. One that is missing fails the test and is named, and never
//! skips it. Every program ends by itself: each call has a limit, and servers also end with the
//! thread that started them.
#![forbid(unsafe_code)]
#![allow(
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "a program may be run for what it does, not for what it says"
)]
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this crate is for tests alone, where a panic is how failure is reported"
)]

// What everything here uses
mod output;
mod scratch;
mod tool;
mod verdict;

// What is judged
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

// Who judges
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

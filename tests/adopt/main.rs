//! Directories and scripts of other tools.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a failing step fails the test"
)]

mod adopt;
mod drop_in;
mod files;
mod kubespray;
mod misplaced;
mod openssl_conf;
mod signers;

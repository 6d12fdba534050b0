//! The findings of existing files.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a failing step fails the test"
)]

mod check;
mod expiry;
mod issued;
mod keys;
mod others;
mod trust;

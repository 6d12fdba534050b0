//! Trust that changes: what running members trust.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a failing step fails the test"
)]

mod probe;

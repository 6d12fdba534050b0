//! Trust that changes: revocation.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a failing step fails the test"
)]

mod revocation;
mod revoked_live;
mod revoked_plan;

//! Trust that changes: CA rotation and revocation, and what running members trust.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a failing step fails the test"
)]

mod live;
mod probe;
mod revocation;
mod revoked_live;
mod revoked_plan;
mod rotation;

//! Renewal and replacement of CAs and certificates.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a failing step fails the test"
)]

mod ca_renewal;
mod ca_replaced;
mod ca_unfinished;
mod place;
mod renew;
mod renew_links;
mod renew_peers;

//! Keys that stay on their hosts: the exchange of requests and certificates.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a failing step fails the test"
)]

mod copied;
mod exchange;
mod folders;
mod host;
mod hostile;
mod irregular;
mod progress;
mod refused;
mod removal;
mod trust;
mod vouched;

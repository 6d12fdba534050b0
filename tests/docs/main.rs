//! The documentation, the examples and the packages.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a failing step fails the test"
)]

mod documentation;
mod examples;
mod packages;

//! Plans of a cluster: what they decide, apply and report.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a failing step fails the test"
)]

mod apply;
mod ca_links;
mod clock;
mod cluster_ca;
mod ended_validity;
mod interrupted;
mod key_owners;
mod killed_apply;
mod layouts;
mod live;
mod obstacles;
mod other_cas;
mod other_layout;
mod output;
mod plan;
mod prune;
mod record;
mod shared_keys;
mod unfinished;
mod unmanaged;

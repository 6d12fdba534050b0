//! Files: replacement, links, modes, full disks, kills and limits.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "a failing step fails the test"
)]

mod characters;
mod disk;
mod durable;
mod export;
mod faults;
mod files;
mod hard_links;
mod killed;
mod limits;
mod pipes;
mod private_memory;
mod store;

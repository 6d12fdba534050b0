//! Fuzz targets: functions that accept any bytes, and panic if a property that must hold for every
//! input does not hold.
//!
//! `tests/fuzz.rs` runs them on stable Rust, with inputs that [`mutate`] generates from the corpus
//! below `tests/fuzz/corpus`. `tests/fuzz` is a separate crate, outside of the workspace, that
//! gives the same functions to `cargo fuzz`.

pub mod corpus;
pub mod mutate;

mod bounds;
mod constraints;
mod der;
mod exchange;
mod readers;
mod texts;

pub use self::bounds::bounded;

/// A fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The name, also of its folder in the corpus
    pub name: &'static str,
    /// The function, which accepts any bytes
    pub run: fn(&[u8]),
    /// The number of its inputs, relative to the others: a target that writes files gets fewer
    pub share: u32,
}

/// All targets, ordered by name.
pub const TARGETS: &[Target] = &[
    Target::new("certificate", readers::certificate, 100),
    Target::new("constraints", constraints::constraints, 25),
    Target::new("exchange", exchange::exchange, 6),
    Target::new("names", texts::names, 100),
    Target::new("openssl_conf", texts::openssl_conf, 100),
    Target::new("pem", readers::pem, 100),
    Target::new("private_key", readers::private_key, 50),
    Target::new("request", readers::request, 100),
    Target::new("revocation_list", readers::revocation_list, 100),
    Target::new("specification", texts::specification, 100),
    Target::new("strict", readers::strict, 100),
];

impl Target {
    const fn new(name: &'static str, run: fn(&[u8]), share: u32) -> Self {
        Self { name, run, share }
    }
}

/// The target of this name.
pub fn target(name: &str) -> Target {
    *TARGETS
        .iter()
        .find(|target| target.name == name)
        .unwrap_or_else(|| panic!("no fuzz target has the name {name}"))
}

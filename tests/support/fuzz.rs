//! Fuzz targets: functions that take any bytes and panic if something that must hold for every
//! input does not.
//!
//! `tests/fuzz.rs` runs them on stable Rust, with inputs that [`mutate`] makes from the corpus
//! below `tests/fuzz/corpus`. `tests/fuzz` is a crate of its own, outside of the workspace, that
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
    /// The name, also that of its folder in the corpus
    pub name: &'static str,
    /// Takes any bytes
    pub run: fn(&[u8]),
    /// How many inputs it gets compared with the others: one that writes files gets fewer
    pub share: u32,
}

/// All targets, by their names.
pub const TARGETS: &[Target] = &[
    Target::new("certificate", readers::certificate, 100),
    Target::new("constraints", constraints::constraints, 25),
    Target::new("exchange", exchange::exchange, 6),
    Target::new("names", texts::names, 100),
    Target::new("openssl_conf", texts::openssl_conf, 100),
    Target::new("pem", readers::pem, 100),
    Target::new("private_key", readers::private_key, 50),
    Target::new("request", readers::request, 100),
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

//! Trust that changes: the rotation of a CA.

pub mod rotation;

pub use self::rotation::Rotation;

//! Changes to trust: the rotation of a CA, and the revocation of certificates.

pub mod revocation;
pub mod rotation;

pub use self::rotation::Rotation;

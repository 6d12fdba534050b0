//! Trust that changes: the rotation of a CA, and which certificates are revoked.

pub mod revocation;
pub mod rotation;

pub use self::rotation::Rotation;

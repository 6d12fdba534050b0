//! Changes of trust: which certificates are revoked.

pub mod revocation;

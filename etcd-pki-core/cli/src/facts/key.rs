//! The facts of a key.

use etcd_pki_core::PublicKey;
use serde::Serialize;

use super::{Facts, Table};

/// The facts of a key, without any secret.
#[derive(Serialize)]
pub(crate) struct KeyFacts {
    kind: &'static str,
    key_algorithm: String,
    key_fingerprint: String,
}

impl KeyFacts {
    /// The facts of a private key, from its public key.
    pub(crate) fn of_private(key: &PublicKey) -> Self {
        Self::of("private key", key)
    }

    pub(crate) fn of_public(key: &PublicKey) -> Self {
        Self::of("public key", key)
    }

    fn of(kind: &'static str, key: &PublicKey) -> Self {
        Self {
            kind,
            key_algorithm: key.algorithm_name().to_owned(),
            key_fingerprint: key.fingerprint_sha256(),
        }
    }
}

impl Facts for KeyFacts {
    const FIELDS: &'static [&'static str] = &["kind", "key-algorithm", "key-fingerprint"];
    const PLURAL: &'static str = "keys";

    fn table(&self) -> Table {
        let mut table = Table::default();
        table.row(self.kind, &self.key_algorithm);
        table.row(
            "fingerprint",
            format!("SHA-256 {} of the public key", self.key_fingerprint),
        );
        table
    }
}

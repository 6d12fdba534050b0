//! The facts of certificates, requests and keys: as a table for people, as JSON for programs, and
//! one by one.

mod certificate;
pub(crate) mod in_words;
mod key;
mod request;

use std::net::IpAddr;

use serde::Serialize;
use serde_json::Value;

pub(crate) use self::{certificate::CertificateFacts, key::KeyFacts, request::RequestFacts};
use crate::output;

/// The facts of a certificate, a request or a key. The JSON key of a field has `_` instead of `-`.
pub(crate) trait Facts: Serialize {
    /// The possible values of `--field`.
    const FIELDS: &'static [&'static str];
    /// The JSON key of a list of them.
    const PLURAL: &'static str;

    /// The facts as a table, for people.
    fn table(&self) -> Table;

    /// The value of one fact, without a label; empty if there is none.
    fn field(&self, name: &str) -> String {
        let facts = serde_json::to_value(self).unwrap_or_default();
        let value = bare(&facts[name.replace('-', "_")]);
        if name == "addresses" {
            in_words::with_note_of_no_host(value)
        } else {
            value
        }
    }
}

/// Rows with a label and a value.
#[derive(Default)]
pub(crate) struct Table(String);

impl Table {
    /// Adds a row.
    pub(crate) fn row(&mut self, label: &str, value: impl AsRef<str>) {
        let value = output::one_line(value.as_ref());
        self.0.push_str(&format!("{label:<13}{value}\n"));
    }

    /// Adds a row if the value is not empty.
    pub(crate) fn row_of_any(&mut self, label: &str, values: &[String]) {
        if !values.is_empty() {
            self.row(label, values.join(", "));
        }
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// All alternative names, in the format of `--san`.
fn alternative_names(names: &[String], addresses: &[IpAddr], uris: &[String]) -> Vec<String> {
    let names = names.iter().map(|name| format!("DNS:{name}"));
    let addresses = addresses.iter().map(|address| format!("IP:{address}"));
    let uris = uris.iter().map(|uri| format!("URI:{uri}"));
    names.chain(addresses).chain(uris).collect()
}

fn strings<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

/// Upper-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn bare(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(bare).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use etcd_pki_core::{CertificateAuthority, CertificateRequest, Identity, PrivateKey, Role};

    use super::*;

    fn assert_every_fact_is_a_field<F: Facts>(facts: &F) {
        let value = serde_json::to_value(facts).unwrap();
        let members: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        let mut fields: Vec<_> = F::FIELDS
            .iter()
            .map(|name| name.replace('-', "_"))
            .collect();
        fields.sort();
        assert_eq!(members, fields);
    }

    #[test]
    fn every_fact_is_a_field() {
        let ca = CertificateAuthority::create("etcd-ca").unwrap();
        let key = PrivateKey::generate().unwrap();
        let identity = Identity::new("backup").unwrap();
        let request = CertificateRequest::create(&key, Role::Client, identity).unwrap();
        assert_every_fact_is_a_field(&CertificateFacts::of(ca.certificate()));
        assert_every_fact_is_a_field(&RequestFacts::of(&request));
        assert_every_fact_is_a_field(&KeyFacts::of_private(key.public_key()));
    }

    #[test]
    fn bare_values() {
        let ca = CertificateAuthority::create("etcd-ca").unwrap();
        let client = ca.issue(Role::Client, Identity::new("backup").unwrap());
        let facts = CertificateFacts::of(client.unwrap().certificate());
        for (name, value) in [
            ("addresses", "0.0.0.0 (no host: closed to etcd's peer port)"),
            ("san", "IP:0.0.0.0"),
            ("ca", "false"),
            ("names", ""),
            ("organization", ""),
            ("path-length", ""),
            ("usages", "clientAuth"),
        ] {
            assert_eq!(facts.field(name), value, "{name}");
        }
    }
}

//! The facts of a certificate.

use std::net::IpAddr;

use etcd_pki_core::{Certificate, Role, internal::rfc3339};
use serde::Serialize;

use super::{Facts, Table, alternative_names, hex, in_words, strings};
use crate::time;

/// The facts of a certificate.
#[derive(Serialize)]
pub(crate) struct CertificateFacts {
    subject: String,
    common_name: Option<String>,
    organization: Vec<String>,
    issuer: String,
    serial: String,
    not_before: String,
    not_after: String,
    role: Option<&'static str>,
    names: Vec<String>,
    addresses: Vec<IpAddr>,
    uris: Vec<String>,
    other_names: Vec<String>,
    san: Vec<String>,
    key_usages: Option<Vec<String>>,
    usages: Option<Vec<String>>,
    ca: bool,
    path_length: Option<u8>,
    key_algorithm: String,
    key_fingerprint: String,
    signature_algorithm: String,
    subject_key_identifier: Option<String>,
    authority_key_identifier: Option<String>,
    fingerprint: String,
    /// The validity for people, with the remaining time
    #[serde(skip)]
    validity: String,
}

impl CertificateFacts {
    pub(crate) fn of(certificate: &Certificate) -> Self {
        let names = certificate.dns_names().to_vec();
        let addresses = certificate.ip_addresses().to_vec();
        let uris = certificate.uris().to_vec();
        Self {
            subject: certificate.subject(),
            common_name: certificate.common_name(),
            organization: certificate.organizations(),
            issuer: certificate.issuer(),
            serial: certificate.serial_number().to_string(),
            not_before: rfc3339(certificate.not_before()),
            not_after: rfc3339(certificate.not_after()),
            role: certificate.role().map(Role::name),
            san: alternative_names(&names, &addresses, &uris),
            names,
            addresses,
            uris,
            other_names: certificate.other_names(),
            key_usages: certificate.key_usages().map(strings),
            usages: certificate.extended_key_usages().map(strings),
            ca: certificate.is_ca(),
            path_length: certificate.path_length(),
            key_algorithm: certificate.public_key().algorithm_name().to_owned(),
            key_fingerprint: certificate.public_key().fingerprint_sha256(),
            signature_algorithm: certificate.signature_algorithm(),
            subject_key_identifier: certificate.subject_key_identifier().map(hex),
            authority_key_identifier: certificate.authority_key_identifier().map(hex),
            fingerprint: certificate.fingerprint_sha256(),
            validity: time::validity(certificate),
        }
    }

    /// The role and the usages: `member (serverAuth, clientAuth)`
    fn role_in_words(&self) -> String {
        let usages = match &self.usages {
            Some(usages) => usages.join(", "),
            None => "any usage".to_owned(),
        };
        match (self.role, self.path_length) {
            (Some(role), _) => format!("{role} ({usages})"),
            (None, Some(0)) if self.ca => "CA (signs leaves only)".to_owned(),
            (None, Some(below)) if self.ca => format!("CA (at most {below} below it)"),
            (None, _) if self.ca => "CA".to_owned(),
            (None, _) => format!("none of etcd's ({usages})"),
        }
    }

    /// The keyUsage. For a CA without one, the text names the consequence.
    fn key_usages_in_words(&self) -> String {
        match &self.key_usages {
            Some(usages) => usages.join(", "),
            None if self.ca => {
                "none: Python 3.13 and openssl -x509_strict refuse what it signs".to_owned()
            }
            None => "none".to_owned(),
        }
    }
}

impl Facts for CertificateFacts {
    const FIELDS: &'static [&'static str] = &[
        "subject",
        "common-name",
        "organization",
        "issuer",
        "serial",
        "not-before",
        "not-after",
        "role",
        "names",
        "addresses",
        "uris",
        "other-names",
        "san",
        "key-usages",
        "usages",
        "ca",
        "path-length",
        "key-algorithm",
        "key-fingerprint",
        "signature-algorithm",
        "subject-key-identifier",
        "authority-key-identifier",
        "fingerprint",
    ];
    const PLURAL: &'static str = "certificates";

    fn table(&self) -> Table {
        let mut table = Table::default();
        table.row("certificate", in_words::subject(&self.subject));
        table.row("role", self.role_in_words());
        table.row_of_any("names", &self.names);
        if !self.addresses.is_empty() {
            table.row("addresses", in_words::addresses(&self.addresses));
        }
        table.row_of_any("URIs", &self.uris);
        table.row_of_any("other names", &self.other_names);
        if !self.ca && self.san.is_empty() && self.other_names.is_empty() {
            table.row("names", "none: etcd's peer port takes it for a member");
        }
        table.row("issuer", in_words::subject(&self.issuer));
        table.row("valid", &self.validity);
        table.row(
            "key",
            in_words::key(&self.key_algorithm, &self.key_fingerprint),
        );
        table.row("key usage", self.key_usages_in_words());
        table.row("signature", &self.signature_algorithm);
        table.row("serial", &self.serial);
        table.row("fingerprint", format!("SHA-256 {}", self.fingerprint));
        table
    }
}

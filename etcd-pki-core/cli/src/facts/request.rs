//! The facts of a certificate request.

use std::net::IpAddr;

use etcd_pki_core::{CertificateRequest, request::Claim};
use serde::Serialize;

use super::{Facts, Table, alternative_names, in_words};

/// The facts of a certificate request. All of them are claims, except for the key.
#[derive(Default, Serialize)]
pub(crate) struct RequestFacts {
    subject: String,
    common_name: Option<String>,
    organization: Vec<String>,
    names: Vec<String>,
    addresses: Vec<IpAddr>,
    uris: Vec<String>,
    other_names: Vec<String>,
    san: Vec<String>,
    key_usages: Vec<String>,
    usages: Vec<String>,
    ca: bool,
    other_extensions: Vec<String>,
    key_algorithm: String,
    key_fingerprint: String,
}

impl RequestFacts {
    pub(crate) fn of(request: &CertificateRequest) -> Self {
        let mut facts = Self {
            subject: request.subject(),
            key_algorithm: request.public_key().algorithm_name().to_owned(),
            key_fingerprint: request.public_key().fingerprint_sha256(),
            ..Self::default()
        };
        for claim in request.claims() {
            facts.add(claim.clone());
        }
        facts.san = alternative_names(&facts.names, &facts.addresses, &facts.uris);
        facts
    }

    fn add(&mut self, claim: Claim) {
        match claim {
            Claim::Ca => self.ca = true,
            Claim::CommonName(name) => self.common_name = Some(name),
            Claim::Organization(name) => self.organization.push(name),
            Claim::KeyUsage(usage) => self.key_usages.push(usage.to_string()),
            Claim::ExtendedKeyUsage(usage) => self.usages.push(usage.to_string()),
            Claim::DnsName(name) => self.names.push(name),
            Claim::IpAddress(address) => self.addresses.push(address),
            Claim::Uri(uri) => self.uris.push(uri),
            Claim::OtherName(name) => self.other_names.push(name),
            Claim::Extension(oid) => self.other_extensions.push(oid),
            // The subject shows its other parts
            _ => {}
        }
    }
}

impl Facts for RequestFacts {
    const FIELDS: &'static [&'static str] = &[
        "subject",
        "common-name",
        "organization",
        "names",
        "addresses",
        "uris",
        "other-names",
        "san",
        "key-usages",
        "usages",
        "ca",
        "other-extensions",
        "key-algorithm",
        "key-fingerprint",
    ];
    const PLURAL: &'static str = "requests";

    fn table(&self) -> Table {
        let mut table = Table::default();
        table.row("request", in_words::subject(&self.subject));
        if self.ca {
            table.row("CA", "requested (basicConstraints CA:TRUE)");
        }
        table.row_of_any("names", &self.names);
        if !self.addresses.is_empty() {
            table.row("addresses", in_words::addresses(&self.addresses));
        }
        table.row_of_any("URIs", &self.uris);
        table.row_of_any("other names", &self.other_names);
        table.row_of_any("usages", &self.usages);
        table.row_of_any("key usage", &self.key_usages);
        table.row_of_any("extensions", &self.other_extensions);
        table.row(
            "key",
            in_words::key(&self.key_algorithm, &self.key_fingerprint),
        );
        table.row(
            "signature",
            "good: its maker has the key; all else is claimed",
        );
        table
    }
}

//! Reads the names in a certificate: its subject, its issuer, and its alternative names.

use std::net::IpAddr;

use der::{Encode as _, asn1::ObjectIdentifier};

use super::{Certificate, malformed};
use crate::{
    error::Result,
    x509::{
        extensions::AlternativeNames,
        identity::{COMMON_NAME, ORGANIZATION, attributes},
    },
};

impl Certificate {
    /// The subject as RFC 4514 text: `CN=etcd-ca`.
    #[must_use]
    pub fn subject(&self) -> String {
        self.facts().content().subject().to_string()
    }

    /// The issuer as RFC 4514 text.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.facts().content().issuer().to_string()
    }

    /// The subject's common name, which etcd uses as the user. If there are several, it is the last
    /// one, as in Go.
    #[must_use]
    pub fn common_name(&self) -> Option<String> {
        self.attributes(COMMON_NAME).pop()
    }

    /// The issuer's common name.
    #[must_use]
    pub fn issuer_common_name(&self) -> Option<String> {
        let parts = attributes(self.facts().content().issuer());
        let names = parts.filter(|(kind, _)| *kind == COMMON_NAME);
        names.map(|(_, name)| name).last()
    }

    /// The subject's organizations.
    #[must_use]
    pub fn organizations(&self) -> Vec<String> {
        self.attributes(ORGANIZATION)
    }

    /// The other parts of the subject, as RFC 4514 text.
    pub(crate) fn other_subject_attributes(&self) -> Vec<String> {
        let subject = self.facts().content().subject();
        subject
            .iter()
            .filter(|part| part.oid != COMMON_NAME && part.oid != ORGANIZATION)
            .map(ToString::to_string)
            .collect()
    }

    /// The DNS names among its alternative names.
    #[must_use]
    pub fn dns_names(&self) -> &[String] {
        self.alternative_names().map_or(&[], |names| &names.dns)
    }

    /// The addresses among its alternative names.
    #[must_use]
    pub fn ip_addresses(&self) -> &[IpAddr] {
        self.alternative_names().map_or(&[], |names| &names.ip)
    }

    /// The URIs among its alternative names.
    #[must_use]
    pub fn uris(&self) -> &[String] {
        self.alternative_names().map_or(&[], |names| &names.uri)
    }

    /// Descriptions of alternative names of other kinds (e-mail addresses, directory names, ...).
    #[must_use]
    pub fn other_names(&self) -> Vec<String> {
        let Some(names) = self.alternative_names() else {
            return Vec::new();
        };
        let emails = names.email.iter().map(|email| format!("e-mail {email}"));
        emails.chain(names.other.iter().cloned()).collect()
    }

    /// Whether subject and issuer are the same, as in a root.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        let content = self.facts().content();
        content.subject() == content.issuer()
    }

    pub(crate) fn alternative_names(&self) -> Option<&AlternativeNames> {
        self.facts().extensions.alternative_names.as_ref()
    }

    /// The subject in DER. It is the issuer in certificates that it signs.
    pub(crate) fn subject_der(&self) -> Result<Vec<u8>> {
        self.facts().content().subject().to_der().map_err(malformed)
    }

    /// The issuer in DER.
    pub(crate) fn issuer_der(&self) -> Result<Vec<u8>> {
        self.facts().content().issuer().to_der().map_err(malformed)
    }

    fn attributes(&self, oid: ObjectIdentifier) -> Vec<String> {
        attributes(self.facts().content().subject())
            .filter(|(kind, _)| *kind == oid)
            .map(|(_, value)| value)
            .collect()
    }
}

//! The results as JSON.

use etcd_pki_core::{
    inspect::{Checked, KeyMatch},
    internal::rfc3339,
};
use serde::Serialize;

use super::{Findings, kind};
use crate::{facts::CertificateFacts, finding::FindingFacts};

/// The results as JSON.
#[derive(Serialize)]
pub(super) struct CheckFacts {
    checked_at: String,
    warning: String,
    critical: String,
    ca_warning: String,
    ca_critical: String,
    /// The worst status
    status: &'static str,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    file: String,
    /// The number of the certificate in the file, counted from 1
    number: usize,
    status: &'static str,
    findings: Vec<FindingFacts>,
    kind: Option<&'static str>,
    seconds_left: Option<i64>,
    days_left: Option<i64>,
    key_file: Option<String>,
    /// Whether the key matches the certificate; nothing if there is no key, or it was not checked
    key_matches: Option<bool>,
    /// Whether a CA signed one of the other certificates; nothing for a leaf
    signed_here: Option<bool>,
    /// As in `cert show --json`; nothing if the file cannot be read
    certificate: Option<CertificateFacts>,
}

impl CheckFacts {
    pub(super) fn of(findings: &Findings) -> Self {
        Self {
            checked_at: rfc3339(findings.now),
            warning: findings.warning.to_string(),
            critical: findings.critical.to_string(),
            ca_warning: findings.ca_warning.to_string(),
            ca_critical: findings.ca_critical.to_string(),
            status: findings.worst().name(),
            items: findings.checked.iter().map(Item::of).collect(),
        }
    }
}

impl Item {
    fn of(checked: &Checked) -> Self {
        Self {
            file: checked.path().to_string_lossy().into_owned(),
            number: checked.number(),
            status: checked.severity().name(),
            findings: FindingFacts::all(checked.findings()),
            kind: checked.certificate().map(kind),
            seconds_left: checked.seconds_left(),
            days_left: checked.days_left(),
            key_file: checked.key().map(|key| key.to_string_lossy().into_owned()),
            key_matches: match checked.key_match() {
                KeyMatch::Yes => Some(true),
                KeyMatch::No => Some(false),
                _ => None,
            },
            signed_here: checked.signed_here(),
            certificate: checked.certificate().map(CertificateFacts::of),
        }
    }
}

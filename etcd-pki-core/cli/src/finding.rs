//! A finding as JSON, the same in every command.

use std::path::Path;

use etcd_pki_core::{
    finding::{Facts, Finding},
    internal::rfc3339,
};
use serde::Serialize;

/// A finding as JSON: its row of the table, its sentence, and its facts.
#[derive(Serialize)]
pub(crate) struct FindingFacts {
    code: &'static str,
    kind: &'static str,
    severity: &'static str,
    message: String,
    fix: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    current: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    desired: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl FindingFacts {
    pub(crate) fn of(finding: &Finding) -> Self {
        let Facts {
            path,
            target,
            subject,
            name,
            current,
            desired,
            not_before,
            not_after,
            days,
            reason,
            ..
        } = finding.facts();
        let shown = |path: &Path| path.display().to_string();
        Self {
            code: finding.code(),
            kind: finding.kind(),
            severity: finding.severity().name(),
            message: finding.to_string(),
            fix: finding.fix(),
            path: path.as_deref().map(shown),
            target: target.as_deref().map(shown),
            subject,
            name,
            current,
            desired,
            not_before: not_before.map(rfc3339),
            not_after: not_after.map(rfc3339),
            days,
            reason,
        }
    }

    /// The sentence.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Converts all of these.
    pub(crate) fn all(findings: &[Finding]) -> Vec<Self> {
        findings.iter().map(Self::of).collect()
    }
}

//! The steps of a plan, for people and as JSON. They have the same form in a plan and in a report.

use std::path::Path;

use etcd_pki_core::{
    Certificate, Role,
    internal::rfc3339,
    plan::{Action, Outcome, Step, StepReport, Target},
};
use serde::Serialize;

use crate::{failure::Message, finding::FindingFacts, output};

/// A step as JSON.
#[derive(Serialize)]
pub(crate) struct StepFacts {
    /// `ca`, `pair`, `revocation_lists`, or `files` if the paths were given
    target: &'static str,
    role: Option<&'static str>,
    /// The host that uses the files
    host: Option<String>,
    action: &'static str,
    certificate: String,
    /// The key, if the step is about it too
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<String>,
    /// The SHA-256 of the CA certificate that is trusted
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// The SHA-256 of every CA certificate that is trusted on the host, that one first
    #[serde(skip_serializing_if = "Vec::is_empty")]
    trusted_sha256: Vec<String>,
    /// The SHA-256 of every CA certificate that is no longer trusted there
    #[serde(skip_serializing_if = "Vec::is_empty")]
    untrusted_sha256: Vec<String>,
    /// The subject of the certificate that is removed
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<String>,
    makes_key: bool,
    reasons: Vec<FindingFacts>,
    /// When the certificate expires that the files had before
    not_after: Option<String>,
    /// The outcome; missing in a plan
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl StepFacts {
    /// A step of a plan.
    pub(crate) fn of(step: &Step) -> Self {
        let shown = |path: &Path| path.display().to_string();
        let paths = step.paths();
        let removed = step.removed_certificate();
        // Signing and trusting do not use the key, and a removal only has one if its file exists
        let has_key = match step.action() {
            _ if step.is_of_revocation_lists() => false,
            Action::Sign | Action::Trust => false,
            Action::Remove => step.has_key_file(),
            _ => true,
        };
        Self {
            target: match step.target() {
                Target::Ca(_) => "ca",
                Target::Pair(_) => "pair",
                _ if step.is_of_revocation_lists() => "revocation_lists",
                _ => "files",
            },
            role: step.role().map(Role::name),
            host: step.host().map(str::to_owned),
            action: step.action().name(),
            certificate: shown(&paths.certificate),
            key: has_key.then(|| shown(&paths.key)),
            request: step.request().map(shown),
            sha256: step.fingerprint_sha256().map(str::to_owned),
            trusted_sha256: owned(step.trusted_sha256()),
            untrusted_sha256: owned(step.untrusted_sha256()),
            subject: removed.map(Certificate::subject),
            serial: removed.map(|removed| removed.serial_number().to_string()),
            makes_key: step.makes_key(),
            reasons: FindingFacts::all(step.reasons()),
            not_after: step.not_after().map(rfc3339),
            outcome: None,
            error: None,
            hint: None,
        }
    }

    /// A step that was applied.
    pub(crate) fn applied(report: &StepReport<'_>) -> Self {
        let outcome = match report.outcome() {
            Outcome::Done => "done",
            Outcome::Failed(_) => "failed",
            Outcome::Blocked(_) => "blocked",
            _ => "skipped",
        };
        Self {
            outcome: Some(outcome),
            ..Self::of(report.step())
        }
    }

    /// A failed step, with the reason.
    pub(crate) fn failed(report: &StepReport<'_>, message: &Message) -> Self {
        Self {
            error: Some(message.text.clone()),
            hint: message.hint.clone(),
            ..Self::applied(report)
        }
    }
}

fn owned(texts: Vec<&str>) -> Vec<String> {
    texts.into_iter().map(str::to_owned).collect()
}

/// A directory and its steps, one line each.
pub(crate) fn lines<'a>(place: &str, steps: impl Iterator<Item = &'a Step>) -> String {
    format!("{place}\n{}", output::indented(steps.map(Step::to_string)))
}

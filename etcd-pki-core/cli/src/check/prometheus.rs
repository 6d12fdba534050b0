//! The results as metrics, in Prometheus' text format (version 0.0.4).
//!
//! Certificates have the names and labels of x509-certificate-exporter, so its dashboards and
//! alerts work on them.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Display,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use etcd_pki_core::{
    Certificate,
    finding::{Finding, Severity},
    inspect::Checked,
};

use super::Findings;
use crate::output;

/// Labels in their order, by name and value.
type Labels = Vec<(&'static str, String)>;

/// Metrics of one name.
struct Family {
    name: &'static str,
    help: &'static str,
    lines: String,
}

impl Family {
    fn new(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            lines: String::new(),
        }
    }

    fn add(&mut self, labels: &Labels, value: impl Display) {
        let labels: Vec<_> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        let labels = match labels.join(",") {
            none if none.is_empty() => none,
            some => format!("{{{some}}}"),
        };
        self.lines
            .push_str(&format!("{}{labels} {value}\n", self.name));
    }

    fn into_text(self) -> String {
        let Self { name, help, lines } = self;
        if lines.is_empty() {
            return lines;
        }
        format!("# HELP {name} {help}\n# TYPE {name} gauge\n{lines}")
    }
}

/// All metrics.
pub(super) fn text(findings: &Findings) -> String {
    let mut not_before = Family::new("x509_cert_not_before", "When the certificate begins.");
    let mut not_after = Family::new("x509_cert_not_after", "When the certificate ends.");
    let mut expired = Family::new("x509_cert_expired", "Whether the certificate has ended.");
    let mut error = Family::new("x509_cert_error", "Whether the file cannot be read.");
    let labels = labels(&findings.checked);
    for (checked, labels) in findings.checked.iter().zip(&labels) {
        error.add(labels, u8::from(has_failed(checked)));
        if let Some(certificate) = checked.certificate() {
            not_before.add(labels, seconds(certificate.not_before()));
            not_after.add(labels, seconds(certificate.not_after()));
            let is_over = checked.seconds_left().is_some_and(|left| left < 0);
            expired.add(labels, u8::from(is_over));
        }
    }
    let families = [not_before, not_after, expired, error];
    let families = families.into_iter().chain(own(findings));
    families.map(Family::into_text).collect()
}

/// Whether a certificate is missing.
fn has_failed(checked: &Checked) -> bool {
    let is_failure =
        |finding: &Finding| matches!(finding, Finding::Unreadable { .. } | Finding::NoCertificate);
    checked.certificate().is_none() && checked.findings().iter().any(is_failure)
}

/// The metrics that only etcd-pki has.
fn own(findings: &Findings) -> [Family; 3] {
    let mut each = Family::new(
        "etcd_pki_check_finding",
        "How often the finding of this code was made in the file.",
    );
    let mut counts: BTreeMap<(&Path, &'static str, Severity), usize> = BTreeMap::new();
    for checked in &findings.checked {
        for finding in checked.findings() {
            let key = (checked.path(), finding.code(), finding.severity());
            *counts.entry(key).or_default() += 1;
        }
    }
    for ((path, code, severity), count) in &counts {
        let mut labels = file_labels(path);
        labels.push(("code", (*code).to_owned()));
        labels.push(("severity", severity.name().to_owned()));
        each.add(&labels, count);
    }
    let mut all = Family::new(
        "etcd_pki_check_findings",
        "How many findings of this severity were made.",
    );
    for severity in [Severity::Unknown, Severity::Warning, Severity::Critical] {
        let same = counts.iter().filter(|((.., one), _)| *one == severity);
        let count: usize = same.map(|(_, count)| count).sum();
        all.add(&vec![("severity", severity.name().to_owned())], count);
    }
    let mut run = Family::new(
        "etcd_pki_check_last_run_timestamp_seconds",
        "The time for which the certificates were judged.",
    );
    run.add(&Labels::new(), seconds(findings.now));
    [each, all, run]
}

/// The labels of each certificate. They differ, because Prometheus refuses a whole file in which
/// two metrics have the same labels. A renewed CA certificate may keep its serial number and be in
/// one file with its earlier one.
fn labels(checked: &[Checked]) -> Vec<Labels> {
    let mut all: Vec<Labels> = checked.iter().map(labels_of).collect();
    let mut counts: HashMap<Labels, usize> = HashMap::new();
    for labels in &all {
        *counts.entry(labels.clone()).or_default() += 1;
    }
    for (labels, checked) in all.iter_mut().zip(checked) {
        let certificate = checked.certificate();
        if let Some(certificate) = certificate.filter(|_| counts[labels] > 1) {
            let mut discriminator = certificate.fingerprint_sha256().to_lowercase();
            discriminator.truncate(16);
            labels.push(("discriminator", discriminator));
        }
    }
    all
}

fn labels_of(checked: &Checked) -> Labels {
    let mut labels = file_labels(checked.path());
    if let Some(certificate) = checked.certificate() {
        labels.push(("serial_number", certificate.serial_number().to_decimal()));
        labels.push(("subject_CN", or_empty(certificate.common_name())));
        labels.push(("issuer_CN", or_empty(certificate.issuer_common_name())));
        labels.extend(organization(certificate));
    }
    labels
}

fn file_labels(path: &Path) -> Labels {
    let name = path.file_name().unwrap_or_default();
    vec![
        ("filename", name.to_string_lossy().into_owned()),
        ("filepath", path.to_string_lossy().into_owned()),
    ]
}

fn organization(certificate: &Certificate) -> Option<(&'static str, String)> {
    let organizations = certificate.organizations();
    (!organizations.is_empty()).then(|| ("subject_O", organizations.join(",")))
}

fn or_empty(text: Option<String>) -> String {
    text.unwrap_or_default()
}

/// The seconds of an instant since 1970.
fn seconds(instant: SystemTime) -> i64 {
    let whole = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
    match instant.duration_since(UNIX_EPOCH) {
        Ok(since) => whole(since.as_secs()),
        Err(before) => -whole(before.duration().as_secs()),
    }
}

/// A label's value. These three characters are written with a backslash. Prometheus has no escapes
/// for other characters, so the escapes of invisible characters are ordinary text.
fn escaped(value: &str) -> String {
    output::printable(value)
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut family = Family::new("a", "Help.");
        family.add(&vec![("x", "q\"b\\n\nü".to_owned())], 1);
        family.add(&Labels::new(), 2);
        assert_eq!(
            family.into_text(),
            "# HELP a Help.\n# TYPE a gauge\na{x=\"q\\\"b\\\\n\\nü\"} 1\na 2\n"
        );
        assert_eq!(escaped("a\u{202e}b"), "a\\\\u202eb");
    }

    #[test]
    fn instants() {
        assert_eq!(seconds(UNIX_EPOCH), 0);
        let day = std::time::Duration::from_secs(86_400);
        assert_eq!(seconds(UNIX_EPOCH + day), 86_400);
        assert_eq!(seconds(UNIX_EPOCH - day), -86_400);
    }
}

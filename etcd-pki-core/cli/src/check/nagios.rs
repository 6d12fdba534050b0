//! The results in the format of a Nagios plugin: a status line, performance data, and further
//! lines.

use etcd_pki_core::{
    finding::{Finding, Severity},
    inspect::Checked,
};

use super::{Findings, name};
use crate::output;

/// The status with the worst finding, the remaining time of the certificate that expires first, and
/// every other finding on its own line.
pub(super) fn text(findings: &Findings) -> String {
    let worst = findings.worst();
    let mut all: Vec<(&Checked, &Finding)> = findings
        .checked
        .iter()
        .flat_map(|one| one.findings().iter().map(move |finding| (one, finding)))
        .collect();
    // The first to expire among those with the worst severity
    all.sort_by_key(|(one, finding)| (std::cmp::Reverse(finding.severity()), one.seconds_left()));
    let affected = findings.checked.iter();
    let affected = affected
        .filter(|one| one.severity() != Severity::Ok)
        .count();
    let count = findings.checked.len();
    let plural = if count == 1 { "" } else { "s" };
    let mut lines = all
        .into_iter()
        .map(|(one, finding)| format!("{}: {finding} ({})", name(one), finding.code()));
    let said = match lines.next() {
        Some(first) => format!("{affected} of {count} certificate{plural}: {first}"),
        None => format!(
            "{count} certificate{plural}, the first ends in {}",
            days(findings)
        ),
    };
    let mut text = format!(
        "ETCD-PKI {} - {}{}\n",
        worst.name().to_ascii_uppercase(),
        clean(&said),
        performance(findings)
    );
    for line in lines {
        text.push_str(&clean(&line));
        text.push('\n');
    }
    text
}

/// The certificate that expires first.
fn first(findings: &Findings) -> Option<&Checked> {
    let certificates = findings.checked.iter();
    certificates
        .filter(|one| one.seconds_left().is_some())
        .min_by_key(|one| one.seconds_left())
}

fn days(findings: &Findings) -> String {
    match first(findings).and_then(Checked::days_left) {
        Some(1) => "1 day".to_owned(),
        Some(days) => format!("{days} days"),
        None => "no time".to_owned(),
    }
}

/// ` | days_left=12;30:;7:`: values below these bounds are a warning, and critical.
fn performance(findings: &Findings) -> String {
    let Some((one, certificate)) = first(findings).and_then(|one| Some((one, one.certificate()?)))
    else {
        return String::new();
    };
    let (begin, end) = (certificate.not_before(), certificate.not_after());
    let life = end.duration_since(begin).unwrap_or_default();
    let bound =
        |threshold: etcd_pki_core::time::Threshold| threshold.of_life(life).as_secs() / 86_400;
    let (warning, critical) = if certificate.is_ca() {
        (findings.ca_warning, findings.ca_critical)
    } else {
        (findings.warning, findings.critical)
    };
    format!(
        " | days_left={};{}:;{}:",
        one.days_left().unwrap_or_default(),
        bound(warning),
        bound(critical)
    )
}

/// The text on one line, without the character that separates performance data.
fn clean(text: &str) -> String {
    output::one_line(text).replace('|', "/")
}

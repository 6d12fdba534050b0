//! What was found as a table, for people.

use std::cmp::Reverse;

use etcd_pki_core::{Certificate, Checked, KeyMatch};

use super::{Findings, days_left, kind, name};
use crate::{output, time};

/// A row for each certificate, what is wrong with it below, those that end first at the top, and authorities behind the rest.
pub(super) fn text(findings: &Findings) -> String {
    let (authorities, rest): (Vec<_>, Vec<_>) = findings
        .checked
        .iter()
        .partition(|one| one.certificate().is_some_and(Certificate::is_authority));
    let mut text = row("STATUS", "EXPIRES", "DAYS", "KIND", "KEY", "CERTIFICATE");
    for mut group in [rest, authorities] {
        group.sort_by_key(|one| (one.seconds_left(), Reverse(one.severity())));
        text.extend(group.into_iter().map(rows));
    }
    let counts = findings.counts().into_iter();
    let counts: Vec<_> = counts
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    text + &format!("{}\n", counts.join(", "))
}

fn rows(checked: &Checked) -> String {
    let status = checked.severity().name();
    let name = output::one_line(&name(checked));
    let mut rows = match checked.certificate() {
        Some(certificate) => row(
            status,
            &time::day(certificate.not_after()),
            &days_left(checked).unwrap_or_default().to_string(),
            kind(certificate),
            key(checked.key_match()),
            &name,
        ),
        None => row(status, "-", "-", "-", "-", &name),
    };
    for finding in checked.findings() {
        let line = format!("          {} {finding}", finding.code());
        rows.push_str(&output::one_line(&line));
        rows.push('\n');
    }
    rows
}

fn row(status: &str, expires: &str, days: &str, kind: &str, key: &str, name: &str) -> String {
    format!("{status:<8}  {expires:<10}  {days:>5}  {kind:<9}  {key:<5}  {name}\n")
}

fn key(key: KeyMatch) -> &'static str {
    match key {
        KeyMatch::Absent => "-",
        KeyMatch::Yes => "ok",
        KeyMatch::No => "other",
        // There, and not looked into
        _ => "?",
    }
}

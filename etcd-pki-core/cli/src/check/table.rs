//! The results as a table, for people.

use std::{cmp::Reverse, collections::HashSet, path::Path};

use etcd_pki_core::{
    Certificate,
    inspect::{Checked, KeyMatch},
};

use super::{Findings, kind, name};
use crate::{output, time};

/// One row for each certificate, with its findings below. The certificates that expire first are at
/// the top. A CA comes after a certificate that expires at the same time.
pub(super) fn text(findings: &Findings) -> String {
    // The chain of a leaf is no trust bundle
    let is_ca = |one: &&Checked| one.certificate().is_some_and(Certificate::is_ca);
    let (first, further): (Vec<_>, Vec<_>) =
        findings.checked.iter().partition(|one| one.number() == 1);
    let leaves = first.into_iter().filter(|one| !is_ca(one));
    let leaves: HashSet<&Path> = leaves.map(Checked::path).collect();
    let bundles = further.into_iter().map(Checked::path);
    let bundles: HashSet<&Path> = bundles.filter(|path| !leaves.contains(path)).collect();
    let mut text = row("STATUS", "EXPIRES", "DAYS", "KIND", "KEY", "CERTIFICATE");
    let mut all: Vec<&Checked> = findings.checked.iter().collect();
    all.sort_by_key(|one| (one.seconds_left(), is_ca(one), Reverse(one.severity())));
    text.extend(all.into_iter().map(|one| rows(one, &bundles)));
    let counts = findings.counts().into_iter();
    let counts: Vec<_> = counts
        .map(|(severity, count)| format!("{count} {severity}"))
        .collect();
    text + &format!("{}\n", counts.join(", "))
}

/// The rows of a result. A CA certificate in a bundle of several is described.
fn rows(checked: &Checked, bundles: &HashSet<&Path>) -> String {
    let status = checked.severity().name();
    let name = output::one_line(&name(checked));
    let mut rows = match checked.certificate() {
        Some(certificate) => row(
            status,
            &time::day(certificate.not_after()),
            &checked.days_left().unwrap_or_default().to_string(),
            kind(certificate),
            key(checked.key_match()),
            &name,
        ),
        None => row(status, "-", "-", "-", "-", &name),
    };
    if let Some(certificate) = checked
        .certificate()
        .filter(|_| bundles.contains(checked.path()))
        && let Some(signed) = checked.signed_here()
    {
        let line = format!("          {}", entry(checked, certificate, signed));
        rows.push_str(&output::one_line(&line));
        rows.push('\n');
    }
    for finding in checked.findings() {
        let line = format!("          {} {finding}", finding.code());
        rows.push_str(&output::one_line(&line));
        rows.push('\n');
    }
    rows
}

/// A CA certificate in a trust bundle: `CN=etcd-ca, serial 4A1C…, has signed nothing here, its key
/// is elsewhere`
fn entry(checked: &Checked, certificate: &Certificate, signed: bool) -> String {
    let signed = if signed {
        "has signed here"
    } else {
        "has signed nothing here"
    };
    let key = match checked.key_match() {
        KeyMatch::Yes => "its key is here",
        _ => "its key is elsewhere",
    };
    let (subject, serial) = (certificate.subject(), certificate.serial_number());
    format!("{subject}, serial {serial}, {signed}, {key}")
}

fn row(status: &str, expires: &str, days: &str, kind: &str, key: &str, name: &str) -> String {
    format!("{status:<8}  {expires:<10}  {days:>5}  {kind:<6}  {key:<5}  {name}\n")
}

fn key(key: KeyMatch) -> &'static str {
    match key {
        KeyMatch::Absent => "-",
        KeyMatch::Yes => "ok",
        KeyMatch::No => "other",
        // The key exists, but it was not checked
        _ => "?",
    }
}

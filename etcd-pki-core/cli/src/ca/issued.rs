//! `etcd-pki ca issued`

use std::fmt::Write as _;

use clap::Args;
use etcd_pki_core::{
    CaKind, Role,
    internal::rfc3339,
    store::{Record, RecordEntry, RecordedCa},
};
use serde::Serialize;

use crate::{
    failure::{Answer, Failure, Outcome},
    options::{self, DirectoryOptions},
    output, time,
};

/// Show what the CAs of a directory issued
///
/// The record `.etcd-pki-issued.jsonl` next to the CA's certificate has one line for each
/// certificate that etcd-pki signed there. Each line has the SHA-256 of the line before, so a line
/// that was changed or removed later is reported, here and by `etcd-pki check`.
///
/// The record cannot prove that no lines are missing at the end: someone who can write the file can
/// remove the last lines, put an older copy in its place, or write a new chain of hashes. It has no
/// certificate that another tool signed with the CA's key.
#[derive(Args)]
#[command(
    mut_arg("directory", |directory| directory.required(true)),
    after_help = "\
Examples:
  etcd-pki ca issued -d /etc/ssl/etcd/ssl
  etcd-pki ca issued -d /etc/ssl/etcd/ssl --valid
  etcd-pki ca issued -d /etc/ssl/etcd/ssl --json | jq -r '.certificates[] | select(.common_name == \"backup\") | .serial'

Exit codes:
  0  the record is shown
  1  there is no record, or it has a gap or was changed; its certificates are still shown
  2  the arguments are not understood"
)]
pub(crate) struct Issued {
    #[command(flatten)]
    directory: DirectoryOptions,
    /// Show only the certificates that are valid now
    #[arg(long)]
    valid: bool,
    /// Print the record as JSON
    #[arg(long)]
    json: bool,
}

impl Issued {
    pub(crate) fn run(&self) -> Outcome {
        let store = self
            .directory
            .store()
            .ok_or_else(|| Failure::usage("no directory", "name it with -d DIR"))?;
        let Some(record) = store.record()? else {
            options::check_layout(&store, CaKind::Client)?;
            return Err(Failure::failed(
                format!("{} does not exist", store.record_path().display()),
                "the first certificate that etcd-pki signs with the directory's CA starts it, unless \
                 --no-record or `ca: {record: false}` leaves it out",
            ));
        };
        let now = time::now();
        let shown: Vec<&RecordEntry> = record
            .entries()
            .iter()
            .filter(|entry| !self.valid || entry.is_valid_at(now))
            .collect();
        if self.json {
            output::print_json(&Document::of(&record, &shown))?;
        } else {
            output::print(&table(&record, &shown))?;
        }
        if let Some(line) = record.incomplete_end() {
            output::say(format_args!(
                "note: {} ends with an incomplete line, {line}: an interrupted run or a full disk left it, \
                 and its certificate was not returned",
                record.path().display()
            ));
        }
        let Some(damage) = record.damage().first() else {
            return Ok(Answer::Yes);
        };
        let places = record.damage().len();
        let more = match places {
            1 => String::new(),
            _ => format!(", and {} more", places - 1),
        };
        output::problem(
            &format!(
                "{} has a gap or was changed: line {}: {}{more}",
                record.path().display(),
                damage.line,
                damage.reason
            ),
            Some(
                "find out who changed it, and compare it with a copy; new certificates continue it",
            ),
        );
        Ok(Answer::No)
    }
}

/// Returns since when the record of each CA is complete, and a row for each of its certificates.
fn table(record: &Record, shown: &[&RecordEntry]) -> String {
    let mut text = String::new();
    for ca in record.cas() {
        let own: Vec<_> = shown
            .iter()
            .filter(|one| one.issuer_key == ca.key)
            .collect();
        // Writing to a String cannot fail
        let _ = writeln!(text, "{}", output::one_line(&heading(ca)));
        if own.is_empty() {
            continue;
        }
        text.push_str(&row("ISSUED", "EXPIRES", "ROLE", "SERIAL", "SUBJECT"));
        for entry in own {
            let subject = entry.common_name.as_ref().unwrap_or(&entry.subject);
            text.push_str(&row(
                &time::day(entry.recorded),
                &time::day(entry.not_after),
                role(entry).unwrap_or("-"),
                &entry.serial.to_string(),
                &output::one_line(subject),
            ));
        }
    }
    text
}

/// `CN=etcd-ca, key 4A1C…: 12 certificates, complete since 2026-11-30`
fn heading(ca: &RecordedCa) -> String {
    let key: String = ca.key.chars().take(16).collect();
    let count = match ca.certificates {
        1 => "1 certificate".to_owned(),
        count => format!("{count} certificates"),
    };
    let since = match (ca.is_from_beginning, ca.complete_since) {
        (true, _) => "complete from the beginning".to_owned(),
        (false, Some(since)) => format!("complete since {}", rfc3339(since)),
        (false, None) => "its first line is missing".to_owned(),
    };
    format!("{}, key {key}…: {count}, {since}", ca.subject)
}

fn role(entry: &RecordEntry) -> Option<&'static str> {
    if entry.is_ca {
        return Some("ca");
    }
    entry.role.map(Role::name)
}

fn row(issued: &str, expires: &str, role: &str, serial: &str, subject: &str) -> String {
    format!("  {issued:<10}  {expires:<10}  {role:<6}  {serial:<40}  {subject}\n")
}

/// The record as JSON.
#[derive(Serialize)]
struct Document {
    record: String,
    cas: Vec<CaFacts>,
    certificates: Vec<EntryFacts>,
    /// The lines at which the record has a gap or was changed
    damage: Vec<DamageFacts>,
    /// The first line at the end that is no whole entry
    incomplete_end: Option<usize>,
}

#[derive(Serialize)]
struct CaFacts {
    subject: String,
    key_sha256: String,
    complete_since: Option<String>,
    /// Whether the record began with the CA
    from_beginning: bool,
    /// The number of all its certificates in the record
    certificates: usize,
}

#[derive(Serialize)]
struct EntryFacts {
    serial: String,
    subject: String,
    common_name: Option<String>,
    names: Vec<String>,
    /// The number of further names
    more_names: usize,
    role: Option<&'static str>,
    not_before: String,
    not_after: String,
    sha256: String,
    issuer: String,
    issuer_key_sha256: String,
    requester: Option<String>,
    time: String,
}

#[derive(Serialize)]
struct DamageFacts {
    line: usize,
    reason: String,
}

impl Document {
    fn of(record: &Record, shown: &[&RecordEntry]) -> Self {
        Self {
            record: record.path().display().to_string(),
            cas: record.cas().iter().map(CaFacts::of).collect(),
            certificates: shown.iter().map(|entry| EntryFacts::of(entry)).collect(),
            damage: record
                .damage()
                .iter()
                .map(|damage| DamageFacts {
                    line: damage.line,
                    reason: damage.reason.clone(),
                })
                .collect(),
            incomplete_end: record.incomplete_end(),
        }
    }
}

impl CaFacts {
    fn of(ca: &RecordedCa) -> Self {
        Self {
            subject: ca.subject.clone(),
            key_sha256: ca.key.clone(),
            complete_since: ca.complete_since.map(rfc3339),
            from_beginning: ca.is_from_beginning,
            certificates: ca.certificates,
        }
    }
}

impl EntryFacts {
    fn of(entry: &RecordEntry) -> Self {
        Self {
            serial: entry.serial.to_string(),
            subject: entry.subject.clone(),
            common_name: entry.common_name.clone(),
            names: entry.names.clone(),
            more_names: entry.more_names,
            role: role(entry),
            not_before: rfc3339(entry.not_before),
            not_after: rfc3339(entry.not_after),
            sha256: entry.fingerprint.to_string(),
            issuer: entry.issuer.clone(),
            issuer_key_sha256: entry.issuer_key.clone(),
            requester: entry.requester.clone(),
            time: rfc3339(entry.recorded),
        }
    }
}

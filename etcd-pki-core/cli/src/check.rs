//! `etcd-pki check`: reports when certificates expire and what is wrong with them, for people, cron
//! and monitoring.

mod json;
mod nagios;
mod prometheus;
mod table;

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use etcd_pki_core::{
    CaKind, Certificate, Layout, Role,
    finding::{Finding, Severity},
    inspect::{Check, Checked},
    internal::rfc3339,
    time::Threshold,
};

use self::json::CheckFacts;
use crate::{
    failure::{Answer, Failure, Outcome},
    files::{self, File, Replacing},
    output, time,
};

/// Report when certificates expire, and what is wrong with them
///
/// Files are checked, and all files in directories and one level below them. Keys and the CAs of
/// certificates are found by their file names. Nothing is written except the file of --textfile.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki check /etc/ssl/etcd/ssl
  etcd-pki check client.pem -w 33% -c 7d
  etcd-pki check /etc/ssl/etcd/ssl --ca-warning 1y --ca-critical 90d
  etcd-pki check /etc/kubernetes/pki --ignore EP011 --format nagios
  etcd-pki check /etc/ssl/etcd/ssl --textfile /var/lib/node_exporter/etcd_pki.prom

Exit codes:
  0  ok; with --format prometheus, or --textfile alone, the text is written
  1  warning
  2  critical
  3  unknown: something cannot be read, or the arguments are not understood")]
pub(crate) struct CheckCommand {
    /// Files of certificates, PEM or DER, and directories
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Warn this long before a certificate expires: a time, or a share of its life [default: 30d,
    /// at most a third of its life]
    #[arg(short, long, value_name = "30d|33%")]
    warning: Option<Threshold>,
    /// Critical this long before a certificate expires [default: 7d, at most a tenth of its life]
    #[arg(short, long, value_name = "7d|10%")]
    critical: Option<Threshold>,
    /// Warn this long before a CA expires [default: 180d, at most a third of its life; or as
    /// --warning, if that is longer]
    #[arg(long, value_name = "180d|33%")]
    ca_warning: Option<Threshold>,
    /// Critical this long before a CA expires [default: 30d, at most a tenth of its life; or as
    /// --critical, if that is longer]
    #[arg(long, value_name = "30d|10%")]
    ca_critical: Option<Threshold>,
    /// Ignore findings with this code; may be repeated
    #[arg(long, value_name = "CODE", hide_possible_values = true, ignore_case = true,
        value_parser = PossibleValuesParser::new(Finding::CODES))]
    ignore: Vec<String>,
    /// Check at this instant, or at this time from now on, such as 30d
    #[arg(long, value_name = "INSTANT")]
    at: Option<String>,
    /// The output format [default: table]
    #[arg(long, value_enum, help_heading = "Output")]
    format: Option<Format>,
    /// Print JSON, as --format json
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    json: bool,
    /// Write metrics to this file, for the text file collector of node_exporter; print only with
    /// --format
    #[arg(long, value_name = "FILE.prom", help_heading = "Output")]
    textfile: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Nagios,
    Prometheus,
}

/// The results, and their time.
struct Findings {
    checked: Vec<Checked>,
    now: SystemTime,
    warning: Threshold,
    critical: Threshold,
    ca_warning: Threshold,
    ca_critical: Threshold,
}

impl CheckCommand {
    pub(crate) fn run(&self) -> Outcome {
        let findings = self.findings()?;
        let format = match self.format {
            None if self.json => Some(Format::Json),
            None if self.textfile.is_none() => Some(Format::Table),
            format => format,
        };
        if let Some(path) = &self.textfile {
            write(path, &prometheus::text(&findings))?;
        }
        match format {
            // The metrics have the severity; writing them succeeded
            None => return Ok(Answer::Yes),
            Some(Format::Prometheus) => {
                output::print_bytes(prometheus::text(&findings).as_bytes())?;
                return Ok(Answer::Yes);
            }
            Some(Format::Table) => output::print(&table::text(&findings))?,
            Some(Format::Json) => output::print_json(&CheckFacts::of(&findings))?,
            Some(Format::Nagios) => output::print(&nagios::text(&findings))?,
        }
        findings.note_clients_as_members();
        if self.at.is_none() {
            findings.note_clock();
        }
        Ok(Answer::Severity(findings.worst()))
    }

    fn findings(&self) -> Result<Findings, Failure> {
        let warning = self.warning.unwrap_or(Threshold::WARNING);
        let critical = self.critical.unwrap_or(Threshold::CRITICAL);
        if warning < critical {
            return Err(Failure::usage(
                format!("--warning {warning} comes after --critical {critical}"),
                "a warning comes first: give it the longer time",
            ));
        }
        let ca_warning = self.ca_warning.unwrap_or(Threshold::CA_WARNING);
        let ca_critical = self.ca_critical.unwrap_or(Threshold::CA_CRITICAL);
        if ca_warning < ca_critical {
            return Err(Failure::usage(
                format!("--ca-warning {ca_warning} comes after --ca-critical {ca_critical}"),
                "a warning comes first: give it the longer time",
            ));
        }
        let now = match &self.at {
            Some(instant) => time::instant(instant)?,
            None => time::now(),
        };
        let mut check = Check::new()
            .with_warning(warning)
            .with_critical(critical)
            .at(now);
        if let Some(threshold) = self.ca_warning {
            check = check.with_ca_warning(threshold);
        }
        if let Some(threshold) = self.ca_critical {
            check = check.with_ca_critical(threshold);
        }
        let check = self
            .ignore
            .iter()
            .try_fold(check, |check, code| check.with_ignored(code))?;
        Ok(Findings {
            checked: check.run(&self.paths),
            now,
            warning,
            critical,
            ca_warning,
            ca_critical,
        })
    }
}

impl Findings {
    /// The severity of the worst finding.
    fn worst(&self) -> Severity {
        let severities = self.checked.iter().map(Checked::severity);
        severities.max().unwrap_or(Severity::Ok)
    }

    /// Notes clients with a member's usages and names, as in Kubespray. It is not a fault there,
    /// and it cannot be changed for a single certificate.
    fn note_clients_as_members(&self) {
        let peer_cas = Layout::ALL.map(|layout| layout.ca(CaKind::Peer).certificate);
        let is_peer_ca = |one: &Checked| {
            let names = peer_cas.iter().map(|path| path.file_name());
            names.into_iter().any(|name| name == one.path().file_name())
        };
        // Peers then trust none of them
        if self.checked.iter().any(is_peer_ca) {
            return;
        }
        let mut clients = self.checked.iter().filter(|one| one.is_as_a_member());
        let Some(first) = clients.next() else { return };
        let more = match clients.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        output::say(format_args!(
            "note: {}{more} of nodes and clients have a member's usages and names, as in Kubespray: etcd's peer port accepts them \
             as members",
            first.path().display()
        ));
    }

    /// Notes that the clock may be wrong if everything expired more than a year ago: a running
    /// cluster is never in this state.
    fn note_clock(&self) {
        const YEAR: i64 = 365;
        let days = || self.checked.iter().filter_map(Checked::days_left);
        let last = days()
            .max()
            .filter(|last| days().count() > 1 && *last < -YEAR);
        if let Some(last) = last {
            output::say(format_args!(
                "note: the last of these certificates expired {} days ago; is the clock of this machine right? It shows {}",
                -last,
                rfc3339(self.now)
            ));
        }
    }

    /// The number of findings of each severity that occurs, the worst first.
    fn counts(&self) -> Vec<(Severity, usize)> {
        let count = |severity| {
            let same = |one: &&Checked| one.severity() == severity;
            self.checked.iter().filter(same).count()
        };
        let counts = Severity::ALL.iter().rev();
        counts
            .map(|severity| (*severity, count(*severity)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}

/// Writes metrics for node_exporter. It reads only files with this ending, and at any time.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if path.extension().is_none_or(|extension| extension != "prom") {
        return Err(Failure::usage(
            format!("--textfile {} does not end in .prom", path.display()),
            "node_exporter reads no other files",
        ));
    }
    files::write(&[File::public(path, text)], Replacing::Files).map(drop)
}

/// The label of a certificate: the file, and its number in the file unless that is 1.
fn name(checked: &Checked) -> String {
    let path = checked.path().display();
    match checked.number() {
        1 => path.to_string(),
        number => format!("{path}#{number}"),
    }
}

/// The role of a certificate, or that it is a CA.
fn kind(certificate: &Certificate) -> &'static str {
    if certificate.is_ca() {
        return "CA";
    }
    match certificate.role() {
        Some(role) => Role::name(role),
        None if certificate.extended_key_usages().is_some() => "server",
        None => "other",
    }
}

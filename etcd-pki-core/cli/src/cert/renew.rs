//! `etcd-pki cert renew`

use std::{
    fmt,
    path::{Path, PathBuf},
};

use clap::Args;
use etcd_pki_core::{
    CaKind, Error, Passphrase, Plan, Store,
    cluster::RenewBefore,
    finding::Finding,
    internal::rfc3339,
    layout::PairPaths,
    plan::{
        Action, ApplyOptions, Outcome as StepOutcome, Renewal, Report as Applied, Step, StepReport,
    },
};
use serde::Serialize;

use crate::{
    apply::Bar,
    failure::{Answer, Failure, Message, Outcome},
    input::Input,
    options::{CaOptions, JsonOption, KEY_ELSEWHERE, ValidityOptions},
    output,
    plan::shortened_validities,
    report::Report,
    unfinished::{self, Unfinished},
};

/// Renew certificates: same names, same usages, and the same key without --rekey
///
/// Without a file, the command renews every certificate in the directory that is due and was signed
/// by its CA. If peers have a separate CA, each certificate is renewed by the CA that signed it.
/// The new one is valid for as long as the old one was. A certificate replaces its file at once,
/// and etcd reads it at the next handshake.
///
/// The CA next to a file renews it, unless -d or --ca names another one.
///
/// With --rekey there is an instant between writing the key and the certificate. If etcd reads the
/// pair in that instant, they do not match: that handshake fails, and the next one reads the whole
/// pair.
///
/// Nothing is written through a symbolic link. Without a file, a link is skipped if its target is
/// renewed under its own name.
#[derive(Args)]
// One location of the CA suffices, and no file is necessary: clap's own usage line differs
#[command(
    mut_group("place of the CA", |group| group.required(false)),
    override_usage = "etcd-pki cert renew [OPTIONS] --dir <DIR> [FILE]...\n       \
                      etcd-pki cert renew [OPTIONS] [--ca <FILE> --ca-key <FILE>] <FILE>...",
    after_help = "\
Examples:
  etcd-pki cert renew -d /etc/ssl/etcd/ssl
  etcd-pki cert renew -d /etc/ssl/etcd/ssl --due 60d --dry-run
  etcd-pki cert renew /etc/ssl/etcd/ssl/member-etcd-1.pem
  etcd-pki cert renew app.pem --ca ca.pem --ca-key ca-key.pem --days 90

Exit codes:
  0  everything is renewed, or can be with --dry-run
  1  failed or refused, such as the key of another certificate, or a CA that cannot sign here; the rest is renewed
  2  the arguments are not understood"
)]
pub(crate) struct Renew {
    /// Files of certificates, renewed even if they are not due
    #[arg(value_name = "FILE")]
    certificates: Vec<PathBuf>,
    /// Without a file: renew certificates that expire within this time, or have no more than this
    /// share of their life left
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "30d",
        conflicts_with = "certificates"
    )]
    due: RenewBefore,
    /// Create a new key too; for an instant, etcd may read a pair that does not match
    #[arg(long)]
    rekey: bool,
    /// Keep each replaced file, in a hidden file next to it
    #[arg(long)]
    backup: bool,
    /// Print what would be renewed, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    validity: ValidityOptions,
    #[command(flatten)]
    ca: CaOptions,
    #[command(flatten)]
    json: JsonOption,
}

impl Renew {
    pub(crate) fn run(mut self, input: &Input) -> Outcome {
        self.ca.find_next_to(&self.certificates)?;
        self.ca.check_layout()?;
        let passphrase = self.ca.passphrase.read(input)?;
        let renewal = self.renewal(input, passphrase.as_ref())?;
        if self.dry_run {
            return self.preview(&renewal);
        }
        let bar = Bar::default();
        let mut options = ApplyOptions::new().with_progress(&bar);
        if let Some(passphrase) = &passphrase {
            options = options.with_passphrase(passphrase);
        }
        let reports = if self.is_by_path() {
            renewal.apply_files(&self.certificates, &options)
        } else {
            let report = renewal.apply_due(self.due, &options);
            report.map(|report| vec![report])
        };
        let reports = reports.map_err(|error| self.ca.or_no_ca_yet(error))?;
        self.print(&reports)
    }

    fn is_by_path(&self) -> bool {
        !self.certificates.is_empty()
    }

    fn renewal<'a>(
        &self,
        input: &Input,
        passphrase: Option<&'a Passphrase>,
    ) -> Result<Renewal<'a>, Failure> {
        let ca = &self.ca;
        let store = ca.directory.store();
        let mut renewal = match store {
            None if !self.is_by_path() => {
                return Err(Failure::usage(
                    "nothing was named to be renewed",
                    "name files of certificates, or the directory with -d DIR",
                ));
            }
            Some(store) if !(ca.is_named() && self.is_by_path()) => {
                let renewal = Renewal::with_cas_of(store);
                if ca.is_named() || ca.names_key() {
                    renewal.with_signer(ca.load(input)?)
                } else {
                    renewal
                }
            }
            _ => Renewal::with_ca(ca.load(input)?),
        };
        if ca.record.no_record {
            renewal = renewal.without_record();
        } else if let Some(file) = ca.recorded_at().filter(|_| ca.is_named()) {
            renewal = renewal.with_record_of(file);
        }
        if let Some(passphrase) = passphrase {
            renewal = renewal.with_passphrase(passphrase);
        }
        if let Some(validity) = self.validity.read()? {
            renewal = renewal.with_validity(validity);
        }
        if self.backup {
            renewal = renewal.with_backup();
        }
        Ok(if self.rekey {
            renewal.with_rekey()
        } else {
            renewal
        })
    }

    /// Prints what would be renewed, and writes nothing.
    fn preview(&self, renewal: &Renewal<'_>) -> Outcome {
        let plans = if self.is_by_path() {
            renewal.plan_files(&self.certificates)
        } else {
            renewal.plan_due(self.due).map(|plan| vec![plan])
        };
        let plans = plans.map_err(|error| self.ca.or_no_ca_yet(error))?;
        let steps: Vec<&Step> = plans.iter().flat_map(Plan::changes).collect();
        let blocked: Vec<(&Step, Error)> = steps
            .iter()
            .filter_map(|step| Some((*step, step.blocking_error()?)))
            .collect();
        let preview = Preview {
            would_renew: steps
                .iter()
                .filter(|step| step.action() != Action::Blocked)
                .map(|step| Due {
                    file: self.typed(&step.paths().certificate),
                    not_after: step.not_after().map(rfc3339),
                    new_key: step.makes_key(),
                })
                .collect(),
        };
        plans.iter().flat_map(Plan::kept).for_each(kept);
        if self.json.json {
            output::print_json(&preview)?;
        } else if steps.is_empty() {
            output::say("nothing is due");
        } else {
            output::print(&preview.to_string())?;
        }
        for (step, error) in &blocked {
            let file = self.typed(&step.paths().certificate);
            output::problem(
                &format!("{}: {error}", file.display()),
                error.hint().as_deref(),
            );
        }
        Ok(if blocked.is_empty() {
            Answer::Yes
        } else {
            Answer::No
        })
    }

    /// Prints what was renewed, and what is left.
    fn print(&self, reports: &[Applied]) -> Outcome {
        if reports
            .iter()
            .all(|report| report.plan().steps().is_empty())
        {
            output::say("nothing is due");
        }
        let mut printed = Report::new(&self.json);
        for report in reports {
            report.plan().kept().for_each(kept);
            for done in report.done() {
                self.renewed(&done, &mut printed);
            }
            if self.validity.is_asked_for() {
                shortened_validities(report);
                printed.shortened(report);
            }
        }
        let store = self.ca.directory.store();
        let message = |failure: &StepReport<'_>| message(failure, store.as_ref());
        let unfinished = Unfinished::of(reports, message);
        if let Some(unfinished) = &unfinished {
            self.rest(reports, unfinished);
            printed.unfinished(unfinished, !self.is_by_path());
        }
        // If files are named and none is renewed, the errors are enough
        let is_failure =
            self.is_by_path() && unfinished.as_ref().is_some_and(|left| left.done == 0);
        let finished = if is_failure {
            Ok(Answer::No)
        } else {
            printed.finish()
        };
        match unfinished {
            Some(unfinished) => {
                unfinished.print();
                Ok(Answer::No)
            }
            None => finished,
        }
    }

    /// Reports what was not renewed, if something was renewed.
    fn rest(&self, reports: &[Applied], unfinished: &Unfinished<'_>) {
        let Unfinished { done, all, .. } = unfinished;
        if *done == 0 {
            return;
        }
        let way_on = if self.is_by_path() {
            // Named files are renewed even if they are not due: the same command would renew the
            // others again
            let steps = reports.iter().flat_map(Applied::steps);
            let rest = steps.filter(|step| !step.is_done());
            let names: Vec<_> = rest
                .map(|step| self.typed(&step.path()).display().to_string())
                .collect();
            format!("run it again with {}", names.join(" "))
        } else {
            "run it again for the rest".to_owned()
        };
        output::say(format_args!("{done} of {all} renewed; {way_on}"));
    }

    /// A file path as it was typed.
    fn typed(&self, path: &Path) -> PathBuf {
        let bare = path.strip_prefix(".").unwrap_or(path);
        if self.certificates.iter().any(|typed| typed == path) || !self.is_by_path() {
            path.to_owned()
        } else {
            bare.to_owned()
        }
    }

    fn renewed(&self, done: &StepReport<'_>, report: &mut Report) {
        let step = done.step();
        let Some(certificate) = done.certificate() else {
            return;
        };
        let file = self.typed(&step.paths().certificate);
        if step.changes_ca() {
            report.warn(format!(
                "{} is signed by another CA now, {}: a host that trusts only the former CA refuses it",
                file.display(),
                certificate.issuer()
            ));
        }
        for path in step.hard_links() {
            report.warn_of_further_names(path);
        }
        let reasons = step.reasons().iter();
        for reason in reasons.filter(|reason| is_about_ca_files(reason)) {
            report.warn(format!("{reason}: {}", reason.fix()));
        }
        report.renewed(&file, done, certificate);
        if self.ca.is_named() || self.ca.names_key() {
            self.ca.warn(report);
        }
        let store = self.ca.directory.store();
        report.warn_of_peer_port(certificate, store.as_ref());
        if step.makes_key() {
            let key = file.with_file_name(step.paths().key.file_name().unwrap_or_default());
            report.new_key(&key, certificate.public_key());
        }
    }
}

/// What a renewal would do.
#[derive(Serialize)]
struct Preview {
    would_renew: Vec<Due>,
}

/// A certificate that would be renewed.
#[derive(Serialize)]
struct Due {
    file: PathBuf,
    not_after: Option<String>,
    new_key: bool,
}

impl fmt::Display for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for due in &self.would_renew {
            let key = if due.new_key { " with a new key" } else { "" };
            let end = due.not_after.as_deref().and_then(|end| end.get(..10));
            let end = end.map(|day| format!(", expires {day}"));
            let (file, end) = (due.file.display(), end.unwrap_or_default());
            writeln!(f, "{file}: would be renewed{key}{end}")?;
        }
        Ok(())
    }
}

/// Whether a finding warns of who else owns the files of a CA, or may exchange them.
fn is_about_ca_files(reason: &Finding) -> bool {
    matches!(
        reason,
        Finding::CaKeyOwner { .. } | Finding::CaOwner { .. } | Finding::Writable { .. }
    )
}

/// Reports a certificate that is not renewed, and why.
fn kept(step: &Step) {
    match step.reasons().first() {
        Some(Finding::SymbolicLink { path, target }) => output::say(format_args!(
            "note: {} is a link to {}, which is renewed under its own name",
            path.display(),
            target.display()
        )),
        Some(reason @ Finding::DueTooEarly { .. }) => output::say(format_args!(
            "note: {} is not due: {reason}",
            step.paths().certificate.display()
        )),
        Some(reason) => output::say(format_args!(
            "note: {} is due: {reason}",
            step.paths().certificate.display()
        )),
        None => {}
    }
}

/// Why a file was not renewed, with a hint.
fn message(failure: &StepReport<'_>, store: Option<&Store>) -> Message {
    let step = failure.step();
    let paths = step.paths();
    let file = paths.certificate.display().to_string();
    let message = match (failure.outcome(), step.reasons().first()) {
        // The error of the CA has the better hint
        (StepOutcome::Blocked(error), _) if is_of_ca(error) => unfinished::message(failure),
        (StepOutcome::Blocked(_), Some(reason)) => Message {
            text: reason.to_string(),
            hint: Some(way_out(reason, &paths, store)),
        },
        _ => unfinished::message(failure),
    };
    let is_about_pair = match step.reasons().first() {
        Some(Finding::Blocked { path, .. }) => *path == paths.certificate || *path == paths.key,
        _ => message.text.contains(&file),
    };
    Message {
        text: if is_about_pair {
            message.text
        } else {
            format!("{file}: {}", message.text)
        },
        ..message
    }
}

/// Whether the error means that etcd would refuse every certificate of the CA.
fn is_of_ca(error: &Error) -> bool {
    match error {
        Error::File { error, .. } => is_of_ca(error),
        Error::CaExpired { .. } | Error::CaNotYetValid { .. } | Error::Unacceptable { .. } => true,
        _ => false,
    }
}

/// Whether the blocked path is the certificate of a CA of the store that has its key.
fn has_key(store: &Store, reason: &Finding) -> bool {
    let Finding::Blocked { path, .. } = reason else {
        return false;
    };
    let mut cas = CaKind::ALL.into_iter().map(|kind| store.ca_paths(kind));
    cas.any(|ca| ca.certificate == *path && ca.key.exists())
}

/// How to renew a file that is blocked.
fn way_out(reason: &Finding, paths: &PairPaths, store: Option<&Store>) -> String {
    let own_ca = store.map(|store| store.ca_paths(CaKind::Client).certificate);
    let hint = match reason {
        Finding::Blocked { path, .. } if *path == paths.certificate => {
            return match path.read_link() {
                Ok(target) => format!(
                    "both were left as they are; renew {}, or remove the link",
                    path.with_file_name(target).display()
                ),
                Err(_) => "it was left as it is: a CA is renewed by `etcd-pki ca renew`, and a certificate needs a file of its own"
                    .to_owned(),
            };
        }
        Finding::Blocked { path, .. } if *path == paths.key && path.is_symlink() => {
            "both were left as they are; renew without --rekey, or remove the link, and --rekey makes a key in its place"
        }
        Finding::Blocked { path, .. } if *path == paths.key => {
            "all were left as they are; renew without --rekey, or remove the link and make a key in its place first, with --rekey"
        }
        Finding::Blocked { path, .. } if path.is_symlink() => {
            "nothing is signed through a link: put the file itself there, or name the CA with --ca and --ca-key"
        }
        Finding::Blocked { .. } if store.is_some_and(|store| has_key(store, reason)) => {
            "restore that file, or name the CA with --ca and --ca-key"
        }
        Finding::Blocked { path, .. } if own_ca.as_ref() == Some(path) => KEY_ELSEWHERE,
        Finding::Blocked { .. } => {
            "name both with --ca and --ca-key, or exchange requests with the host that has it (--requests)"
        }
        Finding::OtherCa { .. } => {
            "it was left as it is; name the CA that must sign it with --ca and --ca-key"
        }
        Finding::KeyMismatch { .. } => {
            "they were left as they are; find the key of the certificate, or make a new pair with --rekey"
        }
        reason => reason.fix(),
    };
    hint.to_owned()
}

//! `etcd-pki apply`: making a directory as its specification says.

mod next;

use std::{io::ErrorKind, path::PathBuf, sync::OnceLock, time::Instant};

use clap::{Args, ValueHint};
use etcd_pki_core::{Error, Passphrase, Plan, Report, Store, ValidityCut, rfc3339};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::{
    failure::{Answer, Failure, Message, Outcome},
    input::Input,
    options::{ClusterOptions, PassphraseOptions, PlanOptions},
    output,
    plan::{PlanFacts, changes_in_words, kept_in_words, remarks},
    requests::Travel,
    time,
};

/// Make a cluster's directory as its specification says
///
/// What is missing is made, what is due is renewed, and the rest is left alone. It does exactly what `etcd-pki plan` with the same options shows, and stops if a file changes meanwhile. A key is never replaced where a new
/// certificate suffices.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki apply -f cluster.yaml
  etcd-pki apply -f cluster.yaml -d /etc/ssl/etcd/ssl --host etcd-1
  etcd-pki apply -f cluster.yaml --host etcd-1 --requests travel
  etcd-pki apply -f cluster.yaml --requests travel

Exit codes:
  0  the directory is as the specification says
  1  failed or refused, such as a field that the specification does not have
  2  the arguments are not understood")]
pub(crate) struct Apply {
    #[command(flatten)]
    cluster: ClusterOptions,
    #[command(flatten)]
    options: PlanOptions,
    /// Keep what is replaced or removed, in dot files beside it
    #[arg(long, conflicts_with = "requests")]
    backup: bool,
    /// Keys stay on their hosts. With --host, on that host: keys are made there, requests go to DIR/NAME, and the certificates
    /// that came back there are installed. Without --host, where the CA is: the requests in DIR are signed
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    requests: Option<PathBuf>,
    #[command(flatten)]
    passphrase: PassphraseOptions,
    /// Print what was done as JSON
    #[arg(long)]
    json: bool,
}

/// What was done, as JSON.
#[derive(Serialize)]
struct Applied {
    #[serde(flatten)]
    plan: PlanFacts,
    created: usize,
    renewed: usize,
    reissued: usize,
    modes: usize,
    removed: usize,
    /// Certificates that end before what the specification asks for
    validity_cut: Vec<ValidityCutFacts>,
}

#[derive(Serialize)]
struct ValidityCutFacts {
    certificate: String,
    asked: String,
    not_after: String,
}

impl Apply {
    pub(crate) fn run(&self, input: &Input) -> Outcome {
        let (cluster, store) = self.cluster.read(input)?;
        let passphrase = self.passphrase.read(input)?;
        if let Some(directory) = &self.requests {
            let json = self.json;
            let travel = Travel {
                cluster: &cluster,
                store: &store,
                directory,
                json,
            };
            return travel.apply(self.cluster.host(), passphrase.as_ref());
        }
        let plan = || {
            let plan = self.cluster.plan(&self.options, &cluster, &store)?;
            Ok(if self.backup { plan.backup() } else { plan })
        };
        carry_out(&store, plan, passphrase.as_ref(), self.json)
    }
}

/// Does what is planned, and tells it.
pub(crate) fn carry_out(
    store: &Store,
    plan: impl Fn() -> Result<Plan, Failure>,
    passphrase: Option<&Passphrase>,
    json: bool,
) -> Outcome {
    let planned = plan()?;
    if !planned.has_work() {
        nothing_to_do(&planned, store, json)?;
        if planned.is_worth_recording() {
            // All is as it should be, whether that can be written down or not
            if let Ok(files) = store.lock_with(|| output::waiting_for(store.directory())) {
                planned.record(&files);
            }
        }
        return Ok(Answer::Yes);
    }
    // Planned again under the lock: whoever held it may have done the work
    let files = store.lock_with(|| output::waiting_for(store.directory()))?;
    let plan = plan()?;
    if !plan.has_work() {
        nothing_to_do(&plan, store, json)?;
        return Ok(Answer::Yes);
    }
    let facts = PlanFacts::of(&plan, store);
    let words = changes_in_words(&plan, store);
    let next = next::in_words(&plan, store);
    remarks(&plan);
    let began = Instant::now();
    let report = plan.apply(&files, passphrase, progress(began));
    let report = report.map_err(|error| key_elsewhere(error, store))?;
    remark_on_validity(&report);
    if json {
        output::print_json(&Applied::of(facts, &report))?;
    } else {
        let done = done_in_words(&report, began);
        output::print(&format!("{words}{done}{next}\n"))?;
    }
    Ok(Answer::Yes)
}

/// The error, with the ways to a key of an authority that is not there.
fn key_elsewhere(error: Error, store: &Store) -> Failure {
    let layout = store.layout();
    let keys = [layout.authority(), layout.peer_authority()];
    match &error {
        Error::Io { path, error: cause, .. }
            if cause.kind() == ErrorKind::NotFound
                && keys.iter().any(|pair| *path == store.directory().join(&pair.key)) =>
        {
            Failure::Failed(Message {
                text: error.to_string(),
                hint: Some(
                    "with it certificates are signed: apply where it is, or let requests travel there (--requests)"
                        .to_owned(),
                ),
            })
        }
        _ => error.into(),
    }
}

/// Says as JSON that nobody is in a cluster.
pub(crate) fn print_nothing(store: &Store) -> Result<(), Failure> {
    output::print_json(&Applied::of(
        PlanFacts::of_nobody(store),
        &Report::default(),
    ))
}

fn nothing_to_do(plan: &Plan, store: &Store, json: bool) -> Result<(), Failure> {
    if json {
        let facts = PlanFacts::of(plan, store);
        output::print_json(&Applied::of(facts, &Report::default()))?;
    } else {
        output::print(&kept_in_words(plan, store))?;
    }
    remarks(plan);
    Ok(())
}

impl Applied {
    fn of(plan: PlanFacts, report: &Report) -> Self {
        Self {
            plan,
            created: report.created,
            renewed: report.renewed,
            reissued: report.reissued,
            modes: report.modes,
            removed: report.removed,
            validity_cut: report
                .validity_cut
                .iter()
                .map(ValidityCutFacts::of)
                .collect(),
        }
    }
}

impl ValidityCutFacts {
    fn of(cut: &ValidityCut) -> Self {
        Self {
            certificate: cut.path.display().to_string(),
            asked: rfc3339(cut.asked),
            not_after: rfc3339(cut.not_after),
        }
    }
}

/// Says what ends before it was to end: the first by its name, and how many more.
fn remark_on_validity(report: &Report) {
    let Some((cut, others)) = report.validity_cut.split_first() else {
        return;
    };
    let more = match others.len() {
        0 => String::new(),
        1 => "; 1 more ends before it was to end".to_owned(),
        more => format!("; {more} more end before they were to end"),
    };
    output::say(format_args!(
        "note: {} ends with its authority on {}, not on {} as asked for{more}",
        cut.path.display(),
        time::day(cut.not_after),
        time::day(cut.asked)
    ));
}

/// `9 created in 0.02 s`
fn done_in_words(report: &Report, began: Instant) -> String {
    let counts = [
        (report.created, "created"),
        (report.renewed, "renewed"),
        (report.reissued, "re-issued"),
        (report.modes, "given their modes"),
        (report.removed, "removed"),
    ];
    let done: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    format!(
        "{} in {:.2} s",
        done.join(", "),
        began.elapsed().as_secs_f64()
    )
}

/// A bar on a terminal that has waited for a second.
pub(crate) fn progress(began: Instant) -> impl Fn(usize, usize) + Sync {
    let bar = OnceLock::new();
    move |done, all| {
        if began.elapsed().as_secs() < 1 && bar.get().is_none() {
            return;
        }
        // It draws on standard error, and only on a terminal
        let bar: &ProgressBar = bar.get_or_init(|| {
            let template = ProgressStyle::with_template("{bar:40} {pos} of {len}");
            ProgressBar::new(all as u64)
                .with_style(template.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        bar.set_position(done as u64);
        if done == all {
            bar.finish_and_clear();
        }
    }
}

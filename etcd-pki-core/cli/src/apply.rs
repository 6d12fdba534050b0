//! `etcd-pki apply`: making a directory as its specification says.

mod applied;
mod next;
mod progress;

use std::{io::ErrorKind, path::PathBuf, time::Instant};

use clap::{Args, ValueHint};
use etcd_pki_core::{CaKind, Error, Passphrase, Plan, Report, Store};

pub(crate) use self::progress::progress;
use self::{applied::Applied, next::RenewedAuthority};
use crate::{
    failure::{Answer, Failure, Message, Outcome},
    input::Input,
    options::{ClusterOptions, PassphraseOptions, PlanOptions},
    output,
    plan::{PlanFacts, changes_in_words, kept_in_words, lines, place, remarks},
    requests::Travel,
    time,
    unfinished::{Ended, Line},
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
        let elsewhere = "apply where it is, or let requests travel there (--requests)";
        carry_out(&store, plan, passphrase.as_ref(), elsewhere, self.json)
    }
}

/// Does what is planned, and tells it. `elsewhere` is what to do where the key of the authority is not there.
pub(crate) fn carry_out(
    store: &Store,
    plan: impl Fn() -> Result<Plan, Failure>,
    passphrase: Option<&Passphrase>,
    elsewhere: &str,
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
    let said = Said::of(&plan, store);
    remarks(&plan);
    let began = Instant::now();
    let ended = plan.apply(&files, passphrase, progress(began));
    let ended = Ended::of(ended, |error| key_elsewhere(error, store, elsewhere));
    let told = said.tell(&ended, began, json);
    ended.outcome(told.map(|()| Answer::Yes))
}

/// What a plan says, which carrying it out consumes.
struct Said {
    facts: PlanFacts,
    place: String,
    lines: Vec<Line>,
    next: String,
    renewed: Vec<RenewedAuthority>,
}

impl Said {
    fn of(plan: &Plan, store: &Store) -> Self {
        Self {
            facts: PlanFacts::of(plan, store),
            place: place(store),
            lines: lines(plan, store),
            next: next::in_words(plan, store),
            renewed: next::renewed_authorities(plan),
        }
    }

    /// Tells what of it was done.
    fn tell(mut self, ended: &Ended<Report>, began: Instant, json: bool) -> Result<(), Failure> {
        if !ended.has_done() {
            return Ok(());
        }
        let report = &ended.report;
        remark_on_validity(report);
        if json {
            self.facts.retain(|file| ended.has(file));
            return output::print_json(&Applied::of(self.facts, report, ended.facts()));
        }
        self.lines.retain(|line| ended.has(&line.file));
        self.renewed.retain(|one| ended.has(&one.file));
        let lines = changes_in_words(&self.place, self.lines);
        let last = match ended.rest_in_words() {
            None => done_in_words(report, began) + &self.next,
            Some(rest) => rest + &next::of_renewed(&self.renewed),
        };
        output::print(&format!("{lines}{last}\n"))
    }
}

/// The error, with the ways to a key of an authority that is not there.
fn key_elsewhere(error: Error, store: &Store, elsewhere: &str) -> Failure {
    let layout = store.layout();
    let keys = CaKind::ALL.map(|kind| layout.ca(kind));
    match &error {
        Error::Io {
            path, error: cause, ..
        } if cause.kind() == ErrorKind::NotFound
            && keys
                .iter()
                .any(|pair| *path == store.directory().join(&pair.key)) =>
        {
            Failure::Failed(Message {
                text: error.to_string(),
                hint: Some(format!("with it certificates are signed: {elsewhere}")),
            })
        }
        _ => error.into(),
    }
}

/// Says as JSON that nobody is in a cluster.
pub(crate) fn print_nothing(store: &Store) -> Result<(), Failure> {
    let facts = PlanFacts::of_nobody(store);
    output::print_json(&Applied::of(facts, &Report::default(), None))
}

fn nothing_to_do(plan: &Plan, store: &Store, json: bool) -> Result<(), Failure> {
    if json {
        let facts = PlanFacts::of(plan, store);
        output::print_json(&Applied::of(facts, &Report::default(), None))?;
    } else {
        output::print(&kept_in_words(plan, store))?;
    }
    remarks(plan);
    Ok(())
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

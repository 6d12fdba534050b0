//! `etcd-pki plan`: what is to be done so that a directory is as its specification says, and why.

mod facts;
mod remarks;

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use etcd_pki_core::{PairPaths, Plan, Store};

use self::remarks::{remarks_on_keys, remarks_on_obstacles};
pub(crate) use self::{
    facts::PlanFacts,
    remarks::{remark_on_obstacle, remarks},
};
use crate::{
    failure::{Answer, Outcome},
    input::Input,
    options::{ClusterOptions, PlanOptions},
    output,
    requests::Travel,
    time,
    unfinished::Line,
};

/// Show what is to be done in a cluster's directory, and why
///
/// The directory is compared with the cluster's specification, and nothing is written.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki plan -f cluster.yaml
  etcd-pki plan -f cluster.yaml --check
  etcd-pki plan -f cluster.yaml --only etcd-1 --rekey
  etcd-pki plan -f cluster.yaml --requests travel

Exit codes:
  0  planned; with --check, nothing is to be done
  1  failed or refused, such as a field that the specification does not have
  2  the arguments are not understood
  3  with --check: something is to be done")]
pub(crate) struct PlanCommand {
    #[command(flatten)]
    cluster: ClusterOptions,
    #[command(flatten)]
    options: PlanOptions,
    /// Keys stay on their hosts. With --host, on that host: keys are made there, requests go to DIR/NAME, and the certificates
    /// that came back there are installed. Without --host, where the CA is: the requests in DIR are signed
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    requests: Option<PathBuf>,
    /// Exit with 3 if something is to be done
    #[arg(long)]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl PlanCommand {
    pub(crate) fn run(&self, input: &Input) -> Outcome {
        let (cluster, store) = self.cluster.read(input)?;
        if let Some(directory) = &self.requests {
            let json = self.json;
            let travel = Travel {
                cluster: &cluster,
                store: &store,
                directory,
                json,
            };
            return travel.plan(self.cluster.host(), self.check);
        }
        let plan = self.cluster.plan(&self.options, &cluster, &store)?;
        if self.json {
            output::print_json(&PlanFacts::of(&plan, &store))?;
        } else {
            output::print(&in_words(&plan, &store))?;
        }
        remarks(&plan);
        remarks_on_keys(&plan);
        remarks_on_obstacles(&plan);
        Ok(if self.check && plan.has_work() {
            Answer::Due
        } else {
            Answer::Yes
        })
    }
}

/// A plan for people: what is to be done, a line each, and a line about the rest.
fn in_words(plan: &Plan, store: &Store) -> String {
    if !plan.has_work() {
        return kept_in_words(plan, store);
    }
    let steps = plan.changes().count();
    let kept = plan.steps().len() - steps;
    let changes = steps + plan.removed().len();
    let plural = if changes == 1 { "" } else { "s" };
    format!(
        "{}{changes} change{plural}, {kept} as they should be; nothing was written (etcd-pki apply does it)\n",
        changes_in_words(&place(store), lines(plan, store))
    )
}

/// The directory, and what is to be done there, a line each.
pub(crate) fn changes_in_words(place: &str, lines: Vec<Line>) -> String {
    let lines = lines.into_iter().map(|line| line.text);
    format!("{place}\n{}", output::indented(lines))
}

/// What is to be done, a line each.
pub(crate) fn lines(plan: &Plan, store: &Store) -> Vec<Line> {
    let changed = plan.changes().map(|step| Line {
        file: step.paths().certificate.display().to_string(),
        text: step.to_string(),
    });
    let removed = plan.removed().iter().map(|pair| {
        let certificate = pair.certificate.display().to_string();
        let key = match key_there(pair, store) {
            Some(key) => format!("  and {}", key.display()),
            None => String::new(),
        };
        Line {
            file: pair
                .below(store.directory())
                .certificate
                .display()
                .to_string(),
            text: format!("remove    {certificate:<28}{key}")
                .trim_end()
                .to_owned(),
        }
    });
    changed.chain(removed).collect()
}

/// The key of a pair, if there is one.
fn key_there<'a>(pair: &'a PairPaths, store: &Store) -> Option<&'a Path> {
    let there = store.directory().join(&pair.key).symlink_metadata();
    there.is_ok().then_some(&pair.key)
}

/// That all is as it should be, and until when.
pub(crate) fn kept_in_words(plan: &Plan, store: &Store) -> String {
    let count = plan.steps().len();
    let due = plan.first_due().and_then(|step| {
        let file = step.wanted().paths.certificate.display();
        Some(format!(
            ", the first due on {} ({file})",
            time::day(step.due()?)
        ))
    });
    format!(
        "{}: {count} certificates as they should be{}\n",
        place(store),
        due.unwrap_or_default()
    )
}

/// Where, and in which layout.
pub(crate) fn place(store: &Store) -> String {
    format!("{}, {} layout", store.directory().display(), store.layout())
}

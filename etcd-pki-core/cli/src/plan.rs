//! `etcd-pki plan`: what is to be done so that a directory is as its specification says, and why.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use etcd_pki_core::{Action, Cause, Layout, PairPaths, Plan, Step, Store, rfc3339};
use serde::Serialize;

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

/// What a plan does not mend by itself: files with further names, and, unless it removes them, what nobody wants.
pub(crate) fn remarks(plan: &Plan) {
    for pair in plan.surplus().iter().filter(|_| !plan.prunes()) {
        output::say(format_args!(
            "note: {} is surplus; etcd-pki apply --prune removes it",
            pair.certificate.display()
        ));
    }
    if let Some(authority) = plan.surplus_authority() {
        let (certificate, key) = (authority.certificate.display(), authority.key.display());
        output::say(format_args!(
            "note: {certificate} is surplus, an authority of peers that the specification does not have; --prune leaves it and {key}: \
             remove them by hand once no member presents what it signed"
        ));
    }
    for path in plan.changes().flat_map(Step::hard_links) {
        output::say(format_args!(
            "note: {} has further names (hard links), which keep the old content: copy it there anew",
            path.display()
        ));
    }
    let now = time::now();
    for step in plan.steps() {
        let kept = matches!(step.action(), Action::Keep | Action::Mode);
        if let Some(begin) = step.not_before().filter(|begin| kept && *begin > now) {
            output::say(format_args!(
                "warning: {} is not valid before {}: compare the clock of this host with that of the one that signed it",
                step.wanted().paths.certificate.display(),
                rfc3339(begin)
            ));
        }
        for cause in step
            .causes()
            .iter()
            .filter(|_| step.wanted().is_authority())
        {
            if let Cause::Algorithm { .. } | Cause::Organization { .. } = cause {
                output::say(format_args!(
                    "note: {}: {cause}; it stays as it is, for nobody would trust another",
                    step.wanted().paths.certificate.display()
                ));
            }
        }
        if step.causes().contains(&Cause::NoKeyUsage) {
            let remedy = match step.action() {
                Action::Renew => {
                    "its certificate is renewed with the same key; copy it to every host"
                }
                _ => "renew it with `etcd-pki ca renew` where its key is",
            };
            output::say(format_args!(
                "warning: {} has no keyUsage, so Python 3.13 and openssl -x509_strict refuse what it signed: {remedy}",
                step.wanted().paths.certificate.display()
            ));
        }
    }
}

/// The keys that carrying out the plan here would miss.
fn remarks_on_keys(plan: &Plan) {
    for authority in plan.authorities_without_key() {
        output::say(format_args!(
            "note: {} is not there, and signs what is to be done: apply where it is, or let requests travel there (--requests)",
            authority.wanted().paths.key.display()
        ));
    }
}

/// What carrying out the plan here would stop at, or leave as it is.
fn remarks_on_obstacles(plan: &Plan) {
    for cause in plan.changes().flat_map(Step::causes) {
        match cause {
            Cause::SymbolicLink { path, .. } => output::say(format_args!(
                "note: {} is a symbolic link, and etcd-pki apply changes nothing as long as it is to be written: remove the link, or \
                 leave that host out of the specification",
                path.display()
            )),
            Cause::InTheWay { path, .. } => remark_on_obstacle(path),
            _ => {}
        }
    }
}

/// What carrying out a plan leaves as it is, with its pair.
pub(crate) fn remark_on_obstacle(path: &Path) {
    output::say(format_args!(
        "note: {} is in the way, and etcd-pki apply leaves that pair as it is: move it, or run it as the files' owner",
        path.display()
    ));
}

/// Where, and in which layout.
pub(crate) fn place(store: &Store) -> String {
    format!("{}, {} layout", store.directory().display(), store.layout())
}

/// A plan as JSON.
#[derive(Serialize)]
pub(crate) struct PlanFacts {
    directory: String,
    layout: &'static str,
    changes: Vec<StepFacts>,
    kept: usize,
    /// Certificates that the specification does not have
    surplus: Vec<String>,
    /// Those that go, each with its key, if that is there
    remove: Vec<PairFacts>,
    /// When the first of the certificates that are kept will be due
    first_due: Option<String>,
    /// The certificate of an authority that the specification does not have; `--prune` leaves it
    surplus_authority: Option<String>,
    /// The keys of authorities that are to sign something, and are not there
    missing_authority_keys: Vec<String>,
}

#[derive(Serialize)]
struct PairFacts {
    certificate: String,
    key: Option<String>,
}

#[derive(Serialize)]
struct StepFacts {
    action: &'static str,
    certificate: String,
    key: String,
    reasons: Vec<String>,
    /// When the certificate that is there ends
    not_after: Option<String>,
}

impl PlanFacts {
    /// Where nothing is wanted.
    pub(crate) fn of_nobody(store: &Store) -> Self {
        Self {
            directory: store.directory().display().to_string(),
            layout: Layout::name(store.layout()),
            changes: Vec::new(),
            kept: 0,
            surplus: Vec::new(),
            remove: Vec::new(),
            first_due: None,
            surplus_authority: None,
            missing_authority_keys: Vec::new(),
        }
    }

    pub(crate) fn of(plan: &Plan, store: &Store) -> Self {
        let changes: Vec<_> = plan.changes().map(StepFacts::of).collect();
        Self {
            directory: store.directory().display().to_string(),
            layout: Layout::name(store.layout()),
            kept: plan.steps().len() - changes.len(),
            changes,
            surplus: plan
                .surplus()
                .iter()
                .map(|pair| pair.certificate.display().to_string())
                .collect(),
            remove: plan
                .removed()
                .iter()
                .map(|pair| PairFacts::of(pair, store))
                .collect(),
            first_due: plan.first_due().and_then(Step::due).map(rfc3339),
            surplus_authority: plan
                .surplus_authority()
                .map(|pair| pair.certificate.display().to_string()),
            missing_authority_keys: plan
                .authorities_without_key()
                .map(|step| step.paths().key.display().to_string())
                .collect(),
        }
    }
}

impl PlanFacts {
    /// Leaves out the changes of which this is not so.
    pub(crate) fn retain(&mut self, is_done: impl Fn(&str) -> bool) {
        self.changes.retain(|change| is_done(&change.certificate));
        self.remove.retain(|pair| is_done(&pair.certificate));
    }
}

impl PairFacts {
    fn of(pair: &PairPaths, store: &Store) -> Self {
        let below = |path: &Path| store.directory().join(path).display().to_string();
        Self {
            certificate: below(&pair.certificate),
            key: key_there(pair, store).map(below),
        }
    }
}

impl StepFacts {
    fn of(step: &Step) -> Self {
        let paths = step.paths();
        Self {
            action: Action::name(step.action()),
            certificate: paths.certificate.display().to_string(),
            key: paths.key.display().to_string(),
            reasons: step.causes().iter().map(ToString::to_string).collect(),
            not_after: step.not_after().map(rfc3339),
        }
    }
}

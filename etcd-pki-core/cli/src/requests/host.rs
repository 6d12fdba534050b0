//! On a host: keys made, requests written, certificates installed.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use etcd_pki_core::{Cause, HostAction, HostPlan, HostReport, HostStep, Layout};
use serde::Serialize;

use super::{RefusalFacts, Travel, count, tell_refused};
use crate::{
    apply::progress,
    failure::Failure,
    output,
    plan::{changes_in_words, remark_on_obstacle},
    time,
    unfinished::{Ended, Line, UnfinishedFacts},
};

/// What is to be done on a host, or was done, as JSON.
#[derive(Serialize)]
struct HostFacts {
    directory: String,
    layout: &'static str,
    /// The host's folder among what travels
    requests: String,
    trusted: Vec<TrustFacts>,
    changes: Vec<StepFacts>,
    kept: usize,
    refused: Vec<RefusalFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<Done>,
    /// That it failed before all was done; what is trusted and changed is what was done
    #[serde(skip_serializing_if = "Option::is_none")]
    unfinished: Option<UnfinishedFacts>,
}

#[derive(Serialize)]
struct TrustFacts {
    certificate: String,
    sha256: String,
}

#[derive(Serialize)]
struct StepFacts {
    action: &'static str,
    certificate: String,
    key: String,
    request: String,
    makes_key: bool,
    reasons: Vec<String>,
}

#[derive(Serialize)]
struct Done {
    trusted: usize,
    keys: usize,
    requested: usize,
    installed: usize,
    modes: usize,
}

impl Travel<'_> {
    fn plan_host(&self, host: &str) -> Result<HostPlan, Failure> {
        let plan = self
            .cluster
            .plan_host(self.store, host, self.directory, time::now());
        Ok(plan?)
    }

    /// Shows what is to be done on a host; tells whether something is due, and whether something is refused.
    pub(super) fn show_host(&self, host: &str) -> Result<(bool, bool), Failure> {
        let plan = self.plan_host(host)?;
        let is_due = plan.changes().next().is_some() || plan.trusted().next().is_some();
        let due = is_due.then(|| self.in_words(&plan));
        self.show(&self.facts(&plan, None), due, &self.kept(&plan))?;
        remarks_on_obstacles(&plan);
        Ok((is_due, tell_refused(plan.refused())))
    }

    /// Does it; tells whether something was refused.
    pub(super) fn apply_on_host(&self, host: &str) -> Result<bool, Failure> {
        let plan = self.plan_host(host)?;
        if plan.is_done() {
            return self.nothing_to_do(&plan);
        }
        // Planned again under the lock: whoever held it may have done the work
        let directory = self.store.directory();
        let files = self.store.lock_with(|| output::waiting_for(directory))?;
        let plan = self.plan_host(host)?;
        if plan.is_done() {
            return self.nothing_to_do(&plan);
        }
        let is_refused = tell_refused(plan.refused());
        for path in plan.steps().iter().flat_map(HostStep::hard_links) {
            output::say(format_args!(
                "note: {} has further names (hard links), which keep the old content: copy it there anew",
                path.display()
            ));
        }
        let said = Said {
            facts: self.facts(&plan, None),
            place: self.place(&plan),
            lines: self.lines(&plan),
            folder: plan.folder().to_owned(),
        };
        let ended = Ended::of(plan.apply(&files, progress(Instant::now())), Failure::from);
        let told = said.tell(&ended, self.json);
        ended.outcome(told.map(|()| is_refused))
    }

    fn nothing_to_do(&self, plan: &HostPlan) -> Result<bool, Failure> {
        if self.json {
            let done = Some(Done::of(&HostReport::default()));
            output::print_json(&self.facts(plan, done))?;
        } else if plan.changes().next().is_some() {
            let waiting = plan.changes().count();
            output::print(&format!(
                "{}{} in {}, not signed yet\n",
                self.in_words(plan),
                count(waiting, "request"),
                plan.folder().display()
            ))?;
        } else {
            output::print(&self.kept(plan))?;
        }
        Ok(tell_refused(plan.refused()))
    }

    fn in_words(&self, plan: &HostPlan) -> String {
        changes_in_words(&self.place(plan), self.lines(plan))
    }

    /// What is to be done, a line each.
    fn lines(&self, plan: &HostPlan) -> Vec<Line> {
        let trusted = plan.trusted().map(|(path, sha256)| {
            let name = path.strip_prefix(self.store.directory()).unwrap_or(&path);
            let name = name.display().to_string();
            Line {
                file: path.display().to_string(),
                text: format!("trust     {name:<28}  SHA-256 {sha256}"),
            }
        });
        let changed = plan.changes().map(|step| Line {
            file: step.paths().certificate.display().to_string(),
            text: step.to_string(),
        });
        trusted.chain(changed).collect()
    }

    fn kept(&self, plan: &HostPlan) -> String {
        let kept = count(plan.steps().len(), "certificate");
        format!("{}: {kept} as they should be\n", self.place(plan))
    }

    fn place(&self, plan: &HostPlan) -> String {
        format!(
            "{}, {} layout, requests in {}",
            self.store.directory().display(),
            self.store.layout(),
            plan.folder().display()
        )
    }

    fn facts(&self, plan: &HostPlan, done: Option<Done>) -> HostFacts {
        let changes: Vec<_> = plan.changes().map(StepFacts::of).collect();
        HostFacts {
            directory: self.store.directory().display().to_string(),
            layout: Layout::name(self.store.layout()),
            requests: plan.folder().display().to_string(),
            trusted: plan.trusted().map(TrustFacts::of).collect(),
            kept: plan.steps().len() - changes.len(),
            changes,
            refused: RefusalFacts::all(plan.refused()),
            done,
            unfinished: None,
        }
    }
}

/// What carrying out the plan would leave as it is.
fn remarks_on_obstacles(plan: &HostPlan) {
    for cause in plan.changes().flat_map(HostStep::causes) {
        if let Cause::InTheWay { path, .. } = cause {
            remark_on_obstacle(path);
        }
    }
}

/// What a plan says, which carrying it out consumes.
struct Said {
    facts: HostFacts,
    place: String,
    lines: Vec<Line>,
    folder: PathBuf,
}

impl Said {
    /// Tells what of it was done.
    fn tell(mut self, ended: &Ended<HostReport>, json: bool) -> Result<(), Failure> {
        if !ended.has_done() {
            return Ok(());
        }
        let report = &ended.report;
        if json {
            let mut facts = self.facts;
            facts
                .changes
                .retain(|change| ended.has(&change.certificate));
            facts.trusted.retain(|one| ended.has(&one.certificate));
            facts.done = Some(Done::of(report));
            facts.unfinished = ended.facts();
            return output::print_json(&facts);
        }
        self.lines.retain(|line| ended.has(&line.file));
        let lines = changes_in_words(&self.place, self.lines);
        let done = done_in_words(report);
        let next = match ended.rest_in_words() {
            None => next_in_words(report, &self.folder),
            Some(rest) => format!("; {rest}"),
        };
        output::print(&format!("{lines}{done}{next}\n"))
    }
}

impl TrustFacts {
    fn of((path, sha256): (PathBuf, String)) -> Self {
        Self {
            certificate: path.display().to_string(),
            sha256,
        }
    }
}

impl StepFacts {
    fn of(step: &HostStep) -> Self {
        Self {
            action: HostAction::name(step.action()),
            certificate: step.paths().certificate.display().to_string(),
            key: step.paths().key.display().to_string(),
            request: step.request().display().to_string(),
            makes_key: step.makes_key(),
            reasons: step.causes().iter().map(ToString::to_string).collect(),
        }
    }
}

impl Done {
    fn of(report: &HostReport) -> Self {
        Self {
            trusted: report.trusted,
            keys: report.keys,
            requested: report.requested,
            installed: report.installed,
            modes: report.modes,
        }
    }
}

/// `2 keys made, 2 requests written`
fn done_in_words(report: &HostReport) -> String {
    let counts = [
        (report.keys, "key", "made"),
        (report.requested, "request", "written"),
        (report.trusted, "authority", "trusted"),
        (report.installed, "certificate", "installed"),
        (report.modes, "pair", "given its mode"),
    ];
    let done: Vec<String> = counts
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, what, how)| match what {
            "authority" if number > 1 => format!("{number} authorities {how}"),
            _ => format!("{} {how}", count(number, what)),
        })
        .collect();
    done.join(", ")
}

/// What is left to do by hand, from the semicolon on.
fn next_in_words(report: &HostReport, folder: &Path) -> String {
    match (report.requested, report.installed) {
        (1.., _) => format!(
            "; bring {} to the CA, where `etcd-pki apply --requests` without --host signs it",
            folder.display()
        ),
        (0, 1..) => "; etcd reads a pair again by itself".to_owned(),
        _ => String::new(),
    }
}

//! On a host: keys made, requests written, certificates installed.

use std::{path::PathBuf, time::Instant};

use etcd_pki_core::{HostAction, HostPlan, HostReport, HostStep, Layout};
use serde::Serialize;

use super::{RefusalFacts, Travel, count, tell_refused};
use crate::{apply::progress, failure::Failure, output, time};

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
        let words = self.in_words(&plan);
        let facts = self.facts(&plan, None);
        let folder = plan.folder().to_owned();
        let report = plan.apply(&files, progress(Instant::now()))?;
        if self.json {
            let done = Some(Done::of(&report));
            output::print_json(&HostFacts { done, ..facts })?;
        } else {
            output::print(&format!("{words}{}\n", done_in_words(&report, &folder)))?;
        }
        Ok(is_refused)
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

    /// What is to be done, a line each.
    fn in_words(&self, plan: &HostPlan) -> String {
        let trusted = plan.trusted().map(|(path, sha256)| {
            let name = path.strip_prefix(self.store.directory()).unwrap_or(&path);
            format!(
                "trust     {:<28}  SHA-256 {sha256}",
                name.display().to_string()
            )
        });
        let lines = trusted.chain(plan.changes().map(ToString::to_string));
        format!("{}\n{}", self.place(plan), output::indented(lines))
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
        }
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

/// `2 keys made, 2 requests written; …`
fn done_in_words(report: &HostReport, folder: &std::path::Path) -> String {
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
    let next = match (report.requested, report.installed) {
        (1.., _) => format!(
            "; bring {} to the CA, where `etcd-pki apply --requests` without --host signs it",
            folder.display()
        ),
        (0, 1..) => "; etcd reads a pair again by itself".to_owned(),
        _ => String::new(),
    };
    format!("{}{next}", done.join(", "))
}

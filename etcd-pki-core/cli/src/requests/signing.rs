//! Where the authority is: the requests that have come, signed.

use std::{path::Path, time::Instant};

use etcd_pki_core::{NotGranted, Passphrase, SigningPlan, SigningReport, SigningStep};
use serde::Serialize;

use super::{RefusalFacts, Travel, count, tell_refused};
use crate::{
    apply::progress,
    failure::Failure,
    output,
    plan::changes_in_words,
    time,
    unfinished::{Ended, Line, UnfinishedFacts},
};

/// What is to be signed, or was signed, as JSON.
#[derive(Serialize)]
struct SigningFacts {
    directory: String,
    requests: String,
    /// Authorities that are to be made
    create: Vec<String>,
    changes: Vec<StepFacts>,
    kept: usize,
    refused: Vec<RefusalFacts>,
    /// Hosts of the specification from which no request has come
    without_request: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<Done>,
    /// That it failed before all was done; what is created and changed is what was done
    #[serde(skip_serializing_if = "Option::is_none")]
    unfinished: Option<UnfinishedFacts>,
}

#[derive(Serialize)]
struct StepFacts {
    host: String,
    request: String,
    reasons: Vec<String>,
}

#[derive(Serialize)]
struct Done {
    created: usize,
    signed: usize,
    trusted: usize,
    not_granted: Vec<NotGrantedFacts>,
}

#[derive(Serialize)]
struct NotGrantedFacts {
    request: String,
    claims: Vec<String>,
}

impl Travel<'_> {
    fn plan_signing(&self) -> Result<SigningPlan, Failure> {
        let plan = self
            .cluster
            .plan_signing(self.store, self.directory, time::now());
        Ok(plan?)
    }

    /// Shows what is to be signed; tells whether something is, and whether something is refused.
    pub(super) fn show_signing(&self) -> Result<(bool, bool), Failure> {
        let plan = self.plan_signing()?;
        let is_due = plan.changes().next().is_some();
        let due = is_due.then(|| self.signing_in_words(&plan));
        self.show(
            &self.signing_facts(&plan, None),
            due,
            &self.all_signed(&plan),
        )?;
        tell_without_request(&plan);
        Ok((is_due, tell_refused(plan.refused())))
    }

    /// Signs; tells whether something was refused.
    pub(super) fn sign(&self, passphrase: Option<&Passphrase>) -> Result<bool, Failure> {
        let store = self.store.directory();
        let files = self.store.lock_with(|| output::waiting_for(store))?;
        let plan = self.plan_signing()?;
        let is_refused = tell_refused(plan.refused());
        tell_without_request(&plan);
        let said = Said {
            facts: self.signing_facts(&plan, None),
            lines: self.signing_lines(&plan),
            none: self.all_signed(&plan),
        };
        let ended = Ended::of(
            plan.apply(&files, passphrase, progress(Instant::now())),
            Failure::from,
        );
        let told = self.tell_signed(said, &ended);
        ended.outcome(told.map(|()| is_refused))
    }

    /// Tells what of it was done.
    fn tell_signed(&self, said: Said, ended: &Ended<SigningReport>) -> Result<(), Failure> {
        if !ended.has_done() {
            return Ok(());
        }
        let report = &ended.report;
        tell_not_granted(report);
        let Said {
            mut facts,
            mut lines,
            none,
        } = said;
        if self.json {
            facts.create.retain(|file| ended.has(&self.path_of(file)));
            facts.changes.retain(|change| ended.has(&change.request));
            facts.done = Some(Done::of(report));
            facts.unfinished = ended.facts();
            return output::print_json(&facts);
        }
        lines.retain(|line| ended.has(&line.file));
        let words = if lines.is_empty() {
            none
        } else {
            changes_in_words(&self.signing_place(), lines)
        };
        let last = match ended.rest_in_words() {
            None => self.signed_in_words(report),
            Some(rest) => format!("{rest}\n"),
        };
        output::print(&format!("{words}{last}"))
    }

    fn signing_in_words(&self, plan: &SigningPlan) -> String {
        changes_in_words(&self.signing_place(), self.signing_lines(plan))
    }

    /// What is to be signed, a line each.
    fn signing_lines(&self, plan: &SigningPlan) -> Vec<Line> {
        let created = plan.created().map(|path| Line {
            file: self.path_of(path),
            text: format!("create    {}", path.display()),
        });
        let signed = plan.changes().map(|step| Line {
            file: step.path().display().to_string(),
            text: step.to_string(),
        });
        created.chain(signed).collect()
    }

    /// Where an authority's file is, of which the plan gives the name.
    fn path_of(&self, authority: impl AsRef<Path>) -> String {
        self.store.directory().join(authority).display().to_string()
    }

    fn all_signed(&self, plan: &SigningPlan) -> String {
        let good = count(plan.steps().len(), "request");
        format!("{}: {good}, none to be signed\n", self.signing_place())
    }

    fn signing_place(&self) -> String {
        format!(
            "{}, signed by the CA in {}",
            self.directory.display(),
            self.store.directory().display()
        )
    }

    fn signed_in_words(&self, report: &SigningReport) -> String {
        if report.signed == 0 {
            return String::new();
        }
        format!(
            "{} signed; bring each folder of {} to its host, where `etcd-pki apply --requests` with --host installs it\n",
            count(report.signed, "request"),
            self.directory.display()
        )
    }

    fn signing_facts(&self, plan: &SigningPlan, done: Option<Done>) -> SigningFacts {
        let changes: Vec<_> = plan.changes().map(StepFacts::of).collect();
        SigningFacts {
            directory: self.store.directory().display().to_string(),
            requests: self.directory.display().to_string(),
            create: plan
                .created()
                .map(|path| path.display().to_string())
                .collect(),
            kept: plan.steps().len() - changes.len(),
            changes,
            refused: RefusalFacts::all(plan.refused()),
            without_request: plan.without_request().to_vec(),
            done,
            unfinished: None,
        }
    }
}

/// What a plan says, which carrying it out consumes.
struct Said {
    facts: SigningFacts,
    lines: Vec<Line>,
    /// That there is none to be signed
    none: String,
}

/// Names the hosts from which nothing has come: the first by name, and how many more.
fn tell_without_request(plan: &SigningPlan) {
    const SHOWN: usize = 8;
    let hosts = plan.without_request();
    let (named, others) = hosts.split_at(hosts.len().min(SHOWN));
    if named.is_empty() {
        return;
    }
    let more = match others.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    output::say(format_args!(
        "note: no request has come from {}{more}",
        named.join(", ")
    ));
}

fn tell_not_granted(report: &SigningReport) {
    for NotGranted { path, claims, .. } in &report.not_granted {
        let claims: Vec<String> = claims.iter().map(ToString::to_string).collect();
        output::say(format_args!(
            "not granted: {}: {}",
            path.display(),
            claims.join(", ")
        ));
    }
}

impl StepFacts {
    fn of(step: &SigningStep) -> Self {
        Self {
            host: step.host().to_owned(),
            request: step.path().display().to_string(),
            reasons: step.causes().iter().map(ToString::to_string).collect(),
        }
    }
}

impl Done {
    fn of(report: &SigningReport) -> Self {
        let not_granted = report.not_granted.iter().map(|one| NotGrantedFacts {
            request: one.path.display().to_string(),
            claims: one.claims.iter().map(ToString::to_string).collect(),
        });
        Self {
            created: report.created,
            signed: report.signed,
            trusted: report.trusted,
            not_granted: not_granted.collect(),
        }
    }
}

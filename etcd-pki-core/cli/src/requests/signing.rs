//! Where the authority is: the requests that have come, signed.

use std::time::Instant;

use etcd_pki_core::{NotGranted, Passphrase, SigningPlan, SigningReport, SigningStep};
use serde::Serialize;

use super::{RefusalFacts, Travel, count, tell_refused};
use crate::{apply::progress, failure::Failure, output, time};

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
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<Done>,
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
        Ok((is_due, tell_refused(plan.refused())))
    }

    /// Signs; tells whether something was refused.
    pub(super) fn sign(&self, passphrase: Option<&Passphrase>) -> Result<bool, Failure> {
        let store = self.store.directory();
        let files = self.store.lock_with(|| output::waiting_for(store))?;
        let plan = self.plan_signing()?;
        let is_refused = tell_refused(plan.refused());
        let words = if plan.changes().next().is_some() {
            self.signing_in_words(&plan)
        } else {
            self.all_signed(&plan)
        };
        let facts = self.signing_facts(&plan, None);
        let report = plan.apply(&files, passphrase, progress(Instant::now()))?;
        for NotGranted { path, claims, .. } in &report.not_granted {
            let claims: Vec<String> = claims.iter().map(ToString::to_string).collect();
            output::say(format_args!(
                "not granted: {}: {}",
                path.display(),
                claims.join(", ")
            ));
        }
        if self.json {
            let done = Some(Done::of(&report));
            output::print_json(&SigningFacts { done, ..facts })?;
        } else {
            output::print(&format!("{words}{}", self.signed_in_words(&report)))?;
        }
        Ok(is_refused)
    }

    /// What is to be signed, a line each.
    fn signing_in_words(&self, plan: &SigningPlan) -> String {
        let created = plan
            .created()
            .map(|path| format!("create    {}", path.display()));
        let lines = created.chain(plan.changes().map(ToString::to_string));
        format!("{}\n{}", self.signing_place(), output::indented(lines))
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
            done,
        }
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

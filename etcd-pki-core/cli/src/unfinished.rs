//! The steps that were not done: their number, and the error of each failure.

use etcd_pki_core::{
    Error,
    finding::Finding,
    plan::{Action, Report, StepReport},
};
use serde::Serialize;

use crate::{failure::Message, output, steps::StepFacts};

/// The steps that were not done.
pub(crate) struct Unfinished<'a> {
    pub(crate) done: usize,
    pub(crate) all: usize,
    pub(crate) failures: Vec<(StepReport<'a>, Message)>,
}

/// The steps that were not done, as JSON.
#[derive(Serialize)]
pub(crate) struct UnfinishedFacts {
    done: usize,
    all: usize,
    /// The first error
    error: String,
    hint: Option<String>,
    /// Every step that failed
    failures: Vec<StepFacts>,
}

impl<'a> Unfinished<'a> {
    /// The steps of these reports that were not done; `None` if everything is done.
    pub(crate) fn of(
        reports: &'a [Report],
        message: impl Fn(&StepReport<'a>) -> Message,
    ) -> Option<Self> {
        if reports.iter().all(Report::is_complete) {
            return None;
        }
        let failures = reports.iter().flat_map(Report::failures);
        Some(Self {
            done: reports.iter().map(Report::changed).sum(),
            all: reports.iter().map(|report| report.steps().count()).sum(),
            failures: failures
                .map(|failure| {
                    let message = message(&failure);
                    (failure, message)
                })
                .collect(),
        })
    }

    /// `2 of 9 changes done; run it again for the rest`
    pub(crate) fn in_words(&self) -> String {
        let Self { done, all, .. } = self;
        let plural = if *all == 1 { "" } else { "s" };
        format!("{done} of {all} change{plural} done; run it again for the rest")
    }

    pub(crate) fn facts(&self) -> UnfinishedFacts {
        let first = self.failures.first().map(|(_, message)| message.clone());
        let Message { text, hint } = first.unwrap_or_default();
        UnfinishedFacts {
            done: self.done,
            all: self.all,
            error: text,
            hint,
            failures: self
                .failures
                .iter()
                .map(|(report, message)| StepFacts::failed(report, message))
                .collect(),
        }
    }

    /// Prints every error on standard error. Consecutive errors with the same hint print it once.
    pub(crate) fn print(&self) {
        let mut messages = self.failures.iter().map(|(_, message)| message).peekable();
        while let Some(Message { text, hint }) = messages.next() {
            let next = messages.peek().map(|next| &next.hint);
            output::problem(text, hint.as_deref().filter(|_| next != Some(hint)));
        }
    }
}

/// The error of a step, and its hint.
pub(crate) fn message(report: &StepReport<'_>) -> Message {
    let message = report.error().map(Message::of).unwrap_or_default();
    let mut reasons = report.step().reasons().iter();
    if reasons.any(|reason| matches!(reason, Finding::UntrustedCa { .. })) {
        return Message {
            hint: Some(TRUST_HINT.to_owned()),
            ..message
        };
    }
    let step = report.step();
    // The record of the CA can be blocked for every step
    let is_removed = step.action() == Action::Remove || step.action() == Action::Blocked;
    let is_unmanaged = step.pair().is_none() && step.ca().is_none() && is_removed;
    if is_unmanaged && matches!(report.error(), Some(Error::Blocked { .. })) {
        return Message {
            hint: Some(PRUNE_HINT.to_owned()),
            ..message
        };
    }
    let is_file = |reason: &Finding| {
        matches!(
            reason,
            Finding::Blocked { .. } | Finding::SymbolicLink { .. }
        )
    };
    let is_blocked = step.action() == Action::Blocked && !step.reasons().iter().any(is_file);
    let reason = step.reasons().first();
    match reason.filter(|reason| is_blocked && has_way_out(reason)) {
        Some(reason) => Message {
            hint: Some(reason.fix().to_owned()),
            ..message
        },
        None => message,
    }
}

/// The hint for a pair that `--prune` does not remove.
const PRUNE_HINT: &str = "find out who uses that key, and remove the files by hand";

/// Whether the hint of the reason applies. The file at the path is then all right.
fn has_way_out(reason: &Finding) -> bool {
    matches!(
        reason,
        Finding::SharedKey
            | Finding::CaKey { .. }
            | Finding::SignedByOtherCa { .. }
            | Finding::NotSupported { .. }
    )
}

/// The hint for a CA that is not trusted yet
pub(crate) const TRUST_HINT: &str = "compare the SHA-256 with `etcd-pki ca show` where the CA is; if it is the same, trust it with --trust SHA256";

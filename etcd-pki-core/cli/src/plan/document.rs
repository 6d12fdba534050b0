//! A plan and its result as JSON: one document for every mode.

use std::path::Path;

use etcd_pki_core::{
    Plan, Store,
    internal::rfc3339,
    plan::{Action, DeniedClaims, Refusal, Report, ShortenedValidity, Step},
};
use serde::Serialize;

use super::words::kept;
use crate::{
    steps::StepFacts,
    unfinished::{Unfinished, UnfinishedFacts},
};

/// A plan as JSON.
#[derive(Default, Serialize)]
pub(crate) struct Document {
    directory: String,
    layout: &'static str,
    #[serde(flatten)]
    exchange: Option<Exchange>,
    changes: Vec<StepFacts>,
    kept: usize,
    /// Certificates that are not in the specification
    unmanaged: Vec<String>,
    /// Unmanaged certificates that are removed
    remove: Vec<StepFacts>,
    /// When the first of the kept certificates is due
    first_due: Option<String>,
    /// The peer CA, if the specification has no separate one; `--prune` leaves it
    unmanaged_ca: Option<String>,
    /// The keys of CAs that must sign and are not in the directory
    missing_ca_keys: Vec<String>,
    #[serde(flatten)]
    applied: Option<Applied>,
}

/// The exchange of requests and certificates.
#[derive(Serialize)]
struct Exchange {
    /// The exchange directory; on a host, its folder in it
    requests: String,
    /// Where the CA is: the CAs that are created
    create: Vec<String>,
    /// The CA certificates that are installed, given to hosts, or written again in the form that
    /// etcd reads
    trusted: Vec<StepFacts>,
    refused: Vec<RefusalFacts>,
    /// Hosts of the specification without a request
    without_request: Vec<String>,
}

#[derive(Serialize)]
struct RefusalFacts {
    file: String,
    reason: String,
}

/// The changes.
#[derive(Default, Serialize)]
struct Applied {
    created: usize,
    renewed: usize,
    reissued: usize,
    modes: usize,
    removed: usize,
    /// Whether certificates were added to the revocation lists
    revoked: usize,
    /// Certificates that expire before the end of the specified validity
    validity_cut: Vec<ValidityCutFacts>,
    /// The hosts on which etcd must be restarted
    restart: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    done: Option<Done>,
    /// The steps that are not done; nothing if everything is done
    #[serde(skip_serializing_if = "Option::is_none")]
    unfinished: Option<UnfinishedFacts>,
}

#[derive(Serialize)]
struct ValidityCutFacts {
    certificate: String,
    asked: String,
    not_after: String,
}

/// The changes in the exchange directory.
#[derive(Serialize)]
struct Done {
    created: usize,
    keys: usize,
    requested: usize,
    signed: usize,
    trusted: usize,
    installed: usize,
    modes: usize,
    not_granted: Vec<NotGrantedFacts>,
}

#[derive(Serialize)]
struct NotGrantedFacts {
    request: String,
    claims: Vec<String>,
}

impl Document {
    /// A plan.
    pub(crate) fn of(plan: &Plan) -> Self {
        let steps = plan.changes().map(|step| (step, StepFacts::of(step)));
        Self::with_steps(plan, steps)
    }

    /// The changes, and the waiting steps.
    pub(crate) fn applied(report: &Report, unfinished: Option<&Unfinished<'_>>) -> Self {
        let plan = report.plan();
        let done = report.done();
        let done = done.map(|done| (done.step(), StepFacts::applied(&done)));
        let waiting = plan.steps().iter();
        let waiting = waiting.filter(|step| step.action() == Action::Wait);
        let waiting = waiting.map(|step| (step, StepFacts::of(step)));
        Self {
            applied: Some(Applied::of(report, unfinished)),
            ..Self::with_steps(plan, done.chain(waiting))
        }
    }

    /// The document if nothing is desired in a directory, and nothing was changed.
    pub(crate) fn of_nobody(store: &Store) -> Self {
        Self {
            directory: shown(store.directory()),
            layout: store.layout().name(),
            applied: Some(Applied::default()),
            ..Self::default()
        }
    }

    fn with_steps<'a>(plan: &Plan, steps: impl Iterator<Item = (&'a Step, StepFacts)>) -> Self {
        let mut exchange = plan
            .exchange()
            .map(|directory| Exchange::of(plan, directory));
        let (mut changes, mut remove) = (Vec::new(), Vec::new());
        for (step, facts) in steps {
            match (step.action(), &mut exchange) {
                (Action::Remove, _) => remove.push(facts),
                (Action::Trust, Some(exchange)) => exchange.trusted.push(facts),
                (Action::Create, Some(exchange)) => {
                    let created = &step.relative_paths().certificate;
                    exchange.create.push(shown(created));
                }
                _ => changes.push(facts),
            }
        }
        let unmanaged = plan.unmanaged().iter();
        Self {
            directory: shown(plan.directory()),
            layout: plan.store().layout().name(),
            exchange,
            changes,
            kept: kept(plan),
            unmanaged: unmanaged.map(|pair| shown(&pair.certificate)).collect(),
            remove,
            first_due: plan.next_renewal().and_then(Step::due).map(rfc3339),
            unmanaged_ca: plan.unmanaged_ca().map(|ca| shown(&ca.certificate)),
            missing_ca_keys: plan
                .cas_without_key()
                .map(|step| shown(&step.paths().key))
                .collect(),
            applied: None,
        }
    }
}

impl Exchange {
    fn of(plan: &Plan, directory: &Path) -> Self {
        Self {
            requests: shown(directory),
            create: Vec::new(),
            trusted: Vec::new(),
            refused: plan.refused().iter().map(RefusalFacts::of).collect(),
            without_request: plan.hosts_without_request().to_vec(),
        }
    }
}

impl Applied {
    fn of(report: &Report, unfinished: Option<&Unfinished<'_>>) -> Self {
        let cut = report.shortened_validities();
        let restart = report.hosts_to_restart().into_iter();
        Self {
            created: report.count(Action::Create),
            renewed: report.count(Action::Renew),
            reissued: report.count(Action::Reissue),
            modes: report.count(Action::Chmod),
            removed: report.count(Action::Remove),
            revoked: report.count(Action::Revoke),
            validity_cut: cut.iter().map(ValidityCutFacts::of).collect(),
            restart: restart.map(str::to_owned).collect(),
            done: report.plan().exchange().map(|_| Done::of(report)),
            unfinished: unfinished.map(Unfinished::facts),
        }
    }
}

impl Done {
    fn of(report: &Report) -> Self {
        let denied = report.denied_claims();
        Self {
            created: report.count(Action::Create),
            keys: report.keys(),
            requested: report.count(Action::Request),
            signed: report.count(Action::Sign),
            trusted: report.count(Action::Trust),
            installed: report.count(Action::Install),
            modes: report.count(Action::Chmod),
            not_granted: denied.iter().map(NotGrantedFacts::of).collect(),
        }
    }
}

impl RefusalFacts {
    fn of(refusal: &Refusal) -> Self {
        Self {
            file: shown(&refusal.path),
            reason: refusal.reason.clone(),
        }
    }
}

impl ValidityCutFacts {
    fn of(cut: &ShortenedValidity) -> Self {
        Self {
            certificate: shown(&cut.path),
            asked: rfc3339(cut.requested),
            not_after: rfc3339(cut.not_after),
        }
    }
}

impl NotGrantedFacts {
    fn of(denied: &DeniedClaims) -> Self {
        Self {
            request: shown(&denied.path),
            claims: denied.claims.iter().map(ToString::to_string).collect(),
        }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

//! A plan as JSON.

use std::path::Path;

use etcd_pki_core::{Action, Layout, PairPaths, Plan, Step, Store, rfc3339};
use serde::Serialize;

use super::key_there;

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

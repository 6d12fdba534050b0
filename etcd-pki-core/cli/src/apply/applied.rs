//! What was done, as JSON.

use etcd_pki_core::{Report, ValidityCut, rfc3339};
use serde::Serialize;

use crate::{plan::PlanFacts, unfinished::UnfinishedFacts};

/// What was done, as JSON.
#[derive(Serialize)]
pub(super) struct Applied {
    #[serde(flatten)]
    plan: PlanFacts,
    created: usize,
    renewed: usize,
    reissued: usize,
    modes: usize,
    removed: usize,
    /// Certificates that end before what the specification asks for
    validity_cut: Vec<ValidityCutFacts>,
    /// That it failed before it was done; the changes are those that were done
    #[serde(skip_serializing_if = "Option::is_none")]
    unfinished: Option<UnfinishedFacts>,
}

#[derive(Serialize)]
struct ValidityCutFacts {
    certificate: String,
    asked: String,
    not_after: String,
}

impl Applied {
    pub(super) fn of(
        plan: PlanFacts,
        report: &Report,
        unfinished: Option<UnfinishedFacts>,
    ) -> Self {
        Self {
            plan,
            created: report.created,
            renewed: report.renewed,
            reissued: report.reissued,
            modes: report.modes,
            removed: report.removed,
            validity_cut: report
                .validity_cut
                .iter()
                .map(ValidityCutFacts::of)
                .collect(),
            unfinished,
        }
    }
}

impl ValidityCutFacts {
    fn of(cut: &ValidityCut) -> Self {
        Self {
            certificate: cut.path.display().to_string(),
            asked: rfc3339(cut.asked),
            not_after: rfc3339(cut.not_after),
        }
    }
}

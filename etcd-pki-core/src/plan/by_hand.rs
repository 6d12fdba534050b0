//! What a plan does not do by itself: it is told, and left to people.

use super::{Action, Plan, Step};
use crate::layout::{CaKind, PairPaths};

impl Plan {
    /// The authority of peers, where the specification has none apart any more. It stays even after [`Plan::prune`]: a key by which
    /// members were made to trust each other is removed by nobody but its owner.
    #[must_use]
    pub fn surplus_authority(&self) -> Option<&PairPaths> {
        self.surplus_authority.as_ref()
    }

    /// The authorities that are to sign something and whose keys are not there. Where a key is elsewhere on purpose, the plan is
    /// right and is carried out there, or requests travel.
    pub fn authorities_without_key(&self) -> impl Iterator<Item = &Step> {
        let has_none = |step: &&Step| {
            step.wanted.is_authority() && step.action != Action::Create && !step.stamps.has_key()
        };
        let without = self.steps.iter().filter(has_none);
        without.filter(|step| self.signs(step.wanted.issuer))
    }

    /// Whether an authority has something to sign.
    pub(super) fn signs(&self, issuer: CaKind) -> bool {
        self.changes().any(|step| {
            !step.wanted.is_authority()
                && step.wanted.issuer == issuer
                && step.action != Action::Mode
        })
    }
}

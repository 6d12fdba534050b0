//! What a plan does not do by itself: it is told, and left to people.

use super::Plan;
use crate::layout::PairPaths;

impl Plan {
    /// The authority of peers, where the specification has none apart any more. It stays even after [`Plan::prune`]: a key by which
    /// members were made to trust each other is removed by nobody but its owner.
    #[must_use]
    pub fn surplus_authority(&self) -> Option<&PairPaths> {
        self.surplus_authority.as_ref()
    }
}

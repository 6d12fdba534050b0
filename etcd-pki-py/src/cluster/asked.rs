//! What is asked of a plan beside the specification.

use std::time::SystemTime;

use etcd_pki_core::{Cluster, Plan, Result, Store};

/// What is asked of a plan beside the specification.
pub(super) struct Asked<'a> {
    pub(super) host: Option<&'a str>,
    pub(super) only: Option<&'a str>,
    pub(super) rekey: bool,
    pub(super) prune: bool,
    pub(super) backup: bool,
    pub(super) replace_links: bool,
    pub(super) now: SystemTime,
}

impl Asked<'_> {
    pub(super) fn plan(&self, cluster: &Cluster, store: &Store) -> Result<Plan> {
        let mut plan = cluster.plan_for(store, self.host, self.now)?;
        if let Some(name) = self.only {
            plan = plan.only(name)?;
        }
        if self.rekey {
            plan = plan.rekey();
        }
        if self.prune {
            plan = plan.prune();
        }
        if self.backup {
            plan = plan.backup();
        }
        if self.replace_links {
            plan = plan.replace_links();
        }
        Ok(plan)
    }
}

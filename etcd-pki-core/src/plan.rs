//! Wanted against found: what is to be done so that a directory is as its specification says, and why.

mod action;
mod apply;
mod as_far_as_possible;
mod authority;
mod by_hand;
mod cause;
mod create;
mod decision;
mod due;
mod found;
mod keys;
mod links;
mod obstacle;
mod pair;
mod planning;
mod progress;
mod record;
mod sharing;
mod step;
mod surplus;
mod unfinished;
mod validity_cut;

use std::path::{Path, PathBuf};

pub use self::{
    action::Action, apply::Report, cause::Cause, progress::Progress, step::Step,
    unfinished::Unfinished, validity_cut::ValidityCut,
};
pub(crate) use self::{
    as_far_as_possible::{as_far_as_possible, one_after_another},
    create::{check_orphans, create_authority},
    obstacle::{check_way, in_the_way},
    pair::{Pair, attributes_of, check_authority_certificate, judge, profile},
    progress::Followed,
    unfinished::Done,
};
use self::{found::Stamps, record::NextRecord};
use crate::{
    error::{Error, Result},
    layout::PairPaths,
    store::{Attributes, LockedStore},
};

/// What is to be done in a directory, each step with its reasons. It was made by reading, and [`Plan::apply`] consumes it.
///
/// ```
/// use etcd_pki_core::{Action, Cluster, Identity, Layout, Store};
///
/// # let parent = tempfile::tempdir()?;
/// # let directory = parent.path().join("ssl");
/// let cluster = Cluster::builder()
///     .members([Identity::new("etcd-1")?.with_names(["10.0.0.11"])?])
///     .clients([Identity::new("root")?])
///     .build()?;
/// let store = Store::new(directory, Layout::Kubespray);
///
/// let plan = cluster.plan(&store)?;
/// assert!(plan.changes().all(|step| step.action() == Action::Create));
/// let report = plan.apply(&store.lock()?, None, |_, _| ())?;
/// assert_eq!(report.created, 4); // the authority, the member, its admin, the client
///
/// assert_eq!(cluster.plan(&store)?.changes().count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct Plan {
    directory: PathBuf,
    steps: Vec<Step>,
    surplus: Vec<PairPaths>,
    surplus_stamps: Vec<Stamps>,
    surplus_authority: Option<PairPaths>,
    /// What is remembered of it; nothing if it is a part of what lies in the directory
    record: Option<NextRecord>,
    prunes: bool,
    replaces_links: bool,
    attributes: Attributes,
}

impl Plan {
    /// Where.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Every pair, also those that are kept: the authorities, then members, nodes and clients.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The pairs that are not as they should be.
    pub fn changes(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.action != Action::Keep)
    }

    /// Pairs that the authority has signed and the specification does not have: of hosts and users that are gone.
    #[must_use]
    pub fn surplus(&self) -> &[PairPaths] {
        &self.surplus
    }

    /// The surplus that goes when it is carried out: all of it after [`Plan::prune`], and none otherwise.
    #[must_use]
    pub fn removed(&self) -> &[PairPaths] {
        if self.prunes { &self.surplus } else { &[] }
    }

    /// Whether carrying it out changes anything.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.changes().next().is_some() || !self.removed().is_empty()
    }

    /// Whether carrying it out removes the surplus.
    #[must_use]
    pub fn prunes(&self) -> bool {
        self.prunes
    }

    /// Whether more is known of the pairs that are kept than the directory has on record, so that the next plan would be made
    /// faster.
    #[must_use]
    pub fn is_worth_recording(&self) -> bool {
        self.record.as_ref().is_some_and(NextRecord::is_news)
    }

    /// Changes nothing but the record of what was checked. [`Plan::apply`] does it too.
    pub fn record(self, files: &LockedStore) {
        if let Some(record) = self.record {
            record.write([].into_iter(), files);
        }
    }

    /// Leaves everything but one name as it is: a host's or a user's. Authorities are made if there is none, and not renewed.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidName`] for a name that is no host's and no user's in this plan.
    pub fn only(mut self, name: &str) -> Result<Self> {
        for leaf in &mut self.steps {
            leaf.without_renewed_authority();
        }
        self.steps.retain_mut(|step| {
            if step.wanted.is_authority() {
                if step.action != Action::Create {
                    step.action = Action::Keep;
                }
                return true;
            }
            step.wanted.host.as_deref() == Some(name) || step.wanted.identity.name() == Some(name)
        });
        if self.steps.iter().all(|step| step.wanted.is_authority()) {
            return Err(Error::InvalidName {
                name: name.to_owned(),
                reason: "is no host and no user of the cluster".to_owned(),
            });
        }
        Ok(self.without_surplus())
    }

    /// Makes a new key wherever a certificate is renewed. Between the two renames of a pair there is an instant in which etcd may
    /// read one that does not match: that handshake fails, and the next one reads the files again.
    pub fn rekey(mut self) -> Self {
        for step in &mut self.steps {
            if step.action == Action::Renew && !step.wanted.is_authority() {
                step.action = Action::Reissue;
                step.causes
                    .extend(links::at(&self.directory, &step.paths.key));
            }
        }
        self
    }

    /// Has no opinion on what nobody wants: the cluster is a part of what lies in the directory.
    pub fn without_surplus(mut self) -> Self {
        self.surplus.clear();
        self.surplus_stamps.clear();
        self.surplus_authority = None;
        self
    }

    /// Removes the surplus when the plan is carried out.
    pub fn prune(mut self) -> Self {
        self.prunes = true;
        self
    }

    /// Puts pairs of their own in the place of links from one file of the directory to another, where such a link is a
    /// [`Cause::SymbolicLink`]. What the link leads to stays. [`Plan::apply`] refuses to write there otherwise.
    pub fn replace_links(mut self) -> Self {
        self.replaces_links = true;
        self
    }

    /// Keeps what is replaced or removed, in dot files beside it.
    pub fn backup(mut self) -> Self {
        self.attributes.backup = true;
        self
    }

    /// The pair that is kept and will be due first.
    #[must_use]
    pub fn first_due(&self) -> Option<&Step> {
        let kept = self.steps.iter().filter(|step| step.due.is_some());
        kept.min_by_key(|step| step.due)
    }
}

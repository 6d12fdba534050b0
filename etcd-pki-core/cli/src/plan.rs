//! `etcd-pki plan`: shows the changes after which a directory matches its specification, with
//! reasons.

mod document;
mod next;
mod remarks;
mod words;

use clap::Args;

pub(crate) use self::{
    document::Document,
    remarks::{denied_claims, remarks, revocation, shortened_validities, unmanaged},
    words::applied,
};
use crate::{
    failure::{Answer, Outcome},
    input::Input,
    options::{ClusterOptions, ExchangeOption, PlanOptions},
    output,
};

/// Show what must change in a cluster's directory, and why
///
/// The directory is compared with the cluster's specification, and nothing is written.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki plan -f cluster.yaml
  etcd-pki plan -f cluster.yaml --check
  etcd-pki plan -f cluster.yaml --only etcd-1 --rekey
  etcd-pki plan -f cluster.yaml --requests exchange

Exit codes:
  0  planned; with --check, everything is up to date
  1  failed or refused, such as an unknown field in the specification
  2  the arguments are not understood
  3  with --check: something is due, waits or is blocked")]
pub(crate) struct PlanCommand {
    #[command(flatten)]
    cluster: ClusterOptions,
    #[command(flatten)]
    options: PlanOptions,
    #[command(flatten)]
    exchange: ExchangeOption,
    /// Exit with 3 if something is due or blocked
    #[arg(long)]
    check: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl PlanCommand {
    pub(crate) fn run(&self, input: &Input) -> Outcome {
        let (cluster, store) = self.cluster.read(input)?;
        let options = self.options.read(&self.cluster, &self.exchange);
        let plan = cluster.plan_with(&store, &options)?;
        if self.json {
            output::print_json(&Document::of(&plan))?;
        } else {
            output::print(&words::planned(&plan))?;
        }
        unmanaged(&plan, plan.changes());
        remarks(&plan);
        remarks::obstacles(&plan);
        Ok(if !plan.refused().is_empty() {
            Answer::No
        } else if self.check && plan.changes().next().is_some() {
            Answer::Due
        } else {
            Answer::Yes
        })
    }
}

//! `etcd-pki adopt`: the specification that describes an existing directory.

use std::path::{self, PathBuf};

use clap::{Args, ValueHint};
use etcd_pki_core::{
    Layout,
    adopt::{Adoption, Remark},
};
use serde::Serialize;

use crate::{
    failure::{Answer, Failure, Outcome},
    files::{self, File},
    input::is_standard,
    options::{ForceOption, OutOption, one_of},
    output,
};

/// Print the specification that describes an existing directory
///
/// The layout can be Kubespray's, kubeadm's, etcdadm's, k3s's, cfssl's or etcd-pki's own. Nothing
/// in the directory is changed. `etcd-pki plan` with the printed specification shows what is wrong
/// with the directory. Standard error lists what a specification cannot describe.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki adopt /etc/ssl/etcd/ssl > cluster.yaml
  etcd-pki adopt /etc/kubernetes/pki --layout kubeadm -o cluster.yaml

Exit codes:
  0  the specification is printed or written
  1  failed or refused, such as a directory of no known layout, or an existing file without --force
  2  the arguments are not understood")]
pub(crate) struct Adopt {
    /// The directory with the CA certificate
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    directory: PathBuf,
    /// The layout of the file names, instead of the detected one
    #[arg(long, value_parser = one_of::<Layout>(Layout::ALL.map(Layout::name)))]
    layout: Option<Layout>,
    #[command(flatten)]
    out: OutOption,
    #[command(flatten)]
    force: ForceOption,
    /// Print the specification and the remarks as JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// A specification and the facts that it cannot describe, as JSON.
#[derive(Serialize)]
struct Adopted {
    directory: String,
    layout: &'static str,
    /// In YAML
    specification: String,
    remarks: Vec<RemarkFacts>,
}

#[derive(Serialize)]
struct RemarkFacts {
    /// Relative to the directory
    file: String,
    text: String,
}

impl Adopt {
    pub(crate) fn run(&self) -> Outcome {
        // A relative directory is relative to the specification, which may be kept elsewhere
        let directory = path::absolute(&self.directory).map_err(|error| {
            Failure::failed(
                format!("cannot find {}: {error}", self.directory.display()),
                "name the directory by its whole path",
            )
        })?;
        let adoption = Adoption::read(&directory, self.layout)?;
        let yaml = adoption.cluster().to_yaml();
        if !self.json || !is_standard(&self.out.path) {
            let file = File::public(&self.out.path, &yaml);
            files::write(&[file], self.force.replacing())?;
        }
        if self.json {
            output::print_json(&Adopted {
                directory: directory.display().to_string(),
                layout: Layout::name(adoption.cluster().layout()),
                specification: yaml,
                remarks: adoption.remarks().iter().map(RemarkFacts::of).collect(),
            })?;
        }
        for remark in adoption.remarks() {
            output::say(format_args!("note: {remark}"));
        }
        Ok(Answer::Yes)
    }
}

impl RemarkFacts {
    fn of(remark: &Remark) -> Self {
        Self {
            file: remark.path().display().to_string(),
            text: remark.text().to_owned(),
        }
    }
}

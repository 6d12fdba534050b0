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
/// The directory may be Kubespray's, kubeadm's, etcdadm's, k3s's, cfssl's, or of etcd-pki's own making. Nothing in it is changed, and `etcd-pki plan` with what is printed shows its faults. What a specification cannot say is told on standard error.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki adopt /etc/ssl/etcd/ssl > cluster.yaml
  etcd-pki adopt /etc/kubernetes/pki --layout kubeadm -o cluster.yaml

Exit codes:
  0  the specification is made
  1  failed or refused, such as a directory of no known layout, or a file that exists without --force
  2  the arguments are not understood")]
pub(crate) struct Adopt {
    /// The directory in which the CA's certificate is
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    directory: PathBuf,
    /// Whose names the files there have, instead of what they look like
    #[arg(long, value_parser = one_of::<Layout>(Layout::ALL.map(Layout::name)))]
    layout: Option<Layout>,
    #[command(flatten)]
    out: OutOption,
    #[command(flatten)]
    force: ForceOption,
    /// Print the specification and the remarks on it as JSON
    #[arg(long, help_heading = "Output")]
    json: bool,
}

/// A specification and what it does not say, as JSON.
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
    /// Below the directory
    file: String,
    text: String,
}

impl Adopt {
    pub(crate) fn run(&self) -> Outcome {
        // The specification may be kept elsewhere, and its own place is what a relative directory is seen from
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

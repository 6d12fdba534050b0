//! `etcd-pki export`: one host's own files.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use etcd_pki_core::{Error, store::Overwrite};
use serde::Serialize;

use crate::{
    failure::{Answer, Failure, Message, Outcome},
    files::Replacing,
    input::Input,
    options::{ClusterOptions, ForceOption, JsonOption},
    output,
};

/// Copy one host's own files out of a cluster's directory
///
/// It copies the host's keys and certificates, and the CA certificates, with the paths that they
/// have on the host. Only the owner can read the keys. The key of a CA is never copied. Use it if
/// all keys are created in one place; with `etcd-pki apply --requests`, keys stay on their hosts.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki export --host etcd-1 -f cluster.yaml -o etcd-1
  etcd-pki export --host etcd-1 -f cluster.yaml -d /etc/ssl/etcd/ssl -o /tmp/etcd-1 --force

Exit codes:
  0  the files are copied
  1  failed or refused, such as a missing pair or a directory that is not empty
  2  the arguments are not understood")]
pub(crate) struct Export {
    #[command(flatten)]
    cluster: ClusterOptions,
    /// The new directory
    #[arg(
        short, long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "Output"
    )]
    out: PathBuf,
    #[command(flatten)]
    force: ForceOption,
    #[command(flatten)]
    json: JsonOption,
}

/// The copied files, as JSON.
#[derive(Serialize)]
struct ExportFacts<'a> {
    host: &'a str,
    files: Vec<String>,
    /// Owner and group that could not be set here
    not_given: &'a [String],
    /// The other files in the directory that have names of the layout
    other_files: Vec<String>,
}

impl Export {
    pub(crate) fn run(&self, input: &Input) -> Outcome {
        let Some(host) = self.cluster.host() else {
            return Err(Failure::usage(
                "no host is given",
                "name a member or a node with --host NAME",
            ));
        };
        let (cluster, store) = self.cluster.read(input)?;
        let overwrite = match self.force.replacing() {
            Replacing::Nothing => Overwrite::Refuse,
            _ => Overwrite::Replace,
        };
        let exported = cluster.export(&store, host, &self.out, overwrite);
        let exported = exported.map_err(|error| self.occupied(error))?;
        let not_given = exported.not_given.as_slice();
        if !not_given.is_empty() {
            output::say(format_args!(
                "note: cannot change the owner to {} here (the user is unknown, or this is not root): run chown on the host",
                not_given.join(" and ")
            ));
        }
        if let Some((first, more)) = exported.other_files.split_first() {
            let first = first.display();
            let (files, stay) = match more.len() {
                0 => (first.to_string(), "is not in this export, and stays"),
                more => (
                    format!("{first} and {more} more"),
                    "are not in this export, and stay",
                ),
            };
            output::say(format_args!(
                "note: {files} {stay}: remove what {host} does not use"
            ));
        }
        let shown = |paths: &[PathBuf]| -> Vec<String> {
            paths
                .iter()
                .map(|path| path.display().to_string())
                .collect()
        };
        let files = shown(&exported.files);
        if self.json.json {
            output::print_json(&ExportFacts {
                host,
                files,
                not_given,
                other_files: shown(&exported.other_files),
            })?;
        } else {
            let lines: String = files
                .iter()
                .map(|file| format!("{}\n", output::one_line(file)))
                .collect();
            output::print(&lines)?;
        }
        Ok(Answer::Yes)
    }

    /// Returns the error. If the directory has files, the hint is to name a new one.
    fn occupied(&self, error: Error) -> Failure {
        match error {
            Error::ExistingFile { path } if path == self.out => Failure::Failed(Message {
                text: format!("{} has something in it", path.display()),
                hint: Some(
                    "name a new directory, or replace the existing files with --force".to_owned(),
                ),
            }),
            error => error.into(),
        }
    }
}

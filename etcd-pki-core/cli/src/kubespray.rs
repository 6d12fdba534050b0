//! `etcd-pki kubespray`: replaces Kubespray's `make-ssl-etcd.sh`.

use std::{env, path::PathBuf};

use clap::{Args, ValueHint};
use etcd_pki_core::{
    Error, KeyAlgorithm, Layout, Store, kubespray::KubesprayScript, plan::PlanOptions,
};

use crate::{
    apply::Application,
    failure::{Answer, Failure, Outcome},
    input::{Input, called},
    options::{AlgorithmParser, PassphraseOptions, RecordOption, ValidityOptions},
    output,
    plan::Document,
};

/// Create what Kubespray's make-ssl-etcd.sh creates, if it is missing or due
///
/// It takes the script's options and variables: each host in MASTERS gets the pairs of a member and
/// an admin, each host in HOSTS the pair of a node. Hosts are separated by blanks. Every
/// certificate has the names in [alt_names] of the openssl.conf; an address among its DNS names is
/// used as an address. Files that are up to date do not change, and neither do the files of hosts
/// that are not named.
#[derive(Args)]
#[command(after_help = "\
Examples:
  MASTERS=etcd-1 HOSTS=kube-1 etcd-pki kubespray -f openssl.conf -d /etc/ssl/etcd/ssl
  HOSTS=kube-2 etcd-pki kubespray -f openssl.conf -d /etc/ssl/etcd/ssl --json

Exit codes:
  0  all files are up to date
  1  failed or refused, such as an invalid line in [alt_names]
  2  the arguments are not understood")]
pub(crate) struct Kubespray {
    /// Kubespray's openssl.conf; its section [alt_names] is used
    #[arg(short = 'f', long = "config", value_name = "FILE", value_hint = ValueHint::FilePath)]
    config: PathBuf,
    /// The directory of the files
    #[arg(
        short = 'd',
        long = "dir",
        alias = "ssldir",
        value_name = "DIR",
        default_value = "/etc/ssl/etcd",
        value_hint = ValueHint::DirPath
    )]
    directory: PathBuf,
    /// The algorithm of new keys, rsa-2048 by default. An existing key with another algorithm is
    /// replaced if this option is given
    #[arg(long, value_parser = AlgorithmParser)]
    algorithm: Option<KeyAlgorithm>,
    /// Print the changes as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    validity: ValidityOptions,
    #[command(flatten)]
    passphrase: PassphraseOptions,
    #[command(flatten)]
    record: RecordOption,
}

impl Kubespray {
    pub(crate) fn run(&self, input: &Input) -> Outcome {
        let script = self.script(input)?;
        let store = Store::new(&self.directory, Layout::Kubespray);
        if script.is_empty() {
            return self.nobody(&store);
        }
        let cluster = script.cluster()?;
        let passphrase = self.passphrase.read(input)?;
        Application {
            cluster: &cluster,
            store: &store,
            // The script's `mv` does the same with the role's links on control planes
            options: PlanOptions::new().with_part_only().with_replace_links(),
            passphrase: passphrase.as_ref(),
            elsewhere: "run it on the first host of etcd, or bring the key back",
            json: self.json,
        }
        .run()
    }

    fn script(&self, input: &Input) -> Result<KubesprayScript, Failure> {
        let script = input.parse(&self.config, |bytes| {
            let text = std::str::from_utf8(bytes).map_err(|error| Error::Malformed {
                what: "openssl.conf",
                place: None,
                reason: error.to_string(),
            })?;
            KubesprayScript::from_openssl_conf(text)
        })?;
        for misplaced in script.misplaced_addresses() {
            output::say(format_args!(
                "note: {}, {misplaced}",
                called(&self.config).display()
            ));
        }
        let script = script
            .with_masters(&variable("MASTERS")?)
            .with_hosts(&variable("HOSTS")?);
        let script = if self.record.no_record {
            script.without_record()
        } else {
            script
        };
        let script = match self.algorithm {
            Some(algorithm) => script.with_algorithm(algorithm),
            None => script,
        };
        Ok(match self.validity.read()? {
            Some(validity) => script.with_validity(validity),
            None => script,
        })
    }

    /// Without hosts the script succeeds too, and does nothing.
    fn nobody(&self, store: &Store) -> Outcome {
        if self.json {
            output::print_json(&Document::of_nobody(store))?;
        } else {
            output::print(&format!(
                "{}: nothing to do, as neither MASTERS nor HOSTS names a host\n",
                store.directory().display()
            ))?;
        }
        Ok(Answer::Yes)
    }
}

/// A variable of the environment; empty if it is not set.
fn variable(name: &str) -> Result<String, Failure> {
    match env::var(name) {
        Ok(value) => Ok(value),
        Err(env::VarError::NotPresent) => Ok(String::new()),
        Err(env::VarError::NotUnicode(_)) => Err(Failure::failed(
            format!("{name} in the environment is not UTF-8"),
            "it is a list of hosts by their names, with blanks between them",
        )),
    }
}

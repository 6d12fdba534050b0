//! `etcd-pki apply`: changes a directory to match its specification.

mod progress;

use std::{io::ErrorKind, time::Instant};

use clap::Args;
use etcd_pki_core::{
    CaKind, Cluster, Error, Passphrase, Store,
    plan::{ApplyOptions, PlanOptions as CorePlanOptions, Report},
};

pub(crate) use self::progress::Bar;
use crate::{
    failure::{Answer, Failure, Message, Outcome},
    input::Input,
    options::{ClusterOptions, ExchangeOption, PassphraseOptions, PlanOptions},
    output,
    plan::{
        Document, applied, denied_claims, remarks, revocation, shortened_validities, unmanaged,
    },
    unfinished::{Unfinished, message},
};

/// Change a cluster's directory to match its specification
///
/// Missing files are created, certificates that are due are renewed, and the rest stays. It makes
/// the changes that `etcd-pki plan` shows with the same options. A key is never replaced where a
/// new certificate suffices.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki apply -f cluster.yaml
  etcd-pki apply -f cluster.yaml -d /etc/ssl/etcd/ssl --host etcd-1
  etcd-pki apply -f cluster.yaml --host etcd-1 --requests exchange \
      --trust 0A3E2404DA1D8147139E93CC6A4747E755F6E5BAE4B5D27D328349C7DA009F85
  etcd-pki apply -f cluster.yaml --requests exchange

Exit codes:
  0  the directory matches the specification
  1  failed, blocked or refused, such as an unknown field in the specification; the rest is done
  2  the arguments are not understood")]
pub(crate) struct Apply {
    #[command(flatten)]
    cluster: ClusterOptions,
    #[command(flatten)]
    options: PlanOptions,
    /// Keep what is replaced or removed, in hidden files next to it
    #[arg(long, conflicts_with = "requests")]
    backup: bool,
    #[command(flatten)]
    exchange: ExchangeOption,
    #[command(flatten)]
    passphrase: PassphraseOptions,
    /// Print the changes as JSON
    #[arg(long)]
    json: bool,
}

impl Apply {
    pub(crate) fn run(&self, input: &Input) -> Outcome {
        let (cluster, store) = self.cluster.read(input)?;
        let mut options = self.options.read(&self.cluster, &self.exchange);
        if self.backup {
            options = options.with_backup();
        }
        let passphrase = self.passphrase.read(input)?;
        Application {
            cluster: &cluster,
            store: &store,
            options,
            passphrase: passphrase.as_ref(),
            elsewhere: "apply where it is, or exchange requests with that host (--requests)",
            json: self.json,
        }
        .run()
    }
}

/// A specification that is applied.
pub(crate) struct Application<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) store: &'a Store,
    pub(crate) options: CorePlanOptions,
    pub(crate) passphrase: Option<&'a Passphrase>,
    /// What to do if the key of a CA is elsewhere
    pub(crate) elsewhere: &'a str,
    pub(crate) json: bool,
}

impl Application<'_> {
    /// Plans and applies, and prints the changes and the failures.
    pub(crate) fn run(self) -> Outcome {
        let bar = Bar::default();
        let mut options = ApplyOptions::new().with_progress(&bar);
        if let Some(passphrase) = self.passphrase {
            options = options.with_passphrase(passphrase);
        }
        let report = self.cluster.apply(self.store, &self.options, &options);
        let reports = [report.map_err(|error| self.key_elsewhere(error))?];
        let unfinished = Unfinished::of(&reports, message);
        let [report] = &reports;
        let printed = self.print(report, unfinished.as_ref(), bar.began());
        unmanaged(report.plan(), report.done().map(|done| done.step()));
        revocation(report);
        if let Some(unfinished) = unfinished {
            unfinished.print();
            return Ok(Answer::No);
        }
        printed?;
        Ok(match report.plan().refused() {
            [] => Answer::Yes,
            _ => Answer::No,
        })
    }

    /// Prints the changes. If nothing was changed and something failed, people need only the
    /// errors.
    fn print(
        &self,
        report: &Report,
        unfinished: Option<&Unfinished<'_>>,
        began: Instant,
    ) -> Result<(), Failure> {
        remarks(report.plan());
        denied_claims(report);
        shortened_validities(report);
        if self.json {
            return output::print_json(&Document::applied(report, unfinished));
        }
        if report.changed() == 0 && unfinished.is_some() {
            return Ok(());
        }
        output::print(&applied(report, unfinished, began.elapsed()))
    }

    /// Returns the error. If the key of a CA is not in the directory, its hint shows how to use
    /// that key.
    fn key_elsewhere(&self, error: Error) -> Failure {
        let keys = CaKind::ALL.map(|kind| self.store.ca_paths(kind).key);
        match &error {
            Error::Io {
                path, error: cause, ..
            } if cause.kind() == ErrorKind::NotFound && keys.contains(path) => {
                Failure::Failed(Message {
                    text: error.to_string(),
                    hint: Some(format!("it must sign: {}", self.elsewhere)),
                })
            }
            _ => error.into(),
        }
    }
}

//! `etcd-pki crl`: revocation lists.

mod facts;
mod revoke;
mod show;

use std::io::ErrorKind;

use clap::{Args, Subcommand};
use etcd_pki_core::{CaKind, Error, Passphrase, Store, trust::revocation::Revocation};

use self::{facts::ChangedFacts, revoke::Revoke, show::Show};
use crate::{
    failure::{Answer, Failure, Outcome},
    input::Input,
    options::{DirectoryOptions, JsonOption, PassphraseOptions, ValidityOptions, check_layout},
    output, time,
};

/// Write, show and renew revocation lists, and revoke certificates
///
/// revoked.crl is the list for etcd: one file over all CAs of the directory, in DER. revoked.pem
/// has a separate list of each CA, for OpenSSL, nginx and others.
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  etcd-pki crl new -d pki
  etcd-pki crl revoke --client alice -d pki
  etcd-pki crl show -d pki

Exit codes:
  0  done
  1  failed or refused
  2  the arguments are not understood")]
pub(crate) enum CrlCommand {
    New(New),
    Revoke(Box<Revoke>),
    Show(Show),
    Renew(Renew),
}

impl CrlCommand {
    pub(crate) fn run(self, input: &Input) -> Outcome {
        match self {
            Self::New(command) => command.run(input),
            Self::Revoke(command) => command.run(input),
            Self::Show(command) => command.run(input),
            Self::Renew(command) => command.run(input),
        }
    }
}

/// Write lists without certificates
///
/// etcd can then be started with the list before it is needed: with an empty list it refuses
/// nobody.
#[derive(Args)]
#[command(
    mut_arg("directory", |directory| directory.required(true)),
    after_help = "\
Examples:
  etcd-pki crl new -d /etc/ssl/etcd/ssl
  etcd-pki crl new -d /etc/ssl/etcd/ssl --validity 1y

Exit codes:
  0  the lists are written
  1  failed or refused, such as an existing list
  2  the arguments are not understood"
)]
pub(crate) struct New {
    #[command(flatten)]
    directory: DirectoryOptions,
    #[command(flatten)]
    signing: SigningOptions,
    #[command(flatten)]
    json: JsonOption,
}

impl New {
    fn run(&self, input: &Input) -> Outcome {
        let store = named(&self.directory)?;
        let change = Change::read(&self.signing, input)?;
        let files = store.lock_with(|| output::waiting_for(store.directory()))?;
        let lists = change.revocation()?.create(&files);
        let lists = lists.map_err(|error| match error {
            Error::ExistingFile { path } => Failure::failed(
                format!("{} exists", path.display()),
                "nothing was changed; `etcd-pki crl renew` signs it again, and `crl revoke` adds to it",
            ),
            error => error.into(),
        })?;
        let facts = ChangedFacts::of(&lists);
        if !self.json.json {
            facts.say();
            output::say(format_args!(
                "note: with this list etcd refuses no certificate; start each member with ETCD_CLIENT_CRL_FILE and ETCD_PEER_CRL_FILE \
                 (`etcd-pki env etcd` prints them)"
            ));
        }
        finish(&facts, &self.json)
    }
}

/// Sign the lists again, so that their next update is due later
///
/// The certificates stay the same, except for those that expired more than a day ago. etcd ignores
/// the time of the next update; OpenSSL, nginx and others refuse every certificate after it.
#[derive(Args)]
#[command(
    mut_arg("directory", |directory| directory.required(true)),
    after_help = "\
Examples:
  etcd-pki crl renew -d /etc/ssl/etcd/ssl
  etcd-pki crl renew -d /etc/ssl/etcd/ssl --days 30

Exit codes:
  0  the lists are written
  1  failed or refused, such as a list of another CA
  2  the arguments are not understood"
)]
pub(crate) struct Renew {
    #[command(flatten)]
    directory: DirectoryOptions,
    #[command(flatten)]
    signing: SigningOptions,
    #[command(flatten)]
    json: JsonOption,
}

impl Renew {
    fn run(&self, input: &Input) -> Outcome {
        let store = named(&self.directory)?;
        let change = Change::read(&self.signing, input)?;
        let files = store.lock_with(|| output::waiting_for(store.directory()))?;
        let lists = change.revocation()?.renew(&files);
        let lists = lists.map_err(|error| match error {
            Error::Io { path, error, .. }
                if error.kind() == ErrorKind::NotFound && path == store.list_paths().der =>
            {
                Failure::failed(
                    format!("{} is missing or empty", path.display()),
                    "`etcd-pki crl new` writes it",
                )
            }
            error => error.into(),
        })?;
        let facts = ChangedFacts::of(&lists);
        if !self.json.json {
            facts.say();
        }
        finish(&facts, &self.json)
    }
}

/// The keys that sign lists, and the validity of lists.
#[derive(Args)]
struct SigningOptions {
    #[command(flatten)]
    validity: ValidityOptions,
    #[command(flatten)]
    passphrase: PassphraseOptions,
}

/// What a change of lists needs.
struct Change<'a> {
    options: &'a SigningOptions,
    passphrase: Option<Passphrase>,
}

impl<'a> Change<'a> {
    fn read(options: &'a SigningOptions, input: &Input) -> Result<Self, Failure> {
        Ok(Self {
            options,
            passphrase: options.passphrase.read(input)?,
        })
    }

    fn revocation(&self) -> Result<Revocation<'_>, Failure> {
        let mut revocation = Revocation::new().at(time::now());
        if let Some(validity) = self.options.validity.read()? {
            revocation = revocation.with_validity(validity);
        }
        if let Some(passphrase) = &self.passphrase {
            revocation = revocation.with_passphrase(passphrase);
        }
        Ok(revocation)
    }
}

/// Reports what revocation does not do.
pub(crate) fn limits() {
    for note in [
        "copy revoked.crl to every member, for example with `etcd-pki export`; a member reads it at each new connection if it was \
         started with ETCD_CLIENT_CRL_FILE and ETCD_PEER_CRL_FILE (`etcd-pki env etcd` prints them)",
        "open connections last until they end or the member restarts; connections that a member opens itself are not covered",
        "a configuration file of etcd (--config-file) cannot name a list",
    ] {
        output::say(format_args!("note: {note}"));
    }
}

/// The directory, which the parser requires.
fn named(directory: &DirectoryOptions) -> Result<Store, Failure> {
    let store = directory.store();
    let store = store.ok_or_else(|| Failure::usage("no directory", "name it with -d DIR"))?;
    check_layout(&store, CaKind::Client)?;
    Ok(store)
}

/// Prints the JSON if requested.
fn finish(facts: &ChangedFacts, json: &JsonOption) -> Outcome {
    if json.json {
        output::print_json(facts)?;
    }
    Ok(Answer::Yes)
}

impl ChangedFacts {
    /// Reports the files, and what is dropped.
    fn say(&self) {
        self.lines().iter().for_each(output::say);
    }
}

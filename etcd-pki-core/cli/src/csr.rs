//! `etcd-pki csr`: certificate requests.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use etcd_pki_core::{CertificateRequest, Identity, Role};

use crate::{
    facts::RequestFacts,
    failure::Outcome,
    files::{self, File},
    input::Input,
    options::{
        self, ForceOption, IdentityOptions, JsonOption, KeyOptions, KeyUse, PairOutOptions,
        PassphraseOptions, ProfileOptions,
    },
    report::Report,
    show::ShowOptions,
};

/// Create and show certificate requests
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  etcd-pki csr new --name etcd-1 --role member --san 10.0.0.11 -o etcd-1-csr.pem
  etcd-pki csr show etcd-1-csr.pem

Exit codes:
  0  done
  1  failed or refused
  2  the arguments are not understood")]
pub(crate) enum CsrCommand {
    New(Box<New>),
    Show(Show),
}

impl CsrCommand {
    pub(crate) fn run(self, input: &Input) -> Outcome {
        match self {
            Self::New(command) => command.run(input),
            Self::Show(command) => command.run(input),
        }
    }
}

/// Create a certificate request, and a key for it unless one is given
///
/// It requests the subject, the names and the usages of its role. The CA decides in `etcd-pki cert
/// sign` whether to grant them.
#[derive(Args)]
#[command(
    group = ArgGroup::new("who").args(["name", "cn", "no_cn"]).multiple(true).required(true),
    after_help = "\
Examples:
  etcd-pki csr new --key etcd-key.pem --cn etcd-client -o etcd-client.csr
  etcd-pki csr new --name etcd-1 --role member --san etcd-1.lan --san 10.0.0.11 -o etcd-1.csr

Exit codes:
  0  the request is created
  1  failed or refused, such as an invalid name, or an existing file without --force
  2  the arguments are not understood, such as an unknown role"
)]
pub(crate) struct New {
    /// The role of the certificate
    #[arg(long, default_value = "client", value_parser = options::role())]
    role: Role,
    /// The name of the host or user. Its common name is the role's prefix and this name; a member
    /// also has it as a DNS name
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    identity: IdentityOptions,
    #[command(flatten)]
    profile: ProfileOptions,
    #[command(flatten)]
    key: KeyOptions,
    #[command(flatten)]
    passphrase: PassphraseOptions,
    #[command(flatten)]
    out: PairOutOptions,
    #[command(flatten)]
    force: ForceOption,
    #[command(flatten)]
    json: JsonOption,
}

impl New {
    fn run(self, input: &Input) -> Outcome {
        let (out, key_out) = self.out.files()?;
        let mut report = Report::on(&self.key.files(&out, &key_out), &self.json)?;

        let identity = match &self.name {
            Some(name) => Identity::new(name)?,
            None => Identity::anonymous(),
        };
        let identity = self.identity.refine(identity, self.role)?;
        let passphrase = self.passphrase.read(input)?;
        let locked = files::lock(&self.key.files(&out, &key_out))?;
        let key = self.key.obtain(
            self.profile.habits,
            input,
            passphrase.as_ref(),
            KeyUse::Request,
        )?;
        let request = CertificateRequest::create(&key, self.profile.of(self.role), &identity)?;

        let request_pem = request.to_pem();
        let mut files = vec![File::public(&out, &request_pem)];
        let key_pem = key.to_secret_pem();
        if self.key.is_new() {
            files.push(File::secret(&key_out, &key_pem, key.public_key()));
        }
        let replacing = self.force.replacing();
        let _ = report.write_locked(&files, replacing, &locked, &files::unrecorded)?;
        report.request(&out, &request);
        if self.key.is_new() {
            report.key(&key_out, &key);
        }
        report.finish()
    }
}

/// Show the contents of requests
///
/// A request is shown only if its own signature is valid. That proves only that the requester has
/// the key.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki csr show etcd-client.csr
  etcd-pki csr show --field names *.csr
  kubectl get csr app -o jsonpath={.spec.request} | base64 -d | etcd-pki csr show -

Exit codes:
  0  every file is a request with a valid signature
  1  a file is something else, or cannot be read; the others are still shown
  2  the arguments are not understood")]
pub(crate) struct Show {
    /// Files with one request each, PEM or DER
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    show: ShowOptions<RequestFacts>,
}

impl Show {
    fn run(self, input: &Input) -> Outcome {
        self.show.show(&self.files, |file| {
            let request = input.request(file)?;
            Ok(vec![RequestFacts::of(&request)])
        })
    }
}

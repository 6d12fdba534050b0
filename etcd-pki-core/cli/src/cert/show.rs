//! `etcd-pki cert show`

use std::path::PathBuf;

use clap::Args;

use crate::{facts::CertificateFacts, failure::Outcome, input::Input, show::ShowOptions};

/// Show the contents of certificates
///
/// Every certificate in every file is shown, and nothing is checked. The role is the one that fits
/// the usages.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki cert show member-etcd-1.pem
  etcd-pki cert show --field not-after ca.pem member-etcd-1.pem
  etcd-pki cert show --json ca.pem

Exit codes:
  0  every file has certificates
  1  a file is something else, or cannot be read; the others are still shown
  2  the arguments are not understood, such as an unknown field")]
pub(crate) struct Show {
    /// Files of certificates, PEM or DER
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    show: ShowOptions<CertificateFacts>,
}

impl Show {
    pub(crate) fn run(&self, input: &Input) -> Outcome {
        self.show.show(&self.files, |file| {
            let certificates = input.certificates(file)?;
            Ok(certificates.iter().map(CertificateFacts::of).collect())
        })
    }
}

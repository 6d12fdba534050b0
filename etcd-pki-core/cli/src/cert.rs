//! `etcd-pki cert`: certificates.

mod issue;
mod match_;
mod renew;
mod show;
mod sign;
mod verify;

use clap::Subcommand;

use self::{issue::Issue, match_::Match, renew::Renew, show::Show, sign::Sign, verify::Verify};
use crate::{failure::Outcome, input::Input};

/// Issue, sign, show, check and renew certificates
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  etcd-pki cert issue member etcd-1 --san 10.0.0.11 -d pki
  etcd-pki cert show pki/member-etcd-1.pem
  etcd-pki cert verify pki/member-etcd-1.pem -d pki --role member --host 10.0.0.11

Exit codes:
  0  done, or yes
  1  failed, refused, or no
  2  the arguments are not understood")]
pub(crate) enum CertCommand {
    Issue(Box<Issue>),
    Sign(Box<Sign>),
    Show(Show),
    Verify(Verify),
    Renew(Box<Renew>),
    Match(Match),
}

impl CertCommand {
    pub(crate) fn run(self, input: &Input) -> Outcome {
        match self {
            Self::Issue(command) => command.run(input),
            Self::Sign(command) => command.run(input),
            Self::Show(command) => command.run(input),
            Self::Verify(command) => command.run(input),
            Self::Renew(command) => command.run(input),
            Self::Match(command) => command.run(input),
        }
    }
}

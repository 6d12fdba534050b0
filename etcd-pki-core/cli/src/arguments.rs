//! The whole command line.

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::{
    adopt::Adopt, apply::Apply, ca::CaCommand, cert::CertCommand, check::CheckCommand,
    completions::Completions, crl::CrlCommand, csr::CsrCommand, env::EnvCommand, export::Export,
    failure::Outcome, input::Input, key::KeyCommand, kubespray::Kubespray, man::Man,
    plan::PlanCommand,
};

/// Keys, certificate requests, a CA and certificates for etcd, without OpenSSL
///
/// Results go to standard output and remarks to standard error. A file called - is standard input
/// or output.
#[derive(Parser)]
#[command(
    name = "etcd-pki",
    version,
    after_help = "\
Examples:
  etcd-pki ca new -d pki
  etcd-pki cert issue member etcd-1 --san 10.0.0.11 -d pki
  etcd-pki cert issue client backup -d pki
  etcd-pki cert show pki/member-etcd-1.pem

Exit codes:
  0  done, or yes
  1  failed, refused, or no
  2  the arguments are not understood
  3  plan --check: changes are due
check alone answers as Nagios' plugins do: 0 ok, 1 warning, 2 critical, 3 unknown"
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    #[command(subcommand)]
    Key(KeyCommand),
    #[command(subcommand)]
    Csr(CsrCommand),
    #[command(subcommand)]
    Ca(CaCommand),
    #[command(subcommand)]
    Cert(CertCommand),
    #[command(subcommand)]
    Crl(CrlCommand),
    Plan(PlanCommand),
    Apply(Apply),
    Export(Export),
    Adopt(Adopt),
    Check(CheckCommand),
    #[command(subcommand)]
    Env(EnvCommand),
    Kubespray(Kubespray),
    Completions(Completions),
    Man(Man),
}

impl Arguments {
    /// Parses the arguments.
    pub(crate) fn parse(
        words: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    ) -> Result<Self, clap::Error> {
        let matches = Self::styled_command().try_get_matches_from(words)?;
        Self::from_arg_matches(&matches)
    }

    /// The definition of all commands, for the parser, the completions and the manual.
    pub(crate) fn styled_command() -> clap::Command {
        with_styled_headings(Self::command())
    }
}

impl Command {
    pub(crate) fn run(self, input: &Input) -> Outcome {
        match self {
            Self::Key(command) => command.run(input),
            Self::Csr(command) => command.run(input),
            Self::Ca(command) => command.run(input),
            Self::Cert(command) => command.run(input),
            Self::Crl(command) => command.run(input),
            Self::Plan(command) => command.run(input),
            Self::Apply(command) => command.run(input),
            Self::Export(command) => command.run(input),
            Self::Adopt(command) => command.run(),
            Self::Check(command) => command.run(),
            Self::Env(command) => command.run(input),
            Self::Kubespray(command) => command.run(input),
            Self::Completions(command) => command.run(Arguments::styled_command()),
            Self::Man(command) => command.run(Arguments::styled_command()),
        }
    }
}

/// Gives the headings after the options the same style as those before them.
fn with_styled_headings(command: clap::Command) -> clap::Command {
    let header = *command.get_styles().get_header();
    let styled = command.get_after_help().map(|help| {
        ["Examples:", "Exit codes:"]
            .into_iter()
            .fold(help.to_string(), |help, heading| {
                help.replace(heading, &format!("{header}{heading}{header:#}"))
            })
    });
    let command = match styled {
        Some(help) => command.after_help(help),
        None => command,
    };
    command.mut_subcommands(with_styled_headings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_command(command: &clap::Command, check: &impl Fn(&clap::Command)) {
        check(command);
        for below in command.get_subcommands() {
            every_command(below, check);
        }
    }

    #[test]
    fn arguments_are_consistent() {
        Arguments::styled_command().debug_assert();
    }

    #[test]
    fn every_help_has_examples_that_parse_and_exit_codes() {
        every_command(&Arguments::styled_command(), &|command| {
            let name = command.get_name();
            let help = command.get_after_help().map(ToString::to_string);
            let help = help.unwrap_or_default();
            let (examples, codes) = help.split_once("\n\nExit codes:\n").unwrap_or_default();
            assert!(examples.starts_with("Examples:\n"), "{name}: {help}");
            assert!(codes.starts_with("  0  "), "{name}: {help}");

            for example in examples
                .lines()
                .filter_map(|line| line.split_once("etcd-pki "))
            {
                let example = example.1.split(['|', ')', '"', '>']).next().unwrap();
                let words = std::iter::once("etcd-pki").chain(example.split_whitespace());
                if let Err(error) = Arguments::parse(words) {
                    panic!("{name}: {example}: {error}");
                }
            }
        });
    }

    #[test]
    fn every_option_is_explained() {
        every_command(&Arguments::styled_command(), &|command| {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{} {}",
                    command.get_name(),
                    argument.get_id()
                );
            }
        });
    }
}

//! `etcd-pki completions`

use clap::Args;
use clap_complete::Shell;

use crate::{
    failure::{Answer, Outcome},
    output,
};

/// Print the completions for a shell
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki completions bash > /etc/bash_completion.d/etcd-pki
  etcd-pki completions zsh > /usr/local/share/zsh/site-functions/_etcd-pki

Exit codes:
  0  the completions are printed
  1  failed
  2  the arguments are not understood, such as an unknown shell")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Prints the completions of the whole command line.
    pub(crate) fn run(&self, mut whole: clap::Command) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut whole, "etcd-pki", &mut script);
        output::print_words(&script)?;
        Ok(Answer::Yes)
    }
}

//! `etcd-pki completions`

use clap::Args;
use clap_complete::Shell;

use crate::{
    arguments::Arguments,
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
    pub(crate) fn run(&self) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut Arguments::styled_command(),
            "etcd-pki",
            &mut script,
        );
        output::print_words(&script)?;
        Ok(Answer::Yes)
    }
}

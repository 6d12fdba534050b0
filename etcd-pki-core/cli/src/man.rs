//! `etcd-pki man`

use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::{
    failure::{Answer, Failure, Outcome},
    files::{self, File},
    options::ForceOption,
    output,
};

/// Print the manual page, or write the pages of all commands
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki man | man -l -
  etcd-pki man --out /usr/local/share/man/man1

Exit codes:
  0  the page is printed, or the pages are written
  1  failed, or a page exists and --force is not given
  2  the arguments are not understood")]
pub(crate) struct Man {
    /// Write the pages of all commands to this existing directory
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: Option<PathBuf>,
    #[command(flatten)]
    force: ForceOption,
}

impl Man {
    /// Prints or writes the pages of all commands.
    pub(crate) fn run(&self, whole: clap::Command) -> Outcome {
        let mut command = whole.disable_help_subcommand(true);
        command.build();
        let Some(directory) = &self.out else {
            output::print_words(page(command)?.as_bytes())?;
            return Ok(Answer::Yes);
        };
        let mut pages = Vec::new();
        add_pages(command, &mut pages)?;
        let pages: Vec<_> = pages
            .iter()
            .map(|(name, page)| (directory.join(name), page))
            .collect();
        let files: Vec<_> = pages
            .iter()
            .map(|(path, page)| File::public(path, page))
            .collect();
        files::write(&files, self.force.replacing())?;
        output::say(format_args!(
            "{}: {} pages",
            directory.display(),
            files.len()
        ));
        Ok(Answer::Yes)
    }
}

/// The pages of a command and of its subcommands, with their file names.
fn add_pages(command: clap::Command, pages: &mut Vec<(String, String)>) -> Result<(), Failure> {
    for below in command.get_subcommands() {
        add_pages(below.clone(), pages)?;
    }
    let name = command
        .get_display_name()
        .unwrap_or_else(|| command.get_name());
    pages.push((format!("{name}.1"), page(command.clone())?));
    Ok(())
}

/// The page of a command. Its examples and exit codes have the usual headings of manual pages.
fn page(command: clap::Command) -> Result<String, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(Failure::Output)?;
    Ok(String::from_utf8_lossy(&page)
        .replace(".SH EXTRA\nExamples:\n", ".SH EXAMPLES\n.nf\n")
        .replace("\nExit codes:\n", ".fi\n.SH \"EXIT STATUS\"\n.nf\n")
        .replace("\n.SH VERSION\n", "\n.fi\n.SH VERSION\n"))
}

//! The command `etcd-pki`: keys, certificate requests, a CA and certificates for
//! etcd, without OpenSSL.
//!
//! This crate parses arguments and prints results; [`etcd_pki_core`] does the work. [`run`] never
//! ends the process, so that other programs can call it, such as the console script of the Python
//! package.

mod adopt;
mod apply;
mod arguments;
mod ca;
mod cert;
mod check;
mod completions;
mod crl;
mod csr;
mod env;
mod exit;
mod export;
mod facts;
mod failure;
mod files;
mod finding;
mod holdings;
mod input;
mod key;
mod kubespray;
mod man;
mod options;
mod output;
mod plan;
mod report;
mod show;
mod steps;
mod time;
mod unfinished;

use std::ffi::OsString;

use crate::{arguments::Arguments, failure::Failure, input::Input};

/// Runs the command with these arguments and returns its exit code. The first argument is the
/// command's own name. The code is 0 for done or yes, 1 for failed, refused or no, 2 for invalid
/// arguments, and 3 if changes are due and the command was called to find out. `check` alone
/// answers as Nagios' plugins do.
///
/// ```
/// assert_eq!(etcd_pki::run(["etcd-pki", "--version"]), 0);
/// assert_eq!(etcd_pki::run(["etcd-pki", "make", "coffee"]), 2);
/// ```
pub fn run<I, T>(args: I) -> u8
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let args: Vec<OsString> = args.into_iter().map(Into::into).collect();
    // Parsing may fail, and that error needs the right exit code too
    let speaks_nagios = args.get(1).is_some_and(|verb| verb == "check");
    let outcome = Arguments::parse(args)
        .map_err(Failure::Arguments)
        .and_then(|arguments| arguments.command.run(&Input::default()));
    if speaks_nagios {
        exit::nagios_exit_code(outcome)
    } else {
        exit::exit_code(outcome)
    }
}

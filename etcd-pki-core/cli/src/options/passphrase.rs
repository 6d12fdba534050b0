//! Passphrases, from a file or the environment. Every process could read an argument.

use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use etcd_pki_core::Passphrase;

use crate::{failure::Failure, input::Input};

/// The passphrase of an existing or a new key.
#[derive(Args)]
#[command(next_help_heading = "Passphrase")]
pub(crate) struct PassphraseOptions {
    /// The key's passphrase is the first line of this file
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// The key's passphrase is in this environment variable
    #[arg(long, value_name = "NAME", conflicts_with = "passphrase_file")]
    passphrase_env: Option<OsString>,
}

impl PassphraseOptions {
    pub(crate) fn read(&self, input: &Input) -> Result<Option<Passphrase>, Failure> {
        read(
            self.passphrase_file.as_deref(),
            self.passphrase_env.as_ref(),
            input,
        )
    }
}

/// The passphrase of the output key, for a command that also reads a key.
#[derive(Args)]
#[command(next_help_heading = "Passphrase")]
pub(crate) struct NewPassphraseOptions {
    /// Encrypt the output; its passphrase is the first line of this file
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    /// Encrypt the output; its passphrase is in this environment variable
    #[arg(long, value_name = "NAME", conflicts_with = "new_passphrase_file")]
    new_passphrase_env: Option<OsString>,
}

impl NewPassphraseOptions {
    pub(crate) fn read(&self, input: &Input) -> Result<Option<Passphrase>, Failure> {
        read(
            self.new_passphrase_file.as_deref(),
            self.new_passphrase_env.as_ref(),
            input,
        )
    }
}

fn read(
    file: Option<&Path>,
    variable: Option<&OsString>,
    input: &Input,
) -> Result<Option<Passphrase>, Failure> {
    if let Some(file) = file {
        return Ok(Some(input.parse(file, Passphrase::from_first_line)?));
    }
    let Some(variable) = variable else {
        return Ok(None);
    };
    match std::env::var_os(variable) {
        Some(value) if !value.is_empty() => Ok(Some(Passphrase::new(value.into_vec()))),
        Some(_) => Err(unusable(variable, "is empty")),
        None => Err(unusable(variable, "is not set")),
    }
}

fn unusable(variable: &OsString, state: &str) -> Failure {
    let variable = variable.to_string_lossy();
    Failure::failed(
        format!("no passphrase: the environment variable {variable} {state}"),
        format!(
            "set it and export it, as with `read -rs {variable}; export {variable}`, or give --passphrase-file FILE"
        ),
    )
}

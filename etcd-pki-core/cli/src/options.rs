//! Options that mean the same in every command.

mod authority;
mod cluster;
mod destination;
mod identity;
mod key;
mod passphrase;
mod profile;

use std::str::FromStr;

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser},
};
use etcd_pki_core::{Error, Role};

pub(crate) use self::{
    authority::{AUTHORITY, AuthorityOptions, DirectoryOptions, place_of_authority},
    cluster::{ClusterOptions, PlanOptions},
    destination::{ForceOption, OutOption, PairOutOptions, key_of},
    identity::IdentityOptions,
    key::{AlgorithmOption, FormatOption, KeyOptions},
    passphrase::{NewPassphraseOptions, PassphraseOptions},
    profile::{ProfileOptions, ValidityOptions, habits},
};

/// `--json` of the commands that write.
#[derive(Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct JsonOption {
    /// Print what was written and decided as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Reads one of these names, which the help and the completions list.
pub(crate) fn one_of<T>(
    names: impl IntoIterator<Item = &'static str>,
) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = Error> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse::<T>())
}

/// Reads a role.
pub(crate) fn role() -> impl TypedValueParser<Value = Role> {
    one_of(Role::ALL.map(Role::name))
}

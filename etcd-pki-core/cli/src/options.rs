//! Options that mean the same in every command.

mod ca;
mod cluster;
mod destination;
mod identity;
mod key;
mod passphrase;
mod profile;
mod record;

use std::{ffi::OsStr, str::FromStr};

use clap::{
    Arg, Args, Command,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
    error::ErrorKind,
};
use etcd_pki_core::{Error, KeyAlgorithm, Role};

pub(crate) use self::{
    ca::{CA, CaOptions, DirectoryOptions, KEY_ELSEWHERE, check_layout, or_other_layout},
    cluster::{ClusterOptions, ExchangeOption, PlanOptions, read_cluster},
    destination::{ForceOption, OutOption, PairOutOptions, key_beside},
    identity::IdentityOptions,
    key::{AlgorithmOption, FormatOption, KeyOptions, KeyUse},
    passphrase::{NewPassphraseOptions, PassphraseOptions},
    profile::{ProfileOptions, ValidityOptions, habits},
    record::RecordOption,
};

/// `--json` of the commands that write.
#[derive(Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct JsonOption {
    /// Print what was written and decided as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Parses one of these names. The help and the completions list them.
pub(crate) fn one_of<T>(
    names: impl IntoIterator<Item = &'static str>,
) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = Error> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse::<T>())
}

/// Parses the algorithm of a new key. An algorithm that etcd-pki reads but does not generate is
/// refused, with a hint.
#[derive(Clone)]
pub(crate) struct AlgorithmParser;

impl AlgorithmParser {
    fn names() -> [&'static str; KeyAlgorithm::ALL.len()] {
        KeyAlgorithm::ALL.map(KeyAlgorithm::name)
    }
}

impl TypedValueParser for AlgorithmParser {
    type Value = KeyAlgorithm;

    fn parse_ref(
        &self,
        command: &Command,
        option: Option<&Arg>,
        value: &OsStr,
    ) -> Result<KeyAlgorithm, clap::Error> {
        if let Some(Err(error @ Error::Unsupported { .. })) =
            value.to_str().map(str::parse::<KeyAlgorithm>)
        {
            let hint = error.hint().unwrap_or_default();
            let message = format!("{error}\n\n  tip: {hint}\n");
            return Err(clap::Error::raw(ErrorKind::InvalidValue, message).with_cmd(command));
        }
        one_of::<KeyAlgorithm>(Self::names()).parse_ref(command, option, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Self::names().into_iter().map(PossibleValue::new)))
    }
}

/// Parses a role.
pub(crate) fn role() -> impl TypedValueParser<Value = Role> {
    one_of(Role::ALL.map(Role::name))
}

//! Shows the contents of files, in the same way for certificates, requests and keys.

use std::{
    collections::BTreeMap,
    marker::PhantomData,
    path::{Path, PathBuf},
};

use clap::{Args, builder::PossibleValuesParser};
use etcd_pki_core::{Error, Result};
use serde::Serialize;

use crate::{
    facts::Facts,
    failure::{Answer, Outcome},
    output,
};

/// The output format of the facts.
#[derive(Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct ShowOptions<F: Facts + Send + Sync + 'static> {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print the value of one field, one line for each item
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "json",
        value_parser = PossibleValuesParser::new(F::FIELDS)
    )]
    field: Option<String>,
    #[arg(skip)]
    facts: PhantomData<F>,
}

/// The contents as JSON: `certificates`, `requests` or `keys`, and the files that could not be
/// read.
#[derive(Serialize)]
struct Document<F> {
    #[serde(flatten)]
    shown: BTreeMap<&'static str, Vec<Shown<F>>>,
    unreadable: Vec<Unreadable>,
}

#[derive(Serialize)]
struct Shown<F> {
    file: String,
    #[serde(flatten)]
    facts: F,
}

/// A file that cannot be read, as JSON.
#[derive(Serialize)]
pub(crate) struct Unreadable {
    file: String,
    error: String,
    hint: Option<String>,
}

impl Unreadable {
    /// Reports why a file cannot be read, and returns it for the JSON.
    pub(crate) fn tell(file: &Path, error: &Error) -> Self {
        output::error(error);
        Self {
            file: file.to_string_lossy().into_owned(),
            error: error.to_string(),
            hint: error.hint(),
        }
    }
}

impl<F: Facts + Send + Sync + 'static> ShowOptions<F> {
    /// Shows the contents that `read` finds in each file. An unreadable file is reported, and the
    /// others are still shown.
    pub(crate) fn show(
        &self,
        files: &[PathBuf],
        read: impl Fn(&Path) -> Result<Vec<F>>,
    ) -> Outcome {
        let mut shown = Vec::new();
        let mut unreadable = Vec::new();
        for path in files {
            let file = path.to_string_lossy().into_owned();
            match read(path) {
                Ok(all) => shown.extend(all.into_iter().map(|facts| Shown {
                    file: file.clone(),
                    facts,
                })),
                Err(error) => unreadable.push(Unreadable::tell(path, &error)),
            }
        }
        let answer = if unreadable.is_empty() {
            Answer::Yes
        } else {
            Answer::No
        };
        if self.json {
            output::print_json(&Document {
                shown: BTreeMap::from([(F::PLURAL, shown)]),
                unreadable,
            })?;
        } else if let Some(name) = &self.field {
            let bare = |thing: &Shown<F>| output::one_line(&thing.facts.field(name)) + "\n";
            output::print(&shown.iter().map(bare).collect::<String>())?;
        } else {
            output::print(&tables(&shown))?;
        }
        Ok(answer)
    }
}

/// One table for each item, under the name of its file if there are several.
fn tables<F: Facts>(shown: &[Shown<F>]) -> String {
    if let [only] = shown {
        return only.facts.table().into_text();
    }
    let table = |thing: &Shown<F>| {
        let file = output::one_line(&thing.file);
        format!("{file}\n{}", thing.facts.table().into_text())
    };
    shown.iter().map(table).collect::<Vec<_>>().join("\n")
}

//! `etcd-pki crl show`

use std::path::{Path, PathBuf};

use clap::Args;
use etcd_pki_core::{Result, Store, trust::revocation, x509::RevocationList};
use serde::Serialize;

use super::facts::ListFacts;
use crate::{
    failure::{Answer, Outcome},
    input::Input,
    options::DirectoryOptions,
    output,
    show::Unreadable,
};

/// Show revocation lists
///
/// Of a directory, it shows revoked.crl, and checks that a CA of the directory signed it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki crl show -d /etc/ssl/etcd/ssl
  etcd-pki crl show revoked.crl revoked.pem --json

Exit codes:
  0  every list is shown
  1  one cannot be read; the others are still shown
  2  the arguments are not understood")]
pub(crate) struct Show {
    /// Files of revocation lists, PEM or DER
    #[arg(value_name = "FILE", required_unless_present = "directory")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    directory: DirectoryOptions,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The lists, as JSON.
#[derive(Default, Serialize)]
struct Document {
    lists: Vec<ListFacts>,
    unreadable: Vec<Unreadable>,
}

impl Show {
    pub(super) fn run(&self, input: &Input) -> Outcome {
        let mut document = Document::default();
        for file in &self.files {
            let lists = input.parse(file, RevocationList::all_from_bytes);
            let lists = lists.map(|lists| {
                let lists = lists.iter().map(|list| ListFacts::of(file, list));
                lists.collect()
            });
            document.add(file, lists);
        }
        if let Some(store) = self.directory.store() {
            let file = store.list_paths().der;
            document.add(&file, of_directory(&store, &file));
        }
        if self.json {
            output::print_json(&document)?;
        } else {
            let tables: Vec<String> = document.lists.iter().map(ListFacts::table).collect();
            output::print(&tables.join("\n"))?;
        }
        Ok(match document.unreadable[..] {
            [] => Answer::Yes,
            _ => Answer::No,
        })
    }
}

impl Document {
    fn add(&mut self, file: &Path, lists: Result<Vec<ListFacts>>) {
        match lists {
            Ok(lists) => self.lists.extend(lists),
            Err(error) => self.unreadable.push(Unreadable::tell(file, &error)),
        }
    }
}

fn of_directory(store: &Store, file: &Path) -> Result<Vec<ListFacts>> {
    let list = revocation::read_existing(store)?;
    let entries = revocation::entries(store)?;
    Ok(vec![ListFacts::known(file, &list, &entries)])
}

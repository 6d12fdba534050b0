//! `--requests DIR` of `plan` and `apply`: keys stay on their hosts, and requests and certificates travel.

mod host;
mod signing;

use std::path::Path;

use etcd_pki_core::{Cluster, Passphrase, Refusal, Store};
use serde::Serialize;

use crate::{
    failure::{Answer, Failure, Outcome},
    output,
};

/// A cluster's directory, and the one that travels.
pub(crate) struct Travel<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) store: &'a Store,
    pub(crate) directory: &'a Path,
    pub(crate) json: bool,
}

impl Travel<'_> {
    /// Shows what is to be done on a host, or where the authority is if none is named.
    pub(crate) fn plan(&self, host: Option<&str>, check: bool) -> Outcome {
        let (is_due, is_refused) = match host {
            Some(host) => self.show_host(host)?,
            None => self.show_signing()?,
        };
        Ok(match (is_refused, is_due && check) {
            (true, _) => Answer::No,
            (false, true) => Answer::Due,
            (false, false) => Answer::Yes,
        })
    }

    /// Does it.
    pub(crate) fn apply(&self, host: Option<&str>, passphrase: Option<&Passphrase>) -> Outcome {
        let is_refused = match host {
            Some(host) => self.apply_on_host(host)?,
            None => self.sign(passphrase)?,
        };
        Ok(if is_refused { Answer::No } else { Answer::Yes })
    }

    /// Shows a plan: its facts, or what is due, or that nothing is.
    fn show(&self, facts: &impl Serialize, due: Option<String>, kept: &str) -> Result<(), Failure> {
        match due {
            _ if self.json => output::print_json(facts),
            Some(due) => output::print(&format!(
                "{due}nothing was written (etcd-pki apply does it)\n"
            )),
            None => output::print(kept),
        }
    }
}

/// Tells what is not taken, and whether there was any.
fn tell_refused(refused: &[Refusal]) -> bool {
    for refusal in refused {
        output::say(format_args!("refused: {refusal}"));
    }
    !refused.is_empty()
}

/// `2 requests`
fn count(number: usize, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {what}{plural}")
}

#[derive(Serialize)]
struct RefusalFacts {
    file: String,
    reason: String,
}

impl RefusalFacts {
    fn all(refused: &[Refusal]) -> Vec<Self> {
        let facts = refused.iter().map(|refusal| Self {
            file: refusal.path.display().to_string(),
            reason: refusal.reason.clone(),
        });
        facts.collect()
    }
}

//! `etcd-pki cert match`

use std::path::PathBuf;

use clap::Args;
use etcd_pki_core::{PublicKey, inspect};
use serde::Serialize;

use crate::{
    facts::in_words,
    failure::{Answer, Failure, Outcome},
    holdings::{Holding, holdings},
    input::{Input, is_standard},
    options::PassphraseOptions,
    output,
};

/// Check whether a certificate, a request and a key belong together
///
/// They do if they have one public key. Of a certificate and its chain the certificate counts, of a
/// trust bundle each CA. A certificate alone is compared with the key next to it.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki cert match member-etcd-1.pem
  etcd-pki cert match member-etcd-1.pem member-etcd-1-key.pem
  etcd-pki cert match etcd-client.csr etcd-client-key.pem

Exit codes:
  0  yes, they have one key
  1  no, or a file cannot be read
  2  the arguments are not understood, such as a single file with a single thing in it")]
pub(crate) struct Match {
    /// Files of certificates, requests and keys, PEM or DER
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    passphrase: PassphraseOptions,
}

#[derive(Serialize)]
struct Verdict {
    #[serde(rename = "match")]
    is_match: bool,
    files: Vec<Compared>,
}

#[derive(Serialize)]
struct Compared {
    file: String,
    kind: &'static str,
    key_algorithm: String,
    key_fingerprint: String,
}

impl Match {
    pub(crate) fn run(&self, input: &Input) -> Outcome {
        let passphrase = self.passphrase.read(input)?;
        let mut found = Vec::new();
        let mut paths = self.files.clone();
        paths.extend(self.key_next_to(input)?);
        for path in &paths {
            let held = input.parse(path, |bytes| holdings(path, bytes, passphrase.as_ref()))?;
            let file = path.to_string_lossy().into_owned();
            found.extend(held.into_iter().map(|holding| (file.clone(), holding)));
        }
        let [(_, first), others @ ..] = &found[..] else {
            return Ok(Answer::No);
        };
        if others.is_empty() {
            return Err(Failure::usage(
                "there is one thing only, and nothing to compare it with",
                "give two files, such as a certificate and its key",
            ));
        }
        let mut keys = first.keys();
        let common = keys.find(|key| {
            let has = |holding: &Holding| holding.keys().any(|other| other == *key);
            others.iter().all(|(_, other)| has(other))
        });
        let files = found
            .iter()
            .map(|(file, holding)| Compared::new(file, holding, common));
        let is_match = common.is_some();
        let verdict = Verdict {
            is_match,
            files: files.collect(),
        };
        if self.json {
            output::print_json(&verdict)?;
        } else {
            output::print(&verdict.in_words())?;
        }
        Ok(if is_match { Answer::Yes } else { Answer::No })
    }
}

impl Match {
    /// The key next to a certificate that is the only file given.
    fn key_next_to(&self, input: &Input) -> Result<Option<PathBuf>, Failure> {
        let [alone] = self.files.as_slice() else {
            return Ok(None);
        };
        if is_standard(alone) {
            return Ok(None);
        }
        let passphrase = self.passphrase.read(input)?;
        let held = input.parse(alone, |bytes| holdings(alone, bytes, passphrase.as_ref()))?;
        let is_certificate = matches!(held.as_slice(), [one] if one.kind == "certificate");
        Ok(inspect::key_of(alone).filter(|_| is_certificate))
    }
}

impl Compared {
    /// A holding with the key that all have, or else with its first key.
    fn new(file: &str, holding: &Holding, common: Option<&PublicKey>) -> Self {
        let key = common.unwrap_or(&holding.key);
        Self {
            file: file.to_owned(),
            kind: holding.kind,
            key_algorithm: key.algorithm_name().to_owned(),
            key_fingerprint: key.fingerprint_sha256(),
        }
    }
}

impl Verdict {
    fn in_words(&self) -> String {
        let answer = if self.is_match {
            "yes, they have one key"
        } else {
            "no, their keys differ"
        };
        let width = self.files.iter().map(|compared| compared.file.len()).max();
        let width = width.unwrap_or_default();
        let mut text = format!("{answer}\n");
        for compared in &self.files {
            let file = output::one_line(&compared.file);
            let key = in_words::key(&compared.key_algorithm, &compared.key_fingerprint);
            text.push_str(&format!("  {file:<width$}  {:<11}  {key}\n", compared.kind));
        }
        text
    }
}

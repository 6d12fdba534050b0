//! `etcd-pki cert match`

use std::path::PathBuf;

use clap::Args;
use etcd_pki_core::inspect;
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
/// They do if they have one public key. Of several certificates in a file the first counts. A
/// certificate alone is compared with the key next to it.
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
        let mut files = Vec::new();
        let mut keys = Vec::new();
        let mut paths = self.files.clone();
        paths.extend(self.key_next_to(input)?);
        for path in &paths {
            let held = input.parse(path, |bytes| holdings(bytes, passphrase.as_ref()))?;
            let file = path.to_string_lossy();
            files.extend(held.iter().map(|holding| Compared::new(&file, holding)));
            keys.extend(held.into_iter().map(|holding| holding.key));
        }
        let [first, others @ ..] = &keys[..] else {
            return Ok(Answer::No);
        };
        if others.is_empty() {
            return Err(Failure::usage(
                "there is one thing only, and nothing to compare it with",
                "give two files, such as a certificate and its key",
            ));
        }
        let is_match = others.iter().all(|other| other == first);
        let verdict = Verdict { is_match, files };
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
        let held = input.parse(alone, |bytes| holdings(bytes, passphrase.as_ref()))?;
        let is_certificate = matches!(held.as_slice(), [one] if one.kind == "certificate");
        Ok(inspect::key_of(alone).filter(|_| is_certificate))
    }
}

impl Compared {
    fn new(file: &str, holding: &Holding) -> Self {
        Self {
            file: file.to_owned(),
            kind: holding.kind,
            key_algorithm: holding.key.algorithm_name().to_owned(),
            key_fingerprint: holding.key.fingerprint_sha256(),
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

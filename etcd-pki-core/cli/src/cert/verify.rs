//! `etcd-pki cert verify`

use std::path::{Path, PathBuf};

use clap::Args;
use etcd_pki_core::{CaKind, Certificate, Host, Role, Verdict, Verifier};
use serde::Serialize;

use crate::{
    failure::{Answer, Failure, Outcome},
    finding::FindingFacts,
    input::{Input, called, parse_in_place},
    options::{self, DirectoryOptions},
    output,
    show::Unreadable,
    time,
};

/// Tell whether etcd would accept certificates, and why not
///
/// The answer is that of Go's crypto/x509, by which etcd decides. The first certificate of each file is judged; the others may be
/// its issuers.
#[derive(Args)]
#[command(group = options::place_of_authority(), after_help = "\
Examples:
  etcd-pki cert verify client.pem --ca ca.pem
  etcd-pki cert verify member-etcd-1.pem -d /etc/ssl/etcd/ssl --role member --host 10.0.0.11
  etcd-pki cert verify client.pem node.pem --ca ca.pem --at 30d --strict

Exit codes:
  0  every certificate is accepted
  1  one is refused, or cannot be read; the others are judged all the same
  2  the arguments are not understood")]
pub(crate) struct Verify {
    /// Files of a certificate each, its intermediates behind it, PEM or DER
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Ask for the usages of this role
    #[arg(long, value_parser = options::role())]
    role: Option<Role>,
    /// Ask for this name or address
    #[arg(long)]
    host: Option<String>,
    /// Judge at this instant, or at this time from now on, such as 30d
    #[arg(long, value_name = "INSTANT")]
    at: Option<String>,
    /// Ask for all that RFC 5280 demands, as Python 3.13 and openssl -x509_strict do
    #[arg(long)]
    strict: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    directory: DirectoryOptions,
    /// File of the authorities that are trusted, instead of the directory's
    #[arg(long, value_name = "FILE", help_heading = options::AUTHORITY)]
    ca: Option<PathBuf>,
}

/// The answers, as JSON.
#[derive(Default, Serialize)]
struct Answers {
    certificates: Vec<Judged>,
    unreadable: Vec<Unreadable>,
}

#[derive(Serialize)]
struct Judged {
    file: String,
    accepted: bool,
    /// What speaks against it
    reasons: Vec<FindingFacts>,
    /// The subjects from the certificate to a trusted one
    chain: Vec<String>,
}

impl Verify {
    pub(crate) fn run(&self, input: &Input) -> Outcome {
        let verifier = self.verifier(input)?;
        let mut answers = Answers::default();
        for file in &self.files {
            match input.parse(file, |bytes| verifier.verify_file(called(file), bytes)) {
                Ok(verdict) => answers.certificates.push(Judged::new(file, &verdict)),
                Err(error) => answers.unreadable.push(Unreadable::tell(file, &error)),
            }
        }
        let is_yes = answers.unreadable.is_empty()
            && answers.certificates.iter().all(|judged| judged.accepted);
        if self.json {
            output::print_json(&answers)?;
        } else {
            let lines = answers.certificates.iter().map(Judged::in_words);
            output::print(&lines.collect::<String>())?;
        }
        Ok(if is_yes { Answer::Yes } else { Answer::No })
    }

    fn verifier(&self, input: &Input) -> Result<Verifier, Failure> {
        let store = self.directory.store().filter(|_| self.ca.is_none());
        if let Some(store) = &store {
            options::check_layout(store, CaKind::Client)?;
        }
        let in_directory = store.map(|store| store.ca_paths(CaKind::Client));
        let mut verifier = match (&self.ca, in_directory) {
            (None, Some(paths)) => {
                let path = &paths.certificate;
                parse_in_place(path, |file| Verifier::trusting(path, file))?
            }
            // The parser asks for one of the two
            (named, _) => {
                let path = named.as_deref().unwrap_or(Path::new(""));
                input.parse(path, |file| Verifier::trusting(called(path), file))?
            }
        };
        if let Some(role) = self.role {
            verifier = verifier.with_role(role);
        }
        if let Some(host) = &self.host {
            verifier = verifier.with_host(host.parse::<Host>()?);
        }
        if let Some(instant) = &self.at {
            verifier = verifier.at(time::instant(instant)?);
        }
        Ok(if self.strict {
            verifier.with_strict()
        } else {
            verifier
        })
    }
}

impl Judged {
    fn new(file: &Path, verdict: &Verdict) -> Self {
        Self {
            file: file.to_string_lossy().into_owned(),
            accepted: verdict.is_accepted(),
            reasons: FindingFacts::all(verdict.reasons()),
            chain: verdict.chain().iter().map(Certificate::subject).collect(),
        }
    }

    fn in_words(&self) -> String {
        let answer = if self.accepted {
            format!("{}: ok", self.file)
        } else {
            let reasons = self.reasons.iter().map(FindingFacts::message);
            let reasons = reasons.collect::<Vec<_>>().join("; ");
            format!("{}: refused: {reasons}", self.file)
        };
        output::one_line(&answer) + "\n"
    }
}

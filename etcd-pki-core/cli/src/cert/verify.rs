//! `etcd-pki cert verify`

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use clap::Args;
use etcd_pki_core::{
    Certificate, Error, Role, Store, inspect,
    internal::read_regular_file,
    verify::{Host, Verdict, Verifier},
};
use serde::Serialize;

use crate::{
    failure::{Answer, Failure, Outcome},
    finding::FindingFacts,
    input::{Input, called, is_standard, parse_in_place},
    options::{self, DirectoryOptions},
    output,
    show::Unreadable,
    time,
};

/// Check whether etcd would accept certificates, and report why not
///
/// The verdict is that of Go's crypto/x509, which etcd uses. The first certificate of each file is
/// verified; the others can be its issuers.
///
/// The CA is the one that etcd trusts for the file: the CA next to it, or the CA in the directory
/// of -d. If peers have a separate CA, that CA applies to the peer certificates of members. A
/// certificate is refused if the revocation list revoked.crl next to the CA has its serial number.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki cert verify /etc/ssl/etcd/ssl/member-etcd-1.pem
  etcd-pki cert verify client.pem --ca ca.pem
  etcd-pki cert verify member-etcd-1.pem -d /etc/ssl/etcd/ssl --role member --host 10.0.0.11
  etcd-pki cert verify client.pem node.pem --ca ca.pem --at 30d --strict
  etcd-pki cert verify client.pem --ca ca.pem --crl revoked.crl

Exit codes:
  0  every certificate is accepted
  1  one is refused, or cannot be read; the others are still verified
  2  the arguments are not understood")]
pub(crate) struct Verify {
    /// Files with one certificate each, followed by its intermediates, PEM or DER
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Require the usages of this role
    #[arg(long, value_parser = options::role())]
    role: Option<Role>,
    /// Require this name or address
    #[arg(long)]
    host: Option<String>,
    /// Verify at this instant, or at this time from now on, such as 30d
    #[arg(long, value_name = "INSTANT")]
    at: Option<String>,
    /// Require all that RFC 5280 requires, as Python 3.13 and openssl -x509_strict do
    #[arg(long)]
    strict: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    directory: DirectoryOptions,
    /// File of the trusted CAs, instead of those next to FILE or in the directory
    #[arg(long, value_name = "FILE", help_heading = options::CA)]
    ca: Option<PathBuf>,
    /// Refuse the certificates of this revocation list too, besides those of revoked.crl next to the
    /// CA
    #[arg(long, value_name = "FILE", help_heading = options::CA)]
    crl: Option<PathBuf>,
}

/// The verdicts, as JSON.
#[derive(Default, Serialize)]
struct Answers {
    certificates: Vec<Judged>,
    unreadable: Vec<Unreadable>,
}

#[derive(Serialize)]
struct Judged {
    file: String,
    accepted: bool,
    /// The reasons against it
    reasons: Vec<FindingFacts>,
    /// The subjects from the certificate to a trusted one
    chain: Vec<String>,
}

impl Verify {
    pub(crate) fn run(&self, input: &Input) -> Outcome {
        let mut verifiers = Verifiers::new(self, input)?;
        let mut answers = Answers::default();
        for file in &self.files {
            let verifier = verifiers.of(file)?;
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

    /// Adds the requirements.
    fn with_options(&self, mut verifier: Verifier, input: &Input) -> Result<Verifier, Failure> {
        if let Some(list) = &self.crl {
            verifier = input.parse(list, |bytes| {
                Ok(verifier.with_revocation_file(called(list), bytes))
            })?;
        }
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

/// The verifier of each file.
struct Verifiers<'a> {
    options: &'a Verify,
    input: &'a Input,
    store: Option<Store>,
    /// One for each CA file
    read: BTreeMap<PathBuf, Verifier>,
    /// One for the named CA
    named: Option<Verifier>,
}

impl<'a> Verifiers<'a> {
    fn new(options: &'a Verify, input: &'a Input) -> Result<Self, Failure> {
        let store = options.directory.store().filter(|_| options.ca.is_none());
        let named = match &options.ca {
            Some(path) => {
                let trusting = input.parse(path, |file| Verifier::trusting(called(path), file))?;
                Some(options.with_options(trusting, input)?)
            }
            None => None,
        };
        // Invalid options are refused before any file is read
        let _ = options.with_options(Verifier::new([]), input)?;
        Ok(Self {
            options,
            input,
            store,
            read: BTreeMap::new(),
            named,
        })
    }

    /// The verifier of a file, with the named CA, the CA of the directory, or the CA next to the
    /// file.
    fn of(&mut self, file: &Path) -> Result<Verifier, Failure> {
        if let Some(named) = &self.named {
            return Ok(named.clone());
        }
        let Some(store) = &self.store else {
            return self.next_to(file);
        };
        let kind = inspect::ca_kind(store, file);
        options::check_layout(store, kind)?;
        let path = store.ca_paths(kind).certificate;
        if let Some(read) = self.read.get(&path) {
            return Ok(read.clone());
        }
        let mut trusting = parse_in_place(&path, |bytes| Verifier::trusting(&path, bytes))?;
        if let Some(list) = inspect::revocation_file(&path) {
            trusting = trusting.with_revocation_file(&list, &read_regular_file(&list)?);
        }
        let verifier = self.options.with_options(trusting, self.input)?;
        self.read.insert(path, verifier.clone());
        Ok(verifier)
    }

    fn next_to(&self, file: &Path) -> Result<Verifier, Failure> {
        if is_standard(file) {
            return Err(no_ca(file));
        }
        let is_missing = |error: &Error| {
            let Error::Io { error, path, .. } = error else {
                return false;
            };
            error.kind() == ErrorKind::NotFound && path == file
        };
        match inspect::verifier(file) {
            Err(error) if is_missing(&error) && file.exists() => Err(no_ca(file)),
            // If the file itself is missing, reading it reports that
            Err(error) if is_missing(&error) => Ok(Verifier::new([])),
            verifier => self.options.with_options(verifier?, self.input),
        }
    }
}

fn no_ca(file: &Path) -> Failure {
    Failure::usage(
        format!("there is no CA next to {}", called(file).display()),
        "name its file with --ca FILE, or its directory with -d DIR",
    )
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

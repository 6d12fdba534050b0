//! The report of a command: written on standard error as it happens, and at the end as JSON if
//! requested.

use std::{path::Path, time::SystemTime};

use etcd_pki_core::{
    Certificate, CertificateAuthority, CertificateRequest, KeyAlgorithm, Layout, PrivateKey,
    PublicKey, Role, Store, inspect,
    internal::{has_further_names, peer_port_of, rfc3339},
    layout::PairPaths,
    plan::{Report as Applied, StepReport},
    request::Claim,
    store::LockedFiles,
};
use serde::Serialize;

use crate::{
    facts::{CertificateFacts, KeyFacts, RequestFacts, in_words},
    failure::{Answer, Failure, Outcome},
    files::{self, File, Replacing},
    input::is_standard,
    options::JsonOption,
    output,
    steps::StepFacts,
    time,
    unfinished::{Unfinished, UnfinishedFacts},
};

/// Collects the files and decisions of a command.
#[derive(Default, Serialize)]
pub(crate) struct Report {
    #[serde(skip)]
    json: bool,
    written: Vec<Written>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    certificates: Vec<CertificateFacts>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    requests: Vec<RequestFacts>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keys: Vec<KeyFacts>,
    /// The claims of a request that were not granted
    refused: Vec<String>,
    /// The requested end, if the CA expires before it
    validity_cut: Option<String>,
    warnings: Vec<String>,
    /// The renewals
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<StepFacts>,
    /// Certificates that are due and were not renewed
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left: Vec<Left>,
    /// The steps that were not done
    #[serde(skip_serializing_if = "Option::is_none")]
    unfinished: Option<UnfinishedFacts>,
}

#[derive(Serialize)]
struct Written {
    file: String,
    kind: &'static str,
}

/// A file that is due and was not renewed.
#[derive(Serialize)]
struct Left {
    file: String,
    reason: String,
    hint: Option<String>,
}

impl Report {
    /// A report on writing these files. It prints JSON if requested and if standard output is free.
    pub(crate) fn on(files: &[&Path], json: &JsonOption) -> Result<Self, Failure> {
        if json.json && files.iter().any(|file| is_standard(file)) {
            return Err(Failure::usage(
                "--json reports what was written, and standard output is in use",
                "say where the files go, with -o FILE",
            ));
        }
        Ok(Self::new(json))
    }

    /// A report on writing files.
    pub(crate) fn new(json: &JsonOption) -> Self {
        Self {
            json: json.json,
            ..Self::default()
        }
    }

    /// Writes files that depend on no file in their directories, and warns if a replaced file has
    /// further names.
    pub(crate) fn write(
        &mut self,
        files: &[File<'_>],
        replacing: Replacing,
    ) -> Result<(), Failure> {
        let paths: Vec<_> = files.iter().map(File::path).collect();
        let locked = files::lock(&paths)?;
        let written = self.write_locked(files, replacing, &locked, &files::unrecorded);
        written.map(drop)
    }

    /// Writes files as [`Report::write`] does, in directories that were locked before anything was
    /// read. Calls `record` when the files are complete, before the first one is at its path or
    /// printed. Returns the paths under which the files of a replaced CA are kept.
    pub(crate) fn write_locked(
        &mut self,
        files: &[File<'_>],
        replacing: Replacing,
        locked: &LockedFiles,
        record: &dyn Fn() -> etcd_pki_core::Result<()>,
    ) -> Result<Option<PairPaths>, Failure> {
        let paths: Vec<_> = files.iter().map(File::path).collect();
        let write = || files::write_locked(files, replacing, locked, record);
        let kept = self.while_replacing(&paths, write)?;
        self.kept_ca(kept.as_ref());
        Ok(kept)
    }

    /// Reports the names under which the files of a replaced CA are kept.
    pub(crate) fn kept_ca(&mut self, kept: Option<&PairPaths>) {
        let Some(PairPaths { certificate, key }) = kept else {
            return;
        };
        for (file, kind) in [(certificate, "certificate"), (key, "private key")] {
            if file.exists() {
                self.wrote(file, kind, &format!("the {kind} of the old CA"));
            }
        }
    }

    /// Runs `write`, which may replace these files, and warns if a file has further names: those
    /// keep the old content.
    pub(crate) fn while_replacing<T>(
        &mut self,
        paths: &[&Path],
        write: impl FnOnce() -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let linked: Vec<_> = paths
            .iter()
            .filter(|path| has_further_names(path))
            .collect();
        let done = write()?;
        for path in linked {
            self.warn_of_further_names(path);
        }
        Ok(done)
    }

    /// Warns that the further names of a replaced file keep the old content.
    pub(crate) fn warn_of_further_names(&mut self, path: &Path) {
        self.warn(format!(
            "{} had further names (hard links), which keep the old content: copy it there again",
            path.display()
        ));
    }

    /// Reports a leaf certificate: `member etcd-1, until 2027-11-23, signed by etcd-ca`.
    pub(crate) fn leaf(
        &mut self,
        file: &Path,
        certificate: &Certificate,
        role: Role,
        name: Option<&str>,
    ) {
        let subject = certificate.subject();
        let name = name.unwrap_or_else(|| in_words::subject(&subject));
        let until = time::day(certificate.not_after());
        let issuer = certificate.issuer();
        let issuer = in_words::subject(&issuer);
        let line = format!("{role} {name}, until {until}, signed by {issuer}");
        self.wrote(file, "certificate", &line);
        self.certificates.push(CertificateFacts::of(certificate));
    }

    /// Reports a renewal: `client backup, until 2027-11-23, signed by etcd-ca`.
    pub(crate) fn renewed(
        &mut self,
        file: &Path,
        done: &StepReport<'_>,
        certificate: &Certificate,
    ) {
        let common_name = certificate.common_name();
        let role = certificate.role().unwrap_or(Role::Client);
        let name = common_name
            .as_deref()
            .map(|name| name.strip_prefix(role.common_name_prefix()).unwrap_or(name));
        self.leaf(file, certificate, role, name);
        self.changes.push(StepFacts::applied(done));
    }

    /// Reports a CA: `etcd-ca, ec-p256, until 2036-11-20`.
    pub(crate) fn ca(&mut self, file: &Path, certificate: &Certificate) {
        let subject = certificate.subject();
        let name = in_words::subject(&subject);
        let algorithm = certificate.public_key().algorithm_name();
        let until = time::day(certificate.not_after());
        let line = format!("CA {name}, {algorithm}, until {until}");
        self.wrote(file, "certificate", &line);
        self.certificates.push(CertificateFacts::of(certificate));
    }

    /// Reports a request.
    pub(crate) fn request(&mut self, file: &Path, request: &CertificateRequest) {
        let subject = request.subject();
        let line = format!("request of {}", in_words::subject(&subject));
        self.wrote(file, "request", &line);
        self.requests.push(RequestFacts::of(request));
    }

    /// Reports a private key.
    pub(crate) fn key(&mut self, file: &Path, key: &PrivateKey) {
        self.new_key(file, key.public_key());
    }

    /// Reports the private key of this public key.
    pub(crate) fn new_key(&mut self, file: &Path, key: &PublicKey) {
        if !is_standard(file) {
            let line = format!("private key, {}", key.algorithm_name());
            self.wrote(file, "private key", &line);
        }
        self.keys.push(KeyFacts::of_private(key));
    }

    /// Reports a public key.
    pub(crate) fn public_key(&mut self, file: &Path, key: &PublicKey) {
        if !is_standard(file) {
            let line = format!("public key, {}", key.algorithm_name());
            self.wrote(file, "public key", &line);
        }
        self.keys.push(KeyFacts::of_public(key));
    }

    /// Reports claims that were not granted; `claims_were_taken` if names would have been granted.
    pub(crate) fn refused(&mut self, claims: &[Claim], claims_were_taken: bool) {
        if claims.is_empty() {
            return;
        }
        self.refused = claims.iter().map(ToString::to_string).collect();
        let way_out = if !claims_were_taken && claims.iter().any(is_name) {
            " (take the request's names with --accept-claims)"
        } else {
            ""
        };
        output::say(format_args!(
            "not granted: {}{way_out}",
            output::few(&self.refused)
        ));
    }

    /// Reports the requested end if the CA expires before it.
    pub(crate) fn validity_cut(&mut self, asked: Option<SystemTime>, certificate: &Certificate) {
        let Some(asked) = asked else { return };
        if self.validity_cut.replace(rfc3339(asked)).is_some() {
            return;
        }
        output::say(format_args!(
            "note: it ends with its CA on {}, not on {} as asked for",
            time::day(certificate.not_after()),
            time::day(asked)
        ));
    }

    /// Warns if other programs refuse the certificates of this CA.
    pub(crate) fn check_ca(&mut self, ca: &CertificateAuthority) {
        if ca.lacks_key_usage() {
            let subject = ca.certificate().subject();
            self.warn(format!(
                "the CA {} has no keyUsage: etcd takes what it signs, but Python 3.13 and openssl -x509_strict refuse it",
                in_words::subject(&subject)
            ));
        }
    }

    /// Warns if other users own these files of a CA or can replace them.
    pub(crate) fn check_ca_files(&mut self, paths: &PairPaths) {
        for finding in inspect::ca_files(paths) {
            self.warn(format!("{finding}: {}", finding.fix()));
        }
    }

    /// Warns of a key that the layout's own tool does not load.
    pub(crate) fn check_layout(&mut self, layout: Layout, algorithm: KeyAlgorithm) {
        if layout == Layout::Kubeadm && algorithm == KeyAlgorithm::Ed25519 {
            self.warn("kubeadm loads no Ed25519 key: its own commands will fail on this one");
        }
    }

    /// Warns of a client's or node's certificate that etcd's peer port accepts, unless peers trust
    /// separate CAs and none of these signed it.
    pub(crate) fn warn_of_peer_port(&mut self, certificate: &Certificate, store: Option<&Store>) {
        let finding = match store {
            Some(store) => peer_port_of(store, certificate),
            None => inspect::peer_port(certificate),
        };
        if let Some(finding) = finding {
            self.warn(format!("{finding}; {}", finding.fix()));
        }
    }

    pub(crate) fn warn(&mut self, warning: impl Into<String>) {
        let warning = warning.into();
        // The pairs of one name may have the same reason
        if self.warnings.contains(&warning) {
            return;
        }
        output::say(format_args!("warning: {warning}"));
        self.warnings.push(warning);
    }

    /// Reports that renewed certificates expire with their CA, before the requested end.
    pub(crate) fn shortened(&mut self, report: &Applied) {
        let first = report.shortened_validities().into_iter().next();
        let requested = first.map(|first| rfc3339(first.requested));
        self.validity_cut = self.validity_cut.take().or(requested);
    }

    /// Reports the certificates that were not renewed; `are_due` if they are due.
    pub(crate) fn unfinished(&mut self, unfinished: &Unfinished<'_>, are_due: bool) {
        self.unfinished = Some(unfinished.facts());
        let left = unfinished.failures.iter().filter(|_| are_due);
        self.left = left
            .map(|(failure, message)| Left {
                file: failure.path().display().to_string(),
                reason: message.text.clone(),
                hint: message.hint.clone(),
            })
            .collect();
    }

    /// Ends the command, and prints the JSON if requested.
    pub(crate) fn finish(self) -> Outcome {
        if self.json {
            output::print_json(&self)?;
        }
        Ok(Answer::Yes)
    }

    fn wrote(&mut self, file: &Path, kind: &'static str, line: &str) {
        if is_standard(file) {
            output::say(line);
            return;
        }
        output::say(format_args!("{}: {line}", file.display()));
        self.written.push(Written {
            file: file.to_string_lossy().into_owned(),
            kind,
        });
    }
}

/// Whether --accept-claims would grant the claim.
fn is_name(claim: &Claim) -> bool {
    matches!(
        claim,
        Claim::CommonName(_)
            | Claim::Organization(_)
            | Claim::DnsName(_)
            | Claim::IpAddress(_)
            | Claim::Uri(_)
    )
}

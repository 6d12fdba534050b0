//! The result of a check for one certificate or file.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{
    contents::Key,
    rules::{self, KeyMatch},
};
use crate::{
    finding::{Finding, Severity},
    key::PublicKey,
    layout::{FileKind, Layout},
    x509::certificate::Certificate,
};

/// The result for a certificate, or for a file or directory without certificates.
#[derive(Clone, Debug)]
pub struct Checked {
    path: PathBuf,
    number: usize,
    certificate: Option<Certificate>,
    key: Option<PathBuf>,
    key_match: KeyMatch,
    seconds_left: i64,
    signed_here: Option<bool>,
    findings: Vec<Finding>,
}

impl Checked {
    /// The file, or the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The position of the certificate in its file, counted from 1.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// The certificate; `None` if no certificate can be read.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// The file of the key, if it is the same file or next to it.
    #[must_use]
    pub fn key(&self) -> Option<&Path> {
        self.key.as_deref()
    }

    /// Whether that key matches.
    #[must_use]
    pub fn key_match(&self) -> KeyMatch {
        self.key_match
    }

    /// The seconds until the certificate expires, negative after its expiry; `None` without a
    /// certificate.
    #[must_use]
    pub fn seconds_left(&self) -> Option<i64> {
        self.certificate.as_ref().map(|_| self.seconds_left)
    }

    /// The whole days until the certificate expires, negative after its expiry; `None` without a
    /// certificate.
    #[must_use]
    pub fn days_left(&self) -> Option<i64> {
        const DAY: i64 = 86_400;
        // Less than a day before or after the expiry is 0 days
        self.seconds_left().map(|seconds| seconds / DAY)
    }

    /// Whether the CA signed one of the other certificates that were read; `None` for a leaf.
    #[must_use]
    pub fn signed_here(&self) -> Option<bool> {
        self.signed_here
    }

    /// The findings.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether this is a certificate of a node, client or admin (according to the file's name) with
    /// a member's usages and names. Kubespray issues such certificates, and etcd's peer port
    /// accepts them.
    #[must_use]
    pub fn is_as_a_member(&self) -> bool {
        let Some(certificate) = &self.certificate else {
            return false;
        };
        let name = self.path.file_name().map(Path::new);
        let kind = name.and_then(|name| Layout::Kubespray.identify(name));
        let is_client = kind.is_some_and(|file| {
            let kind = file.kind;
            matches!(kind, FileKind::Node | FileKind::Client | FileKind::Admin)
        });
        is_client
            && rules::has_names_of_all(certificate)
            && rules::peer_port_for(certificate.dns_names(), certificate.ip_addresses()).is_some()
    }

    /// The severity of the worst finding.
    #[must_use]
    pub fn severity(&self) -> Severity {
        let severities = self.findings.iter().map(Finding::severity);
        severities.max().unwrap_or(Severity::Ok)
    }

    /// A result for a file with only this finding.
    pub(super) fn file(path: &Path, finding: Finding) -> Self {
        Self {
            path: path.to_owned(),
            number: 1,
            certificate: None,
            key: None,
            key_match: KeyMatch::Absent,
            seconds_left: 0,
            signed_here: None,
            findings: vec![finding],
        }
    }

    pub(super) fn certificate_at(
        path: &Path,
        number: usize,
        certificate: &Certificate,
        findings: Vec<Finding>,
        now: SystemTime,
    ) -> Self {
        Self {
            path: path.to_owned(),
            number,
            certificate: Some(certificate.clone()),
            key: None,
            key_match: KeyMatch::Absent,
            seconds_left: seconds_between(now, certificate.not_after()),
            signed_here: None,
            findings,
        }
    }

    /// Merges another result for the same file, and returns whether it did. The result of a
    /// certificate stays separate.
    pub(super) fn merges(&mut self, other: &mut Self) -> bool {
        let is_same = self.path == other.path;
        let takes = is_same && self.certificate.is_none() && other.certificate.is_none();
        if takes {
            self.findings.append(&mut other.findings);
        }
        takes
    }

    /// Whether this is a CA that expires soon.
    pub(super) fn is_expiring_ca(&self) -> bool {
        let is_expiry = |finding: &Finding| matches!(finding, Finding::Expires { .. });
        let is_ca = self.certificate.as_ref().is_some_and(Certificate::is_ca);
        is_ca && self.findings.iter().any(is_expiry)
    }

    /// Adds the number of dependent leaf certificates to the finding that a CA expires.
    pub(super) fn note_dependents(&mut self, count: usize) {
        for finding in &mut self.findings {
            if let Finding::Expires { dependents, .. } = finding {
                *dependents = Some(count);
            }
        }
    }

    /// Records whether a CA is among these signers.
    pub(super) fn note_signed(&mut self, signers: &HashSet<&PublicKey>) {
        let ca = self.certificate.as_ref().filter(|one| one.is_ca());
        self.signed_here = ca.map(|ca| signers.contains(ca.public_key()));
    }

    /// Adds a key that another certificate of the file also has.
    pub(super) fn with_key_match(self, key: &Key) -> Self {
        Self {
            key: key.path.clone(),
            key_match: KeyMatch::Yes,
            ..self
        }
    }

    /// Adds the key and its findings.
    pub(super) fn with_key(mut self, key: &Key) -> Self {
        self.findings.extend(key.finding.clone());
        let certificate = self.certificate.as_ref();
        if certificate.is_some_and(Certificate::is_ca) {
            self.findings.extend(key.ca_owner.clone());
        } else {
            // etcd does not read a CA's key; only etcd-pki does
            self.findings.extend(key.refused.clone());
            self.findings.extend(key.owner.clone());
        }
        let (Some(path), Some(certificate)) = (&key.path, &self.certificate) else {
            return self;
        };
        self.key_match = rules::matches(certificate, key.public.as_ref(), true);
        let mismatch = rules::key_match(certificate, key.public.as_ref(), Some(path));
        self.findings.extend(mismatch);
        self.key = Some(path.clone());
        self
    }

    /// Removes findings with these codes, and sorts the rest by code.
    pub(super) fn ignore(&mut self, codes: &[&str]) {
        self.findings
            .retain(|finding| !codes.contains(&finding.code()));
        self.findings.sort_by_key(Finding::code);
    }
}

fn seconds_between(now: SystemTime, end: SystemTime) -> i64 {
    let whole = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    match end.duration_since(now) {
        Ok(left) => whole(left),
        Err(late) => -whole(late.duration()),
    }
}

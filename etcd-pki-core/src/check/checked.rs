//! What a check has to say of a certificate.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::{
    file::Key,
    finding::{Finding, Severity},
};
use crate::certificate::Certificate;

/// A certificate that was looked at; or a file or a directory, of which something else is to be said.
#[derive(Clone, Debug)]
pub struct Checked {
    path: PathBuf,
    number: usize,
    certificate: Option<Certificate>,
    key: Option<PathBuf>,
    key_match: KeyMatch,
    seconds_left: i64,
    findings: Vec<Finding>,
}

/// Whether the key beside a certificate is its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyMatch {
    /// There is none, which is no fault: it may be kept elsewhere
    Absent,
    /// It is
    Yes,
    /// It is another's
    No,
    /// It is there, and is encrypted, of a kind that etcd-pki does not use, or not for us to read
    Unjudged,
}

impl Checked {
    /// The file, or the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Which certificate of the file it is, counted from 1.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// The certificate; `None` if there is none to be read.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// Where its key is, if that is with it or beside it.
    #[must_use]
    pub fn key(&self) -> Option<&Path> {
        self.key.as_deref()
    }

    /// Whether that is its key.
    #[must_use]
    pub fn key_match(&self) -> KeyMatch {
        self.key_match
    }

    /// The seconds from the time of the check to the certificate's end, less than 0 after it; `None` without a certificate.
    #[must_use]
    pub fn seconds_left(&self) -> Option<i64> {
        self.certificate.as_ref().map(|_| self.seconds_left)
    }

    /// What is wrong.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// How bad the worst of it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        let severities = self.findings.iter().map(Finding::severity);
        severities.max().unwrap_or(Severity::Ok)
    }

    /// A file of which only this can be said.
    pub(super) fn file(path: &Path, finding: Finding) -> Self {
        Self {
            path: path.to_owned(),
            number: 1,
            certificate: None,
            key: None,
            key_match: KeyMatch::Absent,
            seconds_left: 0,
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
            findings,
        }
    }

    /// Takes in what else is said of the same file, and tells whether it did. What is said of a certificate stays apart.
    pub(super) fn takes_in(&mut self, other: &mut Self) -> bool {
        let is_same = self.path == other.path;
        let takes = is_same && self.certificate.is_none() && other.certificate.is_none();
        if takes {
            self.findings.append(&mut other.findings);
        }
        takes
    }

    /// Compares it with a key.
    pub(super) fn with_key(mut self, key: &Key) -> Self {
        self.findings.extend(key.finding.clone());
        // An authority's key is read by who signs alone
        if !self
            .certificate
            .as_ref()
            .is_some_and(Certificate::is_authority)
        {
            self.findings.extend(key.in_der.clone());
        }
        let Some(path) = &key.path else { return self };
        let own = self.certificate.as_ref().map(Certificate::public_key);
        self.key = Some(path.clone());
        self.key_match = match &key.public {
            None => KeyMatch::Unjudged,
            Some(public) if Some(public) == own => KeyMatch::Yes,
            Some(_) => {
                let key = path.clone();
                self.findings.push(Finding::KeyMismatch { key });
                KeyMatch::No
            }
        };
        self
    }

    /// Leaves out what is not to be told, and puts the rest in the order of the codes.
    pub(super) fn leave_out(&mut self, codes: &[&str]) {
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

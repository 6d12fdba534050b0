//! The facts of revocation lists: as JSON for programs, and in words for people.

use std::path::Path;

use etcd_pki_core::{
    internal::rfc3339,
    trust::revocation::{ChangedLists, RevokedCertificate},
    x509::{RevocationList, RevocationReason, Revoked},
};
use serde::Serialize;

use crate::{
    facts::{Table, in_words},
    time,
};

/// A list as JSON.
#[derive(Serialize)]
pub(super) struct ListFacts {
    file: String,
    issuer: String,
    /// In decimal digits; it may have twenty bytes
    number: Option<String>,
    this_update: String,
    next_update: Option<String>,
    /// Whether the next update is due
    outdated: bool,
    indirect: bool,
    signature_algorithm: String,
    revoked: Vec<RevokedFacts>,
}

/// A revoked certificate as JSON.
#[derive(Serialize)]
pub(super) struct RevokedFacts {
    serial: String,
    issuer: String,
    revoked_at: String,
    reason: Option<&'static str>,
    /// The subject, if it is known
    subject: Option<String>,
    /// When the certificate expires, if it is known
    not_after: Option<String>,
}

/// A change of lists as JSON.
#[derive(Serialize)]
pub(super) struct ChangedFacts {
    written: Vec<String>,
    list: ListFacts,
    /// The certificates that are refused from now on
    revoked: Vec<RevokedFacts>,
    /// The certificates that were revoked before
    already_revoked: Vec<RevokedFacts>,
    /// The expired certificates that are no longer listed
    dropped: Vec<RevokedFacts>,
}

impl ListFacts {
    pub(super) fn of(file: &Path, list: &RevocationList) -> Self {
        let entries = list.entries().iter();
        Self::with(file, list, entries.map(RevokedFacts::of_entry).collect())
    }

    /// The list of a directory, with what is known about its certificates.
    pub(super) fn known(
        file: &Path,
        list: &RevocationList,
        entries: &[RevokedCertificate],
    ) -> Self {
        Self::with(file, list, entries.iter().map(RevokedFacts::of).collect())
    }

    fn with(file: &Path, list: &RevocationList, revoked: Vec<RevokedFacts>) -> Self {
        let next_update = list.next_update();
        Self {
            file: file.to_string_lossy().into_owned(),
            issuer: list.issuer(),
            number: list.number().map(|number| number.to_decimal()),
            this_update: rfc3339(list.this_update()),
            next_update: next_update.map(rfc3339),
            outdated: next_update.is_some_and(|next| next < time::now()),
            indirect: list.is_indirect(),
            signature_algorithm: list.signature_algorithm(),
            revoked,
        }
    }

    /// The list as a table, for people.
    pub(super) fn table(&self) -> String {
        let mut table = Table::default();
        table.row("list", &self.file);
        table.row("issuer", in_words::subject(&self.issuer));
        table.row("number", self.number.as_deref().unwrap_or("none"));
        table.row("issued", &self.this_update);
        let next = self.next_update.as_deref().unwrap_or("none");
        let state = if self.outdated {
            ", which has passed"
        } else {
            ""
        };
        table.row("next update", format!("{next}{state}"));
        let scope = if self.indirect {
            "certificates of all CAs of the directory (an indirect list)"
        } else {
            "certificates of this CA"
        };
        table.row("scope", scope);
        table.row("signature", &self.signature_algorithm);
        if self.revoked.is_empty() {
            table.row("revoked", "none");
        }
        for one in &self.revoked {
            table.row("revoked", one.in_words());
        }
        table.into_text()
    }
}

impl RevokedFacts {
    fn of(certificate: &RevokedCertificate) -> Self {
        Self {
            subject: certificate.subject().map(str::to_owned),
            not_after: certificate.not_after().map(rfc3339),
            ..Self::of_entry(certificate.entry())
        }
    }

    fn of_entry(entry: &Revoked) -> Self {
        Self {
            serial: entry.serial_number().to_string(),
            issuer: entry.issuer(),
            revoked_at: rfc3339(entry.revoked_at()),
            reason: entry.reason().map(RevocationReason::name),
            subject: None,
            not_after: None,
        }
    }

    /// `alice, serial 4A1C, of etcd-ca, since 2026-11-30T12:00:00Z, keyCompromise`
    fn in_words(&self) -> String {
        let subject = self.subject.as_deref().map(in_words::subject);
        let subject = subject.map_or_else(String::new, |subject| format!("{subject}, "));
        let reason = self
            .reason
            .map_or_else(String::new, |reason| format!(", {reason}"));
        format!(
            "{subject}serial {}, of {}, since {}{reason}",
            self.serial,
            in_words::subject(&self.issuer),
            self.revoked_at
        )
    }

    /// `alice, serial 4A1C`
    pub(super) fn name(&self) -> String {
        match &self.subject {
            Some(subject) => format!("{}, serial {}", in_words::subject(subject), self.serial),
            None => format!("serial {}", self.serial),
        }
    }
}

impl ChangedFacts {
    pub(super) fn of(lists: &ChangedLists) -> Self {
        let all = |certificates: &[RevokedCertificate]| {
            let all = certificates.iter();
            all.map(RevokedFacts::of).collect()
        };
        let files = lists.files().iter();
        let first = lists.files().first().map_or(Path::new(""), |file| file);
        Self {
            written: files.map(|file| file.display().to_string()).collect(),
            list: ListFacts::of(first, lists.list()),
            revoked: all(lists.added()),
            already_revoked: all(lists.already()),
            dropped: all(lists.dropped()),
        }
    }

    /// The written files, and the certificates that are no longer listed.
    pub(super) fn lines(&self) -> Vec<String> {
        let count = self.list.revoked.len();
        let s = if count == 1 { "" } else { "s" };
        let next = self.list.next_update.as_deref().unwrap_or("none");
        let next = next.split('T').next().unwrap_or_default();
        let issuer = in_words::subject(&self.list.issuer);
        let mut lines = Vec::new();
        for file in &self.written {
            let of = if *file == self.list.file {
                format!(
                    "list for etcd, {count} certificate{s}, signed by {issuer}, next update {next}"
                )
            } else {
                "the list of each CA, for other programs".to_owned()
            };
            lines.push(format!("{file}: {of}"));
        }
        let dropped = self.dropped.iter().map(RevokedFacts::name);
        lines.extend(dropped.map(|name| format!("no longer listed, because it expired: {name}")));
        lines
    }

    /// The certificates that are refused from now on, and those that were revoked before.
    pub(super) fn revocations(&self) -> Vec<String> {
        let revoked = self.revoked.iter().map(RevokedFacts::name);
        let revoked = revoked.map(|name| format!("refused from now on: {name}"));
        let already = self.already_revoked.iter().map(RevokedFacts::name);
        let already = already.map(|name| format!("revoked before: {name}"));
        revoked.chain(already).collect()
    }
}

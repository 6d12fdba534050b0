//! One line of a record: the facts of a certificate, and the link to the line before.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::RecordEntry;
use crate::{
    limits,
    role::Role,
    signing,
    text::{printable, upper_hex},
    time::clock::{parse_rfc3339, rfc3339},
    x509::{certificate::Certificate, fingerprint::Fingerprint, serial::SerialNumber},
};

/// The role of a CA's own certificate
const CA: &str = "ca";

/// The fields of a line, in their order. Unknown fields are ignored, because a later version may
/// add some.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    serial: String,
    subject: String,
    #[serde(default)]
    common_name: Option<String>,
    #[serde(default)]
    names: Vec<String>,
    /// The number of names that are left out
    #[serde(default, skip_serializing_if = "is_zero")]
    more_names: usize,
    #[serde(default)]
    role: Option<String>,
    not_before: String,
    not_after: String,
    sha256: String,
    issuer: String,
    issuer_key_sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    requester: Option<String>,
    time: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    complete_since: Option<String>,
    /// SHA-256 of the bytes between the last entry and this line, if an interrupted write left some
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) skipped: Option<String>,
    /// SHA-256 of the line of the last entry, with its line feed
    pub(super) previous: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Line {
    /// The line of a certificate. It is not linked to another line yet.
    pub(super) fn of(certificate: &Certificate, issuer_key: &str, now: SystemTime) -> Self {
        let addresses = certificate.ip_addresses().iter().map(ToString::to_string);
        let names = certificate.dns_names().iter().cloned().chain(addresses);
        let names = names.chain(certificate.uris().iter().cloned());
        let role = if certificate.is_ca() {
            Some(CA)
        } else {
            certificate.role().map(Role::name)
        };
        Self {
            serial: certificate.serial_number().to_string(),
            subject: certificate.subject(),
            common_name: certificate.common_name(),
            names: names.chain(certificate.other_names()).collect(),
            more_names: 0,
            role: role.map(str::to_owned),
            not_before: rfc3339(certificate.not_before()),
            not_after: rfc3339(certificate.not_after()),
            sha256: certificate.fingerprint_sha256(),
            issuer: certificate.issuer(),
            issuer_key_sha256: issuer_key.to_owned(),
            requester: None,
            time: rfc3339(now),
            complete_since: None,
            skipped: None,
            previous: None,
        }
    }

    /// Adds who requested the certificate.
    pub(super) fn requested_by(mut self, requester: String) -> Self {
        self.requester = Some(requester);
        self
    }

    /// Adds that the record has every certificate of this CA since a time.
    pub(super) fn complete_since(mut self, since: SystemTime) -> Self {
        self.complete_since = Some(rfc3339(since));
        self
    }

    /// The text with its line feed. If it would be too long, the names are left out, and then the
    /// other texts are cut.
    pub(super) fn text(&self) -> serde_json::Result<String> {
        let text = |line: &Self| {
            // The escapes are those of JSON
            let json = serde_json::to_string(line)?;
            Ok::<_, serde_json::Error>(format!("{}\n", printable(&json)))
        };
        let whole = text(self)?;
        if whole.len() <= limits::RECORD_LINE {
            return Ok(whole);
        }
        let mut line = self.clone();
        line.more_names += line.names.len();
        line.names.clear();
        let without_names = text(&line)?;
        if without_names.len() <= limits::RECORD_LINE {
            return Ok(without_names);
        }
        let texts = [&mut line.subject, &mut line.issuer];
        let optional = [&mut line.common_name, &mut line.requester];
        for long in texts.into_iter().chain(optional.into_iter().flatten()) {
            if let Some((end, _)) = long.char_indices().nth(1000) {
                long.truncate(end);
            }
        }
        text(&line)
    }

    /// Reads a line without its line feed; `None` if it is no entry.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Self, RecordEntry)> {
        if bytes.len() > limits::RECORD_LINE || bytes.first() != Some(&b'{') {
            return None;
        }
        let line: Self = serde_json::from_slice(bytes).ok()?;
        let since = line.complete_since.as_deref().map(parse_rfc3339);
        let entry = RecordEntry {
            serial: SerialNumber::from_hex(&line.serial)?,
            subject: line.subject.clone(),
            common_name: line.common_name.clone(),
            names: line.names.clone(),
            more_names: line.more_names,
            is_ca: line.role.as_deref() == Some(CA),
            role: line.role.as_deref().and_then(|role| role.parse().ok()),
            not_before: parse_rfc3339(&line.not_before)?,
            not_after: parse_rfc3339(&line.not_after)?,
            fingerprint: line.sha256.parse::<Fingerprint>().ok()?,
            issuer: line.issuer.clone(),
            issuer_key: line.issuer_key_sha256.clone(),
            requester: line.requester.clone(),
            recorded: parse_rfc3339(&line.time)?,
            complete_since: since.map_or(Some(None), |since| since.map(Some))?,
        };
        Some((line, entry))
    }
}

/// The text that is in the line of each certificate of the CA with this key, and in no other line.
/// A quotation mark in a name is written with a backslash.
pub(super) fn mark_of_issuer(key_sha256: &str) -> String {
    format!("\"issuer_key_sha256\":\"{key_sha256}\"")
}

/// The link to a line: SHA-256 of its bytes and a line feed.
pub(super) fn link_to(line: &[u8]) -> String {
    let mut hash = signing::Sha256::new();
    hash.update(line);
    hash.update(b"\n");
    upper_hex(&hash.finish())
}

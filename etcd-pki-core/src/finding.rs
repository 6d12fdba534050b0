//! Describes what is wrong with a certificate, a key, a file or a chain. Each kind has one code,
//! and one table lists all.
//!
//! `check` reports findings, a plan uses them as the reasons of its steps, and a verdict as the
//! reasons of a refusal. No other type describes problems of existing files.

mod facts;
mod sentence;
mod severity;
mod table;

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

pub use self::{facts::Facts, severity::Severity, table::Entry};
use crate::{
    text,
    time::{clock, threshold::Threshold},
    x509::{extensions::ExtendedKeyUsage, revocation_list::RevocationReason},
};

/// Something that is wrong with existing files. Each kind has a code that never changes.
///
/// In a verdict, `subject` names the certificate of the chain that has the problem. In all other
/// places the file identifies the certificate, and `subject` is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// EP001: the certificate expired.
    Expired {
        /// The certificate of the chain
        subject: Option<String>,
        /// When it expired
        not_after: SystemTime,
    },
    /// EP002 within the critical threshold, EP003 otherwise: the certificate expires soon.
    Expires {
        /// When it expires
        not_after: SystemTime,
        /// Whole days until then
        days: u64,
        /// The threshold that is reached; `None` in a plan, which uses `renew_before`
        within: Option<Threshold>,
        /// Whether that is the critical threshold
        critical: bool,
        /// The number of leaf certificates that depend on it, if it is a CA that was checked with
        /// them
        dependents: Option<usize>,
    },
    /// EP004: the certificate is not valid yet. The clock of this machine, or of the one that
    /// signed it, is wrong.
    NotYetValid {
        /// The certificate of the chain
        subject: Option<String>,
        /// When it becomes valid
        not_before: SystemTime,
    },
    /// EP005: the key does not match the certificate. etcd does not start with the two.
    KeyMismatch {
        /// The key's file, if the key is in one
        key: Option<PathBuf>,
    },
    /// EP006: everyone on the host can read a private key.
    KeyReadable {
        /// The key's file
        key: PathBuf,
        /// Its mode
        current: u32,
        /// The mode that it should have
        desired: u32,
    },
    /// EP007: no trusted CA signed the certificate.
    OtherCa {
        /// The issuer that the certificate names
        issuer: String,
        /// The CA that should have signed it, if a file of it is known
        ca: Option<PathBuf>,
        /// Whether a trusted CA has the issuer's name but another key
        same_name: bool,
    },
    /// EP008: the CA has no keyUsage. Python 3.13 and OpenSSL's strict check refuse the
    /// certificates that it signed.
    NoKeyUsage,
    /// EP009: the CA expires before the certificate, and connections fail from then on.
    OutlivesCa {
        /// The CA's file
        ca: PathBuf,
        /// When the CA expires
        not_after: SystemTime,
    },
    /// EP010: a member's certificate without clientAuth. A member uses it as a client of its peers
    /// and of its own gRPC gateway (etcd issue 9785).
    MemberWithoutClientAuth,
    /// EP011: a client's certificate has no DNS name and no address, so etcd's peer port accepts
    /// it.
    ClientWithoutNames,
    /// EP043: another CA issued the CA's certificate, so a plan cannot renew it.
    IssuedByAnotherCa {
        /// The CA that issued it
        issuer: String,
    },
    /// EP044: a client's or node's certificate has DNS names or addresses of its own, and etcd's
    /// peer port accepts it from these.
    ClientWithNames {
        /// The DNS names and addresses
        names: Vec<String>,
    },
    /// EP045: the certificate is renewed later than requested. Otherwise it would be due during too
    /// much of its life.
    DueTooEarly {
        /// The requested time before its expiry: `400d`
        requested: String,
        /// The duration of the certificate's validity
        life: Duration,
    },
    /// EP012: a file is damaged, or cannot be read.
    Unreadable {
        /// The reason, with the file
        reason: String,
        /// Whether the file was read and is damaged
        damaged: bool,
    },
    /// EP013: a path has no certificate.
    NoCertificate,
    /// EP014: the key is a CA's key, so its owner can sign certificates.
    CaKey {
        /// The CA's file
        ca: PathBuf,
    },
    /// EP015: everyone on the host can write a certificate's file or its directory, and so replace
    /// a trusted CA; or a group can write to the directory of a CA.
    Writable {
        /// The file or the directory
        path: PathBuf,
        /// Its mode
        current: u32,
        /// The mode that it should have
        desired: u32,
    },
    /// EP016: a certificate is missing.
    MissingCertificate,
    /// EP017: a private key is missing.
    MissingKey,
    /// EP018: a plan does not change this pair, because etcd-pki never replaces the existing file
    /// at this path.
    Blocked {
        /// The path
        path: PathBuf,
        /// The reason
        reason: String,
    },
    /// EP019: a file that a plan would write is a symbolic link to another file of the directory.
    SymbolicLink {
        /// The link
        path: PathBuf,
        /// The target of the link
        target: PathBuf,
    },
    /// EP020: a file does not have the mode that the specification gives.
    Mode {
        /// The file
        path: PathBuf,
        /// Its mode
        current: u32,
        /// The mode that it should have
        desired: u32,
    },
    /// EP021: a file does not belong to the user and group that the specification gives.
    Owner {
        /// The file
        path: PathBuf,
    },
    /// EP022: the key has another algorithm than the specification gives.
    Algorithm {
        /// The key's algorithm
        current: String,
        /// The algorithm that it should have
        desired: String,
    },
    /// EP023: the common name differs from the specification's.
    CommonName {
        /// The certificate's common name
        current: Option<String>,
        /// The common name that it should have
        desired: Option<String>,
    },
    /// EP024: the organization differs from the specification's.
    Organization {
        /// The certificate's organizations
        current: Vec<String>,
        /// The organization that it should have
        desired: Option<String>,
    },
    /// EP025: a name or an address is missing.
    MissingName(
        /// The name
        String,
    ),
    /// EP026: a name or an address is not in the specification.
    ExtraName(
        /// The name
        String,
    ),
    /// EP027: the usages differ from those of the role.
    Usages {
        /// The certificate's usages
        current: Vec<String>,
        /// The usages that it should have
        desired: Vec<String>,
    },
    /// EP028: two pairs have the same key.
    SharedKey,
    /// EP029: the certificate names an earlier certificate of its CA by a serial number or key
    /// identifier that the current one lacks. OpenSSL and GnuTLS refuse it; Go does not check it.
    EarlierCaCertificate,
    /// EP030: etcd-pki cannot judge a part of the certificate or file; etcd may accept it.
    NotSupported {
        /// The certificate of the chain
        subject: Option<String>,
        /// The unsupported part
        what: String,
    },
    /// EP031: a signature in the chain is not valid.
    Signature {
        /// The certificate with that signature
        subject: String,
        /// The reason
        reason: String,
    },
    /// EP032: a certificate in the chain must not sign certificates.
    NotCa {
        /// The certificate
        subject: String,
        /// The reason, such as a missing extension
        reason: String,
    },
    /// EP033: a CA has more CAs below it than its path length allows.
    PathTooLong {
        /// The CA
        ca: String,
        /// The number of CAs that it allows
        path_length: u8,
    },
    /// EP034: a CA's name constraints exclude a name.
    NameConstraint {
        /// The CA
        ca: String,
        /// The name
        name: String,
    },
    /// EP035: neither Go nor etcd-pki supports a critical extension.
    UnknownExtension {
        /// The certificate
        subject: String,
        /// The extension
        oid: String,
    },
    /// EP036: Go does not read the certificate.
    Malformed {
        /// The certificate
        subject: String,
        /// The reason
        reason: Cow<'static, str>,
    },
    /// EP037: a certificate in the chain does not allow a usage.
    Usage {
        /// The certificate
        subject: String,
        /// The usage
        desired: ExtendedKeyUsage,
        /// The usages that it allows
        allowed: Vec<ExtendedKeyUsage>,
    },
    /// EP038: the certificate is not valid for a host.
    WrongHost {
        /// The host
        host: String,
        /// The names and addresses that it is valid for
        names: Vec<String>,
        /// Whether its common name is that host, which Go ignores since version 1.15
        common_name_only: bool,
    },
    /// EP039: RFC 5280 forbids a property of the certificate. Strict verifiers refuse it; Go
    /// accepts it.
    Strict {
        /// The certificate
        subject: String,
        /// The violation, with the section
        reason: &'static str,
    },
    /// EP040: Go stops comparing names with a CA's name constraints, because there are too many.
    TooManyConstraints {
        /// The CA
        ca: String,
    },
    /// EP041: etcd does not read a file, although etcd-pki may.
    NotReadByEtcd {
        /// The file; `None` for bytes that are not in one
        path: Option<PathBuf>,
        /// The reason, with the block and the line
        reason: String,
        /// The way to fix it
        fix: &'static str,
    },
    /// EP042: etcd reads a file without some of its blocks, and reports no error.
    SkippedBlocks {
        /// The file; `None` for bytes that are not in one
        path: Option<PathBuf>,
        /// The lines on which the blocks begin, counted from 1
        lines: Vec<usize>,
    },
    /// EP046: an exchange directory contains a CA certificate, but no certificate of that CA is
    /// trusted here. It is not installed, because anyone with access to the exchange directory may
    /// have created it.
    UntrustedCa {
        /// The file in the exchange directory
        path: PathBuf,
        /// The certificate
        subject: String,
        /// SHA-256 of the certificate
        fingerprint: String,
    },
    /// EP047: a file of a pair is empty or has only zero bytes, for example after a crash or with a
    /// full disk.
    EmptyFile {
        /// The file
        path: PathBuf,
        /// Whether it has only zero bytes
        is_zeros: bool,
    },
    /// EP048: a file has a key where a certificate should be, or a certificate where a key should
    /// be.
    Misplaced {
        /// The file
        path: PathBuf,
        /// The current content
        current: &'static str,
        /// The expected content
        desired: &'static str,
    },
    /// EP049: a member's certificate has no DNS name and no address. No client accepts it, because
    /// Go ignores the common name since version 1.15.
    MemberWithoutNames,
    /// EP050: a DNS name of the certificate is an address. Go compares the address of a connection
    /// with the certificate's addresses only (`VerifyHostname` in `crypto/x509/verify.go`).
    AddressAsDnsName(
        /// The address
        String,
    ),
    /// EP051: a private key belongs to a user who may not own it. It is not used.
    KeyOwner {
        /// The key's file
        path: PathBuf,
        /// Its owner
        owner: String,
    },
    /// EP052: a CA's key belongs to an unprivileged user, who can sign certificates.
    CaKeyOwner {
        /// The key's file
        path: PathBuf,
        /// Its owner
        owner: String,
    },
    /// EP054: the file of a CA's certificates belongs to a user who may not own it and could
    /// replace the trusted CAs. A plan neither signs with this CA nor trusts it.
    CaOwner {
        /// The file
        path: PathBuf,
        /// Its owner
        owner: String,
    },
    /// EP053: a CA in the directory that is not the cluster's own signed the certificate, or is
    /// above the CA that signed it. A plan never signs such a certificate: other programs may trust
    /// that CA.
    SignedByOtherCa {
        /// The issuer that the certificate names
        issuer: String,
        /// The file of the CA
        ca: PathBuf,
    },
    /// EP055: a certificate is revoked: etcd refuses new connections with it if it reads the list.
    /// In a plan, the certificate must be revoked.
    Revoked {
        /// The certificate
        subject: String,
        /// Its serial number
        serial: String,
        /// The list
        list: Option<PathBuf>,
        /// When it was revoked; `None` if it is not in the list yet
        since: Option<SystemTime>,
        /// The reason in the list
        reason: Option<RevocationReason>,
    },
    /// EP056: the next update of a revocation list is due. etcd ignores this time; OpenSSL and
    /// others refuse every certificate after it.
    OutdatedList {
        /// The list
        path: PathBuf,
        /// When the next update is due
        next_update: SystemTime,
    },
    /// EP057: a revocation list cannot be used, or no CA of the directory signed it.
    UnusableList {
        /// The list
        path: PathBuf,
        /// The reason
        reason: String,
        /// Whether etcd refuses every connection with a certificate because of it
        refused: bool,
    },
    /// EP058: the record of what the CAs of a directory issued has a gap, or was changed. It does
    /// not stop anything.
    DamagedRecord {
        /// The file
        path: PathBuf,
        /// The first damaged line, and the number of all
        reason: String,
    },
    /// EP059: the CA of a rotation that does not sign now has signed the certificate. A plan signs
    /// it again with the other one.
    RotatedCa {
        /// The issuer that the certificate names
        issuer: String,
        /// The CA that signs now
        ca: String,
    },
    /// EP060: the link certificate of a rotation does not follow the certificate in its file, or
    /// still follows it after the rotation.
    LinkCertificate {
        /// Whether it is missing
        is_missing: bool,
    },
    /// EP061: the files of a rotation fit no stage, or a change of them was interrupted.
    Rotation {
        /// The file of the CA
        path: PathBuf,
        /// The reason
        reason: String,
    },
}

impl Finding {
    /// The code, which never changes: `EP001`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.entry().code
    }

    /// The name of the kind, in snake case: `expired`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.entry().kind
    }

    /// The severity.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            // A CA has the name of the issuer, but did not sign the certificate
            Self::OtherCa {
                same_name: true, ..
            }
            | Self::Unreadable { damaged: true, .. }
            | Self::UnusableList { refused: true, .. } => Severity::Critical,
            _ => self.entry().severity,
        }
    }

    /// The way to fix it: a sentence without a period.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::NotReadByEtcd { fix, .. } => fix,
            _ => self.entry().fix,
        }
    }

    /// Adds the file to a finding about a file's bytes.
    #[must_use]
    pub(crate) fn in_file(mut self, file: &Path) -> Self {
        if let Self::NotReadByEtcd { path, .. } | Self::SkippedBlocks { path, .. } = &mut self {
            *path = Some(file.to_owned());
        }
        self
    }
}

/// The phrase for an empty file.
const fn empty(is_zeros: bool) -> &'static str {
    if is_zeros {
        "it has only zero bytes"
    } else {
        "it is empty"
    }
}

/// The phrase for when and why a certificate was revoked.
fn since_and_why(since: SystemTime, reason: Option<RevocationReason>) -> String {
    let since = clock::rfc3339(since);
    match reason {
        Some(reason) => format!("on {since}, {reason}"),
        None => format!("on {since}"),
    }
}

/// The phrase for the number of certificates that depend on a CA; `None` for none.
fn depend_on_it(count: usize) -> Option<String> {
    match count {
        0 => None,
        1 => Some("1 certificate here depends on it".to_owned()),
        count => Some(format!("{count} certificates here depend on it")),
    }
}

/// The first of several numbers, as text.
fn numbers(numbers: &[usize]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    text::few(&numbers)
}

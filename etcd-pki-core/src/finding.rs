//! What is wrong with a certificate, a key, a file or a chain: one table, one code for each kind.
//!
//! `check` reports findings, a plan gives them as the reasons of its steps, and a verdict gives them
//! as the reasons of a refusal. No other type says what is wrong.

use std::{
    borrow::Cow,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    time::SystemTime,
};

use crate::{
    clock,
    error::{Error, Result},
    extensions::ExtendedKeyUsage,
    limits,
    text::{self, FEW},
    threshold::Threshold,
    words,
};

/// How serious a finding is. The order is that of Nagios plugins, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is wrong
    Ok,
    /// It could not be judged
    Unknown,
    /// Act within days
    Warning,
    /// Act now
    Critical,
}

impl Severity {
    /// All severities, in their order.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Unknown, Self::Warning, Self::Critical];

    /// The name, as it is printed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl FromStr for Severity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        words::one_of(text, "severity", &Self::ALL, Self::name)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Something that is wrong with existing files. Each kind has a code that never changes.
///
/// A finding of a verdict names the `subject` of the certificate in the chain that it is about; in
/// all other places the certificate is clear from the file, and `subject` is `None`.
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
    },
    /// EP004: the certificate is not valid yet. The clock here, or where it was signed, is wrong.
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
        /// Whether a trusted CA has the issuer's name and another key
        same_name: bool,
    },
    /// EP008: the CA has no keyUsage. Python 3.13 and OpenSSL's strict check refuse what it signs.
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
    /// EP011: a client's certificate without DNS name and address, which etcd's peer port accepts.
    ClientWithoutNames,
    /// EP012: a file is damaged, or cannot be read.
    Unreadable {
        /// Why, with the file
        reason: String,
        /// Whether it was read and is damaged
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
    /// a CA that is trusted.
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
    /// EP018: a plan does not change this pair: etcd-pki never replaces what is at this path.
    Blocked {
        /// The path
        path: PathBuf,
        /// What is there
        reason: String,
    },
    /// EP019: a file that a plan would write is a symbolic link to another file of the directory.
    SymbolicLink {
        /// The link
        path: PathBuf,
        /// The file that it leads to
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
    /// EP029: the certificate names an earlier certificate of its CA, by a serial number or a key
    /// identifier that the current one does not have: OpenSSL and GnuTLS refuse it, Go does not look.
    EarlierCaCertificate,
    /// EP030: etcd-pki cannot judge this; etcd may accept it.
    NotSupported {
        /// The certificate of the chain
        subject: Option<String>,
        /// What is not supported
        what: String,
    },
    /// EP031: a signature in the chain is not valid.
    Signature {
        /// The certificate with that signature
        subject: String,
        /// Why
        reason: String,
    },
    /// EP032: a certificate in the chain must not sign certificates.
    NotCa {
        /// The certificate
        subject: String,
        /// What it lacks
        reason: String,
    },
    /// EP033: a CA has more CAs below it than its path length allows.
    PathTooLong {
        /// The CA
        ca: String,
        /// How many it allows
        path_length: u8,
    },
    /// EP034: a CA's name constraints exclude a name.
    NameConstraint {
        /// The CA
        ca: String,
        /// The name
        name: String,
    },
    /// EP035: neither Go nor etcd-pki knows a critical extension.
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
        /// What is wrong with it
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
    /// EP039: RFC 5280 forbids it, and strict verifiers refuse it; Go accepts it.
    Strict {
        /// The certificate
        subject: String,
        /// What it lacks, with the section
        reason: &'static str,
    },
    /// EP040: Go stops comparing names with a CA's name constraints, because there are too many.
    TooManyConstraints {
        /// The CA
        ca: String,
    },
    /// EP041: etcd does not read a file, though etcd-pki may.
    NotReadByEtcd {
        /// The file; `None` for bytes that are not in one
        path: Option<PathBuf>,
        /// Why, with the block and the line
        reason: String,
        /// How to fix it
        fix: &'static str,
    },
    /// EP042: etcd reads a file without some of its blocks, and does not say so.
    SkippedBlocks {
        /// The file; `None` for bytes that are not in one
        path: Option<PathBuf>,
        /// The lines on which the blocks begin, counted from 1
        lines: Vec<usize>,
    },
}

/// One row of the table of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The code, which never changes: `EP001`
    pub code: &'static str,
    /// The name of the kind, in snake case
    pub kind: &'static str,
    /// How serious it usually is
    pub severity: Severity,
    /// What it means
    pub meaning: &'static str,
    /// How to fix it
    pub fix: &'static str,
}

/// The facts of a finding, each under the same name for every kind that has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The file or directory
    pub path: Option<PathBuf>,
    /// A second file: the target of a link, or a CA's file
    pub target: Option<PathBuf>,
    /// The subject or issuer of a certificate
    pub subject: Option<String>,
    /// A name, an address, a host or an extension
    pub name: Option<String>,
    /// What the files have; modes as `0644`
    pub current: Vec<String>,
    /// What they should have; modes as `0600`
    pub desired: Vec<String>,
    /// When a certificate becomes valid
    pub not_before: Option<SystemTime>,
    /// When a certificate expires
    pub not_after: Option<SystemTime>,
    /// Whole days until a certificate expires
    pub days: Option<u64>,
    /// Why, in words
    pub reason: Option<String>,
}

const fn entry(
    code: &'static str,
    kind: &'static str,
    severity: Severity,
    meaning: &'static str,
    fix: &'static str,
) -> Entry {
    Entry {
        code,
        kind,
        severity,
        meaning,
        fix,
    }
}

use Severity::{Critical, Unknown, Warning};

impl Finding {
    /// The table of all findings, in the order of their codes.
    pub const TABLE: [Entry; 42] = [
        entry(
            "EP001",
            "expired",
            Critical,
            "the certificate expired",
            "renew it: `etcd-pki cert renew`, for a CA `etcd-pki ca renew`",
        ),
        entry(
            "EP002",
            "expires",
            Critical,
            "the certificate expires within the critical threshold",
            "renew it now: `etcd-pki cert renew`, for a CA `etcd-pki ca renew`",
        ),
        entry(
            "EP003",
            "expires",
            Warning,
            "the certificate expires within the warning threshold, or is due for renewal",
            "renew it: `etcd-pki cert renew`, for a CA `etcd-pki ca renew`",
        ),
        entry(
            "EP004",
            "not_yet_valid",
            Critical,
            "the certificate is not valid yet",
            "compare the clock of this host with that of the host that signed it",
        ),
        entry(
            "EP005",
            "key_mismatch",
            Critical,
            "the private key does not match the certificate, and etcd does not start",
            "bring back the key of this certificate, or issue a new pair",
        ),
        entry(
            "EP006",
            "key_readable",
            Critical,
            "everyone on the host can read a private key",
            "chmod o-rwx the key, and issue a new pair if others may have read it",
        ),
        entry(
            "EP007",
            "other_ca",
            Warning,
            "no trusted CA signed the certificate",
            "bring back the CA that signed it, or issue a new certificate",
        ),
        entry(
            "EP008",
            "no_key_usage",
            Warning,
            "the CA has no keyUsage: Python 3.13 and openssl -x509_strict refuse what it signs",
            "renew the CA with the same key: `etcd-pki ca renew`",
        ),
        entry(
            "EP009",
            "outlives_ca",
            Warning,
            "the CA expires before the certificate that it signed",
            "renew the CA before it expires: `etcd-pki ca renew`",
        ),
        entry(
            "EP010",
            "member_without_client_auth",
            Warning,
            "a member cannot connect to its peers and its own gRPC gateway",
            "issue a certificate with serverAuth and clientAuth",
        ),
        entry(
            "EP011",
            "client_without_names",
            Warning,
            "etcd's peer port accepts this client as a member",
            "issue a certificate with the address 0.0.0.0, or give peers a CA of their own",
        ),
        entry(
            "EP012",
            "unreadable",
            Unknown,
            "a file is damaged, is not what etcd reads, or cannot be read",
            "restore the file, or run the command as its owner",
        ),
        entry(
            "EP013",
            "no_certificate",
            Unknown,
            "a path has no certificate",
            "name the files or the directory of the certificates",
        ),
        entry(
            "EP014",
            "ca_key",
            Critical,
            "the key of a leaf certificate is the key of a CA",
            "issue a new pair with a key of its own",
        ),
        entry(
            "EP015",
            "writable",
            Critical,
            "everyone on the host can replace a certificate",
            "chmod o-w",
        ),
        entry(
            "EP016",
            "missing_certificate",
            Warning,
            "a private key has no certificate: it is lost, or was requested and is not signed yet",
            "issue a certificate for the key, or remove the key",
        ),
        entry(
            "EP017",
            "missing_key",
            Warning,
            "a certificate has no private key",
            "issue a new pair",
        ),
        entry(
            "EP018",
            "blocked",
            Warning,
            "etcd-pki never replaces what is at this path",
            "move it away, run the command as its owner, or replace the pair with a new key",
        ),
        entry(
            "EP019",
            "symbolic_link",
            Warning,
            "a file that must be written is a symbolic link to another file of the directory",
            "remove the link, or allow its replacement",
        ),
        entry(
            "EP020",
            "mode",
            Warning,
            "a file does not have the mode of the specification",
            "apply the specification",
        ),
        entry(
            "EP021",
            "owner",
            Warning,
            "a file does not belong to the user and group of the specification",
            "apply the specification as root",
        ),
        entry(
            "EP022",
            "algorithm",
            Warning,
            "the key does not have the algorithm of the specification",
            "apply the specification: it makes a new key",
        ),
        entry(
            "EP023",
            "common_name",
            Warning,
            "the common name is not that of the specification",
            "apply the specification",
        ),
        entry(
            "EP024",
            "organization",
            Warning,
            "the organization is not that of the specification",
            "apply the specification",
        ),
        entry(
            "EP025",
            "missing_name",
            Warning,
            "a name or an address of the specification is missing",
            "apply the specification",
        ),
        entry(
            "EP026",
            "extra_name",
            Warning,
            "a name or an address is not in the specification",
            "apply the specification",
        ),
        entry(
            "EP027",
            "usages",
            Warning,
            "the usages are not those of the role",
            "apply the specification",
        ),
        entry(
            "EP028",
            "shared_key",
            Warning,
            "another pair has the same key",
            "apply the specification: it makes a new key",
        ),
        entry(
            "EP029",
            "earlier_ca_certificate",
            Warning,
            "the certificate names an earlier certificate of its CA: OpenSSL and GnuTLS refuse it",
            "renew the certificate",
        ),
        entry(
            "EP030",
            "not_supported",
            Unknown,
            "etcd-pki cannot judge it; etcd may accept it",
            "check it with openssl, or use a key of a supported algorithm",
        ),
        entry(
            "EP031",
            "signature",
            Critical,
            "a signature in the chain is not valid",
            "find the certificate of the CA that signed it",
        ),
        entry(
            "EP032",
            "not_ca",
            Critical,
            "a certificate in the chain must not sign certificates",
            "trust the certificate of the CA itself",
        ),
        entry(
            "EP033",
            "path_too_long",
            Critical,
            "a CA has more CAs below it than its path length allows",
            "sign with a CA that is nearer to the root, or renew the CA with a longer path",
        ),
        entry(
            "EP034",
            "name_constraint",
            Critical,
            "a CA's name constraints exclude a name of the certificate",
            "leave the name out, or sign with another CA",
        ),
        entry(
            "EP035",
            "unknown_extension",
            Critical,
            "a certificate has a critical extension that Go does not know",
            "issue a certificate without it",
        ),
        entry(
            "EP036",
            "malformed",
            Critical,
            "Go does not read the certificate",
            "issue a new certificate",
        ),
        entry(
            "EP037",
            "usage",
            Critical,
            "a certificate in the chain does not allow a usage",
            "issue a certificate for the role",
        ),
        entry(
            "EP038",
            "wrong_host",
            Critical,
            "the certificate does not have the name or address of the host",
            "issue a certificate with that name or address",
        ),
        entry(
            "EP039",
            "strict",
            Warning,
            "RFC 5280 forbids it; Go accepts it, and strict verifiers do not",
            "issue a new certificate, or renew the CA",
        ),
        entry(
            "EP040",
            "too_many_constraints",
            Critical,
            "a CA has too many name constraints for Go",
            "issue a certificate with fewer names, or renew the CA with fewer constraints",
        ),
        entry(
            "EP041",
            "not_read_by_etcd",
            Critical,
            "etcd does not read a file: it does not start, or refuses every connection",
            "store what the file holds as PEM that etcd reads, or issue it again",
        ),
        entry(
            "EP042",
            "skipped_blocks",
            Warning,
            "etcd skips blocks of a file without an error",
            "put each BEGIN and END line on a line of its own, or remove the block",
        ),
    ];

    /// Every code, in order.
    pub const CODES: [&'static str; Self::TABLE.len()] = {
        let mut codes = [""; Self::TABLE.len()];
        let mut index = 0;
        while index < codes.len() {
            codes[index] = Self::TABLE[index].code;
            index += 1;
        }
        codes
    };

    /// The row of the table.
    #[must_use]
    pub const fn entry(&self) -> &'static Entry {
        &Self::TABLE[self.number() - 1]
    }

    /// The number in the code.
    const fn number(&self) -> usize {
        match self {
            Self::Expired { .. } => 1,
            Self::Expires { critical: true, .. } => 2,
            Self::Expires { .. } => 3,
            Self::NotYetValid { .. } => 4,
            Self::KeyMismatch { .. } => 5,
            Self::KeyReadable { .. } => 6,
            Self::OtherCa { .. } => 7,
            Self::NoKeyUsage => 8,
            Self::OutlivesCa { .. } => 9,
            Self::MemberWithoutClientAuth => 10,
            Self::ClientWithoutNames => 11,
            Self::Unreadable { .. } => 12,
            Self::NoCertificate => 13,
            Self::CaKey { .. } => 14,
            Self::Writable { .. } => 15,
            Self::MissingCertificate => 16,
            Self::MissingKey => 17,
            Self::Blocked { .. } => 18,
            Self::SymbolicLink { .. } => 19,
            Self::Mode { .. } => 20,
            Self::Owner { .. } => 21,
            Self::Algorithm { .. } => 22,
            Self::CommonName { .. } => 23,
            Self::Organization { .. } => 24,
            Self::MissingName(_) => 25,
            Self::ExtraName(_) => 26,
            Self::Usages { .. } => 27,
            Self::SharedKey => 28,
            Self::EarlierCaCertificate => 29,
            Self::NotSupported { .. } => 30,
            Self::Signature { .. } => 31,
            Self::NotCa { .. } => 32,
            Self::PathTooLong { .. } => 33,
            Self::NameConstraint { .. } => 34,
            Self::UnknownExtension { .. } => 35,
            Self::Malformed { .. } => 36,
            Self::Usage { .. } => 37,
            Self::WrongHost { .. } => 38,
            Self::Strict { .. } => 39,
            Self::TooManyConstraints { .. } => 40,
            Self::NotReadByEtcd { .. } => 41,
            Self::SkippedBlocks { .. } => 42,
        }
    }

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

    /// How serious it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            // A CA of the same name is meant to be the issuer, and is not
            Self::OtherCa {
                same_name: true, ..
            }
            | Self::Unreadable { damaged: true, .. } => Critical,
            _ => self.entry().severity,
        }
    }

    /// How to fix it: a sentence without a period.
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::NotReadByEtcd { fix, .. } => fix,
            _ => self.entry().fix,
        }
    }

    /// The same finding about a file's bytes, with the file.
    #[must_use]
    pub(crate) fn in_file(mut self, file: &Path) -> Self {
        if let Self::NotReadByEtcd { path, .. } | Self::SkippedBlocks { path, .. } = &mut self {
            *path = Some(file.to_owned());
        }
        self
    }

    /// The facts.
    #[must_use]
    pub fn facts(&self) -> Facts {
        let mut facts = Facts::default();
        let mode = |mode: &u32| vec![format!("{mode:04o}")];
        let text = |text: &Option<String>| text.iter().cloned().collect();
        match self {
            Self::Expired { subject, not_after } => {
                facts.subject.clone_from(subject);
                facts.not_after = Some(*not_after);
            }
            Self::Expires {
                not_after,
                days,
                within,
                ..
            } => {
                facts.not_after = Some(*not_after);
                facts.days = Some(*days);
                facts.reason = within.map(|within| format!("threshold {within}"));
            }
            Self::NotYetValid {
                subject,
                not_before,
            } => {
                facts.subject.clone_from(subject);
                facts.not_before = Some(*not_before);
            }
            Self::KeyMismatch { key } => facts.path.clone_from(key),
            Self::Owner { path } => facts.path = Some(path.clone()),
            Self::KeyReadable {
                key: path,
                current,
                desired,
            }
            | Self::Writable {
                path,
                current,
                desired,
            }
            | Self::Mode {
                path,
                current,
                desired,
            } => {
                facts.path = Some(path.clone());
                facts.current = mode(current);
                facts.desired = mode(desired);
            }
            Self::OtherCa { issuer, ca, .. } => {
                facts.subject = Some(issuer.clone());
                facts.target.clone_from(ca);
            }
            Self::OutlivesCa { ca, not_after } => {
                facts.target = Some(ca.clone());
                facts.not_after = Some(*not_after);
            }
            Self::CaKey { ca } => facts.target = Some(ca.clone()),
            Self::Unreadable { reason, .. } => facts.reason = Some(reason.clone()),
            Self::Blocked { path, reason } => {
                facts.path = Some(path.clone());
                facts.reason = Some(reason.clone());
            }
            Self::SymbolicLink { path, target } => {
                facts.path = Some(path.clone());
                facts.target = Some(target.clone());
            }
            Self::Algorithm { current, desired } => {
                facts.current = vec![current.clone()];
                facts.desired = vec![desired.clone()];
            }
            Self::CommonName { current, desired } => {
                facts.current = text(current);
                facts.desired = text(desired);
            }
            Self::Organization { current, desired } => {
                facts.current.clone_from(current);
                facts.desired = text(desired);
            }
            Self::MissingName(name) | Self::ExtraName(name) => facts.name = Some(name.clone()),
            Self::Usages { current, desired } => {
                facts.current.clone_from(current);
                facts.desired.clone_from(desired);
            }
            Self::NotSupported { subject, what } => {
                facts.subject.clone_from(subject);
                facts.reason = Some(what.clone());
            }
            Self::Signature { subject, reason } | Self::NotCa { subject, reason } => {
                facts.subject = Some(subject.clone());
                facts.reason = Some(reason.clone());
            }
            Self::PathTooLong { ca, path_length } => {
                facts.subject = Some(ca.clone());
                facts.desired = vec![path_length.to_string()];
            }
            Self::TooManyConstraints { ca } => facts.subject = Some(ca.clone()),
            Self::NotReadByEtcd { path, reason, .. } => {
                facts.path.clone_from(path);
                facts.reason = Some(reason.clone());
            }
            Self::SkippedBlocks { path, lines } => {
                facts.path.clone_from(path);
                facts.reason = Some(format!("lines {}", numbers(lines)));
            }
            Self::NameConstraint { ca, name } => {
                facts.subject = Some(ca.clone());
                facts.name = Some(name.clone());
            }
            Self::UnknownExtension { subject, oid } => {
                facts.subject = Some(subject.clone());
                facts.name = Some(oid.clone());
            }
            Self::Malformed { subject, reason } => {
                facts.subject = Some(subject.clone());
                facts.reason = Some(reason.clone().into_owned());
            }
            Self::Usage {
                subject,
                desired,
                allowed,
            } => {
                facts.subject = Some(subject.clone());
                facts.current = allowed.iter().map(ToString::to_string).collect();
                facts.desired = vec![desired.to_string()];
            }
            Self::WrongHost { host, names, .. } => {
                facts.name = Some(host.clone());
                facts.current.clone_from(names);
            }
            Self::Strict { subject, reason } => {
                facts.subject = Some(subject.clone());
                facts.reason = Some((*reason).to_owned());
            }
            Self::NoKeyUsage
            | Self::MemberWithoutClientAuth
            | Self::ClientWithoutNames
            | Self::NoCertificate
            | Self::MissingCertificate
            | Self::MissingKey
            | Self::SharedKey
            | Self::EarlierCaCertificate => {}
        }
        facts
    }
}

impl fmt::Display for Finding {
    /// One line without a period and without the code.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names in certificates have any length, and any characters
        f.write_str(&text::message(&Sentence(self).to_string()))
    }
}

/// A finding as it is before [`text::message`] escapes it.
struct Sentence<'a>(&'a Finding);

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Finding::Expired { subject, not_after } => {
                let not_after = clock::rfc3339(*not_after);
                write!(f, "{}expired on {not_after}", prefix(subject))
            }
            Finding::Expires {
                not_after,
                days,
                within,
                ..
            } => {
                match days {
                    0 => write!(f, "expires on {}", clock::rfc3339(*not_after)),
                    1 => write!(f, "expires in 1 day"),
                    _ => write!(f, "expires in {days} days"),
                }?;
                match within {
                    Some(within) => write!(f, " (threshold {within})"),
                    None => Ok(()),
                }
            }
            Finding::NotYetValid {
                subject: None,
                not_before,
            } => write!(f, "not valid before {}", clock::rfc3339(*not_before)),
            Finding::NotYetValid {
                subject,
                not_before,
            } => {
                let not_before = clock::rfc3339(*not_before);
                write!(f, "{}is not valid before {not_before}", prefix(subject))
            }
            Finding::KeyMismatch { key: None } => {
                write!(f, "the key does not match the certificate")
            }
            Finding::KeyMismatch { key: Some(key) } => {
                write!(f, "{} does not match the certificate", key.display())
            }
            Finding::KeyReadable {
                key: path,
                current,
                desired,
            }
            | Finding::Writable {
                path,
                current,
                desired,
            }
            | Finding::Mode {
                path,
                current,
                desired,
            } => {
                let who = match self.0 {
                    Finding::KeyReadable { .. } => ": everyone can read it",
                    Finding::Writable { .. } => ": everyone can write it",
                    _ => "",
                };
                let path = path.display();
                write!(
                    f,
                    "{path} has mode {current:04o}, should be {desired:04o}{who}"
                )
            }
            Finding::OtherCa {
                ca: Some(ca),
                same_name: true,
                issuer,
            } => write!(
                f,
                "not signed by {}, which has the name {issuer} and another key",
                ca.display()
            ),
            Finding::OtherCa {
                ca: Some(ca),
                issuer,
                ..
            } => write!(f, "signed by {issuer}, not by {}", ca.display()),
            Finding::OtherCa {
                issuer,
                same_name: true,
                ..
            } => write!(
                f,
                "signed by an unknown CA, {issuer}; the trusted one has the same name and another key"
            ),
            Finding::OtherCa { issuer, .. } => write!(f, "signed by an unknown CA, {issuer}"),
            Finding::NoKeyUsage => write!(f, "the CA has no keyUsage"),
            Finding::OutlivesCa { ca, not_after } => write!(
                f,
                "its CA {} expires before it, on {}",
                ca.display(),
                clock::rfc3339(*not_after)
            ),
            Finding::MemberWithoutClientAuth => write!(
                f,
                "serverAuth without clientAuth: a member cannot connect to its peers and its own gRPC gateway"
            ),
            Finding::ClientWithoutNames => write!(
                f,
                "no DNS name and no address: etcd's peer port accepts it as a member"
            ),
            Finding::Unreadable { reason, .. } | Finding::Blocked { reason, .. } => {
                f.write_str(reason)
            }
            Finding::NoCertificate => write!(f, "no certificate in it"),
            Finding::CaKey { ca } => write!(
                f,
                "its key is the key of {}: its owner can sign certificates",
                ca.display()
            ),
            Finding::MissingCertificate => write!(f, "the certificate is missing"),
            Finding::MissingKey => write!(f, "the key is missing"),
            Finding::SymbolicLink { path, target } => {
                write!(f, "{} is a link to {}", name(path), name(target))
            }
            Finding::Owner { path } => {
                write!(f, "{} belongs to another user or group", path.display())
            }
            Finding::Algorithm { current, desired } => {
                write!(f, "the key is {current}, should be {desired}")
            }
            Finding::CommonName { current, desired } => {
                let (current, desired) = (or_none(current), or_none(desired));
                write!(f, "common name {current}, should be {desired}")
            }
            Finding::Organization { current, desired } => {
                let current = (!current.is_empty()).then(|| current.join(", "));
                let (current, desired) = (or_none(&current), or_none(desired));
                write!(f, "organization {current}, should be {desired}")
            }
            Finding::MissingName(name) => write!(f, "{name} is missing"),
            Finding::ExtraName(name) => write!(f, "{name} is not in the specification"),
            Finding::Usages { current, desired } => {
                let current = (!current.is_empty()).then(|| current.join(", "));
                let desired = desired.join(", ");
                write!(f, "usages {}, should be {desired}", or_none(&current))
            }
            Finding::SharedKey => write!(f, "another pair has the same key"),
            Finding::EarlierCaCertificate => {
                write!(f, "it names an earlier certificate of its CA")
            }
            Finding::NotSupported { subject, what } => {
                write!(f, "{}cannot be judged here: {what}", prefix(subject))
            }
            Finding::Signature { subject, reason } => {
                write!(f, "the signature of {subject} is not valid: {reason}")
            }
            Finding::NotCa { subject, reason } => {
                write!(f, "{subject} must not sign certificates: {reason}")
            }
            Finding::PathTooLong { ca, path_length } => write!(
                f,
                "{ca} allows {path_length} CAs below it, and there are more"
            ),
            Finding::NameConstraint { ca, name } => {
                write!(f, "{ca} must not sign for {name} (nameConstraints)")
            }
            Finding::TooManyConstraints { ca } => write!(
                f,
                "the nameConstraints of {ca} need more than {} comparisons, at which Go stops",
                limits::NAME_COMPARISONS
            ),
            Finding::NotReadByEtcd { path, reason, .. } => {
                write!(f, "etcd does not read {}: {reason}", or_it(path))
            }
            Finding::SkippedBlocks { path, lines } => {
                let (path, lines) = (or_it(path), numbers(lines));
                write!(
                    f,
                    "etcd skips blocks of {path}, which begin on line {lines}"
                )
            }
            Finding::UnknownExtension { subject, oid } => write!(
                f,
                "{subject} has the critical extension {oid}, which Go does not know"
            ),
            Finding::Malformed { subject, reason } => write!(f, "{subject} {reason}"),
            Finding::Strict { subject, reason } => write!(f, "{subject} {reason}"),
            Finding::Usage {
                subject,
                desired,
                allowed,
            } => {
                let allowed: Vec<_> = allowed.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "{subject} is for {}, not for {desired}",
                    listed(&allowed)
                )
            }
            Finding::WrongHost {
                host,
                common_name_only: true,
                ..
            } => write!(
                f,
                "it has {host} as its common name only, which Go ignores; it needs an alternative name"
            ),
            Finding::WrongHost { host, names, .. } if names.is_empty() => {
                write!(
                    f,
                    "it has no names and no addresses, so it is not valid for {host}"
                )
            }
            Finding::WrongHost { host, names, .. } => {
                write!(f, "it is valid for {}, not for {host}", listed(names))
            }
        }
    }
}

/// The subject of a finding about a chain, before the rest of its line.
fn prefix(subject: &Option<String>) -> String {
    subject
        .as_ref()
        .map_or_else(String::new, |subject| format!("{subject} "))
}

fn or_none(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or("none")
}

fn or_it(path: &Option<PathBuf>) -> Cow<'_, str> {
    path.as_ref()
        .map_or("it".into(), |path| path.to_string_lossy())
}

/// The first of many numbers.
fn numbers(numbers: &[usize]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    text::few(&numbers)
}

/// A file's name, without its directory.
fn name(path: &Path) -> Cow<'_, str> {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
}

fn listed(words: &[String]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [one] => text::excerpt(one),
        [most @ .., last] if most.len() < FEW => {
            format!("{} and {}", text::few(most), text::excerpt(last))
        }
        words => text::few(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_numbered_without_gaps() {
        for (index, code) in Finding::CODES.iter().enumerate() {
            assert_eq!(*code, format!("EP{:03}", index + 1));
        }
    }
}

//! What a claim, a cause, a finding, a reason or an error says: a kind, its facts, and a line of text.

use std::{
    ffi::OsString,
    net::IpAddr,
    path::{Path, PathBuf},
    time::SystemTime,
};

use etcd_pki_core::{Cause, Claim, Finding, Reason};
use pyo3::{prelude::*, types::PyDict};

/// A fact, as the Python object that it becomes.
#[derive(IntoPyObject)]
pub(crate) enum Fact {
    Address(IpAddr),
    /// As text, in which Python keeps bytes that are no characters (`os.fsdecode`)
    FileName(OsString),
    Flag(bool),
    Instant(SystemTime),
    Number(u64),
    Numbers(Vec<usize>),
    Path(PathBuf),
    Paths(Vec<PathBuf>),
    Text(String),
    TextOrNone(Option<String>),
    Texts(Vec<String>),
}

/// Facts by their names.
pub(crate) type Facts = Vec<(&'static str, Fact)>;

/// What has a kind and facts. The match in it names every kind there is; one that is newer has only its text.
pub(crate) trait Described {
    fn describe(&self) -> (&'static str, Facts);
}

/// Facts as a dictionary.
pub(crate) fn dictionary<'py>(py: Python<'py>, facts: Facts) -> PyResult<Bound<'py, PyDict>> {
    let dictionary = PyDict::new(py);
    for (name, fact) in facts {
        dictionary.set_item(name, fact)?;
    }
    Ok(dictionary)
}

pub(crate) fn text(text: impl ToString) -> Fact {
    Fact::Text(text.to_string())
}

pub(crate) fn texts<T: ToString>(texts: &[T]) -> Fact {
    Fact::Texts(texts.iter().map(ToString::to_string).collect())
}

pub(crate) fn path(path: &Path) -> Fact {
    Fact::Path(path.to_owned())
}

impl Described for Claim {
    fn describe(&self) -> (&'static str, Facts) {
        let valued = |kind, value| (kind, vec![("value", value)]);
        match self {
            Self::Authority => ("authority", Vec::new()),
            Self::CommonName(name) => valued("common_name", text(name)),
            Self::Organization(name) => valued("organization", text(name)),
            Self::SubjectPart { attribute, value } => {
                let facts = vec![("attribute", text(attribute)), ("value", text(value))];
                ("subject_part", facts)
            }
            Self::KeyUsage(usage) => valued("key_usage", text(usage)),
            Self::ExtendedKeyUsage(usage) => valued("extended_key_usage", text(usage)),
            Self::DnsName(name) => valued("dns_name", text(name)),
            Self::IpAddress(address) => valued("ip_address", Fact::Address(*address)),
            Self::Uri(uri) => valued("uri", text(uri)),
            Self::OtherName(name) => valued("other_name", text(name)),
            Self::Extension(oid) => valued("extension", text(oid)),
            _ => ("other", Vec::new()),
        }
    }
}

impl Described for Cause {
    fn describe(&self) -> (&'static str, Facts) {
        match self {
            Self::Algorithm { found, wanted } => {
                let facts = vec![("found", text(found)), ("wanted", text(wanted))];
                ("algorithm", facts)
            }
            Self::AnotherAuthority => ("another_authority", Vec::new()),
            Self::CommonName { found, wanted } => {
                let found = Fact::TextOrNone(found.clone());
                let wanted = Fact::TextOrNone(wanted.clone());
                ("common_name", vec![("found", found), ("wanted", wanted)])
            }
            Self::EarlierAuthority => ("earlier_authority", Vec::new()),
            Self::Expired { not_after } => {
                ("expired", vec![("not_after", Fact::Instant(*not_after))])
            }
            Self::Expires { not_after, days } => {
                let not_after = Fact::Instant(*not_after);
                let facts = vec![("not_after", not_after), ("days", Fact::Number(*days))];
                ("expires", facts)
            }
            Self::InTheWay { path: file, reason } => {
                let facts = vec![("path", path(file)), ("reason", text(reason))];
                ("in_the_way", facts)
            }
            Self::KeyMismatch => ("key_mismatch", Vec::new()),
            Self::MissingCertificate => ("missing_certificate", Vec::new()),
            Self::MissingKey => ("missing_key", Vec::new()),
            Self::MissingName(name) => ("missing_name", vec![("name", text(name))]),
            Self::Mode {
                path: file,
                found,
                wanted,
            } => {
                let facts = vec![
                    ("path", path(file)),
                    ("found", Fact::Number(u64::from(*found))),
                    ("wanted", Fact::Number(u64::from(*wanted))),
                ];
                ("mode", facts)
            }
            Self::NoKeyUsage => ("no_key_usage", Vec::new()),
            Self::Organization { found, wanted } => {
                let wanted = Fact::TextOrNone(wanted.clone());
                let facts = vec![("found", texts(found)), ("wanted", wanted)];
                ("organization", facts)
            }
            Self::Owner { path: file } => ("owner", vec![("path", path(file))]),
            Self::SharedKey => ("shared_key", Vec::new()),
            Self::SymbolicLink { path: file, target } => {
                let facts = vec![("path", path(file)), ("target", path(target))];
                ("symbolic_link", facts)
            }
            Self::SurplusName(name) => ("surplus_name", vec![("name", text(name))]),
            Self::Unreadable { reason } => ("unreadable", vec![("reason", text(reason))]),
            Self::Usages { found, wanted } => {
                let facts = vec![("found", texts(found)), ("wanted", texts(wanted))];
                ("usages", facts)
            }
            _ => ("other", Vec::new()),
        }
    }
}

impl Described for Finding {
    fn describe(&self) -> (&'static str, Facts) {
        match self {
            Self::Expired { not_after } => {
                ("expired", vec![("not_after", Fact::Instant(*not_after))])
            }
            Self::Expires {
                not_after,
                days,
                within,
                critical,
            } => {
                let facts = vec![
                    ("not_after", Fact::Instant(*not_after)),
                    ("days", Fact::Number(*days)),
                    ("within", text(within)),
                    ("critical", Fact::Flag(*critical)),
                ];
                ("expires", facts)
            }
            Self::NotYetValid { not_before } => {
                let facts = vec![("not_before", Fact::Instant(*not_before))];
                ("not_yet_valid", facts)
            }
            Self::AuthorityKey { authority } => {
                ("authority_key", vec![("authority", path(authority))])
            }
            Self::KeyMismatch { key } => ("key_mismatch", vec![("key", path(key))]),
            Self::KeyReadable { key, mode } => {
                let mode = Fact::Number(u64::from(*mode));
                ("key_readable", vec![("key", path(key)), ("mode", mode)])
            }
            Self::AnotherAuthority {
                authority,
                same_name,
            } => {
                let facts = vec![
                    ("authority", path(authority)),
                    ("same_name", Fact::Flag(*same_name)),
                ];
                ("another_authority", facts)
            }
            Self::NoKeyUsage => ("no_key_usage", Vec::new()),
            Self::OutlivesAuthority {
                authority,
                not_after,
            } => {
                let facts = vec![
                    ("authority", path(authority)),
                    ("not_after", Fact::Instant(*not_after)),
                ];
                ("outlives_authority", facts)
            }
            Self::MemberWithoutClientAuth => ("member_without_client_auth", Vec::new()),
            Self::ClientWithoutNames => ("client_without_names", Vec::new()),
            Self::Unreadable { reason, damaged } => {
                let facts = vec![("reason", text(reason)), ("damaged", Fact::Flag(*damaged))];
                ("unreadable", facts)
            }
            Self::NoCertificate => ("no_certificate", Vec::new()),
            Self::MissingCertificate => ("missing_certificate", Vec::new()),
            Self::Writable { mode } => {
                let mode = Fact::Number(u64::from(*mode));
                ("writable", vec![("mode", mode)])
            }
            _ => ("other", Vec::new()),
        }
    }
}

impl Described for Reason {
    fn describe(&self) -> (&'static str, Facts) {
        match self {
            Self::Expired { subject, not_after } => {
                let not_after = Fact::Instant(*not_after);
                let facts = vec![("subject", text(subject)), ("not_after", not_after)];
                ("expired", facts)
            }
            Self::Malformed { subject, reason } => {
                let facts = vec![("subject", text(subject)), ("reason", text(reason))];
                ("malformed", facts)
            }
            Self::NameConstraint { authority, name } => {
                let facts = vec![("authority", text(authority)), ("name", text(name))];
                ("name_constraint", facts)
            }
            Self::TooManyConstraints { authority } => {
                ("too_many_constraints", vec![("authority", text(authority))])
            }
            Self::NotAnAuthority { subject, reason } => {
                let facts = vec![("subject", text(subject)), ("reason", text(reason))];
                ("not_an_authority", facts)
            }
            Self::NotYetValid {
                subject,
                not_before,
            } => {
                let not_before = Fact::Instant(*not_before);
                let facts = vec![("subject", text(subject)), ("not_before", not_before)];
                ("not_yet_valid", facts)
            }
            Self::PathTooLong {
                authority,
                path_length,
            } => {
                let path_length = Fact::Number(u64::from(*path_length));
                let facts = vec![("authority", text(authority)), ("path_length", path_length)];
                ("path_too_long", facts)
            }
            Self::Signature { subject, reason } => {
                let facts = vec![("subject", text(subject)), ("reason", text(reason))];
                ("signature", facts)
            }
            Self::Strict { subject, reason } => {
                let facts = vec![("subject", text(subject)), ("reason", text(reason))];
                ("strict", facts)
            }
            Self::UnknownExtension { subject, oid } => {
                let facts = vec![("subject", text(subject)), ("oid", text(oid))];
                ("unknown_extension", facts)
            }
            Self::UnknownAuthority { issuer } => {
                ("unknown_authority", vec![("issuer", text(issuer))])
            }
            Self::Usage {
                subject,
                wanted,
                allowed,
            } => {
                let facts = vec![
                    ("subject", text(subject)),
                    ("wanted", text(wanted)),
                    ("allowed", texts(allowed)),
                ];
                ("usage", facts)
            }
            Self::WrongHost {
                host,
                names,
                common_name_only,
            } => {
                let facts = vec![
                    ("host", text(host)),
                    ("names", texts(names)),
                    ("common_name_only", Fact::Flag(*common_name_only)),
                ];
                ("wrong_host", facts)
            }
            _ => ("other", Vec::new()),
        }
    }
}

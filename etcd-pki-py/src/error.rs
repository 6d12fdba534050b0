//! The core's errors as Python's exceptions, which `etcd_pki.errors` defines.

use std::{io, path::Path};

use etcd_pki_core::{Error, Place, Position, Unfinished};
use pyo3::prelude::*;

use crate::{
    facts::{Described, Fact, Facts, dictionary, path, text, texts},
    interpreter,
};

/// What the core fails with, which becomes an exception.
pub(crate) trait Raise {
    fn raise(self) -> PyErr;
}

impl Raise for Error {
    fn raise(self) -> PyErr {
        raise(self)
    }
}

impl<R> Raise for Box<Unfinished<R>> {
    /// The exception knows what was done before.
    fn raise(self) -> PyErr {
        let Unfinished { done, error, .. } = *self;
        let (class, mut facts) = error.describe();
        facts.push(("done", Fact::Paths(done)));
        exception(class, &error.to_string(), error.hint(), facts)
    }
}

/// Turns an error of the core into an exception.
pub(crate) fn raise(error: Error) -> PyErr {
    let (class, facts) = error.describe();
    exception(class, &error.to_string(), error.hint(), facts)
}

/// What is asked of an object that is not, or no longer, in a state for it.
pub(crate) fn state_error(message: &str) -> PyErr {
    exception("StateError", message, None, Vec::new())
}

/// What the core returns, as what Python's functions return.
pub(crate) trait OrRaise<T> {
    fn or_raise(self) -> PyResult<T>;
}

impl<T, E: Raise> OrRaise<T> for Result<T, E> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(Raise::raise)
    }
}

/// Does the core's work while other threads of Python run.
pub(crate) fn work<T: Send>(
    py: Python<'_>,
    task: impl FnOnce() -> Result<T, Error> + Send,
) -> PyResult<T> {
    interpreter::without(py, task).or_raise()
}

fn exception(class: &str, message: &str, hint: Option<String>, facts: Facts) -> PyErr {
    let make = |py: Python<'_>| -> PyResult<PyErr> {
        let class = py.import("etcd_pki.errors")?.getattr(class)?;
        let facts = dictionary(py, facts)?;
        Ok(PyErr::from_value(class.call1((message, hint, facts))?))
    };
    Python::attach(|py| make(py).unwrap_or_else(|failure| failure))
}

impl Described for Error {
    /// The exception's class, and its attributes.
    fn describe(&self) -> (&'static str, Facts) {
        let reason_of = |name, value: &String, reason: &String| {
            vec![(name, text(value)), ("reason", text(reason))]
        };
        match self {
            Self::AnotherAuthority {
                path: file,
                found,
                wanted,
            } => {
                let facts = vec![
                    ("path", path(file)),
                    ("found", text(found)),
                    ("wanted", text(wanted)),
                ];
                ("AnotherAuthorityError", facts)
            }
            Self::AuthorityExpired { subject, not_after } => {
                let not_after = Fact::Instant(*not_after);
                let facts = vec![("subject", text(subject)), ("not_after", not_after)];
                ("AuthorityExpiredError", facts)
            }
            Self::AuthorityNotYetValid {
                subject,
                not_before,
            } => {
                let not_before = Fact::Instant(*not_before);
                let facts = vec![("subject", text(subject)), ("not_before", not_before)];
                ("AuthorityNotYetValidError", facts)
            }
            Self::Clock { now } => ("ClockError", vec![("now", Fact::Instant(*now))]),
            Self::AuthorityExists {
                directory,
                found,
                layout,
            } => {
                let mut facts = vec![("directory", path(directory)), ("found", text(found))];
                facts.extend(layout.map(|layout| ("layout", text(layout))));
                ("AuthorityExistsError", facts)
            }
            Self::Changed { path: file } => ("ChangedError", vec![("path", path(file))]),
            Self::CommonNameLength { common_name } => {
                let facts = vec![("common_name", text(common_name))];
                ("CommonNameLengthError", facts)
            }
            Self::EncryptedKey => ("EncryptedKeyError", Vec::new()),
            Self::Exists { path: file } => ("ExistsError", vec![("path", path(file))]),
            Self::File { path: file, error } => {
                let (class, mut facts) = error.describe();
                facts.push(("path", path(file)));
                (class, facts)
            }
            Self::InvalidAlternativeName {
                text: name, reason, ..
            } => {
                let facts = reason_of("text", name, reason);
                ("InvalidAlternativeNameError", facts)
            }
            Self::InvalidDuration {
                text: duration,
                reason,
            } => {
                let facts = reason_of("text", duration, reason);
                ("InvalidDurationError", facts)
            }
            Self::InvalidName { name, reason } => {
                ("InvalidNameError", reason_of("name", name, reason))
            }
            Self::Io {
                action,
                path: file,
                error,
            } => io_error(action, file, error),
            Self::AuthorityKey { subject } => {
                ("AuthorityKeyError", vec![("subject", text(subject))])
            }
            Self::KeyMismatch { expected, found } => {
                let facts = vec![("expected", text(expected)), ("found", text(found))];
                ("KeyMismatchError", facts)
            }
            Self::Locked { directory, waited } => {
                let facts = vec![
                    ("directory", path(directory)),
                    ("waited", Fact::Number(*waited)),
                ];
                ("LockedError", facts)
            }
            Self::Malformed {
                what,
                place,
                reason,
            } => {
                let mut facts = vec![("what", text(what)), ("reason", text(reason))];
                facts.extend(place.iter().flat_map(|Place { block, line }| {
                    [
                        ("block", Fact::Number(*block as u64)),
                        ("line", Fact::Number(*line as u64)),
                    ]
                }));
                ("MalformedError", facts)
            }
            Self::MemberCommonName { common_name } => {
                let facts = vec![("common_name", text(common_name))];
                ("MemberCommonNameError", facts)
            }
            Self::Missing { what, found } => {
                let facts = vec![("what", text(what)), ("found", texts(found))];
                ("MissingError", facts)
            }
            Self::NoAlternativeName => ("NoAlternativeNameError", Vec::new()),
            Self::NotAdoptable {
                directory, reason, ..
            } => {
                let facts = vec![("directory", path(directory)), ("reason", text(reason))];
                ("NotAdoptableError", facts)
            }
            Self::NotAnAuthority { subject, reason } => {
                let facts = reason_of("subject", subject, reason);
                ("NotAnAuthorityError", facts)
            }
            Self::NoSubject => ("NoSubjectError", Vec::new()),
            Self::Several { what, lines } => {
                let lines = Fact::Numbers(lines.clone());
                ("SeveralError", vec![("what", text(what)), ("lines", lines)])
            }
            Self::Signature { what, reason } => {
                let facts = vec![("what", text(what)), ("reason", text(reason))];
                ("SignatureError", facts)
            }
            Self::Signer { reason } => ("SignerError", vec![("reason", text(reason))]),
            Self::Specification {
                position,
                field,
                reason,
                ..
            } => {
                let mut facts = reason_of("field", field, reason);
                facts.extend(position.iter().flat_map(|Position { line, column }| {
                    [
                        ("line", Fact::Number(*line as u64)),
                        ("column", Fact::Number(*column as u64)),
                    ]
                }));
                ("SpecificationError", facts)
            }
            Self::Irregular { path: file } => ("IrregularError", vec![("path", path(file))]),
            Self::DirectoryGone { path: file } => {
                ("DirectoryGoneError", vec![("path", path(file))])
            }
            Self::SymbolicLink { path: file } => ("SymbolicLinkError", vec![("path", path(file))]),
            Self::TooLarge { limit } => ("TooLargeError", vec![("limit", Fact::Number(*limit))]),
            Self::Unknown {
                what,
                text: word,
                choices,
            } => {
                let facts = vec![
                    ("what", text(what)),
                    ("text", text(word)),
                    ("choices", texts(choices)),
                ];
                ("UnknownError", facts)
            }
            Self::Unsupported { what, .. } => ("UnsupportedError", vec![("what", text(what))]),
            Self::Validity { reason } => ("ValidityError", vec![("reason", text(reason))]),
            Self::WrongPassphrase => ("WrongPassphraseError", Vec::new()),
            _ => ("Error", Vec::new()),
        }
    }
}

/// What the system refused, with the attributes that Python's `OSError` has.
fn io_error(action: &str, file: &Path, error: &io::Error) -> (&'static str, Facts) {
    let number = error
        .raw_os_error()
        .and_then(|number| u64::try_from(number).ok());
    // What Rust adds to the system's words is in `errno`
    let suffix = number.map(|number| format!(" (os error {number})"));
    let told = error.to_string();
    let told = told.strip_suffix(suffix.as_deref().unwrap_or_default());
    let mut facts = vec![
        ("action", text(action)),
        ("path", path(file)),
        ("filename", Fact::FileName(file.as_os_str().to_owned())),
    ];
    facts.extend(told.map(|told| ("strerror", text(told))));
    facts.extend(number.map(|number| ("errno", Fact::Number(number))));
    let class = match error.kind() {
        io::ErrorKind::NotFound => "IoNotFoundError",
        io::ErrorKind::PermissionDenied => "IoPermissionError",
        _ => "IoError",
    };
    (class, facts)
}

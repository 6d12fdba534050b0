//! The core's errors as Python's exceptions, which `etcd_pki.errors` defines.

use std::{
    ffi::OsString,
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use etcd_pki_core::{
    Error,
    error::{Place, Position},
};
use pyo3::{prelude::*, types::PyDict};

use crate::{enumerations::member, hint::in_python, interpreter};

/// A fact of an error, converted to a Python object.
#[derive(IntoPyObject)]
enum Fact {
    Code(Code),
    /// Text, in which Python keeps invalid bytes (`os.fsdecode`)
    FileName(OsString),
    Instant(SystemTime),
    Number(u64),
    Numbers(Vec<usize>),
    Path(PathBuf),
    Text(String),
    Texts(Vec<String>),
}

/// The code of a finding.
struct Code(&'static str);

impl<'py> IntoPyObject<'py> for Code {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        member(py, "FindingCode", self.0)
    }
}

/// The facts by name.
type Facts = Vec<(&'static str, Fact)>;

fn text(text: impl ToString) -> Fact {
    Fact::Text(text.to_string())
}

fn texts<T: ToString>(texts: &[T]) -> Fact {
    Fact::Texts(texts.iter().map(ToString::to_string).collect())
}

fn path(path: &Path) -> Fact {
    Fact::Path(path.to_owned())
}

/// Turns an error of the core into an exception.
pub(crate) fn raise(error: Error) -> PyErr {
    exception_of(&error)
}

/// The exception for an error.
pub(crate) fn exception_of(error: &Error) -> PyErr {
    let (class, facts) = describe(error);
    let hint = error.hint().and_then(|hint| in_python(&hint));
    exception(class, &error.to_string(), hint, facts)
}

/// The exception if an object is not, or no longer, in the required state.
pub(crate) fn state_error(message: &str) -> PyErr {
    exception("InvalidStateError", message, None, Vec::new())
}

/// Converts a result of the core to a result for Python.
pub(crate) trait OrRaise<T> {
    fn or_raise(self) -> PyResult<T>;
}

impl<T> OrRaise<T> for Result<T, Error> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(raise)
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
        let dictionary = PyDict::new(py);
        for (name, fact) in facts {
            dictionary.set_item(name, fact)?;
        }
        Ok(PyErr::from_value(class.call1((message, hint, dictionary))?))
    };
    Python::attach(|py| make(py).unwrap_or_else(|failure| failure))
}

/// The exception's class, and its attributes.
fn describe(error: &Error) -> (&'static str, Facts) {
    let reason_of =
        |name, value: &String, reason: &String| vec![(name, text(value)), ("reason", text(reason))];
    match error {
        Error::OtherCa {
            path: file,
            found,
            wanted,
        } => {
            let facts = vec![
                ("path", path(file)),
                ("found", text(found)),
                ("wanted", text(wanted)),
            ];
            ("OtherCaError", facts)
        }
        Error::CaExpired { subject, not_after } => {
            let not_after = Fact::Instant(*not_after);
            let facts = vec![("subject", text(subject)), ("not_after", not_after)];
            ("CaExpiredError", facts)
        }
        Error::CaNotYetValid {
            subject,
            not_before,
        } => {
            let not_before = Fact::Instant(*not_before);
            let facts = vec![("subject", text(subject)), ("not_before", not_before)];
            ("CaNotYetValidError", facts)
        }
        Error::ExistingCa {
            directory,
            found,
            layout,
            ..
        } => {
            let mut facts = vec![("directory", path(directory)), ("found", text(found))];
            facts.extend(layout.map(|layout| ("layout", text(layout))));
            ("ExistingCaError", facts)
        }
        Error::Blocked { path: file, reason } => {
            let facts = vec![("path", path(file)), ("reason", text(reason))];
            ("BlockedStepError", facts)
        }
        Error::Clock { now } => ("ClockError", vec![("now", Fact::Instant(*now))]),
        Error::FileChanged { path: file } => ("FileChangedError", vec![("path", path(file))]),
        Error::CommonNameLength { common_name } => {
            let facts = vec![("common_name", text(common_name))];
            ("CommonNameLengthError", facts)
        }
        Error::EncryptedKey => ("EncryptedKeyError", Vec::new()),
        Error::ExistingFile { path: file } => ("ExistingFileError", vec![("path", path(file))]),
        Error::File { path: file, error } => {
            let (class, mut facts) = describe(error);
            facts.push(("path", path(file)));
            (class, facts)
        }
        Error::InvalidAlternativeName {
            text: name, reason, ..
        } => {
            let facts = reason_of("text", name, reason);
            ("InvalidAlternativeNameError", facts)
        }
        Error::InvalidDuration {
            text: duration,
            reason,
        } => {
            let facts = reason_of("text", duration, reason);
            ("InvalidDurationError", facts)
        }
        Error::InvalidName { name, reason } => {
            ("InvalidNameError", reason_of("name", name, reason))
        }
        Error::Io {
            action,
            path: file,
            error,
        } => io_error(action, file, error),
        Error::CaKeyInLeaf { subject } => ("CaKeyInLeafError", vec![("subject", text(subject))]),
        Error::IssuedByAnotherCa { subject, issuer } => {
            let facts = vec![("subject", text(subject)), ("issuer", text(issuer))];
            ("IssuedByAnotherCaError", facts)
        }
        Error::KeyMismatch { expected, found } => {
            let facts = vec![("expected", text(expected)), ("found", text(found))];
            ("KeyMismatchError", facts)
        }
        Error::LayoutMismatch {
            store,
            specification,
        } => {
            let facts = vec![
                ("store", text(store)),
                ("specification", text(specification)),
            ];
            ("LayoutMismatchError", facts)
        }
        Error::Locked { directory, waited } => {
            let facts = vec![
                ("directory", path(directory)),
                ("waited", Fact::Number(*waited)),
            ];
            ("LockedError", facts)
        }
        Error::Malformed {
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
        Error::MemberCommonName { common_name } => {
            let facts = vec![("common_name", text(common_name))];
            ("MemberCommonNameError", facts)
        }
        Error::MissingBlock { what, found } => {
            let facts = vec![("what", text(what)), ("found", texts(found))];
            ("MissingBlockError", facts)
        }
        Error::NoAlternativeName => ("NoAlternativeNameError", Vec::new()),
        Error::NotAdoptable {
            directory, reason, ..
        } => {
            let facts = vec![("directory", path(directory)), ("reason", text(reason))];
            ("NotAdoptableError", facts)
        }
        Error::GateClosed { reasons } => ("GateClosedError", vec![("reasons", texts(reasons))]),
        Error::Rotation {
            directory, reason, ..
        } => {
            let facts = vec![("directory", path(directory)), ("reason", text(reason))];
            ("RotationError", facts)
        }
        Error::NotACa { subject, reason } => {
            let facts = reason_of("subject", subject, reason);
            ("NotACaError", facts)
        }
        Error::NotReplaceable { path: file, found } => {
            let facts = vec![("path", path(file)), ("found", text(found))];
            ("NotReplaceableError", facts)
        }
        Error::NoSubject => ("NoSubjectError", Vec::new()),
        Error::SeveralBlocks { what, lines } => {
            let lines = Fact::Numbers(lines.clone());
            (
                "SeveralBlocksError",
                vec![("what", text(what)), ("lines", lines)],
            )
        }
        Error::Signature { what, reason } => {
            let facts = vec![("what", text(what)), ("reason", text(reason))];
            ("SignatureError", facts)
        }
        Error::Signer { reason } => ("SignerError", vec![("reason", text(reason))]),
        Error::Specification {
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
        Error::NotAFile { path: file } => ("NotAFileError", vec![("path", path(file))]),
        Error::DirectoryGone { path: file } => ("DirectoryGoneError", vec![("path", path(file))]),
        Error::StillRequired {
            path: file,
            subject,
        } => {
            let facts = vec![("path", path(file)), ("subject", text(subject))];
            ("StillRequiredError", facts)
        }
        Error::SymbolicLink { path: file } => ("SymbolicLinkError", vec![("path", path(file))]),
        Error::TooLarge { limit } => ("TooLargeError", vec![("limit", Fact::Number(*limit))]),
        Error::Unacceptable { code, reason, .. } => {
            let facts = vec![("code", Fact::Code(Code(code))), ("reason", text(reason))];
            ("UnacceptableError", facts)
        }
        Error::InvalidChoice {
            what,
            text: word,
            choices,
        } => {
            let facts = vec![
                ("what", text(what)),
                ("text", text(word)),
                ("choices", texts(choices)),
            ];
            ("InvalidChoiceError", facts)
        }
        Error::Unsupported { what, .. } => {
            ("UnsupportedAlgorithmError", vec![("what", text(what))])
        }
        Error::UntrustedOwner { path: file, owner } => {
            let facts = vec![("path", path(file)), ("owner", text(owner))];
            ("UntrustedOwnerError", facts)
        }
        Error::InvalidValidity { reason } => {
            ("InvalidValidityError", vec![("reason", text(reason))])
        }
        Error::WrongPassphrase => ("WrongPassphraseError", Vec::new()),
        _ => ("Error", Vec::new()),
    }
}

/// An error of the operating system, with the attributes of Python's `OSError`.
fn io_error(action: &str, file: &Path, error: &io::Error) -> (&'static str, Facts) {
    let number = error
        .raw_os_error()
        .and_then(|number| u64::try_from(number).ok());
    // `errno` has the number that Rust adds to the system's text
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
        io::ErrorKind::NotFound => "MissingFileError",
        io::ErrorKind::PermissionDenied => "PermissionDeniedError",
        _ => "FileAccessError",
    };
    (class, facts)
}

//! What is wrong with a specification, before it is known on which line.

use crate::error::{Error, Position};

/// What is wrong with a cluster, and in which field.
#[derive(Debug)]
pub(super) struct Fault {
    /// As in `members[1].addresses`
    pub(super) field: String,
    reason: String,
    hint: Option<String>,
}

impl Fault {
    pub(super) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
            hint: None,
        }
    }

    /// An error of this crate as a fault of a field.
    pub(super) fn from_error(field: impl Into<String>, error: &Error) -> Self {
        // A specification's own error has the reason without the field
        if let Error::Specification { reason, hint, .. } = error {
            return Self {
                hint: hint.clone(),
                ..Self::new(field, reason)
            };
        }
        Self {
            hint: hint(error),
            ..Self::new(field, error.to_string())
        }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// The reason and the hint.
    pub(super) fn into_words(self) -> (String, Option<String>) {
        (self.reason, self.hint)
    }

    pub(super) fn into_error(self, position: Option<Position>) -> Error {
        Error::Specification {
            position,
            field: self.field,
            reason: self.reason,
            hint: self.hint,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        fault.into_error(None)
    }
}

/// The way out in the words of a specification: an error's own hint may speak of the command's options.
fn hint(error: &Error) -> Option<String> {
    let hint = match error {
        Error::CommonNameLength { .. } => {
            return error
                .hint()
                .map(|hint| hint.replace("--cn ", "common_name: "));
        }
        Error::MemberCommonName { .. } => {
            "etcd's --peer-cert-allowed-cn would take it for a member; choose another common name, or say \
             allow_member_common_name: true"
        }
        Error::NoAlternativeName => {
            "san: given does not add its own name; give it names or addresses that etcd connects to, or give all members shared_names"
        }
        Error::NoSubject => {
            "with common_name: null give an organization, which etcd's grpc-proxy takes"
        }
        error => return error.hint(),
    };
    Some(hint.to_owned())
}

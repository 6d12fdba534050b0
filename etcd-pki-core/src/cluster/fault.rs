//! An error in a specification before its position is known.

use crate::error::{Error, Position};

/// An error in a cluster, and its field.
#[derive(Debug)]
pub(super) struct Fault {
    /// The field, such as `members[1].addresses`
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

    /// Converts an error of this crate to a fault of a field.
    pub(super) fn from_error(field: impl Into<String>, error: &Error) -> Self {
        // An error about the specification has a reason without the field
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

/// The hint for a specification: the hint of an error may name options of the command.
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

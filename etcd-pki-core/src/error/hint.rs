//! Provides hints: how to fix errors.

use std::io;

use super::{Error, LOCK_FILE, RECORD_FILE};
use crate::{foreign, text};

impl Error {
    /// The way to fix it: a sentence without a period, with the options of the command.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = self.way_out()?;
        Some(text::message(&hint).into_owned())
    }

    fn way_out(&self) -> Option<String> {
        let hint = match self {
            Self::OtherCa { .. } => {
                "write its common name into the specification (ca.common_name), or name another directory"
            }
            Self::Blocked { path, .. } | Self::SymbolicLink { path } | Self::NotAFile { path }
                if path.file_name().is_some_and(|name| name == LOCK_FILE) =>
            {
                "nothing was changed: remove it while no etcd-pki runs there, and the next one makes the lock file that it needs"
            }
            Self::Blocked { path, .. }
            | Self::SymbolicLink { path }
            | Self::NotAFile { path }
            | Self::Io {
                action: "write" | "read" | "lock",
                path,
                ..
            } if path.file_name().is_some_and(|name| name == RECORD_FILE) => {
                "no certificate is issued that is not in the record of its CA; make this file writable, or leave the record \
                 out: --no-record, or `ca: {record: false}` in the specification"
            }
            Self::Blocked { .. } => {
                "it was left as it is: move it away, or repair it; --rekey replaces a key that cannot be read"
            }
            Self::FileChanged { .. } => "run it again: it makes a new plan",
            Self::CaExpired { .. } => {
                "nothing that this CA signs now would be accepted; renew its certificate with the same key, or make a new CA"
            }
            Self::CaNotYetValid { .. } => {
                "compare the clock of this machine with the clock of the one that made the CA"
            }
            Self::ExistingCa {
                layout: Some(layout),
                ..
            } => {
                return Some(format!(
                    "say that layout (`layout: {layout}` in the specification, --layout {layout}), or use an empty directory"
                ));
            }
            Self::ExistingCa {
                layout: None,
                lacks_certificate: true,
                ..
            } => {
                "if a run was interrupted, `etcd-pki ca new --key FILE` makes the certificate for this key, and \
                 `etcd-pki ca new -d DIRECTORY` does so too; otherwise bring back the certificate"
            }
            Self::ExistingCa { layout: None, .. } => {
                "every certificate of the old CA would stop working: bring back its files, or use an empty directory; \
                 `etcd-pki ca new --replace-ca` replaces it on purpose"
            }
            Self::Clock { .. } => {
                "set the clock, by NTP or with `date`; a certificate that is made by a wrong clock has expired, or is not valid yet"
            }
            Self::CommonNameLength { common_name } if common_name.is_empty() => {
                "give one of 1 to 64 characters"
            }
            Self::CommonNameLength { common_name } => {
                return shortened(common_name).map(|cut| {
                    format!(
                        "64 characters is the limit of X.509; give a shorter one, such as --cn {cut}"
                    )
                });
            }
            Self::EncryptedKey => {
                "give its passphrase with --passphrase-file FILE or --passphrase-env NAME"
            }
            Self::DirectoryGone { .. } => {
                "nothing was made in its place; put the directory back, and run it again"
            }
            Self::ExistingFile { .. } => "nothing was changed; to replace it, say --force",
            Self::File { error, .. } => return error.hint(),
            Self::NotAFile { .. } => "it was left as it is; move it out of the way",
            Self::Interrupted => "what is done is whole; run it again for the rest",
            Self::InvalidAlternativeName { hint: None, .. } => {
                "a DNS name has letters, digits, hyphens and dots, an address reads 10.0.0.1 or fd00::1, a URI begins with URI:"
            }
            // Only Kubespray's script has variables as fields
            Self::Specification {
                hint: None, field, ..
            } if !field.is_empty() && field.chars().all(char::is_uppercase) => {
                "nothing was changed; write the names of the hosts, separated by blanks"
            }
            Self::Specification { hint: None, .. } => {
                "nothing was changed; correct the specification (`etcd-pki adopt` and the guides show whole ones)"
            }
            Self::InvalidAlternativeName { hint, .. } | Self::Specification { hint, .. } => {
                return hint.clone();
            }
            Self::InvalidDuration { .. } => {
                "write 90d, 12h, 10y (a year is 365 days) or an instant such as 2027-01-31T12:00:00Z"
            }
            Self::CaKeyInLeaf { .. } => {
                "give the leaf a key of its own: one is made where none is given, and by `etcd-pki key new`"
            }
            Self::IssuedByAnotherCa { .. } => {
                "only its issuer can renew it: `etcd-pki ca renew --csr FILE` writes a request with the same key, subject \
                 and extensions; put the certificate that the issuer signs in place of the old one"
            }
            Self::KeyMismatch { .. } => {
                "find the key of this certificate, or make a new pair; `etcd-pki cert match` compares files"
            }
            Self::LayoutMismatch { .. } => "use one layout for both",
            Self::Locked { .. } => "wait until the other etcd-pki is done, or end it",
            Self::MemberCommonName { .. } => {
                "etcd's --peer-cert-allowed-cn would take it for a member; choose another common name, or say \
                 --allow-member-cn"
            }
            Self::MissingBlock { what, found } => missing_hint(what, found),
            Self::NoAlternativeName => {
                "clients connect to members by name or address; give each with --san, or the member's name with --name"
            }
            Self::NoSubject => {
                "with no common name (--no-cn) give an organization (--org), which etcd's grpc-proxy takes"
            }
            Self::NotAdoptable { hint, .. } | Self::Rotation { hint, .. } => {
                return Some(hint.clone());
            }
            Self::GateClosed { .. } => "nothing was changed; do what is missing, and run it again",
            Self::NotACa { .. } => "give the certificate of the CA itself with --ca",
            Self::NotReplaceable { .. } => {
                "nothing was changed; move the file elsewhere, or write to another one"
            }
            Self::SeveralBlocks { .. } => "keep one in the file, or split it",
            Self::StillRequired { .. } => {
                "nothing was revoked; remove it from the specification and apply that first"
            }
            Self::SymbolicLink { .. } => {
                "remove the link, which was left as it is, or write to the file that it leads to"
            }
            Self::TooLarge { .. } => {
                "certificates and keys are a few kilobytes; is this the right file?"
            }
            Self::Unacceptable { fix, .. } => fix,
            Self::InvalidChoice { choices, .. } => {
                return Some(format!("one of {}", choices.join(", ")));
            }
            Self::Io { action, error, .. } => io_hint(action, error),
            Self::InvalidName { reason, .. } => name_hint(reason),
            Self::Malformed { what, reason, .. } => {
                foreign::hint(reason).unwrap_or_else(|| malformed_hint(what))
            }
            Self::WrongPassphrase => "of a file, the first line is the passphrase",
            Self::Signature {
                what: "certificate request",
                ..
            } => {
                "ask for a new one: signed by the key in it, with SHA-256, SHA-384 or SHA-512, and not changed on its way"
            }
            Self::Signature {
                what: "revocation list",
                ..
            } => {
                "nothing was written; bring back the list that a CA of this directory signed, or move this one away"
            }
            Self::Signature { .. } => {
                "give the certificate of its issuer, and both as they were made"
            }
            Self::Signer { .. } => "see that the CA's key can be used here, and run it again",
            Self::Unsupported { hint, .. } => hint,
            Self::UntrustedOwner { .. } => {
                "nothing was changed; give it to root, to the owner of its directory or to the specified owner (chown), or remove it"
            }
            Self::InvalidValidity { .. } => {
                "give another validity, such as 90d, 10y or an instant to come"
            }
        };
        Some(hint.to_owned())
    }
}

/// The first 64 characters of a common name, shortened to the last dot among them.
fn shortened(common_name: &str) -> Option<String> {
    let cut: String = common_name.chars().take(64).collect();
    match cut.rfind('.') {
        Some(dot) if dot > 0 => Some(cut[..dot].to_owned()),
        _ if cut.is_empty() => None,
        _ => Some(cut),
    }
}

fn missing_hint(what: &str, found: &[String]) -> &'static str {
    let has = |kind: &str| found.iter().any(|found| found.contains(kind));
    match what {
        "private key" if has("certificate") => {
            "the key is in a file of its own: for ca.pem it is ca-key.pem"
        }
        "private key" if has("parameters of an elliptic curve") => {
            "`openssl ecparam` writes a key only with -genkey; `etcd-pki key new` makes one"
        }
        "private key" if has("public key") => {
            "a public key signs nothing; give the private key from which it was taken"
        }
        "certificate" if has("private key") => {
            "the certificate is a file of its own, usually without -key in its name"
        }
        "certificate" if has("request") => {
            "a request becomes a certificate with `etcd-pki cert sign`"
        }
        "certificate request" => "a request is made of a key, with `etcd-pki csr new --key`",
        _ => {
            "is this the right file? `etcd-pki cert show` and `key show` show what a file contains"
        }
    }
}

fn malformed_hint(what: &str) -> &'static str {
    match what {
        "revocation list" => {
            "nothing was written; etcd reads one list of version 2 in DER (`openssl crl -outform DER` converts PEM): bring back the \
             list, or move it away and write a new one (`etcd-pki crl new`)"
        }
        "serial number" => {
            "write it in hexadecimal, as `etcd-pki cert show` and `openssl x509 -serial` print it"
        }
        "passphrase" => "write the passphrase into the first line of the file",
        "openssl.conf" => "nothing was changed; it is text in UTF-8, as Kubespray's role writes it",
        "trust bundle" => {
            "nothing was changed; remove the CA that is replaced from the file, or give the new CA its common name (--cn)"
        }
        "specification" => {
            "a specification is text in UTF-8, as in `etcd-pki adopt DIR` or the guides"
        }
        "list of names" => {
            "nothing was changed; TLS libraries read no certificate with so many names: give each member its own"
        }
        "extension" => {
            "ask for a new one in which each extension occurs once and is written as X.509 requires"
        }
        _ => "nothing was changed; give the complete file, in PEM or DER, or make a new one",
    }
}

fn name_hint(reason: &str) -> &'static str {
    if reason.starts_with("is no endpoint") {
        "write HOST:PORT, such as 10.0.0.11:2379, [fd00::11]:2379 or etcd-1.lan:2379"
    } else if reason.ends_with(" of this host") {
        "make it first, or give the number of one that exists"
    } else if reason.contains(" in this directory") {
        "give the certificate's file, or its serial number"
    } else if reason.ends_with(" of the cluster") {
        "give one that the specification has, or write it there"
    } else {
        "give another one: letters, digits, hyphens and dots make a name, such as etcd-1.lan"
    }
}

/// The hint for an error of the operating system.
fn io_hint(action: &str, error: &io::Error) -> &'static str {
    match (action, error.kind()) {
        ("find", io::ErrorKind::NotFound) => {
            "make it with `etcd-pki cert issue`, or name another one"
        }
        ("use the directory", io::ErrorKind::NotFound) => {
            "nothing was written; make the directory first, or name another one"
        }
        (_, io::ErrorKind::NotFound) => {
            "check how it is spelt, and from which directory it is seen"
        }
        (_, io::ErrorKind::PermissionDenied) => "run it as the files' owner, or with sudo",
        (_, io::ErrorKind::IsADirectory) => "name a file in it",
        (_, io::ErrorKind::NotADirectory) => {
            "a directory is expected, and this is a file: name another one"
        }
        (_, io::ErrorKind::ReadOnlyFilesystem) => {
            "name a directory that can be written to, or mount it so"
        }
        (
            _,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge,
        ) => "no file is incomplete; make room, and run it again",
        _ => "no file is incomplete; fix what the system reports, and run it again",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_once() {
        let error = Error::EncryptedKey.in_file("a.pem").in_file("b.pem");
        assert_eq!(error.to_string(), "a.pem: the private key is encrypted");
        assert!(error.hint().is_some());
    }

    #[test]
    fn a_long_common_name_is_cut_at_a_dot() {
        let long = format!("etcd-member-host.{}.example.com", "a".repeat(60));
        let hint = Error::CommonNameLength { common_name: long }.hint();
        assert!(hint.is_some_and(|hint| hint.ends_with("--cn etcd-member-host")));
    }
}

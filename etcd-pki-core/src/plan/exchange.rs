//! The exchange directory. It has a folder for each host: the host writes requests there, and the
//! CA writes certificates. Keys stay on their hosts, and no secret is exchanged.
//!
//! Both sides have their own copy of the specification. They trust that copy, and not the
//! directory.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use crate::{
    cluster::DesiredPair,
    error::{Error, Result},
    layout::PairPaths,
    limits,
    request::CertificateRequest,
    store::{Exchange, Store, is_same, unless_too_large},
    text,
    x509::certificate::Certificate,
};

/// The extension of a request's file
pub(super) const EXTENSION: &str = "csr";

/// A refused file of the exchange directory, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The file
    pub path: PathBuf,
    /// The reason
    pub reason: String,
}

impl Refusal {
    pub(super) fn new(path: impl Into<PathBuf>, reason: impl fmt::Display) -> Self {
        Self {
            path: path.into(),
            reason: text::message(&reason.to_string()).into_owned(),
        }
    }

    /// Creates the refusal for an error. The error may contain the file's name.
    pub(super) fn of(path: PathBuf, error: Error) -> Self {
        match error {
            Error::File { path, error } => Self::new(path, error),
            Error::Io {
                action,
                path: named,
                error,
            } if named == path => Self::new(path, cannot(action, &error)),
            Error::NotAFile { path: named } if named == path => {
                Self::new(path, "it is no regular file")
            }
            error => Self::new(path, error),
        }
    }
}

/// Describes an error of the operating system. The message names the file elsewhere.
pub(super) fn cannot(action: &str, error: &io::Error) -> String {
    match action.strip_suffix(" the directory") {
        Some(verb) => format!("cannot {verb} it: {error}"),
        None => format!("cannot {action} it: {error}"),
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = format!("{}: {}", self.path.display(), self.reason);
        f.write_str(&text::message(&line))
    }
}

/// A request with a valid signature, for a pair of its host.
pub(super) struct Request {
    pub(super) host: String,
    pub(super) pair: DesiredPair,
    pub(super) request: CertificateRequest,
    /// The file in the exchange directory
    pub(super) path: PathBuf,
}

impl Request {
    /// The certificate next to the request, and its chain; empty if there is no certificate. A
    /// symbolic link is refused. Other content that is not a certificate is ignored, and will be
    /// replaced.
    pub(super) fn certificates(&self, exchange: &Exchange) -> Result<Vec<Certificate>> {
        let path = Path::new(&self.host).join(&self.pair.paths.certificate);
        let file = unless_too_large(exchange.read(&path))?;
        let all = file.and_then(|bytes| Certificate::all_from_bytes(&bytes).ok());
        let mut all = all.unwrap_or_default();
        // Anyone may have written the file, and each certificate costs a signature check
        all.truncate(1 + limits::EXCHANGE_CHAIN);
        Ok(all)
    }
}

/// The path of a pair's request in its host's folder: `member-etcd-1.csr` for `member-etcd-1.pem`.
pub(super) fn request_path(pair: &PairPaths) -> PathBuf {
    pair.certificate.with_extension(EXTENSION)
}

/// Refuses an exchange directory that is the store's directory, because that has private keys.
///
/// # Errors
///
/// [`Error::InvalidName`].
pub(super) fn check_separate(store: &Store, exchange: &Path) -> Result<()> {
    if is_same(store.directory(), exchange) {
        return Err(Error::InvalidName {
            name: exchange.display().to_string(),
            reason: "is the cluster's own directory, which has keys: exchange requests in another"
                .to_owned(),
        });
    }
    Ok(())
}

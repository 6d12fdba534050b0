//! The CA that signs, and the directory with it.

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::{ArgGroup, Args, ValueHint};
use etcd_pki_core::{
    CaKind, CertificateAuthority, Error, Layout, Store, inspect,
    internal::read_regular_file,
    layout::PairPaths,
    store::{Issuance, record_issued},
};

use super::{PassphraseOptions, RecordOption, one_of};
use crate::{
    failure::{Failure, Message},
    files::is_same,
    input::Input,
    report::Report,
};

/// The heading of the options that name a CA's files
pub(crate) const CA: &str = "CA";

/// The hint if the directory has a CA without its key
pub(crate) const KEY_ELSEWHERE: &str =
    "name it with --ca-key, or exchange requests with the host that has it (--requests)";

/// A directory of keys and certificates.
#[derive(Args)]
#[command(next_help_heading = "Directory")]
pub(crate) struct DirectoryOptions {
    /// The directory with the CA and the certificates that it signed
    #[arg(short, long = "dir", value_name = "DIR", value_hint = ValueHint::DirPath)]
    directory: Option<PathBuf>,
    /// The layout of the file names [default: kubespray]
    #[arg(
        long,
        requires = "directory",
        value_parser = one_of::<Layout>(Layout::ALL.map(Layout::name))
    )]
    layout: Option<Layout>,
}

impl DirectoryOptions {
    /// Sets a directory and a layout, as if the user had given them.
    fn set(&mut self, store: &Store) {
        self.directory = Some(store.directory().to_owned());
        self.layout = Some(store.layout());
    }

    /// The directory, if one is named.
    pub(crate) fn store(&self) -> Option<Store> {
        let directory = self.directory.as_ref()?;
        Some(Store::new(directory, self.layout.unwrap_or_default()))
    }
}

/// Returns the error. If a file is missing because the directory has another layout, the hint names
/// that layout.
pub(crate) fn or_other_layout(error: Error, store: &Store) -> Failure {
    let is_missing =
        matches!(&error, Error::Io { error, .. } if error.kind() == io::ErrorKind::NotFound);
    match store.other_layout().filter(|_| is_missing) {
        Some((found, layout)) => Failure::failed(
            error.to_string(),
            format!(
                "the directory has {} of the {layout} layout: say --layout {layout}",
                found.display()
            ),
        ),
        None => error.into(),
    }
}

/// Refuses a directory without this CA if its files have the names of another layout.
pub(crate) fn check_layout(store: &Store, kind: CaKind) -> Result<(), Failure> {
    let path = store.ca_paths(kind).certificate;
    if path.symlink_metadata().is_ok() || store.other_layout().is_none() {
        return Ok(());
    }
    match read_regular_file(&path) {
        Ok(_) => Ok(()),
        Err(error) => Err(or_other_layout(error, store)),
    }
}

/// A CA with its key.
#[derive(Args)]
#[command(group = place_of_ca())]
pub(crate) struct CaOptions {
    #[command(flatten)]
    pub(crate) directory: DirectoryOptions,
    /// The CA certificate, instead of the directory's
    #[arg(long, value_name = "FILE", help_heading = CA)]
    ca: Option<PathBuf>,
    /// The CA key, instead of the directory's
    #[arg(long, value_name = "FILE", help_heading = CA)]
    ca_key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseOptions,
    #[command(flatten)]
    pub(crate) record: RecordOption,
}

fn is_one_store(one: &Store, other: &Store) -> bool {
    one.layout() == other.layout() && is_same(one.directory(), other.directory())
}

/// The location of a CA: a directory, or two files.
pub(crate) fn place_of_ca() -> ArgGroup {
    ArgGroup::new("place of the CA")
        .args(["directory", "ca"])
        .multiple(true)
        .required(true)
}

impl CaOptions {
    /// Whether the CA's files are named, instead of found in the directory.
    pub(crate) fn is_named(&self) -> bool {
        self.ca.is_some()
    }

    /// Whether the CA's key is named, wherever its certificate is.
    pub(crate) fn names_key(&self) -> bool {
        self.ca_key.is_some()
    }

    /// Finds the directory of the CA next to these files, if neither a CA nor a directory is named.
    pub(crate) fn find_next_to(&mut self, files: &[PathBuf]) -> Result<(), Failure> {
        if self.is_named() || self.directory.directory.is_some() {
            return Ok(());
        }
        let mut found: Option<(&Path, Store)> = None;
        for file in files {
            let Some(store) = inspect::store_of(file) else {
                // An error of reading the file itself is more important
                read_regular_file(file)?;
                return Err(Failure::usage(
                    format!("there is no CA next to {}", file.display()),
                    "name its directory with -d DIR, or its files with --ca and --ca-key",
                ));
            };
            match &found {
                Some((first, other)) if !is_one_store(other, &store) => {
                    return Err(Failure::usage(
                        format!(
                            "the CA of {} is not in the directory of the CA of {}",
                            file.display(),
                            first.display()
                        ),
                        "renew the files of each directory by a command of their own, or name the CA",
                    ));
                }
                Some(_) => {}
                None => found = Some((file, store)),
            }
        }
        if let Some((_, store)) = &found {
            self.directory.set(store);
        }
        Ok(())
    }

    /// Reads certificate and key, and checks that they match. The CA refuses the common names of
    /// the directory's members to nodes and clients.
    pub(crate) fn load(&self, input: &Input) -> Result<CertificateAuthority, Failure> {
        self.check_layout()?;
        let (certificate, key) = self.files()?;
        let passphrase = self.passphrase.read(input)?;
        let passphrase = passphrase.as_ref();
        let store = self.directory.store();
        let key_here = || input.private_key(&key, passphrase);
        let in_key = |error| match error {
            Error::KeyMismatch { .. } => error.in_file(&key),
            error => error,
        };
        let ca = match (&self.ca, &self.ca_key, &store) {
            // The directory's own files are never read through a symbolic link
            (None, None, Some(store)) => store.ca(CaKind::Client, passphrase),
            (None, Some(_), Some(store)) => {
                let ca = key_here().and_then(|key| store.ca_with_key(CaKind::Client, key));
                ca.map_err(in_key)
            }
            _ => input.certificates(&certificate).and_then(|certificates| {
                let ca = CertificateAuthority::load(certificates, key_here()?);
                ca.map_err(|error| match error {
                    Error::KeyMismatch { .. } => error.in_file(&key),
                    error => error.in_file(&certificate),
                })
            }),
        };
        let ca = ca.map_err(|error| self.or_no_ca_yet(error))?;
        match store {
            Some(store) => Ok(ca.with_member_common_names(store.member_common_names()?)),
            None => Ok(ca),
        }
    }

    /// The certificate file of the CA, if its record is next to it.
    pub(crate) fn recorded_at(&self) -> Option<PathBuf> {
        let (certificate, key) = self.files().ok()?;
        if self.is_named() {
            return self.record.place_of(&certificate, &key);
        }
        Some(certificate).filter(|_| !self.record.no_record)
    }

    /// Adds a certificate of the CA to its record.
    pub(crate) fn record(&self, issuance: Issuance) -> etcd_pki_core::Result<()> {
        match self.recorded_at() {
            Some(file) => record_issued(&file, &[issuance]),
            None => Ok(()),
        }
    }

    /// Warns if other users own the CA's files or can replace them.
    pub(crate) fn warn(&self, report: &mut Report) {
        if let Ok((certificate, key)) = self.files() {
            report.check_ca_files(&PairPaths { certificate, key });
        }
    }

    /// Refuses a directory if its files have the names of another layout.
    pub(crate) fn check_layout(&self) -> Result<(), Failure> {
        let store = self.directory.store().filter(|_| !self.is_named());
        store.map_or(Ok(()), |store| check_layout(&store, CaKind::Client))
    }

    /// Returns the error. If the directory has no CA, the hint shows how to create one.
    pub(crate) fn or_no_ca_yet(&self, error: Error) -> Failure {
        let own = self.directory.store();
        let own = own.map(|store| store.ca_paths(CaKind::Client));
        let is_own = |path: &Path, of: fn(&PairPaths) -> &PathBuf| {
            self.ca.is_none() && own.as_ref().is_some_and(|own| of(own) == path)
        };
        match (&error, &self.directory.directory) {
            (
                Error::Io {
                    path, error: cause, ..
                },
                Some(directory),
            ) if is_own(path, |own| &own.certificate)
                && cause.kind() == io::ErrorKind::NotFound =>
            {
                Failure::Failed(Message {
                    text: error.to_string(),
                    hint: Some(format!(
                        "make a CA first: `etcd-pki ca new -d {}`",
                        directory.display()
                    )),
                })
            }
            (
                Error::Io {
                    path, error: cause, ..
                },
                Some(_),
            ) if is_own(path, |own| &own.key) && cause.kind() == io::ErrorKind::NotFound => {
                let certificate = own.map(|own| own.certificate).unwrap_or_default();
                Failure::Failed(Message {
                    text: format!("{} is here, and its key is not", certificate.display()),
                    hint: Some(KEY_ELSEWHERE.to_owned()),
                })
            }
            _ => error.into(),
        }
    }

    fn files(&self) -> Result<(PathBuf, PathBuf), Failure> {
        let in_directory = self
            .directory
            .store()
            .map(|store| store.ca_paths(CaKind::Client));
        match (&self.ca, &self.ca_key, in_directory) {
            (Some(certificate), Some(key), _) => Ok((certificate.clone(), key.clone())),
            // The key is stored separately from its certificate
            (None, Some(key), Some(pair)) => Ok((pair.certificate, key.clone())),
            (None, None, Some(pair)) => Ok((pair.certificate, pair.key)),
            (Some(_), None, _) | (None, _, None) => Err(Failure::usage(
                "--ca names a CA's certificate, and its key is missing",
                "give the key with --ca-key FILE",
            )),
        }
    }
}

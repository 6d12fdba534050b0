//! `etcd-pki ca`: CAs.

mod issued;
mod renew;
mod rotate;

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Subcommand};
use etcd_pki_core::{
    CaKind, Certificate, CertificateAuthority, Error, Identity, Passphrase, PrivateKey, Store,
    internal::{Replacement, read_regular_file, replacement},
    layout::PairPaths,
    role::Compatibility,
    store::{Issuance, record_issued},
};
use zeroize::Zeroizing;

use self::{issued::Issued, renew::Renew, rotate::Rotate};
use crate::{
    facts::{CertificateFacts, in_words},
    failure::{Failure, Outcome},
    files::{self, File, Replacing},
    input::{Input, called, parse_in_place},
    options::{
        self, DirectoryOptions, FormatOption, JsonOption, KeyOptions, KeyUse, PairOutOptions,
        PassphraseOptions, RecordOption, ValidityOptions,
    },
    output,
    report::Report,
    show::ShowOptions,
    time,
};

/// Create, show, renew and rotate CAs, and show what they issued
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  etcd-pki ca new -d pki
  etcd-pki ca show -d pki
  etcd-pki ca issued -d pki

Exit codes:
  0  done
  1  failed or refused
  2  the arguments are not understood")]
pub(crate) enum CaCommand {
    New(Box<New>),
    Show(Show),
    Renew(Renew),
    Rotate(Box<Rotate>),
    Issued(Issued),
}

impl CaCommand {
    pub(crate) fn run(self, input: &Input) -> Outcome {
        match self {
            Self::New(command) => command.run(input),
            Self::Show(command) => command.run(input),
            Self::Renew(command) => command.run(input),
            Self::Rotate(command) => command.run(input),
            Self::Issued(command) => command.run(),
        }
    }
}

/// Create a CA: a key, and a certificate that may sign others
///
/// With a passphrase the key is encrypted. A new CA is not written next to certificates of another
/// CA, because members with one CA refuse the certificates of the other. --replace-ca allows it.
#[derive(Args)]
#[command(
    group = ArgGroup::new("destination").args(["directory", "out"]),
    group = ArgGroup::new("key_destination").args(["directory", "key_out"]),
    after_help = "\
Examples:
  etcd-pki ca new -d /etc/ssl/etcd/ssl
  etcd-pki ca new --cn etcd-ca --days 3650 -o ca.pem --key-out ca-key.pem
  etcd-pki ca new --key ca-key.pem -o ca.pem

Exit codes:
  0  the CA is created
  1  failed or refused, such as an existing CA without --replace-ca
  2  the arguments are not understood"
)]
pub(crate) struct New {
    /// Common name
    #[arg(
        long,
        value_name = "NAME",
        default_value = "etcd-ca",
        help_heading = "Subject"
    )]
    cn: String,
    /// Organization
    #[arg(long, value_name = "NAME", help_heading = "Subject")]
    org: Option<String>,
    /// Which tool's certificates to be compatible with
    #[arg(
        long = "profile",
        value_name = "PROFILE",
        default_value = "strict",
        value_parser = options::habits(),
        help_heading = "Profile"
    )]
    habits: Compatibility,
    #[command(flatten)]
    validity: ValidityOptions,
    #[command(flatten)]
    key: KeyOptions,
    #[command(flatten)]
    passphrase: PassphraseOptions,
    #[command(flatten)]
    directory: DirectoryOptions,
    #[command(flatten)]
    out: PairOutOptions,
    /// Replace an existing CA. What it signed is accepted afterwards only if a CA above it stays
    /// trusted. Its files are kept as ca-replaced-SERIAL.pem and ca-replaced-SERIAL-key.pem
    #[arg(long, help_heading = "Output")]
    replace_ca: bool,
    #[command(flatten)]
    record: RecordOption,
    #[command(flatten)]
    json: JsonOption,
}

impl New {
    fn run(self, input: &Input) -> Outcome {
        let Some(store) = self.directory.store() else {
            let (out, key_out) = self.out.files()?;
            return self.run_to_files(&out, &key_out, input);
        };
        let paths = store.ca_paths(CaKind::Client);
        if self.key.is_in_place(&paths.key) {
            return self.run_to_files(&paths.certificate, &paths.key, input);
        }
        self.run_in(&store, input)
    }

    fn run_in(&self, store: &Store, input: &Input) -> Outcome {
        let paths = store.ca_paths(CaKind::Client);
        let mut report = Report::on(&[&paths.certificate, &paths.key], &self.json)?;
        let passphrase = self.passphrase.read(input)?;
        let left = self.left_key(store, passphrase.as_ref())?;
        let is_left = left.is_some();
        let ca = self.make(|| match left {
            Some(key) => Ok(key),
            None => self.obtain_key(input, passphrase.as_ref()),
        })?;
        let locked = store.lock_with(|| output::waiting_for(store.directory()))?;
        let locked = self.record.applied_to(locked);
        let kept = report.while_replacing(&[&paths.certificate, &paths.key], || {
            let passphrase = passphrase.as_ref();
            let written = if self.replace_ca {
                locked.replace_ca(CaKind::Client, &ca, passphrase)
            } else {
                let written = locked.write_ca(CaKind::Client, &ca, passphrase);
                written.map(|()| None)
            };
            written.map_err(Failure::from)
        })?;
        report.kept_ca(kept.as_ref());
        report.ca(&paths.certificate, ca.certificate());
        if let Some(key) = ca.key() {
            if is_left {
                let key = paths.key.display();
                report.warn(format!(
                    "{key} had no certificate: the new one is for this key"
                ));
            } else {
                report.key(&paths.key, key);
            }
            report.check_layout(store.layout(), key.algorithm());
        }
        warn_of_replacement(&mut report, kept.as_ref(), &paths.certificate);
        report.finish()
    }

    /// Returns the key of a CA whose creation was interrupted before its certificate was written.
    fn left_key(
        &self,
        store: &Store,
        passphrase: Option<&Passphrase>,
    ) -> Result<Option<PrivateKey>, Failure> {
        let paths = store.ca_paths(CaKind::Client);
        if self.replace_ca || !self.key.is_new() || has_contents(&paths.certificate)? {
            return Ok(None);
        }
        if !has_contents(&paths.key)? {
            return Ok(None);
        }
        let path = &paths.key;
        let key = store.key_for_ca(path, passphrase)?;
        let is_asked = |algorithm| key.algorithm() == algorithm;
        if !self.key.algorithm().is_none_or(is_asked) {
            return Err(Failure::failed(
                format!(
                    "{} is there without its certificate, and its algorithm is {}",
                    path.display(),
                    key.algorithm()
                ),
                format!(
                    "nothing was changed; leave out --algorithm to complete this CA; `{REPLACE}` makes another one"
                ),
            ));
        }
        if passphrase.is_some() && store.key_for_ca(path, None).is_ok() {
            return Err(Failure::failed(
                format!(
                    "{} is there without its certificate, and it is not encrypted",
                    path.display()
                ),
                format!(
                    "nothing was changed; leave out the passphrase to complete this CA; `{REPLACE}` makes another one"
                ),
            ));
        }
        Ok(Some(key))
    }

    fn run_to_files(&self, out: &Path, key_out: &Path, input: &Input) -> Outcome {
        let mut report = Report::on(&self.key.files(out, key_out), &self.json)?;
        let passphrase = self.passphrase.read(input)?;
        let locked = files::lock(&self.key.files(out, key_out))?;
        let ca = self.make(|| self.obtain_key(input, passphrase.as_ref()))?;
        let new_key = ca.key().filter(|_| self.key.is_new());

        let certificate = ca.certificate().to_pem();
        let key = new_key.map(|key| FormatOption::default().write(key, passphrase.as_ref()));
        let key = key.transpose()?;
        let mut files = vec![File::public(out, &certificate)];
        if let (Some(pem), Some(key)) = (&key, new_key) {
            files.push(File::secret(key_out, pem, key.public_key()));
        }
        let replacing = if self.replace_ca {
            Replacing::CaFiles
        } else {
            Replacing::Nothing
        };
        let key_file = if self.key.is_new() { key_out } else { out };
        let recorded = self.record.place_of(out, key_file);
        let record = || match &recorded {
            Some(file) => record_issued(file, &[Issuance::of_new_ca(ca.certificate())]),
            None => Ok(()),
        };
        let written = report.write_locked(&files, replacing, &locked, &record);
        let kept = written.map_err(|failure| match failure {
            Failure::Refused(Error::ExistingFile { path }) => in_the_way(&path, out, key_out),
            failure => failure,
        })?;
        report.ca(out, ca.certificate());
        if let Some(key) = new_key {
            report.key(key_out, key);
        }
        warn_of_replacement(&mut report, kept.as_ref(), out);
        report.finish()
    }

    fn obtain_key(
        &self,
        input: &Input,
        passphrase: Option<&Passphrase>,
    ) -> Result<PrivateKey, Failure> {
        let store = self.directory.store();
        let key = KeyUse::Ca(store.as_ref());
        self.key.obtain(self.habits, input, passphrase, key)
    }

    fn make(
        &self,
        key: impl FnOnce() -> Result<PrivateKey, Failure>,
    ) -> Result<CertificateAuthority, Failure> {
        let mut identity = Identity::from_common_name(&self.cn)?;
        if let Some(organization) = &self.org {
            identity = identity.with_organization(organization)?;
        }
        let mut profile = self.habits.ca();
        if let Some(validity) = self.validity.read()? {
            profile = profile.with_validity(validity);
        }
        Ok(CertificateAuthority::create_for(
            key()?,
            &identity,
            profile,
            time::now(),
        )?)
    }
}

/// The command that replaces a CA
const REPLACE: &str = "etcd-pki ca new --replace-ca";

/// Whether a file exists with contents other than zero bytes.
fn has_contents(path: &Path) -> Result<bool, Failure> {
    if path.symlink_metadata().is_err() {
        return Ok(false);
    }
    if !path.is_file() {
        return Ok(true);
    }
    let file = Zeroizing::new(read_regular_file(path)?);
    Ok(file.iter().any(|byte| *byte != 0))
}

/// The failure for a file that blocks a new CA. An interrupted run leaves a key without its
/// certificate.
fn in_the_way(path: &Path, out: &Path, key_out: &Path) -> Failure {
    let is_missing = |path: &Path| has_contents(path).is_ok_and(|there| !there);
    if path == key_out && is_missing(out) {
        let [certificate, key] = [out, key_out].map(Path::display);
        return Failure::failed(
            format!("no new CA was made: {key} is there, and its certificate {certificate} is not"),
            format!(
                "if a run was interrupted, `etcd-pki ca new --key {key} -o {certificate}` makes the certificate for this key; \
                 otherwise name other files"
            ),
        );
    }
    if path == out && is_missing(key_out) {
        let [certificate, key] = [out, key_out].map(Path::display);
        return Failure::failed(
            format!("no new CA was made: {certificate} is there, and its key {key} is not"),
            format!(
                "bring back {key}, or name other files; `{REPLACE} -o {certificate} --key-out {key}` makes another CA, and \
                 keeps the old certificate"
            ),
        );
    }
    files::ca_exists(path).into()
}

/// The contents of a CA's file; empty if there is none, or if it cannot be read.
fn contents(path: &Path) -> Vec<u8> {
    let file = path.is_file().then(|| read_regular_file(path).ok());
    file.flatten().unwrap_or_default()
}

/// Warns about the certificates of the CA that was replaced in this file.
fn warn_of_replacement(report: &mut Report, kept: Option<&PairPaths>, path: &Path) {
    let Some(kept) = kept else { return };
    let old = contents(&kept.certificate);
    match replacement(&old, &contents(path), time::now()) {
        None => {}
        Some(Replacement::CutOff) => {
            report.warn("certificates of the old CA are not accepted any more: issue new ones");
        }
        Some(Replacement::NeedsChain { trusted }) => {
            let trusted = in_words::subject(&trusted);
            report.warn(format!(
                "certificates of the old CA are accepted only if the CA's own certificate follows them in their files, \
                 because {trusted} stays trusted: issue new ones, and remove {trusted} from {} if nothing else needs it",
                path.display()
            ));
        }
    }
}

/// Show CA certificates
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki ca show -d /etc/ssl/etcd/ssl
  etcd-pki ca show ca.pem --field not-after

Exit codes:
  0  every certificate is a CA certificate
  1  one is not, or cannot be read; the others are still shown
  2  the arguments are not understood")]
pub(crate) struct Show {
    /// Files of certificates, PEM or DER
    #[arg(value_name = "FILE", required_unless_present = "directory")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    directory: DirectoryOptions,
    #[command(flatten)]
    show: ShowOptions<CertificateFacts>,
}

impl Show {
    fn run(mut self, input: &Input) -> Outcome {
        let store = self.directory.store();
        if let Some(store) = &store {
            options::check_layout(store, CaKind::Client)?;
        }
        let in_directory = store.map(|store| store.ca_paths(CaKind::Client).certificate);
        self.files.extend(in_directory.clone());
        self.show.show(&self.files, |file| {
            let certificates = if in_directory.as_deref() == Some(file) {
                parse_in_place(file, Certificate::all_from_bytes)
            } else {
                input.certificates(file)
            }?;
            let facts = certificates.iter().map(|certificate| {
                if certificate.is_ca() {
                    return Ok(CertificateFacts::of(certificate));
                }
                Err(Error::NotACa {
                    subject: certificate.subject(),
                    reason: "its basicConstraints do not say CA:TRUE".to_owned(),
                }
                .in_file(called(file)))
            });
            facts.collect()
        })
    }
}

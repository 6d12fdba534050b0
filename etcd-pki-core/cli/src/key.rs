//! `etcd-pki key`: private keys and their public halves.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use etcd_pki_core::{PrivateKey, PublicKey, role::Compatibility, store::LockedFiles};

use crate::{
    facts::KeyFacts,
    failure::{Failure, Outcome},
    files::{self, File},
    holdings::holdings,
    input::Input,
    options::{
        AlgorithmOption, ForceOption, FormatOption, JsonOption, NewPassphraseOptions, OutOption,
        PassphraseOptions,
    },
    report::Report,
    show::ShowOptions,
};

/// Create, show and convert keys
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  etcd-pki key new -o etcd-key.pem
  etcd-pki key show etcd-key.pem

Exit codes:
  0  done
  1  failed or refused
  2  the arguments are not understood")]
pub(crate) enum KeyCommand {
    New(New),
    Show(Show),
    Public(Public),
    Convert(Convert),
}

impl KeyCommand {
    pub(crate) fn run(self, input: &Input) -> Outcome {
        match self {
            Self::New(command) => command.run(input),
            Self::Show(command) => command.run(input),
            Self::Public(command) => command.run(input),
            Self::Convert(command) => command.run(input),
        }
    }
}

/// Create a private key
///
/// It is written as PKCS#8, and only its owner can read it. With a passphrase it is encrypted. That
/// suits the key of a CA, but etcd itself reads no encrypted key.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki key new -o etcd-key.pem
  etcd-pki key new --algorithm rsa-2048 -o etcd-key.pem
  etcd-pki key new --passphrase-file ca.pass -o ca-key.pem

Exit codes:
  0  the key is created
  1  failed, or the file exists and --force is not given
  2  the arguments are not understood, such as an unknown algorithm")]
pub(crate) struct New {
    #[command(flatten)]
    algorithm: AlgorithmOption,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    passphrase: PassphraseOptions,
    #[command(flatten)]
    destination: Destination,
}

impl New {
    fn run(self, input: &Input) -> Outcome {
        let report = self.destination.report()?;
        let passphrase = self.passphrase.read(input)?;
        let key = self.algorithm.generate(Compatibility::Strict)?;
        let pem = self.format.write(&key, passphrase.as_ref())?;
        self.destination.write_private(&key, &pem, report, None)
    }
}

/// Show the algorithm and the fingerprint of a key, and nothing secret
///
/// The fingerprint is SHA-256 of the public key, the same for a key, its requests and its
/// certificates.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki key show etcd-key.pem
  etcd-pki key show --field key-fingerprint member-*-key.pem
  etcd-pki key show --passphrase-env CA_PASSPHRASE ca-key.pem

Exit codes:
  0  every file is a key
  1  a file is something else, or cannot be read; the others are still shown
  2  the arguments are not understood")]
pub(crate) struct Show {
    /// Files with one private or public key each, PEM or DER
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    show: ShowOptions<KeyFacts>,
    #[command(flatten)]
    passphrase: PassphraseOptions,
}

impl Show {
    fn run(self, input: &Input) -> Outcome {
        let passphrase = self.passphrase.read(input)?;
        self.show.show(&self.files, |file| {
            let private = |bytes: &[u8]| PrivateKey::from_bytes(bytes, passphrase.as_ref());
            input.parse(file, |bytes| match private(bytes) {
                Ok(key) => Ok(vec![KeyFacts::of_private(key.public_key())]),
                Err(error) => match public(bytes) {
                    Some(key) => Ok(vec![KeyFacts::of_public(&key)]),
                    None => Err(error),
                },
            })
        })
    }
}

/// Print the public key of a private key, a request or a certificate
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki key public etcd-key.pem
  etcd-pki key public client.pem -o client-public.pem

Exit codes:
  0  the public key is printed or written
  1  failed, or the file exists and --force is not given
  2  the arguments are not understood")]
pub(crate) struct Public {
    /// File of a private key, a request or a certificate, PEM or DER
    file: PathBuf,
    #[command(flatten)]
    passphrase: PassphraseOptions,
    #[command(flatten)]
    destination: Destination,
}

impl Public {
    fn run(self, input: &Input) -> Outcome {
        let report = self.destination.report()?;
        let passphrase = self.passphrase.read(input)?;
        let held = input.parse(&self.file, |bytes| {
            holdings(&self.file, bytes, passphrase.as_ref())
        })?;
        // There is at least one, because reading reports an error for none. Of several the first
        // counts
        match held.first() {
            Some(holding) => self.destination.write_public(&holding.key, report),
            None => report.finish(),
        }
    }
}

/// Write a private key in another format, or with another passphrase
///
/// It reads the formats of OpenSSL, Go, cfssl, kubeadm and Kubespray. The passphrase options
/// decrypt the input; the new passphrase options encrypt the output.
#[derive(Args)]
#[command(after_help = "\
Examples:
  etcd-pki key convert old-key.pem -o key.pem
  etcd-pki key convert key.pem --format sec1
  etcd-pki key convert ca-key.pem --new-passphrase-file ca.pass -o ca-key.pem --force

Exit codes:
  0  the key is printed or written
  1  failed, or the file exists and --force is not given
  2  the arguments are not understood")]
pub(crate) struct Convert {
    /// File of a private key, PEM or DER
    file: PathBuf,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    passphrase: PassphraseOptions,
    #[command(flatten)]
    new_passphrase: NewPassphraseOptions,
    #[command(flatten)]
    destination: Destination,
}

impl Convert {
    fn run(self, input: &Input) -> Outcome {
        let report = self.destination.report()?;
        let passphrase = self.passphrase.read(input)?;
        let new_passphrase = self.new_passphrase.read(input)?;
        // The key may be in the file that is written
        let locked = files::lock(&[&self.destination.out.path])?;
        let key = input.private_key(&self.file, passphrase.as_ref())?;
        let pem = self.format.write(&key, new_passphrase.as_ref())?;
        self.destination
            .write_private(&key, &pem, report, Some(&locked))
    }
}

/// The output of one key.
#[derive(Args)]
struct Destination {
    #[command(flatten)]
    out: OutOption,
    #[command(flatten)]
    force: ForceOption,
    #[command(flatten)]
    json: JsonOption,
}

impl Destination {
    fn report(&self) -> Result<Report, Failure> {
        Report::on(&[&self.out.path], &self.json)
    }

    fn write_private(
        &self,
        key: &PrivateKey,
        pem: &str,
        mut report: Report,
        locked: Option<&LockedFiles>,
    ) -> Outcome {
        let out = &self.out.path;
        let files = [File::secret(out, pem, key.public_key())];
        let replacing = self.force.replacing();
        match locked {
            Some(locked) => {
                drop(report.write_locked(&files, replacing, locked, &files::unrecorded)?)
            }
            None => report.write(&files, replacing)?,
        }
        report.key(out, key);
        report.finish()
    }

    fn write_public(&self, key: &PublicKey, mut report: Report) -> Outcome {
        let out = &self.out.path;
        report.write(&[File::public(out, &key.to_pem())], self.force.replacing())?;
        report.public_key(out, key);
        report.finish()
    }
}

/// Reads a file as a public key, if it is one.
fn public(bytes: &[u8]) -> Option<PublicKey> {
    PublicKey::from_pem(bytes)
        .or_else(|_| PublicKey::from_der(bytes))
        .ok()
}

//! `etcd-pki cert renew`

mod links;
mod signers;

use std::path::{Path, PathBuf};

use clap::Args;
use etcd_pki_core::{
    Certificate, CertificateAuthority, KeyAlgorithm, PrivateKey, PublicKey, RenewBefore, Store,
};
use zeroize::Zeroizing;

use self::{links::LinkedKeys, signers::Signers};
use crate::{
    facts::in_words,
    failure::{Failure, Message, Outcome},
    files::{self, File, Replacing},
    input::{Input, parse_in_place},
    options::{AuthorityOptions, JsonOption, ValidityOptions, key_of},
    output,
    report::Report,
    time,
};

/// Renew certificates: same names, same usages, and the same key unless --rekey is said
///
/// Without a file, every certificate in the directory that is due and that its authority has signed is renewed; where peers have an
/// authority apart, each is renewed by the one that signed it. The new one is valid as long as the old one was. A certificate takes
/// the place of its file at once, and etcd reads it at the next handshake.
///
/// With --rekey there is an instant between key and certificate in which etcd may read a pair that does not match: that handshake
/// fails, and the next one reads the whole pair.
///
/// Nothing is written through a symbolic link. Without a file, a link to what is renewed under its own name is left out.
#[derive(Args)]
// One place of the authority suffices, and no file is needed: what clap makes of that says otherwise
#[command(
    override_usage = "etcd-pki cert renew [OPTIONS] --dir <DIR> [FILE]...\n       \
                      etcd-pki cert renew [OPTIONS] --ca <FILE> --ca-key <FILE> <FILE>...",
    after_help = "\
Examples:
  etcd-pki cert renew -d /etc/ssl/etcd/ssl
  etcd-pki cert renew -d /etc/ssl/etcd/ssl --due 60d
  etcd-pki cert renew app.pem --ca ca.pem --ca-key ca-key.pem --days 90

Exit codes:
  0  all that was to be renewed is renewed
  1  failed or refused, such as a key that is another certificate's; or something is due whose authority cannot sign here
  2  the arguments are not understood"
)]
pub(crate) struct Renew {
    /// Files of certificates, renewed whether they are due or not
    #[arg(value_name = "FILE")]
    certificates: Vec<PathBuf>,
    /// Without a file: renew what ends within this time, or has no more than this share of its life left
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "30d",
        conflicts_with = "certificates"
    )]
    due: RenewBefore,
    /// Make a new key too; for an instant, etcd may read a pair that does not match
    #[arg(long)]
    rekey: bool,
    #[command(flatten)]
    validity: ValidityOptions,
    #[command(flatten)]
    authority: AuthorityOptions,
    #[command(flatten)]
    json: JsonOption,
}

impl Renew {
    pub(crate) fn run(self, input: &Input) -> Outcome {
        let mut report = Report::new(&self.json);
        let signers = Signers::load(&self.authority, input)?;
        let mut files = self.files(&signers, &mut report)?;
        let linked = if self.rekey {
            LinkedKeys::beside(&files)?
        } else {
            LinkedKeys::default()
        };
        // What a link keeps from being renewed holds nothing else up
        files.sort_by_cached_key(|path| self.check_links(path, &linked, input).is_err());
        for (done, path) in files.iter().enumerate() {
            let renewed = self
                .check_links(path, &linked, input)
                .and_then(|()| self.renew(path, &signers, input, &mut report));
            if let Err(failure) = renewed {
                let (_, rest) = files.split_at(done);
                self.tell_rest(rest, files.len());
                return report.fail(failure, done, files.len());
            }
        }
        report.finish()
    }

    /// The files that were named, or those in the directory that are due and whose authority can sign.
    fn files(&self, signers: &Signers, report: &mut Report) -> Result<Vec<PathBuf>, Failure> {
        if !self.certificates.is_empty() {
            return Ok(self.certificates.clone());
        }
        let store = self.authority.directory.store().ok_or_else(|| {
            Failure::usage(
                "nothing was named to be renewed",
                "name files of certificates, or the directory with -d DIR",
            )
        })?;
        let due = self.due_in(&store)?;
        if due.is_empty() {
            output::say("nothing is due");
        }
        let mut files = Vec::new();
        for (path, certificate) in due {
            let reason = match signers.of(&certificate) {
                Ok(Some(_)) => {
                    files.push(path);
                    continue;
                }
                Ok(None) => format!(
                    "another authority has signed it, {}: renew it with --ca and --ca-key",
                    certificate.issuer()
                ),
                Err(why) => format!("its authority cannot sign: {why}"),
            };
            output::say(format_args!(
                "note: {} is due, and {reason}",
                path.display()
            ));
            // Others' certificates may be in the directory, as those of Kubernetes itself beside kubeadm's, and are theirs to renew
            if store.is_named(&path) {
                report.left_due(&path, reason);
            }
        }
        Ok(links::without_links(files))
    }

    /// Refuses what cannot be renewed because of a symbolic link.
    fn check_links(&self, path: &Path, linked: &LinkedKeys, input: &Input) -> Result<(), Failure> {
        links::check_certificate(path)?;
        if self.rekey {
            let old = input.certificates(path)?.swap_remove(0);
            linked.check_rekeying(path, &key_of(path), &old)?;
        }
        Ok(())
    }

    /// The certificates in a directory that are due, authorities' excepted.
    fn due_in(&self, store: &Store) -> Result<Vec<(PathBuf, Certificate)>, Failure> {
        let now = time::now();
        let mut certificates = store.certificates()?;
        certificates.retain(|(_, certificate)| {
            let (begin, end) = (certificate.not_before(), certificate.not_after());
            !certificate.is_authority() && self.due.begins(begin, end) <= now
        });
        Ok(certificates)
    }

    /// Tells what is left, if it was not all.
    fn tell_rest(&self, rest: &[PathBuf], all: usize) {
        let done = all - rest.len();
        if done == 0 {
            return;
        }
        let way_on = if self.certificates.is_empty() {
            "run it again for the rest".to_owned()
        } else {
            // What is named is renewed, due or not: the same command again would renew the first ones once more
            let names: Vec<_> = rest.iter().map(|path| path.display().to_string()).collect();
            format!("run it again with {}", names.join(" "))
        };
        output::say(format_args!("{done} of {all} renewed; {way_on}"));
    }

    fn renew(
        &self,
        path: &Path,
        signers: &Signers,
        input: &Input,
        report: &mut Report,
    ) -> Result<(), Failure> {
        let key_path = key_of(path);
        // What is read is what is replaced: another command may be at work on the same pair
        let locked = files::lock(&[path, &key_path])?;
        let old = input.certificates(path)?.swap_remove(0);
        let ca = match signers.of(&old).map_err(Failure::Failed)? {
            Some(ca) => ca,
            None => change_authority(path, &old, signers, report)?,
        };
        let key = self.key(&old, path, &key_path, input)?;
        let public_key = key
            .as_ref()
            .map_or(old.public_key(), PrivateKey::public_key);
        let issued = ca.renew(&old, public_key, self.validity.read()?, time::now())?;

        let certificate = issued.certificate_pem()?;
        let mut new = vec![File::public(path, &certificate)];
        let secret: Option<Zeroizing<String>> =
            key.as_ref().map(PrivateKey::to_secret_pem).transpose()?;
        if let (Some(secret), Some(key)) = (&secret, &key) {
            new.push(File::secret(&key_path, secret, key.public_key()));
        }
        let paths: Vec<_> = new.iter().map(File::path).collect();
        report.while_replacing(&paths, || {
            files::write_locked(&new, Replacing::Files, &locked)
        })?;
        report.renewed(path, issued.certificate(), ca);
        if let Some(key) = &key {
            report.key(&key_path, key);
        }
        if self.validity.is_asked_for() {
            report.validity_cut(issued.validity_cut(), issued.certificate());
        }
        Ok(())
    }

    /// The new key, if one is asked for. Otherwise the key beside the certificate stays, and must be the certificate's.
    fn key(
        &self,
        old: &Certificate,
        path: &Path,
        key_path: &Path,
        input: &Input,
    ) -> Result<Option<PrivateKey>, Failure> {
        if self.rekey {
            let algorithm = match old.public_key().algorithm() {
                // Never a weaker one
                Some(KeyAlgorithm::OtherRsa) => KeyAlgorithm::Rsa4096,
                algorithm => algorithm.unwrap_or_default(),
            };
            return Ok(Some(PrivateKey::generate_with(algorithm)?));
        }
        if !key_path.exists() {
            // It is elsewhere, and stays there
            return Ok(None);
        }
        let passphrase = self.authority.passphrase.read(input)?;
        let there = parse_in_place(key_path, |bytes| {
            PrivateKey::from_bytes(bytes, passphrase.as_ref())
        })?;
        check(old.public_key(), there.public_key(), path, key_path)?;
        Ok(None)
    }
}

/// Another authority than before signs: that is for who names it.
fn change_authority<'a>(
    path: &Path,
    old: &Certificate,
    signers: &'a Signers,
    report: &mut Report,
) -> Result<&'a CertificateAuthority, Failure> {
    let path = path.display();
    let (issuer, subject) = (old.issuer(), signers.subject());
    let after = in_words::subject(&subject);
    let before = match in_words::subject(&issuer) {
        // Of the same name, with another key
        before if before == after => format!("another {before}"),
        before => before.to_owned(),
    };
    match signers {
        Signers::Named(ca) => {
            report.warn(format!(
                "{path} was signed by {before}, and is by {after} now: who trusts only the first refuses it"
            ));
            Ok(ca)
        }
        Signers::Found(_) => Err(Failure::failed(
            format!("{path} was signed by {before}, and the directory's authority is {after}"),
            "it was left as it is; name the authority that is to sign it with --ca and --ca-key",
        )),
    }
}

fn check(old: &PublicKey, there: &PublicKey, path: &Path, key_path: &Path) -> Result<(), Failure> {
    if old == there {
        return Ok(());
    }
    Err(Failure::Failed(Message {
        text: format!(
            "{} is not the key of {}",
            key_path.display(),
            path.display()
        ),
        hint: Some(
            "they were left as they are; to make a new pair in their place, say --rekey".to_owned(),
        ),
    }))
}

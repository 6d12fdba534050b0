//! Signing the requests that a plan has found good.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use super::{SigningPlan, SigningStep};
use crate::{
    authority::CertificateAuthority,
    bundle::all_pem,
    cluster::{Issuer, Purpose},
    error::{Error, Result},
    key::Passphrase,
    plan::{Done, Followed, Progress, Unfinished, as_far_as_possible, create_authority, profile},
    request::Claim,
    store::{LockedStore, Store, read_below, unless_too_large, write_below},
};

/// What was done with the requests in a travelling directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct SigningReport {
    /// Authorities that were made
    pub created: usize,
    /// Certificates that were put beside their requests
    pub signed: usize,
    /// Authorities' certificates that were put into the folders of hosts
    pub trusted: usize,
    /// What requests claimed and did not get
    pub not_granted: Vec<NotGranted>,
}

/// What a request claimed and did not get.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NotGranted {
    /// The request's file
    pub path: PathBuf,
    /// What it claimed
    pub claims: Vec<Claim>,
}

/// A file for a host, seen from the host's folder.
type Text = (PathBuf, String);

impl SigningPlan {
    /// Signs what the plan says, and nothing else. Names, usages and validity are the specification's; what a request claims
    /// beyond them is told. With the certificates each host gets those of the authorities.
    ///
    /// Of all that is secret, the keys of the authorities alone are read, and only if something is to be signed.
    ///
    /// `progress` is told how many authorities are made and requests signed, and of how many, and may end it between two hosts:
    /// each has all its certificates, or is as it was.
    ///
    /// # Errors
    ///
    /// [`Unfinished`], which tells what was done before. Its error is [`Error::Interrupted`], [`Error::Io`],
    /// [`Error::SymbolicLink`] or one of those of [`CertificateAuthority::sign`].
    pub fn apply(
        self,
        files: &LockedStore,
        passphrase: Option<&Passphrase>,
        progress: impl Progress,
    ) -> std::result::Result<SigningReport, Box<Unfinished<SigningReport>>> {
        let all = self.created().count() + self.changes().count();
        let followed = Followed::new(progress, all);
        let mut done = Done::default();
        let ended = self.carry_out(files, passphrase, &followed, &mut done);
        done.end(all, ended)
    }

    fn carry_out(
        &self,
        files: &LockedStore,
        passphrase: Option<&Passphrase>,
        followed: &Followed<impl Progress>,
        done: &mut Done<SigningReport>,
    ) -> Result<()> {
        files.give_directories(&self.attributes)?;
        let authorities = self.signers(files, passphrase, followed, done)?;
        let trusted = self.trusted(&authorities)?;
        let mut changes: BTreeMap<&str, Vec<&SigningStep>> = BTreeMap::new();
        for host in &self.hosts {
            changes.insert(host, Vec::new());
        }
        for step in self.changes() {
            changes.entry(step.host()).or_default().push(step);
        }
        let (hosts, ended) = as_far_as_possible(changes.into_iter().collect(), |(host, steps)| {
            followed.begin()?;
            let done = self.sign_for(host, steps, &authorities, &trusted)?;
            followed.ended(done.report.signed);
            Ok(done)
        });
        for (_, host) in hosts {
            done.report.signed += host.report.signed;
            done.report.trusted += host.report.trusted;
            done.report.not_granted.extend(host.report.not_granted);
            done.files.extend(host.files);
        }
        ended
    }

    /// Gives a host its certificates, and those of the authorities: all that are due, or none.
    fn sign_for(
        &self,
        host: &str,
        steps: &[&SigningStep],
        authorities: &HashMap<Issuer, CertificateAuthority>,
        trusted: &[Text],
    ) -> Result<Done<SigningReport>> {
        let folder = self.travelling.join(host);
        let mut done = Done::<SigningReport>::default();
        let mut texts = missing(&folder, trusted)?;
        done.report.trusted = texts.len();
        for step in steps {
            texts.push(self.sign(step, authorities, &mut done.report)?);
            done.files.push(step.path().to_owned());
        }
        write(&folder, &texts)?;
        Ok(done)
    }

    /// Opens the keys of the authorities that are to sign, or to get a certificate, and changes nothing. [`SigningPlan::apply`] consumes the plan; a
    /// passphrase that is wrong can be found before that.
    ///
    /// # Errors
    ///
    /// Under [`Error::File`], [`Error::EncryptedKey`], [`Error::WrongPassphrase`] and what else
    /// [`PrivateKey::from_bytes`](crate::PrivateKey::from_bytes) refuses; [`Error::Io`].
    pub fn check_keys(&self, store: &Store, passphrase: Option<&Passphrase>) -> Result<()> {
        let mut needed = self.authorities.iter().filter(|authority| {
            if authority.certificates.is_empty() {
                authority.has_key
            } else {
                self.signs(authority.wanted.issuer)
            }
        });
        needed.try_for_each(|authority| {
            let key = store.authority_key(&authority.wanted.paths, passphrase);
            key.map(drop)
        })
    }

    /// Whether an authority signs anything.
    fn signs(&self, issuer: Issuer) -> bool {
        self.changes().any(|step| step.wanted.issuer == issuer)
    }

    /// The authorities that sign, made if there are none or if their making was cut off.
    fn signers(
        &self,
        files: &LockedStore,
        passphrase: Option<&Passphrase>,
        followed: &Followed<impl Progress>,
        done: &mut Done<SigningReport>,
    ) -> Result<HashMap<Issuer, CertificateAuthority>> {
        let mut signers = HashMap::new();
        for authority in &self.authorities {
            let wanted = &authority.wanted;
            let Purpose::Authority(profile) = wanted.purpose else {
                continue;
            };
            let signer = if authority.certificates.is_empty() {
                followed.begin()?;
                let made = create_authority(
                    wanted,
                    profile,
                    authority.has_key,
                    files,
                    passphrase,
                    &self.attributes,
                    self.now,
                )?;
                done.report.created += 1;
                done.files
                    .push(files.store().directory().join(&wanted.paths.certificate));
                followed.ended(1);
                made
            } else if self.signs(wanted.issuer) {
                files.store().authority_at(&wanted.paths, passphrase)?
            } else {
                continue;
            };
            signers.insert(wanted.issuer, signer);
        }
        Ok(signers)
    }

    /// What each host is to trust.
    fn trusted(&self, made: &HashMap<Issuer, CertificateAuthority>) -> Result<Vec<Text>> {
        let texts = self.authorities.iter().map(|authority| {
            let path = authority.wanted.paths.certificate.clone();
            let made = made.get(&authority.wanted.issuer);
            let text = match (made, &authority.certificates[..]) {
                (Some(made), []) => made.certificate().to_pem(),
                (_, there) => all_pem(there),
            };
            Ok((path, text?))
        });
        texts.collect()
    }

    fn sign(
        &self,
        step: &SigningStep,
        authorities: &HashMap<Issuer, CertificateAuthority>,
        report: &mut SigningReport,
    ) -> Result<Text> {
        let wanted = &step.wanted;
        let Some(authority) = authorities.get(&wanted.issuer) else {
            return Err(Error::Missing {
                what: "private key of its authority",
                found: Vec::new(),
            });
        };
        let issued = authority
            .sign_at(&step.request, *profile(wanted)?, &wanted.identity, self.now)
            .map_err(|error| error.in_file(step.path()))?;
        if !issued.refused().is_empty() {
            report.not_granted.push(NotGranted {
                path: step.path().to_owned(),
                claims: issued.refused().to_vec(),
            });
        }
        report.signed += 1;
        Ok((wanted.paths.certificate.clone(), issued.certificate_pem()?))
    }
}

/// Those of the files that a folder does not have as they are.
fn missing(folder: &Path, texts: &[Text]) -> Result<Vec<Text>> {
    let mut missing = Vec::new();
    for (path, text) in texts {
        let there = unless_too_large(read_below(folder, path))?;
        if there.as_deref() != Some(text.as_bytes()) {
            missing.push((path.clone(), text.clone()));
        }
    }
    Ok(missing)
}

/// Writes the files of a host together.
fn write(folder: &Path, texts: &[Text]) -> Result<()> {
    let files: Vec<_> = texts
        .iter()
        .map(|(path, text)| (path.as_path(), text.as_bytes()))
        .collect();
    write_below(folder, &files)
}

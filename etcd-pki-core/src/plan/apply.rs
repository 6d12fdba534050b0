//! Carrying a plan out.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::SystemTime,
};

use rayon::prelude::*;

use zeroize::Zeroizing;

use super::{
    Action, Plan, Progress, Step,
    decision::leaf_profile,
    record::{Mark, Marker},
};
use crate::{
    authority::CertificateAuthority,
    clock,
    cluster::{Issuer, Purpose},
    error::{Error, Result},
    key::{Passphrase, PrivateKey},
    store::{Attributes, LockedStore, Overwrite, PairTexts, read_file},
};

/// What carrying out a plan has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Report {
    /// Pairs that are new
    pub created: usize,
    /// Certificates that are new, for the keys that were there
    pub renewed: usize,
    /// Pairs that took the place of others
    pub reissued: usize,
    /// Pairs of which modes or owners were set
    pub modes: usize,
    /// Pairs that were surplus and are gone
    pub removed: usize,
}

impl Report {
    /// How many pairs were changed.
    #[must_use]
    pub fn changed(&self) -> usize {
        self.created + self.renewed + self.reissued + self.modes + self.removed
    }

    fn count(&mut self, action: Action) {
        match action {
            Action::Keep => {}
            Action::Mode => self.modes += 1,
            Action::Renew => self.renewed += 1,
            Action::Reissue => self.reissued += 1,
            Action::Create => self.created += 1,
        }
    }
}

impl Plan {
    /// Does what the plan says, and nothing else. The authorities come first, and then every other pair, on all cores: each is
    /// changed whole, so whatever instant it is cut off at, the next plan finishes it.
    ///
    /// `progress` is told how many of the changes are done, and of how many, and may end it between two of them.
    ///
    /// # Errors
    ///
    /// [`Error::Changed`] if a file that is to be changed is not as it was when the plan was made; [`Error::Missing`] if
    /// something is to be signed and the authority's key is not there; [`Error::Interrupted`]; [`Error::Io`], [`Error::SymbolicLink`] and the errors of
    /// [`CertificateAuthority::issue`].
    pub fn apply(
        mut self,
        files: &LockedStore,
        passphrase: Option<&Passphrase>,
        progress: impl Progress,
    ) -> Result<Report> {
        let now = clock::now();
        let mut record = self.record.take();
        let changes: Vec<&Step> = self.changes().collect();
        // All of them before the first change: a plan that has gone stale changes nothing
        changes
            .par_iter()
            .try_for_each(|step| step.stamps.check(&step.paths))?;
        files.give_directories(&self.attributes)?;
        let done = AtomicUsize::new(0);
        let tell = || {
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            progress.done(done, changes.len());
        };
        let authorities = self.authorities(files, passphrase, now, &tell)?;
        if let Some(record) = &mut record {
            // What a new authority signs is known from then on, unless a passphrase keeps the next plan from its key
            let new = changes.iter().filter(|step| {
                step.wanted.is_authority() && step.action == Action::Create && passphrase.is_none()
            });
            for issuer in new.map(|step| step.wanted.issuer) {
                let key = authorities.get(&issuer).and_then(CertificateAuthority::key);
                record.add_marker(issuer, key.and_then(Marker::of));
            }
        }
        let leaves = changes
            .par_iter()
            .filter(|step| !step.wanted.is_authority());
        let marks = leaves
            .map(|step| {
                if progress.is_interrupted() {
                    return Err(Error::Interrupted);
                }
                let authority = authorities.get(&step.wanted.issuer);
                let issuer = step.wanted.issuer;
                let marker = record.as_ref().and_then(|record| record.marker(issuer));
                let mark = carry_out(step, authority, marker, files, &self.attributes, now)
                    .map_err(|error| error.in_file(&step.paths.certificate))?;
                tell();
                Ok(mark)
            })
            .collect::<Result<Vec<Option<Mark>>>>()?;
        let mut report = Report::default();
        for pair in self.removed() {
            files.remove(pair, &self.attributes)?;
            report.removed += 1;
        }
        changes.iter().for_each(|step| report.count(step.action));
        if let Some(record) = record {
            record.write(marks.into_iter().flatten(), files);
        }
        Ok(report)
    }

    /// The authorities that sign, made or renewed if that is due. One that signs nothing is not asked for its key.
    fn authorities(
        &self,
        files: &LockedStore,
        passphrase: Option<&Passphrase>,
        now: SystemTime,
        tell: &impl Fn(),
    ) -> Result<HashMap<Issuer, CertificateAuthority>> {
        let mut authorities = HashMap::new();
        for step in self.steps.iter().filter(|step| step.wanted.is_authority()) {
            let Purpose::Authority(profile) = step.wanted.purpose else {
                continue;
            };
            let issuer = step.wanted.issuer;
            let signs = self.changes().any(|other| {
                !other.wanted.is_authority()
                    && other.wanted.issuer == issuer
                    && other.action != Action::Mode
            });
            let authority = match step.action {
                Action::Create => {
                    let key = PrivateKey::generate_with(profile.key_algorithm())?;
                    let identity = &step.wanted.identity;
                    let authority = CertificateAuthority::create_for(key, identity, profile, now)?;
                    files.put_authority(
                        &step.wanted.paths,
                        &authority,
                        passphrase,
                        Overwrite::Refuse,
                        &self.attributes,
                    )?;
                    authority
                }
                Action::Renew => {
                    let authority = files
                        .store()
                        .authority_to_renew(&step.wanted.paths, passphrase)?;
                    let renewed = authority.renewed(profile.validity(), step.keeps_serial, now)?;
                    let certificate = renewed.certificate().to_pem()?;
                    files.put_certificate(&step.wanted.paths, &certificate, &self.attributes)?;
                    renewed
                }
                Action::Mode => {
                    files.mend(&step.wanted.paths, &self.attributes)?;
                    if !signs {
                        tell();
                        continue;
                    }
                    files.store().authority_at(&step.wanted.paths, passphrase)?
                }
                Action::Keep | Action::Reissue if signs => {
                    files.store().authority_at(&step.wanted.paths, passphrase)?
                }
                Action::Keep | Action::Reissue => continue,
            };
            if step.action != Action::Keep {
                tell();
            }
            authorities.insert(issuer, authority);
        }
        Ok(authorities)
    }
}

/// Changes one pair, and tells its mark if its two files are known now.
fn carry_out(
    step: &Step,
    authority: Option<&CertificateAuthority>,
    marker: Option<&Marker>,
    files: &LockedStore,
    attributes: &Attributes,
    now: SystemTime,
) -> Result<Option<Mark>> {
    if step.action == Action::Mode {
        // Its mark was known to the plan
        return files.mend(&step.wanted.paths, attributes).map(|()| None);
    }
    let (Some(profile), Some(authority)) = (leaf_profile(&step.wanted), authority) else {
        return Err(Error::Missing {
            what: "private key of its authority",
            found: Vec::new(),
        });
    };
    let identity = &step.wanted.identity;
    match (step.action, &step.key) {
        (Action::Renew, Some(key)) => {
            let issued = authority.certify(key, *profile, identity, now)?;
            let certificate = issued.certificate_pem()?;
            files.put_certificate(&step.wanted.paths, &certificate, attributes)?;
            let Some(marker) = marker else {
                return Ok(None);
            };
            let file = Zeroizing::new(read_file(&step.paths.key)?);
            let is_same = PrivateKey::from_bytes(&file, None)?.public_key() == key;
            Ok(is_same.then(|| marker.mark(certificate.as_bytes(), &file)))
        }
        _ => {
            let bundle = authority.issue_at(*profile, identity, now)?;
            let texts = PairTexts::of(&bundle)?;
            let mark = marker
                .map(|marker| marker.mark(texts.certificate.as_bytes(), texts.key.as_bytes()));
            let pair = (&step.wanted.paths, texts);
            files.put_pairs(&[pair], overwrite(step.action), attributes)?;
            Ok(mark)
        }
    }
}

/// What was not there when the plan was made must not be there now.
fn overwrite(action: Action) -> Overwrite {
    match action {
        Action::Create => Overwrite::Refuse,
        _ => Overwrite::Replace,
    }
}

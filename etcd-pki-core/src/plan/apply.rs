//! Carrying a plan out.

use std::{collections::HashMap, time::SystemTime};

use rayon::prelude::*;

use zeroize::Zeroizing;

use super::{
    Action, Done, Plan, Progress, Step, Unfinished, ValidityCut, as_far_as_possible,
    create::create_authority,
    decision::leaf_profile,
    obstacle::check_way,
    progress::Followed,
    record::{Mark, Marker, NextRecord},
};
use crate::{
    authority::CertificateAuthority,
    certificate::Certificate,
    clock,
    cluster::Purpose,
    error::{Error, Result},
    key::{Passphrase, PrivateKey},
    layout::{CaKind, PairPaths},
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
    /// Certificates that end before what the specification asks for; nothing is told where it asks for no validity
    pub validity_cut: Vec<ValidityCut>,
}

/// What is known of a pair that was changed.
#[derive(Default)]
struct Changed {
    mark: Option<Mark>,
    validity_cut: Option<ValidityCut>,
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
    /// changed whole, so whatever instant it is cut off at, the next plan finishes it. A pair that fails holds up no other.
    ///
    /// `progress` is told how many of the changes are done, and of how many, and may end it between two of them.
    ///
    /// # Errors
    ///
    /// [`Unfinished`], which tells what was done before. Its error is [`Error::Changed`] if a file that is to be changed is not as
    /// it was when the plan was made, or [`Error::SymbolicLink`] where a step has a
    /// [`Cause::SymbolicLink`](super::Cause::SymbolicLink) and links are not to be replaced: nothing was done then. Or it is
    /// [`Error::Missing`] if something is to be signed and the authority's key is not there; [`Error::Interrupted`];
    /// [`Error::Io`], [`Error::SymbolicLink`] for a link that leads elsewhere, and the errors of [`CertificateAuthority::issue`].
    pub fn apply(
        mut self,
        files: &LockedStore,
        passphrase: Option<&Passphrase>,
        progress: impl Progress,
    ) -> std::result::Result<Report, Box<Unfinished<Report>>> {
        let record = self.record.take();
        let all = self.changes().count() + self.removed().len();
        let mut done = Done::default();
        let followed = Followed::new(progress, all);
        let ended = self.carry_out(files, passphrase, record, &followed, &mut done);
        done.end(all, ended)
    }

    fn carry_out(
        &self,
        files: &LockedStore,
        passphrase: Option<&Passphrase>,
        mut record: Option<NextRecord>,
        followed: &Followed<impl Progress>,
        done: &mut Done<Report>,
    ) -> Result<()> {
        let now = clock::now();
        let changes: Vec<&Step> = self.changes().collect();
        // All of them before the first change: a plan that has gone stale changes nothing
        changes
            .par_iter()
            .try_for_each(|step| step.stamps.check(&step.paths))?;
        for (pair, stamps) in self.removed().iter().zip(&self.surplus_stamps) {
            stamps.check(&pair.below(&self.directory))?;
        }
        let link = changes.iter().find_map(|step| step.link());
        if let Some(link) = link.filter(|_| !self.replaces_links) {
            return Err(Error::SymbolicLink {
                path: link.to_owned(),
            });
        }
        files.give_directories(&self.attributes)?;
        files.remove_stale(changes.iter().map(|step| &step.wanted.paths))?;
        let authorities = self.authorities(files, passphrase, now, |step| {
            done.step(step);
            followed.ended(1);
        })?;
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
        let marks = self.leaves(&authorities, record.as_ref(), files, now, followed, done)?;
        for pair in self.removed() {
            followed.begin()?;
            files.remove(pair, &self.attributes)?;
            done.removed(pair.below(&self.directory));
            followed.ended(1);
        }
        // What was written before the directory went is gone with it
        files.check_place()?;
        if let Some(record) = record {
            record.write(marks.into_iter(), files);
        }
        Ok(())
    }

    /// The authorities that sign, made or renewed if that is due. One that signs nothing is not asked for its key.
    fn authorities(
        &self,
        files: &LockedStore,
        passphrase: Option<&Passphrase>,
        now: SystemTime,
        mut tell: impl FnMut(&Step),
    ) -> Result<HashMap<CaKind, CertificateAuthority>> {
        let mut authorities = HashMap::new();
        for step in self.steps.iter().filter(|step| step.wanted.is_authority()) {
            let Purpose::Authority(profile) = step.wanted.purpose else {
                continue;
            };
            let issuer = step.wanted.issuer;
            let signs = self.signs(issuer);
            let authority = match step.action {
                Action::Create => {
                    let (has_key, attributes) = (step.stamps.has_key(), &self.attributes);
                    create_authority(
                        &step.wanted,
                        profile,
                        has_key,
                        files,
                        passphrase,
                        attributes,
                        now,
                    )?
                }
                Action::Renew => {
                    let authority = files
                        .store()
                        .load_ca(&step.wanted.paths, passphrase, true)?;
                    let renewed = authority.renewed(profile.validity(), step.keeps_serial, now)?;
                    let certificate = renewed.certificate().to_pem()?;
                    let (paths, attributes) = (&step.wanted.paths, &self.attributes);
                    files.put_certificate(paths, &certificate, Overwrite::Replace, attributes)?;
                    renewed
                }
                Action::Mode => {
                    files.mend(&step.wanted.paths, &self.attributes)?;
                    if !signs {
                        tell(step);
                        continue;
                    }
                    files
                        .store()
                        .load_ca(&step.wanted.paths, passphrase, false)?
                }
                Action::Keep | Action::Reissue if signs => {
                    files
                        .store()
                        .load_ca(&step.wanted.paths, passphrase, false)?
                }
                Action::Keep | Action::Reissue => continue,
            };
            if step.action != Action::Keep {
                tell(step);
            }
            authorities.insert(issuer, authority);
        }
        Ok(authorities)
    }

    /// Changes every other pair, and gives the marks of those that are known now.
    fn leaves(
        &self,
        authorities: &HashMap<CaKind, CertificateAuthority>,
        record: Option<&NextRecord>,
        files: &LockedStore,
        now: SystemTime,
        followed: &Followed<impl Progress>,
        done: &mut Done<Report>,
    ) -> Result<Vec<Mark>> {
        let leaves = self.changes().filter(|step| !step.wanted.is_authority());
        let (changed, ended) = as_far_as_possible(leaves.collect(), |step: &&Step| {
            followed.begin()?;
            files.check_place()?;
            check_way(&step.causes)?;
            let issuer = step.wanted.issuer;
            let authority = authorities.get(&issuer);
            let marker = record.and_then(|record| record.marker(issuer));
            // Links that the plan does not name are never replaced
            let attributes = Attributes {
                replaces_links: step.link().is_some(),
                ..self.attributes.clone()
            };
            let changed = carry_out(step, authority, marker, files, &attributes, now)
                .map_err(|error| error.in_file(&step.paths.certificate))?;
            followed.ended(1);
            Ok(changed)
        });
        let mut marks = Vec::new();
        for (step, Changed { mark, validity_cut }) in changed {
            done.step(step);
            marks.extend(mark);
            done.report.validity_cut.extend(validity_cut);
        }
        ended.map(|()| marks)
    }
}

impl Done<Report> {
    fn step(&mut self, step: &Step) {
        self.report.count(step.action);
        self.files.push(step.paths.certificate.clone());
    }

    fn removed(&mut self, pair: PairPaths) {
        self.report.removed += 1;
        self.files.push(pair.certificate);
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
) -> Result<Changed> {
    if step.action == Action::Mode {
        // Its mark was known to the plan
        files.mend(&step.wanted.paths, attributes)?;
        return Ok(Changed::default());
    }
    let (Some(profile), Some(authority)) = (leaf_profile(&step.wanted), authority) else {
        return Err(Error::Missing {
            what: "private key of its authority",
            found: Vec::new(),
        });
    };
    let identity = &step.wanted.identity;
    let cut = |asked: Option<SystemTime>, certificate: &Certificate| {
        let asked = asked.filter(|_| profile.asked_validity().is_some())?;
        Some(ValidityCut {
            path: step.paths.certificate.clone(),
            asked,
            not_after: certificate.not_after(),
        })
    };
    match (step.action, &step.key) {
        (Action::Renew, Some(key)) => {
            let issued = authority.certify(key, *profile, identity, now)?;
            let certificate = issued.certificate_pem()?;
            files.put_certificate(
                &step.wanted.paths,
                &certificate,
                Overwrite::Replace,
                attributes,
            )?;
            let validity_cut = cut(issued.validity_cut(), issued.certificate());
            let mut changed = Changed {
                mark: None,
                validity_cut,
            };
            if let Some(marker) = marker {
                let file = Zeroizing::new(read_file(&step.paths.key)?);
                let is_same = PrivateKey::from_bytes(&file, None)?.public_key() == key;
                changed.mark = is_same.then(|| marker.mark(certificate.as_bytes(), &file));
            }
            Ok(changed)
        }
        _ => {
            let bundle = authority.issue_at(*profile, identity, now)?;
            let texts = PairTexts::of(&bundle)?;
            let mark = marker
                .map(|marker| marker.mark(texts.certificate.as_bytes(), texts.key.as_bytes()));
            let pair = (&step.wanted.paths, texts);
            files.put_pairs(&[pair], overwrite(step.action), attributes)?;
            let validity_cut = cut(bundle.validity_cut(), bundle.certificate());
            Ok(Changed { mark, validity_cut })
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

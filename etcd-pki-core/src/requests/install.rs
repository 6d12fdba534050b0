//! Carrying out on a host what was planned for it.

use super::{
    HostPlan, HostStep,
    host_step::{HostAction, Key},
    key::{next_key_path, read_key},
    request_path,
};
use crate::{
    error::Result,
    key::PrivateKey,
    plan::{Done, Followed, Progress, Unfinished, one_after_another, profile},
    request::CertificateRequest,
    store::{Attributes, LockedStore, Overwrite, PairTexts, write_below},
};

/// What was done on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct HostReport {
    /// Authorities whose certificates are trusted from now on
    pub trusted: usize,
    /// Keys that were made
    pub keys: usize,
    /// Requests that were written
    pub requested: usize,
    /// Certificates that were put in their places
    pub installed: usize,
    /// Pairs of which modes or owners were set
    pub modes: usize,
}

impl HostPlan {
    /// Does what the plan says, and nothing else: each key is in its place and on the disk before its request travels, and each
    /// certificate takes its place whole. A pair that fails holds up no other.
    ///
    /// `progress` is told how many authorities are trusted and pairs changed, and of how many, and may end it between two of
    /// them.
    ///
    /// # Errors
    ///
    /// [`Unfinished`], which tells what was done before. Its error is [`Error::Changed`](crate::Error::Changed) if a file of a pair
    /// is not as it was when the plan was made; [`Error::Interrupted`](crate::Error::Interrupted),
    /// [`Error::Io`](crate::Error::Io), [`Error::SymbolicLink`](crate::Error::SymbolicLink).
    pub fn apply(
        self,
        files: &LockedStore,
        progress: impl Progress,
    ) -> std::result::Result<HostReport, Box<Unfinished<HostReport>>> {
        let all = self.trusted().count() + self.work().count();
        let followed = Followed::new(progress, all);
        let mut done = Done::default();
        let ended = self.carry_out(files, &followed, &mut done);
        done.end(all, ended)
    }

    fn carry_out(
        &self,
        files: &LockedStore,
        followed: &Followed<impl Progress>,
        done: &mut Done<HostReport>,
    ) -> Result<()> {
        for step in self.changes() {
            step.pair.check_unchanged(&self.directory)?;
        }
        files.give_directories(&self.attributes)?;
        // By it the certificates were judged, so it comes before them
        for trust in &self.trusts {
            let Some(arrived) = &trust.arrived else {
                continue;
            };
            followed.begin()?;
            let path = &trust.wanted.paths.certificate;
            let contents = arrived.as_bytes();
            files.put_file(path, contents, false, Overwrite::Replace, &self.attributes)?;
            done.report.trusted += 1;
            done.files.push(self.directory.join(path));
            followed.ended(1);
        }
        one_after_another(self.work(), |step| {
            followed.begin()?;
            step.check_way()?;
            self.change(step, files, &mut done.report)
                .map_err(|error| error.in_file(&step.paths().certificate))?;
            done.files.push(step.paths().certificate.clone());
            followed.ended(1);
            Ok(())
        })
    }

    fn change(&self, step: &HostStep, files: &LockedStore, report: &mut HostReport) -> Result<()> {
        match (step.action, &step.arrived) {
            (HostAction::Mode, _) => {
                files.mend(&step.wanted().paths, &self.attributes)?;
                report.modes += 1;
            }
            (HostAction::Install, Some(arrived)) => {
                install(step, arrived, files, &self.attributes)?;
                report.installed += 1;
            }
            (HostAction::Request, _) => {
                let key = self.key_to_request(step, files)?;
                report.keys += usize::from(step.makes_key());
                self.write_request(step, &key)?;
                report.requested += 1;
            }
            _ => {}
        }
        Ok(())
    }

    /// The key of a request: the one that is there, or a new one, written before anybody hears of it.
    fn key_to_request(&self, step: &HostStep, files: &LockedStore) -> Result<PrivateKey> {
        let pair = &step.wanted().paths;
        let next = next_key_path(pair);
        let (path, overwrite) = match step.key {
            Key::Here => return read_key(&step.paths().key),
            Key::Next => return read_key(&self.directory.join(next)),
            Key::New => (pair.key.clone(), Overwrite::Refuse),
            // One that waited, and is of another algorithm or no key at all
            Key::NewNext => (next, Overwrite::Replace),
        };
        let key = PrivateKey::generate_with(profile(step.wanted())?.key_algorithm())?;
        let text = key.to_secret_pem()?;
        files.put_file(&path, text.as_bytes(), true, overwrite, &self.attributes)?;
        Ok(key)
    }

    fn write_request(&self, step: &HostStep, key: &PrivateKey) -> Result<()> {
        let wanted = step.wanted();
        let request = CertificateRequest::create(key, *profile(wanted)?, &wanted.identity)?;
        let text = request.to_pem()?;
        let path = request_path(&wanted.paths);
        write_below(&self.folder, &[(&path, text.as_bytes())])
    }
}

/// Puts a certificate in its place, and with it the key that waited for it.
fn install(
    step: &HostStep,
    arrived: &str,
    files: &LockedStore,
    attributes: &Attributes,
) -> Result<()> {
    let pair = &step.wanted().paths;
    if !matches!(step.key, Key::Next) {
        return files.put_certificate(pair, arrived, Overwrite::Replace, attributes);
    }
    let next = next_key_path(pair);
    let key = read_key(&files.store().directory().join(&next))?;
    let texts = PairTexts {
        key: key.to_secret_pem()?,
        certificate: arrived.to_owned(),
    };
    files.put_pairs(&[(pair, texts)], Overwrite::Replace, attributes)?;
    // If this is not reached, the next run finds the pair as it should be, and the file harms nothing
    files.remove_file(&next)
}

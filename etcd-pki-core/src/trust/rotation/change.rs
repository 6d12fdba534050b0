//! Changes the stage of a rotation, under the lock of the directory.

use super::{
    Evidence, Rotation, RotationOptions, Stage,
    files::{Files, NextCa},
};
use crate::{
    ca::{CertificateAuthority, check_self_signed},
    error::{Error, Result},
    finding::Finding,
    key::{PrivateKey, PublicKey},
    layout::RotationFile,
    x509::certificate::Certificate,
};

impl Rotation {
    /// Goes to the next stage if its gate is open. With [`Strategy::Link`], the first change goes
    /// from [`Stage::Steady`] to [`Stage::Switched`]. An interrupted change is finished instead.
    ///
    /// [`Strategy::Link`]: super::Strategy::Link
    ///
    /// # Errors
    ///
    /// [`Error::GateClosed`]; [`Error::Rotation`] if this CA cannot be rotated;
    /// [`Error::FileChanged`] if another process has changed the stage since this was read;
    /// [`Error::EncryptedKey`] and [`Error::WrongPassphrase`] inside [`Error::File`]; the errors of
    /// [`LockedStore::write`](crate::store::LockedStore::write).
    pub fn next(&self, evidence: &Evidence, options: &RotationOptions<'_>) -> Result<Self> {
        self.change(options, |rotation, files| {
            if rotation.must_be_settled() {
                return rotation.settle(files, options);
            }
            let gate = rotation.gate(evidence, options);
            if !gate.is_open() {
                return Err(closed(gate.obstacles()));
            }
            match (rotation.stage(), gate.next()) {
                (Stage::Steady, Stage::Switched) => {
                    rotation.add_new_ca(files, options)?;
                    rotation.again()?.switch(files, options)
                }
                (Stage::Steady, _) => rotation.add_new_ca(files, options),
                (Stage::Trusted, _) => rotation.switch(files, options),
                (Stage::Switched, _) => rotation.drop_old(files, options),
            }
        })
    }

    /// Creates the new CA and adds it to the trust bundle, with every strategy. The old CA still
    /// signs. In later stages this changes nothing.
    ///
    /// # Errors
    ///
    /// As [`Rotation::next`].
    pub fn prepare(&self, options: &RotationOptions<'_>) -> Result<Self> {
        self.change(options, |rotation, files| {
            if rotation.must_be_settled() {
                rotation.settle(files, options)?;
            }
            let rotation = rotation.again()?;
            if rotation.stage() != Stage::Steady {
                return Ok(());
            }
            if rotation.keeps_previous() {
                return Err(closed(&[super::Obstacle::Previous]));
            }
            rotation.add_new_ca(files, options)
        })
    }

    /// Undoes the last change of the stage. In [`Stage::Steady`] after a rotation, the previous CA
    /// is trusted again, as long as it is not forgotten.
    ///
    /// # Errors
    ///
    /// [`Error::GateClosed`] if the new CA has signed certificates of the directory;
    /// [`Error::Rotation`] if there is nothing to undo; otherwise as [`Rotation::next`].
    pub fn back(&self, options: &RotationOptions<'_>) -> Result<Self> {
        self.change(options, |rotation, files| match rotation.stage() {
            Stage::Steady if rotation.is_unfinished() && !rotation.is_end_unfinished() => {
                files.undo_preparation(None)
            }
            Stage::Steady if rotation.keeps_previous() => rotation.trust_previous(files, options),
            Stage::Steady => Err(rotation.refused(
                "there is no rotation to undo".to_owned(),
                "nothing was changed; a forgotten CA cannot be trusted again",
            )),
            // This undoes an interrupted switch, and finishes an interrupted way back
            Stage::Trusted if rotation.is_unfinished() => rotation.settle(files, options),
            Stage::Trusted => {
                if let Some(leaves) = rotation.leaves_obstacle() {
                    return Err(closed(&[leaves]));
                }
                let issued = rotation.issued_in_use(options.now()).into_iter();
                let issued = issued.map(super::Obstacle::from);
                let issued: Vec<_> = issued.chain(rotation.record_obstacle()).collect();
                if !issued.is_empty() {
                    return Err(closed(&issued));
                }
                let new = rotation.state.new.as_ref();
                let is_kept = |one: &&Certificate| Some(*one) != new;
                let bundle = rotation.bundle.iter().filter(is_kept).cloned();
                // An interrupted way back may have left lists of the new CA. Without its key, nobody
                // signs these again
                files.sign_lists(options)?;
                files.undo_preparation(Some(&bundle.collect::<Vec<_>>()))?;
                files.sign_lists(options)
            }
            Stage::Switched => {
                if rotation.is_unfinished() {
                    rotation.settle(files, options)?;
                }
                files.switch_back(&rotation.ordered(Stage::Trusted))?;
                files.sign_lists(options)
            }
        })
    }

    /// Goes to the end of the rotation without any gate, because the key of the old CA is known to
    /// others. Members and clients that do not trust the new CA yet lose their connections.
    ///
    /// # Errors
    ///
    /// As [`Rotation::next`], except [`Error::GateClosed`].
    pub fn emergency(&self, options: &RotationOptions<'_>) -> Result<Self> {
        self.change(options, |rotation, files| {
            if rotation.must_be_settled() {
                rotation.settle(files, options)?;
            }
            let mut rotation = rotation.again()?;
            if rotation.stage() == Stage::Steady {
                // The key of the previous CA is removed only if a new CA can be created
                let next = rotation.next_of(files, options)?;
                if rotation.keeps_previous() {
                    files.forget()?;
                }
                files.prepare(&next, &rotation.signing, options)?;
                rotation = rotation.again()?;
            }
            if rotation.stage() == Stage::Trusted {
                rotation.switch(files, options)?;
                rotation = rotation.again()?;
            }
            rotation.drop_old(files, options)
        })
    }

    /// Removes the key and the certificate of the previous CA, after the rotation.
    ///
    /// # Errors
    ///
    /// [`Error::Rotation`] if the rotation is not finished, or no previous CA is kept;
    /// [`Error::GateClosed`] if the previous CA has signed certificates of the directory; the
    /// errors of removing a file.
    pub fn forget(&self, options: &RotationOptions<'_>) -> Result<Self> {
        self.change(options, |rotation, files| {
            if rotation.is_end_unfinished() {
                rotation.settle(files, options)?;
            } else if rotation.stage() != Stage::Steady {
                return Err(rotation.refused(
                    format!("the rotation is in the stage {}", rotation.stage()),
                    "nothing was changed; finish the rotation first",
                ));
            }
            if !rotation.keeps_previous() {
                return Err(rotation.refused(
                    "no previous CA is kept".to_owned(),
                    "there is nothing to remove",
                ));
            }
            if let Some(leaves) = rotation.leaves_obstacle() {
                return Err(closed(&[leaves]));
            }
            files.forget()
        })
    }

    /// Makes a change under the lock, if the stage is still the one that was read. Returns the new
    /// state.
    fn change(
        &self,
        options: &RotationOptions<'_>,
        change: impl FnOnce(&Self, &Files<'_>) -> Result<()>,
    ) -> Result<Self> {
        if let Some(obstacle) = &self.obstacle {
            return Err(self.blocked(obstacle));
        }
        let locked = self.store.lock_with(|| {
            if let Some(waiting) = options.waiting {
                waiting(self.store.directory());
            }
        })?;
        let current = self.again()?;
        if current.state != self.state || current.bundle != self.bundle {
            return Err(Error::FileChanged {
                path: self.store.ca_paths(self.kind).certificate,
            });
        }
        change(&current, &Files::new(&locked, &current, options)?)?;
        drop(locked);
        self.again()
    }

    /// The error for files that must not be written, or with which nothing is signed.
    fn blocked(&self, obstacle: &Finding) -> Error {
        let path = || self.store.ca_paths(self.kind).certificate;
        match obstacle {
            Finding::CaOwner { owner, .. } => Error::UntrustedOwner {
                path: path(),
                owner: owner.clone(),
            },
            Finding::Blocked { path, .. } if path.is_symlink() => {
                Error::SymbolicLink { path: path.clone() }
            }
            obstacle => Error::Blocked {
                path: path(),
                reason: obstacle.to_string(),
            },
        }
    }

    /// Reads the rotation again.
    fn again(&self) -> Result<Self> {
        Self::read_ca(&self.store, self.kind)
    }

    /// Whether an interrupted change must be finished before the next one. An interrupted
    /// preparation is continued instead.
    fn must_be_settled(&self) -> bool {
        self.is_unfinished() && (self.stage() != Stage::Steady || self.is_end_unfinished())
    }

    /// Whether the last change, which drops the old CA, was interrupted.
    pub(super) fn is_end_unfinished(&self) -> bool {
        self.stage() == Stage::Steady && self.is_unfinished() && self.state.is_at_end
    }

    fn settle(&self, files: &Files<'_>, options: &RotationOptions<'_>) -> Result<()> {
        let old = self.state.old.as_ref();
        files.settle(self.stage(), old, &self.ordered(self.stage()))?;
        files.sign_lists(options)
    }

    /// Steady to trusted.
    fn add_new_ca(&self, files: &Files<'_>, options: &RotationOptions<'_>) -> Result<()> {
        files.prepare(&self.next_of(files, options)?, &self.signing, options)
    }

    /// Creates the new CA, and writes nothing.
    fn next_of(&self, files: &Files<'_>, options: &RotationOptions<'_>) -> Result<NextCa> {
        let now = options.now();
        check_self_signed(&self.signing)
            .map_err(|error| error.in_file(self.store.ca_paths(self.kind).certificate))?;
        let is_namesake = |one: &&Certificate| {
            one.subject() == self.signing.subject() && one.public_key() != self.signing.public_key()
        };
        if let Some(namesake) = self.bundle.iter().find(is_namesake) {
            return Err(self.refused(
                format!(
                    "{} has two CAs with the name {}, so it cannot be seen which of them a member trusts",
                    self.paths().certificate.display(),
                    namesake.subject()
                ),
                "nothing was changed; remove the one that signs nothing from the file, and restart the members",
            ));
        }
        let (identity, profile) = self.next_ca(options)?;
        let old = self
            .store
            .at(options.now())
            .load(&self.paths(), options.passphrase)?;
        let key = match files.left_key(options)? {
            Some(key) => {
                self.check_left_key(key.public_key())?;
                key
            }
            None => PrivateKey::generate_with(profile.algorithm())?,
        };
        let new = CertificateAuthority::create_for(key, &identity, profile, now)?;
        let link = old.at(now).link(new.certificate())?;
        let mut bundle = self.bundle.clone();
        let place = bundle.iter().position(|one| *one == self.signing);
        bundle.insert(
            place.map_or(0, |place| place + 1),
            new.certificate().clone(),
        );
        Ok(NextCa { new, link, bundle })
    }

    /// Refuses the key that an interrupted preparation seems to have left if it belongs to another
    /// certificate of the directory.
    fn check_left_key(&self, key: &PublicKey) -> Result<()> {
        let path = self.file(RotationFile::Next).key;
        let mut cas = self.bundle.iter();
        let of_ca = cas.any(|ca| ca.public_key() == key);
        let is_used = of_ca || {
            let all = self.store.certificates()?;
            // The link certificate of the interrupted preparation has this key
            let mut leaves = all.iter().filter(|(_, one)| !one.is_ca());
            leaves.any(|(_, one)| one.public_key() == key)
        };
        if is_used {
            return Err(self.refused(
                format!(
                    "{} is the key of another certificate of the directory",
                    path.display()
                ),
                "nothing was changed; move this file away",
            ));
        }
        Ok(())
    }

    /// Trusted to switched.
    fn switch(&self, files: &Files<'_>, options: &RotationOptions<'_>) -> Result<()> {
        let old = self.state.old.as_ref().unwrap_or(&self.signing);
        files.switch(old, &self.ordered(Stage::Switched))?;
        files.sign_lists(options)
    }

    /// Switched to steady.
    fn drop_old(&self, files: &Files<'_>, options: &RotationOptions<'_>) -> Result<()> {
        let Some(old) = &self.state.old else {
            return Ok(());
        };
        // The switch may have been interrupted before it signed them
        files.sign_lists(options)?;
        let others = self
            .bundle
            .iter()
            .filter(|one| one.public_key() != old.public_key());
        files.drop_old(old, &others.cloned().collect::<Vec<_>>())
    }

    /// Steady to switched.
    fn trust_previous(&self, files: &Files<'_>, options: &RotationOptions<'_>) -> Result<()> {
        let previous = files.previous_ca(options)?;
        let link = previous.at(options.now()).link(&self.signing)?;
        let mut bundle = self.bundle.clone();
        let place = bundle.iter().position(|one| *one == self.signing);
        let previous = previous.certificate();
        bundle.insert(place.map_or(0, |place| place + 1), previous.clone());
        files.trust_previous(previous, &link, &bundle)
    }

    /// The trust bundle in the order of a stage: the CA that signs comes before the other one. The
    /// other certificates keep their places.
    fn ordered(&self, stage: Stage) -> Vec<Certificate> {
        let mut bundle = self.bundle.clone();
        let place = |ca: &Option<Certificate>| {
            let ca = ca.as_ref()?;
            self.bundle.iter().position(|one| one == ca)
        };
        if let (Some(old), Some(new)) = (place(&self.state.old), place(&self.state.new)) {
            let is_swapped = match stage {
                Stage::Switched => old < new,
                _ => new < old,
            };
            if is_swapped {
                bundle.swap(old, new);
            }
        }
        bundle
    }
}

/// The error of a closed gate.
fn closed(obstacles: &[super::Obstacle]) -> Error {
    Error::GateClosed {
        reasons: obstacles.iter().map(ToString::to_string).collect(),
    }
}

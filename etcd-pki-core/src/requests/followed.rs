//! How far a plan with requests is carried out, as who follows it is told.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{
    error::{Error, Result},
    plan::Progress,
};

/// Changes that are carried out, and who follows them.
pub(super) struct Followed<P> {
    progress: P,
    done: AtomicUsize,
    all: usize,
}

impl<P: Progress> Followed<P> {
    pub(super) fn new(progress: P, all: usize) -> Self {
        Self {
            progress,
            done: AtomicUsize::new(0),
            all,
        }
    }

    /// Asks whether to go on.
    pub(super) fn begin(&self) -> Result<()> {
        if self.progress.is_interrupted() {
            return Err(Error::Interrupted);
        }
        Ok(())
    }

    /// Tells that some of the changes are done, if any.
    pub(super) fn ended(&self, changes: usize) {
        if changes > 0 {
            let done = self.done.fetch_add(changes, Ordering::Relaxed) + changes;
            self.progress.done(done, self.all);
        }
    }
}

//! Who follows a plan that is being carried out.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Error, Result};

/// Is told how far a plan is carried out, and may end it early. Any function of two numbers is one that never does.
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// use etcd_pki_core::Progress;
///
/// /// Ends when somebody has asked for it, such as by Ctrl-C.
/// struct UntilAsked<'a>(&'a AtomicBool);
///
/// impl Progress for UntilAsked<'_> {
///     fn done(&self, _done: usize, _all: usize) {}
///
///     fn is_interrupted(&self) -> bool {
///         self.0.load(Ordering::Relaxed)
///     }
/// }
/// ```
pub trait Progress: Sync {
    /// Is told how many of the changes are done, and of how many, from whichever thread has done the last.
    fn done(&self, done: usize, all: usize);

    /// Whether no further change is to be begun. It is asked before each.
    fn is_interrupted(&self) -> bool {
        false
    }
}

impl<F: Fn(usize, usize) + Sync> Progress for F {
    fn done(&self, done: usize, all: usize) {
        self(done, all);
    }
}

/// Changes that are carried out, and who follows them.
pub(crate) struct Followed<P> {
    progress: P,
    done: AtomicUsize,
    all: usize,
}

impl<P: Progress> Followed<P> {
    pub(crate) fn new(progress: P, all: usize) -> Self {
        Self {
            progress,
            done: AtomicUsize::new(0),
            all,
        }
    }

    /// Asks whether to go on.
    pub(crate) fn begin(&self) -> Result<()> {
        if self.progress.is_interrupted() {
            return Err(Error::Interrupted);
        }
        Ok(())
    }

    /// Tells that some of the changes are done, if any.
    pub(crate) fn ended(&self, changes: usize) {
        if changes > 0 {
            let done = self.done.fetch_add(changes, Ordering::Relaxed) + changes;
            self.progress.done(done, self.all);
        }
    }
}

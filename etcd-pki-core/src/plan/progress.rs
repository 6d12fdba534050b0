//! Who follows a plan that is being carried out.

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

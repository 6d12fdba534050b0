//! Running work while other threads of Python run.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use pyo3::prelude::*;

/// Whether the thread that last took the global lock here still has it. It may have released the
/// lock elsewhere.
static HELD: AtomicBool = AtomicBool::new(false);

/// How long a thread spins for the global lock before it sleeps.
///
/// Between two calls a thread holds the lock for about three microseconds. Waking up from sleep
/// takes about sixty, longer than the signature for which the lock was released.
const LOOKOUT: Duration = Duration::from_micros(20);

/// Runs work without the global lock, so that other threads can hold it.
pub(crate) fn without<T: Send>(py: Python<'_>, task: impl FnOnce() -> T + Send) -> T {
    let done = py.detach(|| {
        HELD.store(false, Ordering::Release);
        let done = task();
        look_out();
        done
    });
    HELD.store(true, Ordering::Release);
    done
}

fn look_out() {
    // Without a global lock there is nothing to wait for
    if cfg!(Py_GIL_DISABLED) || !HELD.load(Ordering::Acquire) {
        return;
    }
    let end = Instant::now() + LOOKOUT;
    while HELD.load(Ordering::Acquire) && Instant::now() < end {
        std::hint::spin_loop();
    }
}

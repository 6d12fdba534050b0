//! Working while other threads of Python run.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use pyo3::prelude::*;

/// Whether the thread that came back last has the global lock still, as far as is known here: it
/// may have let go of it elsewhere.
static HELD: AtomicBool = AtomicBool::new(false);

/// How long a thread looks out for the global lock before it goes to sleep over it.
///
/// Between two calls a thread has the lock for some three microseconds. To be woken from sleep
/// takes some sixty: more than it took to sign what the lock was let go for.
const LOOKOUT: Duration = Duration::from_micros(20);

/// Does work without the global lock, which other threads may have meanwhile.
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
    // Where there is no lock, nobody waits for it
    if cfg!(Py_GIL_DISABLED) || !HELD.load(Ordering::Acquire) {
        return;
    }
    let end = Instant::now() + LOOKOUT;
    while HELD.load(Ordering::Acquire) && Instant::now() < end {
        std::hint::spin_loop();
    }
}

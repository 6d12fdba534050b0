//! Working while other threads of Python run.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use pyo3::prelude::*;

/// Whether the thread that came back last has the interpreter still, as far as is known here: it may have given it up elsewhere.
static HELD: AtomicBool = AtomicBool::new(false);

/// How long a thread looks out for the interpreter before it lies down to wait for it.
///
/// Between two calls a thread has the interpreter for a few microseconds. Who waits for it in the system's way is asleep by then,
/// and to be woken takes tens of them, more than the signature for which it was given up.
const LOOKOUT: Duration = Duration::from_micros(20);

/// Does work without the interpreter, which other threads have meanwhile.
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
    if !HELD.load(Ordering::Acquire) {
        return;
    }
    let end = Instant::now() + LOOKOUT;
    while HELD.load(Ordering::Acquire) && Instant::now() < end {
        std::hint::spin_loop();
    }
}

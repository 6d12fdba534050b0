//! Syncing a directory for several threads at once.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use rustix::io::Errno;

/// Lets several threads sync one directory with few calls of fsync(2). A call counts for every
/// thread that was waiting when it began. Each thread gets the same guarantee as from a call of its
/// own.
#[derive(Debug, Default)]
pub(super) struct Turns {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_running: bool,
    /// The next call, which has not begun
    next: Arc<Turn>,
}

/// The result of a finished call.
type Turn = OnceLock<Result<(), Errno>>;

impl Turns {
    /// Makes the call, or waits for another thread's call. The call begins after this method is
    /// called.
    pub(super) fn take(&self, sync: impl FnOnce() -> Result<(), Errno>) -> Result<(), Errno> {
        let mut state = self.state();
        // A running call may miss the changes of this thread
        let turn = Arc::clone(&state.next);
        loop {
            if let Some(result) = turn.get() {
                return *result;
            }
            if !state.is_running {
                break;
            }
            let waited = self.ended.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        state.is_running = true;
        state.next = Arc::default();
        drop(state);
        let result = sync();
        let mut state = self.state();
        state.is_running = false;
        let result = *turn.get_or_init(|| result);
        drop(state);
        self.ended.notify_all();
        result
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
        time::Duration,
    };

    use super::*;

    /// Each thread gets the result of a call that began after its own change, and there are fewer
    /// calls than threads.
    #[test]
    fn a_call_serves_all_that_waited_for_it() {
        const THREADS: usize = 16;
        const ROUNDS: usize = 50;
        let turns = Turns::default();
        let (changes, seen, calls) = (
            AtomicUsize::new(0),
            AtomicUsize::new(0),
            AtomicUsize::new(0),
        );
        let sync = || {
            calls.fetch_add(1, Ordering::SeqCst);
            let changes = changes.load(Ordering::SeqCst);
            thread::sleep(Duration::from_millis(1));
            seen.fetch_max(changes, Ordering::SeqCst);
            Ok(())
        };
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..ROUNDS {
                        let own = changes.fetch_add(1, Ordering::SeqCst) + 1;
                        turns.take(sync).unwrap();
                        assert!(seen.load(Ordering::SeqCst) >= own);
                    }
                });
            }
        });
        assert!(calls.into_inner() < THREADS * ROUNDS);
    }

    #[test]
    fn a_failure_is_one_of_all_that_waited_for_it() {
        let turns = Turns::default();
        let (begun, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let result = turns.take(|| {
                        if begun.fetch_add(1, Ordering::SeqCst) == 1 {
                            return Err(Errno::IO);
                        }
                        // Waits until the other two threads wait for the second call
                        while Arc::strong_count(&turns.state().next) < 3 {
                            thread::yield_now();
                        }
                        Ok(())
                    });
                    failed.fetch_add(usize::from(result.is_err()), Ordering::SeqCst);
                });
            }
        });
        assert_eq!((begun.into_inner(), failed.into_inner()), (2, 2));
        assert_eq!(turns.take(|| Ok(())), Ok(()));
    }
}

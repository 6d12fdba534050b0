//! Long work that Ctrl-C ends, and of which Python is told how far it is.

use std::{
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use etcd_pki_core::{Error, LockedStore, Progress, Store};
use pyo3::prelude::*;

use crate::{
    error::{OrRaise as _, Raise},
    interpreter,
    text::expected,
};

/// How often Python is asked for a signal while work is done beside it
const LOOK: Duration = Duration::from_millis(50);

/// A function of two numbers, which is told how far the work is.
pub(crate) struct ProgressArgument(Py<PyAny>);

impl FromPyObject<'_, '_> for ProgressArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if !object.is_callable() {
            return Err(expected("a function of two numbers", &object));
        }
        Ok(Self(object.to_owned().unbind()))
    }
}

/// How far the work is, as its threads and Python's share it.
#[derive(Default)]
pub(crate) struct Watch {
    is_interrupted: AtomicBool,
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Clone, Copy, Default)]
struct State {
    is_over: bool,
    done: usize,
    all: usize,
}

impl Progress for Watch {
    fn done(&self, done: usize, all: usize) {
        let mut state = self.state();
        state.done = state.done.max(done);
        state.all = all;
    }

    fn is_interrupted(&self) -> bool {
        self.is_interrupted.load(Ordering::Relaxed)
    }
}

impl Progress for &Watch {
    fn done(&self, done: usize, all: usize) {
        Watch::done(self, done, all);
    }

    fn is_interrupted(&self) -> bool {
        Watch::is_interrupted(self)
    }
}

impl Watch {
    /// Takes a directory's lock, unless Python ends the wait for it.
    pub(crate) fn lock(&self, store: &Store) -> Result<LockedStore, Error> {
        store.lock_while(|| !Progress::is_interrupted(self))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits a moment, or until the work is over.
    fn wait(&self) -> State {
        let state = self.state();
        let waited = self
            .ended
            .wait_timeout_while(state, LOOK, |state| !state.is_over);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *state
    }

    fn end(&self) {
        self.state().is_over = true;
        self.ended.notify_all();
    }
}

/// Does work on all cores, in threads of its own: those of a process that has forked are not in its child, and a pool that all
/// share would wait for them there forever.
pub(crate) fn on_all_cores<T: Send, E: From<Error> + Send>(
    task: impl FnOnce() -> Result<T, E> + Send,
) -> Result<T, E> {
    let pool = rayon::ThreadPoolBuilder::new().build();
    let pool = pool.map_err(|error| Error::Signer {
        reason: format!("no threads can be started: {error}"),
    })?;
    pool.install(task)
}

/// Does work on all cores while the calling thread looks for signals and tells `progress`, a function of two numbers. What either
/// raises ends the work between two of its steps, and is raised when it has ended.
pub(crate) fn watched<T: Send, E: From<Error> + Raise + Send>(
    py: Python<'_>,
    progress: Option<ProgressArgument>,
    task: impl FnOnce(&Watch) -> Result<T, E> + Send,
) -> PyResult<T> {
    let watch = Watch::default();
    let (result, raised) = interpreter::without(py, || {
        thread::scope(|scope| {
            let worker = scope.spawn(|| {
                let result = on_all_cores(|| task(&watch));
                watch.end();
                result
            });
            let mut raised = None;
            let mut told = 0;
            loop {
                let state = watch.wait();
                if raised.is_none() {
                    raised = look(progress.as_ref(), state, &mut told).err();
                    watch
                        .is_interrupted
                        .store(raised.is_some(), Ordering::Relaxed);
                }
                if state.is_over || worker.is_finished() {
                    break;
                }
            }
            (worker.join(), raised)
        })
    });
    if let Some(raised) = raised {
        return Err(raised);
    }
    match result {
        Ok(result) => result.or_raise(),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Takes a directory's lock. What a signal raises while it is waited for ends the wait, and is raised.
pub(crate) fn locked(py: Python<'_>, store: &Store) -> PyResult<LockedStore> {
    let mut raised = None;
    let locked = interpreter::without(py, || {
        store.lock_while(|| {
            raised = Python::attach(|py| py.check_signals()).err();
            raised.is_none()
        })
    });
    match raised {
        Some(raised) => Err(raised),
        None => locked.or_raise(),
    }
}

/// Lets Python handle its signals, and tells how far the work is if it has gone on.
fn look(progress: Option<&ProgressArgument>, state: State, told: &mut usize) -> PyResult<()> {
    Python::attach(|py| {
        py.check_signals()?;
        if let Some(progress) = progress.filter(|_| state.done > *told) {
            *told = state.done;
            progress.0.call1(py, (state.done, state.all))?;
        }
        Ok(())
    })
}

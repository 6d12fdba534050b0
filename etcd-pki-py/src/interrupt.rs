//! Long work that Ctrl-C stops and that reports its progress to Python.

use std::{
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use etcd_pki_core::{Error, Result, Store, plan::Progress, store::LockedStore};
use pyo3::prelude::*;

use crate::{error::OrRaise as _, interpreter, text::expected};

/// How often Python handles its signals during work
const LOOK: Duration = Duration::from_millis(50);

/// A function of two numbers that receives the progress.
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

/// The progress, shared by the threads of the work and of Python.
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

impl Watch {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits a moment, or until the work has ended.
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

/// Runs work on all cores, in a separate thread pool. A forked process does not have the threads of
/// a shared pool, and would wait for them forever.
pub(crate) fn on_all_cores<T: Send>(task: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new().build();
    let pool = pool.map_err(|error| Error::Signer {
        reason: format!("no threads can be started: {error}"),
    })?;
    pool.install(task)
}

/// Runs work on all cores while the calling thread handles signals and calls `progress`, a function
/// of two numbers. An exception of either stops the work between two steps, and is raised
/// afterwards.
pub(crate) fn watched<T: Send>(
    py: Python<'_>,
    progress: Option<ProgressArgument>,
    task: impl FnOnce(&Watch) -> Result<T> + Send,
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
            let mut reported = 0;
            loop {
                let state = watch.wait();
                if raised.is_none() {
                    raised = look(progress.as_ref(), state, &mut reported).err();
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

/// Takes a directory's lock. An exception of a signal handler stops the wait, and is raised.
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

/// Lets Python handle its signals, and reports the progress if there is any.
fn look(progress: Option<&ProgressArgument>, state: State, reported: &mut usize) -> PyResult<()> {
    Python::attach(|py| {
        py.check_signals()?;
        if let Some(progress) = progress.filter(|_| state.done > *reported) {
            *reported = state.done;
            progress.0.call1(py, (state.done, state.all))?;
        }
        Ok(())
    })
}

//! Processes that are killed when their test or their time has ended.

use std::{
    process::{Child, Command},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::Instant,
};

/// Servers that are killed when the value is dropped, when their time has ended, and (by
/// [`Tool::server`](crate::Tool)) when the thread that started them ends in any way.
#[derive(Debug)]
pub(crate) struct Servers {
    processes: Arc<Mutex<Vec<Child>>>,
    /// The watchdog thread ends when this value is dropped
    _alive: Sender<()>,
}

impl Servers {
    /// Creates a value without servers. After `deadline`, all its servers are killed.
    pub(crate) fn until(deadline: Instant) -> Self {
        let processes = Arc::new(Mutex::new(Vec::new()));
        let (alive, ended) = mpsc::channel();
        let watched = Arc::clone(&processes);
        thread::spawn(move || {
            let left = deadline.saturating_duration_since(Instant::now());
            if ended.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
                eprintln!("the servers of a test have run for too long");
                kill(&watched);
            }
        });
        Self {
            processes,
            _alive: alive,
        }
    }

    /// Starts one more server.
    pub(crate) fn start(&self, command: &mut Command) {
        let process = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let mut processes = self
            .processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        processes.push(process);
    }

    /// Whether all servers are still running.
    pub(crate) fn all_run(&self) -> bool {
        let mut processes = self
            .processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        processes
            .iter_mut()
            .all(|process| matches!(process.try_wait(), Ok(None)))
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        kill(&self.processes);
    }
}

fn kill(processes: &Mutex<Vec<Child>>) {
    let mut processes = processes.lock().unwrap_or_else(PoisonError::into_inner);
    for process in processes.iter_mut() {
        // A server that has already ended need not be killed.
        let _ = process.kill();
        let _ = process.wait();
    }
}

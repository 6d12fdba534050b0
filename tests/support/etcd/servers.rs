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

use rustix::process::{Pid, Signal, kill_process};

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

    /// Starts one more server. Returns its number.
    pub(crate) fn start(&self, command: &mut Command) -> usize {
        let process = spawn(command);
        let mut processes = self
            .processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        processes.push(process);
        processes.len() - 1
    }

    /// Asks a server to end, as a service manager does, waits until it has ended, and starts this
    /// one in its place.
    pub(crate) fn restart(&self, number: usize, command: &mut Command) {
        let mut processes = self
            .processes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let process = &mut processes[number];
        let pid = Pid::from_child(process);
        kill_process(pid, Signal::TERM).expect("a server takes a signal");
        let _ = process.wait().expect("a server ends");
        *process = spawn(command);
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

fn spawn(command: &mut Command) -> Child {
    command
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"))
}

fn kill(processes: &Mutex<Vec<Child>>) {
    let mut processes = processes.lock().unwrap_or_else(PoisonError::into_inner);
    for process in processes.iter_mut() {
        // A server that has already ended need not be killed.
        let _ = process.kill();
        let _ = process.wait();
    }
}

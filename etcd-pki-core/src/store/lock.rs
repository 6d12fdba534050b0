//! One writer at a time in a directory.

use std::{
    fs::File,
    os::unix::fs::MetadataExt as _,
    path::Path,
    process, thread,
    time::{Duration, Instant},
};

use rustix::fs::{FlockOperation, flock};

use super::file::io_error;
use crate::error::{Error, Result};

const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// An advisory lock (`flock`) on the directory itself, so that no lock file lies about. It ends with the process, however that
/// ends.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    directory: File,
    process: u32,
}

impl DirectoryLock {
    /// Takes it, and while another has it asks again and again whether to go on waiting.
    pub(super) fn take(directory: &Path, mut goes_on: impl FnMut() -> bool) -> Result<Self> {
        let began = Instant::now();
        loop {
            let opened = File::open(directory).map_err(io_error("use the directory", directory))?;
            match flock(&opened, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) if is_still(directory, &opened) => {
                    return Ok(Self {
                        directory: opened,
                        process: process::id(),
                    });
                }
                // Somebody put another directory in its place
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    if !goes_on() {
                        return Err(Error::Interrupted);
                    }
                }
                Err(error) => return Err(io_error("lock", directory)(error.into())),
            }
            if began.elapsed() > PATIENCE {
                return Err(Error::Locked {
                    directory: directory.to_owned(),
                    waited: began.elapsed().as_secs(),
                });
            }
            thread::sleep(PAUSE);
        }
    }
}

impl DirectoryLock {
    /// Fails if the path does not lead to the locked directory any more: what is written there is in nobody's charge.
    pub(super) fn check(&self, directory: &Path) -> Result<()> {
        if is_still(directory, &self.directory) {
            return Ok(());
        }
        Err(Error::DirectoryGone {
            path: directory.to_owned(),
        })
    }
}

impl Drop for DirectoryLock {
    /// Lets go of it here and now: to close the file is not enough while a child that was forked meanwhile has it open as well. And
    /// such a child does not let go of its parent's.
    fn drop(&mut self) {
        if self.process == process::id() {
            // Closing it, which is next, does the same where nobody was forked
            let _ = flock(&self.directory, FlockOperation::Unlock);
        }
    }
}

/// Says once that a lock is waited for, and waits on.
pub(super) fn said_once(waiting: impl FnOnce()) -> impl FnMut() -> bool {
    let mut waiting = Some(waiting);
    move || {
        if let Some(waiting) = waiting.take() {
            waiting();
        }
        true
    }
}

/// Whether the path still leads to the directory that was opened.
fn is_still(directory: &Path, opened: &File) -> bool {
    match (directory.metadata(), opened.metadata()) {
        (Ok(now), Ok(then)) => (now.dev(), now.ino()) == (then.dev(), then.ino()),
        _ => false,
    }
}

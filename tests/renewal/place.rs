//! A folder with the directory `p` of a store, in which the command runs.

use std::path::{Path, PathBuf};

use etcd_pki_tests::{Output, Scratch, command::etcd_pki_in};

pub(crate) struct Place(Scratch);

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        Self(Scratch::new(name))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    #[track_caller]
    pub(crate) fn pki(&self, line: &str) -> Output {
        etcd_pki_in(self.path(), line)
    }

    /// Runs a command that must succeed.
    #[track_caller]
    pub(crate) fn done(&self, line: &str) -> Output {
        self.pki(line).expect_success()
    }

    pub(crate) fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path().join("p").join(name)
    }
}

//! A directory with a CA, and the command run next to it.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::{command::etcd_pki, is_own_file, scratch::Scratch};

/// Every file of a directory with its name.
type Contents = Vec<(String, Vec<u8>)>;

/// A place for the directory `pki`.
pub struct Pki(Scratch);

impl Pki {
    /// Creates the directory with a CA.
    #[must_use]
    pub fn create() -> Self {
        let pki = Self::empty();
        assert!(pki.run("ca new -d pki").status.success());
        pki
    }

    /// Creates no directory.
    #[must_use]
    pub fn empty() -> Self {
        Self(Scratch::new("pki"))
    }

    /// The folder in which the commands run.
    #[must_use]
    pub fn parent(&self) -> &Path {
        self.0.path()
    }

    /// The path of the directory.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.parent().join("pki")
    }

    /// The path of a file in it.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Runs the command next to the directory, after the shell code `before`.
    pub fn run_after(&self, before: &str, arguments: &str) -> Output {
        let script = format!("{before} exec \"$0\" {arguments}");
        Command::new("sh")
            .current_dir(self.parent())
            .arg("-c")
            .arg(script)
            .arg(etcd_pki())
            .output()
            .expect("a shell")
    }

    /// Runs the command next to the directory.
    pub fn run(&self, arguments: &str) -> Output {
        self.run_after("", arguments)
    }

    /// The names of its files, without the lock file.
    #[must_use]
    pub fn list(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.path()).expect("the directory");
        let name = |entry: std::io::Result<fs::DirEntry>| {
            entry.unwrap().file_name().into_string().unwrap()
        };
        entries
            .map(name)
            .filter(|name| !is_own_file(name))
            .collect()
    }

    /// Its files with their contents.
    #[must_use]
    pub fn contents(&self) -> Contents {
        let read = |name: String| (name.clone(), fs::read(self.file(&name)).unwrap());
        self.list().into_iter().map(read).collect()
    }

    /// The mode of one of its files.
    #[must_use]
    pub fn mode(&self, name: &str) -> u32 {
        mode(&self.file(name))
    }

    /// Asserts that the command failed with exit code 1 and this message, and changed nothing.
    #[track_caller]
    pub fn assert_refused(&self, output: &Output, word: &str, before: &[(String, Vec<u8>)]) {
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(word), "{said}");
        assert_eq!(self.contents(), before, "{said}");
    }
}

/// The mode of a file or a directory.
#[must_use]
pub fn mode(path: &Path) -> u32 {
    let metadata = path.symlink_metadata().expect("something at the path");
    metadata.permissions().mode() & 0o7777
}

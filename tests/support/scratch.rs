//! Folders for the files of a test.

use std::{
    fs,
    path::{Path, PathBuf},
    process,
    sync::{
        Once,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use crate::tool;

/// A new folder, which is removed when the value is dropped. If the test failed, the folder stays
/// until the next run.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// Creates a folder with a name that shows its use.
    #[must_use]
    pub fn new(name: &str) -> Self {
        static CLEANED: Once = Once::new();
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let all = tool::folder().join("scratch");
        CLEANED.call_once(|| remove_leftovers(&all));
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = all
            .join(process::id().to_string())
            .join(format!("{count}-{name}"));
        fs::create_dir_all(&path)
            .unwrap_or_else(|error| panic!("{} cannot be made: {error}", path.display()));
        Self(path)
    }

    /// The path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !thread::panicking() {
            // The next run removes what cannot be removed now.
            let _ = fs::remove_dir_all(&self.0);
            let _ = self.0.parent().map(fs::remove_dir);
        }
    }
}

/// Removes the files of processes that have ended: statics are never dropped, and tests fail.
fn remove_leftovers(all: &Path) {
    let Ok(entries) = fs::read_dir(all) else {
        return;
    };
    for entry in entries.flatten() {
        if !Path::new("/proc").join(entry.file_name()).exists() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

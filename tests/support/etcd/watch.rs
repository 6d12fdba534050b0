//! A client that watches keys over one long connection.

use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    process::{Child, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::Cluster;
use crate::{credentials::Credentials, scratch::Scratch};

/// A watch arrives within moments, also after its member has restarted.
const LIMIT: Duration = Duration::from_secs(20);

/// `etcdctl watch`, which ends when the value is dropped. It connects again when its member
/// restarts, with the CAs that it read when it started.
#[derive(Debug)]
pub struct Watch<'a> {
    cluster: &'a Cluster,
    child: Child,
    output: PathBuf,
    errors: PathBuf,
    _scratch: Scratch,
}

impl Cluster {
    /// Starts a watch of all keys with a prefix, and waits until it reports changes.
    ///
    /// # Panics
    ///
    /// If it reports nothing.
    #[must_use]
    pub fn watch(&self, prefix: &str, credentials: &Credentials) -> Watch<'_> {
        let scratch = Scratch::new("watch");
        let [output, errors] = ["out", "err"].map(|name| scratch.path().join(name));
        let file = |path| fs::File::create(path).expect("a file");
        let mut command = self.etcdctl_command(
            self.version.etcdctl().server(),
            &self.endpoints(),
            credentials,
        );
        command
            .args(["watch", "--prefix", prefix])
            .stdin(Stdio::null())
            .stdout(file(&output))
            .stderr(file(&errors));
        let watch = Watch {
            cluster: self,
            child: command.spawn().expect("etcdctl starts"),
            output,
            errors,
            _scratch: scratch,
        };
        watch.wait_for_a_key(prefix, credentials);
        watch
    }
}

impl Watch<'_> {
    /// The text that it has printed: an event, a key and a value on three lines each.
    #[must_use]
    pub fn seen(&self) -> BTreeSet<String> {
        let text = fs::read_to_string(&self.output).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Writes keys with the prefix until it reports one: then it is connected, and has reported all
    /// that was written before.
    #[track_caller]
    pub fn wait_for_a_key(&self, prefix: &str, credentials: &Credentials) {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let deadline = Instant::now() + LIMIT;
        loop {
            // A key that it has not reported before
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let key = format!("{prefix}watch/{number}");
            let _ = self.cluster.etcdctl(credentials, &["put", &key, "v"]);
            for _ in 0..10 {
                if self.seen().contains(&key) {
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
            let errors = fs::read_to_string(&self.errors).unwrap_or_default();
            assert!(
                Instant::now() < deadline,
                "the watch reports nothing: {errors}"
            );
        }
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! A client that watches keys over one long connection.

use std::{
    cell::RefCell,
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
/// restarts. etcd cancels it while a member has no leader; then it begins again where it ended, as
/// kube-apiserver does.
#[derive(Debug)]
pub struct Watch<'a> {
    cluster: &'a Cluster,
    credentials: Credentials,
    prefix: String,
    child: RefCell<Child>,
    scratch: Scratch,
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
        let child = self.start_watch(prefix, credentials, &scratch, 0);
        let watch = Watch {
            cluster: self,
            credentials: credentials.clone(),
            prefix: prefix.to_owned(),
            child: RefCell::new(child),
            scratch,
        };
        watch.wait_for_a_key();
        watch
    }

    /// Revision 0 is the next one.
    fn start_watch(
        &self,
        prefix: &str,
        credentials: &Credentials,
        scratch: &Scratch,
        revision: u64,
    ) -> Child {
        let file = |name| {
            let mut options = fs::OpenOptions::new();
            let path = scratch.path().join(name);
            options
                .create(true)
                .append(true)
                .open(path)
                .expect("a file")
        };
        let etcdctl = self.version.etcdctl().server();
        let mut command = self.etcdctl_command(etcdctl, &self.endpoints(), credentials);
        command
            .args(["watch", "--prefix", prefix, "--rev"])
            .arg(revision.to_string())
            .stdin(Stdio::null())
            .stdout(file("out"))
            .stderr(file("err"));
        command.spawn().expect("etcdctl starts")
    }
}

impl Watch<'_> {
    /// The text that it has printed: an event, a key and a value on three lines each.
    #[must_use]
    pub fn seen(&self) -> BTreeSet<String> {
        self.text("out").lines().map(str::to_owned).collect()
    }

    /// Writes keys until it reports one. Events arrive in order, so it has then reported all that
    /// was written before.
    #[track_caller]
    pub fn wait_for_a_key(&self) {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let deadline = Instant::now() + LIMIT;
        loop {
            self.resume();
            // A key that it has not reported before
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let key = format!("{}watch/{number}", self.prefix);
            let _ = self.cluster.etcdctl(&self.credentials, &["put", &key, "v"]);
            for _ in 0..10 {
                if self.seen().contains(&key) {
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
            assert!(
                Instant::now() < deadline,
                "the watch reports nothing: {}",
                self.text("err")
            );
        }
    }

    /// Begins again after the last event, if the watch has ended.
    fn resume(&self) {
        let mut child = self.child.borrow_mut();
        if matches!(child.try_wait(), Ok(None)) {
            return;
        }
        let text = self.text("out");
        let mut lines = text.lines().rev();
        let last = lines.find(|line| line.starts_with(&self.prefix));
        let revision = match last {
            // The first revision of the key, because a client may have written it again
            Some(key) => match self.created(key) {
                Some(revision) => revision + 1,
                None => return,
            },
            None => 0,
        };
        *child = self
            .cluster
            .start_watch(&self.prefix, &self.credentials, &self.scratch, revision);
    }

    /// The revision in which a key was created, if etcd answers.
    fn created(&self, key: &str) -> Option<u64> {
        let fields = self
            .cluster
            .etcdctl(&self.credentials, &["get", key, "--write-out", "fields"]);
        let mut lines = fields.stdout().lines();
        let line = lines.find_map(|line| line.strip_prefix("\"CreateRevision\" : "))?;
        line.trim().parse().ok()
    }

    fn text(&self, name: &str) -> String {
        let path: PathBuf = self.scratch.path().join(name);
        let text = fs::read_to_string(path).unwrap_or_default();
        // The last line may be incomplete
        let end = text.rfind('\n').map_or(0, |end| end + 1);
        text[..end].to_owned()
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let child = self.child.get_mut();
        let _ = child.kill();
        let _ = child.wait();
    }
}

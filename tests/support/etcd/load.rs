//! Clients that write and read all the time, while a test changes certificates or restarts members.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use super::Cluster;
use crate::credentials::Credentials;

/// The time between two requests of a client. Without it, the clients would take the processors
/// that the members need
const PAUSE: Duration = Duration::from_millis(20);

/// The requests of all clients of a test, and their results.
#[derive(Debug)]
pub struct Load<'a> {
    cluster: &'a Cluster,
    retries: usize,
    pause: Duration,
    requests: AtomicUsize,
    retried: AtomicUsize,
    most_retries: AtomicUsize,
    lost: Mutex<Vec<String>>,
    written: Mutex<BTreeMap<String, String>>,
}

impl<'a> Load<'a> {
    /// Clients that repeat a failed request so many times, with this pause before each repetition.
    #[must_use]
    pub fn new(cluster: &'a Cluster, retries: usize, pause: Duration) -> Self {
        Self {
            cluster,
            retries,
            pause,
            requests: AtomicUsize::new(0),
            retried: AtomicUsize::new(0),
            most_retries: AtomicUsize::new(0),
            lost: Mutex::default(),
            written: Mutex::default(),
        }
    }

    /// Does some work while these clients write and read. They end after the work, also if it
    /// panics.
    pub fn during<T>(&self, clients: &[&Client], work: impl FnOnce() -> T) -> T {
        thread::scope(|scope| {
            let _end = End(clients);
            for client in clients {
                scope.spawn(|| self.run(client));
            }
            work()
        })
    }

    /// Writes a key and reads it back, each with a new connection, until the client is stopped.
    fn run(&self, client: &Client) {
        let _ended = Ended(client);
        let mut number = 0;
        while !client.stop.load(Ordering::Relaxed) {
            number += 1;
            let key = format!("load/{}/{number:05}", client.name);
            let value = format!("v{number}");
            if self.request(&client.credentials, &["put", &key, &value], "OK") {
                let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
                written.insert(key.clone(), value.clone());
            }
            thread::sleep(PAUSE);
            let get = ["get", &key, "--print-value-only"];
            let _ = self.request(&client.credentials, &get, &value);
            thread::sleep(PAUSE);
        }
    }

    /// The number of requests until now.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// The keys that were written, with their values.
    #[must_use]
    pub fn written(&self) -> BTreeMap<String, String> {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.clone()
    }

    /// Checks that no request was lost, and that all writes can be read.
    #[track_caller]
    pub fn check(&self, credentials: &Credentials, at_least: usize) {
        let requests = self.requests();
        println!(
            "{requests} requests, {} of them more than once, at most {} repetitions",
            self.retried.load(Ordering::Relaxed),
            self.most_retries.load(Ordering::Relaxed)
        );
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(lost.is_empty(), "of {requests} requests: {lost:#?}");
        assert!(requests >= at_least, "only {requests} requests");
        let all = self
            .cluster
            .etcdctl(credentials, &["get", "load/", "--prefix"])
            .expect_success();
        let lines: Vec<&str> = all.stdout().lines().collect();
        let stored: BTreeMap<String, String> = lines
            .chunks(2)
            .map(|pair| (pair[0].to_owned(), pair[1].to_owned()))
            .collect();
        for (key, value) in self.written() {
            assert_eq!(stored.get(&key), Some(&value), "{key}");
        }
    }

    fn request(&self, credentials: &Credentials, arguments: &[&str], expected: &str) -> bool {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut said = String::new();
        for attempt in 0..=self.retries {
            let output = self.cluster.etcdctl(credentials, arguments);
            if output.success() && output.stdout().trim() == expected {
                self.retried
                    .fetch_add(usize::from(attempt > 0), Ordering::Relaxed);
                self.most_retries.fetch_max(attempt, Ordering::Relaxed);
                return true;
            }
            said = format!("{arguments:?}: {}{}", output.stdout(), output.stderr());
            thread::sleep(self.pause);
        }
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.push(said);
        false
    }
}

/// A client of a load.
#[derive(Debug)]
pub struct Client {
    name: String,
    credentials: Credentials,
    stop: AtomicBool,
    ended: AtomicBool,
}

impl Client {
    /// A client with these files, which it reads for each request.
    #[must_use]
    pub fn new(name: &str, credentials: &Credentials) -> Self {
        Self {
            name: name.to_owned(),
            credentials: credentials.clone(),
            stop: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        }
    }

    /// Ends this client, and waits until its last request has its answer.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        while !self.ended.load(Ordering::Relaxed) {
            thread::sleep(PAUSE);
        }
    }
}

/// Asks all clients to end when it is dropped.
struct End<'a>(&'a [&'a Client]);

impl Drop for End<'_> {
    fn drop(&mut self) {
        for client in self.0 {
            client.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Marks a client as ended when it is dropped.
struct Ended<'a>(&'a Client);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Relaxed);
    }
}

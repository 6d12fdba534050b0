//! Runs commands with a disturbance at every system call that changes files, at another one each
//! time, and checks their files afterwards.
//!
//! strace counts the calls and disturbs one of them. The command runs with one worker thread, so
//! its calls are the same each time.

mod jobs;
mod state;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use regex::Regex;

pub use self::jobs::{JOBS, Job, ROTATION};
use self::state::State;
use crate::{Scratch, Tool, command::etcd_pki};

/// The system calls that change files. Opening a file is not among them, because it changes nothing
/// that the next of these calls does not change.
const CALLS: [&str; 21] = [
    "write",
    "pwrite64",
    "writev",
    "ftruncate",
    "fchmod",
    "fchmodat",
    "fchown",
    "fchownat",
    "fsync",
    "fdatasync",
    "fsetxattr",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
];

/// How a call is disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// The process is killed before the call
    Kill,
    /// The call fails with this error
    Error(&'static str),
}

/// One run of a job: the call with this name and number is disturbed.
struct Case<'a> {
    job: &'a Prepared,
    call: &'static str,
    number: usize,
    disturbance: Disturbance,
}

/// A job with the directory in which it begins.
struct Prepared {
    job: &'static Job,
    template: PathBuf,
    _scratch: Scratch,
}

/// Disturbs these jobs at each call: in each of these ways if `each`, otherwise in one of them in
/// turn.
///
/// # Panics
///
/// If a run or its files are wrong, and if there are fewer runs than `at_least`.
pub fn sweep(jobs: &'static [Job], disturbances: &[Disturbance], each: bool, at_least: usize) {
    let jobs: Vec<Prepared> = jobs.iter().map(Prepared::new).collect();
    let mut cases = Vec::new();
    let mut in_turn = disturbances.iter().cycle();
    for job in &jobs {
        for (call, count) in job.calls() {
            for number in 1..=count {
                let ways = if each { disturbances.len() } else { 1 };
                let ways = in_turn.by_ref().take(ways);
                cases.extend(ways.map(|disturbance| Case {
                    job,
                    call,
                    number,
                    disturbance: *disturbance,
                }));
            }
        }
    }
    let (next, faults) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    // The workers mostly wait for the disk and for strace
    let workers = 4 * thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(fault) = case.run() {
                        faults.lock().unwrap().push(fault);
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().unwrap();
    let first: Vec<&str> = faults.iter().take(10).map(String::as_str).collect();
    assert!(
        faults.is_empty(),
        "{} of {} runs are wrong:\n{}",
        faults.len(),
        cases.len(),
        first.join("\n")
    );
    assert!(
        cases.len() >= at_least,
        "only {} calls were disturbed",
        cases.len()
    );
    println!("{} calls were disturbed", cases.len());
}

impl Prepared {
    fn new(job: &'static Job) -> Self {
        let scratch = Scratch::new(job.name);
        let template = scratch.path().join("template");
        fs::create_dir(&template).unwrap();
        (job.prepare)(&template);
        Self {
            job,
            template,
            _scratch: scratch,
        }
    }

    /// The number of times that the job makes each call, in the thread that makes it most often:
    /// strace counts the calls of each thread.
    fn calls(&self) -> BTreeMap<&'static str, usize> {
        let scratch = Scratch::new(self.job.name);
        let directory = scratch.path().join("probe");
        copy(&self.template, &directory);
        let trace = scratch.path().join("trace");
        let output = Tool::STRACE
            .command()
            .args(["--follow-forks", "--quiet=all", "-o"])
            .arg(&trace)
            .args(["-e", &format!("trace={}", CALLS.join(","))])
            .arg(etcd_pki())
            .args(self.job.command.split(' '))
            .current_dir(&directory)
            .envs(ENVIRONMENT)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}: {}",
            self.job.name,
            said(&output)
        );
        let line = Regex::new(r"(?m)^(\d+) +(\w+)\(").unwrap();
        let mut of_threads: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let text = fs::read_to_string(trace).unwrap();
        for found in line.captures_iter(&text) {
            let [thread, call] = [1, 2].map(|group| found.get(group).unwrap().as_str());
            *of_threads.entry((call, thread)).or_default() += 1;
        }
        let mut counts = BTreeMap::new();
        for call in CALLS {
            let of_call = of_threads.iter().filter(|((name, _), _)| *name == call);
            let most = of_call.map(|(_, count)| *count).max();
            counts.extend(most.map(|most| (call, most)));
        }
        assert!(!counts.is_empty(), "{} writes nothing", self.job.name);
        counts
    }
}

/// One worker thread, and the hosts of Kubespray's script.
const ENVIRONMENT: [(&str, &str); 3] =
    [("RAYON_NUM_THREADS", "1"), ("MASTERS", "m"), ("HOSTS", "m")];

impl Case<'_> {
    fn run(&self) -> Result<(), String> {
        let scratch = Scratch::new("sweep");
        let directory = scratch.path().join("work");
        copy(&self.job.template, &directory);
        let before = State::of(&directory);
        let disturbed = self.disturb(&directory);
        let wrong = |what: &str| {
            let (name, call, number) = (self.job.job.name, self.call, self.number);
            format!(
                "{name}, {call} number {number}, {:?}: {what}\n{}",
                self.disturbance,
                said(&disturbed)
            )
        };
        if self.disturbance != Disturbance::Kill {
            self.check_answer(&disturbed).map_err(|what| wrong(&what))?;
        }
        State::of(&directory)
            .check_after(&before, &directory)
            .map_err(|what| wrong(&what))?;
        let mut next = command(self.job.job.next, &directory);
        let settled = || self.job.job.settled.map(|line| command(line, &directory));
        let is_settled = || settled().is_some_and(|output| output.status.success());
        if let Some(otherwise) = self
            .job
            .job
            .otherwise
            .filter(|_| !next.status.success() && !is_settled())
        {
            next = command(otherwise, &directory);
        }
        let is_done = next.status.success() || self.job.job.otherwise.is_some() && is_settled();
        if !is_done {
            return Err(wrong(&format!("the next run fails: {}", said(&next))));
        }
        let state = State::of(&directory);
        state
            .check_after(&before, &directory)
            .and_then(|()| state.check_whole())
            .map_err(|what| wrong(&what))?;
        match settled() {
            Some(output) if !output.status.success() => Err(wrong(&format!(
                "something is left to do: {}",
                said(&output)
            ))),
            _ => Ok(()),
        }
    }

    fn disturb(&self, directory: &Path) -> Output {
        let (call, number) = (self.call, self.number);
        let how = match self.disturbance {
            Disturbance::Kill => "signal=KILL".to_owned(),
            Disturbance::Error(error) => format!("error={error}"),
        };
        Tool::STRACE
            .command()
            .args([
                "--follow-forks",
                "--quiet=all",
                "-o",
                "/dev/null",
                "-e",
                &format!("trace={call}"),
            ])
            .args(["-e", &format!("inject={call}:{how}:when={number}")])
            .arg(etcd_pki())
            .args(self.job.job.command.split(' '))
            .current_dir(directory)
            .envs(ENVIRONMENT)
            .output()
            .unwrap()
    }

    /// Checks that a failing call is reported, unless it does not matter.
    fn check_answer(&self, output: &Output) -> Result<(), String> {
        let said = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            _ if said.contains("panicked") => Err("it panics".to_owned()),
            Some(0) => Ok(()),
            // The failing call may be the one that writes the message
            Some(1) if said.contains("etcd-pki: ") || self.call == "write" => Ok(()),
            Some(1) => Err("it fails without a reason".to_owned()),
            code => Err(format!("its exit code is {code:?}")),
        }
    }
}

/// Runs the command in a directory.
fn command(line: &str, directory: &Path) -> Output {
    let mut command = Command::new(etcd_pki());
    command
        .current_dir(directory)
        .args(line.split(' '))
        .envs(ENVIRONMENT)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (source, target) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if source.is_symlink() {
            symlink(fs::read_link(&source).unwrap(), target).unwrap();
        } else if source.is_dir() {
            copy(&source, &target);
        } else {
            fs::copy(&source, &target).unwrap();
        }
    }
}

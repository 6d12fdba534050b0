//! The memory of the command, which contains keys, is private: no core file, and no access from
//! another process of the same user.
#![cfg(target_os = "linux")]
use std::{
    fs,
    os::unix::{
        fs::MetadataExt as _,
        process::{CommandExt as _, ExitStatusExt as _},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use etcd_pki_tests::{
    Scratch,
    cluster::{Cluster, PAIRS, SPECIFICATION},
    command::etcd_pki,
    run, stderr_of,
};
use rustix::process::{Pid, Signal, kill_process};

const NOBODY: u32 = 65_534;

/// Starts the command as another user. The system would write a core for this user. The command
/// waits for its input.
fn waiting(folder: &Path) -> Child {
    let program = folder.join("etcd-pki");
    let _ = run(Command::new("cp").arg(etcd_pki()).arg(&program)).expect_success();
    let script = "ulimit -c $(ulimit -H -c); exec \"$0\" key show -";
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .arg(program)
        .current_dir(folder)
        .uid(NOBODY)
        .gid(NOBODY);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = command.spawn().unwrap();
    // It is the last change before the command reads its input
    let is_private = || proc(&child, "stat").metadata().unwrap().uid() == 0;
    let is_ours = || fs::read_to_string(proc(&child, "comm")).unwrap() == "etcd-pki\n";
    let begin = Instant::now();
    while !(is_ours() && is_private()) {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "another user's process may read its memory"
        );
        thread::sleep(Duration::from_millis(10));
    }
    child
}

fn proc(child: &Child, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{}/{name}", child.id()))
}

fn folder() -> Scratch {
    let scratch = Scratch::new("private-memory");
    std::os::unix::fs::chown(scratch.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    scratch
}

#[test]
fn its_user_cannot_read_it() {
    let scratch = folder();
    let mut child = waiting(scratch.path());
    let limits = fs::read_to_string(proc(&child, "limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(
        core.split_whitespace().collect::<Vec<_>>(),
        ["Max", "core", "file", "size", "0", "0", "bytes"]
    );
    for file in ["mem", "environ", "maps"] {
        let mut read = Command::new("head");
        let output = read
            .args(["-c", "1"])
            .arg(proc(&child, file))
            .uid(NOBODY)
            .gid(NOBODY)
            .output()
            .unwrap();
        let stderr = stderr_of(&output, 1);
        assert!(stderr.contains("Permission denied"), "{file}: {stderr}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn an_abort_leaves_no_core() {
    let scratch = folder();
    let mut child = waiting(scratch.path());
    kill_process(Pid::from_child(&child), Signal::ABORT).unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()));
    assert!(!status.core_dumped());
    let names = fs::read_dir(scratch.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    assert_eq!(names.collect::<Vec<_>>(), ["etcd-pki"]);
}

/// A process that is not dumpable still reaches its own files through /proc, which gives new files
/// their names.
#[test]
fn it_still_writes_as_any_user() {
    let cluster = Cluster::new(SPECIFICATION);
    fs::create_dir(cluster.directory()).unwrap();
    fs::write(cluster.file(etcd_pki_tests::LOCK_FILE), "").unwrap();
    let as_nobody = cluster.given_to_nobody();
    let _ = stderr_of(&as_nobody(&["apply"]), 0);
    assert_eq!(cluster.contents().len(), 2 * PAIRS);
    // The path leads through /proc/self
    let shown = Command::new("sh")
        .args([
            "-c",
            "exec \"$0\" key show /dev/stdin < ssl/client-root-key.pem",
        ])
        .arg(cluster.path().join("etcd-pki"))
        .current_dir(cluster.path())
        .uid(NOBODY)
        .gid(NOBODY)
        .output()
        .unwrap();
    let _ = stderr_of(&shown, 0);
}

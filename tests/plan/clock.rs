//! A machine with a clock that begins in 1970: nothing is issued with this time, and every plan
//! reports the reason.
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{SystemTime, UNIX_EPOCH},
};

use etcd_pki_tests::{Scratch, command::etcd_pki, run};

/// A library that is loaded before the system's and stops the clock.
const CLOCK: &str = r#"
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>
int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_REALTIME) now->tv_sec = SECONDS;
    return result;
}
"#;

/// Builds the library for a fixed time, with the C compiler that links Rust programs.
fn library(folder: &Path, seconds: u64) -> PathBuf {
    let (source, library) = (
        folder.join("clock.c"),
        folder.join(format!("clock-{seconds}.so")),
    );
    fs::write(&source, CLOCK.replace("SECONDS", &seconds.to_string())).unwrap();
    let _ = run(Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&source))
    .expect_success();
    library
}

fn at(clock: &Path, folder: &Path, line: &str) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = Command::new(etcd_pki())
        .current_dir(folder)
        .env("LD_PRELOAD", clock)
        .args(line.split_whitespace())
        .output()
        .unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn a_clock_that_begins_in_1970_is_named_and_makes_nothing() {
    let scratch = Scratch::new("clock");
    let folder = scratch.path();
    let made = Command::new(etcd_pki())
        .current_dir(folder)
        .args(["ca", "new", "-d", "pki"])
        .output()
        .unwrap();
    assert!(made.status.success());
    fs::write(folder.join("cluster.yaml"), "clients: [app]\n").unwrap();
    let wrong = library(folder, 100);
    for line in [
        "ca new -d other",
        "ca renew -d pki",
        "cert issue client app -d pki",
        "apply -f cluster.yaml -d pki",
        "apply -f cluster.yaml -d new",
    ] {
        let (code, stderr) = at(&wrong, folder, line);
        assert_eq!(code, Some(1), "{line}: {stderr}");
        let expected = "the clock of this machine is wrong: it shows 1970-01-01T00:01:40Z";
        assert!(stderr.contains(expected), "{line}: {stderr}");
        let leaf = folder.join("pki/client-app.pem");
        assert!(
            !leaf.exists()
                && !folder.join("other/ca.pem").exists()
                && !folder.join("new/ca.pem").exists(),
            "{line}"
        );
    }
    let (code, stderr) = at(&wrong, folder, "plan -f cluster.yaml -d new");
    assert_eq!(
        (code, stderr.matches("clock").count()),
        (Some(0), 1),
        "{stderr}"
    );
}

/// A command that only reads reports why every certificate seems to be from the future.
#[test]
fn a_wrong_clock_is_named_by_what_reads() {
    let scratch = Scratch::new("clock");
    let folder = scratch.path();
    for line in ["ca new -d pki", "cert issue member m -d pki"] {
        let made = Command::new(etcd_pki())
            .current_dir(folder)
            .args(line.split_whitespace())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
    }
    // 1970, and the last second of 2019
    for (seconds, shown) in [
        (100, "1970-01-01T00:01:40Z"),
        (1_577_836_799, "2019-12-31T23:59:59Z"),
    ] {
        let wrong = library(folder, seconds);
        for line in [
            "check pki",
            "check pki --json",
            "check pki --format nagios",
            "cert verify pki/member-m.pem -d pki",
            "cert verify pki/member-m.pem -d pki --json",
        ] {
            let output = Command::new(etcd_pki())
                .current_dir(folder)
                .env("LD_PRELOAD", &wrong)
                .args(line.split_whitespace())
                .output()
                .unwrap();
            assert!(!output.status.success(), "{line}");
            let printed = String::from_utf8_lossy(&output.stdout);
            let expected = format!("the clock of this machine is wrong: it shows {shown}");
            assert!(printed.contains(&expected), "{line}: {printed}");
        }
    }
}

#[test]
fn a_clock_that_may_be_right_is_not_named() {
    let scratch = Scratch::new("clock");
    // The first second of 2020
    let clock = library(scratch.path(), 1_577_836_800);
    let (code, stderr) = at(&clock, scratch.path(), "ca new -d pki");
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!stderr.contains("clock"), "{stderr}");
}

/// With a clock that is years ahead, a whole cluster seems to have expired long ago. A date alone
/// does not show that the clock is ahead, but the certificates do.
#[test]
fn a_clock_in_the_future_is_doubted_where_everything_expired() {
    const YEAR: u64 = 365 * 86_400;
    let scratch = Scratch::new("clock");
    let folder = scratch.path();
    for line in ["ca new -d pki", "cert issue member m -d pki"] {
        let made = Command::new(etcd_pki())
            .current_dir(folder)
            .args(line.split_whitespace())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = now.as_secs();
    let note = "is the clock of this machine right? It shows 2";
    // The CA is valid for ten years, and the member for one
    for (years, is_doubted) in [(3, false), (10, false), (12, true), (73, true)] {
        let clock = library(folder, now + years * YEAR);
        let (_, stderr) = at(&clock, folder, "check pki");
        assert_eq!(stderr.contains(note), is_doubted, "{years}: {stderr}");
        // The user named this time
        let (_, stderr) = at(&clock, folder, "check pki --at 2100-01-01T00:00:00Z");
        assert!(!stderr.contains(note), "{years}: {stderr}");
    }
}
